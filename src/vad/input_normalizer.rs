//! Lowers a noisy room to an ordinary level, whatever the microphone's gain: earshot was trained at such levels, and
//! takes any noise above −20 dBFS for speech.
//!
//! ```text
//! power    ▁▁▁▁▅▇▂▇▅▁▁▁▁▁▃▃▃▇▅▃▇▃▃▃▃▃▃
//! floor    ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▃▃▃▃▃    the weakest 50 ms of the last 1.6 s
//! gain     ──────────────────────╲____    so that the floor comes down to TARGET
//! ```

use super::loudness::Loudness;
use crate::base::frame::Frame;

/// Bins of the look-back, 50 ms each: few sentences have no stop within 1.6 s, and those only become as quiet as the
/// room.
const BINS: usize = 32;
const BIN_FRAMES: u32 = 5;
/// Target power of the weakest bin, above 150 Hz: −41 dBFS. Measured with speech 5 dB above a fan, at −12 dBFS: a
/// target of −47 dBFS denies 25 % of the speech, −44 17 %, −41 13 %, and the fan is hardly ever speech; without
/// normalisation it always is.
const TARGET: f32 = 8e-5;
/// Maximum gain: a quiet room is not raised. Raised by 6 dB, a quarter fewer frames of quiet talkers are denied, but
/// music, whose floor is far below it, is speech for nine tenths of the time instead of one.
const MOST: f32 = 1.0;
/// Minimum gain, −46 dB: the floor cannot be above full scale.
const LEAST: f32 = 0.005;
/// Gain change per frame: down by 1 dB, so that a fan is settled before the stuck detector triggers; up by 0.2 dB,
/// inaudible.
const DOWN: f32 = 0.891;
const UP: f32 = 1.023;

#[derive(Clone, Debug)]
pub(super) struct InputNormalizer {
    loudness: Loudness,
    powers: [f32; BINS],
    next: usize,
    /// Power sum and frames of the current bin.
    bin: (f32, u32),
    gain: f32,
}

impl Default for InputNormalizer {
    fn default() -> Self {
        Self {
            loudness: Loudness::default(),
            powers: [f32::INFINITY; BINS],
            next: 0,
            bin: (0.0, 0),
            gain: 1.0,
        }
    }
}

impl InputNormalizer {
    /// Returns the gain for this frame.
    pub(super) fn gain(&mut self, frame: &Frame) -> f32 {
        self.bin.0 += self.loudness.measure(&frame.samples).mean();
        self.bin.1 += 1;
        if self.bin.1 == BIN_FRAMES {
            self.powers[self.next] = self.bin.0 / BIN_FRAMES as f32;
            self.next = (self.next + 1) % BINS;
            self.bin = (0.0, 0);
        }
        let floor = self.powers.iter().copied().fold(f32::INFINITY, f32::min);
        if floor.is_finite() {
            let wanted = (TARGET / floor.max(1e-12)).sqrt().clamp(LEAST, MOST);
            self.gain = wanted.clamp(self.gain * DOWN, self.gain * UP);
        }
        self.gain
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::base::frame::FRAME_SAMPLES;

    #[test]
    fn loud_noise_of_any_level_comes_out_at_one() {
        for amplitude in [0.02, 0.1, 0.5, 1.0] {
            let mut input_normalizer = InputNormalizer::default();
            let gain = last(&mut input_normalizer, 400, amplitude);
            // The highest tone passes the high-pass with a gain of 1.03.
            let power = (amplitude * gain).powi(2);
            assert!(
                (0.9..1.1).contains(&(power / TARGET)),
                "{amplitude}: {gain}"
            );
        }
    }

    #[test]
    fn quiet_is_not_raised_nor_do_nans_spoil_it() {
        let mut input_normalizer = InputNormalizer::default();
        assert_eq!(last(&mut input_normalizer, 400, 0.0), MOST);
        assert_eq!(last(&mut input_normalizer, 400, 0.005), MOST);
        let gain = last(&mut input_normalizer, 50, f32::NAN);
        assert!((LEAST..=MOST).contains(&gain), "{gain}");
    }

    #[test]
    fn a_loud_voice_between_stops_changes_nothing() {
        let mut input_normalizer = InputNormalizer::default();
        let quiet = last(&mut input_normalizer, 400, 0.005);
        for _ in 0..10 {
            let loud = last(&mut input_normalizer, 120, 0.5);
            assert!((loud / quiet - 1.0).abs() < 1e-3, "{loud} {quiet}");
            last(&mut input_normalizer, 12, 0.005);
        }
        // A noise that stays does, soon.
        assert!(last(&mut input_normalizer, 160 + 60, 0.5) < quiet / 50.0);
    }

    fn last(input_normalizer: &mut InputNormalizer, frames: usize, amplitude: f32) -> f32 {
        let frame = Frame {
            samples: std::array::from_fn::<f32, FRAME_SAMPLES, _>(|i| {
                if i % 2 == 0 { amplitude } else { -amplitude }
            }),
            sequence: 0,
            captured: Instant::now(),
        };
        let gains = (0..frames).map(|_| input_normalizer.gain(&frame));
        gains.last().unwrap_or(1.0)
    }
}
