//! The last reply that was heard, kept so that it can be heard again. What is kept is pure; time comes in.
//!
//! ```text
//! chunk of a reply ──▶ coming ── first audible ──▶ kept ── repeat ──▶ chunks for the speaker
//!                        │ flushed unheard           │ ten minutes later
//!                        ▼                           ▼
//!                       gone                        gone
//! ```

use std::time::{Duration, Instant};

use crate::base::frame::Pcm;
use crate::base::ids::TurnId;
use crate::base::units::SampleRate;

/// How long a reply is kept after it began to sound: long enough to be asked for again, too short to pile up.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// The longest reply that is kept: 19 MB at 16 bit and 24 kHz, more than any answer measured.
const LONGEST: Duration = Duration::from_secs(400);
/// Sound in one message to the speaker: the longest reply fits four times into the 8 192 messages that may wait there.
const PIECE: Duration = Duration::from_millis(200);

/// What is kept of replies.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// A reply that was not heard yet.
    coming: Option<Take>,
    /// The last one that was.
    kept: Option<Take>,
}

#[derive(Debug)]
struct Take {
    turn: TurnId,
    /// Sound of one rate each, in order.
    parts: Vec<(SampleRate, Vec<i16>)>,
    length: Duration,
    heard_at: Option<Instant>,
}

impl Replay {
    /// Takes in a piece of a reply that goes to the speaker.
    pub(super) fn keep(&mut self, turn: TurnId, rate: SampleRate, samples: &[i16]) {
        let is_its = |take: &&mut Take| take.turn == turn;
        let take = match self.kept.as_mut().filter(is_its) {
            Some(heard) => heard,
            None => {
                let other = self.coming.as_ref().is_none_or(|take| take.turn != turn);
                if other {
                    self.coming = None;
                }
                self.coming.get_or_insert_with(|| Take {
                    turn,
                    parts: Vec::new(),
                    length: Duration::ZERO,
                    heard_at: None,
                })
            }
        };
        // What is too long to be kept is counted on, and not offered.
        take.length += rate.duration_of(samples.len() as u64);
        if take.length > LONGEST {
            take.parts = Vec::new();
            return;
        }
        match take.parts.last_mut().filter(|(last, _)| *last == rate) {
            Some((_, part)) => part.extend_from_slice(samples),
            None => take.parts.push((rate, samples.to_vec())),
        }
    }

    /// A reply became audible: it is the last one that was heard.
    pub(super) fn heard(&mut self, turn: TurnId, at: Instant) {
        if let Some(mut take) = self.coming.take_if(|take| take.turn == turn) {
            take.heard_at = Some(at);
            self.kept = Some(take);
        }
    }

    /// The speaker was told to drop what waits: a reply of which nothing was heard will not be.
    pub(super) fn flushed(&mut self) {
        self.coming = None;
    }

    /// Drops what has been kept long enough.
    pub(super) fn forget_old(&mut self, now: Instant) {
        let old = |take: &mut Take| {
            let since = |at| now.saturating_duration_since(at);
            take.heard_at.is_some_and(|at| since(at) >= KEPT_FOR)
        };
        self.kept.take_if(old);
    }

    /// The turn whose reply is kept.
    pub(super) fn turn(&self) -> Option<TurnId> {
        let whole = self.kept.as_ref().filter(|take| !take.parts.is_empty());
        whole.map(|take| take.turn)
    }

    /// The sound of a turn's reply, if it was heard; of several rates, what has the first.
    pub(super) fn sound_of(&self, turn: TurnId) -> Option<(SampleRate, Vec<i16>)> {
        let heard = self.kept.as_ref().filter(|take| take.turn == turn)?;
        heard.parts.first().cloned()
    }

    /// The kept reply in pieces, as another turn's.
    pub(super) fn pieces(&self, turn: TurnId) -> impl Iterator<Item = Pcm> + '_ {
        let parts = self.kept.iter().flat_map(|take| &take.parts);
        parts.flat_map(move |(rate, samples)| {
            let piece = samples.chunks(rate.samples_in(PIECE).max(1));
            piece.map(move |samples| Pcm {
                turn,
                rate: *rate,
                samples: samples.to_vec(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T1: TurnId = TurnId(1);
    const T2: TurnId = TurnId(2);
    const T9: TurnId = TurnId(9);

    fn rate(hz: u32) -> SampleRate {
        SampleRate::new(hz).expect("not zero")
    }

    fn sound(replay: &Replay) -> Vec<i16> {
        replay.pieces(T9).flat_map(|pcm| pcm.samples).collect()
    }

    #[test]
    fn the_last_reply_that_was_heard_is_kept_whole() {
        let (mut replay, now) = (Replay::default(), Instant::now());
        replay.keep(T1, rate(24_000), &[1, 2]);
        assert_eq!(replay.turn(), None, "not heard yet");
        replay.heard(T1, now);
        replay.keep(T1, rate(24_000), &[3]);
        replay.keep(T1, rate(16_000), &[4]);
        assert_eq!(
            (replay.turn(), sound(&replay)),
            (Some(T1), vec![1, 2, 3, 4])
        );
        let rates: Vec<u32> = replay.pieces(T9).map(|pcm| pcm.rate.hz()).collect();
        assert_eq!(rates, [24_000, 16_000]);
        replay.keep(T2, rate(24_000), &[7]);
        assert_eq!(replay.turn(), Some(T1), "the next one was not heard yet");
        replay.heard(T2, now);
        assert_eq!((replay.turn(), sound(&replay)), (Some(T2), vec![7]));
    }

    #[test]
    fn what_was_dropped_unheard_is_not_kept_and_its_second_form_is() {
        let (mut replay, now) = (Replay::default(), Instant::now());
        replay.keep(T1, rate(24_000), &[1]);
        replay.flushed();
        replay.keep(T1, rate(24_000), &[2]);
        replay.heard(T1, now);
        replay.flushed();
        assert_eq!(sound(&replay), [2]);
    }

    #[test]
    fn ten_minutes_later_it_is_gone() {
        let (mut replay, now) = (Replay::default(), Instant::now());
        replay.keep(T1, rate(24_000), &[1]);
        replay.heard(T1, now);
        replay.forget_old(now + KEPT_FOR - Duration::from_millis(1));
        assert_eq!(replay.turn(), Some(T1));
        replay.forget_old(now + KEPT_FOR);
        assert_eq!(replay.turn(), None);
    }

    #[test]
    fn a_reply_without_end_takes_no_more_memory() {
        let (mut replay, now) = (Replay::default(), Instant::now());
        let minute = vec![0; 60 * 24_000];
        for _ in 0..10 {
            replay.keep(T1, rate(24_000), &minute);
        }
        replay.heard(T1, now);
        replay.keep(T1, rate(24_000), &minute);
        assert_eq!((replay.turn(), sound(&replay).len()), (None, 0));
    }

    #[test]
    fn pieces_are_short_and_whole_together() {
        let (mut replay, now) = (Replay::default(), Instant::now());
        let said: Vec<i16> = (0..10_000).collect();
        replay.keep(T1, rate(24_000), &said);
        replay.heard(T1, now);
        assert!(
            replay
                .pieces(T9)
                .all(|pcm| pcm.samples.len() <= 4_800 && pcm.turn == T9)
        );
        assert_eq!(sound(&replay), said);
    }
}
