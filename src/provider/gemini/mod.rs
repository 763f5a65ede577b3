//! Gemini Live: one actor that owns the connection, its setup, resumption and retries; the messages of the protocol, audio in
//! them, models and prices.

mod actor;
mod api_version;
mod base64;
pub mod close_frame;
mod grounding;
mod handle_gate;
mod hints;
mod history;
mod lifetime;
pub mod message;
pub mod model_list;
pub mod models;
mod nonsense;
mod open;
pub mod pcm;
pub mod price_list;
mod service;
pub mod setup;
mod translate;
mod turn_end_reason;
mod uplink;
mod way_watch;

pub use actor::spawn;
