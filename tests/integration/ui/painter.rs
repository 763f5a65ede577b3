//! Paints a frame of the window without a GPU: the same picture on every machine.
//!
//! It does what the toolkit's painter for OpenGL does: the colour of a vertex times the texture, laid over what is there
//! by premultiplied alpha, all in gamma space. A pixel belongs to a triangle if its centre is inside; on an edge that two
//! triangles share, to one of them (the top-left rule), so that nothing is painted twice or left out.

use std::collections::HashMap;

use eframe::egui::{
    ClippedPrimitive, ColorImage, Context, FullOutput, ImageData, Mesh, Rect, TextureId,
    TexturesDelta, epaint::Primitive, epaint::Vertex,
};
use egui_kittest::TestRenderer;
use image::{Rgba, RgbaImage};

/// Places of a corner within a pixel, each way; in whole numbers of them, sides of triangles meet exactly.
const STEPS: i64 = 256;

/// Red, green, blue and alpha, premultiplied, each 0 to 255.
type Color = [f32; 4];

/// The textures of a window, and the way from its shapes to a picture.
#[derive(Default)]
pub(crate) struct Painter {
    textures: HashMap<TextureId, ColorImage>,
}

impl TestRenderer for Painter {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        for (id, changes) in &delta.set {
            for change in changes {
                let ImageData::Color(image) = &change.image;
                let Some([left, top]) = change.pos else {
                    self.textures.insert(*id, (**image).clone());
                    continue;
                };
                let whole = self.textures.get_mut(id).expect("it was set before");
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

    fn render(&mut self, ctx: &Context, output: &FullOutput) -> Result<RgbaImage, String> {
        let scale = output.pixels_per_point;
        let size = (ctx.viewport_rect().size() * scale).round();
        let black = Rgba([0, 0, 0, 255]);
        let mut picture = RgbaImage::from_pixel(size.x as u32, size.y as u32, black);
        for ClippedPrimitive {
            clip_rect,
            primitive,
        } in ctx.tessellate(output.shapes.clone(), scale)
        {
            let Primitive::Mesh(mesh) = primitive else {
                return Err("a callback cannot be painted here".to_owned());
            };
            self.mesh(&mut picture, clip_rect * scale, &mesh, scale)?;
        }
        Ok(picture)
    }
}

impl Painter {
    /// Paints the triangles of a mesh; `clip` is in pixels.
    fn mesh(
        &self,
        picture: &mut RgbaImage,
        clip: Rect,
        mesh: &Mesh,
        scale: f32,
    ) -> Result<(), String> {
        let texture = self.textures.get(&mesh.texture_id);
        let texture = texture.ok_or("a texture is missing")?;
        let [width, height] = [picture.width(), picture.height()].map(i64::from);
        let bounds = Bounds {
            x: [clip.min.x, clip.max.x].map(|x| (x.round() as i64).clamp(0, width)),
            y: [clip.min.y, clip.max.y].map(|y| (y.round() as i64).clamp(0, height)),
        };
        for corners in mesh.indices.chunks_exact(3) {
            let corners = [corners[0], corners[1], corners[2]];
            let corners = corners.map(|corner| &mesh.vertices[corner as usize]);
            triangle(picture, &bounds, texture, corners, scale);
        }
        Ok(())
    }
}

/// The pixels that may be painted, from the first to the one after the last.
struct Bounds {
    x: [i64; 2],
    y: [i64; 2],
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

    /// Whether points on it belong to the triangle: on its left sides and on a level top.
    fn takes_its_points(&self) -> bool {
        self.along[1] < 0 || self.along[1] == 0 && self.along[0] > 0
    }
}

fn triangle(
    picture: &mut RgbaImage,
    bounds: &Bounds,
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
    let colors = corners.map(|corner| corner.color.to_array().map(f32::from));
    let level = corners.iter().all(|corner| corner.uv == corners[0].uv);
    let level = level.then(|| sample(texture, corners[0].uv.x, corners[0].uv.y));
    let range = |axis: usize, [first, end]: [i64; 2]| {
        let at = places.map(|place| place[axis].div_euclid(STEPS));
        let (least, most) = (at.iter().min(), at.iter().max());
        first.max(*least.unwrap_or(&first))..end.min(most.unwrap_or(&end) + 1)
    };
    for y in range(1, bounds.y) {
        for x in range(0, bounds.x) {
            let center = [x * STEPS + STEPS / 2, y * STEPS + STEPS / 2];
            let parts = sides.each_ref().map(|side| side.inwards(center));
            let is_inside =
                |(part, side): (&i64, &Side)| *part > 0 || *part == 0 && side.takes_its_points();
            if !parts.iter().zip(&sides).all(is_inside) {
                continue;
            }
            let [a, b, c] = parts.map(|part| part as f32 / area as f32);
            let mix = |of: [f32; 3]| a * of[0] + b * of[1] + c * of[2];
            let texel = level.unwrap_or_else(|| {
                let u = mix(corners.map(|corner| corner.uv.x));
                sample(texture, u, mix(corners.map(|corner| corner.uv.y)))
            });
            let pixel = picture.get_pixel_mut(x as u32, y as u32);
            let alpha = mix(colors.map(|color| color[3])) * texel[3] / 255.0;
            for channel in 0..4 {
                let over = mix(colors.map(|color| color[channel])) * texel[channel] / 255.0;
                let under = f32::from(pixel[channel]) * (1.0 - alpha / 255.0);
                pixel[channel] = (over + under).round().clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// The texture at a place of which each way goes from 0 to 1, between the four nearest texels.
fn sample(texture: &ColorImage, u: f32, v: f32) -> Color {
    let [width, height] = texture.size;
    let (x, y) = (u * width as f32 - 0.5, v * height as f32 - 0.5);
    let texel = |x: f32, y: f32| {
        let x = x.clamp(0.0, width as f32 - 1.0) as usize;
        let y = y.clamp(0.0, height as f32 - 1.0) as usize;
        texture.pixels[y * width + x].to_array().map(f32::from)
    };
    let (left, top) = (x.floor(), y.floor());
    let between = |from: Color, to: Color, part: f32| -> Color {
        std::array::from_fn(|channel| from[channel] + (to[channel] - from[channel]) * part)
    };
    let row = |y: f32| between(texel(left, y), texel(left + 1.0, y), x - left);
    between(row(top), row(top + 1.0), y - top)
}
