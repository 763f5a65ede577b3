//! A GET over HTTP, on a stream of a [`Dialer`]: through the proxy, with the certificates and the limits of every connection.

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{HOST, LOCATION, USER_AGENT};
use hyper_util::rt::TokioIo;
use url::Url;

use super::address;
use super::dial::Dialer;
use super::fault::Fault;

/// What a server answers.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    pub status: u16,
    /// Where it sends us instead.
    pub location: Option<String>,
    pub body: Vec<u8>,
}

/// Asks for `url` (`wss://` stands for `https://`), and reads the whole answer, which may have `longest` bytes.
///
/// # Errors
/// No connection, or one that broke off. A header that cannot be sent is told as [`Fault::KeyUnusable`].
pub async fn get(
    dialer: &dyn Dialer,
    url: &Url,
    headers: &[(&str, &str)],
    longest: usize,
) -> Result<HttpAnswer, Fault> {
    let agent = concat!("sovereign-voice/", env!("CARGO_PKG_VERSION"));
    let path = url.query().map_or_else(
        || url.path().to_owned(),
        |query| format!("{}?{query}", url.path()),
    );
    let mut request = hyper::Request::get(path)
        .header(HOST, host(url))
        .header(USER_AGENT, agent);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::<Bytes>::new());
    let request = request.map_err(|_| Fault::KeyUnusable)?;
    let broken = |why: String| Fault::CutShort {
        address: address::host_and_port(url),
        why,
    };
    let stream = dialer.dial(url.clone()).await?.stream;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(error.to_string()))?;
    let driver = tokio::spawn(connection);
    let answered = async {
        let answer = sender.send_request(request).await;
        let (head, body) = answer
            .map_err(|error| broken(error.to_string()))?
            .into_parts();
        let body = Limited::new(body, longest).collect().await;
        let body = body.map_err(|error| broken(error.to_string()))?;
        let location = head.headers.get(LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        Ok(HttpAnswer {
            status: head.status.as_u16(),
            location: location.map(str::to_owned),
            body: body.to_bytes().into(),
        })
    };
    let answered = answered.await;
    driver.abort();
    answered
}

/// The value of the `Host` header: with the port where that is not the usual one.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
