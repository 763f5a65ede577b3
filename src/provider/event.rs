//! What a provider reports.

use std::time::{Duration, Instant};

use super::grounding::Grounding;
use super::turn_end_reason::EndKind;
use crate::base::localized_text::LocalizedText;
use crate::base::tokens::TokenCounts;
use crate::base::units::SampleRate;

/// What a provider reports. What one message of the service holds becomes several events, in its order.
#[derive(Debug)]
pub enum ProviderEvent {
    /// An attempt begins; counts from 1 since the last connection that proved itself.
    Connecting {
        attempt: u32,
    },
    /// The service can be talked to.
    Ready(Ready),
    /// The service refused to be told which languages and names are spoken, and was asked without.
    HintsRefused,
    /// The end of a turn was handed to the socket and flushed: of an utterance, or of a text where the service decides.
    EndSent {
        at: Instant,
    },
    /// The end that was sent last got through a slow line at this instant only; said before its answer begins.
    EndDelivered {
        at: Instant,
    },
    /// A piece of the spoken answer.
    ReplyAudio(ReplyAudio),
    /// Sound came that cannot be played.
    UnplayableAudio {
        mime: String,
    },
    /// A piece of an answer in writing, which is no transcript.
    Text(String),
    /// A piece of an answer that is neither said nor shown, such as a thought.
    Content,
    /// Words that were heard or spoken; a piece to be appended.
    Transcript {
        speaker: Speaker,
        text: String,
    },
    /// The service is at work, and nothing of its answer came with this sign.
    Alive,
    /// The user spoke into the answer.
    Interrupted,
    /// All of the answer was sent.
    GenerationComplete,
    /// Why the service ends the turn; its end follows.
    EndReason(EndReason),
    TurnComplete {
        /// More of the same answer follows: the model goes on thinking.
        goes_on: bool,
    },
    /// The service wants functions to be called. No function is offered: the provider answers with an error.
    ToolCalls {
        count: usize,
        /// Whether all of them can be answered; else the service waits in vain.
        answerable: bool,
    },
    /// The service searched the web.
    Searched(Grounding),
    Usage(TokenUsage),
    /// Nothing that is sent arrives, where the system tells it; or it does again.
    Stalled(bool),
    /// The connection will end, or a better one can be had; answer with [`Control::Roll`](super::Control::Roll) at a quiet moment.
    GoingAway {
        /// How long it will last at least.
        time_left: Duration,
    },
    /// The connection is gone or could not be made.
    Lost {
        /// Why, and what can be done.
        fault: ProviderFault,
        /// When it is tried again by itself; `None`: not before [`RetryNow`](super::Control::RetryNow), `Roll` or `Redial`.
        retry_in: Option<Duration>,
    },
}

/// A connection that can be talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Counts the connections of this run from 1.
    pub connection: u32,
    /// Whether the service restored the conversation.
    pub resumed: bool,
    /// How many turns of the conversation a new session was told of.
    pub told: usize,
    pub capabilities: Capabilities,
    /// The version of the API in use, where the usual one does not have the model.
    pub other_version: Option<&'static str>,
}

/// A piece of the spoken answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyAudio {
    /// Rate of `samples`.
    pub rate: SampleRate,
    /// Mono, 16 bit.
    pub samples: Vec<i16>,
    /// When it was read from the socket.
    pub read_at: Instant,
    /// When it had become samples.
    pub decoded_at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    User,
    Assistant,
}

/// Why the service ended a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndReason {
    pub name: String,
    /// Its kind; `None` where it names none.
    pub kind: Option<EndKind>,
}

/// Tokens that the service counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenUsage {
    pub billed: TokenCounts,
    /// Size of the context that was read, where the service tells it.
    pub context: Option<u64>,
}

/// Why there is no connection. Holds no key and no header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct ProviderFault {
    pub what: LocalizedText,
    pub hint: &'static str,
    pub kind: FaultKind,
}

/// What a fault means to those who handle it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Another key is needed.
    Key,
    /// The service was reached, and refused what was asked for.
    Refused,
    /// This program failed.
    Internal,
    Other,
}

/// What a connection can do, as far as this program asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Who decides when a turn begins and ends.
    pub turns: TurnDetection,
}

/// Who decides when a turn begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnDetection {
    /// This program: [`StartUtterance`](super::ProviderCommand::StartUtterance) and
    /// [`EndUtterance`](super::ProviderCommand::EndUtterance) stand around each utterance.
    Client,
    /// The service, from all that the microphone hears.
    Service,
}
