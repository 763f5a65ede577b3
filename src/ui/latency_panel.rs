//! The panel of figures: the reply time and its parts, and what this program needs of the computer.

use std::time::Duration;

use eframe::egui::{Align, Frame, Label, Layout, Margin, Ui, vec2};

use super::format::{self, UNKNOWN};
use super::heading::caps_heading;
use super::icons::Icon;
use super::overlay::ReplyTime;
use super::screen::Screen;
use super::theme::{Tokens, Weight, font, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{Swatch, card, icon_button, plain_button, sign, value_row, value_rows};
use super::{connection_figures, copy_button, details_page, explain, plots};
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::Snapshot;
use crate::telemetry::view::TurnStatistics;
use crate::turn::timeline::Latencies;

/// The panel at the level that the user chose, 2 or 3; level 1 is the `overlay`.
pub(super) fn panel_ui(ui: &mut Ui, snapshot: &Snapshot, view: &UiState) {
    let target = snapshot
        .profiles
        .get(snapshot.chosen)
        .map(|profile| profile.target);
    let whose = &explain::whose(snapshot);
    ui.spacing_mut().item_spacing.y = space::S;
    let full = view.panel >= 3;
    panel_card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 3.0;
        let figures = &view.numbers.figures;
        let reply = ReplyTime::of(snapshot, view);
        response_ui(ui, figures, &reply, whose, full);
        if let Some(target) = target.filter(|_| reply.figure.is_some()) {
            ui.add_space(space::XS);
            plots::history(ui, &figures.history, target);
        }
    });
    usage_ui(ui, view);
    // Before the first turn all of it would be dashes.
    if full && view.numbers.figures.turns.all() > 0 {
        panel_card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 3.0;
            counts_ui(
                ui,
                &view.numbers.figures,
                whose,
                snapshot.local || snapshot.demo,
            );
            early_ui(ui, &view.numbers.figures, format::set_patience(snapshot));
        });
    }
}

/// With everything shown, the cards fit the usual window.
fn panel_card(ui: &Ui) -> Frame {
    card(tokens(ui)).inner_margin(Margin::symmetric(16, 11))
}

fn response_ui(ui: &mut Ui, figures: &TurnStatistics, reply: &ReplyTime, whose: &str, full: bool) {
    let t = tokens(ui);
    ui.horizontal_wrapped(|ui| {
        // As high as its words.
        ui.spacing_mut().interact_size.y = 0.0;
        ui.spacing_mut().item_spacing.x = space::M;
        caps_heading(ui, t!("reply-time"));
        if let Some(last) = &figures.last {
            whole_wait_ui(ui, last);
        }
    });
    let Some(figure) = &reply.figure else {
        ui.label(text(&reply.words, Weight::Regular, 14.0, t.normal));
        return;
    };
    big_number_ui(ui, figure, reply);
    typical_ui(ui, figures, whose);
    if full {
        ui.add_space(2.0);
        parts_ui(ui, &figures.last.clone().unwrap_or_default(), t);
    }
}

/// What was felt: the reply time with the silence before it, where there was one.
fn whole_wait_ui(ui: &mut Ui, last: &Latencies) {
    if let (Some(_), Some(total)) = (last.endpointing, last.total) {
        let words = format!("{} {} ms", t!("your-whole-wait"), format::millis(total));
        ui.label(text(words, Weight::Regular, 12.0, tokens(ui).muted))
            .on_hover_text(t!("what-you-felt-from-your"));
    }
}

/// The reply time of the last turn, and the verdict.
fn big_number_ui(ui: &mut Ui, figure: &str, reply: &ReplyTime) {
    let t = tokens(ui);
    let definition = t!("from-the-end-of-your-turn");
    let number = figure.strip_suffix(" ms").unwrap_or(figure);
    let beside = ui
        .with_layout(Layout::left_to_right(Align::Min), |ui| {
            ui.spacing_mut().item_spacing = vec2(6.0, 0.0);
            ui.label(text(number, Weight::SemiBold, BIG, t.strong))
                .on_hover_text(definition);
            on_baseline(ui, 16.0, |ui| {
                ui.label(text(t!("ms"), Weight::Regular, 16.0, t.muted))
                    .on_hover_text(definition);
            });
            let words = reply.words.clone();
            let font = font(Weight::SemiBold, 13.0);
            let width = ui.painter().layout_no_wrap(words, font, t.muted).size().x;
            let beside = width + 30.0 <= ui.available_width();
            if beside {
                ui.add_space(6.0);
                on_baseline(ui, 13.0, |ui| verdict_ui(ui, reply));
            }
            beside
        })
        .inner;
    if !beside {
        verdict_ui(ui, reply);
    }
}

fn verdict_ui(ui: &mut Ui, reply: &ReplyTime) {
    let Some(verdict) = reply.verdict else {
        return;
    };
    let (mark, ink) = verdict.mark(tokens(ui));
    ui.horizontal(|ui| {
        // The row is as high as its text, on a common baseline.
        ui.spacing_mut().interact_size.y = 0.0;
        ui.spacing_mut().item_spacing.x = 7.0;
        sign(ui, mark, 10.0, ink);
        let words = text(&reply.words, Weight::SemiBold, 13.0, ink);
        ui.add(Label::new(words).wrap())
            .on_hover_text(&reply.explanation);
    });
}

/// What is typical of the turns so far.
fn typical_ui(ui: &mut Ui, figures: &TurnStatistics, whose: &str) {
    let t = tokens(ui);
    let ms = |value: Option<Duration>| value.map_or_else(|| UNKNOWN.to_owned(), format::millis);
    let mut parts = vec![(
        t!("typical-of", p50 = ms(figures.p50)),
        t!("half-of-the-replies-were").to_owned(),
    )];
    parts.push((
        t!("slowest-percent-5", p95 = ms(figures.p95)),
        t!("n-95-of-100-replies-were").to_owned(),
    ));
    if figures.n >= 100 {
        parts.push((
            t!("slowest-percent-1", p99 = ms(figures.p99)),
            t!("n-99-of-100-replies-were").to_owned(),
        ));
    }
    parts.push((
        match figures.n {
            1 => t!("n-1-reply").to_owned(),
            n => t!("replies-counted", n = format::grouped(n)),
        },
        t!("turns-with-a-reply-that", whose),
    ));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = space::M;
        for (words, about) in parts {
            let words = text(words, Weight::Regular, 12.0, t.muted);
            ui.add(Label::new(words).extend()).on_hover_text(about);
        }
    });
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
            t!("sending"),
            last.uplink,
            t!("from-the-decision-that-you"),
        ),
        (
            Swatch::Filled(t.muted),
            t!("service-and-internet"),
            last.server,
            t!("from-there-to-the-first-sound"),
        ),
        (
            Swatch::Filled(t.accent),
            t!("playing"),
            last.downlink,
            t!("from-there-to-the-first"),
        ),
        (
            Swatch::Hatched,
            t!("waiting-for-you-to-finish"),
            last.endpointing,
            t!("silence-after-your-last-word"),
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
        n => t!("of-cores", n),
    };
    let rss: Vec<f32> = process
        .rss_history
        .iter()
        .map(|rss| *rss as f32 / 1e6)
        .collect();
    ui.columns_const(|[left, right]| {
        usage_card_ui(
            left,
            t!("cpu"),
            &format::percent(process.cpu_percent),
            &t!("percent-of-one-core-over-the", cores),
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
            t!("memory"),
            &format::megabytes(process.rss),
            t!("resident-memory-of-this-program-shared"),
            |ui| plots::trend(ui, &rss, &[64.0, 128.0, 256.0, 512.0, 1_024.0, 4_096.0]),
        );
    });
}

fn usage_card_ui(ui: &mut Ui, name: &str, value: &str, tooltip: &str, graph: impl FnOnce(&mut Ui)) {
    let t = tokens(ui);
    panel_card(ui)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 3.0;
            caps_heading(ui, name);
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
        spoken => t!(
            "cut-off-of-spoken",
            cut_off = format::grouped(figures.turns.cut_off),
            spoken = format::grouped(spoken)
        ),
    };
    let sent_tooltip = t!("bytes-sent-to-the-service", where = if stays {
            t!("which-is-on-this-computer")
        } else {
            ""
        }, whose);
    let sent = format::bytes(figures.meters.bytes_sent);
    let tokens = (figures.turns.tokens > 0).then(|| {
        (
            t!("tokens"),
            format::grouped(figures.turns.tokens),
            &*sent_tooltip,
        )
    });
    let lost = (figures.turns.capture_dropped > 0).then(|| {
        (
            t!("sound-lost-here"),
            format::grouped(figures.turns.capture_dropped),
            t!("samples-of-the-microphone-that"),
        )
    });
    let rows = [
        (
            t!("interrupted-you"),
            cut_offs,
            t!("turns-that-were-ended-although"),
        ),
        (
            t!("you-interrupted"),
            format::grouped(figures.turns.interrupted()),
            t!("answers-that-you-interrupted"),
        ),
        (
            t!("gaps-in-sound"),
            format::grouped(figures.turns.underruns),
            t!("times-that-the-sound-of"),
        ),
    ];
    let here = if stays {
        t!("sent-on-this-computer")
    } else {
        t!("sent")
    };
    let sent = (here, sent, &*sent_tooltip);
    value_rows(ui, rows.into_iter().chain(lost).chain([sent]).chain(tokens));
    connection_figures::rows_ui(ui, &connection_figures::brief(&figures.meters));
}

/// When turns are closed, as one quiet line.
fn early_ui(ui: &mut Ui, figures: &TurnStatistics, set: Option<Duration>) {
    let words = text(
        format::early(figures, set),
        Weight::Regular,
        11.0,
        tokens(ui).muted,
    );
    ui.add(Label::new(words).wrap())
        .on_hover_text(format::about_early(figures, set));
}

/// The buttons below the panel. They are not part of what scrolls.
pub(super) fn tools_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    ui.horizontal_wrapped(|ui| {
        // In one row also where there are alerts.
        ui.spacing_mut().item_spacing.x = space::XS;
        let details = details_page::button_words(snapshot);
        let what = t!("likely-causes-turns-stage-by");
        if plain_button(ui, &details).on_hover_text(what).clicked() {
            view.open(Screen::Details);
        }
        if view.panel >= 3 {
            copy_button::copy_report_ui(ui, snapshot, view);
            if plain_button(ui, t!("reset-to-zero"))
                .on_hover_text(t!("reset-statistics-ctrl-r"))
                .clicked()
            {
                view.commands.push(Command::ResetStatistics);
            }
        } else if plain_button(ui, t!("more"))
            .on_hover_text(t!("parts-and-counts-f12"))
            .clicked()
        {
            view.panel = 3;
        }
        if icon_button(ui, Icon::Close, 26.0, t!("close-the-panel")).clicked() {
            view.panel = 1;
        }
    });
}
