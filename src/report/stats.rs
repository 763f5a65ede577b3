//! Quantiles of a sample with confidence intervals.

use super::results::{Latency, Quantile};

/// Values from which a 99th percentile means anything, as in the program's other outputs.
pub const P99_FROM: usize = 100;
/// Chance that the true quantile lies outside of its interval: 2.5 % on each side.
const TAIL: f64 = 0.025;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample(Vec<f64>);

impl FromIterator<f64> for Sample {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        Self(sorted)
    }
}

impl Sample {
    pub fn n(&self) -> usize {
        self.0.len()
    }

    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// The smallest value that a share `q` (0 to 1) of all does not exceed: never kinder than the truth.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let rank = (q * self.0.len() as f64).ceil().max(1.0);
        self.0.get(rank as usize - 1).or(self.0.last()).copied()
    }

    /// A quantile with the interval that holds the true one in 95 of 100 cases, whatever the distribution: between two
    /// values of the sample, by the binomial law. A side is absent where the sample is too small for it.
    pub fn sure_quantile(&self, q: f64) -> Option<Quantile> {
        let (low, high) = ranks(self.0.len(), q);
        let at = |rank: Option<usize>| Some(round(*self.0.get(rank?.checked_sub(1)?)?));
        Some(Quantile {
            value: round(self.quantile(q)?),
            low: at(low),
            high: at(high),
        })
    }

    /// What a report says of a latency.
    pub fn latency(&self) -> Option<Latency> {
        Some(Latency {
            n: self.n(),
            p50: self.sure_quantile(0.5)?,
            p95: self.sure_quantile(0.95)?,
            p99: self.sure_quantile(0.99).filter(|_| self.n() >= P99_FROM),
            max: round(*self.0.last()?),
        })
    }

    /// How many values fall into each of `bins` equal parts of the range from 0 to `most`; larger ones are counted in
    /// the last.
    pub fn histogram(&self, bins: usize, most: f64) -> Vec<usize> {
        let mut counts = vec![0; bins.max(1)];
        let last = counts.len() - 1;
        for value in &self.0 {
            let bin = (value / most * counts.len() as f64).max(0.0) as usize;
            counts[bin.min(last)] += 1;
        }
        counts
    }
}

/// Ranks (from 1) of the values between which the true quantile lies.
fn ranks(n: usize, q: f64) -> (Option<usize>, Option<usize>) {
    if n == 0 || q <= 0.0 || q >= 1.0 {
        return (None, None);
    }
    // P(B <= k), B the number of values below the true quantile; in logarithms, because the first are tiny.
    let odds = (q / (1.0 - q)).ln();
    let mut log = n as f64 * (1.0 - q).ln();
    let mut below = 0.0;
    let (mut low, mut high) = (None, None);
    for k in 0..n {
        below += log.exp();
        if below <= TAIL {
            low = Some(k + 1);
        }
        if below >= 1.0 - TAIL {
            high = Some(k + 1);
            break;
        }
        log += ((n - k) as f64 / (k + 1) as f64).ln() + odds;
    }
    (low, high)
}

/// To a tenth of what a report shows: more digits are noise.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_of_the_sample_and_never_kinder() {
        let all: Sample = (1..=20).map(f64::from).collect();
        assert_eq!(all.quantile(0.5), Some(10.0));
        assert_eq!(all.quantile(0.95), Some(19.0));
        assert_eq!(all.quantile(0.951), Some(20.0));
        assert_eq!(all.quantile(1.0), Some(20.0));
        assert_eq!(Sample::default().quantile(0.5), None);
        let odd: Sample = [f64::NAN, 3.0, f64::INFINITY].into_iter().collect();
        assert_eq!((odd.n(), odd.quantile(0.5)), (1, Some(3.0)));
    }

    #[test]
    fn intervals_are_those_of_the_tables() {
        // Sign-test limits of a median: 2nd and 9th of 10, 6th and 15th of 20, 18th and 33rd of 50 (Conover, table A3).
        for (n, expected) in [(10, (2, 9)), (20, (6, 15)), (50, (18, 33))] {
            assert_eq!(ranks(n, 0.5), (Some(expected.0), Some(expected.1)), "{n}");
        }
        // Below 59 values the largest does not bound a 95th percentile on one side at 95 %; two-sided it takes 72.
        assert_eq!(ranks(71, 0.95).1, None);
        assert_eq!(ranks(72, 0.95).1, Some(72));
        assert_eq!(ranks(0, 0.5), (None, None));
    }

    #[test]
    fn the_interval_holds_the_true_quantile_about_as_often_as_it_says() {
        let mut state = 7_u64;
        let mut uniform = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64 * 100.0
        };
        for (q, n) in [(0.5, 50), (0.95, 200)] {
            let runs = 2_000;
            let held = (0..runs).filter(|_| {
                let sample: Sample = (0..n).map(|_| uniform()).collect();
                let sure = sample.sure_quantile(q).expect("values");
                let (low, high) = (sure.low.expect("enough"), sure.high.expect("enough"));
                low <= q * 100.0 && q * 100.0 <= high
            });
            let share = held.count() as f64 / f64::from(runs);
            assert!((0.94..=0.99).contains(&share), "{q} {n}: {share}");
        }
    }

    #[test]
    fn thousands_of_values_are_no_trouble() {
        let many: Sample = (0..200_000).map(f64::from).collect();
        let sure = many.sure_quantile(0.95).expect("values");
        let (low, high) = (sure.low.expect("enough"), sure.high.expect("enough"));
        assert!(
            low > 189_500.0 && high < 190_500.0 && low < high,
            "{low} {high}"
        );
    }

    #[test]
    fn a_histogram_loses_nothing() {
        let all: Sample = [-1.0, 0.0, 4.9, 5.0, 9.9, 10.0, 900.0]
            .into_iter()
            .collect();
        assert_eq!(all.histogram(2, 10.0), [3, 4]);
    }
}
