//! Texts and lists of a shape of their own: names, models, voices, languages, terms.

use crate::base::did_you_mean::nearest;
use crate::base::keys::{Items, Kind, Scalar, TextShape, Value, Wrong};
use crate::base::languages::is_code;
use crate::base::text::t;
use crate::base::voices::{self, VOICES};
use crate::provider::config::Languages;
use crate::provider::gemini::models::{self, Purpose};
use serde_json::{Value as Json, json};

/// Terms of a vocabulary, and characters of each: more would crowd out what is said.
const MOST_TERMS: usize = 100;
const LONGEST_TERM: usize = 100;

/// More languages are no help to a transcription.
const MOST_LANGUAGES: usize = 10;
/// The word that leaves a choice to the service.
pub(super) const DEFAULT_WORD: &str = "default";

/// A name on the command line.
pub(super) const NAME: Kind = Kind::Shaped(TextShape {
    allowed: || t!("allowed-are-small-letters"),
    check: |text| checked(is_name(text), text),
    schema: name_schema,
});

/// A model that talks.
pub(super) const MODEL: Kind = Kind::Shaped(TextShape {
    allowed: || t!("allowed-is-the-name-of"),
    check: |text| {
        if models::model(text).purpose != Purpose::Transcription {
            return checked(is_model(text), text);
        }
        Err(Wrong {
            what: t!("is-which-writes-down-what", text),
            allowed: Some(t!("allowed-is-a-model-that").to_owned()),
            suggestion: None,
        })
    },
    schema: || json!({"type": "string", "pattern": "^[a-z0-9._-]{1,100}$"}),
});

pub(crate) const VOICE: Kind = Kind::Shaped(TextShape {
    allowed: || t!("allowed-are-the-30-voices"),
    check: |text| {
        voices::spelled(text).ok_or_else(|| Wrong {
            suggestion: nearest(text, VOICES).map(Into::into),
            ..Wrong::text(text)
        })
    },
    schema: || {
        let any_case = |voice: &str| -> String {
            let letter =
                |c: char| format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase());
            voice.chars().map(letter).collect()
        };
        let known = VOICES.map(any_case).join("|");
        let pattern = format!("^({known}|[a-z]{{2,3}}-[a-z]{{2}}-[a-z]{{1,30}})$");
        json!({"anyOf": [{"enum": VOICES}, {"type": "string", "pattern": pattern}]})
    },
});

pub(super) const LANGUAGE: Kind = Kind::Shaped(TextShape {
    allowed: || t!("allowed-is-a-language-code"),
    check: |text| checked(is_code(text), text),
    schema: code_schema,
});

/// Languages, the usual one first.
pub(crate) const LANGUAGES: Kind = Kind::List(Items {
    allowed: || t!("allowed-is-a-list-of"),
    check: languages,
    schema: || {
        let items = code_schema();
        let most = MOST_LANGUAGES;
        json!({"anyOf": [
            {"const": DEFAULT_WORD},
            items.clone(),
            {"type": "array", "items": items, "maxItems": most, "uniqueItems": true},
        ]})
    },
    word: Some(DEFAULT_WORD),
});

pub(super) const TERMS: Kind = Kind::List(Items {
    allowed: || t!("allowed-are-at-most-100"),
    check: terms,
    schema: || {
        let items = json!({"type": "string", "minLength": 1, "maxLength": LONGEST_TERM});
        json!({"type": "array", "items": items, "maxItems": MOST_TERMS})
    },
    word: None,
});

pub(super) const PROFILES: Kind = Kind::List(Items {
    allowed: || t!("allowed-are-2-to-8"),
    check: profiles,
    schema: || {
        let items = name_schema();
        json!({"type": "array", "items": items, "minItems": 2, "maxItems": 8, "uniqueItems": true})
    },
    word: None,
});

fn checked(fits: bool, text: &str) -> Result<String, Wrong> {
    fits.then(|| text.to_owned())
        .ok_or_else(|| Wrong::text(text))
}

fn languages(codes: Vec<String>) -> Result<Vec<String>, String> {
    if codes.len() > MOST_LANGUAGES {
        return Err(t!("has-languages", n = codes.len() as u64));
    }
    let fault = codes.iter().enumerate().find_map(|(place, code)| {
        let before = &codes[..place];
        if !is_code(code) {
            Some(t!("holds-value", value = code))
        } else if before.iter().any(|other| other.eq_ignore_ascii_case(code)) {
            Some(t!("holds-value-twice", value = code))
        } else {
            None
        }
    });
    fault.map_or(Ok(codes), Err)
}

fn terms(terms: Vec<String>) -> Result<Vec<String>, String> {
    if terms.len() > MOST_TERMS {
        return Err(t!("has-entries", n = terms.len() as u64));
    }
    let trimmed = terms.iter().zip(1..).map(|(term, place)| {
        let term = term.trim();
        let length = term.chars().count();
        if term.contains(char::is_control) {
            Err(t!("has-a-line-break-or", place))
        } else if (1..=LONGEST_TERM).contains(&length) {
            Ok(term.to_owned())
        } else {
            Err(t!("has-characters-in-entry", n = length as u64, place))
        }
    });
    trimmed.collect()
}

fn profiles(names: Vec<String>) -> Result<Vec<String>, String> {
    if !(2..=8).contains(&names.len()) {
        return Err(t!("has-names", n = names.len() as u64));
    }
    for (place, name) in names.iter().enumerate() {
        if !is_name(name) {
            return Err(t!("holds-value", value = name));
        }
        if names[..place].contains(name) {
            return Err(t!("holds-value-twice", value = name));
        }
    }
    Ok(names)
}

fn name_schema() -> Json {
    json!({"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 40})
}

fn code_schema() -> Json {
    json!({"type": "string", "pattern": "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", "maxLength": 35})
}

/// Small letters and digits, with single hyphens between them.
pub(super) fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    name.len() <= 40 && name.split('-').all(part)
}

/// A model of the service, without `models/`.
fn is_model(model: &str) -> bool {
    let sign =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_');
    (1..=100).contains(&model.len()) && model.bytes().all(sign)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_told_apart() {
        for (text, name, model) in [
            ("ultra-fast", true, true),
            ("gemini-3.8-live", false, true),
            ("en-US", false, false),
            ("a--b", false, true),
            ("-a", false, true),
            ("models/x", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_name(text), is_model(text)), (name, model), "{text}");
        }
    }

    #[test]
    fn the_text_about_voices_has_their_number_and_ends() {
        let mut names = VOICES;
        names.sort_unstable();
        let [first, .., last] = names;
        let ends = format!(
            "the {} voices of the Live API, from {first} to {last},",
            VOICES.len()
        );
        assert!(
            matches!(VOICE, Kind::Shaped(shape) if (shape.allowed)().contains(&ends)),
            "{ends}"
        );
    }
}
