//! Opens the file: ours alone, with a write-ahead log, and forgetful where something is deleted.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use super::schema::{self, STEPS};
use crate::base::text::t;
use crate::file::{self, ReadError};

/// Another program writes for some milliseconds at a time; longer only where it deletes much.
const BUSY_WITHIN: Duration = Duration::from_secs(2);

/// The smallest page.
const LEAST: u64 = 512;

/// The files that SQLite keeps beside one.
pub(super) const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Opens a file with the newest schema, and makes it if it is missing.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = open_as_it_is(path)?;
    // SQLite takes what is shorter than any page for an empty file, and would write over it.
    let length = fs::metadata(path).map_or(0, |found| found.len());
    if (1..LEAST).contains(&length) {
        return Err(StoreError::Damaged(t!("it-has-bytes", length)));
    }
    // What is not ours is not even configured.
    schema::check(&connection)?;
    configure(&connection)?;
    schema::migrate(&mut connection, STEPS)?;
    Ok(connection)
}

/// Opens a file to read what can be read, and makes it if it is missing.
pub(super) fn open_as_it_is(path: &Path) -> Result<Connection, StoreError> {
    let place = |path: &Path, why: String| StoreError::Place {
        path: path.display().to_string(),
        why,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let unusable = |error| place(folder, t!("cannot-be-used", error));
    file::own_folder(folder).map_err(unusable)?;
    file::prepare_own(path).map_err(|error| place(path, error.to_string()))?;
    for end in BESIDE {
        let beside = with_end(path, end);
        match file::check_own(&beside) {
            Ok(()) | Err(ReadError::Missing) => {}
            Err(error) => return Err(place(&beside, error.to_string())),
        }
    }
    // `NOFOLLOW` refuses a link anywhere in the path; those above the folder are the system's.
    let folder = fs::canonicalize(folder).map_err(unusable)?;
    let real = folder.join(path.file_name().unwrap_or_default());
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(real, flags)?;
    connection.busy_timeout(BUSY_WITHIN)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    Ok(connection)
}

/// The settings of a connection. The first two become part of a file that is empty yet.
pub(super) fn configure(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let log: String =
        connection.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))?;
    if log != "wal" {
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    }
    for (name, value) in [
        // What was handed over outlives a power cut.
        ("synchronous", "FULL"),
        ("secure_delete", "ON"),
        ("cell_size_check", "ON"),
        ("foreign_keys", "ON"),
        // No words in the folder for temporary files.
        ("temp_store", "MEMORY"),
        ("trusted_schema", "OFF"),
    ] {
        connection.pragma_update(None, name, value)?;
    }
    Ok(())
}

/// `conversations.db-wal` of `conversations.db`.
pub(super) fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(end);
    path.with_file_name(name)
}

/// Which file a name stands for.
pub(super) type FileIdentity = (u64, u64);

#[cfg(unix)]
pub(super) fn identity(path: &Path) -> Option<FileIdentity> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
pub(super) fn identity(path: &Path) -> Option<FileIdentity> {
    std::fs::metadata(path).ok().map(|_| (0, 0))
}
