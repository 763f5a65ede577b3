//! A small distribution for the history: sparse, mergeable, of bounded size, with quantiles that are rounded up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Growth of the bin width: a quantile is at most 2 % too high.
const GROWTH: f64 = 1.02;
/// Bins that are kept; with more, the lowest are added to the next one. Turns of one hour rarely fill half of them.
const MOST: usize = 96;
/// The highest bin: it begins above ten minutes.
const HIGHEST: u16 = 1_024;

/// Latencies in bins that grow with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sketch {
    /// Number and count of each bin, in ascending order.
    bins: Vec<(u16, u32)>,
}

impl Sketch {
    pub fn record(&mut self, latency: Duration) {
        self.add(bin(latency), 1);
    }

    pub fn merge(&mut self, other: &Self) {
        for (bin, count) in &other.bins {
            self.add(*bin, *count);
        }
    }

    pub fn n(&self) -> u64 {
        self.bins.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// The value at `quantile` (0.0 to 1.0), rounded up; `None` without values.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let rank = (quantile.clamp(0.0, 1.0) * self.n() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        self.bins.iter().find_map(|(bin, count)| {
            seen += u64::from(*count);
            (seen >= rank).then(|| upper(*bin))
        })
    }

    /// Number of values in (`from`, `to`], by the upper ends of their bins.
    pub fn between(&self, from: Duration, to: Duration) -> u64 {
        let inside = |bin: u16| {
            let end = upper(bin);
            end > from && end <= to
        };
        let counts = self.bins.iter().filter(|(bin, _)| inside(*bin));
        counts.map(|(_, count)| u64::from(*count)).sum()
    }

    /// Whether the bins are valid, which those from a file need not be.
    pub fn is_sound(&self) -> bool {
        self.bins.len() <= MOST
            && self.bins.windows(2).all(|pair| pair[0].0 < pair[1].0)
            && self
                .bins
                .iter()
                .all(|(bin, count)| *bin <= HIGHEST && *count > 0)
    }

    fn add(&mut self, bin: u16, more: u32) {
        match self.bins.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(at) => self.bins[at].1 = self.bins[at].1.saturating_add(more),
            Err(at) => self.bins.insert(at, (bin, more)),
        }
        if self.bins.len() > MOST {
            // Merged upwards: values may look slower than they were, never faster.
            let (_, lowest) = self.bins.remove(0);
            self.bins[0].1 = self.bins[0].1.saturating_add(lowest);
        }
    }
}

fn bin(latency: Duration) -> u16 {
    let micros = latency.as_secs_f64() * 1e6;
    let bin = (micros.max(1.0).ln() / GROWTH.ln() - 1e-9).ceil();
    (bin as u16).min(HIGHEST)
}

fn upper(bin: u16) -> Duration {
    Duration::from_micros(GROWTH.powi(i32::from(bin)).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_at_most_two_percent_above_the_truth_and_never_below() {
        let mut sketch = Sketch::default();
        let mut values: Vec<u64> = (1..=90).map(|i| 20_000 + i * i * 40).collect();
        for micros in &values {
            sketch.record(Duration::from_micros(*micros));
        }
        values.sort_unstable();
        for percent in [1, 25, 50, 95, 99, 100] {
            let rank = (values.len() * percent).div_ceil(100).max(1);
            let truth = Duration::from_micros(values[rank - 1]);
            let found = sketch
                .quantile(percent as f64 / 100.0)
                .expect("there are values");
            assert!(
                found >= truth && found <= truth.mul_f64(1.021) + Duration::from_micros(1),
                "{percent}: {found:?} for {truth:?}"
            );
        }
        assert_eq!(Sketch::default().quantile(0.5), None);
    }

    #[test]
    fn merging_is_as_if_all_had_been_recorded_in_one_and_the_size_is_bounded() {
        let (mut all, mut left, mut right) =
            (Sketch::default(), Sketch::default(), Sketch::default());
        for i in 0..3_000_u64 {
            let value = Duration::from_micros(30_000 + i * 7_919 % 60_000);
            all.record(value);
            if i % 3 == 0 { &mut left } else { &mut right }.record(value);
        }
        left.merge(&right);
        assert_eq!(left, all);
        let mut wide = Sketch::default();
        for exponent in 0..30 {
            for step in 1..=10_u64 {
                wide.record(Duration::from_micros(step << exponent));
            }
        }
        assert!(wide.bins.len() <= MOST && wide.n() == 300 && wide.is_sound());
        assert!(wide.quantile(1.0).expect("some") >= Duration::from_secs(600));
    }

    #[test]
    fn what_comes_from_a_file_is_looked_at() {
        for (text, sound) in [
            ("[[3,1],[7,2]]", true),
            ("[]", true),
            ("[[7,1],[3,2]]", false),
            ("[[3,0]]", false),
            ("[[60000,1]]", false),
        ] {
            let sketch: Sketch = serde_json::from_str(text).expect("pairs of numbers");
            assert_eq!(sketch.is_sound(), sound, "{text}");
        }
    }
}
