//! The service's share of a response, and the likely cause of a long one.

use std::time::Duration;

use super::remedy::Remedy;
use super::rules::ms;
use super::shares::{LargestShare, Shares};
use super::types::{Cause, Evidence, Finding, LEAST_TURNS, TurnPart};

/// The usual share of the service is 0.3 to 1 s (README: latency). From here on it is reported as long, even if another
/// share is larger.
const LONG_SERVICE: Duration = Duration::from_millis(700);
/// Least slowdown that counts as busy.
const NOTABLE: Duration = Duration::from_millis(50);
/// A longer instruction is read again with every turn, which is noticeable.
const LONG_INSTRUCTION: usize = 2_000;
/// A longer context delays the first audio (the slowest profile lets it grow to 32 000).
const LONG_CONTEXT: u64 = 20_000;

/// The finding of the service, if it has the largest share of a response over the target, or is slow by itself.
pub(super) fn service(e: &Evidence, shares: &Shares) -> Option<Finding> {
    let named = shares.largest() == LargestShare::Service || shares.service > LONG_SERVICE;
    named.then(|| cause_of(e, shares))
}

/// The first cause that applies, from the most certain to the fallback.
pub(super) fn cause_of(e: &Evidence, shares: &Shares) -> Finding {
    let faster = e.faster_profile.clone().map(Remedy::UseProfile);
    let finding = |cause, what: String, remedy: &str, action| Finding {
        part: TurnPart::Service,
        cause,
        costs: Some(shares.service),
        what,
        remedy: remedy.to_owned(),
        action,
    };
    let took = ms(shares.service);
    if e.searches {
        finding(
            Cause::Search,
            format!("The service needs {took}: it searches the web before it answers."),
            "Set `live.google_search: false` in the profile if answers need not be of today.",
            faster,
        )
    } else if e.thinks {
        finding(
            Cause::Thinking,
            format!("The service needs {took}: the model may think before it answers."),
            &e.least_thinking.map_or_else(
                || "Take a model that does not think, with `live.model` in the profile, or a faster profile.".to_owned(),
                |least| format!("Set `live.thinking: {least}` in the profile, or take a faster one."),
            ),
            faster,
        )
    } else if e.automatic_detection {
        finding(
            Cause::ServiceDetection,
            format!("The service needs {took}; the silence that it waits for is in it."),
            "Set `detection: manual` in the configuration, or `turn.detection: manual` in the profile: then this computer decides when you have finished.",
            None,
        )
    } else if e
        .recent
        .prompt_tokens
        .is_some_and(|tokens| tokens > LONG_CONTEXT)
    {
        let tokens = e.recent.prompt_tokens.unwrap_or_default();
        finding(
            Cause::Context,
            format!(
                "The service needs {took}: it reads a conversation of {tokens} tokens with every turn."
            ),
            "Lower `live.compress_at_tokens` in the profile: the oldest turns are then forgotten earlier.",
            faster,
        )
    } else if e.instruction_chars > LONG_INSTRUCTION {
        let chars = e.instruction_chars;
        finding(
            Cause::Instruction,
            format!(
                "The service needs {took}: it reads an instruction of {chars} characters with every turn."
            ),
            "Shorten `live.instruction` in the profile.",
            None,
        )
    } else {
        busy(e).unwrap_or_else(|| slow(e, shares))
    }
}

/// No setting explains it, and the service was faster before: by half, and by more than the usual variation.
fn busy(e: &Evidence) -> Option<Finding> {
    let server = e.recent.server?;
    let before = e.usual.server.filter(|_| e.usual.n >= LEAST_TURNS)?;
    let grown = server >= before.mul_f64(1.5) && server >= before + NOTABLE;
    grown.then(|| Finding {
        part: TurnPart::Service,
        cause: Cause::ServiceBusy,
        costs: Some(server - before),
        what: format!(
            "Service and network need {}, and needed {} before: the service is busy.",
            ms(server),
            ms(before)
        ),
        remedy: "Nothing is wrong here. It mostly passes within minutes; a new connection may reach another machine.".into(),
        action: Some(Remedy::Reconnect),
    })
}

/// The fallback: the model is slow.
fn slow(e: &Evidence, shares: &Shares) -> Finding {
    let took = ms(shares.service);
    let who = match &e.model {
        Some(model) => format!("model {model}"),
        None => "server on this computer".to_owned(),
    };
    let has = if shares.service * 2 > shares.response {
        "takes most of it"
    } else {
        "has the largest share"
    };
    let long = shares.service > LONG_SERVICE;
    let what = if long {
        format!("The {who} needs {took} for its first sound.")
    } else {
        let response = ms(shares.response);
        let usual = e.model.as_ref().map_or("", |_| ", which is usual today");
        format!(
            "The service {has}: the {who} needs {took} of {response} for its first sound{usual}."
        )
    };
    let remedy = match (&e.model, long) {
        (None, _) => {
            "No setting of this program makes it faster: look at that server, or at what it asks in turn."
        }
        (Some(_), true) => "Choose a faster model with `live.model` in the profile.",
        (Some(_), false) => {
            "Another model (`live.model`), a shorter `live.instruction`, or another way to the service (no VPN or proxy, a cable) may be faster; no setting of sound or patience is."
        }
    };
    Finding {
        part: TurnPart::Service,
        cause: Cause::Model,
        costs: Some(shares.service),
        what,
        remedy: remedy.to_owned(),
        action: None,
    }
}
