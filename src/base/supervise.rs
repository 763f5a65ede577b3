//! Restarts a part of the program that panicked, within bounds, and says so.
//!
//! ```text
//!  a thread or task ── panic ──▶ Supervisor ──▶ restart, at most three times in a minute ──▶ give up
//!                                    └── Failures ──▶ the conversation, which shows them
//! ```

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;

use super::thread::caught;
use crate::base::text::t;

/// Restarts within a minute after which a part is given up.
pub const MOST_RESTARTS: usize = 3;
const WINDOW: Duration = Duration::from_secs(60);

/// Runs work that may panic, and counts how often it did.
#[derive(Debug, Default)]
pub struct Supervisor {
    failed: VecDeque<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum RunOutcome<T> {
    Done(T),
    Restart,
    GiveUp,
}

impl Supervisor {
    /// Runs work to its end.
    pub fn run<T>(&mut self, work: impl FnOnce() -> T) -> RunOutcome<T> {
        match caught(work) {
            Some(done) => RunOutcome::Done(done),
            None => self.failed(Instant::now()),
        }
    }

    /// The same for a future, whose owner forgets it after a panic.
    pub async fn run_async<T>(&mut self, work: impl Future<Output = T>) -> RunOutcome<T> {
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(done) => RunOutcome::Done(done),
            Err(_) => self.failed(tokio::time::Instant::now().into_std()),
        }
    }

    /// Runs a step of a part, and restarts the part if it panics.
    pub fn step<P, T>(
        &mut self,
        part: &mut P,
        work: impl FnOnce(&mut P) -> T,
        restart: impl FnOnce(&mut P),
    ) -> RunOutcome<T> {
        match self.run(|| work(part)) {
            RunOutcome::Restart => match self.run(|| restart(part)) {
                RunOutcome::Done(()) | RunOutcome::Restart => RunOutcome::Restart,
                RunOutcome::GiveUp => RunOutcome::GiveUp,
            },
            outcome @ (RunOutcome::Done(_) | RunOutcome::GiveUp) => outcome,
        }
    }

    fn failed<T>(&mut self, now: Instant) -> RunOutcome<T> {
        self.failed
            .retain(|at| now.saturating_duration_since(*at) <= WINDOW);
        self.failed.push_back(now);
        if self.failed.len() > MOST_RESTARTS {
            RunOutcome::GiveUp
        } else {
            RunOutcome::Restart
        }
    }
}

/// The notice about a part that panicked. `part` begins a sentence, as "The log".
pub fn restarted(part: &str) -> String {
    t!("part-was-restarted", part)
}

/// The notice about a part that is not restarted any more.
pub fn given_up(part: &str) -> String {
    t!("part-stays-off", part)
}

/// Failures of parts that have no channel to the conversation of their own. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Failures(Arc<Mutex<Vec<String>>>);

impl Failures {
    /// Adds a notice; the same text is kept once until it is taken.
    pub fn add(&self, text: String) {
        let mut texts = self.texts();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }

    /// Takes what came since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.texts())
    }

    /// Runs the work of a thread until it is done; after a panic again, within bounds. Says whether it was done.
    pub fn supervise(&self, part: &str, mut work: impl FnMut()) -> bool {
        let mut supervisor = Supervisor::default();
        loop {
            match supervisor.run(&mut work) {
                RunOutcome::Done(()) => return true,
                RunOutcome::Restart => self.add(restarted(part)),
                RunOutcome::GiveUp => {
                    self.add(given_up(part));
                    return false;
                }
            }
        }
    }

    fn texts(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_given_up_only_when_it_fails_often_in_a_short_time() {
        let (mut supervisor, start) = (Supervisor::default(), Instant::now());
        for minutes in 0..10 {
            let outcome: RunOutcome<u8> = supervisor.failed(start + 2 * WINDOW * minutes);
            assert_eq!(outcome, RunOutcome::Restart);
            assert_eq!(supervisor.run(|| 7), RunOutcome::Done(7));
        }
        let now = start + 40 * WINDOW;
        for _ in 0..MOST_RESTARTS {
            assert_eq!(supervisor.failed::<u8>(now), RunOutcome::Restart);
        }
        assert_eq!(supervisor.failed::<u8>(now), RunOutcome::GiveUp);
    }

    #[test]
    fn a_thread_that_panics_is_restarted_and_one_that_panics_for_ever_is_given_up() {
        let failures = Failures::default();
        let mut runs = 0;
        let done = failures.supervise("The log", || {
            runs += 1;
            assert!(runs > 1, "asked to");
        });
        assert!(done && runs == 2);
        assert_eq!(failures.take(), [restarted("The log")]);
        let mut runs = 0;
        let done = failures.supervise("The log", || {
            runs += 1;
            panic!("asked to");
        });
        assert!(!done && runs == MOST_RESTARTS + 1);
        let told = [restarted("The log"), given_up("The log")];
        assert_eq!(failures.take(), told);
        assert!(failures.take().is_empty());
    }

    #[tokio::test]
    async fn a_task_that_panics_is_counted_and_a_panic_in_the_restart_too() {
        let mut supervisor = Supervisor::default();
        let outcome: RunOutcome<u8> = supervisor.run_async(async { panic!("asked to") }).await;
        assert_eq!(outcome, RunOutcome::Restart);
        assert_eq!(supervisor.run_async(async { 7 }).await, RunOutcome::Done(7));
        let fail = |_: &mut ()| panic!("asked to");
        let mut step = || supervisor.step(&mut (), fail, fail);
        assert_eq!((step(), step()), (RunOutcome::Restart, RunOutcome::GiveUp));
    }
}
