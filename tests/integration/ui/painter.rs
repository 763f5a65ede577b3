//! Pictures of the window, painted as the program does it where there is no graphics processor: the same on every machine.

use std::cell::RefCell;
use std::rc::Rc;

use eframe::egui::{Color32, Context, FullOutput, TexturesDelta};
use egui_kittest::TestRenderer;
use image::{Rgb, RgbImage};
use sovereign::ui::software::Canvas;

/// The canvas of a window under test, shared with its harness.
#[derive(Clone, Default)]
pub(crate) struct Painter(Rc<RefCell<Canvas>>);

impl TestRenderer for Painter {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        // What is freed stays: the last frame may show it yet, and a test is short.
        delta.free.clear();
        self.0.borrow_mut().update_textures(std::mem::take(delta));
    }
}

impl Painter {
    /// The picture of a frame: what changed since the last one is painted over it.
    pub(crate) fn picture(&self, ctx: &Context, output: &FullOutput) -> RgbImage {
        let mut canvas = self.0.borrow_mut();
        paint(&mut canvas, ctx, output);
        picture(&canvas)
    }

    /// The picture of a frame, all of it painted again.
    pub(crate) fn whole_picture(&self, ctx: &Context, output: &FullOutput) -> RgbImage {
        let mut fresh = self.0.borrow().clone();
        fresh.paint(ctx, [1, 1], 1.0, Color32::BLACK, Vec::new());
        paint(&mut fresh, ctx, output);
        picture(&fresh)
    }

    /// The part of the window that is painted for this frame.
    pub(crate) fn repainted(&self, ctx: &Context, output: &FullOutput) -> f64 {
        let mut canvas = self.0.borrow_mut();
        let painted = paint(&mut canvas, ctx, output);
        let area = |[_, _, width, height]: [u32; 4]| f64::from(width) * f64::from(height);
        painted.into_iter().map(area).sum::<f64>() / canvas.pixels().len() as f64
    }
}

fn paint(canvas: &mut Canvas, ctx: &Context, output: &FullOutput) -> Vec<[u32; 4]> {
    let scale = output.pixels_per_point;
    let size = (ctx.viewport_rect().size() * scale).round();
    let size = [size.x as usize, size.y as usize];
    let background = ctx.global_style().visuals.panel_fill;
    canvas.paint(ctx, size, scale, background, output.shapes.clone())
}

fn picture(canvas: &Canvas) -> RgbImage {
    let [width, height] = canvas.size();
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let [_, red, green, blue] = canvas.pixels()[y as usize * width + x as usize].to_be_bytes();
        Rgb([red, green, blue])
    })
}
