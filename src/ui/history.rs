//! The history: responses, throughput and errors over hours and days, the distribution of responses, and other events.

use std::time::Duration;

use eframe::egui::{Align2, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::icons::{self, Sign};
use super::theme::{space, tokens};
use super::ui_state::UiState;
use super::widgets::{Segment, known_rows, more_later, segmented, signed_row, small_text};
use super::{connection_figures, explain, format, plots};
use crate::base::text::{decimal, t};
use crate::conversation::snapshot::Snapshot;
use crate::provider::turn_cost::Pricing;
use crate::telemetry::history::Slice;
use crate::telemetry::view::SPANS;

/// Bins of the histogram: 20 ms each up to a second, and one for all that is slower.
const BIN: Duration = Duration::from_millis(20);
const BINS: u32 = 50;

/// The span that was chosen.
pub(super) fn history_ui(
    ui: &mut Ui,
    snapshot: &Snapshot,
    target: Option<Duration>,
    view: &mut UiState,
) {
    let segments = SPANS.map(|(name, _, columns)| Segment {
        label: name,
        name,
        figure: String::new(),
        tooltip: t!("the-last-in-columns", name, columns),
    });
    if let Some(taken) = segmented(ui, &segments, view.span) {
        view.span = taken;
    }
    let (name, ..) = SPANS[view.span];
    let columns = &snapshot.history.spans[view.span];
    let total = Slice::total(columns);
    ui.add_space(space::S);
    compared_ui(ui, snapshot);
    responses(ui, columns, target, &explain::span(name, &total));
    ui.add_space(space::XS);
    throughput(ui, columns, name, &total);
    ui.add_space(space::XS);
    errors(ui, columns, name, &total);
    ui.add_space(space::S);
    histogram(ui, &total);
    ui.add_space(space::XS);
    let all = rows_ui(ui, &total);
    connection_figures::known_ui(ui, &connection_figures::over(&total));
    if !usage_rows_ui(ui, &total, snapshot.pricing) || !all {
        more_later(ui);
    }
}

/// Today and yesterday, where there is something to say.
fn compared_ui(ui: &mut Ui, snapshot: &Snapshot) {
    let Some(days) = snapshot.history.compared else {
        return;
    };
    let t = tokens(ui);
    let (words, is_slower) = explain::compared(days);
    let mark = if is_slower {
        (Sign::Triangle, t.warn)
    } else {
        (Sign::Dot, t.ok)
    };
    let about = t!("the-typical-response-of-today");
    ui.scope(|ui| signed_row(ui, mark, &words))
        .response
        .on_hover_text(about);
}

/// Median and 95th percentile of each column, with the target as a dashed line.
fn responses(ui: &mut Ui, columns: &[Slice], target: Option<Duration>, words: &str) {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 96.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words));
    let plot = rect.with_min_y(rect.top() + 16.0).shrink2(vec2(3.0, 2.0));
    let highest = columns
        .iter()
        .filter_map(|column| column.response.quantile(0.95))
        .max();
    // The scale ends where all fits, in steps, so that it does not jump.
    let most = [0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 600.0]
        .into_iter()
        .find(|most| highest.is_none_or(|highest| highest.as_secs_f32() <= *most))
        .unwrap_or(600.0);
    let y = |value: Duration| plot.bottom() - plot.height() * (value.as_secs_f32() / most).min(1.0);
    if let Some(target) = target.filter(|target| target.as_secs_f32() <= most) {
        let ends = [pos2(plot.left(), y(target)), pos2(plot.right(), y(target))];
        ui.painter().extend(Shape::dashed_line(
            &ends,
            Stroke::new(1.0, t.muted),
            3.0,
            4.0,
        ));
    }
    let width = plot.width() / columns.len().max(1) as f32;
    for (i, column) in columns.iter().enumerate() {
        let (Some(p50), Some(p95)) = (
            column.response.quantile(0.5),
            column.response.quantile(0.95),
        ) else {
            continue;
        };
        let left = plot.left() + width * i as f32 + width * 0.15;
        let bar = Rect::from_min_max(pos2(left, y(p95)), pos2(left + width * 0.7, y(p50)));
        ui.painter()
            .rect_filled(bar, 1.0, t.accent.gamma_multiply(0.35));
        let over = target.is_some_and(|target| p50 > target);
        let middle = Rect::from_center_size(pos2(bar.center().x, y(p50)), vec2(width * 0.7, 3.0));
        ui.painter()
            .rect_filled(middle, 1.0, if over { t.bad } else { t.accent });
    }
    small_text(
        ui,
        rect.left_top(),
        Align2::LEFT_TOP,
        t!("median-and-up-to-p95"),
        t.muted,
    );
    let scale = t!("scale-to-seconds", most = decimal(most, 1));
    small_text(ui, rect.right_top(), Align2::RIGHT_TOP, &scale, t.muted);
    response.on_hover_text(t!("a-column-without-turns-is", words));
}

/// Bytes to and from the service, in the columns of the responses.
fn throughput(ui: &mut Ui, columns: &[Slice], name: &str, total: &Slice) {
    let t = tokens(ui);
    let per_minute = |bytes: u64, column: &Slice| bytes as f32 * 60.0 / column.length.max(1) as f32;
    let values: Vec<[f32; 2]> = columns
        .iter()
        .map(|column| [column.bytes_sent, column.bytes_received].map(|of| per_minute(of, column)))
        .collect();
    let words = t!(
        "throughput-of-the-last-sent",
        name,
        bytes_sent = format::bytes(total.bytes_sent),
        bytes_received = format::bytes(total.bytes_received)
    );
    let scale = |most: f32| t!("scale-to-a-minute", most = format::bytes(most as u64));
    let legend = t!("throughput-sent-and-on-top");
    plots::columns(ui, &values, [t.you, t.accent], (legend, scale), &words);
}

/// Turns without an answer and lost connections, in the columns of the responses.
fn errors(ui: &mut Ui, columns: &[Slice], name: &str, total: &Slice) {
    let t = tokens(ui);
    let failed = |column: &Slice| {
        let [_, _, _, empty, failed] = column.turns;
        empty + failed
    };
    let values: Vec<[f32; 2]> = columns
        .iter()
        .map(|column| [failed(column) as f32, 0.0])
        .collect();
    let lost = match total.outages {
        0 => t!("no-connection-was-lost").to_owned(),
        1 => t!("a-connection-was-lost").to_owned(),
        n => t!("connections-were-lost", n = format::grouped(n)),
    };
    let unanswered = match failed(total) {
        0 => t!("no-turn").to_owned(),
        n => t!("n-turns", n = n),
    };
    let words = t!("errors-of-the-last-without", name, unanswered, lost);
    let scale = |most: f32| t!("scale-to", most = t!("n-turns", n = most as u64));
    let legend = t!("errors-without-an-answer-a");
    let plot = plots::columns(ui, &values, [t.bad, t.bad], (legend, scale), &words);
    let width = plot.width() / columns.len().max(1) as f32;
    let lost = columns.iter().enumerate().filter(|(_, of)| of.outages > 0);
    for (i, _) in lost {
        let at = pos2(plot.left() + width * (i as f32 + 0.5), plot.top() + 5.0);
        let rect = Rect::from_center_size(at, vec2(8.0, 8.0));
        icons::sign(ui.painter(), rect, Sign::Cross, t.strong);
    }
}

/// How the responses are spread.
fn histogram(ui: &mut Ui, total: &Slice) {
    let t = tokens(ui);
    let all = &total.response;
    let counts: Vec<u64> = (0..BINS)
        .map(|bin| all.between(BIN * bin, BIN * (bin + 1)))
        .chain([all.between(BIN * BINS, Duration::from_secs(3_600))])
        .collect();
    let quantile = |q: f64| format::millis_or_unknown(all.quantile(q));
    let name = t!(
        "histogram-of-responses-median-p95",
        all = format::grouped(all.n()),
        median = quantile(0.5),
        p95 = quantile(0.95),
        slower = format::grouped(counts[BINS as usize])
    );
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 72.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
    let plot = rect.with_min_y(rect.top() + 16.0).shrink2(vec2(3.0, 2.0));
    let highest = counts.iter().copied().max().unwrap_or(0).max(1) as f32;
    let width = plot.width() / counts.len() as f32;
    for (i, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let left = plot.left() + width * i as f32;
        let top = plot.bottom() - (plot.height() * *count as f32 / highest).max(2.0);
        let bar = Rect::from_min_max(
            pos2(left + 0.5, top),
            pos2(left + width - 0.5, plot.bottom()),
        );
        let slow = i == BINS as usize;
        ui.painter()
            .rect_filled(bar, 1.0, if slow { t.bad } else { t.accent });
    }
    let bottom = [plot.left_bottom(), plot.right_bottom()];
    ui.painter()
        .line_segment(bottom, Stroke::new(1.0, t.hairline));
    for q in [0.5, 0.95] {
        if let Some(value) = all.quantile(q) {
            let x = plot.left()
                + width * (value.as_secs_f32() / BIN.as_secs_f32()).min(BINS as f32 + 0.5);
            let ends = [pos2(x, plot.top()), pos2(x, plot.bottom())];
            ui.painter().line_segment(ends, Stroke::new(1.0, t.strong));
        }
    }
    let caption = t!("sample-size", all = format::grouped(all.n()));
    small_text(
        ui,
        rect.left_top(),
        Align2::LEFT_TOP,
        t!("n-20-ms-a-bin-up"),
        t.muted,
    );
    small_text(ui, rect.right_top(), Align2::RIGHT_TOP, &caption, t.muted);
    response.on_hover_text(t!("the-lines-are-median-and", name));
}

/// The turns of a span; whether all is known of them.
fn rows_ui(ui: &mut Ui, total: &Slice) -> bool {
    let quantile = |q: f64| format::millis_or_unknown(total.response.quantile(q));
    let n = total.response.n();
    let p99 = if n >= 100 {
        t!("n-99-within", p99 = quantile(0.99))
    } else {
        String::new()
    };
    let [completed, interrupted, _, empty, failed] = total.turns;
    let answered = completed + interrupted;
    let rows = [
        (
            t!("response"),
            t!(
                "p50-p95-n",
                median = quantile(0.5),
                p95 = quantile(0.95),
                p99,
                n = format::grouped(n)
            ),
            t!("half-95-of-100-and"),
        ),
        (
            t!("answered"),
            explain::success(answered, empty + failed),
            t!("turns-that-got-their-answer-without"),
        ),
        (
            t!("interrupted"),
            explain::share(interrupted, answered),
            t!("answers-that-you-interrupted"),
        ),
        (
            t!("cut-offs"),
            explain::share(total.cut_offs, total.all_turns()),
            t!("turns-that-you-went-on"),
        ),
        (
            t!("stutters"),
            format::grouped(total.underruns),
            t!("times-that-an-answer-ran"),
        ),
    ];
    known_rows(ui, rows)
}

fn usage_rows_ui(ui: &mut Ui, total: &Slice, pricing: Pricing) -> bool {
    let tokens = if total.cost().is_some() {
        t!("tokens-that-the-service-counted-and-the")
    } else {
        explain::pricing(pricing)
    };
    let cpu = total.cpu.mean().map_or_else(
        || format::UNKNOWN.to_owned(),
        |percent| t!("percent-of-a-core", percent = decimal(percent, 1)),
    );
    let rows = [
        (t!("cpu"), cpu, t!("mean-processor-time-of-this")),
        (
            t!("memory-at-most"),
            format::megabytes(total.rss.max().map(|rss| rss as u64)),
            t!("largest-resident-memory-of-this"),
        ),
        (
            t!("threads-at-most"),
            total
                .threads
                .max()
                .map_or_else(|| format::UNKNOWN.to_owned(), |n| format!("{n:.0}")),
            t!("most-threads-of-this-program"),
        ),
        (
            t!("sent-received"),
            format!(
                "{} · {}",
                format::bytes(total.bytes_sent),
                format::bytes(total.bytes_received)
            ),
            t!("bytes-to-and-from-the-service"),
        ),
        (
            t!("tokens-cost"),
            format!(
                "{} · {}",
                explain::tokens(total.tokens, 0),
                explain::cost(total.cost())
            ),
            tokens,
        ),
    ];
    known_rows(ui, rows)
}
