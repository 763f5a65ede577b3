//! Where figures go besides the faces, and what tokens cost, as the configuration says.

use std::fmt;
use std::net::SocketAddr;

use serde::Deserialize;
use url::{Host, Url};

use crate::base::yaml::{Text, YamlError};
use crate::live::price::Price;

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

/// What was written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawMonitor {
    listen: Option<String>,
    token: Option<String>,
}

impl RawMonitor {
    pub(super) fn check(self, text: &Text<'_>) -> Result<MonitorSettings, YamlError> {
        let allowed = "allowed is an address of this computer with a port, such as 127.0.0.1:9464";
        let listen = self.listen.map(|listen| {
            listen
                .parse()
                .ok()
                .filter(|address: &SocketAddr| address.ip().is_loopback() && address.port() > 0)
                .ok_or_else(|| text.fault("monitor.listen", format!("is `{listen}`"), allowed))
        });
        let token = self.token.map(|token| {
            let good = TOKEN.contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
            let count = token.chars().count();
            if good {
                Ok(Hidden::new(token))
            } else {
                Err(text.fault(
                    "monitor.token",
                    format!("has {count} characters, or some that cannot be sent"),
                    "allowed are 16 to 200 letters, digits and signs without spaces; without the line one is made",
                ))
            }
        });
        Ok(MonitorSettings {
            listen: listen.transpose()?,
            token: token.transpose()?,
        })
    }
}

/// The highest price, in US dollars for a million tokens: more is a mistake in the unit.
const HIGHEST_PRICE: f64 = 10_000.0;

/// What was written of the price of tokens, in US dollars for a million of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawPrice {
    #[serde(rename = "in")]
    prompt: Option<f64>,
    #[serde(rename = "out")]
    response: Option<f64>,
}

impl RawPrice {
    pub(super) fn check(self, text: &Text<'_>) -> Result<Option<Price>, YamlError> {
        for (key, amount) in [("in", self.prompt), ("out", self.response)] {
            if let Some(amount) = amount.filter(|n| !(0.0..=HIGHEST_PRICE).contains(n)) {
                return Err(text.fault(
                    &format!("price_usd_per_million.{key}"),
                    format!("is {amount}"),
                    format!(
                        "allowed is a number from 0 to {HIGHEST_PRICE}, the US dollars for a million tokens"
                    ),
                ));
            }
        }
        let lacks = |key: &str| {
            text.fault(
                "price_usd_per_million",
                format!("does not say `{key}`"),
                "both `in` and `out` are needed, the US dollars for a million tokens of what is sent and of what is answered",
            )
        };
        match (self.prompt, self.response) {
            (None, None) => Ok(None),
            (Some(prompt), Some(response)) => Ok(Some(Price { prompt, response })),
            (None, Some(_)) => Err(lacks("in")),
            (Some(_), None) => Err(lacks("out")),
        }
    }
}

/// Whether alerts can be sent there: encrypted, or on this computer.
pub(super) fn webhook(address: String, text: &Text<'_>) -> Result<Hidden, YamlError> {
    let url = Url::parse(&address).ok();
    let good = url.is_some_and(|url| match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name.eq_ignore_ascii_case("localhost"),
        ("http", Some(Host::Ipv4(ip))) => ip.is_loopback(),
        ("http", Some(Host::Ipv6(ip))) => ip.is_loopback(),
        _ => false,
    });
    if good {
        Ok(Hidden::new(address))
    } else {
        // It may hold a secret, and is not repeated.
        Err(text.fault(
            "alert_webhook",
            "is no address that alerts can be sent to".to_owned(),
            "allowed is an address that begins with https://, or with http:// on this computer",
        ))
    }
}
