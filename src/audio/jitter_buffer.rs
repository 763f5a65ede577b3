//! The jitter buffer of replies: holds a whole answer however fast it arrives, without its leading silence.
//!
//! The service sends sentences in bursts, far faster than real time. Leading silence is removed on arrival, so that the
//! fill level counts sound only.

use std::collections::VecDeque;
use std::time::Duration;

use super::leading_silence::{Begin, LeadingSilence};
use crate::base::frame::Pcm;
use crate::base::ids::TurnId;
use crate::base::units::SampleRate;

/// Maximum length held: 29 MB at 24 kHz.
const LONGEST: Duration = Duration::from_secs(600);
/// Number of flushed turns whose late chunks are still recognised.
const FLUSHED_KEPT: usize = 16;

#[derive(Default)]
pub(super) struct JitterBuffer {
    items: VecDeque<Item>,
    /// Samples of the first item that were already taken.
    taken: usize,
    queued: Duration,
    ends: usize,
    arriving: Option<Arriving>,
    flushed: VecDeque<TurnId>,
    overflowing: bool,
}

enum Item {
    Begin(Begin),
    Samples(SampleRate, Vec<i16>),
    End,
}

pub(super) enum Piece {
    Begin(Begin),
    /// Samples were appended to the buffer.
    Samples(SampleRate),
    /// The current reply is over.
    End,
}

struct Arriving {
    turn: TurnId,
    /// `None` once sound came.
    silence: Option<LeadingSilence>,
}

impl Arriving {
    fn new(turn: TurnId, rate: SampleRate) -> Self {
        Self {
            turn,
            silence: Some(LeadingSilence::new(rate)),
        }
    }
}

impl JitterBuffer {
    /// Adds a chunk; returns the newly queued duration.
    pub(super) fn push(&mut self, pcm: Pcm) -> Duration {
        let before = self.queued;
        self.take_in(pcm);
        self.queued.saturating_sub(before)
    }

    fn take_in(&mut self, pcm: Pcm) {
        if self.flushed.contains(&pcm.turn) {
            tracing::debug!(turn = %pcm.turn, samples = pcm.samples.len(), "dropping a late chunk of a flushed reply");
            return;
        }
        if pcm.samples.is_empty() {
            return;
        }
        if self.queued > LONGEST {
            if !self.overflowing {
                tracing::warn!("jitter buffer exceeds ten minutes: dropping the rest of the reply");
            }
            self.overflowing = true;
            return;
        }
        self.overflowing = false;
        if self.arriving.as_ref().is_some_and(|a| a.turn != pcm.turn) {
            self.finish_arriving();
        }
        let arriving = (self.arriving).get_or_insert_with(|| Arriving::new(pcm.turn, pcm.rate));
        let Some(silence) = &mut arriving.silence else {
            return self.append(pcm.rate, pcm.samples);
        };
        if let Some((begin, samples)) = silence.push(pcm) {
            arriving.silence = None;
            self.items.push_back(Item::Begin(begin));
            self.append(begin.rate, samples);
        }
    }

    /// Marks the reply of this turn as complete.
    pub(super) fn end(&mut self, turn: TurnId) {
        if let Some(place) = self.flushed.iter().position(|&t| t == turn) {
            self.flushed.remove(place);
            return;
        }
        if self.arriving.as_ref().is_some_and(|a| a.turn != turn) {
            self.finish_arriving();
        }
        // A reply without sound has a start and an end too.
        (self.arriving).get_or_insert_with(|| Arriving::new(turn, SampleRate::REPLY));
        self.finish_arriving();
    }

    /// Drops everything, and later chunks of a reply that has not ended.
    pub(super) fn flush(&mut self) {
        self.flushed.extend(self.arriving.take().map(|a| a.turn));
        while self.flushed.len() > FLUSHED_KEPT {
            self.flushed.pop_front();
        }
        self.items.clear();
        self.taken = 0;
        self.queued = Duration::ZERO;
        self.ends = 0;
    }

    /// Whether playback may start: this much is queued, or a reply is complete.
    pub(super) fn is_ready(&self, prebuffer: Duration) -> bool {
        !self.items.is_empty() && (self.ends > 0 || self.queued() >= prebuffer)
    }

    /// Whether there is nothing to play, and no chunk of a reply that has not begun.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.arriving.is_none()
    }

    pub(super) fn queued(&self) -> Duration {
        self.queued
    }

    /// Takes the next piece; up to `most` samples are appended to `out`.
    pub(super) fn take(&mut self, most: usize, out: &mut Vec<f32>) -> Option<Piece> {
        let piece = match self.items.front()? {
            Item::Begin(begin) => Piece::Begin(*begin),
            Item::End => {
                self.ends -= 1;
                Piece::End
            }
            Item::Samples(rate, samples) => {
                let rate = *rate;
                let rest = &samples[self.taken..];
                let part = &rest[..rest.len().min(most)];
                out.extend(part.iter().map(|&s| f32::from(s) / 32_768.0));
                let played = rate.duration_of(part.len() as u64);
                self.queued = self.queued.saturating_sub(played);
                if part.len() < rest.len() {
                    self.taken += part.len();
                    return Some(Piece::Samples(rate));
                }
                Piece::Samples(rate)
            }
        };
        self.taken = 0;
        self.items.pop_front();
        Some(piece)
    }

    fn append(&mut self, rate: SampleRate, samples: Vec<i16>) {
        self.queued += rate.duration_of(samples.len() as u64);
        self.items.push_back(Item::Samples(rate, samples));
    }

    fn finish_arriving(&mut self) {
        let Some(arriving) = self.arriving.take() else {
            return;
        };
        if let Some(silence) = arriving.silence {
            let begin = silence.all(arriving.turn);
            self.items.push_back(Item::Begin(begin));
        }
        self.items.push_back(Item::End);
        self.ends += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: TurnId = TurnId(3);

    #[test]
    fn leading_silence_is_skipped_to_the_sample() {
        let mut queue = JitterBuffer::default();
        // 2 000 silent samples in two chunks, then sound.
        queue.push(pcm(TURN, &[100; 1_500]));
        assert!(!queue.is_ready(Duration::ZERO), "silence is no sound");
        let mut chunk = vec![-104; 500];
        chunk.extend([105, 0, 7]);
        queue.push(pcm(TURN, &chunk));
        let mut out = Vec::new();
        let Some(Piece::Begin(begin)) = queue.take(1, &mut out) else {
            panic!("a beginning is first");
        };
        // 120 samples are 5 ms at 24 kHz.
        assert_eq!(begin.quiet, Some(120));
        assert_eq!(begin.skipped, SampleRate::REPLY.duration_of(1_880));
        while queue.take(50, &mut out).is_some() {}
        assert_eq!(out.len(), 123);
        assert_eq!(out[119] * 32_768.0, -104.0);
        assert_eq!(out[120] * 32_768.0, 105.0);
    }

    #[test]
    fn silence_inside_a_reply_stays() {
        let mut queue = JitterBuffer::default();
        queue.push(pcm(TURN, &[1_000]));
        queue.push(pcm(TURN, &[0; 5_000]));
        assert_eq!(
            queue.queued(),
            SampleRate::REPLY.duration_of(1) + SampleRate::REPLY.duration_of(5_000)
        );
    }

    #[test]
    fn playing_begins_with_enough_or_with_the_end() {
        let mut queue = JitterBuffer::default();
        assert!(!queue.is_ready(Duration::ZERO));
        queue.push(pcm(TURN, &[1_000; 240]));
        assert!(queue.is_ready(Duration::ZERO));
        assert!(queue.is_ready(Duration::from_millis(10)));
        assert!(!queue.is_ready(Duration::from_millis(20)));
        queue.end(TURN);
        assert!(queue.is_ready(Duration::from_millis(20)));
    }

    #[test]
    fn a_reply_of_silence_or_of_nothing_begins_and_ends() {
        for chunk in [&[0; 480][..], &[]] {
            let mut queue = JitterBuffer::default();
            queue.push(pcm(TURN, chunk));
            queue.end(TURN);
            let mut out = Vec::new();
            let Some(Piece::Begin(begin)) = queue.take(9, &mut out) else {
                panic!("a beginning is first");
            };
            let skipped = SampleRate::REPLY.duration_of(chunk.len() as u64);
            assert_eq!((begin.quiet, begin.skipped), (None, skipped));
            assert!(matches!(queue.take(9, &mut out), Some(Piece::End)));
            assert!(queue.take(9, &mut out).is_none() && out.is_empty());
        }
    }

    #[test]
    fn late_chunks_of_a_flushed_reply_are_dropped_until_its_end() {
        let mut queue = JitterBuffer::default();
        queue.push(pcm(TURN, &[1_000; 10]));
        queue.flush();
        queue.push(pcm(TURN, &[1_000; 10]));
        assert!(!queue.is_ready(Duration::ZERO));
        queue.push(pcm(TurnId(4), &[1_000; 10]));
        assert!(queue.is_ready(Duration::ZERO));
        // The end of it says that nothing more comes; unasked replies all have one number.
        queue.end(TURN);
        queue.push(pcm(TURN, &[1_000; 10]));
        assert_eq!(queue.queued(), SampleRate::REPLY.duration_of(10) * 2);
    }

    #[test]
    fn five_minutes_are_held_and_ten_are_the_most() {
        let mut queue = JitterBuffer::default();
        for _ in 0..300 {
            queue.push(pcm(TURN, &[1_000; 24_000]));
        }
        assert_eq!(queue.queued(), Duration::from_secs(300));
        for _ in 0..400 {
            queue.push(pcm(TURN, &[1_000; 24_000]));
        }
        assert_eq!(queue.queued(), Duration::from_secs(601));
        let mut out = Vec::new();
        let mut samples = 0;
        while queue.take(usize::MAX, &mut out).is_some() {
            samples += out.len();
            out.clear();
        }
        assert_eq!(samples, 601 * 24_000);
    }

    #[test]
    fn a_new_turn_ends_the_one_before() {
        let mut queue = JitterBuffer::default();
        queue.push(pcm(TURN, &[1_000; 10]));
        queue.push(pcm(TurnId(4), &[1_000; 10]));
        assert!(
            queue.is_ready(Duration::from_secs(1)),
            "the old one is complete"
        );
    }

    fn pcm(turn: TurnId, samples: &[i16]) -> Pcm {
        Pcm {
            turn,
            rate: SampleRate::REPLY,
            samples: samples.to_vec(),
        }
    }
}
