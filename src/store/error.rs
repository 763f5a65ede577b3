//! Why something is not kept, or cannot be read, in words that end a sentence: "… is not kept: {error}".

use rusqlite::ErrorCode;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or one of the files is not ours, or is no plain file.
    #[error("{path} {why}")]
    Place { path: String, why: String },
    #[error(
        "it was written by a newer version of this program (schema {found}, this one knows {known}); it is left alone"
    )]
    Newer { found: i64, known: i64 },
    #[error("it is the file of another program; it is left alone")]
    Foreign,
    #[error("it is damaged ({0})")]
    Damaged(String),
    #[error("another program is writing to it")]
    Busy,
    /// Nobody knows what the connection believes: it is not used again.
    #[error("the disk reports an error ({0})")]
    Disk(String),
    #[error("{0}")]
    Failed(String),
}

impl StoreError {
    /// Whether the file has to be [set aside](super::Database::repair).
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error_code() else {
            // A value of another kind than the table holds, or text that is no UTF-8.
            return Self::Damaged(error.to_string());
        };
        let plain = [
            (ErrorCode::DiskFull, "the disk is full"),
            (
                ErrorCode::ReadOnly,
                "it may not be written there (read-only)",
            ),
            (ErrorCode::PermissionDenied, "it may not be written there"),
            (
                ErrorCode::CannotOpen,
                "it or the log beside it cannot be opened for writing",
            ),
            (ErrorCode::OutOfMemory, "there is not enough memory"),
            (ErrorCode::TooBig, "it is too long"),
        ];
        if let Some((_, words)) = plain.iter().find(|(plain, _)| *plain == code) {
            return Self::Failed((*words).to_owned());
        }
        let damage = [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase];
        let busy = [ErrorCode::DatabaseBusy, ErrorCode::DatabaseLocked];
        let text = error.to_string();
        // What our own statements and tables name, and files and indexes of this format, are in every whole file.
        let told = [
            "no such table",
            "no such column",
            "has no column named",
            "invalid fts5 file format",
            "unsupported file format",
            "vtable constructor failed",
            "no such module",
            "tokenizer",
        ];
        if damage.contains(&code) || told.iter().any(|words| text.contains(words)) {
            Self::Damaged(text)
        } else if busy.contains(&code) {
            Self::Busy
        } else if code == ErrorCode::SystemIoFailure {
            Self::Disk(error.to_string())
        } else {
            Self::Failed(error.to_string())
        }
    }
}
