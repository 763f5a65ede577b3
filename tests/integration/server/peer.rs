//! A client that says what a test tells it to, over a pipe in memory and on simulated time.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use sovereign::server::{Options, Script, StreamServer};
use tokio::io::DuplexStream;
use tokio::task::LocalSet;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

pub(crate) const URL: &str =
    "ws://127.0.0.1/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";

/// Runs a test on simulated time.
pub(crate) fn simulate(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

/// A server without a network.
pub(crate) struct Desk {
    service: Rc<StreamServer>,
    pub(crate) stop: CancellationToken,
}

impl Desk {
    /// It parrots.
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    /// It answers by a script.
    pub(crate) fn scripted(yaml: &str) -> Self {
        let script = Script::parse(Path::new("test.yaml"), yaml.as_bytes()).unwrap();
        Self::with(Options {
            script: Arc::new(script),
            ..Options::default()
        })
    }

    pub(crate) fn with(options: Options) -> Self {
        Self {
            service: Rc::new(StreamServer::new(options)),
            stop: CancellationToken::new(),
        }
    }

    /// A connection before its setup.
    pub(crate) async fn connect(&self) -> Peer {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let (service, stop) = (Rc::clone(&self.service), self.stop.clone());
        tokio::task::spawn_local(async move { service.serve_stream(theirs, &stop).await });
        let (socket, _) = tokio_tungstenite::client_async(URL, ours).await.unwrap();
        Peer {
            socket,
            handles: RefCell::default(),
        }
    }

    /// A connection with this setup, `setupComplete` read.
    pub(crate) async fn set_up(&self, setup: Value) -> Peer {
        let mut peer = self.connect().await;
        peer.send(json!({ "setup": setup })).await;
        let first = peer.message().await;
        assert!(first.get("setupComplete").is_some(), "{first}");
        peer
    }

    pub(crate) async fn manual(&self) -> Peer {
        self.set_up(manual()).await
    }
}

/// A setup for manual detection that asks for everything.
pub(crate) fn manual() -> Value {
    json!({
        "model": "models/gemini-3.8-live",
        "generationConfig": {"responseModalities": ["AUDIO"]},
        "tools": [{"functionDeclarations": [{"name": "get_time"}]}],
        "sessionResumption": {},
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        "realtimeInputConfig": {"automaticActivityDetection": {"disabled": true}}
    })
}

/// A setup for automatic detection.
pub(crate) fn automatic() -> Value {
    let mut setup = manual();
    setup["realtimeInputConfig"] =
        json!({"automaticActivityDetection": {"silenceDurationMs": 400}});
    setup
}

/// What came from the server.
#[derive(Debug)]
pub(crate) enum Got {
    Message(Value),
    Closed(u16, String),
    /// No close frame.
    Gone,
}

pub(crate) struct Peer {
    socket: WebSocketStream<DuplexStream>,
    /// Handles that came, oldest first.
    pub(crate) handles: RefCell<Vec<String>>,
}

impl Peer {
    pub(crate) async fn send(&mut self, message: Value) {
        self.send_text(&message.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send_frame(&mut self, frame: Message) {
        // A server that refuses a frame may be gone before it is written.
        self.socket.send(frame).await.ok();
    }

    pub(crate) async fn got(&mut self) -> Got {
        loop {
            let frame = tokio::time::timeout(Duration::from_secs(3600), self.socket.next()).await;
            return match frame.expect("the server said nothing for an hour") {
                Some(Ok(Message::Binary(bytes))) => {
                    let message: Value = serde_json::from_slice(&bytes).unwrap();
                    if let Some(handle) = message["sessionResumptionUpdate"]["newHandle"].as_str() {
                        self.handles.borrow_mut().push(handle.to_owned());
                    }
                    Got::Message(message)
                }
                Some(Ok(Message::Text(text))) => Got::Message(Value::String(text.to_string())),
                Some(Ok(Message::Close(Some(frame)))) => {
                    Got::Closed(frame.code.into(), frame.reason.to_string())
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(None)) | Err(_)) | None => Got::Gone,
            };
        }
    }

    pub(crate) async fn message(&mut self) -> Value {
        match self.got().await {
            Got::Message(message) => message,
            other @ (Got::Closed(..) | Got::Gone) => panic!("{other:?} instead of a message"),
        }
    }

    /// Reads to the close and gives it.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.got().await {
                Got::Message(_) => {}
                Got::Closed(code, reason) => return (code, reason),
                Got::Gone => panic!("no close frame"),
            }
        }
    }

    /// Whether nothing comes for `wait`.
    pub(crate) async fn is_quiet(&mut self, wait: Duration) -> bool {
        tokio::time::timeout(wait, self.got()).await.is_err()
    }

    pub(crate) async fn start(&mut self) {
        self.send_text(r#"{"realtimeInput":{"activityStart":{}}}"#)
            .await;
    }

    pub(crate) async fn end(&mut self) {
        self.send_text(r#"{"realtimeInput":{"activityEnd":{}}}"#)
            .await;
    }

    /// Sends sound in messages of 20 ms, as it is recorded if `paced`.
    pub(crate) async fn sound(&mut self, samples: &[i16], paced: bool) {
        for block in samples.chunks(320) {
            if paced {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            self.send(audio(block)).await;
        }
    }

    /// A whole turn of the user, at once.
    pub(crate) async fn speak(&mut self, samples: &[i16]) {
        self.start().await;
        self.sound(samples, false).await;
        self.end().await;
    }

    /// Reads one turn's messages, to its handle.
    pub(crate) async fn turn(&mut self) -> Turn {
        let mut turn = Turn::new();
        while turn.kinds.last().map(String::as_str) != Some("handle") {
            let message = self.message().await;
            turn.add(&message);
        }
        turn
    }

    /// Reads until a message of this kind came.
    pub(crate) async fn until(&mut self, kind: &str) -> Turn {
        let mut turn = Turn::new();
        while turn.kinds.last().map(String::as_str) != Some(kind) {
            let message = self.message().await;
            turn.add(&message);
        }
        turn
    }
}

/// What came in one turn, in order.
pub(crate) struct Turn {
    began: Instant,
    /// Kinds of messages; runs of audio count once.
    pub(crate) kinds: Vec<String>,
    pub(crate) samples: Vec<i16>,
    /// When each chunk came, from the moment of asking, and its length in bytes.
    pub(crate) chunks: Vec<(Duration, usize)>,
    bytes: Vec<u8>,
    pub(crate) heard: String,
    pub(crate) said: String,
    pub(crate) usage: Value,
    pub(crate) took: Duration,
}

impl Turn {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            kinds: Vec::new(),
            samples: Vec::new(),
            chunks: Vec::new(),
            bytes: Vec::new(),
            heard: String::new(),
            said: String::new(),
            usage: Value::Null,
            took: Duration::ZERO,
        }
    }

    fn add(&mut self, message: &Value) {
        let content = &message["serverContent"];
        if let Some(data) = content["modelTurn"]["parts"][0]["inlineData"]["data"].as_str() {
            let bytes = STANDARD.decode(data).unwrap();
            let mime = &content["modelTurn"]["parts"][0]["inlineData"]["mimeType"];
            assert_eq!(mime, "audio/pcm;rate=24000");
            self.chunks.push((self.began.elapsed(), bytes.len()));
            self.bytes.extend(bytes);
            self.samples = self
                .bytes
                .chunks_exact(2)
                .map(|b| i16::from_le_bytes([b[0], b[1]]))
                .collect();
        }
        self.heard += content["inputTranscription"]["text"]
            .as_str()
            .unwrap_or_default();
        self.said += content["outputTranscription"]["text"]
            .as_str()
            .unwrap_or_default();
        if message.get("usageMetadata").is_some() {
            self.usage = message["usageMetadata"].clone();
        }
        self.took = self.began.elapsed();
        let kind = kind(message);
        if kind != "audio" || self.kinds.last() != Some(&kind) {
            self.kinds.push(kind);
        }
    }
}

fn kind(message: &Value) -> String {
    let has = |key: &str| message["serverContent"].get(key).is_some();
    let kind = if has("modelTurn") {
        let part = &message["serverContent"]["modelTurn"]["parts"][0];
        if part.get("inlineData").is_some() {
            "audio"
        } else {
            "text"
        }
    } else if has("inputTranscription") {
        "heard"
    } else if has("interrupted") {
        "interrupted"
    } else if has("generationComplete") {
        "generationComplete"
    } else if has("turnComplete") {
        "turnComplete"
    } else if message.get("sessionResumptionUpdate").is_some() {
        "handle"
    } else {
        return message.as_object().unwrap().keys().next().unwrap().clone();
    };
    kind.to_owned()
}

/// A `realtimeInput.audio` message.
pub(crate) fn audio(samples: &[i16]) -> Value {
    let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    json!({"realtimeInput": {"audio": {"data": STANDARD.encode(bytes), "mimeType": "audio/pcm;rate=16000"}}})
}

/// A hum at −20 dBFS: loud enough for a voice where a level decides.
pub(crate) fn hum(ms: usize) -> Vec<i16> {
    (0..ms * 16)
        .map(|n| (4_634.0 * (n as f32 * 0.08).sin()) as i16)
        .collect()
}

/// Silence, at 16 kHz.
pub(crate) fn silence(ms: usize) -> Vec<i16> {
    vec![0; ms * 16]
}

/// "What can you do?", at 16 kHz, for what listens for speech.
pub(crate) fn question() -> Vec<i16> {
    let wav = include_bytes!("../../../assets/speech/question.wav");
    let reader = hound::WavReader::new(wav.as_slice()).unwrap();
    reader.into_samples::<i16>().map(Result::unwrap).collect()
}
