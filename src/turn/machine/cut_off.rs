//! Cut-offs: the user goes on so soon after the end of a turn that patience was too short.

use std::time::{Duration, Instant};

use super::Machine;
use super::open_turn::{Ending, OpenTurn};
use crate::base::ids::Mark;

/// Speech within this time after the endpoint is a cut-off: patience was too short.
const CUT_OFF_WITHIN: Duration = Duration::from_secs(1);

impl OpenTurn {
    /// Whether this onset is a cut-off. A turn that was closed early is not cut off until its reply is heard; then the end of
    /// patience counts, as for other turns.
    pub(super) fn is_cut_off_by(&self, onset: Instant) -> bool {
        let end = match self.ending {
            Ending::Early => None,
            Ending::Confirmed(at) => Some(at).filter(|_| self.is_audible()),
            Ending::Plain => self
                .timeline
                .get(Mark::Endpoint)
                .or_else(|| self.timeline.get(Mark::SpeechEnd)),
        };
        end.is_some_and(|end| onset.saturating_duration_since(end) < CUT_OFF_WITHIN)
    }
}

impl Machine {
    /// Counts this onset as a cut-off if it is one: patience grows at once.
    pub(super) fn count_cut_off(&mut self, turn: &mut OpenTurn, onset: Instant) {
        if !turn.is_cut_off_by(onset) {
            return;
        }
        turn.cut_offs += 1;
        if let Some(pause) = turn.pause_until(onset).filter(|_| self.manual) {
            self.pace.paused(turn.spoken(), pause, false);
        }
        turn.silence = None;
    }
}
