//! The alerts of the last seven days: when, how bad, for how long.

use std::time::Duration;

use eframe::egui::{Label, Ui};
use jiff::Timestamp;

use super::conversations_state::moment;
use super::format;
use super::icons::Sign;
use super::theme::{Weight, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{plain_button, sign};
use crate::base::text::t;
use crate::conversation::snapshot::Snapshot;
use crate::telemetry::alert::AlertSeverity;
use crate::telemetry::history::PastAlert;

/// So many are shown at first.
pub(super) const NEWEST: usize = 10;

pub(super) fn alerts_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let t = tokens(ui);
    let alerts = &snapshot.history.alerts;
    if alerts.is_empty() {
        ui.label(text(t!("there-was-none"), Weight::Regular, 13.0, t.normal));
        return;
    }
    let shown = if view.all_alerts {
        alerts.len()
    } else {
        NEWEST
    };
    for (nth, alert) in alerts.iter().take(shown).enumerate() {
        if nth > 0 {
            ui.add_space(space::XS);
        }
        ui.push_id(nth, |ui| alert_ui(ui, alert, stands(alert, nth, snapshot)));
    }
    if alerts.len() > NEWEST {
        let words = if view.all_alerts {
            t!("show-the-newest-only").to_owned()
        } else {
            t!(
                "show-all-of",
                alerts = t!("n-alerts", n = alerts.len() as u64)
            )
        };
        if plain_button(ui, &words).clicked() {
            view.all_alerts = !view.all_alerts;
        }
    }
}

fn alert_ui(ui: &mut Ui, alert: &PastAlert, stands: bool) {
    let t = tokens(ui);
    let (mark, ink) = match alert.severity {
        AlertSeverity::Warning => (Sign::Triangle, t.warn),
        AlertSeverity::Critical => (Sign::Cross, t.bad),
    };
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            ui.add_space(4.0);
            sign(ui, mark, 10.0, ink);
        });
        ui.vertical(|ui| {
            ui.label(text(when(alert, stands), Weight::Medium, 12.0, t.muted))
                .on_hover_text(t!("how-bad-it-was-at"));
            let what = format!("{}.", format::clean(&alert.what));
            ui.add(Label::new(text(what, Weight::Regular, 13.0, t.normal)).wrap());
        });
    });
}

/// Whether an alert still stands: the newest of its kind, without an end, while one of the kind is raised.
pub(super) fn stands(alert: &PastAlert, nth: usize, snapshot: &Snapshot) -> bool {
    let mut newer = snapshot.history.alerts.iter().take(nth);
    let mut raised = snapshot.alerts.iter();
    alert.until.is_none()
        && newer.all(|newer| newer.kind != alert.kind)
        && raised.any(|raised| raised.kind.word() == alert.kind)
}

/// Severity, time and duration: "critical · 28 Nov 14:02 · for 12 min".
pub(super) fn when(alert: &PastAlert, stands: bool) -> String {
    let severity = match alert.severity {
        AlertSeverity::Warning => t!("severity-warning"),
        AlertSeverity::Critical => t!("severity-critical"),
    };
    let at = Timestamp::from_second(alert.at.cast_signed())
        .map_or_else(|_| format::UNKNOWN.to_owned(), moment);
    let lasted = match alert.until {
        Some(until) => {
            let seconds = until.saturating_sub(alert.at);
            let lasted = format::span(Duration::from_secs(seconds));
            t!("lasted-for", lasted)
        }
        None if stands => t!("not-over-yet").to_owned(),
        None => t!("its-end-is-not-known").to_owned(),
    };
    format!("{severity} · {at} · {lasted}")
}
