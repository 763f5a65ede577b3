//! What the conversation and a speech service say to each other, in terms that fit any service.

pub mod config;

pub use config::SessionConfig;
