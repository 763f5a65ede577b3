//! Checks that the system grants the threads and files that a command needs.
//!
//! Libraries start threads, and some end the process or wait forever if they get none. So threads and files are tried first,
//! and a refusal becomes a message.

use std::fs::File;
use std::io;
use std::sync::Mutex;
use std::thread::Builder;

use crate::base::problem::Problem;

/// Most files and threads of a command, with a margin.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Threads besides those that run.
    pub threads: usize,
    /// Files, sockets and pipes besides those that are open.
    pub files: usize,
}

/// A list, or a check of a file.
pub const LIST: Room = Room {
    threads: 3,
    files: 12,
};
/// A server, or an inspection of this machine: one runtime.
pub const SERVER: Room = Room {
    threads: 6,
    files: 24,
};
/// A conversation: `talk --demo` on files was seen to have 15 threads besides the first and 29 files; a sound server needs some
/// more.
pub const CONVERSATION: Room = Room {
    threads: 18,
    files: 48,
};
/// The window besides: graphics drivers that compute in software have a thread or more for each processor.
pub const WINDOW: Room = Room {
    threads: 30,
    files: 96,
};

impl Room {
    /// Tries whether there is so much.
    pub fn check(self) -> Result<(), Problem> {
        self.files_are_granted()
            .map_err(|(granted, error)| {
                let wanted = self.files;
                let what = format!("the system lets this program open {granted} more files, and it needs {wanted}: {error}");
                Problem::failed(anyhow::Error::msg(what)).hint("Raise the limit (ulimit -n 256), or close other programs.")
            })?;
        threads_are_granted(self.threads).map_err(|(granted, error)| {
            let wanted = self.threads;
            let what = format!("the system gives this program {granted} more threads, and it needs {wanted}: {error}");
            Problem::failed(anyhow::Error::msg(what))
                .hint("Raise the limit of processes (ulimit -u, or pids.max of the container) or of memory, or close other programs.")
        })
    }

    /// Checks that [`Room::files`] are available, and raises the soft limit if allowed.
    fn files_are_granted(self) -> Result<(), (usize, io::Error)> {
        let mut open = Vec::new();
        while open.len() < self.files {
            match File::open(NOTHING) {
                Ok(file) => open.push(file),
                Err(error) if is_too_many(&error) => {
                    let soft =
                        rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(0, |(soft, _)| soft);
                    let missing = (self.files - open.len()) as u64;
                    match rlimit::increase_nofile_limit(soft + missing) {
                        Ok(raised) if raised > soft => {}
                        Ok(_) | Err(_) => return Err((open.len(), error)),
                    }
                }
                // Another fault of that file, unrelated to the limit.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
const NOTHING: &str = "/dev/null";
#[cfg(not(unix))]
const NOTHING: &str = "NUL";

/// EMFILE and ENFILE.
fn is_too_many(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

/// Starts this many threads at the same time, and ends them.
fn threads_are_granted(wanted: usize) -> Result<(), (usize, io::Error)> {
    /// They do nothing.
    const STACK: usize = 64 << 10;
    let gate = Mutex::new(());
    std::thread::scope(|scope| {
        let closed = gate.lock();
        let wait = || drop(gate.lock());
        let result = (0..wanted).try_for_each(|started| {
            let thread = Builder::new().name("room".to_owned()).stack_size(STACK);
            let begun = thread.spawn_scoped(scope, wait);
            begun.map(drop).map_err(|error| (started, error))
        });
        drop(closed);
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // What happens where there is none is tried from outside (`hostile_process.py`): here it would take it from other tests.
    #[test]
    fn an_ordinary_machine_has_room_for_the_largest() {
        WINDOW.check().expect("there is room");
    }
}
