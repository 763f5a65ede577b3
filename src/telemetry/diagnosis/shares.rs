//! The shares of a response, and the finding for the largest one.
//!
//! ```text
//! response = ours (short uplink, decode, held, buffer, device) + network (one round trip, a wait for it) + service (the rest)
//! ```

use std::time::Duration;

use super::remedy::Remedy;
use super::rules::{MANY_CUT_OFFS, ms};
use super::types::{Cause, Evidence, Finding, TurnPart};
use crate::base::text::t;
use crate::turn::timeline::connection_wait;

/// The shares of a typical response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) response: Duration,
    ours: Duration,
    network: Duration,
    pub(super) service: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LargestShare {
    Ours,
    Network,
    Service,
}

impl LargestShare {
    /// Whether a finding concerns it.
    pub(super) fn is_named_by(self, finding: &Finding) -> bool {
        let held = matches!(finding.cause, Cause::HeldForPatience | Cause::OwnShare);
        match self {
            Self::Ours => held || finding.part == TurnPart::Downlink,
            Self::Network => matches!(finding.part, TurnPart::Uplink | TurnPart::Network),
            Self::Service => finding.part == TurnPart::Service,
        }
    }
}

impl Shares {
    /// `None` without responses.
    pub(super) fn of(e: &Evidence) -> Option<Self> {
        let response = e.recent.response?;
        let server = e.recent.server.unwrap_or_default();
        let trip = e.round_trip.unwrap_or_default().min(server);
        let wait = connection_wait(e.recent.uplink).unwrap_or_default();
        Some(Self {
            response,
            ours: response.saturating_sub(server + wait),
            network: trip + wait,
            service: server - trip,
        })
    }

    pub(super) fn largest(&self) -> LargestShare {
        if self.ours > self.network.max(self.service) {
            LargestShare::Ours
        } else if self.network > self.service {
            LargestShare::Network
        } else {
            LargestShare::Service
        }
    }

    pub(super) fn network(&self, e: &Evidence) -> Finding {
        let (cause, remedy) = if e.proxy {
            (Cause::Proxy, t!("the-connection-goes-through-a-proxy"))
        } else {
            (Cause::Distance, t!("it-depends-on-where-the"))
        };
        Finding {
            part: TurnPart::Network,
            cause,
            costs: Some(self.network),
            what: t!(
                "the-way-to-the-service-and",
                network = ms(self.network),
                response = ms(self.response)
            ),
            remedy: remedy.to_owned(),
            action: None,
        }
    }

    pub(super) fn ours(&self, e: &Evidence) -> Finding {
        let typical = &e.recent;
        let faster = || e.faster_profile.clone().map(Remedy::UseProfile);
        let parts = [
            (
                typical.decode,
                TurnPart::Downlink,
                t!("until-an-answer-is-taken"),
                t!("close-programs-that-use-the"),
                None,
            ),
            (
                typical.held,
                TurnPart::Patience,
                t!("until-it-is-clear-that"),
                held_remedy(e),
                None,
            ),
            (
                typical.buffer,
                TurnPart::Downlink,
                t!("until-enough-of-an-answer"),
                t!("lower-audio-prebuffer-ms-in-the-profile"),
                e.shorter_prebuffer_profile.clone().map(Remedy::UseProfile),
            ),
            (
                typical.device,
                TurnPart::Downlink,
                t!("in-the-speaker"),
                t!("lower-audio-period-frames-in-the"),
                faster(),
            ),
        ];
        let known = parts
            .into_iter()
            .filter_map(|(length, part, at, remedy, action)| {
                Some((length?, part, at, remedy, action))
            });
        let begins = t!(
            "this-computer-has-the-largest",
            ours = ms(self.ours),
            response = ms(self.response)
        );
        let (part, what, remedy, action) = match known.max_by_key(|(length, ..)| *length) {
            Some((length, part, at, remedy, action)) => (
                part,
                t!("of-which-pass", begins, length = ms(length), at),
                remedy,
                action,
            ),
            None => (
                TurnPart::Downlink,
                format!("{begins}."),
                t!("its-parts-are-not-known"),
                faster(),
            ),
        };
        Finding {
            part,
            cause: Cause::OwnShare,
            costs: Some(self.ours),
            what,
            remedy: remedy.to_owned(),
            action,
        }
    }
}

fn held_remedy(e: &Evidence) -> &'static str {
    if e.cut_offs_percent
        .is_some_and(|share| share > MANY_CUT_OFFS)
    {
        t!("with-less-patience-more-of")
    } else {
        t!("if-you-rarely-pause-lower-turn")
    }
}
