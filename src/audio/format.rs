//! The sample format of a stream.

use crate::base::units::SampleRate;

/// Sample format of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamFormat {
    /// Frames per second.
    pub rate: SampleRate,
    /// Interleaved channels, 1 to 8.
    pub channels: u16,
    /// Frames per callback as requested or granted; callbacks may differ.
    pub period: Option<u32>,
    /// Blocks that the device buffers if a callback reports no latency: ahead of the speaker for an output; behind the
    /// microphone, in addition to the block itself, for an input.
    pub held_blocks: u32,
}
