//! Whose turn it is, and what a turn's instants say.

pub mod machine;
mod replies;
pub mod timeline;
