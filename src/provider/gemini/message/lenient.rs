//! Reads JSON field by field: what is wrong is counted and left out, and costs nothing but itself.
//!
//! Accepted is what the JSON parsers of Protobuf accept: keys in camelCase and `snake_case`, `null` as absent, whole
//! numbers as `45`, `45.0`, `4.5e1` or any of these as text, base64 in both alphabets with or without padding, durations
//! as `"3.5s"` or as seconds and nanoseconds, enums by name or number. Besides, a key that comes twice adds to what the
//! first one said.
//!
//! A value is looked at when its field is read, and only so deep as there are fields that are known: nesting and length
//! of what nobody asked for cost no memory.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::proto_json::whole;
use crate::provider::gemini::base64::decode_loosely;

/// More items of one list are left out: nobody sends so many, and a short item takes more memory than its text.
const MOST_ITEMS: usize = 1 << 16;
/// A longer value of free form is left out: parsed, it takes many times its length.
const LONGEST_FREE: usize = 1 << 20;
/// Protobuf's longest duration: ten thousand years.
const LONGEST_SECONDS: f64 = 315_576_000_000.0;

/// What was there and could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    pub count: u32,
    /// The path of the first one, as `usageMetadata.promptTokenCount`.
    pub first: String,
}

/// An object that is read field by field.
pub(super) trait Fields: Default {
    /// Takes the field of this name, which is in camelCase; one that is not known is passed over.
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader);
}

/// Takes a value if there is one.
pub(super) fn put<S: From<T>, T>(slot: &mut S, value: Option<T>) {
    if let Some(value) = value {
        *slot = S::from(value);
    }
}

/// Reads values and counts what it has to leave out.
#[derive(Default)]
pub(super) struct LenientReader {
    pub(super) left_out: LeftOut,
}

impl LenientReader {
    /// Reads an object into what is there of it.
    pub(super) fn object<T: Fields>(&mut self, slot: &mut Option<T>, json: &RawValue) {
        if json.get().starts_with('{') {
            self.fields(slot.get_or_insert_default(), json);
        } else {
            self.leave_out();
        }
    }

    /// Reads an object whose presence says something, whatever is in it: `true` is enough.
    pub(super) fn sign<T: Fields>(&mut self, slot: &mut Option<T>, json: &RawValue) {
        match json.get() {
            "false" => {}
            "true" => {
                slot.get_or_insert_default();
            }
            _ => {
                let there = slot.get_or_insert_default();
                if json.get().starts_with('{') {
                    self.fields(there, json);
                } else {
                    self.leave_out();
                }
            }
        }
    }

    pub(super) fn fields<T: Fields>(&mut self, object: &mut T, json: &RawValue) {
        let mut parser = serde_json::Deserializer::from_str(json.get());
        let reader = &mut *self;
        if parser.deserialize_map(Members { object, reader }).is_err() {
            self.leave_out();
        }
    }

    /// Reads a list of objects, behind those that are there.
    pub(super) fn list<T: Fields>(&mut self, list: &mut Vec<T>, json: &RawValue) {
        self.items(list, json, |reader, item| {
            let mut object = None;
            reader.object(&mut object, item);
            object
        });
    }

    /// Reads a list of texts, behind those that are there.
    pub(super) fn texts(&mut self, list: &mut Vec<String>, json: &RawValue) {
        self.items(list, json, Self::text);
    }

    fn items<T>(
        &mut self,
        list: &mut Vec<T>,
        json: &RawValue,
        read: impl FnMut(&mut Self, &RawValue) -> Option<T>,
    ) {
        let mut parser = serde_json::Deserializer::from_str(json.get());
        let reader = &mut *self;
        let items = Items { list, reader, read };
        if parser.deserialize_seq(items).is_err() {
            self.leave_out();
        }
    }

    /// Reads text. What is no character in it becomes a replacement character.
    pub(super) fn text(&mut self, json: &RawValue) -> Option<String> {
        let text = serde_json::from_str(json.get()).ok().map(|Text(text)| text);
        self.some(text)
    }

    /// Reads the name of an enum's value, or its number as text.
    pub(super) fn name(&mut self, json: &RawValue) -> Option<String> {
        match whole(json.get()) {
            Some(number) => Some(number.to_string()),
            None => self.text(json),
        }
    }

    pub(super) fn flag(&mut self, json: &RawValue) -> Option<bool> {
        let flag = match json.get().trim_matches('"') {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        self.some(flag)
    }

    /// Reads a whole number that is not below 0.
    pub(super) fn count(&mut self, json: &RawValue) -> Option<u64> {
        self.some(whole(json.get().trim_matches('"')).and_then(|number| u64::try_from(number).ok()))
    }

    /// Reads a duration. A negative one is over.
    pub(super) fn duration(&mut self, json: &RawValue) -> Option<Duration> {
        let seconds = if json.get().starts_with('{') {
            let mut parts = Seconds::default();
            self.fields(&mut parts, json);
            Some(parts.seconds + parts.nanos / 1e9)
        } else {
            let text = json.get().trim_matches('"');
            number(text.strip_suffix('s').unwrap_or(text))
        };
        let bounded = seconds.filter(|&seconds| seconds <= LONGEST_SECONDS);
        let duration = bounded.and_then(|s| Duration::try_from_secs_f64(s.max(0.0)).ok());
        self.some(duration)
    }

    pub(super) fn bytes(&mut self, json: &RawValue) -> Option<Vec<u8>> {
        let text = self.text(json)?;
        let bytes = decode_loosely(text.as_bytes()).ok();
        self.some(bytes)
    }

    /// Reads a value of free form.
    pub(super) fn free<T: for<'a> Deserialize<'a>>(&mut self, json: &RawValue) -> Option<T> {
        let short = Some(json.get()).filter(|text| text.len() <= LONGEST_FREE);
        let value = short.and_then(|text| serde_json::from_str(text).ok());
        self.some(value)
    }

    fn some<T>(&mut self, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.leave_out();
        }
        value
    }

    fn leave_out(&mut self) {
        self.left_out.count = self.left_out.count.saturating_add(1);
    }

    /// Reads what belongs to a key that is known. Where it is the first that is wrong, its path begins with this key.
    fn member(&mut self, key: &str, read: impl FnOnce(&mut Self)) {
        let fine = self.left_out.count == 0;
        read(self);
        if fine && self.left_out.count > 0 {
            let inner = std::mem::take(&mut self.left_out.first);
            let dot = if inner.is_empty() { "" } else { "." };
            self.left_out.first = format!("{key}{dot}{inner}");
        }
    }
}

/// A duration in two parts.
#[derive(Default)]
struct Seconds {
    seconds: f64,
    nanos: f64,
}

impl Fields for Seconds {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        let slot = match name {
            "seconds" => &mut self.seconds,
            "nanos" => &mut self.nanos,
            _ => return,
        };
        put(slot, reader.some(number(value.get().trim_matches('"'))));
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// `snake_case` in camelCase.
fn camel(key: &str) -> Cow<'_, str> {
    if !key.contains('_') {
        return Cow::Borrowed(key);
    }
    let mut after_line = false;
    let letters = key.chars().filter_map(|letter| {
        let raised = std::mem::replace(&mut after_line, letter == '_');
        let letter = if raised {
            letter.to_ascii_uppercase()
        } else {
            letter
        };
        (letter != '_').then_some(letter)
    });
    Cow::Owned(letters.collect())
}

/// Text that may hold what is no character: half of a pair of surrogates, where a service cuts words in pieces.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Characters;

        impl Visitor<'_> for Characters {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_bytes<E: de::Error>(self, text: &[u8]) -> Result<Text, E> {
                Ok(Text(String::from_utf8_lossy(text).into_owned()))
            }
        }

        deserializer.deserialize_bytes(Characters)
    }
}

/// The members of an object.
struct Members<'a, T> {
    object: &'a mut T,
    reader: &'a mut LenientReader,
}

impl<'de, T: Fields> Visitor<'de> for Members<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((Text(key), value)) = map.next_entry::<Text, &RawValue>()? {
            if value.get() != "null" {
                let name = camel(&key);
                self.reader
                    .member(&name, |reader| self.object.field(&name, value, reader));
            }
        }
        Ok(())
    }
}

/// The items of a list, read by `read`.
struct Items<'a, T, F> {
    list: &'a mut Vec<T>,
    reader: &'a mut LenientReader,
    read: F,
}

impl<'de, T, F: FnMut(&mut LenientReader, &RawValue) -> Option<T>> Visitor<'de>
    for Items<'_, T, F>
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&RawValue>()? {
            if item.get() == "null" {
            } else if self.list.len() < MOST_ITEMS {
                self.list.extend((self.read)(self.reader, item));
            } else {
                self.reader.leave_out();
            }
        }
        Ok(())
    }
}
