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
