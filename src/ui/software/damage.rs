//! What of a frame differs from the one before: the rectangles that must be painted again.

use std::ops::Range;
use std::sync::Arc;

use eframe::egui::Rect;
use eframe::egui::epaint::{ClippedShape, Shape};

/// How many rectangles are painted one by one; beyond that, the one around them all.
const MOST: usize = 24;

/// A shape may paint this much around its bounds, in pixels: soft edges, and letters that are moved onto whole pixels.
const SOFT: f32 = 2.0;

/// Columns and rows of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PixelRect {
    pub(super) left: i64,
    pub(super) top: i64,
    pub(super) right: i64,
    pub(super) bottom: i64,
}

impl PixelRect {
    /// All of a window of this width and height.
    pub(super) fn whole([width, height]: [usize; 2]) -> Self {
        Self {
            left: 0,
            top: 0,
            right: width as i64,
            bottom: height as i64,
        }
    }

    /// The pixels of a clip rectangle in pixels, as OpenGL rounds it.
    pub(super) fn rounded(rect: Rect) -> Self {
        let [left, top, right, bottom] =
            [rect.min.x, rect.min.y, rect.max.x, rect.max.y].map(|at| at.round() as i64);
        Self {
            left,
            top,
            right,
            bottom,
        }
    }

    fn around(rect: Rect) -> Self {
        let rect = rect.expand(SOFT);
        let [left, top] = [rect.min.x, rect.min.y].map(|at| at.floor() as i64);
        let [right, bottom] = [rect.max.x, rect.max.y].map(|at| at.ceil() as i64);
        Self {
            left,
            top,
            right,
            bottom,
        }
    }

    pub(super) fn intersect(self, other: Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    fn union(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    pub(super) fn is_empty(self) -> bool {
        self.left >= self.right || self.top >= self.bottom
    }

    fn area(self) -> i64 {
        (self.right - self.left) * (self.bottom - self.top)
    }

    /// The part of some columns and rows that lies within.
    pub(super) fn within(self, columns: &Range<i64>, rows: &Range<i64>) -> [Range<i64>; 2] {
        [
            columns.start.max(self.left)..columns.end.min(self.right),
            rows.start.max(self.top)..rows.end.min(self.bottom),
        ]
    }
}

/// Where a shape may paint, in pixels.
pub(super) fn reach(clipped: &ClippedShape, scale: f32) -> PixelRect {
    let bounds = clipped.shape.visual_bounding_rect();
    let bounds = (clipped.transform_after_tessellation * bounds).intersect(clipped.clip_rect);
    PixelRect::around(bounds * scale).intersect(PixelRect::rounded(clipped.clip_rect * scale))
}

/// The rectangles within `window` where two frames differ.
pub(super) fn between(
    old: &[ClippedShape],
    new: &[ClippedShape],
    scale: f32,
    window: PixelRect,
) -> Vec<PixelRect> {
    let same_from = |(a, b): &(&ClippedShape, &ClippedShape)| is_same(a, b);
    let head = old.iter().zip(new).take_while(same_from).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev());
    let tail = tail.take_while(same_from).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let mut damaged = Damage::default();
    let mut add = |shape: &ClippedShape| damaged.add(reach(shape, scale).intersect(window));
    if old.len() == new.len() {
        for (old, new) in old.iter().zip(new).filter(|(a, b)| !is_same(a, b)) {
            add(old);
            add(new);
        }
    } else {
        old.iter().chain(new).for_each(add);
    }
    damaged.0
}

/// Whether two shapes paint the same. Text and meshes that are the same object are not compared further.
fn is_same(a: &ClippedShape, b: &ClippedShape) -> bool {
    let is_alike = |a: &Shape, b: &Shape| match (a, b) {
        (Shape::Text(a), Shape::Text(b)) => {
            Arc::ptr_eq(&a.galley, &b.galley)
                && a.pos == b.pos
                && a.underline == b.underline
                && a.fallback_color == b.fallback_color
                && a.override_text_color == b.override_text_color
                && a.opacity_factor == b.opacity_factor
                && a.angle == b.angle
        }
        (Shape::Mesh(a), Shape::Mesh(b)) => Arc::ptr_eq(a, b) || a == b,
        (a, b) => a == b,
    };
    a.clip_rect == b.clip_rect
        && a.transform_after_tessellation == b.transform_after_tessellation
        && is_alike(&a.shape, &b.shape)
}

#[derive(Default)]
struct Damage(Vec<PixelRect>);

impl Damage {
    /// Takes another in; those that overlap, or are hardly smaller than the one around both, become one.
    fn add(&mut self, mut rect: PixelRect) {
        if rect.is_empty() {
            return;
        }
        while let Some(near) = self.0.iter().position(|other| {
            let union = rect.union(*other).area();
            union <= rect.area() + other.area() + union / 8
        }) {
            rect = rect.union(self.0.swap_remove(near));
        }
        self.0.push(rect);
        if self.0.len() > MOST
            && let Some(all) = self.0.drain(..).reduce(PixelRect::union)
        {
            self.0.push(all);
        }
    }
}
