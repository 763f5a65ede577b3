//! The service's share of a response, and the likely cause of a long one.

use std::time::Duration;

use super::remedy::Remedy;
use super::rules::ms;
use super::shares::{LargestShare, Shares};
use super::types::{Cause, Evidence, Finding, LEAST_TURNS, TurnPart};
use crate::base::text::t;

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
            t!("the-service-needs-it-searches", took),
            t!("set-live-google-search-false"),
            faster,
        )
    } else if e.thinks {
        finding(
            Cause::Thinking,
            t!("the-service-needs-the-model", took),
            &e.least_thinking.map_or_else(
                || t!("take-a-model-that-does").to_owned(),
                |least| t!("set-live-thinking-in-the", least),
            ),
            faster,
        )
    } else if e.automatic_detection {
        finding(
            Cause::ServiceDetection,
            t!("the-service-needs-the-silence", took),
            t!("set-detection-manual-in-the"),
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
            t!("the-service-needs-it-reads-a", took, tokens),
            t!("lower-live-compress-at-tokens"),
            faster,
        )
    } else if e.instruction_chars > LONG_INSTRUCTION {
        let chars = e.instruction_chars;
        finding(
            Cause::Instruction,
            t!("the-service-needs-it-reads", took, chars),
            t!("shorten-live-instruction-in-the"),
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
        what: t!(
            "service-and-network-need-and",
            server = ms(server),
            before = ms(before)
        ),
        remedy: t!("nothing-is-wrong-here-it").into(),
        action: Some(Remedy::Reconnect),
    })
}

/// The fallback: the model is slow.
fn slow(e: &Evidence, shares: &Shares) -> Finding {
    let took = ms(shares.service);
    let who = match &e.model {
        Some(model) => t!("model", model),
        None => t!("server-on-this-computer").to_owned(),
    };
    let has = if shares.service * 2 > shares.response {
        t!("takes-most-of-it")
    } else {
        t!("has-the-largest-share")
    };
    let long = shares.service > LONG_SERVICE;
    let what = if long {
        t!("the-needs-for-its-first", who, took)
    } else {
        let response = ms(shares.response);
        let usual = e.model.as_ref().map_or("", |_| t!("which-is-usual-today"));
        t!("the-service-the-needs-of", has, who, took, response, usual)
    };
    let remedy = match (&e.model, long) {
        (None, _) => {
            t!("no-setting-of-this-program")
        }
        (Some(_), true) => t!("choose-a-faster-model-with"),
        (Some(_), false) => {
            t!("another-model-live-model-a")
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
