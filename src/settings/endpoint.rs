//! Which address to talk to.

use url::Url;

use crate::base::local_caller::is_loopback;
use crate::base::text::t;
/// The only host that a stored key goes to unasked.
pub use crate::provider::gemini::models::GOOGLE_HOST;

/// The path of the Live API, for addresses that name none.
pub const LIVE_PATH: &str =
    "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The server inside this program.
    Demo,
    Live(Url),
}

/// What there is to choose from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes<'a> {
    /// `--demo`.
    pub demo: bool,
    /// `--endpoint`.
    pub flag: Option<&'a str>,
    /// `endpoint:` of the configuration file.
    pub config: Option<&'a str>,
    /// Whether there is a key, from anywhere.
    pub has_key: bool,
}

/// Why an address is no good. None of these repeats it, as it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It cannot be read as a URL.
    #[error("{}", t!("is-not-a-url-allowed"))]
    NotAUrl,
    #[error("{}", t!("does-not-begin-with-wss"))]
    Scheme,
    #[error("{}", t!("names-no-host-allowed"))]
    NoHost,
    /// `ws://` to another computer.
    #[error("{}", t!("would-send-speech-unencrypted"))]
    NotEncrypted,
    /// A user or a password.
    #[error("{}", t!("holds-a-user-name-or"))]
    Credentials,
    /// `?key=…`.
    #[error("{}", t!("holds-a-key-put-it"))]
    KeyInside,
    /// `#…`.
    #[error("{}", t!("holds-a-which-no-websocket"))]
    Fragment,
}

/// Chooses: `--demo`, else `--endpoint`, else the configured one, else Gemini Live where there is a key, else the demo.
pub fn choose(wishes: Wishes<'_>) -> Result<Endpoint, EndpointError> {
    if wishes.demo {
        return Ok(Endpoint::Demo);
    }
    match wishes.flag.or(wishes.config) {
        Some(address) => parse(address).map(Endpoint::Live),
        None if wishes.has_key => Ok(Endpoint::Live(google())),
        None => Ok(Endpoint::Demo),
    }
}

/// Gemini Live.
pub fn google() -> Url {
    parse(&format!("wss://{GOOGLE_HOST}")).expect("a constant that a test parses")
}

/// Reads an address; one without a path gets [`LIVE_PATH`].
pub fn parse(address: &str) -> Result<Url, EndpointError> {
    let mut url = Url::parse(address.trim()).map_err(|error| {
        if error == url::ParseError::EmptyHost {
            EndpointError::NoHost
        } else {
            EndpointError::NotAUrl
        }
    })?;
    if !matches!(url.scheme(), "ws" | "wss") {
        return Err(EndpointError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EndpointError::Credentials);
    }
    if url
        .query_pairs()
        .any(|(name, _)| matches!(&*name, "key" | "access_token"))
    {
        return Err(EndpointError::KeyInside);
    }
    if url.fragment().is_some() {
        return Err(EndpointError::Fragment);
    }
    if url.scheme() == "ws" && !url.host().is_some_and(|host| is_loopback(&host)) {
        return Err(EndpointError::NotEncrypted);
    }
    if matches!(url.path(), "" | "/") {
        url.set_path(LIVE_PATH);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wish_counts() {
        let all = Wishes {
            demo: false,
            flag: Some("ws://127.0.0.1:1"),
            config: Some("wss://gate.example"),
            has_key: true,
        };
        let host = |wishes| match choose(wishes).expect("good addresses") {
            Endpoint::Demo => "demo".to_owned(),
            Endpoint::Live(url) => url.host_str().expect("checked").to_owned(),
        };
        assert_eq!(host(Wishes { demo: true, ..all }), "demo");
        assert_eq!(host(all), "127.0.0.1");
        assert_eq!(host(Wishes { flag: None, ..all }), "gate.example");
        let bare = Wishes {
            flag: None,
            config: None,
            ..all
        };
        assert_eq!(host(bare), GOOGLE_HOST);
        assert_eq!(
            host(Wishes {
                has_key: false,
                ..bare
            }),
            "demo"
        );
        let bad = Wishes {
            flag: Some("http://x"),
            ..all
        };
        assert_eq!(
            choose(bad),
            Err(EndpointError::Scheme),
            "a bad flag is not passed over"
        );
    }

    #[test]
    fn addresses_are_completed() {
        let table = [
            (
                "wss://generativelanguage.googleapis.com",
                "wss://generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
            ),
            (
                "ws://127.0.0.1:80",
                "ws://127.0.0.1/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
            ),
            (
                " ws://[::1]:9000/ ",
                "ws://[::1]:9000/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
            ),
            ("ws://localhost:9000/live", "ws://localhost:9000/live"),
            ("WSS://Gate.Example/x?team=1", "wss://gate.example/x?team=1"),
        ];
        for (written, meant) in table {
            assert_eq!(parse(written).expect(written).as_str(), meant);
        }
        assert_eq!(google().host_str(), Some(GOOGLE_HOST));
    }

    #[test]
    fn bad_addresses_are_refused_and_not_repeated() {
        let table = [
            ("", EndpointError::NotAUrl),
            ("generativelanguage.googleapis.com", EndpointError::NotAUrl),
            ("localhost:9000", EndpointError::Scheme),
            ("http://127.0.0.1:9000", EndpointError::Scheme),
            (
                "https://generativelanguage.googleapis.com",
                EndpointError::Scheme,
            ),
            ("file:///etc/passwd", EndpointError::Scheme),
            ("wss://", EndpointError::NoHost),
            ("ws://:9000", EndpointError::NoHost),
            ("wss://host:99999", EndpointError::NotAUrl),
            ("ws://192.168.1.7:9000", EndpointError::NotEncrypted),
            ("ws://localhost.evil.example", EndpointError::NotEncrypted),
            ("ws://0.0.0.0:9000", EndpointError::NotEncrypted),
            ("wss://me:SECRET@host", EndpointError::Credentials),
            ("wss://host/?key=SECRET", EndpointError::KeyInside),
            ("wss://host/?access_token=SECRET", EndpointError::KeyInside),
            ("wss://host/#SECRET", EndpointError::Fragment),
        ];
        for (written, error) in table {
            assert_eq!(parse(written), Err(error), "{written}");
            assert!(!error.to_string().contains("SECRET"));
        }
    }
}
