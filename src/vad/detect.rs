//! The interface of a speech detector.

use crate::base::frame::Frame;

/// How many frames a verdict looks at; the onset is looked for in all of those behind the first yes.
pub const DETECTOR_WINDOW_FRAMES: usize = 2;

/// A detector of speech, asked once for each frame, in order.
pub trait Detect {
    /// Whether the [`DETECTOR_WINDOW_FRAMES`] that end with this frame are speech. Detectors go on saying yes for some 100 ms after the
    /// end of speech; [`Segmenter`](super::segment::Segmenter) finds the true end by level.
    fn voiced(&mut self, frame: &Frame) -> bool;

    /// How much it takes to be speech: 0 lets much through, 3 little. What it has learnt stays.
    fn set_aggressiveness(&mut self, aggressiveness: u8);

    /// Forgets what it has learnt: a new stream begins.
    fn reset(&mut self);
}

/// Full scale 1.0 to 16 bit; louder is limited, NaN becomes 0. Cut off, not rounded: that is cheaper, and no
/// detector hears the last bit.
pub(super) fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0) as i16
}
