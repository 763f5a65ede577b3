//! The files that a user asks for: whether they may be written; failures with path, reason and remedy.

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::base::problem::Problem;

/// Remedy for a full disk.
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

/// Checks that writing the file of an option neither blocks nor overwrites an input.
pub(super) fn may_write(option: &str, file: &Path, spoken: &[PathBuf]) -> Result<(), Problem> {
    let name = file.display();
    let refused = |why: &str| {
        let what = format!("{option} {name}: {why}");
        Err(Problem::usage(what).hint(format!("Name a file that is not there yet after {option}.")))
    };
    if is_pipe(file) {
        return refused("a pipe cannot be written here");
    }
    if spoken.iter().any(|spoken| is_same(spoken, file)) {
        return refused("this file is spoken, and would be overwritten");
    }
    Ok(())
}

/// Whether a file that is replaced is none of these of ours, nor in a folder of them, or is not there yet.
pub(super) fn may_not_be_ours(
    option: &str,
    file: &Path,
    mut ours: impl Iterator<Item = PathBuf>,
) -> Result<(), Problem> {
    let Ok(there) = file.canonicalize() else {
        return Ok(());
    };
    if !ours.any(|ours| {
        ours.canonicalize()
            .is_ok_and(|ours| there.starts_with(ours))
    }) {
        return Ok(());
    }
    let what = format!(
        "{option} {}: this file belongs to the program",
        file.display()
    );
    Err(Problem::usage(what).hint(format!("Name a file in another folder after {option}.")))
}

/// Whether both are the same file, by whatever way, also one that is not there yet.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    if let [Ok(one), Ok(other)] = [one, other].map(std::fs::metadata) {
        // By another name too.
        use std::os::unix::fs::MetadataExt as _;
        return (one.dev(), one.ino()) == (other.dev(), other.ino());
    }
    let place = |file: &Path| {
        file.canonicalize().ok().or_else(|| {
            let folder = file
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
            Some(folder.join(file.file_name()?))
        })
    };
    matches!([place(one), place(other)], [Some(one), Some(other)] if one == other)
}

/// Whether opening it may block forever.
pub(super) fn is_pipe(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|found| is_waiting(found.file_type()))
}

#[cfg(unix)]
fn is_waiting(kind: std::fs::FileType) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    kind.is_fifo() || kind.is_socket()
}

#[cfg(not(unix))]
fn is_waiting(_: std::fs::FileType) -> bool {
    false
}
