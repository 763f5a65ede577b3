//! Which of this computer's addresses leads to the service: another one means that the network has changed.
//!
//! The system is asked by connecting a datagram socket, which sends nothing.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    pub local: IpAddr,
    pub peer: SocketAddr,
}

/// What has become of the way that a connection took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Same,
    /// New connections would begin at another address of this computer; this one may still work.
    Another,
    /// The connection's own address is gone, and with it the connection.
    Gone,
}

impl Ends {
    pub fn route(self) -> Route {
        if is_gone(self.local) {
            return Route::Gone;
        }
        match source_towards(self.peer) {
            Some(source) if source != self.local => Route::Another,
            // Without any way at all a new connection would fail: the one that stands is kept.
            _ => Route::Same,
        }
    }
}

/// The address that a new connection to `peer` would begin at; `None` where there is no way to it.
pub fn source_towards(peer: SocketAddr) -> Option<IpAddr> {
    let any = match peer {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(peer).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn is_gone(local: IpAddr) -> bool {
    // A link-local address needs the number of its link, which is not known here.
    let is_bound_to_link = matches!(local, IpAddr::V6(ip) if ip.is_unicast_link_local());
    !is_bound_to_link
        && UdpSocket::bind((local, 0))
            .is_err_and(|error| error.kind() == ErrorKind::AddrNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_way_within_this_computer_stays_and_an_address_that_is_not_its_own_is_gone() {
        let peer = SocketAddr::from((HERE, 9));
        assert_eq!(source_towards(peer), Some(HERE));
        let route = |local| Ends { local, peer }.route();
        assert_eq!(route(HERE), Route::Same);
        // Another address of the loopback: it exists, and a new connection would not begin there.
        #[cfg(target_os = "linux")]
        assert_eq!(
            route(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))),
            Route::Another
        );
        // For documentation only (RFC 5737): no computer has it.
        assert_eq!(route(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))), Route::Gone);
    }
}
