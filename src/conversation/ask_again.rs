//! What was asked in a turn without an answer is asked again, or its answer is spoken.

use super::actor::Conversation;
use super::asking::UnansweredQuestion;
use super::snapshot::Speaker;
use super::turn_notes::TurnNotes;
use super::typed::sendable;
use crate::base::ids::{Mark, TurnId};
use crate::base::localized_text::LocalizedText;
use crate::base::plural::sentence;
use crate::base::severity::Severity;
use crate::base::text::t;
use crate::telemetry::TelemetryEvent;
use crate::telemetry::diagnosis::Remedy;
use crate::telemetry::record::TurnRecord;
use crate::telemetry::record::UnheardReason;
use crate::turn::machine::{Input, Outcome, Retry};
use std::time::Instant;

/// How often a question is asked again by itself whose answer was cut off: a connection that does so each time is no reason
/// to pay for more.
const ASKED_BY_ITSELF: u32 = 2;

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
        self.withdraw(|| t!("not-answered-yet"));
        if self.turns.machine.awaited_since().is_some() {
            return self.feed(now, Input::AskAgain);
        }
        // What waits longest goes first, and the rest follows.
        for question in &mut self.turns.asking.kept {
            question.by_itself = true;
        }
        self.ask_kept(now);
    }

    /// Asks again what is to be asked by itself, if nothing else goes on.
    pub(super) fn ask_by_itself(&mut self, now: Instant) {
        let waits = self.turns.asking.kept.iter().any(|kept| kept.by_itself);
        if waits && self.is_connected() && self.may_ask_again() {
            self.ask_kept(now);
        }
    }

    fn ask_kept(&mut self, now: Instant) {
        let mut kept = self.turns.asking.kept.iter();
        let Some(question) = kept.find(|question| question.by_itself) else {
            return;
        };
        let typed = question.typed.clone();
        self.turns.asking.repeats = Some(question.turn);
        match typed {
            Some((text, shown)) => self.ask_typed(now, text, &shown),
            None => self.feed(now, Input::AskAgain),
        }
        self.turns.asking.repeats = None;
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
            || (!self.turns.asking.kept.is_empty() && self.turns.machine.is_quiet())
    }

    /// A turn begins: what was kept of the last one becomes its own if it is asked again, and is dropped otherwise. Gives
    /// what is to be noted of it.
    pub(super) fn take_kept(&mut self, turn: TurnId) -> Option<TurnNotes> {
        self.turns.asking.written = None;
        let Some(asked) = self.turns.asking.repeats.take() else {
            self.drop_kept(|question| question.stays);
            return None;
        };
        let questions = &mut self.turns.asking.kept;
        let at = questions.iter().position(|kept| kept.turn == asked)?;
        let kept = questions.remove(at)?;
        let turns = &mut self.turns;
        turns.resend.hand_on(kept.turn, turn);
        let number = turns.count + 1;
        turns.keeping.speech(turn, number, &mut turns.resend, true);
        turns.keeping.forget_speech(kept.turn);
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
            self.ask_typed(now, ask, t!("say-it-aloud"));
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
        self.drop_kept(|_| false);
        self.withdraw(|| t!("not-answered-yet"));
    }

    /// Drops what is kept to be asked again, but for what `stays`.
    fn drop_kept(&mut self, stays: impl Fn(&UnansweredQuestion) -> bool) {
        let turns = &mut self.turns;
        turns.asking.kept.retain(|question| {
            let stays = stays(question);
            if !stays {
                turns.resend.forget(question.turn);
                turns.keeping.forget_speech(question.turn);
            }
            stays
        });
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
        let what = LocalizedText::new(move || {
            t!("s-still-waiting", late = t!("no-answer-after"), seconds)
        });
        self.notices
            .show_with(Severity::Warning, what, Some(Remedy::AskAgain));
    }

    /// The answer to a turn begins, or it is asked anew: it is not late any more.
    pub(super) fn withdraw_late(&mut self, turn: TurnId) {
        let notes = self.turns.notes.get_mut(&turn);
        if notes.is_some_and(|notes| std::mem::take(&mut notes.late_shown)) {
            self.withdraw(|| t!("no-answer-after"));
        }
    }

    /// The user knows by now, or has an answer.
    fn withdraw_unanswered(&mut self) {
        self.withdraw(|| t!("the-answer-failed"));
        self.withdraw(|| t!("no-spoken-answer"));
        self.withdraw(|| t!("the-answer-stopped-before-its"));
        self.withdraw(|| t!("no-answer-after"));
    }

    /// Tells how a turn ended that was not answered aloud: one notice, with one thing to do.
    pub(super) fn show_end(&mut self, record: &TurnRecord, broken_off: bool) {
        let again = || (self.kept(record.turn).is_some()).then_some(Remedy::AskAgain);
        let (severity, what, remedy) = match (&record.outcome, &record.silence) {
            (Outcome::Failed(why), _) => self.failure(record, why),
            (_, Some(silence)) => {
                let remedy = again().filter(|_| silence.may_be_asked_again());
                let silence = silence.clone();
                let what = LocalizedText::new(move || {
                    let what = sentence(&silence.what());
                    format!("{}: {what} {}", t!("no-spoken-answer"), silence.help())
                });
                (Severity::Warning, what, remedy)
            }
            (Outcome::Interrupted, None) if broken_off => (
                Severity::Warning,
                LocalizedText::new(|| format!("{}.", t!("the-answer-stopped-before-its"))),
                again(),
            ),
            (Outcome::Completed | Outcome::Interrupted, None) => {
                return self.withdraw_unanswered();
            }
            (Outcome::Cancelled | Outcome::Empty, None) => {
                return self.withdraw(|| t!("no-answer-after"));
            }
        };
        // Each such turn is told, also where the last one ended in the same way.
        self.withdraw_unanswered();
        if remedy == Some(Remedy::SendNow) {
            self.withdraw(|| t!("not-answered-yet"));
        }
        self.notices.show_with(severity, what, remedy);
    }

    /// The conversation is over: what still waits to be asked is lost.
    pub(super) fn count_unasked(&mut self) {
        let waits =
            |kept: &&UnansweredQuestion| kept.stays && !kept.counted && kept.typed.is_none();
        let lost = self.turns.asking.kept.iter().filter(waits).count();
        if lost > 0 && !self.turns.keeping.keeps_speech() {
            self.telemetry.send(TelemetryEvent::Lost(lost as u64));
        }
    }

    fn kept(&self, turn: TurnId) -> Option<&UnansweredQuestion> {
        let mut kept = self.turns.asking.kept.iter();
        kept.find(|question| question.turn == turn)
    }

    /// What is told of a turn that failed.
    fn failure(
        &self,
        record: &TurnRecord,
        why: &LocalizedText,
    ) -> (Severity, LocalizedText, Option<Remedy>) {
        let (why, typed) = (why.clone(), record.typed);
        let failed = |why: &LocalizedText| format!("{}: {why}.", t!("the-answer-failed"));
        let (severity, remedy, what) = match self.kept(record.turn) {
            Some(kept) if kept.by_itself => {
                let what = move || t!("it-is-asked-for-again", what = failed(&why));
                (Severity::Warning, None, LocalizedText::new(what))
            }
            Some(kept) if kept.stays => {
                let unsent = || t!("not-answered-yet");
                let what = move || t!("what-you-said-is-kept", unsent = unsent(), why);
                let remedy = Some(Remedy::SendNow);
                (Severity::Error, remedy, LocalizedText::new(what))
            }
            Some(_) => {
                let what = move || match typed {
                    true => t!("ask-again-or-send-it", what = failed(&why)),
                    false => t!("ask-again-or-say-it", what = failed(&why)),
                };
                let remedy = Some(Remedy::AskAgain);
                (Severity::Error, remedy, LocalizedText::new(what))
            }
            None => {
                let what = move || match typed {
                    true => t!("please-send-it-again", what = failed(&why)),
                    false => t!("please-say-it-again", what = failed(&why)),
                };
                (Severity::Error, None, LocalizedText::new(what))
            }
        };
        (severity, what, remedy)
    }

    /// Keeps what was asked in a turn that was not answered aloud, until the next one begins. Says whether it does.
    /// `typed` is what was sent, where it was not spoken.
    pub(super) fn keep_unanswered(
        &mut self,
        record: &TurnRecord,
        typed: Option<String>,
        broken_off: bool,
        retry: Retry,
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
        let stays = retry == Retry::WithConsent;
        // Where nobody can be asked it is sent all the same, a few times.
        let by_itself = retry == Retry::ByItself || stays && !self.turns.machine.has_consent();
        let most = if stays { 1 } else { ASKED_BY_ITSELF };
        let by_itself = by_itself && record.asked_again < most;
        if stays && self.turns.asking.over {
            // The next run of the program offers it.
            return self.turns.keeping.keeps_speech();
        }
        if stays && !by_itself && !self.turns.machine.has_consent() {
            return false;
        }
        let over = !stays && self.turns.machine.open_turn().is_some();
        if !unanswered || nothing || over {
            return false;
        }
        self.drop_kept(|question| question.stays);
        self.turns.asking.kept.push_back(UnansweredQuestion {
            by_itself,
            stays,
            turn: record.turn,
            samples: captured,
            typed: typed.map(|sent| (sent, record.user.clone())),
            input: record.input.clone(),
            asked_again: record.asked_again,
            counted: record.counted || record.timeline.get(Mark::FirstAudible).is_some(),
        });
        true
    }
}

/// What the service is asked, to speak what it wrote.
fn read_aloud_request(words: &str) -> String {
    format!("Please say this aloud, word for word: {words}")
}
