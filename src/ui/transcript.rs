//! The words of the conversation, prepared for drawing: cleaned and cut into blocks once per change, with cached heights, so
//! that a frame lays out only the visible part of a conversation of any length.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use eframe::egui::{Align, Response, Ui};

use super::find::Search;
use super::format;
use super::known_height::Height;
use super::markdown::{self, MarkdownBlock, StyledSpan};
use super::styled_text::Look;
use super::text_block::TextBlock;
use crate::conversation::snapshot::{Caption, Speaker};

/// Characters of a block that is laid out as a whole, some screens: at paragraphs if there are, else between words.
const BLOCK: usize = 6_000;

/// A time is shown again after this, in seconds.
const TIMES_APART: u32 = 60;
const DAY: u32 = 24 * 60 * 60;
/// Words of the user may be written down so much later than the answer below them began.
const LATE: u32 = 60 * 60;

/// The captions, ready to be drawn.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    of: Option<Arc<[Arc<Caption>]>>,
    pub(super) entries: VecDeque<Entry>,
    /// Counts the changes.
    version: u64,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) caption: Arc<Caption>,
    /// Its time is shown: a minute has passed since the last that is.
    pub(super) is_timed: bool,
    blocks: Vec<TextBlock>,
    height: Height,
}

impl Transcript {
    /// Takes in the captions; unchanged ones stay.
    pub(super) fn update(&mut self, captions: &Arc<[Arc<Caption>]>) {
        if self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, captions)) {
            return;
        }
        let mut old = std::mem::take(&mut self.entries);
        self.entries = captions
            .iter()
            .map(|caption| {
                let id = |caption: &Caption| (caption.turn, caption.speaker, caption.continued);
                // The same captions come in the same order; those in front of it are gone.
                let found = old
                    .iter()
                    .take(2)
                    .position(|entry| id(&entry.caption) == id(caption));
                let found = found.or_else(|| {
                    old.iter()
                        .position(|entry| Arc::ptr_eq(&entry.caption, caption))
                });
                let entry = found.and_then(|at| old.drain(..=at).next_back());
                entry
                    .filter(|entry| Arc::ptr_eq(&entry.caption, caption))
                    .unwrap_or_else(|| Entry::new(caption))
            })
            .collect();
        self.of = Some(captions.clone());
        self.version += 1;
        self.time();
    }

    /// Decides which times are shown.
    fn time(&mut self) {
        let mut last: Option<&str> = None;
        for entry in &mut self.entries {
            let time = &*entry.caption.time;
            entry.is_timed = last.is_none_or(|last| is_apart(last, time));
            if entry.is_timed {
                last = Some(time);
            }
        }
    }

    /// Searches what is looked for, if the words have changed. Returns whether other words were looked for.
    pub(super) fn find(&self, find: &mut Search) -> bool {
        let texts = self.entries.iter().enumerate().flat_map(|(nth, entry)| {
            let blocks = entry.blocks.iter().enumerate();
            blocks.map(move |(block, words)| (nth, block, words.text()))
        });
        find.update(self.version, texts)
    }

    /// Both sides as text, each with its name.
    pub(super) fn all(&self) -> String {
        let starts = (0..self.entries.len()).filter(|at| !self.goes_on(*at));
        let said: Vec<_> = starts.map(|at| self.named(at)).collect();
        said.join("\n\n")
    }

    /// What the caption at this place is a part of, with the name of who says it.
    pub(super) fn named(&self, place: usize) -> String {
        let name = self
            .entries
            .get(place)
            .map_or("", |entry| entry.caption.name);
        format!("{name}: {}", self.whole(place))
    }

    fn goes_on(&self, at: usize) -> bool {
        self.entries
            .get(at)
            .is_some_and(|entry| entry.caption.continued)
    }
}

/// Whether a minute lies between two times. Those of kept words have no seconds: each minute is told once.
fn is_apart(before: &str, time: &str) -> bool {
    let (Some(before), Some(time)) = (seconds(before), seconds(time)) else {
        return before != time;
    };
    // Over midnight it is another day. What comes late stands before what is a little older.
    let passed = (time + DAY - before) % DAY;
    (TIMES_APART..DAY - LATE).contains(&passed)
}

/// The time of day "14:02:11" in seconds.
fn seconds(time: &str) -> Option<u32> {
    let mut parts = time.split(':').map(|part| part.parse::<u32>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    Some((hours * 60 + minutes) * 60 + parts.next().flatten().unwrap_or(0))
}

impl Transcript {
    /// The whole of what the caption at this place is a part of.
    pub(super) fn whole(&self, place: usize) -> String {
        let first = (0..=place).rev().find(|at| !self.goes_on(*at)).unwrap_or(0);
        let parts = (first + 1..).take_while(|at| self.goes_on(*at));
        std::iter::once(first)
            .chain(parts)
            .filter_map(|at| self.entries.get(at))
            .map(Entry::text)
            .collect()
    }
}

impl Entry {
    fn new(caption: &Arc<Caption>) -> Self {
        let clean = format::clean_whole(&caption.text);
        let words = match caption.speaker {
            Speaker::Assistant => markdown::parse(&clean),
            Speaker::User => markdown::plain(&clean),
        };
        Self {
            caption: caption.clone(),
            is_timed: false,
            blocks: words.into_iter().flat_map(in_pieces).collect(),
            height: Height::default(),
        }
    }

    /// The words as they were said.
    pub(super) fn text(&self) -> String {
        format::clean_whole(&self.caption.text)
    }

    /// Draws the whole caption with `add`, if it is in view; else allocates its space and name.
    pub(super) fn show(&mut self, ui: &mut Ui, add: impl FnOnce(&mut Ui, &mut Self)) {
        let name = || format!("{}: {}", self.caption.name, self.text());
        if !self.height.skipped(ui, name) {
            let drawn = ui.vertical(|ui| add(ui, self)).response.rect;
            self.height.note(ui, drawn.height());
        }
    }

    /// Its place, if it is known already.
    pub(super) fn is_under_pointer(&self, ui: &Ui) -> bool {
        let rect = self.height.rect(ui);
        rect.is_some_and(|rect| ui.rect_contains_pointer(rect.expand(6.0)))
    }

    /// Scrolls to it roughly, as what is out of view is not laid out.
    pub(super) fn come_near(&self, ui: &Ui) {
        if let Some(rect) = self.height.rect(ui) {
            ui.scroll_to_rect(rect, Some(Align::Center));
        }
    }

    /// Draws the words, block by block, with what was found in the caption, which is the `nth`. Gives what the pointer can act
    /// on.
    pub(super) fn words_ui(
        &mut self,
        ui: &mut Ui,
        (nth, find): (usize, &Search),
        look: &Look<'_>,
        mut each: impl FnMut(&Response),
    ) {
        let last = self.blocks.len().saturating_sub(1);
        for (at, block) in self.blocks.iter_mut().enumerate() {
            if at > 0 {
                ui.add_space(block.gap());
            }
            let look = Look {
                ending: look.ending.filter(|_| at == last),
                found: find.within(nth, at),
                current: find.current(),
                goes: find.goes > 0,
                ..*look
            };
            let place = block.height.rect(ui);
            if block.height.skipped(ui, || block.text().to_owned()) {
                if look.goes_here()
                    && let Some(place) = place
                {
                    ui.scroll_to_rect(place, Some(Align::Center));
                }
            } else {
                let top = ui.cursor().top();
                let response = block.ui(ui, &look);
                block
                    .height
                    .note(ui, (ui.min_rect().bottom() - top).max(0.0));
                each(&response);
            }
        }
    }
}

/// A block in pieces that are laid out by themselves.
fn in_pieces(block: MarkdownBlock) -> Vec<TextBlock> {
    if block.text.len() <= BLOCK || !block.rows.is_empty() {
        return vec![TextBlock::new(block, false)];
    }
    let piece = |(nth, range): (usize, Range<usize>)| {
        let inside = |span: &StyledSpan| {
            let (from, to) = (
                span.range.start.max(range.start),
                span.range.end.min(range.end),
            );
            (from < to).then(|| StyledSpan {
                range: from - range.start..to - range.start,
                ..span.clone()
            })
        };
        let words = MarkdownBlock {
            kind: block.kind,
            depth: block.depth,
            marker: block.marker.clone().filter(|_| nth == 0),
            text: block.text[range.clone()].to_owned(),
            spans: block.spans.iter().filter_map(inside).collect(),
            rows: Vec::new(),
            columns: Vec::new(),
        };
        TextBlock::new(words, nth > 0)
    };
    blocks(&block.text).enumerate().map(piece).collect()
}

/// The blocks of a text. Together they are all of it, but for the line break between two of them.
fn blocks(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let from = start?;
        let rest = &text[from..];
        let Some((most, _)) = rest.char_indices().nth(BLOCK) else {
            start = None;
            return Some(from..text.len());
        };
        let head = &rest[..most];
        // A block of a few words is worse than one that ends within a paragraph.
        let good = |at: &usize| *at > most / 4;
        let (end, next) = match head.rfind('\n').filter(good) {
            Some(at) => (at, at + 1),
            None => {
                let at = head
                    .rfind(' ')
                    .map(|at| at + 1)
                    .filter(good)
                    .unwrap_or(most);
                (at, at)
            }
        };
        start = Some(from + next);
        Some(from..from + end)
    })
}

#[cfg(test)]
mod tests {
    use super::super::known_height::Measure;
    use super::*;
    use crate::base::ids::TurnId;
    use crate::conversation::snapshot::CaptionEnd;

    fn caption(turn: u64, text: &str) -> Arc<Caption> {
        Arc::new(Caption {
            speaker: Speaker::User,
            name: "You",
            turn: TurnId(turn),
            time: String::new(),
            text: text.into(),
            typed: false,
            unsent: false,
            open: false,
            end: CaptionEnd::Whole,
            unspoken: false,
            unwritten: false,
            found: None,
            latencies: None,
            target: None,
            continued: false,
        })
    }

    #[test]
    fn blocks_are_the_whole_text_in_pieces_of_some_screens() {
        for text in [
            String::new(),
            "short".into(),
            "a word ".repeat(10_000),
            "é".repeat(50_000),
            "A paragraph of some words.\n".repeat(5_000),
            format!("\n{}", "x".repeat(20_000)),
        ] {
            let ranges: Vec<_> = blocks(&text).collect();
            let mut at = 0;
            for range in &ranges {
                assert!(text[at..range.start].is_empty() || &text[at..range.start] == "\n");
                assert!(text[range.clone()].chars().count() <= BLOCK);
                at = range.end;
            }
            assert_eq!(at, text.len());
            assert!(ranges.len() <= 1 + text.len() / (BLOCK / 4));
        }
    }

    #[test]
    fn what_has_not_changed_is_not_made_ready_again() {
        let mut book = Transcript::default();
        let all: Vec<_> = (0..5).map(|turn| caption(turn, "words")).collect();
        let shown = |captions: &[Arc<Caption>]| Arc::from(captions.to_vec());
        book.update(&shown(&all));
        for entry in &mut book.entries {
            entry.height = Height(Some((
                Measure {
                    width: 1.0,
                    scale: 1.0,
                },
                9.0,
            )));
        }
        let measured = |book: &Transcript| -> Vec<bool> {
            book.entries
                .iter()
                .map(|entry| entry.height.0.is_some())
                .collect()
        };
        // The oldest is gone, one in the middle says more, one came.
        let mut next = all[1..].to_vec();
        next[1] = caption(2, "more words");
        next.push(caption(9, "new"));
        book.update(&shown(&next));
        assert_eq!(measured(&book), [true, false, true, true, false]);
        // One in the middle is gone, as an empty one is when its turn ends.
        let mut fewer = next.clone();
        fewer.remove(2);
        book.update(&shown(&fewer));
        assert_eq!(measured(&book), [true, false, true, false]);
        let texts: Vec<_> = book.entries.iter().map(Entry::text).collect();
        assert_eq!(texts, ["words", "more words", "words", "new"]);
    }

    #[test]
    fn a_time_is_shown_when_a_minute_has_passed() {
        let mut book = Transcript::default();
        let times = [
            "14:02:11", "14:02:40", "14:03:11", "14:03:50", "14:03:49", "14:03:09", "23:59:59",
            "00:00:01", "00:01:00",
        ];
        let all: Vec<_> = times
            .iter()
            .zip(0..)
            .map(|(time, turn)| {
                let mut caption = Caption::clone(&caption(turn, "words"));
                caption.time = (*time).to_owned();
                Arc::new(caption)
            })
            .collect();
        book.update(&Arc::from(all));
        let timed: Vec<_> = book.entries.iter().map(|entry| entry.is_timed).collect();
        assert_eq!(
            timed,
            [true, false, true, false, false, false, true, false, true]
        );
    }

    #[test]
    fn each_minute_of_kept_words_is_told_once() {
        let mut book = Transcript::default();
        let times = [
            "29 Nov 14:02",
            "29 Nov 14:02",
            "29 Nov 14:03",
            "30 Nov 14:03",
        ];
        let all = times.iter().zip(0..).map(|(time, turn)| {
            let mut caption = Caption::clone(&caption(turn, "words"));
            caption.time = (*time).to_owned();
            Arc::new(caption)
        });
        book.update(&all.collect());
        let timed: Vec<_> = book.entries.iter().map(|entry| entry.is_timed).collect();
        assert_eq!(timed, [true, false, true, true]);
    }

    #[test]
    fn words_are_copied_with_the_names_of_both_sides() {
        let mut book = Transcript::default();
        let answer = |text: &str, continued| {
            Arc::new(Caption {
                speaker: Speaker::Assistant,
                name: "Gemini",
                continued,
                ..Caption::clone(&caption(1, text))
            })
        };
        let all = [
            caption(1, "How old?"),
            answer("A **hundred** ", false),
            answer("years.", true),
            caption(2, "Thanks."),
        ];
        book.update(&Arc::from(all.to_vec()));
        assert_eq!(book.named(2), "Gemini: A **hundred** years.");
        assert_eq!(
            book.all(),
            "You: How old?\n\nGemini: A **hundred** years.\n\nYou: Thanks."
        );
    }

    #[test]
    fn spans_of_a_long_block_stay_with_their_words() {
        let text = format!(
            "{}**bold** {}",
            "a word ".repeat(1_000),
            "more ".repeat(2_000)
        );
        let mut blocks = markdown::parse(&text);
        let pieces = in_pieces(blocks.remove(0));
        assert!(pieces.len() > 2);
        let bold: Vec<_> = pieces.iter().flat_map(TextBlock::strong).collect();
        assert_eq!(bold, ["bold"]);
    }
}
