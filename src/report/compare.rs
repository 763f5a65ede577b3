//! Compares two runs by confidence intervals: where they overlap, a difference may be noise.

use serde::{Deserialize, Serialize};

use super::results::{Circumstances, LatencyTable, Quantile, interval};

/// Smaller differences are ignored, however certain: share of the older value, and milliseconds.
const TRIFLE: (f64, f64) = (0.02, 0.5);

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
    pub fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Noise => "within noise",
            Self::Unsure => "too few turns to say",
        }
    }

    /// Compares an older quantile with a newer one.
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

/// One value in two runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Profile or scenario.
    pub of: String,
    /// Latency and quantile: `response p95`.
    pub what: String,
    /// The older value with its interval.
    pub old: String,
    pub new: String,
    pub change: Change,
}

/// Medians and 95th percentiles of what both runs have.
pub fn compare(of: &str, old: &LatencyTable, new: &LatencyTable) -> Vec<Difference> {
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

/// What of two runs is not alike, each as "NAME: before OLD, now NEW". Pairs are of name, older and newer value.
pub fn unlike(pairs: &[(&str, String, String)]) -> Vec<String> {
    let differ = pairs.iter().filter(|(_, old, new)| old != new);
    differ
        .map(|(name, old, new)| format!("{name}: before {old}, now {new}"))
        .collect()
}

/// Where two runs connected to: runs that differ in it are not compared.
pub fn places(old: &Circumstances, new: &Circumstances) -> Vec<(&'static str, String, String)> {
    let think = |run: &Circumstances| {
        run.think_ms
            .map_or_else(|| "the service's own".to_owned(), |ms| format!("{ms} ms"))
    };
    vec![
        ("endpoint", old.endpoint.clone(), new.endpoint.clone()),
        ("pause before each answer", think(old), think(new)),
    ]
}

/// Differences in the circumstances of two runs that limit a comparison without preventing it.
pub fn caveats(old: &Circumstances, new: &Circumstances) -> Vec<String> {
    let cores = |run: &Circumstances| run.cores.to_string();
    let mut pairs = vec![
        ("build", old.build.clone(), new.build.clone()),
        ("system", old.system.clone(), new.system.clone()),
        ("cores", cores(old), cores(new)),
    ];
    if !old.spoken.is_empty() && !new.spoken.is_empty() {
        pairs.push(("spoken", old.spoken.clone(), new.spoken.clone()));
    }
    let mut found = unlike(&pairs);
    for (which, run) in [("The earlier run", old), ("This run", new)] {
        if let Some(why) = &run.cut_short {
            found.push(format!("{which} ended before its time: {why}"));
        }
    }
    found
}

/// The sum of it in a sentence.
pub fn sentence(differences: &[Difference]) -> String {
    let count = |change| differences.iter().filter(|d| d.change == change).count();
    if differences.is_empty() {
        return "The earlier report has nothing in common with this one.".to_owned();
    }
    if count(Change::Unsure) == differences.len() {
        return format!(
            "None of the {} figures can be compared: there were too few turns.",
            differences.len()
        );
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
    fn figures_that_cannot_be_compared_are_not_called_alike() {
        let small = Quantile {
            value: 20.0,
            low: None,
            high: None,
        };
        let unsure = |what: &str| Difference {
            of: "balanced".into(),
            what: what.into(),
            old: interval(&small),
            new: interval(&small),
            change: Change::between(&small, &small),
        };
        let both = [unsure("response p50"), unsure("response p95")];
        assert_eq!(
            sentence(&both),
            "None of the 2 figures can be compared: there were too few turns."
        );
        assert!(sentence(&[]).contains("nothing in common"));
    }

    #[test]
    fn what_is_not_alike_is_named_with_both_values() {
        let old = Circumstances {
            endpoint: "a".into(),
            think_ms: Some(40),
            cores: 2,
            spoken: "a question".into(),
            ..Circumstances::default()
        };
        assert!(unlike(&places(&old, &old)).is_empty() && caveats(&old, &old).is_empty());
        let new = Circumstances {
            endpoint: "b".into(),
            think_ms: None,
            cores: 8,
            cut_short: Some("it was ended by hand".into()),
            ..old.clone()
        };
        assert_eq!(
            unlike(&places(&old, &new)),
            [
                "endpoint: before a, now b",
                "pause before each answer: before 40 ms, now the service's own"
            ]
        );
        assert_eq!(
            caveats(&old, &new),
            [
                "cores: before 2, now 8",
                "This run ended before its time: it was ended by hand"
            ]
        );
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
            LatencyTable::from([("response".to_owned(), sample.latency().expect("values"))])
        };
        let changes = |a: &LatencyTable, b: &LatencyTable| -> Vec<Change> {
            compare("balanced", a, b).iter().map(|d| d.change).collect()
        };
        assert_eq!(changes(&run(1, 0.0), &run(2, 0.0)), [Change::Noise; 2]);
        assert_eq!(changes(&run(1, 0.0), &run(2, 5.0)), [Change::Worse; 2]);
        assert_eq!(changes(&run(1, 5.0), &run(2, 0.0)), [Change::Better; 2]);
        assert!(compare("balanced", &run(1, 0.0), &LatencyTable::new()).is_empty());
    }
}
