//! Detects that the system slept, or that the program was stopped, while a thread was parked.
//!
//! Monotonic clocks stop during sleep on Linux and macOS and run elsewhere, so both clocks are compared:
//!
//! ```text
//! before parking:  now, wall, until when          after it:  now far beyond it   ──▶ stopped, or slept (Windows)
//!                                                            wall far ahead of now ─▶ slept (Linux, macOS)
//! ```
//!
//! Only the time in which the thread was parked counts: a host that hangs in a call is another matter. Setting the
//! clock forward looks like a sleep, which costs one needless reopening of the devices.

use std::time::{Duration, Instant, SystemTime};

/// Lateness, or jump of the wall clock, that no busy machine explains.
const SLEPT: Duration = Duration::from_secs(2);

pub struct SleepWatch {
    now: Instant,
    wall: SystemTime,
    until: Instant,
}

impl SleepWatch {
    /// Starts before the thread parks, at the latest until `until`.
    pub fn begin(now: Instant, wall: SystemTime, until: Instant) -> Self {
        Self {
            now,
            wall,
            until: until.max(now),
        }
    }

    /// Whether the system slept, after the thread woke up.
    pub fn slept(&self, now: Instant, wall: SystemTime) -> bool {
        let late = now.saturating_duration_since(self.until);
        let passed = now.saturating_duration_since(self.now);
        // Setting the clock back is no sleep.
        let jump = wall.duration_since(self.wall).unwrap_or_default();
        late > SLEPT || jump.saturating_sub(passed) > SLEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_shows_on_either_clock() {
        let ms = Duration::from_millis;
        let (now, wall) = (Instant::now(), SystemTime::now());
        // Parked for half a second; how far each clock went, and whether that was a sleep.
        let cases = [
            (500, 500, false),
            (1, 1, false),
            (2_400, 2_400, false),
            (2_600, 2_600, true),
            (500, 30_500, true),
            (500, 2_400, false),
            (30_000, 30_000, true),
        ];
        for (monotonic, clock, expected) in cases {
            let watch = SleepWatch::begin(now, wall, now + ms(500));
            let slept = watch.slept(now + ms(monotonic), wall + ms(clock));
            assert_eq!(slept, expected, "{monotonic} {clock}");
        }
        let watch = SleepWatch::begin(now, wall, now);
        assert!(!watch.slept(now, wall - ms(3_600_000)), "set back");
    }
}
