//! The files of the log: one per day, kept for a week, at most 50 MiB in all.
//!
//! `sovereign.2026-11-28.log` is written; when it is full it becomes `sovereign.2026-11-28.000001.log` and a new one begins.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::file;

const DAYS: usize = 7;
/// Bytes of one file.
const MOST_OF_ONE: u64 = 5 << 20;
/// Bytes of all.
const MOST_OF_ALL: u64 = 50 << 20;
const PREFIX: &str = "sovereign.";
const SUFFIX: &str = ".log";

/// Writes lines to the file of the day. On failure they are dropped: the log must not end a conversation.
pub(super) struct LogFiles {
    folder: PathBuf,
    /// Its day, and how long it is.
    open: Option<(File, String, u64)>,
    most: (u64, u64),
}

impl LogFiles {
    /// Opens the file of today.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        file::own_folder(folder)?;
        let mut files = Self {
            folder: folder.to_owned(),
            open: None,
            most: (MOST_OF_ONE, MOST_OF_ALL),
        };
        files.file_for(&today(), 0)?;
        Ok(files)
    }

    /// The file of this day with room for this many bytes.
    fn file_for(&mut self, day: &str, bytes: u64) -> io::Result<&mut (File, String, u64)> {
        if let Some((_, open_day, length)) = &self.open
            && (open_day != day || *length + bytes > self.most.0)
        {
            self.open = None;
        }
        if self.open.is_none() {
            self.open = Some(begin(&self.folder, day, bytes, self.most)?);
        }
        self.open
            .as_mut()
            .ok_or_else(|| io::ErrorKind::Other.into())
    }
}

impl Write for LogFiles {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let written = self
            .file_for(&today(), text.len() as u64)
            .and_then(|(file, _, length)| {
                *length += text.len() as u64;
                file.write_all(text)
            });
        if written.is_err() {
            // The next line tries again from the start: the folder may be back, the disk may have room.
            self.open = None;
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens the file of this day, if need be instead of a full one, and removes old and excess files.
fn begin(
    folder: &Path,
    day: &str,
    bytes: u64,
    (most_of_one, most_of_all): (u64, u64),
) -> io::Result<(File, String, u64)> {
    let path = folder.join(format!("{PREFIX}{day}{SUFFIX}"));
    let length = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    if length(&path) + bytes > most_of_one && length(&path) > 0 {
        fs::rename(&path, full_name(folder, day))?;
    }
    prune(folder, &path, most_of_all.saturating_sub(most_of_one));
    let file = file::append_own(&path)?;
    let length = file.metadata()?.len();
    Ok((file, day.to_owned(), length))
}

/// The next free name for a full file of this day.
fn full_name(folder: &Path, day: &str) -> PathBuf {
    let start = format!("{PREFIX}{day}.");
    let number = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.to_owned();
        let number = name.strip_prefix(&start)?.strip_suffix(SUFFIX)?;
        number.parse::<u32>().ok()
    };
    let last = ours(folder).into_iter().filter_map(number).max();
    folder.join(format!("{start}{:06}{SUFFIX}", last.unwrap_or(0) + 1))
}

/// Removes the files of days before the newest ones, and the oldest files until the others hold no more than `most` bytes.
fn prune(folder: &Path, current: &Path, most: u64) {
    let mut files = ours(folder);
    files.sort();
    let day = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?.strip_prefix(PREFIX)?;
        name.get(..10).map(str::to_owned)
    };
    let days: BTreeSet<_> = files.iter().filter_map(day).collect();
    let first = days.iter().rev().nth(DAYS - 1);
    let mut held = 0;
    for file in files.iter().rev().filter(|file| *file != current) {
        held += fs::metadata(file).map_or(0, |found| found.len());
        let is_old = first.is_some_and(|first| day(file).is_some_and(|day| day < *first));
        if is_old || held > most {
            fs::remove_file(file).ok();
        }
    }
}

fn ours(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
    };
    entries.map(|entry| entry.path()).filter(is_ours).collect()
}

fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let name = |path: PathBuf| {
            path.file_name()
                .expect("named")
                .to_string_lossy()
                .into_owned()
        };
        let mut names: Vec<_> = ours(folder).into_iter().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_storm_fills_no_disk_and_the_newest_lines_are_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut files = LogFiles::open(folder.path()).expect("writable");
        files.most = (1_000, 5_000);
        for number in 0..2_000 {
            writeln!(files, "line {number}").expect("never fails");
        }
        let held: u64 = ours(folder.path())
            .iter()
            .map(|path| fs::metadata(path).expect("there").len())
            .sum();
        assert!((3_000..=5_000).contains(&held), "{held} bytes");
        let current = folder.path().join(format!("{PREFIX}{}{SUFFIX}", today()));
        let newest = fs::read_to_string(current).expect("there");
        assert!(newest.ends_with("line 1999\n"), "{newest}");
    }

    #[test]
    fn a_week_is_kept_whatever_the_clock_says() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for day in 1..=9 {
            let name = format!("{PREFIX}2030-01-{day:02}{SUFFIX}");
            fs::write(folder.path().join(name), "x").expect("written");
        }
        fs::write(folder.path().join("other.log"), "x").expect("written");
        let current = folder.path().join(format!("{PREFIX}2030-01-09{SUFFIX}"));
        prune(folder.path(), &current, 1_000);
        let names = names(folder.path());
        assert_eq!(names.len(), DAYS, "{names:?}");
        assert_eq!(names[0], "sovereign.2030-01-03.log");
        assert!(folder.path().join("other.log").exists());
    }

    #[cfg(unix)]
    #[test]
    fn the_log_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let inside = folder.path().join("logs");
        let mut files = LogFiles::open(&inside).expect("writable");
        files.write_all(b"line\n").expect("never fails");
        for path in [inside.clone(), inside.join(&names(&inside)[0])] {
            let mode = fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{path:?}");
        }
        // A folder that goes away costs lines, and comes back.
        fs::remove_dir_all(&inside).expect("removed");
        files.open = None;
        files.write_all(b"lost\n").expect("never fails");
        fs::create_dir(&inside).expect("back");
        files.write_all(b"kept\n").expect("never fails");
        let text = fs::read_to_string(inside.join(&names(&inside)[0])).expect("there");
        assert_eq!(text, "kept\n");
    }

    #[cfg(unix)]
    #[test]
    fn an_earlier_log_is_closed_to_others_and_a_link_is_not_followed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = folder.path().join(format!("{PREFIX}{}{SUFFIX}", today()));
        fs::write(&log, "of an earlier version\n").expect("written");
        fs::set_permissions(&log, fs::Permissions::from_mode(0o644)).expect("ours");
        LogFiles::open(folder.path()).expect("opened");
        let mode = fs::metadata(&log).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_file(&log).expect("ours");
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").expect("written");
        std::os::unix::fs::symlink(&victim, &log).expect("linked");
        assert!(LogFiles::open(folder.path()).is_err());
        assert_eq!(fs::read(&victim).expect("there"), b"precious");
    }
}
