//! A distribution of latencies: its quantiles are values that occurred, never kinder than the truth.

use std::time::Duration;

/// Minimum sample size of a 99th percentile.
pub const P99_FROM: usize = 100;
/// The largest recorded latency; longer ones count as this one.
const LONGEST: Duration = Duration::from_secs(600);

/// Latencies in whole microseconds. It takes four bytes for each: 70 kB for a day with a turn every five seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    sorted: Vec<u32>,
    /// In microseconds.
    sum: u64,
}

impl Distribution {
    pub fn record(&mut self, latency: Duration) {
        let us = micros(latency.min(LONGEST));
        self.sum += u64::from(us);
        let place = self.sorted.partition_point(|value| *value <= us);
        self.sorted.insert(place, us);
    }

    /// Merges another distribution: the result is as if each value had been recorded here.
    pub fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        self.sorted.extend(&other.sorted);
        // Two sorted runs are merged in one pass.
        self.sorted.sort();
    }

    pub fn n(&self) -> u64 {
        self.sorted.len() as u64
    }

    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.sum)
    }

    /// How many are no longer than `bound`.
    pub fn at_most(&self, bound: Duration) -> u64 {
        let bound = micros(bound);
        self.sorted.partition_point(|value| *value <= bound) as u64
    }

    /// The smallest value that a share of `quantile` (0.0 to 1.0) does not exceed; `None` without values.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let rank = (quantile * self.sorted.len() as f64).ceil() as usize;
        let value = self.sorted.get(rank.saturating_sub(1));
        value.map(|us| Duration::from_micros(u64::from(*us)))
    }

    /// The 99th percentile, from [`P99_FROM`] values on.
    pub fn p99(&self) -> Option<Duration> {
        let enough = self.sorted.len() >= P99_FROM;
        self.quantile(0.99).filter(|_| enough)
    }

    /// The largest value; `None` without any.
    pub fn max(&self) -> Option<Duration> {
        self.quantile(1.0)
    }
}

fn micros(latency: Duration) -> u32 {
    u32::try_from(latency.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn us(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn a_quantile_is_a_value_that_occurred_and_never_too_small() {
        let mut all = Distribution::default();
        for ms in (1..=200).rev() {
            all.record(Duration::from_millis(ms));
        }
        let found = [0.0, 0.5, 0.501, 0.95, 0.99, 1.0].map(|q| all.quantile(q).expect("recorded"));
        let wanted = [1, 100, 101, 190, 198, 200].map(Duration::from_millis);
        assert_eq!(found, wanted);
        assert_eq!((all.p99(), all.max()), (Some(wanted[4]), Some(wanted[5])));
        let mut alike = Distribution::default();
        (0..4).for_each(|_| alike.record(us(3_001_201)));
        assert_eq!(alike.quantile(0.5), Some(us(3_001_201)));
    }

    #[test]
    fn merged_distributions_are_as_if_all_had_been_recorded_in_one() {
        let mut parts = [Distribution::default(), Distribution::default()];
        let mut all = Distribution::default();
        for n in 1..=500_u64 {
            all.record(us(n * n * 7));
            parts[(n % 2) as usize].record(us(n * n * 7));
        }
        let [mut even, odd] = parts;
        even.merge(&odd);
        assert_eq!(even, all);
    }

    #[test]
    fn what_a_bound_does_not_exclude_is_counted() {
        let mut all = Distribution::default();
        for micros in [0, 5_000, 5_001, 200_000, 30_000_000, 30_000_001] {
            all.record(us(micros));
        }
        let found = [5, 10, 150, 200, 30_000].map(|ms| all.at_most(Duration::from_millis(ms)));
        assert_eq!(found, [2, 3, 3, 4, 5]);
        assert_eq!((all.n(), all.sum()), (6, us(60_210_002)));
    }

    #[test]
    fn an_empty_or_small_sample_says_so() {
        let mut few = Distribution::default();
        assert_eq!((few.quantile(0.5), few.max()), (None, None));
        few.record(Duration::from_secs(3_600));
        assert_eq!((few.p99(), few.max()), (None, Some(LONGEST)));
    }
}
