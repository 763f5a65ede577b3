//! Detects a speech detector that is stuck: positive for too long over unvarying sound.
//!
//! In loud steady noise webrtc-vad stays positive for ever. Speech differs from it in level variation: by far more than
//! 3 dB within eight seconds, even without a breath.

/// Bins of the window: eight seconds.
const BINS: usize = 80;
/// Frames in a bin: 100 ms, shorter than the syllables whose rise and fall is the mark of speech.
const BIN_FRAMES: u32 = 10;
/// Share of the frames that must be positive: in noise detectors flicker. It need not be large, as no speech is this
/// level.
const VOICED_PERCENT: u32 = 50;
/// Power ratio of the bins at nine tenths and one tenth of the order: 3 dB. Outliers do not count.
const VARIATION: f32 = 2.0;

#[derive(Clone, Debug)]
pub(super) struct StuckDetector {
    powers: [f32; BINS],
    voiced: [u32; BINS],
    next: usize,
    filled: usize,
    /// Power sum, voiced frames and frames of the current bin.
    bin: (f32, u32, u32),
}

impl Default for StuckDetector {
    fn default() -> Self {
        Self {
            powers: [0.0; BINS],
            voiced: [0; BINS],
            next: 0,
            filled: 0,
            bin: (0.0, 0, 0),
        }
    }
}

impl StuckDetector {
    /// Processes a frame. Returns the power of the sound that holds the detector on, once, when that becomes clear;
    /// then it starts over.
    pub(super) fn watch(&mut self, power: f32, voiced: bool) -> Option<f32> {
        self.bin.0 += power;
        self.bin.1 += u32::from(voiced);
        self.bin.2 += 1;
        if self.bin.2 < BIN_FRAMES {
            return None;
        }
        let (power, voiced, frames) = std::mem::take(&mut self.bin);
        self.powers[self.next] = power / frames as f32;
        self.voiced[self.next] = voiced;
        self.next = (self.next + 1) % BINS;
        self.filled = (self.filled + 1).min(BINS);
        let stuck = if voiced * 2 > frames {
            self.stuck()
        } else {
            None
        };
        if stuck.is_some() {
            *self = Self::default();
        }
        stuck
    }

    fn stuck(&self) -> Option<f32> {
        let voiced: u32 = self.voiced.iter().sum();
        if self.filled < BINS || voiced * 100 < VOICED_PERCENT * BIN_FRAMES * BINS as u32 {
            return None;
        }
        let mut sorted = self.powers;
        sorted.sort_by(f32::total_cmp);
        let (low, high) = (sorted[BINS / 10], sorted[BINS - BINS / 10]);
        (high < low * VARIATION).then_some(sorted[BINS / 2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_level_sound_that_is_called_speech_for_eight_seconds_counts() {
        // Swing of the level from one 100 ms to the next in dB, one frame in how many is denied, whether it is stuck.
        let table = [
            (0.0, 1_000, true),
            (2.0, 1_000, true),
            (2.0, 3, true),
            (4.0, 1_000, false),
            (20.0, 1_000, false),
            (0.0, 1, false),
        ];
        for (swing, denied, stuck) in table {
            let mut stuck_detector = StuckDetector::default();
            let heard = (0..2_000).find_map(|frame: u32| {
                let up = if (frame / 10).is_multiple_of(2) {
                    0.0
                } else {
                    swing
                };
                let power = 1e-4 * 10.0_f32.powf(up / 10.0);
                let power = stuck_detector.watch(power, !frame.is_multiple_of(denied));
                power.map(|power| (frame, power))
            });
            assert_eq!(
                heard.map(|heard| heard.0),
                stuck.then_some(799),
                "{swing} dB, {denied}"
            );
            assert!(heard.is_none_or(|heard| (0.9e-4..2e-4).contains(&heard.1)));
        }
    }
}
