//! Every setting, with its value and where that comes from. It is rebuilt only when a setting changes.

use crate::base::keys::{Key, Value};

/// All settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsView {
    /// The keys of the configuration.
    pub config: Vec<SettingView>,
    /// The profile in use.
    pub profile: ProfileView,
    /// Files and folders of this user: what each is for, and its path.
    pub folders: Vec<(&'static str, String)>,
}

impl SettingsView {
    /// Whether this key of the configuration is `on`.
    pub fn is_on(&self, key: &str) -> bool {
        let is_on = |setting: &SettingView| setting.value == Value::Flag(true);
        self.config
            .iter()
            .any(|setting| setting.key.name == key && is_on(setting))
    }

    /// Nothing but this key, on or off.
    #[cfg(test)]
    pub(crate) fn of_switch(name: &str, on: bool) -> Self {
        let key = crate::settings::config::keys().find(|key| key.name == name);
        let setting = SettingView {
            key: key.expect("a key"),
            value: Value::Flag(on),
            usual: Value::Flag(false),
            origin: SettingOrigin::Chosen,
        };
        Self {
            config: vec![setting],
            ..Self::default()
        }
    }
}

/// The profile in use, and its keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProfileView {
    /// What it is called on the command line.
    pub name: String,
    /// What it is called in the window.
    pub label: String,
    /// The user's file; `None`: it is as it is shipped.
    pub file: Option<String>,
    /// Whether the program ships a profile of this name.
    pub is_shipped: bool,
    /// Name and label of the shipped profile that it starts from.
    pub base: (String, String),
    pub keys: Vec<SettingView>,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingView {
    pub key: &'static Key,
    /// What holds; of a secret only whether there is one.
    pub value: Value,
    /// What holds where nothing is written.
    pub usual: Value,
    pub origin: SettingOrigin,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingOrigin {
    /// It is shipped with the program.
    Shipped,
    /// A line of a file, as `FILE:LINE`, or a file of the program's own.
    File(String),
    /// It was chosen in this run of the program, and is not written yet or could not be.
    Chosen,
    /// It was named on the command line, for this run of the program.
    Start,
}
