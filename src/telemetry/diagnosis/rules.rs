//! One rule per cause, with its threshold.

use std::time::Duration;

use super::remedy::Remedy;
use super::types::{Cause, Evidence, Finding, TurnPart, WORTH};
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
            what: format!("Your last words wait {} for the connection: it is slow, or breaks off.", ms(uplink)),
            remedy: "Stop uploads (backups, video calls), move nearer to the access point, or use a cable. The profile Low data sends the least.".into(),
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
            what: format!("The round trip is {}, and was {} before.", ms(trip), ms(shortest)),
            remedy: "Something else uses the line, or the radio is weak: stop downloads, move nearer to the access point, or use a cable.".into(),
            action: None,
        });
    } else if trip > LONG_ROUND_TRIP && e.proxy {
        findings.push(Finding {
            part: TurnPart::Network,
            cause: Cause::Proxy,
            costs: Some(trip),
            what: format!(
                "The connection goes through a proxy, and its round trip is {}.",
                ms(trip)
            ),
            remedy:
                "If the proxy is not needed for this host, name it in NO_PROXY and start again."
                    .into(),
            action: None,
        });
    } else if trip > LONG_ROUND_TRIP {
        findings.push(Finding {
            part: TurnPart::Network,
            cause: Cause::Distance,
            costs: Some(trip),
            what: format!("The round trip to the service is {}, all the time.", ms(trip)),
            remedy: "A VPN that leads through another country, a satellite or a mobile line does this: go without, or use a cable.".into(),
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
            format!(
                "The round trip to the service varies by {}: the line is unsteady.",
                ms(by)
            ),
            "Use a cable, or move nearer to the access point.",
        )
    });
    let loses = loss.map(|lost| {
        (
            Cause::Loss,
            format!("{lost:.0} % of what is sent is lost on the way and has to be sent again."),
            "Move nearer to the access point, or use a cable: most losses happen on the radio.",
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
            let close = "Close programs that use the processor.";
            (Cause::OtherLoad, (close, None))
        };
        findings.push(Finding {
            part: TurnPart::Downlink,
            cause,
            costs: Some(decode.max(WORTH)),
            what: format!(
                "Taking in an answer needs {}: this computer has no time for it.",
                ms(decode)
            ),
            remedy: remedy.to_owned(),
            action,
        });
    }
    findings
}

/// Buffering of answers: by the profile, or because the network required it.
fn gathered(e: &Evidence) -> Option<Finding> {
    let buffer = e.recent.buffer.filter(|buffer| *buffer > LONG_BUFFER)?;
    let begins = format!(
        "Answers are gathered for {} before they are played",
        ms(buffer)
    );
    let stutters = match e.underruns {
        0 => None,
        1 => Some("stuttered (once)".to_owned()),
        n => Some(format!("stuttered ({n} times)")),
    };
    let as_asked = buffer <= e.prebuffer + CHUNK;
    let (what, remedy, action) = match (as_asked, stutters) {
        (true, None) => (
            format!("{begins}: the profile asks for {}.", ms(e.prebuffer)),
            if e.shorter_prebuffer_profile.is_some() {
                "Lower `audio.prebuffer_ms` in the profile, or take a faster profile: it grows by itself where that is needed."
            } else {
                "Lower `audio.prebuffer_ms` in the profile: it grows by itself where that is needed."
            },
            e.shorter_prebuffer_profile.clone().map(Remedy::UseProfile),
        ),
        (true, Some(stuttered)) => (
            format!(
                "{begins}: the profile asks for {}, and they {stuttered} all the same.",
                ms(e.prebuffer)
            ),
            "The line delivers in bursts: move nearer to the access point, use a cable, or stop downloads. Then lower `audio.prebuffer_ms` in the profile.",
            None,
        ),
        (false, stuttered) => (
            format!(
                "{begins}, because they {}.",
                stuttered.unwrap_or_else(|| "arrive in bursts".to_owned())
            ),
            "The line delivers in bursts: move nearer to the access point, use a cable, or stop downloads. It shrinks again by itself.",
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
            format!(
                "The speaker works in periods of {} although {} were asked for, and holds sound for {}.",
                ms(granted),
                ms(asked),
                ms(device)
            ),
            "Another program holds the device, or it stuttered: close other sound programs, or choose another speaker under Sound.",
            Some(Remedy::CheckSound),
        ),
        Some((asked, _)) if asked * 2 >= LONG_DEVICE => (
            Cause::DevicePeriod,
            format!(
                "The profile asks for periods of {}, and the speaker holds sound for {}.",
                ms(asked),
                ms(device)
            ),
            "Lower `audio.period_frames` in the profile, or take a faster profile.",
            e.faster_profile.clone().map(Remedy::UseProfile),
        ),
        _ => (
            Cause::WirelessDevice,
            format!(
                "The speaker holds sound for {}, as wireless ones do.",
                ms(device)
            ),
            "With a wired speaker or headset you hear answers sooner.",
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
            what: format!("You went on after {share:.0} % of your turns had been taken for over."),
            remedy: "Take a profile with more patience, raise `turn.patience_ms`, or set `turn.adaptive_patience: on`.".into(),
            action: e.patienter_profile.clone().map(Remedy::UseProfile),
        });
        return findings;
    }
    if let Some(held) = e.recent.held.filter(|held| *held >= LONG_DEVICE) {
        findings.push(Finding {
            part: TurnPart::Patience,
            cause: Cause::HeldForPatience,
            costs: Some(held),
            what: format!("Answers are ready {} before it is clear that you have finished.", ms(held)),
            remedy: "If you rarely pause, lower `turn.patience_ms` in the profile, or take a faster profile.".into(),
            action: e.faster_profile.clone().map(Remedy::UseProfile),
        });
    } else if let Some(waits) = e.recent.endpointing.filter(|waits| *waits > LONG_PATIENCE) {
        findings.push(Finding {
            part: TurnPart::Patience,
            cause: Cause::LongPatience,
            costs: Some(waits - LONG_PATIENCE + WORTH),
            what: format!(
                "{} of silence pass before a turn is taken for over.",
                ms(waits)
            ),
            remedy: "Lower `turn.patience_ms` in the profile, or take a faster profile.".into(),
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
            format!(
                "You interrupt {share:.0} % of the answers; they last {} s.",
                heard.as_secs()
            ),
            "Set `live.answer_length: short` in the profile, or ask for short answers.",
        ),
        None if e.free_answers => (
            format!("You interrupt {share:.0} % of the answers."),
            "If they are too long, set `live.answer_length: short`; if a sound interrupts them, check microphone and echo.",
        ),
        None => (
            format!("{share:.0} % of the answers are interrupted, though they are short."),
            "A sound may be taken for you: check microphone and echo, or use a headset.",
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
            "Microphone and speaker carry a telephone's band, half of the voice's at best: a Bluetooth headset switches to it while its microphone is in use.",
            "Choose another microphone under Sound, a wired one or that of this computer: you are understood better, and the headset plays in full quality again.",
        ),
        (true, false) => (
            "The microphone gives half of the voice's band at best, as a hands-free one over Bluetooth does.",
            "You are understood better with a wired microphone, or with that of this computer: choose it under Sound.",
        ),
        (false, true) => (
            "The speaker plays a telephone's band: a Bluetooth headset switches to it while any program uses its microphone.",
            "End what uses the headset's microphone, such as a call, or give that program another one.",
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
                format!("The processors are {all:.0} % busy, {own:.0} % with this program."),
                remedy,
                action,
            );
        } else {
            found(
                Cause::OtherLoad,
                format!(
                    "The processors are {all:.0} % busy, {:.0} % with other programs.",
                    all - own
                ),
                "Close what you do not need: browsers, video, backups.",
                None,
            );
        }
    }
    if let Some(clock) = e.clock_share.filter(|clock| *clock < HELD_BACK) {
        let (cause, remedy) = if e.on_battery {
            (
                Cause::Battery,
                "Connect the charger, or choose a faster power mode in the system's settings.",
            )
        } else {
            (
                Cause::Heat,
                "Let it cool down, or choose a faster power mode in the system's settings.",
            )
        };
        found(
            cause,
            format!(
                "The processor is held to {:.0} % of its speed.",
                clock * 100.0
            ),
            remedy,
            None,
        );
    }
    if let Some(full) = e.memory_percent.filter(|full| *full > FULL_PERCENT) {
        found(
            Cause::MemoryFull,
            format!("The memory of this computer is {full:.0} % full."),
            "Close what you do not need: when it is full, everything waits for the disk.",
            None,
        );
    }
    if let Some(leak) = e.leak_per_hour {
        found(
            Cause::Leak,
            format!(
                "This program's memory grows by {:.0} MB an hour and does not come back.",
                leak / 1e6
            ),
            "That is a fault of the program: please report it with \"Copy report\". A restart gives the memory back.",
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
            "Echo cancellation is switched on by hand, and takes much of it: on automatic it rests with a headset.",
            Some(Remedy::EchoAutomatic),
        )
    } else if let Some(name) = e.sparing_profile.clone() {
        (
            "Gain control and noise suppression take much of it: a profile goes without. With a headset echo cancellation rests, too.",
            Some(Remedy::UseProfile(name)),
        )
    } else if e.cleans {
        (
            "Gain control and noise suppression take much of it: set `audio.gain_control: off` and `audio.noise_suppression: off` in the profile.",
            None,
        )
    } else {
        (
            "With a headset echo cancellation rests, which takes the most where there are loudspeakers. Else close what you do not need.",
            None,
        )
    }
}

/// Whether this program causes most of the load.
fn own_share(e: &Evidence) -> bool {
    e.load.is_some_and(|(all, own)| own * 2.0 > all)
}

pub(super) fn ms(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}
