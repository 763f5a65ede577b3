//! Cached heights: what is out of view is not laid out, as long as its height is known.

use eframe::egui::{Rect, Role, Sense, Ui, WidgetInfo, vec2};

/// What is this far outside the visible part is not laid out, in points.
const MARGIN: f32 = 400.0;

/// What heights depend on, besides the words: width in points, pixels to a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measure {
    pub(super) width: f32,
    pub(super) scale: f32,
}

/// A cached height, while it is valid.
#[derive(Debug, Default)]
pub(super) struct Height(pub(super) Option<(Measure, f32)>);

impl Measure {
    pub(super) fn of(ui: &Ui) -> Self {
        Self {
            width: ui.available_width(),
            scale: ui.ctx().pixels_per_point(),
        }
    }
}

impl Height {
    /// Its place, if its height is known.
    pub(super) fn rect(&self, ui: &Ui) -> Option<Rect> {
        let now = Measure::of(ui);
        let (_, height) = self.0.filter(|(of, _)| *of == now)?;
        Some(Rect::from_min_size(
            ui.cursor().left_top(),
            vec2(now.width, height),
        ))
    }

    /// Whether its height is known and it is out of view: then only its space is allocated, with its `name` for screen
    /// readers. Else it must be drawn, and its height recorded.
    pub(super) fn skipped(&self, ui: &mut Ui, name: impl Fn() -> String) -> bool {
        let seen = ui.clip_rect().expand(MARGIN);
        let Some(rect) = self.rect(ui) else {
            return false;
        };
        let is_out = rect.top() > seen.bottom() || rect.bottom() < seen.top();
        if is_out {
            let (_, response) = ui.allocate_exact_size(rect.size(), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, name()));
        }
        is_out
    }

    pub(super) fn note(&mut self, ui: &Ui, height: f32) {
        self.0 = Some((Measure::of(ui), height));
    }
}
