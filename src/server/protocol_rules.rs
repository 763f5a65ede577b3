//! What may be said when: every client message is checked here before anything is done with it.
//!
//! ```text
//! fresh ── setup ──▶ setting up ── setupComplete ──▶ ready ── everything but setup ──▶ ready
//!   └─ anything else: 1007        └─ anything: 1007
//! ```
//!
//! The types of `gemini::message` refuse unknown, misspelt and mistyped fields; the rules that span fields and messages
//! are here.

use std::collections::HashSet;

use crate::base::printable::clipped;
use crate::base::units::SampleRate;
use crate::base::voices::VOICES;
use crate::provider::gemini::message::{
    ActivityDetection, ActivityHandling, Blob, ClientContent, ClientMessage, Content,
    FunctionResponse, RealtimeInput, Setup,
};
use crate::provider::gemini::models;
use crate::provider::gemini::pcm::PcmReader;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CloseReason {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl CloseReason {
    /// The service's answer to a message that it cannot take: 1007, with the field and what is wrong with it.
    pub(super) fn invalid(path: &str, what: impl std::fmt::Display) -> Self {
        let reason = if path.is_empty() {
            what.to_string()
        } else {
            format!("{path}: {what}")
        };
        Self { code: 1007, reason }
    }
}

/// What of a setup concerns a conversation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Agreement {
    pub(super) model: String,
    /// `None`: the client sends `activityStart` and `activityEnd`.
    pub(super) detection: Option<ActivityDetection>,
    /// Whether speech interrupts an answer.
    pub(super) interrupts: bool,
    pub(super) input_words: bool,
    pub(super) output_words: bool,
    pub(super) resumption: bool,
    pub(super) handle: Option<String>,
    /// Names of the declared functions.
    pub(super) functions: HashSet<String>,
    /// The first hint at the user's speech.
    pub(super) hint: Option<&'static str>,
}

/// A message that may be acted upon.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ClientInput {
    Setup(Box<Agreement>),
    Audio {
        rate: SampleRate,
        samples: Vec<i16>,
    },
    ActivityStart,
    ActivityEnd,
    AudioStreamEnd,
    Text(String),
    /// Text turns; `ask` wants an answer.
    Content {
        characters: usize,
        /// That of the last turn.
        text: String,
        ask: bool,
    },
    ToolResponse(Vec<FunctionResponse>),
    /// Taken, and without consequence here: video, a context update.
    Else,
}

/// The state of one connection as far as the rules need it.
#[derive(Debug, Default)]
pub(super) struct ProtocolRules {
    set_up: bool,
    manual: bool,
    active: bool,
    /// The initial history is still being handed over.
    history: bool,
    /// The model refuses `scheduling` in tool answers.
    no_scheduling: bool,
}

impl ProtocolRules {
    /// Checks the next message; `ready` tells whether `setupComplete` was sent.
    pub(super) fn check(&mut self, json: &[u8], ready: bool) -> Result<ClientInput, CloseReason> {
        let message =
            ClientMessage::read(json).map_err(|r| CloseReason::invalid(&r.path, r.problem))?;
        match message {
            ClientMessage::Setup(_) if self.set_up => {
                Err(CloseReason::invalid("setup", "the setup was sent already"))
            }
            ClientMessage::Setup(setup) => self.setup(&setup),
            _ if !self.set_up => Err(CloseReason::invalid("", "the first message must be setup")),
            _ if !ready => Err(CloseReason::invalid(
                "",
                "nothing may be sent before setupComplete",
            )),
            ClientMessage::ClientContent(content) => self.content(&content),
            ClientMessage::RealtimeInput(input) => self.realtime(input),
            ClientMessage::ToolResponse(response) => {
                self.tool_response(response.function_responses)
            }
            ClientMessage::ContextUpdate(update)
                if update.system_instruction.is_none() && update.tools.is_none() =>
            {
                Err(CloseReason::invalid(
                    "contextUpdate",
                    "neither systemInstruction nor tools",
                ))
            }
            ClientMessage::ContextUpdate(_) => Ok(ClientInput::Else),
        }
    }

    fn setup(&mut self, setup: &Setup) -> Result<ClientInput, CloseReason> {
        setup_rules(setup)?;
        let functions = functions(setup)?;
        let realtime = setup.realtime_input_config.clone().unwrap_or_default();
        let detection = realtime.automatic_activity_detection.unwrap_or_default();
        self.set_up = true;
        self.manual = detection.disabled.unwrap_or(false);
        self.no_scheduling = setup.model.contains("extended-thinking");
        let history = setup.history_config.as_ref();
        self.history =
            history.is_some_and(|h| h.initial_history_in_client_content.unwrap_or(false));
        let handle = setup
            .session_resumption
            .as_ref()
            .and_then(|r| r.handle.clone());
        Ok(ClientInput::Setup(Box::new(Agreement {
            model: setup.model.clone(),
            detection: (!self.manual).then_some(detection),
            interrupts: realtime.activity_handling != Some(ActivityHandling::NoInterruption),
            input_words: setup.input_audio_transcription.is_some(),
            output_words: setup.output_audio_transcription.is_some(),
            resumption: setup.session_resumption.is_some(),
            handle: handle.filter(|handle| !handle.is_empty()),
            functions,
            hint: hint(setup),
        })))
    }

    fn realtime(&mut self, input: RealtimeInput) -> Result<ClientInput, CloseReason> {
        if self.history {
            return Err(CloseReason::invalid(
                "realtimeInput",
                "the initial history is not closed: send clientContent with turnComplete first",
            ));
        }
        match input {
            RealtimeInput::Audio(blob) => audio(&blob),
            RealtimeInput::Video(blob) if blob.mime_type.starts_with("image/") => {
                Ok(ClientInput::Else)
            }
            RealtimeInput::Video(_) => Err(CloseReason::invalid(
                "realtimeInput.video.mimeType",
                "expected image/jpeg",
            )),
            RealtimeInput::Text(text) if text.is_empty() => {
                Err(CloseReason::invalid("realtimeInput.text", "empty"))
            }
            RealtimeInput::Text(text) => Ok(ClientInput::Text(text)),
            RealtimeInput::ActivityStart => self.activity(true),
            RealtimeInput::ActivityEnd => self.activity(false),
            RealtimeInput::AudioStreamEnd if self.manual => Err(CloseReason::invalid(
                "realtimeInput.audioStreamEnd",
                "only with automatic activity detection",
            )),
            RealtimeInput::AudioStreamEnd => Ok(ClientInput::AudioStreamEnd),
        }
    }

    fn activity(&mut self, start: bool) -> Result<ClientInput, CloseReason> {
        let path = if start {
            "realtimeInput.activityStart"
        } else {
            "realtimeInput.activityEnd"
        };
        if !self.manual {
            return Err(CloseReason::invalid(
                path,
                "explicit activity control is not supported when automatic activity detection is enabled",
            ));
        }
        if self.active == start {
            return Err(CloseReason::invalid(
                path,
                if start {
                    "an activity is open"
                } else {
                    "no activity is open"
                },
            ));
        }
        self.active = start;
        Ok(if start {
            ClientInput::ActivityStart
        } else {
            ClientInput::ActivityEnd
        })
    }

    fn content(&mut self, content: &ClientContent) -> Result<ClientInput, CloseReason> {
        if content.turns.is_empty() && content.turn_complete.is_none() {
            return Err(CloseReason::invalid(
                "clientContent",
                "neither turns nor turnComplete",
            ));
        }
        for (n, turn) in content.turns.iter().enumerate() {
            let path = format!("clientContent.turns[{n}]");
            if !matches!(turn.role.as_deref(), None | Some("user" | "model")) {
                return Err(CloseReason::invalid(
                    &format!("{path}.role"),
                    "expected user or model",
                ));
            }
            if turn.parts.is_empty() {
                return Err(CloseReason::invalid(&format!("{path}.parts"), "empty"));
            }
        }
        let complete = content.turn_complete.unwrap_or(false);
        let ask = complete && !self.history;
        self.history &= !complete;
        let characters = content.turns.iter().map(characters).sum();
        let text = content.turns.last().map(text_of).unwrap_or_default();
        Ok(ClientInput::Content {
            characters,
            text,
            ask,
        })
    }

    fn tool_response(&self, responses: Vec<FunctionResponse>) -> Result<ClientInput, CloseReason> {
        let path = "toolResponse.functionResponses";
        if responses.is_empty() {
            return Err(CloseReason::invalid(path, "empty"));
        }
        for (n, response) in responses.iter().enumerate() {
            let missing = |text: &Option<String>| text.as_deref().is_none_or(str::is_empty);
            let fault = if missing(&response.id) {
                Some(("id", "required"))
            } else if missing(&response.name) {
                Some(("name", "required"))
            } else if response.response.is_none() {
                Some(("response", "required, an object"))
            } else if response.scheduling.is_some() && self.no_scheduling {
                Some(("scheduling", "not supported by this model"))
            } else {
                None
            };
            if let Some((field, what)) = fault {
                return Err(CloseReason::invalid(&format!("{path}[{n}].{field}"), what));
            }
        }
        Ok(ClientInput::ToolResponse(responses))
    }
}

/// Raw 16-bit little-endian samples of one channel, at the rate that the MIME type names.
fn audio(blob: &Blob) -> Result<ClientInput, CloseReason> {
    let mime = "realtimeInput.audio.mimeType";
    let rate = match blob.mime_type.strip_prefix("audio/pcm") {
        Some("") => Some(SampleRate::WORKING),
        Some(rest) => rest
            .strip_prefix(';')
            .and_then(|rest| rest.trim_start().strip_prefix("rate="))
            .and_then(|hz| hz.parse().ok())
            .filter(|hz| (8_000..=192_000).contains(hz))
            .and_then(SampleRate::new),
        None => None,
    };
    let Some(rate) = rate else {
        return Err(CloseReason::invalid(
            mime,
            "expected audio/pcm;rate=N, with N from 8000 to 192000",
        ));
    };
    let data = "realtimeInput.audio.data";
    if blob.data.is_empty() {
        return Err(CloseReason::invalid(data, "empty"));
    }
    if blob.data.len() % 2 == 1 {
        return Err(CloseReason::invalid(
            data,
            format!("{} bytes are not whole 16-bit samples", blob.data.len()),
        ));
    }
    let samples = PcmReader::default().read(&blob.data);
    Ok(ClientInput::Audio { rate, samples })
}

fn characters(turn: &Content) -> usize {
    turn.parts
        .iter()
        .filter_map(|part| part.text.as_ref())
        .map(String::len)
        .sum()
}

fn text_of(turn: &Content) -> String {
    let texts = turn.parts.iter().filter_map(|part| part.text.as_deref());
    texts.collect::<Vec<_>>().join(" ")
}

fn setup_rules(setup: &Setup) -> Result<(), CloseReason> {
    let short = setup.model.rsplit('/').next().unwrap_or_default();
    let named = setup.model.starts_with("models/")
        || (setup.model.starts_with("projects/") && setup.model.contains("/locations/"))
        || setup.model.starts_with("publishers/");
    if short.is_empty() || !named {
        return Err(CloseReason::invalid("setup.model", "expected models/NAME"));
    }
    if let Some((path, what)) = models::refusals(setup).first() {
        return Err(CloseReason::invalid(path, what));
    }
    if let Some(voice) = unknown_voice(setup) {
        let reason = format!("No matching speaker voice for {}", clipped(&voice, 40));
        return Err(CloseReason { code: 1007, reason });
    }
    let instruction = setup.system_instruction.as_ref();
    if instruction.is_some_and(|content| content.parts.iter().any(|part| part.text.is_none())) {
        return Err(CloseReason::invalid(
            "setup.systemInstruction.parts",
            "text parts only",
        ));
    }
    if let Some(compression) = &setup.context_window_compression {
        let target = compression
            .sliding_window
            .as_ref()
            .and_then(|w| w.target_tokens);
        if let (Some(trigger), Some(target)) = (compression.trigger_tokens, target)
            && target >= trigger
        {
            return Err(CloseReason::invalid(
                "setup.contextWindowCompression.slidingWindow.targetTokens",
                "must be below triggerTokens",
            ));
        }
    }
    Ok(())
}

/// A voice that the model does not have. What a model with voices of the catalogue has is not known here.
fn unknown_voice(setup: &Setup) -> Option<String> {
    models::known(&setup.model).filter(|model| !model.catalogue_voices)?;
    let speech = setup.generation_config.as_ref()?.speech_config.as_ref()?;
    let config = speech.voice_config.clone()?;
    let prebuilt = config.prebuilt_voice_config.map(|voice| voice.voice_name);
    let names = [prebuilt, config.voice].into_iter().flatten();
    let known = |name: &String| VOICES.iter().any(|voice| voice.eq_ignore_ascii_case(name));
    let mut unknown = names.filter(|name| !known(name));
    unknown.next()
}

fn hint(setup: &Setup) -> Option<&'static str> {
    let config = setup.input_audio_transcription.as_ref()?;
    let hints = [
        (
            config.language_codes.is_some(),
            "setup.inputAudioTranscription.languageCodes",
        ),
        (
            config.custom_vocabulary.is_some(),
            "setup.inputAudioTranscription.customVocabulary",
        ),
    ];
    hints
        .into_iter()
        .find(|(is_there, _)| *is_there)
        .map(|(_, path)| path)
}

fn functions(setup: &Setup) -> Result<HashSet<String>, CloseReason> {
    let mut names = HashSet::new();
    for (t, tool) in setup.tools.iter().enumerate() {
        for (f, function) in tool.function_declarations.iter().enumerate() {
            let path = format!("setup.tools[{t}].functionDeclarations[{f}].name");
            let legal = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
            let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
            let name = &function.name;
            if !name.starts_with(begins) || !name.chars().all(legal) || name.len() > 128 {
                return Err(CloseReason::invalid(&path, "not a function name"));
            }
            if !names.insert(name.clone()) {
                return Err(CloseReason::invalid(&path, "declared twice"));
            }
        }
    }
    Ok(names)
}
