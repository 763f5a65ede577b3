//! A stream of bytes, whatever carries it.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::round_trip;

/// A stream of bytes, both ways.
pub type Stream = Box<dyn Io>;

/// What a stream can do.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {
    /// The round trip to the other end of its TCP connection now, where the system tells.
    fn round_trip(&self) -> Option<Duration>;
}

impl Io for TcpStream {
    fn round_trip(&self) -> Option<Duration> {
        round_trip::of(self)
    }
}

impl Io for TlsStream<Stream> {
    fn round_trip(&self) -> Option<Duration> {
        self.get_ref().0.round_trip()
    }
}

/// A stream within memory has no way to go.
impl Io for DuplexStream {
    fn round_trip(&self) -> Option<Duration> {
        None
    }
}
