//! Inputs of the speaker, and the ends of turns.

use std::time::{Duration, Instant};

use super::{
    Action, Closed, FIRST_SIGN_WITHIN, Machine, NEXT_SIGN_WITHIN, OpenTurn, Outcome, Phase, Retry,
    Silencing,
};
use crate::base::ids::{Mark, TurnId};
use crate::base::localized_text::LocalizedText;
use crate::base::text::t;
use crate::turn::reply_attribution::Why;

impl Machine {
    pub(super) fn first_audible(&mut self, id: TurnId, at: Instant, skipped_silence: Duration) {
        // Of a reply that was dropped, because it is asked for again or the user goes on, this may come late.
        let replying = |turn: &&mut OpenTurn| turn.phase == Phase::Replying;
        if let Some(turn) = self.turn_mut(id).filter(replying) {
            // Of a reply in several parts, the first that is heard counts.
            if !turn.is_audible() {
                turn.timeline.set(Mark::FirstAudible, at);
                turn.timeline.skipped_silence = skipped_silence;
            }
        }
    }

    pub(super) fn played(&mut self, now: Instant, id: TurnId, heard: Duration) {
        if let Some(turn) = self
            .open
            .as_mut()
            .filter(|turn| turn.id == id && turn.phase == Phase::Replying)
        {
            turn.part_played(now, heard);
            self.close_if_over();
        }
    }

    pub(super) fn silenced(&mut self, at: Instant, ducked: Option<Instant>, heard: Duration) {
        let Some(Silencing { turn, onset, .. }) = self.silencing.pop_front() else {
            return;
        };
        let outcome = if turn.is_audible() {
            Outcome::Interrupted
        } else if turn.broken_off {
            Outcome::Empty
        } else {
            Outcome::Cancelled
        };
        let onset = onset.filter(|_| turn.is_audible());
        let after = |at: Option<Instant>| at?.checked_duration_since(onset?);
        let cut = Cut {
            ducked_after: after(ducked),
            silenced_after: after(Some(at)),
        };
        let turn = OpenTurn {
            played: Some((at, turn.heard + heard)),
            ..turn
        };
        self.close_cut(turn, outcome, cut);
    }
}

/// How soon after the interrupting onset a reply was lowered and silent.
#[derive(Clone, Copy, Debug, Default)]
struct Cut {
    ducked_after: Option<Duration>,
    silenced_after: Option<Duration>,
}

impl Machine {
    pub(super) fn close_if_over(&mut self) {
        let Some(turn) = self
            .open
            .take_if(|t| t.played.is_some() && (t.completed || t.broken.is_some()))
        else {
            return;
        };
        let outcome = match turn.broken.clone() {
            Some(why) => {
                // Its end may still come, and does not belong to the next turn.
                self.replies.drop_current(Why::Lapsed);
                Outcome::Failed(why)
            }
            None => Outcome::Completed,
        };
        self.close(turn, outcome);
        self.take_up_overlap();
    }

    /// Automatic detection: the reply ended by itself while the user was speaking already.
    pub(super) fn take_up_overlap(&mut self) {
        if let Some(onset) = self.overlap.take() {
            self.begin(onset, onset);
        }
    }

    pub(super) fn give_up(&mut self, now: Instant, phase: Phase, played: bool) {
        if phase == Phase::Replying && !played {
            // Play what there is; the turn closes when that is over.
            if let Some(turn) = &mut self.open {
                turn.last_sign = now;
                self.actions.push_back(Action::EndReply(turn.id));
                if !std::mem::replace(&mut turn.generated, true) {
                    let silence = NEXT_SIGN_WITHIN;
                    turn.broken = Some(LocalizedText::new(move || {
                        t!("the-reply-stopped-for", seconds = silence.as_secs())
                    }));
                    if turn.asked {
                        turn.retry = Retry::ByItself;
                        self.actions.push_back(Action::Replace(silence));
                    }
                }
            }
            return;
        }
        if phase == Phase::Awaiting && self.replace_link(now) {
            return;
        }
        let Some(mut turn) = self.open.take() else {
            return;
        };
        self.replies.drop_current(Why::Lapsed);
        if phase == Phase::Awaiting && !turn.completed && !turn.stuck {
            turn.retry = match turn.received {
                true => Retry::ByItself,
                false => Retry::WithConsent,
            };
        }
        let retried = turn.retry == Retry::ByItself;
        let outcome = match turn.broken.clone() {
            Some(why) => Outcome::Failed(why),
            // A part was heard, and the announced rest never came.
            None if played && !turn.more => Outcome::Completed,
            None if turn.completed => Outcome::Empty,
            None if turn.stuck => {
                Outcome::Failed(LocalizedText::new(|| t!("the-service-called-a-function")))
            }
            None => {
                let within = FIRST_SIGN_WITHIN.as_secs();
                let offers = turn.silent_offers;
                Outcome::Failed(LocalizedText::new(move || match offers {
                    0 | 1 => t!("no-answer-within", within),
                    times => t!("no-answer-within-times", within, times),
                }))
            }
        };
        let (failed, received) = (outcome.clone(), turn.received);
        self.close(turn, outcome);
        // The turns that it had overtaken were not answered either.
        let manual = self.manual;
        self.close_unanswered(|turn| turn.has_left(manual).then(|| failed.clone()));
        // A connection without any sign may be dead; one whose answer does not come is asked on another.
        if phase == Phase::Awaiting && (retried || !received && self.manual) {
            self.actions.push_back(Action::Replace(FIRST_SIGN_WITHIN));
        }
    }

    pub(super) fn close(&mut self, turn: OpenTurn, outcome: Outcome) {
        self.close_cut(turn, outcome, Cut::default());
    }

    fn close_cut(&mut self, turn: OpenTurn, outcome: Outcome, cut: Cut) {
        if turn.asked && !turn.typed {
            self.pace.ended(turn.spoken(), turn.cut_offs > 0);
        }
        self.actions.push_back(Action::Close(Box::new(Closed {
            turn: turn.id,
            asked: turn.asked,
            typed: turn.typed,
            outcome,
            reopened: turn.reopened,
            cut_offs: turn.cut_offs,
            false_endpoints: turn.false_endpoints,
            broken_off: turn.broken_off,
            retry: turn.retry,
            received: turn.received,
            heard: turn.played.map_or(Duration::ZERO, |(_, heard)| heard),
            timeline: turn.timeline,
            ducked_after: cut.ducked_after,
            silenced_after: cut.silenced_after,
        })));
    }

    pub(super) fn turn_mut(&mut self, id: TurnId) -> Option<&mut OpenTurn> {
        let cut = self.silencing.iter_mut().map(|s| &mut s.turn);
        let parked = &mut self.unanswered;
        let turns = self.open.iter_mut().chain(cut).chain(parked);
        turns.into_iter().find(|turn| turn.id == id)
    }
}
