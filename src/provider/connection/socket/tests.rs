use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpSocket};

use super::*;

/// A window of a few kilobytes, and nobody who reads: what is written waits in this computer.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_message_is_reported_when_it_has_left_this_computer() {
    let listener = TcpSocket::new_v4().expect("a socket");
    listener.set_recv_buffer_size(4 << 10).expect("set");
    listener
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("bound");
    let listener: TcpListener = listener.listen(1).expect("listens");
    let address = listener.local_addr().expect("bound");
    let (near, far) = tokio::join!(tokio::net::TcpStream::connect(address), listener.accept());
    let (near, (mut far, _)) = (near.expect("connected"), far.expect("accepted"));
    let counters = Arc::new(Counters::default());
    let mut socket = Socket::new(Box::new(near), Vec::new(), counters, false).await;
    socket.write(OutgoingMessage {
        text: "x".repeat(48 << 10),
        report: true,
    });
    let early = timeout(Duration::from_millis(200), socket.turn(true)).await;
    assert!(early.is_err(), "nobody has read it");
    assert_eq!(socket.flushed, 1, "the system has taken it");
    let reads = async {
        let mut all = vec![0; 48 << 10];
        far.read_exact(&mut all).await.expect("it comes");
    };
    let (turn, ()) = tokio::join!(socket.turn(true), reads);
    assert!(matches!(turn, Turn::Flushed));
}
