//! What a new session is told of the conversation, and whether a session that was resumed still knows it.
//!
//! ```text
//! turn closed ──▶ seed ──▶ provider: told to the next session that begins without a handle
//! resumed ──▶ first count of the prompt far below the last one ──▶ a new session at the next pause, which is told
//! ```

use crate::turn::context_seed::{ContextSeed, HistoryTurn};

/// A resumed session whose prompt has shrunk to less than one part in so many has lost the conversation. (Seen: 2 758 tokens
/// before, 351 after; livekit/agents-js, issue 2346.)
const SHRUNK: u64 = 3;
/// Why a new session is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NewSession {
    /// The service rejected one answer after the other.
    Rejected,
    /// It resumed the session, and had lost the conversation.
    ContextLost,
    /// The user goes on with an earlier conversation.
    Continued,
    /// The user wants a new conversation.
    Asked,
}

/// What is carried over from one session to the next.
#[derive(Debug, Default)]
pub(super) struct CarryOver {
    pub(super) seed: ContextSeed,
    /// Tokens that the provider's history is estimated at.
    built: usize,
    /// The same of what this session was told, until the service counts it.
    told: usize,
    /// Prompt tokens that the service counted last.
    context: Option<u64>,
    /// The same before the session was resumed, until its first count shows whether it was.
    before: Option<u64>,
    /// The next connection begins a new session, …
    pub(super) due: Option<NewSession>,
    /// … and this one does.
    begun: Option<NewSession>,
}

impl CarryOver {
    /// Another connection is opened; says whether it begins a new session.
    pub(super) fn take_due(&mut self) -> bool {
        self.begun = self.due.take().or(self.begun);
        self.begun.is_some()
    }

    /// Another place answers: it is not told what was said to the last one.
    pub(super) fn forget(&mut self) {
        self.seed.clear();
        *self = Self {
            seed: std::mem::take(&mut self.seed),
            ..Self::default()
        };
    }

    /// What the provider tells the next new session, in so many tokens.
    pub(super) fn build(&mut self, budget: usize) -> Vec<HistoryTurn> {
        let (told, estimated) = self.seed.build(budget);
        self.built = estimated;
        told
    }

    /// A session is there, which was told so many turns, or goes on. Gives why it is a new one, where that is known.
    pub(super) fn session(&mut self, resumed: bool, told: usize) -> Option<NewSession> {
        self.before = self.context.take().filter(|_| resumed);
        self.told = if told > 0 { self.built } else { 0 };
        self.begun.take()
    }

    /// The service counted a prompt. Says whether it has lost the conversation that it was to resume.
    pub(super) fn counted(&mut self, prompt: u64, text: u64, compressed_to: u64) -> bool {
        self.seed.learn(std::mem::take(&mut self.told), text);
        let before = self.before.take();
        self.context = Some(prompt);
        let shrunk = |before| prompt > 0 && prompt * SHRUNK < before;
        // What the service drops by itself leaves more than that.
        before.is_some_and(shrunk) && prompt < compressed_to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_session_whose_prompt_shrank_has_lost_the_conversation() {
        // Before, after, and what compression leaves: whether it was lost.
        let table = [
            (12_758, 1_351, 12_000, true),
            (4_000, 1_900, 12_000, false),
            (2_758, 351, 12_000, true),
            (2_758, 0, 12_000, false),
            (90_000, 12_500, 12_000, false),
        ];
        for (before, after, compressed_to, lost) in table {
            let mut carry = CarryOver {
                before: Some(before),
                ..CarryOver::default()
            };
            assert_eq!(
                carry.counted(after, 0, compressed_to),
                lost,
                "{before}, {after}"
            );
            assert!(
                !carry.counted(10, 0, compressed_to),
                "only the first count tells"
            );
        }
    }
}
