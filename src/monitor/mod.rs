//! The monitoring endpoint: `GET /metrics` (Prometheus) and `GET /health`, on this computer only, with a token.
//!
//! ```text
//! one task per connection ── request, at most one a second ─▶ telemetry
//!        200 · 400 · 401 · 403 · 404 · 405 · 503 ◀── Page ──────────────────┘
//! ```
//!
//! Pages are rendered on demand and at most once a second, so frequent scrapes do not slow a conversation down. If it does
//! not answer, the status is 503.

mod answer;
mod pages;
pub mod token;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinHandle};

pub use pages::{Page, PageCache, PageRequest, PageRequests, page_channel};

/// Connections at a time: a collector needs one. One more closes the oldest, so open connections cannot keep others out.
const CONNECTIONS: usize = 16;
/// Timeout of the head of each request on a connection.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// A connection is closed after this time, so slow readers cannot hold it forever.
const LONGEST: Duration = Duration::from_secs(60);
/// The head of a request is no longer: a collector's has some hundred bytes. The least that hyper takes.
const LARGEST_HEAD: usize = 8_192;

/// A running endpoint; dropping it ends it.
#[derive(Debug)]
pub struct Monitor {
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// Why there is no endpoint.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// It would be open to other computers.
    #[error(
        "{0} is not an address of this computer: the monitor listens on 127.0.0.1 or [::1] only"
    )]
    NotLoopback(SocketAddr),
    /// Another program has the port.
    #[error("port {} is taken by another program: choose another one for the monitor", .0.port())]
    Taken(SocketAddr),
    #[error("the monitor cannot listen on {0}: {1}")]
    Refused(SocketAddr, std::io::Error),
}

impl Monitor {
    /// Listens, and serves pages to clients with the token. Call it inside the runtime.
    pub fn start(
        address: SocketAddr,
        token: SecretString,
        pages: PageCache,
    ) -> Result<Self, MonitorError> {
        if !address.ip().is_loopback() {
            return Err(MonitorError::NotLoopback(address));
        }
        let refused = |error: std::io::Error| {
            if error.kind() == std::io::ErrorKind::AddrInUse {
                MonitorError::Taken(address)
            } else {
                MonitorError::Refused(address, error)
            }
        };
        let listener = std::net::TcpListener::bind(address).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let listener = TcpListener::from_std(listener).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let task = tokio::spawn(serve(listener, Arc::new(token), pages));
        Ok(Self { address, task })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, token: Arc<SecretString>, pages: PageCache) {
    // Ends all connections with the listener.
    let mut connections = tokio::task::JoinSet::new();
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Most likely too many open files: wait, so as not to spin.
                tracing::warn!(%error, "the monitor cannot take a connection");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        open.retain(|connection| !connection.is_finished());
        if open.len() >= CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        let (token, pages) = (Arc::clone(&token), pages.clone());
        open.push_back(connections.spawn(async move {
            let answer = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
                let (token, pages) = (&token, &pages);
                async move {
                    let page = if answer::wants_page(&request, token) {
                        pages.newest().await
                    } else {
                        None
                    };
                    answer::answer(&request, token, page.as_deref())
                }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_WITHIN)
                // A client that has closed its sending side may still read the answer.
                .half_close(true)
                .max_buf_size(LARGEST_HEAD)
                .serve_connection(TokioIo::new(stream), answer);
            // Client-side connection errors are ignored.
            tokio::time::timeout(LONGEST, connection).await.ok();
        }));
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::watch;

    use super::*;

    const TOKEN: &str = "tok-0123456789abcdef0123";

    /// An endpoint, and whether its pages say that all is well; it makes none while that is absent.
    fn start() -> (Monitor, watch::Sender<Option<bool>>) {
        let (well, state) = watch::channel(Some(true));
        let (mut asked, pages) = page_channel();
        tokio::spawn(async move {
            loop {
                let request = asked.next().await;
                let state = *state.borrow();
                if let Some(well) = state {
                    request.answer(Page {
                        metrics: "up 1\n".into(),
                        health: format!("{{\"well\":{well}}}"),
                        well,
                    });
                }
            }
        });
        let monitor = Monitor::start(([127, 0, 0, 1], 0).into(), SecretString::from(TOKEN), pages);
        (monitor.expect("a free port"), well)
    }

    /// Sends bytes, and gives what comes back until the other side closes.
    async fn sent(address: SocketAddr, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(bytes).await.ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn request(what: &str, authorization: Option<&str>) -> String {
        let authorization =
            authorization.map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
        format!(
            "{what} HTTP/1.1\r\nHost: 127.0.0.1:9464\r\n{authorization}Connection: close\r\n\r\n"
        )
    }

    #[tokio::test]
    async fn who_has_the_token_gets_figures_and_nobody_else() {
        let (monitor, well) = start();
        let right = format!("Bearer {TOKEN}");
        let right = Some(right.as_str());
        let ask = |what: &'static str, authorization: Option<&str>| {
            let request = request(what, authorization);
            async move { sent(monitor.address, request.as_bytes()).await }
        };
        let answer = ask("GET /metrics", right).await;
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("up 1\n"),
            "{answer}"
        );
        assert!(answer.contains("text/plain; version=0.0.4"), "{answer}");
        let answer = ask("GET /health", right).await;
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains("application/json"),
            "{answer}"
        );
        let small = format!("bearer {TOKEN}");
        let answer = ask("GET /health", Some(&small)).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        for (state, words) in [(Some(false), "{\"well\":false}"), (None, "does not answer")] {
            well.send_replace(state);
            tokio::time::sleep(Duration::from_secs(1)).await;
            let answer = ask("GET /health", right).await;
            assert!(
                answer.starts_with("HTTP/1.1 503") && answer.contains(words),
                "{answer}"
            );
        }
        assert!(ask("GET /metrics", right).await.starts_with("HTTP/1.1 503"));
        well.send_replace(Some(true));
        for wrong in [
            None,
            Some("Bearer tok-0123456789abcdef0124"),
            Some("Bearer tok-0123456789abcdef012"),
            Some("Bearer "),
            Some("Basic dXNlcjpwYXNz"),
            Some(TOKEN),
        ] {
            let answer = ask("GET /metrics", wrong).await;
            assert!(answer.starts_with("HTTP/1.1 401"), "{wrong:?}: {answer}");
            assert!(
                answer.to_lowercase().contains("www-authenticate: bearer"),
                "{answer}"
            );
            assert!(!answer.contains("up 1"), "{answer}");
        }
        assert!(ask("GET /else", right).await.starts_with("HTTP/1.1 404"));
        assert!(
            ask("POST /metrics", right)
                .await
                .starts_with("HTTP/1.1 405")
        );
        let head = ask("HEAD /metrics", right).await;
        assert!(
            head.starts_with("HTTP/1.1 200") && !head.contains("up 1"),
            "{head}"
        );
    }

    #[tokio::test]
    async fn no_page_of_the_web_gets_figures_even_with_the_token() {
        let (monitor, _pages) = start();
        let ask = |line: &'static str, headers: &'static str| {
            let request = format!(
                "GET {line} HTTP/1.1\r\n{headers}Authorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
            );
            async move { sent(monitor.address, request.as_bytes()).await }
        };
        for (line, headers, status) in [
            ("/metrics", "Host: localhost\r\n", "200"),
            (
                "/metrics",
                "Host: [::1]:9464\r\nOrigin: http://localhost:3000\r\n",
                "200",
            ),
            ("/metrics", "", "400"),
            ("/metrics", "Host: localhost\r\nHost: localhost\r\n", "400"),
            ("/metrics", "Host: evil.example:9464\r\n", "403"),
            ("/metrics", "Host: localhost\r\nOrigin: null\r\n", "403"),
            (
                "/health",
                "Host: localhost\r\nOrigin: http://localhost:80@evil.example\r\n",
                "403",
            ),
            ("http://evil.example/metrics", "Host: localhost\r\n", "403"),
        ] {
            let answer = ask(line, headers).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{line} {headers:?}: {answer}"
            );
            assert_eq!(
                answer.contains("up 1"),
                status == "200" && line == "/metrics"
            );
        }
    }

    #[tokio::test]
    async fn nonsense_and_floods_end_with_their_connection() {
        let (monitor, _pages) = start();
        let long = format!(
            "GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n",
            "a".repeat(100_000)
        );
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: 1\r\n".repeat(500));
        for nonsense in [
            b"\x16\x03\x01\x02\x00".as_slice(),
            b"GET\r\n\r\n",
            long.as_bytes(),
            many.as_bytes(),
        ] {
            let answer = sent(monitor.address, nonsense).await;
            assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
        let right = format!("Bearer {TOKEN}");
        let request = request("GET /metrics", Some(&right));
        let answer = sent(monitor.address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_finishes_a_request_loses_the_connection() {
        let (monitor, _pages) = start();
        let mut slow = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut stream = TcpStream::connect(monitor.address)
                .await
                .expect("it listens");
            stream
                .write_all(b"GET /metrics HTTP/1.1\r\nX: ")
                .await
                .expect("taken");
            slow.push(stream);
        }
        let mut end = Vec::new();
        slow[CONNECTIONS - 1].read_to_end(&mut end).await.ok();
        assert!(!String::from_utf8_lossy(&end).contains("200"));
        drop(slow);
        let right = format!("Bearer {TOKEN}");
        let request = request("GET /metrics", Some(&right));
        let answer = sent(monitor.address, request.as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 200"),
            "a place is free again: {answer}"
        );
    }

    #[tokio::test]
    async fn nobody_is_kept_out_by_connections_that_are_held_open() {
        let (monitor, _pages) = start();
        let mut idle = Vec::new();
        for _ in 0..4 * CONNECTIONS {
            idle.push(
                TcpStream::connect(monitor.address)
                    .await
                    .expect("it listens"),
            );
        }
        let right = format!("Bearer {TOKEN}");
        let request = request("GET /metrics", Some(&right));
        let answer = sent(monitor.address, request.as_bytes());
        // Less than an idle connection may take.
        let answer = tokio::time::timeout(HEAD_WITHIN / 2, answer).await;
        assert!(answer.expect("at once").starts_with("HTTP/1.1 200"));
        let mut end = Vec::new();
        let oldest = tokio::time::timeout(HEAD_WITHIN / 2, idle[0].read_to_end(&mut end)).await;
        assert!(oldest.is_ok() && end.is_empty(), "it made room");
    }

    #[tokio::test]
    async fn a_taken_port_and_other_computers_are_refused_in_words() {
        let (monitor, _pages) = start();
        let (_asked, pages) = page_channel();
        let again = Monitor::start(monitor.address, SecretString::from(TOKEN), pages.clone());
        let words = again.expect_err("it is taken").to_string();
        let port = monitor.address.port().to_string();
        assert!(words.contains(&port) && words.contains("taken"), "{words}");
        let open = Monitor::start(([0, 0, 0, 0], 0).into(), SecretString::from(TOKEN), pages);
        assert!(
            matches!(open, Err(MonitorError::NotLoopback(_))),
            "{open:?}"
        );
    }
}
