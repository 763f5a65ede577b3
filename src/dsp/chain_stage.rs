//! The interface of a stage of the [chain](super::chain).

use std::time::Duration;

use crate::base::frame::FRAME_SAMPLES;

/// 10 ms of mono at 16 kHz, full scale 1.0.
pub(super) type Samples = [f32; FRAME_SAMPLES];

/// A processing stage for frames of the microphone. Both inputs are finite (see
/// [`sanitise`](super::downmix::sanitise)), and so is the output.
pub(super) trait ChainStage {
    /// Processes a frame in place; `far` is what the loudspeaker played in the same 10 ms.
    fn process(&mut self, near: &mut Samples, far: &Samples);

    /// Delay from input to output.
    fn delay(&self) -> Duration;

    /// Warm-up frames, whose output is discarded: more than the delay, so that the output is sound instead of initial
    /// silence, and as many as it takes to know voice from noise.
    fn warm_up(&self) -> u32 {
        2
    }

    /// Resets the state for a new stream.
    fn reset(&mut self);
}

/// Dot product with eight partial sums, so that additions do not wait for each other.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.iter().zip(b) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
