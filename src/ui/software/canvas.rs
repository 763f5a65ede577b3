//! The picture of the window, kept from frame to frame: each changes only what differs from the one before.

use std::collections::HashMap;

use eframe::egui::epaint::{ClippedShape, ColorImage, ImageData, Primitive};
use eframe::egui::{Color32, Context, TextureId, TexturesDelta};

use super::damage::{self, PixelRect};
use super::raster::{Pixels, opaque};

/// Pixels of a window and the textures that its shapes refer to.
#[derive(Clone, Default)]
pub struct Canvas {
    size: [usize; 2],
    pixels: Vec<u32>,
    textures: HashMap<TextureId, ColorImage>,
    /// The shapes of the last frame, pixels per point, and the colour under them; nothing where all must be painted.
    drawn: Option<(Vec<ClippedShape>, f32, Color32)>,
}

impl Canvas {
    /// Takes over new and changed textures, and drops those that are no longer used.
    pub fn update_textures(&mut self, mut delta: TexturesDelta) {
        for (id, changes) in delta.set.drain() {
            for change in changes {
                let ImageData::Color(image) = change.image;
                let place = change.pos.zip(self.textures.get_mut(&id));
                let Some(([left, top], whole)) = place else {
                    // Letters may have moved within it.
                    self.drawn = None;
                    self.textures.insert(id, (*image).clone());
                    continue;
                };
                let [width, stride] = [image.width(), whole.width()];
                for (row, pixels) in image.pixels.chunks(width.max(1)).enumerate() {
                    let start = (top + row) * stride + left;
                    if let Some(line) = whole.pixels.get_mut(start..start + width) {
                        line.copy_from_slice(pixels);
                    }
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    /// Paints a frame of `size` (width and height in pixels), and tells the rectangles that changed as left, top, width and
    /// height. A frame like the one before changes none.
    pub fn paint(
        &mut self,
        ctx: &Context,
        size: [usize; 2],
        scale: f32,
        background: Color32,
        shapes: Vec<ClippedShape>,
    ) -> Vec<[u32; 4]> {
        let window = PixelRect::whole(size);
        if self.size != size {
            self.size = size;
            self.pixels = vec![0; size[0] * size[1]];
            self.drawn = None;
        }
        let damaged = match &self.drawn {
            Some((old, of_scale, under)) if (*of_scale, *under) == (scale, background) => {
                damage::between(old, &shapes, scale, window)
            }
            _ => vec![window],
        };
        if !window.is_empty() {
            self.repaint(ctx, scale, background, &shapes, &damaged);
        }
        self.drawn = Some((shapes, scale, background));
        let measured = |rect: &PixelRect| {
            let PixelRect {
                left,
                top,
                right,
                bottom,
            } = *rect;
            [left, top, right - left, bottom - top].map(|at| at as u32)
        };
        damaged.iter().map(measured).collect()
    }

    fn repaint(
        &mut self,
        ctx: &Context,
        scale: f32,
        background: Color32,
        shapes: &[ClippedShape],
        damaged: &[PixelRect],
    ) {
        let touched = |shape: &&ClippedShape| {
            let reach = damage::reach(shape, scale);
            damaged.iter().any(|rect| !rect.intersect(reach).is_empty())
        };
        let shapes = shapes.iter().filter(touched).cloned().collect();
        let meshes = ctx.tessellate(shapes, scale);
        let mut target = Pixels {
            pixels: &mut self.pixels,
            width: self.size[0],
        };
        // Each from its ground up, since they may overlap.
        for rect in damaged {
            target.fill(*rect, opaque(background));
            for clipped in &meshes {
                // The window has no shapes that draw by themselves.
                let Primitive::Mesh(mesh) = &clipped.primitive else {
                    continue;
                };
                let clip = PixelRect::rounded(clipped.clip_rect * scale).intersect(*rect);
                if let Some(texture) = self.textures.get(&mesh.texture_id)
                    && !clip.is_empty()
                {
                    target.mesh(mesh, texture, clip, scale);
                }
            }
        }
    }

    /// Width and height in pixels.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// The pixels as `0x00RRGGBB`, row by row.
    pub fn pixels(&self) -> &[u32] {
        &self.pixels
    }
}
