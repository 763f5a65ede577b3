//! A text with its styles, its links and what was found in it, as it is drawn.

use std::ops::Range;
use std::sync::Arc;

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{
    Align, Color32, CursorIcon, FontFamily, FontId, Galley, Label, OpenUrl, Pos2, Rect, Response,
    Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo,
};

use super::find::FoundPlace;
use super::format;
use super::markdown::{BlockKind, Style, StyledSpan};
use super::theme::{Tokens, Weight, font, tokens};
use super::widgets::focus_ring;

/// Size and line of a text in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TextSize {
    pub(super) size: f32,
    pub(super) line: f32,
}

/// How words are drawn.
#[derive(Clone, Debug)]
pub(super) struct Look<'a> {
    pub(super) text: TextSize,
    pub(super) ink: Color32,
    /// What follows the last words.
    pub(super) ending: Option<&'a str>,
    /// What was found in it, and which of these is gone to.
    pub(super) found: &'a [FoundPlace],
    pub(super) current: Option<&'a FoundPlace>,
    /// The conversation is scrolled to that.
    pub(super) goes: bool,
}

/// Draws a text with its spans; its links can be pressed.
pub(super) fn text_ui(
    ui: &mut Ui,
    words: (BlockKind, &str, &[StyledSpan]),
    look: &Look<'_>,
) -> Response {
    let (kind, text, spans) = words;
    let mut job = look.job(ui, words);
    job.wrap.max_width = ui.available_width();
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let ground = ui.painter().add(Shape::Noop);
    let response = ui.add(Label::new(Arc::clone(&galley)).selectable(true));
    let at = response.rect.left_top();
    let codes = spans.iter().filter(|span| span.style.code);
    let codes = codes.flat_map(|span| rects(&galley, characters(text, &span.range)));
    let (size, field) = (look.size(kind).size, tokens(ui).field);
    let grounds = codes.map(|rect| {
        // Around the letters, which are in the middle of a high line.
        let letters = Vec2::new(rect.width() + 4.0, 1.35 * size);
        let rect = Rect::from_center_size(rect.center() + at.to_vec2(), letters);
        Shape::rect_filled(rect, 3.0, field)
    });
    ui.painter().set(ground, grounds.collect::<Vec<_>>());
    if look.goes
        && let Some(current) = look.current.filter(|current| look.found.contains(current))
    {
        let rects = rects(&galley, characters(text, &current.range));
        if let Some(rect) = rects.first() {
            ui.scroll_to_rect(rect.translate(at.to_vec2()), Some(Align::Center));
        }
    }
    for (nth, span) in spans.iter().enumerate() {
        if let Some(link) = &span.link {
            let rects = rects(&galley, characters(text, &span.range));
            link_ui(
                ui,
                &response,
                (nth, at, &rects),
                look.size(kind).size,
                &text[span.range.clone()],
                link,
            );
        }
    }
    response
}

/// A link within a text, whose address is shown before it is opened: its author chooses its words.
pub(super) fn link_ui(
    ui: &Ui,
    of: &Response,
    (nth, at, rects): (usize, Pos2, &[Rect]),
    size: f32,
    words: &str,
    address: &str,
) {
    for (row, rect) in rects.iter().enumerate() {
        // The first line of it has the focus.
        let sense = if row == 0 {
            Sense::click()
        } else {
            Sense::CLICK
        };
        let rect = rect.translate(at.to_vec2());
        let link = ui.interact(rect, of.id.with(("link", nth, row)), sense);
        link.widget_info(|| WidgetInfo::labeled(Role::Link, true, words));
        // Just below the letters, not at the end of a high line.
        let y = rect.center().y + 0.46 * size;
        let ink = tokens(ui).you.gamma_multiply(0.7);
        ui.painter().hline(rect.x_range(), y, Stroke::new(1.0, ink));
        focus_ring(ui, &link, 2.0);
        let link = link
            .on_hover_cursor(CursorIcon::PointingHand)
            .on_hover_text(format::clean(address));
        if link.clicked() {
            ui.ctx().open_url(OpenUrl::new_tab(address));
        }
    }
}

/// A range of bytes in characters.
fn characters(text: &str, bytes: &Range<usize>) -> Range<usize> {
    let count = |to: usize| text.get(..to).map_or(0, |head| head.chars().count());
    count(bytes.start)..count(bytes.end)
}

/// Where characters of a galley are, line by line.
fn rects(galley: &Galley, characters: Range<usize>) -> Vec<Rect> {
    let mut start = 0;
    let mut rects = Vec::new();
    for row in &galley.rows {
        let glyphs = &row.row.glyphs;
        let from = characters.start.max(start) - start;
        let to = (characters.end.max(start) - start).min(glyphs.len());
        if let Some(part) = glyphs.get(from..to)
            && let (Some(first), Some(last)) = (part.first(), part.last())
        {
            let left = row.pos.x + first.pos.x;
            let right = row.pos.x + last.pos.x + last.advance_width;
            rects.push(Rect::from_x_y_ranges(left..=right, row.rect().y_range()));
        }
        start += glyphs.len() + usize::from(row.ends_with_newline);
    }
    rects
}

impl Look<'_> {
    /// Whether the conversation is scrolled to a place in this text.
    pub(super) fn goes_here(&self) -> bool {
        let current = self.current.filter(|_| self.goes);
        current.is_some_and(|current| self.found.contains(current))
    }

    pub(super) fn size(&self, kind: BlockKind) -> TextSize {
        let TextSize { size, line } = self.text;
        let larger = |by: f32| TextSize {
            size: size + by,
            line: line + by,
        };
        match kind {
            BlockKind::Heading(1) => larger(5.0),
            BlockKind::Heading(2) => larger(3.0),
            BlockKind::Heading(3) => larger(1.0),
            BlockKind::Code => larger(-3.0),
            BlockKind::Heading(_) | BlockKind::Paragraph | BlockKind::Rule | BlockKind::Table => {
                self.text
            }
        }
    }

    pub(super) fn format(&self, kind: BlockKind, style: Style) -> TextFormat {
        let TextSize { size, line } = self.size(kind);
        let heading = matches!(kind, BlockKind::Heading(_));
        let weight = if style.strong || heading {
            Weight::SemiBold
        } else {
            Weight::Regular
        };
        let font_id = if style.code || kind == BlockKind::Code {
            FontId::new(
                if style.code { size * 0.9 } else { size },
                FontFamily::Monospace,
            )
        } else {
            font(weight, size)
        };
        TextFormat {
            font_id,
            color: self.ink,
            line_height: Some(line),
            italics: style.italic,
            strikethrough: if style.struck {
                Stroke::new(1.0, self.ink)
            } else {
                Stroke::NONE
            },
            valign: Align::Center,
            ..TextFormat::default()
        }
    }

    pub(super) fn muted(&self, ui: &Ui) -> TextFormat {
        let format = self.format(BlockKind::Paragraph, Style::default());
        TextFormat {
            color: tokens(ui).muted,
            ..format
        }
    }

    /// The text in sections of one look each.
    pub(super) fn job(
        &self,
        ui: &Ui,
        (kind, text, spans): (BlockKind, &str, &[StyledSpan]),
    ) -> LayoutJob {
        let t = tokens(ui);
        let mut edges = vec![0, text.len()];
        let ranges = spans
            .iter()
            .map(|span| &span.range)
            .chain(self.found.iter().map(|found| &found.range));
        edges.extend(ranges.flat_map(|range| [range.start, range.end]));
        edges.sort_unstable();
        edges.dedup();
        let mut job = LayoutJob::default();
        for edge in edges.windows(2) {
            let (from, to) = (edge[0], edge[1]);
            let covers = |range: &Range<usize>| range.start <= from && to <= range.end;
            let span = spans.iter().find(|span| covers(&span.range));
            let mut format = self.format(kind, span.map_or(Style::default(), |span| span.style));
            if span.is_some_and(|span| span.link.is_some()) {
                format.color = t.you;
            }
            if let Some(found) = self.found.iter().find(|found| covers(&found.range)) {
                (format.color, format.background) = found_ink(t, self.current == Some(found));
            }
            if let Some(words) = text.get(from..to) {
                job.append(words, 0.0, format);
            }
        }
        if let Some(ending) = self.ending {
            job.append(ending, 0.0, self.muted(ui));
        }
        job
    }
}

/// Ink and ground of what was found.
const fn found_ink(t: &Tokens, current: bool) -> (Color32, Color32) {
    if current {
        (t.on_accent, t.accent)
    } else {
        (t.accent, t.accent_tint)
    }
}
