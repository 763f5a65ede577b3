//! A stream of bytes, whatever carries it.

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::route::Ends;
use super::tcp_info::{self, TcpInfo};

/// A stream of bytes, both ways.
pub type Stream = Box<dyn Io>;

/// What a stream can do.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {
    /// What the system knows of its TCP connection now, where it tells.
    fn tcp_info(&self) -> Option<TcpInfo>;

    /// The ends of its TCP connection, if it is one.
    fn ends(&self) -> Option<Ends>;
}

impl Io for TcpStream {
    fn tcp_info(&self) -> Option<TcpInfo> {
        tcp_info::of(self)
    }

    fn ends(&self) -> Option<Ends> {
        let local = self.local_addr().ok()?.ip();
        let peer = self.peer_addr().ok()?;
        Some(Ends { local, peer })
    }
}

impl Io for TlsStream<Stream> {
    fn tcp_info(&self) -> Option<TcpInfo> {
        self.get_ref().0.tcp_info()
    }

    fn ends(&self) -> Option<Ends> {
        self.get_ref().0.ends()
    }
}

/// A stream within memory has no way to go.
impl Io for DuplexStream {
    fn tcp_info(&self) -> Option<TcpInfo> {
        None
    }

    fn ends(&self) -> Option<Ends> {
        None
    }
}
