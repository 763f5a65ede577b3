//! Scalars of Protobuf JSON that serde's defaults do not cover.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serializer};

/// Reads `null` as the default.
pub(super) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Whether a flag is down, and therefore left out.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

/// Bytes as base64 text.
pub(super) mod base64_bytes {
    use super::*;

    use crate::provider::gemini::base64::{decode, encode};

    pub(in super::super) fn serialize<S: Serializer>(
        bytes: &[u8],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(bytes))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        // As bytes, because text is looked through twice more: for what JSON forbids in it, and for UTF-8. What is
        // neither is no base64.
        deserializer.deserialize_bytes(Base64Visitor)
    }

    struct Base64Visitor;

    impl Visitor<'_> for Base64Visitor {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("base64 text")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            self.visit_bytes(text.as_bytes())
        }

        fn visit_bytes<E: de::Error>(self, text: &[u8]) -> Result<Self::Value, E> {
            decode(text).map_err(|error| E::custom(format_args!("invalid base64: {error}")))
        }
    }
}

/// A whole number, also where it is written with a point or an exponent.
pub(super) fn whole(text: &str) -> Option<i128> {
    /// Within this a float has a whole number for each of its values, and 64 bits hold it.
    const MOST: f64 = 18_446_744_073_709_551_616.0;
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        (number.fract() == 0.0 && number.abs() < MOST).then_some(number as i128)
    })
}

/// Integers in every notation of Protobuf: `45`, `45.0`, `4.5e1`, and these as text.
pub(super) mod integer {
    use super::*;

    pub(in super::super) fn deserialize<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        D: Deserializer<'de>,
        T: TryFrom<i128>,
    {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw<'a> {
            Number(serde_json::Number),
            #[serde(borrow)]
            Text(Cow<'a, str>),
        }
        let problem = || de::Error::custom("expected a whole number within its range");
        let text = match Option::<Raw>::deserialize(deserializer).map_err(|_| problem())? {
            None => return Ok(None),
            Some(Raw::Number(number)) => number.to_string(),
            Some(Raw::Text(text)) => text.into_owned(),
        };
        let number = whole(&text).and_then(|number| T::try_from(number).ok());
        number.map(Some).ok_or_else(problem)
    }
}

/// Durations as seconds with an `s`.
pub(super) mod seconds {
    use super::*;

    /// Writes up to nine digits after the point, in groups of three, as Protobuf does.
    #[expect(clippy::ref_option, reason = "serde passes fields by reference")]
    pub(in super::super) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let Some(duration) = duration else {
            return serializer.serialize_none();
        };
        let (whole, nanos) = (duration.as_secs(), duration.subsec_nanos());
        let text = if nanos == 0 {
            format!("{whole}s")
        } else if nanos % 1_000_000 == 0 {
            format!("{whole}.{:03}s", nanos / 1_000_000)
        } else if nanos % 1_000 == 0 {
            format!("{whole}.{:06}s", nanos / 1_000)
        } else {
            format!("{whole}.{nanos:09}s")
        };
        serializer.serialize_str(&text)
    }
}
