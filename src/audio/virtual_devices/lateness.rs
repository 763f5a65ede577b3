//! Lateness of the threads of a pool.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Interval of a member's ticks: one per frame.
pub(super) const STEP: Duration = Duration::from_millis(10);
/// Delay from which a round counts as late: the worker keeps 40 ms of a reply in the ring and checks it every step, so
/// a gap may be audible from here on. Smaller delays show in the response times.
pub const LATE: Duration = Duration::from_millis(30);

#[derive(Debug, Default)]
pub struct Lateness {
    ticks: AtomicU64,
    late: AtomicU64,
    worst_us: AtomicU64,
}

impl Lateness {
    /// Records the delay of a round; a step has `each_step` rounds. Rounds that were due during a stall count too, so
    /// that one long stall weighs as much as many short ones.
    pub(super) fn record(&self, late: Duration, each_step: u64) {
        let steps =
            |time: Duration| u64::try_from(time.as_nanos() / STEP.as_nanos()).unwrap_or(u64::MAX);
        let missed = late.checked_sub(LATE).map_or(0, |beyond| steps(beyond) + 1);
        self.ticks.fetch_add(1 + steps(late) * each_step, Relaxed);
        self.late.fetch_add(missed * each_step, Relaxed);
        let us = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.worst_us.fetch_max(us, Relaxed);
    }

    /// Number of rounds so far.
    pub fn rounds(&self) -> u64 {
        self.ticks.load(Relaxed)
    }

    /// Number of rounds at least [`LATE`].
    pub fn late(&self) -> u64 {
        self.late.load(Relaxed)
    }

    pub fn worst(&self) -> Duration {
        Duration::from_micros(self.worst_us.load(Relaxed))
    }
}
