//! What a dialler needs of the system: the addresses of a name, and connections to an address. Tests bring a network of
//! their own.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use futures_util::future::BoxFuture;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tracing::{debug, warn};

use super::stream::Stream;
use crate::base::thread::aside;

/// Bytes that the system may hold before TCP can send them. More would make a slow link look fast: its speed is
/// judged by what the socket takes. It is enough for a quarter of a second at the 350 kbit/s that speech needs.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 16 << 10;
/// How long sent bytes may stay unacknowledged. Linux counts it from the first time that it sends them again, 0.2 s and a round
/// trip after the first: a dead link is noticed within 3 s of speech. Three retransmissions fit in.
pub const UNACKNOWLEDGED: Duration = Duration::from_millis(2_500);
/// Keepalive finds a peer that vanished while nothing is said: so long after it was last heard of it is asked, …
pub const KEEPALIVE_AFTER: Duration = Duration::from_secs(8);
/// … and again so often. On Linux the connection ends with the first question that is repeated, as [`UNACKNOWLEDGED`] is over.
pub const KEEPALIVE_EVERY: Duration = Duration::from_secs(2);

/// A way to other computers.
pub trait Network: Send + Sync + 'static {
    /// The addresses of a name, the preferred one first.
    fn look_up(&self, name: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

    /// A connection to an address, which ends by itself when the other end does not answer any more.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Stream>>;
}

/// The network of this computer.
pub(super) struct SystemNetwork;

impl Network for SystemNetwork {
    fn look_up(&self, name: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            let look_up = move || (name, port).to_socket_addrs().map(Iterator::collect);
            let found = aside("resolver", look_up).await;
            found.unwrap_or_else(|| Err(io::Error::other("the look-up broke off")))
        })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Stream>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            tune(&stream)?;
            Ok(Box::new(stream) as Stream)
        })
    }
}

/// No Nagle, which would hold the last audio of an utterance back for a round trip; a dead peer is found by TCP alone.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if !stream.nodelay()? {
        return Err(io::Error::other("TCP_NODELAY does not hold"));
    }
    #[cfg(target_os = "linux")]
    SockRef::from(stream)
        .set_tcp_notsent_lowat(UNSENT)
        .unwrap_or_else(|error| debug!(%error, "the system holds back what is to be sent"));
    let loopback = stream.peer_addr().is_ok_and(|peer| is_local(peer.ip()));
    if !loopback {
        let socket = SockRef::from(stream);
        let keepalive = TcpKeepalive::new()
            .with_time(KEEPALIVE_AFTER)
            .with_interval(KEEPALIVE_EVERY);
        let mut tuned = socket.set_tcp_keepalive(&keepalive);
        #[cfg(target_os = "linux")]
        {
            tuned = tuned.and(socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED)));
        }
        tuned.unwrap_or_else(|error| warn!(%error, "a dead connection will be noticed late"));
    }
    Ok(())
}

fn is_local(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_socket_does_not_wait_for_more_to_send() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback");
        let address = listener.local_addr().expect("bound");
        let stream = TcpStream::connect(address).await.expect("somebody listens");
        tune(&stream).expect("an open socket");
        assert!(stream.nodelay().expect("an open socket"));
    }
}
