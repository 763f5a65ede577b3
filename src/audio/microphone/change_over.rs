//! Changes of the input stream: a new one, one that takes over where the old one stops, none.

use std::time::{Duration, Instant};

use super::super::event::VoiceEvent;
use super::super::positioned_resampler::PositionedResampler;
use super::{Anchor, InputStream, Microphone, Waiting};
use crate::base::units::{Dbfs, SampleRate};
use crate::vad::Detect as _;

/// Time after which a new stream takes over with a gap if it does not reach the position of the old one.
const PATIENCE: Duration = Duration::from_millis(500);

impl Microphone {
    /// Lets the stream deliver its sound in larger pieces while nothing is said or expected.
    pub(in crate::audio) fn rest(&mut self, rests: bool) {
        if let Some(input) = &mut self.input {
            input.rest(rests);
        }
    }

    /// Attaches a new stream. A previous stream that still runs is succeeded without a gap.
    pub(in crate::audio) fn attach(
        &mut self,
        new: InputStream,
        now: Instant,
        events: &mut Vec<VoiceEvent>,
    ) {
        if self.input.is_some() {
            // Another microphone has another echo path.
            self.echo.forget();
            self.successor = Some(Waiting {
                input: new,
                until: now + PATIENCE,
            });
        } else {
            self.begin(new, events);
        }
    }

    /// Detaches a stream that was lost or released.
    pub(in crate::audio) fn detach(&mut self, events: &mut Vec<VoiceEvent>) {
        self.successor = None;
        if let Some(input) = self.input.take()
            && input.reported_zero
        {
            events.push(VoiceEvent::AllZero(false));
        }
        self.segmenter.reset(&mut self.speech);
        // An undecided utterance may have been the speaker: some hosts move the stream to its monitor when a microphone
        // goes.
        self.action = self
            .barge_in
            .drop_undecided(&mut self.speech)
            .or(self.action);
        self.drain_speech(events);
        self.detector.reset();
        self.fast_vad.reset();
        self.chain.reset();
        self.counters.input_level.set(Dbfs::SILENCE);
    }

    fn begin(&mut self, input: InputStream, events: &mut Vec<VoiceEvent>) {
        self.segmenter.reset(&mut self.speech);
        self.flush(events);
        self.detector.reset();
        self.fast_vad.reset();
        self.chain.reset();
        self.floor.reset();
        self.set_chain();
        self.echo.forget();
        self.partial.clear();
        self.anchor = Anchor::default();
        self.resampler = new_resampler(input.end.format.rate, self.taps);
        self.input = Some(input);
    }

    /// Lets the successor take over at the sample that the old stream has reached.
    pub(super) fn hand_over(&mut self, now: Instant, events: &mut Vec<VoiceEvent>) {
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
        let reported_zero = old.reported_zero;
        let Some(Waiting { input: mut new, .. }) = self.successor.take() else {
            return;
        };
        if reported_zero {
            events.push(VoiceEvent::AllZero(false));
        }
        let Some(overlap) = overlap else {
            self.begin(new, events);
            return;
        };
        let rate = new.end.format.rate;
        new.skip = rate.samples_in(overlap) as u64;
        let same_rate = old.end.format.rate == rate;
        let fed = old.position - self.anchor.position;
        let resampler = self.resampler.as_mut().filter(|_| same_rate);
        match resampler {
            Some(resampler) => {
                let output = self.anchor.output + resampler.place_of(fed);
                self.anchor = Anchor {
                    output,
                    position: new.skip,
                };
            }
            None => {
                self.resampler = new_resampler(rate, self.taps);
                // Frame numbers continue; the partial frame is completed by the new stream.
                self.anchor = Anchor {
                    output: 0,
                    position: new.skip,
                };
                self.partial.clear();
            }
        }
        self.input = Some(new);
    }
}

fn new_resampler(from: SampleRate, taps: u32) -> Option<PositionedResampler> {
    PositionedResampler::new(from, SampleRate::WORKING, taps)
        .inspect_err(|error| tracing::error!(%error, "cannot resample the microphone"))
        .ok()
}
