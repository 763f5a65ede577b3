//! The clock of a stream: maps sample positions to instants of the monotonic clock.
//!
//! A device counts samples by its own crystal, so sample counter and clock drift apart slowly. Two kinds of
//! observations tie them together, each with its own error:
//!
//! - The host reports how long the device holds a sample. The value was taken a moment earlier and is extrapolated:
//!   sometimes it is wrong by a whole block or by a stall of the machine, in either direction (seen with PulseAudio).
//!   Most are right, so the **median** is used.
//! - The host reports nothing. Callbacks run late by chance, never early, so the **minimum** is used.
//!
//! Both are taken over the last one or two seconds, in which crystals drift by 0.4 ms at most.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::base::units::SampleRate;

/// Age limit of observations.
const WINDOW_SECS: f64 = 2.0;
/// Maximum number of observations, however often a stream calls.
const MOST: usize = 192;
/// The first callbacks of a stream fill empty buffers, earlier than all later ones.
const WARM_UP_SECS: f64 = 1.0;
/// A lateness of all observations by more than this, for this long, is no chance: samples were lost, and the fit
/// restarts.
const JUMP_SECS: f64 = 0.010;
const JUMP_LASTS_SECS: f64 = 0.25;
/// Where callbacks are punctual, a smaller lateness is no chance either: this multiple of the median lateness, and at
/// least this. It detects a server that loses one of its periods (5.3 ms with PipeWire).
const PUNCTUAL: f64 = 3.0;
const LEAST_JUMP_SECS: f64 = 0.002_5;

/// Origin of an observation's instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// The host reported the latency.
    Reported,
    /// The callback time, and a constant.
    Callback,
}

/// Running fit of the sample counter of a stream to the monotonic clock.
pub(super) struct SampleClock {
    rate: f64,
    origin: Option<Instant>,
    warm: bool,
    /// Basis of `seen`; callback times are ignored once the host has reported a latency.
    basis: Basis,
    /// Seconds since the origin, and lateness (seconds minus nominal time), oldest first.
    seen: VecDeque<(f64, f64)>,
    /// Latenesses of `seen`, sorted: each observation inserts one and removes one.
    sorted: Vec<f64>,
    /// Start of the current run of late observations.
    late_since: Option<f64>,
    /// Lateness of the fit.
    offset: f64,
}

impl SampleClock {
    /// Creates a clock without observations.
    pub(super) fn new(rate: SampleRate) -> Self {
        Self {
            rate: f64::from(rate.hz()),
            origin: None,
            warm: false,
            basis: Basis::Callback,
            seen: VecDeque::with_capacity(MOST + 1),
            sorted: Vec::with_capacity(MOST + 1),
            late_since: None,
            offset: 0.0,
        }
    }

    /// Adds the observation that the sample at `position` passed microphone or speaker at `at`.
    pub(super) fn observe(&mut self, position: u64, at: Instant, basis: Basis) {
        let origin = *self.origin.get_or_insert(at);
        let seconds = signed_seconds(origin, at);
        let lateness = seconds - position as f64 / self.rate;
        if self.basis != basis {
            if basis == Basis::Callback {
                return;
            }
            self.basis = basis;
            self.forget();
        }
        if !self.warm && seconds > WARM_UP_SECS {
            self.warm = true;
            self.forget();
        }
        self.notice_jump(seconds, lateness);
        self.seen.push_back((seconds, lateness));
        let (Ok(at) | Err(at)) = self.place_of(lateness);
        self.sorted.insert(at, lateness);
        while let Some(&(then, lateness)) = self.seen.front()
            && (self.seen.len() > MOST || seconds - then > WINDOW_SECS)
        {
            self.seen.pop_front();
            if let Ok(at) = self.place_of(lateness) {
                self.sorted.remove(at);
            }
        }
        self.fit();
    }

    /// As [`SampleClock::observe`] for a speaker, where a sample cannot sound before the callback that asked for it. If
    /// the fit says so, the device has starved: its samples sound later from now on, and the fit restarts.
    pub(super) fn observe_causal(
        &mut self,
        position: u64,
        callback: Instant,
        latency: Duration,
        basis: Basis,
    ) {
        let starved = |reported: Instant| reported < callback;
        if self.instant_of(position).is_some_and(starved) {
            self.forget();
        }
        self.observe(position, callback + latency, basis);
    }

    /// Instant at which the sample at `position` passes microphone or speaker; `None` before any observation.
    pub(super) fn instant_of(&self, position: u64) -> Option<Instant> {
        let origin = self.origin?;
        let seconds = position as f64 / self.rate + self.offset;
        if seconds >= 0.0 {
            Some(origin + Duration::from_secs_f64(seconds))
        } else {
            origin.checked_sub(Duration::from_secs_f64(-seconds))
        }
    }

    /// Fractional position that passes microphone or speaker at this instant, negative before the start; `None` before
    /// any observation.
    pub(super) fn position_of(&self, at: Instant) -> Option<f64> {
        let seconds = signed_seconds(self.origin?, at);
        Some((seconds - self.offset) * self.rate)
    }

    fn notice_jump(&mut self, seconds: f64, lateness: f64) {
        if self.seen.is_empty() || lateness - self.offset <= self.jump() {
            self.late_since = None;
            return;
        }
        let since = *self.late_since.get_or_insert(seconds);
        if seconds - since >= JUMP_LASTS_SECS {
            self.late_since = None;
            self.seen.retain(|&(then, _)| then >= since);
            self.sorted.clear();
            let lateness = self.seen.iter().map(|&(_, lateness)| lateness);
            self.sorted.extend(lateness);
            self.sorted.sort_unstable_by(f64::total_cmp);
        }
    }

    /// Lateness of all observations from which it is a jump.
    fn jump(&self) -> f64 {
        let half = self.sorted.get(self.sorted.len() / 2);
        match (self.basis, self.sorted.first().zip(half)) {
            (Basis::Callback, Some((least, half))) => {
                (PUNCTUAL * (half - least)).clamp(LEAST_JUMP_SECS, JUMP_SECS)
            }
            (Basis::Callback, None) | (Basis::Reported, _) => JUMP_SECS,
        }
    }

    fn forget(&mut self) {
        self.seen.clear();
        self.sorted.clear();
    }

    /// Index of a lateness in `sorted`, or where it belongs.
    fn place_of(&self, lateness: f64) -> Result<usize, usize> {
        self.sorted
            .binary_search_by(|other| other.total_cmp(&lateness))
    }

    fn fit(&mut self) {
        let nth = match self.basis {
            Basis::Callback => 0,
            Basis::Reported => self.sorted.len() / 2,
        };
        if let Some(&lateness) = self.sorted.get(nth) {
            self.offset = lateness;
        }
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
                clock.observe(position, origin + Duration::from_secs_f64(truth(position) + late), Basis::Callback);
                position += period;
            }
            let reported = clock.instant_of(position).expect("observed");
            let error = signed_seconds(origin, reported) - truth(position);
            prop_assert!(error.abs() < 0.001, "{} ms", error * 1e3);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn what_is_sorted_is_what_was_seen(blocks in prop::collection::vec((1_u64..40, 0_u64..30, any::<bool>()), 1..600)) {
            let origin = Instant::now() + Duration::from_secs(1);
            let mut clock = SampleClock::new(RATE);
            let (mut position, mut nominal) = (0, 0);
            for (ms, late, reported) in blocks {
                let basis = if reported { Basis::Reported } else { Basis::Callback };
                // A tenth of the blocks is lost.
                nominal += if late == 29 { 100 } else { ms };
                clock.observe(position, origin + Duration::from_millis(nominal + late), basis);
                position += ms * 48;
                let mut lateness: Vec<f64> = clock.seen.iter().map(|&(_, lateness)| lateness).collect();
                lateness.sort_unstable_by(f64::total_cmp);
                prop_assert_eq!(&clock.sorted, &lateness);
            }
        }
    }

    #[test]
    fn an_exact_stream_is_fitted_exactly() {
        let origin = Instant::now();
        let mut clock = SampleClock::new(RATE);
        assert_eq!(clock.instant_of(0), None);
        for n in 0..3 {
            clock.observe(
                n * 480,
                origin + Duration::from_millis(10 * n),
                Basis::Callback,
            );
        }
        let reported = clock.instant_of(4_800).expect("observed");
        assert!(reported - origin > Duration::from_micros(99_999));
        assert!(reported - origin < Duration::from_micros(100_001));
    }

    #[test]
    fn lost_samples_begin_a_new_line() {
        let origin = Instant::now();
        let mut clock = SampleClock::new(RATE);
        for n in 0..1_000_u64 {
            // 100 ms are lost after five seconds.
            let late = if n < 500 { 0 } else { 100 };
            clock.observe(
                n * 480,
                origin + Duration::from_millis(10 * n + late),
                Basis::Callback,
            );
        }
        let reported = clock.instant_of(480_000).expect("observed") - origin;
        assert!(
            reported > Duration::from_millis(10_099) && reported < Duration::from_millis(10_101)
        );
    }

    #[test]
    fn a_lost_period_is_noticed_in_a_punctual_stream_only() {
        let late_by = |jitter_us: u64, lost_us: u64| {
            let origin = Instant::now();
            let mut clock = SampleClock::new(RATE);
            let mut reported = Duration::ZERO;
            // Periods of 256 frames; after three seconds one is lost, and half a second is enough.
            for n in 0..656_u64 {
                let nominal = n * 256 * 1_000_000 / 48_000;
                let lost = if n < 562 { 0 } else { lost_us };
                let late = n * 7_919 % 100 * jitter_us / 100;
                let at = origin + Duration::from_micros(nominal + lost + late);
                clock.observe(n * 256, at, Basis::Callback);
                reported = clock.instant_of(48_000).expect("observed") - origin;
            }
            reported.as_secs_f64() * 1e3 - 1_000.0
        };
        assert!(
            (late_by(300, 5_333) - 5.3).abs() < 0.1,
            "{}",
            late_by(300, 5_333)
        );
        assert!(
            late_by(300, 2_000).abs() < 0.1,
            "not distinguishable from chance"
        );
        // Callbacks that come whenever they like prove nothing so soon.
        assert!(late_by(9_000, 5_333) < 1.0, "{}", late_by(9_000, 5_333));
    }

    #[test]
    fn a_host_may_report_a_latency_that_is_wrong_by_a_block() {
        let origin = Instant::now();
        let mut clock = SampleClock::new(RATE);
        for n in 0..600_u64 {
            // The host's answer was a block old, or a stall went into it; at times it has none.
            let latency = match n % 10 {
                3 => Some(Duration::from_micros(200)),
                7 => Some(Duration::from_millis(30)),
                9 => None,
                _ => Some(Duration::from_millis(11)),
            };
            let basis = latency.map_or(Basis::Callback, |_| Basis::Reported);
            let at = origin + Duration::from_millis(10 * n);
            clock.observe(n * 480, at + latency.unwrap_or_default(), basis);
        }
        let reported = clock.instant_of(0).expect("observed") - origin;
        assert!(
            reported.abs_diff(Duration::from_millis(11)) < Duration::from_micros(10),
            "{reported:?}"
        );
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
            clock.observe_causal(n * 480, at, Duration::from_millis(10), Basis::Callback);
            let reported = clock.instant_of(n * 480).expect("observed");
            assert!(reported >= at || n == 205, "block {n}");
        }
        let reported = clock.instant_of(399 * 480).expect("observed") - origin;
        assert!(
            reported >= Duration::from_millis(4_050) && reported < Duration::from_millis(4_075),
            "{reported:?}"
        );
    }

    #[test]
    fn the_early_first_callbacks_are_forgotten() {
        let origin = Instant::now();
        let mut clock = SampleClock::new(RATE);
        // The host fills two buffers of 10 ms at once, then asks at its pace.
        clock.observe(0, origin, Basis::Callback);
        for n in 1..300_u64 {
            clock.observe(
                n * 480,
                origin + Duration::from_millis(10 * (n - 1)),
                Basis::Callback,
            );
        }
        let reported = clock.instant_of(480).expect("observed");
        assert!(
            reported - origin < Duration::from_millis(1),
            "{:?}",
            reported - origin
        );
    }
}
