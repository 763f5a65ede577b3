//! The profiles of this user: the built-ins, and the files in the folder `profiles` of the configuration.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::text::t;
use crate::file::{self, ReadError};
use crate::profile::Profile;
use crate::profile::store::{FoundFile, ProfileEntry, ProfileStore, UnknownProfile};
use url::Url;

/// Files that are looked at. More are a folder of something else.
const MOST_FILES: usize = 200;

/// The JSON Schema of profiles, where the user keeps one.
pub(super) const SCHEMA: &str = "profile.schema.json";

/// A store of profiles and the folder that it is read from.
#[derive(Clone, Debug)]
pub struct Profiles {
    pub(super) folder: Option<PathBuf>,
    pub(super) store: ProfileStore,
}

impl Profiles {
    /// The built-ins, and the files of `folder` if there is one; [`faults`](Self::faults) says what is wrong with them.
    pub fn load(folder: Option<PathBuf>) -> Self {
        let mut this = Self {
            folder,
            store: ProfileStore::new(),
        };
        this.reload();
        this
    }

    /// Reads the folder again; returns what is wrong, in words. A bad file leaves its last good version.
    pub fn reload(&mut self) -> Vec<String> {
        let files = self.folder.as_deref().map(files_in).unwrap_or_default();
        self.store.update(files).to_vec()
    }

    /// What was wrong at the last reading.
    pub fn faults(&self) -> &[String] {
        self.store.faults()
    }

    /// All profiles in the order of the switch.
    pub fn entries(&self) -> &[ProfileEntry] {
        self.store.entries()
    }

    /// The folder of the user's files.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The profile of this name, with where it comes from.
    pub fn entry(&self, name: &str) -> Result<&ProfileEntry, UnknownProfile> {
        self.store.entry(name)
    }

    pub fn get(&self, name: &str) -> Result<Arc<Profile>, UnknownProfile> {
        self.store.get(name)
    }

    /// The profile of this name as complete YAML. Where the folder has a schema, the first line names it to the editor.
    pub fn show(&self, name: &str) -> Result<String, UnknownProfile> {
        let schema = self.folder.as_ref().map(|folder| folder.join(SCHEMA));
        let schema = schema.and_then(|file| Url::from_file_path(file.canonicalize().ok()?).ok());
        let modeline = schema.map_or_else(String::new, |schema| {
            format!("# yaml-language-server: $schema={schema}\n")
        });
        Ok(modeline + &self.store.show(name)?)
    }
}

/// The profile files of a folder; a missing folder has none.
fn files_in(folder: &Path) -> Vec<FoundFile> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            return vec![FoundFile {
                file: folder.display().to_string(),
                text: Err(t!("cannot-be-read", error)),
            }];
        }
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_profile(path))
        .collect();
    paths.sort();
    let left_out = paths.split_off(paths.len().min(MOST_FILES));
    let too_many = left_out.first().map(|path| FoundFile {
        file: path.display().to_string(),
        text: Err(t!("this-file-and-those-behind", most = MOST_FILES)),
    });
    let files = paths.iter().filter_map(|path| found(path));
    files.chain(too_many).collect()
}

/// A file that is gone since the folder was listed is not there at all.
fn found(path: &Path) -> Option<FoundFile> {
    let text = match file::read(path) {
        Err(ReadError::Missing) if fs::symlink_metadata(path).is_err() => return None,
        text => text.map_err(|error| error.to_string()),
    };
    Some(FoundFile {
        file: path.display().to_string(),
        text,
    })
}

/// `*.yaml` and `*.yml`, but no hidden files: editors keep their copies in those.
fn is_profile(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_none_or(|name| name.to_string_lossy().starts_with('.'));
    let extension = path.extension().and_then(|extension| extension.to_str());
    !hidden && matches!(extension, Some("yaml" | "yml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_leaves_the_built_ins() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut profiles = Profiles::load(Some(folder.path().join("none")));
        assert_eq!(profiles.entries().len(), 5);
        assert!(profiles.reload().is_empty());
        assert_eq!(Profiles::load(None).entries().len(), 5);
    }

    #[test]
    fn good_files_are_taken_and_bad_ones_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("mine.yaml"), "target_ms: 250").expect("written");
        fs::write(folder.path().join(".mine.yaml.swp.yaml"), "rubbish: [").expect("written");
        fs::write(folder.path().join("notes.txt"), "rubbish: [").expect("written");
        fs::create_dir(folder.path().join("folder.yaml")).expect("made");
        let profiles = Profiles::load(Some(folder.path().to_owned()));
        assert_eq!(profiles.get("mine").expect("known").target.as_millis(), 250);
        assert_eq!(profiles.faults().len(), 1, "{:?}", profiles.faults());
        assert!(
            profiles.faults()[0].contains("folder.yaml: is a folder"),
            "{}",
            profiles.faults()[0]
        );
    }
}
