//! One answer on its way: the steps of a script, paced. Pure: it is told the time and says when it wants to be told again.
//!
//! ```text
//! (think) ─▶ next step ─▶ speaking, chunk by chunk ─▶ next step ─▶ … ─▶ generationComplete ─▶ (playback) ─▶ done
//!                └──────▶ waiting for a tool's answer ──┘
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::output::{DialogueOutput, content};
use super::protocol_rules::{Agreement, CloseReason};
use super::script::{Script, ScriptStep, SpeechKind, TurnComplete};
use super::speech_source::{self, SoundSource, VoicedSpan};
use super::told_event::AnswerOutcome;
use crate::base::printable::{clipped, in_a_line};
use crate::base::text::{decimal, t};
use crate::base::units::SampleRate;
use crate::provider::gemini::message::{
    Blob, Content, FunctionCall, GoAway, InteractionStatus, Part, ServerContent, ServerMessage,
    ToolCall, Transcription,
};
use crate::provider::gemini::pcm;

/// Audio sent after `interrupted`, where a script asks for it: 880 Hz, to be told from everything else.
const LATE_HZ: f32 = 880.0;

/// How much of an utterance is kept for the echo.
pub(super) const LONGEST_ECHO: Duration = Duration::from_secs(60);

/// Characters of a text that its answer repeats.
const MOST_QUOTED: usize = 200;

/// What the user did in one turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// Sound at the working rate; the first minute of it.
    pub(super) samples: Vec<i16>,
    /// How long the sound was in all.
    pub(super) heard: Duration,
    pub(super) voice: Option<VoicedSpan>,
    /// Text came, alone or beside the sound: the last of it.
    pub(super) text: Option<String>,
}

impl Asked {
    /// This and what followed it, as one.
    pub(super) fn and_then(mut self, more: Self) -> Self {
        let room = SampleRate::WORKING
            .samples_in(LONGEST_ECHO)
            .saturating_sub(self.samples.len());
        self.samples.extend(more.samples.iter().take(room));
        Self {
            heard: self.heard + more.heard,
            voice: speech_source::find_voice(&self.samples),
            samples: self.samples,
            text: more.text.or(self.text),
        }
    }
}

/// The tool calls of a conversation.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Calls that wait for an answer: id and function.
    pub(super) open: Vec<(String, String)>,
    /// Ids that were answered or cancelled.
    pub(super) closed: Vec<String>,
    /// How many there were.
    pub(super) count: u64,
}

/// What an answer may use of the conversation that it belongs to.
pub(super) struct AnswerContext<'a> {
    pub(super) now: Instant,
    pub(super) agreement: &'a Agreement,
    pub(super) script: &'a Script,
    pub(super) calls: &'a mut Calls,
    pub(super) out: &'a mut VecDeque<DialogueOutput>,
    /// When the connection will be closed after a `goAway`.
    pub(super) leave: &'a mut Option<Instant>,
}

pub(super) struct RunningAnswer {
    asked: Asked,
    steps: std::vec::IntoIter<ScriptStep>,
    stage: Stage,
    due: Instant,
    /// A step of it was taken.
    begun: bool,
    pace: Pace,
    /// When the first audio left, and how much of it has left.
    played_from: Option<Instant>,
    samples: usize,
    late: u32,
}

enum Stage {
    Next,
    Speaking(Box<Speech>),
    /// Until the call of this id is answered or `due` is over.
    Calling(String),
    Played,
}

struct Speech {
    source: SoundSource,
    /// Samples of silence ahead of it.
    pad: usize,
    began: Instant,
    total: usize,
    sent: usize,
    words: Vec<String>,
}

struct Pace {
    speed: f64,
    chunk: Duration,
    jitter: Duration,
    random: StdRng,
    pad: Duration,
    odd: bool,
    /// Half a sample that the last chunk was too odd to hold.
    carry: Option<u8>,
}

impl RunningAnswer {
    /// An answer to `asked`, whose first step is due at `due`.
    pub(super) fn new(asked: Asked, actions: Vec<ScriptStep>, due: Instant) -> Self {
        Self {
            asked,
            steps: actions.into_iter(),
            stage: Stage::Next,
            due,
            begun: false,
            pace: Pace {
                speed: 4.0,
                chunk: Duration::from_millis(40),
                jitter: Duration::ZERO,
                random: StdRng::seed_from_u64(1),
                pad: Duration::ZERO,
                odd: false,
                carry: None,
            },
            played_from: None,
            samples: 0,
            late: 0,
        }
    }

    /// When [`RunningAnswer::advance`] has something to do.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// How much audio has been sent.
    pub(super) fn spoken(&self) -> Duration {
        SampleRate::REPLY.duration_of(self.samples as u64)
    }

    /// The tool call `id` was answered.
    pub(super) fn answered(&mut self, id: &str, now: Instant) {
        if matches!(&self.stage, Stage::Calling(waiting) if waiting == id) {
            self.stage = Stage::Next;
            self.due = now;
        }
    }

    /// What was asked, if nothing of the answer was due yet.
    pub(super) fn into_unanswered(self) -> Option<Asked> {
        (!self.begun).then_some(self.asked)
    }

    /// Does what is due; says how the answer went once it is over.
    pub(super) fn advance(&mut self, around: &mut AnswerContext<'_>) -> Option<AnswerOutcome> {
        while self.due <= around.now {
            self.begun = true;
            match &mut self.stage {
                Stage::Speaking(speech) if speech.sent < speech.total => self.chunk(around),
                Stage::Speaking(_) => self.stage = Stage::Next,
                Stage::Calling(_) => self.stage = Stage::Next,
                Stage::Played => return Some(AnswerOutcome::Completed),
                Stage::Next => match self.steps.next() {
                    None => self.finish(around),
                    Some(action) => {
                        if let Some(outcome) = self.perform(action, around) {
                            return Some(outcome);
                        }
                    }
                },
            }
        }
        None
    }

    /// Ends the answer because of new activity: chunks that a client has to drop, if the script wants some.
    pub(super) fn interrupt(&mut self, around: &mut AnswerContext<'_>) {
        let length = self.pace.chunk * self.late;
        let mut late = SoundSource::tone(LATE_HZ, length);
        while late.left() > 0 {
            let samples = late.take(SampleRate::REPLY.samples_in(self.pace.chunk));
            around.send(audio(pcm::to_bytes(&samples)));
        }
    }

    fn perform(
        &mut self,
        action: ScriptStep,
        around: &mut AnswerContext<'_>,
    ) -> Option<AnswerOutcome> {
        match action {
            ScriptStep::Parrot => self.parrot(around.now),
            ScriptStep::Say { words, sound } => self.say(&words, source_of(sound), around.now),
            ScriptStep::Wait(pause) => self.due += pause,
            ScriptStep::Call {
                name,
                args,
                wait,
                timeout,
            } => self.call(name, args, wait.then_some(timeout), around),
            ScriptStep::Thought(text) => {
                let part = Part {
                    text: Some(text),
                    thought: true,
                    ..Part::default()
                };
                let turn = Content {
                    parts: vec![part],
                    role: Some("model".to_owned()),
                };
                around.send(content(ServerContent {
                    model_turn: Some(turn),
                    ..ServerContent::default()
                }));
            }
            ScriptStep::Stall => return Some(AnswerOutcome::Stalled),
            ScriptStep::Empty => {}
            ScriptStep::Drop => {
                around.out.push_back(DialogueOutput::Cut);
                return Some(AnswerOutcome::Disconnected);
            }
            ScriptStep::Close { code, reason } => {
                around
                    .out
                    .push_back(DialogueOutput::Close(CloseReason { code, reason }));
                return Some(AnswerOutcome::Disconnected);
            }
            ScriptStep::GoAway(left) => {
                let go_away = GoAway {
                    time_left: Some(left),
                };
                around.send(ServerMessage {
                    go_away: Some(go_away),
                    ..ServerMessage::default()
                });
                *around.leave = Some(around.now + left);
            }
            ScriptStep::PhantomInterrupt => {
                around.send(content(ServerContent {
                    interrupted: true,
                    ..ServerContent::default()
                }));
                around.send(content(ServerContent {
                    turn_complete: true,
                    interaction_status: Some(InteractionStatus::Idle),
                    ..ServerContent::default()
                }));
            }
            ScriptStep::Raw(text) => around.out.push_back(DialogueOutput::Send(text)),
            ScriptStep::LateAudio(chunks) => self.late = chunks,
            ScriptStep::Speed(speed) => self.pace.speed = speed,
            ScriptStep::Chunk(chunk) => self.pace.chunk = chunk,
            ScriptStep::Jitter { max, seed } => {
                self.pace.jitter = max;
                self.pace.random = StdRng::seed_from_u64(seed);
            }
            ScriptStep::Pad(pad) => self.pace.pad += pad,
            ScriptStep::OddPcm => self.pace.odd = true,
        }
        None
    }

    /// The user's own voice; words where there is none to give back.
    fn parrot(&mut self, now: Instant) {
        match (self.asked.voice, &self.asked.text) {
            (Some(voice), _) => {
                let said = self
                    .asked
                    .samples
                    .drain(..)
                    .skip(voice.from)
                    .take(voice.to - voice.from)
                    .collect();
                let seconds = decimal(voice.length.as_secs_f64(), 1);
                let words = t!("demo-own-voice", seconds);
                self.say(&words, SoundSource::echo(said), now);
            }
            (None, Some(text)) => {
                let line = in_a_line(text);
                let text = clipped(line.trim(), MOST_QUOTED);
                let words = t!("demo-you-wrote", text);
                let sound = SoundSource::samples(speech_source::invitation());
                self.say(&words, sound, now);
            }
            (None, None) if self.asked.heard.is_zero() => {}
            (None, None) => {
                let words = speech_source::nothing();
                self.say(
                    words.caption,
                    SoundSource::samples(words.samples.clone()),
                    now,
                );
            }
        }
    }

    fn say(&mut self, words: &str, source: SoundSource, now: Instant) {
        let pad = SampleRate::REPLY.samples_in(std::mem::take(&mut self.pace.pad));
        self.stage = Stage::Speaking(Box::new(Speech {
            total: pad + source.left(),
            source,
            pad,
            began: now,
            sent: 0,
            words: words.split_inclusive(' ').map(str::to_owned).collect(),
        }));
    }

    /// Sends the next chunk and says when the one after it is due.
    fn chunk(&mut self, around: &mut AnswerContext<'_>) {
        let Stage::Speaking(speech) = &mut self.stage else {
            return;
        };
        let size = SampleRate::REPLY.samples_in(self.pace.chunk);
        let mut samples = vec![0; size.min(speech.pad)];
        speech.pad -= samples.len();
        samples.extend(speech.source.take(size - samples.len()));
        speech.sent += samples.len();
        let over = speech.sent >= speech.total;
        let mut message = audio(self.pace.bytes(&samples, over));
        let words = speech.due_words();
        if !words.is_empty() && around.agreement.output_words && around.script.transcripts {
            let transcription = Transcription {
                text: words,
                ..Transcription::default()
            };
            if let Some(content) = &mut message.server_content {
                content.output_transcription = Some(transcription);
            }
        }
        self.played_from.get_or_insert(around.now);
        self.samples += samples.len();
        let sent = SampleRate::REPLY.duration_of(speech.sent as u64);
        if self.pace.speed > 0.0 && !over {
            self.due =
                self.due.max(speech.began + sent.div_f64(self.pace.speed)) + self.pace.delay();
        }
        around.send(message);
    }

    fn call(
        &mut self,
        name: String,
        args: crate::provider::gemini::message::JsonObject,
        timeout: Option<Duration>,
        around: &mut AnswerContext<'_>,
    ) {
        if !around.agreement.functions.contains(&name) {
            return;
        }
        around.calls.count += 1;
        let id = format!("function-call-{}", around.calls.count);
        around.calls.open.push((id.clone(), name.clone()));
        let call = FunctionCall {
            id: Some(id.clone()),
            name,
            args,
        };
        let tool_call = Some(ToolCall {
            function_calls: vec![call],
        });
        around.send(ServerMessage {
            tool_call,
            ..ServerMessage::default()
        });
        if let Some(timeout) = timeout {
            self.stage = Stage::Calling(id);
            self.due = around.now + timeout;
        }
    }

    fn finish(&mut self, around: &mut AnswerContext<'_>) {
        around.send(content(ServerContent {
            generation_complete: true,
            ..ServerContent::default()
        }));
        self.stage = Stage::Played;
        if let (TurnComplete::Playback, Some(from)) =
            (around.script.turn_complete, self.played_from)
        {
            self.due = self.due.max(from + self.spoken());
        }
    }
}

impl AnswerContext<'_> {
    pub(super) fn send(&mut self, message: ServerMessage) {
        self.out.push_back(DialogueOutput::Send(message.to_json()));
    }
}

impl Speech {
    /// The words that belong to the sound sent so far, and were not sent with earlier sound.
    fn due_words(&mut self) -> String {
        let left = self.total - self.sent;
        let later = self.words.len() * left / self.total.max(1);
        self.words.drain(..self.words.len() - later).collect()
    }
}

impl Pace {
    /// A chunk as it goes out; in odd mode each has an odd length, and the last takes what is left.
    fn bytes(&mut self, samples: &[i16], over: bool) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.carry.take().into_iter().collect();
        bytes.extend(pcm::to_bytes(samples));
        if self.odd && !over && bytes.len().is_multiple_of(2) {
            self.carry = bytes.pop();
        }
        bytes
    }

    fn delay(&mut self) -> Duration {
        if self.jitter.is_zero() {
            return Duration::ZERO;
        }
        self.jitter.mul_f64(self.random.random_range(0.0..1.0))
    }
}

fn source_of(sound: SpeechKind) -> SoundSource {
    match sound {
        SpeechKind::Tone { hz, length } => SoundSource::tone(hz, length),
        SpeechKind::Samples(samples) => SoundSource::samples(samples),
        // Only a script that was not loaded from a file still names one.
        SpeechKind::File(_) => SoundSource::silence(Duration::ZERO),
    }
}

fn audio(data: Vec<u8>) -> ServerMessage {
    let turn = Content::media(Blob {
        data,
        mime_type: pcm::REPLY_MIME.to_owned(),
    });
    content(ServerContent {
        model_turn: Some(turn),
        ..ServerContent::default()
    })
}
