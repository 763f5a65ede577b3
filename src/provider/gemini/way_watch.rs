//! Looks at the way to the service: what it is like goes to the counters, and what matters at once is told.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::Instant;

use super::open::Open;
use crate::base::counters::LinkCounters;
use crate::provider::connection::route::{Route, source_towards};
use crate::provider::connection::socket::Socket;
use crate::provider::connection::tcp_info::TcpInfo;

/// The system is asked so often at most: a few system calls.
const EVERY: Duration = Duration::from_secs(1);
/// And so often while the user speaks, when a dead line has to be noticed soon.
const WHILE_SPEAKING: Duration = Duration::from_millis(250);
/// Retransmission timeouts in a row that mean a dead line: TCP waits for at least 200 ms before the first, and twice as long
/// before the second.
const TIMEOUTS: u8 = 2;

/// What the user or the connection has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WayNews {
    /// Nothing that is sent arrives; or it does again.
    Stalled(bool),
    /// New connections would take another way.
    Moved,
    /// The network that the connection was made in is gone.
    Gone,
}

/// What was seen of the way of one connection.
#[derive(Default)]
pub(super) struct WayWatch {
    looked: Option<Instant>,
    /// Segments sent and sent again, as the system counted them last for this connection.
    segments: [u32; 2],
    stalled: bool,
    /// Another way was seen at the last look, or told.
    moved: bool,
    told_moved: bool,
    /// While there is no connection: where the last one led, and the address that one would begin at now.
    waits: Option<(SocketAddr, Option<IpAddr>)>,
}

impl WayWatch {
    /// There is a connection.
    pub(super) fn opened(&mut self, way: &LinkCounters, open: &Open) {
        *self = Self {
            looked: Some(Instant::now()),
            ..Self::default()
        };
        way.round_trip.set(open.round_trip.unwrap_or_default());
        way.connect.set(open.took);
    }

    /// When to look without traffic: while the user speaks, while nothing arrives, and while a connection is waited for.
    pub(super) fn look_at(&self, speaking: bool) -> Option<Instant> {
        let needed = speaking || self.stalled || self.waits.is_some();
        Some(self.looked? + needed.then(|| self.every(speaking))?)
    }

    fn every(&self, speaking: bool) -> Duration {
        if speaking || self.stalled {
            WHILE_SPEAKING
        } else {
            EVERY
        }
    }

    /// Looks, if the last look is long enough ago.
    pub(super) fn look(
        &mut self,
        way: &LinkCounters,
        socket: &Socket,
        speaking: bool,
    ) -> Option<WayNews> {
        let every = self.every(speaking);
        if self.looked.is_some_and(|looked| looked.elapsed() < every) {
            return None;
        }
        self.looked = Some(Instant::now());
        let info = self.note(way, socket);
        let stalled = info.is_some_and(|info| info.timeouts >= TIMEOUTS);
        if std::mem::replace(&mut self.stalled, stalled) != stalled {
            return Some(WayNews::Stalled(stalled));
        }
        match socket.ends()?.route() {
            Route::Gone => return Some(WayNews::Gone),
            Route::Same => self.moved = false,
            // Seen twice: while a network comes up, both are there for a moment.
            Route::Another if std::mem::replace(&mut self.moved, true) => {
                let told = std::mem::replace(&mut self.told_moved, true);
                return (!told).then_some(WayNews::Moved);
            }
            Route::Another => {}
        }
        None
    }

    /// While a connection is waited for: whether there is a way again, or another one, so that it may be tried at once.
    pub(super) fn look_for_way(&mut self) -> bool {
        self.looked = Some(Instant::now());
        let Some((peer, before)) = &mut self.waits else {
            return false;
        };
        let source = source_towards(*peer);
        let is_new = source.is_some() && source != *before;
        *before = source;
        is_new
    }

    /// It is over: its last segments count, and nothing else is known any more.
    pub(super) fn closed(&mut self, way: &LinkCounters, socket: Option<&Socket>) {
        if let Some(socket) = socket {
            self.note(way, socket);
            let peer = socket.ends().map(|ends| ends.peer);
            self.waits = peer.map(|peer| (peer, source_towards(peer)));
        }
        (self.looked, self.stalled) = (Some(Instant::now()), false);
        way.round_trip.set(Duration::ZERO);
        way.variation.set(Duration::ZERO);
        way.unsent_bytes.store(0, Relaxed);
    }

    fn note(&mut self, way: &LinkCounters, socket: &Socket) -> Option<TcpInfo> {
        let info = socket.tcp_info()?;
        way.round_trip.set(info.round_trip);
        way.variation.set(info.variation);
        way.unsent_bytes.store(info.unsent_bytes, Relaxed);
        let counted = [info.segments_sent, info.segments_resent];
        // The system's counts are of 32 bits, and begin again.
        let [sent, resent] = std::array::from_fn(|i| counted[i].wrapping_sub(self.segments[i]));
        self.segments = counted;
        way.segments_sent.add(sent.into());
        way.segments_resent.add(resent.into());
        Some(info)
    }
}
