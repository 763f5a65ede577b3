//! The link: what it takes with it when it goes, and what is asked again when it comes.

use std::time::Instant;

use super::{Action, Machine, OFFERS, Outcome, Phase, Turn};
use crate::base::ids::{Mark, TurnId};

impl Machine {
    pub(super) fn link_up(&mut self, now: Instant) {
        self.connected = true;
        let Some(mut turn) = self.open.take() else {
            return;
        };
        let ended = match turn.phase {
            Phase::Speaking => false,
            Phase::Awaiting => true,
            Phase::Idle | Phase::Replying => return self.open = Some(turn),
        };
        if turn.offers >= OFFERS {
            let why = format!("{OFFERS} connections in a row ended before it was answered");
            return self.close(turn, Outcome::Failed(why));
        }
        turn.last_sign = now;
        self.offer(&mut turn);
        let id = turn.id;
        self.open = Some(turn);
        if ended {
            self.end(id);
        }
    }

    pub(super) fn link_down(&mut self, now: Instant) {
        self.connected = false;
        self.replies.clear();
        self.unflushed.clear();
        let Some(turn) = &mut self.open else { return };
        if turn.phase != Phase::Replying {
            // It is asked again, whatever the lost connection said of its end.
            turn.completed = false;
            return;
        }
        if turn.generated && !turn.more {
            turn.completed = true;
            return self.close_if_over();
        }
        if turn.is_audible() || !turn.asked {
            turn.broken = Some("the connection was lost in the middle of the reply".into());
            turn.last_sign = now;
            turn.end_reply(&mut self.actions);
            self.close_if_over();
        } else {
            // Nothing of it was heard: the question is asked again, as a whole.
            turn.phase = Phase::Awaiting;
            turn.timeline.clear(Mark::FirstAudio);
            turn.timeline.clear(Mark::Sent);
            turn.drop_reply(&mut self.actions);
        }
    }

    pub(super) fn offer(&mut self, turn: &mut Turn) {
        if self.connected {
            turn.offers += 1;
            self.actions.push_back(Action::Begin(turn.id));
        }
    }

    pub(super) fn end(&mut self, id: TurnId) {
        self.replies.expect(id);
        if self.manual {
            self.unflushed.push_back(Some(id));
        }
        self.actions.push_back(Action::End(id));
    }

    pub(super) fn flushed(&mut self, at: Instant) {
        let Some(id) = self.unflushed.pop_front().flatten() else {
            return;
        };
        if let Some(turn) = self.turn_mut(id) {
            turn.timeline.set(Mark::Sent, at);
            turn.last_sign = turn.last_sign.max(at);
        }
    }
}
