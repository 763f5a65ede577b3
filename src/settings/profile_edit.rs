//! Changes of profiles that the window asks for, in the user's files: one value, a copy, a removal.
//!
//! A file is read again first, and only the line of the key changes; comments and order stay. A shipped profile is changed by a
//! file of the user that says what differs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::profiles::Profiles;
use crate::base::keys::{Key, Value};
use crate::base::plural::sentence;
use crate::base::text::{in_english, t};
use crate::base::yaml::edit;
use crate::file::{self, ReadError};
use crate::profile::store::ProfileEntry;
use crate::profile::{AUTO, Profile, ProfileOrigin, fields};

/// The longest name that a profile may have.
const LONGEST_NAME: usize = 40;

/// A change of a profile.
#[derive(Clone, Debug, PartialEq)]
pub enum ProfileEdit {
    /// Another value for a key; without one, that of the shipped profile again.
    Set(&'static str, Option<Value>),
    /// A copy with this label.
    Duplicate(String),
    /// Remove the user's file. A shipped profile is as it is shipped then.
    Remove,
}

/// Why a profile was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("{0}")]
    Unknown(String),
    /// It is shipped, so there is nothing to remove.
    #[error("{}", t!("the-profile-is-shipped-with", name = _0))]
    NoFile(String),
    #[error("{}", t!("there-is-no-folder-for-profiles"))]
    Homeless,
    #[error("{file}: {why}")]
    Unreadable {
        file: String,
        /// Why, in words.
        why: String,
    },
    /// What stands in it is faulty; it is left for the user to mend.
    #[error("{}", t!("the-file-is-left-as", fault = sentence(.0)))]
    Faulty(String),
    /// There is a file where one would be made.
    #[error("{}", t!("is-there-already-and-is", file = _0))]
    Exists(String),
    /// The file has another value by now than the one that was to be changed.
    #[error("{}", t!("this-was-changed-in-the", place))]
    Meanwhile {
        /// File and line.
        place: String,
    },
    /// The value does not fit, or does not fit another one.
    #[error("{0}")]
    NotAllowed(String),
    /// The line cannot be changed without touching others.
    #[error("{}", t!("this-cannot-be-changed-by", place, key))]
    ByHand {
        /// File and line.
        place: String,
        key: &'static str,
    },
    #[error("{}", t!("cannot-be-written-make-the", file, error))]
    Refused { file: String, error: io::Error },
}

impl Profiles {
    /// Changes a profile in the user's files, and reads them again. Gives the name of the profile that it is about then.
    ///
    /// # Errors
    ///
    /// Where the change is not possible; then nothing is written.
    pub fn edit(&mut self, name: &str, change: &ProfileEdit) -> Result<String, EditError> {
        let entry = self.entry(name).cloned();
        let entry = entry.map_err(|unknown| EditError::Unknown(unknown.to_string()))?;
        let about = match change {
            ProfileEdit::Set(key, value) => {
                let row = fields().position(|row| row.name == *key);
                let row =
                    row.ok_or_else(|| EditError::Unknown(t!("there-is-no-key-named", key)))?;
                self.set(&entry, row, value.as_ref())?;
                name.to_owned()
            }
            ProfileEdit::Duplicate(label) => self.duplicate(&entry, label)?,
            ProfileEdit::Remove => {
                let file = entry.file.as_ref();
                let file = file.ok_or_else(|| EditError::NoFile(name.to_owned()))?;
                fs::remove_file(file).map_err(|error| refused(file, error))?;
                let stays = entry.is_shipped();
                if stays { name } else { &entry.base().name }.to_owned()
            }
        };
        self.reload();
        Ok(about)
    }

    /// Sets the key of a row; `None`: as shipped.
    fn set(
        &self,
        entry: &ProfileEntry,
        row: usize,
        value: Option<&Value>,
    ) -> Result<(), EditError> {
        let key = fields().nth(row);
        let key = key.ok_or(EditError::Homeless)?;
        let value = value.map(|value| key.accept(value.clone())).transpose();
        let value = value.map_err(EditError::NotAllowed)?;
        let Some(file) = &entry.file else {
            let Some(value) = value else {
                return Ok(());
            };
            return self.begin_file(entry, (row, key), &value);
        };
        let bytes =
            file::read(Path::new(file)).map_err(|error: ReadError| EditError::Unreadable {
                file: file.clone(),
                why: error.to_string(),
            })?;
        let found =
            Profile::parse(file, &bytes).map_err(|faults| EditError::Faulty(faults.to_string()))?;
        let text = String::from_utf8_lossy(&bytes);
        if found.values()[row] != entry.profile.values()[row] {
            let place = place_of(file, &bytes, key);
            return Err(EditError::Meanwhile { place });
        }
        let before = found.values();
        let edited = edited((file, &text), &before, (row, key), value.as_ref());
        let edited = match (edited, &value) {
            // Where its line cannot be taken out, it says what is shipped.
            (Err(EditError::ByHand { .. }), None) => {
                let shipped = &entry.base().values()[row];
                self::edited((file, &text), &before, (row, key), Some(shipped))
            }
            (edited, _) => edited,
        };
        write(file, &edited?)
    }

    /// Writes the user's file of a shipped profile, with one value in it.
    fn begin_file(
        &self,
        entry: &ProfileEntry,
        key: (usize, &'static Key),
        value: &Value,
    ) -> Result<(), EditError> {
        let profile = &entry.profile;
        let file = self.new_file(&profile.name)?;
        let head = format!(
            "# Changes to the shipped profile {}, made in the window. What is not here is as shipped.\n{}",
            profile.label,
            extends(profile)
        );
        let text = edited((&file, &head), &profile.values(), key, Some(value))?;
        write(&file, &text)
    }

    fn duplicate(&self, entry: &ProfileEntry, label: &str) -> Result<String, EditError> {
        let profile = &entry.profile;
        let name = self.free_name(label);
        let file = self.new_file(&name)?;
        let mut copy = Profile::clone(profile);
        (copy.name, copy.label) = (name.clone(), label.trim().to_owned());
        let body = if copy.auto.is_some() {
            in_english(|| copy.to_yaml())
        } else {
            extends(entry.base()) + &copy.differences(entry.base())
        };
        let text = format!(
            "# A copy of the profile {}, made in the window.\n{body}",
            profile.label
        );
        Profile::parse(&file, text.as_bytes())
            .map_err(|faults| EditError::NotAllowed(faults.to_string()))?;
        write(&file, &text)?;
        Ok(name)
    }

    /// The path of a file that is yet to be made.
    fn new_file(&self, name: &str) -> Result<String, EditError> {
        let folder: &PathBuf = self.folder.as_ref().ok_or(EditError::Homeless)?;
        let path = folder.join(format!("{name}.yaml"));
        let file = path.display().to_string();
        if fs::symlink_metadata(&path).is_ok() {
            return Err(EditError::Exists(file));
        }
        fs::create_dir_all(folder).map_err(|error| refused(&file, error))?;
        Ok(file)
    }

    /// A name that no profile and no file has: of a label what a name may hold.
    fn free_name(&self, label: &str) -> String {
        let words = label.to_lowercase();
        let words = words.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let mut stem = words.join("-");
        stem.truncate(LONGEST_NAME - 4);
        let stem = match stem.trim_end_matches('-') {
            "" => "profile",
            stem => stem,
        };
        let is_free = |name: &String| {
            let there = |folder: &PathBuf| folder.join(format!("{name}.yaml")).exists();
            self.entry(name).is_err() && !self.folder.as_ref().is_some_and(there)
        };
        let numbered = (2..1_000).map(|n| format!("{stem}-{n}"));
        let mut names = std::iter::once(stem.to_owned()).chain(numbered);
        names.find(is_free).unwrap_or_else(|| stem.to_owned())
    }
}

/// The line that names the shipped profile; the one that chooses among others is known by the keys that it has.
fn extends(base: &Profile) -> String {
    if base.name == AUTO {
        return String::new();
    }
    format!("extends: {}\n", base.name)
}

/// The text of a file with another value for a key, and all else as it was `before`; without a value, without the key.
fn edited(
    (file, text): (&str, &str),
    before: &[Value],
    (row, key): (usize, &'static Key),
    value: Option<&Value>,
) -> Result<String, EditError> {
    let yaml = value.map(|value| key.yaml(value));
    let mut fault = None;
    for proposal in edit::proposals(text, key.name, yaml.as_deref()) {
        let after = match Profile::parse(file, proposal.as_bytes()) {
            Ok(profile) => profile.values(),
            Err(faults) => {
                let about = faults.0.into_iter().find(|fault| fault.key == key.name);
                fault = fault.or(about);
                continue;
            }
        };
        let others = before.iter().zip(&after).enumerate();
        let keeps_others = others.into_iter().all(|(at, (a, b))| at == row || a == b);
        let is_meant = match value {
            Some(value) => after[row] == *value,
            None => ProfileOrigin::of(file, proposal.as_bytes())
                .is_some_and(|origin| !origin.lines.contains_key(key.name)),
        };
        if keeps_others && is_meant {
            return Ok(proposal);
        }
    }
    Err(match fault.filter(|_| value.is_some()) {
        Some(fault) => {
            EditError::NotAllowed(format!("{} {}: {}", key.title(), fault.what, fault.allowed))
        }
        None => EditError::ByHand {
            place: place_of(file, text.as_bytes(), key),
            key: key.name,
        },
    })
}

fn write(file: &str, text: &str) -> Result<(), EditError> {
    file::write_private(Path::new(file), text.as_bytes()).map_err(|error| refused(file, error))
}

fn refused(file: &str, error: io::Error) -> EditError {
    let file = file.to_owned();
    EditError::Refused { file, error }
}

/// Where a file has a key.
fn place_of(file: &str, bytes: &[u8], key: &Key) -> String {
    let origin = ProfileOrigin::of(file, bytes);
    let line = origin.and_then(|origin| origin.lines.get(key.name).copied());
    format!("{file}:{}", line.unwrap_or(1))
}

#[cfg(test)]
mod tests;
