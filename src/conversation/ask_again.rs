//! What was asked in a turn without an answer is asked again, or its answer is spoken.

use super::actor::Conversation;
use super::asking::UnansweredQuestion;
use super::snapshot::Speaker;
use super::turn_notes::TurnNotes;
use super::typed::sendable;
use crate::base::ids::{Mark, TurnId};
use crate::base::plural::sentence;
use crate::base::severity::Severity;
use crate::telemetry::diagnosis::Remedy;
use crate::telemetry::record::TurnRecord;
use crate::telemetry::record::UnheardReason;
use crate::turn::machine::{Input, Outcome};
use std::time::Instant;

/// What notices begin with that the next answer takes away.
const NO_ANSWER: &str = "The answer failed";
const NOT_HEARD: &str = "No spoken answer";
const BROKEN_OFF: &str = "The answer stopped before its end";
const LATE: &str = "No answer after";
/// What the conversation shows for the request to speak an answer.
const SAY_IT: &str = "Say it aloud.";

impl Conversation {
    /// Sends what was said last once more.
    pub(super) fn ask_again(&mut self, now: Instant) {
        if !self.may_ask_again() {
            return;
        }
        if let Some(turn) = self.turns.machine.asked_turn()
            && let Some(notes) = self.turns.notes.get_mut(&turn)
        {
            notes.asked_again += 1;
        }
        self.withdraw_unanswered();
        self.turns.asking.repeats = true;
        match self
            .turns
            .asking
            .kept
            .as_ref()
            .and_then(|kept| kept.typed.clone())
        {
            Some((text, shown)) => self.ask_typed(now, text, &shown),
            None => self.feed(now, Input::AskAgain),
        }
        self.turns.asking.repeats = false;
    }

    /// Whether there is something to be asked again: an answer that is late, or the last utterance while nothing goes on. It
    /// costs as much as any question.
    pub(super) fn may_ask_again(&self) -> bool {
        if self.spending.is_reached() || self.is_checking() {
            return false;
        }
        let is_late = || {
            let turn = self.turns.machine.asked_turn();
            let notes = turn.and_then(|turn| self.turns.notes.get(&turn));
            notes.is_some_and(|notes| notes.late_shown)
        };
        (self.turns.machine.awaited_since().is_some() && is_late())
            || (self.turns.asking.kept.is_some() && self.turns.machine.is_quiet())
    }

    /// A turn begins: what was kept of the last one becomes its own if it is asked again, and is dropped otherwise. Gives
    /// what is to be noted of it.
    pub(super) fn take_kept(&mut self, turn: TurnId) -> Option<TurnNotes> {
        self.turns.asking.written = None;
        let kept = self.turns.asking.kept.take()?;
        if !self.turns.asking.repeats {
            self.turns.resend.forget(kept.turn);
            return None;
        }
        self.turns.resend.hand_on(kept.turn, turn);
        Some(TurnNotes {
            samples: kept.samples,
            input: kept.input,
            asked_again: kept.asked_again + 1,
            counted: kept.counted,
            ..TurnNotes::default()
        })
    }

    /// Has the last answer spoken that came in writing: the service is asked for it in writing too.
    pub(super) fn say_it(&mut self, now: Instant) {
        if let Some(turn) = self.written()
            && let Ok(ask) = sendable(&read_aloud_request(
                &self.turns.captions.text(turn, Speaker::Assistant),
            ))
        {
            self.ask_typed(now, ask, SAY_IT);
        }
    }

    /// The turn whose answer can be spoken yet: the last one, if it came in writing alone. It costs as much as any question.
    pub(super) fn written(&self) -> Option<TurnId> {
        let may =
            self.turns.machine.is_quiet() && !self.spending.is_reached() && !self.is_checking();
        self.turns.asking.written.filter(|_| may)
    }

    /// Another place will answer: what was said to the last one is not said to it, and what that rejected says nothing of it.
    pub(super) fn forget_asked(&mut self) {
        self.turns.asking.rejections = 0;
        self.turns.carry_over.forget();
        self.tell_provider();
        self.drop_kept();
    }

    fn drop_kept(&mut self) {
        if let Some(kept) = self.turns.asking.kept.take() {
            self.turns.resend.forget(kept.turn);
        }
    }

    /// When it is to be told that the answer is late.
    pub(super) fn late_at(&self) -> Option<Instant> {
        let since = self.turns.machine.awaited_since()?;
        let turn = self.turns.machine.open_turn()?;
        let told = self.turns.notes.get(&turn)?.late_shown;
        (!told).then(|| since + self.profiles.profile.live.reply_deadline)
    }

    pub(super) fn show_late(&mut self, now: Instant) {
        if self.late_at().is_none_or(|at| now < at) {
            return;
        }
        if let Some(turn) = self.turns.machine.open_turn()
            && let Some(notes) = self.turns.notes.get_mut(&turn)
        {
            notes.late_shown = true;
        }
        let seconds = self.profiles.profile.live.reply_deadline.as_secs_f64();
        let what = format!("{LATE} {seconds} s. Still waiting.");
        self.notices
            .show_with(Severity::Warning, what, Some(Remedy::AskAgain));
    }

    /// The answer to a turn begins, or it is asked anew: it is not late any more.
    pub(super) fn withdraw_late(&mut self, turn: TurnId) {
        let notes = self.turns.notes.get_mut(&turn);
        if notes.is_some_and(|notes| std::mem::take(&mut notes.late_shown)) {
            self.withdraw(LATE);
        }
    }

    /// The user knows by now, or has an answer.
    fn withdraw_unanswered(&mut self) {
        for begins_with in [NO_ANSWER, NOT_HEARD, BROKEN_OFF, LATE] {
            self.withdraw(begins_with);
        }
    }

    /// Tells how a turn ended that was not answered aloud: one notice, with one thing to do.
    pub(super) fn show_end(&mut self, record: &TurnRecord, broken_off: bool) {
        let again = || self.turns.asking.kept.is_some().then_some(Remedy::AskAgain);
        let (severity, what, remedy) = match (&record.outcome, &record.silence) {
            (Outcome::Failed(why), _) => (
                Severity::Error,
                format!(
                    "{NO_ANSWER}: {why}. Please {} it again.",
                    if record.typed { "send" } else { "say" }
                ),
                again(),
            ),
            (_, Some(silence)) => (
                Severity::Warning,
                format!(
                    "{NOT_HEARD}: {} {}",
                    sentence(&silence.what()),
                    silence.help()
                ),
                again().filter(|_| silence.may_be_asked_again()),
            ),
            (Outcome::Interrupted, None) if broken_off => {
                (Severity::Warning, format!("{BROKEN_OFF}."), again())
            }
            (Outcome::Completed | Outcome::Interrupted, None) => {
                return self.withdraw_unanswered();
            }
            (Outcome::Cancelled | Outcome::Empty, None) => return self.withdraw(LATE),
        };
        // Each such turn is told, also where the last one ended in the same way.
        self.withdraw_unanswered();
        self.notices.show_with(severity, what, remedy);
    }

    /// Keeps what was asked in a turn that was not answered aloud, until the next one begins. Says whether it does.
    /// `typed` is what was sent, where it was not spoken.
    pub(super) fn keep_unanswered(
        &mut self,
        record: &TurnRecord,
        typed: Option<String>,
        broken_off: bool,
    ) -> bool {
        let only_written = record.silence == Some(UnheardReason::TextOnly);
        let can_be_said = only_written && sendable(&read_aloud_request(&record.assistant)).is_ok();
        self.turns.asking.written = can_be_said.then_some(record.turn);
        let unanswered = match record.outcome {
            Outcome::Empty | Outcome::Failed(_) => true,
            Outcome::Interrupted => broken_off,
            Outcome::Completed | Outcome::Cancelled => false,
        };
        let captured = self.turns.resend.captured(record.turn);
        let nothing = captured == 0 && !record.typed;
        if !unanswered || nothing || self.turns.machine.open_turn().is_some() {
            return false;
        }
        self.drop_kept();
        self.turns.asking.kept = Some(UnansweredQuestion {
            turn: record.turn,
            samples: captured,
            typed: typed.map(|sent| (sent, record.user.clone())),
            input: record.input.clone(),
            asked_again: record.asked_again,
            counted: record.counted
                || record.lost
                || record.timeline.get(Mark::FirstAudible).is_some(),
        });
        true
    }
}

/// What the service is asked, to speak what it wrote.
fn read_aloud_request(words: &str) -> String {
    format!("Please say this aloud, word for word: {words}")
}
