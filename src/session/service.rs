//! What the client reports, and when a new connection is due.

use std::time::Instant;

use tracing::{debug, info, warn};

use super::controller::Controller;
use super::silence::Answer;
use super::snapshot::{Link, Speaker};
use super::turns::Notes;
use crate::base::ids::TurnId;
use crate::base::severity::Severity;
use crate::base::tokens::TokenCounts;
use crate::client;
use crate::live::grounding::Grounding;
use crate::live::message::{Blob, FunctionCall, InteractionStatus, ServerContent, ServerMessage};
use crate::live::pcm;
use crate::turn::machine::{Input, Phase, TokenOwner};

/// Told once for each model.
const HINTS_REFUSED: &str = "This model does not accept hints about languages and names. They are part of its instruction instead.";

impl Controller {
    pub(super) fn on_client(&mut self, now: Instant, event: client::Event) {
        match event {
            client::Event::Connecting { attempt } => {
                if self.is_connected() {
                    self.feed(now, Input::LinkDown);
                }
                self.provider.link = Link::Connecting { attempt };
                self.changed = true;
            }
            client::Event::Ready {
                connection,
                resumed,
                under_v1: _,
            } => self.on_ready(now, connection, resumed),
            client::Event::Message { message, at } => self.on_message(now, at, *message),
            client::Event::Flushed { at } => self.feed(now, Input::Flushed { at }),
            client::Event::GoAway { time_left } => {
                info!(?time_left, "the service will end this connection");
                self.provider.going_away = true;
            }
            client::Event::HintsRefused => self.notice(Severity::Info, HINTS_REFUSED.into()),
            client::Event::Lost { fault, retry_in } => {
                debug!(%fault, ?retry_in, "the session is without a connection");
                self.provider.outbox.clear();
                self.provider.streaming = None;
                for notes in self.turns.notes.values_mut() {
                    notes.fault = Some(fault.to_string());
                }
                self.provider.link = Link::Down {
                    what: fault.to_string(),
                    hint: fault.hint().to_string(),
                    retry_at: retry_in.map(|wait| now + wait),
                    key_refused: fault.is_key_refused(),
                };
                self.feed(now, Input::LinkDown);
                self.changed = true;
            }
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        matches!(self.provider.link, Link::Connected { .. })
    }

    fn on_ready(&mut self, now: Instant, connection: u32, resumed: bool) {
        info!(connection, resumed, "connected");
        self.counters.connections.add(1);
        self.counters.resumes.add(u64::from(resumed));
        let rejected = self.turns.asking.take_reason();
        if self.provider.ever_connected
            && !resumed
            && (rejected.is_some() || !self.turns.captions.is_empty())
        {
            let what = rejected.unwrap_or_else(|| {
                "The service began a new conversation: it does not remember the last one.".into()
            });
            self.notice(Severity::Info, what);
        }
        self.provider.ever_connected = true;
        self.provider.was_connected = true;
        self.provider.going_away = false;
        self.provider.link = Link::Connected {
            since: now,
            host: self.settings.host(),
        };
        // As this connection was set up: the profile may have changed since.
        let automatic = self.provider.setup.realtime_input_config.as_ref();
        let automatic = automatic.and_then(|input| input.automatic_activity_detection.as_ref());
        let manual = automatic.and_then(|detection| detection.disabled) == Some(true);
        self.turns.machine.set_manual(manual);
        self.apply_pace();
        self.feed(now, Input::LinkUp);
        self.changed = true;
    }

    /// Every field of a message counts: one may hold audio, words and flags together.
    fn on_message(&mut self, now: Instant, at: Instant, message: ServerMessage) {
        if let Some(call) = &message.tool_call {
            self.note_tool_calls(call.function_calls.len());
            let calls = &call.function_calls;
            self.feed(
                now,
                if calls.iter().all(FunctionCall::is_answerable) {
                    Input::ReplyContent
                } else {
                    Input::Unanswerable
                },
            );
        }
        let update = message.session_resumption_update.as_ref();
        let is_alive = message.voice_activity.is_some()
            || message.tool_call_cancellation.is_some()
            // No handle holds while an answer is made.
            || update.is_some_and(|update| !update.resumable);
        if is_alive {
            self.feed(now, Input::ReplySign);
        }
        if let Some(usage) = &message.usage_metadata {
            self.note_tokens(usage);
        }
        if let Some(content) = message.server_content {
            self.on_content(now, at, content);
        }
    }

    fn on_content(&mut self, now: Instant, at: Instant, content: ServerContent) {
        if let Some(metadata) = content.grounding_metadata.as_ref()
            && content.searched()
        {
            self.note_search(metadata);
        }
        if content.interrupted {
            self.provider.reply.reset();
            self.feed(now, Input::Interrupted);
        }
        if let Some(words) = content.input_transcription {
            self.on_words(now, Speaker::User, &words.text);
        }
        for part in content.model_turn.into_iter().flat_map(|turn| turn.parts) {
            if content.interrupted {
                continue;
            }
            // Thoughts are not said. Text beside audio is a transcript's affair; without audio it is the answer.
            match part.inline_data.filter(|_| !part.thought) {
                Some(blob) if blob.data.is_empty() => self.feed(now, Input::ReplySign),
                Some(blob) => self.on_reply_audio(now, at, &blob),
                None => {
                    let text = part.text.filter(|_| !part.thought);
                    self.note_answer(now, |answer| answer.read(&text.unwrap_or_default()));
                    self.feed(now, Input::ReplyContent);
                }
            }
        }
        if let Some(words) = content.output_transcription {
            self.on_words(now, Speaker::Assistant, &words.text);
        }
        if content.generation_complete {
            self.feed(now, Input::GenerationComplete);
        }
        if let Some(reason) = &content.turn_complete_reason {
            self.note_reason(reason);
        }
        if content.turn_complete {
            self.provider.reply.reset();
            // Extended thinking closes a turn several times; only the last one is its end.
            let more = content.interaction_status == Some(InteractionStatus::InProgress);
            self.feed(
                now,
                if more {
                    Input::TurnGoesOn
                } else {
                    Input::TurnComplete
                },
            );
        }
    }

    fn on_reply_audio(&mut self, now: Instant, at: Instant, blob: &Blob) {
        match pcm::reply_rate(&blob.mime_type) {
            Ok(rate) => {
                let samples = self.provider.reply.read_as(&blob.mime_type, &blob.data);
                self.turns.chunk = Some((rate, samples));
                self.note_decoded(at);
                self.feed(now, Input::ReplyAudio { at });
                self.turns.chunk = None;
            }
            Err(problem) => {
                self.counters.bad_messages.add(1);
                warn!(%problem, "reply audio that cannot be played");
                self.note_answer(now, |answer| answer.refuse(&problem.mime));
                self.feed(now, Input::ReplyContent);
            }
        }
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
        if let Some(turn) = turn.and_then(|turn| self.turns.captions.place_of_words(turn, speaker))
        {
            self.turns.captions.add(turn, speaker, words);
            self.changed = true;
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

    /// The first reply audio of the open turn has become samples.
    fn note_decoded(&mut self, at: Instant) {
        if let Some((turn, true)) = self.turns.machine.open_turn()
            && let Some(notes) = self.turns.notes.get_mut(&turn)
            && notes.noted.decoded.is_none()
        {
            notes.noted.decoded = Some((at, super::clock::now()));
        }
    }

    fn note_tool_calls(&mut self, calls: usize) {
        if let Some(notes) = self.notes_of_next_end() {
            notes.tool_calls += u32::try_from(calls).unwrap_or(u32::MAX);
        }
    }

    /// Sources are shown under the answer that they come with; a search is billed whosever it was.
    fn note_search(&mut self, metadata: &serde_json::Value) {
        if let Some(notes) = self.notes_of_next_end() {
            notes.searched = true;
            return notes.answer.grounding.add(metadata);
        }
        let mut found = Grounding::default();
        found.add(metadata);
        self.note_tokens_of_other(TokenCounts {
            searches: (found.queries.len() as u64).max(1),
            ..TokenCounts::default()
        });
    }

    /// The notes of the open turn, where it is the one that the service ends next.
    fn notes_of_next_end(&mut self) -> Option<&mut Notes> {
        let open = self.turns.machine.open_turn().filter(|(_, asked)| *asked);
        let (turn, _) = open.filter(|_| self.turns.machine.bill() == TokenOwner::Open)?;
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
    fn note_reason(&mut self, reason: &str) {
        debug!(reason, "the service says why a turn is complete");
        if let Some(notes) = self.notes_of_next_end() {
            notes.answer.end(reason);
        }
    }

    /// Opens the connection that is due: because the service ends this one, or because the settings want another. Where nothing
    /// is tried by itself any more, another set-up is tried at once: the last one may be what was refused.
    pub(super) fn roll_if_quiet(&mut self) {
        let changed = self.provider.wanted != self.provider.setup;
        let planned = self.provider.going_away || changed || self.turns.asking.afresh;
        let given_up = matches!(self.provider.link, Link::Down { retry_at: None, .. });
        if changed && given_up && self.settings.held().is_none() {
            return self.roll();
        }
        if !self.is_connected() || !planned || !self.turns.machine.is_quiet() {
            return;
        }
        let afresh = self.turns.asking.afresh;
        info!(
            self.provider.going_away,
            changed, afresh, "planned change of connection"
        );
        self.provider.going_away = false;
        if changed {
            self.turns.machine.forget_thinking();
        }
        self.counters.rolls.add(1);
        self.roll();
    }

    /// Dials with what the settings want now.
    fn roll(&mut self) {
        self.settings.refresh_context();
        self.provider.wanted = self.settings.setup(&self.profiles.profile);
        self.provider.setup = self.provider.wanted.clone();
        self.withdraw(super::profile_switch::FOLLOWS_LATER);
        self.withdraw(super::user::HOLDS_LATER);
        self.feed(super::clock::now(), Input::LinkDown);
        self.provider.link = Link::Connecting { attempt: 1 };
        self.provider.outbox.clear();
        let control = self.planned();
        self.control(control);
        self.changed = true;
    }
}
