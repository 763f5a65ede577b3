//! What was asked and not answered aloud: told in time, asked again where the user wants it, and asked of a new conversation
//! where the service rejects one answer after the other.
//!
//! ```text
//! sent ──▶ no sound within `live.reply_deadline_ms` ──▶ a notice, until there is an answer
//! closed without sound ──▶ what was asked is kept until the next turn begins ── Ask again ──▶ a turn with the same words
//! rejected twice in a row ──▶ another connection at the next pause, without the handle
//! ```

use crate::base::ids::TurnId;

/// See the drawing above.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// What was said or typed last, if it was not answered aloud.
    pub(super) kept: Option<UnansweredQuestion>,
    /// The turn that the machine is about to open is this one's.
    pub(super) repeats: bool,
    /// The last turn, if its answer came in writing alone.
    pub(super) written: Option<TurnId>,
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
}
