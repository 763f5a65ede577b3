//! Position and size of the window, kept from one start to the next, and checked against the screens.

use eframe::egui::{self, Context, Pos2, Rect, Vec2, ViewportBuilder, ViewportCommand, pos2, vec2};

use winit::event_loop::ActiveEventLoop;
use winit::monitor::MonitorHandle;
use winit::window::Window;

use super::theme::WIDEST_TOOLTIP;
use crate::settings::config::WindowFrame;

/// Smallest window in points.
pub(super) const LEAST: Vec2 = vec2(360.0, 300.0);
/// Size of a window that was never changed, in points.
pub const USUAL: [u32; 2] = [1_100, 720];
/// Least visible part of a window, in pixels, that the pointer can grab.
const IN_SIGHT: Vec2 = vec2(120.0, 40.0);
/// Position of a window that would be on no screen, from the screen's corner.
const CORNER: Vec2 = vec2(40.0, 40.0);

/// The window that the settings ask for.
pub(super) fn viewport(frame: WindowFrame) -> ViewportBuilder {
    let viewport = ViewportBuilder::default()
        .with_inner_size(frame.size.unwrap_or(USUAL).map(|points| points as f32))
        .with_min_inner_size(LEAST)
        .with_clamp_size_to_monitor_size(true)
        .with_maximized(frame.maximized);
    match frame.position {
        Some(place) => viewport.with_position(place.map(|points| points as f32)),
        None => viewport,
    }
}

/// Keeps a window that is about to be opened no larger than the largest screen.
pub(super) fn within_screens(
    builder: ViewportBuilder,
    events: &ActiveEventLoop,
) -> ViewportBuilder {
    let size = |screen: MonitorHandle| {
        let size = screen.size().to_logical::<f32>(screen.scale_factor());
        vec2(size.width, size.height)
    };
    let largest = events.available_monitors().map(size).reduce(Vec2::max);
    match (builder.inner_size, largest) {
        (Some(size), Some(largest)) if largest.min_elem() > 0.0 => {
            builder.with_inner_size(size.min(largest))
        }
        _ => builder,
    }
}

/// Takes over position, size and zoom of the window. Values that a maximized, minimized or unknown window lacks are kept.
pub(super) fn note(frame: &mut WindowFrame, ctx: &Context) {
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
    if !hidden {
        frame.maximized = maximized;
    }
    if !maximized && !hidden && inner.min_elem() >= 1.0 {
        frame.size = Some([inner.x, inner.y].map(|points| points.round() as u32));
        frame.position = outer.map(|at| [at.x, at.y].map(|points| points.round() as i32));
    }
    *frame = frame.sane();
}

/// Moves a window back that is on no screen: one was unplugged, or the file was written elsewhere.
pub(super) fn bring_into_sight(ctx: &Context, window: &Window) {
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
