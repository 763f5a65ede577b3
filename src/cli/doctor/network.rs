//! Checks that need a connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde::Serialize;
use url::Url;

use super::check::Check;
use super::setup;
use crate::base::counters::Counters;
use crate::base::supervise::Failures;
use crate::conversation::link_words::unreached;
use crate::conversation::session_config_now;
use crate::profile::Profile;
use crate::provider::choose;
use crate::provider::connection::dial::TcpDialer;
use crate::provider::connection::environment::{self, EnvironmentFinding};
use crate::provider::gemini::model_list::live_models;
use crate::provider::gemini::models::{self, Model, Purpose};
use crate::provider::{
    FaultKind, ProviderEvent, ProviderFault, Ready, ServiceEndpoint, SessionConfig,
};
use crate::server::Server;
use crate::settings::config::Config;

/// Timeout, as in the other commands.
const LIMIT: Duration = Duration::from_secs(15);

/// Starts the embedded server and sets a conversation up with it.
pub(super) fn demo() -> Check {
    let name = "demo";
    let hint = "Check that programs may open ports on 127.0.0.1 (firewall, container).";
    let (server, token) = match Server::start_demo(false, Failures::default()) {
        Ok(started) => started,
        Err(error) => return Check::bad(name, error.to_string(), hint),
    };
    let profile = crate::profile::builtin(crate::profile::DEFAULT)
        .expect("the default profile is a built-in");
    let target = ServiceEndpoint {
        url: server.url(),
        key: Some(token),
    };
    let answer = set_up(target, session_config_now(&Config::default(), &profile));
    server.stop();
    match answer {
        Ok((took, _)) => Check::ok(
            name,
            format!("set up in {:.0} ms over {}", millis(took), "127.0.0.1"),
        ),
        Err(failure) => Check::bad(name, failure.what, hint),
    }
}

/// Proxy and certificates of the environment, for `url` or for the demo.
pub(super) fn way(url: Option<&Url>) -> Vec<Check> {
    let checks = |name, findings: Vec<EnvironmentFinding>| {
        findings.into_iter().map(move |finding| match finding {
            EnvironmentFinding {
                what, hint: None, ..
            } => Check::ok(name, what),
            EnvironmentFinding {
                what,
                hint: Some(hint),
                fatal: true,
            } => Check::bad(name, what, hint),
            EnvironmentFinding {
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

/// The answers of the service.
pub(super) struct ServiceAnswers {
    pub(super) checks: Vec<Check>,
    /// The models available with the key, if the service lists them.
    pub(super) models: Option<Vec<Usable>>,
}

/// A model that the key can use in a Live conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Usable {
    name: String,
    /// Its status in this version: `stable`, `preview`, `ended`, `may_have_ended` or `unknown`.
    state: &'static str,
    /// Whether it answers what it hears.
    talks: bool,
}

impl Usable {
    fn new(name: String) -> Self {
        let model = models::known(&name);
        Self {
            state: model.map_or("unknown", Model::state_name),
            talks: model.is_none_or(|model| model.purpose != Purpose::Transcription),
            name,
        }
    }
}

/// Resolves, dials, sends the set-up that a conversation with `profile` would send, and asks for the list of models.
pub(super) fn service(
    url: Url,
    key: Option<SecretString>,
    profile: &Profile,
    config: &Config,
) -> ServiceAnswers {
    let place = setup::place(&url);
    let target = ServiceEndpoint { url, key };
    let (check, answered) = match set_up(target.clone(), session_config_now(config, profile)) {
        Ok((took, under_v1)) => (
            Check::ok(
                "service",
                format!(
                    "{place} took the set-up of `{}` after {:.0} ms",
                    profile.name,
                    millis(took)
                ),
            ),
            Some(under_v1),
        ),
        Err(failure) => {
            let what = format!("{}: {}", unreached(&place, true, false), failure.what);
            let check = Check::bad("service", what, failure.hint);
            (check, failure.answered.then_some(false))
        }
    };
    let mut checks = vec![check];
    // An unreachable service would fail again with the same message.
    let listed = answered.map(|under_v1| list(target, under_v1));
    let mut models = None;
    match listed {
        None => {}
        Some(Ok(Some(names))) => {
            let usable: Vec<_> = names.into_iter().map(Usable::new).collect();
            checks.push(among(&usable, profile));
            models = Some(usable);
        }
        Some(Ok(None)) => checks.push(Check::ok(
            "models",
            format!(
                "{place} keeps no list of models, so which ones this key can talk to is not known"
            ),
        )),
        Some(Err(failure)) => {
            let what = format!("{place} did not list its models: {}", failure.what);
            checks.push(Check::warn("models", what, failure.hint));
        }
    }
    ServiceAnswers { checks, models }
}

/// Lists the models for live conversations, and checks that the profile's model is among them.
fn among(usable: &[Usable], profile: &Profile) -> Check {
    let name = "models";
    let (model, profile) = (&profile.live.model, &profile.name);
    let talk: Vec<&str> = (usable.iter().filter(|usable| usable.talks))
        .map(|usable| usable.name.as_str())
        .collect();
    if talk.is_empty() {
        let what = "the service lists no model that this key can talk to";
        let hint = "Make a key in Google AI Studio for a project with the Gemini API, or look at the region and the billing of yours.";
        return Check::warn(name, what, hint);
    }
    let listed = talk.join(", ");
    if talk.contains(&model.as_str()) {
        let what = format!("this key can talk to {listed}; `{profile}` uses {model}");
        Check::ok(name, what)
    } else {
        let what = format!(
            "this key can talk to {listed}, and {model}, which `{profile}` uses, is not among them"
        );
        let hint = "Write one of these as `live.model` into the profile.";
        Check::warn(name, what, hint)
    }
}

/// A failed step, with its remedy.
struct Failure {
    what: String,
    hint: String,
    /// The service was reached, and refused.
    answered: bool,
}

impl Failure {
    fn new(what: impl Into<String>, hint: &str) -> Self {
        Self {
            what: what.into(),
            hint: hint.to_owned(),
            answered: false,
        }
    }
}

impl From<ProviderFault> for Failure {
    fn from(fault: ProviderFault) -> Self {
        Self {
            answered: fault.kind == FaultKind::Refused,
            ..Self::new(fault.what.to_string(), fault.hint)
        }
    }
}

/// How long it took until the set-up was accepted, and whether that was under `v1` of the API.
fn set_up(target: ServiceEndpoint, config: SessionConfig) -> Result<(Duration, bool), Failure> {
    let start = Instant::now();
    within_limit(async {
        let mut client = choose::spawn(
            Arc::new(TcpDialer::default()),
            target,
            config,
            Arc::new(Counters::default()),
        );
        loop {
            match client.events.recv().await {
                Some(ProviderEvent::Ready(Ready { other_version, .. })) => {
                    return Ok((start.elapsed(), other_version.is_some()));
                }
                Some(ProviderEvent::Lost { fault, .. }) => return Err(fault.into()),
                Some(_) => {}
                None => return Err(Failure::new("the connection ended", "Try again.")),
            }
        }
    })
}

fn list(target: ServiceEndpoint, under_v1: bool) -> Result<Option<Vec<String>>, Failure> {
    within_limit(async {
        let listed = live_models(Arc::new(TcpDialer::default()), target, under_v1).await;
        listed.map_err(|fault| ProviderFault::from(fault).into())
    })
}

/// Runs it on its own runtime, for at most [`LIMIT`].
fn within_limit<T>(asked: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime
        .map_err(|error| Failure::new(error.to_string(), "Close other programs and try again."))?;
    let ended = runtime.block_on(async {
        let limited = tokio::time::timeout(LIMIT, asked).await;
        limited.unwrap_or_else(|_| {
            let what = format!("no answer within {} s", LIMIT.as_secs());
            Err(Failure::new(what, "Check the network connection."))
        })
    });
    // Pending work (a name look-up, say) is abandoned.
    runtime.shutdown_background();
    ended
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn the_model_of_the_profile_is_looked_for_among_those_of_the_key() {
        let profile = crate::profile::builtin("balanced").expect("built in");
        let usable = |names: &[&str]| -> Vec<Usable> {
            names
                .iter()
                .map(|name| Usable::new((*name).to_owned()))
                .collect()
        };
        let both = usable(&[
            "gemini-3.5-transcribe-live",
            "gemini-3.8-live",
            "gemini-9-live",
        ]);
        let check = among(&both, &profile);
        assert_eq!(check.status, Status::Ok);
        let found =
            "this key can talk to gemini-3.8-live, gemini-9-live; `balanced` uses gemini-3.8-live";
        assert_eq!(check.what, found);
        let states: Vec<_> = both.iter().map(|usable| usable.state).collect();
        assert_eq!(states, ["stable", "stable", "unknown"]);
        let check = among(&usable(&["gemini-9-live"]), &profile);
        assert_eq!(check.status, Status::Warn);
        assert!(check.what.ends_with("is not among them"), "{}", check.what);
        let check = among(&usable(&["gemini-3.5-transcribe-live"]), &profile);
        assert_eq!(check.status, Status::Warn, "it does not talk");
    }
}
