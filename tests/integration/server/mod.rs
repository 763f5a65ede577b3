//! The embedded server, from the outside: what a client sees on the wire. Messages are written by hand after the
//! protocol's reference, and time is simulated wherever it matters.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accepts;
mod peer;
mod refuses;
mod scripts;
mod tcp;
mod turns;
