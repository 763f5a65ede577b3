//! Walks over a document that is not typed yet: is its form sound, and where is a key?
//!
//! The parser tells places in its errors only. So a walk ends with an error where it found what it looked for.

use std::collections::HashSet;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// Values visited before a document counts as too large. A file of the largest size that means something has far fewer;
/// one that follows a few aliases a few thousand times has more.
const MAX_VALUES: usize = 50_000;

/// What a [`Check`] found.
#[derive(Default)]
pub(super) struct Outcome {
    /// Key, what is wrong with it, and what is allowed. Its place is in the error.
    pub(super) fault: Option<(String, &'static str, &'static str)>,
    /// There is no value at all: only comments.
    pub(super) nothing: bool,
    values: usize,
}

/// Refuses keys that stand twice in one mapping, tags, and documents that aliases blow up.
pub(super) struct Check<'a> {
    outcome: &'a mut Outcome,
    path: String,
}

impl<'a> Check<'a> {
    pub(super) fn new(outcome: &'a mut Outcome) -> Self {
        Self {
            outcome,
            path: String::new(),
        }
    }

    fn refuse<T, E: Error>(self, what: &'static str, allowed: &'static str) -> Result<T, E> {
        self.outcome.fault = Some((self.path, what, allowed));
        Err(E::custom(what))
    }
}

impl<'de> DeserializeSeed<'de> for Check<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check<'_> {
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

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.refuse(
            "has a tag (`!…`)",
            "tags have no meaning here: put a text that begins with `!` in quotes",
        )
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        for index in 0.. {
            let path = format!("{}[{index}]", self.path);
            let item = Check {
                outcome: &mut *self.outcome,
                path,
            };
            if items.next_element_seed(item)?.is_none() {
                break;
            }
            self.outcome.values += 1;
            if self.outcome.values > MAX_VALUES {
                return self.refuse(TOO_LARGE, TOO_LARGE_HELP);
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
                return self.refuse(TOO_LARGE, TOO_LARGE_HELP);
            }
            entries.next_value_seed(Check {
                path: join(&self.path, &key),
                outcome: &mut *self.outcome,
            })?;
        }
    }
}

const TOO_LARGE: &str = "has too many values";
const TOO_LARGE_HELP: &str = "at most 50000 are allowed, with aliases (`*name`) followed";

/// A key of a mapping, which must be a scalar and new.
struct Key<'a> {
    outcome: &'a mut Outcome,
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
        if self.seen.insert(key.to_owned()) {
            return Ok(key.to_owned());
        }
        let what = "stands here for the second time";
        self.outcome.fault = Some((
            join(self.parent, key),
            what,
            "once is allowed: remove one of the two",
        ));
        Err(E::custom(what))
    }
}

/// What the error says that ends a successful [`Find`].
pub(super) const FOUND: &str = "this is the value looked for";

/// Looks for the value at a path of keys; ends with the error [`FOUND`] there.
pub(super) struct Find<'a> {
    pub(super) path: &'a [&'a str],
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
        while let Some(key) = entries.next_key::<String>()? {
            if key == *first {
                return entries.next_value_seed(Find { path: rest });
            }
            entries.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

fn join(parent: &str, key: &str) -> String {
    if parent.is_empty() {
        key.to_owned()
    } else {
        format!("{parent}.{key}")
    }
}
