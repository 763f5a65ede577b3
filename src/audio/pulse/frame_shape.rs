//! The size of a frame in bytes, and the frame rate.

use super::super::format::StreamFormat;

/// Bytes of a sample: floats, little-endian.
pub(super) const SAMPLE: usize = 4;

/// Frame size and frame rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameShape {
    pub(super) frame: usize,
    rate: f64,
}

impl FrameShape {
    pub(super) fn of(format: StreamFormat) -> Self {
        Self {
            frame: SAMPLE * usize::from(format.channels.max(1)),
            rate: f64::from(format.rate.hz()),
        }
    }

    /// Frames per second.
    pub(super) fn rate(self) -> f64 {
        self.rate
    }

    pub(super) fn bytes(self, frames: u32) -> u32 {
        let frame = u32::try_from(self.frame).unwrap_or(u32::MAX);
        frames.saturating_mul(frame)
    }

    pub(super) fn frames(self, bytes: u32) -> u32 {
        bytes / u32::try_from(self.frame).unwrap_or(u32::MAX)
    }

    /// Fractional number of frames in this many bytes.
    pub(super) fn frames_in(self, bytes: i64) -> f64 {
        bytes as f64 / self.frame as f64
    }
}
