//! Inputs of the user: speech begins, continues, ends; the stop key.

use std::time::{Duration, Instant};

use super::open_turn::Ending;
use super::{Action, Machine, OpenTurn, Outcome, Phase, Silencing};
use crate::base::ids::{Mark, TurnId};
use crate::base::localized_text::LocalizedText;
use crate::base::text::t;
use crate::turn::reply_attribution::Why;

impl Machine {
    pub(super) fn speech_started(&mut self, now: Instant, first_voiced: Instant) {
        let Some(turn) = &self.open else {
            return self.begin(now, first_voiced);
        };
        match turn.phase {
            Phase::Idle | Phase::Speaking => {}
            Phase::Awaiting | Phase::Replying if turn.asked && self.goes_on(first_voiced) => {
                self.reopen(first_voiced)
            }
            // A typed turn was sent as a whole: speech is another turn, with manual and automatic detection.
            Phase::Awaiting if turn.asked && (self.manual || turn.typed) => {
                self.overtake(Some(first_voiced));
                self.begin(now, first_voiced);
            }
            Phase::Awaiting | Phase::Replying if self.manual || turn.repeats => {
                self.cut(now, Some(first_voiced));
                self.begin(now, first_voiced);
            }
            Phase::Awaiting | Phase::Replying => self.overlap = Some(first_voiced),
        }
    }

    /// Whether speech continues the open turn: it was spoken, nothing of its reply was heard, and it was closed early, or the service
    /// has not got it, or the pause was short, or the service decides about turns and has said nothing yet.
    pub(super) fn goes_on(&self, first_voiced: Instant) -> bool {
        self.open.as_ref().is_some_and(|turn| {
            let soon = turn.ending != Ending::Plain || turn.is_cut_off_by(first_voiced);
            !turn.typed
                && !turn.is_audible()
                && self.is_newest(turn.id)
                && (!self.connected || soon || (!self.manual && turn.phase == Phase::Awaiting))
        })
    }

    pub(super) fn begin(&mut self, now: Instant, first_voiced: Instant) {
        self.last_id += 1;
        let mut turn = OpenTurn::new(TurnId(self.last_id), true, Phase::Speaking, now);
        turn.timeline.set(Mark::SpeechStart, first_voiced);
        if !self.has_unasked() {
            self.offer(&mut turn);
        }
        self.open = Some(turn);
    }

    pub(super) fn reopen(&mut self, first_voiced: Instant) {
        let Some(mut turn) = self.open.take() else {
            return;
        };
        self.count_reopened(&mut turn, first_voiced);
        if turn.phase == Phase::Replying {
            turn.drop_reply(&mut self.actions);
        }
        turn.open_again();
        if self.manual {
            self.replies.drop_current(Why::GoesOn);
            // Its own alone: a turn that was spoken over waits for its mark too.
            let its = |id: &&mut Option<_>| **id == Some(turn.id);
            self.unflushed
                .iter_mut()
                .filter(its)
                .for_each(|id| *id = None);
            if self.connected && turn.offered {
                self.actions.push_back(Action::Continue(turn.id));
            }
        }
        self.open = Some(turn);
    }

    pub(super) fn speech_ended(&mut self, now: Instant, last_voiced: Instant) {
        self.overlap = None;
        let Some(turn) = self
            .open
            .as_mut()
            .filter(|turn| turn.phase == Phase::Speaking)
        else {
            return self.confirm(now, last_voiced);
        };
        turn.timeline.set(Mark::SpeechEnd, last_voiced);
        if self.manual {
            turn.timeline.set(Mark::Endpoint, now);
        }
        turn.phase = Phase::Awaiting;
        (turn.last_sign, turn.said) = (now, now);
        let (id, offered) = (turn.id, turn.offered);
        if self.connected && offered {
            self.end(now, id);
        } else if self.connected
            && let Some(turn) = self.open.take()
        {
            self.park(turn);
        }
    }

    pub(super) fn stop(&mut self, now: Instant) {
        if self
            .open
            .as_ref()
            .is_some_and(|turn| turn.phase != Phase::Speaking)
        {
            self.cut(now, None);
            self.owed = None;
            self.cancel_unanswered();
        }
    }

    pub(super) fn quit(&mut self, now: Instant) {
        // Speech that was not sent yet stays in the queue.
        let unsaid = |turn: &OpenTurn| {
            let ended = || {
                Outcome::Failed(LocalizedText::new(|| {
                    t!("the-conversation-was-ended-before")
                }))
            };
            (turn.asked && turn.phase == Phase::Awaiting).then(ended)
        };
        self.close_unanswered(unsaid);
        let is_taken = |turn: &OpenTurn| !self.manual || turn.is_sent();
        let taken = self.connected && self.open.as_ref().is_some_and(is_taken);
        if !taken && let Some(turn) = self.open.take_if(|turn| unsaid(turn).is_some()) {
            self.park(turn);
            self.close_unanswered(unsaid);
        }
        self.cut(now, None);
        while !self.silencing.is_empty() {
            self.silenced(now, None, Duration::ZERO);
        }
    }

    /// Ends the open turn, whose reply the user no longer needs.
    pub(super) fn cut(&mut self, now: Instant, onset: Option<Instant>) {
        let Some(mut turn) = self.open.take() else {
            return;
        };
        if let Some(onset) = onset {
            self.count_cut_off(&mut turn, onset);
        }
        self.replies.drop_current(Why::Cut);
        if turn.phase == Phase::Replying && turn.played.is_none() {
            self.actions.push_back(Action::StopReply);
            self.silencing.push_back(Silencing {
                turn,
                onset,
                since: now,
            });
        } else {
            let outcome = if turn.played.is_some() {
                Outcome::Completed
            } else if turn.completed || turn.broken_off {
                Outcome::Empty
            } else {
                Outcome::Cancelled
            };
            self.close(turn, outcome);
        }
    }
}
