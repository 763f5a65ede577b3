//! Finds words in a conversation, the running one or a kept one that was opened. Pure: the search runs again only when the
//! words or what is looked for change, not with each frame.

use std::ops::Range;

use crate::base::ids::TurnId;
use crate::base::text::t;

/// A place where the words are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundPlace {
    /// Which caption, block within it, and bytes of its text.
    pub(super) entry: usize,
    pub(super) block: usize,
    pub(super) range: Range<usize>,
    /// Which of the words it is, where each is looked for by itself.
    word: usize,
}

/// What is looked for, and where it is.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub(super) is_open: bool,
    pub(super) words: String,
    /// The words may stand apart within a turn, as for the search of kept conversations.
    is_apart: bool,
    /// The field shall have the focus.
    pub(super) wants_focus: bool,
    pub(super) matches: Vec<FoundPlace>,
    /// The one that is gone to, from 0.
    pub(super) at: usize,
    /// Frames in which the conversation is scrolled to it: the first brings it near, and its height is known then.
    pub(super) goes: u8,
    /// What was searched last, and in which state of the words.
    searched: Option<(String, u64)>,
}

impl Search {
    /// What found a kept conversation, to be shown in it.
    pub(super) fn of_hit(words: &str) -> Self {
        Self {
            is_open: !words.trim().is_empty(),
            words: words.trim().to_owned(),
            is_apart: true,
            ..Self::default()
        }
    }

    pub(super) fn open(&mut self) {
        (self.is_open, self.wants_focus) = (true, true);
    }

    pub(super) fn close(&mut self) {
        *self = Self {
            is_apart: self.is_apart,
            ..Self::default()
        };
    }

    /// Searches again, if the words or the conversation have changed since. `texts` are those of the blocks of each caption.
    /// Returns whether other words were looked for.
    pub(super) fn update<'a>(
        &mut self,
        version: u64,
        texts: impl Iterator<Item = (usize, usize, &'a str)>,
    ) -> bool {
        let now = (self.words.clone(), version);
        if !self.is_open || self.searched.as_ref() == Some(&now) {
            return false;
        }
        let is_new = self
            .searched
            .as_ref()
            .is_none_or(|(words, _)| *words != self.words);
        self.matches.clear();
        let wanted = self.wanted();
        for (entry, block, text) in texts.take_while(|_| !wanted.is_empty()) {
            let found = wanted.iter().enumerate().flat_map(|(word, wanted)| {
                places(text, wanted).map(move |range| FoundPlace {
                    entry,
                    block,
                    range,
                    word,
                })
            });
            let mut found: Vec<_> = found.collect();
            found.sort_by_key(|found| (found.range.start, found.word));
            found.dedup_by(|next, before| next.range.start < before.range.end);
            self.matches.extend(found);
        }
        let last = self.matches.len().saturating_sub(1);
        if is_new {
            // The newest is nearest to what is seen.
            self.at = last;
            self.go();
        } else {
            self.at = self.at.min(last);
        }
        self.searched = Some(now);
        is_new
    }

    /// What is looked for, in small letters.
    fn wanted(&self) -> Vec<Vec<char>> {
        let words = self.words.trim();
        if self.is_apart {
            words.split_whitespace().map(lower).collect()
        } else {
            let whole = Some(words).filter(|words| !words.is_empty());
            whole.map(lower).into_iter().collect()
        }
    }

    /// Goes to the newest turn that has all the words, as the list of kept conversations tells of that one.
    pub(super) fn go_to_newest_turn(&mut self, turn: impl Fn(usize) -> Option<TurnId>) {
        let words = self.wanted().len();
        let of = |found: &FoundPlace| turn(found.entry);
        let turns = self.matches.chunk_by(|a, b| of(a) == of(b));
        let mut first = 0;
        for turn in turns {
            let has = |word| turn.iter().any(|found| found.word == word);
            if (0..words).all(has) {
                self.at = first;
            }
            first += turn.len();
        }
    }

    /// Goes to the next place, or to the one before; after the last comes the first.
    pub(super) fn step(&mut self, forward: bool) {
        let n = self.matches.len();
        if n > 0 {
            self.at = if forward {
                self.at + 1
            } else {
                self.at + n - 1
            } % n;
            self.go();
        }
    }

    fn go(&mut self) {
        self.goes = if self.matches.is_empty() { 0 } else { 3 };
    }

    /// The place that is gone to.
    pub(super) fn current(&self) -> Option<&FoundPlace> {
        self.matches.get(self.at)
    }

    /// The places within a block.
    pub(super) fn within(&self, entry: usize, block: usize) -> &[FoundPlace] {
        let place = |found: &FoundPlace| (found.entry, found.block);
        let start = self
            .matches
            .partition_point(|found| place(found) < (entry, block));
        let rest = &self.matches[start..];
        let n = rest.partition_point(|found| place(found) == (entry, block));
        &rest[..n]
    }

    /// "2 of 14", for the bar.
    pub(super) fn count(&self) -> String {
        match self.matches.len() {
            0 if self.words.trim().is_empty() => String::new(),
            0 => t!("not-found").to_owned(),
            n => t!("found-at-of", at = self.at + 1, n),
        }
    }
}

/// Small letters, character by character, so that places in it are those of the text.
fn lower(text: &str) -> Vec<char> {
    text.chars().map(lowered).collect()
}

fn lowered(c: char) -> char {
    let mut small = c.to_lowercase();
    match (small.next(), small.next()) {
        (Some(small), None) => small,
        _ => c,
    }
}

/// Where the wanted letters are, without overlaps.
fn places<'a>(text: &'a str, wanted: &'a [char]) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let rest = text.get(from..)?;
        let found = rest.char_indices().find_map(|(at, first)| {
            if lowered(first) != *wanted.first()? {
                return None;
            }
            let mut letters = rest[at..].char_indices();
            let same = wanted
                .iter()
                .all(|wanted| letters.next().is_some_and(|(_, c)| lowered(c) == *wanted));
            let end = letters.next().map_or(rest.len(), |(after, _)| at + after);
            same.then_some(at..end)
        })?;
        let range = from + found.start..from + found.end;
        from = range.end;
        Some(range)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(words: &str) -> Search {
        Search {
            is_open: true,
            words: words.into(),
            ..Search::default()
        }
    }

    #[test]
    fn places_are_found_in_any_case_and_are_those_of_the_text() {
        for (text, words, wanted) in [
            ("A tree, and a TREE.", "tree", vec!["tree", "TREE"]),
            ("ÄÖ äö", "äö", vec!["ÄÖ", "äö"]),
            ("aaaa", "aa", vec!["aa", "aa"]),
            ("İstanbul", "st", vec!["st"]),
            ("עולם שלום", "שלום", vec!["שלום"]),
            ("tre", "tree", vec![]),
            ("", "x", vec![]),
        ] {
            let wanted_letters = lower(words);
            let found: Vec<_> = places(text, &wanted_letters)
                .map(|range| &text[range])
                .collect();
            assert_eq!(found, wanted, "{text}");
        }
    }

    #[test]
    fn the_newest_is_first_and_steps_go_round() {
        let texts = [(0, 0, "one tree"), (1, 0, "no"), (1, 1, "tree tree")];
        let mut find = find("Tree");
        find.update(1, texts.into_iter());
        assert_eq!((find.count().as_str(), find.goes), ("3 of 3", 3));
        assert_eq!(find.within(1, 1).len(), 2);
        assert!(find.within(1, 0).is_empty());
        find.step(true);
        assert_eq!(find.current().map(|found| found.entry), Some(0));
        find.step(false);
        assert_eq!(find.count(), "3 of 3");
        // More words come: the place stays.
        find.step(false);
        find.update(2, texts.into_iter().chain([(2, 0, "a tree")]));
        assert_eq!(find.count(), "2 of 4");
        find.words = "x".into();
        find.update(2, texts.into_iter());
        assert_eq!((find.count().as_str(), find.goes), ("Not found", 0));
        find.words = " ".into();
        find.update(2, texts.into_iter());
        assert_eq!(find.count(), "");
    }

    #[test]
    fn words_of_a_hit_may_stand_apart_and_the_newest_turn_with_all_is_first() {
        let texts = [
            (0, 0, "a roof and a tree"),
            (1, 0, "The tree again, under the ROOF."),
            (2, 0, "no roof"),
            (3, 0, "a tree, a tree"),
        ];
        let turns = [1, 1, 2, 3];
        let mut find = Search::of_hit(" tree roof ");
        assert!(find.update(1, texts.into_iter()));
        find.go_to_newest_turn(|entry| turns.get(entry).copied().map(TurnId));
        assert_eq!(find.count(), "1 of 7");
        let of = |find: &Search| {
            find.current()
                .map(|found| (found.entry, found.range.clone()))
        };
        assert_eq!(of(&find), Some((0, 2..6)));
        assert_eq!(find.within(1, 0).len(), 2);
        let mut find = Search::of_hit("tree");
        assert!(find.update(1, texts.into_iter()));
        find.go_to_newest_turn(|entry| turns.get(entry).copied().map(TurnId));
        assert_eq!(of(&find), Some((3, 2..6)));
        assert!(!Search::of_hit(" ").is_open);
    }

    #[test]
    fn nothing_is_searched_again_without_need() {
        let mut find = find("a");
        find.update(1, [(0, 0, "a")].into_iter());
        find.update(1, std::iter::from_fn(|| panic!("it is searched again")));
        assert_eq!(find.matches.len(), 1);
        find.close();
        find.update(2, std::iter::from_fn(|| panic!("it is closed")));
    }
}
