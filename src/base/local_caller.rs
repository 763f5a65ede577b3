//! Access check of local servers: programs on this computer are allowed, web pages are not.
//!
//! A page in a browser can reach loopback. Its `Origin` reveals it, or its `Host` if its own name was bound to 127.0.0.1 (DNS
//! rebinding). Both must match their whole grammar, a host and an optional port, so that no two parsers disagree on the host.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::Host;

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    /// There is not exactly one `Host`, as HTTP asks for: status 400.
    #[error("one Host is needed")]
    NoHost,
    /// It asks for another host than this computer: status 403.
    #[error("the Host must be a loopback address")]
    Host,
    /// A page from elsewhere asks: status 403.
    #[error("web pages may not connect")]
    Origin,
}

/// Judges a request by the values of its headers `Host` and `Origin`, and by the host in its request line, if it names one.
///
/// # Errors
///
/// When a page of the web may be behind it.
pub fn check<'a>(
    hosts: impl IntoIterator<Item = &'a [u8]>,
    origins: impl IntoIterator<Item = &'a [u8]>,
    in_request_line: Option<&str>,
) -> Result<(), Stranger> {
    let mut hosts = hosts.into_iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(Stranger::NoHost);
    };
    if !is_this_computer(host)
        || !in_request_line.is_none_or(|host| is_this_computer(host.as_bytes()))
    {
        return Err(Stranger::Host);
    }
    if origins.into_iter().all(is_local_origin) {
        Ok(())
    } else {
        Err(Stranger::Origin)
    }
}

/// Whether the host of an address is this computer: localhost, 127.0.0.0/8 or `[::1]`.
pub fn is_loopback<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) => name.as_ref().eq_ignore_ascii_case("localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// `http://HOST[:PORT]` or the same with https.
fn is_local_origin(origin: &[u8]) -> bool {
    let schemes = [b"http://".as_slice(), b"https://"];
    schemes
        .iter()
        .any(|scheme| origin.strip_prefix(*scheme).is_some_and(is_this_computer))
}

/// Whether `HOST[:PORT]` names this computer: localhost, 127.0.0.0/8 or `[::1]`.
fn is_this_computer(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else {
        return false;
    };
    let (name, port) = match host.split_once(']') {
        Some((name, "")) => (name, None),
        Some((name, port)) => match port.strip_prefix(':') {
            Some(port) => (name, Some(port)),
            None => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    if !port.is_none_or(is_port) {
        return false;
    }
    match name.strip_prefix('[') {
        Some(name) => name.parse() == Ok(Ipv6Addr::LOCALHOST),
        None => {
            host.find(']').is_none()
                && (name.eq_ignore_ascii_case("localhost")
                    || name.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(host: &str, origin: Option<&str>) -> Result<(), Stranger> {
        check([host.as_bytes()], origin.map(str::as_bytes), None)
    }

    #[test]
    fn only_this_computer_is_a_host() {
        for host in [
            "localhost",
            "LocalHost:9",
            "127.0.0.1",
            "127.0.0.1:65535",
            "127.9.8.7:1",
            "[::1]",
            "[::1]:80",
        ] {
            assert_eq!(asked(host, None), Ok(()), "{host}");
        }
        for host in [
            "",
            ":80",
            "evil.example",
            "127.0.0.1.evil.example:9",
            "localhost.evil.example",
            "localhost.",
            "localhost:",
            "localhost:80@evil.example",
            "evil.example#localhost",
            "localhost/",
            "localhost:65536",
            "localhost:+80",
            "localhost:80:80",
            "0.0.0.0:9",
            "0x7f.0.0.1",
            "127.1",
            "2130706433",
            "127.0.0.01",
            "::1",
            "[::1",
            "::1]",
            "127.0.0.1]",
            "[::1]evil.example",
            "[::1].evil.example",
            "[::1]:",
            "[127.0.0.1]",
            "[::ffff:127.0.0.1]",
            "[::1%25eth0]",
            " localhost",
            "localhost, localhost",
            "ｌocalhost",
        ] {
            assert_eq!(asked(host, None), Err(Stranger::Host), "{host}");
        }
        assert_eq!(check([b"\xff".as_slice()], [], None), Err(Stranger::Host));
        assert_eq!(check([], [], None), Err(Stranger::NoHost));
        let two = [b"localhost".as_slice(), b"localhost"];
        assert_eq!(check(two, [], None), Err(Stranger::NoHost));
        let in_line = |host| check([b"localhost".as_slice()], [], Some(host));
        assert_eq!(in_line("127.0.0.1:9"), Ok(()));
        assert_eq!(in_line("evil.example"), Err(Stranger::Host));
    }

    #[test]
    fn only_pages_of_this_computer_may_ask() {
        for origin in [
            "http://localhost",
            "http://localhost:3000",
            "https://127.0.0.1",
            "http://[::1]:8080",
        ] {
            assert_eq!(asked("localhost", Some(origin)), Ok(()), "{origin}");
        }
        for origin in [
            "null",
            "",
            "file://",
            "localhost",
            "http://",
            "https://evil.example",
            "http://127.0.0.1.evil.example",
            "http://localhost:80@evil.example",
            "http://localhost@evil.example",
            "http://evil.example/http://localhost",
            "http://localhost/",
            "http://localhost#@evil.example",
            "http://localhost\\@evil.example",
            "ftp://localhost",
            "chrome-extension://localhost",
            "http://localhost http://evil.example",
        ] {
            assert_eq!(
                asked("localhost", Some(origin)),
                Err(Stranger::Origin),
                "{origin}"
            );
        }
        let both = [b"http://localhost".as_slice(), b"https://evil.example"];
        assert_eq!(
            check([b"localhost".as_slice()], both, None),
            Err(Stranger::Origin)
        );
    }
}
