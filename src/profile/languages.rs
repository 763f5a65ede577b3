//! The languages that a user speaks: a key of profiles, and a choice of the user's over all of them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use super::table::DEFAULT_WORD;
use crate::base::keys::{Scalar, Value};
use crate::base::languages::is_code;
use crate::base::yaml::quoted;
use crate::provider::config::Languages;

/// More are no help to a transcription.
pub(super) const MOST: usize = 10;

/// What a list of languages may be, for messages.
pub const ALLOWED: &str =
    "allowed is a list of at most 10 language codes such as [de, en-US], or default";

impl Languages {
    /// What is wrong with the list, if something is.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let Self::These(codes) = self else {
            return None;
        };
        fault(codes)
    }

    /// As YAML on one line.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        match self {
            Self::System => DEFAULT_WORD.to_owned(),
            Self::These(codes) => {
                let codes: Vec<String> = codes.iter().map(|code| quoted(code)).collect();
                format!("[{}]", codes.join(", "))
            }
        }
    }
}

/// What is wrong with a list of codes, if something is.
pub(super) fn fault(codes: &[String]) -> Option<String> {
    if codes.len() > MOST {
        return Some(format!("has {} languages", codes.len()));
    }
    codes.iter().enumerate().find_map(|(place, code)| {
        let before = &codes[..place];
        if !is_code(code) {
            Some(format!("holds `{code}`"))
        } else if before.iter().any(|other| other.eq_ignore_ascii_case(code)) {
            Some(format!("holds `{code}` twice"))
        } else {
            None
        }
    })
}

impl Scalar for Languages {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Text(word) if word == DEFAULT_WORD => Some(Self::System),
            codes => Scalar::from_value(codes).map(Self::These),
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::System => Value::Text(DEFAULT_WORD.to_owned()),
            Self::These(codes) => codes.to_value(),
        }
    }
}

/// A list of codes, one code, or `default`.
impl<'de> Deserialize<'de> for Languages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LanguagesVisitor)
    }
}

struct LanguagesVisitor;

impl<'de> Visitor<'de> for LanguagesVisitor {
    type Value = Languages;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of language codes, or `default`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Languages, E> {
        Ok(match text {
            DEFAULT_WORD => Languages::System,
            code => Languages::These(vec![code.to_owned()]),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Languages, A::Error> {
        let mut codes = Vec::new();
        while let Some(code) = list.next_element()? {
            codes.push(code);
        }
        Ok(Languages::These(codes))
    }
}
