//! Paints a frame of the window without a GPU: the same picture on every machine.
//!
//! It does what the toolkit's painter for OpenGL does: the colour of a vertex times the texture, laid over what is there
//! by premultiplied alpha, all in gamma space. A pixel belongs to a triangle if its centre is inside; on an edge that two
//! triangles share, to one of them (the top-left rule), so that nothing is painted twice or left out.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use eframe::egui::epaint::{ColorImage, ImageData, Primitive, Vertex};
use eframe::egui::{Context, FullOutput, TextureId, TexturesDelta};
use egui_kittest::TestRenderer;
use image::{Rgb, RgbImage};

/// Places of a corner within a pixel, each way; in whole numbers of them, sides of triangles meet exactly.
const STEPS: i64 = 256;

/// Red, green, blue and alpha, premultiplied, each 0 to 255.
type Premultiplied = [f32; 4];

/// The textures of a window, and the way from its shapes to a picture.
#[derive(Clone, Default)]
pub(crate) struct Painter {
    textures: Rc<RefCell<HashMap<TextureId, ColorImage>>>,
}

impl TestRenderer for Painter {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        let mut textures = self.textures.borrow_mut();
        for (id, changes) in &delta.set {
            for change in changes {
                let ImageData::Color(image) = &change.image;
                let Some([left, top]) = change.pos else {
                    textures.insert(*id, (**image).clone());
                    continue;
                };
                let whole = textures.get_mut(id).expect("it was set before");
                let [width, stride] = [image.width(), whole.width()];
                for (row, pixels) in image.pixels.chunks(width).enumerate() {
                    let start = (top + row) * stride + left;
                    whole.pixels[start..start + width].copy_from_slice(pixels);
                }
            }
        }
        // What is freed stays: the last frame may show it yet, and a test is short.
        delta.clear();
    }
}

impl Painter {
    /// The picture of a frame.
    pub(crate) fn picture(&self, ctx: &Context, output: &FullOutput) -> RgbImage {
        let scale = output.pixels_per_point;
        let size = (ctx.viewport_rect().size() * scale).round();
        // The window is cleared in the colour of its panels.
        let [red, green, blue, _] = ctx.global_style().visuals.panel_fill.to_array();
        let color = Rgb([red, green, blue]);
        let mut picture = RgbImage::from_pixel(size.x as u32, size.y as u32, color);
        let textures = self.textures.borrow();
        for shape in ctx.tessellate(output.shapes.clone(), scale) {
            let Primitive::Mesh(mesh) = &shape.primitive else {
                panic!("a callback cannot be painted here");
            };
            let clip = shape.clip_rect * scale;
            let within = |at: f32, most: u32| (at.round() as i64).clamp(0, i64::from(most));
            let clip = [
                within(clip.min.x, picture.width())..within(clip.max.x, picture.width()),
                within(clip.min.y, picture.height())..within(clip.max.y, picture.height()),
            ];
            let texture = &textures[&mesh.texture_id];
            for corners in mesh.indices.chunks_exact(3) {
                let corners = [corners[0], corners[1], corners[2]];
                let corners = corners.map(|corner| &mesh.vertices[corner as usize]);
                triangle(&mut picture, &clip, texture, corners, scale);
            }
        }
        picture
    }
}

/// A side of a triangle that is turned clockwise.
struct Side {
    from: [i64; 2],
    along: [i64; 2],
}

impl Side {
    fn new(from: [i64; 2], to: [i64; 2]) -> Self {
        let along = [to[0] - from[0], to[1] - from[1]];
        Self { from, along }
    }

    /// How far a point is on the inner side, as twice the area that it spans with this side.
    fn inwards(&self, [x, y]: [i64; 2]) -> i64 {
        self.along[0] * (y - self.from[1]) - self.along[1] * (x - self.from[0])
    }

    /// The least of it for points of the triangle: it has those on its left sides and on a level top.
    fn least(&self) -> i64 {
        let has_its_points = self.along[1] < 0 || self.along[1] == 0 && self.along[0] > 0;
        i64::from(!has_its_points)
    }
}

/// Paints one; `clip` holds the columns and rows that may be painted.
fn triangle(
    picture: &mut RgbImage,
    clip: &[Range<i64>; 2],
    texture: &ColorImage,
    mut corners: [&Vertex; 3],
    scale: f32,
) {
    let place = |corner: &Vertex| {
        [corner.pos.x, corner.pos.y].map(|at| (at * scale * STEPS as f32).round() as i64)
    };
    let mut places = corners.map(place);
    let mut area = Side::new(places[0], places[1]).inwards(places[2]);
    if area < 0 {
        corners.swap(1, 2);
        places.swap(1, 2);
        area = -area;
    }
    if area == 0 {
        return;
    }
    // Each lies opposite of the corner of the same number.
    let sides = [[1, 2], [2, 0], [0, 1]].map(|[from, to]| Side::new(places[from], places[to]));
    let least = sides.each_ref().map(Side::least);
    let colors = corners.map(|corner| corner.color.to_array().map(f32::from));
    let ([u, v], inks) = (
        [corners.map(|c| c.uv.x), corners.map(|c| c.uv.y)],
        [0, 1, 2, 3].map(|channel| colors.map(|color| color[channel])),
    );
    let is_even = |of: &[f32; 3]| of[0] == of[1] && of[0] == of[2];
    let ink = |parts: [i64; 3]| {
        let parts = parts.map(|part| part as f32 / area as f32);
        let mix = |of: [f32; 3]| parts[0] * of[0] + parts[1] * of[1] + parts[2] * of[2];
        let texel = sample(texture, mix(u), mix(v));
        std::array::from_fn(|channel| mix(inks[channel]) * texel[channel] / 255.0)
    };
    // Most of the window is of one colour.
    let even = inks
        .iter()
        .chain(&[u, v])
        .all(is_even)
        .then(|| ink([area, 0, 0]));
    let [columns, rows] = [0, 1].map(|axis| {
        let at = places.map(|place| place[axis].div_euclid(STEPS));
        let [low, high] = [at[0].min(at[1]).min(at[2]), at[0].max(at[1]).max(at[2])];
        clip[axis].start.max(low)..clip[axis].end.min(high + 1)
    });
    for y in rows {
        let first = [columns.start, y].map(|at| at * STEPS + STEPS / 2);
        let mut parts = sides.each_ref().map(|side| side.inwards(first));
        for x in columns.clone() {
            if parts[0] >= least[0] && parts[1] >= least[1] && parts[2] >= least[2] {
                let ink = even.unwrap_or_else(|| ink(parts));
                lay_over(picture.get_pixel_mut(x as u32, y as u32), ink);
            }
            for (part, side) in parts.iter_mut().zip(&sides) {
                *part -= side.along[1] * STEPS;
            }
        }
    }
}

fn lay_over(pixel: &mut Rgb<u8>, ink: Premultiplied) {
    let through = 1.0 - ink[3] / 255.0;
    for (under, over) in pixel.0.iter_mut().zip(ink) {
        *under = (over + f32::from(*under) * through).round() as u8;
    }
}

/// The texture at a place of which each way goes from 0 to 1, between the four nearest texels.
fn sample(texture: &ColorImage, u: f32, v: f32) -> Premultiplied {
    let [width, height] = texture.size;
    let (x, y) = (u * width as f32 - 0.5, v * height as f32 - 0.5);
    let texel = |x: f32, y: f32| {
        let x = x.clamp(0.0, width as f32 - 1.0) as usize;
        let y = y.clamp(0.0, height as f32 - 1.0) as usize;
        texture.pixels[y * width + x].to_array().map(f32::from)
    };
    let (left, top) = (x.floor(), y.floor());
    let between = |from: Premultiplied, to: Premultiplied, part: f32| -> Premultiplied {
        std::array::from_fn(|channel| from[channel] + (to[channel] - from[channel]) * part)
    };
    let row = |y: f32| between(texel(left, y), texel(left + 1.0, y), x - left);
    between(row(top), row(top + 1.0), y - top)
}
