//! TCP over a line: what the systems of both ends and the way between them do with bytes.
//!
//! ```text
//! client ─▶ segments ─▶ on their way, each for so long ─▶ acknowledged where the line carries ─▶ server
//! ```
//!
//! The client's system ends a connection as the program asks it to: when what was sent stays unacknowledged for too long, and
//! when a peer that was not heard of does not answer the second question.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use sovereign::provider::connection::network::{
    KEEPALIVE_AFTER, KEEPALIVE_EVERY, Network, UNACKNOWLEDGED,
};
use sovereign::provider::connection::route;
use sovereign::provider::connection::stream::{Io, Stream};
use sovereign::provider::connection::tcp_info::TcpInfo;
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::line::{Line, Mode};

/// What the way does with a segment; segments stay in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Way {
    pub one_way: Duration,
    /// Each segment is late by up to this.
    pub jitter: Duration,
    /// Part of the segments that are lost: sent again after the least time of TCP, 200 ms, then after twice as long.
    pub lost: f64,
    /// Bytes of a segment, at most.
    pub piece: usize,
    /// Time between two segments, at least.
    pub every: Duration,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            one_way: Duration::ZERO,
            jitter: Duration::ZERO,
            lost: 0.0,
            piece: 1_448,
            every: Duration::ZERO,
        }
    }
}

impl Way {
    /// A way of this round trip.
    pub fn of(round_trip: Duration) -> Self {
        Self {
            one_way: round_trip / 2,
            ..Self::default()
        }
    }
}

/// What the name server does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameServer {
    #[default]
    Answers,
    /// It knows no such name.
    NotFound,
    /// It answers that it cannot say.
    Fails,
    /// It does not answer.
    Hangs,
    /// It names an address first that nobody answers at.
    NamesADeadOne,
}

const DEAD: &str = "[2001:db8::1]:1";
const GOOD: &str = "192.0.2.1:1";
/// After which a segment is sent again at the earliest; the limit for what is unacknowledged counts from then on.
const RETRANSMITTED: Duration = Duration::from_millis(200);
/// What a resolver near by takes.
const LOOK_UP: Duration = Duration::from_millis(20);
/// After which a resolver asks again.
const ASKED_AGAIN: u64 = 5;

/// Whether the line carries nothing for now.
fn is_away(mode: Mode) -> bool {
    matches!(mode, Mode::NoRoute | Mode::Silent | Mode::Swallows)
}

/// A connection that the client's system is asked for: its other end, and where the answer goes.
pub(super) struct Asked {
    pub(super) far: DuplexStream,
    pub(super) waits: Unacknowledged,
    pub(super) answer: oneshot::Sender<io::Result<()>>,
}

/// Since when the client's system waits for the acknowledgment of a segment.
pub(super) type Unacknowledged = Arc<Mutex<Option<Instant>>>;

/// The client's end, whose system tells of the connection.
struct Near {
    inner: DuplexStream,
    waits: Unacknowledged,
}

impl Io for Near {
    fn tcp_info(&self) -> Option<TcpInfo> {
        let waits = *self.waits.lock().expect("not poisoned");
        let waited = waits.map_or(Duration::ZERO, |since| since.elapsed());
        // After 200 ms, and each time after twice as long as before.
        let sent_again = (waited.as_millis() / RETRANSMITTED.as_millis() + 1).ilog2();
        Some(TcpInfo {
            timeouts: u8::try_from(sent_again).expect("few"),
            ..TcpInfo::default()
        })
    }

    fn ends(&self) -> Option<route::Ends> {
        None
    }
}

impl AsyncRead for Near {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Near {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// The network of the simulation, for the dialler of the program.
pub(super) struct SimulatedNetwork {
    pub(super) modes: watch::Receiver<Mode>,
    pub(super) names: watch::Receiver<NameServer>,
    pub(super) asked: mpsc::Sender<Asked>,
}

impl Network for SimulatedNetwork {
    fn look_up(&self, _: String, _: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let (mut modes, names) = (self.modes.clone(), self.names.clone());
        Box::pin(async move {
            let no_answer = || Err(io::Error::other("Temporary failure in name resolution"));
            if *modes.borrow() == Mode::NoRoute {
                return no_answer();
            }
            let begun = Instant::now();
            while is_away(*modes.borrow_and_update()) {
                let asked = begun.elapsed().as_secs() / ASKED_AGAIN + 1;
                sleep_until(begun + Duration::from_secs(asked * ASKED_AGAIN)).await;
            }
            sleep(LOOK_UP).await;
            let addresses: &[&str] = match *names.borrow() {
                NameServer::Answers => &[GOOD],
                NameServer::NamesADeadOne => &[DEAD, GOOD],
                NameServer::NotFound => {
                    return Err(io::Error::other("Name or service not known"));
                }
                NameServer::Fails => return no_answer(),
                NameServer::Hangs => &[],
            };
            if addresses.is_empty() {
                std::future::pending::<()>().await;
            }
            let parsed = addresses.iter().map(|address| address.parse());
            Ok(parsed.collect::<Result<_, _>>().expect("addresses"))
        })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Stream>> {
        let asked = self.asked.clone();
        Box::pin(async move {
            if address.is_ipv6() {
                std::future::pending::<()>().await;
            }
            let (near, far) = tokio::io::duplex(16 << 10);
            let (answer, answered) = oneshot::channel();
            let waits = Unacknowledged::default();
            let near = Near {
                inner: near,
                waits: waits.clone(),
            };
            let question = Asked { far, waits, answer };
            asked.send(question).await.expect("the line is there");
            answered.await.expect("the line is there")?;
            Ok(Box::new(near) as Stream)
        })
    }
}

/// Opens a connection, as the system does: its first segment is sent again after 1, 3 and 7 s.
pub(super) async fn open(line: &Line) -> io::Result<()> {
    let begun = Instant::now();
    for seconds in [0, 1, 3, 7] {
        sleep_until(begun + Duration::from_secs(seconds)).await;
        let mode = line.mode();
        if seconds == 0 && mode == Mode::NoRoute {
            return Err(io::ErrorKind::NetworkUnreachable.into());
        }
        if !is_away(mode) {
            sleep(line.way.get().one_way * 2).await;
            return Ok(());
        }
    }
    std::future::pending().await
}

/// The far end of a connection whose near end is the client's.
pub(super) fn connection(
    near: DuplexStream,
    waits: Unacknowledged,
    line: &Rc<Line>,
) -> DuplexStream {
    let (far, server) = tokio::io::duplex(16 << 10);
    let ((near_in, near_out), (far_in, far_out)) = (tokio::io::split(near), tokio::io::split(far));
    let ends = Ends {
        line: line.clone(),
        over: CancellationToken::new(),
        heard: Rc::new(Cell::new(Instant::now())),
        gone: Rc::default(),
    };
    let (up, down) = (mpsc::channel(1_024), mpsc::channel(1_024));
    tokio::task::spawn_local(ends.clone().depart(near_in, up.0, 1));
    tokio::task::spawn_local(ends.clone().arrive(far_out, up.1, Some(waits)));
    tokio::task::spawn_local(ends.clone().depart(far_in, down.0, 2));
    tokio::task::spawn_local(ends.clone().arrive(near_out, down.1, None));
    tokio::task::spawn_local(ends.keep_alive());
    server
}

/// Bytes, and when they arrive.
type Segment = (Instant, Vec<u8>);

#[derive(Clone)]
struct Ends {
    line: Rc<Line>,
    /// Both ends learn that it is over.
    over: CancellationToken,
    /// When the client last heard of the other end.
    heard: Rc<Cell<Instant>>,
    /// The other end has vanished.
    gone: Rc<Cell<bool>>,
}

impl Ends {
    async fn depart(self, mut from: impl AsyncRead + Unpin, to: mpsc::Sender<Segment>, seed: u64) {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut buffer = vec![0; 1_448];
        let mut last = Instant::now();
        loop {
            let way = self.line.way.get();
            let piece = way.piece.min(buffer.len());
            let read = tokio::select! {
                read = from.read(&mut buffer[..piece]) => read.unwrap_or(0),
                () = self.over.cancelled() => return,
            };
            if read == 0 {
                return;
            }
            let now = Instant::now();
            let mut late = way.jitter.mul_f64(random.random::<f64>());
            let mut again = RETRANSMITTED;
            while way.lost > 0.0 && random.random_bool(way.lost) {
                late += again;
                again *= 2;
            }
            last = (now + way.one_way + late).max(last + way.every);
            if to.send((last, buffer[..read].to_vec())).await.is_err() {
                return;
            }
        }
    }

    /// Gives on what arrives. `waits`: it is the client's, whose system knows what it waits for, and gives the connection up
    /// where a segment stays unacknowledged for too long.
    async fn arrive(
        self,
        mut to: impl AsyncWrite + Unpin,
        mut segments: mpsc::Receiver<Segment>,
        waits: Option<Unacknowledged>,
    ) {
        let wait = |since: Option<Instant>| {
            if let Some(waits) = &waits {
                *waits.lock().expect("not poisoned") = since;
            }
        };
        while let Some((due, bytes)) = segments.recv().await {
            sleep_until(due).await;
            wait(Some(due));
            let unacknowledged = async {
                if waits.is_none() {
                    std::future::pending::<()>().await;
                }
                sleep_until(due + RETRANSMITTED + UNACKNOWLEDGED).await;
            };
            tokio::select! {
                biased;
                () = self.carried() => {}
                () = unacknowledged => return self.over.cancel(),
                () = self.over.cancelled() => return,
            }
            wait(None);
            tokio::select! {
                written = to.write_all(&bytes) => if written.is_err() {
                    return self.over.cancel();
                },
                () = self.over.cancelled() => return,
            }
            if waits.is_none() {
                self.heard.set(Instant::now());
            }
        }
        to.shutdown().await.ok();
        if waits.is_none() {
            self.over.cancel();
        }
    }

    /// Until the line carries something.
    async fn carried(&self) {
        let mut modes = self.line.modes();
        while is_away(*modes.borrow_and_update()) || self.gone.get() {
            self.gone
                .set(self.gone.get() || *modes.borrow() == Mode::Swallows);
            modes.changed().await.expect("the line is there");
        }
    }

    /// Asks a peer that has been silent; one that answers no question has vanished.
    async fn keep_alive(self) {
        loop {
            let due = self.heard.get() + KEEPALIVE_AFTER;
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.over.cancelled() => return,
            }
            if self.heard.get() + KEEPALIVE_AFTER > Instant::now() {
                continue;
            }
            tokio::select! {
                () = self.carried() => self.heard.set(Instant::now()),
                () = sleep(KEEPALIVE_EVERY) => return self.over.cancel(),
                () = self.over.cancelled() => return,
            }
        }
    }
}
