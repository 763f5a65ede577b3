//! The playback half of the worker: from queued replies to the ring of the output stream, and from the counters of the
//! stream back to what was audible, and when.
//!
//! ```text
//! Play ─▶ JitterBuffer ─▶ PositionedResampler ─▶ volume ─▶ ring ─▶ (callback) ─▶ device
//!                                                                      │ Note, Stamp
//! FirstAudible, Played, ReplyStopped ◀─ indices ◀───────────────────────────┘
//! ```
//!
//! Samples are identified by their index in the flow through the ring. A `Started` note ties an index to a position of
//! the stream; the clock of the stream ties the position to an instant.

mod duck;
mod jitter_target;
mod output_stream;
mod playout_tracker;
mod pump;
mod rest;
mod volume;

use std::sync::Arc;
use std::time::{Duration, Instant};

use self::duck::Duck;
use self::jitter_target::JitterTarget;
use self::output_stream::OutputStream;
use self::playout_tracker::PlayoutTracker;
use self::volume::Volume;
use super::aec_reference::{AecReference, ReferenceMode};
use super::event::VoiceEvent;
use super::jitter_buffer::JitterBuffer;
use super::playback::{DuckLevel, Note, PlaybackEnd};
use super::positioned_resampler::PositionedResampler;
use super::rest_switch::RestSwitch;
use crate::base::counters::Counters;
use crate::base::frame::FRAME_SAMPLES;
use crate::base::frame::Pcm;
use crate::base::ids::TurnId;
use crate::base::units::SampleRate;

/// Amount taken from the queue at once.
const PIECE: Duration = Duration::from_millis(10);
/// Duration of reverberation after playback; the uplink stays closed this long where echo must be kept out.
const ECHO_TAIL: Duration = Duration::from_millis(300);
/// Time after which a stream that does not answer a flush counts as stopped.
const FLUSH_PATIENCE: Duration = Duration::from_millis(300);
/// Time for an old stream to drain before a new one takes over.
const DRAIN_PATIENCE: Duration = Duration::from_millis(300);
/// Longest tick interval while something plays.
const PACE: Duration = Duration::from_millis(20);

/// The playback half of the worker.
pub(super) struct SpeakerPipeline {
    queue: JitterBuffer,
    out: Option<OutputStream>,
    /// A new stream that takes over once `out` is drained, and its deadline.
    successor: Option<(OutputStream, Instant)>,
    resampler: Option<PositionedResampler>,
    /// Input samples fed to `resampler`.
    fed: u64,
    taps: u32,
    jitter_target: JitterTarget,
    volume: Volume,
    /// Whether samples flow from queue to ring; otherwise they wait for the prebuffer.
    flowing: bool,
    /// The ring ran dry during a reply: an underrun if more of it comes, otherwise only its end is late.
    dry: bool,
    /// Whether replies must not start.
    held: bool,
    playout: PlayoutTracker,
    flush: Option<Flush>,
    /// Samples that a lost stream did not play.
    rest: Vec<f32>,
    /// Rate of `rest`, while there is any.
    rest_rate: Option<SampleRate>,
    sounding: Sounding,
    /// Since when nobody has a use for the stream.
    unused_since: Option<Instant>,
    duck: Duck,
    reference: AecReference,
    counters: Arc<Counters>,
    scratch: Vec<f32>,
    converted: Vec<f32>,
}

#[derive(Clone, Copy)]
struct Flush {
    asked: Instant,
    /// Replies that start below this index are flushed.
    below: u64,
}

#[derive(Clone, Copy)]
enum Sounding {
    Never,
    Now,
    Until(Instant),
}

impl SpeakerPipeline {
    pub(super) fn new(taps: u32, prebuffer: Duration, counters: Arc<Counters>) -> Self {
        Self {
            queue: JitterBuffer::default(),
            out: None,
            successor: None,
            resampler: None,
            fed: 0,
            taps,
            jitter_target: JitterTarget::new(prebuffer),
            volume: Volume::default(),
            flowing: false,
            dry: false,
            held: false,
            playout: PlayoutTracker::default(),
            flush: None,
            rest: Vec::new(),
            rest_rate: None,
            sounding: Sounding::Never,
            unused_since: None,
            duck: Duck::default(),
            reference: AecReference::new(taps),
            counters,
            scratch: Vec::new(),
            converted: Vec::new(),
        }
    }

    pub(super) fn play(&mut self, pcm: Pcm, now: Instant) {
        let turn = pcm.turn;
        let sound = self.queue.push(pcm);
        self.jitter_target.arrived(turn, sound, now);
    }

    pub(super) fn end_reply(&mut self, turn: TurnId) {
        self.queue.end(turn);
        self.jitter_target.ended();
    }

    /// Sets whether replies must not start; one that has started continues.
    pub(super) fn hold(&mut self, held: bool) {
        self.held = held;
    }

    pub(super) fn set_volume(&mut self, volume: f32) {
        self.volume.set(volume);
    }

    /// Sets the playback level, with effect from the next period.
    pub(super) fn set_level(&mut self, level: DuckLevel) {
        self.duck.set(level);
        if let Some(out) = &self.out {
            out.end.set_level(level);
        }
    }

    /// Whether the reply is ducked or paused.
    pub(super) fn is_lowered(&self) -> bool {
        self.duck.level() != DuckLevel::Full
    }

    /// Returns the far end for a frame that reached the microphone at `captured`; silence without a speaker.
    pub(super) fn render_frame(&mut self, captured: Instant) -> [f32; FRAME_SAMPLES] {
        match &self.out {
            Some(out) => self
                .reference
                .render_frame(captured, &out.clock, out.end.format.rate),
            None => [0.0; FRAME_SAMPLES],
        }
    }

    /// Sets the mode of [`SpeakerPipeline::render_frame`].
    pub(super) fn set_reference_mode(&mut self, wanted: ReferenceMode) {
        self.reference.set_mode(wanted);
    }

    /// Applies filter and prebuffer of a profile, also during a reply.
    pub(super) fn set_profile(&mut self, taps: u32, prebuffer: Duration) {
        self.jitter_target.base = prebuffer;
        if taps != self.taps {
            self.taps = taps;
            if let Some(resampler) = &mut self.resampler
                && let Err(error) = resampler.set_taps(taps)
            {
                tracing::error!(%error, "cannot change the reply's resampler");
            }
        }
    }

    /// Fades out and drops all that is queued.
    pub(super) fn flush(&mut self, now: Instant, events: &mut Vec<VoiceEvent>) {
        self.queue.flush();
        self.resampler = None;
        self.fed = 0;
        self.flowing = false;
        self.dry = false;
        self.rest.clear();
        if let Some((successor, _)) = self.successor.take() {
            self.replace_out(Some(successor), now);
            self.rest.clear();
        }
        match &self.out {
            Some(out) => {
                out.end.flush();
                self.flush = Some(Flush {
                    asked: now,
                    below: out.end.ring.written(),
                });
            }
            None => {
                self.flush = Some(Flush {
                    asked: now,
                    below: u64::MAX,
                });
                self.flushed(u64::MAX, now, events);
            }
        }
    }

    /// Attaches a new stream. A previous stream that still runs is drained first.
    pub(super) fn attach(&mut self, end: PlaybackEnd, rest: Arc<RestSwitch>, now: Instant) {
        let new = OutputStream::new(end, rest);
        if self.out.is_some() && self.flush.is_none() {
            self.successor = Some((new, now + DRAIN_PATIENCE));
        } else {
            self.replace_out(Some(new), now);
        }
    }

    /// Detaches a lost stream. The next one plays what it did not.
    pub(super) fn detach(&mut self, now: Instant) {
        let successor = self.successor.take().map(|(out, _)| out);
        self.replace_out(successor, now);
    }

    /// Whether a reply plays or is paused.
    pub(super) fn is_sounding(&self, now: Instant) -> bool {
        if self.duck.is_paused() {
            return true;
        }
        match self.sounding {
            Sounding::Never => false,
            Sounding::Now => true,
            Sounding::Until(end) => now < end,
        }
    }

    /// Whether a reply plays, or its echo may still be in the room.
    pub(super) fn is_in_the_room(&self, now: Instant) -> bool {
        match self.sounding {
            Sounding::Until(end) => now < end + ECHO_TAIL,
            Sounding::Never | Sounding::Now => self.is_sounding(now),
        }
    }

    /// Queued reply audio, without the device ring.
    pub(super) fn queued(&self) -> Duration {
        self.queue.queued()
    }

    /// Advances playback; returns the latest time of the next call.
    pub(super) fn tick(&mut self, now: Instant, events: &mut Vec<VoiceEvent>) -> Option<Instant> {
        self.observe();
        self.read_notes(now, events);
        self.hand_over(now);
        if let Some(flush) = self.flush
            && now.saturating_duration_since(flush.asked) > FLUSH_PATIENCE
        {
            let taken = self.out.as_ref().map_or(0, |out| out.end.ring.taken());
            self.flushed(taken, now, events);
        }
        self.pump(now);
        if self.playout.next_due().is_some_and(|due| due <= now) {
            self.playout.report(now, events);
        }
        self.deadline(now)
    }

    fn deadline(&self, now: Instant) -> Option<Instant> {
        let busy = self.flush.is_some() || self.successor.is_some() || !self.playout.is_empty();
        let pace = busy.then(|| now + PACE);
        let due = self.playout.next_due();
        [pace, due].into_iter().flatten().min()
    }

    fn observe(&mut self) {
        let outs = self.out.iter_mut();
        for out in outs.chain(self.successor.iter_mut().map(|(out, _)| out)) {
            out.observe();
        }
        if let Some(out) = &mut self.out {
            self.reference.take(&mut out.tap());
        }
    }

    fn read_notes(&mut self, now: Instant, events: &mut Vec<VoiceEvent>) {
        // The fill level is read first: a note is posted before the samples that it refers to are taken.
        let taken = self.out.as_ref().map_or(0, |out| out.end.ring.taken());
        while let Some(note) = self.out.as_mut().and_then(|out| out.end.notes.pop_one()) {
            match note {
                Note::Started { index, position } => {
                    self.resolve_up_to(index, now);
                    if let Some(out) = &mut self.out {
                        out.run = Some((index, position));
                    }
                    self.sounding = Sounding::Now;
                    self.duck.goes_on();
                }
                Note::Ducked { position } => {
                    let at = self.instant_of(position).unwrap_or(now);
                    self.duck.reached(at);
                }
                Note::Paused { index, position } => {
                    self.resolve_up_to(index, now);
                    let at = self.instant_of(position).unwrap_or(now);
                    self.sounding = Sounding::Until(at);
                    self.duck.paused(at);
                }
                Note::Dry { index, position } => self.ran_dry(index, position, now),
                Note::Flushed { index, position } => {
                    let at = self.instant_of(position).unwrap_or(now);
                    self.resolve_up_to(index, now);
                    self.sounding = match self.sounding {
                        Sounding::Now => Sounding::Until(at),
                        Sounding::Never | Sounding::Until(_) => self.sounding,
                    };
                    self.flushed(index, at, events);
                }
            }
        }
        self.resolve_up_to(taken, now);
    }

    fn ran_dry(&mut self, index: u64, position: u64, now: Instant) {
        self.resolve_up_to(index, now);
        let at = self.instant_of(position).unwrap_or(now);
        self.sounding = Sounding::Until(at);
        let open = self.playout.is_open();
        let draining = self.successor.is_some() || self.flush.is_some();
        if open && !draining {
            self.dry = true;
            self.jitter_target.underrun();
            self.flowing = false;
            tracing::debug!(prebuffer = ?self.jitter_target.now(), "a reply ran dry");
        } else if !open {
            self.flowing = false;
        }
    }

    fn instant_of(&self, position: u64) -> Option<Instant> {
        self.out.as_ref()?.clock.instant_of(position)
    }

    /// Resolves the events of samples that have passed: indices below `taken` were written.
    fn resolve_up_to(&mut self, taken: u64, now: Instant) {
        if let Some(out) = self.out.as_ref().filter(|_| !self.playout.is_empty()) {
            self.playout.resolve(taken, out, now);
        }
    }

    /// Completes a flush: samples below `index` were played.
    fn flushed(&mut self, index: u64, at: Instant, events: &mut Vec<VoiceEvent>) {
        let Some(flush) = self.flush.take() else {
            return;
        };
        let rate = self.out.as_ref().map(|out| out.end.format.rate);
        let sounded = self.playout.flush(flush.below, index, rate, events);
        let (turn, heard) = sounded.unzip();
        let (ducked, silent) = self.duck.flushed();
        events.push(VoiceEvent::ReplyStopped {
            turn,
            at: silent.unwrap_or(at.max(flush.asked)),
            ducked,
            heard: heard.unwrap_or_default(),
        });
        self.set_level(DuckLevel::Full);
    }

    /// Lets the successor take over when the old stream is drained.
    fn hand_over(&mut self, now: Instant) {
        let Some((_, patience)) = &self.successor else {
            return;
        };
        let drained = self.out.as_ref().is_none_or(|out| out.end.ring.is_empty());
        if drained || now >= *patience {
            self.detach(now);
        }
    }

    fn replace_out(&mut self, new: Option<OutputStream>, now: Instant) {
        let old = std::mem::replace(&mut self.out, new);
        self.reference.begin();
        if let Some(out) = &self.out {
            out.end.set_level(self.duck.level());
        }
        if let Some(mut old) = old {
            self.keep_unplayed(&mut old, now);
        }
        self.settle();
    }

    /// Keeps what the old stream did not play, and renumbers the replies accordingly.
    fn keep_unplayed(&mut self, old: &mut OutputStream, now: Instant) {
        let taken = old.end.ring.taken();
        let rate = old.end.format.rate;
        old.forget_played();
        // Appends to samples kept earlier that could not be handed on yet.
        let before = self.rest.len() as u64;
        self.rest.extend(old.in_ring.drain(..));
        self.playout.renumber(taken, before, rate);
        if let Some(flush) = &mut self.flush {
            flush.below = u64::MAX;
        }
        if let Sounding::Now = self.sounding {
            self.sounding = Sounding::Until(now);
        }
        if let Some(resampler) = &mut self.resampler
            && let Some(new) = self.out.as_ref().map(|out| out.end.format.rate)
            && new != rate
        {
            resampler.finish(&mut self.rest);
            self.resampler = None;
            self.fed = 0;
        }
        if self.flush.is_some() {
            self.rest.clear();
        }
        self.rest_rate = Some(rate);
    }

    /// Passes kept samples to the new stream, at its rate.
    fn settle(&mut self) {
        let (Some(out), Some(from)) = (&mut self.out, self.rest_rate) else {
            return;
        };
        let to = out.end.format.rate;
        if from != to {
            let mut converted = Vec::new();
            match PositionedResampler::new(from, to, self.taps) {
                Ok(mut resampler) => {
                    resampler.push(&self.rest, &mut converted);
                    resampler.finish(&mut converted);
                }
                Err(error) => {
                    tracing::error!(%error, "cannot resample unplayed samples: dropping them")
                }
            }
            self.playout.rescale(from, to);
            self.rest = converted;
        }
        self.rest_rate = None;
        out.push(&std::mem::take(&mut self.rest));
    }
}
