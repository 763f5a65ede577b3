//! The user's files for a trial.

use std::sync::Arc;

use super::super::global::Global;
use super::super::output::say;
use super::super::problem::Problem;
use super::super::start;
use crate::profile::{DEFAULT, Profile};
use crate::settings::config::ConfigFile;
use crate::settings::paths::Paths;
use crate::settings::profiles::Profiles;

/// The user's files, as far as a trial needs them.
pub(in crate::cli) struct UserFiles {
    pub(in crate::cli) paths: Paths,
    pub(in crate::cli) config: ConfigFile,
    pub(in crate::cli) profiles: Profiles,
}

impl UserFiles {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// A faulty file that was named.
    pub(in crate::cli) fn read(global: &Global) -> Result<Self, Problem> {
        let paths = Paths::find(global.config.as_deref());
        let (config, _) = ConfigFile::load(paths.config_file());
        start::refuse_named(global, &config)?;
        for fault in config.faults() {
            say(&format!("warning: {fault}"));
        }
        let profiles = Profiles::load(paths.profiles());
        Ok(Self {
            paths,
            config,
            profiles,
        })
    }

    /// The profile of this name, or the default one.
    ///
    /// # Errors
    ///
    /// An unknown one.
    pub(in crate::cli) fn profile(&self, name: Option<&str>) -> Result<Arc<Profile>, Problem> {
        let found = self.profiles.get(name.unwrap_or(DEFAULT));
        found.map_err(|unknown| Problem::usage(format!("--profile: {unknown}")))
    }
}
