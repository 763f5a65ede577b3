//! Whose turn it is, and what a turn's instants say.

pub mod early;
pub mod machine;
pub mod pace;
mod patience;
mod replies;
pub mod timeline;
