//! Closes a turn: makes its record, counts it, and shows a notice where the answer failed.

use std::sync::Arc;
use std::time::Duration;

use tracing::info;

use super::actor::Conversation;
use super::event::Event;
use super::snapshot::Speaker;
use super::turn_notes::TurnNotes;
use crate::base::ids::{Mark, TurnId};
use crate::telemetry;
use crate::telemetry::record::{TurnRecord, UnheardReason};
use crate::turn::machine::{Closed, Outcome};

impl Conversation {
    pub(super) fn close(&mut self, mut closed: Closed) {
        let (broken_off, retry) = (closed.broken_off, closed.retry);
        let stopped = closed.outcome == Outcome::Interrupted && !broken_off;
        let received = closed.received;
        let notes = self.turns.notes.remove(&closed.turn).unwrap_or_default();
        let silence = notes
            .answer
            .silence(&closed, notes.tool_calls, self.has_transcript(closed.turn))
            .filter(|_| closed.asked);
        if silence.is_some() {
            // What sounded was no answer.
            (closed.outcome, closed.heard) = (Outcome::Empty, Duration::ZERO);
            closed.timeline.clear(Mark::FirstAudible);
        }
        let latencies = closed.timeline.latencies();
        if let (Outcome::Failed(why), Some(fault)) = (&mut closed.outcome, &notes.fault) {
            *why = why.because(fault);
        }
        if !closed.asked {
            self.carry(closed.turn, false);
            return self.turns.captions.close(closed.turn, stopped, None);
        }
        self.show_answer(&closed, &notes);
        let rejected = notes.answer.is_rejected();
        let target = self.profiles.chosen().target;
        self.turns
            .captions
            .close(closed.turn, stopped, Some((&latencies, target)));
        let typed = notes.typed.clone();
        let mut record = self.record(closed, latencies, notes, silence);
        info!(
            turn = record.number,
            outcome = record.outcome.name(),
            silence = record.silence.as_ref().map(UnheardReason::name),
            "turn closed"
        );
        record.lost = self.is_lost(&record, received);
        self.withdraw_unresponsive();
        self.keep_turn(&record);
        if self.keep_unanswered(&record, typed, broken_off, retry) {
            record.lost = false;
            let kept = self.turns.asking.kept.back();
            record.retried = kept.is_some_and(|question| question.by_itself);
            if record.retried {
                self.turns.captions.mark_cut_off(record.turn);
            }
        } else {
            self.forget_speech(record.turn);
        }
        self.carry(record.turn, record.outcome.is_heard());
        self.show_end(&record, broken_off);
        self.count_rejection(&record, rejected);
        self.telemetry
            .send(telemetry::TelemetryEvent::TurnClosed(Box::new(
                record.clone(),
            )));
        self.spend(record.cost);
        self.turns.machine.billed(record.turn_tokens());
        self.emit(Event::Closed(Box::new(record)));
    }

    /// Whether words of the answer are in the conversation.
    fn has_transcript(&self, turn: TurnId) -> bool {
        !self
            .turns
            .captions
            .text(turn, Speaker::Assistant)
            .is_empty()
    }

    /// A written answer is shown in the conversation, marked as not spoken, and one whose words were not asked for as spoken; a
    /// searched one shows its sources.
    fn show_answer(&mut self, closed: &Closed, notes: &TurnNotes) {
        let answer = &notes.answer;
        let unheard = match closed.outcome {
            Outcome::Empty | Outcome::Failed(_) => !answer.is_audible(),
            Outcome::Completed | Outcome::Interrupted | Outcome::Cancelled => false,
        };
        if unheard && !self.has_transcript(closed.turn) && !answer.text.trim().is_empty() {
            self.turns
                .captions
                .add(closed.turn, Speaker::Assistant, answer.text.trim());
        }
        if closed.outcome.is_heard()
            && !self.has_transcript(closed.turn)
            && self.provider.config.unwritten_replies
        {
            self.turns.captions.mark_unwritten(closed.turn);
        }
        let found = (!answer.grounding.is_empty()).then(|| Arc::new(answer.grounding.clone()));
        self.turns.captions.mark_reply(closed.turn, unheard, found);
    }

    /// An utterance is lost when nothing shows that the service got all of it, and nobody wanted that. That it was sent shows
    /// nothing: a dead connection takes words too. What was typed is no utterance; that it failed is said. An utterance that is
    /// asked again counts once.
    fn is_lost(&self, record: &TurnRecord, received: bool) -> bool {
        let unwanted = matches!(record.outcome, Outcome::Failed(_));
        let unsent = unwanted && !received && !record.typed;
        (unsent || self.turns.resend.missing(record.turn) > 0) && !record.counted
    }
}
