//! A turn is over: its record, the figures, what the user is told.

use std::time::SystemTime;

use tracing::info;

use super::Event;
use super::controller::{Controller, Notes};
use super::record::TurnRecord;
use super::snapshot::{Severity, Speaker};
use super::stages::{Noted, Stages};
use super::tokens;
use crate::base::units::SampleRate;
use crate::turn::machine::{Closed, Outcome};

/// What a notice about a turn without an answer begins with; the next answer takes it away.
const NO_ANSWER: &str = "No full answer";

impl Controller {
    pub(super) fn close(&mut self, mut closed: Closed) {
        let stopped = closed.outcome == Outcome::Interrupted;
        let received = closed.received;
        let latencies = closed.timeline.latencies();
        let notes = self.notes.remove(&closed.turn).unwrap_or_default();
        if let (Outcome::Failed(why), Some(fault)) = (&mut closed.outcome, &notes.fault) {
            *why = format!("{why}: {fault}");
        }
        if !closed.asked {
            return self.captions.close(closed.turn, stopped, None);
        }
        let target = self.chosen_profile().target;
        self.captions
            .close(closed.turn, stopped, Some((&latencies, target)));
        let record = self.record(closed, latencies, notes);
        info!(
            turn = record.number,
            outcome = record.outcome.name(),
            "turn closed"
        );
        match &record.outcome {
            Outcome::Failed(why) => self.notice(
                Severity::Error,
                format!("{NO_ANSWER}: {why}. Please say it again."),
            ),
            Outcome::Completed | Outcome::Interrupted => self.withdraw(NO_ANSWER),
            Outcome::Cancelled | Outcome::Empty => {}
        }
        self.count_lost(&record, received);
        self.statistics.add(&record);
        self.note_turn(super::controller::now(), &record);
        self.weigh_turn(&record);
        self.tell(Event::Closed(Box::new(record)));
    }

    fn record(
        &mut self,
        closed: Closed,
        latencies: crate::turn::timeline::Latencies,
        notes: Notes,
    ) -> TurnRecord {
        let round_trip = self.round_trip();
        let noted = Noted {
            round_trip,
            ..notes.noted
        };
        let stages = Stages::new(&closed.timeline, &latencies, &noted);
        let mut billed = notes.vain_tokens;
        tokens::add(&mut billed, notes.tokens.unwrap_or_default());
        let counted = notes.tokens.is_some() || tokens::sum(billed) > 0;
        let cost_usd = self.cost(billed).filter(|_| counted);
        TurnRecord {
            stages,
            round_trip,
            cost_usd,
            tool_calls: notes.tool_calls,
            searched: notes.searched,
            closed_at: SystemTime::now(),
            number: notes.number,
            turn: closed.turn,
            input: notes.input,
            profile: self.profile.name.clone(),
            auto: self.auto.is_some(),
            target: self.chosen_profile().target,
            latencies,
            sent: SampleRate::WORKING.duration_of(notes.samples),
            heard: closed.heard,
            underruns: self.counters.underruns.get() - notes.underruns,
            capture_dropped: self.counters.capture_dropped.get() - notes.capture_dropped,
            reopened: closed.reopened,
            cut_offs: closed.cut_offs,
            ducked_after: closed.ducked_after,
            closed_in_vain: closed.closed_in_vain,
            vain_tokens: notes.vain_tokens,
            silenced_after: closed.silenced_after,
            user: self.captions.text(closed.turn, Speaker::User),
            assistant: self.captions.text(closed.turn, Speaker::Assistant),
            tokens: notes.tokens,
            context_tokens: notes.context_tokens,
            late_tokens: std::mem::take(&mut self.late_tokens),
            outcome: closed.outcome,
            timeline: closed.timeline,
        }
    }

    /// An utterance is lost when nothing shows that the service got all of it, and nobody wanted that. That it was sent shows
    /// nothing: a dead connection takes words too.
    fn count_lost(&mut self, record: &TurnRecord, received: bool) {
        let unwanted = matches!(record.outcome, Outcome::Failed(_));
        if (unwanted && !received) || self.ledger.missing(record.turn) > 0 {
            self.statistics.summary.lost += 1;
        }
        self.ledger.forget(record.turn);
        self.withdraw_silence();
    }
}
