//! What was asked and not answered aloud: told in time, asked again where the user wants it, and asked of a new conversation
//! where the service rejects one answer after the other.
//!
//! ```text
//! sent ──▶ no sound within `live.reply_deadline_ms` ──▶ a notice, until there is an answer
//! closed without sound ──▶ what was asked is kept until the next turn begins ── Ask again ──▶ a turn with the same words
//! rejected twice in a row ──▶ another connection at the next pause, without the handle
//! ```

use std::collections::VecDeque;

use crate::base::ids::TurnId;

/// See the drawing above.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// What was said or typed and not answered aloud, oldest first.
    pub(super) kept: VecDeque<UnansweredQuestion>,
    /// The turn that the machine is about to open asks this one's question again.
    pub(super) repeats: Option<TurnId>,
    /// The last turn, if its answer came in writing alone.
    pub(super) written: Option<TurnId>,
    /// The conversation ends: nothing is asked again.
    pub(super) over: bool,
    /// Answers in a row that the service kept back.
    pub(super) rejections: u32,
}

/// What can be asked again; the sound of an utterance is in the resend buffer.
#[derive(Debug)]
pub(super) struct UnansweredQuestion {
    pub(super) turn: TurnId,
    pub(super) samples: u64,
    /// What was typed, where it was not spoken: as it is sent, and as it is shown.
    pub(super) typed: Option<(String, String)>,
    pub(super) input: Option<String>,
    pub(super) asked_again: u32,
    /// The utterance is among those that were answered, or lost.
    pub(super) counted: bool,
    /// It is asked again as soon as nothing else goes on.
    pub(super) by_itself: bool,
    /// The service does not have it: it is kept while other questions are asked.
    pub(super) stays: bool,
}
