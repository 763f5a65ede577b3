//! The configuration and the file that it is kept in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::choices::{self, Choices, with_choice};
use super::protective_keys::protects;
use super::reading::{self, ConfigFault, ConfigReading, Occasion};
use super::table::{KEYS, with_partners};
use super::values::Config;
use crate::base::plural::sentence;
use crate::base::text::{self, t};
use crate::base::yaml::Text;
use crate::file::{self, ReadError};

/// Where the keys of the configuration are written, as `FILE:LINE`; those that are not are missing.
pub type Places = BTreeMap<&'static str, String>;

/// The configuration and the file that it is kept in.
///
/// A file that became faulty keeps what held: never the defaults, which may do what a line of the file forbids.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: Option<PathBuf>,
    config: Config,
    /// What the user's file alone says, without the choices beside it.
    written: Config,
    choices: Choices,
    /// Those that the file beside the user's has.
    beside: Choices,
    /// What is wrong with the file as it was read last.
    faults: Vec<String>,
    held: Option<String>,
    /// What `state` says is not known, or nothing may be kept there.
    stateless: bool,
    /// What `state` says is not known.
    state_unknown: bool,
    /// Whether there was something in the file when it was read last without a fault in a line that protects.
    had_content: bool,
    /// Whether it has ever been read so: what a line that cannot be read forbids, another one that held has said.
    trusted: bool,
    /// Why the choices beside the file were left out at the start.
    left_out: Option<String>,
    /// Where the keys of the user's file were when it was read or written last.
    places: Places,
}

/// Why a choice was not kept.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// There is no home folder to keep it in.
    #[error("{}", t!("there-is-no-folder-for-configuration"))]
    Homeless,
    /// What stands in the file is faulty; it is left for the user to mend.
    #[error("{}", t!("the-file-is-left-as", fault = sentence(.0)))]
    Faulty(String),
    #[error("{}", t!("cannot-be-written-make-it", path = path.display(), error))]
    Refused {
        path: PathBuf,
        error: std::io::Error,
    },
    /// Its line cannot be changed without touching others, and it is not for the file beside.
    #[error("{}", t!("this-cannot-be-changed-by", place = path.display(), key))]
    ByHand { path: PathBuf, key: &'static str },
}

/// Text and meaning of the file.
type Found = (String, ConfigReading);

impl ConfigFile {
    /// As [`ConfigFile::load`]. For a window, what is wrong with the file is said in the language that the file asks for.
    pub fn load_for(path: Option<PathBuf>, window: bool) -> (Self, Option<String>) {
        let loaded = Self::load(path.clone());
        if !window {
            return loaded;
        }
        text::set(loaded.0.get().window.language);
        if loaded.0.faults().is_empty() {
            return loaded;
        }
        Self::load(path)
    }

    /// Reads the file. A missing one is no fault; of a faulty one the lines that can be read hold, and the second value says
    /// what is wrong with the others, one to a line.
    pub fn load(path: Option<PathBuf>) -> (Self, Option<String>) {
        let mut this = Self {
            path,
            config: reading::cautious(),
            written: reading::cautious(),
            choices: Choices::default(),
            beside: Choices::default(),
            faults: Vec::new(),
            held: None,
            stateless: false,
            state_unknown: false,
            had_content: false,
            trusted: false,
            left_out: None,
            places: Places::new(),
        };
        this.reload();
        let mut faults = this.faults.clone();
        if let Some(path) = &this.path {
            let (choices, fault) = Choices::load(path);
            this.beside.clone_from(&choices);
            this.choices = choices;
            this.config = this.choices.over(&this.written);
            this.left_out.clone_from(&fault);
            faults.extend(fault);
        }
        let told = (!faults.is_empty()).then(|| faults.join("\n"));
        (this, told)
    }

    /// Reads the file again. What cannot be read leaves what held before; [`faults`](Self::faults) says what that is.
    pub fn reload(&mut self) {
        if self.path.is_none() && self.trusted {
            return;
        }
        self.faults.clear();
        match self.find() {
            Ok((text, reading)) => {
                self.note_places(&text);
                self.take(reading);
            }
            Err(fault) => self.cannot_read(fault),
        }
    }

    pub fn get(&self) -> &Config {
        &self.config
    }

    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What is wrong with the file as it was read last, with places.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Where the keys are written.
    pub fn places(&self) -> Arc<Places> {
        let mut places = self.places.clone();
        if let Some(path) = &self.path {
            let beside = choices::beside(path).display().to_string();
            // A choice that could not be kept is written nowhere.
            for key in self.config.changes(&self.written) {
                places.remove(key);
            }
            let chosen = KEYS.iter().filter(|key| {
                self.choices.holds(key.name, &self.written)
                    && self.choices.says_as(&self.beside, key.name)
            });
            places.extend(chosen.map(|key| (key.name, beside.clone())));
        }
        Arc::new(places)
    }

    fn note_places(&mut self, text: &str) {
        let name = self.path.as_deref().unwrap_or(Path::new("")).display();
        let Ok((Some(text), _)) = Text::by_keys("", text.as_bytes()) else {
            return self.places.clear();
        };
        let at = |key: &str| {
            text.key_place(key)
                .map(|(line, _)| format!("{name}:{line}"))
        };
        let rows = KEYS.iter();
        self.places = rows
            .filter_map(|key| Some((key.name, at(key.name)?)))
            .collect();
    }

    /// Why the choices that the program keeps beside the file are left out, if they are.
    pub fn left_out(&self) -> Option<&str> {
        self.left_out.as_deref()
    }

    /// Why nothing may be dialled: a line that protects the user cannot be read, and no earlier one of this run says what
    /// it would. `None` as soon as the file is mended.
    pub fn held(&self) -> Option<&str> {
        self.held.as_deref()
    }

    /// Whether nobody knows which folder `state` names: nothing may be kept in the usual one then.
    pub fn is_stateless(&self) -> bool {
        self.stateless
    }

    /// Whether nobody knows which folder `state` names.
    pub fn is_state_unknown(&self) -> bool {
        self.state_unknown
    }

    /// Changes the configuration, and the file with it. The change holds also where it could not be kept.
    pub fn save(&mut self, change: impl FnOnce(&mut Config)) -> Result<(), SaveError> {
        self.save_without(&BTreeSet::new(), change)
    }

    /// The same, with keys that are taken out of the file where they have their usual values then.
    pub(super) fn save_without(
        &mut self,
        taken_back: &BTreeSet<&'static str>,
        change: impl FnOnce(&mut Config),
    ) -> Result<(), SaveError> {
        let Some(path) = self.path.clone() else {
            change(&mut self.config);
            return Err(SaveError::Homeless);
        };
        // What was edited by hand in the meantime is kept.
        let (found, fault) = match self.find() {
            Ok(found) => {
                // The warnings about the file come from reading it again.
                let told = std::mem::take(&mut self.faults);
                self.take(found.1.clone());
                self.faults = told;
                (found, None)
            }
            Err(fault) => ((String::new(), ConfigReading::nothing()), Some(fault)),
        };
        let before = self.config.clone();
        change(&mut self.config);
        if let Some(fault) = fault {
            return Err(SaveError::Faulty(fault));
        }
        let wanted = self.config.clone();
        let changed = wanted
            .changes(&before)
            .filter(|key| !taken_back.contains(key));
        let touched = changed.map(|key| (key, false));
        let taken_back = taken_back.iter().map(|key| (*key, true));
        let touched: Vec<_> = touched.chain(taken_back).collect();
        self.keep(&path, found, &wanted, &touched)
    }

    /// Writes the touched keys of `wanted` into the user's file, else beside it; those that are marked are taken out.
    fn keep(
        &mut self,
        path: &Path,
        (text, mut reading): Found,
        wanted: &Config,
        touched: &[(&'static str, bool)],
    ) -> Result<(), SaveError> {
        let mut edited = text.clone();
        let (mut choices, mut faulty) = (self.choices.clone(), None);
        let (mut beside, mut by_hand) = (Vec::new(), None);
        for &(key, without) in touched {
            let mut faults = reading.faults.iter();
            if let Some(fault) = faults.find(|fault| reading::concerns(&fault.error, key)) {
                faulty = Some(SaveError::Faulty(fault.error.to_string()));
                continue;
            }
            match with_choice((&edited, &reading), (key, without), wanted, self.occasion()) {
                Some((text, read)) => {
                    (edited, reading) = (text, read);
                    choices.forget(key);
                }
                None if may_be_beside(key) => beside.push(key),
                None => {
                    let path = path.to_owned();
                    by_hand = Some(SaveError::ByHand { path, key });
                }
            }
        }
        // A file that cannot be written (its folder may be another one, behind a link) leaves all of them beside it.
        let mut refused = (edited != text)
            .then(|| file::write_private(path, edited.as_bytes()).err())
            .flatten();
        if refused.is_some() {
            beside = touched.iter().map(|(key, _)| *key).collect();
        } else {
            self.note_places(&edited);
            self.written = reading.config;
        }
        let kept_beside = beside.iter().all(|key| may_be_beside(key));
        beside.retain(|key| may_be_beside(key));
        for key in beside {
            choices.keep(key, wanted, &self.written);
        }
        // They hold until the end also where they cannot be written.
        let before = std::mem::replace(&mut self.choices, choices);
        if before != self.choices {
            self.choices
                .save(path)
                .map_err(|error| SaveError::Refused {
                    path: path.to_owned(),
                    error: refused.take().unwrap_or(error),
                })?;
            self.beside.clone_from(&self.choices);
        }
        let path = path.to_owned();
        let refused = refused.filter(|_| !kept_beside);
        let refused = refused.map(|error| SaveError::Refused { path, error });
        faulty.or(by_hand).or(refused).map_or(Ok(()), Err)
    }

    /// Text and meaning of the file; why it cannot be read at all.
    fn find(&self) -> Result<Found, String> {
        let nothing = || (String::new(), ConfigReading::nothing());
        let Some(path) = &self.path else {
            return Ok(nothing());
        };
        let name = path.display().to_string();
        let bytes = match file::read(path) {
            Ok(bytes) => bytes,
            Err(ReadError::Missing) if self.had_content => {
                return Err(t!("is-gone-put-it-back", name));
            }
            Err(ReadError::Missing) if std::fs::symlink_metadata(path).is_ok() => {
                return Err(t!("is-a-link-to-a", name));
            }
            Err(ReadError::Missing) => return Ok(nothing()),
            Err(error) => return Err(format!("{name}: {error}")),
        };
        if self.had_content && bytes.iter().all(u8::is_ascii_whitespace) {
            // An editor may be about to write it.
            return Err(t!("the-file-is-empty-now", name));
        }
        let reading = reading::read(&name, &bytes, &self.config, self.occasion());
        Ok((String::from_utf8_lossy(&bytes).into_owned(), reading))
    }

    fn occasion(&self) -> Occasion {
        if self.trusted {
            Occasion::Again
        } else {
            Occasion::First
        }
    }

    fn take(&mut self, reading: ConfigReading) {
        let protects: Vec<&ConfigFault> = reading.faults.iter().filter(|f| f.protects).collect();
        self.written = reading.config;
        self.config = self.choices.over(&self.written);
        self.faults
            .extend(reading.faults.iter().map(|f| f.error.to_string()));
        if protects.is_empty() {
            (self.trusted, self.had_content) = (true, !reading.silent);
            (self.held, self.stateless, self.state_unknown) = (None, false, false);
            return;
        }
        if !self.trusted {
            self.held = protects.first().map(|fault| fault.error.to_string());
            let is_of = |fault: &ConfigFault, key: &str| {
                let meant = fault.error.suggestion.as_deref();
                [Some(fault.error.key.as_str()), meant].contains(&Some(key))
            };
            self.stateless = !protects.iter().all(|fault| is_of(fault, "endpoint"));
            // A fault that names no key is one of the whole file.
            let about_others = |fault: &&ConfigFault| {
                super::protective_keys::PROTECTIVE
                    .iter()
                    .any(|key| *key != "state" && is_of(fault, key))
            };
            self.state_unknown = !protects.iter().all(about_others);
        }
    }

    fn cannot_read(&mut self, fault: String) {
        if !self.trusted {
            self.held = Some(fault.clone());
            (self.stateless, self.state_unknown) = (true, true);
        }
        self.faults.push(fault);
    }
}

/// Whether a choice may be kept beside the user's file. What protects must not be lost with a file that may be removed; and two
/// keys that belong together are kept in one place.
fn may_be_beside(key: &str) -> bool {
    !protects(key) && with_partners(key).len() == 1
}
