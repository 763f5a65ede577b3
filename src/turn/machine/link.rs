//! Inputs of the link: turns that are lost with it, and turns that are sent again on a new one.

use std::time::{Duration, Instant};

use super::open_turn::Ending;
use super::{Action, Machine, OpenTurn, Phase, Retry};
use crate::base::ids::{Mark, TurnId};
use crate::base::localized_text::LocalizedText;
use crate::base::text::t;

impl Machine {
    pub(super) fn link_up(&mut self, now: Instant) {
        self.connected = true;
        match self.open.take() {
            // Earlier speech is sent first; this turn follows.
            Some(mut turn) if turn.phase == Phase::Awaiting => {
                if !self.unanswered.is_empty() {
                    // Whatever patience says, it is not the turn whose answer comes next.
                    turn.ending = Ending::Plain;
                }
                self.park(turn);
            }
            Some(mut turn) if turn.phase == Phase::Speaking && self.unanswered.is_empty() => {
                turn.last_sign = now;
                self.offer(&mut turn);
                self.open = Some(turn);
            }
            turn => self.open = turn,
        }
        self.close_stale(now);
    }

    pub(super) fn link_down(&mut self, now: Instant) {
        if std::mem::replace(&mut self.connected, false) {
            self.down_since = Some(now);
            let manual = self.manual;
            let turns = self.unanswered.iter_mut().chain(&mut self.open);
            turns.for_each(|turn| turn.count_lost_offer(manual));
        }
        self.replies.clear();
        self.unflushed.clear();
        self.owed = None;
        let Some(turn) = &mut self.open else { return };
        if turn.phase != Phase::Replying {
            // It is sent again, whether or not the lost connection had flushed its end.
            (turn.completed, turn.doubtful, turn.more) = (false, false, false);
            return;
        }
        if turn.generated && !turn.more {
            turn.completed = true;
            return self.close_if_over();
        }
        if turn.is_audible() || !turn.asked {
            turn.broken = Some(LocalizedText::new(|| t!("the-connection-was-lost-in")));
            turn.retry = Retry::ByItself;
            turn.last_sign = now;
            turn.end_reply(&mut self.actions);
            self.close_if_over();
        } else {
            // Nothing of it was heard: the question is asked again, as a whole.
            turn.phase = Phase::Awaiting;
            turn.timeline.clear(Mark::FirstAudio);
            turn.timeline.clear(Mark::Sent);
            turn.received = false;
            turn.drop_reply(&mut self.actions);
            (turn.generated, turn.completed, turn.more) = (false, false, false);
            turn.played = None;
        }
    }

    pub(super) fn offer(&mut self, turn: &mut OpenTurn) {
        if self.connected {
            turn.offered = true;
            self.actions.push_back(Action::Begin(turn.id));
        }
    }

    pub(super) fn end(&mut self, now: Instant, id: TurnId) {
        if let Some(turn) = self.turn_mut(id) {
            (turn.ended, turn.lag) = (now, Duration::ZERO);
        }
        self.replies.expect(id);
        // With automatic detection only typed turns send an end.
        if self.manual || self.turn_mut(id).is_some_and(|turn| turn.typed) {
            self.unflushed.push_back(Some(id));
        }
        self.actions.push_back(Action::End(id));
    }

    pub(super) fn flushed(&mut self, at: Instant) {
        let Some(id) = self.unflushed.pop_front().flatten() else {
            return;
        };
        self.owed.get_or_insert(at);
        if let Some(turn) = self.turn_mut(id) {
            turn.timeline.set(Mark::Sent, at);
            turn.last_sign = turn.last_sign.max(at);
            // Less than a second is no sign of a slow connection.
            let lag = at.saturating_duration_since(turn.ended);
            turn.lag = Duration::from_secs(lag.as_secs());
        }
    }

    /// The line held the end back: that is its share, not the service's.
    pub(super) fn delivered(&mut self, at: Instant) {
        if let Some(turn) = &mut self.open
            && turn.phase == Phase::Awaiting
            && turn.timeline.get(Mark::Sent).is_some_and(|sent| sent < at)
        {
            turn.timeline.set(Mark::Sent, at);
            turn.last_sign = turn.last_sign.max(at);
        }
    }
}
