//! What can be alerted: its name, the keys of its limits, what is said and advised.

use serde::{Deserialize, Serialize};

use crate::base::keys::words;
use crate::base::text::{decimal, t};
use crate::telemetry::diagnosis::{Finding, Remedy, TurnPart};
use crate::telemetry::memory_growth::Trend;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertKind {
    /// From the end of the turn to the first reply audio that arrives.
    FirstAudio,
    Response,
    /// The share of turns that get their answer.
    Success,
    /// Memory of this program.
    Memory,
    /// Load of the machine by others than this program, and by all of them while sound is lost.
    Cpu,
    /// The share of replies that the user interrupts.
    Interruptions,
    /// The share of turns that the user had not finished.
    CutOffs,
    Stutters,
}

words!(AlertKind {
    FirstAudio = "first_audio",
    Response = "response",
    Success = "success",
    Memory = "memory",
    Cpu = "cpu",
    Interruptions = "interruptions",
    CutOffs = "cut_offs",
    Stutters = "stutters",
});

impl AlertKind {
    /// The keys of its limits in a profile; the first one's documentation says what is measured.
    pub const fn limits(self) -> &'static [&'static str] {
        match self {
            Self::FirstAudio => &["alerts.first_audio_ms"],
            Self::Response => &["alerts.response_ms"],
            Self::Success => &["alerts.success_percent"],
            Self::Memory => &["alerts.memory_mb", "alerts.memory_growth_mb"],
            Self::Cpu => &["alerts.cpu_percent"],
            Self::Interruptions => &["alerts.interruptions_percent"],
            Self::CutOffs => &["alerts.cut_offs_percent"],
            Self::Stutters => &["alerts.stutters"],
        }
    }

    /// What helps: the finding of one of its parts, else what helps in general.
    pub fn help(self, findings: &[Finding]) -> (String, Option<Remedy>) {
        let (parts, otherwise): (&[TurnPart], &str) = match self {
            Self::FirstAudio | Self::Response => (
                &[
                    TurnPart::Uplink,
                    TurnPart::Network,
                    TurnPart::Service,
                    TurnPart::Downlink,
                    TurnPart::Computer,
                ],
                t!("look-at-the-parts-of"),
            ),
            Self::Success => (&[], t!("sovereign-doctor-live-tells-whether")),
            Self::Memory => (&[], t!("a-restart-gives-the-memory")),
            Self::Cpu => (&[TurnPart::Computer], t!("close-what-you-do-not")),
            Self::Interruptions => (&[TurnPart::Conversation], t!("ask-for-short-answers-or")),
            Self::CutOffs => (&[TurnPart::Patience], t!("take-a-profile-with-more")),
            Self::Stutters => (
                &[TurnPart::Downlink, TurnPart::Computer],
                t!("the-line-delivers-late-or"),
            ),
        };
        let limit = self.limits()[0];
        findings
            .iter()
            .find(|finding| parts.contains(&finding.part))
            .map_or_else(
                || (otherwise.to_owned(), None),
                |finding| {
                    (
                        format!("{} {}", finding.what, finding.advice(limit)),
                        finding.action.clone(),
                    )
                },
            )
    }
}

/// How bad an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertSeverity {
    Warning,
    /// Over its limit by more than half.
    Critical,
}

words!(AlertSeverity { Warning = "warning", Critical = "critical" });

/// Something is over its limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub kind: AlertKind,
    /// What was measured, in the unit of the limit: milliseconds, percent, megabytes, or a count.
    pub value: f64,
    pub limit: f64,
    /// What it was measured over: turns or readings.
    pub n: usize,
    /// Memory that grows, where that is the reason.
    pub trend: Option<Trend>,
}

impl Alert {
    pub fn severity(&self) -> AlertSeverity {
        let is_critical = match self.kind {
            // Low values are bad: as many more go without an answer.
            AlertKind::Success => 100.0 - self.value > (100.0 - self.limit) * 1.5,
            // There is no more than 100 %.
            AlertKind::Cpu => self.value > f64::midpoint(self.limit, 100.0),
            AlertKind::FirstAudio
            | AlertKind::Response
            | AlertKind::Memory
            | AlertKind::Interruptions
            | AlertKind::CutOffs
            | AlertKind::Stutters => self.value > self.limit * 1.5,
        };
        if is_critical {
            AlertSeverity::Critical
        } else {
            AlertSeverity::Warning
        }
    }

    /// What happened, in a sentence, with figures and without words of the conversation.
    pub fn what(&self) -> String {
        let (value, limit, n) = (self.value, self.limit, self.n);
        let seconds = |ms: f64| format!("{} s", decimal(ms / 1e3, 1));
        match self.kind {
            AlertKind::FirstAudio => t!(
                "answers-arrive-late-until-the",
                value = seconds(value),
                limit = seconds(limit),
                n
            ),
            AlertKind::Response => t!(
                "answers-are-slow-until-they",
                value = seconds(value),
                limit = seconds(limit),
                n
            ),
            AlertKind::Success => t!(
                "answers-are-missing-of-the",
                value = format!("{value:.0}"),
                n,
                limit = format!("{limit:.0}")
            ),
            AlertKind::Memory => {
                let mut words = t!(
                    "memory-is-high-mb-mb",
                    value = format!("{value:.0}"),
                    limit = format!("{limit:.0}")
                );
                if let Some(trend) = self.trend {
                    words += &t!(
                        "it-grows-by-mb-an",
                        growth = format!("{:.0}", trend.per_hour / 1e6)
                    );
                }
                words
            }
            AlertKind::Cpu => t!(
                "this-computer-is-busy-of",
                value = decimal(value, 1),
                limit = format!("{limit:.0}")
            ),
            AlertKind::Interruptions => t!(
                "answers-are-interrupted-often-of",
                value = format!("{value:.0}"),
                n,
                limit = format!("{limit:.0}")
            ),
            AlertKind::CutOffs => t!(
                "turns-are-cut-off-of",
                value = format!("{value:.0}"),
                n,
                limit = format!("{limit:.0}")
            ),
            AlertKind::Stutters => t!(
                "answers-stutter-times-within-ten",
                value = format!("{value:.0}")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::diagnosis::Cause;

    #[test]
    fn an_alert_names_the_limit_that_it_was_raised_by() {
        let slow = Finding {
            part: TurnPart::Service,
            cause: Cause::Model,
            costs: None,
            what: "The model is slow.".to_owned(),
            remedy: "Choose another one.".to_owned(),
            action: None,
        };
        for (kind, key) in [
            (AlertKind::FirstAudio, "`alerts.first_audio_ms`"),
            (AlertKind::Response, "`alerts.response_ms`"),
        ] {
            let (text, _) = kind.help(std::slice::from_ref(&slow));
            assert!(text.contains(key) && !text.contains("target_ms"), "{text}");
        }
        assert!(slow.advice("target_ms").contains("raise `target_ms`"));
    }

    #[test]
    fn an_alert_is_critical_where_the_limit_is_exceeded_by_half() {
        for (kind, limit, warning, critical) in [
            (AlertKind::Response, 5_000.0, 7_500.0, 7_501.0),
            (AlertKind::Success, 90.0, 85.0, 84.0),
            (AlertKind::Cpu, 80.0, 90.0, 91.0),
        ] {
            for (value, expected) in [
                (warning, AlertSeverity::Warning),
                (critical, AlertSeverity::Critical),
            ] {
                let alert = Alert {
                    kind,
                    value,
                    limit,
                    n: 20,
                    trend: None,
                };
                assert_eq!(alert.severity(), expected, "{kind:?} {value}");
            }
        }
    }

    #[test]
    fn every_limit_is_a_key_of_profiles_and_begins_with_the_name_of_its_alert() {
        for kind in AlertKind::ALL {
            for limit in kind.limits() {
                let about = crate::profile::about(limit);
                assert!(about.is_some(), "{limit}");
                let name = limit.trim_start_matches("alerts.");
                assert!(name.starts_with(kind.word()), "{limit}");
            }
        }
    }
}
