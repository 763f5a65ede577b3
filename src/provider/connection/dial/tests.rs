use super::*;

use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::provider::connection::reconnect::End;

#[test]
fn only_this_computer_is_dialled_without_encryption() {
    let table = [
        ("wss://example.org/x", Ok(true)),
        ("ws://127.0.0.1:9/x", Ok(false)),
        ("ws://127.8.9.1:9/x", Ok(false)),
        ("ws://[::1]:9/x", Ok(false)),
        ("ws://localhost:9/x", Ok(false)),
        ("ws://localhost.example.org/x", Err("without encryption")),
        ("ws://192.168.0.1/x", Err("without encryption")),
        ("https://example.org/x", Err("neither with wss")),
        ("data:x", Err("names no host")),
    ];
    for (url, expected) in table {
        let got = address::check(&Url::parse(url).expect(url)).map(|(_, encrypted)| encrypted);
        match (got, expected) {
            (Ok(got), Ok(expected)) => assert_eq!(got, expected, "{url}"),
            (Err(fault), Err(part)) => {
                assert!(fault.to_string().contains(part), "{url}: {fault}")
            }
            (got, _) => panic!("{url}: {got:?}"),
        }
    }
}

#[test]
fn families_take_turns() {
    let parse =
        |all: &[&str]| -> Vec<SocketAddr> { all.iter().map(|a| a.parse().expect(a)).collect() };
    let mixed = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
    assert_eq!(
        alternate(mixed),
        parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"])
    );
}

#[tokio::test]
async fn a_closed_port_says_so_and_names_the_address() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback");
    let address = listener.local_addr().expect("bound").to_string();
    drop(listener);
    let url = Url::parse(&format!("ws://{address}/")).expect("an address");
    let fault = TcpDialer::default()
        .dial(url)
        .await
        .err()
        .expect("nobody listens");
    assert_eq!(fault, Fault::ConnectionRefused { address });
}

/// Names are looked up so, …
type Lookup =
    Arc<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;
/// … and connections come about so.
type Connect = Arc<dyn Fn(SocketAddr) -> BoxFuture<'static, io::Result<Stream>> + Send + Sync>;

struct Scripted(Lookup, Connect);

impl Network for Scripted {
    fn look_up(&self, name: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        (self.0)(name, port)
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Stream>> {
        (self.1)(address)
    }
}

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

fn found() -> Lookup {
    Arc::new(|_, _| Box::pin(async { Ok(vec![ANY]) }))
}

/// A connection that comes about 50 ms after its segment, where that is not lost before so many milliseconds; the system
/// sends it again after 1 and 3 s. Without a way it fails at once, in this way.
fn away_for(ms: u64, fails: Option<io::ErrorKind>) -> Connect {
    let back = Instant::now() + Duration::from_millis(ms);
    Arc::new(move |_| {
        Box::pin(async move {
            let begun = Instant::now();
            if let Some(kind) = fails.filter(|_| begun < back) {
                return Err(kind.into());
            }
            for seconds in [0, 1, 3, 7] {
                tokio::time::sleep_until(begun + Duration::from_secs(seconds)).await;
                if Instant::now() >= back {
                    break;
                }
            }
            sleep(Duration::from_millis(50)).await;
            Ok(Box::new(tokio::io::duplex(1).0) as Stream)
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_network_that_comes_back_is_found_at_once() {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    let table = [
        // Away so long, and what it says meanwhile; when it is connected, or why it is not.
        (0, None, Ok(50)),
        (900, None, Ok(1_000)),
        (2_480, None, Ok(2_600)),
        (2_480, Some(NetworkUnreachable), Ok(2_600)),
        (0, Some(HostUnreachable), Ok(50)),
        (
            9_000,
            Some(NetworkUnreachable),
            Err(("cannot be reached", 3_500)),
        ),
        (9_000, None, Err(("did not answer within 3.5 s", 3_500))),
        (
            9_000,
            Some(ConnectionRefused),
            Err(("refuses connections", 0)),
        ),
    ];
    for (ms, says, expected) in table {
        let network = Scripted(found(), away_for(ms, says));
        let begun = Instant::now();
        let opened = race(&network, "gate.example:443", vec![ANY]).await;
        let took = begun.elapsed().as_millis();
        match (opened, expected) {
            // Segments leave after 0, 250, 350, 450 … ms.
            (Ok(_), Ok(after)) => assert_eq!(took, after, "{ms} {says:?}"),
            (Err(fault), Err((words, after))) => {
                assert!(fault.to_string().contains(words), "{fault}");
                assert_eq!(took, after, "{fault}");
            }
            (opened, _) => panic!("{ms} {says:?}: {:?} after {took} ms", opened.err()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_was_good_is_dialled_while_the_name_server_is_away() {
    let away = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let state = away.clone();
    let lookup: Lookup = Arc::new(move |_, _| {
        let state = state.load(std::sync::atomic::Ordering::Relaxed);
        Box::pin(async move {
            match state {
                0 => Ok(vec![ANY]),
                1 => Err(io::Error::other("Temporary failure in name resolution")),
                _ => std::future::pending().await,
            }
        })
    });
    let connect: Connect = Arc::new(|address| {
        assert_eq!(address, ANY);
        Box::pin(async { Ok(Box::new(tokio::io::duplex(1).0) as Stream) })
    });
    let dialer = TcpDialer::on(Arc::new(Scripted(lookup, connect)), Vec::new());
    for (state, ms) in [(0, 0), (1, 0), (2, 250)] {
        away.store(state, std::sync::atomic::Ordering::Relaxed);
        let begun = Instant::now();
        let host = Host::Domain("gate.example".to_owned());
        dialer.inner.connect(&host, 443).await.expect("it was good");
        assert_eq!(begun.elapsed().as_millis(), ms, "{state}");
        let other = Host::Domain("other.example".to_owned());
        assert_eq!(dialer.inner.connect(&other, 443).await.is_ok(), state == 0);
        if state == 0 {
            dialer.inner.connect(&host, 443).await.expect("it is known");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_not_found_ends_in_time_and_says_how() {
    let failing = |words: &'static str| -> Lookup {
        Arc::new(move |_, _| Box::pin(async move { Err(io::Error::other(words)) }))
    };
    let prefix = "failed to lookup address information: ";
    let not_known = format!("{prefix}Name or service not known").leak();
    let no_answer = format!("{prefix}Temporary failure in name resolution").leak();
    let table: [(Lookup, &str, u64, End); 4] = [
        (
            failing(not_known),
            "the name gate.example was not found",
            0,
            End::Cut,
        ),
        (
            failing(no_answer),
            "no name server answers for gate.example",
            0,
            End::Unreached,
        ),
        (
            Arc::new(|_, _| Box::pin(async { Ok(Vec::new()) })),
            "the name gate.example was not found",
            0,
            End::Cut,
        ),
        (
            Arc::new(|_, _| Box::pin(std::future::pending())),
            "gate.example:443 did not become known by name within 2 s",
            2,
            End::Unreached,
        ),
    ];
    for (lookup, sentence, seconds, end) in table {
        let begun = Instant::now();
        let fault = dialer(&[], lookup)
            .dial(gate())
            .await
            .err()
            .expect("nobody knows it");
        assert_eq!(fault.to_string(), sentence);
        assert_eq!(fault.retry(), end, "it is tried again");
        assert_eq!(begun.elapsed().as_secs(), seconds, "{sentence}");
    }
}

#[tokio::test]
async fn an_address_that_refuses_does_not_keep_from_the_next() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback");
    let good = listener.local_addr().expect("bound");
    let closed: SocketAddr = format!("[::1]:{}", good.port())
        .parse()
        .expect("an address");
    let lookup: Lookup = Arc::new(move |_, _| Box::pin(async move { Ok(vec![closed, good]) }));
    let inner = dialer(&[], lookup).inner;
    let host = Host::Domain("gate.example".to_owned());
    inner
        .connect(&host, good.port())
        .await
        .expect("the second address listens");
}

/// A record of TLS that begins as it should, a byte a second.
#[tokio::test]
async fn a_handshake_of_a_byte_a_second_is_given_up() {
    use tokio::io::AsyncWriteExt as _;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback");
    let address = listener.local_addr().expect("bound");
    let drip = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        for byte in [0x16, 3, 3, 0, 90].into_iter().chain(std::iter::repeat(2)) {
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    });
    let url = Url::parse(&format!("wss://{address}/")).expect("an address");
    let fault = TcpDialer::default().dial(url).await.err();
    let fault = fault.expect("it never ends its handshake");
    let sentence = format!("{address} did not agree on encryption within 3.5 s");
    assert_eq!(fault.to_string(), sentence);
    drip.abort();
}

/// A server whose queue of connections is full lets the next one wait.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_nobody_takes_is_given_up() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("a port");
    socket.listen(0).expect("free");
    let address = socket
        .local_addr()
        .expect("bound")
        .as_socket()
        .expect("IPv4");
    let fill = || timeout(Duration::from_millis(200), TcpStream::connect(address));
    let mut kept = Vec::new();
    while let Ok(Ok(stream)) = fill().await {
        kept.push(stream);
    }
    let url = Url::parse(&format!("ws://{address}/")).expect("an address");
    let fault = TcpDialer::default().dial(url).await.err();
    let fault = fault.expect("nobody takes it").to_string();
    assert_eq!(fault, format!("{address} did not answer within 3.5 s"));
}

fn gate() -> Url {
    Url::parse("wss://gate.example/live").expect("an address")
}

/// A dialler with these variables and nothing else.
fn dialer(variables: &'static [(&str, &str)], lookup: Lookup) -> TcpDialer {
    let read = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.into())
    };
    TcpDialer::new(
        Tls::new(Vec::new()),
        ProxyRules::from_variables(read),
        Arc::new(Scripted(
            lookup,
            Arc::new(|address| SystemNetwork.connect(address)),
        )),
    )
}
