//! Typed turns: sent as a whole.
//!
//! ```text
//!                  nothing goes on, or a reply is awaited or sounds
//!  (typed) ─────────────────────────────────────────────────────────▶ Awaiting ──▶ as a spoken turn
//!     │  the user speaks, or no connection, or others go first                        ▲
//!     └──────────────────────────▶ unanswered ── its turn ────────────────────────────┘
//! ```
//!
//! Typing interrupts a reply as speech does, but not the user: an utterance in progress is sent and answered first.

use std::time::Instant;

use super::{Machine, OpenTurn, Phase};
use crate::base::ids::TurnId;

impl Machine {
    /// Starts a turn without speech for a text of the user, and returns it.
    pub fn ask_typed(&mut self, now: Instant) -> TurnId {
        let id = self.skip_turn();
        self.make_way(now);
        self.park(OpenTurn {
            typed: true,
            ..OpenTurn::new(id, true, Phase::Awaiting, now)
        });
        self.ask_next(now);
        id
    }

    /// An identifier for a typed text that is not sent: no turn has it.
    pub fn skip_turn(&mut self) -> TurnId {
        self.last_id += 1;
        TurnId(self.last_id)
    }

    /// Ends the open turn in favour of the next one, unless the user is speaking.
    fn make_way(&mut self, now: Instant) {
        let Some(turn) = &self.open else { return };
        match turn.phase {
            Phase::Idle | Phase::Speaking => {}
            // Patience runs: the user may go on.
            Phase::Awaiting | Phase::Replying if turn.is_early() => {}
            Phase::Awaiting => self.overtake(None),
            Phase::Replying => self.cut(now, None),
        }
    }
}

#[cfg(test)]
mod tests;
