//! A profile written out in full.

use std::time::Duration;

use serde::Serialize;

use super::raw::{DEFAULT_WORD, OFF_WORD};
use super::{AutoSettings, Profile};
use crate::base::yaml::quoted;

/// Every key of `profile`, as YAML.
pub(super) fn yaml(profile: &Profile) -> String {
    if let Some(how) = &profile.auto {
        return [head(profile), auto(how), alerts(profile)].concat();
    }
    [
        head(profile),
        audio(profile),
        turn(profile),
        live(profile),
        alerts(profile),
    ]
    .concat()
}

fn head(profile: &Profile) -> String {
    format!(
        "name: {}\nlabel: {}\ndescription: {}\ntarget_ms: {}\n",
        profile.name,
        quoted(&profile.label),
        quoted(&profile.description),
        profile.target.as_millis()
    )
}

fn audio(profile: &Profile) -> String {
    let (audio, detector) = (&profile.audio, &profile.detector);
    format!(
        "audio:\n  period_frames: {}\n  resampler_taps: {}\n  prebuffer_ms: {}\n  preroll_ms: {}\n  \
         echo_cancellation: {}\n  noise_suppression: {}\n  gain_control: {}\n\
         detector:\n  kind: {}\n  aggressiveness: {}\n  onset_idle_ms: {}\n  onset_playing_ms: {}\n",
        audio.period_frames,
        audio.resampler_taps,
        audio.prebuffer.as_millis(),
        audio.preroll.as_millis(),
        word(audio.echo_cancellation),
        word(audio.noise_suppression),
        word(audio.gain_control),
        word(detector.kind),
        detector.aggressiveness,
        detector.onset_idle.as_millis(),
        detector.onset_playing.as_millis()
    )
}

fn turn(profile: &Profile) -> String {
    let turn = &profile.turn;
    let automatic = &turn.automatic;
    let millis =
        |value: Option<Duration>| or_default(value.map(|value| value.as_millis().to_string()));
    format!(
        "turn:\n  detection: {}\n  patience_ms: {}\n  eager_endpoint: {}\n  eager_waste_percent: {}\n  \
         adaptive_patience: {}\n  barge_in: {}\n  backchannel_ms: {}\n  \
         automatic:\n    start_sensitivity: {}\n    \
         end_sensitivity: {}\n    prefix_padding_ms: {}\n    silence_ms: {}\n",
        word(turn.detection),
        turn.patience.as_millis(),
        word(turn.eager_endpoint),
        turn.eager_waste_percent,
        word(turn.adaptive_patience),
        word(turn.barge_in),
        turn.backchannel.as_millis(),
        or_default(automatic.start_sensitivity.map(word)),
        or_default(automatic.end_sensitivity.map(word)),
        millis(automatic.prefix_padding),
        millis(automatic.silence)
    )
}

fn live(profile: &Profile) -> String {
    let live = &profile.live;
    let vocabulary: Vec<String> = live.vocabulary.iter().map(|term| quoted(term)).collect();
    format!(
        "live:\n  model: {}\n  voice: {}\n  languages: {}\n  vocabulary: [{}]\n  temperature: {}\n  thinking: {}\n  instruction: {}\n  \
         answer_length: {}\n  google_search: {}\n  reply_deadline_ms: {}\n  compress_at_tokens: {}\n  compress_to_tokens: {}\n",
        quoted(&live.model),
        or_default(live.voice.clone()),
        live.languages.to_yaml(),
        vocabulary.join(", "),
        or_default(live.temperature.map(|value| value.to_string())),
        or_default(live.thinking.map(word)),
        quoted(&live.instruction),
        word(live.answer_length),
        live.google_search,
        live.reply_deadline.as_millis(),
        live.compress_at_tokens,
        live.compress_to_tokens
    )
}

fn auto(auto: &AutoSettings) -> String {
    format!(
        "auto:\n  among: [{}]\n  prefer: {}\n  changes_per_hour: {}\n  power_saving: {}\n",
        auto.among.join(", "),
        word(auto.prefer),
        auto.changes_per_hour,
        word(auto.power_saving)
    )
}

fn alerts(profile: &Profile) -> String {
    let alerts = &profile.alerts;
    let or_off =
        |limit: Option<u32>| limit.map_or_else(|| OFF_WORD.to_owned(), |limit| limit.to_string());
    let millis = |limit: Option<Duration>| {
        limit.map_or_else(
            || OFF_WORD.to_owned(),
            |limit| limit.as_millis().to_string(),
        )
    };
    format!(
        "alerts:\n  first_audio_ms: {}\n  response_ms: {}\n  success_percent: {}\n  memory_mb: {}\n  \
         memory_growth_mb: {}\n  cpu_percent: {}\n  interruptions_percent: {}\n  cut_offs_percent: {}\n  stutters: {}\n",
        millis(alerts.first_audio),
        millis(alerts.response),
        or_off(alerts.success_percent),
        or_off(alerts.memory_mb),
        or_off(alerts.memory_growth_mb),
        or_off(alerts.cpu_percent),
        or_off(alerts.interruptions_percent),
        or_off(alerts.cut_offs_percent),
        or_off(alerts.stutters)
    )
}

fn or_default(value: Option<String>) -> String {
    value.unwrap_or_else(|| DEFAULT_WORD.to_owned())
}

/// The word that YAML has for a choice.
fn word<T: Serialize>(choice: T) -> String {
    let word = serde_json::to_value(choice).ok();
    word.and_then(|word| word.as_str().map(str::to_owned))
        .expect("every choice is written as one word")
}
