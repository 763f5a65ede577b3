//! What the conversation and a speech service say to each other, in terms that fit any service.
//!
//! ```text
//!                ──── ProviderCommand, in order, as fast as the connection takes them ──▶
//!  conversation  ──── Control, at once ────────────────────────────────────────────────▶  provider ⇄ service
//!                ◀─── ProviderEvent, every one counts ──────────────────────────────────
//! ```
//!
//! A provider owns its connection: it dials, keeps it, resumes and retries, and knows formats, models and faults of its service.
//! To add one, write a folder beside [`gemini`]: a [`Service`], and a task that serves the three channels of a
//! [`ProviderHandle`]; [`choose`] starts it. The [`echo`] shows the least that it takes.

pub mod choose;
pub mod config;
pub mod connection;
pub mod echo;
mod event;
pub mod gemini;
pub mod grounding;
pub mod turn_cost;
pub mod turn_end_reason;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::turn::context_seed::HistoryTurn;
use turn_cost::Pricing;

pub use config::SessionConfig;
pub use event::{
    Capabilities, EndReason, FaultKind, ProviderEvent, ProviderFault, Ready, ReplyAudio, Speaker,
    TokenUsage, TurnDetection,
};
pub use turn_end_reason::EndKind;

/// A running provider. It ends when `commands` or `events` is dropped; `task` is done then.
pub struct ProviderHandle {
    pub commands: mpsc::Sender<ProviderCommand>,
    pub controls: mpsc::Sender<Control>,
    pub events: mpsc::Receiver<ProviderEvent>,
    pub task: JoinHandle<()>,
    /// What a new session is told of the conversation so far, oldest first; the newest value holds.
    pub history: watch::Sender<Arc<[HistoryTurn]>>,
    /// What is known of the service without asking it.
    pub service: Arc<dyn Service>,
}

/// What is known of a service without a connection.
pub trait Service: Send + Sync {
    /// What a connection that is asked for this can do.
    fn capabilities(&self, config: &SessionConfig) -> Capabilities;

    /// Whether a connection that was asked for `old` has to make way for another to follow `new`.
    fn needs_reconnect(&self, old: &SessionConfig, new: &SessionConfig) -> bool {
        old != new
    }

    /// What is published of the price of a model that answers at this host.
    fn pricing(&self, host: &str, model: &str) -> Pricing;

    /// The model that took the place of one that has ended.
    fn successor(&self, model: &str) -> Option<&'static str>;
}

/// What is sent to the service. It is taken only as fast as the connection takes it.
#[derive(Debug)]
pub enum ProviderCommand {
    /// An utterance begins, where this program decides.
    StartUtterance,
    /// The user goes on with the utterance that ended last: the service has its beginning.
    ContinueUtterance,
    /// Microphone audio: mono, 16 bit, 16 kHz; a multiple of 10 ms.
    Audio(Vec<i16>),
    /// The utterance is over, where this program decides. Pending audio and this leave in one flush;
    /// [`ProviderEvent::EndSent`] follows.
    EndUtterance,
    /// The microphone stops, where the service decides; pending audio and this leave in one flush.
    StopStream,
    /// A typed question: within an utterance where this program decides, else a turn of its own.
    Text(String),
}

/// What is asked of the connection itself. It is heard at once, however much waits to be sent.
#[derive(Debug)]
pub enum Control {
    /// Close this connection and open another for this, with the same conversation unless the model is another.
    Roll(Box<SessionConfig>),
    /// Use another endpoint or key, and begin a new conversation there.
    Redial(Box<ServiceEndpoint>, Box<SessionConfig>),
    /// Do not wait for the next attempt.
    RetryNow,
    /// The service owes an answer and has been silent for too long: take this connection for lost, and open another.
    Replace,
    /// Panic, to see what becomes of it.
    #[cfg(test)]
    Panic,
}

#[derive(Clone, Debug)]
pub struct ServiceEndpoint {
    /// A `ws://` (loopback only) or `wss://` address, path included.
    pub url: url::Url,
    /// The API key, where this endpoint may have it.
    pub key: Option<secrecy::SecretString>,
}
