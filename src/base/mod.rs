//! Units, tokens and what they cost, frames, rings, identifiers, YAML text, tables of keys, retention, WAV bytes, the
//! environment, sleep of the system, work on a thread aside, and restarts after a panic. No other I/O, nothing else of ours.

pub mod chord;
pub mod cost;
pub mod counters;
pub mod dates;
pub mod did_you_mean;
pub mod frame;
pub mod ids;
pub mod keys;
pub mod languages;
pub mod local_caller;
pub mod localized_text;
pub mod plural;
pub mod printable;
pub mod problem;
pub mod retention;
pub mod ring;
pub mod severity;
pub mod sleep;
pub mod supervise;
pub mod text;
pub mod thread;
pub mod tokens;
pub mod units;
pub mod variable;
pub mod voices;
pub mod wav;
pub mod yaml;
