//! Notices a detector that is stuck on: it has called unvarying sound speech for too long.
//!
//! In loud steady noise webrtc-vad says yes for ever. Speech is told from it by its level, which varies by far more
//! than 3 dB within eight seconds even where nobody draws breath.

/// Bins that are looked at together: eight seconds.
const BINS: usize = 80;
/// Frames in a bin: 100 ms, shorter than the syllables whose rise and fall is the mark of speech.
const BIN_FRAMES: u32 = 10;
/// Share of the frames that must be called speech: noise makes detectors flicker now and then.
const VOICED_PERCENT: u32 = 90;
/// Ratio of the powers of the bins at nine and at one tenth from the bottom: 3 dB. Outliers do not count.
const VARIATION: f32 = 2.0;

/// Watches verdicts and powers.
#[derive(Clone, Debug)]
pub(super) struct Watchdog {
    powers: [f32; BINS],
    voiced: [u32; BINS],
    next: usize,
    filled: usize,
    /// Power, voiced frames and frames of the bin that is being filled.
    bin: (f32, u32, u32),
}

impl Default for Watchdog {
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

impl Watchdog {
    /// Takes in a frame. Returns the power of the sound that holds the detector on if that has just become clear;
    /// it then begins to watch anew.
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
        let stuck = self.stuck();
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
