//! The capture half of the worker: from the ring of the input stream to frames, and from frames to utterances.
//!
//! ```text
//! ring ─▶ sanitise ─▶ Downmixer ─▶ PositionedResampler ─▶ 10 ms frames ─▶ level ─▶ Chain ─▶ detector ─▶ Segmenter ─┐
//!                                                      far end, at their instants ───┘                              │
//!                                       Speech, ReplyAction ◀─ BargeInDetector ◀────────────────────────────────────┘
//! ```

mod barge_in_gate;
mod change_over;
mod fast_vad;
mod input_stream;
mod preprocess;
mod settings;

use std::sync::Arc;
use std::time::{Duration, Instant};

use self::fast_vad::FastVad;
pub(super) use self::input_stream::InputStream;
use self::settings::{chain_settings, segment_settings};
use super::aec_reference::ReferenceMode;
use super::echo::{EchoChoice, EchoPolicy};
use super::event::VoiceEvent;
use super::positioned_resampler::PositionedResampler;
use super::settings::Gate;
use crate::base::counters::Counters;
use crate::base::frame::{FRAME_DURATION, FRAME_SAMPLES, Frame};
use crate::base::units::{Dbfs, SampleRate};
use crate::dsp::chain::{Chain, ChainSettings};
use crate::dsp::downmix::sanitise;
use crate::dsp::noise_floor::NoiseFloor;
use crate::profile::Profile;
use crate::vad::barge_in::{BargeInDetector, ReplyAction};
use crate::vad::segment::{FrameContext, SegmentNote, Segmenter};
use crate::vad::{Detect as _, Detector, SpeechEvent};

/// Amount taken from the ring at once.
const PIECE: Duration = FRAME_DURATION;
/// Aggressiveness of a detector that got stuck.
const REARMED: u8 = 3;

/// What plays during a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings {
    /// A reply plays.
    pub(super) playing: bool,
    /// A reply has just played, and its echo may still be in the room.
    pub(super) tail: bool,
    /// The uplink is closed against echo.
    pub(super) blocked: bool,
}

/// Returns the far end for a frame that reached the microphone at an instant.
pub(super) type RenderFrames<'a> = &'a mut dyn FnMut(Instant) -> [f32; FRAME_SAMPLES];

/// The capture half of the worker. Holds the detector, which must stay on its thread.
pub(super) struct Microphone {
    input: Option<InputStream>,
    /// A new stream that takes over once it has reached the position of `input`.
    successor: Option<Waiting>,
    resampler: Option<PositionedResampler>,
    /// Samples at the working rate that do not fill a frame yet.
    partial: Vec<f32>,
    /// Maps an output sample to an input position.
    anchor: Anchor,
    sequence: u64,
    taps: u32,
    aggressiveness: u8,
    detector: Detector,
    segmenter: Segmenter,
    barge_in: BargeInDetector,
    fast_vad: FastVad,
    chain: Chain,
    /// Chain settings of the profile; the effective ones also depend on the signal.
    wanted: ChainSettings,
    floor: NoiseFloor,
    echo: EchoChoice,
    /// Newest action on the reply that was not taken yet.
    action: Option<ReplyAction>,
    /// The echo of a reply may still be in the room.
    tail: bool,
    gate: Gate,
    /// Frames for the sound check while it runs; they go nowhere else.
    tapped: Option<Vec<Frame>>,
    counters: Arc<Counters>,
    speech: Vec<SpeechEvent>,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
}

struct Waiting {
    input: InputStream,
    /// Deadline of the takeover.
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
            resampler: None,
            partial: Vec::with_capacity(2 * FRAME_SAMPLES),
            anchor: Anchor::default(),
            sequence: 0,
            taps: profile.audio.resampler_taps,
            aggressiveness,
            detector: Detector::new(profile.detector.kind, aggressiveness),
            segmenter: Segmenter::new(segment_settings(profile)),
            barge_in: BargeInDetector::new(profile.turn.backchannel),
            fast_vad: FastVad::alongside(profile.detector.kind),
            chain: Chain::new(ChainSettings::default()),
            wanted: chain_settings(profile),
            floor: NoiseFloor::default(),
            echo: EchoChoice::new(),
            action: None,
            tail: false,
            gate: Gate::Voice,
            tapped: None,
            counters,
            speech: Vec::new(),
            interleaved: Vec::new(),
            mono: Vec::new(),
        }
    }

    /// Sets the patience, from the next frame on.
    pub(super) fn set_patience(&mut self, patience: Duration) {
        self.segmenter.set_patience(patience);
    }

    /// Applies a profile from the next frame on; an open utterance goes on.
    pub(super) fn set_profile(&mut self, profile: &Profile) {
        self.segmenter.set_settings(segment_settings(profile));
        self.barge_in.set_backchannel(profile.turn.backchannel);
        self.wanted = chain_settings(profile);
        self.set_chain();
        self.aggressiveness = profile.detector.aggressiveness;
        self.detector.set_kind(profile.detector.kind);
        self.fast_vad.set_alongside(profile.detector.kind);
        self.detector.set_aggressiveness(self.aggressiveness);
        let taps = profile.audio.resampler_taps;
        if taps != self.taps {
            self.taps = taps;
            if let Some(resampler) = &mut self.resampler
                && let Err(error) = resampler.set_taps(taps)
            {
                tracing::error!(%error, "cannot change the microphone's resampler");
            }
        }
    }

    /// Sets the gate. Leaving [`Gate::Held`], muting or closing ends an open utterance.
    pub(super) fn set_gate(&mut self, gate: Gate, events: &mut Vec<VoiceEvent>) {
        let ends = self.gate == Gate::Held || matches!(gate, Gate::Muted | Gate::Closed);
        if ends && gate != self.gate {
            self.segmenter.close(&mut self.speech);
            self.flush(events);
        }
        self.gate = gate;
        self.segmenter.set_by_key(gate == Gate::Closed);
    }

    /// Sets the policy for echo cancellation.
    pub(super) fn set_echo(&mut self, policy: EchoPolicy, events: &mut Vec<VoiceEvent>) {
        if let Some(report) = self.echo.set_policy(policy) {
            self.use_report(report, events);
        }
    }

    /// How the far-end reference is used at present.
    pub(super) fn reference_mode(&self) -> ReferenceMode {
        if self.echo.is_on() || self.chain.needs_far() {
            ReferenceMode::Exact
        } else if self.echo.is_detecting() {
            ReferenceMode::Nearest
        } else {
            ReferenceMode::Off
        }
    }

    /// The speaker changed, and with it the echo path.
    pub(super) fn speaker_changed(&mut self) {
        self.echo.forget();
        self.chain.reset();
    }

    /// Takes the newest action on the reply, if any.
    pub(super) fn take_action(&mut self) -> Option<ReplyAction> {
        self.action.take()
    }

    /// Releases events that wait for a decision, and new ones.
    fn flush(&mut self, events: &mut Vec<VoiceEvent>) {
        let action = self.barge_in.release(&mut self.speech);
        self.action = action.or(self.action);
        self.drain_speech(events);
    }

    /// Starts or stops diverting frames to the sound check; ends an open utterance.
    pub(super) fn tap(&mut self, on: bool, events: &mut Vec<VoiceEvent>) {
        self.segmenter.close(&mut self.speech);
        self.flush(events);
        self.tapped = on.then(Vec::new);
    }

    /// Takes the frames diverted since the last call.
    pub(super) fn take_tapped(&mut self) -> Vec<Frame> {
        self.tapped.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Processes what the stream delivered.
    pub(super) fn tick(
        &mut self,
        now: Instant,
        around: Surroundings,
        render_frame: RenderFrames<'_>,
        counters_lost: &mut u64,
        events: &mut Vec<VoiceEvent>,
    ) {
        let inputs = self.input.iter_mut();
        for input in inputs.chain(self.successor.iter_mut().map(|w| &mut w.input)) {
            input.observe();
        }
        self.take_all(now, around, render_frame, counters_lost, events);
        self.hand_over(now, events);
    }

    /// Whether an utterance is open.
    pub(super) fn is_hearing(&self) -> bool {
        self.segmenter.is_open()
    }

    /// Captured sound that was not processed yet.
    pub(super) fn queued(&self) -> Duration {
        self.input.as_ref().map_or(Duration::ZERO, |input| {
            let frames = input.end.ring.len() / input.mixer.channels();
            input.end.format.rate.duration_of(frames as u64)
        })
    }

    /// Delay of filter and chain.
    pub(super) fn delay(&self) -> Duration {
        let filter = self.resampler.as_ref().map(PositionedResampler::delay);
        filter.unwrap_or_default() + self.chain.delay()
    }

    fn take_all(
        &mut self,
        now: Instant,
        around: Surroundings,
        render_frame: RenderFrames<'_>,
        lost: &mut u64,
        events: &mut Vec<VoiceEvent>,
    ) {
        while let Some(input) = &mut self.input {
            if input.end.ring.is_empty() {
                break;
            }
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
            if let Some(silent) = input.watch(&self.mono, self.gate) {
                events.push(VoiceEvent::AllZero(silent));
            }
            if let Some(resampler) = &mut self.resampler {
                resampler.push(&self.mono, &mut self.partial);
            }
            self.make_frames(now, around, render_frame, events);
        }
        self.account_for_losses(lost);
    }

    /// The ring is empty: lost samples lie between those taken and the next ones.
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
        // At least one, so that the gap is visible.
        self.sequence += 1 + SampleRate::WORKING.samples_in(gap) as u64 / FRAME_SAMPLES as u64;
        tracing::warn!(frames, "capture overrun: samples lost");
    }

    fn make_frames(
        &mut self,
        now: Instant,
        around: Surroundings,
        render_frame: RenderFrames<'_>,
        events: &mut Vec<VoiceEvent>,
    ) {
        let Some(resampler) = &self.resampler else {
            return;
        };
        let first = resampler.given() - self.partial.len() as u64;
        let whole = self.partial.len() / FRAME_SAMPLES;
        for n in 0..whole {
            let at = n * FRAME_SAMPLES;
            let mut samples = [0.0; FRAME_SAMPLES];
            samples.copy_from_slice(&self.partial[at..at + FRAME_SAMPLES]);
            let mut frame = Frame {
                samples,
                sequence: self.sequence,
                captured: self.captured(first + at as u64, now),
            };
            self.sequence += 1;
            self.counters.input_level.set(Dbfs::rms(&frame.samples));
            if let Some(tapped) = self.tapped.as_mut().filter(|_| self.gate != Gate::Muted) {
                // Unprocessed: the check measures the echo that would be cancelled.
                tapped.push(frame);
                continue;
            }
            self.preprocess(&mut frame, render_frame, events);
            self.use_frame(frame, around, events);
        }
        self.partial.drain(..whole * FRAME_SAMPLES);
    }

    /// Instant at which this output sample reached the microphone.
    fn captured(&self, output: u64, now: Instant) -> Instant {
        let Some(input) = &self.input else { return now };
        let rate = u64::from(input.end.format.rate.hz());
        let since = output.saturating_sub(self.anchor.output);
        let position = self.anchor.position + since * rate / u64::from(SampleRate::WORKING.hz());
        input.clock.instant_of(position).unwrap_or(now)
    }

    fn use_frame(&mut self, frame: Frame, around: Surroundings, events: &mut Vec<VoiceEvent>) {
        if self.gate == Gate::Muted {
            return;
        }
        let blocked = self.is_blocked(around);
        if self.gate == Gate::Everything && !blocked {
            events.push(VoiceEvent::Heard(frame.clone()));
        }
        let echo = around.playing || around.tail;
        let context = FrameContext {
            voiced: self.detector.voiced(&frame) && (!echo || self.is_loud_enough(&frame)),
            playing: around.playing,
            held: self.gate == Gate::Held,
            blocked,
        };
        self.chain.judge(context.voiced);
        match self
            .segmenter
            .push(frame.clone(), context, &mut self.speech)
        {
            Some(SegmentNote::Rearm) => {
                self.detector.set_aggressiveness(REARMED);
                events.push(VoiceEvent::DetectorRearmed);
            }
            Some(SegmentNote::Relax) => self.detector.set_aggressiveness(self.aggressiveness),
            None => {}
        }
        self.tail = around.tail;
        self.gate_barge_in(&frame, context);
        self.drain_speech(events);
    }

    fn drain_speech(&mut self, events: &mut Vec<VoiceEvent>) {
        events.extend(self.speech.drain(..).map(VoiceEvent::Speech));
    }
}
