//! YAML text to typed values, or an error that names the file, the line, the column and the key.
//!
//! ```text
//! bytes ─▶ size, BOM, UTF-8, emptiness ─▶ one document, no key twice, no tags ─▶ serde ─▶ T
//!            every fault on the way becomes a YamlError with its place in the file
//! ```
//!
//! The syntax is YAML 1.1 as libyaml reads it, but plain words mean what YAML 1.2 says: only `true` and `false` are
//! booleans (`no`, `off` and `yes` are text), `0o10` and `0x8` are the number 8, `010` is text, `1e3` and `.inf` are numbers
//! with a fraction (so no whole numbers), and `12:30` is text. Where a text is expected, a plain `5` is the text "5".
//!
//! This is the only user of `serde_yaml`, so that another parser can take its place.

mod walk;
mod words;

use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed as _};

/// The largest text that is read. Our files have a few kilobytes; the limit keeps a wrong path (a log, a recording) harmless.
pub const MAX_BYTES: usize = 256 * 1024;

/// A fault in a YAML file. Shown as `FILE:LINE:COLUMN: key: what, what is allowed`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct YamlError {
    /// The file as it should be named to the user.
    pub file: Box<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The key, dotted from the top: `turn.patience_ms`. Empty where no single key is at fault.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What is allowed, or what to do. May be empty.
    pub allowed: String,
    /// The known word that was probably meant.
    pub suggestion: Option<Box<str>>,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)?;
        if !self.allowed.is_empty() {
            write!(f, ", {}", self.allowed)?;
        }
        match &self.suggestion {
            Some(word) => write!(f, "; did you mean `{word}`?"),
            None => Ok(()),
        }
    }
}

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

impl<'a> Text<'a> {
    /// Checks the form of `bytes`; `file` is what errors call them.
    pub fn new(file: &'a str, bytes: &'a [u8]) -> Result<Self, YamlError> {
        let text = readable(file, bytes)?;
        let this = Self { file, text };
        this.check_form()?;
        Ok(this)
    }

    /// The text, without a byte order mark.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// Reads the document as `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, YamlError> {
        serde_yaml::from_str(self.text).map_err(|error| self.explain(&error))
    }

    /// Line and column, from 1, of the value of a dotted key such as `turn.patience_ms`; `None` where it is not written.
    #[must_use]
    pub fn place(&self, key: &str) -> Option<(usize, usize)> {
        let path: Vec<&str> = key.split('.').collect();
        let seed = walk::Find { path: &path };
        let found = seed
            .deserialize(serde_yaml::Deserializer::from_str(self.text))
            .err()?;
        if !found.to_string().contains(walk::FOUND) {
            return None;
        }
        found.location().map(|at| (at.line(), at.column()))
    }

    /// A fault in the value of `key`, found after reading: with its place, or that of the file's first line where the key
    /// is not written.
    #[must_use]
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
            ..blank(self.file, line, column)
        }
    }

    /// This text with the value of `key` replaced by `value` (which must be written as YAML on one line); comments and all
    /// else stay. `None` where the key is not written or its value is not on one line.
    #[must_use]
    pub fn with_value(&self, key: &str, value: &str) -> Option<String> {
        let (line, column) = self.place(key)?;
        let start = byte_offset(self.text, line, column)?;
        let rest = self.text.get(start..)?.split(['\n', '\r']).next()?;
        let end = start + scalar_length(rest)?;
        Some(format!(
            "{}{value}{}",
            &self.text[..start],
            &self.text[end..]
        ))
    }

    fn check_form(&self) -> Result<(), YamlError> {
        let mut documents = serde_yaml::Deserializer::from_str(self.text);
        let Some(first) = documents.next() else {
            return Err(empty(self.file));
        };
        let mut walk = walk::Outcome::default();
        let result = walk::Check::new(&mut walk).deserialize(first);
        if let Err(error) = result {
            return Err(match walk.fault.take() {
                Some((key, what, allowed)) => {
                    let (line, column) = error
                        .location()
                        .map_or((1, 1), |at| (at.line(), at.column()));
                    YamlError {
                        key,
                        what: what.to_owned(),
                        allowed: allowed.to_owned(),
                        ..blank(self.file, line, column)
                    }
                }
                None => self.explain(&error),
            });
        }
        if walk.nothing {
            return Err(empty(self.file));
        }
        match documents.next() {
            Some(second) => Err(self.second_document(second)),
            None => Ok(()),
        }
    }

    fn second_document(&self, second: serde_yaml::Deserializer<'_>) -> YamlError {
        // An error is the only thing that tells a place; one is made at the root of the document.
        let place = walk::Find { path: &[] }
            .deserialize(second)
            .err()
            .and_then(|error| error.location());
        let (line, column) = place.map_or((1, 1), |at| (at.line(), at.column()));
        let marked = self
            .text
            .lines()
            .take(line)
            .skip(1)
            .any(|line| line.starts_with("---") || line.starts_with("..."));
        let (what, allowed) = if marked {
            (
                "a second document begins",
                "one document to a file is allowed: remove `---` and what follows",
            )
        } else {
            // libyaml takes a line that stands further left than the first for a new document.
            (
                "this line is indented less than the first",
                "keys of one group begin in the same column",
            )
        };
        YamlError {
            what: what.to_owned(),
            allowed: allowed.to_owned(),
            ..blank(self.file, line, column)
        }
    }

    /// Puts the parser's error into words.
    fn explain(&self, error: &serde_yaml::Error) -> YamlError {
        let (line, column) = error
            .location()
            .map_or((1, 1), |at| (at.line(), at.column()));
        let said = words::Said::new(
            &error.to_string(),
            line,
            column,
            self.line_from(line, column),
        );
        YamlError {
            key: said.key,
            what: said.what,
            allowed: said.allowed,
            suggestion: said.suggestion.map(Into::into),
            ..blank(self.file, line, column)
        }
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

/// `text` as a double-quoted YAML scalar on one line.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // What libyaml refuses or folds when it stands unescaped.
            c if c.is_control()
                || matches!(
                    c,
                    '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
                ) =>
            {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
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
            what: format!("the file has {} bytes", bytes.len()),
            allowed: format!("at most {MAX_BYTES} are allowed"),
            ..blank(file, 1, 1)
        });
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = error.valid_up_to();
            let before = std::str::from_utf8(&bytes[..good]).unwrap_or("");
            let (line, column) = end_of(before);
            return Err(YamlError {
                what: format!("byte {} of the file is not UTF-8", good + 1),
                allowed: "only UTF-8 text is allowed: save the file as UTF-8".to_owned(),
                ..blank(file, line, column)
            });
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(empty(file));
    }
    if let Some((at, c)) = text
        .char_indices()
        .find(|(_, c)| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}'))
    {
        let (line, column) = end_of(&text[..at]);
        return Err(YamlError {
            what: format!("a control character (U+{:04X}) stands here", u32::from(c)),
            allowed: "only text is allowed".to_owned(),
            ..blank(file, line, column)
        });
    }
    if let Some((at, level)) = deepest(text).filter(|(_, level)| *level > MAX_FLOW_DEPTH) {
        let (line, column) = end_of(&text[..at]);
        return Err(YamlError {
            what: format!("{level} brackets are open at once"),
            allowed: format!("at most {MAX_FLOW_DEPTH} are allowed"),
            ..blank(file, line, column)
        });
    }
    Ok(text)
}

/// Brackets that may be open at once. Our files have none; libyaml's time grows with the square of their number.
const MAX_FLOW_DEPTH: usize = 100;

/// Where the excess of opening brackets over closing ones is largest, and how large. Brackets in texts and comments count
/// too: a cheap bound that stands before the parser need not understand them.
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
        what: "the file is empty".to_owned(),
        allowed: "write at least one key, as `key: value`".to_owned(),
        ..blank(file, 1, 1)
    }
}

fn blank(file: &str, line: usize, column: usize) -> YamlError {
    YamlError {
        file: file.into(),
        line,
        column,
        key: String::new(),
        what: String::new(),
        allowed: String::new(),
        suggestion: None,
    }
}

/// Line and column, from 1, of what follows `before`.
fn end_of(before: &str) -> (usize, usize) {
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

fn byte_offset(text: &str, line: usize, column: usize) -> Option<usize> {
    let start: usize = text
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let rest = text.get(start..)?;
    let within = rest
        .char_indices()
        .nth(column - 1)
        .map_or(rest.len(), |(at, _)| at);
    Some(start + within)
}

/// How many bytes of `rest`, the end of a line, are the scalar that it begins with; `None` for anything but a plain or quoted
/// scalar that ends on this line.
fn scalar_length(rest: &str) -> Option<usize> {
    match rest.chars().next()? {
        '"' => {
            let mut escaped = false;
            rest.char_indices().skip(1).find_map(|(at, c)| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends.then_some(at + 1)
            })
        }
        '\'' => {
            let end = rest[1..].replace("''", "xx").find('\'')?;
            Some(end + 2)
        }
        '|' | '>' | '[' | '{' | '&' | '*' | '!' | '#' => None,
        _ => Some(
            rest.find(" #")
                .map_or(rest, |comment| &rest[..comment])
                .trim_end()
                .len(),
        ),
    }
}
