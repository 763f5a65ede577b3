//! What each key of a profile may hold: the one place that checks and messages take it from.

use std::fmt;

use super::ALLOWED_LANGUAGES;

/// What a key may hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum Allowed {
    /// A whole number from one to the other, both included.
    Whole(u64, u64),
    /// The same, or `off`.
    WholeOrOff(u64, u64),
    /// The same, or `default`.
    WholeOrDefault(u64, u64),
    /// Any number from one to the other, or `default`.
    NumberOrDefault(f64, f64),
    /// A text with so many characters.
    Text(usize, usize),
    /// What the words say.
    Words(&'static str),
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(least, most) => {
                write!(f, "allowed is a whole number from {least} to {most}")
            }
            Self::WholeOrOff(least, most) => {
                write!(
                    f,
                    "allowed is a whole number from {least} to {most}, or off"
                )
            }
            Self::WholeOrDefault(least, most) => write!(
                f,
                "allowed is a whole number from {least} to {most}, or default"
            ),
            Self::NumberOrDefault(least, most) => {
                write!(f, "allowed is a number from {least} to {most}, or default")
            }
            Self::Text(least, most) => {
                write!(f, "allowed is a text of {least} to {most} characters")
            }
            Self::Words(words) => f.write_str(words),
        }
    }
}

/// Read and checked, but not in the shipped files: the old name of `live.languages`, and what is for images, which the
/// program does not send yet.
#[cfg(test)]
pub(super) const HIDDEN: [&str; 2] = ["live.language", "live.media_resolution"];

/// Every key that holds a value. Ranges are wider than what is wise (the built-in files say what is): they end where the
/// thing cannot work or cannot be meant.
pub(super) const KEYS: [(&str, Allowed); 54] = [
    (
        "name",
        Allowed::Words(
            "allowed are small letters, digits and single hyphens between them, at most 40 characters",
        ),
    ),
    (
        "extends",
        Allowed::Words("allowed are ultra-fast, balanced, high-quality"),
    ),
    ("label", Allowed::Text(1, 40)),
    ("description", Allowed::Text(1, 300)),
    ("target_ms", Allowed::Whole(50, 10_000)),
    ("audio.period_frames", Allowed::Whole(64, 8_192)),
    ("audio.resampler_taps", Allowed::Whole(16, 512)),
    ("audio.prebuffer_ms", Allowed::Whole(0, 1_000)),
    ("audio.preroll_ms", Allowed::Whole(0, 1_000)),
    (
        "audio.echo_cancellation",
        Allowed::Words("allowed are auto, on, off"),
    ),
    (
        "audio.noise_suppression",
        Allowed::Words("allowed are off, light, on, keyboard"),
    ),
    ("audio.gain_control", Allowed::Words("allowed are on, off")),
    (
        "detector.kind",
        Allowed::Words("allowed are webrtc, earshot"),
    ),
    ("detector.aggressiveness", Allowed::Whole(0, 3)),
    ("detector.onset_idle_ms", Allowed::Whole(10, 1_000)),
    ("detector.onset_playing_ms", Allowed::Whole(10, 1_000)),
    (
        "turn.detection",
        Allowed::Words("allowed are manual, automatic"),
    ),
    ("turn.patience_ms", Allowed::Whole(100, 5_000)),
    ("turn.eager_endpoint", Allowed::Words("allowed are on, off")),
    // Below 9, no turn could be closed early at all: a first one in vain may be as much (see `turn::early`).
    ("turn.eager_waste_percent", Allowed::Whole(0, 100)),
    (
        "turn.adaptive_patience",
        Allowed::Words("allowed are on, off"),
    ),
    ("turn.barge_in", Allowed::Words("allowed are auto, on, off")),
    ("turn.backchannel_ms", Allowed::Whole(0, 2_000)),
    (
        "turn.automatic.start_sensitivity",
        Allowed::Words("allowed are default, high, low"),
    ),
    (
        "turn.automatic.end_sensitivity",
        Allowed::Words("allowed are default, high, low"),
    ),
    (
        "turn.automatic.prefix_padding_ms",
        Allowed::WholeOrDefault(0, 2_000),
    ),
    (
        "turn.automatic.silence_ms",
        Allowed::WholeOrDefault(50, 10_000),
    ),
    (
        "live.model",
        Allowed::Words(
            "allowed is the name of a Live model without `models/`, such as gemini-3.8-live",
        ),
    ),
    (
        "live.voice",
        Allowed::Words(
            "allowed are default, the 30 voices of the Live API, from Achernar to Zubenelgenubi, and ids of its catalogue such as en-us-tavi",
        ),
    ),
    ("live.languages", Allowed::Words(ALLOWED_LANGUAGES)),
    (
        "live.vocabulary",
        Allowed::Words(
            "allowed are at most 100 names and terms, each of 1 to 100 characters on one line",
        ),
    ),
    (
        "live.language",
        Allowed::Words("allowed is a language code such as en-US or de, or default"),
    ),
    ("live.temperature", Allowed::NumberOrDefault(0.0, 2.0)),
    (
        "live.thinking",
        Allowed::Words("allowed are default, minimal, low, medium, high"),
    ),
    ("live.instruction", Allowed::Text(0, 8_000)),
    (
        "live.answer_length",
        Allowed::Words("allowed are short, free"),
    ),
    (
        "live.media_resolution",
        Allowed::Words("allowed are low, medium, high"),
    ),
    (
        "live.google_search",
        Allowed::Words("allowed are true, false"),
    ),
    ("live.reply_deadline_ms", Allowed::Whole(2_000, 60_000)),
    // The context window of the Live models is 131 072 tokens.
    ("live.compress_at_tokens", Allowed::Whole(5_000, 128_000)),
    ("live.compress_to_tokens", Allowed::Whole(1_000, 127_000)),
    (
        "auto.among",
        Allowed::Words("allowed are 2 to 8 names of profiles, from the fastest to the best"),
    ),
    (
        "auto.prefer",
        Allowed::Words("allowed are speed, balance, quality"),
    ),
    ("auto.changes_per_hour", Allowed::Whole(0, 60)),
    ("auto.power_saving", Allowed::Words("allowed are on, off")),
    ("alerts.first_audio_ms", Allowed::WholeOrOff(100, 60_000)),
    ("alerts.response_ms", Allowed::WholeOrOff(100, 60_000)),
    ("alerts.success_percent", Allowed::WholeOrOff(1, 100)),
    ("alerts.memory_mb", Allowed::WholeOrOff(50, 100_000)),
    ("alerts.memory_growth_mb", Allowed::WholeOrOff(10, 100_000)),
    ("alerts.cpu_percent", Allowed::WholeOrOff(1, 100)),
    ("alerts.interruptions_percent", Allowed::WholeOrOff(1, 100)),
    ("alerts.cut_offs_percent", Allowed::WholeOrOff(1, 100)),
    ("alerts.stutters", Allowed::WholeOrOff(1, 100)),
];

/// What `key` may hold.
pub(super) fn allowed(key: &str) -> Option<Allowed> {
    KEYS.iter()
        .find(|(known, _)| *known == key)
        .map(|(_, allowed)| *allowed)
}

/// The full names of the keys whose last part is `word`.
pub(super) fn named(word: &str) -> impl Iterator<Item = &'static str> {
    KEYS.iter()
        .map(|(key, _)| *key)
        .filter(move |key| key.rsplit('.').next() == Some(word))
}
