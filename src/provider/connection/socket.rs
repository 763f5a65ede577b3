//! One WebSocket: messages out, messages in, both at once, and never waiting in a place where a command could not be heard.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::fault::Fault;
use super::route::Ends;
use super::stream::Stream;
use super::tcp_info::{DELAYED_ACK, TcpInfo};
use crate::base::counters::Counters;
use crate::base::text::t;

/// How long the other side has to answer a close. A handle is refused while its last connection is open, so it is waited
/// for; but not longer than a user would not notice.
const CLOSE_LIMIT: Duration = Duration::from_millis(300);
/// The largest message taken, in one frame or many: four minutes of 24 kHz audio in base64. The service sends a second at a
/// time; more than this is no audio of ours.
const LARGEST_MESSAGE: usize = 16 << 20;
/// Pings and pongs read at once: a flood of them keeps nobody from being heard.
const CONTROLS_AT_ONCE: usize = 64;
/// Gathered before it is written without being asked to flush: everything that is ready leaves in one piece.
const WRITE_BUFFER: usize = 64 << 10;
/// Bytes that may wait in the library before no more is taken: 1.4 s of audio in base64 and JSON. The sender keeps the rest.
const ROOM: usize = 64 << 10;
/// So long may nothing of what waits get away before the connection counts as stuck. A link of 32 kbit/s whose other end
/// opens its window 64 KiB at a time moves every 16 s; a dead one is found by TCP itself, within 3 s.
const STUCK_AFTER: Duration = Duration::from_secs(20);
/// When the system is asked first, and how seldom it is asked at last, what became of what it took.
const ASK_AGAIN_AFTER: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(16));

/// A WebSocket and what waits to be sent on it.
pub(in crate::provider) struct Socket {
    inner: WebSocketStream<Metered>,
    /// Bytes that were given to `inner` since it was flushed.
    waiting: usize,
    /// There was no room, and nobody has been told yet that there is some again.
    was_full: bool,
    /// Since when something has waited to be sent without a break.
    waiting_since: Instant,
    /// How many of the messages that wait are to be reported when flushed.
    marked: usize,
    /// How many were flushed and are to be reported when they have left this computer.
    flushed: usize,
    /// When the last of them had, until it has arrived or more is sent.
    left: Option<Instant>,
    /// When the system is asked again, and how long that was put off.
    asks: Option<(Pin<Box<Sleep>>, Duration)>,
    /// Why a message was not taken.
    failed: Option<Error>,
    counters: Arc<Counters>,
    proxied: bool,
}

/// A message on its way out.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::provider) struct OutgoingMessage {
    /// JSON.
    pub(in crate::provider) text: String,
    /// Whether [`Turn::Flushed`] is to follow.
    pub(in crate::provider) report: bool,
}

pub(in crate::provider) enum Turn {
    /// A message came, in a text or a binary frame.
    Message(Bytes),
    /// A message that was to be reported, and all before it, have left this computer, as far as the system tells.
    Flushed,
    /// The last of them got through the line at this instant only, as its acknowledgment shows: it is slow, or loses much.
    Delivered(Instant),
    /// There was no room for more, and now there is.
    Room,
    Ended(Fault),
    Closed {
        code: u16,
        reason: String,
    },
}

impl Socket {
    /// A socket on a stream that was upgraded; `read` is what was read behind the answer.
    pub(in crate::provider) async fn new(
        stream: Stream,
        read: Vec<u8>,
        counters: Arc<Counters>,
        proxied: bool,
    ) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(4 << 10) // 128 KiB, the default, is held for nothing between messages
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(1 << 20)
            .max_message_size(Some(LARGEST_MESSAGE))
            .max_frame_size(Some(LARGEST_MESSAGE));
        Self {
            inner: WebSocketStream::from_partially_read(
                Metered {
                    inner: stream,
                    moved_at: Instant::now(),
                },
                read,
                Role::Client,
                Some(config),
            )
            .await,
            waiting: 0,
            was_full: false,
            waiting_since: Instant::now(),
            marked: 0,
            flushed: 0,
            left: None,
            asks: None,
            failed: None,
            counters,
            proxied,
        }
    }

    /// What the system knows of the way to the service now, where it tells.
    pub(in crate::provider) fn tcp_info(&self) -> Option<TcpInfo> {
        let stream = &self.inner.get_ref().inner;
        stream.tcp_info().filter(|_| !self.proxied)
    }

    /// The ends of the TCP connection, also where it leads to a proxy.
    pub(in crate::provider) fn ends(&self) -> Option<Ends> {
        self.inner.get_ref().inner.ends()
    }

    /// Gives a message to the library, which writes it with the next [`Self::turn`]. A failure is told there.
    pub(in crate::provider) fn write(&mut self, message: OutgoingMessage) {
        if self.is_idle() {
            self.waiting_since = Instant::now();
        }
        self.left = None;
        let bytes = message.text.len();
        self.waiting += bytes;
        self.counters.bytes_sent.add(bytes as u64);
        self.marked += usize::from(message.report);
        self.was_full |= !self.has_room();
        if let Err(error) = self.inner.start_send_unpin(Message::text(message.text)) {
            self.failed.get_or_insert(error);
        }
    }

    /// Whether more may be written. A connection that is slower than what is said leaves it where it is kept.
    pub(in crate::provider) fn has_room(&self) -> bool {
        self.waiting < ROOM
    }

    /// When this connection counts as stuck if nothing of what waits gets away until then; `None`: nothing waits.
    pub(in crate::provider) fn stuck_at(&self) -> Option<Instant> {
        let moved = self.waiting_since.max(self.inner.get_ref().moved_at);
        (!self.is_idle()).then(|| moved + STUCK_AFTER)
    }

    fn is_idle(&self) -> bool {
        self.waiting == 0
    }

    /// Sends what waits, reads if `read`, and says what happens first. Nothing is lost when this is dropped in between.
    pub(in crate::provider) async fn turn(&mut self, read: bool) -> Turn {
        poll_fn(|cx| self.poll_turn(cx, read)).await
    }

    /// Says goodbye and waits for the answer, but not long.
    pub(in crate::provider) async fn close(mut self) {
        let goodbye = CloseFrame {
            code: CloseCode::Normal,
            reason: "".into(),
        };
        let close = async {
            self.inner.close(Some(goodbye)).await.ok();
            while let Some(Ok(_)) = self.inner.next().await {}
        };
        timeout(CLOSE_LIMIT, close).await.ok();
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>, read: bool) -> Poll<Turn> {
        match self.poll_write(cx) {
            Poll::Ready(Err(error)) => return self.poll_last_words(cx, error),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        let sent = |info: &TcpInfo| info.unsent_bytes == 0;
        if self.flushed > 0 && self.poll_tcp(cx, sent).is_ready() {
            self.flushed -= 1;
            self.left = Some(Instant::now());
            return Poll::Ready(Turn::Flushed);
        }
        let arrived = |info: &TcpInfo| info.unacknowledged == 0;
        if let Some(left) = self.left
            && let Poll::Ready(info) = self.poll_tcp(cx, arrived)
        {
            self.left = None;
            let trip = info.map_or(Duration::ZERO, |info| info.shortest_trip);
            let at = Instant::now() - trip;
            if at > left + DELAYED_ACK {
                return Poll::Ready(Turn::Delivered(at));
            }
        }
        if self.was_full && self.has_room() {
            self.was_full = false;
            return Poll::Ready(Turn::Room);
        }
        if read {
            self.poll_read(cx)
        } else {
            Poll::Pending
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(error));
        }
        if !self.is_idle() {
            ready!(self.inner.poll_flush_unpin(cx))?;
            self.waiting = 0;
            self.flushed += std::mem::take(&mut self.marked);
        }
        Poll::Ready(Ok(()))
    }

    /// Asks the system until something holds of the connection; ready at once where it does not tell.
    fn poll_tcp(
        &mut self,
        cx: &mut Context<'_>,
        holds: impl Fn(&TcpInfo) -> bool,
    ) -> Poll<Option<TcpInfo>> {
        loop {
            if let Some((again, _)) = &mut self.asks {
                ready!(again.as_mut().poll(cx));
            }
            let info = self.inner.get_ref().inner.tcp_info();
            if info.as_ref().is_none_or(&holds) {
                self.asks = None;
                return Poll::Ready(info);
            }
            let (first, seldom) = ASK_AGAIN_AFTER;
            let asked = self.asks.take();
            let after = asked.map_or(first, |(_, before)| seldom.min(before * 2));
            self.asks = Some((Box::pin(sleep(after)), after));
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        for _ in 0..CONTROLS_AT_ONCE {
            let bytes = match ready!(self.inner.poll_next_unpin(cx)) {
                Some(Ok(Message::Text(text))) => Bytes::from(text),
                Some(Ok(Message::Binary(bytes))) => bytes,
                // Pings are answered by the library with the next read or write.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(frame))) => {
                    return Poll::Ready(closed(frame));
                }
                Some(Err(error)) => return Poll::Ready(Turn::Ended(broken(&error))),
                None => return Poll::Ready(Turn::Ended(broken(&Error::ConnectionClosed))),
            };
            self.counters.bytes_received.add(bytes.len() as u64);
            return Poll::Ready(Turn::Message(bytes));
        }
        // There may be more; commands have their turn first.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writing failed; a close frame that came before says why.
    fn poll_last_words(&mut self, cx: &mut Context<'_>, error: Error) -> Poll<Turn> {
        while let Poll::Ready(Some(Ok(message))) = self.inner.poll_next_unpin(cx) {
            if let Message::Close(frame) = message {
                return Poll::Ready(closed(frame));
            }
        }
        Poll::Ready(Turn::Ended(broken(&error)))
    }
}

/// A stream that notes when it last took something to send.
struct Metered {
    inner: Stream,
    moved_at: Instant,
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        self.moved_at = Instant::now();
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

fn closed(frame: Option<CloseFrame>) -> Turn {
    // 1005: a close frame without a code (RFC 6455, 7.4.1).
    let (code, reason) = frame.map_or((1005, String::new()), |frame| {
        (frame.code.into(), frame.reason.as_str().to_owned())
    });
    Turn::Closed { code, reason }
}

/// An end without a close frame.
fn broken(error: &Error) -> Fault {
    let cut = |why: String| Fault::Cut { why };
    match error {
        Error::Io(error) => cut(error.to_string()),
        Error::ConnectionClosed | Error::AlreadyClosed => cut(t!("no-reason-given").to_owned()),
        Error::Protocol(problem @ tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            cut(problem.to_string())
        }
        Error::Capacity(_) => Fault::Malformed {
            what: t!("one-of-more-than", size = LARGEST_MESSAGE >> 20),
        },
        Error::Protocol(_) | Error::Utf8(_) | Error::AttackAttempt => Fault::Malformed {
            what: error.to_string(),
        },
        Error::WriteBufferFull(_) => Fault::stuck(),
        Error::Tls(_) | Error::Url(_) | Error::Http(_) | Error::HttpFormat(_) => cut(t!("an-error-of-the-websocket").to_owned()),
    }
}

#[cfg(test)]
mod tests;
