//! Floor 4, the terminal.

pub mod devices;
pub mod doctor;
pub mod profiles;
pub mod serve;
