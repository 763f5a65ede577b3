//! Errors of reading WAV files.

use std::io;

/// Bytes of a file that is read: 23 minutes of 48 kHz stereo, more than any service listens to at a time.
pub const LARGEST: u64 = 256 << 20;

/// Why there is no sound in a file.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("it cannot be read as WAV: it is {0}")]
    Other(&'static str),
    /// It ends before its samples are described.
    #[error("it cannot be read as WAV: its header is not complete")]
    Header,
    /// The samples are coded in a way that is not read.
    #[error("it cannot be read as WAV: its samples are {0}")]
    Coding(String),
    /// No channel, or too many.
    #[error("it has {0} channels")]
    Channels(u16),
    /// Not one whole frame.
    #[error("it holds no sound")]
    Empty,
    /// More than [`LARGEST`].
    #[error("more than {} MiB are not read: cut it into shorter files", LARGEST >> 20)]
    TooLarge,
}
