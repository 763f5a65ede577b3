//! Moves replies from the jitter buffer to the ring of the stream.

use std::time::{Duration, Instant};

use super::super::jitter_buffer::Piece;
use super::super::leading_silence::Begin;
use super::super::positioned_resampler::PositionedResampler;
use super::playout_tracker::Reply;
use super::{PIECE, SpeakerPipeline};
use crate::base::units::{Dbfs, SampleRate};

impl SpeakerPipeline {
    pub(super) fn pump(&mut self, now: Instant) {
        if self.successor.is_some() {
            return;
        }
        self.flowing |= self.queue.is_ready(self.jitter_target.now());
        while self.flowing && (!self.held || self.playout.is_open()) {
            let Some(out) = &self.out else { return };
            if out.end.ring.len() >= out.ahead() || !self.pump_piece(now) {
                return;
            }
        }
    }

    /// Moves one piece; returns false if there was none.
    fn pump_piece(&mut self, now: Instant) -> bool {
        self.scratch.clear();
        let most = SampleRate::REPLY.samples_in(PIECE);
        let Some(piece) = self.queue.take(most, &mut self.scratch) else {
            return false;
        };
        self.converted.clear();
        match piece {
            Piece::Begin(begin) => self.begin_reply(begin, now),
            Piece::Samples(rate) => {
                if std::mem::take(&mut self.dry) {
                    self.counters.underruns.add(1);
                }
                if self.use_rate(rate)
                    && let Some(resampler) = &mut self.resampler
                {
                    self.fed += self.scratch.len() as u64;
                    resampler.push(&self.scratch, &mut self.converted);
                }
                self.write();
            }
            Piece::End => {
                self.dry = false;
                self.finish_resampler();
                self.write();
                let written = self.out.as_ref().map(|out| out.end.ring.written());
                self.playout.end(written);
            }
        }
        true
    }

    fn begin_reply(&mut self, begin: Begin, now: Instant) {
        let usable = self.use_rate(begin.rate);
        self.write();
        let (Some(out), Some(resampler)) = (&self.out, &self.resampler) else {
            return;
        };
        let written = out.end.ring.written();
        let ahead = |input: u64| resampler.place_of(self.fed + input) - resampler.given();
        self.playout.begin(Reply {
            turn: begin.turn,
            skipped: begin.skipped,
            first: written,
            sound: begin
                .quiet
                .filter(|_| usable)
                .map(|quiet| written + ahead(quiet)),
            end: None,
            begun: now,
            heard_before: Duration::ZERO,
        });
    }

    /// Ensures a resampler from this rate; returns false if there can be none.
    fn use_rate(&mut self, from: SampleRate) -> bool {
        let Some(to) = self.out.as_ref().map(|out| out.end.format.rate) else {
            return false;
        };
        if self
            .resampler
            .as_ref()
            .is_some_and(|c| c.from() == from && c.to() == to)
        {
            return true;
        }
        self.finish_resampler();
        self.fed = 0;
        match PositionedResampler::new(from, to, self.taps) {
            Ok(resampler) => {
                self.resampler = Some(resampler);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "cannot resample a chunk of the reply");
                false
            }
        }
    }

    fn finish_resampler(&mut self) {
        if let Some(resampler) = &mut self.resampler {
            resampler.finish(&mut self.converted);
        }
    }

    fn write(&mut self) {
        let Some(out) = &mut self.out else { return };
        self.volume.apply(&mut self.converted, out.end.format.rate);
        if !self.converted.is_empty() {
            self.counters.output_level.set(Dbfs::rms(&self.converted));
        }
        out.push(&self.converted);
    }
}
