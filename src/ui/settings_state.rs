//! The state of the page Settings: which section is shown, what is searched for, what is being typed, what is asked.

use std::collections::BTreeMap;

use eframe::egui::{Align, Response};

use crate::base::keys::Key;
use crate::base::text::t;
use crate::conversation::snapshot::{SettingView, SettingsView};
use crate::newer_version::ReleaseSource;

/// A part of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum SettingsSection {
    #[default]
    General,
    Sound,
    Talking,
    Profile,
    Account,
    Appearance,
    Privacy,
    Diagnostics,
    About,
}

impl SettingsSection {
    pub(super) const ALL: [Self; 9] = [
        Self::General,
        Self::Sound,
        Self::Talking,
        Self::Profile,
        Self::Account,
        Self::Appearance,
        Self::Privacy,
        Self::Diagnostics,
        Self::About,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::General => t!("general"),
            Self::Sound => t!("sound"),
            Self::Talking => t!("talking"),
            Self::Profile => t!("profile-settings"),
            Self::Account => t!("key-and-account"),
            Self::Appearance => t!("appearance"),
            Self::Privacy => t!("privacy"),
            Self::Diagnostics => t!("diagnostics"),
            Self::About => t!("about"),
        }
    }

    /// Where a key of the configuration is shown; `None` for what the window writes itself.
    pub(super) fn of(key: &Key) -> Option<Self> {
        Some(match key.name {
            "input_device" | "output_device" | "volume" | "voice" | "languages"
            | "echo_cancellation" | "lower_other_sound" => Self::Sound,
            // Elsewhere it does nothing.
            "media_keys" if cfg!(not(all(unix, not(target_os = "macos")))) => return None,
            "talk_key" | "global_key" | "release_delay_ms" | "voice_activation" | "detection"
            | "media_keys" | "mute_when_locked" | "window.keep_muted" => Self::Talking,
            "endpoint" => Self::Account,
            "keep" | "keep_audio" | "state" => Self::Privacy,
            // Elsewhere it does nothing.
            "newer_versions" if ReleaseSource::of_this_build().is_none() => return None,
            "newer_versions" => Self::About,
            "window.geometry" | "window.maximized" | "window.muted" | "window.welcome" => {
                return None;
            }
            "profile" | "window.language" | "window.tray" | "window.close_to_tray" => Self::General,
            name if name.starts_with("window.") => Self::Appearance,
            name if name.starts_with("price_") || name.starts_with("spend_") => Self::Account,
            // For other programs.
            _ => Self::Diagnostics,
        })
    }
}

/// A row of the page: the table that its key is in, and the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RowId {
    pub(super) of_profile: bool,
    pub(super) key: &'static str,
}

/// What is being typed into a row, and why it was not taken.
#[derive(Clone, Debug, Default)]
pub(super) struct TypedSetting {
    pub(super) text: String,
    pub(super) fault: Option<String>,
}

/// What is asked before something that cannot be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SettingsQuestion {
    RemoveProfile,
    DeleteConversations,
    RemoveEverything,
}

/// The state of the page.
#[derive(Debug, Default)]
pub(super) struct SettingsState {
    pub(super) section: SettingsSection,
    pub(super) search: String,
    pub(super) typed: BTreeMap<RowId, TypedSetting>,
    /// The row to be brought into view.
    pub(super) goal: Option<RowId>,
    /// What else is to be brought into view, by its title.
    pub(super) place: Option<&'static str>,
    /// The row that somebody came for.
    pub(super) marked: Option<RowId>,
    /// A question, and whether it was asked just now.
    pub(super) question: Option<(SettingsQuestion, bool)>,
    /// Only what differs from the shipped profile is shown.
    pub(super) compares: bool,
    /// The name of a copy of the profile, while it is typed.
    pub(super) copy: Option<String>,
}

impl SettingsState {
    /// Shows a section.
    pub(super) fn show(&mut self, section: SettingsSection) {
        *self = Self {
            section,
            ..Self::default()
        };
    }

    /// Shows the row of a key.
    pub(super) fn show_row(&mut self, row: RowId) {
        let section = if row.of_profile {
            SettingsSection::Profile
        } else {
            let key = crate::settings::config::keys().find(|key| key.name == row.key);
            key.and_then(SettingsSection::of).unwrap_or_default()
        };
        self.show(section);
        (self.goal, self.marked) = (Some(row), Some(row));
    }

    /// Brings a widget into view if it is the place that somebody comes for; what can have the keyboard gets it.
    pub(super) fn arrive(&mut self, widget: &Response, title: &str) {
        if self.place.take_if(|place| *place == title).is_some() {
            widget.scroll_to_me(Some(Align::Center));
            if widget.sense.senses_click() {
                widget.request_focus();
            }
        }
    }

    /// One step back within the page; whether there was one.
    pub(super) fn back(&mut self) -> bool {
        let typed = !std::mem::take(&mut self.typed).is_empty();
        let asked = self.question.take().is_some() | self.copy.take().is_some();
        typed || asked || !std::mem::take(&mut self.search).is_empty()
    }

    /// The rows of the section, each with the heading above it.
    pub(super) fn rows(&self, all: &SettingsView) -> Vec<(String, RowId, SettingView)> {
        let config = all.config.iter().filter_map(|setting| {
            let is_shown = SettingsSection::of(setting.key)? == self.section;
            is_shown.then(|| (String::new(), id(false, setting), setting.clone()))
        });
        let profile = all.profile.keys.iter().filter_map(|setting| {
            let differs = !self.compares || setting.value != setting.usual;
            let is_shown = self.section == SettingsSection::Profile && differs;
            let group = group_title(setting.key.parts().0).to_owned();
            is_shown.then(|| (group, id(true, setting), setting.clone()))
        });
        config.chain(profile).collect()
    }
}

pub(super) const fn id(of_profile: bool, setting: &SettingView) -> RowId {
    RowId {
        of_profile,
        key: setting.key.name,
    }
}

/// What people call a group of a profile's keys.
pub(super) fn group_title(group: &str) -> &'static str {
    match group {
        "audio" => t!("microphone-and-speaker"),
        "detector" => t!("detecting-speech"),
        "turn" => t!("taking-turns"),
        "turn.automatic" => t!("detection-by-the-service"),
        "live" => t!("what-the-service-is-asked"),
        "auto" => t!("choosing-among-profiles"),
        "alerts" => t!("alerts"),
        _ => t!("the-profile"),
    }
}

/// What people call the key of a row.
pub(super) fn title(row: RowId) -> String {
    let of_profile = || crate::profile::fields().find(|key| key.name == row.key);
    let of_config = || crate::settings::config::keys().find(|key| key.name == row.key);
    let key = if row.of_profile {
        of_profile()
    } else {
        of_config()
    };
    key.map_or_else(|| row.key.to_owned(), Key::title)
}

/// The rows of the keys that a text names in backquotes, each once.
pub(super) fn named_in(text: &str, all: &SettingsView) -> Vec<RowId> {
    let config = all.config.iter().map(|setting| id(false, setting));
    let profile = all.profile.keys.iter().map(|setting| id(true, setting));
    let rows: Vec<RowId> = config.chain(profile).collect();
    let mut named = Vec::new();
    for quoted in text.split('`').skip(1).step_by(2) {
        let key = quoted.split(':').next().unwrap_or_default();
        let row = rows.iter().find(|row| row.key == key);
        named.extend(row.filter(|row| !named.contains(*row)));
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::keys::Value;
    use crate::conversation::snapshot::SettingOrigin;

    #[test]
    fn a_text_leads_to_the_keys_that_it_names() {
        let setting = |key: &'static Key| SettingView {
            key,
            value: Value::None,
            usual: Value::None,
            origin: SettingOrigin::Shipped,
        };
        let mut all = SettingsView {
            config: crate::settings::config::keys().map(setting).collect(),
            ..SettingsView::default()
        };
        all.profile.keys = crate::profile::fields().map(setting).collect();
        let text = "Set `detection: manual`, or `turn.detection: manual` in the profile; `detection` goes first, `x` nowhere.";
        let named = named_in(text, &all);
        let named: Vec<_> = named.iter().map(|row| (row.of_profile, row.key)).collect();
        assert_eq!(named, [(false, "detection"), (true, "turn.detection")]);
        assert_eq!(named_in("The volume is low.", &all), []);
    }

    #[test]
    fn every_key_but_the_place_of_the_window_is_in_a_section() {
        // Only a published package looks for newer versions.
        let without: Vec<_> = crate::settings::config::keys()
            .filter(|key| SettingsSection::of(key).is_none())
            .map(|key| key.name)
            .collect();
        assert_eq!(
            without,
            [
                "newer_versions",
                "window.muted",
                "window.welcome",
                "window.geometry",
                "window.maximized"
            ]
        );
    }
}
