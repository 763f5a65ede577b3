//! The sample format of a stream.

use crate::base::units::SampleRate;

/// Shape of a stream's samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamFormat {
    /// Frames per second.
    pub rate: SampleRate,
    /// Interleaved channels, 1 to 8.
    pub channels: u16,
    /// Frames per callback, as far as it was asked for or granted; callbacks may differ from it.
    pub period: Option<u32>,
    /// How many blocks the device holds, where a callback does not tell: ahead of the speaker for an output, behind
    /// the microphone, beyond the block itself, for an input.
    pub held_blocks: u32,
}
