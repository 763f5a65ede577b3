//! The head of the section Profile: which profile is in use, and what can be done with it as a whole.

use eframe::egui::{Id, Label, Margin, TextEdit, Ui};

use super::format;
use super::heading::heading;
use super::settings_state::SettingsQuestion;
use super::theme::{Weight, font, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{Segment, answers_ui, card, entered, plain_button, primary_button, segmented};
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{ProfileView, Snapshot};
use crate::profile::shown_label;
use crate::settings::profile_edit::ProfileEdit;

pub(super) fn editor_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let profile = &snapshot.settings.profile;
    let segments: Vec<_> = snapshot
        .profiles
        .iter()
        .map(|profile| Segment {
            label: profile.shown_label(),
            name: profile.shown_label(),
            figure: String::new(),
            tooltip: profile.description.clone(),
        })
        .collect();
    card(tokens(ui)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let t = tokens(ui);
        let head = t!("profile-in-use", label = format::name(label(profile)));
        heading(ui, &head, 16.0);
        let words = Label::new(text(origin(profile), Weight::Regular, 13.0, t.normal)).wrap();
        let words = ui.add(words);
        if let Some(file) = &profile.file {
            words.on_hover_text(file);
        }
        ui.add_space(space::XS);
        if let Some(taken) = segmented(ui, &segments, snapshot.chosen)
            && let Some(profile) = snapshot.profiles.get(taken)
        {
            view.commands
                .push(Command::UseProfile(profile.name.clone()));
        }
        ui.add_space(space::XS);
        if let Some((SettingsQuestion::RemoveProfile, new)) = &mut view.settings.question {
            let answer = question_ui(ui, profile, new);
            if let Some(removes) = answer {
                view.settings.question = None;
                if removes {
                    edit(snapshot, ProfileEdit::Remove, view);
                }
            }
        } else if view.settings.copy.is_some() {
            copy_ui(ui, snapshot, view);
        } else {
            actions_ui(ui, profile, view);
        }
    });
}

fn label(profile: &ProfileView) -> &str {
    shown_label(&profile.name, &profile.label)
}

/// What the profile is made of, a sentence.
fn origin(profile: &ProfileView) -> String {
    let changed = profile
        .keys
        .iter()
        .filter(|key| key.value != key.usual)
        .count();
    let base = format::name(shown_label(&profile.base.0, &profile.base.1));
    match (&profile.file, profile.is_shipped) {
        (None, _) => t!("it-is-as-it-was").to_owned(),
        (Some(_), true) => {
            let settings = t!("n-settings", n = changed as u64);
            t!("shipped-with-the-program-changed", settings)
        }
        (Some(_), false) => {
            let settings = t!("n-settings", n = changed as u64);
            t!("your-own-it-starts-from", base, settings)
        }
    }
}

fn actions_ui(ui: &mut Ui, profile: &ProfileView, view: &mut UiState) {
    ui.horizontal_wrapped(|ui| {
        let copy = t!("a-profile-of-your-own");
        if plain_button(ui, t!("duplicate"))
            .on_hover_text(copy)
            .clicked()
        {
            view.settings.copy = Some(format!("{} 2", label(profile)));
        }
        let (words, what) = if view.settings.compares {
            (t!("show-all-settings"), t!("shows-those-too-that-are"))
        } else {
            (
                t!("compare-with-the-shipped-one"),
                t!("shows-only-what-differs-from"),
            )
        };
        if plain_button(ui, words).on_hover_text(what).clicked() {
            view.settings.compares = !view.settings.compares;
        }
        if profile.file.is_some() {
            let words = if profile.is_shipped {
                t!("reset-to-shipped")
            } else {
                t!("delete")
            };
            if plain_button(ui, words).clicked() {
                view.settings.question = Some((SettingsQuestion::RemoveProfile, true));
            }
        }
    });
    let differs = profile.keys.iter().any(|key| key.value != key.usual);
    if view.settings.compares && !differs {
        let words = t!("nothing-differs-from-the-shipped");
        ui.label(text(words, Weight::Medium, 13.0, tokens(ui).strong));
    }
}

fn question_ui(ui: &mut Ui, profile: &ProfileView, new: &mut bool) -> Option<bool> {
    let label = format::name(label(profile));
    let (question, yes) = if profile.is_shipped {
        (t!("take-all-your-changes-to", label), t!("reset-it"))
    } else {
        (
            t!(
                "delete-the-profile-for-good",
                label,
                profile = shown_label(&profile.base.0, &profile.base.1)
            ),
            t!("delete-it"),
        )
    };
    let words = text(question, Weight::Medium, 13.0, tokens(ui).strong);
    ui.add(Label::new(words).wrap());
    let mut answer = None;
    ui.horizontal_wrapped(|ui| answer = answers_ui(ui, [yes, t!("keep-it")], new));
    answer
}

/// The name of a copy.
fn copy_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let Some(mut name) = view.settings.copy.take() else {
        return;
    };
    let label = ui.label(text(
        t!("name-of-the-copy"),
        Weight::Medium,
        13.0,
        tokens(ui).strong,
    ));
    let id = Id::unique("the name of a copy");
    let field = TextEdit::singleline(&mut name)
        .id(id)
        .font(font(Weight::Regular, 14.0))
        .char_limit(40)
        .margin(Margin::symmetric(10, 7))
        .desired_width(260.0_f32.min(ui.available_width()));
    let response = ui.add(field).labelled_by(label.id);
    let is_entered = entered(ui, &response)
        || response.lost_focus() && ui.input(|i| i.key_pressed(eframe::egui::Key::Enter));
    let (mut makes, mut leaves) = (is_entered, false);
    ui.horizontal_wrapped(|ui| {
        makes |= primary_button(ui, t!("make-the-copy")).clicked();
        leaves = plain_button(ui, t!("cancel")).clicked();
    });
    let is_named = !name.trim().is_empty();
    if makes && is_named {
        edit(
            snapshot,
            ProfileEdit::Duplicate(name.trim().to_owned()),
            view,
        );
    } else if !leaves {
        view.settings.copy = Some(name);
    }
}

fn edit(snapshot: &Snapshot, edit: ProfileEdit, view: &mut UiState) {
    let name = snapshot.settings.profile.name.clone();
    view.export(snapshot, Command::EditProfile(name, edit));
}
