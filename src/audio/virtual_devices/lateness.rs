//! How late the threads of a pool are.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How often a member is looked after in steps: as often as it has a frame.
pub(super) const STEP: Duration = Duration::from_millis(10);
/// A round that is so late or later counts as late: the worker keeps 40 ms of a reply in the ring and looks at it every step, so
/// that a gap may be heard from here on. What is less late shows in the responses.
pub const LATE: Duration = Duration::from_millis(30);

/// How late the threads of a pool were.
#[derive(Debug, Default)]
pub struct Lateness {
    ticks: AtomicU64,
    late: AtomicU64,
    worst_us: AtomicU64,
}

impl Lateness {
    /// A round begins so late; `each_step` rounds are done in [`STEP`]. Those that were due in a stall are counted too,
    /// so that one long stall weighs as much as many short ones.
    pub(super) fn record(&self, late: Duration, each_step: u64) {
        let steps =
            |time: Duration| u64::try_from(time.as_nanos() / STEP.as_nanos()).unwrap_or(u64::MAX);
        let missed = late.checked_sub(LATE).map_or(0, |beyond| steps(beyond) + 1);
        self.ticks.fetch_add(1 + steps(late) * each_step, Relaxed);
        self.late.fetch_add(missed * each_step, Relaxed);
        let us = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.worst_us.fetch_max(us, Relaxed);
    }

    /// Rounds of work so far.
    #[must_use]
    pub fn rounds(&self) -> u64 {
        self.ticks.load(Relaxed)
    }

    /// How many of them were at least [`LATE`].
    #[must_use]
    pub fn late(&self) -> u64 {
        self.late.load(Relaxed)
    }

    /// The latest of all.
    #[must_use]
    pub fn worst(&self) -> Duration {
        Duration::from_micros(self.worst_us.load(Relaxed))
    }
}
