//! A new conversation where the service rejects one answer after the other: the next connection is opened without the handle.

use super::actor::Conversation;
use crate::provider::Control;
use crate::telemetry::record::TurnRecord;
use crate::turn::machine::Outcome;

/// Rejected turns in a row after which a new session begins: one may be the question's fault.
const REJECTIONS: u32 = 2;

impl Conversation {
    /// Counts answers that the service keeps back, one after the other.
    pub(super) fn count_rejection(&mut self, record: &TurnRecord, rejected: bool) {
        if record.silence.is_some() && rejected {
            self.turns.asking.rejections += 1;
        } else if !matches!(record.outcome, Outcome::Cancelled | Outcome::Failed(_)) {
            self.turns.asking.rejections = 0;
        }
        if self.turns.asking.rejections >= REJECTIONS {
            self.turns.asking.rejections = 0;
            self.turns.asking.new_session_due = true;
            self.counters.fresh_starts.add(1);
        }
    }

    /// The control that opens the planned connection. It resumes the session, or begins a new one where that is due.
    pub(super) fn reconnect_control(&mut self) -> Control {
        let config = Box::new(self.provider.config.clone());
        if self.turns.asking.take_new_session() {
            Control::Redial(Box::new(self.settings.target.clone()), config)
        } else {
            Control::Roll(config)
        }
    }
}
