//! The compact overlay: reply time with its verdict, processor, memory. A card beside the conversation where there is room, a
//! row above it where there is none; pressed, it opens the figures. Switched off, a pill in the header remains.

use eframe::egui::{
    Align2, Color32, CornerRadius, CursorIcon, FontId, Galley, Rect, Response, Role, Sense, Stroke,
    StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;
use std::time::Duration;

use super::captions::column;
use super::format;
use super::icons::{self, Sign};
use super::theme::{RADIUS_CARD, Weight, font, is_low, space, tokens};
use super::ui_state::UiState;
use super::verdict::{self, ReplyVerdict};
use super::widgets::focus_ring;
use crate::base::text::t;
use crate::conversation::snapshot::{Link, Snapshot};

/// Size of the card: nothing that it says makes it another.
const CARD: [f32; 2] = [148.0, 150.0];
/// Height of the row; in low windows.
const ROW: f32 = 34.0;
const LOW_ROW: f32 = 26.0;
/// Room of the row that its verdict keeps.
const LEAST_WORDS: f32 = 80.0;

/// The reply time in words, as all of the window says it.
pub(super) struct ReplyTime {
    /// The milliseconds, with their unit; nothing before the first reply.
    pub(super) figure: Option<String>,
    pub(super) verdict: Option<ReplyVerdict>,
    pub(super) words: String,
    pub(super) explanation: String,
    /// How long the user waited in all, as the end of a sentence.
    whole_wait: String,
}

impl ReplyTime {
    pub(super) fn of(snapshot: &Snapshot, view: &UiState) -> Self {
        let figures = &view.numbers.figures;
        let target = snapshot
            .profiles
            .get(snapshot.chosen)
            .map(|profile| profile.target);
        let last = figures.last.clone().unwrap_or_default();
        let name = format::service_name(snapshot);
        let judge = |target: Duration| {
            let trip = figures.meters.round_trip;
            Some((
                verdict::judge(&last, target, view.numbers.usual, trip)?,
                target,
            ))
        };
        // What was on target says nothing while no reply can come.
        let link = (!matches!(snapshot.link, Link::Connected { .. }))
            .then(|| format::link(snapshot, view.now));
        let judged = target.filter(|_| link.is_none()).and_then(judge);
        Self {
            figure: last
                .response
                .map(|response| format!("{} ms", format::millis(response))),
            verdict: judged.map(|(verdict, _)| verdict),
            words: match (judged, link) {
                (Some((verdict, _)), _) => verdict.words(name),
                (None, Some(link)) => link,
                (None, None) => t!("reply-times-appear-here").to_owned(),
            },
            whole_wait: format::whole_wait(&last),
            explanation: judged.map_or_else(String::new, |(verdict, target)| {
                verdict.explanation(name, target)
            }),
        }
    }

    /// For who cannot see it.
    fn spoken(&self) -> String {
        match &self.figure {
            Some(figure) => t!("reply-time-spoken", figure, words = self.words),
            None => self.words.clone(),
        }
    }
}

/// The height that a row takes above the conversation; none where a card has room beside it.
pub(super) fn row_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    if view.panel != 1 || card_rect(ui.available_rect_before_wrap()).is_some() {
        return;
    }
    let area = ui.available_rect_before_wrap();
    let height = if is_low(ui) { LOW_ROW } else { ROW };
    let rect = Rect::from_x_y_ranges(column(area), area.top()..=area.top() + height);
    let reply = ReplyTime::of(snapshot, view);
    ui.allocate_rect(rect, Sense::hover());
    let button = ground_ui(ui, rect, &reply, view);
    ui.add_space(if is_low(ui) { 0.0 } else { space::XS });
    if !ui.is_rect_visible(rect) {
        return;
    }
    let t = tokens(ui);
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let mut left = rect.left() + 14.0;
    if let Some(figure) = &reply.figure {
        let figure = painter.layout_no_wrap(figure.clone(), font(Weight::SemiBold, 15.0), t.strong);
        let width = figure.size().x.max(64.0);
        painter.galley(
            pos2(left, rect.center().y - figure.size().y / 2.0),
            figure,
            t.strong,
        );
        left += width + 10.0;
    }
    let ink = mark(ui, &reply, pos2(left, rect.center().y));
    if reply.verdict.is_some() {
        left += 18.0;
    }
    let words_end = left + LEAST_WORDS;
    let mut right = rect.right() - 14.0;
    let process = &view.numbers.process;
    for (name, value) in [
        (t!("memory"), format::megabytes(process.rss)),
        (t!("cpu"), format::percent(process.cpu_percent)),
    ] {
        let value = painter.layout_no_wrap(value, font(Weight::Medium, 13.0), t.strong);
        // Its place is that of the longest figure: the name stays where it is.
        let left = right - value.size().x.max(56.0);
        let name = painter.layout_no_wrap(name.to_owned(), font(Weight::Regular, 12.0), t.muted);
        // A narrow row says less, and nothing twice in one place.
        if left - 8.0 - name.size().x < words_end {
            break;
        }
        let value_at = pos2(
            right - value.size().x,
            rect.center().y - value.size().y / 2.0,
        );
        painter.galley(value_at, value, t.strong);
        let at = pos2(
            left - 8.0 - name.size().x,
            rect.center().y - name.size().y / 2.0,
        );
        right = at.x - 18.0;
        painter.galley(at, name, t.muted);
    }
    let words = cut(
        ui,
        &reply.words,
        font(Weight::Medium, 12.0),
        right - left,
        1,
    );
    painter.galley(
        pos2(left, rect.center().y - words.size().y / 2.0),
        words,
        ink,
    );
    focus_ring(ui, &button, f32::from(RADIUS_CARD));
}

/// The card at the top right of the conversation, if there is room beside the words.
pub(super) fn card_ui(ui: &mut Ui, area: Rect, snapshot: &Snapshot, view: &mut UiState) {
    let Some(rect) = card_rect(area).filter(|_| view.panel == 1) else {
        return;
    };
    let reply = ReplyTime::of(snapshot, view);
    let button = ground_ui(ui, rect, &reply, view);
    let (t, painter) = (tokens(ui), ui.painter());
    let inner = rect.shrink(13.0);
    let caps = |at, words: &str| {
        painter.text(
            at,
            Align2::LEFT_TOP,
            words.to_uppercase(),
            font(Weight::Medium, 10.5),
            t.muted,
        );
    };
    caps(inner.left_top(), t!("reply-time"));
    let mut y = inner.top() + 16.0;
    if let Some(figure) = &reply.figure {
        painter.text(
            pos2(inner.left(), y),
            Align2::LEFT_TOP,
            figure,
            font(Weight::SemiBold, 22.0),
            t.strong,
        );
        y += 31.0;
    } else {
        y += 8.0;
    }
    let ink = mark(ui, &reply, pos2(inner.left(), y + 8.0));
    let indent = if reply.verdict.is_some() { 15.0 } else { 0.0 };
    let words = cut(
        ui,
        &reply.words,
        font(Weight::Medium, 12.0),
        inner.width() - indent,
        2,
    );
    painter.galley(pos2(inner.left() + indent, y), words, ink);
    let line = inner.bottom() - 36.0;
    painter.hline(inner.x_range(), line, Stroke::new(1.0, t.hairline));
    let process = &view.numbers.process;
    let half = inner.left() + inner.width() * 0.5 + 4.0;
    for (x, name, value) in [
        (
            inner.left(),
            t!("cpu"),
            format::percent(process.cpu_percent),
        ),
        (half, t!("memory"), format::megabytes(process.rss)),
    ] {
        caps(pos2(x, line + 7.0), name);
        painter.text(
            pos2(x, inner.bottom()),
            Align2::LEFT_BOTTOM,
            value,
            font(Weight::SemiBold, 13.0),
            t.strong,
        );
    }
    focus_ring(ui, &button, f32::from(RADIUS_CARD));
}

/// Where the card lies, if it covers no words there.
fn card_rect(area: Rect) -> Option<Rect> {
    // The scroll bar is at the edge.
    const BAR: f32 = 12.0;
    let room = area.right() - BAR - column(area).max;
    let [width, height] = CARD;
    (room >= width + space::XS && area.height() >= height).then(|| {
        Rect::from_min_size(
            pos2(area.right() - BAR - width, area.top()),
            vec2(width, height),
        )
    })
}

/// The ground of the overlay, which is a button.
fn ground_ui(ui: &Ui, rect: Rect, reply: &ReplyTime, view: &mut UiState) -> Response {
    let t = tokens(ui);
    let process = &view.numbers.process;
    let name = t!(
        "spoken-cpu-memory",
        spoken = reply.spoken(),
        cpu_percent = format::percent(process.cpu_percent),
        rss = format::megabytes(process.rss)
    );
    let button = ui.interact(rect, ui.scope_id().with("overlay"), Sense::click());
    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let line = if button.hovered() {
        t.muted
    } else {
        t.hairline
    };
    let radius = CornerRadius::same(RADIUS_CARD);
    ui.painter().rect(
        rect,
        radius,
        t.card,
        Stroke::new(1.0, line),
        StrokeKind::Inside,
    );
    let about = t!(
        "the-reply-time-is-the",
        explanation = if reply.explanation.is_empty() {
            String::new()
        } else {
            format!("{}\n\n", reply.explanation)
        },
        total = reply.whole_wait
    );
    if button.clicked() {
        view.panel = 2;
    }
    button
        .on_hover_cursor(CursorIcon::PointingHand)
        .on_hover_text(about)
}

/// The sign of the verdict, its left middle at a place; returns the colour of its words.
fn mark(ui: &Ui, reply: &ReplyTime, at: eframe::egui::Pos2) -> eframe::egui::Color32 {
    let t = tokens(ui);
    let Some(verdict) = reply.verdict else {
        return t.muted;
    };
    let (sign, ink) = verdict.mark(t);
    let rect = Rect::from_min_size(at - vec2(0.0, 5.0), vec2(10.0, 10.0));
    icons::sign(ui.painter(), rect, sign, ink);
    ink
}

/// Words in a width, shortened to so many lines.
fn cut(ui: &Ui, words: &str, font: eframe::egui::FontId, width: f32, lines: usize) -> Arc<Galley> {
    let mut job = eframe::egui::text::LayoutJob::simple(
        words.to_owned(),
        font,
        eframe::egui::Color32::PLACEHOLDER,
        width.max(0.0),
    );
    job.wrap.max_rows = lines;
    ui.painter().layout_job(job)
}

/// What remains of the overlay while it is switched off: a pill with the reply time.
pub(super) fn pill_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    if view.panel != 0 {
        return;
    }
    let reply = ReplyTime::of(snapshot, view);
    let t = tokens(ui);
    let size = vec2(pill_width(ui), 28.0);
    let (rect, button) = ui.allocate_exact_size(size, Sense::click());
    let name = t!("spoken-show-it", spoken = reply.spoken());
    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let fill = if button.hovered() { t.hover } else { t.field };
    ui.painter().rect_filled(rect, 14.0, fill);
    let (sign, ink) = reply
        .verdict
        .map_or((Sign::Dots, t.muted), |verdict| verdict.mark(t));
    let at = Rect::from_min_size(
        pos2(rect.left() + 11.0, rect.center().y - 5.0),
        vec2(10.0, 10.0),
    );
    icons::sign(ui.painter(), at, sign, ink);
    let figure = reply.figure.as_deref().unwrap_or(t!("reply-time"));
    let place = pos2(rect.right() - 11.0, rect.center().y);
    ui.painter()
        .text(place, Align2::RIGHT_CENTER, figure, pill_font(), t.strong);
    focus_ring(ui, &button, 14.0);
    if button
        .on_hover_text(t!("shows-the-reply-time-and"))
        .clicked()
    {
        view.panel = 1;
    }
}

/// Width of the pill, whatever it says: that of its name or of the longest figure, with its sign.
pub(super) fn pill_width(ui: &Ui) -> f32 {
    let width = |words: &str| {
        let words = words.to_owned();
        let galley = ui
            .painter()
            .layout_no_wrap(words, pill_font(), Color32::WHITE);
        galley.size().x
    };
    let words = width(t!("reply-time")).max(width("99,999 ms"));
    (11.0 + 10.0 + space::S + words + 11.0).ceil()
}

fn pill_font() -> FontId {
    font(Weight::Medium, 13.0)
}
