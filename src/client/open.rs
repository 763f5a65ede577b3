//! A connection from nothing to `setupComplete`, as one future that can be dropped at any time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::debug;

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

/// A connection that is set up.
pub(super) struct Open {
    pub(super) socket: Box<Socket>,
    pub(super) round_trip: Option<Duration>,
}

/// Dials, upgrades, sends the setup and waits for the service to take it.
///
/// # Errors
/// The first step that failed.
pub(super) async fn open(
    dialer: Arc<dyn Dialer>,
    target: Target,
    setup: Setup,
    counters: Arc<Counters>,
) -> Result<Open, Fault> {
    let Target { url, key } = target;
    match &key {
        Some(key) if !upgrade::usable(key) => return Err(Fault::KeyUnusable),
        None if url.host_str() == Some(GOOGLE_HOST) => {
            return Err(Fault::KeyMissing {
                who: "Gemini".to_owned(),
                detail: None,
            });
        }
        Some(_) | None => {}
    }
    let opened = dialer.dial(url.clone()).await?;
    let mut stream = opened.stream;
    let address = upgrade::address(&url);
    let upgraded = upgrade::upgrade(&mut stream, &url, key.as_ref());
    let read = limited(Stage::Upgrade, &address, EXCHANGE_LIMIT, upgraded).await?;
    let mut socket = Socket::new(stream, read, key, counters.clone(), opened.proxied).await;
    socket.queue(Outgoing {
        text: ClientMessage::Setup(Box::new(setup)).to_json(),
        report: false,
    });
    let accepted = wait_for_setup(&mut socket, &counters);
    limited(Stage::Setup, &address, SETUP_LIMIT, accepted).await?;
    debug!(%address, "set up");
    Ok(Open {
        socket: Box::new(socket),
        round_trip: opened.round_trip,
    })
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
