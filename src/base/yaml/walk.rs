//! Walks over an untyped document: checks its form, and finds keys.
//!
//! The parser reports positions in errors only, so a walk ends with an error at the position it looked for.

use std::collections::HashSet;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess,
    VariantAccess as _, Visitor,
};

use crate::base::text::t;

/// Values visited before a document counts as too large. A file of the largest size that means something has far fewer;
/// one that follows a few aliases a few thousand times has more.
const MAX_VALUES: usize = 50_000;

/// What a [`FormCheck`] found.
#[derive(Default)]
pub(super) struct FormReport {
    /// The fault; its position is in the error.
    pub(super) fault: Option<Flaw>,
    /// There is no value at all: only comments.
    pub(super) nothing: bool,
    /// Faults of single keys to skip before one ends the walk.
    pub(super) skip: usize,
    values: usize,
}

pub(super) struct Flaw {
    pub(super) key: String,
    pub(super) what: &'static str,
    pub(super) allowed: &'static str,
    /// It concerns this key alone: the rest of the document can be read.
    pub(super) one_key: bool,
}

impl FormReport {
    /// Whether the fault of a single key is skipped.
    fn passes(&mut self) -> bool {
        let passes = self.skip > 0;
        self.skip = self.skip.saturating_sub(1);
        passes
    }
}

/// Refuses duplicate keys in one mapping, tags, and documents that aliases expand too far.
pub(super) struct FormCheck<'a> {
    outcome: &'a mut FormReport,
    path: String,
}

impl<'a> FormCheck<'a> {
    pub(super) fn new(outcome: &'a mut FormReport) -> Self {
        Self {
            outcome,
            path: String::new(),
        }
    }

    fn too_large<E: Error>(self) -> E {
        let what = t!("has-too-many-values");
        self.outcome.fault = Some(Flaw {
            key: self.path,
            what,
            allowed: t!("at-most-50000-are-allowed"),
            one_key: false,
        });
        E::custom(what)
    }
}

impl<'de> DeserializeSeed<'de> for FormCheck<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FormCheck<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<(), E> {
        Ok(())
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    /// A text of comments alone.
    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.outcome.nothing = self.path.is_empty();
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<(), A::Error> {
        if self.outcome.passes() {
            let (IgnoredAny, value) = tagged.variant()?;
            return value.newtype_variant::<IgnoredAny>().map(drop);
        }
        let what = t!("has-a-tag");
        self.outcome.fault = Some(Flaw {
            key: self.path,
            what,
            allowed: t!("tags-have-no-meaning-here"),
            one_key: true,
        });
        Err(A::Error::custom(what))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        for index in 0.. {
            let path = format!("{}[{index}]", self.path);
            let item = FormCheck {
                outcome: &mut *self.outcome,
                path,
            };
            if items.next_element_seed(item)?.is_none() {
                break;
            }
            self.outcome.values += 1;
            if self.outcome.values > MAX_VALUES {
                return Err(self.too_large());
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        loop {
            let key = Key {
                outcome: &mut *self.outcome,
                parent: &self.path,
                seen: &mut seen,
            };
            let Some(key) = entries.next_key_seed(key)? else {
                return Ok(());
            };
            self.outcome.values += 1;
            if self.outcome.values > MAX_VALUES {
                return Err(self.too_large());
            }
            entries.next_value_seed(FormCheck {
                path: join(&self.path, &key),
                outcome: &mut *self.outcome,
            })?;
        }
    }
}

/// The fault of a duplicate key.
pub(super) fn twice() -> &'static str {
    t!("stands-here-for-the-second")
}

/// A key of a mapping, which must be a scalar and new.
struct Key<'a> {
    outcome: &'a mut FormReport,
    parent: &'a str,
    seen: &'a mut HashSet<String>,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word as key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        if self.seen.insert(key.to_owned()) || self.outcome.passes() {
            return Ok(key.to_owned());
        }
        self.outcome.fault = Some(Flaw {
            key: join(self.parent, key),
            what: twice(),
            allowed: t!("once-is-allowed"),
            one_key: true,
        });
        Err(E::custom(twice()))
    }
}

/// What the error says that ends a successful [`Find`].
pub(super) const FOUND: &str = "this is the value looked for";

/// Looks for the value at a path of keys, or for the last of these keys itself; ends with the error [`FOUND`] there.
pub(super) struct Find<'a> {
    pub(super) path: &'a [&'a str],
    /// The key is looked for, and not its value.
    pub(super) key: bool,
}

impl<'de> DeserializeSeed<'de> for Find<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Find<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Also the error of every kind of value that is not visited below.
        f.write_str(if self.path.is_empty() {
            FOUND
        } else {
            "a mapping"
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if self.path.is_empty() {
            return Err(A::Error::custom(FOUND));
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.path.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        let wanted = (self.key && rest.is_empty()).then_some(*first);
        while let Some(key) = entries.next_key_seed(KeyOr { wanted })? {
            if key == *first {
                return entries.next_value_seed(Find {
                    path: rest,
                    key: self.key,
                });
            }
            entries.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// A key; ends with the error [`FOUND`] at the wanted one.
struct KeyOr<'a> {
    wanted: Option<&'a str>,
}

impl<'de> DeserializeSeed<'de> for KeyOr<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyOr<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word as key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        if self.wanted == Some(key) {
            return Err(E::custom(FOUND));
        }
        Ok(key.to_owned())
    }
}

/// Reads the value at a path of keys, and nothing else; `None` where it is not written. Of a key that stands twice it
/// reads the first.
pub(super) struct Get<'a, S> {
    pub(super) path: &'a [&'a str],
    pub(super) seed: S,
}

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for Get<'_, S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<S::Value>, D::Error> {
        if self.path.is_empty() {
            return self.seed.deserialize(from).map(Some);
        }
        from.deserialize_any(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for Get<'_, S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(GROUP)
    }

    /// A group with nothing in it.
    fn visit_unit<E: Error>(self) -> Result<Option<S::Value>, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Option<S::Value>, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Option<S::Value>, A::Error> {
        let mut found = None;
        while let Some(key) = entries.next_key::<String>()? {
            match self.path.split_first() {
                Some((first, rest)) if found.is_none() && key == *first => {
                    let seed = self.seed;
                    found = entries.next_value_seed(Get { path: rest, seed })?;
                }
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

/// Reads a value, or nothing: `None`.
#[derive(Clone, Copy)]
pub(super) struct OrNull<S>(pub(super) S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for OrNull<S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_option(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for OrNull<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(from).map(Some)
    }
}

/// What a [`Get`] or a list of [`Keys`] goes through.
pub(in crate::base) const GROUP: &str = "a group of keys, each as `key: value`";

/// The keys of a mapping, each once; none where there is something else.
pub(super) struct Keys<'a> {
    pub(super) path: &'a [&'a str],
}

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<String>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(GROUP)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Vec<String>, A::Error> {
        let mut keys: Vec<String> = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            match self.path.split_first() {
                None if keys.contains(&key) => drop(entries.next_value::<IgnoredAny>()?),
                None => {
                    entries.next_value::<IgnoredAny>()?;
                    keys.push(key);
                }
                Some((first, rest)) if key == *first => {
                    keys = entries.next_value_seed(Keys { path: rest })?;
                }
                Some(_) => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        Ok(keys)
    }
}

fn join(parent: &str, key: &str) -> String {
    if parent.is_empty() {
        key.to_owned()
    } else {
        format!("{parent}.{key}")
    }
}
