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
mod trust;
mod upgrade;
mod uplink;

pub use self::actor::{Handle, spawn, spawn_idle};

use std::time::{Duration, Instant};

use crate::live::message::{ClientMessage, ServerMessage};
use crate::provider::SessionConfig;

/// What the session sends to the service. It is taken only as fast as the connection takes it.
#[derive(Debug)]
pub enum Command {
    /// Manual detection: an utterance begins.
    ActivityStart,
    /// Microphone audio: mono, 16 bit, 16 kHz; a multiple of 10 ms. Sent at once, 20 to 40 ms to a message.
    Audio(Vec<i16>),
    /// Manual detection: the utterance is over. Pending audio and this leave in one flush; [`Event::Flushed`] follows.
    ActivityEnd,
    /// Automatic detection: the microphone stops; pending audio and this leave in one flush.
    AudioStreamEnd,
    /// Any other message.
    Send(ClientMessage),
}

/// What the session asks of the connection itself. It is heard at once, however much waits to be sent.
#[derive(Debug)]
pub enum Control {
    /// Close this connection and open another for this, and with the newest handle unless the model is another.
    Roll(Box<SessionConfig>),
    /// Use another endpoint or key: close, forget the handle, open another for this.
    Redial(Box<Target>, Box<SessionConfig>),
    /// Do not wait for the next attempt.
    RetryNow,
    /// The service owes an answer and has been silent for too long: take this connection for lost, and open another.
    Replace,
}

/// Where to connect.
#[derive(Clone, Debug)]
pub struct Target {
    /// A `ws://` (loopback only) or `wss://` address, path included.
    pub url: url::Url,
    /// The API key, where this endpoint may have it.
    pub key: Option<secrecy::SecretString>,
}

/// What the client reports.
#[derive(Debug)]
pub enum Event {
    /// An attempt begins; counts from 1 since the last connection that proved itself.
    Connecting {
        /// Which attempt.
        attempt: u32,
    },
    /// `setupComplete` was read: messages may be sent.
    Ready {
        /// Counts the connections of this session from 1.
        connection: u32,
        /// Whether the service restored the conversation from a handle.
        resumed: bool,
        /// Whether it came about under `v1` of the API, where `v1beta` was asked for.
        under_v1: bool,
    },
    /// The service said something.
    Message {
        /// What.
        message: Box<ServerMessage>,
        /// When it was read from the socket.
        at: Instant,
    },
    /// The end of a turn was handed to the socket and flushed: an `activityEnd`, or with automatic detection a text.
    Flushed {
        /// When.
        at: Instant,
    },
    /// The service announced the end of the connection; answer with [`Control::Roll`] at a quiet moment.
    GoAway {
        /// How long it will last.
        time_left: Duration,
    },
    /// The service refused to be told which languages and names are spoken, and was set up without.
    HintsRefused,
    /// The connection is gone or could not be made.
    Lost {
        /// Why, and what can be done.
        fault: error::Fault,
        /// When it is tried again by itself; `None`: not before [`Control::RetryNow`], `Roll` or `Redial`.
        retry_in: Option<Duration>,
    },
}
