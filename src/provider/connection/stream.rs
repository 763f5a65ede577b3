//! A stream of bytes, whatever carries it.

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::tcp_info::{self, TcpInfo};

/// A stream of bytes, both ways.
pub type Stream = Box<dyn Io>;

/// What a stream can do.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {
    /// What the system knows of its TCP connection now, where it tells.
    fn tcp_info(&self) -> Option<TcpInfo>;
}

impl Io for TcpStream {
    fn tcp_info(&self) -> Option<TcpInfo> {
        tcp_info::of(self)
    }
}

impl Io for TlsStream<Stream> {
    fn tcp_info(&self) -> Option<TcpInfo> {
        self.get_ref().0.tcp_info()
    }
}

/// A stream within memory has no way to go.
impl Io for DuplexStream {
    fn tcp_info(&self) -> Option<TcpInfo> {
        None
    }
}
