//! Whether the talk key works in any window, below its row of the page Settings.

use eframe::egui::Ui;

use super::format;
use super::icons::Sign;
use super::theme::tokens;
use super::widgets::{plain_button, signed_row};
use crate::base::text::t;
use crate::conversation::snapshot::GlobalKeyView;
use crate::global_key::GlobalKeyState;

/// The state in words; whether it is to be tried again.
pub(super) fn global_key_ui(ui: &mut Ui, view: &GlobalKeyView) -> bool {
    let t = tokens(ui);
    match &view.state {
        GlobalKeyState::Off => {}
        GlobalKeyState::Asking => signed_row(ui, (Sign::Ring, t.muted), t!("global-key-asking")),
        GlobalKeyState::Works { called } => {
            let words = match called {
                Some(called) => t!("global-key-works-called", called = format::clean(called)),
                None => t!("global-key-works").to_owned(),
            };
            signed_row(ui, (Sign::Dot, t.ok), &words);
        }
        GlobalKeyState::NotPossible { why, hint } => {
            let words = t!("global-key-problem", why, hint);
            signed_row(ui, (Sign::Cross, t.bad), &format::clean(&words));
            return plain_button(ui, t!("global-key-try")).clicked();
        }
    }
    false
}
