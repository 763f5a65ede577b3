//! What a listener must not miss.

use std::time::Instant;

use crate::base::ids::TurnId;
use crate::base::severity::Severity;
use crate::telemetry::record::TurnRecord;
use crate::telemetry::summary::Summary;

/// What a listener must not miss.
#[derive(Clone, Debug)]
pub enum Event {
    /// A reply became audible.
    Audible {
        /// Its turn.
        turn: TurnId,
        /// When.
        at: Instant,
    },
    /// A turn of the user is over.
    Closed(Box<TurnRecord>),
    /// Something that the user should know.
    Notice(Severity, String),
    /// The file that gets the replies cannot be written any more; why, in words.
    NotWritten(String),
    /// All input files were spoken and answered.
    InputOver,
    /// So much was spent as may be, and the microphone is closed; in words, with how to go on. Input files that were not
    /// spoken yet stay so.
    LimitReached(String),
    /// A part that cannot be done without is gone.
    Broken(String),
    /// The conversation is over; nothing follows.
    Over(Box<Summary>),
}

impl Event {
    /// What kind it is, without what is in it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Audible { .. } => "audible",
            Self::Closed(_) => "closed",
            Self::Notice(..) => "notice",
            Self::NotWritten(_) => "not written",
            Self::InputOver => "input over",
            Self::LimitReached(_) => "limit reached",
            Self::Broken(_) => "broken",
            Self::Over(_) => "over",
        }
    }
}
