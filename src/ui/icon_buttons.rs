//! Buttons of the conversation that show an icon alone.

use eframe::egui::{Color32, Response, Role, Sense, Ui, Vec2, WidgetInfo};

use super::icons::{self, Icon};
use super::theme::tokens;
use super::widgets::{focus_ring, named_for_the_eye};

/// A square button with an icon that is seen while `shown`, or while it has the focus; the keyboard reaches it always.
pub(super) fn quiet_icon_button(
    ui: &mut Ui,
    icon: Icon,
    size: f32,
    shown: bool,
    name: &str,
) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    if (shown || response.has_focus()) && ui.is_rect_visible(rect) {
        let ink = if response.hovered() {
            t.strong
        } else {
            t.muted
        };
        if response.hovered() {
            ui.painter().rect_filled(rect, 6.0, t.field);
        }
        icons::icon(ui.painter(), rect.shrink(size * 0.26), icon, ink);
        focus_ring(ui, &response, 6.0);
    }
    named_for_the_eye(response, name)
}

/// A round button with an icon. `on`: it is the state of now, which is not the usual one, in this colour.
pub(super) fn round_button(
    ui: &mut Ui,
    icon: Icon,
    size: f32,
    on: Option<Color32>,
    name: &str,
) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    if ui.is_rect_visible(rect) {
        let (fill, ink) = match on {
            Some(color) => (color, t.on_accent),
            None if response.hovered() => (t.hover, t.strong),
            None => (t.field, t.normal),
        };
        let ink = if enabled {
            ink
        } else {
            ink.gamma_multiply(0.4)
        };
        ui.painter().circle_filled(rect.center(), size / 2.0, fill);
        icons::icon(ui.painter(), rect.shrink(size * 0.3), icon, ink);
        focus_ring(ui, &response, size / 2.0);
    }
    response
}
