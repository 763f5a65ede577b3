//! One conversation: what the client said in, what the server says out. Pure: the time comes in as an argument.
//!
//! ```text
//!            activityStart, onset            activityEnd, endpoint, text
//!   idle ─────────────────────▶ listening ──────────────────────────────▶ answering
//!    ▲                             ▲   interrupted, turnComplete              │
//!    │                             └──────────────── new activity ────────────┤
//!    └──────── generationComplete, (playback), turnComplete, handle ──────────┘
//! ```
//!
//! With `NO_INTERRUPTION` listening and answering overlap, and answers wait for each other.
//!
//! A question whose answer was interrupted before anything of it was due stays in the context: what follows is taken with it
//! as one question, as a model takes it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::context_window::ContextWindow;
use super::output::{DialogueOutput, content};
use super::protocol_rules::{Agreement, ClientInput, CloseReason};
use super::script::{ResumptionMode, Script, ScriptStep, SpeechKind};
use super::scripted_answer::{AnswerContext, Asked, Calls, LONGEST_ECHO, RunningAnswer};
use super::server_vad::{ServerVad, ServerVadEvent};
use super::speech_source::{self, VoicedSpan};
use super::told_event::{AnswerOutcome, ServerEvent, ms};
use crate::base::text::{decimal, t};
use crate::base::units::SampleRate;
use crate::dsp::resample::Resampler;
use crate::provider::gemini::message::{
    FunctionResponse, InteractionStatus, ResumptionUpdate, ServerContent, ServerMessage,
    SetupComplete, ToolCallCancellation, Transcription,
};

/// Answers that may wait for another; with more the oldest is dropped.
const MOST_WAITING: usize = 8;

fn seconds(length: Duration) -> String {
    decimal(length.as_secs_f64(), 1)
}

pub(super) struct Dialogue {
    connection: u64,
    script: Arc<Script>,
    agreement: Agreement,
    context: ContextWindow,
    /// When `setupComplete` is due; `None`: it was sent.
    setup_due: Option<Instant>,
    greet: bool,
    /// From the rate of the client's audio to the working rate.
    resampler: Option<Resampler>,
    vad: Option<Box<ServerVad>>,
    listening: Option<Asked>,
    /// What was asked last, where nothing of an answer was given yet.
    unanswered: Option<Asked>,
    answer: Option<(u64, RunningAnswer)>,
    waiting: VecDeque<(u64, Asked)>,
    calls: Calls,
    leave: Option<Instant>,
    out: VecDeque<DialogueOutput>,
}

impl Dialogue {
    /// A conversation that begins, or goes on where `context` left it.
    pub(super) fn new(
        connection: u64,
        script: Arc<Script>,
        agreement: Agreement,
        context: Option<ContextWindow>,
        now: Instant,
    ) -> Self {
        let vad = agreement
            .detection
            .as_ref()
            .map(|detection| Box::new(ServerVad::new(detection, now)));
        let mut dialogue = Self {
            connection,
            setup_due: Some(now + Duration::from_millis(script.setup_delay_ms)),
            greet: script.greeting && context.is_none(),
            script,
            agreement,
            context: context.unwrap_or_default(),
            resampler: None,
            vad,
            listening: None,
            unanswered: None,
            answer: None,
            waiting: VecDeque::new(),
            calls: Calls::default(),
            leave: None,
            out: VecDeque::new(),
        };
        dialogue.calls.count = dialogue.context.calls;
        dialogue.tick(now);
        dialogue
    }

    /// Whether `setupComplete` was sent.
    pub(super) fn is_ready(&self) -> bool {
        self.setup_due.is_none()
    }

    /// The next thing to do for the connection.
    pub(super) fn poll(&mut self) -> Option<DialogueOutput> {
        self.out.pop_front()
    }

    /// When [`Dialogue::tick`] has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let answer = self.answer.as_ref().map(|(_, answer)| answer.due());
        [self.setup_due, self.leave, answer]
            .into_iter()
            .flatten()
            .min()
    }

    pub(super) fn tick(&mut self, now: Instant) {
        if self.setup_due.is_some_and(|due| due <= now) {
            self.setup_due = None;
            self.begin(now);
        }
        if self.leave.is_some_and(|due| due <= now) {
            self.leave = None;
            self.out.push_back(DialogueOutput::Close(CloseReason {
                code: 1008,
                reason: "the client did not leave after goAway".to_owned(),
            }));
        }
        self.advance(now);
    }

    /// Takes in what the client said, checked by the rules.
    pub(super) fn take(&mut self, said: ClientInput, now: Instant) {
        match said {
            ClientInput::Setup(_) | ClientInput::Else => {}
            ClientInput::Audio { rate, samples } => self.audio(rate, &samples, now),
            ClientInput::ActivityStart => self.started(now),
            ClientInput::ActivityEnd => self.ended("activity_end", now),
            ClientInput::AudioStreamEnd => {
                let events = self.vad.as_mut().map(|vad| vad.flush());
                self.heard(events.into_iter().flatten(), "audio_stream_end", now);
            }
            ClientInput::Text(text) => self.text(&text, now),
            ClientInput::Content {
                characters,
                text,
                ask,
            } => {
                self.context.characters += characters;
                self.waiting.clear();
                self.interrupt(now);
                if ask {
                    self.ask(
                        Asked {
                            text: Some(text),
                            ..Asked::default()
                        },
                        "client_content",
                        now,
                    );
                }
            }
            ClientInput::ToolResponse(responses) => self.tool_responses(&responses, now),
        }
        self.advance(now);
    }

    fn begin(&mut self, now: Instant) {
        self.send(ServerMessage {
            setup_complete: Some(SetupComplete::default()),
            ..ServerMessage::default()
        });
        self.give_handle();
        if self.greet {
            let words = speech_source::greeting();
            let greeting = ScriptStep::Say {
                words: words.caption.to_owned(),
                sound: SpeechKind::Samples(words.samples.clone()),
            };
            // Turn 0: nobody asked.
            self.answer = Some((0, RunningAnswer::new(Asked::default(), vec![greeting], now)));
        }
    }

    fn audio(&mut self, rate: SampleRate, samples: &[i16], now: Instant) {
        let length = rate.duration_of(samples.len() as u64);
        self.context.heard += length;
        let resampled = self.at_working_rate(rate, samples);
        let samples = resampled.as_deref().unwrap_or(samples);
        if let Some(vad) = &mut self.vad {
            let events = vad.push(samples);
            self.heard(events.into_iter(), "silence", now);
        } else if let Some(asked) = &mut self.listening {
            append(asked, samples);
        }
    }

    /// `None`: they are at that rate already.
    fn at_working_rate(&mut self, rate: SampleRate, samples: &[i16]) -> Option<Vec<i16>> {
        if rate == SampleRate::WORKING {
            self.resampler = None;
            return None;
        }
        if self.resampler.as_ref().is_none_or(|r| r.from() != rate) {
            // The rules let only rates pass that it supports.
            self.resampler = Resampler::new(rate, SampleRate::WORKING, 64).ok();
        }
        let input: Vec<f32> = samples.iter().map(|&s| speech_source::to_f32(s)).collect();
        let mut output = Vec::new();
        self.resampler.as_mut()?.push(&input, &mut output);
        Some(output.into_iter().map(speech_source::to_i16).collect())
    }

    fn heard(
        &mut self,
        events: impl Iterator<Item = ServerVadEvent>,
        trigger: &'static str,
        now: Instant,
    ) {
        for event in events {
            match event {
                ServerVadEvent::Started => self.started(now),
                ServerVadEvent::Sound(samples) => {
                    if let Some(asked) = &mut self.listening {
                        append(asked, &samples);
                    }
                }
                ServerVadEvent::Ended => self.ended(trigger, now),
            }
        }
    }

    /// Activity begins, by the client's word or by the VAD.
    fn started(&mut self, now: Instant) {
        if self.agreement.interrupts {
            self.interrupt(now);
        }
        self.listening = Some(Asked::default());
    }

    fn ended(&mut self, trigger: &'static str, now: Instant) {
        if let Some(asked) = self.listening.take() {
            self.ask(asked, trigger, now);
        }
    }

    /// Text in the real-time stream: part of the open activity, or activity of its own.
    fn text(&mut self, text: &str, now: Instant) {
        self.context.characters += text.len();
        if let Some(asked) = &mut self.listening {
            asked.text = Some(text.to_owned());
            return;
        }
        self.started(now);
        if let Some(asked) = &mut self.listening {
            asked.text = Some(text.to_owned());
        }
        self.ended("text", now);
    }

    /// A turn of the user is over: answers it now, or after the answer that is running.
    fn ask(&mut self, mut asked: Asked, trigger: &'static str, now: Instant) {
        asked.voice = speech_source::find_voice(&asked.samples);
        self.context.turns += 1;
        let turn = self.context.turns;
        let level = |voice: VoicedSpan| f64::from((voice.level.0 * 10.0).round()) / 10.0;
        self.out.push_back(DialogueOutput::Tell(ServerEvent::Turn {
            connection: self.connection,
            turn,
            trigger,
            heard_ms: ms(asked.heard),
            voice_ms: asked.voice.map(|voice| ms(voice.length)),
            level_dbfs: asked.voice.map(level),
        }));
        if self.waiting.len() == MOST_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back((turn, asked));
        self.answer_next(now);
    }

    fn answer_next(&mut self, now: Instant) {
        if self.answer.is_some() {
            return;
        }
        let Some((turn, asked)) = self.waiting.pop_front() else {
            return;
        };
        if self.agreement.input_words && self.script.transcripts && !asked.heard.is_zero() {
            let text = match asked.voice {
                Some(voice) => t!("demo-you-spoke", seconds = seconds(voice.length)),
                None => t!("demo-you-were-silent", seconds = seconds(asked.heard)),
            };
            let transcription = Transcription {
                text,
                finished: true,
                ..Transcription::default()
            };
            self.send(content(ServerContent {
                input_transcription: Some(transcription),
                ..ServerContent::default()
            }));
        }
        let position = turn - 1 - self.context.gone_on;
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        let asked = match self.unanswered.take() {
            Some(before) => before.and_then(asked),
            None => asked,
        };
        let due = now + Duration::from_millis(self.script.think_ms);
        self.answer = Some((
            turn,
            RunningAnswer::new(asked, self.script.actions(position).to_vec(), due),
        ));
    }

    fn advance(&mut self, now: Instant) {
        while let Some((turn, mut answer)) = self.answer.take() {
            let outcome = answer.advance(&mut self.around(now));
            let Some(outcome) = outcome else {
                self.answer = Some((turn, answer));
                return;
            };
            let spoken = answer.spoken();
            if outcome == AnswerOutcome::Completed {
                self.complete_turn(spoken);
            }
            self.tell_answer(turn, outcome, spoken);
            self.answer_next(now);
        }
    }

    /// `interrupted`, what is cancelled with it, and the end of the old turn; nothing of it comes after.
    fn interrupt(&mut self, now: Instant) {
        let Some((turn, mut answer)) = self.answer.take() else {
            return;
        };
        self.send(content(ServerContent {
            interrupted: true,
            ..ServerContent::default()
        }));
        answer.interrupt(&mut self.around(now));
        let open = std::mem::take(&mut self.calls.open);
        if !open.is_empty() {
            let ids: Vec<String> = open.into_iter().map(|(id, _)| id).collect();
            self.calls.closed.extend(ids.iter().cloned());
            self.send(ServerMessage {
                tool_call_cancellation: Some(ToolCallCancellation { ids }),
                ..ServerMessage::default()
            });
        }
        let spoken = answer.spoken();
        // Turn 0 is the greeting, which nobody asked for.
        self.unanswered = answer.into_unanswered().filter(|_| turn > 0);
        self.context.gone_on += u64::from(self.unanswered.is_some());
        self.complete_turn(spoken);
        self.tell_answer(turn, AnswerOutcome::Interrupted, spoken);
    }

    fn tell_answer(&mut self, turn: u64, outcome: AnswerOutcome, spoken: Duration) {
        self.out
            .push_back(DialogueOutput::Tell(ServerEvent::Answer {
                connection: self.connection,
                turn,
                outcome,
                spoken_ms: ms(spoken),
            }));
    }

    fn complete_turn(&mut self, spoken: Duration) {
        let usage = self.context.usage(spoken);
        self.context.spoken += spoken;
        self.send(ServerMessage {
            usage_metadata: Some(usage),
            ..content(ServerContent {
                turn_complete: true,
                interaction_status: Some(InteractionStatus::Idle),
                ..ServerContent::default()
            })
        });
        self.give_handle();
    }

    fn give_handle(&mut self) {
        if self.agreement.resumption && self.script.resumption != ResumptionMode::No {
            self.context.calls = self.calls.count;
            self.out.push_back(DialogueOutput::Handle(self.context));
        }
    }

    fn tool_responses(&mut self, responses: &[FunctionResponse], now: Instant) {
        for response in responses {
            let id = response.id.as_deref().unwrap_or_default();
            if self.calls.closed.iter().any(|closed| closed == id) {
                continue; // It crossed with the cancellation.
            }
            let Some(place) = self.calls.open.iter().position(|(open, _)| open == id) else {
                return self.refuse("id", "no such call");
            };
            if Some(self.calls.open[place].1.as_str()) != response.name.as_deref() {
                return self.refuse("name", "not the function that was called");
            }
            if !response.will_continue.unwrap_or(false) {
                self.calls.open.remove(place);
                self.calls.closed.push(id.to_owned());
            }
            if let Some((_, answer)) = &mut self.answer {
                answer.answered(id, now);
            }
        }
    }

    fn refuse(&mut self, field: &str, what: &str) {
        let path = format!("toolResponse.functionResponses.{field}");
        self.out
            .push_back(DialogueOutput::Close(CloseReason::invalid(&path, what)));
    }

    fn around(&mut self, now: Instant) -> AnswerContext<'_> {
        AnswerContext {
            now,
            agreement: &self.agreement,
            script: &self.script,
            calls: &mut self.calls,
            out: &mut self.out,
            leave: &mut self.leave,
        }
    }

    fn send(&mut self, message: ServerMessage) {
        self.out.push_back(DialogueOutput::Send(message.to_json()));
    }
}

fn append(asked: &mut Asked, samples: &[i16]) {
    asked.heard += SampleRate::WORKING.duration_of(samples.len() as u64);
    let room = SampleRate::WORKING
        .samples_in(LONGEST_ECHO)
        .saturating_sub(asked.samples.len());
    asked.samples.extend(samples.iter().take(room));
}

/// The message that carries a handle.
pub(super) fn resumption(handle: String) -> String {
    let update = ResumptionUpdate {
        new_handle: Some(handle),
        resumable: true,
        ..ResumptionUpdate::default()
    };
    ServerMessage {
        session_resumption_update: Some(update),
        ..ServerMessage::default()
    }
    .to_json()
}
