//! Waterfall charts of turns: start and length of each stage, newest turn on top.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::{Align2, Color32, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::explain;
use super::format::{self, UNKNOWN};
use super::theme::{Tokens, Weight, text, tokens};
use super::ui_state::UiState;
use super::widgets::{focus_ring, small_text};
use crate::base::text::t;
use crate::telemetry::record::TurnRecord;
use crate::turn::machine::Outcome;

/// Width of the names and of the values beside a bar.
const NAMES: f32 = 130.0;
const VALUES: f32 = 70.0;
/// Height of a row of stages.
const ROW: f32 = 18.0;
/// The shortest bar: a stage of a tenth of a millisecond stays visible.
const LEAST: f32 = 2.0;

/// The newest turns; the one that was chosen, else the newest, is shown stage by stage.
pub(super) fn turns_ui(ui: &mut Ui, turns: &[Arc<TurnRecord>], view: &mut UiState) {
    let t = tokens(ui);
    let Some(newest) = turns.first() else {
        let words = t!("no-turn-was-closed-yet");
        ui.label(text(words, Weight::Regular, 13.0, t.muted));
        return;
    };
    let chosen = view.turn.unwrap_or(newest.number);
    let open = turns
        .iter()
        .find(|turn| turn.number == chosen)
        .unwrap_or(newest);
    // All on one scale, so that they can be compared.
    let longest = turns
        .iter()
        .map(|turn| length(turn))
        .max()
        .unwrap_or_default();
    let scale = longest.max(Duration::from_millis(100));
    for turn in turns {
        // A row keeps its identity where others open above it.
        ui.push_id(turn.number, |ui| {
            let is_open = turn.number == open.number;
            if head_ui(ui, turn, is_open, scale).clicked() {
                view.turn = (turn.number != newest.number).then_some(turn.number);
            }
            if is_open {
                stages_ui(ui, turn, scale);
            }
        });
    }
}

/// From the end of speech to the first sound.
fn length(turn: &TurnRecord) -> Duration {
    let latencies = &turn.latencies;
    let parts = [
        latencies.endpointing,
        latencies.uplink,
        latencies.server,
        latencies.downlink,
    ];
    parts.into_iter().flatten().sum()
}

/// How a turn ended, in a word.
fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => t!("outcome-completed"),
        Outcome::Interrupted => t!("outcome-interrupted"),
        Outcome::Cancelled => t!("outcome-cancelled"),
        Outcome::Empty => t!("outcome-empty"),
        Outcome::Failed(_) => t!("outcome-failed"),
    }
}

/// A turn as one row: its number, its parts side by side, its response.
fn head_ui(ui: &mut Ui, turn: &TurnRecord, open: bool, scale: Duration) -> eframe::egui::Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 24.0), Sense::click());
    let value = turn.latencies.response.map_or_else(
        || UNKNOWN.to_owned(),
        |value| format!("{} ms", format::millis(value)),
    );
    let name = t!(
        "turn-spoken",
        number = turn.number,
        outcome = outcome(&turn.outcome),
        profile = turn.profile,
        value
    );
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, open, &name));
    if open || response.hovered() {
        ui.painter().rect_filled(rect, 4.0, t.field);
    }
    let ink = if open { t.strong } else { t.normal };
    let middle = rect.center().y;
    small_text(
        ui,
        pos2(rect.left() + 6.0, middle),
        Align2::LEFT_CENTER,
        &t!(
            "turn-and-outcome",
            number = turn.number,
            outcome = outcome(&turn.outcome)
        ),
        ink,
    );
    small_text(
        ui,
        pos2(rect.right() - 6.0, middle),
        Align2::RIGHT_CENTER,
        &value,
        ink,
    );
    let plot = plot(rect).shrink2(vec2(0.0, 8.0));
    let latencies = &turn.latencies;
    let parts = [
        (latencies.endpointing, t.hairline),
        (latencies.uplink, t.you),
        (latencies.server, t.muted),
        (latencies.downlink, t.accent),
    ];
    let mut begins = Duration::ZERO;
    for (part, ink) in parts {
        let Some(part) = part else { continue };
        bar(ui, plot, begins, part, scale, ink);
        begins += part;
    }
    if let Some(share) = budget(turn, scale) {
        budget_line(ui, plot_of_height(plot, rect), share, t);
    }
    focus_ring(ui, &response, 4.0);
    response.on_hover_text(format::sum_of_parts(latencies))
}

/// A row for each stage, as far as they are known.
fn stages_ui(ui: &mut Ui, turn: &TurnRecord, scale: Duration) {
    let t = tokens(ui);
    let inks = [
        t.hairline, t.hairline, t.hairline, t.you, t.muted, t.muted, t.accent, t.accent, t.accent,
        t.accent,
    ];
    let values = turn.stages.values();
    let mut begins = Duration::ZERO;
    let latencies = &turn.latencies;
    for (i, ((name, tooltip), ink)) in explain::stages().into_iter().zip(inks).enumerate() {
        // If the stages of a part are unknown, the next part still begins at its end.
        let whole = match i {
            0 => Some((latencies.endpointing, 0..3)),
            4 => Some((latencies.server, 4..6)),
            6 => Some((latencies.downlink, 6..10)),
            _ => None,
        };
        let unknown =
            whole.filter(|(_, pieces)| values[pieces.clone()].iter().all(Option::is_none));
        row_ui(ui, (name, tooltip), values[i], begins, scale, ink);
        if let Some((Some(whole), _)) = unknown {
            begins += whole;
        }
        begins += values[i].unwrap_or_default();
    }
    let whole = (t!("your-whole-wait"), t!("what-you-felt-from-your"));
    row_ui(ui, whole, latencies.total, Duration::ZERO, scale, t.normal);
    let line = match budget(turn, scale) {
        Some(_) => t!("the-line-is-the-target"),
        None => t!("beyond-the-right-edge-is"),
    };
    let target = format::millis(turn.target);
    let legend = t!("from-the-end-of-your-speech", line, target);
    ui.label(text(legend, Weight::Regular, 11.0, t.muted));
    if let Some(billed) = explain::billed(turn) {
        ui.label(text(billed, Weight::Regular, 11.0, t.muted));
    }
}

fn row_ui(
    ui: &mut Ui,
    (name, tooltip): (&str, &str),
    value: Option<Duration>,
    begins: Duration,
    scale: Duration,
    ink: Color32,
) {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let label = format::millis_or_unknown(value);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}: {label}")));
    let middle = rect.center().y;
    small_text(
        ui,
        pos2(rect.left() + 18.0, middle),
        Align2::LEFT_CENTER,
        name,
        t.normal,
    );
    small_text(
        ui,
        pos2(rect.right() - 6.0, middle),
        Align2::RIGHT_CENTER,
        &label,
        t.strong,
    );
    if let Some(value) = value {
        let ink = if ink == t.hairline {
            t.muted.gamma_multiply(0.5)
        } else {
            ink
        };
        bar(
            ui,
            plot(rect).shrink2(vec2(0.0, 5.0)),
            begins,
            value,
            scale,
            ink,
        );
    }
    response.on_hover_text(tooltip);
}

fn plot(rect: Rect) -> Rect {
    let right = (rect.right() - VALUES).max(rect.left() + NAMES + 10.0);
    Rect::from_min_max(
        pos2(rect.left() + NAMES, rect.top()),
        pos2(right, rect.bottom()),
    )
}

fn plot_of_height(plot: Rect, rect: Rect) -> Rect {
    Rect::from_min_max(
        pos2(plot.left(), rect.top()),
        pos2(plot.right(), rect.bottom()),
    )
}

fn bar(ui: &Ui, plot: Rect, begins: Duration, length: Duration, scale: Duration, ink: Color32) {
    let x = |at: Duration| {
        plot.left() + plot.width() * (at.as_secs_f32() / scale.as_secs_f32()).min(1.0)
    };
    let (left, right) = (x(begins), x(begins + length));
    let right = right.max(left + LEAST);
    let bar = Rect::from_min_max(pos2(left, plot.top()), pos2(right, plot.bottom()));
    ui.painter().rect_filled(bar, 1.0, ink);
}

/// Where the response should have ended by the target that the turn had, as a share of the scale; `None` beyond its end.
fn budget(turn: &TurnRecord, scale: Duration) -> Option<f32> {
    let at = turn.latencies.endpointing.unwrap_or_default() + turn.target;
    (at <= scale).then(|| at.as_secs_f32() / scale.as_secs_f32())
}

fn budget_line(ui: &Ui, plot: Rect, share: f32, t: &Tokens) {
    let x = plot.left() + plot.width() * share;
    let ends = [pos2(x, plot.top()), pos2(x, plot.bottom())];
    ui.painter().extend(Shape::dashed_line(
        &ends,
        Stroke::new(1.0, t.normal),
        3.0,
        2.0,
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_where_the_turns_own_target_is() {
        let ms = Duration::from_millis;
        let mut turn = TurnRecord {
            target: ms(200),
            ..TurnRecord::default()
        };
        assert_eq!(budget(&turn, ms(800)), Some(0.25));
        turn.latencies.endpointing = Some(ms(400));
        assert_eq!(budget(&turn, ms(800)), Some(0.75));
        turn.target = ms(400);
        assert_eq!(budget(&turn, ms(800)), Some(1.0));
        assert_eq!(budget(&turn, ms(700)), None);
    }
}
