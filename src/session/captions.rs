//! Both sides of the conversation in words, under the turn that they belong to.

use std::collections::VecDeque;
use std::sync::Arc;

use super::snapshot::{Caption, Speaker};
use crate::base::ids::TurnId;
use crate::turn::timeline::Latencies;

/// Captions that are kept; the oldest go first.
const KEPT: usize = 200;
/// Characters of one caption; a service that never stops must not fill the memory.
const LONGEST: usize = 20_000;

/// The book of captions.
#[derive(Debug, Default)]
pub(super) struct Captions {
    book: VecDeque<Arc<Caption>>,
    /// The copy that was given last, until something changes: most of what is new in a snapshot is something else.
    shared: Option<Arc<[Arc<Caption>]>>,
}

impl Captions {
    /// Adds words of one side to a turn; begins its caption where there is none. Empty words only begin it.
    pub(super) fn add(&mut self, turn: TurnId, speaker: Speaker, words: &str) {
        self.shared = None;
        let place = match self.position(turn, speaker) {
            Some(found) => found,
            None => self.begin(turn, speaker),
        };
        let caption = Arc::make_mut(&mut self.book[place]);
        let room = LONGEST.saturating_sub(caption.text.chars().count());
        caption.text.extend(words.chars().take(room));
    }

    /// What was said is sent again, and will be written down and answered again.
    pub(super) fn begin_again(&mut self, turn: TurnId) {
        for caption in self.of(turn) {
            caption.text.clear();
        }
    }

    /// The user goes on with a turn: more of the user's words will follow, and the words of the reply that was dropped
    /// were not heard.
    pub(super) fn go_on(&mut self, turn: TurnId) {
        for caption in self.of(turn) {
            match caption.speaker {
                Speaker::Assistant => caption.text.clear(),
                Speaker::User if caption.text.ends_with(|c: char| !c.is_whitespace()) => {
                    caption.text.push(' ');
                }
                Speaker::User => {}
            }
        }
    }

    /// The words of one side of a turn so far.
    #[must_use]
    pub(super) fn text(&self, turn: TurnId, speaker: Speaker) -> &str {
        self.position(turn, speaker)
            .map_or("", |found| self.book[found].text.trim())
    }

    /// A turn is over; what its reply took stands beside the reply.
    pub(super) fn close(&mut self, turn: TurnId, stopped: bool, latencies: Option<&Latencies>) {
        for caption in self.of(turn) {
            caption.open = false;
            if caption.speaker == Speaker::Assistant {
                caption.stopped = stopped;
                caption.latencies = latencies.cloned();
            }
        }
    }

    /// The newest turn with a caption.
    #[must_use]
    pub(super) fn last_turn(&self) -> Option<TurnId> {
        self.book.back().map(|caption| caption.turn)
    }

    /// Whether nobody has said anything.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.book.is_empty()
    }

    /// A copy for the snapshot.
    #[must_use]
    pub(super) fn shared(&mut self) -> Arc<[Arc<Caption>]> {
        let book = &self.book;
        let made = || book.iter().cloned().collect();
        self.shared.get_or_insert_with(made).clone()
    }

    /// The captions of a turn, to be changed.
    fn of(&mut self, turn: TurnId) -> impl Iterator<Item = &mut Caption> {
        self.shared = None;
        let its = self.book.iter_mut().filter(move |its| its.turn == turn);
        its.map(Arc::make_mut)
    }

    /// The user's words come before the assistant's of the same turn, even when the service writes them down later.
    /// Gives its place.
    fn begin(&mut self, turn: TurnId, speaker: Speaker) -> usize {
        if self.book.len() == KEPT {
            self.book.pop_front();
        }
        let reply = if speaker == Speaker::User {
            self.position(turn, Speaker::Assistant)
        } else {
            None
        };
        // A turn that was asked again may be answered when later ones have been written down.
        let later = || self.book.iter().position(|its| its.turn > turn);
        let place = reply.or_else(later).unwrap_or(self.book.len());
        let time = jiff::Zoned::now().strftime("%H:%M:%S").to_string();
        let caption = Caption {
            speaker,
            turn,
            time,
            text: String::new(),
            open: true,
            stopped: false,
            latencies: None,
        };
        self.book.insert(place, Arc::new(caption));
        place
    }

    fn position(&self, turn: TurnId, speaker: Speaker) -> Option<usize> {
        self.book
            .iter()
            .rposition(|caption| caption.turn == turn && caption.speaker == speaker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_gather_under_their_turn_and_side() {
        let mut book = Captions::default();
        book.add(TurnId(1), Speaker::Assistant, "Hel");
        book.add(TurnId(1), Speaker::User, "hi");
        book.add(TurnId(1), Speaker::Assistant, "lo");
        book.close(TurnId(1), true, None);
        let shown = book.shared();
        let told: Vec<_> = shown
            .iter()
            .map(|c| (c.speaker, c.text.as_str(), c.open, c.stopped))
            .collect();
        assert_eq!(
            told,
            [
                (Speaker::User, "hi", false, false),
                (Speaker::Assistant, "Hello", false, true)
            ]
        );
    }

    #[test]
    fn a_snapshot_shares_what_has_not_changed() {
        let mut book = Captions::default();
        book.add(TurnId(1), Speaker::User, "hi");
        book.add(TurnId(2), Speaker::User, "and");
        let first = book.shared();
        assert!(Arc::ptr_eq(&first, &book.shared()));
        book.add(TurnId(2), Speaker::User, " more");
        let second = book.shared();
        assert!(Arc::ptr_eq(&first[0], &second[0]));
        assert_eq!((&*first[1].text, &*second[1].text), ("and", "and more"));
        book.close(TurnId(1), false, None);
        assert!(first[0].open && !book.shared()[0].open);
    }

    #[test]
    fn a_turn_that_goes_on_keeps_both_halves_of_the_question_and_drops_the_unheard_reply() {
        let mut book = Captions::default();
        book.add(TurnId(1), Speaker::User, "What is");
        book.add(TurnId(1), Speaker::Assistant, "I beg your");
        book.go_on(TurnId(1));
        book.add(TurnId(1), Speaker::User, "the time?");
        book.add(TurnId(1), Speaker::Assistant, "Noon.");
        assert_eq!(book.text(TurnId(1), Speaker::User), "What is the time?");
        assert_eq!(book.text(TurnId(1), Speaker::Assistant), "Noon.");
    }

    #[test]
    fn the_book_and_its_captions_are_bounded() {
        let mut book = Captions::default();
        for turn in 0..500 {
            book.add(TurnId(turn), Speaker::User, "x");
        }
        assert_eq!(book.shared().len(), KEPT);
        book.add(TurnId(1_000), Speaker::User, &"é".repeat(LONGEST * 2));
        assert_eq!(
            book.text(TurnId(1_000), Speaker::User).chars().count(),
            LONGEST
        );
    }
}
