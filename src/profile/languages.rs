//! The languages that a user speaks: a key of profiles, and a choice of the user's over all of them.

use super::table::DEFAULT_WORD;
use crate::base::keys::{Scalar, Value};
use crate::base::languages::is_code;
use crate::provider::config::Languages;

/// More are no help to a transcription.
pub(super) const MOST: usize = 10;

/// What a list of languages may be, for messages.
pub(super) const ALLOWED: &str =
    "allowed is a list of at most 10 language codes such as [de, en-US], or default";

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
        if value == Self::System.to_value() {
            return Some(Self::System);
        }
        Scalar::from_value(value).map(Self::These)
    }

    fn to_value(&self) -> Value {
        match self {
            Self::System => Value::Text(DEFAULT_WORD.to_owned()),
            Self::These(codes) => codes.to_value(),
        }
    }
}
