//! All profiles: the built-ins, and the user's files over them.
//!
//! A bad file never takes a profile away: its last good version stays, or the built-in of that name, and the fault is
//! told in words. Reading the files is the business of `settings`; here is only what follows from their text.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::{AUTO, BUILTINS, Profile, builtin};
use crate::base::nearest::nearest;
use crate::base::printable::escaped;
use crate::base::words::sentence;

/// A user's file as it was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its path, as errors should name it.
    pub file: String,
    /// Its bytes, or why they could not be read, in words.
    pub text: Result<Vec<u8>, String>,
}

/// All profiles that can be chosen.
#[derive(Clone, Debug)]
pub struct Store {
    entries: Vec<Entry>,
    faults: Vec<String>,
}

/// A profile and where it comes from.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The checked profile.
    pub profile: Arc<Profile>,
    /// The user's file; `None` for a built-in.
    pub file: Option<String>,
}

/// No profile has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnknownProfile {
    /// The name asked for.
    pub name: String,
    /// The name that was probably meant.
    pub suggestion: Option<String>,
    /// All names, in order.
    pub known: Vec<String>,
}

impl fmt::Display for UnknownProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown profile `{}`", self.name)?;
        match &self.suggestion {
            Some(meant) => write!(f, ": did you mean `{meant}`? ")?,
            None => f.write_str(". ")?,
        }
        write!(f, "There are: {}", self.known.join(", "))
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

impl Store {
    /// The built-ins alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            entries: builtins().collect(),
            faults: Vec::new(),
        }
    }

    /// Takes over the user's files as they are now; files that are gone take their profiles with them. Returns what is
    /// wrong with them in words, each with what is used instead.
    pub fn update(&mut self, mut files: Vec<Found>) -> &[String] {
        files.sort_by(|a, b| a.file.cmp(&b.file));
        let before = std::mem::take(self);
        for found in files {
            match read(&found) {
                Ok(profile) => self.add(profile, &found.file),
                Err(fault) => {
                    let last = before
                        .entries
                        .iter()
                        .find(|entry| entry.file.as_ref() == Some(&found.file));
                    let instead = match last {
                        Some(last) => {
                            self.add(Arc::clone(&last.profile), &found.file);
                            format!(
                                " Its last good version, `{}`, stays in use.",
                                last.profile.name
                            )
                        }
                        None => left_out(&found.file),
                    };
                    let fault = sentence(&fault.to_string());
                    self.faults.push(format!("{fault}{instead}"));
                }
            }
        }
        self.sort();
        &self.faults
    }

    /// All profiles: those of the built-ins' names first, then the others by name.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What was wrong with the files at the last update.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// The profile of this name.
    pub fn get(&self, name: &str) -> Result<Arc<Profile>, UnknownProfile> {
        self.entry(name).map(|entry| Arc::clone(&entry.profile))
    }

    /// The profile of this name as complete YAML: a built-in as it is shipped, with its comments, a user's written out.
    pub fn show(&self, name: &str) -> Result<String, UnknownProfile> {
        let entry = self.entry(name)?;
        let shipped = BUILTINS
            .iter()
            .chain([&AUTO])
            .find(|(builtin, _)| entry.file.is_none() && *builtin == name);
        Ok(match (shipped, &entry.file) {
            (Some((_, text)), _) => (*text).to_owned(),
            (None, Some(file)) => format!(
                "# From {}; what it leaves out is filled in.\n{}",
                escaped(file),
                entry.profile.to_yaml()
            ),
            (None, None) => entry.profile.to_yaml(),
        })
    }

    fn entry(&self, name: &str) -> Result<&Entry, UnknownProfile> {
        self.entries
            .iter()
            .find(|entry| entry.profile.name == name)
            .ok_or_else(|| {
                let known: Vec<String> = self
                    .entries
                    .iter()
                    .map(|entry| entry.profile.name.clone())
                    .collect();
                UnknownProfile {
                    name: name.to_owned(),
                    suggestion: nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
                    known,
                }
            })
    }

    /// Puts a user's profile in; a built-in of its name gives way, another file of its name does not.
    fn add(&mut self, profile: Arc<Profile>, file: &str) {
        let entry = Entry {
            profile,
            file: Some(file.to_owned()),
        };
        let name = &entry.profile.name;
        match self.entries.iter_mut().find(|known| known.profile.name == *name) {
            Some(known) => match &known.file {
                Some(other) => self.faults.push(format!(
                    "{file}: the profile `{name}` is in {other} already. That one is used: give one of the two another `name:`."
                )),
                None => *known = entry,
            },
            None => self.entries.push(entry),
        }
    }

    fn sort(&mut self) {
        let rank = |entry: &Entry| {
            let mut names = BUILTINS.iter().chain([&AUTO]);
            names
                .position(|(name, _)| *name == entry.profile.name)
                .unwrap_or(usize::MAX)
        };
        self.entries.sort_by(|a, b| {
            rank(a)
                .cmp(&rank(b))
                .then_with(|| a.profile.name.cmp(&b.profile.name))
        });
    }
}

fn builtins() -> impl Iterator<Item = Entry> {
    BUILTINS
        .iter()
        .chain([&AUTO])
        .filter_map(|(name, _)| builtin(name))
        .map(|profile| Entry {
            profile,
            file: None,
        })
}

fn read(found: &Found) -> Result<Arc<Profile>, String> {
    let text = found
        .text
        .as_ref()
        .map_err(|why| format!("{}: {why}", found.file))?;
    Profile::parse(&found.file, text)
        .map(Arc::new)
        .map_err(|faults| faults.to_string())
}

/// What is used instead of a file that was never good.
fn left_out(file: &str) -> String {
    let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str());
    match stem.filter(|stem| builtin(stem).is_some()) {
        Some(name) => format!(" The file is left out: the built-in `{name}` is used."),
        None => " The file is left out.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_ins_come_first_and_others_by_name() {
        let mut store = Store::new();
        assert!(
            store
                .update(vec![
                    found("z.yaml", "target_ms: 500"),
                    found("a.yaml", "target_ms: 500")
                ])
                .is_empty()
        );
        assert_eq!(
            names(&store),
            ["ultra-fast", "balanced", "high-quality", "auto", "a", "z"]
        );
    }

    #[test]
    fn a_user_file_replaces_a_built_in_and_starts_from_it() {
        let mut store = Store::new();
        store.update(vec![found("ultra-fast.yaml", "turn: {patience_ms: 250}")]);
        let profile = store.get("ultra-fast").expect("known");
        assert_eq!(profile.turn.patience.as_millis(), 250);
        assert_eq!(profile.target.as_millis(), 200, "from the built-in");
        assert_eq!(profile.label, "Ultra-fast", "from the built-in");
        store.update(vec![]);
        assert_eq!(
            store
                .get("ultra-fast")
                .expect("known")
                .turn
                .patience
                .as_millis(),
            300,
            "the file is gone"
        );
    }

    #[test]
    fn extends_names_the_base() {
        let mut store = Store::new();
        store.update(vec![
            found("mine.yaml", "extends: high-quality\ntarget_ms: 450"),
            found("plain.yaml", "target_ms: 450"),
        ]);
        let period = |name: &str| store.get(name).expect("known").audio.period_frames;
        assert_eq!((period("mine"), period("plain")), (1024, 512));
        assert_eq!(store.get("mine").expect("known").label, "mine");
    }

    #[test]
    fn a_bad_edit_keeps_the_last_good_version() {
        let mut store = Store::new();
        store.update(vec![found("mine.yaml", "target_ms: 450")]);
        let faults = store.update(vec![found("mine.yaml", "target_ms: fast")]);
        assert_eq!(faults.len(), 1);
        assert!(
            faults[0].starts_with("mine.yaml:1:12: target_ms: is the text \"fast\""),
            "{}",
            faults[0]
        );
        assert!(
            faults[0].contains("last good version, `mine`, stays"),
            "{}",
            faults[0]
        );
        assert_eq!(store.get("mine").expect("kept").target.as_millis(), 450);
        let faults = store.update(vec![unreadable("mine.yaml")]);
        assert!(
            faults[0].contains("mine.yaml: is a directory"),
            "{}",
            faults[0]
        );
        assert_eq!(store.get("mine").expect("kept").target.as_millis(), 450);
    }

    #[test]
    fn a_bad_file_of_a_built_ins_name_leaves_the_built_in() {
        let mut store = Store::new();
        assert_eq!(
            store
                .update(vec![found("balanced.yaml", "target_ms: 1")])
                .len(),
            1
        );
        assert_eq!(
            store.get("balanced").expect("built in").target.as_millis(),
            300
        );
    }

    #[test]
    fn a_name_that_two_files_claim_is_told() {
        let mut store = Store::new();
        let faults = store.update(vec![
            found("b.yaml", "name: same\ntarget_ms: 222"),
            found("a.yaml", "name: same\ntarget_ms: 111"),
        ]);
        assert_eq!(faults.len(), 1);
        assert!(
            faults[0].contains("b.yaml: the profile `same` is in a.yaml already"),
            "{}",
            faults[0]
        );
        assert_eq!(store.get("same").expect("known").target.as_millis(), 111);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let error = Store::new().get("fast").expect_err("no such profile");
        assert_eq!(
            error.to_string(),
            "unknown profile `fast`: did you mean `ultra-fast`? There are: ultra-fast, balanced, high-quality, auto"
        );
        let error = Store::new().get("xyz").expect_err("no such profile");
        assert_eq!(
            error.to_string(),
            "unknown profile `xyz`. There are: ultra-fast, balanced, high-quality, auto"
        );
    }

    fn names(store: &Store) -> Vec<&str> {
        store
            .entries()
            .iter()
            .map(|entry| entry.profile.name.as_str())
            .collect()
    }

    fn found(file: &str, text: &str) -> Found {
        Found {
            file: file.to_owned(),
            text: Ok(text.as_bytes().to_vec()),
        }
    }

    fn unreadable(file: &str) -> Found {
        Found {
            file: file.to_owned(),
            text: Err("is a directory".to_owned()),
        }
    }
}
