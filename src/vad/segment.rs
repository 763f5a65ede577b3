//! Forms utterances from frames and verdicts: onset, pre-roll, patience, talk key. Pure: time comes with the frames.
//!
//! ```text
//!              onset trigger, or key down
//!      ┌────┐ ─────────── Started ──────────▶ ┌──────┐
//!      │idle│                                 │ open │ ──▶ Frame, Frame, …
//!      └────┘ ◀────────── Ended ───────────── └──────┘
//!              patience over, key up, close, stuck detector
//!
//! sound      ────────▁▂▄▇▇▅▇▆▂▁──────────────
//! verdict    ──────────██████████████──────────      late at the onset, with a tail at the end
//!                 ╷  ╷         ╷            ╷
//!             lead│  │         │last_voiced │Ended: patience later
//!                    └first_voiced
//! ```
//!
//! A silence of 120 ms within an utterance is reported as `SilenceStarted`, a voice that continues after it as
//! `Resumed`; see `utterance`. Every frame is released at most once: frames of one utterance are not in the pre-roll of
//! the next.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::detector_trait::DETECTOR_WINDOW_FRAMES;
use super::event::SpeechEvent;
use super::loudness::{Levels, Loudness, NoiseLevel, VoiceLevel};
use super::stuck_detector::StuckDetector;
use crate::base::frame::{FRAME_DURATION, Frame};
use end_of_utterance::{MeasuredFrame, NOISE_DELAY_FRAMES, Utterance};

mod end_of_utterance;
mod onset_backtrack;
#[cfg(test)]
mod tests;

/// Start of a stream in which onsets are ignored: detectors fire within their first 60 to 110 ms, whatever the input.
const SETTLING: Duration = Duration::from_millis(200);
/// How long a detector may stay positive after an utterance that was ended from outside: webrtc-vad's tail is below 270
/// ms in every mode. No utterance starts until one negative verdict.
const TAIL: Duration = Duration::from_millis(270);
/// Pre-roll when the talk key opens an utterance: people start to speak as they press. A longer one would send what
/// they did not mean to.
const HELD_PREROLL: Duration = Duration::from_millis(150);
/// Quiet frames after which a re-armed detector is relaxed …
const QUIET_FRAMES: u32 = 500;
/// … at this power, relative to the sound it was stuck at: -6 dB. While that sound continues, it would get stuck again.
const QUIET_POWER: f32 = 0.25;
/// Maximum of any duration in frames: ten seconds.
const MOST_FRAMES: u32 = 1_000;

/// Segmentation settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentSettings {
    /// Voiced sound needed for an onset while nothing plays, within 1.5 times that duration.
    pub onset_idle: Duration,
    /// The same while a reply plays.
    pub onset_playing: Duration,
    /// Silence after the last voiced sample that ends the utterance.
    pub patience: Duration,
    /// Sound before the onset that belongs to the utterance.
    pub preroll: Duration,
}

/// The context of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameContext {
    /// Verdict of the detector.
    pub voiced: bool,
    /// A reply plays.
    pub playing: bool,
    /// The talk key is down.
    pub held: bool,
    /// The uplink is closed: no utterance starts, and this frame never becomes pre-roll. An open utterance goes on
    /// ([`Segmenter::close`] ends it). The talk key takes precedence.
    pub blocked: bool,
}

/// What the caller must do with the detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentNote {
    /// The detector has been positive for eight seconds of unvarying sound: set it to aggressiveness 3 and notify the
    /// user. An open false utterance has been ended; sound of this level starts no other.
    Rearm,
    /// Five seconds of quiet: restore the aggressiveness of the profile.
    Relax,
}

/// The segmenter. See the [module](self).
#[derive(Clone, Debug)]
pub struct Segmenter {
    settings: SegmentSettings,
    loudness: Loudness,
    noise: NoiseLevel,
    stuck_detector: StuckDetector,
    rearmed: Option<Rearmed>,
    /// Whether the newest frame is louder than the noise.
    loud: bool,
    /// Frames for which the detector may still be positive because of the previous utterance.
    tail: u32,
    /// Frames since the stream began.
    age: u32,
    /// Expected sequence number of the next frame.
    expected: Option<u64>,
    /// Frames outside any utterance, oldest first, without gaps.
    waiting: VecDeque<Waiting>,
    open: Option<Utterance>,
    /// Whether only the talk key opens an utterance.
    by_key: bool,
}

#[derive(Clone, Debug)]
struct Waiting {
    frame: Frame,
    levels: Levels,
    /// Speech by detector and level, after settling.
    voiced: bool,
    /// The verdict was negative.
    denied: bool,
}

#[derive(Clone, Copy, Debug)]
struct Rearmed {
    power: f32,
    quiet: u32,
}

impl Segmenter {
    /// Creates a segmenter at the start of a stream.
    pub fn new(settings: SegmentSettings) -> Self {
        Self {
            settings,
            loudness: Loudness::default(),
            noise: NoiseLevel::default(),
            stuck_detector: StuckDetector::default(),
            rearmed: None,
            loud: false,
            tail: 0,
            age: 0,
            expected: None,
            waiting: VecDeque::with_capacity(room(&settings)),
            open: None,
            by_key: false,
        }
    }

    /// Applies settings from the next frame on; an open utterance goes on. A re-armed detector counts as relaxed: set
    /// it to the new profile's aggressiveness.
    pub fn set_settings(&mut self, settings: SegmentSettings) {
        self.settings = settings;
        self.rearmed = None;
        let room = room(&settings);
        self.waiting
            .reserve(room.saturating_sub(self.waiting.len()));
    }

    /// Sets only the patience, from the next frame on, also within an utterance.
    pub fn set_patience(&mut self, patience: Duration) {
        self.settings.patience = patience;
    }

    /// Sets whether only the talk key opens an utterance; an open one goes on.
    pub fn set_by_key(&mut self, by_key: bool) {
        self.by_key = by_key;
    }

    /// Whether the newest frame is louder than the noise; otherwise it cannot be an onset.
    pub fn is_loud(&self) -> bool {
        self.loud
    }

    /// Last voiced sample of the open utterance so far, by level.
    pub fn last_voiced(&self) -> Option<Instant> {
        self.open.as_ref().map(Utterance::last_voiced)
    }

    /// Whether an utterance is open.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Processes the next frame and appends the resulting events to `out`.
    ///
    /// Allocates only for [`SpeechEvent::Started`], and if `out` lacks capacity.
    pub fn push(
        &mut self,
        frame: Frame,
        context: FrameContext,
        out: &mut Vec<SpeechEvent>,
    ) -> Option<SegmentNote> {
        if self.expected != Some(frame.sequence) {
            self.waiting.clear();
        }
        self.expected = Some(frame.sequence.wrapping_add(1));
        self.age = self.age.saturating_add(1);
        let levels = self.loudness.measure(&frame.samples);
        let power = levels.mean();
        self.loud = self.noise.is_exceeded_by(power);
        if self.open.as_ref().is_some_and(Utterance::is_held) && !context.held {
            self.close(out);
        }
        if self.age <= frames(SETTLING) && !context.held && !context.blocked {
            self.noise.guess(power);
        }
        match &self.open {
            Some(_) => self.go_on(frame, &levels, context, out),
            None => self.await_onset(frame, levels, context, out),
        }
        self.guard(power, context, out)
    }

    /// Ends an open utterance now: the microphone is muted or lost, or the talk key went up between frames. Also drops
    /// waiting frames.
    pub fn close(&mut self, out: &mut Vec<SpeechEvent>) {
        self.waiting.clear();
        if let Some(open) = self.open.take() {
            self.tail = frames(TAIL);
            out.push(SpeechEvent::Ended {
                last_voiced: open.last_voiced(),
            });
        }
    }

    /// Starts a new stream: ends an open utterance and resets everything but settings and talk-key mode. Reset the
    /// detector too.
    pub fn reset(&mut self, out: &mut Vec<SpeechEvent>) {
        self.close(out);
        *self = Self {
            by_key: self.by_key,
            ..Self::new(self.settings)
        };
    }

    fn await_onset(
        &mut self,
        frame: Frame,
        levels: Levels,
        context: FrameContext,
        out: &mut Vec<SpeechEvent>,
    ) {
        if context.blocked {
            self.waiting.clear();
        }
        if !context.held && context.blocked {
            return;
        }
        let settled = self.age > frames(SETTLING);
        self.tail = if context.voiced {
            self.tail.saturating_sub(1)
        } else {
            0
        };
        let voiced =
            context.voiced && settled && self.tail == 0 && self.noise.is_exceeded_by(levels.mean());
        if self.waiting.len() >= room(&self.settings) {
            let surplus = self.waiting.len() + 1 - room(&self.settings);
            self.waiting.drain(..surplus);
        }
        self.waiting.push_back(Waiting {
            frame,
            levels,
            voiced,
            denied: !context.voiced,
        });
        self.learn_noise();
        if context.held {
            self.start_held(context.voiced, out);
        } else if !self.by_key
            && let Some(first) = self.onset(context.playing)
        {
            self.start(first, out);
        }
    }

    /// Learns the noise from a frame that no speech followed.
    fn learn_noise(&mut self) {
        let settled = self.waiting.len().checked_sub(1 + NOISE_DELAY_FRAMES);
        if let Some(waiting) = settled.and_then(|index| self.waiting.get(index))
            && waiting.denied
        {
            self.noise.learn(waiting.levels.mean());
        }
    }

    /// First waiting frame of an onset, if there is one.
    fn onset(&self, playing: bool) -> Option<usize> {
        let trigger = if playing {
            self.settings.onset_playing
        } else {
            self.settings.onset_idle
        };
        let needed = frames(trigger).max(1) as usize;
        let window = onset_window(trigger);
        let begin = self.waiting.len().saturating_sub(window);
        let mut voiced = (begin..self.waiting.len()).filter(|&i| self.waiting[i].voiced);
        let first = voiced.next()?;
        (1 + voiced.count() >= needed).then_some(first)
    }

    /// Opens an utterance whose first voiced frame, by the detector, is `first`.
    fn start(&mut self, first: usize, out: &mut Vec<SpeechEvent>) {
        let mut voice = VoiceLevel::default();
        for waiting in self.waiting.range(first..) {
            voice.follow(waiting.levels.mean(), waiting.voiced);
        }
        let first_voiced = self.first_voiced(first, &voice);
        let onset = self
            .waiting
            .iter()
            .position(|w| w.frame.end() > first_voiced);
        let preroll = frames(self.settings.preroll) as usize;
        let begin = onset.unwrap_or(first).saturating_sub(preroll);
        let mut open = Utterance::found(first_voiced, voice);
        for waiting in self.waiting.range(first..) {
            open.place(&waiting.sound(waiting.voiced), &self.noise);
        }
        self.open = Some(open);
        self.emit_start(begin, first_voiced, out);
    }

    fn start_held(&mut self, voiced: bool, out: &mut Vec<SpeechEvent>) {
        let Some(newest) = self.waiting.back() else {
            return;
        };
        let first_voiced = newest.frame.captured;
        let open = Utterance::held(&newest.sound(voiced), &self.noise);
        self.open = Some(open);
        let preroll = frames(HELD_PREROLL.min(self.settings.preroll)) as usize;
        let begin = self.waiting.len().saturating_sub(1 + preroll);
        self.emit_start(begin, first_voiced, out);
    }

    fn emit_start(&mut self, begin: usize, first_voiced: Instant, out: &mut Vec<SpeechEvent>) {
        let lead = self.waiting.drain(..).skip(begin).map(|w| w.frame);
        out.push(SpeechEvent::Started {
            first_voiced,
            lead: lead.collect(),
        });
    }

    /// The instant at which the voice rises, by level.
    fn first_voiced(&self, first: usize, voice: &VoiceLevel) -> Instant {
        let heard = |frame: usize| {
            let waiting = &self.waiting[frame];
            (waiting.frame.captured, waiting.levels.powers)
        };
        onset_backtrack::find(
            self.waiting.len(),
            first,
            voice.threshold(&self.noise),
            heard,
        )
    }

    fn go_on(
        &mut self,
        frame: Frame,
        levels: &Levels,
        context: FrameContext,
        out: &mut Vec<SpeechEvent>,
    ) {
        let Some(open) = &mut self.open else {
            return;
        };
        let sound = MeasuredFrame {
            captured: frame.captured,
            levels: *levels,
            voiced: context.voiced,
        };
        out.push(SpeechEvent::Frame(frame));
        let noise = open.follow(&sound, &self.noise);
        if let Some(power) = noise.filter(|_| !context.blocked) {
            self.noise.learn(power);
        }
        if context.held {
            out.extend(open.hold(sound.captured));
        }
        out.extend(open.resumption(&self.noise));
        let over = open.is_over(self.settings.patience, context.voiced);
        out.extend(open.silence_started(over));
        if over {
            self.close(out);
        }
    }

    /// Feeds the stuck detector and acts on its result.
    fn guard(
        &mut self,
        power: f32,
        context: FrameContext,
        out: &mut Vec<SpeechEvent>,
    ) -> Option<SegmentNote> {
        // The key marks speech, and what the loudspeaker plays is not the noise of the room.
        if context.held || context.blocked {
            self.stuck_detector = StuckDetector::default();
            return None;
        }
        if let Some(power) = self.stuck_detector.watch(power, context.voiced) {
            self.noise.set(power);
            let news = self.rearmed.is_none() || self.open.is_some();
            self.rearmed = Some(Rearmed { power, quiet: 0 });
            self.close(out);
            return news.then_some(SegmentNote::Rearm);
        }
        let rearmed = self.rearmed.as_mut()?;
        let quiet = !context.voiced && power < rearmed.power * QUIET_POWER;
        rearmed.quiet = if quiet { rearmed.quiet + 1 } else { 0 };
        if rearmed.quiet < QUIET_FRAMES {
            return None;
        }
        self.rearmed = None;
        Some(SegmentNote::Relax)
    }
}

impl Waiting {
    fn sound(&self, voiced: bool) -> MeasuredFrame {
        MeasuredFrame {
            captured: self.frame.captured,
            levels: self.levels,
            voiced,
        }
    }
}

/// Capacity for waiting frames: pre-roll, look-back and onset window; and the delay of the noise estimate.
fn room(settings: &SegmentSettings) -> usize {
    let trigger = settings.onset_idle.max(settings.onset_playing);
    let preroll = frames(settings.preroll) as usize;
    let onset = onset_window(trigger) + onset_backtrack::LOOK_BACK_FRAMES + DETECTOR_WINDOW_FRAMES;
    (preroll + onset).max(NOISE_DELAY_FRAMES) + 1
}

/// Onset window in frames: 1.5 times the trigger, so that a stop inside a word ("six") does not hide an onset.
fn onset_window(trigger: Duration) -> usize {
    frames(trigger.saturating_add(trigger / 2)).max(1) as usize
}

/// Duration in frames, rounded up, ten seconds at most.
fn frames(duration: Duration) -> u32 {
    let frames = duration.as_nanos().div_ceil(FRAME_DURATION.as_nanos());
    u32::try_from(frames).map_or(MOST_FRAMES, |frames| frames.min(MOST_FRAMES))
}
