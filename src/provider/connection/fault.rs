//! Every way in which a connection fails, as a sentence that a user understands and one thing to do about it.

use std::io;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::reconnect::End;
use crate::base::localized_text::LocalizedText;
use crate::base::text::t;
use crate::provider::{self, FaultKind};

mod certificate;

pub use certificate::CertificateProblem;

/// Why there is no connection. Shown as a sentence; holds no key and no header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The address cannot be used at all.
    #[error("{}", t!("is-no-address-of-a", url, why))]
    BadAddress {
        /// The address, without user, password and query.
        url: String,
        why: &'static str,
    },
    /// An unencrypted address that is not this computer.
    #[error("{}", t!("would-be-reached-without-encryption", host))]
    Unencrypted { host: String },
    /// An environment variable cannot be used as it is set.
    #[error("{}", t!("is-set-to-which-cannot", variable, value, why))]
    Variable {
        variable: &'static str,
        /// Its value, without any login.
        value: String,
        why: String,
        hint: &'static str,
    },
    /// DNS gives no answer.
    #[error("{}", t!("no-name-server-answers-for", host))]
    NoNameServer { host: String },
    /// DNS knows no such name.
    #[error("{}", t!("the-name-was-not-found", host))]
    NameNotFound { host: String },
    #[error("{}", t!("refuses-connections", address))]
    ConnectionRefused {
        /// Host and port.
        address: String,
    },
    /// The network leads nowhere.
    #[error("{}", t!("cannot-be-reached", address, why))]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the system says.
        why: String,
    },
    /// A step took too long.
    #[error("{}", stage.timed_out(address, *after))]
    TimedOut {
        /// Host and port.
        address: String,
        stage: Stage,
        /// How long it was waited for.
        after: Duration,
    },
    /// The server could not prove who it is.
    #[error("{}", t!("could-not-prove-who-it", host, problem))]
    Certificate {
        host: String,
        problem: CertificateProblem,
    },
    /// TLS failed otherwise.
    #[error("{}", t!("no-encrypted-connection-to", host, why))]
    Tls {
        host: String,
        /// What the TLS library says.
        why: String,
    },
    /// This computer trusts nobody.
    #[error("{}", t!("this-computers-certificates-cannot", why))]
    NoRoots {
        /// What the TLS library says.
        why: String,
    },
    /// Something answered, but not as a Live server does.
    #[error("{}", t!("is-not-a-live-server", address, answer))]
    NotLive {
        /// Host and port.
        address: String,
        answer: String,
    },
    /// The network wants a login or an agreement first.
    #[error("{}", t!("sends-us-elsewhere", address, to))]
    Redirected {
        /// Host and port.
        address: String,
        /// Host that it names, or what it sent.
        to: String,
    },
    /// The proxy wants to know who we are.
    #[error("{}", if *sent { t!("the-proxy-refuses-the-login", proxy, detail) } else { t!("the-proxy-wants-a-login", proxy, detail) })]
    ProxyLogin {
        /// Host and port, and the variable that names it.
        proxy: String,
        /// Whether a login was sent.
        sent: bool,
        /// In which protocol, and what it takes instead.
        detail: String,
    },
    /// The proxy does not lead there.
    #[error("{}", t!("the-proxy-does-not-connect", proxy, address, answer))]
    Proxy {
        /// Host and port of the proxy, and the variable that names it.
        proxy: String,
        /// Host and port asked for.
        address: String,
        answer: String,
    },
    /// The service wants a key, and none was sent.
    #[error("{}", detail.as_deref().map_or_else(|| t!("wants-an-api-key-there-is-none", who), |detail| t!("wants-an-api-key-none-was-sent", who, detail)))]
    KeyMissing {
        /// Who wants it.
        who: String,
        /// HTTP status or close frame; `None` where it is known before asking.
        detail: Option<String>,
    },
    /// A key that cannot be sent.
    #[error("{}", t!("the-api-key-holds-spaces"))]
    KeyUnusable,
    /// The service does not take the key.
    #[error("{}", t!("the-service-refuses-the-api-key", detail))]
    KeyRefused {
        /// HTTP status or close frame.
        detail: String,
    },
    /// The service has had enough.
    #[error("{}", t!("the-quota-of-this-api-key", detail))]
    Quota {
        /// HTTP status or close frame.
        detail: String,
    },
    /// No such model, or none under this version of the API.
    #[error("{}", t!("the-model-is-not-available", detail))]
    Model {
        /// Close frame, or those of both versions.
        detail: String,
        /// Whether it may be there under another version of the API.
        other_version: bool,
    },
    /// The model cannot be talked to.
    #[error("{}", t!("the-model-is-not-made", detail))]
    NotForTalk {
        /// Close frame.
        detail: String,
    },
    /// The model does not know the voice.
    #[error("{}", t!("the-model-does-not-know", detail))]
    Voice {
        /// Close frame.
        detail: String,
    },
    #[error("{}", t!("the-service-is-not-offered", detail))]
    Region {
        /// Close frame.
        detail: String,
    },
    /// The setup, or a message, was refused.
    #[error("{}", t!("the-service-refused-what-was", detail))]
    Refused {
        /// Close frame.
        detail: String,
    },
    /// The service has trouble of its own.
    #[error("{}", t!("has-trouble-of-its-own", address, status))]
    Trouble {
        /// Host and port.
        address: String,
        status: u16,
    },
    #[error("{}", t!("the-service-closed-the-connection", detail))]
    Closed {
        /// Close frame.
        detail: String,
        /// What that means for the next connection.
        end: End,
    },
    /// The connection ended without a word.
    #[error("{}", t!("the-connection-broke-off", why))]
    Cut {
        /// What the system says.
        why: String,
    },
    /// The same before the service had answered at all: nothing is known of who is there.
    #[error("{}", t!("broke-the-connection-off", address, why))]
    CutShort {
        /// Host and port.
        address: String,
        /// What the system says.
        why: String,
    },
    /// An answer is owed, and nothing has come for too long.
    #[error("{}", t!("the-service-has-stopped"))]
    Unanswered,
    /// Several messages in a row cannot be read, or a frame breaks the rules of WebSocket.
    #[error("{}", t!("the-service-sent-messages", what))]
    Malformed { what: String },
    /// The announced end came near.
    #[error("{}", t!("the-service-is-about-to"))]
    GoingAway,
    /// A panic while the connection was served.
    #[error("{}", if *repeatedly { t!("the-connection-failed-repeatedly") } else { t!("the-connection-failed-because") })]
    Internal {
        /// So often in a short time that it is not tried again by itself.
        repeatedly: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// DNS.
    Resolve,
    /// TCP.
    Connect,
    /// The proxy's answer.
    Proxy,
    /// TLS.
    Encrypt,
    /// HTTP upgrade.
    Upgrade,
    /// `setupComplete`.
    Setup,
    /// The list of models.
    List,
}

impl Stage {
    /// That it took `address` more than `after`.
    fn timed_out(self, address: &str, after: Duration) -> String {
        let seconds = after.as_secs_f32();
        match self {
            Self::Resolve => t!("did-not-become-known", address, seconds),
            Self::Connect => t!("did-not-answer-within", address, seconds),
            Self::Proxy => t!("did-not-connect-us-to", address, seconds),
            Self::Encrypt => t!("did-not-agree-on-encryption", address, seconds),
            Self::Upgrade => t!("did-not-open-a-conversation", address, seconds),
            Self::Setup => t!("did-not-take-up-the", address, seconds),
            Self::List => t!("did-not-list-its-models", address, seconds),
        }
    }
}

impl Fault {
    pub fn hint(&self) -> &'static str {
        match self {
            Self::BadAddress { .. } => {
                t!("check-the-endpoint-it-begins")
            }
            Self::Unencrypted { .. } => t!("use-a-wss-address"),
            Self::Variable { hint, .. } => hint,
            Self::NoNameServer { .. }
            | Self::TimedOut {
                stage: Stage::Resolve,
                ..
            } => t!("check-the-network-connection-and-its"),
            Self::NameNotFound { .. } => {
                t!("check-the-network-connection-and-the")
            }
            Self::ConnectionRefused { .. } => {
                t!("check-that-the-server-runs")
            }
            Self::Unreachable { .. } | Self::Cut { .. } | Self::CutShort { .. } => {
                t!("check-the-network-connection")
            }
            Self::Unanswered => {
                t!("there-is-nothing-to-do-said")
            }
            Self::TimedOut {
                stage: Stage::Setup,
                ..
            } => t!("check-that-the-endpoint-is"),
            Self::Certificate { problem, .. } => problem.hint(),
            Self::Tls { .. } => {
                t!("check-that-the-endpoint-speaks")
            }
            Self::NoRoots { .. } => {
                t!("install-the-systems-certificates")
            }
            Self::NotLive { .. } => t!("check-the-endpoint-its-path"),
            Self::Redirected { .. } => t!("open-a-web-page-in"),
            Self::ProxyLogin { .. } => {
                t!("write-the-proxy-as")
            }
            Self::Proxy { .. }
            | Self::TimedOut {
                stage: Stage::Proxy,
                ..
            } => {
                t!("check-the-variable-that-names")
            }
            Self::TimedOut { .. } => {
                t!("check-the-network-connection-firewall")
            }
            Self::KeyMissing { .. } => {
                t!("set-gemini-api-key")
            }
            Self::KeyUnusable => t!("copy-the-key-anew"),
            Self::KeyRefused { .. } => t!("enter-a-valid-key"),
            Self::Quota { .. } => t!("wait-or-raise-the-quota"),
            Self::Model { .. } | Self::NotForTalk { .. } => {
                t!("change-live-model-in-the")
            }
            Self::Voice { .. } => {
                t!("change-live-voice-in-the")
            }
            Self::Region { .. } => t!("use-the-service-from-a"),
            Self::Refused { .. } => t!("choose-a-built-in-profile"),
            Self::Trouble { .. } | Self::Malformed { .. } => t!("wait-a-little-it-is"),
            Self::Closed {
                end: End::Policy, ..
            } => t!("try-again-if-it-stays"),
            Self::Closed { .. } | Self::GoingAway | Self::Internal { repeatedly: false } => {
                t!("there-is-nothing-to-do")
            }
            Self::Internal { repeatedly: true } => {
                t!("try-again-or-start-the")
            }
        }
    }

    /// What it means for the next attempt.
    pub fn retry(&self) -> End {
        match self {
            Self::BadAddress { .. }
            | Self::Unencrypted { .. }
            | Self::Variable { .. }
            | Self::Certificate { .. }
            | Self::NoRoots { .. }
            | Self::NotLive { .. }
            | Self::ProxyLogin { .. }
            | Self::KeyMissing { .. }
            | Self::KeyUnusable
            | Self::KeyRefused { .. }
            | Self::Model { .. }
            | Self::NotForTalk { .. }
            | Self::Voice { .. }
            | Self::Region { .. }
            | Self::Internal { repeatedly: true } => End::NeedsUser,
            Self::TimedOut {
                stage: Stage::Setup,
                ..
            } => End::Silent,
            Self::Quota { .. } => End::Quota,
            Self::Refused { .. } => End::Refused,
            Self::Closed { end, .. } => *end,
            Self::Malformed { .. } => End::Closed,
            Self::Unanswered => End::Unanswered,
            Self::NoNameServer { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut {
                stage: Stage::Resolve | Stage::Connect,
                ..
            } => End::Unreached,
            Self::NameNotFound { .. }
            | Self::ConnectionRefused { .. }
            | Self::TimedOut { .. }
            | Self::Tls { .. }
            | Self::Redirected { .. }
            | Self::Proxy { .. }
            | Self::Trouble { .. }
            | Self::Cut { .. }
            | Self::CutShort { .. }
            | Self::GoingAway
            | Self::Internal { repeatedly: false } => End::Cut,
        }
    }

    /// Nothing that is sent gets away.
    pub(in crate::provider) fn stuck() -> Self {
        Self::Cut {
            why: t!("nothing-that-is-sent-gets").to_owned(),
        }
    }

    /// This computer has lost the address that the connection began at.
    pub(in crate::provider) fn network_gone() -> Self {
        Self::Cut {
            why: t!("the-network-of-this-computer").to_owned(),
        }
    }

    /// A failure of TCP while connecting.
    pub(in crate::provider) fn connecting(address: &str, error: &io::Error) -> Self {
        let address = address.to_owned();
        if error.kind() == io::ErrorKind::ConnectionRefused {
            Self::ConnectionRefused { address }
        } else {
            Self::Unreachable {
                address,
                why: error.to_string(),
            }
        }
    }

    /// A failure of the TLS handshake.
    pub(in crate::provider) fn encrypting(host: &str, error: &io::Error) -> Self {
        let host = host.to_owned();
        let inner = error
            .get_ref()
            .and_then(|e| e.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(problem)) => Self::Certificate {
                host,
                problem: CertificateProblem::of(problem),
            },
            Some(rustls::Error::InvalidMessage(_)) => Self::Tls {
                host,
                why: t!("what-answers-does-not-speak").to_owned(),
            },
            Some(other) => Self::Tls {
                host,
                why: other.to_string(),
            },
            None => Self::Tls {
                host,
                why: t!("it-broke-off", error),
            },
        }
    }
}

impl From<Fault> for provider::ProviderFault {
    fn from(fault: Fault) -> Self {
        let kind = if matches!(
            fault,
            Fault::KeyMissing { .. } | Fault::KeyUnusable | Fault::KeyRefused { .. }
        ) {
            FaultKind::Key
        } else if matches!(
            fault,
            Fault::Model { .. }
                | Fault::NotForTalk { .. }
                | Fault::Voice { .. }
                | Fault::Refused { .. }
                | Fault::Closed { .. }
        ) {
            FaultKind::Refused
        } else if matches!(fault, Fault::Internal { .. }) {
            FaultKind::Internal
        } else {
            FaultKind::Other
        };
        let hint = fault.hint();
        Self {
            what: LocalizedText::new(move || fault.to_string()),
            hint,
            kind,
        }
    }
}

/// Text of the other side as it may be shown: one line, not long, without control characters and without anything like a key.
pub(in crate::provider) fn presentable(text: &str, key: Option<&SecretString>) -> String {
    let mut text = text.to_owned();
    if let Some(key) = key
        .map(|key| key.expose_secret())
        .filter(|key| !key.is_empty())
    {
        text = text.replace(key, "[key]");
    }
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect();
    let words = text.split_whitespace().map(|word| match word.find("AIza") {
        Some(at) => format!("{}[key]", &word[..at]),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
