//! What was asked to be written and was not: a failure, said with the place, the reason and what to do.

use std::fmt::Display;
use std::io::{self, ErrorKind};

use anyhow::anyhow;

use super::Problem;

/// What to do about a place that takes no more.
pub(super) const MAKE_ROOM: &str = "Free some space there, or name another place, and start again.";

/// Whether there is no room: the disk is full, or a quota or a limit on the size of files is reached.
fn is_full(error: &io::Error) -> bool {
    let full = [
        ErrorKind::StorageFull,
        ErrorKind::QuotaExceeded,
        ErrorKind::FileTooLarge,
    ];
    full.contains(&error.kind())
}

/// What to do about it.
pub(super) fn remedy(error: &io::Error) -> &'static str {
    if is_full(error) {
        MAKE_ROOM
    } else {
        "Name a file in a folder that you can write to."
    }
}

/// The file of an option (`what` names both) cannot be begun: a failure where there is no room, else wrong usage.
pub(super) fn not_begun(what: impl Display, error: &io::Error) -> Problem {
    let what = format!("{what}: {error}");
    let problem = if is_full(error) {
        Problem::failed(anyhow!(what))
    } else {
        Problem::usage(what)
    };
    problem.hint(remedy(error))
}

/// Standard output cannot be written.
pub(super) fn lost(error: &io::Error) -> Problem {
    Problem::failed(anyhow!("standard output cannot be written: {error}")).hint(MAKE_ROOM)
}
