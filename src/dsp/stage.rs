//! What every stage of the [chain](super::chain) can do.

use std::time::Duration;

use crate::base::frame::FRAME_SAMPLES;

/// 10 ms of mono at 16 kHz, full scale 1.0.
pub(super) type Samples = [f32; FRAME_SAMPLES];

/// A step that the microphone's sound goes through, frame by frame. Both inputs are finite numbers (see
/// [`sanitise`](super::downmix::sanitise)), and so is the output.
pub(super) trait Stage {
    /// Works on a frame in place; `far` is what the loudspeaker played in the same 10 ms.
    fn process(&mut self, near: &mut Samples, far: &Samples);

    /// How much later a sample comes out than it went in.
    fn delay(&self) -> Duration;

    /// Frames that it is fed before it is heard: more than its delay, so that what comes out is sound and not the silence
    /// that it was filled with, and as many as it takes to know voice from noise.
    fn warm_up(&self) -> u32 {
        2
    }

    /// Forgets all it has learnt: a new stream begins.
    fn reset(&mut self);
}

/// The sum of the products, in eight sums side by side: in one after the other each addition would wait for the last.
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
