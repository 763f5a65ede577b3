//! The end of the process: output and log reach their readers, within limits.

use std::process::ExitCode;
use std::time::Duration;

use super::exit_status::print_problem;
use super::line_writer::Unwritten;
use super::output::{ERR, OUT};
use super::signal::{self, LAST_WORDS_WITHIN};
use super::{log, output_files};
use crate::base::problem::Problem;

/// At the end the program waits this long for a stopped reader. (Up to 64 KiB, the size of a pipe, need no reader.)
const READ_WITHIN: Duration = Duration::from_secs(5);

/// Time without progress that standard error gets at the end. A busy computer may start the writing thread late, and a refusal
/// must not end without its words.
const WORDS_WITHIN: Duration = Duration::from_secs(2);

/// Ends the process: waits for pending output, within limits. Returns `status`, or 1 instead of success if the output is
/// incomplete and no signal asked for an early end.
pub fn end(status: ExitCode) -> ExitCode {
    log::finish();
    let ended = OUT.finish(READ_WITHIN, LAST_WORDS_WITHIN, signal::is_asked);
    let problem = match ended {
        Ok(()) | Err(Unwritten::Gone) => None,
        Err(Unwritten::Refused(error)) => Some(output_files::lost(&error)),
        Err(Unwritten::Stuck(lines)) => Some(Problem::failed(anyhow::anyhow!(
            "standard output was not read: {lines} lines are missing in it"
        ))),
    };
    let status = match problem {
        None => status,
        Some(problem) => {
            print_problem(&problem);
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

/// Waits a moment until standard error is written. (If that fails, there is no reader.)
pub(super) fn wait_for_words() {
    ERR.finish(WORDS_WITHIN, LAST_WORDS_WITHIN, signal::is_asked)
        .ok();
}
