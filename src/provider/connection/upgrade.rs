//! The HTTP part of a WebSocket connection, and of a proxy.
//!
//! Written here and not left to the WebSocket library, because that one logs the whole request at TRACE, key included.

use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use url::Url;

use super::address;
use super::fault::{Fault, presentable};
use super::stream::Stream;
use crate::base::local_caller::is_loopback;
use crate::base::text::t;

/// Bytes of a strange answer from which it is surely no HTTP, although no line has ended.
const CERTAIN: usize = 64;
/// A head longer than this is no answer to us.
const LONGEST_HEAD: usize = 16 * 1024;

/// The head of an HTTP answer.
pub(in crate::provider) struct Head {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    /// What came behind the head already.
    pub(super) rest: Vec<u8>,
}

/// Why there is no head.
pub(in crate::provider) enum NoHead {
    Io(std::io::Error),
    /// What came is not HTTP.
    NotHttp,
}

/// Asks for the WebSocket. Returns what came behind the answer: the beginning of the first frame.
pub(in crate::provider) async fn upgrade(
    stream: &mut Stream,
    url: &Url,
    key: Option<&SecretString>,
) -> Result<Vec<u8>, Fault> {
    let address = address::host_and_port(url);
    let nonce = generate_key();
    let request = request(url, &nonce, key)?;
    let head = exchange(stream, &request).await.map_err(|why| match why {
        NoHead::Io(error) => Fault::CutShort {
            address: address.clone(),
            why: error.to_string(),
        },
        NoHead::NotHttp => Fault::NotLive {
            address: address.clone(),
            answer: t!("something-that-is-not-http").to_owned(),
        },
    })?;
    if head.status != 101 {
        let fault = refusal(&head, address, key);
        return Err(
            if address::check(url).is_ok_and(|(host, _)| is_loopback(&host)) {
                from_here(fault)
            } else {
                fault
            },
        );
    }
    let upgraded = head
        .header("upgrade")
        .is_some_and(|v| v.eq_ignore_ascii_case("websocket"));
    let accepted =
        head.header("sec-websocket-accept") == Some(derive_accept_key(nonce.as_bytes()).as_str());
    if upgraded && accepted {
        Ok(head.rest)
    } else {
        Err(Fault::NotLive {
            address,
            answer: t!("an-upgrade-that-is-none").to_owned(),
        })
    }
}

/// Sends a request and reads the head of the final answer; what an interim one (1xx) says is passed over.
pub(in crate::provider) async fn exchange(
    stream: &mut Stream,
    request: &[u8],
) -> Result<Head, NoHead> {
    let mut sent = stream.write_all(request).await;
    if sent.is_ok() {
        sent = stream.flush().await;
    }
    // Who answers before all is sent closes at once: the answer says more than the error.
    let answer = read_head(stream).await;
    match (answer, sent) {
        (Err(NoHead::Io(_)), Err(error)) => Err(NoHead::Io(error)),
        (answer, _) => answer,
    }
}

async fn read_head(stream: &mut Stream) -> Result<Head, NoHead> {
    let mut read = Vec::with_capacity(1024);
    loop {
        if let Some(end) = read.windows(4).position(|w| w == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            let head = Head::parse(&read, rest).ok_or(NoHead::NotHttp)?;
            if head.is_final() {
                return Ok(head);
            }
            read = head.rest;
            continue;
        }
        if is_not_http(&read) || read.len() > LONGEST_HEAD {
            return Err(NoHead::NotHttp);
        }
        if stream.read_buf(&mut read).await.map_err(NoHead::Io)? == 0 {
            return Err(NoHead::Io(std::io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

/// Whether these first bytes are surely of another protocol: a whole line, or as much as no damaged status line has.
fn is_not_http(read: &[u8]) -> bool {
    let begins_as_http = read.iter().zip(b"HTTP/1.").all(|(a, b)| a == b);
    !begins_as_http && (read.contains(&b'\n') || read.len() >= CERTAIN)
}

impl Head {
    /// Whether it is the answer itself. 101 is: what follows it is the WebSocket.
    fn is_final(&self) -> bool {
        self.status == 101 || !(100..200).contains(&self.status)
    }

    /// The value of a header, by its name in lower case.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    /// The values of a header that may come more than once.
    pub(in crate::provider) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let found = self.headers.iter().filter(move |(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn parse(head: &[u8], rest: Vec<u8>) -> Option<Self> {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split("\r\n");
        let mut status_line = lines.next()?.split(' ');
        status_line.next()?.strip_prefix("HTTP/1.")?;
        let status = status_line.next()?.parse().ok()?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Self {
            status,
            headers,
            rest,
        })
    }
}

/// Whether a key can be sent in a header. What a key looks like is checked where it is read.
pub(in crate::provider) fn usable(key: &SecretString) -> bool {
    let key = key.expose_secret();
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic())
}

fn request(url: &Url, nonce: &str, key: Option<&SecretString>) -> Result<Vec<u8>, Fault> {
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let query = url
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let mut request = format!(
        "GET {}{query} HTTP/1.1\r\nHost: {host}{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {nonce}\r\nUser-Agent: sovereign-voice/{}\r\n",
        url.path(),
        env!("CARGO_PKG_VERSION"),
    );
    if let Some(key) = key {
        if !usable(key) {
            return Err(Fault::KeyUnusable);
        }
        request.push_str("x-goog-api-key: ");
        request.push_str(key.expose_secret());
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    Ok(request.into_bytes())
}

/// An answer of somebody in between, who wants a login or an agreement first: a redirection, a web page, or status 511.
pub(in crate::provider) fn diverted(
    head: &Head,
    address: &str,
    key: Option<&SecretString>,
) -> Option<Fault> {
    let html = head
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("text/html"));
    let to = match head.status {
        300..=399 => head
            .header("location")
            .and_then(|to| Url::parse(to).ok())
            .and_then(|to| to.host_str().map(|host| presentable(host, key)))
            .unwrap_or(format!("HTTP {}", head.status)),
        511 => "HTTP 511".to_owned(),
        200..=299 if html => t!("a-web-page").to_owned(),
        _ => return None,
    };
    let address = address.to_owned();
    Some(Fault::Redirected { address, to })
}

/// What an answer other than 101 means.
fn refusal(head: &Head, address: String, key: Option<&SecretString>) -> Fault {
    if let Some(fault) = diverted(head, &address, key) {
        return fault;
    }
    refused(head.status, address, key)
}

/// What a status means that is no success.
pub(in crate::provider) fn refused(
    status: u16,
    address: String,
    key: Option<&SecretString>,
) -> Fault {
    let detail = format!("HTTP {status}");
    match status {
        401 | 403 if key.is_none() => Fault::KeyMissing {
            who: address,
            detail: Some(detail),
        },
        401 | 403 => Fault::KeyRefused { detail },
        407 => Fault::ProxyLogin {
            proxy: address,
            sent: false,
            detail,
        },
        429 => Fault::Quota { detail },
        408 | 425 | 500..=599 => Fault::Trouble { address, status },
        _ => Fault::NotLive {
            address,
            answer: detail,
        },
    }
}

/// No login page is between this computer and itself: what sends us elsewhere is some other server.
fn from_here(fault: Fault) -> Fault {
    let Fault::Redirected { address, to } = fault else {
        return fault;
    };
    let answer = t!("as-a-web-server-does", to);
    Fault::NotLive { address, answer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::connection::dial;

    use crate::provider::connection::reconnect::End;

    #[tokio::test]
    async fn each_answer_of_a_stranger_has_its_sentence() {
        let table = [
            (
                "HTTP/1.1 200 OK\r\n\r\n",
                "127.0.0.1:9 is not a Live server: it answered HTTP 200",
                End::NeedsUser,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>",
                "127.0.0.1:9 is not a Live server: it answered as a web server does (a web page)",
                End::NeedsUser,
            ),
            (
                "HTTP/1.1 404 Not Found\r\n\r\n",
                "127.0.0.1:9 is not a Live server: it answered HTTP 404",
                End::NeedsUser,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=x\r\n\r\n<html>",
                "gate.example:9 sends us elsewhere (a web page); a login page of the network may be in between",
                End::Cut,
            ),
            (
                "HTTP/1.0 302 Found\r\nLocation: https://login.example/?key=x\r\n\r\n",
                "gate.example:9 sends us elsewhere (login.example); a login page of the network may be in between",
                End::Cut,
            ),
            (
                "HTTP/1.1 301 Moved\r\n\r\n",
                "gate.example:9 sends us elsewhere (HTTP 301); a login page of the network may be in between",
                End::Cut,
            ),
            (
                "HTTP/1.1 401 No\r\n\r\n",
                "127.0.0.1:9 wants an API key, and none was sent (HTTP 401)",
                End::NeedsUser,
            ),
            (
                "HTTP/1.1 403 No\r\n\r\n",
                "127.0.0.1:9 wants an API key, and none was sent (HTTP 403)",
                End::NeedsUser,
            ),
            (
                "HTTP/1.1 407 Who\r\n\r\n",
                "the proxy 127.0.0.1:9 wants a login, and none was sent (HTTP 407)",
                End::NeedsUser,
            ),
            (
                "HTTP/1.1 429 Slow\r\n\r\n",
                "the quota of this API key is used up (HTTP 429)",
                End::Quota,
            ),
            (
                "HTTP/1.1 503 Busy\r\n\r\n",
                "127.0.0.1:9 has trouble of its own (HTTP 503)",
                End::Cut,
            ),
            (
                "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
                "127.0.0.1:9 is not a Live server: it answered an upgrade that is none of a WebSocket",
                End::NeedsUser,
            ),
            (
                "SSH-2.0-OpenSSH_9.6\r\n",
                "127.0.0.1:9 is not a Live server: it answered something that is not HTTP",
                End::NeedsUser,
            ),
            (
                "HTTP/1.1 408 Slow\r\n\r\n",
                "127.0.0.1:9 has trouble of its own (HTTP 408)",
                End::Cut,
            ),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n",
                "127.0.0.1:9 is not a Live server: it answered HTTP 404",
                End::NeedsUser,
            ),
        ];
        for (answer, sentence, end) in table {
            let url = if sentence.starts_with("gate.") {
                ELSEWHERE
            } else {
                HERE
            };
            let (fault, _) = ask_at(url, answer, None).await;
            assert_eq!(fault.to_string(), sentence);
            assert_eq!(fault.retry(), end, "{sentence}");
        }
    }

    #[tokio::test]
    async fn a_key_is_called_refused_only_where_one_was_sent() {
        let (fault, _) = ask("HTTP/1.1 403 No\r\n\r\n", Some("canary-1")).await;
        let sentence = "the service refuses the API key (HTTP 403)";
        assert_eq!(fault.to_string(), sentence);
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_a_cut_wherever_it_does() {
        let whole = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX: y\r\n";
        let strange = ["\0", "SSH-2.0", "<htm"];
        let broken = (0..=whole.len()).map(|end| &whole[..end]).chain(strange);
        for answer in broken {
            let (fault, _) = ask(answer, None).await;
            let said = "127.0.0.1:9 broke the connection off before it had answered (unexpected end of file)";
            assert_eq!(fault.to_string(), said, "{answer:?}");
            assert_eq!(fault.retry(), End::Cut, "{answer:?}");
        }
    }

    #[tokio::test]
    async fn who_answers_without_reading_is_heard() {
        // Less than the request: writing it fails, and the answer is there.
        let (near, mut far) = tokio::io::duplex(64);
        let service = async move {
            far.write_all(b"HTTP/1.1 403 No\r\n\r\n")
                .await
                .expect("room");
        };
        let url = Url::parse(HERE).expect("an address");
        let mut stream: Stream = Box::new(near);
        let (result, ()) = tokio::join!(upgrade(&mut stream, &url, None), service);
        let fault = result.expect_err("it is refused");
        assert!(matches!(fault, Fault::KeyMissing { .. }), "{fault}");
    }

    #[tokio::test]
    async fn a_head_without_an_end_is_no_http() {
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(2 * LONGEST_HEAD));
        let (fault, _) = ask(&endless, None).await;
        assert!(fault.to_string().contains("not HTTP"), "{fault}");
    }

    #[tokio::test]
    async fn the_key_is_in_the_header_and_nowhere_else() {
        let (_, request) = ask("HTTP/1.1 404 No\r\n\r\n", Some("canary-1")).await;
        assert_eq!(request.matches("canary-1").count(), 1);
        assert!(request.contains("\r\nx-goog-api-key: canary-1\r\n"));
        assert!(
            request.starts_with("GET /ws/x?y=z HTTP/1.1\r\nHost: 127.0.0.1:9\r\n"),
            "{request}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_of_a_byte_a_second_is_given_up() {
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        let drip = tokio::spawn(async move {
            for byte in b"HTTP/1.1 101 Switching Protocols\r\nX: "
                .iter()
                .chain(std::iter::repeat(&b'x'))
            {
                if far.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        });
        let (mut stream, url): (Stream, _) =
            (Box::new(near), Url::parse(HERE).expect("an address"));
        let asked = upgrade(&mut stream, &url, None);
        let limit = dial::EXCHANGE_LIMIT;
        let fault = dial::limited(super::super::fault::Stage::Upgrade, "here", limit, asked).await;
        let sentence = fault.expect_err("it never ends").to_string();
        assert_eq!(sentence, "here did not open a conversation within 3.5 s");
        drip.abort();
    }

    #[test]
    fn a_key_that_would_break_the_header_is_not_sent() {
        for key in ["", " ", "a b", "a\r\nX: y", "kl\u{fc}ssel"] {
            assert!(!usable(&SecretString::from(key)), "{key:?}");
        }
        assert!(usable(&SecretString::from("AIzaSyA-b_C")));
    }

    /// Asks for an upgrade and gets this answer; returns what is made of it, and what was asked.
    const HERE: &str = "ws://127.0.0.1:9/ws/x?y=z";
    const ELSEWHERE: &str = "wss://gate.example:9/ws/x?y=z";

    async fn ask(answer: &str, key: Option<&str>) -> (Fault, String) {
        ask_at(HERE, answer, key).await
    }

    async fn ask_at(url: &str, answer: &str, key: Option<&str>) -> (Fault, String) {
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        let url = Url::parse(url).expect("an address");
        let key = key.map(SecretString::from);
        let service = async {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                far.read_buf(&mut request).await.expect("a request");
            }
            far.write_all(answer.as_bytes())
                .await
                .expect("somebody reads");
            drop(far);
            String::from_utf8(request).expect("a request is ASCII")
        };
        let mut stream: Stream = Box::new(near);
        let (result, request) = tokio::join!(upgrade(&mut stream, &url, key.as_ref()), service);
        (result.expect_err("it is no Live server"), request)
    }
}
