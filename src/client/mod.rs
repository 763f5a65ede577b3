//! The Live client: one actor that owns the connection, its set-up, resumption and retries.

mod actor;
pub mod dial;
pub mod environment;
pub mod error;
mod hints;
pub mod models;
mod nonsense;
mod open;
mod proxy;
mod round_trip;
pub mod setup;
mod socket;
mod tls;
mod translate;
mod trust;
mod upgrade;
mod uplink;

pub use self::actor::{spawn, spawn_idle};
