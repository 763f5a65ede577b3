//! Floor 3: wires sound, turns and service together. A [`Command`](command::Command) goes in, a
//! [`Snapshot`](snapshot::Snapshot) comes out.

pub mod command;
pub mod snapshot;
