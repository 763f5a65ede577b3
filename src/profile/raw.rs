//! What a profile's YAML says, before it is checked. All keys may be missing; none may be unknown.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{F64Deserializer, I64Deserializer, StrDeserializer, U64Deserializer};
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer as _, Visitor};

use super::{
    AnswerLength, BargeIn, Detection, DetectorKind, EchoCancellation, Languages, NoiseSuppression,
    Preference, Sensitivity, Switch, Thinking,
};

#[derive(serde::Deserialize, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) name: Given<String>,
    pub(super) extends: Given<String>,
    pub(super) label: Given<String>,
    pub(super) description: Given<String>,
    pub(super) target_ms: Given<u64>,
    pub(super) audio: RawAudio,
    pub(super) detector: RawDetector,
    pub(super) turn: RawTurn,
    pub(super) live: RawLive,
    pub(super) alerts: RawAlerts,
    pub(super) auto: Given<RawAuto>,
}

#[derive(serde::Deserialize, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAuto {
    pub(super) among: Given<Vec<String>>,
    pub(super) prefer: Given<Preference>,
    pub(super) changes_per_hour: Given<u64>,
    pub(super) power_saving: Given<Switch>,
}

#[derive(serde::Deserialize, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAudio {
    pub(super) period_frames: Given<u64>,
    pub(super) resampler_taps: Given<u64>,
    pub(super) prebuffer_ms: Given<u64>,
    pub(super) preroll_ms: Given<u64>,
    pub(super) echo_cancellation: Given<EchoCancellation>,
    pub(super) noise_suppression: Given<NoiseSuppression>,
    pub(super) gain_control: Given<Switch>,
}

#[derive(serde::Deserialize, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawDetector {
    pub(super) kind: Given<DetectorKind>,
    pub(super) aggressiveness: Given<u64>,
    pub(super) onset_idle_ms: Given<u64>,
    pub(super) onset_playing_ms: Given<u64>,
}

#[derive(serde::Deserialize, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTurn {
    pub(super) detection: Given<Detection>,
    pub(super) patience_ms: Given<u64>,
    pub(super) eager_endpoint: Given<Switch>,
    pub(super) eager_waste_percent: Given<u64>,
    pub(super) adaptive_patience: Given<Switch>,
    pub(super) barge_in: Given<BargeIn>,
    pub(super) backchannel_ms: Given<u64>,
    pub(super) automatic: RawAutomatic,
}

#[derive(serde::Deserialize, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAutomatic {
    pub(super) start_sensitivity: Given<OrDefault<Sensitivity>>,
    pub(super) end_sensitivity: Given<OrDefault<Sensitivity>>,
    pub(super) prefix_padding_ms: Given<OrDefault<u64>>,
    pub(super) silence_ms: Given<OrDefault<u64>>,
}

#[derive(serde::Deserialize, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLive {
    pub(super) model: Given<String>,
    pub(super) voice: Given<OrDefault<String>>,
    pub(super) languages: Given<Languages>,
    /// The name that older profiles have for one language.
    pub(super) language: Given<OrDefault<String>>,
    pub(super) vocabulary: Given<Vec<String>>,
    pub(super) temperature: Given<OrDefault<f64>>,
    pub(super) thinking: Given<OrDefault<Thinking>>,
    pub(super) instruction: Given<String>,
    pub(super) answer_length: Given<AnswerLength>,
    /// Checked, but of no effect while the program sends no images; older profiles name it.
    pub(super) media_resolution: Given<MediaResolution>,
    pub(super) google_search: Given<bool>,
    pub(super) reply_deadline_ms: Given<u64>,
    pub(super) compress_at_tokens: Given<u64>,
    pub(super) compress_to_tokens: Given<u64>,
}

#[derive(serde::Deserialize, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAlerts {
    pub(super) first_audio_ms: Given<OrOff>,
    pub(super) response_ms: Given<OrOff>,
    pub(super) success_percent: Given<OrOff>,
    pub(super) memory_mb: Given<OrOff>,
    pub(super) memory_growth_mb: Given<OrOff>,
    pub(super) cpu_percent: Given<OrOff>,
    pub(super) interruptions_percent: Given<OrOff>,
    pub(super) cut_offs_percent: Given<OrOff>,
    pub(super) stutters: Given<OrOff>,
}

/// A whole number, or the word `off`.
#[derive(Clone, Copy, Debug)]
pub(super) struct OrOff(pub(super) Option<u64>);

/// The word that switches an alert off.
pub(super) const OFF_WORD: &str = "off";

impl<'de> Deserialize<'de> for OrOff {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OrOffVisitor)
    }
}

struct OrOffVisitor;

impl Visitor<'_> for OrOffVisitor {
    type Value = OrOff;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, or `off`")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<OrOff, E> {
        Ok(OrOff(Some(number)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<OrOff, E> {
        if text == OFF_WORD {
            return Ok(OrOff(None));
        }
        Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

/// A value, if its key is written. Unlike an `Option`, a key with nothing behind its colon is an error and not "missing".
#[derive(Debug)]
pub(super) struct Given<T>(pub(super) Option<T>);

impl<T> Default for Given<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}

/// A value, or the word `default`, which leaves the choice to the service.
#[derive(Debug)]
pub(super) struct OrDefault<T>(pub(super) Option<T>);

/// The word that leaves a choice to the service.
pub(super) const DEFAULT_WORD: &str = "default";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OrDefault<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OrDefaultVisitor(PhantomData))
    }
}

struct OrDefaultVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OrDefaultVisitor<T> {
    type Value = OrDefault<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value, or `default`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text == DEFAULT_WORD {
            return Ok(OrDefault(None));
        }
        let text: StrDeserializer<'_, E> = text.into_deserializer();
        T::deserialize(text).map(|value| OrDefault(Some(value)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        let number: U64Deserializer<E> = number.into_deserializer();
        T::deserialize(number).map(|value| OrDefault(Some(value)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        let number: I64Deserializer<E> = number.into_deserializer();
        T::deserialize(number).map(|value| OrDefault(Some(value)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        let number: F64Deserializer<E> = number.into_deserializer();
        T::deserialize(number).map(|value| OrDefault(Some(value)))
    }
}

/// How finely images are read.
#[derive(serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum MediaResolution {
    Low,
    Medium,
    High,
}
