//! Fonts of the system for the characters that those of the window lack.

use std::sync::atomic::{AtomicBool, Ordering};

use eframe::egui::epaint::text::{FallbackRequest, FontInsert, FontProvider};
use egui_system_font_provider::SystemFontProvider;

use crate::base::thread::quietly;

/// The system's fonts. The library panics where there is none at all: then the window does with its own.
#[derive(Default)]
pub(super) struct SystemFonts {
    provider: SystemFontProvider,
    has_none: AtomicBool,
}

impl FontProvider for SystemFonts {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        if self.has_none.load(Ordering::Relaxed) {
            return None;
        }
        let found = quietly(|| self.provider.font_for(request));
        self.has_none.store(found.is_none(), Ordering::Relaxed);
        found.flatten()
    }
}
