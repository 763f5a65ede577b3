//! Banners: notices, a lost link, a missing microphone, the way out of the demo.

use std::sync::Arc;

use eframe::egui::{Align, Color32, Frame, Layout, Margin, ScrollArea, Stroke, Ui};

use super::format;
use super::icons::{Icon, Sign};
use super::remedy_button::remedy_button;
use super::screen::Screen;
use super::theme::{Tokens, Weight, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{answers_ui, icon_button, plain_button, primary_button, sign};
use crate::base::plural::sentence;
use crate::base::severity::Severity;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Link, Snapshot};

/// Notices shown at once; older ones wait.
const NOTICES_SHOWN: usize = 3;

/// Height that banners leave to the captions; in low windows they share the space.
const LEAST_CAPTIONS: f32 = 84.0;

/// All banners, none if there is nothing to say.
pub(super) fn banners_ui(ui: &mut Ui, snapshot: &Arc<Snapshot>, view: &mut UiState) {
    // Nothing moves under the pointer while it marks words.
    let marks = view.captions_at.is_some_and(|captions| {
        let pressed = ui.input(|input| {
            let pointer = &input.pointer;
            pointer.press_origin().filter(|_| pointer.primary_down())
        });
        pressed.is_some_and(|at| captions.rect.contains(at))
    });
    if !marks || view.banners_of.is_none() {
        view.banners_of = Some(Arc::clone(snapshot));
    }
    let Some(snapshot) = &view.banners_of.clone() else {
        return;
    };
    let quiet = view.begins.is_none()
        && snapshot.notices.is_empty()
        && snapshot.spending.reached.is_none()
        && !matches!(snapshot.link, Link::Down { .. })
        && snapshot.input.trouble.is_none()
        && snapshot.output.trouble.is_none()
        && !(snapshot.demo && snapshot.key.is_none());
    if quiet {
        return;
    }
    // Some lines of the conversation stay in view.
    let room = ui.available_height();
    let most = (room - LEAST_CAPTIONS).max(room / 2.0 - space::S);
    ScrollArea::vertical()
        .id_salt("banners")
        .max_height(most)
        .min_scrolled_height(0.0)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = space::S;
            begin_ui(ui, view);
            link_ui(ui, snapshot, view);
            limit_ui(ui, snapshot, &mut view.commands);
            sound_ui(ui, snapshot, view);
            notices_ui(ui, snapshot, view);
            demo_ui(ui, snapshot, view);
        });
    ui.add_space(space::M);
}

/// The question before words are gone.
fn begin_ui(ui: &mut Ui, view: &mut UiState) {
    let Some(new) = &mut view.begins else {
        return;
    };
    let head = (Sign::Triangle, tokens(ui).warn, "Begin a new conversation?");
    let what = "This one is not kept: its words will be gone.";
    let mut answer = None;
    banner(ui, head, what, 210.0, |ui| {
        answer = answers_ui(ui, ["Begin", "Go on with this"], new);
    });
    if let Some(begins) = answer {
        view.begins = None;
        view.commands
            .extend(begins.then_some(Command::BeginConversation));
    }
}

fn link_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let Link::Down {
        what,
        hint,
        key_refused,
        ..
    } = &snapshot.link
    else {
        return;
    };
    let head = snapshot.no_link().unwrap_or_default();
    let t = tokens(ui);
    let what = format::clean(what);
    let said = format!(
        "{} {}",
        sentence(&what),
        format::capitalised(&format::clean(hint))
    );
    let width = if *key_refused { 240.0 } else { 100.0 };
    banner(ui, (Sign::Cross, t.bad, &head), &said, width, |ui| {
        if plain_button(ui, "Retry now").clicked() {
            view.commands.push(Command::RetryNow);
        }
        if *key_refused && plain_button(ui, "Enter another key").clicked() {
            view.page = Screen::Key;
        }
    });
}

/// Shown until the user goes on, or the limit changes.
fn limit_ui(ui: &mut Ui, snapshot: &Snapshot, commands: &mut Vec<Command>) {
    let Some(what) = &snapshot.spending.reached else {
        return;
    };
    let head = (Sign::Triangle, tokens(ui).warn, "Spend limit reached");
    banner(ui, head, what, 100.0, |ui| {
        let does = "Opens the microphone until the same amount is spent once more.";
        if primary_button(ui, "Go on").on_hover_text(does).clicked() {
            commands.push(Command::SpendMore);
        }
    });
}

fn sound_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let t = tokens(ui);
    // Where there was none at the start, a notice says so, and that one that comes now is not heard.
    if let Some(what) = &snapshot.input.trouble {
        let what = format::clean(what);
        let help = if what.contains("Plug one in") {
            ""
        } else {
            " Plug one in, or choose another."
        };
        let words = format!("{what}{help} Everything else works meanwhile.");
        banner(
            ui,
            (Sign::Cross, t.bad, "No microphone"),
            &words,
            180.0,
            |ui| {
                if plain_button(ui, "Choose a microphone").clicked() {
                    view.sound_open = true;
                }
            },
        );
    }
    if let Some(trouble) = &snapshot.output.trouble {
        let words = format!(
            "{} Answers are shown as text meanwhile.",
            format::clean(trouble)
        );
        banner(
            ui,
            (Sign::Cross, t.bad, "No speaker"),
            &words,
            180.0,
            |ui| {
                if plain_button(ui, "Choose a speaker").clicked() {
                    view.sound_open = true;
                }
            },
        );
    }
}

fn notices_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let t = tokens(ui);
    let hidden = snapshot.notices.len().saturating_sub(NOTICES_SHOWN);
    for notice in snapshot.notices.iter().rev().take(NOTICES_SHOWN) {
        let (mark, ink, head) = match notice.severity {
            Severity::Info => (Sign::Info, t.you, "Note"),
            Severity::Warning => (Sign::Triangle, t.warn, "Warning"),
            Severity::Error => (Sign::Cross, t.bad, "Error"),
        };
        ui.push_id(notice.id, |ui| {
            banner(
                ui,
                (mark, ink, head),
                &format::clean(&notice.text),
                if notice.remedy.is_some() { 180.0 } else { 32.0 },
                |ui| {
                    if icon_button(ui, Icon::Close, 28.0, "Dismiss").clicked() {
                        view.commands.push(Command::Dismiss(notice.id));
                    }
                    if let Some(remedy) = &notice.remedy {
                        remedy_button(ui, remedy, snapshot, view);
                    }
                },
            );
        });
    }
    if hidden > 0 {
        ui.label(text(
            format!("and {hidden} more"),
            Weight::Regular,
            12.0,
            t.muted,
        ));
    }
}

fn demo_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    if !snapshot.demo || snapshot.key.is_some() {
        return;
    }
    let t = tokens(ui);
    let words = "Speak, and it answers with your own voice, from this computer alone.";
    banner(
        ui,
        (Sign::Info, t.accent, "This is the demo"),
        words,
        190.0,
        |ui| {
            if primary_button(ui, "Use Gemini: enter a key").clicked() {
                view.page = Screen::Key;
            }
        },
    );
}

/// A banner: sign, word, sentence, and buttons of about `width` points, beside it if there is room.
fn banner(
    ui: &mut Ui,
    (mark, ink, head): (Sign, Color32, &str),
    words: &str,
    width: f32,
    buttons: impl FnOnce(&mut Ui),
) {
    frame(tokens(ui)).show(ui, |ui| {
        let room = ui.available_width();
        ui.set_width(room);
        ui.spacing_mut().item_spacing.y = 2.0;
        if room >= width + 260.0 {
            ui.horizontal(|ui| {
                ui.vertical(|ui| {
                    ui.set_width(room - width - space::S);
                    ui.horizontal(|ui| head_ui(ui, mark, ink, head));
                    words_ui(ui, words);
                });
                ui.with_layout(Layout::right_to_left(Align::Center), buttons);
            });
        } else if room >= width + 150.0 {
            ui.horizontal(|ui| {
                head_ui(ui, mark, ink, head);
                ui.with_layout(Layout::right_to_left(Align::Center), buttons);
            });
            words_ui(ui, words);
        } else {
            ui.horizontal(|ui| head_ui(ui, mark, ink, head));
            words_ui(ui, words);
            ui.add_space(space::XS);
            ui.horizontal_wrapped(buttons);
        }
    });
}

fn head_ui(ui: &mut Ui, mark: Sign, ink: Color32, head: &str) {
    sign(ui, mark, 11.0, ink);
    ui.label(text(head, Weight::SemiBold, 13.0, tokens(ui).strong));
}

fn words_ui(ui: &mut Ui, words: &str) {
    ui.label(text(
        format::capitalised(words),
        Weight::Regular,
        13.0,
        tokens(ui).normal,
    ));
}

fn frame(t: &Tokens) -> Frame {
    Frame::new()
        .fill(t.card)
        .stroke(Stroke::new(1.0, t.hairline))
        .corner_radius(super::theme::RADIUS_CARD)
        .inner_margin(Margin::symmetric(16, 10))
}
