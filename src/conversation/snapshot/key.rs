//! The key and who is given it, without the key.

use crate::settings::api_key::KeySource;
use crate::settings::endpoint::GOOGLE_HOST;

/// Who answers, and whether it is given the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceView {
    /// Its host; "this computer" for the demo, empty before it is known.
    pub host: String,
    /// Whether the user named an endpoint that is not Google's.
    pub is_own: bool,
    /// Whether the key goes there.
    pub gets_key: bool,
    /// Where a key goes that is entered in the window; `None`: nowhere, since a stored key goes to Google or to the endpoint
    /// of the configuration only.
    pub key_host: Option<String>,
}

impl Default for ServiceView {
    /// Google, with the key.
    fn default() -> Self {
        Self {
            host: String::new(),
            is_own: false,
            gets_key: true,
            key_host: Some(GOOGLE_HOST.into()),
        }
    }
}

/// Where the key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    pub source: KeySource,
    /// Its last four characters.
    pub ending: String,
}
