//! Turns that are over for the user, but of which the service has shown no sign.
//!
//! ```text
//!            spoken over, no sign yet              a sign of the service
//!  Awaiting ─────────────────────────▶ unanswered ───────────────────────▶ closed: cancelled, it goes on from there
//!     ▲                                 │      │
//!     └── its turn, on a new connection ┘      └──▶ closed: failed, after too many connections, or at the end
//! ```
//!
//! The service processes one stream in order, so a sign after the end of a turn shows that the turn has arrived. Turns are
//! sent in order: while one waits for this connection, later ones wait behind it.

use std::time::Instant;

use super::open_turn::Ending;
use super::{
    Action, BROKEN_OFFERS, CONSENT_AFTER, Input, Machine, OFFERS, OpenTurn, Outcome, Phase, Retry,
    SILENT_OFFERS,
};
use crate::base::ids::{Mark, TurnId};
use crate::base::localized_text::LocalizedText;
use crate::base::text::t;
use crate::turn::reply_attribution::{Owner, Why};

impl Machine {
    /// A sign of the service arrived: earlier turns have arrived too.
    pub(super) fn note_sign(&mut self, input: &Input) {
        let is_sign = match input {
            Input::ReplyAudio { .. }
            | Input::ReplySign
            | Input::ReplyContent
            | Input::Unanswerable
            | Input::Interrupted
            | Input::GenerationComplete
            | Input::TurnComplete
            | Input::TurnGoesOn => true,
            Input::SpeechStarted { .. }
            | Input::SilenceStarted { .. }
            | Input::Resumed { .. }
            | Input::SpeechEnded { .. }
            | Input::StopPressed
            | Input::Repeat
            | Input::AskAgain
            | Input::Quit
            | Input::LinkUp
            | Input::LinkDown
            | Input::EndSent { .. }
            | Input::EndDelivered { .. }
            | Input::FirstAudible { .. }
            | Input::Played { .. }
            | Input::Silenced { .. } => false,
        };
        if !is_sign {
            return;
        }
        self.owed = None;
        // The rest of a cut reply was already on its way: it is no sign of the next question.
        let late = if let Input::ReplyAudio { at } = input {
            self.replies.owner_of_content(*at) == Owner::Older
        } else {
            false
        };
        let manual = self.manual;
        if let Some(turn) = self.open.as_mut().filter(|_| !late) {
            turn.received |= turn.phase != Phase::Speaking && turn.has_left(manual);
        }
        self.cancel_unanswered();
    }

    /// The user asks something else over the open turn, whose answer has not begun: in speech since `onset`, or typed.
    pub(super) fn overtake(&mut self, onset: Option<Instant>) {
        let Some(mut turn) = self.open.take() else {
            return;
        };
        if let Some(onset) = onset {
            self.count_cut_off(&mut turn, onset);
        }
        self.replies.drop_current(Why::Cut);
        if turn.received {
            self.close(turn, Outcome::Cancelled);
        } else {
            // Patience for it ends here.
            turn.ending = Ending::Plain;
            self.park(turn);
        }
    }

    /// Parks a turn until it is sent, or a sign shows that it has arrived.
    pub(super) fn park(&mut self, turn: OpenTurn) {
        let later = self.unanswered.iter().position(|other| other.id > turn.id);
        self.unanswered
            .insert(later.unwrap_or(self.unanswered.len()), turn);
    }

    /// There is a connection again. What was said long ago is not sent before the user agrees, who may have given it up.
    pub(super) fn close_stale(&mut self, now: Instant) {
        let down = self.down_since.take();
        if !self.consent {
            return;
        }
        let away = |turn: &OpenTurn| {
            let since = down.map_or(turn.said, |down| down.max(turn.said));
            now.saturating_duration_since(since)
        };
        self.close_unanswered(|turn| {
            let seconds = away(turn).as_secs();
            let stale = turn.asked && away(turn) > CONSENT_AFTER;
            stale.then(|| {
                Outcome::Failed(LocalizedText::new(move || {
                    t!("there-was-no-connection-for", seconds)
                }))
            })
        });
    }

    /// Whether a turn waits to be sent on this connection.
    pub(super) fn has_unasked(&self) -> bool {
        self.unanswered.iter().any(|turn| !turn.offered)
    }

    /// Whether the open turn is the newest that was asked and waits for an answer. What was typed while the user spoke
    /// waits behind it.
    pub(super) fn is_newest(&self, id: TurnId) -> bool {
        let waits = |turn: &OpenTurn| turn.typed && !turn.offered;
        let mut others = self.unanswered.iter();
        others.all(|turn| turn.id < id || waits(turn))
    }

    /// Sends the oldest waiting turn, if the machine is idle.
    pub(super) fn ask_next(&mut self, now: Instant) {
        while self.connected && !self.held && self.open.is_none() {
            let Some(at) = self.unanswered.iter().position(|turn| !turn.offered) else {
                return;
            };
            let Some(mut turn) = self.unanswered.remove(at) else {
                return;
            };
            if let Some(why) = turn.hopeless() {
                turn.retry = Retry::WithConsent;
                self.close(turn, Outcome::Failed(why));
                continue;
            }
            turn.last_sign = now;
            self.offer(&mut turn);
            let id = turn.id;
            self.open = Some(turn);
            self.end(now, id);
        }
    }

    /// Cancels the sent turns, which the user or the service has left behind.
    pub(super) fn cancel_unanswered(&mut self) {
        let manual = self.manual;
        self.close_unanswered(|turn| turn.has_left(manual).then_some(Outcome::Cancelled));
    }

    /// Closes those with an `outcome`.
    pub(super) fn close_unanswered(&mut self, outcome: impl Fn(&OpenTurn) -> Option<Outcome>) {
        for turn in std::mem::take(&mut self.unanswered) {
            match outcome(&turn) {
                Some(outcome) => {
                    let received = turn.received || outcome == Outcome::Cancelled;
                    let failed = matches!(outcome, Outcome::Failed(_)) && !received;
                    let retry = if failed {
                        Retry::WithConsent
                    } else {
                        turn.retry
                    };
                    let turn = OpenTurn {
                        received,
                        retry,
                        ..turn
                    };
                    self.close(turn, outcome);
                }
                None => self.unanswered.push_back(turn),
            }
        }
    }

    /// The owed answer does not come. Returns whether to reconnect for it: not if the service has received the question,
    /// which it would then have, and bill, twice.
    pub(super) fn replace_link(&mut self, now: Instant) -> bool {
        let silent = |turn: &&mut OpenTurn| turn.asked && !turn.received && !turn.completed;
        let Some(turn) = self.open.as_mut().filter(silent) else {
            return false;
        };
        turn.silent_offers += 1;
        self.owed = None;
        // With automatic detection the service may have heard no turn: one more connection resolves that.
        let most = if self.manual { SILENT_OFFERS } else { 2 };
        let again = turn.silent_offers < most;
        if again {
            let silence = super::FIRST_SIGN_WITHIN;
            turn.last_sign = now;
            self.actions.push_back(Action::Replace(silence));
        }
        again
    }
}

impl OpenTurn {
    /// Whether all of it has been sent on this connection. With automatic detection speech is streamed.
    pub(super) fn has_left(&self, manual: bool) -> bool {
        self.is_sent() || (!manual && !self.typed && self.offered)
    }

    /// The connection that it was offered to is gone. Its offer counts if it was over: while the user speaks, there is no
    /// reason to give up.
    pub(super) fn count_lost_offer(&mut self, manual: bool) {
        let offered = std::mem::replace(&mut self.offered, false);
        let ended = match self.phase {
            Phase::Awaiting => true,
            Phase::Replying => !self.is_audible(),
            Phase::Idle | Phase::Speaking => false,
        };
        if !offered || !ended {
            return;
        }
        if self.is_sent() || !manual {
            self.offers += 1;
        } else {
            self.broken_offers += 1;
        }
        if self.phase == Phase::Awaiting {
            self.timeline.clear(Mark::Sent);
            self.received = false;
        }
    }

    /// Why it is not sent again.
    fn hopeless(&self) -> Option<LocalizedText> {
        if self.offers >= OFFERS {
            Some(LocalizedText::new(|| {
                t!("connections-in-a-row-ended", times = OFFERS)
            }))
        } else if self.broken_offers >= BROKEN_OFFERS {
            Some(LocalizedText::new(|| {
                t!("connections-in-a-row-broke", times = BROKEN_OFFERS)
            }))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests;
