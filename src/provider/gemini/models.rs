//! What each model takes and refuses. The one place that knows names of models.

pub use crate::base::voices::VOICES;

use super::message::{Behavior, Modality, Setup, SpeechConfig, ThinkingLevel, Tool};

/// The host that offers them.
pub const GOOGLE_HOST: &str = "generativelanguage.googleapis.com";

/// A family of models: what state it is in, and what it takes and refuses.
#[derive(Debug, PartialEq, Eq)]
pub struct Model {
    /// A name, or the beginning of several up to a hyphen; the longest match counts.
    pub prefix: &'static str,
    /// One whole name, to be shown and listed.
    pub name: &'static str,
    /// Whether the service offers it.
    pub state: ModelState,
    pub purpose: Purpose,
    pub thinking: ThinkingControl,
    /// Whether `enableAffectiveDialog` is taken.
    pub affective_dialog: bool,
    /// What `proactivity` may say.
    pub proactivity: ProactivityControl,
    /// Which functions may be declared.
    pub functions: FunctionControl,
    /// Whether voices of the catalogue (`en-us-tavi`) are taken besides the [`VOICES`].
    pub catalogue_voices: bool,
    /// What may be said of the user's speech beforehand.
    pub transcription_hints: TranscriptionHints,
}

/// Whether the service offers a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelState {
    /// Yes, with no end announced.
    Stable,
    /// Yes, and it may change or end at short notice.
    Preview,
    Ended {
        /// The day, as `2026-11-17`.
        on: &'static str,
        successor: &'static str,
    },
    /// A name for whatever is newest of a family that has ended: it may have ended too.
    MayHaveEnded { successor: &'static str },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Talk,
    /// It says in another language what it hears.
    Translation,
    /// It writes down what it hears, and answers nothing.
    Transcription,
}

/// What `inputAudioTranscription` is sent. A model that refuses it all the same is set up without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TranscriptionHints {
    /// Nothing: it is not known whether the model takes any.
    None,
    /// `languageCodes`.
    Languages,
    /// `languageCodes` and `customVocabulary`.
    LanguagesAndWords,
}

/// How a model's thinking is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThinkingControl {
    /// Not at all: it does not think.
    None,
    /// Not at all: it thinks by itself, between what it says, as much as it finds right.
    Interleaved,
    /// By one of these levels, lowest first.
    Level(&'static [ThinkingLevel]),
    /// In tokens.
    Budget,
}

/// What `proactivity.proactiveAudio` may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProactivityControl {
    /// Nothing: the field is refused.
    Refused,
    /// `true`: it is always on.
    AlwaysOn,
    /// Either.
    Free,
}

/// Which functions may be declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionControl {
    /// None.
    Refused,
    /// All but those of this `behavior`.
    Without(Behavior),
    /// All.
    Free,
}

/// What is sent to a model that is not in the table: only what every model takes.
const UNKNOWN: Model = Model {
    prefix: "",
    name: "",
    state: ModelState::Preview,
    purpose: Purpose::Talk,
    thinking: ThinkingControl::None,
    affective_dialog: false,
    proactivity: ProactivityControl::Refused,
    functions: FunctionControl::Free,
    catalogue_voices: false,
    transcription_hints: TranscriptionHints::None,
};

/// What takes the place of the models that have ended.
const SUCCESSOR: &str = "gemini-3.8-live";
/// The last previews before 3.8. Source of the day: the price tables of litellm 1.110.2 and genai-prices 0.2.3.
const PREVIEWS_ENDED: ModelState = ModelState::Ended {
    on: "2026-11-17",
    successor: SUCCESSOR,
};
/// Source of the day: Google's list of deprecations.
const FIRST_ENDED: ModelState = ModelState::Ended {
    on: "2025-12-09",
    successor: SUCCESSOR,
};

/// The families, the newest first; those that have ended stay, so that old profiles are understood. Source: Google's model
/// pages and the refusals of the service, November 2026. Hints: 3.1 took languages (tau2-bench, pull request 544); 3.8 has both
/// by the documentation of the enterprise platform alone.
pub const MODELS: [Model; 9] = [
    Model {
        prefix: "gemini-3.8-live",
        name: "gemini-3.8-live",
        state: ModelState::Stable,
        thinking: ThinkingControl::Interleaved,
        proactivity: ProactivityControl::AlwaysOn,
        catalogue_voices: true,
        transcription_hints: TranscriptionHints::LanguagesAndWords,
        ..UNKNOWN
    },
    Model {
        prefix: "gemini-3.8-live-extended-thinking",
        name: "gemini-3.8-live-extended-thinking",
        state: ModelState::Stable,
        thinking: ThinkingControl::Level(&[
            ThinkingLevel::Low,
            ThinkingLevel::Medium,
            ThinkingLevel::High,
        ]),
        proactivity: ProactivityControl::AlwaysOn,
        functions: FunctionControl::Without(Behavior::Blocking),
        catalogue_voices: true,
        transcription_hints: TranscriptionHints::LanguagesAndWords,
        ..UNKNOWN
    },
    Model {
        prefix: "gemini-3.5-live-translate",
        name: "gemini-3.5-live-translate-preview",
        state: ModelState::Preview,
        purpose: Purpose::Translation,
        functions: FunctionControl::Refused,
        ..UNKNOWN
    },
    Model {
        prefix: "gemini-3.5-transcribe-live",
        name: "gemini-3.5-transcribe-live",
        state: ModelState::Stable,
        purpose: Purpose::Transcription,
        ..UNKNOWN
    },
    Model {
        prefix: "gemini-3.1-flash-live",
        name: "gemini-3.1-flash-live-preview",
        state: PREVIEWS_ENDED,
        thinking: ThinkingControl::Level(&[
            ThinkingLevel::Minimal,
            ThinkingLevel::Low,
            ThinkingLevel::Medium,
            ThinkingLevel::High,
        ]),
        functions: FunctionControl::Without(Behavior::NonBlocking),
        transcription_hints: TranscriptionHints::Languages,
        ..UNKNOWN
    },
    Model {
        prefix: "gemini-2.5-flash-native-audio",
        name: "gemini-2.5-flash-native-audio-preview-12-2025",
        state: PREVIEWS_ENDED,
        ..NATIVE_AUDIO_LATEST
    },
    NATIVE_AUDIO_LATEST,
    Model {
        prefix: "gemini-live-2.5-flash-preview",
        name: "gemini-live-2.5-flash-preview",
        state: FIRST_ENDED,
        ..UNKNOWN
    },
    Model {
        prefix: "gemini-2.0-flash-live",
        name: "gemini-2.0-flash-live-001",
        state: FIRST_ENDED,
        ..UNKNOWN
    },
];

/// It names the newest preview of its family, which has ended; whether the name has ended too was not verified.
const NATIVE_AUDIO_LATEST: Model = Model {
    prefix: "gemini-2.5-flash-native-audio-latest",
    name: "gemini-2.5-flash-native-audio-latest",
    state: ModelState::MayHaveEnded {
        successor: SUCCESSOR,
    },
    thinking: ThinkingControl::Budget,
    affective_dialog: true,
    proactivity: ProactivityControl::Free,
    ..UNKNOWN
};

impl Model {
    /// What took its place, where it has ended or may have.
    pub fn successor(&self) -> Option<&'static str> {
        match self.state {
            ModelState::Stable | ModelState::Preview => None,
            ModelState::Ended { successor, .. } | ModelState::MayHaveEnded { successor } => {
                Some(successor)
            }
        }
    }

    /// Whether the service offers it, as far as is known, in a word for JSON.
    pub fn state_name(&self) -> &'static str {
        match self.state {
            ModelState::Stable => "stable",
            ModelState::Preview => "preview",
            ModelState::Ended { .. } => "ended",
            ModelState::MayHaveEnded { .. } => "may_have_ended",
        }
    }

    /// How it thinks, in words that follow its name.
    pub fn thinking_in_words(&self) -> &'static str {
        match self.thinking {
            ThinkingControl::None => "does not think",
            ThinkingControl::Interleaved => "thinks by itself",
            ThinkingControl::Level(_) | ThinkingControl::Budget => {
                "thinks as much as `live.thinking` says"
            }
        }
    }
}

/// The family of a model, by its name with or without `models/`; a cautious one for a name that is not known.
pub fn model(name: &str) -> &'static Model {
    known(name).unwrap_or(&UNKNOWN)
}

/// The family of a model that the table knows.
pub fn known(name: &str) -> Option<&'static Model> {
    let short = name.rsplit('/').next().unwrap_or(name);
    let is_of = |model: &&Model| {
        let rest = short.strip_prefix(model.prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    MODELS
        .iter()
        .filter(is_of)
        .max_by_key(|model| model.prefix.len())
}

/// What the service refuses of a setup that is well-formed: the field and why. Fields of an unknown model are let pass.
pub fn refusals(setup: &Setup) -> Vec<(&'static str, &'static str)> {
    let mut refused = general_refusals(setup);
    if let Some(model) = known(&setup.model) {
        refused.extend(model_refusals(model, setup));
    }
    refused
}

fn general_refusals(setup: &Setup) -> Vec<(&'static str, &'static str)> {
    let mut refused = Vec::new();
    let mut refuse = |wrong: bool, path, why| {
        if wrong {
            refused.push((path, why));
        }
    };
    refuse(setup.model.is_empty(), "setup.model", "required");
    let generation = setup.generation_config.clone().unwrap_or_default();
    refuse(
        generation.response_modalities.len() > 1,
        "setup.generationConfig.responseModalities",
        "exactly one modality per session",
    );
    refuse(
        !matches!(
            generation.response_modalities[..],
            [] | [Modality::Audio, ..]
        ),
        "setup.generationConfig.responseModalities",
        "native audio models answer with AUDIO only",
    );
    refuse(
        setup.explicit_vad_signal.is_some(),
        "setup.explicitVadSignal",
        "not supported by the Gemini Developer API",
    );
    refuse(
        (setup.session_resumption.as_ref())
            .is_some_and(|resumption| resumption.transparent.is_some()),
        "setup.sessionResumption.transparent",
        "not supported by the Gemini Developer API",
    );
    refused.extend(speech_refusals(
        &generation.speech_config.unwrap_or_default(),
    ));
    refused.extend(setup.tools.iter().flat_map(tool_refusals));
    refused
}

fn speech_refusals(speech: &SpeechConfig) -> Vec<(&'static str, &'static str)> {
    let voice = speech.voice_config.clone().unwrap_or_default();
    let told = [
        (
            speech.multi_speaker_voice_config.is_some(),
            "setup.generationConfig.speechConfig.multiSpeakerVoiceConfig",
            "a Live model has one voice",
        ),
        (
            voice.prebuilt_voice_config.is_some() && voice.replicated_voice_config.is_some(),
            "setup.generationConfig.speechConfig.voiceConfig",
            "either a prebuilt or a replicated voice",
        ),
    ];
    only_wrong(told)
}

fn tool_refusals(tool: &Tool) -> Vec<(&'static str, &'static str)> {
    let live = "not supported by Live models";
    let developer = "not supported by the Gemini Developer API";
    let search = tool.google_search.clone().unwrap_or_default();
    let told = [
        (tool.url_context.is_some(), "setup.tools[].urlContext", live),
        (
            tool.code_execution.is_some(),
            "setup.tools[].codeExecution",
            live,
        ),
        (tool.google_maps.is_some(), "setup.tools[].googleMaps", live),
        (tool.file_search.is_some(), "setup.tools[].fileSearch", live),
        (
            search.blocking_confidence.is_some(),
            "setup.tools[].googleSearch.blockingConfidence",
            developer,
        ),
        (
            search.exclude_domains.is_some(),
            "setup.tools[].googleSearch.excludeDomains",
            developer,
        ),
        (
            search
                .time_range_filter
                .is_some_and(|range| range.start_time.is_some() != range.end_time.is_some()),
            "setup.tools[].googleSearch.timeRangeFilter",
            "both ends or none",
        ),
    ];
    only_wrong(told)
}

fn only_wrong<const N: usize>(
    told: [(bool, &'static str, &'static str); N],
) -> Vec<(&'static str, &'static str)> {
    let wrong = told.into_iter().filter(|(wrong, ..)| *wrong);
    wrong.map(|(_, path, why)| (path, why)).collect()
}

fn model_refusals(model: &Model, setup: &Setup) -> Vec<(&'static str, &'static str)> {
    let mut refused = Vec::new();
    if model.purpose == Purpose::Transcription {
        let why = "this model writes down what it hears and answers nothing";
        refused.push(("setup.model", why));
    }
    let generation = setup.generation_config.as_ref();
    if let Some(thinking) = generation.and_then(|g| g.thinking_config.as_ref()) {
        let path = "setup.generationConfig.thinkingConfig";
        match model.thinking {
            ThinkingControl::None | ThinkingControl::Interleaved => {
                refused.push((path, "thinking cannot be configured on this model"));
            }
            ThinkingControl::Level(_) if thinking.thinking_budget.is_some() => {
                refused.push((path, "this model takes thinkingLevel, not thinkingBudget"));
            }
            ThinkingControl::Level(levels)
                if thinking
                    .thinking_level
                    .is_some_and(|l| !levels.contains(&l)) =>
            {
                refused.push((path, "this model does not know this thinkingLevel"));
            }
            ThinkingControl::Budget if thinking.thinking_level.is_some() => {
                refused.push((path, "this model takes thinkingBudget, not thinkingLevel"));
            }
            ThinkingControl::Level(_) | ThinkingControl::Budget => {}
        }
    }
    if !model.affective_dialog && generation.is_some_and(|g| g.enable_affective_dialog.is_some()) {
        refused.push((
            "setup.generationConfig.enableAffectiveDialog",
            "affective dialog is not supported by this model",
        ));
    }
    if let Some(proactivity) = &setup.proactivity {
        match model.proactivity {
            ProactivityControl::Refused => {
                refused.push((
                    "setup.proactivity",
                    "proactivity is not supported by this model",
                ));
            }
            ProactivityControl::AlwaysOn if proactivity.proactive_audio == Some(false) => {
                refused.push((
                    "setup.proactivity.proactiveAudio",
                    "proactive audio is always on",
                ));
            }
            ProactivityControl::Free
                if proactivity.proactive_video == Some(true)
                    && proactivity.proactive_audio != Some(true) =>
            {
                refused.push(("setup.proactivity.proactiveVideo", "needs proactiveAudio"));
            }
            ProactivityControl::AlwaysOn | ProactivityControl::Free => {}
        }
    }
    let mut functions = (setup.tools.iter()).flat_map(|tool| &tool.function_declarations);
    let path = "setup.tools[].functionDeclarations[].behavior";
    match model.functions {
        FunctionControl::Free => {}
        FunctionControl::Refused if functions.next().is_some() => {
            let path = "setup.tools[].functionDeclarations";
            refused.push((path, "functions are not supported by this model"));
        }
        FunctionControl::Without(behavior) if functions.any(|f| f.behavior == Some(behavior)) => {
            refused.push((path, "not supported by this model"));
        }
        FunctionControl::Refused | FunctionControl::Without(_) => {}
    }
    refused
}

#[cfg(test)]
mod tests;
