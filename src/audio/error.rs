//! Errors of the audio side.

use std::path::PathBuf;

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
    #[error("{} cannot be written: {source}", path.display())]
    NotWritten {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The system refused to create a thread.
    #[error("the system refused a thread for the sound: {0}; close other programs")]
    Thread(#[source] std::io::Error),
    /// The audio threads do not take commands: they have ended, or hang in the sound system.
    #[error("the sound side does not answer; start the program again")]
    Gone,
}
