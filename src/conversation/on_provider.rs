//! What the provider reports, and when a new connection is due.

use std::time::{Duration, Instant};

use tracing::{debug, info};

use super::actor::Conversation;
use super::notices::Topic;
use super::snapshot::{Link, Speaker};
use super::turn_notes::TurnNotes;
use super::unheard_answer::Answer;
use crate::base::ids::TurnId;
use crate::base::localized_text::LocalizedText;
use crate::base::severity::Severity;
use crate::base::supervise::{given_up, restarted};
use crate::base::text::t;
use crate::base::tokens::TokenCounts;
use crate::provider::grounding::Grounding;
use crate::provider::{
    EndReason, FaultKind, ProviderEvent, ProviderFault, Ready, ReplyAudio, TurnDetection,
};
use crate::turn::machine::{Input, Phase, TokenOwner};

impl Conversation {
    pub(super) fn on_provider(&mut self, now: Instant, event: ProviderEvent) {
        match event {
            ProviderEvent::Connecting { attempt } => {
                if self.is_connected() {
                    self.feed(now, Input::LinkDown);
                }
                self.provider.link = Link::Connecting { attempt };
            }
            ProviderEvent::Ready(ready) => self.on_ready(now, ready),
            ProviderEvent::HintsRefused => {
                self.notice(Severity::Info, t!("this-model-cannot-be-told"))
            }
            ProviderEvent::EndSent { at } => self.feed(now, Input::EndSent { at }),
            ProviderEvent::EndDelivered { at } => self.feed(now, Input::EndDelivered { at }),
            ProviderEvent::GoingAway { time_left } => {
                info!(?time_left, "this connection will be replaced");
                self.provider.going_away = true;
            }
            ProviderEvent::Stalled(true) => {
                self.notices.show_about(
                    Topic::Network,
                    Severity::Warning,
                    LocalizedText::new(|| t!("the-network-does-not-answer")),
                );
            }
            ProviderEvent::Stalled(false) => self.notices.withdraw_about(Topic::Network, &[]),
            ProviderEvent::Lost { fault, retry_in } => self.on_lost(now, &fault, retry_in),
            ProviderEvent::ReplyAudio(audio) => self.on_reply_audio(now, audio),
            ProviderEvent::UnplayableAudio { mime } => {
                self.note_answer(now, |answer| answer.refuse(&mime));
                self.feed(now, Input::ReplyContent);
            }
            ProviderEvent::Text(text) => {
                self.note_answer(now, |answer| answer.read(&text));
                self.feed(now, Input::ReplyContent);
            }
            ProviderEvent::Content => self.feed(now, Input::ReplyContent),
            ProviderEvent::Transcript { speaker, text } => self.on_words(now, speaker, &text),
            ProviderEvent::Alive => self.feed(now, Input::ReplySign),
            ProviderEvent::Interrupted => self.feed(now, Input::Interrupted),
            ProviderEvent::GenerationComplete => self.feed(now, Input::GenerationComplete),
            ProviderEvent::EndReason(reason) => self.note_reason(&reason),
            ProviderEvent::TurnComplete { goes_on: true } => self.feed(now, Input::TurnGoesOn),
            ProviderEvent::TurnComplete { goes_on: false } => self.feed(now, Input::TurnComplete),
            ProviderEvent::ToolCalls { count, answerable } => {
                self.note_tool_calls(count);
                self.feed(
                    now,
                    if answerable {
                        Input::ReplyContent
                    } else {
                        Input::Unanswerable
                    },
                );
            }
            ProviderEvent::Searched(found) => self.note_search(found),
            ProviderEvent::Usage(usage) => self.note_tokens(&usage),
        }
    }

    fn on_lost(&mut self, now: Instant, fault: &ProviderFault, retry_in: Option<Duration>) {
        debug!(%fault, ?retry_in, "the session is without a connection");
        self.provider.outbox.clear();
        self.provider.streaming = None;
        // The state of the link says it now.
        self.notices.withdraw_about(Topic::Network, &[]);
        for notes in self.turns.notes.values_mut() {
            notes.fault = Some(fault.what.clone());
        }
        self.provider.link = Link::Down {
            what: fault.what.to_string(),
            hint: fault.hint.to_owned(),
            retry_at: retry_in.map(|wait| now + wait),
            key_refused: fault.kind == FaultKind::Key,
        };
        if fault.kind == FaultKind::Internal {
            let what = retry_in.map_or(given_up(t!("the-connection-to-the-service")), |_| {
                restarted(t!("the-connection-to-the-service"))
            });
            self.notice(Severity::Warning, what);
        }
        self.feed(now, Input::LinkDown);
    }

    pub(super) fn is_connected(&self) -> bool {
        matches!(self.provider.link, Link::Connected { .. })
    }

    fn on_ready(&mut self, now: Instant, ready: Ready) {
        let (connection, resumed) = (ready.connection, ready.resumed);
        info!(connection, resumed, "connected");
        self.counters.connections.add(1);
        self.notices.withdraw_about(Topic::Network, &[]);
        for notes in self.turns.notes.values_mut() {
            notes.fault = None;
        }
        self.counters.resumes.add(u64::from(resumed));
        self.show_session(&ready);
        self.provider.ever_connected = true;
        self.provider.was_connected = true;
        self.provider.going_away = false;
        self.provider.link = Link::Connected {
            since: now,
            host: self.settings.host(),
        };
        // As this connection was set up: the profile may have changed since.
        let manual = ready.capabilities.turns == TurnDetection::Client;
        self.turns.machine.set_manual(manual);
        self.apply_turn_settings();
        self.feed(now, Input::LinkUp);
    }

    fn on_reply_audio(&mut self, now: Instant, audio: ReplyAudio) {
        if let Some(turn) = self.turns.machine.asked_turn()
            && let Some(notes) = self.turns.notes.get_mut(&turn)
        {
            let decoded = (audio.read_at, audio.decoded_at);
            notes.timings.decoded.get_or_insert(decoded);
        }
        let at = audio.read_at;
        self.turns.machine.handle(now, Input::ReplyAudio { at });
        self.note_opened();
        self.perform_with(Some(audio));
    }

    fn on_words(&mut self, now: Instant, speaker: Speaker, words: &str) {
        let turn = match speaker {
            Speaker::User => self.turns.machine.heard_turn(now),
            Speaker::Assistant => self
                .turns
                .machine
                .heard_turn(now)
                .filter(|_| self.turns.machine.phase() != Phase::Speaking),
        };
        let turn = turn.or_else(|| self.last_closed(speaker));
        if let Some(turn) = turn.and_then(|turn| self.turns.captions.caption_turn(turn, speaker)) {
            self.turns.captions.add(turn, speaker, words);
            self.correct_carried(turn);
        }
        self.feed(now, Input::ReplySign);
    }

    /// Words that come after their turn was closed belong to it all the same.
    fn last_closed(&self, speaker: Speaker) -> Option<TurnId> {
        self.turns
            .captions
            .last_turn()
            .filter(|_| speaker == Speaker::User || self.turns.machine.phase() == Phase::Idle)
    }

    fn note_tool_calls(&mut self, calls: usize) {
        if let Some(notes) = self.notes_of_next_end() {
            notes.tool_calls += u32::try_from(calls).unwrap_or(u32::MAX);
        }
    }

    /// Sources are shown under the answer that they come with; a search is billed whosever it was.
    fn note_search(&mut self, found: Grounding) {
        if let Some(notes) = self.notes_of_next_end() {
            notes.searched = true;
            return notes.answer.grounding.add(found);
        }
        self.note_tokens_of_other(TokenCounts {
            searches: (found.queries.len() as u64).max(1),
            ..TokenCounts::default()
        });
    }

    /// The notes of the open turn, where it is the one that the service ends next.
    fn notes_of_next_end(&mut self) -> Option<&mut TurnNotes> {
        let open = self.turns.machine.asked_turn();
        let turn = open.filter(|_| self.turns.machine.bill() == TokenOwner::Open)?;
        self.turns.notes.get_mut(&turn)
    }

    /// Notes something of the answer that comes now, with the turn that it belongs to.
    fn note_answer(&mut self, now: Instant, note: impl FnOnce(&mut Answer)) {
        let turn = self.turns.machine.heard_turn(now);
        if let Some(notes) = turn.and_then(|turn| self.turns.notes.get_mut(&turn)) {
            note(&mut notes.answer);
        }
    }

    /// Why the service ends the turn that its next end belongs to.
    fn note_reason(&mut self, reason: &EndReason) {
        debug!(
            reason = reason.name,
            "the service says why a turn is complete"
        );
        if let Some(notes) = self.notes_of_next_end() {
            notes.answer.end(reason);
        }
    }
}
