//! The round trip of a TCP connection, as the kernel measures it. The one place that asks for it.
//!
//! The kernel times its own segments. The other end may wait with an acknowledgment for something that it could carry: so
//! the smoothed value is too long by as much, and is believed only where that cannot explain it. The shortest one of the
//! last minutes is free of it.

use std::time::Duration;

use tokio::net::TcpStream;

/// How long an acknowledgment waits at most where the way is shorter than this, else as long as the way (Linux:
/// `TCP_DELACK_MIN`, `tcp_send_delayed_ack`).
const DELAYED_ACK: Duration = Duration::from_millis(40);

/// The round trip now; `None` where the system does not tell.
pub(super) fn of(stream: &TcpStream) -> Option<Duration> {
    let (smoothed, shortest) = kernel::trips(stream)?;
    Some(judge(smoothed, shortest))
}

/// What the way surely takes: the shortest trip, and of a longer one what no waiting acknowledgment explains.
fn judge(smoothed: Duration, shortest: Option<Duration>) -> Duration {
    let shortest = shortest.map_or(smoothed, |shortest| shortest.min(smoothed));
    shortest.max(smoothed.saturating_sub(DELAYED_ACK.max(shortest)))
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::sync::LazyLock;
    use std::time::Duration;

    use nix::sys::socket::getsockopt;
    use nix::{getsockopt_impl, libc, sockopt_impl};
    use tokio::net::TcpStream;

    /// `struct tcp_info` of `linux/tcp.h` up to `tcpi_min_rtt`, in words. Kernels give as much since 4.6; an older one gives
    /// less, which the library takes for a fault of the program.
    type Words = [u32; MIN_RTT + 1];
    /// Eight bytes of flags and 15 words are before `tcpi_rtt`, in microseconds.
    const RTT: usize = 2 + 15;
    /// The shortest one of `net.ipv4.tcp_min_rtt_wlen` seconds (300), in microseconds.
    const MIN_RTT: usize = 37;

    sockopt_impl!(TcpInfo, GetOnly, libc::IPPROTO_TCP, libc::TCP_INFO, Words);

    static GIVES_ENOUGH: LazyLock<bool> = LazyLock::new(|| {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        gives_enough(&release)
    });

    /// Whether a kernel of this release, as `6.1.0-13-amd64`, is 4.6 or newer.
    pub(super) fn gives_enough(release: &str) -> bool {
        let mut numbers = release
            .split(|letter: char| !letter.is_ascii_digit())
            .map(|number| number.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        version >= (4, 6)
    }

    /// The smoothed round trip and the shortest of the last minutes; each is absent before it was measured.
    pub(super) fn trips(stream: &TcpStream) -> Option<(Duration, Option<Duration>)> {
        if !*GIVES_ENOUGH {
            return None;
        }
        let words = getsockopt(stream, TcpInfo).ok()?;
        let micros = |at: usize| {
            let value = words.get(at).copied();
            value
                .filter(|micros| (1..u32::MAX).contains(micros))
                .map(|micros| Duration::from_micros(u64::from(micros)))
        };
        Some((micros(RTT)?, micros(MIN_RTT)))
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    /// Not asked for on this system: what the connect took stands.
    pub(super) fn trips(
        _: &tokio::net::TcpStream,
    ) -> Option<(std::time::Duration, Option<std::time::Duration>)> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_acknowledgments_that_wait_explain_is_not_the_way() {
        let table = [
            (ms(20), Some(ms(20)), ms(20)),
            (ms(55), Some(ms(20)), ms(20)),
            (ms(60), Some(ms(20)), ms(20)),
            (ms(260), Some(ms(20)), ms(220)),
            // A long way: its acknowledgments wait as long as it is.
            (ms(200), Some(ms(100)), ms(100)),
            (ms(450), Some(ms(100)), ms(350)),
            (ms(30), None, ms(30)),
            // The kernel measured another connection's way long ago: never longer than now.
            (ms(20), Some(ms(25)), ms(20)),
        ];
        for (smoothed, shortest, expected) in table {
            assert_eq!(
                judge(smoothed, shortest),
                expected,
                "{smoothed:?} {shortest:?}"
            );
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn old_kernels_are_not_asked() {
        for (release, enough) in [
            ("6.1.0-13-amd64", true),
            ("4.6.7", true),
            ("4.4.0-210-generic", false),
            ("3.10.0-1160.el7", false),
            ("10.0", true),
            ("", false),
        ] {
            assert_eq!(kernel::gives_enough(release), enough, "{release}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_tells_it_of_an_open_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (mut near, (mut far, _)) = (near.expect("connected"), far.expect("accepted"));
        near.write_all(b"question").await.expect("open");
        let mut read = [0; 8];
        far.read_exact(&mut read).await.expect("open");
        let (smoothed, shortest) = kernel::trips(&near).expect("measured");
        let shortest = shortest.expect("measured");
        assert!(shortest <= smoothed, "{shortest:?} {smoothed:?}");
        // Nothing but the right words of the structure is that small: a handshake within this machine.
        assert!(shortest < ms(1_000), "{shortest:?}");
        assert!(judge(smoothed, Some(shortest)) >= shortest);
        assert!(of(&near).is_some());
    }
}
