//! The capture half of the worker: from the ring of the input stream to frames, and from frames to utterances.
//!
//! ```text
//! ring ─▶ sanitise ─▶ Mixer ─▶ Converter ─▶ frames of 10 ms ─▶ level ─▶ detector ─▶ Segmenter ─▶ Speech
//!                                            with instants                  gate ─────────────▶ Heard
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::capture::CaptureEnd;
use super::clock::{Basis, SampleClock};
use super::convert::Converter;
use super::{Event, Gate};
use crate::base::frame::{FRAME_DURATION, FRAME_SAMPLES, Frame};
use crate::base::units::{Dbfs, SampleRate};
use crate::dsp::mix::{Mixer, sanitise};
use crate::metrics::counters::Counters;
use crate::profile::{DetectorKind, Profile};
use crate::vad::segment::{Context, SegmentNote, SegmentSettings, Segmenter};
use crate::vad::{Detect as _, Detector, Kind, SpeechEvent};

/// A microphone that gives nothing but zeros for so long is switched off somewhere.
const ALL_ZERO: Duration = Duration::from_secs(3);
/// A new stream that does not come up to the old one within this takes over with a gap.
const PATIENCE: Duration = Duration::from_millis(500);
/// Taken from the ring at once.
const PIECE: Duration = FRAME_DURATION;
/// How strict the detector is once it got stuck.
const REARMED: u8 = 3;

/// What a frame meets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings {
    /// A reply sounds.
    pub(super) playing: bool,
    /// The uplink is closed against echo.
    pub(super) blocked: bool,
}

/// The capture half of the worker. Holds the detector, which must stay on its thread.
pub(super) struct Microphone {
    input: Option<Input>,
    /// Takes over once it has delivered up to where `input` is.
    successor: Option<Waiting>,
    converter: Option<Converter>,
    /// Samples at the working rate that do not fill a frame yet.
    partial: Vec<f32>,
    /// Which input position belongs to which output sample.
    anchor: Anchor,
    sequence: u64,
    taps: u32,
    aggressiveness: u8,
    detector: Detector,
    segmenter: Segmenter,
    gate: Gate,
    counters: Arc<Counters>,
    speech: Vec<SpeechEvent>,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
}

struct Input {
    end: CaptureEnd,
    clock: SampleClock,
    stamped: Option<u64>,
    mixer: Mixer,
    /// Frame counter of the next frame that comes out of the ring.
    position: u64,
    /// Samples known to be lost.
    dropped: u64,
    /// Frames that an earlier stream has delivered already.
    skip: u64,
    /// Frames of nothing but zeros in a row; `None` if that means nothing.
    zeros: Option<u64>,
    told_zero: bool,
}

struct Waiting {
    input: Input,
    /// It takes over then in any case.
    until: Instant,
}

#[derive(Clone, Copy, Default)]
struct Anchor {
    output: u64,
    position: u64,
}

impl Microphone {
    pub(super) fn new(profile: &Profile, counters: Arc<Counters>) -> Self {
        let aggressiveness = profile.detector.aggressiveness;
        Self {
            input: None,
            successor: None,
            converter: None,
            partial: Vec::with_capacity(2 * FRAME_SAMPLES),
            anchor: Anchor::default(),
            sequence: 0,
            taps: profile.audio.resampler_taps,
            aggressiveness,
            detector: Detector::new(detector_kind(profile), aggressiveness),
            segmenter: Segmenter::new(segment_settings(profile)),
            gate: Gate::Voice,
            counters,
            speech: Vec::new(),
            interleaved: Vec::new(),
            mono: Vec::new(),
        }
    }

    /// Uses another patience than the profile's, from the next frame on.
    pub(super) fn set_patience(&mut self, patience: Duration) {
        self.segmenter.set_patience(patience);
    }

    /// Takes over a profile from the next frame on; an open utterance goes on.
    pub(super) fn set_profile(&mut self, profile: &Profile) {
        self.segmenter.set_settings(segment_settings(profile));
        self.aggressiveness = profile.detector.aggressiveness;
        self.detector.set_kind(detector_kind(profile));
        self.detector.set_aggressiveness(self.aggressiveness);
        let taps = profile.audio.resampler_taps;
        if taps != self.taps {
            self.taps = taps;
            if let Some(converter) = &mut self.converter
                && let Err(error) = converter.set_taps(taps)
            {
                tracing::error!(%error, "the filter of the microphone stays as it was");
            }
        }
    }

    /// Leaving [`Gate::Held`] or muting ends an open utterance.
    pub(super) fn set_gate(&mut self, gate: Gate, events: &mut Vec<Event>) {
        let ends = self.gate == Gate::Held || gate == Gate::Muted;
        if ends && gate != self.gate {
            self.segmenter.close(&mut self.speech);
            self.drain_speech(events);
        }
        self.gate = gate;
    }

    /// A stream was opened. If the one before still runs, it is followed without a gap.
    pub(super) fn attach(
        &mut self,
        end: CaptureEnd,
        watch_zeros: bool,
        now: Instant,
        events: &mut Vec<Event>,
    ) {
        let new = Input {
            clock: SampleClock::new(end.format.rate),
            mixer: Mixer::new(end.format.channels),
            stamped: None,
            position: 0,
            dropped: 0,
            skip: 0,
            zeros: watch_zeros.then_some(0),
            told_zero: false,
            end,
        };
        if self.input.is_some() {
            self.successor = Some(Waiting {
                input: new,
                until: now + PATIENCE,
            });
        } else {
            self.begin(new, events);
        }
    }

    /// The stream was lost or released.
    pub(super) fn detach(&mut self, events: &mut Vec<Event>) {
        self.successor = None;
        if let Some(input) = self.input.take()
            && input.told_zero
        {
            events.push(Event::AllZero(false));
        }
        self.segmenter.reset(&mut self.speech);
        self.drain_speech(events);
        self.detector.reset();
        self.counters.input_level.set(Dbfs::SILENCE);
    }

    /// Takes what the stream delivered.
    pub(super) fn tick(
        &mut self,
        now: Instant,
        around: Surroundings,
        counters_lost: &mut u64,
        events: &mut Vec<Event>,
    ) {
        let inputs = self.input.iter_mut();
        for input in inputs.chain(self.successor.iter_mut().map(|w| &mut w.input)) {
            input.observe();
        }
        self.take_all(now, around, counters_lost, events);
        self.hand_over(now, events);
    }

    fn begin(&mut self, input: Input, events: &mut Vec<Event>) {
        self.segmenter.reset(&mut self.speech);
        self.drain_speech(events);
        self.detector.reset();
        self.partial.clear();
        self.anchor = Anchor::default();
        self.converter = made(input.end.format.rate, self.taps);
        self.input = Some(input);
    }

    /// Lets the successor take over at the sample at which the stream before it has arrived.
    fn hand_over(&mut self, now: Instant, events: &mut Vec<Event>) {
        let (Some(old), Some(waiting)) = (&self.input, &self.successor) else {
            return;
        };
        let reached = old.clock.instant_of(old.position);
        let starts = waiting.input.clock.instant_of(0);
        let overlap = reached
            .zip(starts)
            .and_then(|(reached, starts)| reached.checked_duration_since(starts));
        let late = now >= waiting.until;
        if overlap.is_none() && !late {
            return;
        }
        let Some(Waiting { input: mut new, .. }) = self.successor.take() else {
            return;
        };
        let Some(overlap) = overlap else {
            self.begin(new, events);
            return;
        };
        let rate = new.end.format.rate;
        new.skip = rate.samples_in(overlap) as u64;
        let same_rate = old.end.format.rate == rate;
        let fed = old.position - self.anchor.position;
        let converter = self.converter.as_mut().filter(|_| same_rate);
        match converter {
            Some(converter) => {
                let output = self.anchor.output + converter.place_of(fed);
                self.anchor = Anchor {
                    output,
                    position: new.skip,
                };
            }
            None => {
                self.converter = made(rate, self.taps);
                // Frames are counted on; the partial one is completed by the new stream.
                self.anchor = Anchor {
                    output: 0,
                    position: new.skip,
                };
                self.partial.clear();
            }
        }
        self.input = Some(new);
    }

    fn take_all(
        &mut self,
        now: Instant,
        around: Surroundings,
        lost: &mut u64,
        events: &mut Vec<Event>,
    ) {
        while let Some(input) = &mut self.input {
            input.drop_skipped();
            let piece = input.end.format.rate.samples_in(PIECE) * input.mixer.channels();
            self.interleaved.resize(piece, 0.0);
            let n = input.end.ring.pop(&mut self.interleaved);
            if n == 0 {
                break;
            }
            let samples = &mut self.interleaved[..n];
            sanitise(samples);
            self.mono.clear();
            input.mixer.mix(samples, &mut self.mono);
            input.position += self.mono.len() as u64;
            if let Some(silent) = input.watch(&self.mono) {
                events.push(Event::AllZero(silent));
            }
            if let Some(converter) = &mut self.converter {
                converter.push(&self.mono, &mut self.partial);
            }
            self.make_frames(now, around, events);
        }
        self.account_for_losses(lost);
    }

    /// The ring is empty: what was lost while it was full lies between what came out and what comes next.
    fn account_for_losses(&mut self, lost: &mut u64) {
        let Some(input) = &mut self.input else { return };
        let dropped = input.end.ring.dropped();
        if dropped == input.dropped {
            return;
        }
        let frames = (dropped - input.dropped) / input.mixer.channels() as u64;
        input.dropped = dropped;
        *lost += frames;
        input.position += frames;
        self.anchor.position += frames;
        let gap = input.end.format.rate.duration_of(frames);
        // At least one, so that the gap shows.
        self.sequence += 1 + SampleRate::WORKING.samples_in(gap) as u64 / FRAME_SAMPLES as u64;
        tracing::warn!(frames, "captured sound was lost: this program was too slow");
    }

    fn make_frames(&mut self, now: Instant, around: Surroundings, events: &mut Vec<Event>) {
        let Some(converter) = &self.converter else {
            return;
        };
        let first = converter.given() - self.partial.len() as u64;
        let whole = self.partial.len() / FRAME_SAMPLES;
        for n in 0..whole {
            let at = n * FRAME_SAMPLES;
            let mut samples = [0.0; FRAME_SAMPLES];
            samples.copy_from_slice(&self.partial[at..at + FRAME_SAMPLES]);
            let frame = Frame {
                samples,
                sequence: self.sequence,
                captured: self.captured(first + at as u64, now),
            };
            self.sequence += 1;
            self.use_frame(frame, around, events);
        }
        self.partial.drain(..whole * FRAME_SAMPLES);
    }

    /// When the output sample with this number reached the microphone.
    fn captured(&self, output: u64, now: Instant) -> Instant {
        let Some(input) = &self.input else { return now };
        let rate = u64::from(input.end.format.rate.hz());
        let since = output.saturating_sub(self.anchor.output);
        let position = self.anchor.position + since * rate / u64::from(SampleRate::WORKING.hz());
        input.clock.instant_of(position).unwrap_or(now)
    }

    fn use_frame(&mut self, frame: Frame, around: Surroundings, events: &mut Vec<Event>) {
        self.counters.input_level.set(Dbfs::rms(&frame.samples));
        if self.gate == Gate::Muted {
            return;
        }
        if self.gate == Gate::Everything && !around.blocked {
            events.push(Event::Heard(frame.clone()));
        }
        let context = Context {
            voiced: self.detector.voiced(&frame),
            playing: around.playing,
            held: self.gate == Gate::Held,
            blocked: around.blocked,
        };
        match self.segmenter.push(frame, context, &mut self.speech) {
            Some(SegmentNote::Rearm) => {
                self.detector.set_aggressiveness(REARMED);
                events.push(Event::DetectorRearmed);
            }
            Some(SegmentNote::Relax) => self.detector.set_aggressiveness(self.aggressiveness),
            None => {}
        }
        self.drain_speech(events);
    }

    fn drain_speech(&mut self, events: &mut Vec<Event>) {
        events.extend(self.speech.drain(..).map(Event::Speech));
    }
}

impl Input {
    fn observe(&mut self) {
        let Some(stamp) = self.end.status.newest() else {
            return;
        };
        if self.stamped == Some(stamp.position) {
            return;
        }
        self.stamped = Some(stamp.position);
        let block = self.end.format.rate.duration_of(stamp.frames);
        let (age, basis) = match stamp.latency {
            Some(told) => (told, Basis::Told),
            None => (block * (1 + self.end.format.held_blocks), Basis::Callback),
        };
        if let Some(at) = stamp.at.checked_sub(age) {
            self.clock.observe(stamp.position, at, basis);
        }
    }

    fn drop_skipped(&mut self) {
        let wanted = usize::try_from(self.skip).unwrap_or(usize::MAX);
        let skipped = self.end.ring.skip(wanted * self.mixer.channels()) / self.mixer.channels();
        self.skip -= skipped as u64;
        self.position += skipped as u64;
    }

    /// Whether the microphone turned to zeros (`true`) or back to sound (`false`) with these samples.
    fn watch(&mut self, mono: &[f32]) -> Option<bool> {
        let zeros = self.zeros.as_mut()?;
        if mono.iter().all(|&s| s == 0.0) {
            *zeros += mono.len() as u64;
        } else {
            *zeros = 0;
        }
        let silent = *zeros >= self.end.format.rate.samples_in(ALL_ZERO) as u64;
        // One sample of sound is enough to take it back.
        let told = std::mem::replace(&mut self.told_zero, silent);
        (told != silent).then_some(silent)
    }
}

fn made(from: SampleRate, taps: u32) -> Option<Converter> {
    Converter::new(from, SampleRate::WORKING, taps)
        .inspect_err(|error| tracing::error!(%error, "the microphone cannot be used"))
        .ok()
}

fn detector_kind(profile: &Profile) -> Kind {
    match profile.detector.kind {
        DetectorKind::Webrtc => Kind::Webrtc,
        DetectorKind::Earshot => Kind::Earshot,
    }
}

fn segment_settings(profile: &Profile) -> SegmentSettings {
    SegmentSettings {
        onset_idle: profile.detector.onset_idle,
        onset_playing: profile.detector.onset_playing,
        patience: profile.turn.patience,
        preroll: profile.audio.preroll,
    }
}
