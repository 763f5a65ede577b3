//! The page Details: alerts and causes with remedies, the newest turns by stage, the connection, the history, the machine.

use std::time::Duration;

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{Color32, FontId, ScrollArea, Ui};

use super::copy_button;
use super::heading::caps_heading;
use super::icons::Sign;
use super::page::{exported_ui, page_head};
use super::remedy_button::{remedy_button, setting_buttons};
use super::theme::{Weight, font, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{card, follow_focus, known_rows, more_later, plain_button, sign, value_row};
use super::{connection_figures, explain, format, history, key_texts, past_alerts, waterfall};
use crate::base::text::t;
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
    if page_head(ui, t!("details"), t!("to-the-conversation-esc-ctrl-d")).clicked() {
        view.leave();
    }
    section(ui, t!("problems-and-fixes"), |ui| {
        causes_ui(ui, snapshot, target, view)
    });
    section(ui, t!("the-newest-turns"), |ui| {
        waterfall::turns_ui(ui, &snapshot.turns, view)
    });
    section(ui, t!("connection"), |ui| {
        let figures = connection_figures::now(&view.numbers.figures.meters);
        connection_figures::known_ui(ui, &figures);
    });
    section(ui, t!("history"), |ui| {
        history::history_ui(ui, snapshot, target, view)
    });
    section(ui, t!("alerts-of-the-last-7"), |ui| {
        past_alerts::alerts_ui(ui, snapshot, view)
    });
    if !snapshot.demo && !snapshot.models.is_empty() {
        section(ui, t!("profiles-and-models"), |ui| {
            models_ui(ui, &snapshot.models)
        });
    }
    section(ui, t!("now-heading"), |ui| now_ui(ui, snapshot, view));
    ui.horizontal_wrapped(|ui| {
        copy_button::copy_report_ui(ui, snapshot, view);
        let what = t!("writes-the-turns-of-this");
        if plain_button(ui, t!("export-csv"))
            .on_hover_text(what)
            .clicked()
        {
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
        caps_heading(ui, title);
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
        t!("about-ms", costs = format::millis(costs))
    });
    let head = format!("{}{costs}", finding.part.name());
    let tooltip = explain::finding(finding);
    ui.label(text(head, Weight::Medium, 12.0, t.muted))
        .on_hover_text(tooltip);
    let what = format::clean(&finding.what);
    ui.label(with_code(&what, Weight::Regular, t.normal))
        .on_hover_text(tooltip);
    let advice = finding.advice("target_ms");
    let words = format::clean(&key_texts::readable(&advice, None));
    ui.label(with_code(&words, Weight::Medium, t.strong));
    ui.add_space(space::XS);
    if let Some(remedy) = &finding.action {
        remedy_button(ui, remedy, snapshot, view);
    }
    setting_buttons(ui, &advice, snapshot, view);
}

/// Words in which what stands between backticks is written as in files.
fn with_code(words: &str, weight: Weight, ink: Color32) -> LayoutJob {
    let mut job = LayoutJob::default();
    for (nth, piece) in words.split('`').enumerate() {
        let font = if nth % 2 == 0 {
            font(weight, 13.0)
        } else {
            FontId::monospace(12.0)
        };
        job.append(piece, 0.0, TextFormat::simple(font, ink));
    }
    job
}

fn now_ui(ui: &mut Ui, snapshot: &Snapshot, view: &UiState) {
    let (figures, process) = (&view.numbers.figures, &view.numbers.process);
    let all = conversation_rows_ui(ui, figures, snapshot);
    if !machine_rows_ui(ui, process) || !all {
        more_later(ui);
    }
}

/// The conversation now; whether all is known of it.
fn conversation_rows_ui(ui: &mut Ui, figures: &TurnStatistics, snapshot: &Snapshot) -> bool {
    let answered = t!(
        "turns-that-got-their-answer",
        whose = explain::whose(snapshot)
    );
    let cost = if snapshot.demo {
        t!("free-the-demo-sends-nothing").to_owned()
    } else {
        format!(
            "{} · {}",
            explain::tokens(figures.turns.tokens, figures.turns.thoughts),
            explain::cost(figures.turns.cost)
        )
    };
    let rows = [
        (
            t!("queues"),
            explain::queues(figures),
            t!("captured-sound-that-waits-to"),
        ),
        (
            t!("turns"),
            explain::per_minute(figures),
            t!("the-rate-of-the-newest"),
        ),
        (
            t!("answered"),
            explain::success(figures.turns.answered(), figures.turns.failed()),
            &*answered,
        ),
        (
            t!("tool-calls"),
            format::grouped(figures.turns.tool_calls),
            t!("functions-that-the-service-asked"),
        ),
        (t!("tokens-cost"), cost, explain::pricing(snapshot.pricing)),
    ];
    let all = known_rows(ui, rows);
    for limit in &snapshot.spending.limits {
        let (name, tooltip) = explain::limit(limit.scope);
        value_row(ui, None, name, &explain::spent(limit), tooltip);
    }
    all
}

/// A row for each profile and model since the start.
fn models_ui(ui: &mut Ui, models: &ModelsUsage) {
    for ((profile, model), of) in models {
        let name = format!("{profile} · {model}");
        let what = t!("turns-of-this-profile-with");
        value_row(ui, None, &name, &explain::of_model(of), what);
    }
}

fn machine_rows_ui(ui: &mut Ui, process: &ProcessUsage) -> bool {
    let rows = [
        (
            t!("cpu"),
            format::percent(process.cpu_percent),
            t!("percent-of-one-core-over"),
        ),
        (
            t!("threads"),
            explain::threads(process),
            t!("threads-of-this-program-and"),
        ),
        (
            t!("memory-lower"),
            format!(
                "{} · {}",
                format::megabytes(process.rss),
                explain::trend(process)
            ),
            t!("resident-memory-of-this-program"),
        ),
        (
            t!("this-computer-label"),
            explain::machine(process),
            t!("load-of-all-processors-and"),
        ),
    ];
    let all = known_rows(ui, rows);
    if let Some(battery) = explain::battery(process) {
        value_row(ui, None, t!("battery"), &battery, t!("how-full-it-is-on"));
    }
    all
}

/// The label of the button to this page, with the number of alerts.
pub(super) fn button_words(snapshot: &Snapshot) -> String {
    match snapshot.alerts.len() {
        0 => t!("details").into(),
        1 => t!("details-1-alert").into(),
        n => t!("details-with-alerts", n),
    }
}
