//! Where a choice made in the window is kept: in the user's file where only its own line changes, else in a file of the
//! program's own beside it.
//!
//! The user's file goes first: each choice is kept with what that file said when it was made, and holds for as long as the
//! file says so. An edit by hand ends it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::protective_keys::protects;
use super::reading::{self, ConfigReading, Occasion};
use super::table::{KEYS, with_partners};
use super::values::Config;
use crate::base::text::t;
use crate::base::yaml::{self, edit, quoted};
use crate::file::{self, ReadError};

const HEAD: &str = "# Kept by Sovereign: choices made in the window that could not be written into the configuration file without\n\
                    # touching more than their own line. Each holds as long as that file says what it said then. This file may be removed.\n";

/// The choices, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choices(BTreeMap<String, Kept>);

/// A choice; both values are YAML, `None` is nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    chosen: Option<String>,
    instead_of: Option<String>,
}

impl Choices {
    /// Those that are kept beside `config`; the second value says why there may be some that are not read.
    pub(super) fn load(config: &Path) -> (Self, Option<String>) {
        let path = beside(config);
        let fault = |what: String| {
            let left_out = t!("the-choices-in-this-file", what);
            (Self::default(), Some(left_out))
        };
        let bytes = match file::read(&path) {
            Ok(bytes) => bytes,
            Err(ReadError::Missing) => return (Self::default(), None),
            Err(error) => return fault(format!("{}: {error}", path.display())),
        };
        match yaml::parse(&path.display().to_string(), &bytes) {
            Ok(kept) => (Self(kept), None),
            Err(error) => fault(error.to_string()),
        }
    }

    /// Writes them beside `config`, or removes the file if there are none.
    pub(super) fn save(&self, config: &Path) -> io::Result<()> {
        let path = beside(config);
        if self.0.is_empty() {
            return match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let value = |value: &Option<String>| value.as_deref().map_or("null".to_owned(), quoted);
        let mut text = HEAD.to_owned();
        for (key, kept) in &self.0 {
            let (chosen, instead_of) = (value(&kept.chosen), value(&kept.instead_of));
            writeln!(
                text,
                "{key}: {{chosen: {chosen}, instead_of: {instead_of}}}"
            )
            .ok();
        }
        file::write_private(&path, text.as_bytes())
    }

    /// Keeps that `wanted` has another value for `key` than `written`, what the user's file says.
    pub(super) fn keep(&mut self, key: &str, wanted: &Config, written: &Config) {
        let kept = Kept {
            chosen: wanted.value(key),
            instead_of: written.value(key),
        };
        self.0.insert(key.to_owned(), kept);
    }

    /// Forgets the choice of a key, which the user's file holds now.
    pub(super) fn forget(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Whether both say the same of a key.
    pub(super) fn says_as(&self, other: &Self, key: &str) -> bool {
        self.0.get(key) == other.0.get(key)
    }

    /// Whether a choice for this key is kept and holds, where the user's file says `written`.
    pub(super) fn holds(&self, key: &str, written: &Config) -> bool {
        let is_key = KEYS.iter().any(|row| row.name == key) && !protects(key);
        let kept = self.0.get(key).filter(|_| is_key);
        kept.is_some_and(|kept| kept.instead_of == written.value(key))
    }

    /// `written`, what the user's file says, with the choices that hold.
    pub(super) fn over(&self, written: &Config) -> Config {
        let mut config = written.clone();
        for (key, kept) in &self.0 {
            if !self.holds(key, written) {
                continue;
            }
            let line = edit::proposals("", key, kept.chosen.as_deref());
            let read = line
                .first()
                .map(|line| reading::read("", line.as_bytes(), written, Occasion::First));
            if let Some(read) = read.filter(|read| read.faults.is_empty()) {
                config.adopt(key, &read.config);
            }
        }
        config
    }
}

/// `config.choices.yaml` beside `config.yaml`.
pub(in crate::settings) fn beside(config: &Path) -> PathBuf {
    config.with_extension("choices.yaml")
}

/// A text and what it means, with one key set to what `wanted` has for it (or taken out, where that is the same), and all else
/// as it was written; with what it means then. `None` where that cannot be.
pub(super) fn with_choice(
    (text, read): (&str, &ConfigReading),
    (key, without): (&str, bool),
    wanted: &Config,
    occasion: Occasion,
) -> Option<(String, ConfigReading)> {
    let mut meant = read.config.clone();
    meant.adopt(key, wanted);
    if meant == read.config && !without {
        return Some((text.to_owned(), read.clone()));
    }
    let faults = |reading: &ConfigReading| {
        let faults = reading.faults.iter();
        faults
            .map(|fault| (fault.error.key.clone(), fault.protects))
            .collect::<Vec<_>>()
    };
    let mut proposals = vec![text.to_owned()];
    for key in with_partners(key) {
        let off = KEYS.iter().find(|row| row.name == key)?.none;
        let value = wanted.value(key);
        // Where its line cannot be taken out, a word says that there is none.
        let values = [
            without.then_some(None),
            Some(value.clone()),
            value.is_none().then(|| off.map(str::to_owned)),
        ];
        let edits = |text: &String| {
            let values = values.iter().flatten();
            let edits = values.map(|value| edit::proposals(text, key, value.as_deref()));
            edits.flatten().collect::<Vec<_>>()
        };
        proposals = proposals.iter().flat_map(edits).collect();
    }
    proposals.into_iter().find_map(|text| {
        let again = reading::read("", text.as_bytes(), &read.config, occasion);
        let is_meant = again.config == meant && faults(&again) == faults(read);
        is_meant.then_some((text, again))
    })
}
