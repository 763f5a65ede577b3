//! The words of the conversation, prepared for drawing: cleaned and cut into blocks once per change, with cached heights, so
//! that a frame lays out only the visible part of a conversation of any length.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use eframe::egui::epaint::text::{ByteIndex, LayoutSection};
use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{Galley, Label, Response, Role, Sense, Ui, WidgetInfo, vec2};

use super::{bidi, format};
use crate::conversation::snapshot::Caption;

/// Characters of a block that is laid out as a whole, some screens: at paragraphs if there are, else between words.
const BLOCK: usize = 6_000;

/// Blocks this far outside the visible part are not laid out, in points.
const MARGIN: f32 = 400.0;

/// What heights depend on, besides the words: width in points, pixels to a point.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measure {
    width: f32,
    scale: f32,
}

/// The captions, ready to be drawn.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    of: Option<Arc<[Arc<Caption>]>>,
    pub(super) entries: VecDeque<Entry>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) caption: Arc<Caption>,
    blocks: Vec<Block>,
    height: Height,
}

/// A piece of a caption.
#[derive(Debug)]
struct Block {
    text: String,
    from_right: bool,
    height: Height,
    lines: Option<(Measure, Vec<bidi::Line>)>,
}

/// A cached height, while it is valid.
#[derive(Debug, Default)]
struct Height(Option<(Measure, f32)>);

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
    }
}

impl Transcript {
    /// The whole of what the caption at this place is a part of.
    pub(super) fn whole(&self, place: usize) -> String {
        let goes_on = |at: &usize| {
            self.entries
                .get(*at)
                .is_some_and(|entry| entry.caption.continued)
        };
        let first = (0..=place).rev().find(|at| !goes_on(at)).unwrap_or(0);
        let parts = (first + 1..).take_while(goes_on);
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
        let blocks = blocks(&clean).map(|range| Block {
            from_right: bidi::is_needed(&clean[range.clone()]),
            text: clean[range].to_owned(),
            height: Height::default(),
            lines: None,
        });
        Self {
            caption: caption.clone(),
            blocks: blocks.collect(),
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

    /// Draws the words, block by block; `ending` is put behind them. Gives what the pointer can act on.
    pub(super) fn words_ui(
        &mut self,
        ui: &mut Ui,
        format: &TextFormat,
        ending: Option<(&str, TextFormat)>,
        mut each: impl FnMut(&Response),
    ) {
        let last = self.blocks.len().saturating_sub(1);
        for (nth, block) in self.blocks.iter_mut().enumerate() {
            let ending = ending.clone().filter(|_| nth == last);
            if !block.height.skipped(ui, || block.text.clone()) {
                let response = block.ui(ui, format, ending);
                block.height.note(ui, response.rect.height());
                each(&response);
            }
        }
    }
}

impl Block {
    fn ui(
        &mut self,
        ui: &mut Ui,
        format: &TextFormat,
        ending: Option<(&str, TextFormat)>,
    ) -> Response {
        if !self.from_right {
            let mut job = LayoutJob::default();
            job.append(&self.text, 0.0, format.clone());
            if let Some((words, format)) = ending {
                job.append(words, 0.0, format);
            }
            return ui.add(Label::new(job).selectable(true).wrap());
        }
        let galley = self.galley(ui, format);
        // The toolkit's selection supports one direction only: it would copy other words than it marks.
        let words = ui
            .add(Label::new(galley).selectable(false).sense(Sense::CLICK))
            .on_hover_text("A right click copies this.");
        if let Some((ending, format)) = ending {
            let mut job = LayoutJob::default();
            job.append(ending.trim_start(), 0.0, format);
            return words | ui.add(Label::new(job).selectable(false));
        }
        words
    }

    /// Lines in the order of the eye; those of a paragraph from right to left begin at the right.
    fn galley(&mut self, ui: &Ui, format: &TextFormat) -> Arc<Galley> {
        let now = Measure::of(ui);
        let format = format.clone();
        if self.lines.as_ref().is_none_or(|(of, _)| *of != now) {
            let width = |piece: &str| {
                let (piece, font, ink) = (piece.to_owned(), format.font_id.clone(), format.color);
                ui.painter().layout_no_wrap(piece, font, ink).size().x
            };
            self.lines = Some((now, bidi::lines(&self.text, now.width, width)));
        }
        let lines = self.lines.as_ref().map_or(&[][..], |(_, lines)| lines);
        let mut job = LayoutJob::default();
        job.wrap.max_width = f32::INFINITY;
        for (nth, line) in lines.iter().enumerate() {
            if nth > 0 {
                section(&mut job, "\n", &format);
            }
            for piece in &line.pieces {
                section(&mut job, piece, &format);
            }
        }
        let drawn = ui.fonts_mut(|fonts| fonts.layout_job(job));
        let mut galley = Galley::clone(&drawn);
        for (row, line) in galley.rows.iter_mut().zip(lines) {
            if line.from_right {
                let free = (now.width - row.row.size.x).max(0.0);
                row.pos.x = (free * now.scale).floor() / now.scale;
            }
        }
        galley.rect.max.x = galley.rect.max.x.max(now.width);
        galley.mesh_bounds = galley.rect.expand(8.0);
        // A screen reader gets the order of speech.
        let mut spoken = LayoutJob::default();
        spoken.append(&self.text, 0.0, format);
        galley.job = Arc::new(spoken);
        Arc::new(galley)
    }
}

/// Adds words as a section of their own, which is shaped by itself: no piece turns with its neighbour. `LayoutJob::append`
/// would put it together with the one before.
fn section(job: &mut LayoutJob, words: &str, format: &TextFormat) {
    let start = job.text.len();
    job.text.push_str(words);
    job.sections.push(LayoutSection {
        leading_space: 0.0,
        byte_range: ByteIndex(start)..ByteIndex(job.text.len()),
        format: format.clone(),
    });
}

impl Measure {
    fn of(ui: &Ui) -> Self {
        Self {
            width: ui.available_width(),
            scale: ui.ctx().pixels_per_point(),
        }
    }
}

impl Height {
    /// Whether its height is known and it is out of view: then only its space is allocated, with its `name` for screen
    /// readers. Else it must be drawn, and its height recorded.
    fn skipped(&self, ui: &mut Ui, name: impl Fn() -> String) -> bool {
        let now = Measure::of(ui);
        let (top, seen) = (ui.cursor().top(), ui.clip_rect().expand(MARGIN));
        if let Some((of, height)) = self.0
            && of == now
            && (top > seen.bottom() || top + height < seen.top())
        {
            let size = vec2(now.width, height);
            let (_, response) = ui.allocate_exact_size(size, Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, name()));
            return true;
        }
        false
    }

    fn note(&mut self, ui: &Ui, height: f32) {
        self.0 = Some((Measure::of(ui), height));
    }
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
    use super::*;
    use crate::base::ids::TurnId;
    use crate::conversation::snapshot::Speaker;

    fn caption(turn: u64, text: &str) -> Arc<Caption> {
        Arc::new(Caption {
            speaker: Speaker::User,
            name: "You",
            turn: TurnId(turn),
            time: String::new(),
            text: text.into(),
            typed: false,
            unsent: false,
            cut_off: false,
            open: false,
            stopped: false,
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
}
