//! Kept conversations: what the store reports, and what the user asks of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::actor::Conversation;
use super::asking::UnansweredQuestion;
use super::carry_over::NewSession;
use super::new_session::told_of;
use super::notices::Topic;
use super::snapshot::{KeptConversation, KeptView, Speaker};
use crate::base::dates::moment;
use crate::base::ids::TurnId;
use crate::base::localized_text::LocalizedText;
use crate::base::severity::Severity;
use crate::base::text::t;
use crate::base::units::SampleRate;
use crate::store::export::ExportFormat;
use crate::store::{
    ConversationId, Filter, Query, Retention, Side, StoreEvent, StoredTurn, UnsentSpeech,
};
use crate::telemetry::TelemetryEvent;
use crate::telemetry::diagnosis::Remedy;
use crate::telemetry::record::TurnRecord;
use crate::turn::machine::Input;

impl Conversation {
    pub(super) fn on_store(&mut self, event: StoreEvent) {
        match event {
            StoreEvent::Begun { id, .. } => {
                self.turns.keeping.id = Some(id);
                self.show_kept(|view| view.current = Some(id));
                self.list_again();
            }
            StoreEvent::Listed {
                filter,
                conversations,
            } => self.show_kept(|view| {
                (view.filter, view.list) = (filter, conversations.into());
            }),
            StoreEvent::Opened { id, turns } => {
                if self
                    .turns
                    .keeping
                    .page
                    .continues
                    .take_if(|continues| *continues == id)
                    .is_some()
                {
                    self.continue_with(id, turns);
                } else {
                    let opened = KeptConversation { id, turns };
                    self.show_kept(|view| view.opened = Some(Arc::new(opened)));
                }
            }
            StoreEvent::Deleted { count } => {
                self.notice(Severity::Info, t!("n-conversations-deleted", n = count));
                self.show_kept(|view| view.opened = None);
                self.list_again();
            }
            StoreEvent::Figures(text) => self.telemetry.send(TelemetryEvent::Figures(text)),
            StoreEvent::Exported(Ok(file)) => {
                self.notice(Severity::Info, t!("written", file = file.display()));
            }
            StoreEvent::Exported(Err(why)) => {
                let what = t!("the-conversation-is-not-exported", why);
                self.notice(Severity::Warning, what);
            }
            StoreEvent::Left {
                conversation,
                unsent,
            } => {
                self.offer_unsent(unsent);
                // The program was killed in the middle of it.
                if let Some(id) = conversation.filter(|_| self.turns.captions.is_empty()) {
                    self.continue_kept(id);
                }
            }
            StoreEvent::Trouble(what) => {
                self.notices
                    .show_about(Topic::Store, Severity::Warning, what.clone());
                self.show_kept(|view| view.trouble = Some(what));
            }
            StoreEvent::Mended => {
                self.notices.withdraw_about(Topic::Store, &[]);
                self.show_kept(|view| view.trouble = None);
            }
            StoreEvent::Notice(what) => self.notice(Severity::Warning, what),
        }
    }

    fn show_kept(&mut self, change: impl FnOnce(&mut KeptView)) {
        change(Arc::make_mut(&mut self.turns.keeping.page.view));
    }

    /// Lists conversations, and again when one is added or deleted; `None` where nobody looks any more.
    pub(super) fn list_kept(&mut self, filter: Option<Filter>) {
        self.turns.keeping.page.filter = filter;
        if self.turns.keeping.page.filter.is_none() {
            self.show_kept(|view| view.opened = None);
        }
        self.list_again();
    }

    fn list_again(&self) {
        if let Some(filter) = &self.turns.keeping.page.filter {
            self.turns.keeping.store.ask(Query::List(filter.clone()));
        }
    }

    pub(super) fn open_kept(&mut self, id: ConversationId) {
        self.turns.keeping.store.ask(Query::Open(id));
    }

    pub(super) fn export_kept(&self, id: ConversationId, format: ExportFormat, folder: PathBuf) {
        let query = Query::Export { id, format, folder };
        self.turns.keeping.store.ask(query);
    }

    /// Goes on with a kept conversation, once it is read.
    pub(super) fn continue_kept(&mut self, id: ConversationId) {
        if self.turns.keeping.id != Some(id) {
            self.turns.keeping.page.continues = Some(id);
            self.turns.keeping.store.ask(Query::Open(id));
        }
    }

    /// Deletes a conversation, or all. One that is running is over with that.
    pub(super) fn delete_kept(&mut self, now: Instant, id: Option<ConversationId>) {
        if id.is_none() || id == self.turns.keeping.id {
            self.begin_conversation(now);
        }
        if id.is_none() {
            // What an earlier run left goes too.
            let waits = std::mem::take(&mut self.turns.asking.kept);
            for question in waits {
                self.turns.resend.forget(question.turn);
            }
            self.withdraw(|| t!("not-answered-yet"));
        }
        self.turns.keeping.store.ask(Query::Delete(id));
    }

    /// Follows the settings.
    pub(super) fn apply_keeping(&mut self) {
        let (retention, audio) = {
            let config = self.settings.config();
            (config.keep, config.keep_audio)
        };
        self.turns.keeping.keeps_audio = audio;
        self.turns.keeping.set_retention(retention);
        let retention = self.turns.keeping.retention;
        if self.turns.keeping.page.view.retention != retention {
            self.show_kept(|view| view.retention = retention);
        }
        let held = self.settings.held().is_some();
        let told = self.turns.keeping.page.view.trouble.as_deref()
            == Some(t!("nothing-is-kept-until-corrected"));
        if held != told {
            self.show_kept(|view| {
                view.trouble = held.then(|| t!("nothing-is-kept-until-corrected").to_owned())
            });
        }
    }

    /// A new conversation, with a session that knows nothing of this one.
    pub(super) fn begin_conversation(&mut self, now: Instant) {
        self.leave_conversation(now);
        self.turns.keeping.begin_another(self.turns.count);
        self.show_kept(|view| view.current = None);
        self.begin_session(NewSession::Asked);
    }

    fn continue_with(&mut self, id: ConversationId, turns: Vec<StoredTurn>) {
        let Some(last) = turns.last().map(|turn| turn.number) else {
            return self.notice(Severity::Warning, t!("not-kept-any-more"));
        };
        self.leave_conversation(crate::conversation::clock::now());
        self.turns.keeping.go_on(id, last, self.turns.count);
        for turn in turns {
            let at = self.turns.machine.next_id();
            let sides = [
                (Speaker::User, &turn.user),
                (Speaker::Assistant, &turn.assistant),
            ];
            for (speaker, words) in sides {
                let unwritten = speaker == Speaker::Assistant && turn.is_unwritten();
                if !words.is_empty() || unwritten {
                    self.turns.captions.restore(at, speaker, words, &turn);
                }
            }
            if let Some(user) = told_of(&turn.user, &turn.assistant, turn.is_heard()) {
                let seed = &mut self.turns.carry_over.seed;
                seed.put(at, &user, &turn.assistant);
            }
        }
        self.show_kept(|view| view.current = Some(id));
        self.begin_session(NewSession::Continued);
    }

    /// What goes on ends, and what was said is shown no longer.
    fn leave_conversation(&mut self, now: Instant) {
        self.feed(now, Input::StopPressed);
        self.turns.captions.clear();
        self.turns.carry_over.forget();
    }

    fn begin_session(&mut self, why: NewSession) {
        self.tell_provider();
        self.turns.carry_over.due = Some(why);
        if !self.is_connected() && self.settings.held().is_none() {
            self.reconnect();
        }
    }

    /// Speech that an earlier run of the program left without an answer can be sent now.
    fn offer_unsent(&mut self, speech: Vec<UnsentSpeech>) {
        let mut heard = Vec::new();
        for unsent in speech {
            let turn = self.turns.machine.next_id();
            self.turns.resend.restore(turn, &unsent.samples);
            self.turns
                .keeping
                .adopt(turn, unsent.conversation, unsent.number);
            let length = SampleRate::WORKING.duration_of(unsent.samples.len() as u64);
            let time = unsent.begun.to_zoned(jiff::tz::TimeZone::system());
            heard.push(t!(
                "seconds-from",
                seconds = format!("{:.0}", length.as_secs_f64().max(1.0)),
                time = moment(&time)
            ));
            self.turns.asking.kept.push_back(UnansweredQuestion {
                turn,
                samples: unsent.samples.len() as u64,
                typed: None,
                input: None,
                asked_again: 0,
                counted: true,
                by_itself: false,
                stays: true,
            });
        }
        if !heard.is_empty() {
            let heard = heard.join(", ");
            let what = LocalizedText::new(move || {
                t!(
                    "not-answered-because-it-ended",
                    unsent = t!("not-answered-yet"),
                    heard
                )
            });
            self.notices
                .show_with(Severity::Warning, what, Some(Remedy::SendNow));
        }
    }

    /// Keeps what is new of the open turn.
    pub(super) fn keep_open_turn(&mut self) {
        let Some(turn) = self.turns.machine.asked_turn() else {
            return;
        };
        if let Some(notes) = self.turns.notes.get(&turn) {
            let (number, words) = (notes.number, self.words_of(turn));
            let profile = &self.profiles.profile.name;
            if self.settings.is_demo() {
                self.turns.keeping.name_demo();
            }
            self.turns.keeping.open(turn, number, profile, words);
        }
    }

    /// Keeps speech of the open turn as it comes.
    pub(super) fn keep_speech(&mut self, turn: TurnId, over: bool) {
        let turns = &mut self.turns;
        if let Some(notes) = turns.notes.get(&turn) {
            turns
                .keeping
                .speech(turn, notes.number, &mut turns.resend, over);
        }
    }

    /// What was said in a turn is not needed any more.
    pub(super) fn forget_speech(&mut self, turn: TurnId) {
        self.turns.resend.forget(turn);
        self.turns.keeping.forget_speech(turn);
    }

    /// Keeps a turn that is over, with its sound where the user wants that.
    pub(super) fn keep_turn(&mut self, record: &TurnRecord) {
        let turns = &mut self.turns;
        if self.settings.is_demo() {
            turns.keeping.name_demo();
        }
        turns.keeping.close(record);
        if !turns.keeping.keeps_audio || turns.keeping.retention == Retention::Off {
            return;
        }
        let said = turns.resend.all(record.turn);
        turns
            .keeping
            .audio(record.number, Side::User, SampleRate::WORKING, said);
        if let Some((rate, heard)) = turns.replay.sound_of(record.turn) {
            turns
                .keeping
                .audio(record.number, Side::Assistant, rate, heard);
        }
    }
}
