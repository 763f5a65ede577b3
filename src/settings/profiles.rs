//! The profiles of this user: the built-ins, and the files in the folder `profiles` of the configuration.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::plural::sentence;
use crate::base::yaml::{Text, edit};
use crate::file::{self, ReadError};
use crate::profile::Profile;
use crate::profile::store::{FoundFile, ProfileEntry, ProfileStore, UnknownProfile};
use url::Url;

/// Files that are looked at. More are a folder of something else.
const MOST_FILES: usize = 200;

/// The JSON Schema of profiles, where the user keeps one.
const SCHEMA: &str = "profile.schema.json";

/// A store of profiles and the folder that it is read from.
#[derive(Clone, Debug)]
pub struct Profiles {
    folder: Option<PathBuf>,
    store: ProfileStore,
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

    /// Writes another model into the file of the profile of this name; all else in it stays as it was written.
    pub fn set_model(&mut self, name: &str, model: &str) -> Result<(), EditError> {
        let entries = self.entries().iter();
        let file = entries
            .filter(|entry| entry.profile.name == name)
            .find_map(|entry| entry.file.clone());
        let file = file.ok_or_else(|| EditError::NoFile(name.to_owned()))?;
        let unreadable = |error: ReadError| EditError::Unreadable {
            file: file.clone(),
            why: error.to_string(),
        };
        let bytes = file::read(Path::new(&file)).map_err(unreadable)?;
        let by_hand = |place: &str| EditError::ByHand {
            place: place.to_owned(),
            model: model.to_owned(),
        };
        let profile = Profile::parse(&file, &bytes)
            .map_err(|faults| EditError::Faulty(faults.to_string()))?;
        let mut meant = profile;
        meant.live.model = model.to_owned();
        let text = String::from_utf8_lossy(&bytes);
        let edited = edit::proposals(&text, "live.model", Some(model))
            .into_iter()
            .find(|edited| Profile::parse(&file, edited.as_bytes()).as_ref() == Ok(&meant));
        let edited = edited.ok_or_else(|| by_hand(&place_of(&file, &bytes)))?;
        file::write_private(Path::new(&file), edited.as_bytes()).map_err(|error| {
            EditError::Refused {
                file: file.clone(),
                error,
            }
        })?;
        self.reload();
        Ok(())
    }

    /// All profiles in the order of the switch.
    pub fn entries(&self) -> &[ProfileEntry] {
        self.store.entries()
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

/// Why a profile's file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It is a built-in, or there is none of this name.
    #[error("the profile `{0}` is in no file that could be changed")]
    NoFile(String),
    #[error("{file}: {why}")]
    Unreadable {
        file: String,
        /// Why, in words.
        why: String,
    },
    /// What stands in it is faulty; it is left for the user to mend.
    #[error("{} The file is left as it is: correct it first", sentence(.0))]
    Faulty(String),
    /// The line cannot be changed without touching others.
    #[error("{place}: this cannot be changed by itself, write `model: {model}` there")]
    ByHand {
        /// File, line and column.
        place: String,
        model: String,
    },
    #[error("{file} cannot be written: {error}; write `live.model` there by hand")]
    Refused { file: String, error: std::io::Error },
}

/// Where a file names its model.
fn place_of(file: &str, bytes: &[u8]) -> String {
    let text = Text::new(file, bytes).ok();
    let place = text.and_then(|text| text.place("live.model"));
    let (line, column) = place.unwrap_or((1, 1));
    format!("{file}:{line}:{column}")
}

/// The profile files of a folder; a missing folder has none.
fn files_in(folder: &Path) -> Vec<FoundFile> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            return vec![FoundFile {
                file: folder.display().to_string(),
                text: Err(format!("cannot be read: {error}")),
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
        text: Err(format!(
            "this file and those behind it are left out: more than {MOST_FILES} are not read"
        )),
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

    #[test]
    fn another_model_is_written_into_the_file_and_nothing_else_is_touched() {
        let old = "gemini-3.1-flash-live-preview";
        for text in [
            format!(
                "# mine\ntarget_ms: 250\nlive:\n  # fast\n  model: {old} # the preview\n  voice: Kore\n"
            ),
            format!("live: {{voice: Kore, model: \"{old}\"}}\r\n"),
            format!("\u{feff}live:\n    model: &m '{old}'\n"),
        ] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let file = folder.path().join("mine.yaml");
            fs::write(&file, &text).expect("written");
            let mut profiles = Profiles::load(Some(folder.path().to_owned()));
            profiles.set_model("mine", "gemini-3.8-live").expect(&text);
            let model = &profiles.get("mine").expect("known").live.model;
            assert_eq!(model, "gemini-3.8-live", "read again");
            let now = fs::read_to_string(&file).expect("readable");
            let unquoted = |text: &str| text.replace(['"', '\''], "");
            assert_eq!(
                unquoted(&now),
                unquoted(&text.replace(old, "gemini-3.8-live"))
            );
        }
    }

    #[test]
    fn what_cannot_be_changed_is_told_with_its_place() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("mine.yaml");
        let mut profiles = Profiles::load(Some(folder.path().to_owned()));
        let told = |profiles: &mut Profiles, name: &str| {
            let result = profiles.set_model(name, "gemini-3.8-live");
            result.expect_err("it cannot be").to_string()
        };
        assert_eq!(
            told(&mut profiles, "balanced"),
            "the profile `balanced` is in no file that could be changed"
        );
        // The alias stands for the label as well.
        let text = "label: &m gemini-3.1-flash-live-preview\nlive: {model: *m}\n";
        fs::write(&file, text).expect("written");
        profiles.reload();
        profiles
            .set_model("mine", "gemini-3.8-live")
            .expect("the alias gives way");
        let label = profiles.get("mine").expect("known").label.clone();
        assert_eq!(label, "gemini-3.1-flash-live-preview");
        fs::write(&file, "target_ms: fast\n").expect("written");
        let faulty = told(&mut profiles, "mine");
        assert!(
            faulty.contains("mine.yaml:1:12: target_ms") && faulty.ends_with("correct it first"),
            "{faulty}"
        );
        fs::remove_file(&file).expect("removed");
        let gone = told(&mut profiles, "mine");
        assert!(gone.contains("mine.yaml: there is no such file"), "{gone}");
    }
}
