//! A button that copies a text, and confirms it for a moment.

use std::time::{Duration, Instant};

use eframe::egui::Ui;

use super::report;
use super::ui_state::UiState;
use super::widgets::plain_button;
use crate::base::text::{in_english, t};
use crate::conversation::snapshot::Snapshot;

/// How long "Copied" is said.
const COPIED_STANDS: Duration = Duration::from_secs(2);

/// The button of the report.
pub(super) fn copy_report_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let what = t!("versions-devices-and-figures-as");
    let text = || in_english(|| report::report(snapshot));
    copy_button_ui(
        ui,
        [t!("copy-report"), what],
        view.now,
        &mut view.copied_at,
        text,
    );
}

/// A button with its tooltip; `copied_at` is when it was pressed last.
pub(super) fn copy_button_ui(
    ui: &mut Ui,
    [words, tooltip]: [&str; 2],
    now: Instant,
    copied_at: &mut Option<Instant>,
    text: impl FnOnce() -> String,
) {
    let copied = copied_at.is_some_and(|at| now.duration_since(at) < COPIED_STANDS);
    if plain_button(ui, if copied { t!("copied") } else { words })
        .on_hover_text(tooltip)
        .clicked()
    {
        ui.ctx().copy_text(text());
        *copied_at = Some(now);
        ui.ctx().request_repaint_after(COPIED_STANDS);
    }
}
