//! Which addresses may have the API key.

use url::Url;

use super::api_key::KeySource;
use super::endpoint::{google, parse};

/// Whether a key from `source` may be sent to `url`: one from the environment to any endpoint that the user names; a stored
/// one to Google, or to the endpoint that stands in the configuration file beside it.
#[must_use]
pub fn may_have_key(source: KeySource, url: &Url, config: Option<&str>) -> bool {
    let same = |other: &Url| {
        (url.scheme(), url.host(), url.port_or_known_default())
            == (other.scheme(), other.host(), other.port_or_known_default())
    };
    match source {
        KeySource::Environment(_) => true,
        KeySource::Keyring | KeySource::File => {
            same(&google())
                || config
                    .and_then(|config| parse(config).ok())
                    .is_some_and(|config| same(&config))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::api_key::VARIABLES;

    #[test]
    fn a_stored_key_goes_to_google_or_to_the_configured_endpoint_only() {
        let other = parse("wss://evil.example").expect("good");
        let lookalike =
            parse("wss://generativelanguage.googleapis.com.evil.example").expect("good");
        let odd_port = parse("wss://generativelanguage.googleapis.com:444").expect("good");
        let mine = "wss://gate.example/live";
        for source in [KeySource::Keyring, KeySource::File] {
            assert!(may_have_key(source, &google(), None));
            assert!(may_have_key(
                source,
                &parse(mine).expect("good"),
                Some(mine)
            ));
            for url in [&other, &lookalike, &odd_port] {
                assert!(!may_have_key(source, url, Some(mine)), "{url}");
            }
        }
        for variable in VARIABLES {
            assert!(may_have_key(KeySource::Environment(variable), &other, None));
        }
    }
}
