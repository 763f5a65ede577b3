//! One rule per cause, with its threshold.

use std::time::Duration;

use super::remedy::Remedy;
use super::types::{Cause, Evidence, Finding, TurnPart, WORTH};
use crate::base::text::t;
use crate::telemetry::link_quality::{LARGE_VARIATION, LONG_ROUND_TRIP, MUCH_LOSS_PERCENT};
use crate::turn::timeline::connection_wait;

/// Decoding a message takes microseconds; a longer time is a busy machine.
const LONG_DECODE: Duration = Duration::from_millis(10);
/// A wired device at the largest period of the profiles is faster.
const LONG_DEVICE: Duration = Duration::from_millis(60);
/// The largest prebuffer of the profiles, and a margin.
const LONG_BUFFER: Duration = Duration::from_millis(70);
/// The margin: a whole chunk, which has 20 to 30 ms.
const CHUNK: Duration = Duration::from_millis(30);
/// Silence that people perceive as a pause in a conversation (`turn.patience_ms` of the slowest profile is 700).
const LONG_PATIENCE: Duration = Duration::from_millis(1_000);
/// Load from which real-time threads begin to wait.
const BUSY_PERCENT: f64 = 80.0;
/// Memory in use from which systems begin to page.
const FULL_PERCENT: f64 = 85.0;
/// Below this share of its clock a processor counts as throttled.
const HELD_BACK: f64 = 0.8;
/// Longer answers are often interrupted.
const LONG_ANSWER: Duration = Duration::from_secs(15);
/// Shares of turns, in percent.
pub(super) const MANY_CUT_OFFS: f64 = 10.0;
const MANY_INTERRUPTIONS: f64 = 15.0;

pub(super) fn network(e: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(uplink) = connection_wait(e.recent.uplink) {
        findings.push(Finding {
            part: TurnPart::Uplink,
            cause: Cause::SlowUpload,
            costs: Some(uplink),
            what: t!("your-last-words-wait-for", uplink = ms(uplink)),
            remedy: t!("stop-uploads-backups-video-calls").into(),
            action: None,
        });
    }
    let Some(trip) = e.round_trip else {
        return findings;
    };
    let shortest = e.shortest_trip.unwrap_or(trip);
    if trip >= shortest * 2 && trip >= shortest + Duration::from_millis(50) {
        findings.push(Finding {
            part: TurnPart::Network,
            cause: Cause::Congestion,
            costs: Some(trip - shortest),
            what: t!(
                "the-round-trip-is-and",
                trip = ms(trip),
                shortest = ms(shortest)
            ),
            remedy: t!("something-else-uses-the-line").into(),
            action: None,
        });
    } else if trip > LONG_ROUND_TRIP && e.proxy {
        findings.push(Finding {
            part: TurnPart::Network,
            cause: Cause::Proxy,
            costs: Some(trip),
            what: t!("the-connection-goes-through-a", trip = ms(trip)),
            remedy: t!("if-the-proxy-is-not").into(),
            action: None,
        });
    } else if trip > LONG_ROUND_TRIP {
        findings.push(Finding {
            part: TurnPart::Network,
            cause: Cause::Distance,
            costs: Some(trip),
            what: t!("the-round-trip-to-the-service", trip = ms(trip)),
            remedy: t!("a-vpn-that-leads-through").into(),
            action: None,
        });
    }
    findings
}

/// A line that jitters or loses: it makes answers stutter, and late by what cannot be told.
pub(super) fn unsteady(e: &Evidence) -> Vec<Finding> {
    let variation = e.variation.filter(|by| *by > LARGE_VARIATION);
    let loss = e.loss_percent.filter(|lost| *lost > MUCH_LOSS_PERCENT);
    let jitters = variation.map(|by| {
        (
            Cause::Jitter,
            t!("the-round-trip-to-the", by = ms(by)),
            t!("use-a-cable-or-move"),
        )
    });
    let loses = loss.map(|lost| {
        (
            Cause::Loss,
            t!("of-what-is-sent-is", lost = format!("{lost:.0}")),
            t!("move-nearer-to-the-access"),
        )
    });
    let found = jitters.into_iter().chain(loses);
    found
        .map(|(cause, what, remedy)| Finding {
            part: TurnPart::Network,
            cause,
            costs: None,
            what,
            remedy: remedy.to_owned(),
            action: None,
        })
        .collect()
}

pub(super) fn downlink(e: &Evidence) -> Vec<Finding> {
    let mut findings: Vec<Finding> = device(e).into_iter().collect();
    findings.extend(gathered(e));
    if let Some(decode) = e.recent.decode.filter(|decode| *decode > LONG_DECODE) {
        let (cause, (remedy, action)) = if own_share(e) {
            (Cause::OwnLoad, spare(e))
        } else {
            let close = t!("close-programs-that-use-the");
            (Cause::OtherLoad, (close, None))
        };
        findings.push(Finding {
            part: TurnPart::Downlink,
            cause,
            costs: Some(decode.max(WORTH)),
            what: t!("taking-in-an-answer-needs", decode = ms(decode)),
            remedy: remedy.to_owned(),
            action,
        });
    }
    findings
}

/// Buffering of answers: by the profile, or because the network required it.
fn gathered(e: &Evidence) -> Option<Finding> {
    let buffer = e.recent.buffer.filter(|buffer| *buffer > LONG_BUFFER)?;
    let begins = t!("answers-are-gathered-for-before", buffer = ms(buffer));
    let stutters = match e.underruns {
        0 => None,
        1 => Some(t!("stuttered-once").to_owned()),
        n => Some(t!("stuttered-times", n)),
    };
    let as_asked = buffer <= e.prebuffer + CHUNK;
    let (what, remedy, action) = match (as_asked, stutters) {
        (true, None) => (
            t!("the-profile-asks-for", begins, prebuffer = ms(e.prebuffer)),
            if e.shorter_prebuffer_profile.is_some() {
                t!("lower-audio-prebuffer-ms-in-the")
            } else {
                t!("lower-audio-prebuffer-ms-in")
            },
            e.shorter_prebuffer_profile.clone().map(Remedy::UseProfile),
        ),
        (true, Some(stuttered)) => (
            t!(
                "the-profile-asks-for-and",
                begins,
                prebuffer = ms(e.prebuffer),
                stuttered
            ),
            t!("the-line-delivers-in-bursts-move"),
            None,
        ),
        (false, stuttered) => (
            t!(
                "because-they",
                begins,
                stuttered = stuttered.unwrap_or_else(|| t!("arrive-in-bursts").to_owned())
            ),
            t!("the-line-delivers-in-bursts"),
            None,
        ),
    };
    Some(Finding {
        part: TurnPart::Downlink,
        cause: Cause::Prebuffer,
        costs: Some(buffer),
        what,
        remedy: remedy.to_owned(),
        action,
    })
}

/// A speaker with a long latency.
fn device(e: &Evidence) -> Option<Finding> {
    let device = e.recent.device.filter(|device| *device > LONG_DEVICE)?;
    let (cause, what, remedy, action) = match e.period {
        Some((asked, granted)) if granted > asked.mul_f64(1.5) => (
            Cause::DevicePeriod,
            t!(
                "the-speaker-works-in-periods",
                granted = ms(granted),
                asked = ms(asked),
                device = ms(device)
            ),
            t!("another-program-holds-the-device"),
            Some(Remedy::CheckSound),
        ),
        Some((asked, _)) if asked * 2 >= LONG_DEVICE => (
            Cause::DevicePeriod,
            t!(
                "the-profile-asks-for-periods",
                asked = ms(asked),
                device = ms(device)
            ),
            t!("lower-audio-period-frames-in"),
            e.faster_profile.clone().map(Remedy::UseProfile),
        ),
        _ => (
            Cause::WirelessDevice,
            t!("the-speaker-holds-sound-for", device = ms(device)),
            t!("with-a-wired-speaker-or"),
            None,
        ),
    };
    Some(Finding {
        part: TurnPart::Downlink,
        cause,
        costs: Some(device),
        what,
        remedy: remedy.to_owned(),
        action,
    })
}

pub(super) fn patience(e: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    let cut_off = e.cut_offs_percent.filter(|share| *share > MANY_CUT_OFFS);
    if let Some(share) = cut_off {
        findings.push(Finding {
            part: TurnPart::Patience,
            cause: Cause::ShortPatience,
            costs: None,
            what: t!("you-went-on-after-of", share = format!("{share:.0}")),
            remedy: t!("take-a-profile-with-more-patience").into(),
            action: e.patienter_profile.clone().map(Remedy::UseProfile),
        });
        return findings;
    }
    if let Some(held) = e.recent.held.filter(|held| *held >= LONG_DEVICE) {
        findings.push(Finding {
            part: TurnPart::Patience,
            cause: Cause::HeldForPatience,
            costs: Some(held),
            what: t!("answers-are-ready-before-it", held = ms(held)),
            remedy: t!("if-you-rarely-pause-lower").into(),
            action: e.faster_profile.clone().map(Remedy::UseProfile),
        });
    } else if let Some(waits) = e.recent.endpointing.filter(|waits| *waits > LONG_PATIENCE) {
        findings.push(Finding {
            part: TurnPart::Patience,
            cause: Cause::LongPatience,
            costs: Some(waits - LONG_PATIENCE + WORTH),
            what: t!("of-silence-pass-before-a", waits = ms(waits)),
            remedy: t!("lower-turn-patience-ms-in").into(),
            action: e.faster_profile.clone().map(Remedy::UseProfile),
        });
    }
    findings
}

pub(super) fn conversation(e: &Evidence) -> Option<Finding> {
    let share = e
        .interruptions_percent
        .filter(|share| *share > MANY_INTERRUPTIONS)?;
    let long = e.recent.heard.filter(|heard| *heard > LONG_ANSWER);
    let (what, remedy) = match long {
        Some(heard) => (
            t!(
                "you-interrupt-of-the-answers-they",
                share = format!("{share:.0}"),
                heard = heard.as_secs()
            ),
            t!("set-live-answer-length-short"),
        ),
        None if e.free_answers => (
            t!(
                "you-interrupt-of-the-answers",
                share = format!("{share:.0}")
            ),
            t!("if-they-are-too-long"),
        ),
        None => (
            t!(
                "of-the-answers-are-interrupted",
                share = format!("{share:.0}")
            ),
            t!("a-sound-may-be-taken"),
        ),
    };
    Some(Finding {
        part: TurnPart::Conversation,
        cause: Cause::LongAnswers,
        costs: None,
        what,
        remedy: remedy.to_owned(),
        action: Some(Remedy::CheckSound),
    })
}

/// A headset in its telephone mode, known before any turn: it harms intelligibility, not latency.
pub(super) fn narrowband(e: &Evidence) -> Option<Finding> {
    let (what, remedy) = match (e.narrow_microphone, e.narrow_speaker) {
        (true, true) => (
            t!("microphone-and-speaker-carry-a"),
            t!("choose-another-microphone-under-sound"),
        ),
        (true, false) => (
            t!("the-microphone-gives-half-of"),
            t!("you-are-understood-better-with"),
        ),
        (false, true) => (
            t!("the-speaker-plays-a-telephones"),
            t!("end-what-uses-the-headsets"),
        ),
        (false, false) => return None,
    };
    Some(Finding {
        part: TurnPart::Sound,
        cause: Cause::Narrowband,
        costs: None,
        what: what.to_owned(),
        remedy: remedy.to_owned(),
        action: None,
    })
}

pub(super) fn computer(e: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |cause, what: String, remedy: &str, action| {
        findings.push(Finding {
            part: TurnPart::Computer,
            cause,
            costs: None,
            what,
            remedy: remedy.to_owned(),
            action,
        });
    };
    if let Some((all, own)) = e.load.filter(|(all, _)| *all > BUSY_PERCENT) {
        if own_share(e) {
            let (remedy, action) = spare(e);
            found(
                Cause::OwnLoad,
                t!(
                    "the-processors-are-busy-with-this",
                    all = format!("{all:.0}"),
                    own = format!("{own:.0}")
                ),
                remedy,
                action,
            );
        } else {
            found(
                Cause::OtherLoad,
                t!(
                    "the-processors-are-busy-with",
                    all = format!("{all:.0}"),
                    own = format!("{:.0}", all - own)
                ),
                t!("close-what-you-do-not-need-browsers"),
                None,
            );
        }
    }
    if let Some(clock) = e.clock_share.filter(|clock| *clock < HELD_BACK) {
        let (cause, remedy) = if e.on_battery {
            (Cause::Battery, t!("connect-the-charger-or-choose"))
        } else {
            (Cause::Heat, t!("let-it-cool-down-or"))
        };
        found(
            cause,
            t!(
                "the-processor-is-held-to",
                clock = format!("{:.0}", clock * 100.0)
            ),
            remedy,
            None,
        );
    }
    if let Some(full) = e.memory_percent.filter(|full| *full > FULL_PERCENT) {
        found(
            Cause::MemoryFull,
            t!("the-memory-of-this-computer", full = format!("{full:.0}")),
            t!("close-what-you-do-not-need"),
            None,
        );
    }
    if let Some(leak) = e.leak_per_hour {
        found(
            Cause::Leak,
            t!(
                "this-programs-memory-grows-by",
                amount = format!("{:.0}", leak / 1e6)
            ),
            t!("that-is-a-fault-of"),
            None,
        );
    }
    findings
}

/// Ways to reduce our own load (`tests/measured/instructions.md`): gain control, noise suppression and echo cancellation are
/// the most expensive stages of the microphone. Echo cancellation runs by itself wherever the microphone can hear a reply, in
/// every profile that does not forbid it.
fn spare(e: &Evidence) -> (&'static str, Option<Remedy>) {
    if e.echo_forced {
        (
            t!("echo-cancellation-is-switched-on"),
            Some(Remedy::EchoAutomatic),
        )
    } else if let Some(name) = e.sparing_profile.clone() {
        (
            t!("gain-control-and-noise-suppression-take"),
            Some(Remedy::UseProfile(name)),
        )
    } else if e.cleans {
        (t!("gain-control-and-noise-suppression"), None)
    } else {
        (t!("with-a-headset-echo-cancellation"), None)
    }
}

/// Whether this program causes most of the load.
fn own_share(e: &Evidence) -> bool {
    e.load.is_some_and(|(all, own)| own * 2.0 > all)
}

pub(super) fn ms(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}
