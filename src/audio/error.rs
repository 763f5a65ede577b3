//! Errors of the audio side.

use std::path::PathBuf;

/// Why the sound side cannot be started or told something.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// A file cannot be used.
    #[error("{}: {what}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it, and what is expected.
        what: String,
    },
    /// A file that gets sound cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    NotWritten {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The system refused a thread.
    #[error("the system refused a thread for the sound: {0}; close other programs")]
    Thread(#[source] std::io::Error),
    /// The sound threads do not take commands: they have ended, or hang in the sound system.
    #[error("the sound side does not answer; start the program again")]
    Gone,
}
