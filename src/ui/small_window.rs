//! The small window, in front of others: state, the latest words, the talk button. Other pages bring the whole window back.

use eframe::egui::{Align, Context, Layout, Ui, Vec2, ViewportCommand, WindowLevel, vec2};

use super::icons::Icon;
use super::screen::Screen;
use super::ui_state::{UiState, WholeWindow};
use super::widgets::icon_button;
use super::window_position::LEAST;
use crate::base::text::t;

/// Its size in points.
const SIZE: Vec2 = vec2(360.0, 260.0);
const BUTTON: f32 = 28.0;

/// Makes the window small, or whole again.
pub(super) fn toggle(ctx: &Context, view: &mut UiState) {
    if let Some(whole) = view.whole.take() {
        let zoom = ctx.zoom_factor();
        ctx.send_viewport_cmd(ViewportCommand::WindowLevel(WindowLevel::Normal));
        ctx.send_viewport_cmd(ViewportCommand::InnerSize(whole.size));
        ctx.send_viewport_cmd(ViewportCommand::MinInnerSize(LEAST / zoom));
        ctx.send_viewport_cmd(ViewportCommand::Maximized(whole.maximized));
        return;
    }
    view.leave();
    if view.page != Screen::Talk {
        // The set-up is not over.
        return;
    }
    let (size, maximized) = ctx.input(|input| {
        let viewport = input.viewport();
        (
            input.content_rect().size(),
            viewport.maximized == Some(true),
        )
    });
    view.whole = Some(WholeWindow { size, maximized });
    ctx.send_viewport_cmd(ViewportCommand::Maximized(false));
    ctx.send_viewport_cmd(ViewportCommand::MinInnerSize(SIZE));
    ctx.send_viewport_cmd(ViewportCommand::InnerSize(SIZE));
    ctx.send_viewport_cmd(ViewportCommand::WindowLevel(WindowLevel::AlwaysOnTop));
}

/// The button that makes the window small.
pub(super) fn button_ui(ui: &mut Ui, size: f32, view: &mut UiState) {
    if icon_button(ui, Icon::Small, size, t!("a-small-window-ctrl-t")).clicked() {
        view.resizes = true;
    }
}

/// The way back, at the right of a row.
pub(super) fn way_back_ui(ui: &mut Ui, view: &mut UiState) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if icon_button(ui, Icon::Whole, BUTTON, t!("the-whole-window-ctrl-t")).clicked() {
            toggle(ui.ctx(), view);
        }
    });
}
