//! The parser's error messages, put into the words of a user.

use crate::base::nearest::nearest;

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
        let message = message.split(&place).next().unwrap_or(message);
        let (key, message) = split_path(message);
        if let Some(said) = unknown(&key, message) {
            return said;
        }
        let (what, allowed) = wrong_value(message, text.1)
            .or_else(|| wrong_form(message, text))
            .unwrap_or_else(|| (message.to_owned(), String::new()));
        Self {
            key,
            what,
            allowed,
            suggestion: None,
        }
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
    let key = match (is_key, parent) {
        (true, "") => word.to_owned(),
        (true, parent) => format!("{parent}.{word}"),
        (false, parent) => parent.to_owned(),
    };
    Some(Said {
        key,
        what: if is_key {
            "unknown key".to_owned()
        } else {
            quoted(word)
        },
        allowed: one_of(&known),
        suggestion: nearest(word, known.iter().copied()).map(str::to_owned),
    })
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

/// A value of the wrong kind. `from` is the line from the value on.
fn wrong_value(message: &str, from: &str) -> Option<(String, String)> {
    let rest = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let folded = found
        .strip_prefix("string \"")
        .and_then(|text| text.strip_suffix('"'))
        .is_some_and(|text| !from.contains(text) && !from.starts_with(['"', '\'', '|', '>']));
    let mut what = format!("is {}", value(found));
    if folded {
        what.push_str(" (the next line was read as a part of it: check its indentation)");
    }
    Some((what, format!("allowed is {}", kind(expected))))
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
        // A choice of words: a list or a group stands where one of them should.
        "a YAML tag starting with '!'" => "one word",
        other if other.starts_with("struct ") => "a group of keys, each as `key: value`",
        other => other,
    }
}

/// Text that is no YAML.
fn wrong_form(message: &str, (whole, from): (&str, &str)) -> Option<(String, String)> {
    let indent = &whole[..whole.len() - whole.trim_start().len()];
    if message.contains("cannot start any token")
        && (indent.contains('\t') || from.starts_with('\t'))
    {
        return Some(pair(
            "a tab stands here",
            "YAML forbids tabs: indent with spaces",
        ));
    }
    if message.contains("repetition limit") {
        return Some(pair(
            "aliases (`*name`) are followed too often",
            "write the values out",
        ));
    }
    if message.contains("recursion limit") {
        return Some(pair("nested too deeply", "at most 128 levels are allowed"));
    }
    if message.contains("unknown anchor") {
        return Some(pair(
            "an alias (`*name`) of something that is not there",
            "put a text that begins with `*` in quotes",
        ));
    }
    let indentation = [
        "mapping values are not allowed",
        "did not find expected key",
        "did not find expected '-'",
    ];
    if indentation.iter().any(|sign| message.contains(sign)) {
        let hint = "write one `key: value` to a line, indented with spaces just like its neighbours; a text with `: ` in it goes in quotes";
        return Some(pair(
            "a key, a colon or the indentation is not where it should be",
            hint,
        ));
    }
    if message.contains("could not find expected ':'") {
        return Some(pair(
            "a key without a value",
            "write `key: value`, with a space after the colon",
        ));
    }
    if message.contains("cannot start any token") {
        let hint = "put texts that begin with a sign such as `@` or `` ` `` in quotes";
        return Some(pair("a sign stands here that cannot begin a value", hint));
    }
    let unclosed = [
        "unexpected end of stream",
        "expected node content",
        "expected ',' or",
    ];
    if unclosed.iter().any(|sign| message.contains(sign)) {
        let what = "a quote or a bracket is not closed, or one is closed that was not opened";
        return Some(pair(what, "close what was opened before here"));
    }
    None
}

fn pair(what: &str, allowed: &str) -> (String, String) {
    (what.to_owned(), allowed.to_owned())
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
