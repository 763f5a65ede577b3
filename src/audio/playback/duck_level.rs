//! The playback level (full, ducked or zero), and the glide between levels.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::Duration;

use crate::base::units::SampleRate;

/// Length of every fade: short enough to be prompt, long enough not to click.
pub const FADE: Duration = Duration::from_millis(5);
/// Amplitude of a ducked reply, -20 dB: it stays audible, and the user hears themselves.
const DUCKED: f32 = 0.1;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DuckLevel {
    #[default]
    Full,
    /// 20 dB lower.
    Ducked,
    /// Silent: playback pauses.
    Zero,
}

impl DuckLevel {
    fn amplitude(self) -> f32 {
        match self {
            Self::Full => 1.0,
            Self::Ducked => DUCKED,
            Self::Zero => 0.0,
        }
    }
}

/// The target level, shared between worker and callback.
#[derive(Default)]
pub(super) struct SharedLevel(AtomicU8);

impl SharedLevel {
    pub(super) fn set(&self, level: DuckLevel) {
        self.0.store(level as u8, Relaxed);
    }

    pub(super) fn get(&self) -> DuckLevel {
        match self.0.load(Relaxed) {
            0 => DuckLevel::Full,
            1 => DuckLevel::Ducked,
            _ => DuckLevel::Zero,
        }
    }
}

/// A gain with a linear ramp, from zero to full within [`FADE`].
pub(super) struct GainRamp {
    /// In integer steps, so that it arrives exactly.
    at: u32,
    aim: u32,
    full: u32,
    level: DuckLevel,
}

/// The ducked level was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    /// Number of samples after which.
    pub(super) after: usize,
}

impl GainRamp {
    pub(super) fn new(rate: SampleRate) -> Self {
        let full = u32::try_from(rate.samples_in(FADE))
            .unwrap_or(u32::MAX)
            .max(10);
        Self {
            at: full,
            aim: full,
            full,
            level: DuckLevel::Full,
        }
    }

    /// Glides to this level from the next sample on.
    pub(super) fn aim(&mut self, level: DuckLevel) {
        self.level = level;
        self.aim = (level.amplitude() * self.full as f32) as u32;
    }

    /// Jumps to this level: nothing plays.
    pub(super) fn jump(&mut self, level: DuckLevel) {
        self.aim(level);
        self.at = self.aim;
    }

    /// Whether it is zero and stays zero.
    pub(super) fn is_zero(&self) -> bool {
        self.at == 0 && self.aim == 0
    }

    /// Samples until it is zero, if that is the target.
    pub(super) fn steps_to_zero(&self) -> usize {
        if self.aim == 0 {
            self.at as usize
        } else {
            usize::MAX
        }
    }

    /// Applies the gain; returns when the ducked level was reached, if it was.
    pub(super) fn apply(&mut self, samples: &mut [f32]) -> Option<Reached> {
        if self.at == self.aim && self.at == self.full {
            return None;
        }
        let mut reached = None;
        for (i, sample) in samples.iter_mut().enumerate() {
            let falls = self.at > self.aim;
            if falls {
                self.at -= 1;
            } else if self.at < self.aim {
                self.at += 1;
            }
            if falls && self.at == self.aim && self.level == DuckLevel::Ducked {
                reached = Some(Reached { after: i + 1 });
            }
            *sample *= self.at as f32 / self.full as f32;
        }
        reached
    }
}
