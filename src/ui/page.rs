//! What pages have in common: a card in the middle, or a title with the way back.

use eframe::egui::accesskit::Live;
use eframe::egui::{Align, Id, Label, Layout, Margin, Response, ScrollArea, Ui, vec2};

use super::format;
use super::heading::is_heading;
use super::theme::{Weight, is_low, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{card, follow_focus, plain_button};
use crate::base::text::t;
use crate::conversation::snapshot::Snapshot;

/// Widest card: longer lines are hard to read.
const WIDEST: f32 = 640.0;

/// A page in the middle of the window: a card that scrolls, no wider than can be read.
pub(super) fn page(ui: &mut Ui, id: &str, add: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical()
        .id_salt(id)
        .auto_shrink([false, false])
        .show(ui, |ui| {
            let margin = ((ui.available_width() - WIDEST) / 2.0).max(0.0);
            ui.add_space(if margin > 0.0 { 40.0 } else { 0.0 });
            let pad = if margin > 0.0 { 32 } else { 16 };
            middle_card(ui, margin, pad, add);
            follow_focus(ui);
        });
}

/// The same with a foot that stays in view, whatever is above it; in surroundings that scroll, it is at the end.
pub(super) fn page_with_foot(
    ui: &mut Ui,
    id: &str,
    add: impl FnOnce(&mut Ui),
    foot: impl FnOnce(&mut Ui),
) {
    if !ui.available_height().is_finite() {
        return page(ui, id, |ui| {
            add(ui);
            ui.add_space(space::L);
            foot(ui);
        });
    }
    let is_low = is_low(ui);
    let margin = ((ui.available_width() - WIDEST) / 2.0).max(0.0);
    let (top, pad) = match (margin > 0.0, is_low) {
        (true, false) => (24.0, 28),
        (true, true) | (false, false) => (0.0, 16),
        (false, true) => (0.0, 12),
    };
    let of_foot = Id::unique((id, "height of the foot"));
    let height = ui
        .data(|data| data.get_temp::<f32>(of_foot))
        .unwrap_or(40.0);
    ui.add_space(top);
    middle_card(ui, margin, pad, |ui| {
        let gap = if is_low { space::S } else { space::L };
        let room = ui.available_height() - height - gap - f32::from(pad) - 8.0;
        ScrollArea::vertical()
            .id_salt(id)
            .auto_shrink([false, true])
            .max_height(room.max(40.0))
            .show(ui, |ui| {
                add(ui);
                follow_focus(ui);
            });
        ui.add_space(gap);
        let drawn = ui.scope(foot).response.rect.height();
        if (drawn - height).abs() >= 0.5 {
            ui.data_mut(|data| data.insert_temp(of_foot, drawn));
            ui.ctx().request_repaint();
        }
    });
}

/// A card between two margins, in points, that is as wide as the room between them and no wider than can be read.
fn middle_card(ui: &mut Ui, margin: f32, pad: i8, add: impl FnOnce(&mut Ui)) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add_space(margin);
        ui.vertical(|ui| {
            ui.set_max_width(WIDEST.min(ui.available_width()));
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            let frame = card(tokens(ui)).corner_radius(16);
            frame.inner_margin(Margin::same(pad)).show(ui, |ui| {
                ui.set_width(ui.available_width());
                add(ui);
            });
        });
    });
}

/// What became of an export: a notice, shown in the conversation, names the files or the failure.
pub(super) fn exported_ui(ui: &mut Ui, snapshot: &Snapshot, view: &UiState) {
    let newer = |id: u64| view.exported.is_some_and(|before| id > before);
    if let Some(notice) = snapshot.notices.last().filter(|notice| newer(notice.id)) {
        let (words, ink) = (format::clean(&notice.text.to_string()), tokens(ui).normal);
        let told = ui.label(text(words, Weight::Regular, 12.0, ink));
        ui.ctx()
            .accesskit_node_builder(told.id, |node| node.set_live(Live::Polite));
    }
}

/// The title of a page, shortened to its row, and the button that leads back from it.
pub(super) fn page_head(ui: &mut Ui, title: &str, tooltip: &str) -> Response {
    ui.horizontal(|ui| {
        ui.set_min_height(32.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let back = plain_button(ui, t!("back")).on_hover_text(tooltip);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let shown = text(title, Weight::SemiBold, 20.0, tokens(ui).strong);
                let head = ui.add(Label::new(shown).truncate());
                is_heading(&head, title);
            });
            back
        })
        .inner
    })
    .inner
}
