//! Faults of YAML files.

use std::fmt;

use crate::base::text::t;

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
    pub what: String,
    /// The allowed values, or a remedy. May be empty.
    pub allowed: String,
    /// The known word that was probably meant.
    pub suggestion: Option<Box<str>>,
}

impl YamlError {
    /// A fault at this place, of which nothing is said yet.
    pub(super) fn at(file: &str, line: usize, column: usize) -> Self {
        Self {
            file: file.into(),
            line,
            column,
            key: String::new(),
            what: String::new(),
            allowed: String::new(),
            suggestion: None,
        }
    }
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
            Some(word) => f.write_str(&t!("did-you-mean", word)),
            None => Ok(()),
        }
    }
}
