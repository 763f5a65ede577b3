//! The service's side: whose audio comes, what it stopped, what is complete.

use std::time::Instant;

use super::{Action, Machine, Outcome, Phase, Turn};
use crate::base::ids::{Mark, TurnId};
use crate::turn::replies::Owner;

impl Machine {
    pub(super) fn reply_audio(&mut self, now: Instant, at: Instant) {
        let id = match self.replies.owner_of_content() {
            Owner::Old | Owner::GivenUp => return,
            Owner::Turn(id) => id,
            Owner::Nobody => match self.adopt(now) {
                Some(id) => id,
                None => return,
            },
        };
        let Some(turn) = self.open.as_mut().filter(|turn| turn.id == id) else {
            return;
        };
        if turn.phase != Phase::Replying
            && let Some(sent) = turn.timeline.get(Mark::Sent)
        {
            self.pace.thought(at.saturating_duration_since(sent));
        }
        turn.phase = Phase::Replying;
        turn.timeline.set_first(Mark::FirstAudio, at);
        turn.last_sign = now;
        self.actions.push_back(Action::Play(id));
    }

    /// The turn that content belongs to while none is in line: the open one with automatic detection, else a new one
    /// that nobody asked for. None while the user speaks: it would talk over them.
    pub(super) fn adopt(&mut self, now: Instant) -> Option<TurnId> {
        if self.is_repeating() {
            self.cut(now, None);
        }
        let id = match &self.open {
            None => {
                self.last_id += 1;
                let turn = Turn::new(TurnId(self.last_id), false, Phase::Replying, now);
                self.open.insert(turn).id
            }
            Some(turn) if !self.manual => turn.id,
            Some(_) => return None,
        };
        self.replies.expect(id);
        Some(id)
    }

    pub(super) fn sign(&mut self, now: Instant) {
        if let Some(turn) = &mut self.open {
            turn.last_sign = now;
        }
    }

    pub(super) fn interrupted(&mut self, now: Instant) {
        let id = match self.replies.interrupted() {
            Owner::Turn(id) => id,
            Owner::GivenUp => return self.drop_late_reply(),
            Owner::Old | Owner::Nobody => return,
        };
        if self
            .open
            .as_ref()
            .is_none_or(|turn| turn.id != id || turn.phase == Phase::Speaking)
        {
            return;
        }
        let onset = self.overlap.take();
        self.cut(now, onset);
        if let Some(onset) = onset {
            self.begin(now, onset);
        }
    }

    pub(super) fn generation_complete(&mut self, now: Instant) {
        let Owner::Turn(id) = self.replies.owner_of_content() else {
            return;
        };
        let Some(turn) = self.open.as_mut().filter(|turn| turn.id == id) else {
            return;
        };
        turn.last_sign = now;
        turn.end_reply(&mut self.actions);
    }

    pub(super) fn turn_complete(&mut self, now: Instant) {
        let owner = self.replies.complete();
        let Some(turn) = &mut self.open else { return };
        let its = match owner {
            Owner::Old | Owner::GivenUp => return,
            Owner::Turn(id) => turn.id == id,
            Owner::Nobody => !self.manual && turn.phase == Phase::Awaiting,
        };
        if !its {
            return;
        }
        turn.last_sign = now;
        turn.completed = true;
        if turn.phase == Phase::Replying {
            turn.end_reply(&mut self.actions);
            self.close_if_over();
        } else if turn.phase == Phase::Awaiting
            && !turn.is_early()
            && let Some(turn) = self.open.take()
        {
            self.close(turn, Outcome::Empty);
        }
    }

    /// A turn that was given up was stopped by the service only now: what came meanwhile was its reply.
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
