//! A connection from nothing to `setupComplete`, as one future that can be dropped at any time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info, warn};
use url::Url;

use super::Target;
use super::dial::{Dialer, EXCHANGE_LIMIT, limited};
use super::error::{Fault, Stage};
use super::nonsense::Nonsense;
use super::socket::{Outgoing, Socket, Turn};
use super::upgrade;
use crate::live::GOOGLE_HOST;
use crate::live::message::{ClientMessage, Setup};
use crate::metrics::counters::Counters;

/// How long the service may take to answer a setup.
const SETUP_LIMIT: Duration = Duration::from_secs(10);
/// What the path of the Live API begins with, up to the version.
const SERVICE: &str = "/ws/google.ai.generativelanguage";

/// A connection that is set up.
pub(super) struct Open {
    pub(super) socket: Box<Socket>,
    pub(super) round_trip: Option<Duration>,
    /// The address that it was opened at: with `v1` where only that version of the API has the model.
    pub(super) url: Url,
}

/// What connecting needs.
pub(super) struct Opener {
    pub(super) dialer: Arc<dyn Dialer>,
    pub(super) target: Target,
    pub(super) setup: Setup,
    pub(super) counters: Arc<Counters>,
}

impl Opener {
    /// Dials, upgrades, sends the setup and waits for the service to accept it. Where the service does not know the model
    /// under `v1beta`, tries `v1` once.
    ///
    /// # Errors
    /// The first step that failed.
    pub(super) async fn open(self) -> Result<Open, Fault> {
        check_key(&self.target)?;
        let url = &self.target.url;
        let first = match self.open_at(url).await {
            Err(Fault::Model {
                detail,
                other_version: true,
            }) => detail,
            opened => return opened,
        };
        let Some(stable) = stable_version(url) else {
            return Err(Fault::Model {
                detail: first,
                other_version: true,
            });
        };
        warn!(detail = %first, "the model is not available under v1beta of the API: v1 is tried");
        let second = match self.open_at(&stable).await {
            Ok(open) => {
                info!("v1 of the API has the model, and stays in use for this endpoint");
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
        let detail = format!("API v1beta: {first}; API v1: {second}");
        Err(Fault::Model {
            detail,
            other_version: false,
        })
    }

    async fn open_at(&self, url: &Url) -> Result<Open, Fault> {
        let key = &self.target.key;
        let opened = self.dialer.dial(url.clone()).await?;
        let mut stream = opened.stream;
        let address = upgrade::address(url);
        let upgraded = upgrade::upgrade(&mut stream, url, key.as_ref());
        let read = limited(Stage::Upgrade, &address, EXCHANGE_LIMIT, upgraded).await?;
        let counters = Arc::clone(&self.counters);
        let mut socket = Socket::new(stream, read, key.clone(), counters, opened.proxied).await;
        socket.queue(Outgoing {
            text: ClientMessage::Setup(Box::new(self.setup.clone())).to_json(),
            report: false,
        });
        let accepted = wait_for_setup(&mut socket, &self.counters);
        limited(Stage::Setup, &address, SETUP_LIMIT, accepted).await?;
        debug!(%address, "set up");
        Ok(Open {
            socket: Box::new(socket),
            round_trip: opened.round_trip,
            url: url.clone(),
        })
    }
}

/// Checks that the key can be sent, and that there is one for Google.
pub(super) fn check_key(target: &Target) -> Result<(), Fault> {
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
fn stable_version(url: &Url) -> Option<Url> {
    let path = url.path();
    let version = format!("{SERVICE}.v1beta.");
    let is_live = path.trim_start_matches('/').starts_with(&version[1..]);
    let mut stable = url.clone();
    stable.set_path(&path.replacen(&version, &format!("{SERVICE}.v1."), 1));
    is_live.then_some(stable)
}

/// Reads until `setupComplete`. Other messages have no business there: they are counted and passed over.
async fn wait_for_setup(socket: &mut Socket, counters: &Counters) -> Result<(), Fault> {
    let mut nonsense = Nonsense::default();
    loop {
        match socket.turn(true).await {
            Turn::Ended(fault) => return Err(fault),
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
            let stable = stable_version(&Url::parse(&url).expect("an address"));
            let expected = other.map(|other| format!("ws://127.0.0.1:9{other}?team=1"));
            assert_eq!(stable.map(String::from), expected, "{asked}");
        }
    }
}
