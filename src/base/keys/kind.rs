//! What a key may hold: ranges, words, shapes; and what is said and published about it.

use serde_json::{Value as Json, json};

use super::value::Value;
use crate::base::text::t;

/// What a key may hold.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A whole number within bounds, both included, and a multiple of `step`.
    Whole {
        from: u64,
        to: u64,
        /// What it is a multiple of.
        step: u64,
    },
    /// Any number within bounds.
    Number {
        /// The least, which is allowed itself unless `above`.
        from: f64,
        to: f64,
        /// Whether only more than the least is allowed.
        above: bool,
        /// What the number is, in words.
        of: fn() -> &'static str,
    },
    Flag,
    /// The same as `on` or `off`.
    OnOff,
    Words(&'static [&'static str]),
    /// A text of so many characters, without blanks around it.
    Text(usize, usize),
    /// A text of a shape of its own.
    Shaped(TextShape),
    List(Items),
}

#[derive(Clone, Copy, Debug)]
pub struct TextShape {
    /// What is allowed, in words.
    pub allowed: fn() -> &'static str,
    /// The text as it is used.
    pub check: fn(&str) -> Result<String, Wrong>,
    pub schema: fn() -> Json,
}

#[derive(Clone, Copy, Debug)]
pub struct Items {
    /// What is allowed, in words.
    pub allowed: fn() -> &'static str,
    /// The list as it is used, or what is wrong with it.
    pub check: fn(Vec<String>) -> Result<Vec<String>, String>,
    pub schema: fn() -> Json,
    /// The word that may replace the list. Any other text without brackets is a list of one.
    pub word: Option<&'static str>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrong {
    pub what: String,
    /// What is allowed, where the key's row does not say it.
    pub allowed: Option<String>,
    /// The word that was probably meant.
    pub suggestion: Option<Box<str>>,
}

impl Wrong {
    /// What is wrong, and what is allowed in place of what the row says.
    pub fn new(what: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            allowed: Some(allowed.into()),
            suggestion: None,
        }
    }

    /// A text that is not allowed.
    pub fn text(text: &str) -> Self {
        if text.is_empty() {
            t!("is-empty").to_owned().into()
        } else {
            t!("is-value", value = text).into()
        }
    }

    /// Nothing is written where something has to be.
    pub fn empty() -> Self {
        Self::new(t!("is-empty"), t!("write-a-value-or-remove"))
    }
}

impl From<String> for Wrong {
    fn from(what: String) -> Self {
        Self {
            what,
            ..Self::default()
        }
    }
}

/// A whole number within bounds, both included.
pub const fn whole(from: u64, to: u64) -> Kind {
    Kind::Whole { from, to, step: 1 }
}

/// Any number from one to the other, both included.
pub const fn number(from: f64, to: f64) -> Kind {
    Kind::Number {
        from,
        to,
        above: false,
        of: || "",
    }
}

/// Checks a text that names something: a profile, a device, a folder.
pub fn plain(text: &str) -> Result<(), Wrong> {
    if text.trim().is_empty() {
        return Err(Wrong::empty());
    }
    if text.contains(char::is_control) {
        // `"C:\new"` holds a line break.
        let allowed = t!("a-backslash-use-single-quotes");
        return Err(Wrong::new(t!("holds-a-line-break-or"), allowed));
    }
    Ok(())
}

/// The JSON Schema of a text of any shape.
pub fn any_text() -> Json {
    json!({"type": "string"})
}

impl Kind {
    /// The word for a yes or no.
    pub fn flag(&self, flag: bool) -> &'static str {
        match (self, flag) {
            (Self::OnOff, true) => "on",
            (Self::OnOff, false) => "off",
            (_, true) => "true",
            (_, false) => "false",
        }
    }

    /// What is allowed, in words; `none` may replace a value.
    pub fn allowed(&self, none: Option<&str>) -> String {
        let allowed = match self {
            Self::Whole { from, to, step: 1 } => {
                t!("allowed-is-a-whole-number", from, to)
            }
            Self::Whole { from, to, step } => {
                t!("allowed-is-a-whole-number-multiple", from, to, step)
            }
            Self::Number {
                from,
                to,
                above,
                of,
            } => {
                let number = if from.is_infinite() {
                    t!("allowed-is-a-number").to_owned()
                } else if *above {
                    t!("allowed-is-a-number-above", from, to)
                } else {
                    t!("allowed-is-a-number-from", from, to)
                };
                let of = of();
                let comma = if of.is_empty() { "" } else { ", " };
                format!("{number}{comma}{of}")
            }
            Self::Flag => t!("allowed-are", many = "true, false"),
            Self::OnOff => t!("allowed-are", many = "on, off"),
            Self::Words(words) => {
                let words: Vec<&str> = none.into_iter().chain(words.iter().copied()).collect();
                return t!("allowed-are", many = words.join(", "));
            }
            Self::Text(from, to) => t!("allowed-is-a-text-of", from, to),
            Self::Shaped(TextShape { allowed, .. }) | Self::List(Items { allowed, .. }) => {
                allowed().to_owned()
            }
        };
        none.map_or(allowed.clone(), |none| t!("allowed-or-none", allowed, none))
    }

    /// The value as it is used, or what is wrong with it.
    pub fn check(&self, value: Value) -> Result<Value, Wrong> {
        match (self, value) {
            (Self::Whole { from, to, step }, Value::Whole(number)) => {
                let allowed = if !(from..=to).contains(&&number) {
                    None
                } else if !number.is_multiple_of(*step) {
                    Some(t!("allowed-is-a-multiple-of", step))
                } else {
                    return Ok(Value::Whole(number));
                };
                Err(Wrong {
                    allowed,
                    ..t!("is-kind", value = number).into()
                })
            }
            (
                Self::Number {
                    from, to, above, ..
                },
                Value::Number(number),
            ) => {
                let fits = (from..=to).contains(&&number) && !(*above && number == *from);
                let wrong = || t!("is-kind", value = number).into();
                fits.then_some(Value::Number(number)).ok_or_else(wrong)
            }
            (Self::Text(from, to), Value::Text(text)) => {
                let count = text.trim().chars().count();
                let fits = (from..=to).contains(&&count);
                let wrong = || t!("has-characters", n = count as u64).into();
                let trimmed = fits.then(|| Value::Text(text.trim().to_owned()));
                trimmed.ok_or_else(wrong)
            }
            (Self::Shaped(shape), Value::Text(text)) => (shape.check)(&text).map(Value::Text),
            (Self::List(items), Value::List(list)) => {
                (items.check)(list).map(Value::List).map_err(Wrong::from)
            }
            (_, value) => Ok(value),
        }
    }

    /// The JSON Schema of its values.
    pub fn schema(&self) -> Json {
        match self {
            Self::Whole { from, to, step } => {
                let mut schema = json!({"type": "integer", "minimum": from, "maximum": to});
                if *step > 1 {
                    schema["multipleOf"] = (*step).into();
                }
                schema
            }
            Self::Number {
                from, to, above, ..
            } => {
                let least = if *above {
                    "exclusiveMinimum"
                } else {
                    "minimum"
                };
                json!({"type": "number", least: from, "maximum": to})
            }
            Self::Flag => json!({"type": "boolean"}),
            Self::OnOff => json!({"enum": ["on", "off"]}),
            Self::Words(words) => json!({"enum": words}),
            Self::Text(from, to) => {
                // What is written may have blanks around it, which do not count.
                let least = from.min(&1);
                json!({"type": "string", "minLength": least, "maxLength": to})
            }
            Self::Shaped(shape) => (shape.schema)(),
            Self::List(items) => (items.schema)(),
        }
    }
}
