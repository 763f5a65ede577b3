//! Floor 0: units, frames, rings, identifiers and YAML text. No I/O, no async, nothing else of ours.

pub mod frame;
pub mod ids;
pub mod units;
