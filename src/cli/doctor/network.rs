//! What only a connection can tell.

use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use url::Url;

use super::{Check, checks};
use crate::client::dial::TcpDialer;
use crate::client::environment::{self, Finding};
use crate::client::setup::{self, SetupContext};
use crate::client::{self, Event, Target};
use crate::metrics::counters::Counters;
use crate::profile::Profile;
use crate::server::Server;
use crate::session::no_link::unreached;

/// As long as the other commands wait for an endpoint.
const LIMIT: Duration = Duration::from_secs(15);

/// Starts the embedded server and sets a conversation up with it.
pub(super) fn demo() -> Check {
    let name = "demo";
    let hint = "Check that programs may open ports on 127.0.0.1 (firewall, container).";
    let (server, token) = match Server::start_demo(false) {
        Ok(started) => started,
        Err(error) => return Check::bad(name, error.to_string(), hint),
    };
    let profile = crate::profile::builtin(crate::profile::DEFAULT)
        .expect("the default profile is a built-in");
    let target = Target {
        url: server.url(),
        key: Some(token),
    };
    let answer = set_up(target, &profile);
    server.stop();
    match answer {
        Ok(took) => Check::ok(
            name,
            format!("set up in {:.0} ms over {}", millis(took), "127.0.0.1"),
        ),
        Err((what, _)) => Check::bad(name, what, hint),
    }
}

/// Proxy and certificates of the environment, for `url` or for the demo.
pub(super) fn way(url: Option<&Url>) -> Vec<Check> {
    let checks = |name, findings: Vec<Finding>| {
        findings.into_iter().map(move |finding| match finding {
            Finding {
                what, hint: None, ..
            } => Check::ok(name, what),
            Finding {
                what,
                hint: Some(hint),
                fatal: true,
            } => Check::bad(name, what, hint),
            Finding {
                what,
                hint: Some(hint),
                fatal: false,
            } => Check::warn(name, what, hint),
        })
    };
    checks("proxy", environment::proxy(url))
        .chain(checks("certificates", environment::certificates(url)))
        .collect()
}

/// Resolves, dials, and sends the set-up that `profile` asks for.
pub(super) fn service(url: Url, key: Option<SecretString>, profile: &Profile) -> Check {
    let place = checks::place(&url);
    match set_up(Target { url, key }, profile) {
        Ok(took) => Check::ok(
            "service",
            format!(
                "{place} took the set-up of `{}` after {:.0} ms",
                profile.name,
                millis(took)
            ),
        ),
        Err((what, hint)) => {
            let state = unreached(&place, true, false);
            Check::bad("service", format!("{state}: {what}"), hint)
        }
    }
}

/// How long it took until the set-up was accepted, or what went wrong and what to do.
fn set_up(target: Target, profile: &Profile) -> Result<Duration, (String, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        (
            error.to_string(),
            "Close other programs and try again.".to_owned(),
        )
    })?;
    let setup = setup::setup(profile, &SetupContext::default(), None);
    let start = Instant::now();
    let ended = runtime.block_on(async {
        let mut client = client::spawn(
            Arc::new(TcpDialer::default()),
            target,
            setup,
            Arc::new(Counters::default()),
        );
        let first = async {
            loop {
                match client.events.recv().await {
                    Some(Event::Ready { .. }) => return Ok(start.elapsed()),
                    Some(Event::Lost { fault, .. }) => {
                        return Err((fault.to_string(), fault.hint().to_owned()));
                    }
                    Some(_) => {}
                    None => {
                        return Err(("the connection ended".to_owned(), "Try again.".to_owned()));
                    }
                }
            }
        };
        let limited = tokio::time::timeout(LIMIT, first).await;
        limited.unwrap_or_else(|_| {
            Err((
                format!("no answer within {} s", LIMIT.as_secs()),
                "Check the network connection.".to_owned(),
            ))
        })
    });
    // What still runs (a name look-up, say) is not waited for.
    runtime.shutdown_background();
    ended
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
