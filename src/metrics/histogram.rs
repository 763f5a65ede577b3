//! Distribution of a latency, with quantiles that are never kinder than the truth.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Turns from which a 99th percentile means anything.
pub const P99_FROM: u64 = 100;
/// The longest latency that is told apart; longer ones count as this.
const LONGEST: Duration = Duration::from_secs(600);

/// Latencies with three significant digits between 1 µs and ten minutes.
#[derive(Clone, Debug)]
pub struct Distribution(Histogram<u64>);

impl Default for Distribution {
    fn default() -> Self {
        // It grows with what is recorded: reserved for ten minutes each would take 170 kB.
        Self(Histogram::new(3).expect("three digits are valid"))
    }
}

impl Distribution {
    /// Records one latency.
    pub fn record(&mut self, latency: Duration) {
        let us = latency.min(LONGEST).as_micros();
        let us = u64::try_from(us).unwrap_or(u64::MAX).max(1);
        self.0
            .record(us)
            .expect("what is no longer than the longest has a place");
    }

    /// Takes in everything that another one recorded: the result is as if each value had been recorded here.
    pub fn merge(&mut self, other: &Self) {
        self.0
            .add(&other.0)
            .expect("all distributions have the same bounds and digits");
    }

    /// How many did not exceed `limit`, within the digits that are kept.
    #[must_use]
    pub fn up_to(&self, limit: Duration) -> u64 {
        let limit = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX).max(1);
        self.0.count_between(1, limit)
    }

    /// Sum of all values, each as exact as the digits that are kept.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_secs_f64(self.0.mean() * self.0.len() as f64 / 1e6)
    }

    /// How many were recorded.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.0.len()
    }

    /// The value that a share `quantile` (0.0 to 1.0) of all does not exceed, rounded up; `None` without any.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        (!self.0.is_empty()).then(|| Duration::from_micros(self.0.value_at_quantile(quantile)))
    }

    /// The 99th percentile, once [`P99_FROM`] values are there.
    #[must_use]
    pub fn p99(&self) -> Option<Duration> {
        if self.n() < P99_FROM {
            None
        } else {
            self.quantile(0.99)
        }
    }

    /// The largest value; `None` without any.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        (!self.0.is_empty()).then(|| Duration::from_micros(self.0.max()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_rounded_up_within_three_digits() {
        let mut all = Distribution::default();
        for ms in 1..=200 {
            all.record(Duration::from_millis(ms));
        }
        let p50 = all.quantile(0.5).expect("recorded");
        assert!(
            p50 >= Duration::from_millis(100) && p50 < Duration::from_micros(100_200),
            "{p50:?}"
        );
        assert!(all.p99().expect("enough") >= Duration::from_millis(198));
        assert!(all.max().expect("recorded") >= Duration::from_millis(200));
    }

    #[test]
    fn merged_distributions_are_as_if_all_had_been_recorded_in_one() {
        let (mut all, mut even, mut odd) = (
            Distribution::default(),
            Distribution::default(),
            Distribution::default(),
        );
        for ms in 1..=500_u64 {
            let value = Duration::from_micros(ms * ms * 7);
            all.record(value);
            if ms % 2 == 0 { &mut even } else { &mut odd }.record(value);
        }
        even.merge(&odd);
        assert_eq!(even.n(), 500);
        for quantile in [0.01, 0.5, 0.95, 0.99, 1.0] {
            assert_eq!(even.quantile(quantile), all.quantile(quantile));
        }
        assert_eq!((even.max(), even.p99()), (all.max(), all.p99()));
        let limit = Duration::from_millis(100);
        assert_eq!(even.up_to(limit), all.up_to(limit));
        assert_eq!(even.up_to(Duration::from_secs(600)), 500);
        assert_eq!(even.sum(), all.sum());
    }

    #[test]
    fn memory_is_taken_as_it_is_needed() {
        let places = |longest_ms| {
            let mut all = Distribution::default();
            all.record(Duration::from_millis(longest_ms));
            all.0.distinct_values()
        };
        assert!(places(20) < 7_000, "{}", places(20));
        assert!(places(600_000) > 20_000);
    }

    #[test]
    fn an_empty_or_small_sample_says_so() {
        let mut few = Distribution::default();
        assert_eq!((few.quantile(0.5), few.max()), (None, None));
        few.record(Duration::from_secs(3_600));
        assert_eq!(few.p99(), None);
        assert!(few.max().expect("recorded") >= Duration::from_secs(599));
    }
}
