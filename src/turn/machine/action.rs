//! The actions of the turn machine, and closed turns.

use std::time::Duration;

use crate::base::ids::TurnId;
use crate::base::localized_text::LocalizedText;
use crate::turn::timeline::Timeline;

/// A step that the machine asks for; steps are taken in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Begin a turn towards the service; the audio that is kept for it goes first.
    Begin(TurnId),
    /// Begin its activity again on the same connection: the service keeps what it has heard of it.
    Continue(TurnId),
    /// End it towards the service.
    End(TurnId),
    /// Play the reply audio that was just reported, as this turn's. Without this action it is dropped.
    Play(TurnId),
    /// Play the last reply that was heard again, all of it, as this turn's.
    Replay(TurnId),
    /// No more audio of this reply will come.
    EndReply(TurnId),
    /// Silence the speaker and drop what is queued.
    StopReply,
    /// The service owes an answer and has given no sign for this long: replace the connection. What was said is offered to
    /// the next one.
    Replace(Duration),
    Close(Box<Closed>),
}

/// A turn that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    pub turn: TurnId,
    /// Whether the user asked; unasked speech of the service has no record.
    pub asked: bool,
    /// Whether the user typed it: it has no marks of speech.
    pub typed: bool,
    pub outcome: Outcome,
    pub timeline: Timeline,
    /// Whether the service showed that all of it had arrived.
    pub received: bool,
    /// How often the user went on after its endpoint.
    pub reopened: u32,
    /// How often because patience was too short.
    pub cut_offs: u32,
    /// Early closes after which the user went on.
    pub false_endpoints: u32,
    /// The service stopped its answer by itself, without speech or a key press.
    pub broken_off: bool,
    /// How it is asked again, where the connection is to blame for its failure.
    pub retry: Retry,
    /// How much of the reply was heard.
    pub heard: Duration,
    /// From the interrupting onset to the lowered reply, if speech cut it.
    pub ducked_after: Option<Duration>,
    /// From the interrupting onset to silence, if speech cut the reply.
    pub silenced_after: Option<Duration>,
}

/// How a question is asked again that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// As the user likes, until the next question.
    #[default]
    None,
    /// At once: the connection cut its answer off.
    ByItself,
    /// When the user says so, however much later: the service does not have it.
    WithConsent,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// The reply was played to its end.
    #[default]
    Completed,
    /// An audible reply was cut.
    Interrupted,
    /// It ended before it was audible.
    Cancelled,
    /// The service ended it without an audible answer.
    Empty,
    /// It failed, for this reason.
    Failed(LocalizedText),
}

impl Outcome {
    /// Whether something of an answer was heard.
    pub fn is_heard(&self) -> bool {
        matches!(self, Self::Completed | Self::Interrupted)
    }

    /// Its name in the JSON of a turn.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
            Self::Empty => "empty",
            Self::Failed(_) => "failed",
        }
    }
}
