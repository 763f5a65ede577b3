//! A row of a table: one key.

use serde_json::json;

use super::kind::Kind;
use super::value::Value;
use crate::base::text::t;
use crate::base::yaml::{Text, quoted};

#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Dotted from the top of the file: `turn.patience_ms`.
    pub name: &'static str,
    /// What people call it, where that does not follow from the name.
    called: Option<&'static str>,
    pub kind: Kind,
    /// The word that may replace a value: `off`, `default`.
    pub none: Option<&'static str>,
    /// Shipped values as YAML: one for all files, or one for each.
    pub shipped: &'static [&'static str],
    pub about: &'static str,
    /// Why the shipped values are what they are: one text for each file.
    pub why: &'static [&'static str],
    pub effect: Effect,
    pub role: Role,
    /// Whether its value is not for logs and screens.
    pub secret: bool,
    /// Whether a value that is not allowed is passed over in silence.
    pub lenient: bool,
}

/// What the names of keys say about the units of their values.
const UNITS: [(&str, &str); 8] = [
    ("_ms", "ms"),
    ("_percent", "%"),
    ("_mb", "MB"),
    ("_frames", "frames"),
    ("_taps", "taps"),
    ("_tokens", "tokens"),
    ("spend_limit_usd", "US$"),
    ("price_usd", "US$"),
];

/// Names are unique in a table.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// When a change of a key applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// As soon as the file is saved.
    AtOnce,
    /// While nobody speaks: the sound devices are opened again.
    NextPause,
    /// With the next connection, which is made in a pause.
    NextConnection,
    /// When the program is started again.
    Restart,
}

impl Effect {
    /// The answer to "when does a change apply?".
    pub fn words(self) -> &'static str {
        match self {
            Self::AtOnce => t!("at-once"),
            Self::NextPause => t!("in-the-next-pause"),
            Self::NextConnection => t!("with-the-next-connection"),
            Self::Restart => t!("from-the-next-start-on"),
        }
    }
}

/// What becomes of the value of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A field holds it.
    Field,
    /// The reader of the file acts on it.
    Directive,
    /// Older files have it. It is read, and neither shown nor documented.
    Old,
}

impl Key {
    /// A row of a field whose changes apply at once.
    pub const fn new(
        name: &'static str,
        kind: Kind,
        shipped: &'static [&'static str],
        about: &'static str,
        why: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            called: None,
            kind,
            none: None,
            shipped,
            about,
            why,
            effect: Effect::AtOnce,
            role: Role::Field,
            secret: false,
            lenient: false,
        }
    }

    /// The same, with a word that may replace a value.
    #[must_use]
    pub const fn or(self, none: &'static str) -> Self {
        Self {
            none: Some(none),
            ..self
        }
    }

    /// The same, of which changes apply later.
    #[must_use]
    pub const fn applies(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }

    /// The same, with what people call it.
    #[must_use]
    pub const fn called(self, title: &'static str) -> Self {
        Self {
            called: Some(title),
            ..self
        }
    }

    /// The same, of which the value is not for logs and screens.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self {
            secret: true,
            ..self
        }
    }

    /// The same, of which a value that is not allowed is passed over.
    #[must_use]
    pub const fn lenient(self) -> Self {
        Self {
            lenient: true,
            ..self
        }
    }

    /// The same without a field.
    #[must_use]
    pub const fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// The group that it is in, `""` at the top, and its name there.
    pub fn parts(&self) -> (&'static str, &'static str) {
        self.name.rsplit_once('.').unwrap_or(("", self.name))
    }

    /// What people call it: `turn.patience_ms` is "Pause that ends your turn".
    pub fn title(&self) -> String {
        if let Some(title) = self.called {
            return title.to_owned();
        }
        let (_, name) = self.parts();
        let bare = UNITS.iter().find_map(|(end, _)| name.strip_suffix(end));
        let words = bare.unwrap_or(name).replace('_', " ");
        let mut letters = words.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        first.chain(letters).collect()
    }

    /// The unit of its values; `""` where they have none.
    pub fn unit(&self) -> &'static str {
        let unit = UNITS.iter().find(|(part, _)| self.name.contains(part));
        unit.map_or("", |(_, unit)| unit)
    }

    /// The value as it is used, or a sentence that says why it is not allowed.
    pub fn accept(&self, value: Value) -> Result<Value, String> {
        if value == Value::None {
            return Ok(value);
        }
        self.kind.check(value).map_err(|wrong| {
            let allowed = wrong.allowed.unwrap_or_else(|| self.allowed());
            let this = if allowed.is_empty() {
                t!("this-what", what = wrong.what)
            } else {
                t!("this-what-allowed", what = wrong.what, allowed)
            };
            wrong
                .suggestion
                .map_or(this.clone(), |meant| t!("this-did-you-mean", this, meant))
        })
    }

    /// What is allowed, for messages and comments: `allowed is …`.
    pub fn allowed(&self) -> String {
        self.kind.allowed(self.none)
    }

    /// The same without the verb.
    pub fn holds(&self) -> String {
        let allowed = self.allowed();
        let verbs = [t!("allowed-is", only = ""), t!("allowed-are", many = "")];
        let bare = verbs.iter().find_map(|verb| allowed.strip_prefix(&**verb));
        bare.unwrap_or(&allowed).to_owned()
    }

    /// A value as YAML on one line.
    pub fn yaml(&self, value: &Value) -> String {
        match value {
            Value::None => self.none.unwrap_or_default().to_owned(),
            Value::Whole(number) => number.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Flag(flag) => self.kind.flag(*flag).to_owned(),
            Value::Text(text) => scalar(text),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(|item| scalar(item)).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }

    /// The JSON Schema of its values, with the default in YAML.
    pub fn schema(&self, default: Option<&str>) -> serde_json::Value {
        let mut schema = match self.none {
            Some(word) => json!({"anyOf": [{"const": word}, self.kind.schema()]}),
            None => self.kind.schema(),
        };
        schema["description"] = format!(
            "{} Allowed: {}. A change applies {}.",
            self.about,
            self.holds(),
            self.effect.words()
        )
        .into();
        let default = default.and_then(|text| {
            let text = format!("default: {text}");
            Text::new("", text.as_bytes()).ok()?.get("default").ok()?
        });
        if let Some(default) = default {
            schema["default"] = default;
        }
        if self.role == Role::Old {
            schema["deprecated"] = true.into();
        }
        schema
    }
}

/// A text as YAML: in quotes, unless it is a plain word.
fn scalar(text: &str) -> String {
    let sign = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let reserved = ["true", "false", "null"];
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(sign)
        && !reserved.contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { quoted(text) }
}
