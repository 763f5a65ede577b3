use std::ffi::OsString;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::super::dial::limited;
use super::super::fault::Stage;
use super::rules::{ProxyRules, Way};
use super::*;
use crate::provider::connection::reconnect::End;

type Variables = &'static [(&'static str, &'static str)];

fn rules(variables: Variables) -> ProxyRules {
    ProxyRules::from_variables(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(value))
    })
}

fn google() -> Url {
    Url::parse("wss://generativelanguage.googleapis.com/ws/x").expect("an address")
}

/// The proxy that these variables name for Gemini, in words.
fn way(variables: Variables) -> String {
    match rules(variables).way(&google()) {
        Way::Direct => "direct".to_owned(),
        Way::Here => "here".to_owned(),
        Way::Exempt(variable) => format!("exempt by {variable}"),
        Way::Through(proxy) => proxy.describe(),
        Way::Broken(fault) => fault.to_string(),
    }
}

#[test]
fn the_first_variable_that_is_not_empty_names_the_proxy() {
    let table: [(Variables, &str); 20] = [
        (&[], "direct"),
        (
            &[
                ("HTTPS_PROXY", ""),
                ("https_proxy", " "),
                ("ALL_PROXY", "\"\""),
            ],
            "direct",
        ),
        (&[("HTTP_PROXY", "p:1"), ("http_proxy", "p:2")], "direct"),
        (
            &[("https_proxy", "p:3128")],
            "http://p:3128 from https_proxy, without a login",
        ),
        (
            &[("HTTPS_PROXY", ""), ("https_proxy", "p:1")],
            "http://p:1 from https_proxy, without a login",
        ),
        (
            &[("HTTPS_PROXY", "''"), ("ALL_PROXY", "p:1")],
            "http://p:1 from ALL_PROXY, without a login",
        ),
        (
            &[("all_proxy", "p:1")],
            "http://p:1 from all_proxy, without a login",
        ),
        (
            &[("HTTPS_PROXY", "p:1"), ("ALL_PROXY", "q:1")],
            "http://p:1 from HTTPS_PROXY, without a login",
        ),
        (
            &[("HTTPS_PROXY", "\"http://p:1\"")],
            "http://p:1 from HTTPS_PROXY, without a login",
        ),
        (
            &[("HTTPS_PROXY", " 'http://p:1/' \n")],
            "http://p:1 from HTTPS_PROXY, without a login",
        ),
        (
            &[("HTTPS_PROXY", "HTTP://P:80")],
            "http://p:80 from HTTPS_PROXY, without a login",
        ),
        (
            &[("HTTPS_PROXY", "http://p")],
            "http://p:80 from HTTPS_PROXY, without a login",
        ),
        (
            &[("HTTPS_PROXY", "https://p")],
            "https://p:443 from HTTPS_PROXY, without a login",
        ),
        (
            &[("HTTPS_PROXY", "https://p:80")],
            "https://p:80 from HTTPS_PROXY, without a login",
        ),
        (
            &[("ALL_PROXY", "socks5://127.0.0.1")],
            "socks5://127.0.0.1:1080 from ALL_PROXY, without a login",
        ),
        (
            &[("ALL_PROXY", "socks5h://u:p@[::1]:80")],
            "socks5h://[::1]:80 from ALL_PROXY, with a login",
        ),
        (
            &[("ALL_PROXY", "socks://p:9050/")],
            "socks5h://p:9050 from ALL_PROXY, without a login",
        ),
        (
            &[("HTTPS_PROXY", "http://u:p@ss@p:1")],
            "http://p:1 from HTTPS_PROXY, with a login",
        ),
        (
            &[("HTTPS_PROXY", "u@p:1")],
            "http://p:1 from HTTPS_PROXY, with a login",
        ),
        (
            &[("HTTPS_PROXY", "p:1"), ("NO_PROXY", "*")],
            "exempt by NO_PROXY",
        ),
    ];
    for (variables, found) in table {
        assert_eq!(way(variables), found, "{variables:?}");
    }
    let here = Url::parse("ws://localhost:9/").expect("an address");
    assert!(matches!(
        rules(&[("ALL_PROXY", "gopher://p")]).way(&here),
        Way::Here
    ));
}

#[test]
fn what_cannot_be_understood_stops_the_dial_and_says_what_to_write() {
    let table = [
        (
            "socks4://p:1",
            "`socks4://p:1`",
            "SOCKS version 4 is not supported",
        ),
        ("socks4a://me:canary@p:1", "`socks4a://…@p:1`", "version 4"),
        ("gopher://me:canary@p:1", "`gopher://…@p:1`", "its scheme"),
        ("http://me:canary", "`http://me:…`", "invalid port number"),
        (
            "http://me:can/ary@p:1",
            "`http://…@p:1`",
            "invalid port number",
        ),
        (
            "http://me:12/canary@p:1",
            "`http://…@p:1`",
            "something follows",
        ),
        (
            "http://me:canary@p:99999",
            "`http://…@p:99999`",
            "invalid port number",
        ),
        ("http://p:0", "`http://p:0`", "port 0"),
        (
            "http://me:canary%40p:1",
            "`http://…@p:1`",
            "invalid port number",
        ),
        ("me:can://ary:canary@p:1", "`…@p:1`", "its scheme"),
        (
            "http://DOMAIN\\me:canary@p:1",
            "`http://…@p:1`",
            "something follows",
        ),
        ("http://p:1/proxy.pac", "`http://p:…`", "something follows"),
        ("http://", "`http://`", "empty host"),
        ("://p:1", "`://p:1`", "its scheme"),
        ("http:/p", "", "something follows"),
        ("http://p p:1", "", "invalid"),
        (
            "socks5://canary@p:1",
            "`socks5://…@p:1`",
            "a user and a password",
        ),
        ("socks5://u:%e4canary@p:1", "`socks5://…@p:1`", "UTF-8"),
    ];
    for (value, shown, why) in table {
        for variable in ["HTTPS_PROXY", "all_proxy"] {
            let found = ProxyRules::from_variables(|name| (name == variable).then(|| value.into()));
            let Way::Broken(fault) = found.way(&google()) else {
                panic!("{value} was taken")
            };
            let said = format!("{fault}. {}", fault.hint());
            for part in [variable, shown, why, "Write http://HOST:PORT"] {
                assert!(said.contains(part), "no `{part}`: {said}");
            }
            assert!(!said.contains("canary"), "{said}");
            assert_eq!(fault.retry(), End::NeedsUser);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_text_stops_the_dial() {
    use std::os::unix::ffi::OsStringExt as _;
    let value = OsString::from_vec(b"http://p\xff:1".to_vec());
    let found = ProxyRules::from_variables(|name| (name == "HTTPS_PROXY").then(|| value.clone()));
    assert!(
        matches!(found.way(&google()), Way::Broken(fault) if fault.to_string().contains("UTF-8"))
    );
}

#[test]
fn exceptions_are_hosts_domains_addresses_networks_and_ports() {
    let table = [
        ("example.org", "live.example.org", true),
        ("example.org", "example.org", true),
        ("EXAMPLE.org", "example.ORG", true),
        ("example.org", "badexample.org", false),
        (".example.org", "live.example.org", true),
        (".example.org", "example.org", true),
        ("*.example.org", "live.example.org", true),
        ("*.example.org", "badexample.org", false),
        ("example.org.", "example.org", true),
        ("example.org", "example.org.", true),
        ("https://example.org/", "example.org", true),
        ("example.org:443", "example.org", true),
        ("example.org:8443", "example.org", false),
        ("example.org:8443", "example.org:8443", true),
        ("\"example.org\"", "example.org", true),
        ("a.example, example.org", "example.org", true),
        ("a.example example.org", "example.org", true),
        ("a.example;example.org", "example.org", true),
        ("a.example,,example.org,", "example.org", true),
        ("m\u{fc}nchen.example", "xn--mnchen-3ya.example", true),
        ("*", "example.org", true),
        ("*", "192.0.2.7", true),
        ("*", "[2001:db8::1]", true),
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.70", false),
        ("192.0.2.7:443", "192.0.2.7", true),
        ("192.0.2.7:1", "192.0.2.7", false),
        ("192.0.2.0/24", "192.0.2.7", true),
        ("192.0.2.0/24", "192.0.3.7", false),
        ("192.0.2.9/24", "192.0.2.7", true),
        ("2001:db8::1", "[2001:db8::1]", true),
        ("[2001:db8::1]", "[2001:db8::1]", true),
        ("[2001:db8::1]:443", "[2001:db8::1]", true),
        ("[2001:db8::1]:8443", "[2001:db8::1]", false),
        ("2001:db8::/32", "[2001:db8:9::1]", true),
        ("2001:db8::/32", "[2001:db9::1]", false),
        ("", "example.org", false),
    ];
    for (except, host, exempt) in table {
        let read = |name: &str| match name {
            "HTTPS_PROXY" => Some("p:1".into()),
            "no_proxy" => Some(OsString::from(except)),
            _ => None,
        };
        let rules = ProxyRules::from_variables(read);
        let url = Url::parse(&format!("wss://{host}/")).expect(host);
        let found = matches!(rules.way(&url), Way::Exempt("no_proxy"));
        assert_eq!(found, exempt, "`{except}` and {host}");
        assert_eq!(rules.ignored(), Vec::<String>::new(), "`{except}`");
    }
    let both: Variables = &[
        ("https_proxy", "p:1"),
        ("NO_PROXY", ""),
        ("no_proxy", ".googleapis.com"),
    ];
    assert_eq!(way(both), "exempt by no_proxy");
}

#[test]
fn exceptions_that_mean_nothing_are_named() {
    for except in [
        "10.*",
        "192.168.*.*",
        "10.0.0.0/33",
        "host:port",
        "10.",
        "a*b",
        "300.1.1.1",
    ] {
        let read = |name: &str| (name == "NO_PROXY").then(|| OsString::from(except));
        let ignored = ProxyRules::from_variables(read).ignored();
        assert_eq!(ignored.len(), 1, "{except}");
        assert!(
            ignored[0].contains(&format!("`{except}` in NO_PROXY")),
            "{ignored:?}"
        );
    }
}

#[tokio::test]
async fn a_tunnel_is_asked_for_with_the_login_as_it_was_meant() {
    for (value, login) in [
        ("http://p:1", None),
        ("http://user:p%40ss@p:1", Some(&b"user:p@ss"[..])),
        ("http://user:p@ss@p:1", Some(b"user:p@ss")),
        ("http://us%3aer:%25%2f%3f%23@p:1", Some(b"us:er:%/?#")),
        ("http://user@p:1", Some(b"user:")),
        ("http://user:p%e4ss+%2b@p:1", Some(b"user:p\xe4ss++")),
        ("http://us\u{e9}r:p@p:1", Some("us\u{e9}r:p".as_bytes())),
    ] {
        let (near, mut far) = tokio::io::duplex(4096);
        let serve = async {
            let request = head(&mut far).await;
            far.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await
                .expect("read");
            (request, far)
        };
        let proxy = proxy(value);
        let (opened, (request, mut far)) = tokio::join!(tunnel(&proxy, near), serve);
        let mut stream = opened.expect(value);
        let host = "generativelanguage.googleapis.com:443";
        assert!(
            request.starts_with(&format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n")),
            "{request}"
        );
        let sent = request.split("Proxy-Authorization: Basic ").nth(1);
        let sent = sent.map(|rest| {
            STANDARD
                .decode(rest.split("\r\n").next().expect("a value"))
                .expect("base64")
        });
        assert_eq!(sent.as_deref(), login, "{value}");
        stream.write_all(b"hello").await.expect("open");
        let mut hello = [0; 5];
        far.read_exact(&mut hello).await.expect("open");
        assert_eq!(&hello, b"hello");
    }
}

#[tokio::test]
async fn each_answer_of_an_http_proxy_has_its_sentence() {
    let bare = "http://p:1";
    let with_login = "http://me:canary@p:1";
    let refuses =
        "the proxy p:1 of HTTPS_PROXY does not connect to generativelanguage.googleapis.com:443: ";
    let elsewhere = "p:1 of HTTPS_PROXY sends us elsewhere ";
    let table = [
        (bare, "407 Who", "the proxy p:1 of HTTPS_PROXY wants a login, and none was sent (HTTP 407)".to_owned(), End::NeedsUser),
        (with_login, "407 Who\r\nProxy-Authenticate: Basic realm=\"x\"", "the proxy p:1 of HTTPS_PROXY refuses the login that was sent (HTTP 407)".to_owned(), End::NeedsUser),
        (with_login, "407 Who\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM", "the proxy p:1 of HTTPS_PROXY refuses the login that was sent (HTTP 407; it takes Negotiate and NTLM only, which is not supported)".to_owned(), End::NeedsUser),
        (bare, "403 No", format!("{refuses}HTTP 403"), End::Cut),
        (bare, "502 Bad Gateway", format!("{refuses}HTTP 502"), End::Cut),
        (bare, "302 Found\r\nLocation: https://login.example/x", format!("{elsewhere}(login.example); a login page of the network may be in between"), End::Cut),
        (bare, "511 Network Authentication Required", format!("{elsewhere}(HTTP 511); a login page of the network may be in between"), End::Cut),
        (bare, "200 OK\r\nContent-Type: text/html\r\n\r\n<html>", format!("{elsewhere}(a web page); a login page of the network may be in between"), End::Cut),
    ];
    for (value, answer, sentence, end) in table {
        let fault = refused(value, format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).await;
        assert_eq!(fault.to_string(), sentence);
        assert_eq!(fault.retry(), end, "{sentence}");
        assert!(!format!("{fault:?}").contains("canary"));
    }
    for (answer, part) in [
        (&b"SSH-2.0-x\r\n"[..], "not HTTP"),
        (b"\x05\x00", "broke off"),
        (b"", "broke off"),
    ] {
        let fault = refused(bare, answer).await;
        assert!(fault.to_string().contains(part), "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_answers_too_slowly_is_given_up() {
    for value in ["http://p:1", "socks5h://p:1"] {
        let (near, mut far) = tokio::io::duplex(4096);
        let drip = tokio::spawn(async move {
            while far
                .write_all(if value.starts_with("http") { b"H" } else { b"" })
                .await
                .is_ok()
            {
                tokio::time::sleep(Duration::from_secs(4)).await;
            }
        });
        let proxy = proxy(value);
        let opened = limited(
            Stage::Proxy,
            "the proxy",
            Duration::from_secs(3),
            tunnel(&proxy, near),
        );
        let fault = opened.await.err().expect("it never ends");
        assert_eq!(
            fault.to_string(),
            "the proxy did not connect us to the service within 3 s"
        );
        drip.abort();
    }
}

#[tokio::test]
async fn a_socks_proxy_gets_login_and_name() {
    let (near, mut far) = tokio::io::duplex(4096);
    let serve = async {
        assert_eq!(
            bytes(&mut far, 4).await,
            [5, 2, 0, 2],
            "with and without login"
        );
        far.write_all(&[5, 2]).await.expect("read");
        let login = bytes(&mut far, 2 + 4 + 1 + 5).await;
        assert_eq!(login, b"\x01\x04user\x05p@:ss");
        far.write_all(&[1, 0]).await.expect("read");
        let name = b"generativelanguage.googleapis.com";
        let request = bytes(&mut far, 5 + name.len() + 2).await;
        let length = u8::try_from(name.len()).expect("short");
        assert_eq!(
            request,
            [&[5, 1, 0, 3, length], &name[..], &[1, 187]].concat()
        );
        far.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
            .await
            .expect("read");
        far.write_all(b"hello").await.expect("read");
        far
    };
    let proxy = proxy("socks5h://user:p%40%3ass@p:1");
    let (opened, _far) = tokio::join!(tunnel(&proxy, near), serve);
    let mut hello = [0; 5];
    opened
        .expect("open")
        .read_exact(&mut hello)
        .await
        .expect("open");
    assert_eq!(&hello, b"hello", "nothing of the tunnel is lost");
}

#[tokio::test]
async fn a_socks_proxy_without_names_gets_the_address() {
    let (near, mut far) = tokio::io::duplex(4096);
    let serve = async {
        assert_eq!(bytes(&mut far, 3).await, [5, 1, 0]);
        far.write_all(&[5, 0]).await.expect("read");
        assert_eq!(
            bytes(&mut far, 10).await,
            [5, 1, 0, 1, 192, 0, 2, 7, 1, 187]
        );
        far.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
            .await
            .expect("read");
        far
    };
    let proxy = proxy("socks5://p:1");
    assert!(proxy.needs_address());
    let address = "192.0.2.7:443".parse().expect("an address");
    let (to, tls) = (google(), Tls::new(Vec::new()));
    let opened = proxy.tunnel(Box::new(near), &to, Some(address), &tls);
    let (opened, _far) = tokio::join!(opened, serve);
    opened.expect("open");
}

#[tokio::test]
async fn each_answer_of_a_socks_proxy_has_its_sentence() {
    let bare = "socks5h://p:1";
    let with_login = "socks5h://me:canary@p:1";
    let table: [(&str, &[u8], &str); 8] = [
        (bare, &[5, 255], "wants a login, and none was sent (SOCKS)"),
        (bare, &[5, 2], "wants a login, and none was sent (SOCKS)"),
        (
            with_login,
            &[5, 255],
            "refuses the login that was sent (SOCKS)",
        ),
        (
            with_login,
            &[5, 2, 1, 1],
            "refuses the login that was sent (SOCKS)",
        ),
        (
            bare,
            &[5, 0, 5, 2, 0, 1, 0, 0, 0, 0, 0, 0],
            "does not connect to generativelanguage.googleapis.com:443: Connection not allowed by ruleset",
        ),
        (
            bare,
            &[5, 0, 5, 4, 0, 1, 0, 0, 0, 0, 0, 0],
            "Host unreachable",
        ),
        (
            bare,
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "something that is not SOCKS 5",
        ),
        (bare, b"", "it broke off"),
    ];
    for (value, answer, part) in table {
        let fault = refused(value, answer).await;
        assert!(fault.to_string().contains(part), "no `{part}`: {fault}");
        assert!(fault.to_string().contains("p:1 of HTTPS_PROXY"), "{fault}");
        assert!(!format!("{fault:?}").contains("canary"));
    }
}

#[tokio::test]
async fn an_encrypted_proxy_is_asked_within_tls() {
    use super::super::tls::tests::{authority, certificate};
    let ours = authority("ours");
    let acceptor =
        tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(certificate(&ours, "p", 2020, 4000)));
    let (near, far) = tokio::io::duplex(16 * 1024);
    let serve = async {
        let mut far = acceptor.accept(far).await.expect("TLS");
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            far.read_buf(&mut request).await.expect("a request");
        }
        assert!(request.starts_with(b"CONNECT "));
        far.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello")
            .await
            .expect("read");
        far.shutdown().await.ok();
    };
    let proxy = proxy("https://me:canary@p:1");
    let (to, tls) = (google(), Tls::new(vec![ours.der().clone()]));
    let opened = proxy.tunnel(Box::new(near), &to, None, &tls);
    let (opened, ()) = tokio::join!(opened, serve);
    assert!(
        opened
            .err()
            .is_some_and(|fault| fault.to_string().contains("HTTP 200")),
        "a tunnel is silent"
    );
    let fault = refused("https://p:1", b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .await
        .to_string();
    assert!(
        fault.contains("does not speak TLS; most proxies are written http://"),
        "{fault}"
    );
}

/// What is made of an answer that is given whatever is asked.
async fn refused(value: &str, answer: &[u8]) -> Fault {
    let (near, mut far) = tokio::io::duplex(4096);
    let serve = async {
        let mut request = [0; 1024];
        assert!(far.read(&mut request).await.is_ok_and(|n| n > 0));
        far.write_all(answer).await.expect("read");
        far.shutdown().await.expect("open");
        while far.read(&mut request).await.is_ok_and(|n| n > 0) {}
    };
    let proxy = proxy(value);
    let work = async {
        let fault = tunnel(&proxy, near).await.err();
        fault.unwrap_or_else(|| panic!("{value} was a tunnel"))
    };
    tokio::join!(work, serve).0
}

async fn tunnel(proxy: &Proxy, near: DuplexStream) -> Result<Stream, Fault> {
    let tls = Tls::new(Vec::new());
    proxy.tunnel(Box::new(near), &google(), None, &tls).await
}

fn proxy(value: &str) -> Proxy {
    let rules = ProxyRules::from_variables(|name| (name == "HTTPS_PROXY").then(|| value.into()));
    match rules.way(&google()) {
        Way::Through(proxy) => proxy.clone(),
        Way::Direct | Way::Here | Way::Exempt(_) | Way::Broken(_) => panic!("{value} is no proxy"),
    }
}

async fn head(far: &mut DuplexStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        far.read_buf(&mut request).await.expect("a request");
    }
    String::from_utf8(request).expect("a request is ASCII")
}

async fn bytes(far: &mut DuplexStream, n: usize) -> Vec<u8> {
    let mut bytes = vec![0; n];
    far.read_exact(&mut bytes).await.expect("so many bytes");
    bytes
}
