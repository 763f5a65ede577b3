//! The interface of a speech detector.

use crate::base::frame::Frame;

/// Frames that a verdict covers; the onset is searched for in all of those behind the first positive one.
pub const DETECTOR_WINDOW_FRAMES: usize = 2;

/// A speech detector, called once for each frame, in order.
pub trait Detect {
    /// Whether the [`DETECTOR_WINDOW_FRAMES`] that end with this frame are speech. Detectors stay positive for about
    /// 100 ms after the end of speech; [`Segmenter`](super::segment::Segmenter) finds the true end by level.
    fn voiced(&mut self, frame: &Frame) -> bool;

    /// Sets the strictness: 0 lets much through, 3 little. The state stays.
    fn set_aggressiveness(&mut self, aggressiveness: u8);

    /// Resets the state for a new stream.
    fn reset(&mut self);
}

/// Converts full scale 1.0 to 16 bit; louder samples saturate, NaN becomes 0. It truncates: rounding costs more, and no
/// detector depends on the last bit.
pub(super) fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0) as i16
}
