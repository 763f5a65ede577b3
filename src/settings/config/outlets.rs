//! Where figures go besides the faces, and what tokens cost, as the configuration says.

use std::fmt;
use std::net::SocketAddr;

use url::{Host, Url};

use super::reading::Wrong;
use crate::provider::price::Price;

/// Shortest and longest token of the monitor.
const TOKEN: std::ops::RangeInclusive<usize> = 16..=200;

/// A text that is not for logs: it shows itself to who asks for it by name only.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// Hides a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// The endpoint for other programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MonitorSettings {
    /// Where it listens; `None`: there is none.
    pub listen: Option<SocketAddr>,
    /// What a request must bring along; `None`: one that is made and kept in the state folder.
    pub token: Option<Hidden>,
}

/// Where the endpoint for other programs may listen.
pub(super) fn listen(address: String) -> Result<Option<SocketAddr>, Wrong> {
    let local = |address: &SocketAddr| address.ip().is_loopback() && address.port() > 0;
    match address.parse().ok().filter(local) {
        Some(address) => Ok(Some(address)),
        None => Err(Wrong(
            format!("is `{address}`"),
            "allowed is an address of this computer with a port, such as 127.0.0.1:9464".to_owned(),
        )),
    }
}

/// What may be a token.
pub(super) fn token(token: String) -> Result<Option<Hidden>, Wrong> {
    let good = TOKEN.contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
    if good {
        return Ok(Some(Hidden::new(token)));
    }
    let count = token.chars().count();
    Err(Wrong(
        format!("has {count} characters, or some that cannot be sent"),
        "allowed are 16 to 200 letters, digits and signs without spaces; without the line one is made"
            .to_owned(),
    ))
}

/// The highest price, in US dollars for a million tokens: more is a mistake in the unit.
const HIGHEST_PRICE: f64 = 10_000.0;

/// US dollars for a million tokens.
pub(super) fn amount(amount: f64) -> Result<Option<f64>, Wrong> {
    if (0.0..=HIGHEST_PRICE).contains(&amount) {
        return Ok(Some(amount));
    }
    let allowed = format!(
        "allowed is a number from 0 to {HIGHEST_PRICE}, the US dollars for a million tokens"
    );
    Err(Wrong(format!("is {amount}"), allowed))
}

/// The price of tokens that are sent and of tokens that are answered: both are needed, or none.
pub(super) fn price(prompt: Option<f64>, response: Option<f64>) -> Result<Option<Price>, Wrong> {
    let lacks = |key: &str| {
        Err(Wrong(
            format!("does not say `{key}`"),
            "both `in` and `out` are needed, the US dollars for a million tokens of what is sent and of what is answered"
                .to_owned(),
        ))
    };
    match (prompt, response) {
        (None, None) => Ok(None),
        (Some(prompt), Some(response)) => Ok(Some(Price { prompt, response })),
        (None, Some(_)) => lacks("in"),
        (Some(_), None) => lacks("out"),
    }
}

/// Whether alerts can be sent there: encrypted, or on this computer.
pub(super) fn webhook(address: String) -> Result<Option<Hidden>, Wrong> {
    let url = Url::parse(&address).ok();
    let good = url.is_some_and(|url| match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name.eq_ignore_ascii_case("localhost"),
        ("http", Some(Host::Ipv4(ip))) => ip.is_loopback(),
        ("http", Some(Host::Ipv6(ip))) => ip.is_loopback(),
        _ => false,
    });
    if good {
        return Ok(Some(Hidden::new(address)));
    }
    // It may hold a secret, and is not repeated.
    Err(Wrong(
        "is no address that alerts can be sent to".to_owned(),
        "allowed is an address that begins with https://, or with http:// on this computer"
            .to_owned(),
    ))
}
