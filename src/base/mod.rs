//! Floor 0: units, tokens and cost, frames, rings, counters, identifiers, YAML text, WAV bytes, environment variables, helper
//! threads. No other I/O, no other module of the crate.

pub mod cost;
pub mod counters;
pub mod did_you_mean;
pub mod frame;
pub mod ids;
pub mod languages;
pub mod local_caller;
pub mod plural;
pub mod printable;
pub mod ring;
pub mod severity;
pub mod thread;
pub mod tokens;
pub mod units;
pub mod variable;
pub mod voices;
pub mod wav;
pub mod yaml;
