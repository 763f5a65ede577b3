//! The open turn as the machine keeps it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Action, COMPLETE_WITHIN, CUT_OFF_WITHIN, FIRST_SIGN_WITHIN, NEXT_SIGN_WITHIN, Phase};
use crate::base::ids::{Mark, TurnId};
use crate::turn::timeline::Timeline;

#[derive(Debug)]
pub(super) struct Turn {
    pub(super) id: TurnId,
    pub(super) asked: bool,
    pub(super) phase: Phase,
    pub(super) timeline: Timeline,
    pub(super) reopened: u32,
    pub(super) cut_offs: u32,
    pub(super) offers: u32,
    pub(super) generated: bool,
    pub(super) completed: bool,
    /// It is an earlier reply once more, of which the service knows nothing.
    pub(super) repeats: bool,
    /// The reply broke off; what came of it is still played.
    pub(super) broken: Option<String>,
    pub(super) played: Option<(Instant, Duration)>,
    pub(super) last_sign: Instant,
}

impl Turn {
    pub(super) fn new(id: TurnId, asked: bool, phase: Phase, now: Instant) -> Self {
        Self {
            id,
            asked,
            phase,
            timeline: Timeline::default(),
            reopened: 0,
            cut_offs: 0,
            offers: 0,
            generated: false,
            completed: false,
            repeats: false,
            broken: None,
            played: None,
            last_sign: now,
        }
    }

    pub(super) fn is_audible(&self) -> bool {
        self.timeline.get(Mark::FirstAudible).is_some()
    }

    pub(super) fn is_cut_off_by(&self, onset: Instant) -> bool {
        let end = self
            .timeline
            .get(Mark::Endpoint)
            .or_else(|| self.timeline.get(Mark::SpeechEnd));
        end.is_some_and(|end| onset.saturating_duration_since(end) < CUT_OFF_WITHIN)
    }

    pub(super) fn end_reply(&mut self, actions: &mut VecDeque<Action>) {
        if !self.generated && self.phase == Phase::Replying {
            self.generated = true;
            actions.push_back(Action::EndReply(self.id));
        }
    }

    /// When this turn has waited long enough for what comes next.
    pub(super) fn deadline(&self, connected: bool) -> Option<Instant> {
        match (self.phase, self.played) {
            (Phase::Idle | Phase::Speaking, _) => None,
            (Phase::Awaiting, _) => connected.then(|| self.last_sign + FIRST_SIGN_WITHIN),
            (Phase::Replying, Some((at, _))) => Some(at + COMPLETE_WITHIN),
            // All of it has come: how long it plays is the speaker's affair, which reports `Played` in any case.
            (Phase::Replying, None) if self.generated || self.broken.is_some() => None,
            (Phase::Replying, None) => Some(self.last_sign + NEXT_SIGN_WITHIN),
        }
    }
}
