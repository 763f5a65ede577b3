//! The record of a turn: what the machine, the notes and the counters say of it.

use super::actor::Conversation;
use super::snapshot::Speaker;
use super::turn_notes::TurnNotes;
use crate::base::units::SampleRate;
use crate::telemetry::record::{TurnRecord, UnheardReason};
use crate::telemetry::stages::{StageTimings, Stages};
use crate::turn::machine::Closed;
use crate::turn::timeline::Latencies;

impl Conversation {
    pub(super) fn record(
        &mut self,
        closed: Closed,
        latencies: Latencies,
        notes: TurnNotes,
        silence: Option<UnheardReason>,
    ) -> TurnRecord {
        let round_trip = self.counters.link.round_trip();
        let noted = StageTimings {
            round_trip,
            ..notes.timings
        };
        let stages = Stages::new(&closed.timeline, &latencies, &noted);
        let searches = notes.searches();
        let mut billed = notes.wasted_tokens;
        billed += notes.tokens.unwrap_or_default();
        billed.searches += searches;
        let counted = notes.tokens.is_some() || !billed.is_empty();
        let cost = self.cost(&billed).filter(|_| counted);
        TurnRecord {
            stages,
            round_trip,
            cost,
            searches,
            model: self.model(),
            answerer: Some(self.settings.answerer()),
            tool_calls: notes.tool_calls,
            reply_dbfs: notes.answer.dbfs(),
            grounding: notes.answer.grounding,
            complete_reason: notes.answer.complete_reason,
            asked_again: notes.asked_again,
            retried: false,
            counted: notes.counted,
            lost: false,
            silence,
            closed_at: jiff::Timestamp::now(),
            number: notes.number,
            turn: closed.turn,
            typed: closed.typed,
            input: notes.input,
            profile: self.profiles.profile.name.clone(),
            auto: self.profiles.auto.is_some(),
            target: self.profiles.chosen().target,
            latencies,
            sent: SampleRate::WORKING.duration_of(notes.samples),
            heard: closed.heard,
            underruns: self.counters.underruns.get() - notes.underruns,
            capture_dropped: self.counters.capture_dropped.get() - notes.capture_dropped,
            reopened: closed.reopened,
            cut_offs: closed.cut_offs,
            ducked_after: closed.ducked_after,
            false_endpoints: closed.false_endpoints,
            wasted_tokens: notes.wasted_tokens,
            silenced_after: closed.silenced_after,
            user: self.turns.captions.text(closed.turn, Speaker::User),
            assistant: self.turns.captions.text(closed.turn, Speaker::Assistant),
            tokens: notes.tokens,
            context_tokens: notes.context_tokens,
            late_tokens: std::mem::take(&mut self.turns.late_tokens),
            outcome: closed.outcome,
            timeline: closed.timeline,
        }
    }
}
