//! The key: a page of its own for who is asked for one, and a part of the settings.

use std::path::Path;

use eframe::egui::accesskit::Live;
use eframe::egui::text_edit::TextEditState;
use eframe::egui::{Align, Id, Label, Layout, Margin, TextEdit, Ui};

use super::api_key_state::{self, KeyStatus};
use super::icons::Icon;
use super::page::page;
use super::theme::{Weight, caps, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{focus_ring, icon_button, plain_button, primary_button, sign};
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Link, Snapshot};

/// Where a key is to be had.
const KEY_PAGE: &str = "https://aistudio.google.com/apikey";

/// The page. `key_file` is where a typed key is kept.
pub(super) fn page_ui(ui: &mut Ui, snapshot: &Snapshot, key_file: &Path, view: &mut UiState) {
    page(ui, "key page", |ui| {
        key_ui(ui, snapshot, key_file, view);
        ui.add_space(space::L);
        if plain_button(ui, t!("back")).clicked() {
            view.leave();
        }
    });
}

/// The key: where it is kept, whether it is taken, and a field for another.
pub(super) fn key_ui(ui: &mut Ui, snapshot: &Snapshot, key_file: &Path, view: &mut UiState) {
    let t = tokens(ui);
    ui.label(text(
        t!("your-key-for-gemini"),
        Weight::SemiBold,
        24.0,
        t.strong,
    ));
    let place = api_key_state::storage(snapshot, &key_file.display().to_string());
    ui.label(text(place, Weight::Regular, 14.0, t.normal));
    ui.add_space(space::XS);
    state_ui(ui, snapshot, &mut view.commands);
    let label = ui.label(caps(t!("key"), t));
    let id = Id::unique("the key field");
    let mut save = false;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let name = if view.key.visible {
                t!("hide-the-key")
            } else {
                t!("show-the-key")
            };
            if icon_button(ui, Icon::Eye(view.key.visible), 36.0, name).clicked() {
                view.key.visible = !view.key.visible;
            }
            let field = TextEdit::singleline(&mut view.key.typed)
                .id(id)
                .password(!view.key.visible)
                .char_limit(512)
                .hint_text(t!("paste-your-key-here"))
                .margin(Margin::symmetric(12, 9))
                .desired_width(f32::INFINITY);
            let response = ui.add(field).labelled_by(label.id);
            // Without a key the field has the focus, to paste one; with a key the page has other uses too.
            if !std::mem::replace(&mut view.key.focused, true) && wants_key(snapshot) {
                response.request_focus();
            }
            save |= super::widgets::entered(ui, &response)
                || response.lost_focus() && ui.input(|i| i.key_pressed(eframe::egui::Key::Enter));
        });
    });
    ui.add_space(space::XS);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = space::L;
        let button = if wants_key(snapshot) {
            primary_button
        } else {
            plain_button
        };
        save |= button(ui, t!("save-and-connect")).clicked();
        let link = ui.hyperlink_to(t!("get-a-key-at-google"), KEY_PAGE);
        focus_ring(ui, &link, 4.0);
    });
    if save && let Some(key) = view.key.take() {
        view.commands.push(Command::SetKey(key));
        view.leave();
        // The field's history of changes would still hold the key.
        TextEdit::store_state(ui.ctx(), id, TextEditState::default());
    }
}

/// Whether there is no key, or none that is taken.
fn wants_key(snapshot: &Snapshot) -> bool {
    let refused = matches!(
        snapshot.link,
        Link::Down {
            key_refused: true,
            ..
        }
    );
    refused || snapshot.key.is_none()
}

/// The status of the key, and the button that removes a stored one.
fn state_ui(ui: &mut Ui, snapshot: &Snapshot, commands: &mut Vec<Command>) {
    let t = tokens(ui);
    let (standing, words) = api_key_state::of(snapshot);
    let (mark, ink) = api_key_state::mark(standing, t);
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            ui.add_space(4.0);
            sign(ui, mark, 10.0, ink);
        });
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            if standing == KeyStatus::Refused {
                let head = text(t!("the-key-was-refused"), Weight::SemiBold, 13.0, t.bad);
                ui.label(head);
            }
            let told = ui.add(Label::new(text(words, Weight::Medium, 13.0, t.strong)).wrap());
            ui.ctx()
                .accesskit_node_builder(told.id, |node| node.set_live(Live::Polite));
            let is_ours = snapshot.key.as_ref().is_some_and(api_key_state::is_ours);
            if is_ours && plain_button(ui, t!("remove-key")).clicked() {
                commands.push(Command::RemoveKey);
            }
        });
    });
}
