//! All profiles: the built-ins, and the user's files over them.
//!
//! A bad file never takes a profile away: its last good version stays, or the built-in of that name, and the fault is
//! told in words. Reading the files is the business of `settings`; here is only what follows from their text.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::{Profile, ProfileOrigin, SWITCH, builtin, shipped};
use crate::base::did_you_mean::nearest;
use crate::base::plural::sentence;
use crate::base::printable::escaped;
use crate::base::text::t;
use crate::base::yaml::YamlError;

#[derive(Clone, Debug)]
pub struct FoundFile {
    /// Its path, as errors should name it.
    pub file: String,
    /// Its bytes, or why they could not be read, in words.
    pub text: Result<Vec<u8>, String>,
}

/// All profiles that can be chosen.
#[derive(Clone, Debug)]
pub struct ProfileStore {
    entries: Vec<ProfileEntry>,
    faults: Vec<String>,
    /// Files that are left out, by the name that their profile would have, and the fault of each.
    left_out: Vec<(String, String)>,
}

/// A profile and where it comes from.
#[derive(Clone, Debug)]
pub struct ProfileEntry {
    pub profile: Arc<Profile>,
    /// The user's file; `None` for a built-in.
    pub file: Option<String>,
    /// What its file says itself; `None` for a built-in.
    pub origin: Option<Arc<ProfileOrigin>>,
    /// Warnings about its model, with positions in the file.
    pub warnings: Vec<YamlError>,
}

impl ProfileEntry {
    /// The shipped profile that it starts from; a shipped one itself.
    pub fn base(&self) -> &Arc<Profile> {
        self.origin
            .as_ref()
            .map_or(&self.profile, |origin| &origin.base)
    }

    /// Whether the program ships a profile of this name.
    pub fn is_shipped(&self) -> bool {
        builtin(&self.profile.name).is_some()
    }
}

/// No profile has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnknownProfile {
    pub name: String,
    /// The name that was probably meant.
    pub suggestion: Option<String>,
    /// All names, in order.
    pub known: Vec<String>,
    /// What is wrong with the file that is called so, if there is one.
    pub fault: Option<String>,
}

impl fmt::Display for UnknownProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fault) = &self.fault {
            return f.write_str(&t!("the-profile-cannot-be-used", name = self.name, fault));
        }
        let (name, known) = (&self.name, self.known.join(", "));
        f.write_str(&match &self.suggestion {
            Some(meant) => t!("unknown-profile-did-you-mean", name, meant, known),
            None => t!("unknown-profile", name, known),
        })
    }
}

impl Default for ProfileStore {
    fn default() -> Self {
        Self::new()
    }
}

impl ProfileStore {
    /// The built-ins alone.
    pub fn new() -> Self {
        Self {
            entries: builtins().collect(),
            faults: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Takes over the user's files as they are now; files that are gone take their profiles with them. Returns what is
    /// wrong with them in words, each with what is used instead.
    pub fn update(&mut self, mut files: Vec<FoundFile>) -> &[String] {
        files.sort_by(|a, b| a.file.cmp(&b.file));
        let before = std::mem::take(self);
        for found in files {
            match read(&found) {
                Ok(entry) => self.add(entry, &found.file),
                Err(fault) => {
                    let last = before
                        .entries
                        .iter()
                        .find(|entry| entry.file.as_ref() == Some(&found.file));
                    let instead = match last {
                        Some(last) => {
                            self.add(last.clone(), &found.file);
                            t!("its-last-good-version", name = last.profile.name)
                        }
                        None => {
                            let name = stem(&found.file).unwrap_or_default();
                            self.left_out.push((name.to_owned(), fault.clone()));
                            left_out(&found.file)
                        }
                    };
                    let fault = sentence(&fault);
                    self.faults.push(format!("{fault}{instead}"));
                }
            }
        }
        self.sort();
        &self.faults
    }

    /// All profiles: those of the built-ins' names first, then the others by name.
    pub fn entries(&self) -> &[ProfileEntry] {
        &self.entries
    }

    /// What was wrong with the files at the last update.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    pub fn get(&self, name: &str) -> Result<Arc<Profile>, UnknownProfile> {
        self.entry(name).map(|entry| Arc::clone(&entry.profile))
    }

    /// The profile of this name as complete YAML: a built-in as it is shipped, with its comments, a user's written out.
    pub fn show(&self, name: &str) -> Result<String, UnknownProfile> {
        let entry = self.entry(name)?;
        if let (None, Some(text)) = (&entry.file, shipped(name)) {
            return Ok(text);
        }
        let from = entry.file.as_ref().map_or_else(String::new, |file| {
            let file = escaped(file);
            format!("# From {file}; what it leaves out is filled in.\n")
        });
        Ok(from + &entry.profile.to_yaml())
    }

    /// The profile of this name, with where it comes from.
    pub fn entry(&self, name: &str) -> Result<&ProfileEntry, UnknownProfile> {
        self.entries
            .iter()
            .find(|entry| entry.profile.name == name)
            .ok_or_else(|| {
                let known: Vec<String> = self
                    .entries
                    .iter()
                    .map(|entry| entry.profile.name.clone())
                    .collect();
                let mut faulty = self.left_out.iter();
                UnknownProfile {
                    fault: faulty
                        .find(|(left_out, _)| left_out == name)
                        .map(|(_, fault)| fault.clone()),
                    name: name.to_owned(),
                    suggestion: nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
                    known,
                }
            })
    }

    /// Puts a user's profile in; a built-in of its name gives way, another file of its name does not.
    fn add(&mut self, entry: ProfileEntry, file: &str) {
        let name = &entry.profile.name;
        match self
            .entries
            .iter_mut()
            .find(|known| known.profile.name == *name)
        {
            Some(known) => match &known.file {
                Some(other) => self
                    .faults
                    .push(t!("the-profile-is-in-already", file, name, other)),
                None => *known = entry,
            },
            None => self.entries.push(entry),
        }
    }

    fn sort(&mut self) {
        let rank = |entry: &ProfileEntry| {
            SWITCH
                .iter()
                .position(|name| *name == entry.profile.name)
                .unwrap_or(usize::MAX)
        };
        self.entries.sort_by(|a, b| {
            rank(a)
                .cmp(&rank(b))
                .then_with(|| a.profile.name.cmp(&b.profile.name))
        });
    }
}

fn builtins() -> impl Iterator<Item = ProfileEntry> {
    SWITCH
        .iter()
        .filter_map(|name| builtin(name))
        .map(|profile| ProfileEntry {
            profile,
            file: None,
            origin: None,
            warnings: Vec::new(),
        })
}

fn read(found: &FoundFile) -> Result<ProfileEntry, String> {
    let text = found
        .text
        .as_ref()
        .map_err(|why| format!("{}: {why}", found.file))?;
    let profile = Profile::parse(&found.file, text).map_err(|faults| faults.to_string())?;
    Ok(ProfileEntry {
        warnings: profile.warnings(&found.file, text),
        profile: Arc::new(profile),
        origin: ProfileOrigin::of(&found.file, text).map(Arc::new),
        file: Some(found.file.clone()),
    })
}

/// The name that a file gives to its profile, where that has none of its own.
fn stem(file: &str) -> Option<&str> {
    Path::new(file).file_stem().and_then(|stem| stem.to_str())
}

/// What is used instead of a file that was never good.
fn left_out(file: &str) -> String {
    match stem(file).filter(|stem| builtin(stem).is_some()) {
        Some(name) => t!("the-file-is-left-out-built", name),
        None => t!("the-file-is-left-out").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_ins_come_first_and_others_by_name() {
        let mut store = ProfileStore::new();
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
            [
                "ultra-fast",
                "balanced",
                "high-quality",
                "auto",
                "low-data",
                "a",
                "z"
            ]
        );
    }

    #[test]
    fn a_user_file_replaces_a_built_in_and_starts_from_it() {
        let mut store = ProfileStore::new();
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
        let mut store = ProfileStore::new();
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
        let mut store = ProfileStore::new();
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
        let mut store = ProfileStore::new();
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
        let mut store = ProfileStore::new();
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
        let error = ProfileStore::new()
            .get("fast")
            .expect_err("no such profile");
        assert_eq!(
            error.to_string(),
            "unknown profile `fast`: did you mean `ultra-fast`? There are: ultra-fast, balanced, high-quality, auto, low-data"
        );
        let error = ProfileStore::new().get("xyz").expect_err("no such profile");
        assert_eq!(
            error.to_string(),
            "unknown profile `xyz`. There are: ultra-fast, balanced, high-quality, auto, low-data"
        );
    }

    #[test]
    fn a_model_that_writes_down_only_is_no_profile_and_the_reason_is_told_to_who_asks_for_it() {
        let mut store = ProfileStore::new();
        let text = "live:\n  model: gemini-3.5-transcribe-live";
        store.update(vec![found("mine.yaml", text)]);
        let error = store.get("mine").expect_err("it cannot talk");
        assert_eq!(
            error.to_string(),
            "the profile `mine` cannot be used: mine.yaml:2:10: live.model: is `gemini-3.5-transcribe-live`, which writes \
             down what it hears and answers nothing, allowed is a model that talks, such as gemini-3.8-live"
        );
        assert!(store.faults()[0].ends_with("The file is left out."));
    }

    #[test]
    fn warnings_come_with_the_profile_and_go_with_them() {
        let mut store = ProfileStore::new();
        let warnings = |store: &ProfileStore| {
            let entries = store.entries().iter();
            entries.map(|entry| entry.warnings.len()).sum::<usize>()
        };
        let old = "live: {model: gemini-3.1-flash-live-preview}";
        let faults = store.update(vec![found("mine.yaml", old)]);
        assert!(faults.is_empty(), "a warning is no fault: {faults:?}");
        assert_eq!(warnings(&store), 1);
        store.update(vec![found("mine.yaml", "target_ms: fast")]);
        assert_eq!(warnings(&store), 1, "the last good version is in use");
        store.update(vec![found("mine.yaml", "live: {model: gemini-3.8-live}")]);
        assert_eq!(warnings(&store), 0);
    }

    fn names(store: &ProfileStore) -> Vec<&str> {
        store
            .entries()
            .iter()
            .map(|entry| entry.profile.name.as_str())
            .collect()
    }

    fn found(file: &str, text: &str) -> FoundFile {
        FoundFile {
            file: file.to_owned(),
            text: Ok(text.as_bytes().to_vec()),
        }
    }

    fn unreadable(file: &str) -> FoundFile {
        FoundFile {
            file: file.to_owned(),
            text: Err("is a directory".to_owned()),
        }
    }
}
