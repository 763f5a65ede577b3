//! A Live-compatible WebSocket server for this computer: the offline demo, the partner of tests and measurements, and
//! `sovereign serve`.
//!
//! ```text
//! thread "live-server"
//! ┌───────────────────────────────────────────────────────────────────────────┐
//! │ accept ─▶ conn: access ─▶ protocol_rules ─▶ dialogue ─▶ answer            │   one task per connection
//! │                │ who may     │ what may        │ whose     │ a step of the │
//! │                │ come in     │ be said         │ turn      │ script, from  │
//! │                │                                           │ speech_source │
//! │                └ registry: handles of conversations                       │
//! └───────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! It binds loopback only, speaks the paths of the Gemini Developer API and of Vertex, takes everything that protobuf
//! JSON allows and refuses what the service refuses. Without a [`script`] it parrots: each turn is answered at once with
//! the user's own voice, from its first voiced sample, four times as fast as it plays. Silence is answered with the
//! words "I heard nothing", a turn without any sound with an empty turn, and text with its own words and the invitation to speak.

mod access;
mod conn;
mod context_window;
mod dialogue;
mod handshake;
mod output;
mod protocol_rules;
mod registry;
pub mod script;
mod scripted_answer;
mod server_vad;
mod service;
mod speech_source;
mod told_event;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::access::Access;
pub use self::script::{Script, ScriptError};
pub use self::service::{Options, StreamServer};
pub use self::told_event::{AnswerOutcome, ServerEvent};
use crate::base::supervise::Failures;
use crate::base::text::t;

/// The path that is served under [`Server::url`]; every other Live path is served too.
const PATH: &str = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
/// What connections get to say goodbye when the server ends.
const GRACE: Duration = Duration::from_millis(300);

/// Why a server cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address can be reached from outside.
    #[error(
        "{0} is not a loopback address: this server has no protection against others; use 127.0.0.1 or [::1]"
    )]
    NotLoopback(SocketAddr),
    /// The address cannot be bound.
    #[error("cannot listen on {address}")]
    Bind {
        address: SocketAddr,
        source: io::Error,
    },
    /// The system gives no thread or no event queue.
    #[error("cannot start the server")]
    Start(#[source] io::Error),
}

/// A running server. It ends when this is dropped; [`Server::stop`] also waits for it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
    #[cfg(test)]
    panics: Arc<AtomicUsize>,
}

impl Server {
    /// Binds `address` (port 0 picks a free one) and serves it on a thread of its own.
    pub fn start(address: SocketAddr, options: Options) -> Result<Self, ServerError> {
        if !address.ip().is_loopback() {
            return Err(ServerError::NotLoopback(address));
        }
        let bind = |source| ServerError::Bind { address, source };
        let listener = TcpListener::bind(address).map_err(bind)?;
        listener.set_nonblocking(true).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        #[cfg(test)]
        let panics = Arc::clone(&options.panics);
        let (tell, told) = sync_channel(1);
        // The runtime is made where it runs: it may not be dropped within another one, as it would be if there is no thread.
        let serve = move || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            match builder.enable_all().build() {
                Ok(runtime) => {
                    tell.send(Ok(())).ok();
                    let failures = options.failures.clone();
                    // What it knows of conversations outlives a restart, and so does its address.
                    let service = Rc::new(StreamServer::new(options));
                    failures.supervise(t!("the-server-of-the-demo"), || {
                        let accept = accept(&listener, &service, &stopped);
                        LocalSet::new().block_on(&runtime, accept);
                    });
                    stopped.cancel();
                }
                Err(error) => drop(tell.send(Err(error))),
            }
        };
        let thread = thread::Builder::new().name("live-server".to_owned());
        let thread = thread.spawn(serve).map_err(ServerError::Start)?;
        let begun = told
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("its thread has ended")));
        begun.map_err(ServerError::Start)?;
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
            #[cfg(test)]
            panics,
        })
    }

    /// The offline demo for this process: greets if it shall, parrots, and lets only the holder of the returned token in.
    pub fn start_demo(
        greeting: bool,
        failures: Failures,
    ) -> Result<(Self, SecretString), ServerError> {
        let token = SecretString::from(format!("{:032x}", rand::random::<u128>()));
        let options = Options {
            script: Arc::new(Script {
                greeting,
                ..Script::default()
            }),
            access: Access::Token(token.clone()),
            most_connections: 8,
            failures,
            ..Options::default()
        };
        let server = Self::start(SocketAddr::from(([127, 0, 0, 1], 0)), options)?;
        Ok((server, token))
    }

    /// Has its thread panic.
    #[cfg(test)]
    pub fn panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
        std::net::TcpStream::connect(self.address).ok();
    }

    /// Waits until it ends, or was given up after repeated panics.
    pub async fn ended(&self) {
        self.stop.cancelled().await;
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address for a client, path included.
    pub fn url(&self) -> url::Url {
        url::Url::parse(&format!("ws://{}{PATH}", self.address))
            .expect("an address and a path make a URL")
    }

    /// Closes every connection (1001) and waits until the thread has ended: at most half a second.
    pub fn stop(mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the server's thread panicked");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(listener: &TcpListener, service: &Rc<StreamServer>, stop: &CancellationToken) {
    let listener = listener
        .try_clone()
        .and_then(tokio::net::TcpListener::from_std);
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the server cannot listen"),
    };
    let room = Arc::new(Semaphore::new(service.options.most_connections));
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of files, most often: the connections that end give them back.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Answers are many small messages, and each is wanted at once.
        stream.set_nodelay(true).ok();
        let (service, stop) = (Rc::clone(service), stop.clone());
        #[cfg(test)]
        {
            let panics = &service.options.panics;
            let asked =
                panics.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            assert!(asked.is_err(), "asked to");
        }
        match Arc::clone(&room).try_acquire_owned() {
            Ok(place) => drop(tasks.spawn_local(async move {
                service.serve_stream(stream, &stop).await;
                drop(place);
            })),
            Err(_) => drop(tasks.spawn_local(refuse(stream))),
        }
    }
    tasks.close();
    tokio::time::timeout(GRACE, tasks.wait()).await.ok();
}

/// There is no room for another connection.
async fn refuse(mut stream: tokio::net::TcpStream) {
    const ANSWER: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let answer = async {
        stream.write_all(ANSWER).await?;
        stream.shutdown().await
    };
    if let Ok(Err(error)) = tokio::time::timeout(GRACE, answer).await {
        tracing::debug!(%error, "a refused client left early");
    }
}
