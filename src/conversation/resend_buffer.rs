//! What the user said, kept until it is answered: a lost connection costs a repetition, never words.
//!
//! It is also the only queue of an utterance: the provider takes pieces as fast as the connection takes them, so that nothing
//! else grows with what is said, however slow the link.
//!
//! ```text
//! the newest minute      in memory
//! what is older          silence is only counted; the rest goes to a file
//! more than an hour      the oldest is dropped, and counted
//! ```

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use super::overflow::Overflow;
use crate::base::frame::Frame;
use crate::base::ids::TurnId;
use crate::base::units::SampleRate;

/// Seconds that are kept in memory for all turns that wait for their answers: 1.9 MB.
const IN_MEMORY: usize = 60;
/// Seconds that are kept at all, 115 MB in a file. What is older is dropped and counted: it is sent once, but cannot be sent
/// again.
const KEPT_SECONDS: usize = 3_600;
/// The same where there is no file: 19.2 MB of memory.
const KEPT_WITHOUT_FILE: usize = 600;
/// A second with nothing above this (−60 dBFS) is silence.
const SILENT: u16 = 33;

/// Samples that are kept and dropped together: a second.
const BLOCK: usize = SampleRate::WORKING.hz() as usize;

/// Frames that are kept beside a turn: 3 s, more than patience and the overtime behind it can be in any shipped profile.
const KEPT_ASIDE: usize = 300;

/// The audio of the turns that are not answered: mono, 16 bit, [`SampleRate::WORKING`].
#[derive(Debug, Default)]
pub(super) struct ResendBuffer {
    /// Oldest first; the last one is the newest turn's.
    pages: VecDeque<Page>,
    /// What came while the turn was closed and patience ran: part of it if the user goes on.
    aside: VecDeque<Frame>,
    overflow: Overflow,
    /// The file could not be written: what there is stays in memory.
    full: bool,
}

/// A second of speech, the last one of a turn less.
#[derive(Debug)]
enum Block {
    Memory(Vec<i16>),
    /// So many samples of silence.
    Silence(usize),
    /// In the file: place and number of samples.
    File(u64, usize),
}

impl Block {
    fn len(&self) -> usize {
        match self {
            Self::Memory(samples) => samples.len(),
            Self::Silence(samples) | Self::File(_, samples) => *samples,
        }
    }

    fn is_in_memory(&self) -> bool {
        matches!(self, Self::Memory(_))
    }

    fn samples(&self, overflow: &Overflow) -> Cow<'_, [i16]> {
        match self {
            Self::Memory(samples) => samples.into(),
            Self::Silence(samples) => vec![0; *samples].into(),
            Self::File(place, samples) => {
                let read = overflow.get(*place, *samples);
                let read =
                    read.inspect_err(|error| tracing::warn!(%error, "speech cannot be read"));
                read.unwrap_or_else(|_| vec![0; *samples]).into()
            }
        }
    }
}

/// One turn. Positions count samples from its first one.
#[derive(Debug, Default)]
struct Page {
    turn: TurnId,
    /// Whole blocks, except for the last.
    blocks: VecDeque<Block>,
    /// What is kept begins here.
    start: u64,
    end: u64,
    /// Samples from here on have not been handed to the provider.
    handed: u64,
    /// Samples that the connection did not get, and that are no longer kept.
    missing: u64,
    /// Samples from here on are not in the store.
    stored: u64,
}

impl ResendBuffer {
    pub(super) fn new(overflow: Overflow) -> Self {
        Self {
            overflow,
            ..Self::default()
        }
    }

    /// Takes in frames of a turn; another turn than before begins a new page.
    pub(super) fn add(&mut self, turn: TurnId, frames: &[Frame]) {
        if self.page(turn).is_none() {
            self.aside.clear();
            self.pages.retain(|page| page.start < page.end);
            self.pages.push_back(Page {
                turn,
                ..Page::default()
            });
        }
        if let Some(page) = self.page(turn) {
            page.push(&to_pcm(frames));
        }
        self.make_room();
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
        let most = if self.newest() == Some(turn) {
            usize::MAX
        } else {
            most
        };
        let over = self.aside.len().saturating_sub(most);
        self.aside.drain(..).skip(over).collect()
    }

    /// The next samples of this turn that have not been handed over, before `until` and at most so many.
    #[must_use]
    pub(super) fn take(&mut self, turn: TurnId, until: u64, most: usize) -> Vec<i16> {
        let page = self.pages.iter_mut().find(|page| page.turn == turn);
        page.map_or_else(Vec::new, |page| page.take(until, most, &self.overflow))
    }

    /// Speech that an earlier run of the program left: a turn of its own, all of which is in the store.
    pub(super) fn restore(&mut self, turn: TurnId, samples: &[i16]) {
        let mut page = Page {
            turn,
            ..Page::default()
        };
        page.push(samples);
        page.stored = page.end;
        self.pages.push_front(page);
        self.make_room();
    }

    /// The next samples of this turn that are not in the store, with the place of the first: so many, or where the turn is
    /// `over` what is left.
    pub(super) fn take_unkept(
        &mut self,
        turn: TurnId,
        many: usize,
        over: bool,
    ) -> Option<(u64, Vec<i16>)> {
        let page = self.pages.iter_mut().find(|page| page.turn == turn)?;
        let first = page.stored.max(page.start);
        let left = (page.end - first) as usize;
        if left == 0 || (left < many && !over) {
            return None;
        }
        let samples = page.samples(first, many, &self.overflow);
        page.stored = first + samples.len() as u64;
        Some((first, samples))
    }

    /// All samples of this turn that are kept.
    pub(super) fn all(&self, turn: TurnId) -> Vec<i16> {
        let page = self.pages.iter().find(|page| page.turn == turn);
        page.map_or_else(Vec::new, |page| {
            let blocks = page.blocks.iter();
            blocks
                .flat_map(|block| block.samples(&self.overflow).into_owned())
                .collect()
        })
    }

    /// What there is of this turn has been sent in another way.
    pub(super) fn pass_over(&mut self, turn: TurnId) {
        if let Some(page) = self.page(turn) {
            page.handed = page.end;
        }
    }

    /// Everything of this turn has to be handed over again, to another connection.
    pub(super) fn rewind(&mut self, turn: TurnId) {
        if let Some(page) = self.page(turn) {
            page.handed = page.start;
            page.missing = page.start;
        }
    }

    /// Nothing of this turn will be needed again.
    pub(super) fn forget(&mut self, turn: TurnId) {
        let newest = self.newest();
        self.pages
            .retain(|page| page.turn != turn || Some(turn) == newest);
        // The number tells apart what was set aside for the newest turn.
        if let Some(page) = self.pages.back_mut().filter(|page| page.turn == turn) {
            page.blocks.clear();
            (page.start, page.handed) = (page.end, page.end);
        }
        let mut blocks = self.pages.iter().flat_map(|page| &page.blocks);
        if !blocks.any(|block| matches!(block, Block::File(..))) {
            self.overflow.clear();
            self.full = false;
        }
    }

    /// What was said in one turn is another one's from now on: it is asked again.
    pub(super) fn hand_on(&mut self, from: TurnId, to: TurnId) {
        self.aside.clear();
        if let Some(at) = self.pages.iter().position(|page| page.turn == from)
            && let Some(page) = self.pages.remove(at)
        {
            // The store keeps it under the new turn.
            let stored = page.start;
            self.pages.push_back(Page {
                turn: to,
                stored,
                ..page
            });
        }
    }

    /// Samples captured for this turn; 0 for one that is not kept.
    #[must_use]
    pub(super) fn captured(&self, turn: TurnId) -> u64 {
        let page = self.pages.iter().find(|page| page.turn == turn);
        page.map_or(0, |page| page.end)
    }

    /// Samples of this turn that the connection did not get and will not get: the turn has grown too long.
    #[must_use]
    pub(super) fn missing(&self, turn: TurnId) -> u64 {
        let page = self.pages.iter().find(|page| page.turn == turn);
        page.map_or(0, |page| page.missing)
    }

    /// How much is kept at most.
    #[must_use]
    pub(super) fn longest(&self) -> Duration {
        let seconds = if self.full {
            KEPT_WITHOUT_FILE
        } else {
            KEPT_SECONDS
        };
        Duration::from_secs(seconds as u64)
    }

    fn newest(&self) -> Option<TurnId> {
        self.pages.back().map(|page| page.turn)
    }

    fn page(&mut self, turn: TurnId) -> Option<&mut Page> {
        self.pages.iter_mut().find(|page| page.turn == turn)
    }

    /// Moves what is too much for memory into the file, the oldest first, and drops what is too much for that.
    fn make_room(&mut self) {
        let blocks = || self.pages.iter().flat_map(|page| &page.blocks);
        let in_memory = blocks().filter(|block| block.is_in_memory()).count();
        let mut over = in_memory.saturating_sub(IN_MEMORY);
        let blocks = self.pages.iter_mut().flat_map(|page| &mut page.blocks);
        for block in blocks {
            if over == 0 || self.full {
                break;
            }
            // The last one of a turn may grow.
            let Block::Memory(samples) = block else {
                continue;
            };
            let many = samples.len();
            if many < BLOCK {
                continue;
            }
            if samples.iter().all(|sample| sample.unsigned_abs() <= SILENT) {
                *block = Block::Silence(many);
            } else {
                match self.overflow.put(samples) {
                    Ok(place) => *block = Block::File(place, many),
                    Err(error) => {
                        tracing::warn!(%error, "unanswered speech stays in memory");
                        self.full = true;
                        break;
                    }
                }
            }
            over -= 1;
        }
        self.drop_oldest();
    }

    fn drop_oldest(&mut self) {
        let blocks = || self.pages.iter().flat_map(|page| &page.blocks);
        let in_memory = blocks().filter(|block| block.is_in_memory()).count();
        let mut over = (blocks().count().saturating_sub(KEPT_SECONDS))
            .max(in_memory.saturating_sub(KEPT_WITHOUT_FILE));
        for page in &mut self.pages {
            while over > 0 && page.drop_block() {
                over -= 1;
            }
        }
    }
}

impl Page {
    fn push(&mut self, mut samples: &[i16]) {
        self.end += samples.len() as u64;
        while !samples.is_empty() {
            let has_room = |block: &Block| block.is_in_memory() && block.len() < BLOCK;
            if !self.blocks.back().is_some_and(has_room) {
                self.blocks.push_back(Block::Memory(Vec::new()));
            }
            let Some(Block::Memory(block)) = self.blocks.back_mut() else {
                return;
            };
            let (these, rest) = samples.split_at(samples.len().min(BLOCK - block.len()));
            block.extend_from_slice(these);
            samples = rest;
        }
    }

    fn take(&mut self, until: u64, most: usize, overflow: &Overflow) -> Vec<i16> {
        let most = most.min(until.saturating_sub(self.handed) as usize);
        let taken = self.samples(self.handed, most, overflow);
        self.handed += taken.len() as u64;
        taken
    }

    /// At most so many samples from a place on.
    fn samples(&self, mut from: u64, most: usize, overflow: &Overflow) -> Vec<i16> {
        let until = self.end.min(from + most as u64);
        let mut samples = Vec::new();
        while from < until {
            let within = (from - self.start) as usize;
            let Some(block) = self.blocks.get(within / BLOCK) else {
                break;
            };
            let at = within % BLOCK;
            let to = (at + (until - from) as usize).min(block.len());
            samples.extend_from_slice(&block.samples(overflow)[at..to]);
            from += (to - at) as u64;
        }
        samples
    }

    /// Drops the oldest second; says whether there was one.
    fn drop_block(&mut self) -> bool {
        let Some(block) = self.blocks.pop_front() else {
            return false;
        };
        self.start += block.len() as u64;
        self.missing += self.start.saturating_sub(self.handed);
        self.handed = self.handed.max(self.start);
        true
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

    const T1: TurnId = TurnId(1);
    const T2: TurnId = TurnId(2);

    fn frame(value: f32) -> Frame {
        Frame {
            samples: [value; FRAME_SAMPLES],
            sequence: 0,
            captured: Instant::now(),
        }
    }

    fn rest(buffer: &mut ResendBuffer, turn: TurnId) -> Vec<i16> {
        buffer.take(turn, u64::MAX, 1 << 40)
    }

    fn second(buffer: &mut ResendBuffer, turn: TurnId) {
        buffer.add(turn, &vec![frame(0.1); 100]);
    }

    #[test]
    fn everything_is_handed_over_once_and_again_after_a_rewind() {
        let mut buffer = ResendBuffer::default();
        buffer.add(T1, &[frame(0.5), frame(-1.0)]);
        assert_eq!(rest(&mut buffer, T1).len(), 320);
        assert!(rest(&mut buffer, T1).is_empty());
        buffer.add(T1, &[frame(2.0)]);
        assert_eq!(rest(&mut buffer, T1), vec![i16::MAX; 160]);
        buffer.rewind(T1);
        let all = rest(&mut buffer, T1);
        assert_eq!((all.len(), all[0], all[160]), (480, 16_384, -32_767));
        assert_eq!(buffer.captured(T1), 480);
    }

    #[test]
    fn pieces_are_as_long_as_is_asked_for_and_end_where_is_asked_for() {
        let mut buffer = ResendBuffer::default();
        let said: Vec<i16> = (0..40_000).map(|n| (n % 30_000) as i16).collect();
        buffer.add(T1, &[]);
        buffer.page(T1).expect("begun").push(&said);
        let mut heard = Vec::new();
        for until in [100, 15_999, 16_001, 35_000, 99_999] {
            loop {
                let piece = buffer.take(T1, until, 3_200);
                if piece.is_empty() {
                    break;
                }
                assert!(piece.len() <= 3_200);
                heard.extend(piece);
            }
            assert_eq!(heard.len() as u64, until.min(40_000));
        }
        assert_eq!(heard, said);
    }

    #[test]
    fn turns_are_kept_beside_each_other_until_they_are_forgotten() {
        let mut buffer = ResendBuffer::default();
        buffer.add(T1, &[frame(0.1)]);
        buffer.add(T2, &[frame(0.2), frame(0.2)]);
        assert_eq!(rest(&mut buffer, T1).len(), 160);
        assert_eq!(rest(&mut buffer, T2).len(), 320);
        buffer.rewind(T1);
        assert_eq!(rest(&mut buffer, T1).len(), 160);
        buffer.forget(T1);
        assert_eq!(buffer.captured(T1), 0);
        buffer.forget(T2);
        buffer.rewind(T2);
        assert!(rest(&mut buffer, T2).is_empty());
    }

    #[test]
    fn what_is_asked_again_is_the_new_turns_and_nothing_else_is() {
        let mut buffer = ResendBuffer::default();
        buffer.add(T1, &[frame(0.1)]);
        assert_eq!(rest(&mut buffer, T1).len(), 160);
        buffer.set_aside(&[frame(0.2)]);
        buffer.hand_on(T1, T2);
        assert!(rest(&mut buffer, T1).is_empty());
        buffer.rewind(T2);
        assert_eq!(rest(&mut buffer, T2).len(), 160);
        assert!(buffer.take_aside(T2, 30).is_empty());
    }

    #[test]
    fn what_was_set_aside_belongs_to_the_turn_that_goes_on_or_leads_the_next() {
        let aside = |turn, most| {
            let mut buffer = ResendBuffer::default();
            buffer.add(T1, &[frame(0.1)]);
            (0..KEPT_ASIDE + 5).for_each(|_| buffer.set_aside(&[frame(0.2)]));
            buffer.forget(T1);
            let taken = buffer.take_aside(turn, most).len();
            assert!(buffer.take_aside(turn, most).is_empty());
            taken
        };
        assert_eq!(aside(T1, 30), KEPT_ASIDE);
        assert_eq!(aside(T2, 30), 30);
    }

    #[test]
    fn a_turn_that_was_sent_may_grow_too_long_and_a_lost_connection_tells_what_is_missing() {
        let mut buffer = ResendBuffer::default();
        for _ in 0..KEPT_WITHOUT_FILE + 5 {
            second(&mut buffer, T1);
            assert_eq!(rest(&mut buffer, T1).len(), BLOCK);
        }
        assert_eq!(buffer.missing(T1), 0, "the service has all of it");
        buffer.rewind(T1);
        assert_eq!(buffer.missing(T1), 5 * BLOCK as u64);
        assert_eq!(rest(&mut buffer, T1).len(), KEPT_WITHOUT_FILE * BLOCK);
    }

    #[test]
    fn without_a_connection_ten_minutes_are_kept_and_the_rest_is_counted() {
        let mut buffer = ResendBuffer::default();
        for turn in [T1, T2] {
            for _ in 0..KEPT_WITHOUT_FILE / 2 + 5 {
                second(&mut buffer, turn);
            }
        }
        let missing = [T1, T2].map(|turn| buffer.missing(turn));
        assert_eq!(missing, [10 * BLOCK as u64, 0], "the oldest go first");
        let kept = [T1, T2].map(|turn| rest(&mut buffer, turn).len());
        assert_eq!(kept.iter().sum::<usize>(), KEPT_WITHOUT_FILE * BLOCK);
    }

    #[test]
    fn a_minute_is_in_memory_silence_is_counted_and_the_rest_is_in_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut buffer = ResendBuffer::new(Overflow::new(Some(folder.path().to_owned())));
        let mut said = Vec::new();
        for n in 0..3 * IN_MEMORY {
            // Each third second is silence.
            let value = if n % 3 == 0 {
                0.0
            } else {
                (n + 10) as f32 / 1_000.0
            };
            let frames = vec![frame(value); 100];
            said.extend(to_pcm(&frames));
            buffer.add(if n < 100 { T1 } else { T2 }, &frames);
        }
        let count = |buffer: &ResendBuffer, is: fn(&Block) -> bool| {
            let blocks = buffer.pages.iter().flat_map(|page| &page.blocks);
            blocks.filter(|block| is(block)).count()
        };
        assert_eq!(count(&buffer, Block::is_in_memory), IN_MEMORY);
        assert_eq!(
            count(&buffer, |block| matches!(block, Block::Silence(_))),
            40
        );
        for _ in 0..2 {
            let mut heard = Vec::new();
            for turn in [T1, T2] {
                loop {
                    let piece = buffer.take(turn, u64::MAX, 3_200);
                    if piece.is_empty() {
                        break;
                    }
                    heard.extend(piece);
                }
            }
            assert!(heard == said, "another time, another connection: all of it");
            buffer.rewind(T1);
            buffer.rewind(T2);
        }
        assert_eq!((buffer.missing(T1), buffer.missing(T2)), (0, 0));
        let all = buffer.all(T1);
        assert!(all == said[..100 * BLOCK]);
        buffer.forget(T1);
        buffer.forget(T2);
        assert!(buffer.overflow.get(0, 1).is_err(), "the file is gone");
    }
}
