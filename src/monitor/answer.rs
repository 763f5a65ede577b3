//! Answers requests: authentication, path, status.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, ORIGIN, WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::pages::Page;
use crate::base::local_caller::{self, Stranger};

/// Health while the conversation does not answer.
const NO_HEALTH: &str = r#"{"schema":"sovereign.health/1","status":"trouble","link":"unknown","what":"the conversation does not answer"}"#;
/// The media type of the metrics page.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
const SCHEME: &[u8] = b"Bearer ";
const PATHS: [&str; 2] = ["/metrics", "/health"];

/// Whether the answer needs a page.
pub(super) fn wants_page<B>(request: &Request<B>, token: &SecretString) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    reads
        && PATHS.contains(&request.uri().path())
        && from_here(request).is_ok()
        && has_token(request, token)
}

/// Answers a request; without a page the conversation did not answer. The body of a request is never read.
pub(super) fn answer<B>(
    request: &Request<B>,
    token: &SecretString,
    page: Option<&Page>,
) -> Result<Response<Full<Bytes>>, hyper::http::Error> {
    let plain = |status, text: &'static str| (status, "text/plain; charset=utf-8", text.to_owned());
    let path = request.uri().path();
    let (status, kind, text) = if let Err(stranger) = from_here(request) {
        plain(
            match stranger {
                Stranger::NoHost => StatusCode::BAD_REQUEST,
                Stranger::Host | Stranger::Origin => StatusCode::FORBIDDEN,
            },
            "This is for programs on this computer, which ask for 127.0.0.1, [::1] or localhost.\n",
        )
    } else if !has_token(request, token) {
        plain(
            StatusCode::UNAUTHORIZED,
            "This needs a token: Authorization: Bearer TOKEN\n",
        )
    } else if !PATHS.contains(&path) {
        plain(StatusCode::NOT_FOUND, "There is /metrics and /health.\n")
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
        plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET.\n")
    } else if path == "/metrics" {
        match page {
            Some(page) => (StatusCode::OK, METRICS_TYPE, page.metrics.clone()),
            None => plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "The conversation does not answer.\n",
            ),
        }
    } else if let Some(page) = page {
        let status = if page.well {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        (status, "application/json", page.health.clone())
    } else {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        (status, "application/json", NO_HEALTH.to_owned())
    };
    let mut response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, kind)
        .header(CACHE_CONTROL, "no-store");
    if status == StatusCode::UNAUTHORIZED {
        response = response.header(WWW_AUTHENTICATE, "Bearer");
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response = response.header(ALLOW, "GET, HEAD");
    }
    response.body(Full::new(Bytes::from(text)))
}

/// Whether the client is a program on this computer, not a web page.
fn from_here<B>(request: &Request<B>) -> Result<(), Stranger> {
    let header = |name| request.headers().get_all(name).iter().map(|v| v.as_bytes());
    let in_line = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    local_caller::check(header(HOST), header(ORIGIN), in_line)
}

/// Compares the token in constant time.
fn has_token<B>(request: &Request<B>, token: &SecretString) -> bool {
    let given = request.headers().get(AUTHORIZATION);
    let given = given.and_then(|value| value.as_bytes().split_at_checked(SCHEME.len()));
    given.is_some_and(|(scheme, given)| {
        // The name of a scheme has no case (RFC 9110, 11.1).
        let known = scheme.eq_ignore_ascii_case(SCHEME);
        known && bool::from(given.ct_eq(token.expose_secret().as_bytes()))
    })
}
