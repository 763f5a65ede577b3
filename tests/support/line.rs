//! The way between a client and a server, which a test disturbs while it is in use.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;

use super::tcp::{NameServer, Way};
use super::wire::Wire;

/// What a line does with what is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// Carries it.
    Open,
    /// Takes it and carries nothing, both ways; a connection that has met this is dead for good.
    Swallows,
    /// Takes nothing.
    Stands,
    /// Ends new connections before anything was answered; those that there are go on.
    Refuses,
    /// Carries so many bytes in a second towards the server.
    Slow(u32),
    /// The system knows no way there: it says so to who dials, and what is sent waits. Of a [`Way`] only.
    NoRoute,
    /// Answers new connections with this, and ends them.
    Says(&'static str),
    /// What is sent is lost, and sent again until the line carries. Of a [`Way`] only.
    Silent,
}

/// A line.
pub struct Line {
    mode: watch::Sender<Mode>,
    /// Bytes that reached the server on the newest connection.
    carried: Rc<Cell<usize>>,
    /// Connections that were opened on it.
    opened: Cell<u32>,
    /// Whether the newest connection has met a line that swallows.
    dead: RefCell<Rc<Cell<bool>>>,
    /// What the way does with segments, where the world has one.
    pub way: Cell<Way>,
    /// What the name server does, where the world has one.
    pub names: watch::Sender<NameServer>,
    /// What becomes of frames, where the world lets them be looked at.
    pub wire: Rc<Wire>,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            mode: watch::Sender::new(Mode::Open),
            carried: Rc::default(),
            opened: Cell::default(),
            dead: RefCell::default(),
            way: Cell::default(),
            names: watch::Sender::default(),
            wire: Rc::default(),
        }
    }
}

impl Line {
    /// Another mode, at once.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// What it does now.
    pub fn mode(&self) -> Mode {
        *self.mode.borrow()
    }

    pub(super) fn modes(&self) -> watch::Receiver<Mode> {
        self.mode.subscribe()
    }

    /// How many connections were opened on it.
    pub const fn opened(&self) -> u32 {
        self.opened.get()
    }

    /// Whether the newest connection is dead without an end: nobody is told of what happens to it.
    pub fn is_dead(&self) -> bool {
        self.dead.borrow().get()
    }

    /// Seconds of speech, as it is written for the service, that the bytes of the newest connection can hold.
    pub fn carried_seconds(&self) -> f64 {
        let bytes_in_second = 2.0 * 16_000.0 * 4.0 / 3.0;
        self.carried.get() as f64 / bytes_in_second
    }

    /// The server's end of a connection on this line; `None` where it refuses.
    pub(super) fn carry(self: &Rc<Self>, mut near: DuplexStream) -> Option<DuplexStream> {
        let mode = self.mode();
        if let Mode::Says(answer) = mode {
            tokio::task::spawn_local(async move {
                let asked = near.read_u8().await;
                if asked.is_ok() {
                    near.write_all(answer.as_bytes()).await.ok();
                }
            });
            return None;
        }
        if mode == Mode::Refuses {
            return None;
        }
        let (far, server) = tokio::io::duplex(16 << 10);
        let (modes, dead) = (self.mode.subscribe(), Rc::new(Cell::new(false)));
        self.dead.replace(dead.clone());
        let ((near_in, near_out), (far_in, far_out)) =
            (tokio::io::split(near), tokio::io::split(far));
        self.carried.set(0);
        self.opened.update(|opened| opened + 1);
        let up = Some(self.carried.clone());
        tokio::task::spawn_local(pump(near_in, far_out, modes.clone(), dead.clone(), up));
        tokio::task::spawn_local(pump(far_in, near_out, modes, dead, None));
        Some(server)
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut modes: watch::Receiver<Mode>,
    dead: Rc<Cell<bool>>,
    up: Option<Rc<Cell<usize>>>,
) {
    let mut buffer = vec![0; 2_048];
    loop {
        if modes.wait_for(|mode| *mode != Mode::Stands).await.is_err() {
            return;
        }
        let n = tokio::select! {
            n = from.read(&mut buffer) => n.unwrap_or(0),
            changed = modes.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        let mode = *modes.borrow();
        if mode == Mode::Swallows {
            dead.set(true);
        }
        if n == 0 {
            if !dead.get() {
                to.shutdown().await.ok();
            }
            return;
        }
        if dead.get() {
            continue;
        }
        if let (Mode::Slow(rate), Some(_)) = (mode, &up) {
            tokio::time::sleep(Duration::from_secs_f64(n as f64 / f64::from(rate))).await;
        }
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
        if let Some(carried) = &up {
            carried.set(carried.get() + n);
        }
    }
}
