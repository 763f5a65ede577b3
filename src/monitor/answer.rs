//! What a request gets.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use hyper::{Method, Request, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::Page;
use crate::metrics::exposition;

/// The answer, from what was asked and what is known. The body of a request is never read.
pub(super) fn answer<B>(
    request: &Request<B>,
    token: &SecretString,
    page: &Page,
) -> Result<Response<Full<Bytes>>, hyper::http::Error> {
    let plain = |status, text: &'static str| (status, "text/plain; charset=utf-8", text.to_owned());
    let path = request.uri().path();
    let (status, kind, text) = if !has_token(request, token) {
        plain(
            StatusCode::UNAUTHORIZED,
            "This needs a token: Authorization: Bearer TOKEN\n",
        )
    } else if !matches!(path, "/metrics" | "/health") {
        plain(StatusCode::NOT_FOUND, "There is /metrics and /health.\n")
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
        plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET.\n")
    } else if path == "/metrics" {
        let text = page.metrics.clone();
        (StatusCode::OK, exposition::CONTENT_TYPE, text)
    } else {
        let status = if page.well {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        (status, "application/json", page.health.clone())
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

/// Compared in a time that does not tell how much of it was right.
fn has_token<B>(request: &Request<B>, token: &SecretString) -> bool {
    let given = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    given.is_some_and(|given| given.ct_eq(token.expose_secret().as_bytes()).into())
}
