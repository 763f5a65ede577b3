//! Redaction: which values of the user's files may leave the computer, and which are removed everywhere.
//!
//! ```text
//! config.yaml, profiles ─▶ parsed ─▶ values of known keys, written again; the rest ─▶ Secrets
//! report, history, logs ─▶ without known Secrets in any notation, and without anything that looks like a secret
//! ```
//!
//! YAML has many notations for one value (anchors, explicit keys, folded and quoted texts), so the output is built from the
//! parsed values, not from the text.

use serde_json::Value;

use crate::base::keys::{Key, Kind};
use crate::base::yaml::{self, Text};
use crate::profile;
use crate::settings::config;

/// Placeholder of removed values.
pub(super) const REMOVED: &str = "(removed)";
/// Keys whose texts appear, besides choices among words: names that a fault cannot be found without.
const TOLD: [&str; 12] = [
    "among",
    "endpoint",
    "input_device",
    "language",
    "languages",
    "listen",
    "model",
    "name",
    "output_device",
    "profile",
    "state",
    "voice",
];
/// Keys whose values never appear.
const SECRET: [&str; 12] = [
    "token",
    "alert_webhook",
    "key",
    "api_key",
    "access_token",
    "apikey",
    "password",
    "authorization",
    "secret",
    "handle",
    "instruction",
    "vocabulary",
];
/// Of these, keys whose texts may hold blanks.
const WITH_BLANKS: [&str; 3] = ["input_device", "output_device", "state"];
/// Words that hold for any key.
const WORDS: [&str; 4] = ["default", "off", "on", "auto"];
/// Numbers from here on are as long as a secret.
const LARGEST_NUMBER: f64 = 1e9;
/// Shorter texts are no secrets, and too frequent.
const SHORTEST: usize = 6;
/// Most characters of a value that an error quotes.
const QUOTED: usize = 60;

/// Texts that must not appear, in every possible notation.
#[derive(Debug, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Takes in a text, its lines, and the beginning that an error may quote.
    pub(super) fn note(&mut self, text: &str) {
        for part in std::iter::once(text).chain(text.lines()) {
            let part = part.trim();
            if part.len() < SHORTEST {
                continue;
            }
            self.0.extend(notations(part));
            if part.chars().count() > QUOTED {
                let start: String = part.chars().take(QUOTED).collect();
                self.0.extend(notations(start.trim_end()));
            }
        }
    }

    /// Records the secret parts of an address.
    pub(super) fn note_address(&mut self, text: &str) {
        address_secrets(text)
            .iter()
            .for_each(|secret| self.note(secret));
    }

    /// Longest first, because a part would leave the rest.
    pub(super) fn sort(&mut self) {
        self.0.sort_by_key(|form| std::cmp::Reverse(form.len()));
        self.0.dedup();
    }

    /// The text without any of them, without what looks like one, and without the name of the home folder.
    pub(super) fn out_of(&self, text: &str) -> String {
        let mut cleaned = text.to_owned();
        for form in &self.0 {
            if memchr::memmem::find(cleaned.as_bytes(), form.as_bytes()).is_some() {
                cleaned = cleaned.replace(form, REMOVED);
            }
        }
        let lines = cleaned.split_inclusive('\n');
        let cleaned: String = lines
            .map(|line| without_shapes(&without_values(line)))
            .collect();
        let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().display().to_string());
        match home.filter(|home| home.len() > 1) {
            Some(home) => cleaned.replace(&home, "~"),
            None => cleaned,
        }
    }

    /// The same for all texts in a value.
    pub(super) fn out_of_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.out_of(&text)),
            Value::Array(all) => all.into_iter().map(|one| self.out_of_value(one)).collect(),
            Value::Object(all) => all
                .into_iter()
                .map(|(key, one)| (self.out_of(&key), self.out_of_value(one)))
                .collect(),
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => plain,
        }
    }

    /// Returns the allowed values of a YAML file and records all others as secrets. Of an unreadable file all words are recorded,
    /// and only the position of its fault is returned, because an error may quote the file.
    pub(super) fn parsed(&mut self, bytes: &[u8]) -> Result<Value, String> {
        let value = Text::new("", bytes).and_then(|text| text.read::<Value>());
        value
            .map(|value| self.redacted("", value))
            .map_err(|error| {
                self.note_unread(&String::from_utf8_lossy(bytes));
                format!("line {}, column {}", error.line, error.column)
            })
    }

    /// Records every line of a text that cannot be parsed, the part after its first colon, and unusual words.
    fn note_unread(&mut self, text: &str) {
        const LONG: usize = 12;
        for line in text.lines() {
            self.note(line);
            if let Some((_, value)) = line.split_once(": ") {
                self.note(value.trim().trim_matches(['"', '\'']));
            }
        }
        let ends = |c: char| c.is_whitespace() || "\"'`,[]{}|>&*!#".contains(c);
        for word in text.split(ends).map(|word| word.trim_end_matches(':')) {
            let is_known = is_told(word) || is_group(word) || SECRET.contains(&word);
            if !is_known && (word.len() >= LONG || word.contains(|c: char| c.is_ascii_digit())) {
                self.note(word);
            }
        }
    }

    fn redacted(&mut self, key: &str, value: Value) -> Value {
        match value {
            Value::Object(all) if is_group(key) => {
                let mut redacted = serde_json::Map::new();
                for (key, value) in all {
                    let name = if is_key(&key) && !looks_secret(&key) {
                        key.clone()
                    } else {
                        self.note(&key);
                        format!("(unknown key {})", redacted.len() + 1)
                    };
                    let value = self.redacted(&key, value);
                    redacted.insert(name, value);
                }
                Value::Object(redacted)
            }
            Value::Array(all) if is_told(key) => {
                all.into_iter().map(|one| self.redacted(key, one)).collect()
            }
            Value::String(text) if WORDS.contains(&text.as_str()) => Value::String(text),
            Value::String(text) if is_told(key) => {
                let one_word = !text.contains(char::is_whitespace) || WITH_BLANKS.contains(&key);
                let redacted = if one_word {
                    without_shapes(&text)
                } else {
                    REMOVED.to_owned()
                };
                if redacted != text {
                    self.note(&text);
                    self.note_address(&text);
                }
                Value::String(redacted)
            }
            Value::Number(number)
                if !SECRET.contains(&key)
                    && number
                        .as_f64()
                        .is_some_and(|number| number.abs() < LARGEST_NUMBER) =>
            {
                Value::Number(number)
            }
            plain @ (Value::Null | Value::Bool(_)) => plain,
            other @ (Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                self.note_all(&other);
                Value::String(REMOVED.to_owned())
            }
        }
    }

    fn note_all(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.note(text),
            Value::Number(number) => self.note(&number.to_string()),
            Value::Array(all) => all.iter().for_each(|one| self.note_all(one)),
            Value::Object(all) => all.iter().for_each(|(key, one)| {
                self.note(key);
                self.note_all(one);
            }),
            Value::Null | Value::Bool(_) => {}
        }
    }
}

/// Whether texts of a key appear.
fn is_told(key: &str) -> bool {
    let is_choice = |row: &Key| matches!(row.kind, Kind::Words(_) | Kind::OnOff);
    TOLD.contains(&key) || rows().any(|row| row.parts().1 == key && is_choice(row))
}

/// Whether a key has keys within it, as the whole file has: `""`.
fn is_group(key: &str) -> bool {
    rows().any(|row| row.parts().0.split('.').any(|group| group == key))
}

/// The keys of profiles and of the configuration.
fn rows() -> impl Iterator<Item = &'static Key> {
    profile::keys().chain(config::keys())
}

pub(super) fn written(value: &Value) -> String {
    yaml::written(value)
}

/// A text as it is, and as logs, addresses and messages write it.
fn notations(text: &str) -> Vec<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let inner = |quoted: String| {
        let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
        inner.to_owned()
    };
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let mut all = vec![
        text.to_owned(),
        text.chars().rev().collect(),
        inner(serde_json::to_string(text).unwrap_or_default()),
        inner(format!("{text:?}")),
        inner(yaml::quoted(text)),
        crate::base::printable::escaped(text).into_owned(),
        text.replace('\'', "''"),
        query.replace('+', "%20"),
        query,
        percent.to_lowercase(),
        percent,
        hex.to_uppercase(),
        hex,
    ];
    // An ordinary word may also have another meaning: `Balanced` is a label, `balanced` a profile.
    if text.len() > 12 {
        all.extend([text.to_lowercase(), text.to_uppercase()]);
    }
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        // Three bytes are four letters, shifted by the text before them. Letters that hold bits of neighbours are left out.
        for shift in 0..3 {
            let mut bytes = vec![0; shift];
            bytes.extend_from_slice(text.as_bytes());
            let encoded = engine.encode(&bytes);
            let whole = bytes.len() / 3 * 4;
            let first = if shift == 0 { 0 } else { 4 };
            all.extend(encoded.get(first..whole).map(str::to_owned));
        }
    }
    all.retain(|form| form.len() >= SHORTEST);
    all.sort();
    all.dedup();
    all
}

fn is_key(word: &str) -> bool {
    (1..=40).contains(&word.len())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Login, query and fragment of an address, as they are written and as they are meant, and what in its path is long.
fn address_secrets(text: &str) -> Vec<String> {
    let Ok(url) = url::Url::parse(text) else {
        return Vec::new();
    };
    let mut all = vec![url.username().to_owned()];
    all.extend(
        [url.password(), url.query(), url.fragment()]
            .into_iter()
            .flatten()
            .map(str::to_owned),
    );
    all.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
    let path = url.path().split('/').filter(|part| looks_secret(part));
    all.extend(path.map(str::to_owned));
    for coded in all.clone() {
        let meant = url::form_urlencoded::parse(coded.replace('+', "%2B").as_bytes())
            .map(|(name, _)| name.into_owned())
            .next();
        all.extend(meant);
    }
    all
}

/// A line cut after a name that announces a secret.
fn without_values(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let mut cut = None;
    for name in SECRET {
        for (at, _) in lower.match_indices(name) {
            let before = lower[..at].chars().next_back();
            let starts = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
            let rest = &lower[at + name.len()..];
            let quote = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
            let value = quote.trim_start();
            let separator = value.starts_with(':') || value.starts_with('=');
            if starts && separator {
                let value_at = line.len() - value.len() + 1;
                cut = Some(cut.map_or(value_at, |earlier: usize| earlier.min(value_at)));
            }
        }
    }
    match cut {
        None => line.to_owned(),
        Some(at) => {
            let end = if line.ends_with('\n') { "\n" } else { "" };
            format!("{} {REMOVED}{end}", &line[..at])
        }
    }
}

/// Words that look like keys, and possible secrets in addresses.
fn without_shapes(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let separator = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\'' | ',' | '(' | ')' | '<' | '>' | '[' | ']' | '{' | '}'
            )
    };
    for piece in line.split_inclusive(separator) {
        let word = piece.trim_end_matches(separator);
        let end = &piece[word.len()..];
        out.push_str(&without_shape(word));
        out.push_str(end);
    }
    out
}

fn without_shape(word: &str) -> String {
    if let Some((scheme, rest)) = word.split_once("://") {
        let rest = rest.split(['?', '#']).next().unwrap_or("");
        let (place, path) = rest
            .split_once('/')
            .map_or((rest, ""), |(place, path)| (place, path));
        let host = place.rsplit('@').next().unwrap_or(place);
        let login = if place.contains('@') {
            "(removed)@"
        } else {
            ""
        };
        let slash = if path.is_empty() { "" } else { "/" };
        let path = path
            .split('/')
            .map(|part| if looks_secret(part) { REMOVED } else { part });
        return format!(
            "{scheme}://{login}{host}{slash}{}",
            path.collect::<Vec<_>>().join("/")
        );
    }
    if let Some((_, rest)) = word.rsplit_once('@') {
        // An address without a scheme.
        return format!("(removed)@{}", without_shape(rest));
    }
    let parts: Vec<&str> = word.split(['=', ':', ';']).collect();
    if parts.iter().any(|part| looks_secret(part)) {
        return REMOVED.to_owned();
    }
    word.to_owned()
}

/// Patterns of Google's keys and tokens, and long random words: mixed letters and digits, 32 or more.
fn looks_secret(word: &str) -> bool {
    let known = ["AIza", "AQ.", "ya29.", "auth_tokens/", "sk-"];
    let signs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let chance = word.len() >= 32
        && word.chars().all(signs)
        && word.contains(|c: char| c.is_ascii_digit())
        && word.contains(|c: char| c.is_ascii_alphabetic());
    chance
        || known
            .iter()
            .any(|start| word.starts_with(start) && word.len() >= start.len() + 8)
}
