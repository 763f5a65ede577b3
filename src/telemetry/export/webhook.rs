//! Posts alerts to the configured address as JSON, without words of the conversation.
//!
//! ```text
//! collector ─── try_send ──▶ 16 places ──▶ one task ── POST ──▶ address
//!                full: dropped, logged       up to three attempts, 1 and 4 s apart
//! ```

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use url::Url;

use crate::provider::connection::dial::Dialer;

const WAITING: usize = 16;
/// Back-off between attempts.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
const WITHIN: Duration = Duration::from_secs(10);

/// Limit for the last deliveries at the end of the program, which must not take half a second in all.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) address: Url,
    pub(crate) body: String,
}

/// The webhook; off without a dialler.
#[derive(Debug, Default)]
pub(crate) struct Webhook {
    running: Option<(mpsc::Sender<Post>, JoinHandle<()>)>,
}

impl Webhook {
    /// Starts the task; call it inside the runtime.
    pub(crate) fn start(dialer: Option<Arc<dyn Dialer>>) -> Self {
        let Some(dialer) = dialer else {
            return Self::default();
        };
        let (posts, mut waiting) = mpsc::channel::<Post>(WAITING);
        let task = tokio::spawn(async move {
            while let Some(post) = waiting.recv().await {
                deliver(&*dialer, post).await;
            }
        });
        Self {
            running: Some((posts, task)),
        }
    }

    /// Sends, without waiting.
    pub(crate) fn send(&self, post: Post) {
        let Some((posts, _)) = &self.running else {
            return;
        };
        if posts.try_send(post).is_err() {
            tracing::warn!("an alert was not sent: the webhook does not keep up");
        }
    }

    /// Waits until everything is delivered, for [`LAST_WORDS_WITHIN`] at most.
    pub(crate) async fn finish(self) {
        let Some((posts, task)) = self.running else {
            return;
        };
        drop(posts);
        if tokio::time::timeout(LAST_WORDS_WITHIN, task).await.is_err() {
            tracing::warn!("the end of an alert was not sent: the webhook did not take it in time");
        }
    }
}

async fn deliver(dialer: &dyn Dialer, post: Post) {
    // The path of the address may hold a secret: only the host is logged.
    let host = post.address.host_str().unwrap_or("?").to_owned();
    for attempt in 0..=AGAIN_AFTER.len() {
        let result = match tokio::time::timeout(WITHIN, try_once(dialer, &post)).await {
            Ok(Ok(status)) if (200..300).contains(&status) => return,
            Ok(Ok(status)) => format!("it answers {status}"),
            Ok(Err(problem)) => problem,
            Err(_) => format!("no answer within {} s", WITHIN.as_secs()),
        };
        tracing::warn!(%host, attempt = attempt + 1, problem = result, "the webhook did not take an alert");
        if let Some(wait) = AGAIN_AFTER.get(attempt) {
            tokio::time::sleep(*wait).await;
        }
    }
}

async fn try_once(dialer: &dyn Dialer, post: &Post) -> Result<u16, String> {
    let opened = dialer.dial(socket_address(&post.address)).await;
    let stream = opened.map_err(|fault| fault.to_string())?.stream;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let driver = tokio::spawn(connection);
    let path = match post.address.query() {
        Some(query) => format!("{}?{query}", post.address.path()),
        None => post.address.path().to_owned(),
    };
    let host = match post.address.port() {
        Some(port) => format!("{}:{port}", post.address.host_str().unwrap_or_default()),
        None => post.address.host_str().unwrap_or_default().to_owned(),
    };
    let request = hyper::Request::post(path)
        .header(HOST, host)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("sovereign/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(Bytes::from(post.body.clone())))
        .map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await;
    // The body of the response is not read.
    driver.abort();
    answer
        .map(|answer| answer.status().as_u16())
        .map_err(|error| error.to_string())
}

/// The same address with the scheme `ws` or `wss`, which the client's diallers take.
fn socket_address(address: &Url) -> Url {
    let scheme = if address.scheme() == "https" {
        "wss"
    } else {
        "ws"
    };
    let mut url = address.clone();
    // A change between special schemes, which always succeeds.
    url.set_scheme(scheme).ok();
    url
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::provider::connection::dial::TcpDialer;

    /// Takes connections and answers each with the next status; gives what was sent.
    async fn listen(statuses: Vec<u16>) -> (Url, mpsc::Receiver<String>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (taken, sent) = mpsc::channel(8);
        tokio::spawn(async move {
            for status in statuses {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut request = Vec::new();
                while !request.ends_with(b"}") {
                    let mut bytes = [0; 1_024];
                    let n = stream.read(&mut bytes).await.expect("readable");
                    request.extend_from_slice(&bytes[..n]);
                }
                taken
                    .send(String::from_utf8_lossy(&request).into_owned())
                    .await
                    .ok();
                let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.expect("taken");
            }
        });
        let url = format!("http://127.0.0.1:{port}/hook?room=1");
        (Url::parse(&url).expect("an address"), sent)
    }

    fn post(address: &Url, body: &str) -> Post {
        Post {
            address: address.clone(),
            body: body.into(),
        }
    }

    #[tokio::test]
    async fn an_alert_is_posted_and_a_refusal_is_tried_again() {
        let (address, mut sent) = listen(vec![200, 500, 204]).await;
        let webhook = Webhook::start(Some(Arc::new(TcpDialer::default())));
        webhook.send(post(&address, "{\"n\":1}"));
        let first = sent.recv().await.expect("sent");
        assert!(
            first.starts_with("POST /hook?room=1 HTTP/1.1\r\n"),
            "{first}"
        );
        assert!(first.ends_with("\r\n\r\n{\"n\":1}"), "{first}");
        assert!(first.contains("content-type: application/json"), "{first}");
        webhook.send(post(&address, "{\"n\":2}"));
        for _ in 0..2 {
            assert!(
                sent.recv()
                    .await
                    .expect("sent again")
                    .ends_with("{\"n\":2}")
            );
        }
    }

    #[tokio::test]
    async fn what_was_sent_last_is_delivered_before_the_end() {
        let (address, mut sent) = listen(vec![200, 200]).await;
        let webhook = Webhook::start(Some(Arc::new(TcpDialer::default())));
        webhook.send(post(&address, "{\"n\":1}"));
        webhook.send(post(&address, "{\"n\":2}"));
        webhook.finish().await;
        for n in ["{\"n\":1}", "{\"n\":2}"] {
            assert!(sent.try_recv().expect("delivered").ends_with(n), "{n}");
        }
        Webhook::start(None).finish().await;
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_an_address_that_does_not_answer() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let url = Url::parse(&format!("http://127.0.0.1:{port}/")).expect("an address");
        let webhook = Webhook::start(Some(Arc::new(TcpDialer::default())));
        // More than may wait: the rest is dropped, at once.
        for _ in 0..100 {
            webhook.send(post(&url, "{}"));
        }
        Webhook::start(None).send(post(&url, "{}"));
        assert_eq!(
            socket_address(&Url::parse("https://x.example/a?b").expect("one")).as_str(),
            "wss://x.example/a?b"
        );
    }
}
