//! Rewrites the parser's error messages for users. None reaches a user in another way.

use super::error::YamlError;
use crate::base::did_you_mean::nearest;

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
            None => (NO_YAML.to_owned(), ONE_KEY_A_LINE.to_owned()),
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
        what: "unknown key".to_owned(),
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
        "is empty".to_owned()
    } else {
        format!("is `{}`", clipped(word))
    }
}

fn one_of(known: &[&str]) -> String {
    match known {
        [] => "no key is allowed here".to_owned(),
        [only] => format!("allowed is {only}"),
        many => format!("allowed are {}", many.join(", ")),
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
    let mut what = format!("is {}", value(found));
    if folded {
        what.push_str(" (the next line was read as a part of it: check its indentation)");
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
    Some((what, format!("allowed is {kind}"), meant))
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
        return format!("the text {}", clipped(text));
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
        "unit value" | "null" | "Option value" => "empty".to_owned(),
        "map" => "a group of keys".to_owned(),
        "sequence" => "a list".to_owned(),
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
        other if other.starts_with("struct ") => "a group of keys, each as `key: value`",
        other => other,
    }
}

/// What the parser says of text that is no YAML, what that means, and what to write. The first that fits counts.
const FORMS: [(&str, &str, &str); 19] = [
    ("tab character", A_TAB, SPACES),
    (
        "repetition limit",
        "aliases (`*name`) are followed too often",
        "write the values out",
    ),
    (
        "recursion limit",
        "nested too deeply",
        "at most 128 levels are allowed",
    ),
    (
        "unknown anchor",
        "an alias (`*name`) of something that is not there",
        "put a text that begins with `*` in quotes",
    ),
    ("escape", BACKSLASH, SINGLE_QUOTES),
    ("hexadecimal", BACKSLASH, SINGLE_QUOTES),
    ("mapping values are not allowed", MISPLACED, ONE_TO_A_LINE),
    ("did not find expected key", MISPLACED, ONE_TO_A_LINE),
    ("did not find expected '-'", MISPLACED, ONE_TO_A_LINE),
    (
        "could not find expected ':'",
        "a key without a value",
        "write `key: value`, with a space after the colon",
    ),
    (
        "sequence entries",
        "a list begins in the line of its key, or a text with `- `",
        "begin the list in the next line, or put the text in quotes",
    ),
    ("cannot start any token", A_SIGN, QUOTE_SIGNS),
    ("mapping keys", A_SIGN, QUOTE_SIGNS),
    ("alphabetic or numeric", A_SIGN, QUOTE_SIGNS),
    ("directive", A_SIGN, QUOTE_SIGNS),
    ("unexpected end of stream", UNCLOSED, ""),
    ("unexpected document indicator", UNCLOSED, ""),
    ("expected node content", UNCLOSED, ""),
    ("expected ',' or", UNCLOSED, ""),
];
const A_TAB: &str = "a tab stands here";
const SPACES: &str = "YAML forbids tabs: indent with spaces";
const BACKSLASH: &str = "a backslash in double quotes means something else than itself";
const SINGLE_QUOTES: &str =
    "write the text in single quotes, as 'C:\\Users\\me', or each backslash twice";
const MISPLACED: &str = "a key, a colon or the indentation is not where it should be";
const ONE_TO_A_LINE: &str = "write one `key: value` to a line, indented with spaces just like its neighbours; a text with `: ` in it goes in quotes";
const A_SIGN: &str = "a sign stands here that cannot begin a value";
const QUOTE_SIGNS: &str =
    "put texts that begin with a sign such as `@`, `%`, `&`, `?` or `` ` `` in quotes";
const NO_YAML: &str = "this cannot be read as YAML";
const ONE_KEY_A_LINE: &str =
    "write one `key: value` to a line, and put a text with signs in it in single quotes";
const UNCLOSED: &str = "a quote or a bracket is not closed, or one is closed that was not opened";

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
        return Some((A_TAB, SPACES.to_owned()));
    }
    let begun = context
        .rsplit_once(" at ")
        .map(|(_, place)| place.replace(" column", ", column"));
    let said = format!("{message}{context}");
    let (sign, what, allowed) = FORMS.iter().find(|(sign, ..)| said.contains(sign))?;
    let allowed = match (*sign, begun) {
        (_, begun) if allowed.is_empty() => {
            let place = begun.map_or("before here".to_owned(), |place| format!("at {place}"));
            format!("close what was opened {place}")
        }
        // The parser notices it behind the line.
        ("could not find expected ':'", Some(place)) => format!("{allowed}, at {place}"),
        _ => (*allowed).to_owned(),
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
