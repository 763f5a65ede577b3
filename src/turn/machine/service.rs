//! Inputs of the service: audio, interruption, completion.

use std::time::Instant;

use super::{Action, Machine, OpenTurn, Outcome, Phase};
use crate::base::ids::{Mark, TurnId};
use crate::turn::reply_attribution::Owner;

impl Machine {
    pub(super) fn reply_audio(&mut self, now: Instant, at: Instant) {
        let id = match self.replies.content(at) {
            Owner::Older | Owner::OlderAfterAll => return,
            Owner::Turn(id) => id,
            Owner::Nobody => match self.adopt(now, at) {
                Some(id) => id,
                None => return,
            },
        };
        let Some(turn) = self.open.as_mut().filter(|turn| turn.id == id) else {
            return;
        };
        if turn.phase != Phase::Replying
            && !turn.typed
            && let Some(sent) = turn.timeline.get(Mark::Sent)
        {
            self.pace.thought(at.saturating_duration_since(sent));
        }
        turn.take_up_reply();
        turn.phase = Phase::Replying;
        turn.timeline.set_first(Mark::FirstAudio, at);
        turn.last_sign = now;
        self.actions.push_back(Action::Play(id));
    }

    /// The turn for content without an expected turn: the open one if the service continues after closing it, or decides
    /// about turns; else a new, unasked one. `None` while the user speaks, whom it would talk over, and while the rest of a
    /// reply is played that was lost with its connection.
    fn adopt(&mut self, now: Instant, at: Instant) -> Option<TurnId> {
        if self.is_repeating() {
            self.cut(now, None);
        }
        let id = match &self.open {
            None => {
                self.last_id += 1;
                let turn = OpenTurn::new(TurnId(self.last_id), false, Phase::Replying, now);
                self.open.insert(turn).id
            }
            Some(turn)
                if turn.broken.is_none() && (!self.manual || turn.phase != Phase::Speaking) =>
            {
                turn.id
            }
            Some(_) => {
                self.replies.refuse(at);
                return None;
            }
        };
        self.replies.adopt(id, at);
        Some(id)
    }

    pub(super) fn sign(&mut self, now: Instant) {
        if let Some(turn) = &mut self.open {
            turn.last_sign = now;
        }
    }

    pub(super) fn content(&mut self, now: Instant) {
        self.replies.content(now);
        self.sign(now);
        if let Some(turn) = &mut self.open {
            turn.stuck = false;
        }
    }

    /// A call without an id: the answer to the open turn may never come.
    pub(super) fn unanswerable(&mut self, now: Instant) {
        let its = matches!(self.replies.content(now), Owner::Turn(id)
            if self.open.as_ref().is_some_and(|turn| turn.id == id));
        self.sign(now);
        if let Some(turn) = self.open.as_mut().filter(|_| its) {
            turn.stuck = true;
        }
    }

    pub(super) fn interrupted(&mut self, now: Instant) {
        let id = match self.replies.interrupted(now) {
            Owner::Turn(id) => id,
            Owner::OlderAfterAll => return self.drop_late_reply(),
            Owner::Older | Owner::Nobody => return,
        };
        if self
            .open
            .as_ref()
            .is_none_or(|turn| turn.id != id || turn.phase == Phase::Speaking)
        {
            return;
        }
        let onset = self.overlap.take();
        if let Some(turn) = &mut self.open {
            // A service that decides about turns may have heard what our detector has not.
            turn.broken_off = self.manual && onset.is_none();
        }
        self.cut(now, onset);
        if let Some(onset) = onset {
            self.begin(now, onset);
        }
    }

    pub(super) fn generation_complete(&mut self, now: Instant) {
        let Owner::Turn(id) = self.replies.generated() else {
            return;
        };
        if let Some(turn) = self.open.as_mut().filter(|turn| turn.id == id) {
            turn.last_sign = now;
            turn.end_reply(&mut self.actions);
        }
    }

    pub(super) fn turn_complete(&mut self, now: Instant) {
        let certain = self.replies.is_end_certain();
        let Owner::Turn(id) = self.replies.complete() else {
            return;
        };
        let its = |turn: &&mut OpenTurn| turn.id == id && turn.phase != Phase::Speaking;
        let Some(turn) = self.open.as_mut().filter(its) else {
            return;
        };
        turn.last_sign = now;
        (turn.completed, turn.doubtful, turn.stuck) = (true, !certain, false);
        if turn.phase == Phase::Replying {
            turn.end_reply(&mut self.actions);
            self.close_if_over();
        } else if !turn.is_early() {
            self.close_if_empty();
        }
    }

    /// The service closed the turn without content. If that end may be another turn's, content is awaited for a while.
    pub(super) fn close_if_empty(&mut self) {
        let empty = |turn: &mut OpenTurn| turn.phase == Phase::Awaiting && !turn.doubtful;
        if let Some(turn) = self.open.take_if(empty) {
            self.close(turn, Outcome::Empty);
        }
    }

    /// The answer so far is a part: it is played to its end, and the turn waits for the rest.
    pub(super) fn turn_goes_on(&mut self, now: Instant) {
        let Owner::Turn(id) = self.replies.owner_of_content(now) else {
            return;
        };
        if let Some(turn) = self.open.as_mut().filter(|turn| turn.id == id) {
            turn.last_sign = now;
            turn.end_reply(&mut self.actions);
            turn.more = true;
        }
    }

    /// The service has stopped an older turn only now: the content since was its reply.
    fn drop_late_reply(&mut self) {
        if let Some(turn) = self
            .open
            .as_mut()
            .filter(|turn| turn.asked && turn.phase == Phase::Replying && !turn.is_audible())
        {
            turn.drop_reply(&mut self.actions);
            turn.phase = Phase::Awaiting;
            turn.generated = false;
            turn.timeline.clear(Mark::FirstAudio);
        }
    }
}

#[cfg(test)]
mod tests;
