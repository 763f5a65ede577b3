//! How good the link to the service is: limits of its figures, time with and without it, and how much is lost on the way.

use std::collections::VecDeque;
use std::ops::AddAssign;
use std::time::{Duration, Instant};

/// Upper end of ordinary round trips to the nearest location of the service.
pub const LONG_ROUND_TRIP: Duration = Duration::from_millis(100);
/// From this mean deviation of the round trips on answers stutter. Acknowledgments that wait explain less.
pub const LARGE_VARIATION: Duration = Duration::from_millis(20);
/// From this share of lost segments on, in percent, TCP sends in fits and starts.
pub const MUCH_LOSS_PERCENT: f64 = 2.0;
/// Readings, one a second, over which loss is measured, …
const LOSS_READINGS: usize = 300;
/// … and the least number of segments in them.
const LEAST_SEGMENTS: u64 = 100;

/// Whether there is a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    Connecting,
    /// Connected since then.
    Connected(Instant),
    Down,
}

/// Time with and without a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinkTime {
    /// The program ran.
    pub observed: Duration,
    /// There was a connection.
    pub connected: Duration,
    /// Times that the connection was lost. Planned changes of connection are none.
    pub outages: u64,
    /// From each loss to the next connection.
    pub outage: Duration,
}

impl AddAssign for LinkTime {
    fn add_assign(&mut self, more: Self) {
        self.observed += more.observed;
        self.connected += more.connected;
        self.outages += more.outages;
        self.outage += more.outage;
    }
}

/// Measures [`LinkTime`].
#[derive(Debug, Default)]
pub(super) struct LinkWatch {
    state: Option<LinkState>,
    since: Option<Instant>,
    was_connected: bool,
    is_lost: bool,
    time: LinkTime,
}

impl LinkWatch {
    /// The link changed, or did not.
    pub(super) fn set(&mut self, now: Instant, state: LinkState) {
        self.advance(now);
        self.state = Some(state);
        match state {
            LinkState::Connected(_) => (self.was_connected, self.is_lost) = (true, false),
            LinkState::Down if self.was_connected && !self.is_lost => {
                self.is_lost = true;
                self.time.outages += 1;
            }
            LinkState::Connecting | LinkState::Down => {}
        }
    }

    /// Another service is meant: that it cannot be reached is no loss of a connection.
    pub(super) fn forget_service(&mut self, now: Instant) {
        self.advance(now);
        (self.was_connected, self.is_lost) = (false, false);
    }

    /// The time since the last call.
    pub(super) fn take(&mut self, now: Instant) -> LinkTime {
        self.advance(now);
        std::mem::take(&mut self.time)
    }

    fn advance(&mut self, now: Instant) {
        let passed = self
            .since
            .map(|since| now.saturating_duration_since(since))
            .unwrap_or_default();
        self.since = Some(now);
        self.time.observed += passed;
        if matches!(self.state, Some(LinkState::Connected(_))) {
            self.time.connected += passed;
        } else if self.is_lost {
            self.time.outage += passed;
        }
    }
}

/// The share of segments that were lost lately.
#[derive(Debug, Default)]
pub(super) struct LossWindow {
    /// Segments sent, and sent again, of each reading.
    readings: VecDeque<[u64; 2]>,
    sums: [u64; 2],
}

impl LossWindow {
    /// Segments sent and sent again since the last reading.
    pub(super) fn reading(&mut self, segments: [u64; 2]) {
        self.readings.push_back(segments);
        for (sum, more) in self.sums.iter_mut().zip(segments) {
            *sum += more;
        }
        if self.readings.len() > LOSS_READINGS
            && let Some(gone) = self.readings.pop_front()
        {
            for (sum, less) in self.sums.iter_mut().zip(gone) {
                *sum -= less;
            }
        }
    }

    /// In percent; `None` with too few segments.
    pub(super) fn percent(&self) -> Option<f64> {
        let [sent, resent] = self.sums;
        (sent >= LEAST_SEGMENTS).then(|| resent as f64 / sent as f64 * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn an_outage_lasts_from_the_loss_to_the_next_connection_and_a_planned_change_is_none() {
        let start = Instant::now();
        let at = |n| start + seconds(n);
        let mut watch = LinkWatch::default();
        for (n, state) in [
            (0, LinkState::Connecting),
            (1, LinkState::Connected(at(1))),
            (11, LinkState::Connecting),
            (12, LinkState::Connected(at(12))),
            (20, LinkState::Down),
            (21, LinkState::Connecting),
            (23, LinkState::Down),
            (24, LinkState::Connecting),
            (25, LinkState::Connected(at(25))),
        ] {
            watch.set(at(n), state);
        }
        let expected = LinkTime {
            observed: seconds(30),
            connected: seconds(23),
            outages: 1,
            outage: seconds(5),
        };
        assert_eq!(watch.take(at(30)), expected);
        assert_eq!(watch.take(at(30)), LinkTime::default(), "taken");
        watch.set(at(31), LinkState::Connecting);
        watch.forget_service(at(31));
        watch.set(at(32), LinkState::Down);
        assert_eq!(watch.take(at(40)).outages, 0, "another service");
    }

    #[test]
    fn loss_is_that_of_the_last_minutes_and_unknown_with_too_few_segments() {
        let mut window = LossWindow::default();
        window.reading([99, 50]);
        assert_eq!(window.percent(), None);
        window.reading([101, 0]);
        assert_eq!(window.percent(), Some(25.0));
        for _ in 0..LOSS_READINGS - 1 {
            window.reading([1, 0]);
        }
        assert_eq!(window.percent(), Some(0.0), "the loss is long ago");
    }
}
