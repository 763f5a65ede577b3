//! Reading small files without being fooled, and writing private ones without losing the old one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::base::yaml::MAX_BYTES;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none.
    #[error("there is no such file")]
    Missing,
    /// It is something else: a folder, a pipe, a device.
    #[error("is {0}: put a plain file there")]
    NotAFile(&'static str),
    /// The system refused.
    #[error("cannot be read: {0}")]
    Refused(#[from] io::Error),
}

/// The bytes of a plain file, at most one more than [`MAX_BYTES`] of them: what is longer is refused by who parses it.
///
/// Pipes and devices are told by their type before they are opened, so that none of them can keep the caller waiting.
pub fn read(path: &Path) -> Result<Vec<u8>, ReadError> {
    plain(&fs::metadata(path).map_err(sort)?)?;
    let file = File::open(path).map_err(sort)?;
    plain(&file.metadata()?)?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Replaces a file as a whole: a reader sees the old bytes or the new ones, and nobody but the user sees either (0600), also
/// where the program or the machine ends in the middle of it. Its folder is made (0700) if it is missing. A link stays one:
/// the file it names is replaced.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    make_folder(folder)?;
    let fresh = beside(&path);
    let result = write_new(&fresh, bytes).and_then(|()| fs::rename(&fresh, &path));
    if result.is_err() {
        fs::remove_file(&fresh).ok();
    }
    result?;
    sweep(folder, &path);
    // The new name is on the disk as well; not every file system can be asked for that.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
    Ok(())
}

/// Removes what processes that were killed left half-written beside this file.
fn sweep(folder: &Path, path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let start = format!(".{name}.");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = entry.file_name();
        let number = file
            .to_str()
            .and_then(|file| file.strip_prefix(&start)?.strip_suffix(".tmp"));
        let is_left = number.is_some_and(|number| number.parse::<u32>().is_ok_and(has_ended));
        if is_left {
            fs::remove_file(entry.path()).ok();
        }
    }
}

/// Whether no process of this number runs, where the system lists them.
fn has_ended(process: u32) -> bool {
    let all = Path::new("/proc");
    all.join("self").exists() && !all.join(process.to_string()).exists()
}

/// Makes a folder and those above it, for the user alone.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // From the start: there is no moment at which others could open it.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).or_else(|error| {
        // Left behind by a process of the same number that was killed.
        if error.kind() == io::ErrorKind::AlreadyExists {
            fs::remove_file(path)?;
            return options.open(path);
        }
        Err(error)
    })?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

fn plain(metadata: &fs::Metadata) -> Result<(), ReadError> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_dir() {
        return Err(ReadError::NotAFile("a folder"));
    }
    Err(ReadError::NotAFile("a pipe or a device"))
}

fn sort(error: io::Error) -> ReadError {
    // A file where the folder should be: nothing is in it.
    if matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    ) {
        ReadError::Missing
    } else {
        ReadError::Refused(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_stays_private() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep/er/key");
        write_private(&path, b"one").expect("written");
        write_private(&path, b"two").expect("replaced");
        assert_eq!(read(&path).expect("readable"), b"two");
        assert_eq!(
            fs::read_dir(path.parent().expect("has one"))
                .expect("a folder")
                .count(),
            1,
            "nothing is left beside it"
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                fs::metadata(&path).expect("there").permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_killed_process_left_is_removed_and_what_another_writes_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = |name: &str| folder.path().join(name);
        let (left, theirs, other) = (
            file(".key.4194305.tmp"), // above the largest number that Linux gives
            file(".key.1.tmp"),
            file(".other.4194305.tmp"),
        );
        for path in [&left, &theirs, &other] {
            fs::write(path, "half").expect("written");
        }
        write_private(&file("key"), b"whole").expect("written");
        assert!(!left.exists() && theirs.exists() && other.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").expect("written");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        write_private(&link, b"new").expect("replaced");
        assert!(
            fs::symlink_metadata(&link)
                .expect("there")
                .file_type()
                .is_symlink()
        );
        assert_eq!(fs::read(&real).expect("there"), b"new");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_plain_file_is_refused_without_waiting() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (pipe, ring) = (folder.path().join("pipe"), folder.path().join("ring"));
        let made = std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("mkfifo is everywhere");
        assert!(made.success());
        std::os::unix::fs::symlink(&ring, &ring).expect("linked to itself");
        assert!(matches!(
            read(&pipe),
            Err(ReadError::NotAFile("a pipe or a device"))
        ));
        assert!(matches!(
            read(Path::new("/dev/zero")),
            Err(ReadError::NotAFile("a pipe or a device"))
        ));
        assert!(matches!(
            read(folder.path()),
            Err(ReadError::NotAFile("a folder"))
        ));
        assert!(matches!(read(&ring), Err(ReadError::Refused(_))));
        assert!(matches!(
            read(&folder.path().join("none")),
            Err(ReadError::Missing)
        ));
    }

    #[test]
    fn a_long_file_is_read_no_further_than_needed_to_refuse_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("long");
        fs::write(&path, vec![b'x'; MAX_BYTES * 2]).expect("written");
        assert_eq!(read(&path).expect("readable").len(), MAX_BYTES + 1);
    }
}
