//! From a file to a profile: values by the table, gaps filled from a shipped profile.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use super::settings::{AUTO, BUILTINS, DEFAULT, Profile};
use super::show::pick;
use super::table::{self, KEYS};
use super::text_shapes::is_name;

use crate::base::keys::{self, Keyed as _, Scalar as _, Value};
use crate::base::text::t;
use crate::base::yaml::{Text, YamlError};
use crate::provider::config::Languages;

/// The profile of this name that is in the program: one of [`BUILTINS`], or [`AUTO`].
pub fn builtin(name: &str) -> Option<Arc<Profile>> {
    static SHIPPED: LazyLock<[Arc<Profile>; BUILTINS.len() + 1]> =
        LazyLock::new(|| std::array::from_fn(|file| Arc::new(in_the_table(file))));
    SHIPPED.iter().find(|known| known.name == name).cloned()
}

/// The profile of the shipped file in this place. Its text says the same, but reading it takes a third of a start.
fn in_the_table(file: usize) -> Profile {
    let value = |key: &'static keys::Key| {
        // Settings of a profile that chooses are those of the default, until it has chosen.
        let chooses = file == BUILTINS.len();
        let is_written = chooses || key.parts().0 != "auto";
        let text = pick(key.shipped, file).filter(|_| is_written);
        text.and_then(|text| key.value(text)).unwrap_or(Value::None)
    };
    let profile = Profile::take(&mut table::fields().map(value));
    profile.expect("a test reads all shipped profiles")
}

/// What is wrong with a profile's file: every fault that could be found at once, at least one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Faults(pub Vec<YamlError>);

/// What the text of a profile says itself, and what fills the rest.
#[derive(Clone, Debug)]
pub struct ProfileOrigin {
    /// The shipped profile that fills what the text leaves out.
    pub base: Arc<Profile>,
    /// The keys that are written, with their lines from 1.
    pub lines: BTreeMap<&'static str, usize>,
}

impl ProfileOrigin {
    /// That of a text which is good; `file` gives it a name where it has none.
    pub fn of(file: &str, text: &[u8]) -> Option<Self> {
        let text = Text::new(file, text).ok()?;
        let reader = ProfileReader::new(&text);
        let written = KEYS
            .iter()
            .filter(|key| reader.written.contains_key(key.name));
        let lines = written.filter_map(|key| Some((key.name, text.key_place(key.name)?.0)));
        let base = reader.base(stem(file));
        Some(Self {
            lines: lines.collect(),
            base,
        })
    }
}

fn stem(file: &str) -> &str {
    let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str());
    stem.unwrap_or("")
}

impl Profile {
    /// Reads and checks a user's profile; `file` is what errors call it, and its name is the profile's unless it has `name:`.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, Faults> {
        let text = Text::new(file, text).map_err(|error| Faults(vec![error]))?;
        user(file, &text).map_err(Faults)
    }
}

/// Reads a user's profile: what it leaves out comes from a shipped one.
fn user(file: &str, text: &Text<'_>) -> Result<Profile, Vec<YamlError>> {
    let reader = ProfileReader::new(text);
    let base = reader.base(stem(file));
    reader.profile(&base, stem(file))
}

/// Goes on after a fault so that all are reported at once.
pub(super) struct ProfileReader<'a> {
    text: &'a Text<'a>,
    written: HashMap<&'static str, Value>,
    faults: Vec<YamlError>,
}

impl<'a> ProfileReader<'a> {
    fn new(text: &'a Text<'a>) -> Self {
        let (written, faults) = keys::read(text, &KEYS);
        Self {
            text,
            written,
            faults,
        }
    }

    /// The shipped profile that fills the gaps.
    fn base(&self, stem: &str) -> Arc<Profile> {
        let word = |key| match self.written.get(key) {
            Some(Value::Text(word)) => Some(word.as_str()),
            _ => None,
        };
        let name = match word("extends") {
            Some(name) => name,
            None if self.is_written("auto") => AUTO,
            None => word("name").unwrap_or(stem),
        };
        let base = builtin(name).or_else(|| builtin(DEFAULT));
        base.expect("the default profile is a built-in")
    }

    fn profile(mut self, base: &Profile, stem: &str) -> Result<Profile, Vec<YamlError>> {
        self.name(base, stem);
        self.languages();
        if base.auto.is_some() || self.is_written("auto") {
            for key in ["extends", "audio", "detector", "turn", "live"] {
                if self.is_written(key) {
                    let allowed = t!("a-profile-with-auto-has");
                    self.refuse(key, t!("is-written"), allowed);
                }
            }
        }
        let mut values = Vec::new();
        base.give(&mut values);
        let mut values = table::fields().zip(values).map(|(key, base)| {
            let written = self.written.get(key.name);
            written.cloned().unwrap_or(base)
        });
        // Without a base that chooses, `auto` may lack some of its keys: it is refused already.
        let profile = Profile::take(&mut values);
        if let Some(profile) = &profile {
            self.pairs(profile);
        }
        if let Some(profile) = profile.filter(|_| self.faults.is_empty()) {
            return Ok(profile);
        }
        self.faults.sort_by_key(|fault| (fault.line, fault.column));
        Err(self.faults)
    }

    /// Name and label, which follow from the file's name where they are not written. The label of the base would be that of
    /// another profile.
    fn name(&mut self, base: &Profile, stem: &str) {
        if !self.is_written("name") {
            if !is_name(stem) {
                let allowed = t!("the-files-name-cannot-stand");
                self.refuse("name", t!("is-missing"), allowed);
            }
            self.written.insert("name", Value::Text(stem.to_owned()));
        }
        let name = self.written.get("name").cloned();
        let name = name.filter(|name| *name != Value::Text(base.name.clone()));
        if let (Some(name), false) = (name, self.is_written("label")) {
            self.written.insert("label", name);
        }
    }

    /// The old name of the languages names one.
    fn languages(&mut self) {
        let Some(language) = self.written.get("live.language").cloned() else {
            return;
        };
        if self.is_written("live.languages") {
            let allowed = t!("write-live-languages-alone");
            self.refuse("live.language", t!("is-written-besides"), allowed);
        }
        let languages = if let Value::Text(code) = language {
            Value::List(vec![code])
        } else {
            Languages::System.to_value()
        };
        self.written.insert("live.languages", languages);
    }

    pub(super) fn is_written(&self, key: &str) -> bool {
        self.text.place(key).is_some()
    }

    pub(super) fn refuse(&mut self, key: &str, what: &str, allowed: &str) {
        if self.faults.iter().all(|fault| fault.key != key) {
            self.faults.push(self.text.fault(key, what, allowed));
        }
    }
}
