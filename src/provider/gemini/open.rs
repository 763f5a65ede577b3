//! A connection from nothing to `setupComplete`, as one future that can be dropped at any time.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;
use tracing::debug;
use url::Url;

use super::close_frame;
use super::nonsense::Nonsense;
use crate::base::counters::Counters;
use crate::base::text::t;
use crate::provider::ServiceEndpoint;
use crate::provider::connection::dial::{Dialer, EXCHANGE_LIMIT, limited};
use crate::provider::connection::fault::{Fault, Stage};
use crate::provider::connection::socket::{OutgoingMessage, Socket, Turn};
use crate::provider::connection::{address, upgrade};
use crate::provider::gemini::message::{ClientMessage, Setup};
use crate::provider::gemini::models::GOOGLE_HOST;

/// How long the service may take to answer a setup.
const SETUP_LIMIT: Duration = Duration::from_secs(10);

/// A connection that is set up.
pub(super) struct Open {
    pub(super) socket: Box<Socket>,
    pub(super) round_trip: Option<Duration>,
    /// From the dial to the answer to the setup.
    pub(super) took: Duration,
    /// The address that was asked for, where another one was opened: under `v1`, which has the model.
    pub(super) under_v1: Option<Url>,
}

pub(super) struct Opener {
    pub(super) dialer: Arc<dyn Dialer>,
    pub(super) target: ServiceEndpoint,
    pub(super) setup: Setup,
    /// What follows the setup.
    pub(super) history: Option<ClientMessage>,
    pub(super) counters: Arc<Counters>,
    /// The last connection to this address came about under `v1`.
    pub(super) v1_first: bool,
}

impl Opener {
    /// Dials, upgrades, sends the setup and waits for the service to accept it.
    pub(super) async fn open_at(&self, url: &Url) -> Result<Open, Fault> {
        let key = &self.target.key;
        let began = Instant::now();
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
        let took = began.elapsed();
        if let Some(history) = &self.history {
            socket.write(OutgoingMessage {
                text: history.to_json(),
                report: false,
            });
        }
        debug!(%address, "set up");
        Ok(Open {
            socket: Box::new(socket),
            round_trip: opened.round_trip,
            took,
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
            Turn::Flushed | Turn::Delivered(_) | Turn::Room => {}
            Turn::Message(bytes) => {
                let now = Instant::now().into_std();
                match nonsense.read(now, &bytes, counters) {
                    Some(message) if message.setup_complete.is_some() => return Ok(()),
                    Some(_) => counters.bad_messages.add(1),
                    None if nonsense.is_too_much(now) => {
                        let what = t!("what-it-answers-to-the");
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
