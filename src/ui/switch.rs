//! The switch: alone, or at the end of a row with its name.

use eframe::egui::{
    self, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, vec2,
};

use super::theme::{Weight, font, tokens};
use super::widgets::focus_ring;

/// Size of a switch.
const TRACK: Vec2 = vec2(34.0, 18.0);

/// A row with a name and a switch, whose dot is on the right while it is on.
pub(super) fn switch_row(ui: &mut Ui, on: bool, label: &str) -> Response {
    let t = tokens(ui);
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, 30.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, label));
    if ui.is_rect_visible(rect) {
        let galley =
            ui.painter()
                .layout_no_wrap(label.to_owned(), font(Weight::Regular, 13.0), t.normal);
        let at = egui::pos2(rect.left(), rect.center().y - galley.size().y / 2.0);
        ui.painter().galley(at, galley, t.normal);
        let track = Rect::from_center_size(rect.right_center() - vec2(19.0, 0.0), TRACK);
        paint_switch(ui, track, on);
        focus_ring(ui, &response, 6.0);
    }
    response
}

/// A switch without words, called `name`.
pub(super) fn switch(ui: &mut Ui, on: bool, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(TRACK.x + 4.0, 30.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, name));
    if ui.is_rect_visible(rect) {
        let track = Rect::from_center_size(rect.center(), TRACK);
        paint_switch(ui, track, on);
        focus_ring(ui, &response.clone().with_new_rect(track), 9.0);
    }
    response
}

fn paint_switch(ui: &Ui, track: Rect, on: bool) {
    let t = tokens(ui);
    let (fill, knob, x) = if on {
        (t.accent, t.on_accent, track.right() - 9.0)
    } else {
        (t.field, t.muted, track.left() + 9.0)
    };
    let line = Stroke::new(1.0, if on { t.accent } else { t.muted });
    ui.painter()
        .rect(track, 9.0, fill, line, StrokeKind::Inside);
    ui.painter()
        .circle_filled(egui::pos2(x, track.center().y), 5.5, knob);
}
