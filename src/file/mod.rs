//! Opens, makes and replaces the files and folders that the program uses by itself, without being fooled or kept
//! waiting.
//!
//! ```text
//! the user's own choice   config.yaml, profiles/*.yaml   read, write_private      links are followed
//! ours                    history, logs, token, sound    read_own, write_own, …   links are refused
//! secret                  key                            read_secret              for the user's eyes only
//! ```
//!
//! Only plain files are opened: a pipe or a device could keep the program waiting for ever. What is ours lies in a folder
//! that belongs to this user, in files that belong to this user and that nobody else can read (0700 and 0600, also where an
//! earlier version made them wider). Otherwise anybody who can write into a temporary folder can plant a link there, and let
//! this program overwrite a file of the user.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::base::text::t;
use crate::base::yaml::MAX_BYTES;

pub mod removal;
#[cfg(test)]
mod tests;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{}", t!("there-is-no-such-file"))]
    Missing,
    /// It is something else: a folder, a pipe, a device, a link where none is followed.
    #[error("{}", t!("is-no-plain-file", what = _0))]
    NotAFile(&'static str),
    /// It belongs to somebody else, where only the user's own counts.
    #[error("{}", t!("belongs-to-another-user"))]
    Foreign,
    /// Others can read it, where nobody else may.
    #[error("{}", t!("can-be-read-by-others", mode = format!("{_0:04o}")))]
    Readable(u32),
    #[error("{}", t!("cannot-be-read", error = _0))]
    Refused(#[from] io::Error),
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Refused(error) => error,
            ReadError::Missing => io::Error::new(io::ErrorKind::NotFound, error),
            ReadError::NotAFile(_) => io::Error::new(io::ErrorKind::InvalidInput, error),
            ReadError::Foreign | ReadError::Readable(_) => {
                io::Error::new(io::ErrorKind::PermissionDenied, error)
            }
        }
    }
}

/// What becomes of a link that stands where a file is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// What it names is opened.
    Followed,
    /// It is an error.
    Refused,
}

/// The bytes of a plain file that the user chose, also through a link; at most one more than [`MAX_BYTES`] of them: what is
/// longer is refused by who parses it.
pub fn read(path: &Path) -> Result<Vec<u8>, ReadError> {
    let file = open(path, Links::Followed, OpenOptions::new().read(true))?;
    bytes_of(file, MAX_BYTES)
}

/// The bytes of a file of ours, never through a link, and at most one more than `limit`. Others lose the right to read it.
pub fn read_own(path: &Path, limit: usize) -> Result<Vec<u8>, ReadError> {
    bytes_of(open_own(path)?, limit)
}

/// A file of ours, opened to be read.
pub fn open_own(path: &Path) -> Result<File, ReadError> {
    open_own_with(path, OpenOptions::new().read(true))
}

/// The bytes of a file with a secret. It must belong to this user or to the system's administrator, and nobody else may be
/// able to read it.
pub fn read_secret(path: &Path, links: Links) -> Result<Vec<u8>, ReadError> {
    let file = open(path, links, OpenOptions::new().read(true))?;
    let metadata = file.metadata()?;
    if !(is_own(&metadata) || is_of_root(&metadata)) {
        return Err(ReadError::Foreign);
    }
    match others_rights(&metadata) {
        0 => bytes_of(file, MAX_BYTES),
        _ => Err(ReadError::Readable(mode(&metadata))),
    }
}

/// Replaces a plain file that the user chose as a whole: a reader sees the old bytes or the new ones, and nobody but the user
/// sees either (0600). Its folder is made (0700) if it is missing. A link stays one: the file it names is replaced.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path)
        .or_else(|_| fs::read_link(path).map(|to| folder_of(path).join(to)))
        .unwrap_or_else(|_| path.to_owned());
    make_folder(folder_of(&path))?;
    check_place(&path, false)?;
    replace(&path, bytes)
}

/// Replaces a file of ours in the same way. What is there must be a plain file of this user, or nothing.
pub fn write_own(path: &Path, bytes: &[u8]) -> io::Result<()> {
    check_place(path, true)?;
    replace(path, bytes)
}

/// The same in a folder of ours, which is made if it is missing.
pub fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    own_folder(folder_of(path))?;
    write_own(path, bytes)
}

/// Makes a file that was not there, not even as a dangling link, for this user alone.
pub fn create_own(path: &Path) -> io::Result<File> {
    with_mode(OpenOptions::new().write(true).create_new(true)).open(path)
}

/// Makes a file without a name in a folder of ours, for this user alone: it is gone with the program.
pub fn create_unnamed(folder: &Path) -> io::Result<File> {
    own_folder(folder)?;
    let path = folder.join(format!("unsent-{:016x}", rand::random::<u64>()));
    let mut options = OpenOptions::new();
    let file = with_mode(options.read(true).write(true).create_new(true)).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// Opens a file of ours to write at its end, and makes it if it is missing.
pub fn append_own(path: &Path) -> io::Result<File> {
    Ok(open_or_make(path, OpenOptions::new().append(true))?)
}

/// Opens a file of ours to lock it, and makes it if it is missing. Its bytes are left alone.
pub fn open_lock(path: &Path) -> io::Result<File> {
    Ok(open_or_make(
        path,
        OpenOptions::new().read(true).write(true),
    )?)
}

/// Makes room for a file of ours that a library opens by its name: an empty one if it is missing. One that is there is not
/// opened here: closing it again would end the locks that this process has on it.
pub fn prepare_own(path: &Path) -> Result<(), ReadError> {
    match check_own(path) {
        Err(ReadError::Missing) => match create_own(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_own(path),
            made => made.map(drop).map_err(ReadError::from),
        },
        checked => checked,
    }
}

/// Checks that this is a plain file of ours, without opening it. Others lose the right to read it.
pub fn check_own(path: &Path) -> Result<(), ReadError> {
    let found = fs::symlink_metadata(path).map_err(sort)?;
    check(&found, Links::Refused, true)?;
    #[cfg(unix)]
    if others_rights(&found) != 0 {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Makes a folder and those above it, for the user alone. One that is there stays as it is.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes a folder for files of ours. One that is there must belong to this user, and is closed to others unless it also
/// holds what is not ours.
pub fn own_folder(folder: &Path) -> io::Result<()> {
    let refused = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if let Ok(found) = fs::symlink_metadata(folder)
        && found.is_symlink()
        && !(is_own(&found) || is_of_root(&found))
    {
        return refused(t!("it-is-a-link-that"));
    }
    make_folder(folder)?;
    let found = fs::metadata(folder)?;
    if !is_own(&found) {
        return refused(t!("it-belongs-to-another"));
    }
    if others_rights(&found) != 0
        && fs::read_dir(folder)?
            .flatten()
            .all(|entry| is_ours(&entry.file_name()))
    {
        close_to_others(folder)?;
    }
    Ok(())
}

/// A folder for this run, for where there is no other place. Nobody can guess its name, and so nobody can have put
/// anything there; [`own_folder`] makes it.
pub fn temporary_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        std::env::temp_dir().join(format!("sovereign-{:016x}", rand::random::<u64>()))
    })
}

/// A folder for what all programs of this user find. Another user may have made it first, which [`own_folder`] refuses.
fn temporary_folder_of_user() -> PathBuf {
    #[cfg(unix)]
    let user = nix::unistd::Uid::current().to_string();
    // The folder for temporary files is the user's own.
    #[cfg(not(unix))]
    let user = "user";
    std::env::temp_dir().join(format!("sovereign-of-{user}"))
}

/// The folder that the system gives to running programs of the user for this session, or one for temporary files.
pub fn folder_of_session() -> PathBuf {
    let usual = directories::ProjectDirs::from("", "", "sovereign");
    let running = usual.as_ref().and_then(|usual| usual.runtime_dir());
    running.map_or_else(temporary_folder_of_user, Path::to_owned)
}

/// Whether this is a name that the program gives to what it keeps.
fn is_ours(name: &std::ffi::OsStr) -> bool {
    const OURS: [&str; 11] = [
        "unsent-",
        "logs",
        "conversations",
        "history",
        "monitor-token",
        "spent-",
        "question",
        "reply-",
        "turns-",
        "sovereign",
        ".doctor",
    ];
    let name = name.to_string_lossy();
    let name = name
        .strip_prefix('.')
        .filter(|_| name.ends_with(".tmp"))
        .unwrap_or(&name);
    OURS.iter().any(|start| name.starts_with(start))
}

/// Opens a plain file. Its kind is looked at before, because opening some devices does something, and after, because another
/// file may have taken its place; a pipe that came in between does not keep the caller waiting.
fn open(path: &Path, links: Links, how: &OpenOptions) -> Result<File, ReadError> {
    let before = match links {
        Links::Followed => fs::metadata(path),
        Links::Refused => fs::symlink_metadata(path),
    };
    check(&before.map_err(sort)?, links, false)?;
    let file = without_waiting(how.clone(), links)
        .open(path)
        .map_err(sort)?;
    check(&file.metadata()?, links, false)?;
    Ok(file)
}

fn open_own_with(path: &Path, how: &OpenOptions) -> Result<File, ReadError> {
    let file = open(path, Links::Refused, how)?;
    let found = file.metadata()?;
    check(&found, Links::Refused, true)?;
    tighten(&file, &found)?;
    Ok(file)
}

/// A file that others make or remove at the same moment is tried again.
fn open_or_make(path: &Path, how: &OpenOptions) -> Result<File, ReadError> {
    const TRIES: usize = 3;
    let mut last = ReadError::Missing;
    for _ in 0..TRIES {
        match open_own_with(path, how) {
            Err(ReadError::Missing) => {}
            opened => return opened,
        }
        match with_mode(how.clone().create_new(true)).open(path) {
            Ok(file) => return Ok(file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error.into(),
            Err(error) => return Err(error.into()),
        }
    }
    Err(last)
}

/// Nothing but a plain file gives way to another: root could take a device from the whole machine.
fn check_place(path: &Path, must_be_own: bool) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(check(&found, Links::Refused, must_be_own)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn check(found: &Metadata, links: Links, must_be_own: bool) -> Result<(), ReadError> {
    let kind = found.file_type();
    if kind.is_symlink() && links == Links::Refused {
        return Err(ReadError::NotAFile(t!("a-link")));
    }
    if kind.is_dir() {
        return Err(ReadError::NotAFile(t!("a-folder")));
    }
    if !kind.is_file() {
        return Err(ReadError::NotAFile(t!("a-pipe-or-a-device")));
    }
    if must_be_own && !is_own(found) {
        return Err(ReadError::Foreign);
    }
    Ok(())
}

fn bytes_of(file: File, limit: usize) -> Result<Vec<u8>, ReadError> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let length = file.metadata()?.len().min(limit);
    // At once, so that no part of a secret is left behind where the bytes grew out of.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0).saturating_add(1));
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Through a file beside it that takes its name when it is complete.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = beside(path);
    let result = write_new(&fresh, bytes).and_then(|()| fs::rename(&fresh, path));
    if result.is_err() {
        fs::remove_file(&fresh).ok();
    }
    result?;
    sweep(path);
    // The new name is on the disk as well; not every file system can be asked for that.
    if let Ok(folder) = File::open(folder_of(path)) {
        folder.sync_all().ok();
    }
    Ok(())
}

/// Removes what processes that were killed left half-written beside this file.
fn sweep(path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let start = format!(".{name}.");
    for entry in fs::read_dir(folder_of(path))
        .into_iter()
        .flatten()
        .flatten()
    {
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

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_own(path).or_else(|error| {
        // Left behind by a process of the same number that was killed.
        if error.kind() == io::ErrorKind::AlreadyExists {
            fs::remove_file(path)?;
            return create_own(path);
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

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn sort(error: io::Error) -> ReadError {
    // A file where the folder should be: nothing is in it.
    let nothing = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
    if nothing.contains(&error.kind()) {
        ReadError::Missing
    } else {
        ReadError::Refused(error)
    }
}

// -- what only some systems have --

#[cfg(unix)]
fn without_waiting(mut how: OpenOptions, links: Links) -> OpenOptions {
    use nix::fcntl::OFlag;
    let mut flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    if links == Links::Refused {
        flags |= OFlag::O_NOFOLLOW;
    }
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut how, flags.bits());
    how
}

#[cfg(not(unix))]
fn without_waiting(how: OpenOptions, _: Links) -> OpenOptions {
    how
}

/// From the start: there is no moment at which others could open it.
fn with_mode(how: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(how, 0o600);
    how
}

#[cfg(unix)]
fn is_own(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(found) == nix::unistd::geteuid().as_raw()
}

#[cfg(unix)]
fn is_of_root(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(found) == 0
}

#[cfg(unix)]
fn mode(found: &Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(found) & 0o777
}

#[cfg(unix)]
fn tighten(file: &File, found: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if others_rights(found) == 0 {
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

#[cfg(unix)]
fn close_to_others(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn is_own(_: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
fn is_of_root(_: &Metadata) -> bool {
    false
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> u32 {
    0o600
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "other systems have modes to set")]
fn tighten(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "other systems have modes to set")]
fn close_to_others(_: &Path) -> io::Result<()> {
    Ok(())
}

/// What group and others may do.
fn others_rights(found: &Metadata) -> u32 {
    mode(found) & 0o077
}
