//! The progress of a run: a line that changes on a terminal, else a line at intervals.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use super::super::output::{say, show_in_place};

/// Where there is no terminal, a line comes this often.
const LINE_EVERY: Duration = Duration::from_secs(15);
/// A terminal shows it this often.
const SHOWN_EVERY: Duration = Duration::from_millis(200);
/// Characters of the bar.
const BAR: u64 = 30;

/// A bar on standard error.
pub(in crate::cli) struct Progress {
    on_terminal: bool,
    next: Instant,
    length: u64,
}

impl Progress {
    /// A bar with this many steps.
    pub(in crate::cli) fn new(length: u64) -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        let now = Instant::now();
        Self {
            on_terminal,
            next: if on_terminal { now } else { now + LINE_EVERY },
            length,
        }
    }

    /// Shows how far it is, with some words.
    pub(in crate::cli) fn show(&mut self, done: u64, words: &str) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        if self.on_terminal {
            self.next = now + SHOWN_EVERY;
            show_in_place(&bar(done, self.length, words));
        } else {
            self.next = now + LINE_EVERY;
            say(&format!("{done}/{}  {words}", self.length));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.on_terminal {
            show_in_place("");
        }
    }
}

fn bar(done: u64, length: u64, words: &str) -> String {
    let full = done.min(length) * BAR / length.max(1);
    let bar: String = (0..BAR).map(|n| if n < full { '█' } else { '░' }).collect();
    format!("{bar} {done}/{length}  {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_full_at_the_end_and_not_before() {
        let full = |done, length| bar(done, length, "").matches('█').count() as u64;
        assert_eq!([full(0, 9), full(8, 9), full(9, 9)], [0, 26, BAR]);
        assert_eq!([full(12, 9), full(0, 0)], [BAR, 0]);
    }
}
