//! Speech level in blocks of a few milliseconds, to locate onsets and ends more precisely than detectors, which are
//! late at both.

use std::time::Duration;

use crate::base::frame::FRAME_SAMPLES;

/// Blocks per frame with separate powers, 2.5 ms each: shorter than a pitch period would be meaningless.
pub(super) const BLOCKS: usize = 4;
const BLOCK_SAMPLES: usize = FRAME_SAMPLES / BLOCKS;
/// Pieces per frame with separate peaks, 0.625 ms each: a voice that is cut off ends within a block.
pub(super) const PIECES: usize = 4 * BLOCKS;
const PIECE_SAMPLES: usize = FRAME_SAMPLES / PIECES;
pub(super) const PIECE_DURATION: Duration = Duration::from_nanos(10_000_000 / PIECES as u64);
pub(super) const BLOCK_DURATION: Duration = Duration::from_nanos(10_000_000 / BLOCKS as u64);

/// Pole of the high-pass filter, about 150 Hz: offset and rumble of a device are not part of a voice.
const HIGH_PASS: f32 = 0.94;
/// Power over the noise from which a block is more than noise: 8 dB, as 2.5 ms of noise vary by about ±5 dB.
const OVER_NOISE: f32 = 6.3;
/// Power over the noise from which a frame may belong to an onset: 4 dB, as 10 ms of noise vary by about ±3 dB.
const ONSET_OVER_NOISE: f32 = 2.5;
/// Power under the peak of the voice below which there is only reverberation or breath: -35 dB.
const UNDER_VOICE: f32 = 3.2e-4;
/// Sound that the detector denies is voice only if it is at most this much weaker than the peak of the voice, -32 dB, …
const HISS_UNDER_VOICE: f32 = 6.3e-4;
/// … and this much above the noise: 10 dB.
const HISS_OVER_NOISE: f32 = 10.0;
/// Power below which sound says nothing about the room, -100 dBFS: devices start with zeros.
const SOUNDLESS: f32 = 1e-10;
/// Mean over minimum of twenty frames of noise: about 2 dB.
const WEAKEST_TO_MEAN: f32 = 1.6;
/// Power over the noise from which level separates voice and noise: 11 dB, the noise limit plus a margin of 3 dB.
const SEPARABLE: f32 = 12.6;
/// Decay of the peak per frame, 5 dB per second, so that a shout does not hide what follows.
const PEAK_DECAY: f32 = 0.988_55;
/// Smoothing of the noise estimate: it rises over half a second and falls over 50 ms, so that ends of words do not
/// count as noise.
const NOISE_RISE: f32 = 0.02;
const NOISE_FALL: f32 = 0.18;

/// Mean powers of the blocks of a frame.
pub(super) type Powers = [f32; BLOCKS];
/// Largest squares of a sample in the pieces of a frame.
pub(super) type Peaks = [f32; PIECES];

/// Levels within a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Levels {
    pub(super) powers: Powers,
    pub(super) peaks: Peaks,
}

impl Levels {
    /// Mean power of the frame.
    pub(super) fn mean(&self) -> f32 {
        self.powers.iter().sum::<f32>() / BLOCKS as f32
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Loudness {
    last_in: f32,
    last_out: f32,
}

impl Loudness {
    /// Measures the next frame. A frame with non-finite samples counts as silence.
    pub(super) fn measure(&mut self, samples: &[f32; FRAME_SAMPLES]) -> Levels {
        let mut levels = Levels::default();
        let pieces = levels
            .peaks
            .iter_mut()
            .zip(samples.chunks_exact(PIECE_SAMPLES));
        for (index, (peak, piece)) in pieces.enumerate() {
            let mut sum = 0.0;
            for &sample in piece {
                let out = sample - self.last_in + HIGH_PASS * self.last_out;
                self.last_in = sample;
                self.last_out = out;
                let power = out * out;
                sum += power;
                // Not `f32::max`, which takes three times the instructions to handle NaN.
                *peak = if power > *peak { power } else { *peak };
            }
            levels.powers[index * BLOCKS / PIECES] += sum / BLOCK_SAMPLES as f32;
        }
        if !levels.powers.iter().all(|power| power.is_finite()) {
            *self = Self::default();
            return Levels::default();
        }
        // Flushes denormals, which are slow.
        if self.last_out.abs() < 1e-12 {
            self.last_out = 0.0;
        }
        levels
    }
}

/// Estimate of the noise between words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NoiseLevel {
    /// `None` until the first frame without speech.
    power: Option<f32>,
}

impl NoiseLevel {
    /// Learns from a frame without speech.
    pub(super) fn learn(&mut self, power: f32) {
        let known = self.power.get_or_insert(power);
        let rate = if power > *known {
            NOISE_RISE
        } else {
            NOISE_FALL
        };
        *known += rate * (power - *known);
    }

    /// Learns from a frame of a stream's first moments, in which detectors are unreliable: the weakest non-silent frame
    /// is the noise until better is known.
    pub(super) fn guess(&mut self, power: f32) {
        if power > SOUNDLESS {
            let guess = power * WEAKEST_TO_MEAN;
            self.power = Some(self.power.map_or(guess, |known| known.min(guess)));
        }
    }

    pub(super) fn set(&mut self, power: f32) {
        self.power = Some(power);
    }

    /// Whether a frame of this power can be part of an onset.
    pub(super) fn is_exceeded_by(&self, power: f32) -> bool {
        self.power
            .is_none_or(|noise| power > noise * ONSET_OVER_NOISE)
    }
}

/// Level of the current voice.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct VoiceLevel {
    peak: f32,
}

impl VoiceLevel {
    /// Updates with the next frame; its power counts if the detector is positive.
    pub(super) fn follow(&mut self, power: f32, voiced: bool) {
        self.peak *= PEAK_DECAY;
        if voiced {
            self.peak = self.peak.max(power);
        }
    }

    /// Power from which a block is voice; `None` if it cannot be separated from the noise.
    pub(super) fn threshold(&self, noise: &NoiseLevel) -> Option<f32> {
        let noise = noise.power.unwrap_or(0.0);
        let separable = self.peak > noise * SEPARABLE;
        separable.then(|| (noise * OVER_NOISE).max(self.peak * UNDER_VOICE))
    }

    /// The same for sound that the detector denies.
    pub(super) fn hiss_threshold(&self, noise: &NoiseLevel) -> Option<f32> {
        let denied = noise.power.unwrap_or(0.0) * HISS_OVER_NOISE;
        self.threshold(noise)
            .map(|_| denied.max(self.peak * HISS_UNDER_VOICE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_not_loud() {
        let mut loudness = Loudness::default();
        let frames = (0..10).map(|_| loudness.measure(&[0.3; FRAME_SAMPLES]));
        let last = frames.last().map_or(1.0, |levels| levels.mean());
        assert!(last < 1e-6, "{last}");
    }

    #[test]
    fn a_frame_without_numbers_spoils_no_other() {
        let mut loudness = Loudness::default();
        for sample in [f32::NAN, f32::INFINITY, 1e30] {
            let silence = Levels::default();
            assert_eq!(loudness.measure(&[sample; FRAME_SAMPLES]), silence);
        }
        let tone = std::array::from_fn(|i| if i % 2 == 0 { 0.5 } else { -0.5 });
        let levels = loudness.measure(&tone);
        let power = levels.mean();
        assert!((0.2..0.3).contains(&power), "{power}");
        let peaks = &levels.peaks[1..];
        assert!(
            peaks.iter().all(|peak| (0.25..0.3).contains(peak)),
            "{peaks:?}"
        );
    }

    #[test]
    fn noise_is_followed_down_faster_than_up() {
        let mut noise = NoiseLevel::default();
        assert!(noise.is_exceeded_by(0.0) || noise.power.is_none());
        noise.learn(1e-4);
        for _ in 0..10 {
            noise.learn(1e-3);
        }
        let risen = noise.power.unwrap_or_default();
        assert!((2e-4..4e-4).contains(&risen), "{risen}");
        for _ in 0..20 {
            noise.learn(1e-5);
        }
        let fallen = noise.power.unwrap_or_default();
        assert!(fallen < 2e-5, "{fallen}");
    }

    #[test]
    fn the_threshold_lies_between_noise_and_voice() {
        let mut noise = NoiseLevel::default();
        let mut voice = VoiceLevel::default();
        voice.follow(1e-2, true);
        assert_eq!(voice.threshold(&noise), Some(1e-2 * UNDER_VOICE));
        noise.set(1e-4);
        assert_eq!(voice.threshold(&noise), Some(1e-4 * OVER_NOISE));
        noise.set(5e-3);
        assert_eq!(voice.threshold(&noise), None);
    }
}
