//! Restarts the work of an audio thread after a panic, within bounds.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

/// Restarts within [`WINDOW`] after which the work is given up.
const MOST: usize = 3;
const WINDOW: Duration = Duration::from_secs(60);

/// Runs work that may panic, and counts how often it did.
#[derive(Debug, Default)]
pub(super) struct Supervisor {
    failed: VecDeque<Instant>,
}

/// Result of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RunOutcome<T> {
    /// The result of the work.
    Done(T),
    /// It panicked: restart it.
    Restart,
    /// It panicked too often.
    GiveUp,
}

impl Supervisor {
    pub(super) fn run<T>(&mut self, now: Instant, work: impl FnOnce() -> T) -> RunOutcome<T> {
        match std::panic::catch_unwind(AssertUnwindSafe(work)) {
            Ok(done) => RunOutcome::Done(done),
            Err(_) => {
                let is_old = |at: &Instant| now.saturating_duration_since(*at) > WINDOW;
                while self.failed.front().is_some_and(is_old) {
                    self.failed.pop_front();
                }
                self.failed.push_back(now);
                if self.failed.len() > MOST {
                    RunOutcome::GiveUp
                } else {
                    RunOutcome::Restart
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_given_up_only_when_it_fails_often_in_a_short_time() {
        let (mut supervisor, start) = (Supervisor::default(), Instant::now());
        let fail = || -> u8 { panic!("asked to") };
        for minutes in 0..10 {
            let now = start + 2 * WINDOW * minutes;
            assert_eq!(supervisor.run(now, fail), RunOutcome::Restart);
            assert_eq!(supervisor.run(now, || 7), RunOutcome::Done(7));
        }
        let now = start + 40 * WINDOW;
        for _ in 0..MOST {
            assert_eq!(supervisor.run(now, fail), RunOutcome::Restart);
        }
        assert_eq!(supervisor.run(now, fail), RunOutcome::GiveUp);
    }
}
