//! Drawings as SVG that takes its colours from the page.

use maud::{Markup, html};

use super::document::{Plot, Shape};
use super::results::ms;

/// Width of every drawing, in its own units; it is scaled to the page.
const WIDTH: f64 = 720.0;
/// Room for names at the left.
const LEFT: f64 = 130.0;
/// Room for values at the right.
const RIGHT: f64 = 60.0;
const ROW: f64 = 30.0;
/// Height of the axis below.
const AXIS: f64 = 34.0;
/// Height of a field of bars or a line.
const FIELD: f64 = 150.0;
/// Height of a series over time.
const SERIES: f64 = 84.0;

/// A drawing with its title.
pub(super) fn plot(plot: &Plot) -> Markup {
    let (height, inside) = match &plot.shape {
        Shape::Histogram { bin, counts, marks } => histogram(*bin, counts, marks),
        Shape::Ranges { rows, values } => ranges(rows, values),
        Shape::Waterfall { parts, rows } => waterfall(parts, rows),
        Shape::Lines { series } => lines(series),
    };
    html! {
        figure {
            figcaption { (plot.title) }
            svg viewBox={ "0 0 " (WIDTH) " " (number(height + AXIS)) } role="img" aria-label=(plot.title) {
                (inside)
                text class="axis" x=(number((LEFT + WIDTH - RIGHT) / 2.0)) y=(number(height + AXIS - 4.0))
                    text-anchor="middle" { (plot.axis) }
            }
        }
    }
}

/// A scale from 0 to a round number that holds `most`.
struct Scale {
    most: f64,
    step: f64,
}

impl Scale {
    fn to(most: f64) -> Self {
        let most = if most.is_finite() && most > 0.0 {
            most
        } else {
            1.0
        };
        let rough = most / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|s| s * power);
        let step = step
            .into_iter()
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        Self {
            most: (most / step).ceil() * step,
            step,
        }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + value.clamp(0.0, self.most) / self.most * (WIDTH - LEFT - RIGHT)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> + '_ {
        let n = (self.most / self.step).round() as usize;
        (0..=n).map(|i| i as f64 * self.step)
    }

    /// Lines and numbers of the horizontal axis, from the top to `height`.
    fn axis(&self, height: f64) -> Markup {
        html! {
            @for tick in self.ticks() {
                line class="grid" x1=(number(self.x(tick))) x2=(number(self.x(tick))) y1="0" y2=(number(height)) {}
                text class="axis" x=(number(self.x(tick))) y=(number(height + 14.0)) text-anchor="middle" { (label(tick)) }
            }
        }
    }
}

fn histogram(bin: f64, counts: &[usize], marks: &[(String, f64)]) -> (f64, Markup) {
    let scale = Scale::to(bin * counts.len() as f64);
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let bars = counts.iter().enumerate().filter(|(_, n)| **n > 0);
    let inside = html! {
        (scale.axis(FIELD))
        @for (i, n) in bars {
            @let (from, to) = (scale.x(bin * i as f64), scale.x(bin * (i + 1) as f64));
            @let height = *n as f64 / most * (FIELD - 30.0);
            rect class="part0" x=(number(from)) y=(number(FIELD - height)) width=(number((to - from - 1.0).max(1.0)))
                height=(number(height)) {
                title { (n) " from " (label(bin * i as f64)) " to " (label(bin * (i + 1) as f64)) }
            }
        }
        @for (i, (name, value)) in marks.iter().enumerate() {
            @let x = scale.x(*value);
            line class="mark" x1=(number(x)) x2=(number(x)) y1="6" y2=(number(FIELD)) {}
            text class="value" x=(number(x + 4.0)) y=(number(12.0 + 12.0 * (i % 3) as f64)) { (name) " " (ms(*value)) }
        }
        text class="axis" x=(number(LEFT - 8.0)) y="34" text-anchor="end" { "most: " (most) }
    };
    (FIELD, inside)
}

fn ranges(rows: &[(String, Vec<f64>, Option<f64>)], values: &[String]) -> (f64, Markup) {
    let ends = rows
        .iter()
        .flat_map(|(_, values, limit)| values.iter().chain(limit));
    let scale = Scale::to(ends.copied().fold(0.0, f64::max));
    let height = ROW * rows.len() as f64 + 4.0;
    let inside = html! {
        (scale.axis(height))
        @for (i, (name, found, limit)) in rows.iter().enumerate() {
            @let y = ROW * (i as f64 + 0.5) + 2.0;
            (row_name(name, y))
            @if let (Some(first), Some(last)) = (found.first(), found.last()) {
                line class="range" x1=(number(scale.x(*first))) x2=(number(scale.x(*last))) y1=(number(y)) y2=(number(y)) {}
                text class="value" x=(number(scale.x(*last) + 8.0)) y=(number(y + 4.0)) { (ms(*last)) }
            }
            @for (nth, value) in found.iter().enumerate() {
                circle class={ "dot" (nth % 4) } cx=(number(scale.x(*value))) cy=(number(y)) r="5" {
                    title { (values.get(nth).map_or("", String::as_str)) " " (ms(*value)) }
                }
            }
            @if let Some(limit) = limit {
                line class="limit" x1=(number(scale.x(*limit))) x2=(number(scale.x(*limit)))
                    y1=(number(y - ROW / 2.0 + 2.0)) y2=(number(y + ROW / 2.0 - 2.0)) {
                    title { "limit " (ms(*limit)) }
                }
            }
        }
    };
    (height, inside)
}

fn waterfall(parts: &[String], rows: &[(String, Vec<f64>)]) -> (f64, Markup) {
    let longest = rows.iter().map(|(_, parts)| parts.iter().sum::<f64>());
    let scale = Scale::to(longest.fold(0.0, f64::max));
    let key = 22.0;
    let height = ROW * rows.len() as f64 + key + 4.0;
    let inside = html! {
        @for (i, part) in parts.iter().enumerate() {
            @let x = LEFT + 148.0 * i as f64;
            rect class={ "part" (i % 5) } x=(number(x)) y="4" width="10" height="10" {}
            text class="value" x=(number(x + 15.0)) y="13" { (part) }
        }
        (scale.axis(height))
        @for (i, (name, lengths)) in rows.iter().enumerate() {
            @let y = key + ROW * (i as f64 + 0.5);
            (row_name(name, y))
            @for (nth, length) in lengths.iter().enumerate() {
                @let before: f64 = lengths[..nth].iter().sum();
                @let (from, to) = (scale.x(before), scale.x(before + length));
                rect class={ "part" (nth % 5) } x=(number(from)) y=(number(y - 9.0)) width=(number((to - from).max(0.0)))
                    height="18" {
                    title { (parts.get(nth).map_or("", String::as_str)) " " (ms(*length)) }
                }
            }
            @let all: f64 = lengths.iter().sum();
            text class="value" x=(number(scale.x(all) + 6.0)) y=(number(y + 4.0)) { (ms(all)) }
        }
    };
    (height, inside)
}

fn lines(series: &[(String, Vec<(f64, f64)>)]) -> (f64, Markup) {
    let points = series.iter().flat_map(|(_, points)| points);
    let scale = Scale::to(points.map(|(x, _)| *x).fold(0.0, f64::max));
    let height = SERIES * series.len() as f64;
    let inside = html! {
        (scale.axis(height))
        @for (i, (name, points)) in series.iter().enumerate() {
            @let top = SERIES * i as f64 + 8.0;
            @let bottom = SERIES * (i as f64 + 1.0) - 6.0;
            @let most = points.iter().map(|(_, y)| *y).filter(|y| y.is_finite()).fold(0.0, f64::max);
            @let y = |value: f64| bottom - value.max(0.0) / most.max(f64::MIN_POSITIVE) * (bottom - top);
            line class="grid" x1=(LEFT) x2=(number(WIDTH - RIGHT)) y1=(number(bottom)) y2=(number(bottom)) {}
            (row_name(name, f64::midpoint(top, bottom)))
            text class="value" x=(number(WIDTH - RIGHT + 6.0)) y=(number(top + 6.0)) { (label(most)) }
            polyline class={ "line" (i % 5) } points=(path(points.iter().map(|(x, v)| (scale.x(*x), y(*v))))) {}
        }
    };
    (height, inside)
}

fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let points = points.filter(|(x, y)| x.is_finite() && y.is_finite());
    let points: Vec<String> = points
        .map(|(x, y)| format!("{},{}", number(x), number(y)))
        .collect();
    points.join(" ")
}

fn row_name(name: &str, y: f64) -> Markup {
    html! {
        text class="name" x=(number(LEFT - 10.0)) y=(number(y + 4.0)) text-anchor="end" { (name) }
    }
}

/// A coordinate: a tenth of a unit is finer than any screen.
fn number(value: f64) -> String {
    let value = (value * 10.0).round() / 10.0;
    if value.is_finite() {
        value.to_string()
    } else {
        "0".to_owned()
    }
}

/// A number at an axis, without digits that say nothing.
fn label(value: f64) -> String {
    let scale = match value.abs() {
        large if large >= 100.0 => 1.0,
        middle if middle >= 10.0 => 10.0,
        _ => 1_000.0,
    };
    ((value * scale).round() / scale).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_at_a_round_number_that_holds_all() {
        for (most, end, step) in [
            (23.0, 25.0, 5.0),
            (1_000.0, 1_000.0, 200.0),
            (0.0, 1.0, 0.2),
            (f64::NAN, 1.0, 0.2),
        ] {
            let scale = Scale::to(most);
            assert!(
                (scale.most - end).abs() < 1e-9 && (scale.step - step).abs() < 1e-9,
                "{most}: {} {}",
                scale.most,
                scale.step
            );
            assert!(scale.ticks().count() <= 7);
        }
    }

    #[test]
    fn numbers_have_no_digits_that_say_nothing() {
        let labels = [0.0, 0.2, 2.9991, 17.199, 123.456].map(label);
        assert_eq!(labels, ["0", "0.2", "2.999", "17.2", "123"]);
    }

    #[test]
    fn what_is_longer_is_drawn_longer_and_nothing_leaves_the_drawing() {
        let rows = vec![
            ("a".to_owned(), vec![10.0, 20.0]),
            ("b".to_owned(), vec![5.0, 40.0]),
        ];
        let drawn = waterfall(&["x".into(), "y".into()], &rows).1.into_string();
        let widths: Vec<f64> = drawn
            .split("<rect ")
            .skip(3)
            .filter_map(|rect| {
                rect.split("width=\"")
                    .nth(1)?
                    .split('"')
                    .next()?
                    .parse()
                    .ok()
            })
            .collect();
        assert_eq!(widths.len(), 4);
        assert!(
            (widths[1] / widths[0] - 2.0).abs() < 0.01
                && (widths[3] / widths[2] - 8.0).abs() < 0.02,
            "{widths:?}"
        );
        let scale = Scale::to(45.0);
        assert!(scale.x(1e9) <= WIDTH - RIGHT && scale.x(-5.0) >= LEFT);
    }
}
