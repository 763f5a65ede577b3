//! The page Details: alerts and causes with remedies, the newest turns by stage, the connection, the history, the machine.

use std::time::Duration;

use eframe::egui::{ScrollArea, Ui};

use super::copy_button;
use super::icons::Sign;
use super::page::{exported_ui, page_head};
use super::remedy_button::{remedy_button, setting_buttons};
use super::theme::{Weight, caps, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{card, follow_focus, plain_button, sign, value_row, value_rows};
use super::{connection_figures, explain, format, history, past_alerts, waterfall};
use crate::conversation::command::Command;
use crate::conversation::snapshot::Snapshot;
use crate::telemetry::diagnosis::Finding;
use crate::telemetry::summary::ModelsUsage;
use crate::telemetry::view::{ProcessUsage, TurnStatistics};

pub(super) fn page_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    ScrollArea::vertical()
        .id_salt("figures page")
        .auto_shrink([false, false])
        .show(ui, |ui| {
            content_ui(ui, snapshot, view);
            follow_focus(ui);
        });
}

/// The same without a scroll area of its own.
pub(super) fn content_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let target = snapshot
        .profiles
        .get(snapshot.chosen)
        .map(|profile| profile.target);
    ui.spacing_mut().item_spacing.y = space::S;
    if page_head(ui, "Details", "To the conversation (Esc, Ctrl D)").clicked() {
        view.leave();
    }
    section(ui, "Problems and fixes", |ui| {
        causes_ui(ui, snapshot, target, view)
    });
    section(ui, "The newest turns", |ui| {
        waterfall::turns_ui(ui, &snapshot.turns, view)
    });
    section(ui, "Connection", |ui| {
        let figures = connection_figures::now(&view.numbers.figures.meters);
        connection_figures::rows_ui(ui, &figures);
    });
    section(ui, "History", |ui| {
        history::history_ui(ui, snapshot, target, view)
    });
    section(ui, "Alerts of the last 7 days", |ui| {
        past_alerts::alerts_ui(ui, snapshot, view)
    });
    if !snapshot.demo && !snapshot.models.is_empty() {
        section(ui, "Profiles and models", |ui| {
            models_ui(ui, &snapshot.models)
        });
    }
    section(ui, "Now", |ui| now_ui(ui, snapshot, view));
    ui.horizontal_wrapped(|ui| {
        copy_button::copy_report_ui(ui, snapshot, view);
        let what = "Writes the turns of this conversation and the last seven days as tables (CSV) into the program's folder";
        if plain_button(ui, "Export CSV").on_hover_text(what).clicked() {
            view.export(snapshot, Command::ExportCsv);
        }
    });
    exported_ui(ui, snapshot, view);
}

fn section(ui: &mut Ui, title: &str, add: impl FnOnce(&mut Ui)) {
    let t = tokens(ui);
    card(t).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 3.0;
        ui.label(caps(title, t));
        ui.add_space(space::XS);
        add(ui);
    });
}

/// Raised alerts, and likely causes, largest cost first.
fn causes_ui(ui: &mut Ui, snapshot: &Snapshot, target: Option<Duration>, view: &mut UiState) {
    let t = tokens(ui);
    if snapshot.alerts.is_empty() && snapshot.findings.is_empty() {
        ui.horizontal_wrapped(|ui| {
            let (words, fine) = explain::nothing_found(&snapshot.figures, target);
            if fine {
                sign(ui, Sign::Dot, 10.0, t.ok);
            } else {
                sign(ui, Sign::Ring, 10.0, t.muted);
            }
            ui.label(text(words, Weight::Regular, 13.0, t.normal));
        });
        return;
    }
    for alert in snapshot.alerts.iter() {
        ui.horizontal_wrapped(|ui| {
            sign(ui, Sign::Triangle, 11.0, t.warn);
            let what = format!("{}.", alert.what());
            ui.label(text(what, Weight::SemiBold, 13.0, t.strong))
                .on_hover_text(explain::alert(alert.kind));
        });
    }
    for (nth, finding) in snapshot.findings.iter().enumerate() {
        ui.push_id(nth, |ui| finding_ui(ui, finding, snapshot, view));
    }
}

fn finding_ui(ui: &mut Ui, finding: &Finding, snapshot: &Snapshot, view: &mut UiState) {
    let t = tokens(ui);
    ui.add_space(space::XS);
    let costs = finding.costs.map_or_else(String::new, |costs| {
        format!(" · about {} ms", format::millis(costs))
    });
    let head = format!("{}{costs}", finding.part.name());
    let tooltip = explain::finding(finding);
    ui.label(text(head, Weight::Medium, 12.0, t.muted))
        .on_hover_text(tooltip);
    let what = format::clean(&finding.what);
    ui.label(text(what, Weight::Regular, 13.0, t.normal))
        .on_hover_text(tooltip);
    let advice = finding.advice("target_ms");
    let words = format::clean(&advice);
    ui.label(text(words, Weight::Medium, 13.0, t.strong));
    if let Some(remedy) = &finding.action {
        remedy_button(ui, remedy, snapshot, view);
    }
    setting_buttons(ui, &advice, snapshot, view);
}

fn now_ui(ui: &mut Ui, snapshot: &Snapshot, view: &UiState) {
    let (figures, process) = (&view.numbers.figures, &view.numbers.process);
    conversation_rows_ui(ui, figures, snapshot);
    machine_rows_ui(ui, process);
}

fn conversation_rows_ui(ui: &mut Ui, figures: &TurnStatistics, snapshot: &Snapshot) {
    let answered = format!(
        "Turns that got their answer, without those that you ended yourself; {} since the start or the last reset.",
        explain::whose(snapshot)
    );
    let rows = [
        (
            "queues",
            explain::queues(figures),
            "Captured sound that waits to be looked at, messages that wait for the line, and reply audio that waits for its time.",
        ),
        (
            "turns",
            explain::per_minute(figures),
            "The rate of the newest ten turns.",
        ),
        (
            "answered",
            explain::success(figures.turns.answered(), figures.turns.failed()),
            &*answered,
        ),
        (
            "tool calls",
            format::grouped(figures.turns.tool_calls),
            "Functions that the service asked for.",
        ),
        (
            "tokens · cost",
            format!(
                "{} · {}",
                explain::tokens(figures.turns.tokens, figures.turns.thoughts),
                explain::cost(figures.turns.cost)
            ),
            explain::pricing(snapshot.pricing),
        ),
    ];
    value_rows(ui, rows);
    for limit in &snapshot.spending.limits {
        let (name, tooltip) = explain::limit(limit.scope);
        value_row(ui, None, name, &explain::spent(limit), tooltip);
    }
}

/// A row for each profile and model since the start.
fn models_ui(ui: &mut Ui, models: &ModelsUsage) {
    for ((profile, model), of) in models {
        let name = format!("{profile} · {model}");
        let what = "Turns of this profile with this model since the start: how many, the median response, and what they cost \
                    together. A reset leaves them as they are.";
        value_row(ui, None, &name, &explain::of_model(of), what);
    }
}

fn machine_rows_ui(ui: &mut Ui, process: &ProcessUsage) {
    let rows = [
        (
            "CPU",
            format::percent(process.cpu_percent),
            "Percent of one core over the last second.",
        ),
        (
            "threads",
            explain::threads(process),
            "Threads of this program, and whether they become more without ending (found as for memory).",
        ),
        (
            "memory",
            format!(
                "{} · {}",
                format::megabytes(process.rss),
                explain::trend(process)
            ),
            "Resident memory of this program, and whether it grows without coming back (found by its slope over 45 minutes; a dash before so much is known).",
        ),
        (
            "this computer",
            explain::machine(process),
            "Load of all processors, and memory in use.",
        ),
    ];
    value_rows(ui, rows);
    if let Some(battery) = explain::battery(process) {
        value_row(
            ui,
            None,
            "battery",
            &battery,
            "How full it is. On battery the processor may be slower.",
        );
    }
}

/// The label of the button to this page, with the number of alerts.
pub(super) fn button_words(snapshot: &Snapshot) -> String {
    match snapshot.alerts.len() {
        0 => "Details".into(),
        1 => "Details · 1 alert".into(),
        n => format!("Details · {n} alerts"),
    }
}
