//! How far the connection has come.

use std::future::pending;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::happening::LinkHappening;
use crate::provider::connection::fault::Fault;
use crate::provider::connection::socket::Socket;
use crate::provider::gemini::open::Open;

/// The connection, as far as it has come.
pub(super) enum ConnectionState {
    Closed,
    /// The last socket is being closed.
    Closing(BoxFuture<'static, ()>),
    Opening(BoxFuture<'static, Result<Open, Fault>>),
    Open(Box<Socket>),
}

impl ConnectionState {
    /// Ends the connection as the service expects it.
    pub(super) async fn close(self) {
        match self {
            Self::Open(socket) => socket.close().await,
            Self::Closing(closing) => closing.await,
            Self::Closed | Self::Opening(_) => {}
        }
    }

    /// Whether commands are to be taken, and when the connection counts as stuck. Without one they are taken and dropped.
    pub(super) fn uplink(&self) -> (bool, Option<Instant>) {
        match self {
            Self::Open(socket) => (socket.has_room(), socket.stuck_at()),
            Self::Closed | Self::Closing(_) | Self::Opening(_) => (true, None),
        }
    }

    pub(super) async fn next(&mut self, read: bool) -> LinkHappening {
        match self {
            Self::Closed => pending().await,
            Self::Closing(closing) => {
                closing.await;
                LinkHappening::Closed
            }
            Self::Opening(opening) => LinkHappening::Opened(opening.await),
            Self::Open(socket) => LinkHappening::Turn(socket.turn(read).await),
        }
    }
}
