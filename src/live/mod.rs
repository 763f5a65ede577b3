//! The Live protocol as data: messages, audio in messages, models, prices, and the state of a link. No I/O.

/// The host of Gemini Live.
pub const GOOGLE_HOST: &str = "generativelanguage.googleapis.com";

mod base64;
pub mod close;
pub mod ending;
pub mod grounding;
pub mod link;
pub mod message;
pub mod models;
pub mod pcm;
pub mod price;
