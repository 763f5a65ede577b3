//! What both sides said, in pieces.

use std::sync::Arc;
use std::time::Duration;

use crate::base::ids::TurnId;
use crate::provider::Speaker;
use crate::provider::grounding::Grounding;
use crate::turn::timeline::Latencies;

/// Whether all was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CaptionEnd {
    #[default]
    Whole,
    /// The user stopped it before its end.
    Stopped,
    /// It broke off with the connection, and is asked for again by itself.
    CutOff,
}

/// A piece of the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caption {
    /// Who says it.
    pub speaker: Speaker,
    /// What the speaker is called: as it was when this was said.
    pub name: &'static str,
    /// The turn that it belongs to.
    pub turn: TurnId,
    /// Wall-clock time of its start, "14:02:11".
    pub time: String,
    /// The words so far.
    pub text: String,
    /// The user typed them.
    pub typed: bool,
    /// They were not sent, as the spend limit was reached.
    pub unsent: bool,
    /// More words may come.
    pub open: bool,
    pub end: CaptionEnd,
    /// It was written by the service, and nothing of it was spoken.
    pub unspoken: bool,
    /// It was spoken, and there are no words of it: the profile does without, or the service wrote none.
    pub unwritten: bool,
    /// Where it comes from, if the service searched for it.
    pub found: Option<Arc<Grounding>>,
    /// The turn's figures, on the reply, once it was heard.
    pub latencies: Option<Latencies>,
    /// The target of the turn's response when it was answered, beside `latencies`.
    pub target: Option<Duration>,
    /// It goes on with what the caption before it says: one of many pages is kept in parts.
    pub continued: bool,
}
