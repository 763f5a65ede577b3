//! The common part of `bench` and `load` in the terminal: the user's files, earlier reports, the exit status.

pub(super) mod output;
pub(super) mod progress;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::global::Global;
use super::output::say;
use super::start_conversation;
use crate::base::problem::Problem;
use crate::lab::user_files::UserFiles;
use crate::profile::{DEFAULT, Profile};
use crate::report::limit_verdict::{LimitCheck, failed};
use crate::report::results::Circumstances;
use crate::settings::config::ConfigFile;
use crate::settings::paths::Paths;
use crate::settings::profiles::Profiles;

impl UserFiles {
    /// Reads them.
    pub(super) fn read(global: &Global) -> Result<Self, Problem> {
        let paths = Paths::find(global.config.as_deref());
        let (config, _) = ConfigFile::load(paths.config_file());
        start_conversation::refuse_named(global, &config)?;
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
    pub(super) fn profile(&self, name: Option<&str>) -> Result<Arc<Profile>, Problem> {
        let found = self.profiles.get(name.unwrap_or(DEFAULT));
        found.map_err(|unknown| Problem::usage(format!("--profile: {unknown}")))
    }
}

/// Refuses to compare runs with `differences`.
pub(super) fn alike(differences: Vec<String>) -> Result<(), Problem> {
    if differences.is_empty() {
        return Ok(());
    }
    let what = format!(
        "--compare: the earlier run was another one: {}",
        differences.join("; ")
    );
    Err(Problem::usage(what).hint("Repeat the run with the options of the earlier one."))
}

/// The exit status of a judged run: 1 if a limit was missed, or could not be judged although the run came to its end.
pub(super) fn status(checks: &[LimitCheck], run: &Circumstances) -> ExitCode {
    if failed(checks, run.cut_short.is_some()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Reads an earlier report.
pub(super) fn earlier<T: serde::de::DeserializeOwned>(
    file: &Path,
    schema: &str,
) -> Result<T, Problem> {
    let fail = |what: String| {
        let hint = format!("--compare takes the JSON file of an earlier report ({schema}).");
        Err(Problem::usage(format!("{}: {what}", file.display())).hint(hint))
    };
    if super::output_files::is_pipe(file) {
        return fail("it is a pipe".to_owned());
    }
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(error) => return fail(format!("it cannot be read: {error}")),
    };
    let value: serde_json::Value = match serde_json::from_slice(&text) {
        Ok(value) => value,
        Err(error) => return fail(format!("it is no JSON: {error}")),
    };
    match value.get("schema").and_then(serde_json::Value::as_str) {
        Some(found) if found == schema => {}
        Some(found) => return fail(format!("it is a {found:?}, expected is {schema:?}")),
        None => return fail("it names no schema".to_owned()),
    }
    serde_json::from_value(value)
        .or_else(|error| fail(format!("it does not hold to its schema: {error}")))
}
