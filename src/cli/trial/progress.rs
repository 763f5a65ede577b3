//! How far a run is, for the person at the terminal: a bar, or now and then a line where there is no terminal.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::super::say;

/// Where there is no terminal, a line comes this often.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// A bar on standard error.
pub(in crate::cli) struct Progress {
    bar: Option<ProgressBar>,
    next_line: Instant,
    length: u64,
}

impl Progress {
    /// A bar of so many steps.
    pub(in crate::cli) fn new(length: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(length);
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self {
            bar,
            next_line: Instant::now() + LINE_EVERY,
            length,
        }
    }

    /// Shows how far it is, with some words.
    pub(in crate::cli) fn show(&mut self, done: u64, words: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(done.min(self.length));
            bar.set_message(words.to_owned());
        } else if Instant::now() >= self.next_line {
            self.next_line = Instant::now() + LINE_EVERY;
            say(&format!("{done}/{}  {words}", self.length));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
