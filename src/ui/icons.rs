//! Vector icons: the logo, the shapes of states, the symbols. Each is drawn into a square with lines and circles, so that it
//! is sharp at every size and takes the colours of the theme.

use eframe::egui::{
    Color32, CornerRadius, IconData, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2, pos2,
    vec2,
};

use super::theme::{DARK, Tokens};
use crate::conversation::snapshot::Activity;

/// A shape beside a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Good; on.
    Dot,
    /// Being made; off.
    Ring,
    /// Not as it should be.
    Triangle,
    /// Bad.
    Cross,
    /// Switched off by the user.
    Crossed,
    /// Sound.
    Bars,
    /// Waiting.
    Dots,
    /// Good to know.
    Info,
}

/// The sign and colour of a state.
pub(super) fn sign_of(activity: Activity, t: &Tokens) -> (Sign, Color32) {
    match activity {
        Activity::Connecting => (Sign::Ring, t.muted),
        Activity::Listening => (Sign::Dot, t.ok),
        Activity::UserSpeaks | Activity::Held => (Sign::Bars, t.you),
        Activity::Thinking => (Sign::Dots, t.accent),
        Activity::Answering | Activity::Repeating => (Sign::Bars, t.accent),
        Activity::Muted => (Sign::Crossed, t.bad),
        Activity::LimitReached => (Sign::Crossed, t.warn),
        Activity::Reconnecting => (Sign::Triangle, t.warn),
        Activity::Offline | Activity::NoMicrophone => (Sign::Cross, t.bad),
    }
}

/// Draws a sign in a square.
pub(super) fn sign(painter: &Painter, rect: Rect, sign: Sign, color: Color32) {
    let center = rect.center();
    let r = rect.width() / 2.0;
    let line = Stroke::new((r * 0.36).max(1.2), color);
    let at = |x: f32, y: f32| center + vec2(x, y) * r;
    match sign {
        Sign::Dot => {
            painter.circle_filled(center, r * 0.9, color);
        }
        Sign::Ring => {
            painter.circle_stroke(center, r * 0.75, line);
        }
        Sign::Triangle => {
            let points = vec![at(0.0, -0.95), at(1.05, 0.85), at(-1.05, 0.85)];
            painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
        }
        Sign::Cross => {
            painter.line_segment([at(-0.7, -0.7), at(0.7, 0.7)], line);
            painter.line_segment([at(-0.7, 0.7), at(0.7, -0.7)], line);
        }
        Sign::Crossed => {
            painter.circle_stroke(center, r * 0.8, Stroke::new(line.width * 0.8, color));
            painter.line_segment(
                [at(-0.55, 0.55), at(0.55, -0.55)],
                Stroke::new(line.width * 0.8, color),
            );
        }
        Sign::Bars => bars(painter, rect, &[0.45, 0.95, 0.6], color),
        Sign::Dots => {
            for x in [-0.72, 0.0, 0.72] {
                painter.circle_filled(at(x, 0.0), r * 0.26, color);
            }
        }
        Sign::Info => {
            painter.circle_stroke(center, r * 0.9, Stroke::new(1.2, color));
            painter.circle_filled(at(0.0, -0.4), r * 0.14, color);
            painter.line_segment([at(0.0, -0.02), at(0.0, 0.5)], Stroke::new(r * 0.22, color));
        }
    }
}

/// Upright bars of the given heights (0 to 1 of half the square), side by side.
pub(super) fn bars(painter: &Painter, rect: Rect, heights: &[f32], color: Color32) {
    let step = rect.width() / heights.len() as f32;
    let width = (step * 0.52).max(1.4);
    for (i, height) in heights.iter().enumerate() {
        let x = rect.left() + step * (i as f32 + 0.5);
        let half = (rect.height() / 2.0 * height).max(width / 2.0);
        let bar = Rect::from_min_max(
            pos2(x - width / 2.0, rect.center().y - half),
            pos2(x + width / 2.0, rect.center().y + half),
        );
        painter.rect_filled(bar, width / 2.0, color);
    }
}

/// The mark of the product: bars in a ring.
pub(super) fn mark(painter: &Painter, rect: Rect, t: &Tokens) {
    let r = rect.width() / 2.0;
    painter.circle_stroke(rect.center(), r - 1.0, Stroke::new(r * 0.14, t.accent));
    bars(
        painter,
        Rect::from_center_size(rect.center(), Vec2::splat(r * 0.98)),
        &[0.42, 1.0, 0.42],
        t.accent,
    );
}

/// An icon of a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Icon {
    /// The settings of sound: sliders.
    Sound,
    /// Settings.
    Gear,
    /// Crossed out while it is muted.
    Microphone(bool),
    /// Ends what sounds.
    Stop,
    /// Once more.
    Repeat,
    /// A new sheet.
    New,
    /// A magnifier.
    Find,
    Copy,
    Up,
    Down,
    /// A clock with an arrow back.
    Earlier,
    Close,
    /// Three dots: what found no room.
    More,
    /// A small window before a large one; the large one comes back.
    Small,
    Whole,
    /// Shows a hidden text; crossed out while it is shown.
    Eye(bool),
}

/// Draws an icon in a square.
pub(super) fn icon(painter: &Painter, rect: Rect, icon: Icon, color: Color32) {
    let center = rect.center();
    let r = rect.width() / 2.0;
    let line = Stroke::new(1.5, color);
    let at = |x: f32, y: f32| center + vec2(x, y) * r;
    match icon {
        Icon::Gear => {
            painter.circle_stroke(center, r * 0.68, line);
            painter.circle_stroke(center, r * 0.26, line);
            for tooth in 0..8 {
                let (y, x) = (std::f32::consts::FRAC_PI_4 * tooth as f32).sin_cos();
                let tooth = Stroke::new(2.4, color);
                painter.line_segment([at(0.72 * x, 0.72 * y), at(1.02 * x, 1.02 * y)], tooth);
            }
        }
        Icon::Sound => {
            for (x, knob) in [(-0.66, 0.3), (0.0, -0.42), (0.66, 0.12)] {
                painter.line_segment([at(x, -0.9), at(x, knob - 0.24)], line);
                painter.line_segment([at(x, knob + 0.24), at(x, 0.9)], line);
                painter.circle_stroke(at(x, knob), r * 0.24, line);
            }
        }
        Icon::Microphone(_)
        | Icon::Stop
        | Icon::Repeat
        | Icon::New
        | Icon::Find
        | Icon::Copy
        | Icon::Up
        | Icon::Down => conversation_icon(painter, rect, icon, color),
        Icon::Earlier => {
            let on_ring = |degrees: f32| {
                let angle = degrees.to_radians();
                at(0.9 * angle.cos(), 0.9 * angle.sin())
            };
            let ring = (0..=20).map(|i| on_ring(-150.0 + 15.0 * i as f32));
            painter.add(Shape::line(ring.collect(), line));
            let tip = on_ring(-150.0);
            let back = vec![tip - vec2(0.0, 0.55) * r, tip, tip + vec2(0.55, 0.0) * r];
            painter.add(Shape::line(back, line));
            let hands = vec![at(0.0, -0.45), at(0.0, 0.05), at(0.36, 0.26)];
            painter.add(Shape::line(hands, line));
        }
        Icon::Close => sign(painter, rect.shrink(r * 0.3), Sign::Cross, color),
        Icon::More => sign(painter, rect, Sign::Dots, color),
        Icon::Small | Icon::Whole => {
            let outer = Rect::from_two_pos(at(-0.9, -0.75), at(0.9, 0.75));
            painter.rect_stroke(outer, CornerRadius::same(2), line, StrokeKind::Middle);
            let small = Rect::from_two_pos(at(0.1, 0.05), at(0.9, 0.75));
            if icon == Icon::Small {
                painter.rect_filled(small, CornerRadius::same(1), color);
            } else {
                let (tip, tail) = (at(-0.5, -0.38), at(0.3, 0.3));
                painter.line_segment([tail, tip], line);
                let head = vec![tip + vec2(0.0, 0.5) * r, tip, tip + vec2(0.5, 0.0) * r];
                painter.add(Shape::line(head, line));
            }
        }
        Icon::Eye(crossed) => {
            let lid = |sign: f32| -> Vec<Pos2> {
                (0..=12)
                    .map(|i| {
                        let x = i as f32 / 6.0 - 1.0;
                        at(x * 0.95, sign * 0.55 * (1.0 - x * x))
                    })
                    .collect()
            };
            painter.add(Shape::line(lid(-1.0), line));
            painter.add(Shape::line(lid(1.0), line));
            painter.circle_filled(center, r * 0.24, color);
            if crossed {
                painter.line_segment([at(-0.75, 0.75), at(0.75, -0.75)], line);
            }
        }
    }
}

/// The icons of the conversation.
fn conversation_icon(painter: &Painter, rect: Rect, icon: Icon, color: Color32) {
    let center = rect.center();
    let r = rect.width() / 2.0;
    let line = Stroke::new(1.5, color);
    let at = |x: f32, y: f32| center + vec2(x, y) * r;
    match icon {
        Icon::Microphone(crossed) => {
            microphone(painter, center, r, line);
            if crossed {
                painter.line_segment([at(-0.85, 0.85), at(0.85, -0.85)], line);
            }
        }
        Icon::Stop => {
            let square = Rect::from_center_size(center, Vec2::splat(r * 1.3));
            painter.rect_filled(square, r * 0.25, color);
        }
        Icon::Repeat => {
            let on_ring = |degrees: f32| {
                let angle = degrees.to_radians();
                at(0.8 * angle.cos(), 0.8 * angle.sin())
            };
            let ring = (0..=20).map(|i| on_ring(-40.0 + 15.0 * i as f32));
            painter.add(Shape::line(ring.collect(), line));
            let tip = on_ring(-40.0);
            let head = vec![
                tip + vec2(0.08, -0.62) * r,
                tip,
                tip + vec2(-0.58, 0.02) * r,
            ];
            painter.add(Shape::line(head, line));
        }
        Icon::New => {
            painter.line_segment([at(0.0, -0.75), at(0.0, 0.75)], line);
            painter.line_segment([at(-0.75, 0.0), at(0.75, 0.0)], line);
        }
        Icon::Find => {
            painter.circle_stroke(at(-0.18, -0.18), r * 0.58, line);
            let handle = Stroke::new(2.0, color);
            painter.line_segment([at(0.24, 0.24), at(0.82, 0.82)], handle);
        }
        Icon::Copy => {
            let sheet = |x: f32, y: f32| Rect::from_min_size(at(x, y), vec2(1.2, 1.3) * r);
            let radius = r * 0.22;
            painter.rect_stroke(sheet(-0.35, -0.45), radius, line, StrokeKind::Middle);
            let behind = vec![at(-0.85, 0.4), at(-0.85, -0.9), at(0.35, -0.9)];
            painter.add(Shape::line(behind, line));
        }
        Icon::Up => {
            painter.add(Shape::line(
                vec![at(-0.6, 0.35), at(0.0, -0.35), at(0.6, 0.35)],
                line,
            ));
        }
        Icon::Down => {
            painter.add(Shape::line(
                vec![at(-0.6, -0.35), at(0.0, 0.35), at(0.6, -0.35)],
                line,
            ));
        }
        Icon::Sound
        | Icon::Gear
        | Icon::Earlier
        | Icon::Close
        | Icon::More
        | Icon::Small
        | Icon::Whole
        | Icon::Eye(_) => {}
    }
}

fn microphone(painter: &Painter, center: Pos2, r: f32, line: Stroke) {
    let at = |x: f32, y: f32| center + vec2(x, y) * r;
    let body = Rect::from_min_max(at(-0.28, -0.95), at(0.28, 0.2));
    painter.rect_stroke(
        body,
        CornerRadius::same((r * 0.28) as u8),
        line,
        StrokeKind::Middle,
    );
    let cradle: Vec<Pos2> = (0..=10)
        .map(|i| {
            let angle = std::f32::consts::PI * i as f32 / 10.0;
            at(0.62 * angle.cos(), -0.05 + 0.6 * angle.sin())
        })
        .collect();
    painter.add(Shape::line(cradle, line));
    painter.line_segment([at(0.0, 0.55), at(0.0, 0.92)], line);
    painter.line_segment([at(-0.34, 0.92), at(0.34, 0.92)], line);
}

/// The mark as the icon of the window, `size` pixels square.
pub(super) fn app_icon(size: u32) -> IconData {
    IconData {
        rgba: drawn(size, |u, v| {
            mark_at(u, v).map(|in_mark| if in_mark { DARK.accent } else { DARK.page })
        }),
        width: size,
        height: size,
    }
}

/// A picture, `size` pixels square, of the colours at the points of the square from -1 to 1.
pub(super) fn drawn(size: u32, color_at: impl Fn(f32, f32) -> Option<Color32>) -> Vec<u8> {
    let mut rgba = Vec::with_capacity((size * size * 4) as usize);
    for y in 0..size {
        for x in 0..size {
            // 2×2 samples per pixel: the edges are soft enough for an icon.
            let mut sums = [0.0_f32; 4];
            for (dx, dy) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
                let u = (x as f32 + dx) / size as f32 * 2.0 - 1.0;
                let v = (y as f32 + dy) / size as f32 * 2.0 - 1.0;
                if let Some(color) = color_at(u, v) {
                    for (sum, byte) in sums.iter_mut().zip([color.r(), color.g(), color.b(), 255]) {
                        *sum += f32::from(byte) / 4.0;
                    }
                }
            }
            let cover = (sums[3] / 255.0).max(1.0 / 255.0);
            rgba.extend(sums[..3].iter().map(|sum| (sum / cover) as u8));
            rgba.push(sums[3] as u8);
        }
    }
    rgba
}

/// The mark in the square from -1 to 1: the radius of the icon, the edges of the ring, the bars (their middle and half of
/// their height), and half of a bar's width.
pub(super) const EDGE: f32 = 0.98;
const RING: std::ops::Range<f32> = 0.80..0.92;
const BARS: [(f32, f32); 3] = [(-0.34, 0.22), (0.0, 0.50), (0.34, 0.22)];
const BAR: f32 = 0.10;

/// The content at a point of the square from -1 to 1: outside the icon, background, or logo.
fn mark_at(u: f32, v: f32) -> Option<bool> {
    let radius = u.hypot(v);
    if radius > EDGE {
        return None;
    }
    let bar = BARS
        .into_iter()
        .any(|(x, half)| (u - x).hypot((v.abs() - half).max(0.0)) < BAR);
    Some(RING.contains(&radius) || bar)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use image::RgbaImage;

    use super::*;
    use crate::base::keys::tests::{blessed, up_to_date};

    #[test]
    fn the_icon_is_round_and_shows_the_mark() {
        let icon = app_icon(64);
        let pixel = |x: usize, y: usize| &icon.rgba[(y * 64 + x) * 4..][..4];
        assert_eq!(icon.rgba.len(), 64 * 64 * 4);
        assert_eq!(pixel(0, 0)[3], 0);
        assert_eq!(
            pixel(32, 32),
            [DARK.accent.r(), DARK.accent.g(), DARK.accent.b(), 255]
        );
        assert_eq!(
            pixel(32, 10),
            [DARK.page.r(), DARK.page.g(), DARK.page.b(), 255]
        );
    }

    #[test]
    fn the_icon_of_packages_is_that_of_the_window_and_up_to_date() {
        let hex = |color: Color32| format!("#{:02x}{:02x}{:02x}", color.r(), color.g(), color.b());
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"128\" height=\"128\" viewBox=\"-1 -1 2 2\">\n\
             <circle r=\"{EDGE}\" fill=\"{}\"/>\n\
             <g fill=\"none\" stroke=\"{}\" stroke-linecap=\"round\">\n\
             <circle r=\"{:.2}\" stroke-width=\"{:.2}\"/>\n",
            hex(DARK.page),
            hex(DARK.accent),
            f32::midpoint(RING.start, RING.end),
            RING.end - RING.start,
        );
        for (x, half) in BARS {
            svg += &format!(
                "<path d=\"M{x} -{half}V{half}\" stroke-width=\"{}\"/>\n",
                BAR * 2.0
            );
        }
        up_to_date("packaging/icons/sovereign.svg", &(svg + "</g>\n</svg>\n"));
        for size in [16, 32, 48, 64, 128, 256] {
            let icon = app_icon(size);
            let drawn = RgbaImage::from_raw(size, size, icon.rgba).expect("its size");
            let file = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("packaging/icons/sovereign-{size}.png"));
            if blessed() {
                drawn.save(&file).expect("written");
            }
            let found = image::open(&file).expect("a picture").into_rgba8();
            assert!(found == drawn, "{} is not drawn so", file.display());
        }
    }
}
