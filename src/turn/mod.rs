//! Whose turn it is, and what a turn's instants say.

mod adaptive_silence;
pub mod early;
pub mod endpointing;
pub mod machine;
mod reply_attribution;
pub mod timeline;
