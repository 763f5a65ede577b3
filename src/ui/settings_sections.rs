//! What the sections of the page Settings have besides rows of keys.

use std::path::Path;

use eframe::egui::{Label, Ui};

use super::autostart::autostart_ui;
use super::diagnostics::diagnostics_ui;
use super::heading::{caps_heading, heading};
use super::icons::Sign;
use super::screen::Screen;
use super::sent::sent_ui;
use super::settings_state::{SettingsQuestion, SettingsSection};
use super::theme::{Weight, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{answers_ui, card, plain_button, signed_row};
use super::{api_key_page, format};
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::Snapshot;
use crate::settings::api_key::KeySource;
use crate::settings::config::WelcomeStep;

/// What stands above the rows.
pub(super) fn before_ui(ui: &mut Ui, snapshot: &Snapshot, key_file: &Path, view: &mut UiState) {
    match view.settings.section {
        SettingsSection::Account => {
            card_ui(ui, |ui| api_key_page::key_ui(ui, snapshot, key_file, view))
        }
        SettingsSection::Privacy => card_ui(ui, |ui| privacy_ui(ui, snapshot)),
        SettingsSection::Diagnostics => diagnostics_ui(ui, snapshot, view),
        SettingsSection::About => about_ui(ui, snapshot, view),
        SettingsSection::General
        | SettingsSection::Sound
        | SettingsSection::Talking
        | SettingsSection::Profile
        | SettingsSection::Appearance => {}
    }
}

/// What stands below them.
pub(super) fn after_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    match view.settings.section {
        SettingsSection::General => {
            autostart_ui(ui, snapshot.desktop.autostart, view);
            let again = plain_button(ui, t!("set-up-again"));
            view.settings.arrive(&again, t!("set-up-again"));
            if again.clicked() {
                view.set_up(WelcomeStep::Welcome);
            }
        }
        SettingsSection::Sound => card_ui(ui, |ui| sound_ui(ui, snapshot, view)),
        SettingsSection::Privacy => {
            card_ui(ui, |ui| delete_ui(ui, snapshot, view));
            card_ui(ui, |ui| remove_ui(ui, snapshot, view));
            folders_ui(ui, snapshot, view);
        }
        SettingsSection::Talking
        | SettingsSection::Profile
        | SettingsSection::Account
        | SettingsSection::Appearance
        | SettingsSection::Diagnostics
        | SettingsSection::About => {}
    }
}

fn card_ui(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    card(tokens(ui)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        add(ui);
    });
}

fn words_ui(ui: &mut Ui, words: &str) {
    let ink = tokens(ui).normal;
    ui.add(Label::new(text(words, Weight::Regular, 13.0, ink)).wrap());
}

fn sound_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let t = tokens(ui);
    heading(ui, t!("is-it-good"), 14.0);
    let mark = if snapshot.echo.on {
        (Sign::Dot, t.ok)
    } else {
        (Sign::Ring, t.muted)
    };
    signed_row(ui, mark, &t!("echo-cancellation", why = snapshot.echo.why));
    words_ui(ui, t!("the-check-listens-to-the"));
    let check = plain_button(ui, t!("check-the-sound"));
    view.settings.arrive(&check, t!("check-the-sound"));
    if check.clicked() {
        view.open(Screen::Check);
    }
}

/// What is sent where.
fn privacy_ui(ui: &mut Ui, snapshot: &Snapshot) {
    heading(ui, t!("what-leaves-this-computer"), 14.0);
    let place = format::name(&snapshot.place);
    let sent = if snapshot.demo {
        t!("nothing-the-demo-answers-inside").to_owned()
    } else if snapshot.local {
        t!("nothing-what-answers-runs-on").to_owned()
    } else {
        t!("what-you-say-while-you", place)
    };
    words_ui(ui, &sent);
    let alerts = snapshot.settings.config.iter();
    let mut alerts = alerts.filter(|setting| setting.key.name == "alert_webhook");
    if alerts.any(|setting| setting.value != setting.usual) {
        words_ui(ui, t!("alerts-which-hold-figures-and"));
    }
    sent_ui(ui, snapshot);
    words_ui(ui, t!("what-is-kept-stays-on"));
}

fn delete_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    heading(ui, t!("delete-what-is-kept"), 14.0);
    if let Some((SettingsQuestion::DeleteConversations, new)) = &mut view.settings.question {
        words_ui(ui, t!("delete-all-conversations-for-good"));
        let mut answer = None;
        ui.horizontal_wrapped(|ui| {
            answer = answers_ui(ui, [t!("delete-all"), t!("keep-them")], new)
        });
        if let Some(deletes) = answer {
            view.settings.question = None;
            if deletes {
                view.export(snapshot, Command::DeleteKept(None));
            }
        }
        return;
    }
    words_ui(ui, t!("all-kept-conversations-with-their"));
    let delete = plain_button(ui, t!("delete-all-conversations"));
    view.settings
        .arrive(&delete, t!("delete-all-conversations"));
    if delete.clicked() {
        view.settings.question = Some((SettingsQuestion::DeleteConversations, true));
    }
}

/// Everything that is kept, for good: what goes, from where, and what stays.
fn remove_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    heading(ui, t!("remove-everything"), 14.0);
    let Some((SettingsQuestion::RemoveEverything, new)) = &mut view.settings.question else {
        words_ui(ui, t!("everything-that-this-program-keeps"));
        let remove = plain_button(ui, t!("remove-everything-ask"));
        view.settings.arrive(&remove, t!("remove-everything"));
        if remove.clicked() {
            view.settings.question = Some((SettingsQuestion::RemoveEverything, true));
        }
        return;
    };
    words_ui(ui, t!("these-go-for-good"));
    for (what, path) in &snapshot.settings.folders {
        words_ui(ui, &format!("{what}: {}", format::clean(path)));
    }
    let key = snapshot.key.as_ref().map(|key| key.source);
    if let Some(source) = key.filter(|source| *source != KeySource::File) {
        words_ui(ui, &t!("the-key-in-stays", place = source.words()));
    }
    words_ui(ui, t!("what-you-exported-stays"));
    let mut answer = None;
    ui.horizontal_wrapped(|ui| {
        let words = [t!("remove-everything-and-close"), t!("keep-everything")];
        answer = answers_ui(ui, words, new);
    });
    if let Some(removes) = answer {
        view.settings.question = None;
        view.removes_everything = removes;
    }
}

fn folders_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    ui.add_space(space::XS);
    let head = caps_heading(ui, t!("files-and-folders"));
    view.settings.arrive(&head, t!("files-and-folders"));
    card_ui(ui, |ui| {
        let t = tokens(ui);
        for (what, path) in &snapshot.settings.folders {
            ui.label(text(what, Weight::Medium, 13.0, t.strong));
            let path = text(format::clean(path), Weight::Regular, 13.0, t.normal);
            ui.add(Label::new(path).wrap().selectable(true));
        }
    });
}

fn about_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    card_ui(ui, |ui| {
        let name = format!("{} {}", t!("sovereign"), env!("CARGO_PKG_VERSION"));
        heading(ui, &name, 18.0);
        words_ui(ui, t!("a-voice-assistant-for-gemini"));
        words_ui(
            ui,
            &t!("licence-and-typeface", licence = env!("CARGO_PKG_LICENSE")),
        );
    });
    folders_ui(ui, snapshot, view);
}
