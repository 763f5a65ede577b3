//! The setup that the wishes for a session ask for, without what the model refuses.

use std::time::Duration;

use super::hints::vocabulary_sentence;
use crate::base::languages;
use crate::provider::config::{
    AnswerLength, AutomaticSettings, DetectionConfig, Languages, Sensitivity, SessionConfig,
    Thinking, UserContext,
};
use crate::provider::gemini::message::{
    ActivityDetection, ActivityHandling, Compression, Content, EndSensitivity, GenerationConfig,
    GoogleSearch, Modality, PrebuiltVoice, RealtimeInputConfig, Resumption, Setup, SlidingWindow,
    SpeechConfig, StartSensitivity, ThinkingConfig, ThinkingLevel, Tool, TranscriptionConfig,
    VoiceConfig,
};
use crate::provider::gemini::models::{self, ThinkingControl, TranscriptionHints};

/// The setup of a connection, without a handle if there is none.
pub fn setup(config: &SessionConfig, handle: Option<&str>) -> Setup {
    let hints = hints(config);
    let unheard = (hints.custom_vocabulary.is_none()).then_some(&config.vocabulary[..]);
    Setup {
        model: format!("models/{}", config.model),
        generation_config: Some(generation(config)),
        system_instruction: Some(Content::text(
            "user",
            instruction(config, unheard.unwrap_or_default()),
        )),
        tools: tools(config),
        realtime_input_config: Some(realtime_input(&config.detection)),
        input_audio_transcription: Some(hints),
        output_audio_transcription: (!config.unwritten_replies).then(TranscriptionConfig::default),
        session_resumption: Some(Resumption {
            handle: handle.map(str::to_owned),
            transparent: None,
        }),
        context_window_compression: config.compression.map(|limits| Compression {
            trigger_tokens: Some(limits.at_tokens.into()),
            sliding_window: Some(SlidingWindow {
                target_tokens: Some(limits.to_tokens.into()),
            }),
        }),
        ..Setup::default()
    }
}

/// What the service is told of the user's speech beforehand, as far as the model is known to take it.
fn hints(config: &SessionConfig) -> TranscriptionConfig {
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let spoken = config.spoken();
    let (codes, words) = match models::model(&config.model).transcription_hints {
        TranscriptionHints::None => (None, None),
        TranscriptionHints::Languages => (some(spoken), None),
        TranscriptionHints::LanguagesAndWords => (some(spoken), some(&config.vocabulary)),
    };
    TranscriptionConfig {
        language_codes: codes,
        custom_vocabulary: words,
        ..TranscriptionConfig::default()
    }
}

/// What the model is told of the language of its answers. `speechConfig.languageCode` does not hold native audio models
/// to a language (adk-python, issue 5542).
fn language_rule(config: &SessionConfig) -> String {
    let spoken = config.spoken();
    let name = |code: &String| match languages::of(code) {
        Some(language) => format!("{} ({code})", language.name),
        None => format!("the language {code}"),
    };
    let Some(first) = spoken.first().map(name) else {
        return "Answer in the language of the user.".to_owned();
    };
    let others = match (&config.languages, &spoken[1..]) {
        (Languages::System, _) => "another language".to_owned(),
        (Languages::These(_), []) => {
            return format!(
                "The user speaks {first}. Answer in it, whatever unclear sound or foreign words you hear."
            );
        }
        (Languages::These(_), others) => {
            let others: Vec<String> = others.iter().map(name).collect();
            others.join(" or ")
        }
    };
    format!(
        "Answer in {first}. Change to {others} only when the user has said a clear, whole sentence in it: a name, a foreign word or \
         unclear sound is no reason."
    )
}

fn generation(config: &SessionConfig) -> GenerationConfig {
    let voice_config = config.voice.clone().map(|voice_name| VoiceConfig {
        prebuilt_voice_config: Some(PrebuiltVoice { voice_name }),
        ..VoiceConfig::default()
    });
    let language_code = match &config.languages {
        Languages::System => None,
        Languages::These(codes) => codes.first().cloned(),
    };
    let speech = SpeechConfig {
        voice_config,
        language_code,
        ..SpeechConfig::default()
    };
    GenerationConfig {
        response_modalities: vec![Modality::Audio],
        speech_config: Some(speech).filter(|speech| *speech != SpeechConfig::default()),
        temperature: config.temperature,
        thinking_config: config
            .thinking
            .and_then(|thinking| thinking_config(&config.model, thinking)),
        ..GenerationConfig::default()
    }
}

/// Thinking in the way that the model takes it; `None` where it takes none.
fn thinking_config(model: &str, thinking: Thinking) -> Option<ThinkingConfig> {
    let level = match thinking {
        Thinking::Minimal => ThinkingLevel::Minimal,
        Thinking::Low => ThinkingLevel::Low,
        Thinking::Medium => ThinkingLevel::Medium,
        Thinking::High => ThinkingLevel::High,
    };
    match models::model(model).thinking {
        ThinkingControl::None | ThinkingControl::Interleaved => None,
        ThinkingControl::Level(levels) => {
            let known = levels.contains(&level);
            Some(ThinkingConfig {
                thinking_level: if known {
                    Some(level)
                } else {
                    levels.first().copied()
                },
                ..ThinkingConfig::default()
            })
        }
        ThinkingControl::Budget => Some(ThinkingConfig {
            // What Google's OpenAI-compatible interface makes of its efforts.
            thinking_budget: Some(match thinking {
                Thinking::Minimal => 0,
                Thinking::Low => 1_024,
                Thinking::Medium => 8_192,
                Thinking::High => 24_576,
            }),
            ..ThinkingConfig::default()
        }),
    }
}

/// What a model does before it answers, as these settings ask it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinks {
    /// It answers at once, or nearly.
    Not,
    /// As much as it likes, between what it says: the first sound need not wait for it, and no setting changes it.
    ByItself,
    /// More than it must: less is this value of `live.thinking`.
    MoreThan(&'static str),
    /// As little as it can, which is felt.
    Always,
}

/// Whether the model thinks before it answers. Unless it is asked for, the models do as they do by themselves: those with
/// levels think as little as they can, those with a budget as much as they like (Google's model pages, November 2026).
pub fn thinks(model: &str, asked: Option<Thinking>) -> Thinks {
    match models::model(model).thinking {
        ThinkingControl::None => Thinks::Not,
        ThinkingControl::Interleaved => Thinks::ByItself,
        ThinkingControl::Budget if asked == Some(Thinking::Minimal) => Thinks::Not,
        ThinkingControl::Budget => Thinks::MoreThan("minimal"),
        ThinkingControl::Level(levels) => {
            let asked = asked.unwrap_or(Thinking::Minimal);
            let asked = thinking_config(model, asked).and_then(|config| config.thinking_level);
            let least = levels.first().copied();
            match (asked == least, least) {
                (true, Some(ThinkingLevel::Minimal)) => Thinks::Not,
                (true, _) => Thinks::Always,
                (false, Some(ThinkingLevel::Minimal)) => Thinks::MoreThan("minimal"),
                (false, _) => Thinks::MoreThan("low"),
            }
        }
    }
}

/// `vocabulary` is what the user says and no hint tells.
fn instruction(config: &SessionConfig, vocabulary: &[String]) -> String {
    let UserContext {
        date_time,
        zone,
        locale,
        ..
    } = &config.user;
    let mut text = config.instruction.clone();
    let mut add = |sentence: &str| {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(sentence);
    };
    if config.answer_length == AnswerLength::Short {
        add("Answer in one or two short sentences, unless you are asked for more.");
    }
    add(&language_rule(config));
    if !vocabulary.is_empty() {
        add(&vocabulary_sentence(vocabulary));
    }
    if !date_time.is_empty() {
        let zone = Some(zone)
            .filter(|z| !z.is_empty())
            .map(|zone| format!(" ({zone})"));
        add(&format!(
            "This conversation began on {date_time}{}.",
            zone.unwrap_or_default()
        ));
    }
    if !locale.is_empty() {
        add(&format!("The user's locale is {locale}."));
    }
    text
}

fn tools(config: &SessionConfig) -> Vec<Tool> {
    let search = config.web_search.then(|| Tool {
        google_search: Some(GoogleSearch::default()),
        ..Tool::default()
    });
    search.into_iter().collect()
}

fn realtime_input(detection: &DetectionConfig) -> RealtimeInputConfig {
    let (detector, interrupts) = match detection {
        DetectionConfig::Client => (
            ActivityDetection {
                disabled: Some(true),
                ..ActivityDetection::default()
            },
            true,
        ),
        DetectionConfig::Service {
            settings,
            interrupts,
        } => (automatic(settings), *interrupts),
    };
    RealtimeInputConfig {
        automatic_activity_detection: Some(detector),
        activity_handling: Some(if interrupts {
            ActivityHandling::StartOfActivityInterrupts
        } else {
            ActivityHandling::NoInterruption
        }),
        ..RealtimeInputConfig::default()
    }
}

fn automatic(settings: &AutomaticSettings) -> ActivityDetection {
    let ms = |duration: Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    ActivityDetection {
        disabled: Some(false),
        start_of_speech_sensitivity: settings.start_sensitivity.map(|s| match s {
            Sensitivity::High => StartSensitivity::High,
            Sensitivity::Low => StartSensitivity::Low,
        }),
        end_of_speech_sensitivity: settings.end_sensitivity.map(|s| match s {
            Sensitivity::High => EndSensitivity::High,
            Sensitivity::Low => EndSensitivity::Low,
        }),
        prefix_padding_ms: settings.prefix_padding.map(ms),
        silence_duration_ms: settings.silence.map(ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinking_is_set_in_the_way_of_the_model() {
        let level =
            |model| thinking_config(model, Thinking::Minimal).and_then(|c| c.thinking_level);
        assert_eq!(thinking_config("gemini-3.8-live", Thinking::High), None);
        assert_eq!(
            level("gemini-3.8-live-extended-thinking"),
            Some(ThinkingLevel::Low),
            "its least"
        );
        assert_eq!(
            level("gemini-3.1-flash-live-preview"),
            Some(ThinkingLevel::Minimal)
        );
        let budget = thinking_config(
            "gemini-2.5-flash-native-audio-preview-12-2025",
            Thinking::Low,
        );
        assert_eq!(budget.and_then(|c| c.thinking_budget), Some(1_024));
        assert_eq!(thinking_config("something-else", Thinking::High), None);
    }

    #[test]
    fn whether_a_model_thinks_is_its_own_affair_first() {
        let table = [
            ("gemini-3.8-live", Some(Thinking::High), Thinks::ByItself),
            ("something-else", Some(Thinking::High), Thinks::Not),
            ("gemini-3.1-flash-live-preview", None, Thinks::Not),
            (
                "gemini-3.1-flash-live-preview",
                Some(Thinking::Low),
                Thinks::MoreThan("minimal"),
            ),
            ("gemini-3.8-live-extended-thinking", None, Thinks::Always),
            (
                "gemini-3.8-live-extended-thinking",
                Some(Thinking::High),
                Thinks::MoreThan("low"),
            ),
            (
                "gemini-2.5-flash-native-audio-preview-12-2025",
                None,
                Thinks::MoreThan("minimal"),
            ),
        ];
        for (model, thinking, expected) in table {
            assert_eq!(thinks(model, thinking), expected, "{model} {thinking:?}");
        }
    }

    #[test]
    fn the_model_is_told_when_and_where() {
        let config = SessionConfig {
            instruction: "Be kind.".to_owned(),
            answer_length: AnswerLength::Short,
            ..config("gemini-3.8-live")
        };
        let told = setup(&config, None)
            .system_instruction
            .expect("always there");
        assert_eq!(
            told.parts[0].text.as_deref(),
            Some(
                "Be kind.\n\nAnswer in one or two short sentences, unless you are asked for more.\n\n\
                 Answer in German (de-DE). Change to another language only when the user has said a clear, whole sentence in it: a name, \
                 a foreign word or unclear sound is no reason.\n\n\
                 This conversation began on Saturday, 21 November 2026, 14:05 (Europe/Berlin).\n\n\
                 The user's locale is de-DE."
            )
        );
    }

    /// What of a setup tells of languages and names: codes, words, the code of the voice, the instruction.
    type LocalizedText = (
        Option<Vec<String>>,
        Option<Vec<String>>,
        Option<String>,
        String,
    );

    fn told(model: &str, languages: &Languages, vocabulary: &[&str]) -> LocalizedText {
        let config = SessionConfig {
            languages: languages.clone(),
            vocabulary: vocabulary.iter().map(|&term| term.to_owned()).collect(),
            ..config(model)
        };
        let setup = setup(&config, None);
        let hints = setup.input_audio_transcription.expect("always there");
        let speech = setup.generation_config.and_then(|g| g.speech_config);
        let instruction = setup.system_instruction.expect("always there");
        (
            hints.language_codes,
            hints.custom_vocabulary,
            speech.and_then(|speech| speech.language_code),
            instruction.parts[0].text.clone().expect("text"),
        )
    }

    #[test]
    fn languages_and_names_go_where_the_model_takes_them() {
        let these =
            |codes: &[&str]| Languages::These(codes.iter().map(|&code| code.to_owned()).collect());
        let list = |codes: &[&str]| Some(codes.iter().map(|&c| c.to_owned()).collect::<Vec<_>>());
        let (codes, words, voice, text) =
            told("gemini-3.8-live", &these(&["fr", "en-US"]), &["Ada"]);
        assert_eq!((codes, words), (list(&["fr", "en-US"]), list(&["Ada"])));
        assert_eq!(voice.as_deref(), Some("fr"));
        assert!(
            text.contains("Answer in French (fr). Change to English (en-US) only"),
            "{text}"
        );
        assert!(!text.contains("Ada"), "the hint tells it: {text}");
        let (codes, words, _, text) = told(
            "gemini-3.1-flash-live-preview",
            &these(&["fr"]),
            &["Ada", "Bo"],
        );
        assert_eq!((codes, words), (list(&["fr"]), None));
        assert!(
            text.contains("The user speaks French (fr). Answer in it"),
            "{text}"
        );
        assert!(text.contains("it is meant: Ada, Bo."), "{text}");
        let (codes, words, voice, text) = told("something-else", &Languages::System, &[]);
        assert_eq!((codes, words, voice), (None, None, None));
        assert!(
            text.contains("Answer in German (de-DE). Change to another language"),
            "{text}"
        );
        let (codes, _, voice, text) = told("gemini-3.8-live", &these(&[]), &[]);
        assert_eq!((codes, voice), (None, None));
        assert!(
            text.contains("Answer in the language of the user."),
            "{text}"
        );
        let (.., text) = told("gemini-3.8-live", &these(&["gsw"]), &[]);
        assert!(text.contains("The user speaks the language gsw."), "{text}");
    }

    #[test]
    fn voice_and_first_language_go_to_the_speech_of_the_answer() {
        let config = SessionConfig {
            voice: Some("Puck".to_owned()),
            languages: Languages::These(vec!["it".to_owned()]),
            ..config("gemini-3.8-live")
        };
        let setup = setup(&config, None);
        let speech = setup.generation_config.and_then(|g| g.speech_config);
        let speech = speech.expect("a voice");
        assert_eq!(speech.language_code.as_deref(), Some("it"));
        let voice = speech
            .voice_config
            .and_then(|voice| voice.prebuilt_voice_config);
        assert_eq!(voice.map(|voice| voice.voice_name).as_deref(), Some("Puck"));
        let hints = setup.input_audio_transcription.expect("always there");
        assert_eq!(hints.language_codes, Some(vec!["it".to_owned()]));
    }

    /// What a user in Berlin asks of this model.
    fn config(model: &str) -> SessionConfig {
        SessionConfig {
            model: model.to_owned(),
            user: UserContext {
                date_time: "Saturday, 21 November 2026, 14:05".to_owned(),
                zone: "Europe/Berlin".to_owned(),
                locale: "de-DE".to_owned(),
                system_languages: vec!["de-DE".to_owned()],
            },
            ..SessionConfig::default()
        }
    }
}
