//! What the window follows as soon as a setting changes, wherever it was changed: language, contrast, motion.

use eframe::egui::Context;

use super::theme;
use crate::base::keys::Scalar;
use crate::base::text::{self, Locale, t};
use crate::conversation::snapshot::SettingsView;
use crate::settings::config::Window;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WindowLook {
    language: Locale,
    high_contrast: bool,
    /// Nothing moves with voices.
    pub(super) reduced_motion: bool,
}

impl WindowLook {
    /// As the window begins, with the theme that the rest is built on.
    pub(super) fn begin(ctx: &Context, window: &Window) -> Self {
        let look = Self {
            language: window.language,
            high_contrast: window.high_contrast,
            reduced_motion: window.reduced_motion,
        };
        theme::install(ctx, look.high_contrast);
        look
    }

    /// Takes in settings that are new.
    pub(super) fn follow(&mut self, ctx: &Context, settings: &SettingsView) {
        let new = Self {
            language: value(settings, "window.language").unwrap_or(self.language),
            high_contrast: value(settings, "window.high_contrast").unwrap_or(self.high_contrast),
            reduced_motion: value(settings, "window.reduced_motion").unwrap_or(self.reduced_motion),
        };
        if new.language != self.language {
            text::set(new.language);
        }
        if new.high_contrast != self.high_contrast {
            theme::install(ctx, new.high_contrast);
        }
        *self = new;
    }
}

/// What a window that is opened again follows: its look as it was left, and the settings as they are now.
pub(super) fn as_now(left: Window, settings: &SettingsView) -> Window {
    let flag = |name, left| value(settings, name).unwrap_or(left);
    Window {
        high_contrast: flag("window.high_contrast", left.high_contrast),
        reduced_motion: flag("window.reduced_motion", left.reduced_motion),
        language: value(settings, "window.language").unwrap_or(left.language),
        welcome: value(settings, "window.welcome").unwrap_or(left.welcome),
        ..left
    }
}

/// The title of the window.
pub(super) fn title(demo: bool) -> &'static str {
    if demo {
        t!("sovereign-demo")
    } else {
        t!("sovereign")
    }
}

/// The value of a key of the configuration.
pub(super) fn value<T: Scalar>(settings: &SettingsView, name: &str) -> Option<T> {
    let setting = settings
        .config
        .iter()
        .find(|setting| setting.key.name == name)?;
    T::from_value(setting.value.clone())
}
