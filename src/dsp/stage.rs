//! What every stage of the [chain](super::chain) can do.

use std::time::Duration;

use crate::base::frame::FRAME_SAMPLES;

/// 10 ms of mono at 16 kHz, full scale 1.0.
pub(super) type Samples = [f32; FRAME_SAMPLES];

/// A step that the microphone's sound goes through, frame by frame. Both inputs are finite numbers (see
/// [`sanitise`](super::mix::sanitise)), and so is the output.
pub(super) trait Stage {
    /// Works on a frame in place; `far` is what the loudspeaker played in the same 10 ms.
    fn process(&mut self, near: &mut Samples, far: &Samples);

    /// How much later a sample comes out than it went in.
    fn delay(&self) -> Duration;

    /// Forgets all it has learnt: a new stream begins.
    fn reset(&mut self);
}
