//! What each model takes and refuses. The one place that knows names of models.

pub use crate::base::voices::VOICES;

use super::message::{Behavior, Modality, Setup, SpeechConfig, ThinkingLevel, Tool};

/// A family of models and what differs between them.
#[derive(Debug, PartialEq, Eq)]
pub struct Model {
    /// Names begin so; the longest match counts.
    pub prefix: &'static str,
    /// How thinking is set.
    pub thinking: ThinkingControl,
    /// Whether `enableAffectiveDialog` is taken.
    pub affective_dialog: bool,
    /// What `proactivity` may say.
    pub proactivity: ProactivityControl,
    /// A `behavior` of functions that is refused.
    pub refused_behavior: Option<Behavior>,
    /// What may be said of the user's speech beforehand.
    pub transcription_hints: TranscriptionHints,
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
    /// Not at all.
    None,
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

/// The families. Source: Google's model pages and the refusals of the service, November 2026. Hints: 3.1 took languages
/// (tau2-bench, pull request 544); 3.8 has both by the documentation of the enterprise platform alone.
pub const MODELS: [Model; 5] = [
    Model {
        prefix: "gemini-3.8-live-extended-thinking",
        thinking: ThinkingControl::Level(&[
            ThinkingLevel::Low,
            ThinkingLevel::Medium,
            ThinkingLevel::High,
        ]),
        affective_dialog: false,
        proactivity: ProactivityControl::AlwaysOn,
        refused_behavior: Some(Behavior::Blocking),
        transcription_hints: TranscriptionHints::LanguagesAndWords,
    },
    Model {
        prefix: "gemini-3.8-live",
        thinking: ThinkingControl::None,
        affective_dialog: false,
        proactivity: ProactivityControl::AlwaysOn,
        refused_behavior: None,
        transcription_hints: TranscriptionHints::LanguagesAndWords,
    },
    Model {
        prefix: "gemini-3.5-live-translate",
        thinking: ThinkingControl::None,
        affective_dialog: false,
        proactivity: ProactivityControl::Refused,
        refused_behavior: None,
        transcription_hints: TranscriptionHints::None,
    },
    Model {
        prefix: "gemini-3.1-flash-live",
        thinking: ThinkingControl::Level(&[
            ThinkingLevel::Minimal,
            ThinkingLevel::Low,
            ThinkingLevel::Medium,
            ThinkingLevel::High,
        ]),
        affective_dialog: false,
        proactivity: ProactivityControl::Refused,
        refused_behavior: Some(Behavior::NonBlocking),
        transcription_hints: TranscriptionHints::Languages,
    },
    Model {
        prefix: "gemini-2.5-flash-native-audio",
        thinking: ThinkingControl::Budget,
        affective_dialog: true,
        proactivity: ProactivityControl::Free,
        refused_behavior: None,
        transcription_hints: TranscriptionHints::None,
    },
];

/// What is sent to a model that is not in the table: only what every model takes.
const UNKNOWN: Model = Model {
    prefix: "",
    thinking: ThinkingControl::None,
    affective_dialog: false,
    proactivity: ProactivityControl::Refused,
    refused_behavior: None,
    transcription_hints: TranscriptionHints::None,
};

/// The family of a model, by its name with or without `models/`; a cautious one for a name that is not known.
#[must_use]
pub fn model(name: &str) -> &'static Model {
    find(name).unwrap_or(&UNKNOWN)
}

/// Whether the table knows this name.
#[must_use]
pub fn is_known(name: &str) -> bool {
    find(name).is_some()
}

/// What the service refuses of a setup that is well-formed: the field and why. Fields of an unknown model are let pass.
#[must_use]
pub fn refusals(setup: &Setup) -> Vec<(&'static str, &'static str)> {
    let mut refused = general_refusals(setup);
    if let Some(model) = find(&setup.model) {
        refused.extend(model_refusals(model, setup));
    }
    refused
}

fn find(name: &str) -> Option<&'static Model> {
    let short = name.rsplit('/').next().unwrap_or(name);
    MODELS
        .iter()
        .filter(|model| short.starts_with(model.prefix))
        .max_by_key(|model| model.prefix.len())
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
    let generation = setup.generation_config.as_ref();
    if let Some(thinking) = generation.and_then(|g| g.thinking_config.as_ref()) {
        let path = "setup.generationConfig.thinkingConfig";
        match model.thinking {
            ThinkingControl::None => {
                refused.push((path, "thinking cannot be configured on this model"))
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
    if model.refused_behavior.is_some() && functions.any(|f| f.behavior == model.refused_behavior) {
        refused.push((
            "setup.tools[].functionDeclarations[].behavior",
            "not supported by this model",
        ));
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::live::message::ClientMessage;

    #[test]
    fn the_longest_name_counts_and_an_unknown_one_is_treated_with_caution() {
        assert_eq!(
            model("models/gemini-3.8-live").thinking,
            ThinkingControl::None
        );
        assert!(matches!(
            model("models/gemini-3.8-live-extended-thinking").thinking,
            ThinkingControl::Level([ThinkingLevel::Low, ..])
        ));
        assert!(is_known("gemini-2.5-flash-native-audio-preview-12-2025"));
        assert!(!is_known("gemini-9-live"));
        assert_eq!(model("gemini-9-live"), &UNKNOWN);
    }

    #[test]
    fn each_model_refuses_what_it_does_not_take() {
        let table = [
            (r#""model":"models/gemini-3.8-live""#, ""),
            (r#""tools":[]"#, "setup.model"),
            (
                r#""model":"models/gemini-3.8-live","generationConfig":{"thinkingConfig":{}}"#,
                "setup.generationConfig.thinkingConfig",
            ),
            (
                r#""model":"models/gemini-3.8-live","generationConfig":{"enableAffectiveDialog":true}"#,
                "setup.generationConfig.enableAffectiveDialog",
            ),
            (
                r#""model":"models/gemini-3.8-live","proactivity":{"proactiveAudio":false}"#,
                "setup.proactivity.proactiveAudio",
            ),
            (
                r#""model":"models/gemini-3.8-live","proactivity":{"proactiveAudio":true}"#,
                "",
            ),
            (
                r#""model":"models/gemini-3.8-live-extended-thinking","generationConfig":{"thinkingConfig":{"thinkingLevel":"MINIMAL"}}"#,
                "setup.generationConfig.thinkingConfig",
            ),
            (
                r#""model":"models/gemini-3.8-live-extended-thinking","generationConfig":{"thinkingConfig":{"thinkingLevel":"LOW"}}"#,
                "",
            ),
            (
                r#""model":"models/gemini-3.1-flash-live-preview","generationConfig":{"thinkingConfig":{"thinkingBudget":0}}"#,
                "setup.generationConfig.thinkingConfig",
            ),
            (
                r#""model":"models/gemini-3.1-flash-live-preview","tools":[{"functionDeclarations":[{"name":"f","behavior":"NON_BLOCKING"}]}]"#,
                "setup.tools[].functionDeclarations[].behavior",
            ),
            (
                r#""model":"models/gemini-2.5-flash-native-audio-preview-12-2025","generationConfig":{"thinkingConfig":{"thinkingLevel":"LOW"}}"#,
                "setup.generationConfig.thinkingConfig",
            ),
            (
                r#""model":"models/x","generationConfig":{"responseModalities":["TEXT"]}"#,
                "setup.generationConfig.responseModalities",
            ),
            (
                r#""model":"models/x","generationConfig":{"responseModalities":["AUDIO","TEXT"]}"#,
                "setup.generationConfig.responseModalities",
            ),
            (
                r#""model":"models/x","explicitVadSignal":true"#,
                "setup.explicitVadSignal",
            ),
            (
                r#""model":"models/x","generationConfig":{"enableAffectiveDialog":true}"#,
                "",
            ),
            (
                r#""model":"models/x","generationConfig":{"speechConfig":{"multiSpeakerVoiceConfig":{"speakerVoiceConfigs":[]}}}"#,
                "setup.generationConfig.speechConfig.multiSpeakerVoiceConfig",
            ),
            (
                r#""model":"models/x","generationConfig":{"speechConfig":{"voiceConfig":{"prebuiltVoiceConfig":{"voiceName":"Kore"},"replicatedVoiceConfig":{"mimeType":"audio/wav"}}}}"#,
                "setup.generationConfig.speechConfig.voiceConfig",
            ),
            (
                r#""model":"models/x","tools":[{"googleSearch":{"excludeDomains":["example.com"]}}]"#,
                "setup.tools[].googleSearch.excludeDomains",
            ),
            (
                r#""model":"models/x","tools":[{"googleSearch":{"timeRangeFilter":{"startTime":"2026-01-01T00:00:00Z"}}}]"#,
                "setup.tools[].googleSearch.timeRangeFilter",
            ),
            (
                r#""model":"models/x","tools":[{"urlContext":{}}]"#,
                "setup.tools[].urlContext",
            ),
            (
                r#""model":"models/gemini-2.5-flash-native-audio-latest","proactivity":{"proactiveVideo":true}"#,
                "setup.proactivity.proactiveVideo",
            ),
            (
                r#""model":"models/gemini-3.8-live","proactivity":{"proactiveVideo":true}"#,
                "",
            ),
            (
                r#""model":"models/gemini-3.1-flash-live-preview","proactivity":{"proactiveVideo":true}"#,
                "setup.proactivity",
            ),
        ];
        for (fields, refused) in table {
            let json = format!(r#"{{"setup":{{{fields}}}}}"#);
            let Ok(ClientMessage::Setup(setup)) = ClientMessage::read(json.as_bytes()) else {
                panic!("{json}");
            };
            let paths: Vec<_> = refusals(&setup).into_iter().map(|(path, _)| path).collect();
            let expected: Vec<_> = Some(refused)
                .filter(|r| !r.is_empty())
                .into_iter()
                .collect();
            assert_eq!(paths, expected, "{json}");
        }
    }
}
