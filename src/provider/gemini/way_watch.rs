//! Looks at the way to the service while there is a connection, and shows what it finds in the counters.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::Instant;

use super::open::Open;
use crate::base::counters::Way;
use crate::provider::connection::socket::Socket;

/// The system is asked so often at most: a system call.
const EVERY: Duration = Duration::from_secs(1);

/// What was seen of the way of one connection.
#[derive(Default)]
pub(super) struct WayWatch {
    looked: Option<Instant>,
    /// Segments sent and sent again, as the system counted them last for this connection.
    segments: [u32; 2],
}

impl WayWatch {
    /// There is a connection.
    pub(super) fn opened(&mut self, way: &Way, open: &Open) {
        *self = Self {
            looked: Some(Instant::now()),
            segments: [0; 2],
        };
        way.round_trip.set(open.round_trip.unwrap_or_default());
        way.connect.set(open.took);
    }

    /// There is traffic on it.
    pub(super) fn look(&mut self, way: &Way, socket: &Socket) {
        if self.looked.is_none_or(|looked| looked.elapsed() >= EVERY) {
            self.looked = Some(Instant::now());
            self.note(way, socket);
        }
    }

    /// It is over: its last segments count, and nothing else is known any more.
    pub(super) fn closed(&mut self, way: &Way, socket: Option<&Socket>) {
        if let Some(socket) = socket {
            self.note(way, socket);
        }
        way.round_trip.set(Duration::ZERO);
        way.variation.set(Duration::ZERO);
        way.unsent_bytes.store(0, Relaxed);
    }

    fn note(&mut self, way: &Way, socket: &Socket) {
        let Some(info) = socket.tcp_info() else {
            return;
        };
        way.round_trip.set(info.round_trip);
        way.variation.set(info.variation);
        way.unsent_bytes.store(info.unsent_bytes, Relaxed);
        let counted = [info.segments_sent, info.segments_resent];
        // The system's counts are of 32 bits, and begin again.
        let [sent, resent] = std::array::from_fn(|i| counted[i].wrapping_sub(self.segments[i]));
        self.segments = counted;
        way.segments_sent.add(sent.into());
        way.segments_resent.add(resent.into());
    }
}
