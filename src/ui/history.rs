//! The history: responses, throughput and errors over hours and days, the distribution of responses, and other events.

use std::time::Duration;

use eframe::egui::{Align2, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::icons::{self, Sign};
use super::theme::{space, tokens};
use super::ui_state::UiState;
use super::widgets::{Segment, segmented, signed_row, small_text, value_rows};
use super::{connection_figures, explain, format, plots};
use crate::base::plural::count;
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
        tooltip: format!("The last {name}, in {columns} columns."),
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
    rows_ui(ui, &total);
    connection_figures::rows_ui(ui, &connection_figures::over(&total));
    usage_rows_ui(ui, &total, snapshot.pricing);
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
    let about = "The typical response of today and of yesterday, and what made most of the difference: the service itself, the way \
                 to it, or this computer. It is said from ten turns a day on, where the difference is more than 10 %.";
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
        "median, and up to p95",
        t.muted,
    );
    let scale = format!("scale {:.1} s", most);
    small_text(ui, rect.right_top(), Align2::RIGHT_TOP, &scale, t.muted);
    response.on_hover_text(format!(
        "{words}. A column without turns is empty; the dashed line is the target."
    ));
}

/// Bytes to and from the service, in the columns of the responses.
fn throughput(ui: &mut Ui, columns: &[Slice], name: &str, total: &Slice) {
    let t = tokens(ui);
    let per_minute = |bytes: u64, column: &Slice| bytes as f32 * 60.0 / column.length.max(1) as f32;
    let values: Vec<[f32; 2]> = columns
        .iter()
        .map(|column| [column.bytes_sent, column.bytes_received].map(|of| per_minute(of, column)))
        .collect();
    let words = format!(
        "Throughput of the last {name}: {} sent, {} received",
        format::bytes(total.bytes_sent),
        format::bytes(total.bytes_received)
    );
    let scale = |most: f32| format!("scale {} a minute", format::bytes(most as u64));
    let legend = "throughput: sent, and on top of it received";
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
        0 => "no connection was lost".to_owned(),
        1 => "a connection was lost".to_owned(),
        n => format!("{} connections were lost", format::grouped(n)),
    };
    let unanswered = match failed(total) {
        0 => "no turn".to_owned(),
        n => count(n, "turn"),
    };
    let words = format!("Errors of the last {name}: {unanswered} without an answer, {lost}");
    let scale = |most: f32| format!("scale {}", count(most as u64, "turn"));
    let legend = "errors: without an answer; a cross: connection lost";
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
    let name = format!(
        "Histogram of {} responses: median {}, p95 {}, {} slower than a second",
        format::grouped(all.n()),
        quantile(0.5),
        quantile(0.95),
        format::grouped(counts[BINS as usize])
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
    let caption = format!("n {}", format::grouped(all.n()));
    small_text(
        ui,
        rect.left_top(),
        Align2::LEFT_TOP,
        "20 ms a bin, up to 1 s",
        t.muted,
    );
    small_text(ui, rect.right_top(), Align2::RIGHT_TOP, &caption, t.muted);
    response.on_hover_text(format!(
        "{name}. The lines are median and p95; what is slower than a second is in the last bin."
    ));
}

fn rows_ui(ui: &mut Ui, total: &Slice) {
    let quantile = |q: f64| format::millis_or_unknown(total.response.quantile(q));
    let n = total.response.n();
    let p99 = if n >= 100 {
        format!(" · p99 {}", quantile(0.99))
    } else {
        String::new()
    };
    let [completed, interrupted, _, empty, failed] = total.turns;
    let answered = completed + interrupted;
    let rows = [
        (
            "response",
            format!(
                "p50 {} · p95 {}{p99} · n {}",
                quantile(0.5),
                quantile(0.95),
                format::grouped(n)
            ),
            "Half, 95 of 100, and from a hundred turns on 99 of 100 responses were no slower. The history keeps three digits of each: \
             it may tell a millisecond more than the panel.",
        ),
        (
            "answered",
            explain::success(answered, empty + failed),
            "Turns that got their answer, without those that you ended yourself.",
        ),
        (
            "interrupted",
            explain::share(interrupted, answered),
            "Answers that you interrupted.",
        ),
        (
            "cut-offs",
            explain::share(total.cut_offs, total.all_turns()),
            "Turns that you went on in within a second: patience was too short.",
        ),
        (
            "stutters",
            format::grouped(total.underruns),
            "Times that an answer ran dry before its end.",
        ),
    ];
    value_rows(ui, rows);
}

fn usage_rows_ui(ui: &mut Ui, total: &Slice, pricing: Pricing) {
    let tokens = if total.cost().is_some() {
        "Tokens that the service counted, and the cost of those whose price was known then; \"at most\" where it \
         is an upper bound. The bill is the service's."
    } else {
        explain::pricing(pricing)
    };
    let cpu = total.cpu.mean().map_or_else(
        || format::UNKNOWN.to_owned(),
        |percent| format!("{percent:.1} % of a core"),
    );
    let rows = [
        ("CPU", cpu, "Mean processor time of this program."),
        (
            "memory, at most",
            format::megabytes(total.rss.max().map(|rss| rss as u64)),
            "Largest resident memory of this program.",
        ),
        (
            "threads, at most",
            total
                .threads
                .max()
                .map_or_else(|| format::UNKNOWN.to_owned(), |n| format!("{n:.0}")),
            "Most threads of this program at a time.",
        ),
        (
            "sent · received",
            format!(
                "{} · {}",
                format::bytes(total.bytes_sent),
                format::bytes(total.bytes_received)
            ),
            "Bytes to and from the service.",
        ),
        (
            "tokens · cost",
            format!(
                "{} · {}",
                explain::tokens(total.tokens, 0),
                explain::cost(total.cost())
            ),
            tokens,
        ),
    ];
    value_rows(ui, rows);
}
