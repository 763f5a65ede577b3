//! An open utterance and its end: its last voiced sample, whether it pauses, whether it is over.
//!
//! ```text
//! voice    ▇▅▇▆▂            ▂▇▅▇▆▂
//! silence       ├─120 ms─┤
//! events                 SilenceStarted
//!                              Resumed        (30 ms of voice within 60)
//!               ╵           ╵
//!       last_voiced         first_voiced      both by level; the detector is late at both
//! ```
//!
//! Sound in a pause is not trusted at once: a click, or a single frame, neither resumes the utterance nor extends it.
//! Only where the patience ends at such a sound, the decision waits for it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::super::event::{SILENCE_STARTED_AFTER, SpeechEvent};
use super::super::loudness::{
    BLOCKS, Levels, NoiseLevel, PIECE_DURATION, PIECES, Peaks, Powers, VoiceLevel,
};
use super::onset_backtrack;
use crate::base::frame::FRAME_DURATION;

/// Time after the detector's last positive verdict in which the voice can still end: it misses fricative ends of words
/// ("s", "sh"), which last up to a quarter of a second.
const HISS: Duration = Duration::from_millis(250);
/// Quiet time within or before such an end: the stop of "ts".
const HISS_GAP: Duration = Duration::from_millis(40);
/// Time that a positive detector, or a voice that may be resuming, extends the patience although the level says
/// silence: webrtc-vad's own tail, below 270 ms in every mode, is over then.
const OVERTIME: Duration = Duration::from_millis(150);
/// Voiced frames needed to resume: 30 ms, longer than a click of a keyboard or of the lips …
const RESUME_FRAMES: usize = 3;
/// … within 60 ms: a syllable does not start more slowly.
const RESUME_WINDOW: usize = 6;
/// Length of the frame history: the resumption window and the look-back.
const TRAIL: usize = RESUME_WINDOW + onset_backtrack::LOOK_BACK_FRAMES;

/// Delay of noise learning: detectors miss soft onsets ("s", "f"), and earshot the whole first syllable; those are no
/// noise.
pub(super) const NOISE_DELAY_FRAMES: usize = 20;
/// Power ratio to the peak of the 10 ms before below which there is only filter ringing, -30 dB, as after a loud sound
/// that stops abruptly. A voice does not fall as fast, and its next pulse comes sooner.
const RINGS: f32 = 1e-3;

#[derive(Clone, Copy, Debug)]
pub(super) struct MeasuredFrame {
    pub(super) captured: Instant,
    pub(super) levels: Levels,
    pub(super) voiced: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Utterance {
    held: bool,
    voice: VoiceLevel,
    last_voiced: Option<Instant>,
    /// End of the newest frame with a positive verdict.
    last_yes: Option<Instant>,
    /// End of the newest frame.
    end: Instant,
    /// Peaks of the newest frame.
    newest: Peaks,
    /// `SilenceStarted` was reported, and no `Resumed` since.
    paused: bool,
    /// Newest frames, oldest first.
    trail: VecDeque<Heard>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    captured: Instant,
    powers: Powers,
    /// Mean power of the frame.
    power: f32,
    /// End of the voice in it, by detector and level.
    voice: Option<Instant>,
    /// Both detector and level deny a voice.
    denied: bool,
}

impl Utterance {
    /// Starts an utterance with a detected voice.
    pub(super) fn found(first_voiced: Instant, voice: VoiceLevel) -> Self {
        Self {
            held: false,
            voice,
            last_voiced: Some(first_voiced),
            last_yes: None,
            end: first_voiced,
            newest: Peaks::default(),
            paused: false,
            trail: VecDeque::with_capacity(TRAIL),
        }
    }

    /// Starts an utterance with the talk key.
    pub(super) fn held(sound: &MeasuredFrame, noise: &NoiseLevel) -> Self {
        let mut open = Self {
            held: true,
            last_voiced: None,
            ..Self::found(sound.captured, VoiceLevel::default())
        };
        open.follow(sound, noise);
        open
    }

    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Last voiced sample so far; without one, the end of the newest frame.
    pub(super) fn last_voiced(&self) -> Instant {
        self.last_voiced.unwrap_or(self.end)
    }

    /// Processes the next frame. Returns the power of an earlier one that turned out to be noise.
    pub(super) fn follow(&mut self, sound: &MeasuredFrame, noise: &NoiseLevel) -> Option<f32> {
        let power = sound.levels.mean();
        self.voice.follow(power, sound.voiced);
        let voice = self.place(sound, noise);
        let denied = !sound.voiced && voice.is_none();
        if !denied {
            // Detectors are late: the frames just before may contain the onset.
            self.trail.iter_mut().for_each(|heard| heard.denied = false);
        }
        if self.trail.len() >= TRAIL {
            self.trail.pop_front();
        }
        self.trail.push_back(Heard {
            captured: sound.captured,
            powers: sound.levels.powers,
            power,
            voice,
            denied,
        });
        let settled = self.trail.len().checked_sub(1 + NOISE_DELAY_FRAMES)?;
        let settled = &self.trail[settled];
        settled.denied.then_some(settled.power)
    }

    /// Finds the end of the voice in a frame, and moves the last voiced sample there unless the utterance pauses.
    pub(super) fn place(&mut self, sound: &MeasuredFrame, noise: &NoiseLevel) -> Option<Instant> {
        self.end = sound.captured + FRAME_DURATION;
        let last = if sound.voiced {
            self.last_yes = Some(self.end);
            match self.voice.threshold(noise) {
                Some(threshold) => self.end_above(threshold, sound),
                // In noise this close to the voice the detector's tail is short: only its window is late.
                None => Some(sound.captured),
            }
        } else {
            self.hiss(sound, noise)
        };
        self.newest = sound.levels.peaks;
        if !self.paused {
            self.last_voiced = last.or(self.last_voiced);
        }
        last
    }

    /// End of the voice in a frame that the detector denies, if the level shows that the voice continues.
    fn hiss(&self, sound: &MeasuredFrame, noise: &NoiseLevel) -> Option<Instant> {
        let near = |instant: Option<Instant>, reach| {
            instant.is_some_and(|instant| sound.captured.saturating_duration_since(instant) < reach)
        };
        if !near(self.last_yes, HISS) || !near(self.last_voiced, HISS_GAP) {
            return None;
        }
        self.end_above(self.voice.hiss_threshold(noise)?, sound)
    }

    fn end_above(&self, threshold: f32, sound: &MeasuredFrame) -> Option<Instant> {
        end_above(threshold, &sound.levels, &self.newest).map(|into| sound.captured + into)
    }

    /// The talk key is down: only its release ends the utterance, and a pause is over.
    pub(super) fn hold(&mut self, now: Instant) -> Option<SpeechEvent> {
        self.held = true;
        self.paused.then(|| self.resume(now))
    }

    /// Returns `Resumed` if the voice continues after a pause.
    pub(super) fn resumption(&mut self, noise: &NoiseLevel) -> Option<SpeechEvent> {
        let begin = self.trail.len().saturating_sub(RESUME_WINDOW);
        let mut voiced = (begin..self.trail.len()).filter(|&i| self.trail[i].voice.is_some());
        let first = voiced.next()?;
        if !self.paused || 1 + voiced.count() < RESUME_FRAMES {
            return None;
        }
        let heard = |frame: usize| (self.trail[frame].captured, self.trail[frame].powers);
        let threshold = self.voice.threshold(noise);
        let first_voiced = onset_backtrack::find(self.trail.len(), first, threshold, heard);
        Some(self.resume(first_voiced))
    }

    fn resume(&mut self, first_voiced: Instant) -> SpeechEvent {
        self.paused = false;
        let before = self.last_voiced();
        let newest = self.trail.iter().rev().find_map(|heard| heard.voice);
        self.last_voiced = newest.max(Some(first_voiced));
        SpeechEvent::Resumed {
            first_voiced,
            pause: first_voiced.saturating_duration_since(before),
        }
    }

    /// Whether the patience has run out.
    pub(super) fn is_over(&self, patience: Duration, voiced: bool) -> bool {
        let silence = self.silence();
        let waits = (voiced || self.may_resume()) && silence < patience.saturating_add(OVERTIME);
        !self.held && silence >= patience && !waits
    }

    /// Returns `SilenceStarted` when a pause starts; an utterance that is `over` had one, however short.
    pub(super) fn silence_started(&mut self, over: bool) -> Option<SpeechEvent> {
        let quiet = over || self.silence() >= SILENCE_STARTED_AFTER;
        if self.paused || self.held || !quiet {
            return None;
        }
        self.paused = true;
        Some(SpeechEvent::SilenceStarted {
            last_voiced: self.last_voiced(),
        })
    }

    /// Whether a sound in the pause may become a resumption.
    pub(super) fn may_resume(&self) -> bool {
        let newest = self.trail.iter().rev().take(RESUME_WINDOW);
        self.paused && newest.into_iter().any(|heard| heard.voice.is_some())
    }

    fn silence(&self) -> Duration {
        self.end.saturating_duration_since(self.last_voiced())
    }
}

/// Offset of the end of the voice in a frame: the last sound in the last block whose power reaches `threshold`.
/// `before` are the peaks of the frame before. If the whole block is weaker by [`RINGS`], it only rings and there is
/// none.
fn end_above(threshold: f32, levels: &Levels, before: &Peaks) -> Option<Duration> {
    let peak = |piece: usize| {
        let index = piece.checked_sub(PIECES);
        index.map_or_else(|| before[piece], |index| levels.peaks[index])
    };
    let sounds = |piece: &usize| {
        let around = (*piece..=piece + PIECES).map(peak).fold(0.0, f32::max);
        peak(piece + PIECES) >= around * RINGS
    };
    let per_block = PIECES / BLOCKS;
    let blocks = (0..BLOCKS).filter(|block| levels.powers[*block] >= threshold);
    let mut pieces = blocks
        .rev()
        .flat_map(|block| (block * per_block..(block + 1) * per_block).rev());
    let last = pieces.find(sounds)?;
    Some(PIECE_DURATION * (last as u32 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds into a frame at which its voice ends. Given are peaks in dB, four to a block; -60 are the threshold.
    fn end(before: f32, peaks: [f32; PIECES]) -> Option<f64> {
        let value = |db: f32| 10.0_f32.powf(db / 10.0);
        let peaks = peaks.map(value);
        let mut powers = [0.0; BLOCKS];
        for (to, block) in powers.iter_mut().zip(peaks.chunks(PIECES / BLOCKS)) {
            *to = block.iter().sum::<f32>() / block.len() as f32;
        }
        let levels = Levels { powers, peaks };
        let end = end_above(value(-60.0), &levels, &[value(before); PIECES])?;
        Some(end.as_secs_f64() * 1e3)
    }

    /// So many pieces of a voice at -20 dB, then this.
    fn cut(pieces: usize, then: f32) -> [f32; PIECES] {
        std::array::from_fn(|piece| if piece < pieces { -20.0 } else { then })
    }

    #[test]
    fn a_voice_ends_with_the_piece_that_still_holds_some() {
        assert_eq!(end(-20.0, cut(PIECES, 0.0)), Some(10.0));
        assert_eq!(end(-20.0, cut(0, -70.0)), None);
        for pieces in 1..PIECES {
            let expected = pieces as f64 * 0.625;
            assert_eq!(end(-20.0, cut(pieces, -100.0)), Some(expected));
            assert_eq!(end(-20.0, cut(pieces, -55.0)), Some(expected), "it rings");
        }
    }

    #[test]
    fn what_dies_away_slowly_or_rises_again_is_voice() {
        assert_eq!(end(-20.0, cut(0, -55.0)), None, "it rings");
        assert_eq!(end(-40.0, cut(0, -55.0)), Some(10.0));
        let falling = std::array::from_fn(|piece| -30.0 - 1.5 * piece as f32);
        assert_eq!(end(-28.0, falling), Some(10.0));
        // Between the pulses of a deep voice it is as quiet as that for some milliseconds.
        let mut pulses = cut(2, -55.0);
        pulses[14] = -21.0;
        assert_eq!(end(-20.0, pulses), Some(9.375));
    }
}
