//! Preferences of the window, kept from one start to the next.

use std::sync::{Arc, Mutex};

use eframe::egui::ThemePreference;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preferences {
    /// How much the latency panel shows: 0 nothing, 1 the number, 2 with graphs, 3 everything.
    pub panel: u8,
    pub theme: ThemeChoice,
    /// Width and height of the window in points, as they are while it does not fill the screen.
    pub size: [f32; 2],
    /// Left and top edge on the desktop in points, if the system reports them.
    pub position: Option<[f32; 2]>,
    /// Whether it fills the screen.
    pub maximized: bool,
    /// Size of everything; 1.0 is that of the system.
    pub zoom: f32,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            panel: 3,
            theme: ThemeChoice::System,
            size: [1100.0, 720.0],
            position: None,
            maximized: false,
            zoom: 1.0,
        }
    }
}

/// The present preferences, for the code that stores them at the end.
pub type Left = Arc<Mutex<Preferences>>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThemeChoice {
    /// That of the system; dark where it does not say.
    #[default]
    System,
    Dark,
    Light,
}

impl ThemeChoice {
    pub(super) const fn preference(self) -> ThemePreference {
        match self {
            Self::System => ThemePreference::System,
            Self::Dark => ThemePreference::Dark,
            Self::Light => ThemePreference::Light,
        }
    }

    pub(super) const fn of(preference: ThemePreference) -> Self {
        match preference {
            ThemePreference::System => Self::System,
            ThemePreference::Dark => Self::Dark,
            ThemePreference::Light => Self::Light,
        }
    }
}
