//! Latency counts in fixed buckets, as Prometheus expects them.
//!
//! [`Distribution`](super::histogram::Distribution) has some ten thousand bins for its three digits; summing them up for each
//! bucket took four million instructions per page. These buckets are counted as latencies arrive.

use std::time::Duration;

/// Upper bounds of the buckets in milliseconds: the budgets and targets of the profiles, and beyond.
pub const ENDS_MS: [u64; 16] = [
    5, 10, 20, 35, 50, 90, 150, 200, 300, 400, 600, 1_000, 2_000, 5_000, 10_000, 30_000,
];

/// Counts of latencies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    /// Count of each bucket, and beyond the last one.
    counts: [u64; ENDS_MS.len() + 1],
    sum: Duration,
}

impl Buckets {
    /// Counts one latency.
    pub fn record(&mut self, latency: Duration) {
        let class = ENDS_MS.partition_point(|end| Duration::from_millis(*end) < latency);
        self.counts[class] += 1;
        self.sum += latency;
    }

    /// Cumulative counts, in the order of [`ENDS_MS`].
    pub fn cumulative(&self) -> impl Iterator<Item = u64> {
        self.counts
            .into_iter()
            .scan(0, |all, n| {
                *all += n;
                Some(*all)
            })
            .take(ENDS_MS.len())
    }

    /// How many there are.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_latency_is_in_the_first_class_that_it_does_not_exceed() {
        let mut buckets = Buckets::default();
        for us in [0, 5_000, 5_001, 200_000, 30_000_000, 30_000_001] {
            buckets.record(Duration::from_micros(us));
        }
        let found: Vec<u64> = buckets.cumulative().collect();
        assert_eq!(found.len(), ENDS_MS.len());
        assert_eq!((found[0], found[1]), (2, 3), "5 ms are in the first");
        let at = |ms| ENDS_MS.iter().position(|end| *end == ms).expect("an end");
        assert_eq!((found[at(150)], found[at(200)]), (3, 4));
        assert_eq!((found[at(30_000)], buckets.n()), (5, 6));
        assert_eq!(buckets.sum(), Duration::from_micros(60_210_002));
    }
}
