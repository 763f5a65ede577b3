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

    use crate::live::base64::{decode, encode};

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

/// Integers that may come as decimal text.
pub(super) mod integer {
    use super::*;

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw<'a> {
            Number(u64),
            #[serde(borrow)]
            Text(Cow<'a, str>),
        }
        match Option::<Raw>::deserialize(deserializer)
            .map_err(|_| de::Error::custom("expected a whole number, not below 0"))?
        {
            None => Ok(None),
            Some(Raw::Number(number)) => Ok(Some(number)),
            Some(Raw::Text(text)) => text
                .parse()
                .map(Some)
                .map_err(|_| de::Error::custom("expected a whole number as text, not below 0")),
        }
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

    /// A time that cannot be read is no time: the message around it still counts. A negative one is over.
    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let raw = serde_json::Value::deserialize(deserializer)?;
        let seconds = raw
            .as_f64()
            .or_else(|| raw.as_str()?.strip_suffix('s')?.parse().ok());
        Ok(seconds.and_then(|s: f64| Duration::try_from_secs_f64(s.max(0.0)).ok()))
    }
}
