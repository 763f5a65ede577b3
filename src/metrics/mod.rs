//! Numbers that are recorded without locks on the hot paths and read by the faces; what is made of them over hours and
//! days; when somebody is told; and what the cause is likely to be. Pure: time comes in as an argument.

pub mod alert;
pub mod buckets;
pub mod counters;
pub mod diagnosis;
pub mod exposition;
pub mod histogram;
pub mod leak;
pub mod series;
pub mod sketch;
