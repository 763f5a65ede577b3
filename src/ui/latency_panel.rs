//! The latency panel: the response and its parts, and the resources of this program.

use std::time::Duration;

use eframe::egui::{Align, Label, Layout, Ui, vec2};

use super::format::{self, UNKNOWN};
use super::screen::Screen;
use super::theme::{Tokens, Weight, caps, space, text, tokens};
use super::ui_state::UiState;
use super::verdict::ResponseVerdict;
use super::widgets::{Swatch, card, plain_button, value_row, value_rows};
use super::{connection_figures, copy_button, details_page, explain, plots};
use crate::conversation::command::Command;
use crate::conversation::snapshot::Snapshot;
use crate::telemetry::view::TurnStatistics;
use crate::turn::timeline::Latencies;

/// The panel at the level that the user chose, 1 to 3.
pub(super) fn panel_ui(ui: &mut Ui, snapshot: &Snapshot, view: &UiState) {
    let target = snapshot
        .profiles
        .get(snapshot.chosen)
        .map(|profile| profile.target);
    let whose = &explain::whose(snapshot);
    // With everything shown, the panel fits the usual window.
    ui.spacing_mut().item_spacing.y = space::S;
    let full = view.panel >= 3;
    card(tokens(ui)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 3.0;
        response_ui(ui, &view.numbers.figures, target, whose, full);
        if view.panel >= 2
            && let Some(target) = target
        {
            ui.add_space(space::XS);
            plots::history(ui, &view.numbers.figures.history, target);
        }
    });
    if view.panel >= 2 {
        usage_ui(ui, view);
    }
    if full {
        card(tokens(ui)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 3.0;
            counts_ui(
                ui,
                &view.numbers.figures,
                whose,
                snapshot.local || snapshot.demo,
            );
            early_ui(ui, &view.numbers.figures);
        });
    }
}

fn response_ui(
    ui: &mut Ui,
    figures: &TurnStatistics,
    target: Option<Duration>,
    whose: &str,
    full: bool,
) {
    let t = tokens(ui);
    ui.horizontal_wrapped(|ui| {
        ui.label(caps("Response", t));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            let mut quantile = |name: &str, value: Option<Duration>, what: &str| {
                let value = value.map_or_else(|| UNKNOWN.to_owned(), format::millis);
                ui.label(text(
                    format!("{name} {value}"),
                    Weight::Medium,
                    11.0,
                    t.muted,
                ))
                .on_hover_text(what);
            };
            if figures.n >= 100 {
                quantile(
                    "p99",
                    figures.p99,
                    "99 of 100 responses were no slower, in milliseconds.",
                );
            }
            quantile(
                "p95",
                figures.p95,
                "95 of 100 responses were no slower, in milliseconds.",
            );
            quantile(
                "p50",
                figures.p50,
                "Half of the responses were no slower, in milliseconds.",
            );
            let n = format!(
                "Turns with a response that was heard, {whose} since the start or the last reset."
            );
            // Slow answers need its room.
            if ui.available_width() > 48.0 {
                let count = format!("n {}", format::grouped(figures.n));
                ui.label(text(count, Weight::Medium, 11.0, t.muted))
                    .on_hover_text(n);
            }
        });
    });
    let last = figures.last.clone().unwrap_or_default();
    big_number_ui(ui, &last, target, t);
    if full {
        ui.add_space(6.0);
        parts_ui(ui, &last, t);
    }
}

/// The response of the last turn, and its assessment.
fn big_number_ui(ui: &mut Ui, last: &Latencies, target: Option<Duration>, t: &Tokens) {
    let definition = "From the end of your turn (your last word and the patience after it) to the first audible sample \
                      of the answer. Patience is not in it: it is shown apart.";
    let number = last
        .response
        .map_or_else(|| UNKNOWN.to_owned(), format::millis);
    let verdict = last.response.zip(target).map_or_else(
        || ResponseVerdict::unknown(t),
        |(response, target)| ResponseVerdict::new(last, response, target, t),
    );
    let beside = ui
        .with_layout(Layout::left_to_right(Align::Min), |ui| {
            ui.spacing_mut().item_spacing = vec2(6.0, 0.0);
            let (weight, ink) = if last.response.is_some() {
                (Weight::SemiBold, t.strong)
            } else {
                (Weight::Regular, t.muted)
            };
            ui.label(text(number, weight, BIG, ink))
                .on_hover_text(definition);
            on_baseline(ui, 16.0, |ui| {
                ui.label(text("ms", Weight::Regular, 16.0, t.muted))
                    .on_hover_text(definition);
            });
            let beside = verdict.width(ui) + space::S <= ui.available_width();
            if beside {
                ui.add_space(6.0);
                on_baseline(ui, 13.0, |ui| verdict.show(ui));
            }
            beside
        })
        .inner;
    if !beside {
        verdict.show(ui);
    }
}

/// Size of the big number.
const BIG: f32 = 40.0;

/// Puts text of a size on the baseline of the big number to its left.
fn on_baseline(ui: &mut Ui, size: f32, add: impl FnOnce(&mut Ui)) {
    // From the top of a row of Inter to its baseline, as a share of the size (the face's ascender, 1984 of 2048).
    const ASCENT: f32 = 0.968_75;
    ui.vertical(|ui| {
        ui.add_space((BIG - size) * ASCENT);
        add(ui);
    });
}

fn parts_ui(ui: &mut Ui, last: &Latencies, t: &Tokens) {
    let parts = [
        (last.uplink, t.you),
        (last.server, t.muted),
        (last.downlink, t.accent),
    ];
    plots::parts_bar(ui, &parts, &format::sum_of_parts(last));
    ui.add_space(space::XS);
    let rows = [
        (
            Swatch::Filled(t.you),
            "to the service",
            last.uplink,
            "From the decision that you have finished to the last byte on its way.",
        ),
        (
            Swatch::Filled(t.muted),
            "service and network",
            last.server,
            "From there to the first sound of the answer that arrived here.",
        ),
        (
            Swatch::Filled(t.accent),
            "to your ear",
            last.downlink,
            "From there to the first sample that left the speaker.",
        ),
        (
            Swatch::Hatched,
            "patience before it",
            last.endpointing,
            "Silence after your last word until it was clear that you had finished. Not in the response; the profile sets it.",
        ),
    ];
    for (swatch, name, value, tooltip) in rows {
        value_row(
            ui,
            Some(swatch),
            name,
            &format::millis_or_unknown(value),
            tooltip,
        );
    }
}

fn usage_ui(ui: &mut Ui, view: &UiState) {
    let process = &view.numbers.process;
    let cores = match process.cores {
        0 => String::new(),
        n => format!(" of {n}"),
    };
    let rss: Vec<f32> = process
        .rss_history
        .iter()
        .map(|rss| *rss as f32 / 1e6)
        .collect();
    ui.columns_const(|[left, right]| {
        usage_card_ui(
            left,
            "CPU",
            &format::percent(process.cpu_percent),
            &format!("Percent of one core{cores} over the last second; below it the last minute."),
            |ui| {
                plots::trend(
                    ui,
                    &process.cpu_history,
                    &[5.0, 20.0, 50.0, 100.0, 400.0, 1_600.0],
                )
            },
        );
        usage_card_ui(
            right,
            "Memory",
            &format::megabytes(process.rss),
            "Resident memory of this program, shared libraries included; below it the last minute.",
            |ui| plots::trend(ui, &rss, &[64.0, 128.0, 256.0, 512.0, 1_024.0, 4_096.0]),
        );
    });
}

fn usage_card_ui(ui: &mut Ui, name: &str, value: &str, tooltip: &str, graph: impl FnOnce(&mut Ui)) {
    let t = tokens(ui);
    card(t)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 3.0;
            ui.label(caps(name, t));
            ui.label(text(value, Weight::SemiBold, 20.0, t.strong));
            graph(ui);
        })
        .response
        .on_hover_text(tooltip);
}

fn counts_ui(ui: &mut Ui, figures: &TurnStatistics, whose: &str, stays: bool) {
    // Typed turns cannot be cut off.
    let cut_offs = match figures.turns.all().saturating_sub(figures.turns.typed) {
        0 => UNKNOWN.to_owned(),
        spoken => format!(
            "{} of {}",
            format::grouped(figures.turns.cut_off),
            format::grouped(spoken)
        ),
    };
    let mut sent = format::bytes(figures.meters.bytes_sent);
    if figures.turns.tokens > 0 {
        sent += &format!(" · {} tokens", format::grouped(figures.turns.tokens));
    }
    let sent_tooltip = format!(
        "Bytes sent to the service{} since the start, and the tokens that it counted {whose}.",
        if stays {
            ", which is on this computer,"
        } else {
            ""
        },
    );
    let lost = (figures.turns.capture_dropped > 0).then(|| {
        (
            "lost samples",
            format::grouped(figures.turns.capture_dropped),
            "Captured samples that were lost because this computer was busy.",
        )
    });
    let rows = [
        (
            "cut-offs",
            cut_offs,
            "Turns that you went on in within a second: patience was too short.",
        ),
        (
            "interrupted",
            format::grouped(figures.turns.interrupted()),
            "Answers that you interrupted.",
        ),
        (
            "stutters",
            format::grouped(figures.turns.underruns),
            "Times that an answer ran dry before its end.",
        ),
    ];
    let here = if stays { "sent, here" } else { "sent" };
    let sent = (here, sent, &*sent_tooltip);
    value_rows(ui, rows.into_iter().chain(lost).chain([sent]));
    connection_figures::rows_ui(ui, &connection_figures::brief(&figures.meters));
}

/// When turns are closed, as one quiet line.
fn early_ui(ui: &mut Ui, figures: &TurnStatistics) {
    let words = text(
        format::early(figures),
        Weight::Regular,
        11.0,
        tokens(ui).muted,
    );
    ui.add(Label::new(words).wrap())
        .on_hover_text(format::about_early(figures));
}

/// The buttons below the panel, when it is shown in full. They are not part of what scrolls.
pub(super) fn tools_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    if view.panel < 3 {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        let details = details_page::button_words(snapshot);
        let what = "Likely causes, turns stage by stage, hours and days (Ctrl D)";
        if plain_button(ui, &details).on_hover_text(what).clicked() {
            view.open(Screen::Details);
        }
        copy_button::copy_report_ui(ui, snapshot, view);
        if plain_button(ui, "Reset")
            .on_hover_text("Begin these figures anew (Ctrl R)")
            .clicked()
        {
            view.commands.push(Command::ResetStatistics);
        }
    });
}
