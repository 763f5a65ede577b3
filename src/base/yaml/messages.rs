//! Rewrites the parser's error messages for users. None reaches a user in another way.

use super::error::YamlError;
use super::walk::GROUP;
use crate::base::did_you_mean::nearest;
use crate::base::text::t;

/// A message, taken apart and reworded.
pub(super) struct Said {
    pub(super) key: String,
    pub(super) what: String,
    pub(super) allowed: String,
    pub(super) suggestion: Option<String>,
}

impl Said {
    /// Rewords `message`, which belongs to `line` and `column`; `text` is that line, and what of it begins at the column.
    pub(super) fn new(message: &str, line: usize, column: usize, text: (&str, &str)) -> Self {
        let place = format!(" at line {line} column {column}");
        let (message, context) = message.split_once(&place).unwrap_or((message, ""));
        let (key, message) = split_path(message);
        if let Some(said) = unknown(&key, message) {
            return said;
        }
        if let Some((what, allowed, suggestion)) = wrong_value(message, text.1) {
            return Self {
                key,
                what,
                allowed,
                suggestion,
            };
        }
        let (what, allowed) = match wrong_form(message, context, text) {
            Some((what, allowed)) => (what.to_owned(), allowed),
            // Within a value, what no parser says is said by the reader of that value.
            None if !key.is_empty() => (message.to_owned(), String::new()),
            None => (
                t!("this-cannot-be-read-as").to_owned(),
                t!("write-one-key-value-and").to_owned(),
            ),
        };
        Self {
            key,
            what,
            allowed,
            suggestion: None,
        }
    }

    pub(super) fn error(self, file: &str, line: usize, column: usize) -> YamlError {
        YamlError {
            key: self.key,
            what: self.what,
            allowed: self.allowed,
            suggestion: self.suggestion.map(Into::into),
            ..YamlError::at(file, line, column)
        }
    }
}

/// An unknown key beside the `known` ones.
pub(super) fn unknown_key(group: &str, word: &str, known: &[&str]) -> Said {
    Said {
        key: if group.is_empty() {
            word.to_owned()
        } else {
            format!("{group}.{word}")
        },
        what: t!("unknown-key").to_owned(),
        allowed: one_of(known),
        suggestion: nearest(word, known.iter().copied()).map(str::to_owned),
    }
}

/// `turn.patience_ms: the rest` as key and rest. No message of the parser begins with one word and a colon otherwise.
fn split_path(message: &str) -> (String, &str) {
    match message.split_once(": ") {
        Some((path, rest)) if !path.contains([' ', '`', '"']) => (path.to_owned(), rest),
        _ => (String::new(), message),
    }
}

/// An unknown key, or an unknown word of a choice: both list what is known, as `a`, `b`.
fn unknown(parent: &str, message: &str) -> Option<Said> {
    let (is_key, rest) = match message.strip_prefix("unknown field `") {
        Some(rest) => (true, rest),
        None => (false, message.strip_prefix("unknown variant `")?),
    };
    let end = rest
        .rfind("`, ")
        .filter(|_| rest.ends_with("there are no fields"));
    let end = end.or_else(|| rest.find("`, expected "))?;
    let word = &rest[..end];
    let known: Vec<&str> = rest[end + 1..].split('`').skip(1).step_by(2).collect();
    if is_key {
        return Some(unknown_key(parent, word, &known));
    }
    Some(Said {
        key: parent.to_owned(),
        what: quoted(word),
        allowed: one_of(&known),
        suggestion: switched(word, &known)
            .or_else(|| nearest(word, known.iter().copied()))
            .map(str::to_owned),
    })
}

/// The word for yes or no that is `known`, for another one of the many that there are.
fn switched<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let pairs = [("on", "off"), ("true", "false"), ("yes", "no")];
    let word = word.to_lowercase();
    let is =
        |candidate: &str| candidate == word || (word.len() == 1 && candidate.starts_with(&word));
    let meant = |(yes, no): (&str, &str)| match (is(yes), is(no)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    };
    let meant = pairs.into_iter().find_map(meant)?;
    let mut words = pairs
        .into_iter()
        .map(|(yes, no)| if meant { yes } else { no });
    let found = words.find_map(|word| known.iter().find(|known| **known == word));
    found.copied()
}

/// A word that is not allowed.
fn quoted(word: &str) -> String {
    if word.is_empty() {
        t!("is-empty").to_owned()
    } else {
        t!("is-value", value = clipped(word))
    }
}

fn one_of(known: &[&str]) -> String {
    match known {
        [] => t!("no-key-is-allowed-here").to_owned(),
        [only] => t!("allowed-is", only),
        many => t!("allowed-are", many = many.join(", ")),
    }
}

/// A value of the wrong kind: the kind, the allowed ones, the probable intention. `from` is the line from the value on.
fn wrong_value(message: &str, from: &str) -> Option<(String, String, Option<String>)> {
    let rest = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let text = found
        .strip_prefix("string \"")
        .and_then(|text| text.strip_suffix('"'));
    let folded =
        text.is_some_and(|text| !from.contains(text) && !from.starts_with(['"', '\'', '|', '>']));
    let mut what = t!("is-kind", value = value(found));
    if folded {
        what.push_str(t!("the-next-line-was-read"));
    }
    // A choice among words: the parser does not say what it found there.
    let boolean = found
        .strip_prefix("boolean `")
        .and_then(|b| b.strip_suffix('`'));
    let kind = kind(expected);
    let meant = match (text, boolean) {
        (Some(text), _) if expected == "a boolean" => {
            switched(text, &["true", "false"]).map(str::to_owned)
        }
        (Some(text), _) => number_meant(text, kind),
        (None, Some(boolean)) => {
            let words: Vec<&str> = kind.split('`').collect();
            switched(boolean, &words).map(str::to_owned)
        }
        (None, None) => {
            let number = found.strip_prefix("floating point `");
            number.and_then(|number| number_meant(number.trim_end_matches('`'), kind))
        }
    };
    Some((what, t!("allowed-is", only = kind_in_words(kind)), meant))
}

/// The number that a text probably means: `300 ms`, `1,5`, `50%`, `0200`, `1_000`, in quotes or not. A time such as `12:30`
/// is ambiguous.
fn number_meant(text: &str, kind: &str) -> Option<String> {
    let whole = kind.contains("a whole number");
    if !whole && !kind.contains("a number") {
        return None;
    }
    let text = text.trim().replace('_', "").replace(',', ".");
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-')));
    let (digits, unit) = text.split_at(end.unwrap_or(text.len()));
    let number: f64 = digits.parse().ok()?;
    let unit = unit.trim();
    if !unit.chars().all(|c| c.is_alphabetic() || c == '%') {
        return None;
    }
    match (whole, unit) {
        (false, "%") => Some((number / 100.0).to_string()),
        (true, "s" | "sec" | "seconds") => Some((number * 1_000.0).to_string()),
        (true, _) if number.fract() != 0.0 => None,
        _ => Some(number.to_string()),
    }
}

/// What serde found, in words.
fn value(found: &str) -> String {
    if let Some(text) = found.strip_prefix("string ") {
        return t!("the-text", text = clipped(text));
    }
    for prefix in ["integer `", "floating point `", "boolean `"] {
        // Numbers beyond 64 bits end with "` as u128".
        if let Some((plain, _)) = found
            .strip_prefix(prefix)
            .and_then(|rest| rest.split_once('`'))
        {
            return plain.to_owned();
        }
    }
    match found {
        "unit value" | "null" | "Option value" => t!("empty").to_owned(),
        "map" => t!("a-group-of-keys").to_owned(),
        "sequence" => t!("a-list").to_owned(),
        other => other.to_owned(),
    }
}

/// What serde expected, in words.
fn kind(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 on",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "`true` or `false`",
        "a string" | "string" => "a text",
        "a sequence" => "a list",
        "a map" => "a group of keys",
        // A list or a group in the place of one of several words.
        "a YAML tag starting with '!'" => "one word",
        other if other.starts_with("struct ") => GROUP,
        other => other,
    }
}

/// What serde expected, as people read it. Other words of the reader are shown as they are.
fn kind_in_words(kind: &str) -> String {
    let (first, or) = match kind.split_once(", or `") {
        Some((first, word)) => (first, Some(word.trim_end_matches('`'))),
        None => (kind, None),
    };
    let first = match first {
        "a whole number from 0 on" => t!("a-whole-number-from-0"),
        "a whole number" => t!("a-whole-number"),
        "a number" => t!("a-number"),
        "`true` or `false`" => t!("true-or-false"),
        "a text" => t!("a-text"),
        "a list" => t!("a-list"),
        "a group of keys" => t!("a-group-of-keys"),
        GROUP => t!("a-group-of-keys-each"),
        "one word" => t!("one-word"),
        other => other,
    };
    or.map_or_else(|| first.to_owned(), |word| t!("or-word", first, word))
}

/// What the parser says of text that is no YAML, what that means, and what to write. The first that fits counts.
fn forms() -> [(&'static str, &'static str, &'static str); 19] {
    let (a_tab, spaces) = (t!("a-tab-stands-here"), t!("yaml-forbids-tabs"));
    let backslash = t!("a-backslash-in-double-quotes");
    let single_quotes = t!("write-the-text-in-single");
    let (misplaced, one_to_a_line) = (t!("a-key-a-colon-or"), t!("write-one-key-value-indented"));
    let (a_sign, quote_signs) = (t!("a-sign-stands-here"), t!("put-texts-that-begin-with"));
    let unclosed = t!("a-quote-or-a-bracket");
    [
        ("tab character", a_tab, spaces),
        (
            "repetition limit",
            t!("aliases-are-followed-too-often"),
            t!("write-the-values-out"),
        ),
        (
            "recursion limit",
            t!("nested-too-deeply"),
            t!("at-most-128-levels-are"),
        ),
        (
            "unknown anchor",
            t!("an-alias-of-something"),
            t!("put-a-text-that-begins"),
        ),
        ("escape", backslash, single_quotes),
        ("hexadecimal", backslash, single_quotes),
        ("mapping values are not allowed", misplaced, one_to_a_line),
        ("did not find expected key", misplaced, one_to_a_line),
        ("did not find expected '-'", misplaced, one_to_a_line),
        (
            "could not find expected ':'",
            t!("a-key-without-a-value"),
            t!("write-key-value-with-a"),
        ),
        (
            "sequence entries",
            t!("a-list-begins-in-the"),
            t!("begin-the-list-in-the"),
        ),
        ("cannot start any token", a_sign, quote_signs),
        ("mapping keys", a_sign, quote_signs),
        ("alphabetic or numeric", a_sign, quote_signs),
        ("directive", a_sign, quote_signs),
        ("unexpected end of stream", unclosed, ""),
        ("unexpected document indicator", unclosed, ""),
        ("expected node content", unclosed, ""),
        ("expected ',' or", unclosed, ""),
    ]
}

/// Text that is no YAML: the fault, and the remedy; `None` for an unknown message. `context` is the part of the message after
/// the position: what the parser was reading, and where that began.
fn wrong_form(
    message: &str,
    context: &str,
    (whole, from): (&str, &str),
) -> Option<(&'static str, String)> {
    let indent = &whole[..whole.len() - whole.trim_start().len()];
    let has_tab = indent.contains('\t') || from.starts_with('\t');
    if message.contains("cannot start any token") && has_tab {
        return Some((t!("a-tab-stands-here"), t!("yaml-forbids-tabs").to_owned()));
    }
    let begun = context.rsplit_once(" at ").map(|(_, place)| {
        let mut words = place.split_whitespace();
        let line = words.nth(1).unwrap_or_default();
        t!(
            "line-and-column",
            line,
            column = words.nth(1).unwrap_or_default()
        )
    });
    let said = format!("{message}{context}");
    let (sign, what, allowed) = forms().into_iter().find(|(sign, ..)| said.contains(sign))?;
    let allowed = match (sign, begun) {
        (_, begun) if allowed.is_empty() => begun.map_or_else(
            || t!("close-what-was-opened-before").to_owned(),
            |place| t!("close-what-was-opened-at", place),
        ),
        // The parser notices it behind the line.
        ("could not find expected ':'", Some(place)) => t!("allowed-at-place", allowed, place),
        _ => allowed.to_owned(),
    };
    Some((what, allowed))
}

/// A value from the file, short enough for one line.
fn clipped(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let start: String = text.chars().take(MOST).collect();
    format!("{start}…")
}
