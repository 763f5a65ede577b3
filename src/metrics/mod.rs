//! Numbers that are recorded without locks on the hot paths and read by the faces.

pub mod counters;
pub mod histogram;
