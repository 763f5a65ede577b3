//! Every way in which a connection fails, as a sentence that a user understands and one thing to do about it.

use std::io;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::reconnect::End;
use crate::provider::{self, FaultKind};

mod certificate;

pub use certificate::CertificateProblem;

/// Why there is no connection. Shown as a sentence; holds no key and no header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The address cannot be used at all.
    #[error("{url} is no address of a Live server: {why}")]
    BadAddress {
        /// The address, without user, password and query.
        url: String,
        why: &'static str,
    },
    /// An unencrypted address that is not this computer.
    #[error("{host} would be reached without encryption, so it is not dialled")]
    Unencrypted { host: String },
    /// An environment variable cannot be used as it is set.
    #[error("{variable} is set to `{value}`, which cannot be used: {why}")]
    Variable {
        variable: &'static str,
        /// Its value, without any login.
        value: String,
        why: String,
        hint: &'static str,
    },
    /// DNS gives no answer.
    #[error("no name server answers for {host}")]
    NoNameServer { host: String },
    /// DNS knows no such name.
    #[error("the name {host} was not found")]
    NameNotFound { host: String },
    #[error("{address} refuses connections")]
    ConnectionRefused {
        /// Host and port.
        address: String,
    },
    /// The network leads nowhere.
    #[error("{address} cannot be reached ({why})")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the system says.
        why: String,
    },
    /// A step took too long.
    #[error("{address} did not {stage} within {} s", .after.as_secs_f32())]
    TimedOut {
        /// Host and port.
        address: String,
        stage: Stage,
        /// How long it was waited for.
        after: Duration,
    },
    /// The server could not prove who it is.
    #[error("{host} could not prove who it is: {problem}")]
    Certificate {
        host: String,
        problem: CertificateProblem,
    },
    /// TLS failed otherwise.
    #[error("no encrypted connection to {host}: {why}")]
    Tls {
        host: String,
        /// What the TLS library says.
        why: String,
    },
    /// This computer trusts nobody.
    #[error("this computer's certificates cannot be used: {why}")]
    NoRoots {
        /// What the TLS library says.
        why: String,
    },
    /// Something answered, but not as a Live server does.
    #[error("{address} is not a Live server: it answered {answer}")]
    NotLive {
        /// Host and port.
        address: String,
        answer: String,
    },
    /// The network wants a login or an agreement first.
    #[error("{address} sends us elsewhere ({to}); a login page of the network may be in between")]
    Redirected {
        /// Host and port.
        address: String,
        /// Host that it names, or what it sent.
        to: String,
    },
    /// The proxy wants to know who we are.
    #[error("the proxy {proxy} {} ({detail})", if *sent { "refuses the login that was sent" } else { "wants a login, and none was sent" })]
    ProxyLogin {
        /// Host and port, and the variable that names it.
        proxy: String,
        /// Whether a login was sent.
        sent: bool,
        /// In which protocol, and what it takes instead.
        detail: String,
    },
    /// The proxy does not lead there.
    #[error("the proxy {proxy} does not connect to {address}: {answer}")]
    Proxy {
        /// Host and port of the proxy, and the variable that names it.
        proxy: String,
        /// Host and port asked for.
        address: String,
        answer: String,
    },
    /// The service wants a key, and none was sent.
    #[error("{who} wants an API key, and {}", detail.as_deref().map_or("there is none".to_owned(), |d| format!("none was sent ({d})")))]
    KeyMissing {
        /// Who wants it.
        who: String,
        /// HTTP status or close frame; `None` where it is known before asking.
        detail: Option<String>,
    },
    /// A key that cannot be sent.
    #[error("the API key holds spaces or signs that no key has")]
    KeyUnusable,
    /// The service does not take the key.
    #[error("the service refuses the API key ({detail})")]
    KeyRefused {
        /// HTTP status or close frame.
        detail: String,
    },
    /// The service has had enough.
    #[error("the quota of this API key is used up ({detail})")]
    Quota {
        /// HTTP status or close frame.
        detail: String,
    },
    /// No such model, or none under this version of the API.
    #[error("the model is not available ({detail})")]
    Model {
        /// Close frame, or those of both versions.
        detail: String,
        /// Whether it may be there under another version of the API.
        other_version: bool,
    },
    /// The model cannot be talked to.
    #[error("the model is not made for live talk ({detail})")]
    NotForTalk {
        /// Close frame.
        detail: String,
    },
    /// The model does not know the voice.
    #[error("the model does not know this voice ({detail})")]
    Voice {
        /// Close frame.
        detail: String,
    },
    #[error("the service is not offered where you are ({detail})")]
    Region {
        /// Close frame.
        detail: String,
    },
    /// The setup, or a message, was refused.
    #[error("the service refused what was sent ({detail})")]
    Refused {
        /// Close frame.
        detail: String,
    },
    /// The service has trouble of its own.
    #[error("{address} has trouble of its own (HTTP {status})")]
    Trouble {
        /// Host and port.
        address: String,
        status: u16,
    },
    #[error("the service closed the connection ({detail})")]
    Closed {
        /// Close frame.
        detail: String,
        /// What that means for the next connection.
        end: End,
    },
    /// The connection ended without a word.
    #[error("the connection broke off ({why})")]
    Cut {
        /// What the system says.
        why: String,
    },
    /// The same before the service had answered at all: nothing is known of who is there.
    #[error("{address} broke the connection off before it had answered ({why})")]
    CutShort {
        /// Host and port.
        address: String,
        /// What the system says.
        why: String,
    },
    /// An answer is owed, and nothing has come for too long.
    #[error("the service has stopped answering")]
    Unanswered,
    /// Several messages in a row cannot be read, or a frame breaks the rules of WebSocket.
    #[error("the service sent messages that make no sense ({what})")]
    Malformed { what: String },
    /// The announced end came near.
    #[error("the service is about to end this connection")]
    GoingAway,
    /// A panic while the connection was served.
    #[error("the connection failed {}because of a fault in this program", if *.repeatedly { "repeatedly " } else { "" })]
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

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Resolve => "become known by name",
            Self::Connect => "answer",
            Self::Proxy => "connect us to the service",
            Self::Encrypt => "agree on encryption",
            Self::Upgrade => "open a conversation",
            Self::Setup => "take up the conversation",
            Self::List => "list its models",
        })
    }
}

impl Fault {
    pub fn hint(&self) -> &'static str {
        match self {
            Self::BadAddress { .. } => {
                "Check the endpoint: it begins with wss://, or with ws:// on this computer."
            }
            Self::Unencrypted { .. } => "Use a wss:// address.",
            Self::Variable { hint, .. } => hint,
            Self::NoNameServer { .. }
            | Self::TimedOut {
                stage: Stage::Resolve,
                ..
            } => "Check the network connection and its name server (DNS); it is tried again.",
            Self::NameNotFound { .. } => {
                "Check the network connection and the spelling of the endpoint."
            }
            Self::ConnectionRefused { .. } => {
                "Check that the server runs and that the port is right."
            }
            Self::Unreachable { .. } | Self::Cut { .. } | Self::CutShort { .. } => {
                "Check the network connection."
            }
            Self::Unanswered => {
                "There is nothing to do: a new connection is opened, and what you said is sent again."
            }
            Self::TimedOut {
                stage: Stage::Setup,
                ..
            } => "Check that the endpoint is a Live server; otherwise try again.",
            Self::Certificate { problem, .. } => problem.hint(),
            Self::Tls { .. } => {
                "Check that the endpoint speaks TLS 1.2 or newer, and that no login page of the network is in between."
            }
            Self::NoRoots { .. } => {
                "Install the system's certificates (on Debian: ca-certificates)."
            }
            Self::NotLive { .. } => "Check the endpoint, its path included.",
            Self::Redirected { .. } => "Open a web page in the browser and log in to the network.",
            Self::ProxyLogin { .. } => {
                "Write the proxy as http://USER:PASSWORD@HOST:PORT; @ : / ? # % in user and password are %40 %3A %2F %3F %23 %25."
            }
            Self::Proxy { .. }
            | Self::TimedOut {
                stage: Stage::Proxy,
                ..
            } => {
                "Check the variable that names the proxy, its http://, https:// or socks5h:// included; or name the host in NO_PROXY."
            }
            Self::TimedOut { .. } => {
                "Check the network connection, and whether a firewall is in between."
            }
            Self::KeyMissing { .. } => {
                "Set GEMINI_API_KEY; a stored key goes to Google and to the endpoint of the configuration file only."
            }
            Self::KeyUnusable => "Copy the key anew, without spaces.",
            Self::KeyRefused { .. } => "Enter a valid key; one can be made in Google AI Studio.",
            Self::Quota { .. } => "Wait, or raise the quota in Google AI Studio.",
            Self::Model { .. } | Self::NotForTalk { .. } => {
                "Change `live.model` in the profile; `sovereign doctor --live` lists the models that this key can talk to."
            }
            Self::Voice { .. } => {
                "Change `live.voice` in the profile, or choose another voice in the window: every model knows the prebuilt voices, such as Kore."
            }
            Self::Region { .. } => "Use the service from a place where it is offered.",
            Self::Refused { .. } => "Choose a built-in profile; if it stays, report this text.",
            Self::Trouble { .. } | Self::Malformed { .. } => "Wait a little: it is tried again.",
            Self::Closed {
                end: End::Policy, ..
            } => "Try again; if it stays, report this text.",
            Self::Closed { .. } | Self::GoingAway | Self::Internal { repeatedly: false } => {
                "There is nothing to do: a new connection is opened."
            }
            Self::Internal { repeatedly: true } => {
                "Try again, or start the program again; please report it."
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
            why: "nothing that is sent gets away".to_owned(),
        }
    }

    /// This computer has lost the address that the connection began at.
    pub(in crate::provider) fn network_gone() -> Self {
        Self::Cut {
            why: "the network of this computer has changed".to_owned(),
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
                why: "what answers does not speak TLS".to_owned(),
            },
            Some(other) => Self::Tls {
                host,
                why: other.to_string(),
            },
            None => Self::Tls {
                host,
                why: format!("it broke off ({error})"),
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
        Self {
            what: fault.to_string(),
            hint: fault.hint(),
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
