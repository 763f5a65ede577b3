//! Reads a YAML file by a table of keys, and finds all faults at once.
//!
//! The parser ends at its first error. So the file is read again without the key that is at fault, until nothing else is.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess};
use serde::de::{SeqAccess, Unexpected, Visitor};

use super::key::Key;
use super::kind::{Kind, Wrong};
use super::value::Value;
use crate::base::yaml::{GROUP, MOST_FAULTS, Text, YamlError};

/// The values that a file has, by the names of their keys, and what is wrong with it, in the order of the file.
pub fn read(
    text: &Text<'_>,
    table: &[&'static Key],
) -> (HashMap<&'static str, Value>, Vec<YamlError>) {
    let mut faulty = HashSet::new();
    let mut faults = Vec::new();
    let written = loop {
        let mut found = Vec::new();
        let group = Group {
            name: "",
            table,
            faulty: &faulty,
            found: &mut found,
        };
        let Err(mut error) = text.read_with(group) else {
            break found;
        };
        // Of an item of a list the list says it.
        let name = error.key.split('[').next().unwrap_or_default().to_owned();
        if !(faulty.insert(error.key.clone()) | faulty.insert(name.clone())) {
            break found;
        }
        if let Some(key) = table.iter().find(|key| key.name == name) {
            error.allowed = key.allowed();
        } else if error.suggestion.is_none() {
            // A key that is in the wrong group.
            let word = name.rsplit('.').next();
            let meant = table.iter().find(|key| Some(key.parts().1) == word);
            error.suggestion = meant.map(|key| key.name.into());
        }
        faults.push(error);
        if faults.len() == MOST_FAULTS {
            break found;
        }
    };
    let mut values = HashMap::new();
    for (key, value) in written {
        match key.kind.check(value) {
            Ok(value) => drop(values.insert(key.name, value)),
            Err(wrong) => faults.push(fault(text, key, wrong)),
        }
    }
    faults.sort_by_key(|fault| (fault.line, fault.column));
    (values, faults)
}

/// A wrong value, with its place.
pub fn fault(text: &Text<'_>, key: &Key, wrong: Wrong) -> YamlError {
    let allowed = wrong.allowed.unwrap_or_else(|| key.allowed());
    YamlError {
        suggestion: wrong.suggestion,
        ..text.fault(key.name, wrong.what, allowed)
    }
}

impl Key {
    /// A shipped value from its text, without a YAML parser: JSON, a word, or words in brackets.
    pub fn value(&'static self, shipped: &str) -> Option<Value> {
        let list = shipped
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let json: serde_json::Value = match list {
            Some(words) => words.split(", ").filter(|word| !word.is_empty()).collect(),
            None => serde_json::from_str(shipped).unwrap_or_else(|_| shipped.into()),
        };
        let value = Row(self).deserialize(json).ok()?;
        self.kind.check(value).ok()
    }
}

/// Reads a group of keys.
struct Group<'a> {
    name: &'a str,
    table: &'a [&'static Key],
    /// Keys and groups that are passed over.
    faulty: &'a HashSet<String>,
    found: &'a mut Vec<(&'static Key, Value)>,
}

impl Group<'_> {
    /// A key of this group with the names of the groups around it.
    fn full(&self, key: &str) -> String {
        match self.name {
            "" => key.to_owned(),
            group => format!("{group}.{key}"),
        }
    }

    /// Whether `name` is a group.
    fn is_group(&self, name: &str) -> bool {
        let within = |key: &&Key| {
            let rest = key.name.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        self.table.iter().copied().any(|key| within(&key))
    }
}

/// The keys and groups within a group of a table, each once, in order.
pub fn known(table: &[&'static Key], group: &str) -> Vec<&'static str> {
    let mut known = Vec::new();
    for key in table {
        let rest = match group {
            "" => Some(key.name),
            group => {
                let rest = key.name.strip_prefix(group);
                rest.and_then(|rest| rest.strip_prefix('.'))
            }
        };
        let head = rest.and_then(|rest| rest.split('.').next());
        known.extend(head.filter(|head| !known.contains(head)));
    }
    known
}

impl<'de> DeserializeSeed<'de> for Group<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Group<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(GROUP)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(name) = entries.next_key_seed(Name(&self))? {
            if self.faulty.contains(&name) {
                entries.next_value::<IgnoredAny>()?;
            } else if let Some(key) = self.table.iter().find(|key| key.name == name) {
                let value = entries.next_value_seed(Row(key))?;
                self.found.push((key, value));
            } else {
                entries.next_value_seed(Group {
                    name: &name,
                    found: &mut *self.found,
                    ..self
                })?;
            }
        }
        Ok(())
    }
}

/// Reads the full name of a key that is in the table or at fault already, or of a group.
struct Name<'a>(&'a Group<'a>);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word as key")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<String, E> {
        let Self(group) = self;
        let name = group.full(word);
        let is_known = || group.table.iter().any(|key| key.name == name) || group.is_group(&name);
        if group.faulty.contains(&name) || is_known() {
            return Ok(name);
        }
        let known = known(group.table, group.name).join("`, `");
        // As derived code puts it: the YAML module gives all such messages one wording.
        Err(E::custom(format!(
            "unknown field `{word}`, expected one of `{known}`"
        )))
    }
}

/// Reads the value of a key.
#[derive(Clone, Copy, Debug)]
pub struct Row(pub &'static Key);

impl<'de> DeserializeSeed<'de> for Row {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        match self.0.kind {
            _ if self.0.none.is_some() => from.deserialize_any(self),
            Kind::Whole { .. } => u64::deserialize(from).map(Value::Whole),
            Kind::Number { .. } => f64::deserialize(from).map(Value::Number),
            Kind::Flag => bool::deserialize(from).map(Value::Flag),
            Kind::Words(_) | Kind::OnOff => from.deserialize_str(self),
            Kind::Text(..) | Kind::Shaped(_) => String::deserialize(from).map(Value::Text),
            Kind::List(items) if items.word.is_some() => from.deserialize_any(self),
            Kind::List(_) => Vec::deserialize(from).map(Value::List),
        }
    }
}

impl<'de> Visitor<'de> for Row {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0.kind {
            Kind::Whole { .. } => "a whole number",
            Kind::Number { .. } => "a number",
            Kind::Flag => "a boolean",
            Kind::Words(_) | Kind::OnOff => "one word",
            Kind::Text(..) | Kind::Shaped(_) => "a text",
            Kind::List(_) => "a list",
        };
        f.write_str(kind)?;
        let none = self.0.none;
        none.map_or(Ok(()), |none| write!(f, ", or `{none}`"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        if self.0.none == Some(text) {
            return Ok(Value::None);
        }
        let unknown = |words: &[&str]| {
            let known = words.join("`, `");
            E::custom(format!(
                "unknown variant `{text}`, expected one of `{known}`"
            ))
        };
        match self.0.kind {
            Kind::Words(words) if !words.contains(&text) => Err(unknown(words)),
            Kind::OnOff => match text {
                "on" => Ok(Value::Flag(true)),
                "off" => Ok(Value::Flag(false)),
                _ => Err(unknown(&["on", "off"])),
            },
            Kind::Words(_) | Kind::Text(..) | Kind::Shaped(_) => Ok(Value::Text(text.to_owned())),
            Kind::List(items) if items.word == Some(text) => Ok(Value::Text(text.to_owned())),
            Kind::List(items) if items.word.is_some() => Ok(Value::List(vec![text.to_owned()])),
            Kind::List(_) | Kind::Whole { .. } | Kind::Number { .. } | Kind::Flag => {
                Err(E::invalid_type(Unexpected::Str(text), &self))
            }
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        match self.0.kind {
            Kind::Whole { .. } => Ok(Value::Whole(number)),
            Kind::Number { .. } => Ok(Value::Number(number as f64)),
            Kind::Flag
            | Kind::OnOff
            | Kind::Words(_)
            | Kind::Text(..)
            | Kind::Shaped(_)
            | Kind::List(_) => Err(E::invalid_type(Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        if let Kind::Number { .. } = self.0.kind {
            return Ok(Value::Number(number as f64));
        }
        Err(E::invalid_type(Unexpected::Signed(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        if let Kind::Number { .. } = self.0.kind {
            return Ok(Value::Number(number));
        }
        Err(E::invalid_type(Unexpected::Float(number), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let Kind::List(_) = self.0.kind else {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        };
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }
}
