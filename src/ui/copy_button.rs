//! The button that copies the report.

use std::time::Duration;

use eframe::egui::Ui;

use super::report;
use super::ui_state::UiState;
use super::widgets::plain_button;
use crate::conversation::snapshot::Snapshot;

/// How long "Copied" is said.
const COPIED_STANDS: Duration = Duration::from_secs(2);

/// Copies the report, and confirms it for a moment.
pub(super) fn copy_button_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let copied = view
        .copied_at
        .is_some_and(|at| view.now.duration_since(at) < COPIED_STANDS);
    let what = "Versions, devices and figures as text, without what was said and without the key";
    if plain_button(ui, if copied { "Copied" } else { "Copy report" })
        .on_hover_text(what)
        .clicked()
    {
        ui.ctx().copy_text(report::report(snapshot));
        view.copied_at = Some(view.now);
        ui.ctx().request_repaint_after(COPIED_STANDS);
    }
}
