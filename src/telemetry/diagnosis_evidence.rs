//! Gathers the evidence for the diagnosis: turns, process, machine and settings.

use std::time::Duration;

use super::collector::Collector;
use super::context::Context;
use crate::audio::StreamInfo;
use crate::profile::model::{self, Thinks};
use crate::profile::{AnswerLength, Detection, EchoCancellation, NoiseSuppressor, Profile};
use crate::telemetry::diagnosis::Evidence;

/// The present evidence; `None` before the first context.
pub(super) fn evidence(collector: &Collector<'_>) -> Option<Evidence> {
    let context = collector.context.as_deref()?;
    let (profile, store) = (&context.profile, &collector.store);
    let [recent, usual] = store.typical(&profile.name, &context.model);
    let way = &collector.deps.counters.link;
    let thinking = model::thinks(profile);
    let process = &collector.statistics.process;
    let machine = process.machine;
    let cores = process.cores.max(1) as f64;
    let own = process.cpu_percent.map(|own| f64::from(own) / cores);
    let faster = |other: &Profile| {
        let nearer = profile.target.checked_sub(other.target);
        nearer.filter(|nearer| !nearer.is_zero())
    };
    let narrow = |stream: &Option<StreamInfo>| stream.as_ref().is_some_and(StreamInfo::narrowband);
    Some(Evidence {
        // Like the window: the target of the chosen profile, also with `auto`.
        target: context.chosen.target,
        recent,
        usual,
        round_trip: way.round_trip(),
        variation: way.variation(),
        loss_percent: store.loss.percent(),
        shortest_trip: store.shortest_trip,
        proxy: !context.demo && crate::provider::connection::dial::through_proxy(&context.url),
        period: period(context),
        narrow_microphone: narrow(&context.input),
        narrow_speaker: narrow(&context.output),
        underruns: store.recent_underruns(),
        prebuffer: profile.audio.prebuffer,
        load: machine.cpu_percent.map(f64::from).zip(own),
        memory_percent: machine.memory_percent(),
        leak_per_hour: process.memory_growth.per_hour(),
        on_battery: machine.battery.is_some_and(|battery| battery.discharging),
        clock_share: machine.clock_share.map(f64::from),
        model: (!context.local).then(|| profile.live.model.clone()),
        instruction_chars: profile.live.instruction.chars().count(),
        thinks: matches!(thinking, Thinks::MoreThan(_) | Thinks::Always),
        least_thinking: match thinking {
            Thinks::MoreThan(least) => Some(least),
            Thinks::Not | Thinks::ByItself | Thinks::Always => None,
        },
        searches: profile.live.google_search && store.mostly_searched(&profile.name),
        automatic_detection: context.detection == Detection::Automatic,
        free_answers: profile.live.answer_length == AnswerLength::Free,
        echo_forced: context.echo_forced,
        cut_offs_percent: store.alerts.cut_offs_percent(),
        interruptions_percent: store.alerts.interruptions_percent(),
        faster_profile: neighbour(context, faster),
        shorter_prebuffer_profile: neighbour(context, |other| {
            faster(other).filter(|_| other.audio.prebuffer < profile.audio.prebuffer)
        }),
        cleans: cleans(profile),
        sparing_profile: neighbour(context, |other| {
            spares(other, profile).then(|| profile.target.abs_diff(other.target))
        }),
        patienter_profile: neighbour(context, |other| {
            let (more, now) = (other.turn.patience, profile.turn.patience);
            (more > now).then(|| more - now)
        }),
    })
}

/// The name of the nearest profile by the distance `apart`.
fn neighbour(context: &Context, apart: impl Fn(&Profile) -> Option<Duration>) -> Option<String> {
    if context.auto.is_some() {
        // It chooses by itself.
        return None;
    }
    let others = context.profiles.iter();
    others
        .filter(|profile| profile.auto.is_none())
        .filter_map(|profile| Some((apart(profile)?, &profile.name)))
        .min()
        .map(|(_, name)| name.clone())
}

/// Requested and granted period of the speaker.
fn period(context: &Context) -> Option<(Duration, Duration)> {
    let stream = context.output.as_ref()?;
    let length = |frames: u32| stream.rate.duration_of(u64::from(frames));
    Some((length(context.period_frames), length(stream.period_frames?)))
}

/// Whether noise suppression or gain control is on.
fn cleans(profile: &Profile) -> bool {
    let audio = &profile.audio;
    audio.noise_suppression != NoiseSuppressor::Off || audio.gain_control
}

/// Whether one uses less of the processor than the other, by the most expensive stages (`tests/measured/instructions.md`).
fn spares(other: &Profile, than: &Profile) -> bool {
    let forced = |profile: &Profile| profile.audio.echo_cancellation == EchoCancellation::On;
    cleans(than) && !cleans(other) && (forced(than) || !forced(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::builtin;

    #[test]
    fn a_profile_spares_the_processor_by_its_settings_and_not_by_its_name() {
        let [fast, balanced, high] =
            ["ultra-fast", "balanced", "high-quality"].map(|name| builtin(name).expect("built in"));
        assert!(spares(&fast, &high) && spares(&fast, &balanced));
        assert!(!spares(&balanced, &high) && !spares(&high, &balanced));
        assert!(!spares(&fast, &fast) && !spares(&balanced, &fast));
        let mut mine = Profile::clone(&high);
        mine.audio.noise_suppression = NoiseSuppressor::Off;
        assert!(!spares(&mine, &balanced), "gain control is the dearer one");
        mine.audio.gain_control = false;
        assert!(spares(&mine, &balanced));
        mine.audio.echo_cancellation = EchoCancellation::On;
        assert!(!spares(&mine, &balanced));
    }
}
