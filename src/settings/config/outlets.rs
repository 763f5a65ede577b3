//! Where measurements go besides the window and the terminal, as the configuration says.

use std::fmt;
use std::net::SocketAddr;

use url::Url;

use crate::base::keys::{Scalar, TextShape, Value, Wrong, any_text};
use crate::base::local_caller::is_loopback;
use crate::base::text::t;

/// A text that is not for logs: it shows itself to who asks for it by name only.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Scalar for Hidden {
    fn from_value(value: Value) -> Option<Self> {
        String::from_value(value).map(Self)
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
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
pub(super) const LISTEN: TextShape = TextShape {
    allowed: || t!("allowed-is-an-address-of"),
    check: |text| {
        let address = text.parse::<SocketAddr>().ok();
        let local = |address: &SocketAddr| address.ip().is_loopback() && address.port() > 0;
        let wrong = || Wrong::text(text);
        address
            .filter(local)
            .map(|_| text.to_owned())
            .ok_or_else(wrong)
    },
    schema: any_text,
};

/// What may be a token.
pub(super) const TOKEN: TextShape = TextShape {
    allowed: || t!("allowed-are-16-to-200"),
    check: |text| {
        if (16..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            return Ok(text.to_owned());
        }
        // It may be a secret, and is not repeated.
        let count = text.chars().count();
        Err(t!("has-characters-or-some", n = count as u64).into())
    },
    schema: any_text,
};

/// Where alerts can be sent: encrypted, or on this computer.
pub(super) const WEBHOOK: TextShape = TextShape {
    allowed: || t!("allowed-is-an-address-https"),
    check: |text| {
        let url = Url::parse(text).ok();
        let good = url.is_some_and(|url| match (url.scheme(), url.host()) {
            ("https", Some(_)) => true,
            ("http", Some(host)) => is_loopback(&host),
            _ => false,
        });
        // It may hold a secret, and is not repeated.
        let wrong = || t!("is-no-address-that-alerts").to_owned().into();
        good.then(|| text.to_owned()).ok_or_else(wrong)
    },
    schema: any_text,
};
