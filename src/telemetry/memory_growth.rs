//! Leak detector for memory and threads: the slope of the lower edge over 45 minutes and over three hours.
//!
//! ```text
//! readings, 1 a second ─▶ lowest of each minute ──────▶ 45 points ─▶ slope (Theil–Sen)  ┐
//!                         lowest of each four minutes ─▶ 45 points ─▶ all five parts rise ┴▶ a leak
//! ```
//!
//! Memory that is released within a minute does not move the lower edge. The median of all pairwise slopes tolerates a third
//! of outliers. A leak rises in every part of the window; a start-up, a cache that is filled once or a heap that grows by a
//! step do not.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Start-up time, in which caches fill and libraries load; its memory is ignored.
const START_UP: Duration = Duration::from_secs(300);
const POINTS: usize = 45;
/// Parts of a window, the lower edge of each of which must lie above that of the one before.
const PARTS: usize = 5;
/// The share of the mean rise that each part must show.
const LEAST_SHARE: f64 = 0.4;

/// Seconds per point, and the slope in bytes per hour that counts as a leak. The short window finds a megabyte a minute within
/// the hour; the long one finds slower leaks, and leaks in steps.
const WINDOWS: [(u64, f64); 2] = [(60, 40e6), (240, 20e6)];

/// The same for threads: one in five minutes, or one in a quarter of an hour. Threads that start and end within a minute do
/// not move the lower edge.
const THREAD_WINDOWS: [(u64, f64); 2] = [(60, 12.0), (240, 4.0)];

/// Growth that does not come back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Bytes, or threads, per hour.
    pub per_hour: f64,
    /// The length of the window.
    pub over: Duration,
}

/// Whether a value grows and does not come back.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Growth {
    /// No window is full yet: at the start, and again after the machine slept.
    #[default]
    Unknown,
    Steady,
    /// Growth per hour.
    PerHour(f64),
}

impl Growth {
    /// Growth per hour, if it grows.
    pub const fn per_hour(self) -> Option<f64> {
        match self {
            Self::PerHour(growth) => Some(growth),
            Self::Unknown | Self::Steady => None,
        }
    }
}

/// Detects leaks from one reading a second.
#[derive(Debug)]
pub struct GrowthDetector {
    start: Instant,
    windows: [Window; 2],
}

#[derive(Debug)]
struct Window {
    seconds: u64,
    least: f64,
    /// Number of the present point, and its lowest reading.
    open: Option<(u64, u64)>,
    points: VecDeque<f64>,
    slope: Option<f64>,
}

impl GrowthDetector {
    /// Memory of a process that began at `start`.
    pub fn new(start: Instant) -> Self {
        Self::with(start, WINDOWS)
    }

    /// Threads of a process that began at `start`.
    pub fn of_threads(start: Instant) -> Self {
        Self::with(start, THREAD_WINDOWS)
    }

    fn with(start: Instant, windows: [(u64, f64); 2]) -> Self {
        Self {
            start,
            windows: windows.map(|(seconds, least)| Window {
                seconds,
                least,
                open: None,
                points: VecDeque::new(),
                slope: None,
            }),
        }
    }

    /// Takes in the resident memory in bytes, or the number of threads.
    pub fn reading(&mut self, now: Instant, value: u64) {
        let Some(since) = now
            .saturating_duration_since(self.start)
            .checked_sub(START_UP)
        else {
            return;
        };
        for window in &mut self.windows {
            window.reading(since.as_secs() / window.seconds, value);
        }
    }

    /// The result, once a window is full.
    pub fn growth(&self) -> Growth {
        match self.trend() {
            Some(trend) => Growth::PerHour(trend.per_hour),
            None if self.windows.iter().any(Window::is_full) => Growth::Steady,
            None => Growth::Unknown,
        }
    }

    /// The leak, while there is one.
    pub fn trend(&self) -> Option<Trend> {
        self.windows.iter().find_map(|window| {
            Some(Trend {
                per_hour: window.slope?,
                over: Duration::from_secs(window.seconds * POINTS as u64),
            })
        })
    }
}

impl Window {
    fn is_full(&self) -> bool {
        self.points.len() >= POINTS
    }

    fn reading(&mut self, point: u64, value: u64) {
        match &mut self.open {
            Some((open, lowest)) if *open == point => *lowest = value.min(*lowest),
            Some((open, lowest)) => {
                let (skipped, lowest) = (point - *open > 1, *lowest as f64);
                self.open = Some((point, value));
                if skipped {
                    // The machine slept, or no reading was taken: slopes across a gap are meaningless.
                    self.points.clear();
                } else {
                    self.points.push_back(lowest);
                }
                while self.points.len() > POINTS {
                    self.points.pop_front();
                }
                let points: Vec<f64> = self.points.iter().copied().collect();
                let per_hour = 3_600.0 / self.seconds as f64;
                self.slope = rising(&points)
                    .map(|slope| slope * per_hour)
                    .filter(|slope| *slope >= self.least);
            }
            None => self.open = Some((point, value)),
        }
    }
}

/// The slope per point of a full window that rises in each of its parts.
fn rising(points: &[f64]) -> Option<f64> {
    if points.len() < POINTS {
        return None;
    }
    let mut slopes = Vec::with_capacity(POINTS * (POINTS - 1) / 2);
    for (i, early) in points.iter().enumerate() {
        for (j, late) in points.iter().enumerate().skip(i + 1) {
            slopes.push((late - early) / (j - i) as f64);
        }
    }
    let slope = median(&mut slopes);
    let length = POINTS / PARTS;
    let parts: Vec<f64> = points
        .chunks_exact(length)
        .map(|part| part.iter().copied().fold(f64::INFINITY, f64::min))
        .collect();
    let least = LEAST_SHARE * slope * length as f64;
    let rises = parts.windows(2).all(|pair| pair[1] - pair[0] >= least);
    (slope > 0.0 && rises).then_some(slope)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 {
        values[half]
    } else {
        f64::midpoint(values[half - 1], values[half])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: f64 = 1e6;

    /// Pseudo-random numbers from −1 to 1, the same on every run.
    struct Noise(u64);

    impl Noise {
        fn next(&mut self) -> f64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        }
    }

    /// Memory of a program in normal use, in MB, second by second: start-up that settles over 20 minutes, teeth of replies
    /// that come and go, garbage that is given back every ten minutes, a heap that grows by a step when something new is
    /// opened and shrinks again hours later, a cache that fills up in the third hour, noise.
    fn usual(second: u64, noise: &mut Noise) -> f64 {
        let t = second as f64;
        let start_up = 45.0 * (1.0 - (-t / 400.0).exp());
        let reply = if second % 23 < 9 { 1.5 } else { 0.0 };
        let garbage = (second % 600) as f64 / 600.0 * 12.0;
        let opened = match second {
            20_000..50_000 => 60.0,
            50_000..70_000 => 25.0,
            _ => 0.0,
        };
        let cache = (t - 9_000.0).clamp(0.0, 1_200.0) / 1_200.0 * 30.0;
        50.0 + start_up + reply + garbage + opened + cache + 0.8 * noise.next()
    }

    /// Seconds until a leak of `per_hour` megabytes in steps of `step` is detected, within `hours`.
    fn found_after(hours: u64, per_hour: f64, step: f64, seed: u64) -> Option<u64> {
        let start = Instant::now();
        let (mut leak, mut noise) = (GrowthDetector::new(start), Noise(seed));
        (0..hours * 3_600).find(|second| {
            let leaked = (per_hour * *second as f64 / 3_600.0 / step).floor() * step;
            let rss = (usual(*second, &mut noise) + leaked) * MB;
            leak.reading(start + Duration::from_secs(*second), rss as u64);
            leak.trend().is_some()
        })
    }

    #[test]
    fn a_day_of_normal_use_has_no_false_alarm() {
        for seed in 1..=5 {
            assert_eq!(found_after(24, 0.0, 1.0, seed), None, "seed {seed}");
        }
    }

    #[test]
    fn leaks_from_a_megabyte_a_minute_to_a_hundred_an_hour_and_beyond_are_found() {
        for per_hour in [60.0, 75.0, 100.0, 600.0, 3_600.0] {
            let found = found_after(6, per_hour, 0.01, 7).unwrap_or(u64::MAX);
            assert!(found <= 75 * 60, "{per_hour} MB an hour: after {found} s");
        }
        // Slowly, or in steps of a cache that is never emptied: found by the long window.
        for (per_hour, step) in [(25.0, 0.01), (60.0, 4.0), (100.0, 8.0)] {
            let found = found_after(12, per_hour, step, 9).unwrap_or(u64::MAX);
            assert!(
                found <= 5 * 3_600,
                "{per_hour} MB by {step}: after {found} s"
            );
        }
    }

    #[test]
    fn the_slope_is_told_and_ends_with_the_leak() {
        let start = Instant::now();
        let (mut leak, mut noise) = (GrowthDetector::new(start), Noise(3));
        let mut at_an_hour = None;
        for second in 0..8 * 3_600_u64 {
            let leaked = (second.min(3_600) as f64 / 3_600.0) * 120.0;
            let rss = (100.0 + leaked + 0.5 * noise.next()) * MB;
            leak.reading(start + Duration::from_secs(second), rss as u64);
            if second == 3_500 {
                at_an_hour = leak.trend();
            }
        }
        let trend = at_an_hour.expect("a leak");
        assert!((110e6..130e6).contains(&trend.per_hour), "{trend:?}");
        assert_eq!(leak.trend(), None, "it ended");
    }

    #[test]
    fn threads_that_are_left_behind_are_found_and_those_that_come_and_go_are_not() {
        // Six of them, ten while it talks for half a minute, two more after a device was opened, and what is left behind.
        let growth = |hours: u64, one_in: u64| {
            let start = Instant::now();
            let mut leak = GrowthDetector::of_threads(start);
            for second in 0..hours * 3_600 {
                let talk = if second % 61 < 30 { 4 } else { 0 };
                let opened = if second > 5_000 { 2 } else { 0 };
                let threads = 6 + talk + opened + second / one_in;
                leak.reading(start + Duration::from_secs(second), threads);
            }
            leak.growth()
        };
        assert_eq!(growth(12, u64::MAX), Growth::Steady);
        // One a minute, within the hour; six an hour, within the afternoon.
        let per_hour = growth(1, 60).per_hour().expect("found");
        assert!((57.0..63.0).contains(&per_hour), "{per_hour}");
        let per_hour = growth(5, 600).per_hour().expect("found");
        assert!((5.0..7.0).contains(&per_hour), "{per_hour}");
    }

    #[test]
    fn nothing_is_said_before_a_window_is_full() {
        let start = Instant::now();
        let mut leak = GrowthDetector::new(start);
        let mut read = |seconds: std::ops::Range<u64>| {
            for second in seconds {
                leak.reading(start + Duration::from_secs(second), 100_000_000);
            }
            leak.growth()
        };
        // Five minutes of start-up, then 45.
        assert_eq!(read(0..3_000), Growth::Unknown);
        assert_eq!(read(3_000..3_002), Growth::Steady);
        // A sleep of an hour: all over again, without the start-up.
        assert_eq!(read(6_600..6_602), Growth::Unknown);
        assert_eq!(read(6_602..9_298), Growth::Unknown);
        assert_eq!(read(9_298..9_400), Growth::Steady);
        assert_eq!(Growth::PerHour(7.0).per_hour(), Some(7.0));
    }

    #[test]
    fn a_sleep_of_the_machine_begins_anew() {
        let start = Instant::now();
        let mut leak = GrowthDetector::new(start);
        for minute in 0..200_u64 {
            // Each night of eight hours a new browser tab is open; nothing grows in between.
            let night = minute / 20;
            let at = start + Duration::from_secs(600 + minute * 60 + night * 28_800);
            leak.reading(at, 100_000_000 + night * 50_000_000);
            assert_eq!(leak.trend(), None);
        }
    }
}
