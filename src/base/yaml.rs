//! YAML text to typed values, or an error that names the file, the line, the column and the key.
//!
//! ```text
//! bytes ─▶ size, BOM, UTF-8, emptiness ─▶ one document, no key twice, no tags ─▶ serde ─▶ T
//!            every fault on the way becomes a YamlError with its place in the file
//! ```
//!
//! [`Text::read`] parses a whole document. [`Text::get`] parses a single key, so that a fault in one line does not affect the
//! others. [`edit`] changes one key in a text and leaves the rest as it is.
//!
//! The syntax is YAML 1.1 as libyaml reads it, but plain words mean what YAML 1.2 says: only `true` and `false` are
//! booleans (`no`, `off` and `yes` are text), `0o10` and `0x8` are the number 8, `010` is text, `1e3` and `.inf` are numbers
//! with a fraction (so no whole numbers), and `12:30` is text. Where a text is expected, a plain `5` is the text "5".
//!
//! This is the only user of `serde_yaml`, so that another parser can take its place.

pub mod edit;
mod error;
mod messages;
mod walk;

pub(in crate::base) use walk::GROUP;

use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed};

use crate::base::printable::is_hidden;
use crate::base::text::t;
pub use error::YamlError;

/// The largest text that is read. Our files have a few kilobytes; the limit keeps a wrong path (a log, a recording) harmless.
pub const MAX_BYTES: usize = 256 * 1024;

/// Reads `text` as one YAML document of type `T`; `file` is what errors call it.
pub fn parse<T: DeserializeOwned>(file: &str, text: &[u8]) -> Result<T, YamlError> {
    Text::new(file, text)?.read()
}

/// A YAML text whose form is sound: one document of UTF-8 within the size limit, and no key twice.
#[derive(Clone, Debug)]
pub struct Text<'a> {
    file: &'a str,
    text: &'a str,
}

/// Most faults of single keys that are listed for a file; more do not help.
pub const MOST_FAULTS: usize = 20;

impl<'a> Text<'a> {
    /// Checks the form of `bytes`; `file` is what errors call them.
    pub fn new(file: &'a str, bytes: &'a [u8]) -> Result<Self, YamlError> {
        match Self::by_keys(file, bytes)? {
            (None, _) => Err(empty(file)),
            (Some(text), faults) => faults.into_iter().next().map_or(Ok(text), Err),
        }
    }

    /// The same for a text whose keys are read one by one, with [`get`](Self::get). Duplicate keys and values with tags are
    /// returned beside the text, at most [`MOST_FAULTS`] of them. There is no text if there are only comments.
    pub fn by_keys(
        file: &'a str,
        bytes: &'a [u8],
    ) -> Result<(Option<Self>, Vec<YamlError>), YamlError> {
        let text = readable(file, bytes)?;
        if text.lines().all(says_nothing) {
            return Ok((None, Vec::new()));
        }
        let this = Self { file, text };
        if matches!(this.check_form(usize::MAX)?, Form::Nothing) {
            return Ok((None, Vec::new()));
        }
        let mut faults = Vec::new();
        while let Form::Fault(fault) = this.check_form(faults.len())? {
            faults.push(*fault);
            if faults.len() == MOST_FAULTS {
                break;
            }
        }
        Ok((Some(this), faults))
    }

    /// The text, without a byte order mark.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// Reads the document as `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, YamlError> {
        self.read_with(PhantomData::<T>)
    }

    /// Reads the document by a seed.
    pub fn read_with<S: DeserializeSeed<'a>>(&self, seed: S) -> Result<S::Value, YamlError> {
        seed.deserialize(self.deserializer())
            .map_err(|error| self.explain(&error))
    }

    /// Reads the value of one key alone; `None` where it is not written.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, YamlError> {
        self.get_with(key, PhantomData::<T>)
    }

    /// Reads the value of one key alone by a seed; `Some(None)` where nothing is behind its colon.
    pub fn get_or_null<S: DeserializeSeed<'a> + Copy>(
        &self,
        key: &str,
        seed: S,
    ) -> Result<Option<Option<S::Value>>, YamlError> {
        self.get_with(key, walk::OrNull(seed))
    }

    fn get_with<S: DeserializeSeed<'a> + Copy>(
        &self,
        key: &str,
        seed: S,
    ) -> Result<Option<S::Value>, YamlError> {
        let path = path(key);
        let get = walk::Get { path: &path, seed };
        get.deserialize(self.deserializer())
            .map_err(|error| self.explain(&error))
    }

    /// The keys of a group, those of the whole document for `""`; none where there is no group.
    pub fn keys(&self, group: &str) -> Vec<String> {
        let path = path(group);
        let keys = walk::Keys { path: &path };
        keys.deserialize(self.deserializer()).unwrap_or_default()
    }

    /// Line and column, from 1, of the value of a dotted key such as `turn.patience_ms`, or of the document for `""`; `None`
    /// where it is not written.
    pub fn place(&self, key: &str) -> Option<(usize, usize)> {
        self.find(&path(key), false)
    }

    /// Line and column, from 1, of a dotted key itself.
    pub fn key_place(&self, key: &str) -> Option<(usize, usize)> {
        self.find(&path(key), true)
    }

    fn find(&self, path: &[&str], itself: bool) -> Option<(usize, usize)> {
        let seed = walk::Find { path, key: itself };
        let found = seed.deserialize(self.deserializer()).err()?;
        if !found.to_string().contains(walk::FOUND) {
            return None;
        }
        found.location().map(|at| (at.line(), at.column()))
    }

    fn deserializer(&self) -> serde_yaml::Deserializer<'a> {
        serde_yaml::Deserializer::from_str(self.text)
    }

    /// An unknown key; `known` are the keys of its group.
    pub fn unknown(&self, group: &str, key: &str, known: &[&str]) -> YamlError {
        let mut path = path(group);
        path.push(key);
        let (line, column) = self.find(&path, true).unwrap_or((1, 1));
        messages::unknown_key(group, key, known).error(self.file, line, column)
    }

    /// A fault in the value of `key`, found after reading: with its place, or that of the file's first line where the key
    /// is not written.
    pub fn fault(
        &self,
        key: &str,
        what: impl Into<String>,
        allowed: impl Into<String>,
    ) -> YamlError {
        let (line, column) = self.place(key).unwrap_or((1, 1));
        YamlError {
            key: key.to_owned(),
            what: what.into(),
            allowed: allowed.into(),
            ..YamlError::at(self.file, line, column)
        }
    }

    /// Skips the first `skip` faults of single keys.
    fn check_form(&self, skip: usize) -> Result<Form, YamlError> {
        let mut documents = self.deserializer();
        let Some(first) = documents.next() else {
            return Ok(Form::Nothing);
        };
        let mut walk = walk::FormReport::default();
        walk.skip = skip;
        let result = walk::FormCheck::new(&mut walk).deserialize(first);
        if let Err(error) = result {
            let Some(fault) = walk.fault.take() else {
                return Err(self.explain(&error));
            };
            let (line, column) = place_of(&error);
            let error = YamlError {
                what: self.with_first(fault.what, &fault.key),
                key: fault.key,
                allowed: fault.allowed.to_owned(),
                ..YamlError::at(self.file, line, column)
            };
            return if fault.one_key {
                Ok(Form::Fault(Box::new(error)))
            } else {
                Err(error)
            };
        }
        match documents.next() {
            Some(second) => Err(self.second_document(second)),
            None if walk.nothing => Ok(Form::Nothing),
            None => Ok(Form::Sound),
        }
    }

    /// The fault of a key, with the line of the first occurrence if it is a duplicate.
    fn with_first(&self, what: &str, key: &str) -> String {
        match self.key_place(key).filter(|_| what == walk::twice()) {
            Some((line, _)) => t!("the-first-is-in-line", what, line),
            None => what.to_owned(),
        }
    }

    fn second_document(&self, second: serde_yaml::Deserializer<'_>) -> YamlError {
        // Only errors carry a position; one is provoked at the root of the document.
        let root = walk::Find {
            path: &[],
            key: false,
        };
        let (line, column) = root
            .deserialize(second)
            .err()
            .as_ref()
            .map_or((1, 1), place_of);
        let marked = self
            .text
            .lines()
            .take(line)
            .skip(1)
            .any(|line| line.starts_with("---") || line.starts_with("..."));
        let (what, allowed) = if marked {
            (t!("a-second-document-begins"), t!("one-document-to-a-file"))
        } else {
            // libyaml takes a line with less indentation than the first for a new document.
            (
                t!("this-line-is-indented-less"),
                t!("keys-of-one-group-begin"),
            )
        };
        YamlError {
            what: what.to_owned(),
            allowed: allowed.to_owned(),
            ..YamlError::at(self.file, line, column)
        }
    }

    /// Puts the parser's error into words.
    fn explain(&self, error: &serde_yaml::Error) -> YamlError {
        let (line, column) = place_of(error);
        let text = self.line_from(line, column);
        messages::Said::new(&error.to_string(), line, column, text).error(self.file, line, column)
    }

    /// The whole of a line, and what of it begins at `column`.
    fn line_from(&self, line: usize, column: usize) -> (&'a str, &'a str) {
        let whole = self.text.lines().nth(line - 1).unwrap_or("");
        let from = whole
            .char_indices()
            .nth(column - 1)
            .map_or(whole.len(), |(at, _)| at);
        (whole, &whole[from..])
    }
}

/// What [`Text::check_form`] found.
enum Form {
    /// Comments alone.
    Nothing,
    /// All is well.
    Sound,
    /// Something is wrong with one key.
    Fault(Box<YamlError>),
}

/// Whether a line is blank, a comment, or the mark where a document begins or ends.
fn says_nothing(line: &str) -> bool {
    let mark = |mark| line.strip_prefix(mark);
    let rest = mark("---").or(mark("...")).map_or(line, |rest| {
        // `---x` is a text.
        if rest.starts_with(|c: char| !c.is_whitespace()) {
            line
        } else {
            rest
        }
    });
    let rest = rest.trim();
    rest.is_empty() || rest.starts_with('#')
}

/// A dotted key in parts; the empty one is the document.
fn path(key: &str) -> Vec<&str> {
    key.split('.').filter(|part| !part.is_empty()).collect()
}

fn place_of(error: &serde_yaml::Error) -> (usize, usize) {
    error
        .location()
        .map_or((1, 1), |at| (at.line(), at.column()))
}

pub fn written(value: &impl serde::Serialize) -> String {
    serde_yaml::to_string(value).unwrap_or_default()
}

/// `text` as a double-quoted YAML scalar on one line.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Characters that libyaml refuses or folds when unescaped, and that a terminal would execute.
            c if is_hidden(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                out.push_str(&match u32::from(c) {
                    short @ ..=0xffff => format!("\\u{short:04x}"),
                    long => format!("\\U{long:08x}"),
                });
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The bytes as text without a byte order mark, if they can be YAML at all.
fn readable<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, YamlError> {
    if bytes.len() > MAX_BYTES {
        return Err(YamlError {
            what: t!("the-file-has-bytes", length = bytes.len()),
            allowed: t!("at-most-are-allowed", most = MAX_BYTES),
            ..YamlError::at(file, 1, 1)
        });
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = error.valid_up_to();
            let before = std::str::from_utf8(&bytes[..good]).unwrap_or("");
            let (line, column) = end_of(before);
            return Err(YamlError {
                what: t!("byte-is-not-utf-8", place = good + 1),
                allowed: t!("only-utf-8-text-is").to_owned(),
                ..YamlError::at(file, line, column)
            });
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some((at, c)) = text
        .char_indices()
        .find(|(_, c)| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}'))
    {
        let (line, column) = end_of(&text[..at]);
        return Err(YamlError {
            what: t!(
                "a-control-character-stands-here",
                code = format!("{:04X}", u32::from(c))
            ),
            allowed: t!("only-text-is-allowed").to_owned(),
            ..YamlError::at(file, line, column)
        });
    }
    if let Some((at, level)) = deepest(text).filter(|(_, level)| *level > MAX_FLOW_DEPTH) {
        let (line, column) = end_of(&text[..at]);
        return Err(YamlError {
            what: t!("brackets-are-open-at-once", level),
            allowed: t!("at-most-are-allowed", most = MAX_FLOW_DEPTH),
            ..YamlError::at(file, line, column)
        });
    }
    Ok(text)
}

/// Brackets that may be open at once. Our files have none; libyaml's time grows with the square of their number.
const MAX_FLOW_DEPTH: usize = 100;

/// Where the excess of opening brackets over closing ones is largest, and how large. Brackets in texts and comments count
/// too: a cheap bound before the parser need not understand them.
fn deepest(text: &str) -> Option<(usize, usize)> {
    let mut level = 0_usize;
    let mut most: Option<(usize, usize)> = None;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => level += 1,
            b']' | b'}' => level = level.saturating_sub(1),
            _ => continue,
        }
        if level > most.map_or(0, |(_, deep)| deep) {
            most = Some((at, level));
        }
        if level > MAX_FLOW_DEPTH {
            break;
        }
    }
    most
}

fn empty(file: &str) -> YamlError {
    YamlError {
        what: t!("the-file-is-empty").to_owned(),
        allowed: t!("write-at-least-one-key").to_owned(),
        ..YamlError::at(file, 1, 1)
    }
}

/// Line and column, from 1, of what follows `before`.
fn end_of(before: &str) -> (usize, usize) {
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}
