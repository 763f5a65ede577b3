//! Headings: a screen reader leads from one to the next.

use eframe::egui::accesskit::Role;
use eframe::egui::{Label, Response, Ui};

use super::theme::{Weight, caps, text, tokens};

/// Makes words a heading.
pub(super) fn is_heading(shown: &Response, words: &str) {
    shown.ctx.accesskit_node_builder(shown.id, |node| {
        node.set_role(Role::Heading);
        node.set_label(words);
    });
}

/// The title of a card or a part of one.
pub(super) fn heading(ui: &mut Ui, words: &str, size: f32) -> Response {
    let shown = text(words, Weight::SemiBold, size, tokens(ui).strong);
    let head = ui.add(Label::new(shown).wrap());
    is_heading(&head, words);
    head
}

/// The title above a group, in small capitals.
pub(super) fn caps_heading(ui: &mut Ui, words: &str) -> Response {
    let head = ui.label(caps(words, tokens(ui)));
    is_heading(&head, words);
    head
}
