//! Estimates the noise floor of the room, to decide whether noise suppression is worth its cost.
//!
//! In a quiet room a suppressor gains nothing, and costs 6 ms and the phase of deep voices. The floor is the minimum
//! power over two seconds, in pieces of 50 ms: speech always has gaps within that time.

use crate::base::frame::FRAME_SAMPLES;
use crate::base::units::{Dbfs, mean_power};

/// Frames of a piece.
const PIECE: usize = 5;
/// Pieces of the window: two seconds.
const PIECES: usize = 40;
/// Pieces needed for a first estimate: one second.
const KNOWN: usize = 20;
/// Floor above which the room counts as noisy: a fan or a street. Quiet rooms measure -70 to -60 dBFS.
const NOISY: Dbfs = Dbfs(-58.0);
/// Floor below which it counts as quiet again.
const QUIET: Dbfs = Dbfs(-63.0);

#[derive(Clone, Debug)]
pub struct NoiseFloor {
    pieces: [f32; PIECES],
    next: usize,
    filled: usize,
    /// Power sum and frames of the current piece.
    piece: (f32, usize),
    noisy: bool,
}

impl Default for NoiseFloor {
    fn default() -> Self {
        Self {
            pieces: [0.0; PIECES],
            next: 0,
            filled: 0,
            piece: (0.0, 0),
            noisy: false,
        }
    }
}

impl NoiseFloor {
    /// Processes a frame. Returns a change to noisy (`true`) or quiet (`false`).
    pub fn push(&mut self, frame: &[f32; FRAME_SAMPLES]) -> Option<bool> {
        self.piece.0 += mean_power(frame);
        self.piece.1 += 1;
        if self.piece.1 < PIECE {
            return None;
        }
        let (power, frames) = std::mem::take(&mut self.piece);
        self.pieces[self.next] = power / frames as f32;
        self.next = (self.next + 1) % PIECES;
        self.filled = (self.filled + 1).min(PIECES);
        if self.filled < KNOWN {
            return None;
        }
        let least = self.pieces[..self.filled].iter().copied();
        let floor = Dbfs::from_amplitude(least.fold(f32::INFINITY, f32::min).sqrt());
        let noisy = if self.noisy {
            floor > QUIET
        } else {
            floor > NOISY
        };
        (std::mem::replace(&mut self.noisy, noisy) != noisy).then_some(noisy)
    }

    /// Whether the room is noisy; `false` during the first second.
    pub fn is_noisy(&self) -> bool {
        self.noisy
    }

    /// Resets the estimate for another microphone.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes reported, by the second, for one second of noise at each level; with a word in every second.
    fn changes_of(levels: &[f32]) -> Vec<(usize, bool)> {
        let mut floor = NoiseFloor::default();
        let mut seed = 1_u32;
        let mut changes = Vec::new();
        for (second, level) in levels.iter().enumerate() {
            for frame in 0..100 {
                let loud = if (20..80).contains(&frame) {
                    -20.0
                } else {
                    *level
                };
                let amplitude = Dbfs(loud).amplitude() * 3.0_f32.sqrt();
                let samples = std::array::from_fn(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    ((seed >> 8) as f32 / 8_388_608.0 - 1.0) * amplitude
                });
                changes.extend(floor.push(&samples).map(|noisy| (second, noisy)));
            }
        }
        changes
    }

    #[test]
    fn a_quiet_room_is_quiet_and_a_fan_is_noise() {
        assert_eq!(changes_of(&[-70.0; 5]), []);
        assert_eq!(changes_of(&[-120.0; 5]), []);
        assert_eq!(changes_of(&[-50.0; 3]), [(0, true)]);
    }

    #[test]
    fn it_follows_within_two_seconds_and_does_not_flicker() {
        let levels = [-50.0, -50.0, -80.0, -80.0, -50.0, -50.0, -50.0, -50.0];
        assert_eq!(changes_of(&levels), [(0, true), (2, false), (5, true)]);
        assert_eq!(changes_of(&[-50.0, -60.0, -60.0, -60.0]), [(0, true)]);
    }
}
