//! The last stage: a memoryless limiter at full scale. It has no delay, and changes nothing below the knee.

use std::time::Duration;

use super::chain_stage::{ChainStage, Samples};

/// Knee: 1 dB below full scale, so that ordinary speech (peaks at -6 dBFS and below) never reaches it.
const KNEE: f32 = 0.891;

/// A curve that approaches full scale and never exceeds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limiter;

impl ChainStage for Limiter {
    fn process(&mut self, near: &mut Samples, _far: &Samples) {
        for sample in near.iter_mut() {
            let size = sample.abs();
            if size > KNEE {
                let room = 1.0 - KNEE;
                // Value and slope are continuous at the knee.
                let bent = KNEE + room * ((size - KNEE) / room).tanh();
                *sample = bent.copysign(*sample);
            }
        }
    }

    fn delay(&self) -> Duration {
        Duration::ZERO
    }

    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_sound_is_untouched_and_loud_sound_bends() {
        let mut last = -1.1_f32;
        for step in -3_200..=3_200 {
            let input = step as f32 / 200.0;
            let mut samples = [input; 160];
            Limiter.process(&mut samples, &[0.0; 160]);
            let output = samples[0];
            assert!(output.abs() <= 1.0, "{input} became {output}");
            assert!(output >= last, "the curve never falls");
            if input.abs() <= KNEE {
                assert_eq!(output.to_bits(), input.to_bits());
            }
            last = output;
        }
    }
}
