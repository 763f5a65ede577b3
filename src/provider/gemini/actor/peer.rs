//! The other side of a connection within memory, told by a test what to do.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use url::Url;

use crate::provider::connection::dial::{Dialer, Opened};
use crate::provider::connection::fault::Fault;
use crate::provider::gemini::message::{ClientMessage, RealtimeInput, Setup};

/// What opening one is said to have taken.
pub(super) const ROUND_TRIP: Duration = Duration::from_millis(31);

/// Opens streams within memory. Without anybody who takes the other ends, connections are refused.
pub(super) struct MemoryDialer(mpsc::Sender<DuplexStream>);

impl MemoryDialer {
    /// A dialler, and the other ends of what it opens.
    pub(super) fn new() -> (Arc<Self>, mpsc::Receiver<DuplexStream>) {
        let (ends, other_ends) = mpsc::channel(16);
        (Arc::new(Self(ends)), other_ends)
    }
}

impl Dialer for MemoryDialer {
    fn dial(&self, url: Url) -> BoxFuture<'static, Result<Opened, Fault>> {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let opened = self.0.try_send(far).map(|()| Opened {
            stream: Box::new(near),
            round_trip: Some(ROUND_TRIP),
            proxied: false,
        });
        let address = url.to_string();
        Box::pin(async move { opened.map_err(|_| Fault::ConnectionRefused { address }) })
    }
}

/// The service's end of a connection that was upgraded.
pub(super) struct Peer {
    ws: WebSocketStream<DuplexStream>,
    /// The key that came in the header.
    pub(super) key: Option<String>,
    /// The path that was asked for.
    pub(super) path: String,
}

impl Peer {
    /// Takes the next connection.
    #[expect(
        clippy::result_large_err,
        reason = "the WebSocket library wants its callback so"
    )]
    pub(super) async fn accept(ends: &mut mpsc::Receiver<DuplexStream>) -> Self {
        let end = ends.recv().await.expect("somebody dials");
        let (mut key, mut path) = (None, String::new());
        let read_key = |request: &Request, response: Response| {
            path = request.uri().path().to_owned();
            let header = request.headers().get("x-goog-api-key");
            key = header.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            Ok(response)
        };
        let ws = tokio_tungstenite::accept_hdr_async(end, read_key)
            .await
            .expect("an upgrade");
        Self { ws, key, path }
    }

    /// Takes the next connection and its setup.
    pub(super) async fn set_up(ends: &mut mpsc::Receiver<DuplexStream>) -> (Self, Setup) {
        let mut peer = Self::accept(ends).await;
        let setup = peer.hear_setup().await;
        peer.say(json!({"setupComplete": {}})).await;
        (peer, setup)
    }

    /// The setup, which is the first message.
    pub(super) async fn hear_setup(&mut self) -> Setup {
        let first = self.hear().await;
        let ClientMessage::Setup(setup) = first else {
            panic!("not a setup: {first:?}");
        };
        *setup
    }

    /// The next message.
    pub(super) async fn hear(&mut self) -> ClientMessage {
        match self.next().await {
            Some(Message::Text(text)) => {
                ClientMessage::read(text.as_bytes()).expect("a correct message")
            }
            other => panic!("not a text frame: {other:?}"),
        }
    }

    /// Messages up to the end of an utterance, in short: `start`, `audio 320` (samples), `end`.
    pub(super) async fn hear_utterance(&mut self) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let message = self.hear().await;
            let word = if let ClientMessage::RealtimeInput(RealtimeInput::Audio(blob)) = &message {
                format!("audio {}", blob.data.len() / 2)
            } else if message == RealtimeInput::ActivityStart.into() {
                "start".to_owned()
            } else if message == RealtimeInput::ActivityEnd.into() {
                "end".to_owned()
            } else {
                format!("{message:?}")
            };
            let over = word == "end";
            heard.push(word);
            if over {
                return heard;
            }
        }
    }

    /// Anything that comes; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Message> {
        self.ws.next().await?.ok()
    }

    /// Says something in a binary frame, as the service does.
    pub(super) async fn say(&mut self, message: Value) {
        self.say_raw(Message::binary(message.to_string())).await;
    }

    /// Says anything.
    pub(super) async fn say_raw(&mut self, message: Message) {
        self.ws.send(message).await.expect("somebody reads");
    }

    /// The two directions, for two tasks.
    pub(super) fn split(
        self,
    ) -> (
        impl Sink<Message, Error = Error> + Unpin,
        impl Stream<Item = Result<Message, Error>> + Unpin,
    ) {
        self.ws.split()
    }

    /// Offers a handle.
    pub(super) async fn offer(&mut self, handle: &str) {
        self.say(json!({"sessionResumptionUpdate": {"newHandle": handle, "resumable": true}}))
            .await;
    }

    /// Sends a ping.
    pub(super) async fn ping(&mut self) {
        self.say_raw(Message::Ping(Bytes::from_static(b"?"))).await;
    }

    /// Closes.
    pub(super) async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.to_owned().into(),
        };
        self.ws.close(Some(frame)).await.ok();
        while self.next().await.is_some() {}
    }
}
