//! Frames of WebSocket on their way: what a test puts between those of the server, and pings that it holds back.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf,
    WriteHalf,
};
use tokio::sync::{broadcast, mpsc};
use tokio::time::sleep;

const PING: u8 = 9;

/// What becomes of frames.
pub struct Wire {
    put: broadcast::Sender<Vec<u8>>,
    /// How late pings of the client reach the server; `None`: never.
    pub pings: Cell<Option<Duration>>,
    /// How many there were.
    pub pinged: Cell<usize>,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            put: broadcast::Sender::new(1_024),
            pings: Cell::new(Some(Duration::ZERO)),
            pinged: Cell::default(),
        }
    }
}

impl Wire {
    /// Puts bytes between the frames of the server, as if they were its own, on each connection that there is.
    pub fn put(&self, bytes: Vec<u8>) {
        self.put.send(bytes).ok();
    }

    /// The same with a message.
    pub fn say(&self, message: impl AsRef<[u8]>) {
        self.put(frame(2, message.as_ref()));
    }

    /// The same with a close frame.
    pub fn close(&self, code: u16, reason: impl AsRef<[u8]>) {
        self.put(frame(8, &[&code.to_be_bytes(), reason.as_ref()].concat()));
    }
}

/// A frame of a server.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        n @ 0..=125 => frame.push(n as u8),
        n @ 126..=0xffff => {
            frame.push(126);
            frame.extend((n as u16).to_be_bytes());
        }
        n => {
            frame.push(127);
            frame.extend((n as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// The far end of a connection whose near end is the client's.
pub(super) fn connection(near: DuplexStream, wire: &Rc<Wire>) -> DuplexStream {
    let (far, server) = tokio::io::duplex(16 << 10);
    let ((near_in, near_out), (far_in, far_out)) = (tokio::io::split(near), tokio::io::split(far));
    let (held, let_go) = mpsc::channel(16);
    let put = wire.put.subscribe();
    tokio::task::spawn_local(async move { down(far_in, near_out, put).await.ok() });
    tokio::task::spawn_local(up(near_in, far_out, wire.clone(), held, let_go));
    server
}

/// From the server to the client.
async fn down(
    from: ReadHalf<DuplexStream>,
    mut to: WriteHalf<DuplexStream>,
    mut puts: broadcast::Receiver<Vec<u8>>,
) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let mut first = [0];
    if head(&mut from, &mut to).await? {
        loop {
            let frame = tokio::select! {
                biased;
                Ok(put) = puts.recv() => put,
                read = from.read(&mut first) => match read? {
                    0 => break,
                    _ => rest(&mut from, first[0]).await?,
                },
            };
            to.write_all(&frame).await?;
        }
    }
    to.shutdown().await
}

/// From the client to the server.
async fn up(
    from: ReadHalf<DuplexStream>,
    mut to: WriteHalf<DuplexStream>,
    wire: Rc<Wire>,
    held: mpsc::Sender<Vec<u8>>,
    mut let_go: mpsc::Receiver<Vec<u8>>,
) {
    let mut from = BufReader::new(from);
    let mut first = [0];
    if !head(&mut from, &mut to).await.unwrap_or(false) {
        return;
    }
    loop {
        let frame = tokio::select! {
            Some(ping) = let_go.recv() => ping,
            read = from.read(&mut first) => match read {
                Ok(1) => match rest(&mut from, first[0]).await {
                    Ok(frame) => frame,
                    Err(_) => break,
                },
                Ok(_) | Err(_) => break,
            },
        };
        if first[0] & 0xf == PING && wire.pings.get() != Some(Duration::ZERO) {
            wire.pinged.update(|pinged| pinged + 1);
            if let Some(late) = wire.pings.get() {
                let held = held.clone();
                tokio::task::spawn_local(async move {
                    sleep(late).await;
                    held.send(frame).await.ok();
                });
            }
            first[0] = 0;
            continue;
        }
        if to.write_all(&frame).await.is_err() {
            return;
        }
    }
    to.shutdown().await.ok();
}

/// Gives the head of HTTP on; says whether there was a whole one.
async fn head(
    from: &mut BufReader<ReadHalf<DuplexStream>>,
    to: &mut WriteHalf<DuplexStream>,
) -> io::Result<bool> {
    loop {
        let mut line = Vec::new();
        if from.read_until(b'\n', &mut line).await? == 0 {
            return Ok(false);
        }
        to.write_all(&line).await?;
        if line == b"\r\n" {
            return Ok(true);
        }
    }
}

/// A frame from its second byte on.
async fn rest(from: &mut BufReader<ReadHalf<DuplexStream>>, first: u8) -> io::Result<Vec<u8>> {
    let second = from.read_u8().await?;
    let mut frame = vec![first, second];
    let more = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    frame.resize(2 + more, 0);
    from.read_exact(&mut frame[2..]).await?;
    let long = frame[2..]
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let payload = if more == 0 {
        usize::from(second & 0x7f)
    } else {
        long
    };
    let masked = if second & 0x80 == 0 { 0 } else { 4 };
    let begun = frame.len();
    frame.resize(begun + masked + payload, 0);
    from.read_exact(&mut frame[begun..]).await?;
    Ok(frame)
}
