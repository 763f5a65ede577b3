//! A block of words as it is drawn: in lines from either side, with styles, links and what was found in it. A frame lays out
//! only what is in view; of the rest the height is known.

use std::sync::Arc;

use eframe::egui::epaint::text::{ByteIndex, LayoutSection};
use eframe::egui::layers::ShapeIdx;
use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{
    Align, Frame, Galley, Label, Layout, Margin, Rect, Response, Sense, Shape, Stroke, Ui,
    UiBuilder, pos2, vec2,
};

use super::bidi;
use super::known_height::{Height, Measure};
use super::markdown::{BlockKind, MarkdownBlock, Style, StyledSpan, StyledWords};
use super::styled_text::{Look, link_ui, text_ui};
use super::theme::{RADIUS_FIELD, space, tokens};
use crate::base::text::t;

/// How far the items of a list are within it, and the next list within those, in points.
const INDENT: f32 = 22.0;

#[derive(Debug)]
pub(super) struct TextBlock {
    words: MarkdownBlock,
    from_right: bool,
    /// It goes on with the block before it, without a gap.
    goes_on: bool,
    pub(super) height: Height,
    lines: Option<(Measure, Vec<bidi::Line>)>,
}

impl TextBlock {
    pub(super) fn new(words: MarkdownBlock, goes_on: bool) -> Self {
        Self {
            from_right: bidi::is_needed(&words.text),
            words,
            goes_on,
            height: Height::default(),
            lines: None,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.words.text
    }

    /// Its words in bold.
    #[cfg(test)]
    pub(super) fn strong(&self) -> impl Iterator<Item = &str> {
        let strong = self.words.spans.iter().filter(|span| span.style.strong);
        strong.map(|span| &self.words.text[span.range.clone()])
    }

    /// The space above it.
    pub(super) fn gap(&self) -> f32 {
        match self.words.kind {
            _ if self.goes_on => 0.0,
            BlockKind::Heading(_) => space::M,
            BlockKind::Paragraph if self.words.marker.is_some() => 2.0,
            BlockKind::Paragraph | BlockKind::Code | BlockKind::Rule | BlockKind::Table => 6.0,
        }
    }

    /// Draws it, within its indent and beside its marker. Gives what the pointer can act on.
    pub(super) fn ui(&mut self, ui: &mut Ui, look: &Look<'_>) -> Response {
        let indent = INDENT * self.words.depth as f32;
        if indent == 0.0 {
            return self.words_ui(ui, look);
        }
        // Many lists within each other leave room for words.
        let indent = indent.min(ui.available_width() / 3.0);
        let area = ui.available_rect_before_wrap();
        let inner = Rect::from_min_max(pos2(area.left() + indent, area.top()), area.max);
        if let Some(marker) = &self.words.marker {
            let format = look.format(self.words.kind, Style::default());
            let galley =
                ui.painter()
                    .layout_no_wrap(marker.clone(), format.font_id, tokens(ui).muted);
            let line = look.size(self.words.kind).line;
            let at = pos2(
                inner.left() - 7.0 - galley.size().x,
                area.top() + (line - galley.size().y) / 2.0,
            );
            ui.painter().galley(at, galley, tokens(ui).muted);
        }
        let builder = UiBuilder::new().max_rect(inner);
        ui.scope_builder(builder, |ui| self.words_ui(ui, look))
            .inner
    }

    fn words_ui(&mut self, ui: &mut Ui, look: &Look<'_>) -> Response {
        match self.words.kind {
            BlockKind::Rule => {
                let (rect, response) =
                    ui.allocate_exact_size(vec2(ui.available_width(), 9.0), Sense::hover());
                let line = Stroke::new(1.0, tokens(ui).hairline);
                ui.painter().hline(rect.x_range(), rect.center().y, line);
                response
            }
            BlockKind::Table => self.table_ui(ui, look),
            BlockKind::Code => {
                let ground = Frame::new()
                    .fill(tokens(ui).field)
                    .corner_radius(RADIUS_FIELD)
                    .inner_margin(Margin::symmetric(12, 8));
                ground
                    .show(ui, |ui| {
                        ui.set_width(ui.available_width());
                        self.paragraph_ui(ui, look)
                    })
                    .inner
            }
            BlockKind::Paragraph | BlockKind::Heading(_) if self.from_right => {
                self.right_to_left_ui(ui, look)
            }
            BlockKind::Paragraph | BlockKind::Heading(_) => self.paragraph_ui(ui, look),
        }
    }

    fn paragraph_ui(&self, ui: &mut Ui, look: &Look<'_>) -> Response {
        let words = &self.words;
        let response = text_ui(ui, (words.kind, &words.text, &words.spans), look);
        ui.ctx().accesskit_node_builder(response.id, |node| {
            if let BlockKind::Heading(level) = words.kind {
                node.set_role(eframe::egui::accesskit::Role::Heading);
                node.set_level(usize::from(level));
                node.set_label(&*words.text);
            }
        });
        response
    }

    /// Words from the right, which cannot be marked and copied in part.
    fn right_to_left_ui(&mut self, ui: &mut Ui, look: &Look<'_>) -> Response {
        let (galley, links) = self.galley(ui, look);
        let ground = ui.painter().add(Shape::Noop);
        // The toolkit's selection supports one direction only: it would copy other words than it marks.
        let words = ui
            .add(Label::new(galley).selectable(false).sense(Sense::CLICK))
            .on_hover_text(t!("a-right-click-copies-this"));
        mark_whole(ui, words.rect, ground, look);
        for (nth, span) in self.words.spans.iter().enumerate() {
            let rects = links.iter().filter(|(of, _)| *of == nth);
            let rects: Vec<Rect> = rects.map(|(_, rect)| *rect).collect();
            if let Some(link) = &span.link {
                let at = (nth, words.rect.left_top(), &*rects);
                let size = look.size(self.words.kind).size;
                link_ui(
                    ui,
                    &words,
                    at,
                    size,
                    &self.words.text[span.range.clone()],
                    link,
                );
            }
        }
        if let Some(ending) = look.ending {
            let mut job = LayoutJob::default();
            job.append(ending.trim_start(), 0.0, look.muted(ui));
            return words | ui.add(Label::new(job).selectable(false));
        }
        words
    }

    /// Lines in the order of the eye; those of a paragraph from right to left begin at the right. With the places of links,
    /// by the number of their span.
    fn galley(&mut self, ui: &Ui, look: &Look<'_>) -> (Arc<Galley>, Vec<(usize, Rect)>) {
        let now = Measure::of(ui);
        let (kind, text, spans) = (self.words.kind, &self.words.text, &self.words.spans);
        let plain = look.format(kind, Style::default());
        let format = |span: Option<&StyledSpan>| {
            let mut format = span.map_or(plain.clone(), |span| look.format(kind, span.style));
            if span.is_some_and(|span| span.link.is_some()) {
                format.color = tokens(ui).you;
            }
            format
        };
        let wide = |piece: &str, format: TextFormat| {
            let galley =
                ui.painter()
                    .layout_no_wrap(piece.to_owned(), format.font_id, format.color);
            galley.size().x
        };
        if self.lines.as_ref().is_none_or(|(of, _)| *of != now) {
            // A line has room for the widest of its looks.
            let looks: Vec<_> = spans.iter().map(Some).chain([None]).map(format).collect();
            let width = |piece: &str| {
                let widths = looks.iter().map(|look| wide(piece, look.clone()));
                widths.fold(0.0, f32::max)
            };
            self.lines = Some((now, bidi::lines(text, &edges(spans), now.width, width)));
        }
        let lines = self.lines.as_ref().map_or(&[][..], |(_, lines)| lines);
        let span_of = |piece: &bidi::DrawnPiece| {
            let mut spans = spans.iter().enumerate();
            spans.find(|(_, span)| span.range.contains(&piece.at))
        };
        let mut job = LayoutJob::default();
        job.wrap.max_width = f32::INFINITY;
        for (nth, line) in lines.iter().enumerate() {
            if nth > 0 {
                section(&mut job, "\n", &plain);
            }
            for piece in &line.pieces {
                let span = span_of(piece).map(|(_, span)| span);
                section(&mut job, &piece.text, &format(span));
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
        let mut links: Vec<(usize, Rect)> = Vec::new();
        let has_links = spans.iter().any(|span| span.link.is_some());
        for (row, line) in galley.rows.iter().zip(lines).filter(|_| has_links) {
            let mut left = row.pos.x;
            for piece in &line.pieces {
                let span = span_of(piece);
                let right = left + wide(&piece.text, format(span.map(|(_, span)| span)));
                if let Some((nth, _)) = span.filter(|(_, span)| span.link.is_some()) {
                    let rect = Rect::from_x_y_ranges(left..=right, row.rect().y_range());
                    match links.last_mut() {
                        // One link, as long as its words stand beside each other.
                        Some((of, last))
                            if *of == nth && last.right_bottom() == rect.left_bottom() =>
                        {
                            *last = last.union(rect);
                        }
                        _ => links.push((nth, rect)),
                    }
                }
                left = right;
            }
        }
        galley.rect.max.x = galley.rect.max.x.max(now.width);
        galley.mesh_bounds = galley.rect.expand(8.0);
        // A screen reader gets the order of speech.
        let mut spoken = LayoutJob::default();
        spoken.append(text, 0.0, plain);
        galley.job = Arc::new(spoken);
        (Arc::new(galley), links)
    }

    /// Rows of cells, each as wide as the widest of its column; in less room all are narrower by the same share.
    fn table_ui(&self, ui: &mut Ui, look: &Look<'_>) -> Response {
        const BETWEEN: f32 = 18.0;
        let rows = &self.words.rows;
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let marked = look;
        let look = Look {
            found: &[],
            ending: None,
            ..look.clone()
        };
        let width = |ui: &Ui, cell: &StyledWords, head: bool| {
            let mut job = look.job(ui, (cell_kind(head), &cell.text, &cell.spans));
            job.wrap.max_width = f32::INFINITY;
            ui.fonts_mut(|fonts| fonts.layout_job(job)).size().x
        };
        let widths: Vec<f32> = (0..columns)
            .map(|column| {
                let cells = rows
                    .iter()
                    .enumerate()
                    .filter_map(|(nth, row)| Some((nth, row.get(column)?)));
                cells
                    .map(|(nth, cell)| width(ui, cell, nth == 0))
                    .fold(24.0, f32::max)
            })
            .collect();
        let room = ui.available_width() - BETWEEN * columns.saturating_sub(1) as f32;
        let share = (room / widths.iter().sum::<f32>()).min(1.0);
        let mut whole: Option<Response> = None;
        let ground = ui.painter().add(Shape::Noop);
        let area = ui.scope(|ui| {
            ui.spacing_mut().item_spacing = vec2(BETWEEN, 2.0);
            for (nth, row) in rows.iter().enumerate() {
                let drawn = ui.horizontal_top(|ui| {
                    for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                        let side = self.words.columns.get(column).copied();
                        let cell = |ui: &mut Ui| {
                            ui.set_width(width * share);
                            text_ui(ui, (cell_kind(nth == 0), &cell.text, &cell.spans), &look)
                        };
                        let layout = Layout::top_down(side.unwrap_or(Align::Min));
                        let size = vec2(width * share, 0.0);
                        let cell = ui.allocate_ui_with_layout(size, layout, cell).inner;
                        whole = Some(
                            whole
                                .take()
                                .map_or_else(|| cell.clone(), |whole| whole | cell.clone()),
                        );
                    }
                });
                if nth == 0 {
                    let rect = drawn.response.rect;
                    let line = Stroke::new(1.0, tokens(ui).hairline);
                    ui.painter()
                        .hline(rect.x_range(), rect.bottom() + 1.0, line);
                }
            }
        });
        mark_whole(ui, area.response.rect, ground, marked);
        whole.unwrap_or(area.response)
    }
}

const fn cell_kind(head: bool) -> BlockKind {
    if head {
        BlockKind::Heading(4)
    } else {
        BlockKind::Paragraph
    }
}

/// Where the look of a text changes.
fn edges(spans: &[StyledSpan]) -> Vec<usize> {
    let ranges = spans.iter().map(|span| &span.range);
    ranges.flat_map(|range| [range.start, range.end]).collect()
}

/// Marks a block in which something was found, where its letters are not marked.
fn mark_whole(ui: &Ui, rect: Rect, ground: ShapeIdx, look: &Look<'_>) {
    if look.found.is_empty() {
        return;
    }
    let tint = Shape::rect_filled(rect.expand(2.0), 4.0, tokens(ui).accent_tint);
    ui.painter().set(ground, tint);
    if look.goes_here() {
        ui.scroll_to_rect(rect, Some(Align::Center));
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
