//! The high-pass filter in front of the other stages, against DC, rumble and hum. The canceller's own filter (sixth
//! order) is off: it shifts the phase of the voice much further, measured as a loss of 3.4 dB between voice in and out
//! against 0.4 dB with this one (`tests/lab/echo.rs`). The noise suppressor's filter cannot be switched off.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};
use std::time::Duration;

use super::chain_stage::{ChainStage, Samples};
use crate::base::units::SampleRate;

/// Corner frequency: below the deepest voices' fundamental (about 85 Hz), above mains hum and rumble.
const CORNER_HZ: f64 = 80.0;

/// Second-order Butterworth high-pass in transposed direct form. It computes in `f64`: with a corner so far below the
/// sample rate, single precision would lose a quarter of its digits.
#[derive(Clone, Debug)]
pub(super) struct HighPass {
    b: [f64; 3],
    a: [f64; 2],
    memory: [f64; 2],
}

impl HighPass {
    pub(super) fn new() -> Self {
        let angle = TAU * CORNER_HZ / f64::from(SampleRate::WORKING.hz());
        let (sin, cos) = angle.sin_cos();
        let alpha = sin * FRAC_1_SQRT_2; // sin / (2 Q), Q = 1/√2
        let scale = (1.0 + alpha).recip();
        let edge = (1.0 + cos) / 2.0 * scale;
        Self {
            b: [edge, -2.0 * edge, edge],
            a: [-2.0 * cos * scale, (1.0 - alpha) * scale],
            memory: [0.0; 2],
        }
    }
}

impl ChainStage for HighPass {
    fn process(&mut self, near: &mut Samples, _far: &Samples) {
        let [b0, b1, b2] = self.b;
        let [a1, a2] = self.a;
        let [mut s1, mut s2] = self.memory;
        for sample in near.iter_mut() {
            let input = f64::from(*sample);
            let output = b0 * input + s1;
            s1 = b1 * input - a1 * output + s2;
            s2 = b2 * input - a2 * output;
            *sample = output as f32;
        }
        // Flushes denormals, which are slow, when silence follows sound.
        self.memory = [s1, s2].map(|s| if s.abs() < 1e-30 { 0.0 } else { s });
    }

    fn delay(&self) -> Duration {
        // It shifts phase: 0.01 ms at 500 Hz.
        Duration::ZERO
    }

    fn reset(&mut self) {
        self.memory = [0.0; 2];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dc_and_hum_are_out_and_voices_pass() {
        assert!(gain_db(0.0) < -80.0, "DC: {}", gain_db(0.0));
        assert!(gain_db(25.0) < -19.0, "rumble: {}", gain_db(25.0));
        assert!((gain_db(80.0) + 3.0).abs() < 0.1, "{}", gain_db(80.0));
        for hz in [200.0, 1_000.0, 7_000.0] {
            assert!(gain_db(hz).abs() < 0.2, "{hz} Hz: {}", gain_db(hz));
        }
    }

    /// Level of a tone (0 Hz: of a constant) behind the filter, relative to before.
    fn gain_db(hz: f64) -> f64 {
        let mut filter = HighPass::new();
        let mut power = [0.0_f64; 2];
        for frame in 0..200 {
            let mut samples: Samples = std::array::from_fn(|i| {
                let time = f64::from(frame * 160 + i as u32) / 16_000.0;
                (0.5 * (TAU * hz * time).cos()) as f32
            });
            let before = samples;
            filter.process(&mut samples, &[0.0; 160]);
            if frame >= 100 {
                for (total, block) in power.iter_mut().zip([before, samples]) {
                    *total += block.iter().map(|s| f64::from(s * s)).sum::<f64>();
                }
            }
        }
        10.0 * (power[1] / power[0]).max(1e-12).log10()
    }
}
