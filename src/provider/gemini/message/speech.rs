//! How the model speaks, and how what is spoken becomes text.

use serde::{Deserialize, Serialize};

use super::content::{Empty, JsonObject};
use super::proto_json::nullable;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SpeechConfig {
    #[serde(alias = "voice_config", skip_serializing_if = "Option::is_none")]
    pub voice_config: Option<VoiceConfig>,
    /// BCP 47.
    #[serde(alias = "language_code", skip_serializing_if = "Option::is_none")]
    pub language_code: Option<String>,
    /// Several voices, for speech that is read from a script: Live refuses it. Unread.
    #[serde(
        alias = "multi_speaker_voice_config",
        skip_serializing_if = "Option::is_none"
    )]
    pub multi_speaker_voice_config: Option<JsonObject>,
}

/// The voice; one field is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VoiceConfig {
    #[serde(
        alias = "prebuilt_voice_config",
        skip_serializing_if = "Option::is_none"
    )]
    pub prebuilt_voice_config: Option<PrebuiltVoice>,
    /// A copy of somebody's voice; unread.
    #[serde(
        alias = "replicated_voice_config",
        skip_serializing_if = "Option::is_none"
    )]
    pub replicated_voice_config: Option<ReplicatedVoice>,
    /// A voice by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PrebuiltVoice {
    #[serde(alias = "voice_name", deserialize_with = "nullable")]
    pub voice_name: String,
}

/// A copy of somebody's voice. Samples and consent are base64, and are not decoded here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ReplicatedVoice {
    /// `audio/wav`.
    #[serde(alias = "mime_type", skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// The voice to copy.
    #[serde(alias = "voice_sample_audio", skip_serializing_if = "Option::is_none")]
    pub voice_sample_audio: Option<String>,
    /// Its owner, who agrees.
    #[serde(alias = "consent_audio", skip_serializing_if = "Option::is_none")]
    pub consent_audio: Option<String>,
    /// The service's receipt for an earlier consent.
    #[serde(
        alias = "voice_consent_signature",
        skip_serializing_if = "Option::is_none"
    )]
    pub voice_consent_signature: Option<ConsentSignature>,
}

/// The service's receipt for a consent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConsentSignature {
    /// The receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// Asks for a transcription; empty for the model's choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TranscriptionConfig {
    /// BCP 47 codes of what may be spoken; without, the service finds out.
    #[serde(alias = "language_codes", skip_serializing_if = "Option::is_none")]
    pub language_codes: Option<Vec<String>>,
    /// Deprecated: the service finds out the language.
    #[serde(alias = "language_auto", skip_serializing_if = "Option::is_none")]
    pub language_auto: Option<Empty>,
    /// Deprecated: `language_codes` in an object of its own.
    #[serde(alias = "language_hints", skip_serializing_if = "Option::is_none")]
    pub language_hints: Option<LanguageHints>,
    #[serde(alias = "custom_vocabulary", skip_serializing_if = "Option::is_none")]
    pub custom_vocabulary: Option<Vec<String>>,
    /// Deprecated: another name for `custom_vocabulary`.
    #[serde(alias = "adaptation_phrases", skip_serializing_if = "Option::is_none")]
    pub adaptation_phrases: Option<Vec<String>>,
    /// A text that speech changes, in mode `SMART`.
    #[serde(alias = "source_text", skip_serializing_if = "Option::is_none")]
    pub source_text: Option<String>,
    #[serde(alias = "word_timestamp", skip_serializing_if = "Option::is_none")]
    pub word_timestamp: Option<bool>,
    /// Whether speakers are told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diarization: Option<bool>,
    /// Whether fillers and slips of the tongue are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<TranscriptionMode>,
}

/// Languages, in the form that was deprecated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LanguageHints {
    /// BCP 47 codes.
    #[serde(alias = "language_codes", skip_serializing_if = "Option::is_none")]
    pub language_codes: Option<Vec<String>>,
}

/// Whether fillers and slips of the tongue are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TranscriptionMode {
    /// The default: they are.
    ModeUnspecified,
    Verbatim,
    Smart,
}
