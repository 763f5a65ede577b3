//! The key: a page of its own for who is asked for one, and a part of the settings.

use std::path::Path;

use eframe::egui::accesskit::{Invalid, Live};
use eframe::egui::text_edit::TextEditState;
use eframe::egui::{Align, Id, Label, Layout, Margin, Response, Stroke, StrokeKind, TextEdit, Ui};

use super::api_key_state::{self, KeyStatus};
use super::heading::heading;
use super::icons::Icon;
use super::limited_text::{LimitedText, left_out_ui};
use super::page::{exported_ui, page};
use super::theme::{RADIUS_FIELD, Weight, caps, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{focus_ring, icon_button, plain_button, primary_button, sign};
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Link, Snapshot};

/// Where a key is to be had.
const KEY_PAGE: &str = "https://aistudio.google.com/apikey";

/// Characters that the field holds: no key is as long.
const HOLDS: usize = 512;

/// The page. `key_file` is where a typed key is kept.
pub(super) fn page_ui(ui: &mut Ui, snapshot: &Snapshot, key_file: &Path, view: &mut UiState) {
    page(ui, "key page", |ui| {
        let was_tried = view.key.tried;
        key_ui(ui, snapshot, key_file, view);
        exported_ui(ui, snapshot, view);
        ui.add_space(space::L);
        let is_taken = was_tried && !view.key.tried && view.key.typed.is_empty();
        if plain_button(ui, t!("back")).clicked() || is_taken {
            view.leave();
        }
    });
}

/// The key: a field for one, whether it is taken, and where it is kept.
pub(super) fn key_ui(ui: &mut Ui, snapshot: &Snapshot, key_file: &Path, view: &mut UiState) {
    let t = tokens(ui);
    if view.key.tried && api_key_state::is_taken(snapshot, &view.key.typed) {
        view.key.clear();
        forget(ui);
    }
    heading(ui, t!("your-key-for-gemini"), 24.0);
    let label = ui.label(caps(t!("key"), t));
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
            let response = field_ui(ui, snapshot, view).labelled_by(label.id);
            // Without a key the field has the focus, to paste one; with a key the page has other uses too.
            if !std::mem::replace(&mut view.key.focused, true) && wants_key(snapshot) {
                response.request_focus();
            }
            save |= super::widgets::entered(ui, &response)
                || response.lost_focus() && ui.input(|i| i.key_pressed(eframe::egui::Key::Enter));
        });
    });
    left_out_ui(ui, view.key.left_out, HOLDS);
    state_ui(ui, snapshot, &mut view.commands);
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
    ui.add_space(space::XS);
    let place = api_key_state::storage(snapshot, &key_file.display().to_string());
    ui.label(text(place, Weight::Regular, 14.0, t.normal));
    if save && let Some(key) = view.key.give() {
        // Where it cannot be kept, a newer notice says so.
        view.export(snapshot, Command::SetKey(key));
        forget(ui);
    }
}

fn field_id() -> Id {
    Id::unique("the key field")
}

/// The field's history of changes would still hold the key.
fn forget(ui: &Ui) {
    TextEdit::store_state(ui.ctx(), field_id(), TextEditState::default());
}

/// The field, marked while it holds a key that was refused.
fn field_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) -> Response {
    let is_refused = view.key.tried && api_key_state::is_refused(snapshot, &view.key.typed);
    let mut typed = LimitedText {
        text: &mut view.key.typed,
        left_out: &mut view.key.left_out,
    };
    let field = TextEdit::singleline(&mut typed)
        .id(field_id())
        .password(!view.key.visible)
        .char_limit(HOLDS)
        .hint_text(t!("paste-your-key-here"))
        .margin(Margin::symmetric(12, 9))
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    if response.changed() {
        view.key.tried = false;
    } else if is_refused {
        let line = Stroke::new(2.0, tokens(ui).bad);
        ui.painter()
            .rect_stroke(response.rect, RADIUS_FIELD, line, StrokeKind::Inside);
        ui.ctx()
            .accesskit_node_builder(response.id, |node| node.set_invalid(Invalid::True));
    }
    response
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
