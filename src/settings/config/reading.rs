//! A configuration file read key by key.
//!
//! A fault in one line costs that line alone. Lines that are there so that something does *not* happen are another matter:
//! where one of them cannot be read, nobody knows what it forbids. Such a fault is marked, and nothing is dialled until it
//! is mended (see [`ConfigFile::held`](super::config_file::ConfigFile::held)). The same goes for a text that cannot be read at all.

use super::protective_keys::{
    WITH_A_SAFE_VALUE, is_near_protection, mentions_protection, protects,
};
use super::table::{KEYS, PRICES};
use super::values::Config;
use crate::base::did_you_mean::nearest;
use crate::base::keys::{self, Key, Keyed as _, Row, Value, Wrong};
use crate::base::retention::Retention;
use crate::base::text::t;
use crate::base::yaml::{MOST_FAULTS, Text, YamlError};
use crate::profile::Detection;
use serde_json::Value as Json;

/// What holds where a line cannot be read and nothing held before: the defaults, with the microphone opened by the talk key
/// alone, nothing sent but utterances, and nothing kept.
pub(super) fn cautious() -> Config {
    Config {
        voice_activation: false,
        detection: Some(Detection::Manual),
        keep: Retention::Off,
        ..Config::default()
    }
}

impl Config {
    /// Reads and checks a configuration that must be good as a whole; `file` is what errors call it.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, YamlError> {
        let read = read(file, text, &Self::default(), Occasion::First);
        match read.faults.into_iter().next() {
            None => Ok(read.config),
            Some(fault) => Err(fault.error),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct ConfigReading {
    /// The keys that can be read, and what held before for the others. For those that are not written the usual value, or
    /// what held before where the text is faulty (see [`Occasion`]).
    pub(super) config: Config,
    /// Sorted by their places; at most [`MOST_FAULTS`] and those that protect.
    pub(super) faults: Vec<ConfigFault>,
    /// Nothing is written, but comments.
    pub(super) silent: bool,
}

impl ConfigReading {
    /// What an empty text says.
    pub(super) fn nothing() -> Self {
        Self {
            config: Config::default(),
            faults: Vec::new(),
            silent: true,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConfigFault {
    pub(super) error: YamlError,
    /// What this line forbids is not known.
    pub(super) protects: bool,
}

/// Whether a text was read before: then a line that is missing in a faulty one may be there, and spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// It was not.
    First,
    /// It was, without a fault in a line that protects.
    Again,
}

/// Reads `bytes`; `file` is what errors call them, and `held` what holds where they cannot be read.
pub(super) fn read(file: &str, bytes: &[u8], held: &Config, occasion: Occasion) -> ConfigReading {
    let unreadable = |error| ConfigReading {
        config: held.clone(),
        faults: vec![ConfigFault {
            error,
            protects: true,
        }],
        silent: false,
    };
    let (text, flaws) = match Text::by_keys(file, bytes) {
        Ok((Some(text), flaws)) => (text, flaws),
        Ok((None, _)) => return ConfigReading::nothing(),
        Err(error) => return unreadable(error),
    };
    let usual = values_of(&Config::default());
    let held_values = values_of(held);
    let mut reader = Reader {
        text: &text,
        faults: Vec::new(),
        held: &held_values,
        usual: &usual,
        unwritten: &usual,
    };
    for flaw in flaws {
        reader.fault(flaw);
    }
    let mut config = reader.config();
    reader.unknown_keys();
    if occasion == Occasion::Again && !reader.faults.is_empty() {
        reader.unwritten = &held_values;
        config = reader.config();
    }
    let mut faults = reader.faults;
    faults.sort_by_key(|fault| (fault.error.line, fault.error.column));
    let mut seen = 0;
    faults.retain(|fault| {
        seen += 1;
        seen <= MOST_FAULTS || fault.protects
    });
    ConfigReading {
        config,
        faults,
        silent: false,
    }
}

fn values_of(config: &Config) -> Vec<Value> {
    let mut values = Vec::new();
    config.give(&mut values);
    values
}

struct Reader<'a> {
    text: &'a Text<'a>,
    faults: Vec<ConfigFault>,
    /// What holds for a key that cannot be read, for one that is empty, and for one that is not written.
    held: &'a [Value],
    usual: &'a [Value],
    unwritten: &'a [Value],
}

impl Reader<'_> {
    fn config(&mut self) -> Config {
        self.empty_limits();
        let rows = KEYS.iter().enumerate();
        let mut values: Vec<Value> = rows.map(|(place, key)| self.value(key, place)).collect();
        self.price(&mut values);
        let config = Config::take(&mut values.into_iter());
        config.expect("a row and its field hold the same kind")
    }

    /// The value of a key: what was held where it cannot be read.
    fn value(&mut self, key: &'static Key, place: usize) -> Value {
        let [held, usual, unwritten] =
            [self.held, self.usual, self.unwritten].map(|values| values[place].clone());
        if self.is_faulty(key.name) {
            return held;
        }
        let guarded = protects(key.name) || WITH_A_SAFE_VALUE.contains(&key.name);
        let checked = match self.text.get_or_null(key.name, Row(key)) {
            Err(_) if key.lenient => return usual,
            Err(error) => {
                self.fault(error);
                return held;
            }
            Ok(Some(None)) if guarded => Err(Wrong::empty()),
            Ok(Some(None)) => return usual,
            Ok(None) => return unwritten,
            Ok(Some(Some(value))) => key.kind.check(value),
        };
        match checked {
            Ok(value) => value,
            Err(_) if key.lenient => usual,
            Err(wrong) => {
                self.fault(keys::fault(self.text, key, wrong));
                held
            }
        }
    }

    /// Both parts of the price of tokens, or none.
    fn price(&mut self, values: &mut [Value]) {
        let [prompt, response] = &PRICES;
        let (group, first) = prompt.parts();
        let (_, second) = response.parts();
        let Some(at) = KEYS.iter().position(|key| key.name == prompt.name) else {
            return;
        };
        let is_faulty = [prompt, response]
            .iter()
            .any(|key| self.is_faulty(key.name));
        let written = self.text.keys(group);
        let is_there = |key: &str, place: usize| {
            written.iter().any(|written| written == key) && values[place] != Value::None
        };
        let lacks = match (is_there(first, at), is_there(second, at + 1)) {
            (true, false) => Some(second),
            (false, true) => Some(first),
            _ => None,
        };
        if let (Some(lacks), false) = (lacks, is_faulty) {
            // Where there is a strange key, that is probably the missing one.
            if written.iter().all(|key| key == first || key == second) {
                self.fault(self.text.fault(
                    group,
                    t!("does-not-say", lacks),
                    t!("both-in-and-out-are"),
                ));
            }
        }
        if is_faulty || lacks.is_some() {
            values[at..at + 2].clone_from_slice(&self.held[at..at + 2]);
        }
    }

    /// The group of limits may not be empty.
    fn empty_limits(&mut self) {
        let group = "spend_limit_usd";
        let is_empty = matches!(self.text.get::<Json>(group), Ok(Some(Json::Null)));
        if is_empty && !self.is_faulty(group) {
            let Wrong { what, allowed, .. } = Wrong::empty();
            self.fault(self.text.fault(group, what, allowed.unwrap_or_default()));
        }
    }

    fn unknown_keys(&mut self) {
        let top = keys::known(&KEYS, "");
        let mut groups = vec![""];
        groups.extend(KEYS.iter().map(|key| key.parts().0));
        groups.dedup();
        for group in groups {
            let known = keys::known(&KEYS, group);
            let keys = self.text.keys(group);
            let strange = keys.iter().filter(|key| !known.contains(&key.as_str()));
            for (nth, key) in strange.enumerate() {
                let protects = protects(group) || is_near_protection(key);
                if nth < MOST_FAULTS || protects {
                    let mut error = self.text.unknown(group, key, &known);
                    // A key that stands in the wrong group.
                    if error.suggestion.is_none() {
                        error.suggestion = nearest(key, top.iter().copied()).map(Into::into);
                    }
                    let protects = protects || self.hides_protection(&error.key);
                    self.faults.push(ConfigFault { error, protects });
                }
                // A file with so many is something else than was meant.
                if nth == MOST_FAULTS {
                    self.faults
                        .iter_mut()
                        .for_each(|fault| fault.protects = true);
                    return;
                }
            }
        }
    }

    /// Whether something that protects may be meant within a key that nobody knows, or merged in with it.
    fn hides_protection(&self, key: &str) -> bool {
        match self.text.get::<Json>(key) {
            Ok(value) => value.is_some_and(|value| mentions_protection(&value)),
            Err(_) => true,
        }
    }

    fn fault(&mut self, error: YamlError) {
        let protects = error.key.is_empty() || protects(&error.key);
        let fault = ConfigFault { error, protects };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Whether something is wrong already with a key, with the group that it is in, or with the text as a whole.
    fn is_faulty(&self, key: &str) -> bool {
        self.faults.iter().any(|fault| concerns(&fault.error, key))
    }
}

/// Whether a fault leaves open what `key` should be.
pub(super) fn concerns(error: &YamlError, key: &str) -> bool {
    let within = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
    error.key.is_empty()
        || key == error.key
        || key.strip_prefix(&error.key).is_some_and(within)
        || error.key.strip_prefix(key).is_some_and(within)
}
