//! Latency distribution whose quantiles are rounded up, never down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

/// Minimum sample size of a 99th percentile.
pub const P99_FROM: u64 = 100;
/// The largest recorded latency; longer ones count as this one.
const LONGEST: Duration = Duration::from_secs(600);

/// Latencies with three significant digits between 1 µs and ten minutes.
#[derive(Clone, Debug)]
pub struct Distribution {
    counts: Histogram<u64>,
    /// The exact largest value, in microseconds.
    largest: u64,
}

impl Default for Distribution {
    fn default() -> Self {
        // Resized on demand: a histogram for ten minutes would take 170 kB each.
        Self {
            counts: Histogram::new(3).expect("three digits are valid"),
            largest: 0,
        }
    }
}

impl Distribution {
    /// Records one latency.
    pub fn record(&mut self, latency: Duration) {
        let us = latency.min(LONGEST).as_micros();
        let us = u64::try_from(us).unwrap_or(u64::MAX).max(1);
        self.counts
            .record(us)
            .expect("what is no longer than the longest has a place");
        self.largest = self.largest.max(us);
    }

    /// Merges another distribution: the result is as if each value had been recorded here.
    pub fn merge(&mut self, other: &Self) {
        self.counts
            .add(&other.counts)
            .expect("all distributions have the same bounds and digits");
        self.largest = self.largest.max(other.largest);
    }

    /// How many were recorded.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.counts.len()
    }

    /// The value at `quantile` (0.0 to 1.0), rounded up, but never beyond the largest; `None` without values.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let value = || self.counts.value_at_quantile(quantile).min(self.largest);
        (!self.counts.is_empty()).then(|| Duration::from_micros(value()))
    }

    /// The 99th percentile, from [`P99_FROM`] values on.
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
        (!self.counts.is_empty()).then(|| Duration::from_micros(self.largest))
    }
}

/// A distribution shared between its writer and readers; cloning copies no values.
#[derive(Clone, Debug, Default)]
pub struct SharedDistribution(Arc<Mutex<Distribution>>);

impl PartialEq for SharedDistribution {
    /// Whether both are the same distribution.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl SharedDistribution {
    /// Records one latency.
    pub fn record(&self, latency: Duration) {
        self.lock().record(latency);
    }

    /// How many were recorded.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.lock().n()
    }

    /// See [`Distribution::quantile`].
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        self.lock().quantile(quantile)
    }

    fn lock(&self) -> MutexGuard<'_, Distribution> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        assert_eq!(all.max(), Some(Duration::from_millis(200)), "as it was");
        let mut alike = Distribution::default();
        (0..4).for_each(|_| alike.record(Duration::from_micros(3_001_201)));
        let found = [alike.quantile(0.5), alike.quantile(1.0), alike.max()];
        assert_eq!(found, [Some(Duration::from_micros(3_001_201)); 3]);
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
    }

    #[test]
    fn memory_is_taken_as_it_is_needed() {
        let places = |longest_ms| {
            let mut all = Distribution::default();
            all.record(Duration::from_millis(longest_ms));
            all.counts.distinct_values()
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
