//! The setup that a profile asks for, with what its model refuses left out.

use std::time::Duration;

use crate::live::message::{
    ActivityDetection, ActivityHandling, Compression, Content, Empty, EndSensitivity,
    GenerationConfig, MediaResolution as WireResolution, Modality, PrebuiltVoice,
    RealtimeInputConfig, Resumption, Setup, SlidingWindow, SpeechConfig, StartSensitivity,
    ThinkingConfig, ThinkingLevel, Tool, TranscriptionConfig, VoiceConfig,
};
use crate::live::models::{self, ThinkingControl};
use crate::profile::{
    AnswerLength, AutomaticSettings, Detection, LiveSettings, MediaResolution, Profile,
    Sensitivity, Thinking,
};

/// What the model is told besides the profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetupContext {
    /// Date and time in words, as `Saturday, 21 November 2026, 14:05`.
    pub date_time: String,
    /// IANA name of the zone, as `Europe/Berlin`.
    pub zone: String,
    /// BCP 47, as `de-DE`.
    pub locale: String,
    /// Who detects activity, if not as the profile says.
    pub detection: Option<Detection>,
    /// Whether speech may not interrupt a reply. Matters with automatic detection only.
    pub no_interruption: bool,
    /// What was said before, where the service does not know it any more.
    pub history: Option<String>,
}

/// The setup of a connection, without a handle if there is none.
#[must_use]
pub fn setup(profile: &Profile, context: &SetupContext, handle: Option<&str>) -> Setup {
    let live = &profile.live;
    let transcription = Some(TranscriptionConfig::default());
    Setup {
        model: format!("models/{}", live.model.trim_start_matches("models/")),
        generation_config: Some(generation(live)),
        system_instruction: Some(Content::text("user", instruction(live, context))),
        tools: tools(live),
        realtime_input_config: Some(realtime_input(profile, context)),
        input_audio_transcription: transcription.clone(),
        output_audio_transcription: transcription,
        session_resumption: Some(Resumption {
            handle: handle.map(str::to_owned),
            transparent: None,
        }),
        context_window_compression: Some(Compression {
            trigger_tokens: Some(live.compress_at_tokens.into()),
            sliding_window: Some(SlidingWindow {
                target_tokens: Some(live.compress_to_tokens.into()),
            }),
        }),
        ..Setup::default()
    }
}

fn generation(live: &LiveSettings) -> GenerationConfig {
    let voice_config = live.voice.clone().map(|voice_name| VoiceConfig {
        prebuilt_voice_config: Some(PrebuiltVoice { voice_name }),
    });
    let speech = SpeechConfig {
        voice_config,
        language_code: live.language.clone(),
    };
    GenerationConfig {
        response_modalities: vec![Modality::Audio],
        speech_config: Some(speech).filter(|speech| *speech != SpeechConfig::default()),
        temperature: live.temperature,
        media_resolution: Some(match live.media_resolution {
            MediaResolution::Low => WireResolution::Low,
            MediaResolution::Medium => WireResolution::Medium,
            MediaResolution::High => WireResolution::High,
        }),
        thinking_config: live
            .thinking
            .and_then(|thinking| thinking_config(&live.model, thinking)),
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
        ThinkingControl::None => None,
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

fn instruction(live: &LiveSettings, context: &SetupContext) -> String {
    let SetupContext {
        date_time,
        zone,
        locale,
        ..
    } = context;
    let mut text = live.instruction.trim().to_owned();
    let mut add = |sentence: &str| {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(sentence);
    };
    if live.answer_length == AnswerLength::Short {
        add("Answer in one or two short sentences, unless you are asked for more.");
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
    if let Some(history) = &context.history {
        add(&format!(
            "The conversation goes on. What was said before:\n{history}"
        ));
    }
    text
}

fn tools(live: &LiveSettings) -> Vec<Tool> {
    let search = live.google_search.then(|| Tool {
        google_search: Some(Empty {}),
        ..Tool::default()
    });
    search.into_iter().collect()
}

fn realtime_input(profile: &Profile, context: &SetupContext) -> RealtimeInputConfig {
    let detection = context.detection.unwrap_or(profile.turn.detection);
    let (detector, interrupts) = match detection {
        Detection::Manual => (
            ActivityDetection {
                disabled: Some(true),
                ..ActivityDetection::default()
            },
            true,
        ),
        Detection::Automatic => (automatic(&profile.turn.automatic), !context.no_interruption),
    };
    RealtimeInputConfig {
        automatic_activity_detection: Some(detector),
        activity_handling: Some(if interrupts {
            ActivityHandling::StartOfActivityInterrupts
        } else {
            ActivityHandling::NoInterruption
        }),
        turn_coverage: None,
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
