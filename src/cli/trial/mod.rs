//! What `bench` and `load` share: conversations with the ordinary session and client, on made-up sound, with a server of
//! our own or any endpoint.
//!
//! ```text
//!  plan ─ how many now ─▶ pool ─ begins, ends ─▶ conversation ×n ─ Report ─▶ tally ─▶ report::…
//!                                                │ session, client           ▲
//!  fleet (audio) ◀── speak ──────────────────────┤                  meter ───┘ processor, memory, once a second
//!  place: servers in processes of their own ◀────┘ sockets
//! ```

pub(super) mod conversation;
pub(super) mod meter;
pub(super) mod output;
pub(super) mod place;
pub(super) mod plan;
pub(super) mod pool;
pub(super) mod progress;
pub(super) mod spend;
pub(super) mod tally;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::{Global, Problem};
use crate::audio::fleet;
use crate::profile::{DEFAULT, Profile};
use crate::report::figures::Circumstances;
use crate::settings::config::ConfigFile;
use crate::settings::paths::Paths;
use crate::settings::profiles::Profiles;

/// What is spoken unless files are given: mono, 16 bit.
const QUESTION: &[u8] = include_bytes!("../../../assets/speech/question.wav");

/// The user's files, as far as a trial needs them.
pub(super) struct Files {
    pub(super) paths: Paths,
    pub(super) config: ConfigFile,
    pub(super) profiles: Profiles,
}

impl Files {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// A faulty file that was named.
    pub(super) fn read(global: &Global) -> Result<Self, Problem> {
        let paths = Paths::find(global.config.as_deref());
        let (config, fault) = ConfigFile::load(paths.config_file());
        if global.config.is_some()
            && let Some(fault) = fault
        {
            return Err(Problem::usage(fault));
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
    pub(super) fn profile(&self, name: Option<&str>) -> Result<Arc<Profile>, Problem> {
        let found = self.profiles.get(name.unwrap_or(DEFAULT));
        found.map_err(|unknown| Problem::usage(format!("--profile: {unknown}")))
    }
}

/// What is said, one after the other.
///
/// # Errors
///
/// A file that cannot be used.
pub(super) fn utterances(files: &[PathBuf]) -> Result<Vec<Arc<[f32]>>, Problem> {
    if files.is_empty() {
        let question = fleet::utterance_of(QUESTION).context("the bundled question")?;
        return Ok(vec![question]);
    }
    let read = |file: &PathBuf| fleet::utterance(file);
    let read: Result<Vec<_>, _> = files.iter().map(read).collect();
    read.map_err(|error| Problem::usage(error.to_string()).hint("Check the names after --input."))
}

/// The circumstances of a run that begins now.
pub(super) fn circumstances(place: &place::Place, sound: &str) -> Circumstances {
    Circumstances {
        made: jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build: if cfg!(debug_assertions) {
            "test"
        } else {
            "optimised"
        }
        .to_owned(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        cores: crate::probe::Probe::cores(),
        endpoint: place.words.clone(),
        sound: sound.to_owned(),
        think_ms: place.think_ms,
        cut_short: None,
        spent_usd: None,
    }
}

/// Reads an earlier report.
///
/// # Errors
///
/// A file that is none.
pub(super) fn earlier<T: serde::de::DeserializeOwned>(
    file: &Path,
    schema: &str,
) -> Result<T, Problem> {
    let fail = |what: String| {
        let hint = format!("--compare takes the JSON file of an earlier report ({schema}).");
        Err(Problem::usage(format!("{}: {what}", file.display())).hint(hint))
    };
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
