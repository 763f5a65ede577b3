//! Small graphs with fixed scales, so that they do not jump.

use std::time::Duration;

use eframe::egui::{
    Align2, Color32, CornerRadius, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::theme::tokens;
use super::widgets::small_text;
use crate::base::text::t;

/// The parts of a response side by side, with widths by length. `name` describes them.
pub(super) fn parts_bar(ui: &mut Ui, parts: &[(Option<Duration>, Color32)], name: &str) {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 12.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    let known: Vec<(f32, Color32)> = parts
        .iter()
        .filter_map(|(part, ink)| Some(((*part)?.as_secs_f32(), *ink)))
        .collect();
    let total: f32 = known.iter().map(|(part, _)| part).sum();
    if total <= 0.0 {
        ui.painter().rect_filled(rect, 3.0, t.field);
        return;
    }
    let gap = 2.0;
    // A part of a millisecond stays visible, at the cost of the others.
    let least = 6.0;
    let room = rect.width() - gap * (known.len() - 1) as f32 - least * known.len() as f32;
    let mut x = rect.left();
    for (i, (part, ink)) in known.iter().enumerate() {
        let width = least + room * part / total;
        let radius = CornerRadius {
            nw: if i == 0 { 3 } else { 1 },
            sw: if i == 0 { 3 } else { 1 },
            ne: if i + 1 == known.len() { 3 } else { 1 },
            se: if i + 1 == known.len() { 3 } else { 1 },
        };
        let bar = Rect::from_min_size(pos2(x, rect.top()), vec2(width, rect.height()));
        ui.painter().rect_filled(bar, radius, *ink);
        x += width + gap;
    }
    response.on_hover_text(name);
}

/// Responses of the last turns, with the target as a dashed line at two thirds of the scale.
pub(super) fn history(ui: &mut Ui, responses: &[Duration], target: Duration) {
    let t = tokens(ui);
    let target_ms = target.as_millis();
    let words = t!(
        "responses-of-the-last-turns-target",
        responses = responses.len(),
        target_ms
    );
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 54.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &words));
    let plot = rect.with_min_y(rect.top() + 16.0).shrink2(vec2(3.0, 3.0));
    let painter = ui.painter();
    let most = target.as_secs_f32() * 1.5;
    let y = |value: Duration| plot.bottom() - plot.height() * (value.as_secs_f32() / most).min(1.0);
    let ends = [pos2(rect.left(), y(target)), pos2(rect.right(), y(target))];
    painter.extend(Shape::dashed_line(
        &ends,
        Stroke::new(1.0, t.muted),
        3.0,
        4.0,
    ));
    // Few turns are drawn as far apart as fourteen would be.
    let step = plot.width() / (responses.len().max(14) - 1) as f32;
    let newest_first = responses.iter().rev().enumerate();
    let points: Vec<_> = newest_first
        .map(|(i, value)| pos2(plot.right() - step * i as f32, y(*value)))
        .collect();
    if points.len() > 1 {
        painter.add(Shape::line(points.clone(), Stroke::new(2.0, t.accent)));
    }
    let radius = if points.len() > 30 { 1.8 } else { 2.6 };
    for (point, value) in points.iter().zip(responses.iter().rev()) {
        let ink = if *value > target { t.bad } else { t.accent };
        painter.circle_filled(*point, radius, ink);
    }
    let turns = match responses.len() {
        0 => t!("no-turns-yet").to_owned(),
        1 => t!("last-turn").to_owned(),
        n => t!("last-turns-counted", n),
    };
    small_text(ui, rect.left_top(), Align2::LEFT_TOP, &turns, t.muted);
    small_text(
        ui,
        rect.right_top(),
        Align2::RIGHT_TOP,
        &t!("target-of-ms", target_ms),
        t.muted,
    );
    response.on_hover_text(t!("the-scale-ends-at-one", words));
}

/// Columns of two values, the second on top of the first, in an ink each; `words` describe them, and stand to the left and to
/// the right above them. Gives the place of the columns, to paint more there.
pub(super) fn columns(
    ui: &mut Ui,
    columns: &[[f32; 2]],
    inks: [Color32; 2],
    (left, right): (&str, impl FnOnce(f32) -> String),
    words: &str,
) -> Rect {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 64.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words));
    let plot = rect.with_min_y(rect.top() + 16.0).shrink2(vec2(3.0, 2.0));
    let highest = columns.iter().map(|[a, b]| a + b).fold(0.0, f32::max);
    let most = scale(highest);
    let width = plot.width() / columns.len().max(1) as f32;
    for (i, values) in columns.iter().enumerate() {
        let left = plot.left() + width * i as f32 + width * 0.15;
        let mut bottom = plot.bottom();
        for (value, ink) in values.iter().zip(inks).filter(|(value, _)| **value > 0.0) {
            // What there is can be seen, however little it is.
            let top = bottom - (plot.height() * value / most).max(1.0);
            let bar = Rect::from_min_max(pos2(left, top), pos2(left + width * 0.7, bottom));
            ui.painter().rect_filled(bar, 0.0, ink);
            bottom = top;
        }
    }
    let ground = [plot.left_bottom(), plot.right_bottom()];
    ui.painter()
        .line_segment(ground, Stroke::new(1.0, t.hairline));
    small_text(ui, rect.left_top(), Align2::LEFT_TOP, left, t.muted);
    // Nothing has no scale.
    let right = if highest > 0.0 {
        right(most)
    } else {
        t!("nothing-yet").to_owned()
    };
    small_text(ui, rect.right_top(), Align2::RIGHT_TOP, &right, t.muted);
    response.on_hover_text(words);
    plot
}

/// The end of a scale on which this is the highest value: 1, 2 or 5 of a power of ten, so that it seldom changes.
fn scale(highest: f32) -> f32 {
    let mut power = 1.0;
    while power * 5.0 < highest && power < 1e30 {
        power *= 10.0;
    }
    let ends = [power, power * 2.0, power * 5.0];
    ends.into_iter()
        .find(|end| highest <= *end)
        .unwrap_or(power * 5.0)
}

/// A line of values on a scale that ends at the next of `scales`; older values on the left.
pub(super) fn trend(ui: &mut Ui, values: &[f32], scales: &[f32]) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    let highest = values.iter().copied().fold(0.0, f32::max);
    let top = scales
        .iter()
        .copied()
        .find(|scale| highest <= *scale * 0.75)
        .unwrap_or(highest);
    if values.len() < 2 || top <= 0.0 {
        return;
    }
    // A minute of values, one a second.
    let step = rect.width() / (values.len().max(60) - 1) as f32;
    let points = values
        .iter()
        .rev()
        .enumerate()
        .map(|(i, value)| {
            pos2(
                rect.right() - step * i as f32,
                rect.bottom() - 1.0 - (rect.height() - 2.0) * value / top,
            )
        })
        .collect();
    ui.painter()
        .add(Shape::line(points, Stroke::new(1.5, tokens(ui).muted)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_at_the_next_round_number() {
        let ends = [0.0, 1.0, 1.5, 4.0, 5.0, 6.0, 49_000.0, 51_000.0].map(scale);
        assert_eq!(ends, [1.0, 1.0, 2.0, 5.0, 5.0, 10.0, 50_000.0, 100_000.0]);
    }
}
