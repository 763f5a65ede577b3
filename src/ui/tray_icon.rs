//! The pictures of the icon in the tray: the sign of the state on the ground of the program's icon. Each state that somebody must
//! tell apart has a shape of its own.

use std::sync::Arc;

use eframe::egui::Color32;

use super::icons::{self, EDGE, Sign};
use super::theme::DARK;
use crate::conversation::snapshot::Activity;
use crate::desktop::TrayPicture;

/// Sides in pixels, for usual screens and those with two and three times their density.
const SIDES: [u32; 3] = [24, 48, 72];

/// The shape that the tray shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrayShape {
    Sign(Sign),
    /// The user is heard: the dot of listening within a ring.
    Target,
}

/// The shape and colour of a state: the sign that the window has, but that bars are the assistant's voice alone, which no word
/// beside it says here.
pub(super) fn shape_of(activity: Activity) -> (TrayShape, Color32) {
    let (sign, ink) = icons::sign_of(activity, &DARK);
    let shape = match activity {
        Activity::UserSpeaks | Activity::Held => TrayShape::Target,
        Activity::Connecting
        | Activity::Listening
        | Activity::Thinking
        | Activity::Answering
        | Activity::Repeating
        | Activity::Muted
        | Activity::Reconnecting
        | Activity::Offline
        | Activity::NoMicrophone
        | Activity::LimitReached => TrayShape::Sign(sign),
    };
    (shape, ink)
}

/// The pictures of a shape.
pub(super) fn pictures((shape, ink): (TrayShape, Color32)) -> Arc<[TrayPicture]> {
    let picture = |side| {
        let ground = |u: f32, v: f32| u.hypot(v) <= EDGE;
        let color_at =
            |u, v| ground(u, v).then(|| if is_in(shape, u, v) { ink } else { DARK.page });
        let mut argb = icons::drawn(side, color_at);
        for pixel in argb.chunks_exact_mut(4) {
            pixel.rotate_right(1);
        }
        TrayPicture { side, argb }
    };
    SIDES.into_iter().map(picture).collect()
}

/// Half the width of lines.
const LINE: f32 = 0.1;

/// Whether a point of the square from -1 to 1 belongs to the shape.
fn is_in(shape: TrayShape, u: f32, v: f32) -> bool {
    let radius = u.hypot(v);
    let ring = |middle: f32| (radius - middle).abs() <= LINE;
    let line = |from, to| distance((u, v), from, to) <= LINE;
    match shape {
        TrayShape::Target => ring(0.62) || radius <= 0.3,
        TrayShape::Sign(Sign::Dot) => radius <= 0.5,
        TrayShape::Sign(Sign::Ring) => ring(0.5),
        TrayShape::Sign(Sign::Crossed) => ring(0.6) || line((-0.42, 0.42), (0.42, -0.42)),
        TrayShape::Sign(Sign::Cross) => {
            line((-0.45, -0.45), (0.45, 0.45)) || line((-0.45, 0.45), (0.45, -0.45))
        }
        TrayShape::Sign(Sign::Triangle) => {
            let down = (v + 0.6) / 1.1;
            (0.0..=1.0).contains(&down) && u.abs() <= 0.64 * down
        }
        TrayShape::Sign(Sign::Bars) => [(-0.4, 0.26), (0.0, 0.56), (0.4, 0.36)]
            .into_iter()
            .any(|(x, half)| distance((u, v), (x, -half), (x, half)) <= 0.12),
        TrayShape::Sign(Sign::Dots) => [-0.5, 0.0, 0.5]
            .into_iter()
            .any(|x: f32| (u - x).hypot(v) <= 0.17),
        TrayShape::Sign(Sign::Info) => (u.hypot(v + 0.4)) <= 0.13 || line((0.0, -0.1), (0.0, 0.5)),
    }
}

/// How far a point is from a line between two others.
fn distance((x, y): (f32, f32), from: (f32, f32), to: (f32, f32)) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let along = ((x - from.0) * dx + (y - from.1) * dy) / (dx * dx + dy * dy);
    let along = along.clamp(0.0, 1.0);
    (x - from.0 - along * dx).hypot(y - from.1 - along * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which pixels have the ink of the shape, whatever that is.
    fn inked(shape: TrayShape, side: u32) -> Vec<bool> {
        let pictures = pictures((shape, Color32::from_rgb(1, 255, 2)));
        let picture = pictures.iter().find(|picture| picture.side == side);
        let pixels = picture.expect("this size").argb.chunks_exact(4);
        // Green: most of it is ink.
        pixels
            .map(|pixel| pixel[0] > 128 && pixel[2] > 140)
            .collect()
    }

    #[test]
    fn states_that_must_be_told_apart_differ_in_shape_without_any_colour() {
        let told_apart = [
            Activity::Listening,
            Activity::UserSpeaks,
            Activity::Thinking,
            Activity::Answering,
            Activity::Muted,
            Activity::Reconnecting,
            Activity::Offline,
            Activity::Connecting,
        ];
        for (nth, one) in told_apart.into_iter().enumerate() {
            let shape = inked(shape_of(one).0, 24);
            let ink = shape.iter().filter(|ink| **ink).count();
            assert!((30..300).contains(&ink), "{one:?}: {ink} pixels of 576");
            for other in &told_apart[..nth] {
                let others = inked(shape_of(*other).0, 24);
                let differ = shape.iter().zip(&others).filter(|(a, b)| a != b).count();
                assert!(differ >= 40, "{one:?} and {other:?}: {differ} pixels");
            }
        }
    }

    #[test]
    fn pictures_are_opaque_within_the_ground_and_have_their_bytes_in_order() {
        let pictures = pictures(shape_of(Activity::Listening));
        assert_eq!(pictures.iter().map(|it| it.side).collect::<Vec<_>>(), SIDES);
        for TrayPicture { side, argb } in pictures.iter() {
            assert_eq!(argb.len(), (side * side * 4) as usize);
            let pixel = |x: u32, y: u32| &argb[((y * side + x) * 4) as usize..][..4];
            let ink = DARK.ok;
            assert_eq!(pixel(0, 0)[0], 0);
            let middle = [255, ink.r(), ink.g(), ink.b()];
            assert_eq!(pixel(side / 2, side / 2), middle);
        }
    }
}
