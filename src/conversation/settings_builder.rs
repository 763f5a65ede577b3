//! What the window shows of the settings: rebuilt when one of them changes.

use std::sync::Arc;

use super::actor::Conversation;
use super::shown_settings::MadeOf;
use super::snapshot::{ProfileView, SettingOrigin, SettingView, SettingsView};
use crate::audio::DeviceChoice;
use crate::base::keys::{Key, Value};
use crate::base::text::t;
use crate::profile::store::ProfileEntry;
use crate::profile::{DEFAULT, Profile};
use crate::settings::config::{self, Config};

/// What is shown in place of a secret.
const HIDDEN: &str = "••••";

impl Conversation {
    /// The settings; the same ones while none has changed.
    pub(super) fn settings_view(&mut self) -> Arc<SettingsView> {
        let chosen = self.profiles.chosen();
        let entry = self.profiles.all.entry(&chosen.name).ok();
        let origin = entry.and_then(|entry| entry.origin.as_ref());
        let devices = [&self.voice.input.choice, &self.voice.output.choice];
        let config = self.settings.config();
        let is_current = self.shown_settings.made_of.as_ref().is_some_and(|of| {
            of.config == *config
                && Arc::ptr_eq(&of.places, self.settings.places())
                && Arc::ptr_eq(&of.chosen, chosen)
                && of.origin.as_ref().map(Arc::as_ptr) == origin.map(Arc::as_ptr)
                && of.devices.iter().eq(devices)
        });
        if !is_current {
            let view = SettingsView {
                config: config::keys().map(|key| self.config_setting(key)).collect(),
                profile: profile_view(chosen, entry),
                folders: self.folders(),
            };
            let made_of = MadeOf {
                config: config.clone(),
                places: Arc::clone(self.settings.places()),
                chosen: Arc::clone(chosen),
                origin: origin.cloned(),
                devices: devices.map(Clone::clone),
            };
            self.shown_settings.made_of = Some(made_of);
            self.shown_settings.view = Arc::new(view);
        }
        Arc::clone(&self.shown_settings.view)
    }

    fn config_setting(&self, key: &'static Key) -> SettingView {
        let config = self.settings.config();
        let written = config.value_of(key.name);
        let usual = Config::default().value_of(key.name);
        let (value, usual) = match key.name {
            "profile" => {
                let chosen = self.profiles.chosen().name.clone();
                (Value::Text(chosen), Value::Text(DEFAULT.to_owned()))
            }
            "input_device" => (device(&self.voice.input.choice), usual),
            "output_device" => (device(&self.voice.output.choice), usual),
            "endpoint" => {
                let given = self.settings.given_endpoint();
                (
                    given.map_or(written.clone(), |given| Value::Text(given.to_owned())),
                    usual,
                )
            }
            _ => (written.clone(), usual),
        };
        let place = self.settings.places().get(key.name);
        let is_given = value != written && !(written == Value::None && value == usual);
        let origin = match place {
            _ if is_given => SettingOrigin::Start,
            Some(place) => SettingOrigin::File(place.clone()),
            None if value == usual => SettingOrigin::Shipped,
            None => SettingOrigin::Chosen,
        };
        let value = if key.secret && value != Value::None {
            Value::Text(HIDDEN.to_owned())
        } else {
            value
        };
        SettingView {
            key,
            value,
            usual,
            origin,
        }
    }

    fn folders(&self) -> Vec<(&'static str, String)> {
        let config = self.settings.config_path().map(ToOwned::to_owned);
        let profiles = self.profiles.all.folder().map(ToOwned::to_owned);
        let all = [
            (t!("configuration"), config),
            (t!("your-profiles"), profiles),
            (
                t!("conversations-and-logs"),
                self.shown_settings.state.clone(),
            ),
        ];
        let all = all.into_iter();
        all.filter_map(|(what, path)| Some((what, path?.display().to_string())))
            .collect()
    }
}

fn device(choice: &DeviceChoice) -> Value {
    match choice {
        DeviceChoice::Default => Value::None,
        DeviceChoice::Id(id) => Value::Text(id.clone()),
    }
}

/// A profile with its keys; one that chooses among others has few, and others do not have those.
fn profile_view(profile: &Arc<Profile>, entry: Option<&ProfileEntry>) -> ProfileView {
    let base = entry.map_or(profile, |entry| entry.base());
    let file = entry.and_then(|entry| entry.file.clone());
    let lines = entry
        .and_then(|entry| entry.origin.as_ref())
        .map(|origin| &origin.lines);
    let place = |key: &Key| {
        let line = lines?.get(key.name)?;
        Some(format!("{}:{line}", file.as_deref()?))
    };
    let has = |key: &Key| match key.parts().0 {
        "" => key.name != "name",
        "alerts" => true,
        "auto" => profile.auto.is_some(),
        _ => profile.auto.is_none(),
    };
    let values = profile.values().into_iter().zip(base.values());
    let keys = crate::profile::fields()
        .zip(values)
        .filter(|(key, _)| has(key));
    let keys = keys.map(|(key, (value, usual))| SettingView {
        key,
        value,
        usual,
        origin: place(key).map_or(SettingOrigin::Shipped, SettingOrigin::File),
    });
    ProfileView {
        name: profile.name.clone(),
        label: profile.label.clone(),
        is_shipped: entry.is_some_and(ProfileEntry::is_shipped),
        base: (base.name.clone(), base.label.clone()),
        keys: keys.collect(),
        file,
    }
}
