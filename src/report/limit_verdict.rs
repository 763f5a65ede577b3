//! Whether the limits of a run were kept: the verdict of each, and of all together.

use serde::{Deserialize, Serialize};

use super::results::Latency;

/// Share of turns that may fail.
pub const MOST_ERRORS: f64 = 0.01;
/// Fewest turns with a meaningful 95th percentile.
const LEAST_FOR_P95: usize = 20;

/// Whether a limit was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Kept,
    /// The value is over the limit, but the sample is too small to be sure.
    Uncertain,
    Missed,
    /// There is nothing to judge.
    Unknown,
}

impl Verdict {
    /// The 95th percentile of a latency against a limit. Of fewer than 20 turns it is the slowest one, which
    /// proves nothing.
    pub fn of_p95(latency: Option<&Latency>, limit: f64) -> Self {
        let Some(Latency { p95, n, .. }) = latency else {
            return Self::Unknown;
        };
        if p95.value <= limit && *n >= LEAST_FOR_P95 {
            Self::Kept
        } else if p95.value <= limit || p95.low.is_none_or(|low| low <= limit) {
            Self::Uncertain
        } else {
            Self::Missed
        }
    }

    /// In a word, with the sign that goes with it where there is no colour.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Uncertain => "not certain",
            Self::Missed => "missed",
            Self::Unknown => "nothing to judge",
        }
    }
}

/// A limit that a run was held to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitCheck {
    pub what: String,
    pub limit: String,
    /// What was found, in words.
    pub found: String,
    pub verdict: Verdict,
}

/// Whether all limits were kept, as far as they could be checked. A run without any checkable limit has not passed.
pub fn passed(checks: &[LimitCheck]) -> bool {
    checks
        .iter()
        .all(|check| matches!(check.verdict, Verdict::Kept | Verdict::Uncertain))
}

/// Whether a run has failed by its limits: one was missed, or, in a run that was not cut short, one could not be judged.
pub fn failed(checks: &[LimitCheck], cut_short: bool) -> bool {
    checks.iter().any(|check| match check.verdict {
        Verdict::Missed => true,
        Verdict::Unknown => !cut_short,
        Verdict::Kept | Verdict::Uncertain => false,
    })
}

/// The overall result of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunStatus {
    /// All were kept, to the end of the run.
    Kept,
    /// None was missed, but not all could be checked.
    Open,
    /// At least one was missed, or there was nothing to judge.
    #[default]
    Missed,
}

/// The headline of a run: its status and sentence. "All" requires that every limit was checked in a complete run.
pub fn headline(checks: &[LimitCheck], cut_short: Option<&str>) -> (RunStatus, String) {
    let count = |verdict| checks.iter().filter(|c| c.verdict == verdict).count();
    let (kept, missed) = (count(Verdict::Kept), count(Verdict::Missed));
    let (uncertain, unknown) = (count(Verdict::Uncertain), count(Verdict::Unknown));
    let all = checks.len();
    let mut parts = Vec::new();
    if missed > 0 {
        let were = if missed == 1 { "was" } else { "were" };
        parts.push(format!("{missed} of {all} limits {were} missed"));
    } else if kept + uncertain == 0 {
        parts.push("There was too little to judge".to_owned());
    } else if kept == all && cut_short.is_none() {
        return (RunStatus::Kept, "All limits were kept.".to_owned());
    } else {
        let were = if kept == 1 { "was" } else { "were" };
        parts.push(format!(
            "{kept} of {all} limits {were} kept, none was missed"
        ));
    }
    if uncertain > 0 {
        parts.push(format!(
            "{uncertain} cannot be told for certain, there were too few turns"
        ));
    }
    if unknown > 0 && kept + missed + uncertain > 0 {
        parts.push(format!("for {unknown} there was nothing to judge"));
    }
    if let Some(why) = cut_short {
        parts.push(format!("the run ended before its time, {why}"));
    }
    let standing = if failed(checks, cut_short.is_some()) {
        RunStatus::Missed
    } else {
        RunStatus::Open
    };
    (standing, format!("{}.", parts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::super::results::Quantile;
    use super::*;

    #[test]
    fn a_limit_is_missed_only_when_that_is_certain() {
        let of = |value, low, n| {
            let quantile = Quantile {
                value,
                low,
                high: None,
            };
            Latency {
                n,
                p50: quantile,
                p95: quantile,
                p99: None,
                max: value,
            }
        };
        for (latency, expected) in [
            (Some(of(20.0, Some(18.0), 20)), Verdict::Kept),
            (Some(of(20.0, Some(18.0), 19)), Verdict::Uncertain),
            (Some(of(20.0, None, 1)), Verdict::Uncertain),
            (Some(of(21.0, Some(18.0), 50)), Verdict::Uncertain),
            (Some(of(21.0, None, 1)), Verdict::Uncertain),
            (Some(of(21.0, Some(20.5), 3)), Verdict::Missed),
            (None, Verdict::Unknown),
        ] {
            assert_eq!(
                Verdict::of_p95(latency.as_ref(), 20.0),
                expected,
                "{latency:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_judged_has_not_passed() {
        let check = |verdict| LimitCheck {
            what: String::new(),
            limit: String::new(),
            found: String::new(),
            verdict,
        };
        assert!(passed(&[check(Verdict::Kept), check(Verdict::Uncertain)]));
        assert!(!passed(&[check(Verdict::Kept), check(Verdict::Unknown)]));
        assert!(!passed(&[check(Verdict::Missed)]));
    }

    #[test]
    fn a_headline_says_all_only_of_all() {
        use Verdict::{Kept, Missed, Uncertain, Unknown};
        let by_hand = Some("it was ended by hand");
        for (verdicts, cut_short, standing, words, fails) in [
            (
                &[Kept, Kept][..],
                None,
                RunStatus::Kept,
                "All limits were kept.",
                false,
            ),
            (
                &[Kept, Uncertain],
                None,
                RunStatus::Open,
                "1 of 2 limits was kept, none was missed; 1 cannot be told for certain, there were too few turns.",
                false,
            ),
            (
                &[Kept, Missed, Uncertain],
                None,
                RunStatus::Missed,
                "1 of 3 limits was missed; 1 cannot be told for certain, there were too few turns.",
                true,
            ),
            (
                &[Kept, Unknown],
                None,
                RunStatus::Missed,
                "1 of 2 limits was kept, none was missed; for 1 there was nothing to judge.",
                true,
            ),
            (
                &[Kept, Unknown],
                by_hand,
                RunStatus::Open,
                "1 of 2 limits was kept, none was missed; for 1 there was nothing to judge; the run ended before its time, it was ended by hand.",
                false,
            ),
            (
                &[Kept, Kept],
                by_hand,
                RunStatus::Open,
                "2 of 2 limits were kept, none was missed; the run ended before its time, it was ended by hand.",
                false,
            ),
            (
                &[Missed],
                by_hand,
                RunStatus::Missed,
                "1 of 1 limits was missed; the run ended before its time, it was ended by hand.",
                true,
            ),
            (
                &[Unknown, Unknown],
                None,
                RunStatus::Missed,
                "There was too little to judge.",
                true,
            ),
        ] {
            let check = |verdict: &Verdict| LimitCheck {
                what: String::new(),
                limit: String::new(),
                found: String::new(),
                verdict: *verdict,
            };
            let checks: Vec<LimitCheck> = verdicts.iter().map(check).collect();
            assert_eq!(
                headline(&checks, cut_short),
                (standing, words.to_owned()),
                "{verdicts:?}"
            );
            assert_eq!(failed(&checks, cut_short.is_some()), fails, "{verdicts:?}");
        }
    }
}
