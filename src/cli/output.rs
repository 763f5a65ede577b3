//! Standard output and standard error: every line goes through here, so that a reader who stops keeps nobody waiting.

use std::io;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::line_writer::{LineWriter, Unwritten};
use super::signal::{self, LAST_WORDS_WITHIN};
use super::{Problem, written};
use crate::base::printable::escaped;

static OUT: LazyLock<LineWriter> =
    LazyLock::new(|| LineWriter::start("stdout", Box::new(io::stdout())));
static ERR: LazyLock<LineWriter> =
    LazyLock::new(|| LineWriter::start("stderr", Box::new(io::stderr())));

/// At the end, a reader that takes nothing is waited for this long. (What fits into a pipe, 64 KiB, waits for nobody.)
const READ_WITHIN: Duration = Duration::from_secs(5);

/// Time without progress that standard error gets at the end. A busy computer may start the writing thread late, and a refusal
/// must not end without its words.
const WORDS_WITHIN: Duration = Duration::from_secs(2);

/// A line for the person at the terminal, on standard error, with what a terminal would obey written out. One that nobody can read is not missed.
pub fn say(line: &str) {
    if let Some(lines) = ERR.gap() {
        ERR.offer(format!("… {lines} lines were left out: nobody read them\n").into_bytes());
    }
    ERR.offer(format!("{}\n", escaped(line)).into_bytes());
}

/// A line that the next one replaces, on a terminal; an empty one removes it.
pub(crate) fn show_in_place(line: &str) {
    const BEGIN_AGAIN: &str = "\r\x1b[2K";
    ERR.offer(format!("{BEGIN_AGAIN}{}", escaped(line)).into_bytes());
}

/// A line of a conversation on standard output. It never waits for the reader; what is left out is said.
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

/// Standard output for the one text of a command, which waits for its reader.
pub(crate) fn out() -> impl io::Write {
    &*OUT
}

/// Standard error for the same.
pub(crate) fn err() -> impl io::Write {
    &*ERR
}

/// Bytes that are lines for standard error, from the log. They never wait.
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

/// The end of the process: waits for what is on its way to its readers, within limits. The status is `status`, or 1 where it
/// was success and the output is not complete although nobody asked for an early end.
#[must_use]
pub fn end(status: ExitCode) -> ExitCode {
    super::log::finish();
    let ended = OUT.finish(READ_WITHIN, LAST_WORDS_WITHIN, signal::is_asked);
    let problem = match ended {
        Ok(()) | Err(Unwritten::Gone) => None,
        Err(Unwritten::Refused(error)) => Some(written::lost(&error)),
        Err(Unwritten::Stuck(lines)) => Some(Problem::failed(anyhow::anyhow!(
            "standard output was not read: {lines} lines are missing in it"
        ))),
    };
    let status = match problem {
        None => status,
        Some(problem) => {
            problem.tell();
            let is_excused = signal::is_asked() || status != ExitCode::SUCCESS;
            if is_excused {
                status
            } else {
                ExitCode::FAILURE
            }
        }
    };
    wait_for_words();
    status
}

/// Waits for a moment until what was said is written. (If it is not, nobody is left to read it.)
pub(super) fn wait_for_words() {
    ERR.finish(WORDS_WITHIN, LAST_WORDS_WITHIN, signal::is_asked)
        .ok();
}
