//! Turn taking: machine, patience, reply attribution, timeline.

mod adaptive_patience;
pub mod context_seed;
pub mod early;
pub mod machine;
pub mod patience;
mod reply_attribution;
pub mod timeline;
