//! The clock of a stream: which instant of the monotonic clock a sample belongs to.
//!
//! A device counts samples by its own crystal, and its callbacks run late by chance, never early. So the instants of
//! callbacks lie on or above a line over the sample counter; its lower edge is the truth. The edge is found from the
//! earliest callback in each quarter of a second over four seconds, and followed when the crystals drift apart.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::base::units::SampleRate;

/// One minimum is kept for each such stretch.
const BUCKET_SECS: f64 = 0.25;
/// How many minima the line rests on: four seconds.
const BUCKETS: usize = 16;
/// Minima needed before a drift is believed.
const BUCKETS_FOR_DRIFT: usize = 8;
/// Crystals differ by less than this; more is a mistake of the fit.
const MAX_DRIFT: f64 = 500e-6;
/// A stream's first callbacks fill empty buffers, earlier than all later ones.
const WARM_UP_SECS: f64 = 1.0;
/// A whole stretch later than this is not chance: samples were lost, and the line begins anew.
const JUMP_SECS: f64 = 0.010;

/// Running fit of a stream's sample counter to the monotonic clock.
pub(super) struct SampleClock {
    rate: f64,
    origin: Option<Instant>,
    warm: bool,
    buckets: VecDeque<Bucket>,
    line: Line,
}

#[derive(Clone, Copy)]
struct Bucket {
    /// When the stretch began, in seconds since the origin.
    began: f64,
    /// Nominal time of the position with the least lateness.
    nominal: f64,
    /// That lateness: instant minus nominal time.
    lateness: f64,
}

/// `lateness(nominal) = offset + drift * nominal`.
#[derive(Clone, Copy, Default)]
struct Line {
    offset: f64,
    drift: f64,
}

impl Line {
    fn at(self, nominal: f64) -> f64 {
        self.offset + self.drift * nominal
    }
}

impl SampleClock {
    /// A clock that knows nothing yet.
    #[must_use]
    pub(super) fn new(rate: SampleRate) -> Self {
        Self {
            rate: f64::from(rate.hz()),
            origin: None,
            warm: false,
            buckets: VecDeque::with_capacity(BUCKETS + 1),
            line: Line::default(),
        }
    }

    /// Takes in that the sample at `position` passed the microphone or the speaker at `at` or, by chance, earlier.
    pub(super) fn observe(&mut self, position: u64, at: Instant) {
        let origin = *self.origin.get_or_insert(at);
        let seconds = signed_seconds(origin, at);
        let nominal = position as f64 / self.rate;
        let lateness = seconds - nominal;
        if !self.warm && seconds > WARM_UP_SECS {
            self.warm = true;
            self.buckets.clear();
        }
        match self.buckets.back_mut() {
            Some(last) if seconds - last.began < BUCKET_SECS => {
                if lateness < last.lateness {
                    last.lateness = lateness;
                    last.nominal = nominal;
                }
            }
            _ => {
                self.close_bucket();
                self.buckets.push_back(Bucket {
                    began: seconds,
                    nominal,
                    lateness,
                });
            }
        }
        self.fit();
    }

    /// As [`SampleClock::observe`] for a speaker, where a sample cannot sound before the callback that asked for it. If
    /// the line says so the device has starved: its samples sound later from now on, and the line begins anew.
    pub(super) fn observe_causal(&mut self, position: u64, callback: Instant, latency: Duration) {
        if self
            .instant_of(position)
            .is_some_and(|told| told < callback)
        {
            self.buckets.clear();
        }
        self.observe(position, callback + latency);
    }

    /// When the sample at `position` passed, or will pass, microphone or speaker. `None` before any observation.
    #[must_use]
    pub(super) fn instant_of(&self, position: u64) -> Option<Instant> {
        let origin = self.origin?;
        let nominal = position as f64 / self.rate;
        let seconds = nominal + self.line.at(nominal);
        if seconds >= 0.0 {
            Some(origin + Duration::from_secs_f64(seconds))
        } else {
            origin.checked_sub(Duration::from_secs_f64(-seconds))
        }
    }

    fn close_bucket(&mut self) {
        if let Some(last) = self.buckets.back().copied()
            && self.buckets.len() > 1
        {
            let mut earlier = self.buckets.clone();
            earlier.pop_back();
            if last.lateness - fit(&earlier).at(last.nominal) > JUMP_SECS {
                self.buckets.clear();
                self.buckets.push_back(last);
            }
        }
        if self.buckets.len() == BUCKETS {
            self.buckets.pop_front();
        }
    }

    fn fit(&mut self) {
        self.line = fit(&self.buckets);
    }
}

/// Least squares for the slope; the lower edge for the offset.
fn fit(buckets: &VecDeque<Bucket>) -> Line {
    let mut drift = 0.0;
    if buckets.len() >= BUCKETS_FOR_DRIFT {
        let n = buckets.len() as f64;
        let mean_x = buckets.iter().map(|b| b.nominal).sum::<f64>() / n;
        let mean_y = buckets.iter().map(|b| b.lateness).sum::<f64>() / n;
        let covariance = buckets
            .iter()
            .map(|b| (b.nominal - mean_x) * (b.lateness - mean_y));
        let variance = buckets.iter().map(|b| (b.nominal - mean_x).powi(2));
        drift = covariance.sum::<f64>() / variance.sum::<f64>().max(f64::MIN_POSITIVE);
        drift = drift.clamp(-MAX_DRIFT, MAX_DRIFT);
    }
    let offset = buckets
        .iter()
        .map(|b| b.lateness - drift * b.nominal)
        .fold(f64::INFINITY, f64::min);
    Line {
        offset: if offset.is_finite() { offset } else { 0.0 },
        drift,
    }
}

fn signed_seconds(from: Instant, to: Instant) -> f64 {
    to.checked_duration_since(from).map_or_else(
        || -from.duration_since(to).as_secs_f64(),
        |d| d.as_secs_f64(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: SampleRate = SampleRate::new(48_000).expect("not zero");

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn late_callbacks_and_drift_do_not_move_the_clock(
            ppm in -200.0_f64..200.0,
            period in 64_u64..1_024,
            seed in any::<u64>(),
        ) {
            let origin = Instant::now() + Duration::from_secs(1);
            let mut clock = SampleClock::new(RATE);
            let mut random = seed | 1;
            let truth = |position: u64| position as f64 / 48_000.0 * (1.0 + ppm * 1e-6);
            let mut position = 0;
            while truth(position) < 20.0 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                // Up to 8 ms late; one in eight is on time.
                let late = if random >> 61 == 0 { 0.0 } else { (random >> 40 & 0xff) as f64 / 256.0 * 0.008 };
                clock.observe(position, origin + Duration::from_secs_f64(truth(position) + late));
                position += period;
            }
            let told = clock.instant_of(position).expect("observed");
            let error = signed_seconds(origin, told) - truth(position);
            prop_assert!(error.abs() < 0.001, "{} ms", error * 1e3);
        }
    }

    #[test]
    fn an_exact_stream_is_told_exactly() {
        let origin = Instant::now();
        let mut clock = SampleClock::new(RATE);
        assert_eq!(clock.instant_of(0), None);
        for n in 0..3 {
            clock.observe(n * 480, origin + Duration::from_millis(10 * n));
        }
        let told = clock.instant_of(4_800).expect("observed");
        assert!(told - origin > Duration::from_micros(99_999));
        assert!(told - origin < Duration::from_micros(100_001));
    }

    #[test]
    fn lost_samples_begin_a_new_line() {
        let origin = Instant::now();
        let mut clock = SampleClock::new(RATE);
        for n in 0..1_000_u64 {
            // 100 ms are lost after five seconds.
            let late = if n < 500 { 0 } else { 100 };
            clock.observe(n * 480, origin + Duration::from_millis(10 * n + late));
        }
        let told = clock.instant_of(480_000).expect("observed") - origin;
        assert!(told > Duration::from_millis(10_099) && told < Duration::from_millis(10_101));
    }

    #[test]
    fn no_sample_sounds_before_it_was_asked_for() {
        let origin = Instant::now();
        let mut clock = SampleClock::new(RATE);
        for n in 0..400_u64 {
            // A stall of 60 ms after two seconds, then six blocks at once, as servers do.
            let at = if (200..206).contains(&n) {
                2_060
            } else if n < 206 {
                10 * n
            } else {
                10 * n + 60
            };
            let at = origin + Duration::from_millis(at);
            clock.observe_causal(n * 480, at, Duration::from_millis(10));
            let told = clock.instant_of(n * 480).expect("observed");
            assert!(told >= at || n == 205, "block {n}");
        }
        let told = clock.instant_of(399 * 480).expect("observed") - origin;
        assert!(
            told >= Duration::from_millis(4_050) && told < Duration::from_millis(4_075),
            "{told:?}"
        );
    }

    #[test]
    fn the_early_first_callbacks_are_forgotten() {
        let origin = Instant::now();
        let mut clock = SampleClock::new(RATE);
        // The host fills two buffers of 10 ms at once, then asks at its pace.
        clock.observe(0, origin);
        for n in 1..300_u64 {
            clock.observe(n * 480, origin + Duration::from_millis(10 * (n - 1)));
        }
        let told = clock.instant_of(480).expect("observed");
        assert!(
            told - origin < Duration::from_millis(1),
            "{:?}",
            told - origin
        );
    }
}
