//! What was asked and not answered aloud: told in time, asked again where the user wants it, and asked of a new conversation
//! where the service rejects one answer after the other.
//!
//! ```text
//! sent ──▶ no sound within `live.reply_deadline_ms` ──▶ a notice, until there is an answer
//! closed without sound ──▶ what was asked is kept until the next turn begins ── Ask again ──▶ a turn with the same words
//! rejected twice in a row ──▶ another connection at the next pause, without the handle
//! ```

use crate::base::ids::TurnId;

/// What is told of a conversation that begins anew.
const REJECTED: &str = "The service rejected two answers in a row, so a new conversation was begun: it does not remember the last one.";

/// See the drawing above.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// What was said or typed last, if it was not answered aloud.
    pub(super) kept: Option<UnansweredQuestion>,
    /// The turn that the machine is about to open is this one's.
    pub(super) repeats: bool,
    /// The last turn, if its answer came in writing alone.
    pub(super) written: Option<TurnId>,
    pub(super) rejections: u32,
    /// The next connection begins a new conversation.
    pub(super) new_session_due: bool,
    /// This connection does, because answers were rejected.
    new_session_begun: bool,
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

impl Asking {
    /// Why the service begins a new conversation, once, if answers were rejected.
    pub(super) fn take_new_session_reason(&mut self) -> Option<String> {
        std::mem::take(&mut self.new_session_begun).then(|| REJECTED.to_owned())
    }

    /// Another place answers: what the last one rejected says nothing of it.
    pub(super) fn forget_rejections(&mut self) {
        (
            self.rejections,
            self.new_session_due,
            self.new_session_begun,
        ) = Default::default();
    }

    /// Another connection is opened; says whether without the handle.
    pub(super) fn take_new_session(&mut self) -> bool {
        self.new_session_begun |= self.new_session_due;
        std::mem::take(&mut self.new_session_due)
    }
}
