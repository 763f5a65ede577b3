//! Setups that are refused.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// The close that setups are answered with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefuseSetup {
    #[serde(deserialize_with = "close_code")]
    pub code: u16,
    /// Its reason, of which 123 bytes fit into a close frame.
    #[serde(default)]
    pub reason: String,
    /// Versions of the API, as `v1beta`, under which it is sent; none: all.
    #[serde(default)]
    pub versions: Vec<String>,
    /// Names of models, without `models/`, for which it is sent; none: all.
    #[serde(default)]
    pub models: Vec<String>,
}

impl RefuseSetup {
    /// Whether a setup for this model under this version is refused.
    pub(in crate::server) fn concerns(&self, version: &str, model: &str) -> bool {
        let named =
            |names: &[String], name: &str| names.is_empty() || names.iter().any(|one| one == name);
        let model = model.rsplit('/').next().unwrap_or(model);
        named(&self.versions, version) && named(&self.models, model)
    }
}

/// Whether a close frame may have this code.
pub(super) fn can_be_sent(code: u16) -> Result<u16, String> {
    if !(1000..=4999).contains(&code) || [1005, 1006, 1015].contains(&code) {
        let allowed = "1000 to 4999 without 1005, 1006 and 1015";
        return Err(format!("{code} cannot be sent; {allowed}"));
    }
    Ok(code)
}

fn close_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    u16::deserialize(deserializer).and_then(|code| can_be_sent(code).map_err(D::Error::custom))
}
