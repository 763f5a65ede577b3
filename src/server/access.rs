//! Who may come in: path, host, origin and key of a handshake.
//!
//! Programs on this computer may; web pages may not ([`local_caller`]).

use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio_tungstenite::tungstenite::http::{HeaderMap, Request, StatusCode};

use crate::base::local_caller::{self, Stranger};

/// Whose handshakes are answered.
#[derive(Clone, Debug, Default)]
pub enum Access {
    /// Any key, or none.
    #[default]
    Open,
    /// This key, in the header or the query. Others are let in and closed with 1007, as the service does.
    Key(SecretString),
    /// This token, in the header only; without it the handshake fails.
    Token(SecretString),
}

/// What becomes of a handshake that is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Welcome {
    /// A conversation.
    Come,
    /// A close with 1007: the key is wrong.
    WrongKey,
}

/// A handshake that is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TurnedAway {
    pub(super) status: StatusCode,
    pub(super) why: String,
}

pub(super) fn admit<T>(request: &Request<T>, access: &Access) -> Result<Welcome, TurnedAway> {
    let turn = |status, why: &str| {
        Err(TurnedAway {
            status,
            why: why.to_owned(),
        })
    };
    let header = |name| request.headers().get_all(name).iter().map(|v| v.as_bytes());
    let in_line = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    if let Err(stranger) = local_caller::check(header("host"), header("origin"), in_line) {
        let status = match stranger {
            Stranger::NoHost => StatusCode::BAD_REQUEST,
            Stranger::Host | Stranger::Origin => StatusCode::FORBIDDEN,
        };
        return turn(status, &stranger.to_string());
    }
    let path = request.uri().path();
    if live_version(path).is_none() && !asks_for_models(path) {
        return turn(StatusCode::NOT_FOUND, "no Live endpoint has this path");
    }
    match access {
        Access::Open => Ok(Welcome::Come),
        Access::Key(key) => {
            let given = header_key(request.headers()).or_else(|| query_key(request.uri().query()));
            let right = given.is_some_and(|given| same_secret(&given, key.expose_secret()));
            Ok(if right {
                Welcome::Come
            } else {
                Welcome::WrongKey
            })
        }
        Access::Token(token) => {
            let given = header_key(request.headers());
            if given.is_some_and(|given| same_secret(&given, token.expose_secret())) {
                Ok(Welcome::Come)
            } else {
                turn(
                    StatusCode::UNAUTHORIZED,
                    "this server belongs to another program",
                )
            }
        }
    }
}

/// Whether this is the path of the list of models.
pub(super) fn asks_for_models(path: &str) -> bool {
    let path = path.trim_start_matches('/');
    let version = path.strip_suffix("/models");
    matches!(version, Some("v1" | "v1beta" | "v1alpha"))
}

/// The version in a Live path: those of both APIs are served, in every version; SDKs that are given a base address begin with
/// two slashes.
pub(super) fn live_version(path: &str) -> Option<&str> {
    let path = path.trim_start_matches('/').strip_prefix("ws/google.")?;
    if let Some(version) = path
        .strip_prefix("cloud.aiplatform.")
        .and_then(|rest| rest.strip_suffix(".LlmBidiService/BidiGenerateContent"))
    {
        return Some(version).filter(|version| matches!(*version, "v1" | "v1beta1"));
    }
    path.strip_prefix("ai.generativelanguage.")
        .map(|rest| rest.strip_suffix("Constrained").unwrap_or(rest))
        .and_then(|rest| rest.strip_suffix(".GenerativeService.BidiGenerateContent"))
        .filter(|version| matches!(*version, "v1" | "v1beta" | "v1alpha"))
}

fn header_key(headers: &HeaderMap) -> Option<String> {
    if let Some(key) = headers.get("x-goog-api-key") {
        return key.to_str().ok().map(str::to_owned);
    }
    let (scheme, token) = headers
        .get("authorization")?
        .to_str()
        .ok()?
        .split_once(' ')?;
    let known = ["token", "bearer"]
        .iter()
        .any(|s| scheme.eq_ignore_ascii_case(s));
    known.then(|| token.trim().to_owned())
}

fn query_key(query: Option<&str>) -> Option<String> {
    url::form_urlencoded::parse(query?.as_bytes())
        .find(|(name, _)| name == "key" || name == "access_token")
        .map(|(_, key)| key.into_owned())
}

/// Compares without telling by its time how much was right.
fn same_secret(given: &str, wanted: &str) -> bool {
    given.as_bytes().ct_eq(wanted.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str =
        "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";

    #[test]
    fn live_paths_are_known_in_every_version() {
        for version in ["v1", "v1beta", "v1alpha"] {
            for (slash, end) in [("/", ""), ("//", ""), ("/", "Constrained")] {
                let path = format!(
                    "{slash}ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent{end}"
                );
                assert_eq!(
                    admit(&request(&path, &[]), &Access::Open),
                    Ok(Welcome::Come),
                    "{path}"
                );
            }
        }
        for version in ["v1", "v1beta1"] {
            let path =
                format!("/ws/google.cloud.aiplatform.{version}.LlmBidiService/BidiGenerateContent");
            assert_eq!(
                admit(&request(&path, &[]), &Access::Open),
                Ok(Welcome::Come),
                "{path}"
            );
        }
        for path in [
            "/",
            "/ws",
            "/ws/google.ai.generativelanguage.v2.GenerativeService.BidiGenerateContent",
            "/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContentX",
            "/ws/google.cloud.aiplatform.v1beta.LlmBidiService/BidiGenerateContent",
            "/x/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent",
        ] {
            let turned = admit(&request(path, &[]), &Access::Open).expect_err(path);
            assert_eq!(turned.status, StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn foreign_hosts_and_origins_are_turned_away() {
        for (name, value, allowed) in [
            ("host", "localhost:9", true),
            ("host", "[::1]:9", true),
            ("host", "127.0.0.1", true),
            ("host", "evil.example", false),
            ("host", "127.0.0.1.evil.example:9", false),
            ("host", "localhost.evil.example", false),
            ("host", "0.0.0.0:9", false),
            ("origin", "http://localhost:3000", true),
            ("origin", "https://127.0.0.1", true),
            ("origin", "http://[::1]:8080", true),
            ("origin", "https://evil.example", false),
            ("origin", "http://127.0.0.1.evil.example", false),
            ("origin", "null", false),
            ("origin", "http://localhost:80@evil.example", false),
            ("origin", "file://", false),
            ("origin", "", false),
        ] {
            let answer = admit(&request(PATH, &[(name, value)]), &Access::Open);
            assert_eq!(answer.is_ok(), allowed, "{name}: {value}");
            if let Err(turned) = answer {
                assert_eq!(turned.status, StatusCode::FORBIDDEN, "{name}: {value}");
            }
        }
    }

    #[test]
    fn a_key_may_come_in_header_or_query_and_a_token_in_the_header_only() {
        let key = || SecretString::from("right");
        let query = format!("{PATH}?alt=json&key=right");
        let token_query = format!("{PATH}?access_token=right");
        let table = [
            (PATH, Some(("x-goog-api-key", "right")), true, true),
            (PATH, Some(("authorization", "Token right")), true, true),
            (PATH, Some(("authorization", "Bearer right")), true, true),
            (PATH, Some(("x-goog-api-key", "rightright")), false, false),
            (PATH, Some(("x-goog-api-key", "righ")), false, false),
            (PATH, Some(("x-goog-api-key", "")), false, false),
            (PATH, Some(("authorization", "Basic right")), false, false),
            (PATH, None, false, false),
            (query.as_str(), None, true, false),
            (token_query.as_str(), None, true, false),
        ];
        for (path, header, opens_key, opens_token) in table {
            let request = request(path, header.as_slice());
            let welcome = if opens_key {
                Welcome::Come
            } else {
                Welcome::WrongKey
            };
            assert_eq!(
                admit(&request, &Access::Key(key())),
                Ok(welcome),
                "{path} {header:?}"
            );
            let answer = admit(&request, &Access::Token(key()));
            assert_eq!(answer.is_ok(), opens_token, "{path} {header:?}");
            if let Err(turned) = answer {
                assert_eq!(turned.status, StatusCode::UNAUTHORIZED);
            }
        }
    }

    fn request(path: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "127.0.0.1:9090");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
            .body(())
            .expect("the test's own request is well formed")
    }
}
