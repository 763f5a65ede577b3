//! Custom widgets. Each has an accessible name and a visible focus.

use std::sync::Arc;

use eframe::egui::{
    self, Align, Align2, Color32, Frame, Key, Layout, Margin, Rect, Response, Role, Sense, Stroke,
    StrokeKind, Ui, Vec2, WidgetInfo, accesskit, vec2,
};

use super::icons::{self, Icon, Sign};
use super::theme::{RADIUS_CARD, RADIUS_FIELD, Tokens, Weight, font, text, tokens};
use super::{bidi, format};
use crate::base::text::t;

/// The frame of a card.
pub(super) fn card(t: &Tokens) -> Frame {
    Frame::new()
        .fill(t.card)
        .stroke(Stroke::new(1.0, t.hairline))
        .corner_radius(RADIUS_CARD)
        .inner_margin(Margin::same(16))
}

/// A sign of the size of the text beside it.
pub(super) fn sign(ui: &mut Ui, sign: Sign, size: f32, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(size), Sense::hover());
    icons::sign(ui.painter(), rect, sign, color);
}

/// A sign and words beside it, which are broken into lines where a row would be wider than there is room.
pub(super) fn signed_row(ui: &mut Ui, (mark, ink): (Sign, Color32), words: &str) {
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            ui.add_space(4.0);
            sign(ui, mark, 9.0, ink);
        });
        ui.vertical(|ui| {
            let words = text(words, Weight::Regular, 12.0, tokens(ui).normal);
            ui.add(egui::Label::new(words).wrap());
        });
    });
}

/// How far the ring of the focus is from the widget, in points.
const RING: f32 = 3.0;

/// The ring around the widget with the keyboard focus.
pub(super) fn focus_ring(ui: &Ui, response: &Response, radius: f32) {
    if response.has_focus() {
        ui.painter().rect_stroke(
            response.rect.expand(RING),
            radius + RING,
            // Not the accent, which buttons have themselves.
            Stroke::new(2.0, tokens(ui).strong),
            StrokeKind::Middle,
        );
    }
}

/// Scrolls to what has just got the focus of the keyboard, if it is in what scrolls here and out of view: the toolkit leaves it
/// there. To be called at the end of what scrolls.
pub(super) fn follow_focus(ui: &Ui) {
    // What is pressed is in view; and asked now, the toolkit would take the focus from what the press has given it to.
    if ui.input(|input| input.pointer.any_pressed() || input.pointer.any_click()) {
        return;
    }
    let focused = ui.memory(egui::Memory::focused);
    let Some(widget) = focused.and_then(|id| ui.ctx().read_response(id)) else {
        return;
    };
    let is_hidden = !widget.interact_rect.contains_rect(widget.rect);
    if widget.gained_focus() && is_hidden && ui.min_rect().contains_rect(widget.rect) {
        ui.scroll_to_rect(widget.rect.expand(2.0 * RING), None);
    }
}

/// A square button with an icon; `name` is what it is called and its tooltip.
pub(super) fn icon_button(ui: &mut Ui, icon: Icon, size: f32, name: &str) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    if ui.is_rect_visible(rect) {
        let fill = if response.hovered() { t.hover } else { t.field };
        ui.painter().rect_filled(rect, 8.0, fill);
        let ink = if response.hovered() {
            t.strong
        } else {
            t.normal
        };
        icons::icon(ui.painter(), rect.shrink(size * 0.28), icon, ink);
        focus_ring(ui, &response, 8.0);
    }
    named_for_the_eye(response, name)
}

/// Shows a name as a tooltip. A screen reader knows it already, and would read a text for the pointer as a description.
pub(super) fn named_for_the_eye(response: Response, name: &str) -> Response {
    response.on_hover_ui(|ui| {
        ui.label(name);
    })
}

/// A small button that is called more than it shows.
pub(super) fn named_button(ui: &mut Ui, words: &str, name: &str) -> Response {
    let t = tokens(ui);
    let button = egui::Button::new(text(words, Weight::Medium, 12.0, t.strong))
        .corner_radius(RADIUS_FIELD)
        .min_size(vec2(0.0, 24.0));
    let response = ui.add(button);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    focus_ring(ui, &response, f32::from(RADIUS_FIELD));
    response
}

/// The one button of a view that is meant to be pressed.
pub(super) fn primary_button(ui: &mut Ui, words: &str) -> Response {
    let fill = tokens(ui).accent;
    filled_button(ui, words, fill)
}

fn filled_button(ui: &mut Ui, words: &str, fill: Color32) -> Response {
    let ink = tokens(ui).on_accent;
    let button = egui::Button::new(text(words, Weight::SemiBold, 13.0, ink))
        .fill(fill)
        .stroke(Stroke::NONE)
        .corner_radius(8)
        .min_size(vec2(0.0, 32.0));
    let response = ui.add(button);
    focus_ring(ui, &response, 8.0);
    response
}

pub(super) fn plain_button(ui: &mut Ui, words: &str) -> Response {
    let t = tokens(ui);
    let button = egui::Button::new(text(words, Weight::Medium, 13.0, t.strong))
        .corner_radius(8)
        .min_size(vec2(0.0, 28.0));
    ui.add(button)
}

/// The two answers to a question before something that cannot be undone. The harmless one has the focus when the question is
/// `new`. Returns whether it is to be done.
pub(super) fn answers_ui(ui: &mut Ui, [yes, no]: [&str; 2], new: &mut bool) -> Option<bool> {
    let bad = tokens(ui).bad;
    let done = filled_button(ui, yes, bad).clicked();
    let left = plain_button(ui, no);
    if std::mem::take(new) {
        left.request_focus();
    }
    (done || left.clicked()).then_some(done)
}

/// One cell of a segmented switch.
pub(super) struct Segment<'a> {
    pub(super) label: &'a str,
    /// What a screen reader calls it.
    pub(super) name: &'a str,
    /// Small number after the label.
    pub(super) figure: String,
    pub(super) tooltip: String,
}

/// Height of a segmented switch.
const SWITCH_HEIGHT: f32 = 36.0;

/// A row of choices with one active. Tab goes to each, Enter selects it. Returns the selected one.
pub(super) fn segmented(ui: &mut Ui, segments: &[Segment<'_>], active: usize) -> Option<usize> {
    let width = segmented_width(ui, segments, active);
    let size = vec2(width.min(ui.available_width()), SWITCH_HEIGHT);
    let mut taken = None;
    // Its own layout from the left, so that Tab follows the reading order anywhere.
    ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
        let frame = Frame::new()
            .fill(tokens(ui).field)
            .corner_radius(9)
            .inner_margin(Margin::same(2));
        frame.show(ui, |ui| {
            ui.spacing_mut().item_spacing = Vec2::ZERO;
            ui.horizontal_wrapped(|ui| {
                for (i, segment) in segments.iter().enumerate() {
                    if segment_ui(ui, segment, i == active).clicked() && i != active {
                        taken = Some(i);
                    }
                }
            });
        });
    });
    taken
}

/// The width of such a row, if there is room for it.
pub(super) fn segmented_width(ui: &Ui, segments: &[Segment<'_>], active: usize) -> f32 {
    let segments = segments.iter().enumerate();
    let widths = segments.map(|(i, segment)| segment.size(ui, i == active).x);
    widths.sum::<f32>() + 4.0
}

/// A switch of values, each with its label, its name for a screen reader and its tooltip; returns another one that was taken.
pub(super) fn choose<T: Copy + PartialEq>(
    ui: &mut Ui,
    choices: &[(T, &str, &str, &str)],
    chosen: T,
) -> Option<T> {
    let active = choices.iter().position(|(value, ..)| *value == chosen);
    let segments: Vec<_> = choices
        .iter()
        .map(|(_, label, name, tooltip)| Segment {
            label,
            name,
            figure: String::new(),
            tooltip: (*tooltip).to_owned(),
        })
        .collect();
    segmented(ui, &segments, active.unwrap_or(0)).map(|taken| choices[taken].0)
}

impl Segment<'_> {
    /// Lays out label and number.
    fn galleys(&self, ui: &Ui, active: bool) -> [Arc<egui::Galley>; 2] {
        let t = tokens(ui);
        let (weight, ink) = if active {
            (Weight::SemiBold, t.strong)
        } else {
            (Weight::Regular, t.normal)
        };
        let label = ui.painter().layout_no_wrap(
            bidi::shown(&format::name(self.label)),
            font(weight, 13.0),
            ink,
        );
        let figure = font(Weight::Regular, 11.0);
        [
            label,
            ui.painter()
                .layout_no_wrap(self.figure.clone(), figure, t.muted),
        ]
    }

    const fn gap(&self) -> f32 {
        if self.figure.is_empty() { 0.0 } else { 6.0 }
    }

    fn size(&self, ui: &Ui, active: bool) -> Vec2 {
        let [label, figure] = self.galleys(ui, active);
        vec2(
            label.size().x + self.gap() + figure.size().x + 28.0,
            SWITCH_HEIGHT - 4.0,
        )
    }
}

fn segment_ui(ui: &mut Ui, segment: &Segment<'_>, active: bool) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(segment.size(ui, active), Sense::click());
    let name = segment.name;
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, active, name));
    if ui.is_rect_visible(rect) {
        if active {
            let line = Stroke::new(1.0, t.hairline);
            let fill = if ui.visuals().dark_mode {
                t.page
            } else {
                t.card
            };
            ui.painter().rect(rect, 7.0, fill, line, StrokeKind::Inside);
        } else if response.hovered() {
            ui.painter().rect_filled(rect, 7.0, t.hover);
        }
        let mut x = rect.left() + 14.0;
        for galley in segment.galleys(ui, active) {
            let at = egui::pos2(x, rect.center().y - galley.size().y / 2.0);
            x += galley.size().x + segment.gap();
            ui.painter().galley(at, galley, t.strong);
        }
        focus_ring(ui, &response, 7.0);
    }
    if segment.tooltip.is_empty() {
        response
    } else {
        response.on_hover_text(&segment.tooltip)
    }
}

/// An entry of a list that opens.
pub(super) fn list_choice(ui: &mut Ui, is_chosen: bool, words: String) -> Response {
    let entry = ui.selectable_label(is_chosen, words);
    ui.ctx().accesskit_node_builder(entry.id, |node| {
        node.set_role(accesskit::Role::ListBoxOption);
        node.clear_toggled();
        node.set_selected(is_chosen);
    });
    entry
}

/// A radio row: a ring or a dot, and a name.
pub(super) fn radio_row(ui: &mut Ui, chosen: bool, label: &str) -> Response {
    let t = tokens(ui);
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, 30.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, chosen, label));
    if ui.is_rect_visible(rect) {
        if response.hovered() || chosen {
            ui.painter()
                .rect_filled(rect, f32::from(RADIUS_FIELD), t.field);
        }
        let dot = Rect::from_center_size(rect.left_center() + vec2(16.0, 0.0), Vec2::splat(14.0));
        let ink = if chosen { t.accent } else { t.muted };
        ui.painter()
            .circle_stroke(dot.center(), 6.0, Stroke::new(1.2, ink));
        if chosen {
            ui.painter().circle_filled(dot.center(), 3.2, t.accent);
        }
        let mut job = egui::text::LayoutJob::simple_singleline(
            bidi::shown(label),
            font(
                if chosen {
                    Weight::Medium
                } else {
                    Weight::Regular
                },
                13.0,
            ),
            if chosen { t.strong } else { t.normal },
        );
        job.wrap = egui::text::TextWrapping::truncate_at_width(width - 40.0);
        let galley = ui.painter().layout_job(job);
        let at = egui::pos2(rect.left() + 32.0, rect.center().y - galley.size().y / 2.0);
        ui.painter().galley(at, galley, t.normal);
        focus_ring(ui, &response, f32::from(RADIUS_FIELD));
    }
    response
}

/// A row with a name on the left, a value on the right, and a tooltip that explains the value.
pub(super) fn value_row(
    ui: &mut Ui,
    swatch: Option<Swatch>,
    name: &str,
    value: &str,
    tooltip: &str,
) {
    row_ui(ui, swatch, name, (value, None), tooltip);
}

/// The same with a sign before the value, both in one colour.
pub(super) fn marked_row(
    ui: &mut Ui,
    name: &str,
    value: &str,
    mark: (Sign, Color32),
    tooltip: &str,
) {
    row_ui(ui, None, name, (value, Some(mark)), tooltip);
}

fn row_ui(
    ui: &mut Ui,
    swatch: Option<Swatch>,
    name: &str,
    (value, mark): (&str, Option<(Sign, Color32)>),
    tooltip: &str,
) {
    let t = tokens(ui);
    let response = ui
        .horizontal(|ui| {
            ui.set_min_height(20.0);
            ui.spacing_mut().item_spacing.x = 13.0;
            if let Some(swatch) = swatch {
                let (rect, _) = ui.allocate_exact_size(Vec2::splat(9.0), Sense::hover());
                swatch.paint(ui, rect);
            }
            ui.label(text(name, Weight::Regular, 13.0, t.normal));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                let ink = mark.map_or(t.strong, |(_, ink)| ink);
                // Whatever it says, it makes no panel wider.
                ui.add(egui::Label::new(text(value, Weight::Medium, 13.0, ink)).truncate());
                if let Some((mark, ink)) = mark {
                    sign(ui, mark, 9.0, ink);
                }
            });
        })
        .response;
    response.on_hover_text(tooltip);
}

/// Rows of name, value and tooltip.
pub(super) fn value_rows<'a>(
    ui: &mut Ui,
    rows: impl IntoIterator<Item = (&'a str, String, &'a str)>,
) {
    for (name, value, tooltip) in rows {
        value_row(ui, None, name, &value, tooltip);
    }
}

/// Rows of what is known already; of a value with several parts, those that are. Returns whether all of it is.
pub(super) fn known_rows<'a>(
    ui: &mut Ui,
    rows: impl IntoIterator<Item = (&'a str, String, &'a str)>,
) -> bool {
    let mut all = true;
    for (name, value, tooltip) in rows {
        let parts: Vec<&str> = value.split(" · ").collect();
        let known = parts.iter().filter(|part| !part.contains(format::UNKNOWN));
        let known: Vec<&str> = known.copied().collect();
        all &= known.len() == parts.len();
        if !known.is_empty() {
            value_row(ui, None, name, &known.join(" · "), tooltip);
        }
    }
    all
}

/// Says that figures are missing yet.
pub(super) fn more_later(ui: &mut Ui) {
    let words = t!("more-figures-come-with-more");
    ui.label(text(words, Weight::Regular, 12.0, tokens(ui).muted));
}

/// The colour of a part: filled, or hatched for what is not in the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Swatch {
    Filled(Color32),
    Hatched,
}

impl Swatch {
    fn paint(self, ui: &Ui, rect: Rect) {
        match self {
            Self::Filled(color) => {
                ui.painter().rect_filled(rect, 2.0, color);
            }
            Self::Hatched => {
                let painter = ui.painter().with_clip_rect(rect);
                for i in 0..5 {
                    let x = rect.left() - rect.width() + 4.5 * i as f32;
                    painter.line_segment(
                        [
                            egui::pos2(x, rect.top()),
                            egui::pos2(x + rect.width(), rect.bottom()),
                        ],
                        Stroke::new(1.6, tokens(ui).muted),
                    );
                }
            }
        }
    }
}

/// A pill with a sign and a word. Gives the label's response, so that changes can be announced.
pub(super) fn pill(ui: &mut Ui, mark: Sign, ink: Color32, words: &str) -> Response {
    let t = tokens(ui);
    capsule(ui, t.field, |ui| {
        sign(ui, mark, 10.0, ink);
        ui.label(text(words, Weight::Medium, 13.0, t.strong))
    })
}

/// A badge in the accent.
pub(super) fn badge(ui: &mut Ui, words: &str) -> Response {
    let t = tokens(ui);
    capsule(ui, t.accent_tint, |ui| {
        ui.label(text(words, Weight::Medium, 13.0, t.accent))
    })
}

/// Small content on a round background, with its own height in a row of any height.
fn capsule(ui: &mut Ui, fill: Color32, content: impl FnOnce(&mut Ui) -> Response) -> Response {
    let ground = ui.painter().add(egui::Shape::Noop);
    let inner = ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 7.0;
        ui.add_space(10.0);
        let response = content(ui);
        ui.add_space(3.0);
        response
    });
    let rect = inner.response.rect;
    let rect = Rect::from_center_size(rect.center(), vec2(rect.width(), 26.0));
    ui.painter()
        .set(ground, egui::Shape::rect_filled(rect, 13.0, fill));
    inner.inner
}

/// Paints small text at a place that is not laid out.
pub(super) fn small_text(ui: &Ui, at: egui::Pos2, align: Align2, words: &str, color: Color32) {
    ui.painter()
        .text(at, align, words, font(Weight::Regular, 11.0), color);
}

/// Whether a widget with the focus was asked for by Enter.
pub(super) fn entered(ui: &Ui, response: &Response) -> bool {
    response.has_focus() && ui.input(|i| i.key_pressed(Key::Enter))
}
