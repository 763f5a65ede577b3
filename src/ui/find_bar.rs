//! The bar that finds words in the conversation: a field, how many there are, the next and the one before.

use eframe::egui::accesskit::Live;
use eframe::egui::{
    Align, Frame, Id, Key, Layout, Margin, Rect, Sense, Stroke, TextEdit, Ui, UiBuilder, pos2, vec2,
};

use super::find::Search;
use super::icons::Icon;
use super::theme::{RADIUS_CARD, Weight, font, space, text, tokens};
use super::widgets::icon_button;
use crate::base::text::t;

const WIDTH: f32 = 372.0;

/// The field.
pub(super) fn field_id() -> Id {
    Id::unique("the field of the find bar")
}

/// The bar at the top right of the conversation, over its words: it moves none.
pub(super) fn find_bar_ui(ui: &mut Ui, area: Rect, find: &mut Search) {
    if !find.is_open {
        return;
    }
    let t = tokens(ui);
    let width = WIDTH.min(area.width());
    let rect = Rect::from_min_size(pos2(area.right() - width, area.top()), vec2(width, 46.0));
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        // What is below it is not reached through it.
        ui.interact(rect, Id::unique("find bar"), Sense::CLICK);
        let frame = Frame::new()
            .fill(t.card)
            .stroke(Stroke::new(1.0, t.hairline))
            .corner_radius(RADIUS_CARD)
            .inner_margin(Margin::symmetric(8, 7));
        frame.show(ui, |ui| ui.horizontal(|ui| row_ui(ui, find)));
    });
}

fn row_ui(ui: &mut Ui, find: &mut Search) {
    let t = tokens(ui);
    ui.set_min_height(30.0);
    ui.spacing_mut().item_spacing.x = space::XS;
    let id = field_id();
    // Before the field is drawn, as what is typed in this frame already is for it.
    let wants_focus = std::mem::take(&mut find.wants_focus);
    if wants_focus {
        ui.memory_mut(|memory| memory.request_focus(id));
    }
    let field = TextEdit::singleline(&mut find.words)
        .id(id)
        .font(font(Weight::Regular, 14.0))
        .desired_width((ui.available_width() - 196.0).max(60.0))
        .char_limit(200)
        .margin(Margin::symmetric(8, 6))
        .hint_text(t!("find-in-this-conversation"));
    let (enter, shift) = ui.input(|input| (input.key_pressed(Key::Enter), input.modifiers.shift));
    let response = ui.add(field);
    ui.ctx()
        .accesskit_node_builder(id, |node| node.set_label(t!("find-in-this-conversation")));
    if wants_focus {
        // A press elsewhere, that of the button, has taken it from the field.
        response.request_focus();
    }
    if enter && response.lost_focus() {
        find.step(shift);
        response.request_focus();
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = space::XS;
        let closes = icon_button(ui, Icon::Close, 28.0, t!("close-the-search-esc")).clicked();
        if icon_button(ui, Icon::Down, 28.0, t!("next-shift-enter")).clicked() {
            find.step(true);
        }
        if icon_button(ui, Icon::Up, 28.0, t!("previous-enter")).clicked() {
            find.step(false);
        }
        let count = ui.label(text(find.count(), Weight::Regular, 12.0, t.muted));
        ui.ctx()
            .accesskit_node_builder(count.id, |node| node.set_live(Live::Polite));
        if closes {
            find.close();
        }
    });
}
