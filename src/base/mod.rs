//! Floor 0: units, frames, rings, identifiers and YAML text. No I/O, no async, nothing else of ours.

pub mod frame;
pub mod ids;
pub mod nearest;
pub mod ring;
pub mod units;
pub mod voices;
pub mod words;
pub mod yaml;
