//! The silence at the start of a reply: skipped but for its end.

use std::time::Duration;

use super::audible::INAUDIBLE;
use crate::base::frame::Pcm;
use crate::base::ids::TurnId;
use crate::base::units::SampleRate;

/// Silence kept before the first sound: the length of the fade-in, so that no sound is faded.
const KEPT: Duration = Duration::from_millis(5);

/// Index of the first sample that is not silent.
pub(super) fn first_sound(samples: &[i16]) -> Option<usize> {
    samples.iter().position(|s| s.unsigned_abs() > INAUDIBLE)
}

/// How a reply begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begin {
    pub(super) turn: TurnId,
    pub(super) skipped: Duration,
    /// Rate of `quiet`.
    pub(super) rate: SampleRate,
    /// Samples before the first one that is not silent; `None` if all are silent.
    pub(super) quiet: Option<u64>,
}

/// The silence of a reply of which no sound has come yet.
pub(super) struct LeadingSilence {
    /// Its newest part.
    kept: Vec<i16>,
    rate: SampleRate,
    skipped: Duration,
}

impl LeadingSilence {
    pub(super) fn new(rate: SampleRate) -> Self {
        Self {
            kept: Vec::new(),
            rate,
            skipped: Duration::ZERO,
        }
    }

    /// Takes in a chunk. With the first sound: how the reply begins, and the samples to play.
    pub(super) fn push(&mut self, mut pcm: Pcm) -> Option<(Begin, Vec<i16>)> {
        if self.rate != pcm.rate {
            // Silence at another rate is skipped as a whole.
            self.skipped += self.rate.duration_of(self.kept.len() as u64);
            self.rate = pcm.rate;
            self.kept.clear();
        }
        let sound = first_sound(&pcm.samples);
        self.kept
            .extend_from_slice(&pcm.samples[..sound.unwrap_or(pcm.samples.len())]);
        let surplus = self.kept.len().saturating_sub(pcm.rate.samples_in(KEPT));
        self.kept.drain(..surplus);
        self.skipped += pcm.rate.duration_of(surplus as u64);
        let sound = sound?;
        let mut samples = std::mem::take(&mut self.kept);
        let begin = Begin {
            turn: pcm.turn,
            skipped: self.skipped,
            rate: pcm.rate,
            quiet: Some(samples.len() as u64),
        };
        samples.extend(pcm.samples.drain(sound..));
        Some((begin, samples))
    }

    /// How a reply begins, and ends, in which no sound came.
    pub(super) fn all(&self, turn: TurnId) -> Begin {
        Begin {
            turn,
            skipped: self.skipped + self.rate.duration_of(self.kept.len() as u64),
            rate: self.rate,
            quiet: None,
        }
    }
}
