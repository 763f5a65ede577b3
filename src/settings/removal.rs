//! Removes everything that the program keeps on this computer.

use std::path::Path;

use super::config::choices_beside;
use super::paths::Paths;
use super::profiles::SCHEMA;
use crate::file::removal::{NotRemoved, remove, remove_empty, remove_own, remove_those};

/// Removes conversations with their sound, figures and alerts, logs, the settings with the user's profiles, and the key file; and
/// the folders, where nothing else is in them. What the user put there, or had exported elsewhere, stays; so does a key in the
/// keyring or in a variable. To be called when nothing writes there any more. Returns what could not be removed.
#[must_use]
pub fn remove_everything(paths: &Paths) -> Vec<NotRemoved> {
    let mut left = remove_own(&paths.state().join("logs"));
    left.extend(remove_own(paths.state()));
    if let Some(config) = paths.config_file() {
        left.extend(remove(&choices_beside(&config)));
        left.extend(remove(&config));
    }
    left.extend(paths.key().and_then(|key| remove(&key)));
    if let Some(profiles) = paths.profiles() {
        let is_profile = |path: &Path| {
            let is_schema = path.file_name().is_some_and(|name| name == SCHEMA);
            is_schema || path.extension().is_some_and(|ending| ending == "yaml")
        };
        left.extend(remove_those(&profiles, |path, _| is_profile(path)));
    }
    if let Some(folder) = paths.config_folder() {
        remove_empty(folder);
    }
    left
}
