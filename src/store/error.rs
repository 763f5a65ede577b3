//! Why something is not kept, or cannot be read, in words that end a sentence: "… is not kept: {error}".

use rusqlite::ErrorCode;

use crate::base::text::t;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or one of the files is not ours, or is no plain file.
    #[error("{path} {why}")]
    Place { path: String, why: String },
    #[error("{}", t!("it-was-written-by-a", found, known))]
    Newer { found: i64, known: i64 },
    #[error("{}", t!("it-is-the-file-of"))]
    Foreign,
    #[error("{}", t!("it-is-damaged", why = _0))]
    Damaged(String),
    #[error("{}", t!("another-program-is-writing-to"))]
    Busy,
    /// Nobody knows what the connection believes: it is not used again.
    #[error("{}", t!("the-disk-reports-an-error", why = _0))]
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
            (ErrorCode::DiskFull, t!("the-disk-is-full")),
            (ErrorCode::ReadOnly, t!("it-may-not-be-written-read")),
            (ErrorCode::PermissionDenied, t!("it-may-not-be-written")),
            (ErrorCode::CannotOpen, t!("it-or-the-log-beside")),
            (ErrorCode::OutOfMemory, t!("there-is-not-enough-memory")),
            (ErrorCode::TooBig, t!("it-is-too-long")),
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
