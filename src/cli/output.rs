//! Standard output and standard error: every line goes through here, so that a stopped reader blocks nothing.

use std::io;
use std::sync::LazyLock;

use tokio_util::sync::CancellationToken;

use super::line_writer::LineWriter;
use crate::base::printable::escaped;
use crate::base::supervise::Failures;

pub(super) static OUT: LazyLock<LineWriter> =
    LazyLock::new(|| LineWriter::start("stdout", Box::new(io::stdout()), Failures::default()));
pub(super) static ERR: LazyLock<LineWriter> =
    LazyLock::new(|| LineWriter::start("stderr", Box::new(io::stderr()), Failures::default()));

/// Writes a line for the user to standard error, with control characters escaped. A failure is ignored.
pub fn say(line: &str) {
    if let Some(lines) = ERR.gap() {
        ERR.offer(format!("… {lines} lines were left out: nobody read them\n").into_bytes());
    }
    ERR.offer(format!("{}\n", escaped(line)).into_bytes());
}

/// Writes a line that the next one replaces, on a terminal; an empty line removes it.
pub(crate) fn show_in_place(line: &str) {
    const BEGIN_AGAIN: &str = "\r\x1b[2K";
    ERR.offer(format!("{BEGIN_AGAIN}{}", escaped(line)).into_bytes());
}

/// Writes a line of a conversation to standard output without blocking; omitted lines are reported.
pub(crate) fn print(line: &str) {
    if let Some(lines) = OUT.gap() {
        say(&format!(
            "warning: standard output was not read for a while: {lines} lines are missing in it"
        ));
    }
    OUT.offer(format!("{}\n", escaped(line)).into_bytes());
}

/// Cancelled when standard output can no longer be written.
pub(crate) fn gone() -> &'static CancellationToken {
    OUT.gone()
}

/// Standard output for the single text of a command; blocks until its reader takes it.
pub(crate) fn out() -> impl io::Write {
    &*OUT
}

/// The same for standard error.
pub(crate) fn err() -> impl io::Write {
    &*ERR
}

/// A writer of log lines to standard error that never blocks.
pub(super) struct Shown;

impl io::Write for Shown {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        ERR.offer(text.to_vec());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
