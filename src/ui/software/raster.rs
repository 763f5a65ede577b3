//! Fills triangles, as the toolkit's painter for OpenGL does: the colour of a vertex times the texture, laid over what is
//! there by premultiplied alpha, all in gamma space.
//!
//! A pixel belongs to a triangle if its centre is inside; on an edge that two triangles share, to one of them (the top-left
//! rule), so that nothing is painted twice or left out.

use std::ops::Range;

use eframe::egui::epaint::{Color32, ColorImage, Mesh, Vertex};

use super::damage::PixelRect;

/// Places of a corner within a pixel, each way; in whole numbers of them, sides of triangles meet exactly.
const STEPS: i64 = 256;

/// How far a texel may be off the centre of its pixel to be taken as it is.
const OFF_CENTRE: f32 = 1.0 / 64.0;

/// Red, green, blue and alpha, premultiplied, each 0 to 255.
type Premultiplied = [f32; 4];

/// Pixels as `0x00RRGGBB`, row by row.
pub(super) struct Pixels<'a> {
    pub(super) pixels: &'a mut [u32],
    /// Of a row.
    pub(super) width: usize,
}

impl Pixels<'_> {
    fn row(&mut self, y: i64, columns: Range<i64>) -> &mut [u32] {
        let start = y as usize * self.width;
        &mut self.pixels[start + columns.start as usize..start + columns.end as usize]
    }

    /// Fills a rectangle within the target with one pixel.
    pub(super) fn fill(&mut self, rect: PixelRect, pixel: u32) {
        for y in rect.top..rect.bottom {
            self.row(y, rect.left..rect.right).fill(pixel);
        }
    }

    /// Paints the part of a mesh that is within `clip`, which lies within the target. `scale` is in pixels per point.
    pub(super) fn mesh(&mut self, mesh: &Mesh, texture: &ColorImage, clip: PixelRect, scale: f32) {
        let corner = |index: &u32| mesh.vertices.get(*index as usize);
        let mut rest = mesh.indices.as_slice();
        while let [a, b, c, after @ ..] = rest {
            rest = after;
            let (Some(a), Some(b), Some(c)) = (corner(a), corner(b), corner(c)) else {
                continue;
            };
            // Letters and plain areas come as two triangles that share a side.
            if let [d, e, f, after @ ..] = rest
                && let (Some(d), Some(e), Some(f)) = (corner(d), corner(e), corner(f))
                && let Some(sprite) = Sprite::of([a, b, c, d, e, f], texture, scale)
            {
                rest = after;
                self.sprite(&sprite, texture, clip);
                continue;
            }
            self.triangle([a, b, c], texture, clip, scale);
        }
    }

    fn sprite(&mut self, sprite: &Sprite, texture: &ColorImage, clip: PixelRect) {
        let [columns, rows] = clip.within(&sprite.columns, &sprite.rows);
        if columns.is_empty() {
            return;
        }
        for y in rows {
            let texel_row = (y + sprite.texel[1]) as usize * texture.size[0];
            let first = texel_row + (columns.start + sprite.texel[0]) as usize;
            let line = self.row(y, columns.clone());
            let texels = &texture.pixels[first..first + line.len()];
            for (pixel, texel) in line.iter_mut().zip(texels) {
                if texel.a() != 0 {
                    lay_over(pixel, times(sprite.color, *texel));
                }
            }
        }
    }

    fn triangle(
        &mut self,
        mut corners: [&Vertex; 3],
        texture: &ColorImage,
        clip: PixelRect,
        scale: f32,
    ) {
        let place = |corner: &Vertex| {
            [corner.pos.x, corner.pos.y].map(|at| (at * scale * STEPS as f32).round() as i64)
        };
        let mut places = corners.map(place);
        let bounds = [0, 1].map(|axis| {
            let at = places.map(|place| place[axis].div_euclid(STEPS));
            at[0].min(at[1]).min(at[2])..at[0].max(at[1]).max(at[2]) + 1
        });
        let [columns, rows] = clip.within(&bounds[0], &bounds[1]);
        if columns.is_empty() || rows.is_empty() {
            return;
        }
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
        let ink = Ink::new(corners, texture, area);
        for y in rows {
            let mut inside = columns.clone();
            for side in &sides {
                side.narrow(y, &mut inside);
            }
            if inside.is_empty() {
                continue;
            }
            match &ink {
                Ink::Even(color) if color.a() == u8::MAX => {
                    self.row(y, inside).fill(opaque(*color));
                }
                Ink::Even(color) => {
                    for pixel in self.row(y, inside) {
                        lay_over(pixel, *color);
                    }
                }
                Ink::Mixed(mixed) => {
                    let first = [inside.start, y].map(|at| at * STEPS + STEPS / 2);
                    let mut parts = sides.each_ref().map(|side| side.inwards(first));
                    for pixel in self.row(y, inside) {
                        lay_over(pixel, mixed.at(parts));
                        for (part, side) in parts.iter_mut().zip(&sides) {
                            *part -= side.along[1] * STEPS;
                        }
                    }
                }
            }
        }
    }
}

/// An upright rectangle of one colour whose texels lie on its pixels, one on each.
struct Sprite {
    columns: Range<i64>,
    rows: Range<i64>,
    /// From a pixel to its texel.
    texel: [i64; 2],
    color: Color32,
}

impl Sprite {
    /// The rectangle that two triangles make, if they do.
    fn of(corners: [&Vertex; 6], texture: &ColorImage, scale: f32) -> Option<Self> {
        // The toolkit's order: left top, right top, left bottom; left bottom, right top, right bottom.
        let [first, right, left, other_left, other_right, last] = corners;
        let upright = left == other_left
            && right == other_right
            && (first.pos.x, first.pos.y) == (left.pos.x, right.pos.y)
            && (last.pos.x, last.pos.y) == (right.pos.x, left.pos.y)
            && (first.uv.x, first.uv.y) == (left.uv.x, right.uv.y)
            && (last.uv.x, last.uv.y) == (right.uv.x, left.uv.y)
            && corners.iter().all(|corner| corner.color == first.color);
        if !upright {
            return None;
        }
        let axis = |from: f32, to: f32, u: f32, v: f32, size: usize| {
            let pixels = [from * scale, to * scale];
            let texels = [u, v].map(|at| at * size as f32);
            let on_grid = |at: f32| (at - at.round()).abs() < OFF_CENTRE;
            let fits = pixels.iter().chain(&texels).all(|at| on_grid(*at));
            let [from, to] = pixels.map(|at| at.round() as i64);
            let [u, v] = texels.map(|at| at.round() as i64);
            (fits && from < to && v - u == to - from && u >= 0 && v <= size as i64)
                .then_some((from..to, u - from))
        };
        let (columns, across) = axis(
            first.pos.x,
            last.pos.x,
            first.uv.x,
            last.uv.x,
            texture.width(),
        )?;
        let (rows, down) = axis(
            first.pos.y,
            last.pos.y,
            first.uv.y,
            last.uv.y,
            texture.height(),
        )?;
        Some(Self {
            columns,
            rows,
            texel: [across, down],
            color: first.color,
        })
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

    /// Takes the pixels off a row that lie outside of this side.
    fn narrow(&self, y: i64, columns: &mut Range<i64>) {
        let first = [columns.start, y].map(|at| at * STEPS + STEPS / 2);
        let step = -self.along[1] * STEPS;
        let short = self.least() - self.inwards(first);
        if step == 0 {
            if short > 0 {
                columns.end = columns.start;
            }
        } else if step > 0 {
            // Inside from the first pixel on that is not short of it.
            if short > 0 {
                columns.start += short.div_euclid(step) + i64::from(short.rem_euclid(step) != 0);
            }
        } else if short > 0 {
            columns.end = columns.start;
        } else {
            columns.end = columns.end.min(columns.start + short / step + 1);
        }
    }
}

/// What a triangle is filled with.
enum Ink<'a> {
    Even(Color32),
    Mixed(Mixed<'a>),
}

struct Mixed<'a> {
    texture: &'a ColorImage,
    /// Red, green, blue and alpha at the corners.
    inks: [[f32; 3]; 4],
    /// Place in the texture at the corners, across and down.
    places: [[f32; 3]; 2],
    /// The texel, if it is the same all over.
    texel: Option<Premultiplied>,
    area: f32,
}

impl<'a> Ink<'a> {
    fn new(corners: [&Vertex; 3], texture: &'a ColorImage, area: i64) -> Self {
        let places = [corners.map(|c| c.uv.x), corners.map(|c| c.uv.y)];
        let is_even = |of: &[f32; 3]| of[0] == of[1] && of[0] == of[2];
        let texel = places
            .iter()
            .all(is_even)
            .then(|| sample(texture, places[0][0], places[1][0]));
        let color = corners[0].color;
        if let Some(texel) = texel
            && corners.iter().all(|corner| corner.color == color)
        {
            let [red, green, blue, alpha] = texel.map(|part| part.round() as u8);
            let texel = Color32::from_rgba_premultiplied(red, green, blue, alpha);
            return Self::Even(times(color, texel));
        }
        let colors = corners.map(|corner| corner.color.to_array().map(f32::from));
        Self::Mixed(Mixed {
            texture,
            inks: [0, 1, 2, 3].map(|channel| colors.map(|color| color[channel])),
            places,
            texel,
            area: area as f32,
        })
    }
}

impl Mixed<'_> {
    /// The colour where the corners have these parts of the area.
    fn at(&self, parts: [i64; 3]) -> Color32 {
        let parts = parts.map(|part| part as f32 / self.area);
        let mix = |of: &[f32; 3]| parts[0] * of[0] + parts[1] * of[1] + parts[2] * of[2];
        let texel = self
            .texel
            .unwrap_or_else(|| sample(self.texture, mix(&self.places[0]), mix(&self.places[1])));
        let part =
            |channel: usize| (mix(&self.inks[channel]) * texel[channel] / 255.0).round() as u8;
        Color32::from_rgba_premultiplied(part(0), part(1), part(2), part(3))
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

/// A product of two parts of 255, rounded.
fn part_of(part: u8, of: u32) -> u32 {
    let product = u32::from(part) * of + 128;
    (product + (product >> 8)) >> 8
}

fn times(color: Color32, texel: Color32) -> Color32 {
    if texel == Color32::WHITE {
        return color;
    }
    let (color, texel) = (color.to_array(), texel.to_array());
    let [red, green, blue, alpha] =
        std::array::from_fn(|channel| part_of(color[channel], u32::from(texel[channel])) as u8);
    Color32::from_rgba_premultiplied(red, green, blue, alpha)
}

/// A pixel of this colour on black.
pub(super) fn opaque(color: Color32) -> u32 {
    let [red, green, blue, _] = color.to_array().map(u32::from);
    red << 16 | green << 8 | blue
}

fn lay_over(pixel: &mut u32, color: Color32) {
    let through = 255 - u32::from(color.a());
    if through == 0 {
        *pixel = opaque(color);
        return;
    }
    let [_, red, green, blue] = pixel.to_be_bytes();
    let over = |under: u8, over: u8| (part_of(under, through) + u32::from(over)).min(255);
    *pixel = over(red, color.r()) << 16 | over(green, color.g()) << 8 | over(blue, color.b());
}

#[cfg(test)]
mod tests {
    use eframe::egui::{Pos2, Rect, pos2, vec2};

    use super::*;

    const SIZE: [usize; 2] = [40, 30];

    /// Paints on black with a texture of one white texel and a column of others.
    fn painted(mesh: &Mesh) -> Vec<u32> {
        let texels = [
            Color32::WHITE,
            Color32::TRANSPARENT,
            Color32::WHITE,
            Color32::from_white_alpha(128),
        ];
        let texture = ColorImage::new([2, 2], texels.to_vec());
        let mut pixels = vec![0; SIZE[0] * SIZE[1]];
        let mut target = Pixels {
            pixels: &mut pixels,
            width: SIZE[0],
        };
        target.mesh(mesh, &texture, PixelRect::whole(SIZE), 1.0);
        pixels
    }

    /// A fan of triangles around a place, all of one translucent colour.
    fn fan(centre: Pos2, corners: &[Pos2]) -> Mesh {
        let mut mesh = Mesh::default();
        let color = Color32::from_rgba_premultiplied(100, 50, 25, 128);
        for at in std::iter::once(&centre).chain(corners) {
            mesh.colored_vertex(*at, color);
        }
        let corners = corners.len() as u32;
        for corner in 0..corners {
            mesh.add_triangle(0, 1 + corner, 1 + (corner + 1) % corners);
        }
        for vertex in &mut mesh.vertices {
            vertex.uv = pos2(0.0, 0.0);
        }
        mesh
    }

    #[test]
    fn triangles_that_share_sides_paint_each_pixel_once() {
        let outline = [
            (3.3, 2.1),
            (36.7, 4.9),
            (38.2, 27.6),
            (20.0, 29.5),
            (1.1, 25.0),
        ];
        let outline = outline.map(|(x, y)| pos2(x, y));
        for centre in [pos2(20.0, 15.0), pos2(20.5, 15.5), pos2(11.3, 19.7)] {
            let pixels = painted(&fan(centre, &outline));
            let (black, once) = (0, 100 << 16 | 50 << 8 | 25);
            assert!(pixels.iter().all(|pixel| [black, once].contains(pixel)));
            let inside = pixels.iter().filter(|pixel| **pixel == once).count();
            // Its area by the shoelace formula.
            let next = outline.iter().cycle().skip(1);
            let area: f32 = outline
                .iter()
                .zip(next)
                .map(|(a, b)| a.x * b.y - b.x * a.y)
                .sum();
            let off = (inside as f32 - area / 2.0).abs();
            assert!(off < 12.0, "{inside} pixels for an area of {}", area / 2.0);
        }
    }

    #[test]
    fn texels_on_pixels_are_taken_as_they_are_and_others_mixed() {
        let sprite = |at: Pos2| {
            let mut mesh = Mesh::default();
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            mesh.add_rect_with_uv(
                Rect::from_min_size(at, vec2(2.0, 2.0)),
                whole,
                Color32::WHITE,
            );
            painted(&mesh)
        };
        let at = |pixels: &[u32], x: usize, y: usize| pixels[y * SIZE[0] + x] & 0xff;
        let even = sprite(pos2(5.0, 7.0));
        assert_eq!([at(&even, 5, 7), at(&even, 6, 7)], [255, 0]);
        assert_eq!([at(&even, 5, 8), at(&even, 6, 8)], [255, 128]);
        assert_eq!(even.iter().filter(|pixel| **pixel != 0).count(), 3);
        let between = sprite(pos2(5.5, 7.0));
        assert_eq!(at(&between, 6, 7), 128, "half of white and of nothing");
    }

    #[test]
    fn nothing_is_painted_outside_of_the_clip() {
        let mesh = fan(
            pos2(20.0, 15.0),
            &[pos2(-900.0, -50.0), pos2(900.0, -50.0), pos2(20.0, 4000.0)],
        );
        let texture = ColorImage::filled([1, 1], Color32::WHITE);
        let mut pixels = vec![0; SIZE[0] * SIZE[1]];
        let mut target = Pixels {
            pixels: &mut pixels,
            width: SIZE[0],
        };
        let clip = PixelRect {
            left: 4,
            top: 5,
            right: 9,
            bottom: 8,
        };
        target.mesh(&mesh, &texture, clip, 1.0);
        assert_eq!(pixels.iter().filter(|pixel| **pixel != 0).count(), 5 * 3);
        assert!(pixels[5 * SIZE[0] + 4] != 0 && pixels[7 * SIZE[0] + 8] != 0);
    }
}
