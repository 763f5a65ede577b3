//! The turns of the conversation: the machine that decides about them, and what is kept of each.

use std::collections::HashMap;
use std::time::Duration;

use super::turn_notes::TurnNotes;
use crate::base::ids::TurnId;
use crate::base::tokens::TokenCounts;
use crate::turn::machine::Machine;

/// Turns that are open, and what outlives them.
pub(super) struct Turns {
    pub(super) machine: Machine,
    pub(super) resend: super::resend_buffer::ResendBuffer,
    pub(super) captions: super::captions::Captions,
    pub(super) notes: HashMap<TurnId, TurnNotes>,
    /// Number of the last turn of the user; a question that is asked again counts again.
    pub(super) count: u64,
    /// The last reply that was heard.
    pub(super) replay: super::replay::Replay,
    pub(super) asking: super::asking::Asking,
    pub(super) carry_over: super::carry_over::CarryOver,
    pub(super) keeping: super::keeping::Keeping,
    /// How old the newest frame of speech was when it arrived here.
    pub(super) lag: Option<Duration>,
    /// Counted since the last turn was closed, for turns that were closed already.
    pub(super) late_tokens: TokenCounts,
}

impl Turns {
    /// No turn yet. `manual`: this program detects their ends. `overflow` takes what of unanswered speech is too much for memory.
    pub(super) fn new(
        manual: bool,
        keeping: super::keeping::Keeping,
        overflow: super::overflow::Overflow,
    ) -> Self {
        Self {
            machine: Machine::new(manual),
            resend: super::resend_buffer::ResendBuffer::new(overflow),
            captions: super::captions::Captions::default(),
            notes: HashMap::new(),
            count: 0,
            replay: super::replay::Replay::default(),
            asking: super::asking::Asking::default(),
            carry_over: super::carry_over::CarryOver::default(),
            keeping,
            lag: None,
            late_tokens: TokenCounts::default(),
        }
    }
}
