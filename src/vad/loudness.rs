//! Where speech begins and ends to a few milliseconds: by level, since detectors answer late at both ends.

use std::time::Duration;

use crate::base::frame::FRAME_SAMPLES;

/// Blocks whose power is measured apart, 2.5 ms each: shorter than a pitch period would tell nothing.
pub(super) const BLOCKS: usize = 4;
const BLOCK_SAMPLES: usize = FRAME_SAMPLES / BLOCKS;
/// Pieces whose peaks are measured apart, 0.625 ms each: the end of a voice that is cut off lies within a block.
pub(super) const PIECES: usize = 4 * BLOCKS;
const PIECE_SAMPLES: usize = FRAME_SAMPLES / PIECES;
/// How long a piece lasts.
pub(super) const PIECE_DURATION: Duration = Duration::from_nanos(10_000_000 / PIECES as u64);
/// How long a block lasts.
pub(super) const BLOCK_DURATION: Duration = Duration::from_nanos(10_000_000 / BLOCKS as u64);

/// Pole of the high-pass, about 150 Hz: offset and rumble of a device are not loudness of a voice.
const HIGH_PASS: f32 = 0.94;
/// A block this much above the noise is more than noise: 8 dB, as 2.5 ms of noise alone swing by about ±5 dB.
const OVER_NOISE: f32 = 6.3;
/// A frame this much above the noise may belong to an onset: 4 dB, as 10 ms of noise swing by about ±3 dB.
const ONSET_OVER_NOISE: f32 = 2.5;
/// What is this much weaker than the loudest of the voice is its echo in the room, or breath: -35 dB.
const UNDER_VOICE: f32 = 3.2e-4;
/// What a detector denies is voice only if it is no weaker than the loudest of the voice by this, -32 dB, …
const HISS_UNDER_VOICE: f32 = 6.3e-4;
/// … and this much above the noise: 10 dB.
const HISS_OVER_NOISE: f32 = 10.0;
/// Devices begin with zeros; what is weaker than -100 dBFS tells nothing of the room.
const SOUNDLESS: f32 = 1e-10;
/// The weakest of twenty frames of noise is some 2 dB below their mean.
const WEAKEST_TO_MEAN: f32 = 1.6;
/// A voice this much above the noise is told apart from it by level: 11 dB, the noise limit and 3 dB to spare.
const SEPARABLE: f32 = 12.6;
/// The loudest of the voice is forgotten by 5 dB in a second, so that a shout does not hide what follows.
const PEAK_DECAY: f32 = 0.988_55;
/// The noise estimate rises over half a second and falls over 50 ms: the ends of words do not count as noise.
const NOISE_RISE: f32 = 0.02;
const NOISE_FALL: f32 = 0.18;

/// Mean powers of the blocks of a frame.
pub(super) type Powers = [f32; BLOCKS];
/// Largest squares of a sample in the pieces of a frame.
pub(super) type Peaks = [f32; PIECES];

/// How loud a frame is, and where in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Levels {
    pub(super) powers: Powers,
    pub(super) peaks: Peaks,
}

impl Levels {
    /// The power of the whole frame.
    pub(super) fn mean(&self) -> f32 {
        self.powers.iter().sum::<f32>() / BLOCKS as f32
    }
}

/// Measures frames, one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Loudness {
    last_in: f32,
    last_out: f32,
}

impl Loudness {
    /// The levels of the next frame. One that holds no numbers counts as silence.
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
                // Not `f32::max`, which takes thrice the instructions to care for what is no number.
                *peak = if power > *peak { power } else { *peak };
            }
            levels.powers[index * BLOCKS / PIECES] += sum / BLOCK_SAMPLES as f32;
        }
        if !levels.powers.iter().all(|power| power.is_finite()) {
            *self = Self::default();
            return Levels::default();
        }
        // The filter never quite forgets; in silence that would end in slow, tiny numbers.
        if self.last_out.abs() < 1e-12 {
            self.last_out = 0.0;
        }
        levels
    }
}

/// The noise between the words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NoiseLevel {
    /// `None` until a frame without speech was heard.
    power: Option<f32>,
}

impl NoiseLevel {
    /// Takes in a frame in which nobody speaks.
    pub(super) fn learn(&mut self, power: f32) {
        let known = self.power.get_or_insert(power);
        let rate = if power > *known {
            NOISE_RISE
        } else {
            NOISE_FALL
        };
        *known += rate * (power - *known);
    }

    /// Takes in a frame of a stream's first moments, in which detectors cannot be believed: the weakest that has any
    /// sound is taken for the noise until better is known.
    pub(super) fn guess(&mut self, power: f32) {
        if power > SOUNDLESS {
            let guess = power * WEAKEST_TO_MEAN;
            self.power = Some(self.power.map_or(guess, |known| known.min(guess)));
        }
    }

    /// Takes `power` for the noise from now on.
    pub(super) fn set(&mut self, power: f32) {
        self.power = Some(power);
    }

    /// Whether a frame of this power can be part of an onset.
    pub(super) fn is_exceeded_by(&self, power: f32) -> bool {
        self.power
            .is_none_or(|noise| power > noise * ONSET_OVER_NOISE)
    }
}

/// The level of the voice that is speaking.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct VoiceLevel {
    peak: f32,
}

impl VoiceLevel {
    /// Takes in the next frame; its power counts if the detector took it for speech.
    pub(super) fn follow(&mut self, power: f32, voiced: bool) {
        self.peak *= PEAK_DECAY;
        if voiced {
            self.peak = self.peak.max(power);
        }
    }

    /// The power from which on a block is voice; `None` if it cannot be told apart from the noise.
    pub(super) fn threshold(&self, noise: &NoiseLevel) -> Option<f32> {
        let noise = noise.power.unwrap_or(0.0);
        let separable = self.peak > noise * SEPARABLE;
        separable.then(|| (noise * OVER_NOISE).max(self.peak * UNDER_VOICE))
    }

    /// The same for sound that the detector denies to be speech.
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
