//! Errors of the audio side.

use std::path::PathBuf;

use crate::base::text::t;

/// Errors of starting the audio side or sending it a command.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    #[error("{}: {what}", path.display())]
    File {
        path: PathBuf,
        /// What is wrong, and what is expected.
        what: String,
    },
    /// An output file that cannot be written.
    #[error("{}", t!("cannot-be-written", path = path.display(), source))]
    NotWritten {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The system refused to create a thread.
    #[error("{}", t!("the-system-refused-a-thread", error = _0))]
    Thread(#[source] std::io::Error),
    /// The audio threads do not take commands: they have ended, or hang in the sound system.
    #[error("{}", t!("the-sound-side-does-not"))]
    Gone,
}
