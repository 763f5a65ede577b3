//! What the kernel knows of a TCP connection. The one place that asks for it.
//!
//! The kernel times its own segments. The other end may wait with an acknowledgment for something that it could carry: so
//! the smoothed round trip is too long by as much, and is believed only where that cannot explain it. The shortest one of
//! the last minutes is free of it.

use std::time::Duration;

use tokio::net::TcpStream;

/// How long an acknowledgment waits at most where the way is shorter than this, else as long as the way (Linux:
/// `TCP_DELACK_MIN`, `tcp_send_delayed_ack`).
pub(super) const DELAYED_ACK: Duration = Duration::from_millis(40);

/// What the kernel knows of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpInfo {
    pub round_trip: Duration,
    /// The shortest round trip of the last minutes.
    pub shortest_trip: Duration,
    /// Mean deviation of the round trips from the smoothed one.
    pub variation: Duration,
    /// Segments with data that were sent since the connection was opened, those sent again included.
    pub segments_sent: u32,
    /// Segments of them that were sent again, because they or their acknowledgments were lost.
    pub segments_resent: u32,
    /// Timeouts in a row after which something was sent again, without an acknowledgment since.
    pub timeouts: u8,
    /// Bytes that were handed to the kernel and have not been sent once.
    pub unsent_bytes: u32,
    /// Segments on their way.
    pub unacknowledged: u32,
}

/// As of now; `None` where the system does not tell, or has measured no round trip yet.
pub(super) fn of(stream: &TcpStream) -> Option<TcpInfo> {
    kernel::info(stream)
}

/// What the way surely takes: the shortest trip, and of a longer one what no waiting acknowledgment explains.
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "the kernel is not asked there")
)]
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

    use super::{TcpInfo, judge};

    /// `struct tcp_info` of `linux/tcp.h` up to `tcpi_data_segs_out`, in words. Kernels give as much since 4.6; an older one
    /// gives less, which the library takes for a fault of the program.
    type Words = [u32; DATA_SEGMENTS_OUT + 1];
    /// Four bytes: state, congestion state, `tcpi_retransmits`, probes.
    const FLAGS: usize = 0;
    const RETRANSMITS: usize = 2;
    /// Eight bytes of flags and four words are before `tcpi_unacked`.
    const UNACKNOWLEDGED: usize = 2 + 4;
    /// Eight bytes of flags and 15 words are before `tcpi_rtt`, in microseconds.
    const RTT: usize = 2 + 15;
    /// In microseconds.
    const RTT_VARIATION: usize = 2 + 16;
    const TOTAL_RETRANSMITTED: usize = 2 + 23;
    const NOT_SENT_BYTES: usize = 2 + 34;
    /// The shortest one of `net.ipv4.tcp_min_rtt_wlen` seconds (300), in microseconds.
    const MIN_RTT: usize = 2 + 35;
    /// Unlike `tcpi_segs_out` without bare acknowledgments, of which none is ever sent again.
    const DATA_SEGMENTS_OUT: usize = 2 + 37;

    sockopt_impl!(
        TcpInfoWords,
        GetOnly,
        libc::IPPROTO_TCP,
        libc::TCP_INFO,
        Words
    );

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

    pub(super) fn info(stream: &TcpStream) -> Option<TcpInfo> {
        if !*GIVES_ENOUGH {
            return None;
        }
        read(&getsockopt(stream, TcpInfoWords).ok()?)
    }

    /// `None` before a round trip was measured.
    pub(super) fn read(words: &Words) -> Option<TcpInfo> {
        let micros = |at: usize| Duration::from_micros(u64::from(words[at]));
        let measured = |at: usize| (1..u32::MAX).contains(&words[at]).then(|| micros(at));
        let smoothed = measured(RTT)?;
        let shortest = measured(MIN_RTT);
        Some(TcpInfo {
            round_trip: judge(smoothed, shortest),
            shortest_trip: shortest.map_or(smoothed, |shortest| shortest.min(smoothed)),
            variation: micros(RTT_VARIATION),
            segments_sent: words[DATA_SEGMENTS_OUT],
            segments_resent: words[TOTAL_RETRANSMITTED],
            timeouts: words[FLAGS].to_ne_bytes()[RETRANSMITS],
            unsent_bytes: words[NOT_SENT_BYTES],
            unacknowledged: words[UNACKNOWLEDGED],
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    /// Not asked for on this system: what the connect took stands.
    pub(super) fn info(_: &tokio::net::TcpStream) -> Option<super::TcpInfo> {
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
    #[test]
    fn each_figure_is_read_from_its_word() {
        let mut words = [0; 40];
        assert_eq!(kernel::read(&words), None, "nothing was measured yet");
        for (at, value) in [
            (6, 5),
            (17, 30_000),
            (18, 4_000),
            (25, 3),
            (36, 700),
            (37, 20_000),
            (39, 90),
        ] {
            words[at] = value;
        }
        words[0] = u32::from_ne_bytes([1, 0, 2, 0]);
        let expected = TcpInfo {
            round_trip: ms(20),
            shortest_trip: ms(20),
            variation: ms(4),
            segments_sent: 90,
            segments_resent: 3,
            timeouts: 2,
            unsent_bytes: 700,
            unacknowledged: 5,
        };
        assert_eq!(kernel::read(&words), Some(expected));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_tells_it_of_an_open_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (mut near, (mut far, _)) = (near.expect("connected"), far.expect("accepted"));
        for _ in 0..3 {
            near.write_all(b"question").await.expect("open");
            let mut read = [0; 8];
            far.read_exact(&mut read).await.expect("open");
        }
        let info = of(&near).expect("measured");
        // Nothing but the right words of the structure is that small: a handshake and three segments within this machine.
        assert!(
            info.round_trip < ms(1_000) && info.variation < ms(1_000),
            "{info:?}"
        );
        assert!((3..20).contains(&info.segments_sent), "{info:?}");
        assert!(
            info.segments_resent < 10 && info.unsent_bytes == 0,
            "{info:?}"
        );
    }
}
