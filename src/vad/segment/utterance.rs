//! An open utterance: where its voice was last heard, whether it pauses, whether it is over.
//!
//! ```text
//! voice    ▇▅▇▆▂            ▂▇▅▇▆▂
//! silence       ├─120 ms─┤
//! told                   Lull  Resumed        (30 ms of voice within 60)
//!               ╵           ╵
//!       last_voiced         first_voiced      both by level; the detector is late at both
//! ```
//!
//! What is heard in a lull is not believed at once: a click, or a single frame, neither resumes the utterance nor
//! prolongs it. Only where the end of patience meets such a beginning is it waited for.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::super::loudness::{self, BLOCK_DURATION, BLOCKS, Noise, Powers, Voice};
use super::super::{LULL, SpeechEvent};
use super::{NOISE_DELAY_FRAMES, rise};
use crate::base::frame::FRAME_DURATION;

/// How long after the detector's last yes the voice can still end: it misses hissing ends of words ("s", "sh"), which
/// last up to a quarter of a second.
const HISS: Duration = Duration::from_millis(250);
/// Soft time within or before such an end: the stop of "ts".
const HISS_GAP: Duration = Duration::from_millis(40);
/// How long after the end of patience a detector that still says yes, or a voice that may be coming back, is waited
/// for, although the level says that nobody speaks: webrtc-vad's own tail is over then, it is below 270 ms in every mode.
const OVERTIME: Duration = Duration::from_millis(150);
/// Voiced frames that make a resumption: 30 ms, longer than a click of a keyboard or of the lips …
const RESUME_FRAMES: usize = 3;
/// … within 60 ms: a syllable begins no slower.
const RESUME_WINDOW: usize = 6;
/// Frames that are remembered: where a resumption is looked for, and what is not yet noise.
const TRAIL: usize = RESUME_WINDOW + rise::LOOK_BACK_FRAMES;

/// No voice falls by so much, 20 dB, from one block to the next and goes on; one that ends at once does.
const CUT: f32 = 0.01;

/// What a frame sounds like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sound {
    pub(super) captured: Instant,
    pub(super) powers: Powers,
    /// The detector's verdict.
    pub(super) voiced: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Utterance {
    held: bool,
    voice: Voice,
    last_voiced: Option<Instant>,
    /// End of the newest frame that the detector took for speech.
    last_yes: Option<Instant>,
    /// End of the newest frame.
    end: Instant,
    /// Its powers.
    newest: Powers,
    /// A lull has been told, and no resumption since.
    paused: bool,
    /// The newest frames, the oldest first.
    trail: VecDeque<Heard>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    captured: Instant,
    powers: Powers,
    /// The end of the voice in it, by detector and level.
    voice: Option<Instant>,
    /// Neither says that there is voice.
    denied: bool,
}

impl Utterance {
    /// One that begins with a voice.
    pub(super) fn found(first_voiced: Instant, voice: Voice) -> Self {
        Self {
            held: false,
            voice,
            last_voiced: Some(first_voiced),
            last_yes: None,
            end: first_voiced,
            newest: Powers::default(),
            paused: false,
            trail: VecDeque::with_capacity(TRAIL),
        }
    }

    /// One that begins with the talk key.
    pub(super) fn held(sound: &Sound, noise: &Noise) -> Self {
        let mut open = Self {
            held: true,
            last_voiced: None,
            ..Self::found(sound.captured, Voice::default())
        };
        open.follow(sound, noise);
        open
    }

    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Last voiced sample so far; if there was none, the end of what was heard.
    pub(super) fn last_voiced(&self) -> Instant {
        self.last_voiced.unwrap_or(self.end)
    }

    /// Takes in the next frame. Returns the power of an earlier one if that has turned out to be noise.
    pub(super) fn follow(&mut self, sound: &Sound, noise: &Noise) -> Option<f32> {
        let power = loudness::mean(&sound.powers);
        self.voice.follow(power, sound.voiced);
        let voice = self.place(sound, noise);
        let denied = !sound.voiced && voice.is_none();
        if !denied {
            // Detectors are late: what came just before may have been its beginning.
            self.trail.iter_mut().for_each(|heard| heard.denied = false);
        }
        if self.trail.len() >= TRAIL {
            self.trail.pop_front();
        }
        self.trail.push_back(Heard {
            captured: sound.captured,
            powers: sound.powers,
            voice,
            denied,
        });
        let settled = self.trail.len().checked_sub(1 + NOISE_DELAY_FRAMES)?;
        let settled = &self.trail[settled];
        settled.denied.then(|| loudness::mean(&settled.powers))
    }

    /// Finds the end of the voice in a frame, and moves the last voiced sample there unless the utterance pauses.
    pub(super) fn place(&mut self, sound: &Sound, noise: &Noise) -> Option<Instant> {
        self.end = sound.captured + FRAME_DURATION;
        let last = if sound.voiced {
            self.last_yes = Some(self.end);
            match self.voice.threshold(noise) {
                Some(threshold) => end_above(threshold, sound, &self.newest),
                // In noise this close to the voice the detector's tail is short: its window is all that is late.
                None => Some(sound.captured),
            }
        } else {
            self.hiss(sound, noise)
        };
        self.newest = sound.powers;
        if !self.paused {
            self.last_voiced = last.or(self.last_voiced);
        }
        last
    }

    /// The end of the voice in a frame which the detector denies, if the voice clearly goes on in it.
    fn hiss(&self, sound: &Sound, noise: &Noise) -> Option<Instant> {
        let near = |instant: Option<Instant>, reach| {
            instant.is_some_and(|instant| sound.captured.saturating_duration_since(instant) < reach)
        };
        if !near(self.last_yes, HISS) || !near(self.last_voiced, HISS_GAP) {
            return None;
        }
        end_above(self.voice.hiss_threshold(noise)?, sound, &self.newest)
    }

    /// The talk key is down: from now on only its release ends the utterance, and a lull is over.
    pub(super) fn hold(&mut self, now: Instant) -> Option<SpeechEvent> {
        self.held = true;
        self.paused.then(|| self.resume(now))
    }

    /// Tells that the voice goes on after a lull, if it does.
    pub(super) fn resumption(&mut self, noise: &Noise) -> Option<SpeechEvent> {
        let begin = self.trail.len().saturating_sub(RESUME_WINDOW);
        let mut voiced = (begin..self.trail.len()).filter(|&i| self.trail[i].voice.is_some());
        let first = voiced.next()?;
        if !self.paused || 1 + voiced.count() < RESUME_FRAMES {
            return None;
        }
        let heard = |frame: usize| (self.trail[frame].captured, self.trail[frame].powers);
        let threshold = self.voice.threshold(noise);
        let first_voiced = rise::find(self.trail.len(), first, threshold, heard);
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

    /// Whether patience has run out.
    pub(super) fn is_over(&self, patience: Duration, voiced: bool) -> bool {
        let silence = self.silence();
        let waits = (voiced || self.may_resume()) && silence < patience.saturating_add(OVERTIME);
        !self.held && silence >= patience && !waits
    }

    /// Tells a lull that has just become one; whoever is `over` had one before, however short.
    pub(super) fn lull(&mut self, over: bool) -> Option<SpeechEvent> {
        let quiet = over || self.silence() >= LULL;
        if self.paused || self.held || !quiet {
            return None;
        }
        self.paused = true;
        Some(SpeechEvent::Lull {
            last_voiced: self.last_voiced(),
        })
    }

    /// Something that may become a resumption has been heard in a lull.
    pub(super) fn may_resume(&self) -> bool {
        let newest = self.trail.iter().rev().take(RESUME_WINDOW);
        self.paused && newest.into_iter().any(|heard| heard.voice.is_some())
    }

    fn silence(&self) -> Duration {
        self.end.saturating_duration_since(self.last_voiced())
    }
}

/// Where the voice ends, by the blocks whose power reaches `threshold`; `before` are the powers of the frame before. What
/// is weaker by [`CUT`] than the block before it, and what follows without rising, holds no voice: filters ring for some
/// milliseconds when a loud sound ends at once. A block that is a little weaker holds that much less of it.
fn end_above(threshold: f32, sound: &Sound, before: &Powers) -> Option<Instant> {
    let mut end = None;
    let (mut earlier, mut rings) = (before[0], false);
    let places = (0..BLOCKS).map(Some);
    for (&power, block) in before[1..]
        .iter()
        .chain(&sound.powers)
        .zip([None; BLOCKS - 1].into_iter().chain(places))
    {
        rings = power < earlier * CUT || rings && power <= earlier;
        if let Some(block) = block.filter(|_| power >= threshold) {
            let part = if rings {
                0.0
            } else {
                (power / earlier.max(power)).sqrt()
            };
            if !rings || end.is_none() {
                end = Some(BLOCK_DURATION * block as u32 + BLOCK_DURATION.mul_f32(part));
            }
        }
        earlier = power;
    }
    end.map(|end| sound.captured + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds into a frame at which its voice ends; powers in dB, -60 are the threshold.
    fn end(before: [f32; BLOCKS], powers: [f32; BLOCKS]) -> Option<f64> {
        let power = |db: f32| 10.0_f32.powf(db / 10.0);
        let captured = Instant::now();
        let sound = Sound {
            captured,
            powers: powers.map(power),
            voiced: true,
        };
        let end = end_above(power(-60.0), &sound, &before.map(power))?;
        Some(end.duration_since(captured).as_secs_f64() * 1e3)
    }

    #[test]
    fn a_voice_ends_with_the_block_that_still_holds_some() {
        assert_eq!(end([-20.0; 4], [-20.0, -18.0, -19.0, -18.0]), Some(10.0));
        assert_eq!(end([-20.0; 4], [-70.0; 4]), None);
        // A quarter of a block's voice is a quarter of its power.
        let part = end([-20.0; 4], [-20.0, -26.0, -70.0, -80.0]).expect("voice");
        assert!((3.0..4.0).contains(&part), "{part}");
    }

    #[test]
    fn what_filters_ring_is_no_voice() {
        let cut = [-45.0, -50.0, -55.0, -75.0];
        assert_eq!(end([-20.0; 4], cut), Some(0.0));
        // A stop within a word falls as steeply, and what rises after it is voice.
        assert_eq!(end([-20.0; 4], [-45.0, -50.0, -30.0, -25.0]), Some(10.0));
        // As in speech that dies away slowly.
        assert_eq!(end([-35.0, -38.0, -41.0, -44.0], [-44.0; 4]), Some(10.0));
    }
}
