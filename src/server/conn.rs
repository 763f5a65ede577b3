//! One connection: handshake, frames in and out. What is said is decided in `protocol_rules` and `dialogue`.
//!
//! ```text
//! socket ─▶ converse: protocol_rules ─▶ dialogue ─▶ bounded queue ─▶ write ─▶ socket
//!               └── timer of the dialogue
//! ```
//!
//! Both halves run in one task. When the queue is full because the client does not read, nothing more is read from it,
//! and after [`SLOW`] it is dropped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use super::access::Welcome;
use super::context_window::ContextWindow;
use super::dialogue::Dialogue;
use super::handshake::{self, Accepted};
use super::output::DialogueOutput;
use super::protocol_rules::{Agreement, ClientInput, CloseReason, ProtocolRules};
use super::registry::SessionId;
use super::script::ResumptionMode;
use super::service::StreamServer;
use super::told_event::ServerEvent;

/// Time for the handshake, then for the setup: a program on this computer needs milliseconds.
const HANDSHAKE: Duration = Duration::from_secs(5);
const SETUP: Duration = Duration::from_secs(10);
/// How long a client may leave a full queue unread.
const SLOW: Duration = Duration::from_secs(10);
/// Time for the other side to answer a close frame; `sovereign serve` ends within 500 ms.
const GOODBYE: Duration = Duration::from_millis(250);
/// Messages between the dialogue and the socket: ten seconds of audio in chunks of 40 ms.
const QUEUE: usize = 256;
/// The longest reason that fits into a close frame.
const MOST_REASON: usize = 123;

enum End {
    /// With this close frame, sent by us.
    Ours(CloseReason),
    /// The client closed it, or it was lost.
    Theirs { code: Option<u16>, reason: String },
    /// Cut without a close frame, by the script.
    Cut,
}

impl StreamServer {
    /// Serves one connection to its end, or until `stop`. It uses the runtime's clock, which may be paused. The future
    /// is not `Send` (the detector is not): await it where it is made, or `spawn_local` it.
    pub async fn serve_stream<S>(&self, io: S, stop: &CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let connection = self.next_connection();
        serve(io, self, connection, stop).await;
    }
}

/// Serves one connection to its end.
async fn serve<S>(io: S, service: &StreamServer, connection: u64, stop: &CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let accepted = timeout(HANDSHAKE, handshake::accept(io, &service.options.access)).await;
    let turned_away = |reason| service.tell(ServerEvent::TurnedAway { connection, reason });
    let (socket, welcome, version) = match accepted {
        Ok(Ok(Accepted::Talk {
            socket,
            welcome,
            version,
        })) => (*socket, welcome, version),
        Ok(Ok(Accepted::Listed)) => return service.tell(ServerEvent::Listed { connection }),
        Ok(Err(error)) => return turned_away(error.to_string()),
        Err(_) => return turned_away("no handshake in time".to_owned()),
    };
    service.tell(ServerEvent::Connected { connection });
    let (sink, stream) = socket.split();
    let (queue, queued) = mpsc::channel(QUEUE);
    let mut talk = Talk {
        service,
        connection,
        version,
        stream,
        queue,
        session: None,
        text: service.options.text_frames,
    };
    let mut writer = std::pin::pin!(write(sink, queued));
    let end = tokio::select! {
        biased;
        () = stop.cancelled() => End::Ours(CloseReason { code: 1001, reason: "the server is ending".to_owned() }),
        end = talk.run(welcome) => end,
        () = &mut writer => End::Theirs { code: None, reason: "the connection was lost".to_owned() },
    };
    drop(talk.session.take());
    let Talk {
        mut stream, queue, ..
    } = talk;
    let (code, reason) = match end {
        End::Ours(refusal) => {
            let frame = Message::Close(Some(CloseFrame {
                code: CloseCode::from(refusal.code),
                reason: shortened(&refusal.reason).into(),
            }));
            let goodbye = async {
                queue.send(frame).await.ok();
                drop(queue);
                writer.await;
                // The client's own close frame, so that the socket ends in order.
                while let Some(Ok(_)) = stream.next().await {}
            };
            timeout(GOODBYE, goodbye).await.ok();
            (Some(refusal.code), refusal.reason)
        }
        End::Cut => {
            drop(queue);
            timeout(GOODBYE, writer).await.ok();
            (None, "cut, as the script says".to_owned())
        }
        End::Theirs { code, reason } => {
            drop(queue);
            (code, reason)
        }
    };
    service.tell(ServerEvent::Closed {
        connection,
        code,
        reason,
    });
}

/// A session whose connection is open. It ends with this, also where the connection's task is dropped.
struct OpenSession<'a> {
    service: &'a StreamServer,
    id: SessionId,
}

impl Drop for OpenSession<'_> {
    fn drop(&mut self) {
        self.service.registry().end(self.id, now());
    }
}

/// What is needed while the two talk.
struct Talk<'a, S> {
    service: &'a StreamServer,
    connection: u64,
    /// The version of the API that it asked for.
    version: String,
    stream: SplitStream<WebSocketStream<S>>,
    queue: mpsc::Sender<Message>,
    session: Option<OpenSession<'a>>,
    /// Whether messages leave in text frames; the service uses binary ones.
    text: bool,
}

/// What happened next on a connection.
enum Tick {
    Frame(Option<Result<Message, Error>>),
    Due,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<'_, S> {
    async fn run(&mut self, welcome: Welcome) -> End {
        if welcome == Welcome::WrongKey {
            let reason = "API key not valid. Please pass a valid API key.".to_owned();
            return End::Ours(CloseReason { code: 1007, reason });
        }
        let mut rules = ProtocolRules::default();
        let mut dialogue: Option<Dialogue> = None;
        let setup_due = now() + SETUP;
        loop {
            if let Some(dialogue) = &mut dialogue
                && let Err(end) = self.perform(dialogue).await
            {
                return end;
            }
            let deadline = dialogue
                .as_ref()
                .map_or(Some(setup_due), Dialogue::deadline);
            match self.tick(deadline).await {
                Tick::Due => match &mut dialogue {
                    Some(dialogue) => dialogue.tick(now()),
                    None => {
                        let reason = "no setup came in time".to_owned();
                        return End::Ours(CloseReason { code: 1008, reason });
                    }
                },
                Tick::Frame(frame) => {
                    let json = match read(frame) {
                        Ok(Some(json)) => json,
                        Ok(None) => continue,
                        Err(end) => return end,
                    };
                    let ready = dialogue.as_ref().is_some_and(Dialogue::is_ready);
                    match (rules.check(&json, ready), &mut dialogue) {
                        (Err(refusal), _) => return End::Ours(refusal),
                        (Ok(ClientInput::Setup(agreement)), _) => match self.begin(*agreement) {
                            Ok(begun) => dialogue = Some(begun),
                            Err(refusal) => return End::Ours(refusal),
                        },
                        (Ok(said), Some(dialogue)) => dialogue.take(said, now()),
                        // The rules let nothing else pass before a setup.
                        (Ok(_), None) => {}
                    }
                }
            }
        }
    }

    /// The next frame, or that the deadline has come.
    async fn tick(&mut self, deadline: Option<Instant>) -> Tick {
        let due = async {
            match deadline {
                Some(deadline) => sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            frame = self.stream.next() => Tick::Frame(frame),
            () = due => Tick::Due,
        }
    }

    fn begin(&mut self, agreement: Agreement) -> Result<Dialogue, CloseReason> {
        let refused = self.service.options.script.refuse_setup.as_ref();
        if let Some(refused) =
            refused.filter(|refused| refused.concerns(&self.version, &agreement.model))
        {
            return Err(CloseReason {
                code: refused.code,
                reason: refused.reason.clone(),
            });
        }
        if let Some(hint) = agreement.hint
            && !self.service.options.script.transcription_hints
        {
            return Err(CloseReason::invalid(hint, "not supported by this model"));
        }
        let mut registry = self.service.registry();
        let now = now();
        let model = agreement.model.clone();
        let mut context = None;
        let id = match &agreement.handle {
            Some(handle) => {
                let (id, kept) = registry.resume(handle, &model, now)?;
                let forgets = self.service.options.script.resumption == ResumptionMode::Forgetful;
                context = Some(if forgets {
                    ContextWindow::default()
                } else {
                    kept
                });
                id
            }
            None => registry.begin(&model),
        };
        drop(registry);
        self.session = Some(OpenSession {
            service: self.service,
            id,
        });
        self.service.tell(ServerEvent::Setup {
            connection: self.connection,
            model,
            detection: if agreement.detection.is_some() {
                "automatic"
            } else {
                "manual"
            },
            resumed: context.is_some(),
        });
        Ok(Dialogue::new(
            self.connection,
            Arc::clone(&self.service.options.script),
            agreement,
            context,
            now,
        ))
    }

    /// Does what the dialogue wants done.
    async fn perform(&mut self, dialogue: &mut Dialogue) -> Result<(), End> {
        while let Some(output) = dialogue.poll() {
            match output {
                DialogueOutput::Send(json) => self.send(json).await?,
                DialogueOutput::Handle(context) => {
                    let Some(id) = self.session.as_ref().map(|session| session.id) else {
                        continue;
                    };
                    let handle = self.service.registry().issue(id, context);
                    self.send(super::dialogue::resumption(handle)).await?;
                }
                DialogueOutput::Close(refusal) => return Err(End::Ours(refusal)),
                DialogueOutput::Cut => return Err(End::Cut),
                DialogueOutput::Tell(event) => self.service.tell(event),
            }
        }
        Ok(())
    }

    async fn send(&mut self, json: String) -> Result<(), End> {
        let frame = if self.text {
            Message::text(json)
        } else {
            Message::binary(json)
        };
        match timeout(SLOW, self.queue.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(lost("the connection was lost")),
            Err(_) => Err(lost("the client does not read: dropped")),
        }
    }
}

/// Sends what is queued, everything that waits in one flush, until the queue is closed or the socket is lost.
async fn write<S: AsyncRead + AsyncWrite + Unpin>(
    mut sink: SplitSink<WebSocketStream<S>, Message>,
    mut queued: mpsc::Receiver<Message>,
) {
    while let Some(first) = queued.recv().await {
        let mut next = Some(first);
        while let Some(message) = next {
            if sink.feed(message).await.is_err() {
                return;
            }
            next = queued.try_recv().ok();
        }
        if sink.flush().await.is_err() {
            return;
        }
    }
}

/// The text of a frame; nothing for those that carry none; the end, if this was it.
fn read(frame: Option<Result<Message, Error>>) -> Result<Option<Vec<u8>>, End> {
    match frame {
        Some(Ok(Message::Text(text))) => Ok(Some(text.as_bytes().to_vec())),
        Some(Ok(Message::Binary(bytes))) => Ok(Some(bytes.to_vec())),
        Some(Ok(Message::Close(frame))) => Err(End::Theirs {
            code: frame.as_ref().map(|frame| frame.code.into()),
            reason: frame.map_or_else(|| "closed".to_owned(), |frame| frame.reason.to_string()),
        }),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
        Some(Err(Error::Capacity(error))) => Err(End::Ours(CloseReason {
            code: 1009,
            reason: error.to_string(),
        })),
        Some(Err(Error::Utf8(_))) => Err(End::Ours(CloseReason::invalid("", "not UTF-8"))),
        Some(Err(error)) => Err(lost(&error.to_string())),
        None => Err(lost("the connection was lost")),
    }
}

fn lost(reason: &str) -> End {
    End::Theirs {
        code: None,
        reason: reason.to_owned(),
    }
}

/// As much of a reason as fits into a close frame.
fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(MOST_REASON)]
}

/// The clock of the runtime, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
