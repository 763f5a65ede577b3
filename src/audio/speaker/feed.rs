//! From the queue of replies to the ring of the stream, piece by piece.

use std::time::{Duration, Instant};

use super::super::convert::Converter;
use super::super::queue::{Begin, Piece};
use super::heard::Reply;
use super::{PIECE, Speaker};
use crate::base::units::{Dbfs, SampleRate};

impl Speaker {
    pub(super) fn feed(&mut self, now: Instant) {
        if self.successor.is_some() {
            return;
        }
        self.flowing |= self.queue.is_ready(self.prebuffer.now());
        while self.flowing && (!self.held || self.heard.is_open()) {
            let Some(out) = &self.out else { return };
            if out.end.ring.len() >= out.ahead() || !self.feed_piece(now) {
                return;
            }
        }
    }

    /// Moves one piece from the queue to the ring; false if there was none.
    fn feed_piece(&mut self, now: Instant) -> bool {
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
                    && let Some(converter) = &mut self.converter
                {
                    self.fed += self.scratch.len() as u64;
                    converter.push(&self.scratch, &mut self.converted);
                }
                self.write();
            }
            Piece::End => {
                self.dry = false;
                self.finish_converter();
                self.write();
                let written = self.out.as_ref().map(|out| out.end.ring.written());
                self.heard.end(written);
            }
        }
        true
    }

    fn begin_reply(&mut self, begin: Begin, now: Instant) {
        let usable = self.use_rate(begin.rate);
        self.write();
        let (Some(out), Some(converter)) = (&self.out, &self.converter) else {
            return;
        };
        let written = out.end.ring.written();
        let ahead = |input: u64| converter.place_of(self.fed + input) - converter.given();
        self.heard.begin(Reply {
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

    /// Makes the converter one from this rate; false if that cannot be.
    fn use_rate(&mut self, from: SampleRate) -> bool {
        let Some(to) = self.out.as_ref().map(|out| out.end.format.rate) else {
            return false;
        };
        if self
            .converter
            .as_ref()
            .is_some_and(|c| c.from() == from && c.to() == to)
        {
            return true;
        }
        self.finish_converter();
        self.fed = 0;
        match Converter::new(from, to, self.taps) {
            Ok(converter) => {
                self.converter = Some(converter);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "a chunk of the reply cannot be played");
                false
            }
        }
    }

    fn finish_converter(&mut self) {
        if let Some(converter) = &mut self.converter {
            converter.finish(&mut self.converted);
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
