//! What the user said, kept until it is answered: a lost connection costs a repetition, never words.

use std::collections::VecDeque;

use crate::base::frame::Frame;
use crate::base::ids::TurnId;
use crate::base::units::SampleRate;

/// Audio that is kept for one turn; longer turns keep their newest part.
pub(super) const KEPT_SECONDS: usize = 60;

/// Frames that are kept beside a turn: 3 s, more than patience and the overtime behind it can be in any shipped profile.
const KEPT_ASIDE: usize = 300;

/// The audio of the open turn: mono, 16 bit, [`SampleRate::WORKING`].
#[derive(Debug, Default)]
pub(super) struct Ledger {
    turn: TurnId,
    samples: Vec<i16>,
    /// All samples of the turn, those no longer kept included.
    captured: u64,
    /// Samples from here on have not been handed to the client.
    handed: usize,
    forgotten: u64,
    /// What came while the turn was closed and patience ran: part of it if the user goes on.
    aside: VecDeque<Frame>,
}

impl Ledger {
    /// Takes in frames of a turn; another turn than before begins a new page.
    pub(super) fn add(&mut self, turn: TurnId, frames: &[Frame]) {
        if turn != self.turn {
            *self = Self {
                turn,
                ..Self::default()
            };
        }
        self.samples.extend(to_pcm(frames));
        self.captured += frames
            .iter()
            .map(|frame| frame.samples.len() as u64)
            .sum::<u64>();
        let limit = KEPT_SECONDS * SampleRate::WORKING.hz() as usize;
        let over = self.samples.len().saturating_sub(limit);
        self.samples.drain(..over);
        self.forgotten += over.saturating_sub(self.handed) as u64;
        self.handed = self.handed.saturating_sub(over);
    }

    /// Keeps frames that belong to the turn only if it goes on.
    pub(super) fn set_aside(&mut self, frames: &[Frame]) {
        self.aside.extend(frames.iter().cloned());
        let over = self.aside.len().saturating_sub(KEPT_ASIDE);
        self.aside.drain(..over);
    }

    /// Gives what was set aside: all of it if `turn` is the one that it was set aside for, else the newest `most` frames.
    #[must_use]
    pub(super) fn take_aside(&mut self, turn: TurnId, most: usize) -> Vec<Frame> {
        let most = if turn == self.turn { usize::MAX } else { most };
        let over = self.aside.len().saturating_sub(most);
        self.aside.drain(..).skip(over).collect()
    }

    /// What of this turn has not been handed over yet.
    #[must_use]
    pub(super) fn unsent(&mut self, turn: TurnId) -> Vec<i16> {
        if turn != self.turn {
            return Vec::new();
        }
        let rest = self.samples[self.handed..].to_vec();
        self.handed = self.samples.len();
        rest
    }

    /// Everything of this turn has to be handed over again, to another connection.
    pub(super) fn rewind(&mut self) {
        self.handed = 0;
    }

    /// Samples captured for this turn; 0 for another than the newest.
    #[must_use]
    pub(super) fn captured(&self, turn: TurnId) -> u64 {
        if turn == self.turn { self.captured } else { 0 }
    }

    /// Samples that were dropped unsent, because the turn grew too long without a connection.
    #[must_use]
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

/// The samples of frames as the service takes them.
pub(super) fn to_pcm(frames: &[Frame]) -> Vec<i16> {
    frames
        .iter()
        .flat_map(|frame| frame.samples.iter().map(|s| to_i16(*s)))
        .collect()
}

fn to_i16(sample: f32) -> i16 {
    // `as` saturates, and takes NaN to 0.
    (sample * 32_767.0).round() as i16
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::base::frame::FRAME_SAMPLES;

    fn frame(value: f32) -> Frame {
        Frame {
            samples: [value; FRAME_SAMPLES],
            sequence: 0,
            captured: Instant::now(),
        }
    }

    #[test]
    fn everything_is_handed_over_once_and_again_after_a_rewind() {
        let mut ledger = Ledger::default();
        ledger.add(TurnId(1), &[frame(0.5), frame(-1.0)]);
        assert_eq!(ledger.unsent(TurnId(1)).len(), 320);
        assert!(ledger.unsent(TurnId(1)).is_empty());
        ledger.add(TurnId(1), &[frame(2.0)]);
        assert_eq!(ledger.unsent(TurnId(1)), vec![i16::MAX; 160]);
        ledger.rewind();
        let all = ledger.unsent(TurnId(1));
        assert_eq!((all.len(), all[0], all[160]), (480, 16_384, -32_767));
        assert_eq!(ledger.captured(TurnId(1)), 480);
    }

    #[test]
    fn a_new_turn_begins_a_new_page() {
        let mut ledger = Ledger::default();
        ledger.add(TurnId(1), &[frame(0.1)]);
        ledger.add(TurnId(2), &[frame(0.2)]);
        assert!(ledger.unsent(TurnId(1)).is_empty());
        assert_eq!(ledger.unsent(TurnId(2)).len(), 160);
    }

    #[test]
    fn what_was_set_aside_belongs_to_the_turn_that_goes_on_or_leads_the_next() {
        let aside = |turn, most| {
            let mut ledger = Ledger::default();
            ledger.add(TurnId(1), &[frame(0.1)]);
            (0..KEPT_ASIDE + 5).for_each(|_| ledger.set_aside(&[frame(0.2)]));
            let taken = ledger.take_aside(turn, most).len();
            assert!(ledger.take_aside(turn, most).is_empty());
            taken
        };
        assert_eq!(aside(TurnId(1), 30), KEPT_ASIDE);
        assert_eq!(aside(TurnId(2), 30), 30);
    }

    #[test]
    fn a_turn_without_end_keeps_its_newest_minute_and_counts_the_rest() {
        let mut ledger = Ledger::default();
        for _ in 0..KEPT_SECONDS * 100 + 50 {
            ledger.add(TurnId(1), &[frame(0.1)]);
        }
        assert_eq!(ledger.forgotten(), 50 * 160);
        assert_eq!(ledger.unsent(TurnId(1)).len(), KEPT_SECONDS * 16_000);
    }
}
