//! The setup: what a client asks for when a connection begins.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::content::{Content, JsonObject};
use super::proto_json::{integer, nullable};
use super::speech::{SpeechConfig, TranscriptionConfig};
use super::tools::Tool;

/// The first message of a connection, once; nothing else may be sent before `setupComplete`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Setup {
    /// `models/NAME`; required.
    #[serde(deserialize_with = "nullable")]
    pub model: String,
    #[serde(alias = "generation_config", skip_serializing_if = "Option::is_none")]
    pub generation_config: Option<GenerationConfig>,
    /// Who the model is to be; text only.
    #[serde(alias = "system_instruction", skip_serializing_if = "Option::is_none")]
    pub system_instruction: Option<Content>,
    /// What the model may use.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// Whose turn it is, and who decides.
    #[serde(
        alias = "realtime_input_config",
        skip_serializing_if = "Option::is_none"
    )]
    pub realtime_input_config: Option<RealtimeInputConfig>,
    /// Asks for the user's words as text.
    #[serde(
        alias = "input_audio_transcription",
        skip_serializing_if = "Option::is_none"
    )]
    pub input_audio_transcription: Option<TranscriptionConfig>,
    /// Asks for the model's words as text.
    #[serde(
        alias = "output_audio_transcription",
        skip_serializing_if = "Option::is_none"
    )]
    pub output_audio_transcription: Option<TranscriptionConfig>,
    /// Asks for handles, and names one to go on from.
    #[serde(alias = "session_resumption", skip_serializing_if = "Option::is_none")]
    pub session_resumption: Option<Resumption>,
    /// What happens when the context is full.
    #[serde(
        alias = "context_window_compression",
        skip_serializing_if = "Option::is_none"
    )]
    pub context_window_compression: Option<Compression>,
    /// How a history is handed over.
    #[serde(alias = "history_config", skip_serializing_if = "Option::is_none")]
    pub history_config: Option<HistoryConfig>,
    /// Whether the model may stay silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proactivity: Option<Proactivity>,
    /// Safety thresholds, unread.
    #[serde(alias = "safety_settings", skip_serializing_if = "Option::is_none")]
    pub safety_settings: Option<Vec<JsonObject>>,
    /// Labels for billing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// A talking picture, unread.
    #[serde(alias = "avatar_config", skip_serializing_if = "Option::is_none")]
    pub avatar_config: Option<JsonObject>,
    /// Vertex only.
    #[serde(alias = "explicit_vad_signal", skip_serializing_if = "Option::is_none")]
    pub explicit_vad_signal: Option<bool>,
}

/// What is generated, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GenerationConfig {
    /// Exactly one; current models know `AUDIO`.
    #[serde(
        alias = "response_modalities",
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub response_modalities: Vec<Modality>,
    #[serde(alias = "speech_config", skip_serializing_if = "Option::is_none")]
    pub speech_config: Option<SpeechConfig>,
    /// 0.0 to 2.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Nucleus.
    #[serde(alias = "top_p", skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Candidates per token.
    #[serde(alias = "top_k", skip_serializing_if = "Option::is_none")]
    pub top_k: Option<f32>,
    /// Longest answer in tokens.
    #[serde(alias = "max_output_tokens", skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// For the same answer again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i32>,
    #[serde(alias = "candidate_count", skip_serializing_if = "Option::is_none")]
    pub candidate_count: Option<u32>,
    /// Against staying on a subject.
    #[serde(alias = "presence_penalty", skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f32>,
    #[serde(alias = "frequency_penalty", skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f32>,
    /// How finely images are read.
    #[serde(alias = "media_resolution", skip_serializing_if = "Option::is_none")]
    pub media_resolution: Option<MediaResolution>,
    /// How much the model may think.
    #[serde(alias = "thinking_config", skip_serializing_if = "Option::is_none")]
    pub thinking_config: Option<ThinkingConfig>,
    /// Whether the model hears and answers moods.
    #[serde(
        alias = "enable_affective_dialog",
        skip_serializing_if = "Option::is_none"
    )]
    pub enable_affective_dialog: Option<bool>,
    #[serde(alias = "translation_config", skip_serializing_if = "Option::is_none")]
    pub translation_config: Option<TranslationConfig>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Modality {
    ModalityUnspecified,
    Text,
    Image,
    Audio,
    Video,
}

/// How finely images are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaResolution {
    #[serde(rename = "MEDIA_RESOLUTION_UNSPECIFIED")]
    Unspecified,
    #[serde(rename = "MEDIA_RESOLUTION_LOW")]
    Low,
    #[serde(rename = "MEDIA_RESOLUTION_MEDIUM")]
    Medium,
    #[serde(rename = "MEDIA_RESOLUTION_HIGH")]
    High,
}

/// How much the model may think; level or budget, as the model takes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ThinkingConfig {
    #[serde(alias = "thinking_level", skip_serializing_if = "Option::is_none")]
    pub thinking_level: Option<ThinkingLevel>,
    /// In tokens; -1 leaves it to the model.
    #[serde(alias = "thinking_budget", skip_serializing_if = "Option::is_none")]
    pub thinking_budget: Option<i32>,
    /// Whether the thoughts are told.
    #[serde(alias = "include_thoughts", skip_serializing_if = "Option::is_none")]
    pub include_thoughts: Option<bool>,
}

/// How much the model may think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ThinkingLevel {
    ThinkingLevelUnspecified,
    Minimal,
    Low,
    Medium,
    High,
}

/// For translating models.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TranslationConfig {
    /// BCP 47.
    #[serde(
        alias = "target_language_code",
        skip_serializing_if = "Option::is_none"
    )]
    pub target_language_code: Option<String>,
    /// Whether speech in the target language is repeated.
    #[serde(
        alias = "echo_target_language",
        skip_serializing_if = "Option::is_none"
    )]
    pub echo_target_language: Option<bool>,
}

/// Whose turn it is, and who decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RealtimeInputConfig {
    /// The service's detector.
    #[serde(
        alias = "automatic_activity_detection",
        skip_serializing_if = "Option::is_none"
    )]
    pub automatic_activity_detection: Option<ActivityDetection>,
    /// Whether speech interrupts an answer.
    #[serde(alias = "activity_handling", skip_serializing_if = "Option::is_none")]
    pub activity_handling: Option<ActivityHandling>,
    #[serde(alias = "turn_coverage", skip_serializing_if = "Option::is_none")]
    pub turn_coverage: Option<TurnCoverage>,
    /// Whether the user's words that are not final carry times.
    #[serde(
        alias = "interim_transcript_timestamp_enabled",
        skip_serializing_if = "Option::is_none"
    )]
    pub interim_transcript_timestamp_enabled: Option<bool>,
}

/// The service's detector. While disabled the client sends `activityStart` and `activityEnd`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ActivityDetection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// How readily a start is taken for one.
    #[serde(
        alias = "start_of_speech_sensitivity",
        skip_serializing_if = "Option::is_none"
    )]
    pub start_of_speech_sensitivity: Option<StartSensitivity>,
    /// How readily an end is taken for one.
    #[serde(
        alias = "end_of_speech_sensitivity",
        skip_serializing_if = "Option::is_none"
    )]
    pub end_of_speech_sensitivity: Option<EndSensitivity>,
    /// Speech needed before a start is committed, in milliseconds.
    #[serde(alias = "prefix_padding_ms", skip_serializing_if = "Option::is_none")]
    pub prefix_padding_ms: Option<u32>,
    /// Silence needed before an end is committed, in milliseconds.
    #[serde(alias = "silence_duration_ms", skip_serializing_if = "Option::is_none")]
    pub silence_duration_ms: Option<u32>,
}

/// How readily a start is taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StartSensitivity {
    /// The default: high.
    #[serde(rename = "START_SENSITIVITY_UNSPECIFIED")]
    Unspecified,
    #[serde(rename = "START_SENSITIVITY_HIGH")]
    High,
    #[serde(rename = "START_SENSITIVITY_LOW")]
    Low,
}

/// How readily an end is taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndSensitivity {
    /// The default: high.
    #[serde(rename = "END_SENSITIVITY_UNSPECIFIED")]
    Unspecified,
    #[serde(rename = "END_SENSITIVITY_HIGH")]
    High,
    #[serde(rename = "END_SENSITIVITY_LOW")]
    Low,
}

/// Whether speech interrupts an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActivityHandling {
    /// The default: it does.
    ActivityHandlingUnspecified,
    StartOfActivityInterrupts,
    NoInterruption,
}

/// What of the input belongs to a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TurnCoverage {
    /// The model's default.
    TurnCoverageUnspecified,
    TurnIncludesOnlyActivity,
    /// Everything, silence included.
    TurnIncludesAllInput,
    /// What was said, and all images.
    TurnIncludesAudioActivityAndAllVideo,
}

/// Asks for handles, and names one to go on from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Resumption {
    /// Where to go on; `None` begins anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// Vertex only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transparent: Option<bool>,
}

/// What happens when the context is full.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Compression {
    /// Tokens at which it begins; 80 % of the window without.
    #[serde(
        alias = "trigger_tokens",
        deserialize_with = "integer::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub trigger_tokens: Option<u64>,
    /// Dropping the oldest turns; needed.
    #[serde(alias = "sliding_window", skip_serializing_if = "Option::is_none")]
    pub sliding_window: Option<SlidingWindow>,
}

/// Dropping the oldest turns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SlidingWindow {
    /// Tokens that are kept; half the trigger without.
    #[serde(
        alias = "target_tokens",
        deserialize_with = "integer::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub target_tokens: Option<u64>,
}

/// How a history is handed over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HistoryConfig {
    /// Whether the first `clientContent` messages, up to `turnComplete`, are history and not to be answered.
    #[serde(
        alias = "initial_history_in_client_content",
        skip_serializing_if = "Option::is_none"
    )]
    pub initial_history_in_client_content: Option<bool>,
}

/// Whether the model may stay silent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Proactivity {
    #[serde(alias = "proactive_audio", skip_serializing_if = "Option::is_none")]
    pub proactive_audio: Option<bool>,
    /// Whether it may speak about each image; needs proactive audio.
    #[serde(alias = "proactive_video", skip_serializing_if = "Option::is_none")]
    pub proactive_video: Option<bool>,
}
