//! A connection from nothing to `setupComplete`, as one future that can be dropped at any time.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;
use tracing::{debug, info, warn};
use url::Url;

use super::close_frame;
use super::nonsense::Nonsense;
use crate::base::counters::Counters;
use crate::provider::ServiceEndpoint;
use crate::provider::connection::dial::{Dialer, EXCHANGE_LIMIT, limited};
use crate::provider::connection::fault::{Fault, Stage};
use crate::provider::connection::socket::{OutgoingMessage, Socket, Turn};
use crate::provider::connection::{address, upgrade};
use crate::provider::gemini::message::{ClientMessage, Setup};
use crate::provider::gemini::models::GOOGLE_HOST;

/// How long the service may take to answer a setup.
const SETUP_LIMIT: Duration = Duration::from_secs(10);
/// What the path of the Live API begins with, up to the version.
const SERVICE: &str = "/ws/google.ai.generativelanguage";

/// A connection that is set up.
pub(super) struct Open {
    pub(super) socket: Box<Socket>,
    pub(super) round_trip: Option<Duration>,
    /// The address that was asked for, where another one was opened: under `v1`, which has the model.
    pub(super) under_v1: Option<Url>,
}

pub(super) struct Opener {
    pub(super) dialer: Arc<dyn Dialer>,
    pub(super) target: ServiceEndpoint,
    pub(super) setup: Setup,
    pub(super) counters: Arc<Counters>,
    /// The last connection to this address came about under `v1`.
    pub(super) v1_first: bool,
}

impl Opener {
    /// Dials, upgrades, sends the setup and waits for the service to accept it. Where the service does not know the model
    /// under `v1beta`, tries `v1` once; where `v1` had the last one, begins with it.
    pub(super) async fn open(self) -> Result<Open, Fault> {
        check_key(&self.target)?;
        let beta = &self.target.url;
        let Some(v1) = v1_of(beta) else {
            return self.open_at(beta).await;
        };
        let mut versions = [("v1beta", beta), ("v1", &v1)];
        if self.v1_first {
            versions.reverse();
        }
        let [(version, url), (other, other_url)] = versions;
        let first = match self.open_at(url).await {
            Err(Fault::Model {
                detail,
                other_version: true,
            }) => detail,
            opened => return opened,
        };
        warn!(detail = %first, "the model is not available under {version} of the API: {other} is tried");
        let second = match self.open_at(other_url).await {
            Ok(open) => {
                info!("{other} of the API has the model, and stays in use for this endpoint");
                return Ok(open);
            }
            Err(fault) => fault,
        };
        let second = if let Fault::Model { detail, .. } = second {
            detail
        } else if matches!(second, Fault::NotForTalk { .. } | Fault::NotLive { .. }) {
            second.to_string()
        } else {
            // Trouble on the way, or with the rest of the setup: it says nothing about the model.
            return Err(second);
        };
        Err(Fault::Model {
            detail: format!("API {version}: {first}; API {other}: {second}"),
            other_version: false,
        })
    }

    async fn open_at(&self, url: &Url) -> Result<Open, Fault> {
        let key = &self.target.key;
        let opened = self.dialer.dial(url.clone()).await?;
        let mut stream = opened.stream;
        let address = address::host_and_port(url);
        let upgraded = upgrade::upgrade(&mut stream, url, key.as_ref());
        let read = limited(Stage::Upgrade, &address, EXCHANGE_LIMIT, upgraded).await?;
        let counters = Arc::clone(&self.counters);
        let mut socket = Socket::new(stream, read, counters, opened.proxied).await;
        socket.write(OutgoingMessage {
            text: ClientMessage::Setup(Box::new(self.setup.clone())).to_json(),
            report: false,
        });
        let accepted = wait_for_setup(&mut socket, key.as_ref(), &self.counters);
        limited(Stage::Setup, &address, SETUP_LIMIT, accepted).await?;
        debug!(%address, "set up");
        Ok(Open {
            socket: Box::new(socket),
            round_trip: opened.round_trip,
            under_v1: (*url != self.target.url).then(|| self.target.url.clone()),
        })
    }
}

/// Checks that the key can be sent, and that there is one for Google.
pub(super) fn check_key(target: &ServiceEndpoint) -> Result<(), Fault> {
    match &target.key {
        Some(key) if !upgrade::usable(key) => Err(Fault::KeyUnusable),
        None if target.url.host_str() == Some(GOOGLE_HOST) => Err(Fault::KeyMissing {
            who: "Gemini".to_owned(),
            detail: None,
        }),
        Some(_) | None => Ok(()),
    }
}

/// The same address under `v1`, where it is Google's path under `v1beta`.
fn v1_of(url: &Url) -> Option<Url> {
    let path = url.path();
    let version = format!("{SERVICE}.v1beta.");
    let is_live = path.trim_start_matches('/').starts_with(&version[1..]);
    let mut v1 = url.clone();
    v1.set_path(&path.replacen(&version, &format!("{SERVICE}.v1."), 1));
    is_live.then_some(v1)
}

/// Reads until `setupComplete`. Other messages have no business there: they are counted and passed over.
async fn wait_for_setup(
    socket: &mut Socket,
    key: Option<&SecretString>,
    counters: &Counters,
) -> Result<(), Fault> {
    let mut nonsense = Nonsense::default();
    loop {
        match socket.turn(true).await {
            Turn::Ended(fault) => return Err(fault),
            Turn::Closed { code, reason } => return Err(close_frame::fault(code, &reason, key)),
            Turn::Flushed | Turn::Room => {}
            Turn::Message(bytes) => {
                let now = Instant::now().into_std();
                match nonsense.read(now, &bytes, counters) {
                    Some(message) if message.setup_complete.is_some() => return Ok(()),
                    Some(_) => counters.bad_messages.add(1),
                    None if nonsense.is_too_much(now) => {
                        let what = "what it answers to the setup is no message of a Live service";
                        return Err(Fault::Malformed {
                            what: what.to_owned(),
                        });
                    }
                    None => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_googles_path_under_v1beta_has_another_version() {
        let path =
            |version: &str| format!("{SERVICE}.{version}.GenerativeService.BidiGenerateContent");
        for (asked, other) in [
            (path("v1beta"), Some(path("v1"))),
            (path("v1"), None),
            (path("v1alpha"), None),
            ("/live/v1beta".to_owned(), None),
            (format!("/gate{}", path("v1beta")), None),
        ] {
            let url = format!("ws://127.0.0.1:9{asked}?team=1");
            let v1 = v1_of(&Url::parse(&url).expect("an address"));
            let expected = other.map(|other| format!("ws://127.0.0.1:9{other}?team=1"));
            assert_eq!(v1.map(String::from), expected, "{asked}");
        }
    }
}
