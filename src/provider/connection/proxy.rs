//! The proxy that the environment names, and the tunnel through it.
//!
//! | value | the way |
//! | --- | --- |
//! | `http://HOST:PORT`, or no scheme | CONNECT |
//! | `https://HOST:PORT` | CONNECT, encrypted on the way to the proxy too |
//! | `socks5://HOST:PORT` | SOCKS 5, names are looked up here |
//! | `socks5h://HOST:PORT`, `socks://HOST:PORT` | SOCKS 5, names are looked up by the proxy |
//!
//! Anything else stops the dial: connecting directly would go around a proxy that somebody relies on.

pub(super) mod rules;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use tokio_socks::tcp::Socks5Stream;
use url::{Host, Url};

use super::address;
use super::fault::Fault;
use super::stream::Stream;
use super::tls::Tls;
use super::upgrade::{self, Head, NoHead};
use crate::base::text::t;

/// A proxy that opens tunnels.
#[derive(Clone)]
pub(super) struct Proxy {
    kind: Kind,
    host: Host<String>,
    port: u16,
    login: Option<Login>,
    variable: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    Https,
    Socks {
        /// Whether the proxy looks names up.
        names_there: bool,
    },
}

/// User and password, as bytes: what they are in is not agreed on.
#[derive(Clone)]
struct Login {
    user: SecretSlice<u8>,
    password: SecretSlice<u8>,
}

impl Login {
    /// The value of a `Proxy-Authorization` header.
    fn basic(&self) -> SecretString {
        let pair = [self.user.expose_secret(), self.password.expose_secret()].join(&b':');
        SecretString::from(format!("Basic {}", STANDARD.encode(pair)))
    }

    /// User and password as the SOCKS library takes them: text, 1 to 255 bytes each (RFC 1929).
    fn for_socks(&self) -> Result<(&str, &str), &'static str> {
        let both =
            [&self.user, &self.password].map(|part| std::str::from_utf8(part.expose_secret()));
        let [Ok(user), Ok(password)] = both else {
            return Err(t!("its-user-or-password-is"));
        };
        if [user, password]
            .iter()
            .all(|part| (1..=255).contains(&part.len()))
        {
            Ok((user, password))
        } else {
            Err(t!("socks-needs-a-user-and"))
        }
    }
}

/// Where it is and which variable says so, as errors name it.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&t!(
            "host-and-port-of-variable",
            host = self.host,
            port = self.port,
            variable = self.variable
        ))
    }
}

impl Proxy {
    pub(super) fn place(&self) -> (Host<String>, u16) {
        (self.host.clone(), self.port)
    }

    /// All that there is to say of it, without the login.
    pub(super) fn describe(&self) -> String {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Https => "https",
            Kind::Socks { names_there: false } => "socks5",
            Kind::Socks { names_there: true } => "socks5h",
        };
        let login = if self.login.is_some() {
            "with"
        } else {
            "without"
        };
        format!(
            "{scheme}://{}:{} from {}, {login} a login",
            self.host, self.port, self.variable
        )
    }

    /// Whether the name of the service is looked up here, although it is the proxy that connects.
    pub(super) fn needs_address(&self) -> bool {
        self.kind == Kind::Socks { names_there: false }
    }

    /// Asks for a tunnel. `address` is the service's, for a proxy that is given no names.
    pub(super) async fn tunnel(
        &self,
        stream: Stream,
        to: &Url,
        address: Option<SocketAddr>,
        tls: &Tls,
    ) -> Result<Stream, Fault> {
        match self.kind {
            Kind::Http => self.connect(stream, to).await,
            Kind::Https => {
                let encrypted = tls.encrypt(&self.host.to_string(), stream).await;
                if let Err(Fault::Tls { why, .. }) = &encrypted {
                    let answer = t!("no-encrypted-connection-to-the", why);
                    return Err(self.refuses(to, answer));
                }
                self.connect(encrypted?, to).await
            }
            Kind::Socks { .. } => self.socks(stream, to, address).await,
        }
    }

    async fn connect(&self, mut stream: Stream, to: &Url) -> Result<Stream, Fault> {
        let address = address::host_and_port(to);
        let mut request = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n");
        if let Some(login) = &self.login {
            request += &format!("Proxy-Authorization: {}\r\n", login.basic().expose_secret());
        }
        let request = SecretString::from(request + "\r\n");
        let answer = upgrade::exchange(&mut stream, request.expose_secret().as_bytes()).await;
        let answer = match answer {
            // A tunnel is silent until its client speaks: what comes by itself is a page.
            Ok(head) if (200..300).contains(&head.status) && head.rest.is_empty() => {
                return Ok(stream);
            }
            Ok(head) if head.status == 407 => return Err(self.wants_login(&http_login(&head))),
            Ok(head) => {
                let diverted = upgrade::diverted(&head, &self.to_string(), None);
                let refused = || self.refuses(to, format!("HTTP {}", head.status));
                return Err(diverted.unwrap_or_else(refused));
            }
            Err(NoHead::Io(error)) => t!("it-broke-off", error),
            Err(NoHead::NotHttp) => t!("something-that-is-not-http").to_owned(),
        };
        Err(self.refuses(to, answer))
    }

    async fn socks(
        &self,
        stream: Stream,
        to: &Url,
        address: Option<SocketAddr>,
    ) -> Result<Stream, Fault> {
        use tokio_socks::{Error, TargetAddr};
        let port = to.port_or_known_default().unwrap_or(443);
        let target = match (address, to.host()) {
            (Some(address), _) => TargetAddr::Ip(address),
            (None, Some(Host::Ipv4(ip))) => TargetAddr::Ip((ip, port).into()),
            (None, Some(Host::Ipv6(ip))) => TargetAddr::Ip((ip, port).into()),
            (None, host) => TargetAddr::Domain(
                host.map(|host| host.to_string()).unwrap_or_default().into(),
                port,
            ),
        };
        // Its own checks were made when the variable was read.
        let login = self.login.as_ref().and_then(|login| login.for_socks().ok());
        let opened = match login {
            Some((user, password)) => {
                Socks5Stream::connect_with_password_and_socket(stream, target, user, password).await
            }
            None => Socks5Stream::connect_with_socket(stream, target).await,
        };
        let error = match opened {
            Ok(opened) => return Ok(opened.into_inner()),
            Err(error) => error,
        };
        if matches!(
            error,
            Error::NoAcceptableAuthMethods
                | Error::AuthorizationRequired
                | Error::PasswordAuthFailure(_)
        ) {
            return Err(self.wants_login("SOCKS"));
        }
        let not_socks = matches!(
            error,
            Error::InvalidResponseVersion
                | Error::UnknownAuthMethod
                | Error::UnknownAddressType
                | Error::InvalidReservedByte
        );
        let answer = if not_socks {
            t!("something-that-is-not-socks").to_owned()
        } else if let Error::Io(error) = &error {
            t!("it-broke-off", error)
        } else {
            error.to_string()
        };
        Err(self.refuses(to, answer))
    }

    /// That it does not lead there.
    pub(super) fn refuses(&self, to: &Url, answer: String) -> Fault {
        Fault::Proxy {
            proxy: self.to_string(),
            address: address::host_and_port(to),
            answer,
        }
    }

    fn wants_login(&self, detail: &str) -> Fault {
        Fault::ProxyLogin {
            proxy: self.to_string(),
            sent: self.login.is_some(),
            detail: detail.to_owned(),
        }
    }
}

/// The refusal of a login, with the kinds that are taken where ours is not among them.
fn http_login(head: &Head) -> String {
    let kinds: Vec<&str> = head
        .headers("proxy-authenticate")
        .filter_map(|value| value.split_whitespace().next())
        .collect();
    if kinds.is_empty() || kinds.iter().any(|kind| kind.eq_ignore_ascii_case("basic")) {
        return "HTTP 407".to_owned();
    }
    let kinds = super::fault::presentable(&kinds.join(" and "), None);
    t!("it-takes-only-which-is", kinds)
}
