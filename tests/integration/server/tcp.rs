//! Over real loopback: who may come in, and how a server starts and ends.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sovereign::base::supervise::Failures;
use sovereign::server::{Access, Options, Server, ServerError};

const PATH: &str = "/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContent";

#[test]
fn only_loopback_is_served() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let error = Server::start(address.parse().unwrap(), Options::default()).unwrap_err();
        assert!(matches!(error, ServerError::NotLoopback(_)), "{address}");
        assert!(error.to_string().contains("127.0.0.1"), "{error}");
    }
}

#[test]
fn a_taken_port_is_told() {
    let server = start(Options::default());
    let error = Server::start(server.address(), Options::default()).unwrap_err();
    assert!(matches!(error, ServerError::Bind { .. }), "{error}");
    assert!(
        error.to_string().contains(&server.address().to_string()),
        "{error}"
    );
}

#[test]
fn hosts_origins_paths_and_methods_are_judged_before_anything_is_said() {
    let server = start(Options::default());
    let port = server.address().port();
    let good = format!("127.0.0.1:{port}");
    let table = [
        (PATH, good.as_str(), "", 101),
        (PATH, "localhost", "", 101),
        (
            PATH,
            good.as_str(),
            "Origin: http://localhost:5173\r\n",
            101,
        ),
        (PATH, "evil.example", "", 403),
        (PATH, good.as_str(), "Origin: https://evil.example\r\n", 403),
        (PATH, good.as_str(), "Origin: null\r\n", 403),
        (PATH, good.as_str(), "Host: evil.example\r\n", 400),
        ("/", good.as_str(), "", 404),
    ];
    for (path, host, extra, status) in table {
        assert_eq!(
            upgrade(server.address(), path, host, extra),
            Some(status),
            "{path} {host} {extra}"
        );
    }
    server.stop();
}

#[test]
fn the_demo_lets_only_its_own_process_in() {
    let (server, token) = Server::start_demo(true, Failures::default()).unwrap();
    let host = server.address().to_string();
    let key = format!("x-goog-api-key: {}\r\n", token.expose_secret());
    let query = format!("{PATH}?key={}", token.expose_secret());
    assert_eq!(token.expose_secret().len(), 32);
    assert_eq!(upgrade(server.address(), PATH, &host, &key), Some(101));
    assert_eq!(upgrade(server.address(), PATH, &host, ""), Some(401));
    assert_eq!(
        upgrade(server.address(), PATH, &host, "x-goog-api-key: guess\r\n"),
        Some(401)
    );
    assert_eq!(
        upgrade(server.address(), &query, &host, ""),
        Some(401),
        "never in the address"
    );
    let crossed = format!("{key}Origin: https://evil.example\r\n");
    assert_eq!(upgrade(server.address(), PATH, &host, &crossed), Some(403));
    assert!(server.url().path().ends_with("BidiGenerateContent"));
    assert_eq!(server.url().port(), Some(server.address().port()));
    server.stop();
}

#[test]
fn a_wrong_key_is_let_in_and_closed_as_the_service_does() {
    let server = start(Options {
        access: Access::Key(SecretString::from("right")),
        ..Options::default()
    });
    let host = server.address().to_string();
    let mut stream = handshake(server.address(), PATH, &host, "x-goog-api-key: wrong\r\n");
    let answer = read_until(&mut stream, b"valid API key.");
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    // A close frame (0x88) with 1007 ahead of its reason.
    let at = answer
        .windows(2)
        .position(|w| w == 1007_u16.to_be_bytes())
        .unwrap();
    assert_eq!(answer[at - 2], 0x88);
    drop(stream);
    server.stop();
}

#[test]
fn there_is_room_for_so_many_and_room_again_when_one_has_left() {
    let server = start(Options {
        most_connections: 1,
        ..Options::default()
    });
    let host = server.address().to_string();
    let mut first = handshake(server.address(), PATH, &host, "");
    assert!(read_until(&mut first, b"\r\n\r\n").starts_with(b"HTTP/1.1 101"));
    assert_eq!(upgrade(server.address(), PATH, &host, ""), Some(503));
    drop(first);
    let again = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        upgrade(server.address(), PATH, &host, "") == Some(101)
    });
    assert!(again);
    server.stop();
}

#[test]
fn small_messages_are_not_held_back_and_a_stop_is_heard() {
    let server = start(Options::default());
    let host = server.address().to_string();
    let mut stream = handshake(server.address(), PATH, &host, "");
    read_until(&mut stream, b"\r\n\r\n");
    let waiting = std::thread::Builder::new()
        .name("client".to_owned())
        .spawn(move || read_until(&mut stream, b"the server is ending"))
        .unwrap();
    server.stop();
    assert!(waiting.join().unwrap().ends_with(b"the server is ending"));
}

#[test]
fn models_are_listed_to_who_may_come_in() {
    let server = start(Options {
        access: Access::Key(SecretString::from("right")),
        ..Options::default()
    });
    let host = server.address().to_string();
    let list = |path: &str, host: &str, key: &str| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{key}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let key = "x-goog-api-key: right\r\n";
    for path in [
        "/v1beta/models?pageSize=1000",
        "/v1/models",
        "//v1beta/models",
    ] {
        let answer = list(path, &host, key);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        let list: serde_json::Value = serde_json::from_str(body).unwrap();
        let first = serde_json::json!({
            "name": "models/gemini-3.8-live",
            "supportedGenerationMethods": ["bidiGenerateContent"],
        });
        assert_eq!(list["models"][0], first);
        assert!(!body.contains("gemini-3.1"), "it has ended: {body}");
    }
    let wrong = list("/v1beta/models", &host, "x-goog-api-key: wrong\r\n");
    assert!(
        wrong.starts_with("HTTP/1.1 400 ") && wrong.contains("API key not valid"),
        "{wrong}"
    );
    let stranger = list("/v1beta/models", "evil.example", key);
    assert!(stranger.starts_with("HTTP/1.1 403 "), "{stranger}");
    let unknown = list("/v1beta/model", &host, key);
    assert!(
        unknown.is_empty(),
        "neither a list nor a WebSocket: {unknown}"
    );
    server.stop();
}

fn start(options: Options) -> Server {
    Server::start(SocketAddr::from(([127, 0, 0, 1], 0)), options).unwrap()
}

/// The status of an upgrade request.
fn upgrade(address: SocketAddr, path: &str, host: &str, extra: &str) -> Option<u16> {
    let mut stream = handshake(address, path, host, extra);
    let answer = read_until(&mut stream, b"\r\n");
    let line = String::from_utf8(answer).ok()?;
    line.split(' ').nth(1)?.parse().ok()
}

fn handshake(address: SocketAddr, path: &str, host: &str, extra: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extra}\r\n"
    );
    // A server without room may answer and close before it has read this.
    stream.write_all(request.as_bytes()).ok();
    stream
}

/// What came, up to and with `end`, or to the end of the stream.
fn read_until(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(end) && matches!(stream.read(&mut byte), Ok(1)) {
        read.extend(byte);
    }
    read
}
