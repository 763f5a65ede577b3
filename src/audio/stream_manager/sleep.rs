//! Notices that the system slept, or that this program was stopped, while a thread was parked.
//!
//! Monotonic clocks stand still during a sleep on Linux and macOS and run on elsewhere, so both clocks are looked at:
//!
//! ```text
//! before parking:  now, wall, until when          after it:  now far beyond it   ──▶ stopped, or slept (Windows)
//!                                                            wall far ahead of now ─▶ slept (Linux, macOS)
//! ```
//!
//! Only the time in which the thread was parked counts: a host that hangs in a call is another matter. A clock that
//! is set forward looks like a sleep; that costs one needless opening of the devices.

use std::time::{Duration, Instant, SystemTime};

/// Later than this, or a jump of the wall clock by more, is no busy machine any more.
const SLEPT: Duration = Duration::from_secs(2);

/// See the [module](self).
pub(crate) struct SleepWatch {
    now: Instant,
    wall: SystemTime,
    until: Instant,
}

impl SleepWatch {
    /// The thread parks now, until then at the latest.
    pub(crate) fn begin(now: Instant, wall: SystemTime, until: Instant) -> Self {
        Self {
            now,
            wall,
            until: until.max(now),
        }
    }

    /// The thread runs again: whether it was kept from that.
    pub(crate) fn slept(&self, now: Instant, wall: SystemTime) -> bool {
        let late = now.saturating_duration_since(self.until);
        let passed = now.saturating_duration_since(self.now);
        // A clock that was set back is no sleep.
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
