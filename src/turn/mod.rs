//! Turn taking: machine, endpointing, reply attribution, timeline.

mod adaptive_silence;
pub mod early;
pub mod endpointing;
pub mod machine;
mod reply_attribution;
pub mod timeline;
