//! Floor 4, the terminal.

pub mod serve;
