//! What a sound check found, in words: one line for each thing, with the one thing to do. Pure; for window and terminal.

use super::snapshot::{CheckLine, CheckStatus};
use crate::base::text::{decimal, t};
use crate::base::units::Dbfs;
use crate::dsp::sound_check::{SoundCheckFinding, SoundCheckReport};

/// What the sentences depend on besides the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckContext {
    /// The user was asked to speak.
    pub with_voice: bool,
    /// The speaker is a headset.
    pub headset: bool,
}

/// The lines, in the order in which sound goes its way.
#[must_use]
pub fn lines(report: &SoundCheckReport, around: CheckContext) -> Vec<CheckLine> {
    let mut lines = vec![microphone(report)];
    lines.extend(room(report));
    if around.with_voice {
        lines.extend(voice(report));
    }
    lines.push(speaker(report));
    lines.extend(echo(report, around.headset));
    lines
}

/// A check that could not be made.
#[must_use]
pub fn failed(what: &str, hint: &str) -> Vec<CheckLine> {
    vec![bad(t!("microphone"), what, hint)]
}

fn microphone(report: &SoundCheckReport) -> CheckLine {
    let name = t!("microphone");
    if has(report, SoundCheckFinding::AllZero) {
        return bad(
            name,
            t!("it-is-silent-probably-muted"),
            t!("look-for-a-mute-switch-on"),
        );
    }
    let percent = report.clipped.unwrap_or(0.0) * 100.0;
    if has(report, SoundCheckFinding::Clipping) {
        return warn(
            name,
            t!("too-loud", percent = decimal(percent, 1)),
            t!("lower-its-level"),
        );
    }
    ok(name, t!("it-works-and-nothing-is"))
}

fn room(report: &SoundCheckReport) -> Option<CheckLine> {
    let name = t!("room");
    let noise = report.noise?;
    let what = if noise <= Dbfs::SILENCE {
        t!("no-noise-at-all-while").to_owned()
    } else {
        t!("of-noise-while-nobody-speaks", noise = level(noise))
    };
    Some(if has(report, SoundCheckFinding::AllZero) {
        return None;
    } else if has(report, SoundCheckFinding::Noisy) {
        warn(name, what, t!("move-away-from-what-hums"))
    } else {
        ok(name, what)
    })
}

fn voice(report: &SoundCheckReport) -> Option<CheckLine> {
    let name = t!("voice");
    if has(report, SoundCheckFinding::AllZero) {
        return None;
    }
    let Some(voice) = report.voice else {
        return Some(bad(
            name,
            t!("no-voice-was-heard"),
            t!("speak-nearer-to-the-microphone"),
        ));
    };
    let heard = report.noise.filter(|noise| *noise > Dbfs::SILENCE);
    let over = heard.map_or_else(String::new, |noise| {
        t!(
            "db-over-the-room",
            noise = format!("{:.0}", voice.0 - noise.0)
        )
    });
    let what = format!("{}{over}", level(voice));
    Some(if has(report, SoundCheckFinding::TooQuiet) {
        warn(name, what, t!("go-nearer-to-the-microphone"))
    } else {
        ok(name, what)
    })
}

fn speaker(report: &SoundCheckReport) -> CheckLine {
    let name = t!("speaker");
    if has(report, SoundCheckFinding::NotPlayed) {
        return bad(
            name,
            t!("the-sound-was-not-played"),
            t!("connect-a-speaker-or-choose"),
        );
    }
    ok(name, t!("the-sound-was-played"))
}

fn echo(report: &SoundCheckReport, headset: bool) -> Option<CheckLine> {
    let name = t!("echo");
    if has(report, SoundCheckFinding::NoEcho) {
        return Some(if headset {
            ok(name, t!("the-microphone-does-not-hear-the"))
        } else {
            warn(
                name,
                t!("the-microphone-did-not-hear"),
                t!("turn-the-speaker-up"),
            )
        });
    }
    let (delay, loss) = (report.echo_delay?, report.echo_loss_db?);
    let ms = delay.as_secs_f64() * 1e3;
    let (ms, db) = (format!("{ms:.0}"), format!("{:.0}", loss.abs()));
    let what = if loss < 0.0 {
        t!("it-comes-back-louder", ms, db)
    } else {
        t!("it-comes-back-quieter", ms, db)
    };
    Some(if has(report, SoundCheckFinding::EchoStrong) {
        warn(name, what, t!("turn-the-speaker-down"))
    } else if has(report, SoundCheckFinding::DelayLong) {
        warn(name, what, t!("wireless-speakers-are-late"))
    } else {
        ok(name, what)
    })
}

fn has(report: &SoundCheckReport, finding: SoundCheckFinding) -> bool {
    report.findings.contains(&finding)
}

fn level(level: Dbfs) -> String {
    format!("\u{2212}{:.0} dB", -level.0.min(0.0))
}

fn ok(name: &'static str, what: impl Into<String>) -> CheckLine {
    CheckLine {
        name,
        status: CheckStatus::Ok,
        what: what.into(),
        hint: None,
    }
}

fn warn(name: &'static str, what: impl Into<String>, hint: &str) -> CheckLine {
    CheckLine {
        name,
        status: CheckStatus::Warn,
        what: what.into(),
        hint: Some(hint.to_owned()),
    }
}

fn bad(name: &'static str, what: impl Into<String>, hint: &str) -> CheckLine {
    CheckLine {
        name,
        status: CheckStatus::Bad,
        what: what.into(),
        hint: Some(hint.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn good() -> SoundCheckReport {
        SoundCheckReport {
            noise: Some(Dbfs(-62.4)),
            voice: Some(Dbfs(-24.0)),
            clipped: Some(0.0),
            played: true,
            echo_delay: Some(Duration::from_micros(42_300)),
            echo_loss_db: Some(18.2),
            findings: Vec::new(),
        }
    }

    fn told(
        report: &SoundCheckReport,
        with_voice: bool,
        headset: bool,
    ) -> Vec<(String, CheckStatus)> {
        let around = CheckContext {
            with_voice,
            headset,
        };
        let lines = lines(report, around);
        for line in &lines {
            let well = line.status == CheckStatus::Ok;
            assert_eq!(
                well,
                line.hint.is_none(),
                "what is not well has a hint: {line:?}"
            );
        }
        lines
            .into_iter()
            .map(|line| (format!("{}: {}", line.name, line.what), line.status))
            .collect()
    }

    #[test]
    fn a_good_desk_has_five_good_lines() {
        let wanted = [
            "Microphone: it works, and nothing is distorted",
            "Room: −62 dB of noise while nobody speaks",
            "Voice: −24 dB, 38 dB over the room",
            "Speaker: the sound was played",
            "Echo: it comes back after 42 ms, 18 dB quieter",
        ];
        let told = told(&good(), true, false);
        assert!(told.iter().all(|(_, status)| *status == CheckStatus::Ok));
        let words: Vec<&str> = told.iter().map(|(words, _)| &**words).collect();
        assert_eq!(words, wanted);
    }

    #[test]
    fn every_finding_is_said_once_and_nothing_that_follows_from_it() {
        use CheckStatus::{Bad, Warn};
        let table = [
            (SoundCheckFinding::AllZero, "Microphone", Bad),
            (SoundCheckFinding::Clipping, "Microphone", Warn),
            (SoundCheckFinding::Noisy, "Room", Warn),
            (SoundCheckFinding::NoVoice, "Voice", Bad),
            (SoundCheckFinding::TooQuiet, "Voice", Warn),
            (SoundCheckFinding::NotPlayed, "Speaker", Bad),
            (SoundCheckFinding::NoEcho, "Echo", Warn),
            (SoundCheckFinding::EchoStrong, "Echo", Warn),
            (SoundCheckFinding::DelayLong, "Echo", Warn),
        ];
        for (finding, name, status) in table {
            let mut report = good();
            report.findings.push(finding);
            if finding == SoundCheckFinding::NoVoice {
                report.voice = None;
            }
            let told = told(&report, true, false);
            let wrong: Vec<_> = told
                .iter()
                .filter(|(_, status)| *status != CheckStatus::Ok)
                .collect();
            assert_eq!(wrong.len(), 1, "{finding:?}: {told:?}");
            assert!(
                wrong[0].0.starts_with(name) && wrong[0].1 == status,
                "{told:?}"
            );
        }
    }

    #[test]
    fn a_headset_that_is_not_heard_is_well_and_a_voice_that_was_not_asked_for_is_not_missed() {
        let mut report = good();
        (report.voice, report.echo_delay, report.echo_loss_db) = (None, None, None);
        report.findings.push(SoundCheckFinding::NoEcho);
        let told = told(&report, false, true);
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told.iter().all(|(_, status)| *status == CheckStatus::Ok));
    }
}
