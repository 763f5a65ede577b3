//! Is it better than it was? Judged by the intervals: where they overlap, a difference may be noise.

use serde::{Deserialize, Serialize};

use super::figures::{Latencies, Quantile, interval};

/// Differences below this are nobody's concern, however certain: the share of the older value, and milliseconds.
const TRIFLE: (f64, f64) = (0.02, 0.5);

/// How a figure changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is smaller than it can have been.
    Better,
    /// It is larger than it can have been.
    Worse,
    /// The intervals overlap, or the difference is a trifle.
    Noise,
    /// A sample is too small for an interval.
    Unsure,
}

impl Change {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Noise => "within noise",
            Self::Unsure => "too few turns to say",
        }
    }

    /// From an older figure to a newer one.
    #[must_use]
    pub fn between(old: &Quantile, new: &Quantile) -> Self {
        let (Some(old_low), Some(old_high), Some(new_low), Some(new_high)) =
            (old.low, old.high, new.low, new.high)
        else {
            return Self::Unsure;
        };
        let trifle = (old.value * TRIFLE.0).max(TRIFLE.1);
        if (new.value - old.value).abs() <= trifle {
            Self::Noise
        } else if new_high < old_low {
            Self::Better
        } else if new_low > old_high {
            Self::Worse
        } else {
            Self::Noise
        }
    }
}

/// One figure of two runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Profile or scenario.
    pub of: String,
    /// Latency and quantile: `response p95`.
    pub what: String,
    /// The older figure with its interval.
    pub old: String,
    /// The newer one.
    pub new: String,
    /// What that means.
    pub change: Change,
}

/// Medians and 95th percentiles of what both runs have.
#[must_use]
pub fn compare(of: &str, old: &Latencies, new: &Latencies) -> Vec<Difference> {
    let mut found = Vec::new();
    for name in ["endpointing", "server", "client", "response", "total"] {
        let (Some(old), Some(new)) = (old.get(name), new.get(name)) else {
            continue;
        };
        for (quantile, old, new) in [("p50", old.p50, new.p50), ("p95", old.p95, new.p95)] {
            found.push(Difference {
                of: of.to_owned(),
                what: format!("{name} {quantile}"),
                old: interval(&old),
                new: interval(&new),
                change: Change::between(&old, &new),
            });
        }
    }
    found
}

/// The sum of it in a sentence.
#[must_use]
pub fn sentence(differences: &[Difference]) -> String {
    let count = |change| differences.iter().filter(|d| d.change == change).count();
    if differences.is_empty() {
        return "The earlier report has nothing in common with this one.".to_owned();
    }
    format!(
        "Of {} figures {} are better, {} worse, {} within noise, {} too uncertain to compare.",
        differences.len(),
        count(Change::Better),
        count(Change::Worse),
        count(Change::Noise),
        count(Change::Unsure),
    )
}

#[cfg(test)]
mod tests {
    use super::super::stats::Sample;
    use super::*;

    fn quantile(value: f64, low: f64, high: f64) -> Quantile {
        Quantile {
            value,
            low: Some(low),
            high: Some(high),
        }
    }

    #[test]
    fn only_what_the_intervals_keep_apart_is_called_a_change() {
        let old = quantile(100.0, 90.0, 110.0);
        for (new, expected) in [
            (quantile(80.0, 75.0, 89.0), Change::Better),
            (quantile(85.0, 75.0, 95.0), Change::Noise),
            (quantile(120.0, 111.0, 130.0), Change::Worse),
            (quantile(112.0, 105.0, 120.0), Change::Noise),
        ] {
            assert_eq!(Change::between(&old, &new), expected, "{new:?}");
        }
        let sharp = quantile(100.0, 99.9, 100.1);
        let trifle = quantile(101.0, 100.9, 101.1);
        assert_eq!(Change::between(&sharp, &trifle), Change::Noise);
        let small = Quantile { low: None, ..old };
        assert_eq!(Change::between(&small, &old), Change::Unsure);
    }

    #[test]
    fn the_same_machine_measured_twice_has_not_changed_but_a_slower_one_has() {
        let run = |seed: u64, more: f64| {
            let mut state = seed;
            let sample: Sample = (0..200)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    20.0 + more + (state >> 40) as f64 / f64::from(1 << 24) * 10.0
                })
                .collect();
            Latencies::from([("response".to_owned(), sample.latency().expect("values"))])
        };
        let changes = |a: &Latencies, b: &Latencies| -> Vec<Change> {
            compare("balanced", a, b).iter().map(|d| d.change).collect()
        };
        assert_eq!(changes(&run(1, 0.0), &run(2, 0.0)), [Change::Noise; 2]);
        assert_eq!(changes(&run(1, 0.0), &run(2, 5.0)), [Change::Worse; 2]);
        assert_eq!(changes(&run(1, 5.0), &run(2, 0.0)), [Change::Better; 2]);
        assert!(compare("balanced", &run(1, 0.0), &Latencies::new()).is_empty());
    }
}
