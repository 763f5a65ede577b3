//! The settings as the window was shown them last, and what they were made of.

use std::path::PathBuf;
use std::sync::Arc;

use super::snapshot::{DesktopView, SettingsView};
use crate::audio::DeviceChoice;
use crate::profile::{Profile, ProfileOrigin};
use crate::settings::config::{Config, Places};

/// The settings as they were shown last.
pub(super) struct ShownSettings {
    /// The folder for conversations and logs.
    pub(super) state: Option<PathBuf>,
    pub(super) made_of: Option<MadeOf>,
    pub(super) view: Arc<SettingsView>,
    pub(super) desktop: DesktopView,
}

/// What the view was made of.
pub(super) struct MadeOf {
    pub(super) config: Config,
    pub(super) places: Arc<Places>,
    pub(super) chosen: Arc<Profile>,
    pub(super) origin: Option<Arc<ProfileOrigin>>,
    pub(super) devices: [DeviceChoice; 2],
}

impl ShownSettings {
    /// Nothing is known yet.
    pub(super) fn new(state: Option<PathBuf>) -> Self {
        Self {
            state,
            made_of: None,
            view: Arc::default(),
            desktop: DesktopView::default(),
        }
    }
}
