//! A profile written out: as YAML with or without comments, and as JSON Schema.

use serde_json::{Value as Json, json};

use super::settings::{AUTO, BUILTINS, DEFAULT, Profile};
use super::table::{self, GROUPS, KEYS};
use crate::base::keys::{Effect, Key};

/// Columns of a comment.
const WIDTH: usize = 120;

/// What each shipped file says about itself.
const HEAD: &str = "This file is part of the program. A file of the same name in the folder `profiles` of the configuration (its \
path is printed by `sovereign doctor`) replaces it; there every key may be left out. An edit applies when the file is saved, \
unless the key says otherwise. `sovereign profiles check FILE` finds what is wrong with a file.";

impl Profile {
    /// The whole profile as YAML that [`Profile::parse`] accepts, without comments.
    pub fn to_yaml(&self) -> String {
        let values = table::fields().zip(self.values());
        let lines = values.map(|(key, value)| (key, key.yaml(&value)));
        write(lines, self.auto.is_some(), None)
    }
}

impl Profile {
    /// The label, and what differs from another profile, but for the name, as YAML.
    pub fn differences(&self, base: &Self) -> String {
        let values = self.values().into_iter().zip(base.values());
        let lines = table::fields().zip(values);
        // Without a label it would be called as its file is.
        let lines = lines.filter(|(key, (value, of_base))| {
            key.name == "label" || key.name != "name" && value != of_base
        });
        let lines = lines.map(|(key, (value, _))| (key, key.yaml(&value)));
        write(lines, self.auto.is_some(), None)
    }
}

/// The text of the built-in of this name, with comments.
pub fn shipped(name: &str) -> Option<String> {
    let file = BUILTINS
        .iter()
        .chain([&AUTO])
        .position(|known| *known == name)?;
    let value = |name: &str| table::key(name).and_then(|key| pick(key.shipped, file));
    let mut text = String::new();
    let title = format!(
        "{}. {}",
        value("label")?,
        value("description")?.trim_matches('"')
    );
    comment(&mut text, 0, &title);
    text += "#\n";
    comment(&mut text, 0, HEAD);
    text += "\n";
    let lines = table::fields().filter_map(|key| Some((key, pick(key.shipped, file)?)));
    let lines = lines.map(|(key, value)| (key, value.to_owned()));
    Some(text + &write(lines, name == AUTO, Some(file)))
}

/// The text of a row for a shipped file: that of the default profile, unless it has one of its own.
pub(super) fn pick(texts: &[&'static str], file: usize) -> Option<&'static str> {
    let of_default = texts.get(default_file());
    texts.get(file).or(of_default).or(texts.first()).copied()
}

/// The place of the default profile among the shipped files.
fn default_file() -> usize {
    let place = BUILTINS.iter().position(|name| *name == DEFAULT);
    place.unwrap_or_default()
}

/// Keys and values in their groups; with the comments of a shipped `file`. A profile either chooses among others (`auto`) or
/// has settings of its own.
fn write(
    lines: impl Iterator<Item = (&'static Key, String)>,
    auto: bool,
    file: Option<usize>,
) -> String {
    let mut text = String::new();
    let mut open = "";
    for (key, value) in lines {
        let (group, name) = key.parts();
        let left_out = match group {
            "" | "alerts" => false,
            "auto" => !auto,
            _ => auto,
        };
        if left_out {
            continue;
        }
        if group != open {
            open = group;
            let (depth, name) = (group.matches('.').count(), group.rsplit('.').next());
            if file.is_some() && depth == 0 {
                text += "\n";
            }
            let about = GROUPS.iter().find(|(known, _)| *known == group);
            if let (Some(_), Some((_, about))) = (file, about) {
                comment(&mut text, depth, about);
            }
            text += &format!("{}{}:\n", "  ".repeat(depth), name.unwrap_or_default());
        }
        let depth = if group.is_empty() {
            0
        } else {
            group.matches('.').count() + 1
        };
        if let Some(file) = file {
            about(&mut text, depth, key, file);
        }
        entry(&mut text, depth, name, &value, file.is_some());
    }
    text
}

/// Comments on a key: what it does, why it has its shipped value, what is allowed.
fn about(text: &mut String, depth: usize, key: &Key, file: usize) {
    let about: Vec<&str> = [key.about].into_iter().chain(pick(key.why, file)).collect();
    comment(text, depth, &about.join(" "));
    let applies = if key.effect == Effect::AtOnce {
        String::new()
    } else {
        format!(" A change applies {}.", key.effect.words())
    };
    comment(text, depth, &format!("Allowed: {}.{applies}", key.holds()));
}

/// A key and its value; a text that is too long for a line of a shipped file is folded.
fn entry(text: &mut String, depth: usize, name: &str, value: &str, fold: bool) {
    let indent = "  ".repeat(depth);
    let plain = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let folds = fold && indent.len() + name.len() + value.len() > WIDTH;
    match plain.filter(|plain| folds && !plain.contains('\\')) {
        Some(plain) => {
            *text += &format!("{indent}{name}: >-\n");
            wrapped(text, &format!("{indent}  "), plain);
        }
        None => *text += &format!("{indent}{name}: {value}\n"),
    }
}

fn comment(text: &mut String, depth: usize, words: &str) {
    wrapped(text, &format!("{}# ", "  ".repeat(depth)), words);
}

/// Words in lines that begin with `start`.
fn wrapped(text: &mut String, start: &str, words: &str) {
    let mut line = String::new();
    for word in words.split_whitespace() {
        if !line.is_empty() && start.len() + line.chars().count() + 1 + word.chars().count() > WIDTH
        {
            *text += &format!("{start}{line}\n");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    *text += &format!("{start}{line}\n");
}

/// The JSON Schema (draft 2020-12) of a profile's file.
pub fn schema() -> Json {
    let mut top = group("A profile of Sovereign. Every key may be left out.");
    for key in KEYS.iter() {
        let (path, name) = key.parts();
        let mut at = &mut top;
        let mut full = String::new();
        for part in path.split('.').filter(|part| !part.is_empty()) {
            full = format!("{full}.{part}").trim_start_matches('.').to_owned();
            let inner = &mut at["properties"][part];
            if inner.is_null() {
                let about = GROUPS.iter().find(|(group, _)| *group == full);
                *inner = group(about.map_or("", |(_, about)| about));
            }
            at = inner;
        }
        at["properties"][name] = key.schema(pick(key.shipped, default_file()));
    }
    let forbidden =
        ["extends", "audio", "detector", "turn", "live"].map(|key| (key.to_owned(), false.into()));
    let forbidden: serde_json::Map<String, Json> = forbidden.into_iter().collect();
    top["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    top["title"] = "Sovereign profile".into();
    top["dependentSchemas"] = json!({"auto": {"properties": forbidden}});
    top
}

/// A group of keys without any yet.
fn group(about: &str) -> Json {
    json!({"type": "object", "description": about, "additionalProperties": false, "properties": {}})
}
