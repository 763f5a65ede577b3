//! Position and size of the window, kept from one start to the next, and checked against the screens.

use eframe::egui::{self, Context, Pos2, Rect, Vec2, ViewportBuilder, ViewportCommand, pos2, vec2};

use super::preferences::Preferences;
use super::theme::WIDEST_TOOLTIP;

/// Smallest window in points.
const LEAST: Vec2 = vec2(360.0, 300.0);
/// Largest window in points: X11 and graphics cards end there.
const MOST: Vec2 = vec2(16_384.0, 16_384.0);
/// Sizes of text.
const ZOOM: (f32, f32) = (0.5, 4.0);
/// Least visible part of a window, in pixels, that the pointer can grab.
const IN_SIGHT: Vec2 = vec2(120.0, 40.0);
/// Position of a window that would be on no screen, from the screen's corner.
const CORNER: Vec2 = vec2(40.0, 40.0);

impl Preferences {
    /// The same, with a valid size and position.
    pub(super) fn sane(self) -> Self {
        let usual = Self::default();
        let is_size = |points: &f32| points.is_finite() && *points >= 1.0;
        let size = if self.size.iter().all(is_size) {
            Vec2::from(self.size).clamp(LEAST, MOST).into()
        } else {
            usual.size
        };
        let near = |points: &f32| points.is_finite() && points.abs() <= 32_767.0;
        Self {
            panel: self.panel.min(3),
            size,
            position: self.position.filter(|place| place.iter().all(near)),
            zoom: if self.zoom.is_finite() && self.zoom > 0.0 {
                self.zoom.clamp(ZOOM.0, ZOOM.1)
            } else {
                usual.zoom
            },
            ..self
        }
    }

    /// The window that they ask for.
    pub(super) fn viewport(self) -> ViewportBuilder {
        let viewport = ViewportBuilder::default()
            .with_inner_size(self.size)
            .with_min_inner_size(LEAST)
            .with_clamp_size_to_monitor_size(true)
            .with_maximized(self.maximized);
        match self.position {
            Some(place) => viewport.with_position(place),
            None => viewport,
        }
    }

    /// Takes over position and size of the window. Values that a maximized, minimized or unknown window lacks are kept.
    pub(super) fn note(&mut self, ctx: &Context) {
        let zoom = ctx.zoom_factor();
        let (inner, outer, maximized, hidden) = ctx.input(|input| {
            let viewport = input.viewport();
            // If the system does not report the position of a window, its size is that of its content.
            let inner = viewport.inner_rect.unwrap_or(input.content_rect());
            let full = viewport.fullscreen == Some(true);
            (
                inner.size() * zoom,
                viewport.outer_rect.map(|outer| outer.min * zoom),
                viewport.maximized == Some(true),
                viewport.minimized == Some(true) || full,
            )
        });
        let seen = Self {
            zoom,
            maximized: if hidden { self.maximized } else { maximized },
            ..*self
        };
        *self = if maximized || hidden || inner.min_elem() < 1.0 {
            seen.sane()
        } else {
            Self {
                size: inner.round().into(),
                position: outer.map(|place| place.round().into()),
                ..seen
            }
            .sane()
        };
    }
}

/// Moves a window back that is on no screen: one was unplugged, or the file was written elsewhere.
pub(super) fn bring_into_sight(ctx: &Context, frame: &eframe::Frame) {
    let Some(window) = frame.winit_window() else {
        return;
    };
    let Ok(place) = window.outer_position() else {
        return;
    };
    let size = window.outer_size();
    let rect = |(x, y): (i32, i32), (width, height): (u32, u32)| {
        Rect::from_min_size(pos2(x as f32, y as f32), vec2(width as f32, height as f32))
    };
    let screens: Vec<Rect> = window
        .available_monitors()
        .map(|screen| rect(screen.position().into(), screen.size().into()))
        .collect();
    let window_rect = rect(place.into(), size.into());
    if let Some(place) = place_in_sight(window_rect, &screens) {
        let scale = ctx.pixels_per_point();
        ctx.send_viewport_cmd(ViewportCommand::OuterPosition(place / scale));
    }
}

/// Where a window must go to be in sight, if it is not. All in pixels of the desktop.
fn place_in_sight(window: Rect, screens: &[Rect]) -> Option<Pos2> {
    let bar = window.with_max_y(window.top() + IN_SIGHT.y);
    let seen = |screen: &Rect| {
        let part = screen.intersect(bar);
        part.is_positive() && part.width() >= IN_SIGHT.x.min(window.width())
    };
    // A screen without a size is no screen.
    let first = screens.iter().find(|screen| screen.is_positive())?;
    (!screens.iter().any(seen)).then(|| first.min + CORNER)
}

/// Keeps tooltips within the window, however narrow it is.
pub(super) fn fit_tooltips(ctx: &Context) {
    let room = (ctx.content_rect().width() - 40.0).max(80.0);
    let width = WIDEST_TOOLTIP.min(room);
    if (ctx.global_style().spacing.tooltip_width - width).abs() > 0.5 {
        ctx.all_styles_mut(|style: &mut egui::Style| style.spacing.tooltip_width = width);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_makes_a_window_that_cannot_be() {
        let usual = Preferences::default();
        for size in [
            [0.0, 0.0],
            [-5.0, 700.0],
            [f32::NAN, 720.0],
            [f32::INFINITY, 1.0],
        ] {
            assert_eq!(Preferences { size, ..usual }.sane().size, usual.size);
        }
        let sized = |size| Preferences { size, ..usual }.sane().size;
        assert_eq!(sized([1.0, 99_999.0]), [LEAST.x, MOST.y]);
        for place in [[f32::NAN, 0.0], [1e9, 0.0], [0.0, -1e9]] {
            let moved = Preferences {
                position: Some(place),
                ..usual
            };
            assert_eq!(moved.sane().position, None, "{place:?}");
        }
        for (zoom, sane) in [
            (0.0, 1.0),
            (-1.0, 1.0),
            (f32::NAN, 1.0),
            (0.01, 0.5),
            (90.0, 4.0),
            (1.5, 1.5),
        ] {
            assert_eq!(Preferences { zoom, ..usual }.sane().zoom, sane, "{zoom}");
        }
        let panel = Preferences { panel: 9, ..usual };
        assert_eq!(panel.sane().panel, 3);
    }

    #[test]
    fn a_window_on_no_screen_comes_back_and_others_stay() {
        let screen = |x: f32, y: f32| Rect::from_min_size(pos2(x, y), vec2(1_280.0, 800.0));
        let window = |x: f32, y: f32| Rect::from_min_size(pos2(x, y), vec2(1_100.0, 720.0));
        let two = [screen(0.0, 0.0), screen(-1_280.0, 0.0)];
        for (x, y) in [
            (40.0, 40.0),
            (-900.0, 10.0),
            (1_100.0, 700.0),
            (-980.0, -10.0),
        ] {
            assert_eq!(place_in_sight(window(x, y), &two), None, "{x} {y}");
        }
        for (x, y) in [
            (5_000.0, 0.0),
            (0.0, 900.0),
            (0.0, -720.0),
            (-3_000.0, 0.0),
            (1_279.0, 0.0),
        ] {
            let place = place_in_sight(window(x, y), &two);
            assert_eq!(place, Some(pos2(40.0, 40.0)), "{x} {y}");
        }
        assert_eq!(place_in_sight(window(9_999.0, 0.0), &[]), None, "no screen");
        assert_eq!(place_in_sight(window(0.0, 0.0), &[Rect::ZERO]), None);
    }
}
