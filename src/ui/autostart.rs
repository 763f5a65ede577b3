//! Whether the program starts with the desktop: a row of the section General that is no key of a file.

use eframe::egui::{Align, Label, Layout, Ui};

use super::switch::switch;
use super::theme::{Weight, text, tokens};
use super::ui_state::UiState;
use super::widgets::card;
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::desktop::AutostartState;

/// The row, as the system has it; nothing where it is not possible.
pub(super) fn autostart_ui(ui: &mut Ui, state: AutostartState, view: &mut UiState) {
    let on = match state {
        AutostartState::On => true,
        AutostartState::Off => false,
        AutostartState::Unknown | AutostartState::NotPossible => return,
    };
    let t = tokens(ui);
    card(t).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            let title = t!("start-with-desktop");
            ui.label(text(title, Weight::SemiBold, 14.0, t.strong));
            ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                let flips = switch(ui, on, title);
                view.settings.arrive(&flips, title);
                if flips.clicked() {
                    view.commands.push(Command::SetAutostart(!on));
                }
            });
        });
        let about = text(
            t!("start-with-desktop-about"),
            Weight::Regular,
            13.0,
            t.normal,
        );
        ui.add(Label::new(about).wrap());
    });
}
