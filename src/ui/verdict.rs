//! The verdict of a reply time: against the target of the profile, and against what is usual for this service. Red is only
//! what the user can do something about, or what is out of the ordinary: a service that takes its usual time over the target
//! is no fault.
//!
//! ```text
//!  within the target ──────────────────────────────────────────────▶ on target      (ok)
//!  over it, and this computer or this network is why ──────────────▶ whose it is    (red)
//!  over it, and much more than the last turns took ────────────────▶ unusual delay  (red)
//!  over it, as in the last turns ──────────────────────────────────▶ usual          (calm)
//!  over it, and too few turns to know ─────────────────────────────▶ the service    (calm)
//! ```

use std::time::Duration;

use eframe::egui::Color32;

use super::format::millis;
use super::icons::Sign;
use super::theme::Tokens;
use crate::base::text::t;
use crate::telemetry::record::TurnRecord;
use crate::turn::timeline::{Latencies, connection_wait};

/// As many turns show what is usual, and so many are looked at.
const LEAST_FOR_USUAL: usize = 10;
const MOST_FOR_USUAL: usize = 30;
/// A share below this is not named: no one waits for it.
const WORTH_NAMING: Duration = Duration::from_millis(100);
/// An unusual delay is longer than the usual one by this factor, and by a time that is felt.
const UNUSUAL_FACTOR: f64 = 1.5;
const FELT: Duration = Duration::from_millis(150);

/// What the last turns with the same profile and model took: medians.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usual {
    pub(super) turns: usize,
    pub(super) response: Duration,
    /// The share of the service and the network.
    pub(super) server: Duration,
    /// The share of this computer.
    pub(super) ours: Duration,
}

/// How a reply time is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplyVerdict {
    /// Within the target.
    OnTarget,
    /// Over it, and that is usual; this computer adds so much.
    Usual { server: Duration, ours: Duration },
    /// Over it because of the service, and too few turns tell whether that is usual.
    Service(Duration),
    /// Over it because the finished answer was held until the user had.
    Held(Duration),
    /// Over it because of this computer.
    ThisComputer(Duration),
    /// Over it because of the network to the service.
    ThisNetwork(Duration),
    /// Much longer than this, which is usual.
    Unusual(Duration),
}

/// Judges a reply time. `round_trip` is that of the connection, if it is known.
pub(super) fn judge(
    last: &Latencies,
    target: Duration,
    usual: Option<Usual>,
    round_trip: Option<Duration>,
) -> Option<ReplyVerdict> {
    let response = last.response?;
    if response <= target {
        return Some(ReplyVerdict::OnTarget);
    }
    if let Some(ours) = slowed_here(last, target) {
        return Some(ReplyVerdict::ThisComputer(ours));
    }
    let server = last.server.unwrap_or_default();
    let wait = connection_wait(last.uplink).unwrap_or_default();
    let network = wait + round_trip.unwrap_or_default().min(server);
    if wait > server || is_cause(network, response, target) {
        return Some(ReplyVerdict::ThisNetwork(network));
    }
    if let Some(usual) = usual {
        let beyond = response.saturating_sub(usual.response);
        if response > usual.response.mul_f64(UNUSUAL_FACTOR) && beyond >= FELT {
            return Some(ReplyVerdict::Unusual(usual.response));
        }
        return Some(ReplyVerdict::Usual {
            server: usual.server,
            ours: last.computer().unwrap_or_default(),
        });
    }
    if last.held > server {
        return Some(ReplyVerdict::Held(last.held));
    }
    Some(ReplyVerdict::Service(server))
}

/// The share of this computer in a reply time over the target, where that share is why.
pub(super) fn slowed_here(latencies: &Latencies, target: Duration) -> Option<Duration> {
    let (response, ours) = (latencies.response?, latencies.computer()?);
    let others = [
        latencies.server,
        connection_wait(latencies.uplink),
        Some(latencies.held),
    ];
    let largest = Some(ours) > others.into_iter().flatten().max();
    let over = response > target;
    (over && (is_cause(ours, response, target) || largest)).then_some(ours)
}

/// Whether a share that is worth naming is why the target was missed: without it the reply would have been in time.
fn is_cause(share: Duration, response: Duration, target: Duration) -> bool {
    share >= WORTH_NAMING && response.saturating_sub(share) <= target
}

/// What is usual, by the newest turns, newest first: those with the profile and the model of the newest that was heard, which is
/// judged and so left out.
pub(super) fn usual<'a>(turns: impl Iterator<Item = &'a TurnRecord>) -> Option<Usual> {
    let mut heard = turns.filter(|turn| turn.latencies.response.is_some());
    let newest = heard.next()?;
    let same = |turn: &&TurnRecord| turn.profile == newest.profile && turn.model == newest.model;
    let latencies: Vec<_> = heard
        .filter(same)
        .take(MOST_FOR_USUAL)
        .map(|turn| &turn.latencies)
        .collect();
    usual_of(&latencies)
}

fn usual_of(latencies: &[&Latencies]) -> Option<Usual> {
    let of = |share: fn(&Latencies) -> Option<Duration>| {
        let mut all: Vec<_> = latencies
            .iter()
            .filter_map(|latencies| share(latencies))
            .collect();
        all.sort_unstable();
        (all.len() >= LEAST_FOR_USUAL).then(|| (all.len(), all[all.len() / 2]))
    };
    let (turns, response) = of(|latencies| latencies.response)?;
    Some(Usual {
        turns,
        response,
        server: of(|latencies| latencies.server)?.1,
        ours: of(Latencies::computer)?.1,
    })
}

impl ReplyVerdict {
    /// Its sign and colour.
    pub(super) const fn mark(self, t: &Tokens) -> (Sign, Color32) {
        match self {
            Self::OnTarget => (Sign::Dot, t.ok),
            Self::Usual { .. } | Self::Service(_) | Self::Held(_) => (Sign::Ring, t.normal),
            Self::ThisComputer(_) | Self::ThisNetwork(_) | Self::Unusual(_) => (Sign::Cross, t.bad),
        }
    }

    /// It in a few words; `name` is what the service is called.
    pub(super) fn words(self, name: &str) -> String {
        match self {
            Self::OnTarget => t!("on-target").into(),
            Self::Usual { .. } => t!("usual-for-service", name),
            Self::Service(took) => t!("service-took", name, took = millis(took)),
            Self::Held(held) => t!("held-for-you", held = millis(held)),
            Self::ThisComputer(took) => t!("this-computer-took", took = millis(took)),
            Self::ThisNetwork(took) => t!("your-network-took", took = millis(took)),
            Self::Unusual(usual) => t!("unusually-slow-usual-is", usual = millis(usual)),
        }
    }

    /// What that means, in sentences.
    pub(super) fn explanation(self, name: &str, target: Duration) -> String {
        let means = match self {
            Self::OnTarget => t!("the-reply-came-in-time").to_owned(),
            Self::Usual { server, ours } => t!(
                "usual-for-today-ms-yours",
                name,
                server = millis(server),
                ours = millis(ours)
            ),
            Self::Service(_) => t!("and-the-way-to-it", name, least_for_usual = LEAST_FOR_USUAL),
            Self::Held(_) => t!("the-answer-was-ready-and").to_owned(),
            Self::ThisComputer(_) => t!("this-computer-is-why-details").to_owned(),
            Self::ThisNetwork(_) => t!("the-way-to-the-service-is").to_owned(),
            Self::Unusual(_) => t!("much-longer-than-the-last", name),
        };
        t!("target-of-this-profile-ms", means, target = millis(target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn took(server: u64, ours: u64) -> Latencies {
        Latencies {
            server: Some(ms(server)),
            client: Some(ms(ours)),
            response: Some(ms(server + ours)),
            ..Latencies::default()
        }
    }

    #[test]
    fn red_is_what_the_user_can_do_something_about_or_what_is_unusual() {
        let gemini = Some(Usual {
            turns: 12,
            response: ms(654),
            server: ms(640),
            ours: ms(14),
        });
        let usual = |ours| ReplyVerdict::Usual {
            server: ms(640),
            ours: ms(ours),
        };
        for (server, ours, trip, before, wanted) in [
            (200, 20, None, None, ReplyVerdict::OnTarget),
            (280, 20, None, gemini, ReplyVerdict::OnTarget),
            (281, 20, None, None, ReplyVerdict::Service(ms(281))),
            (650, 14, None, None, ReplyVerdict::Service(ms(650))),
            (650, 14, None, gemini, usual(14)),
            // A little slower is usual yet; so is half as much again.
            (780, 60, None, gemini, usual(60)),
            (967, 14, None, gemini, usual(14)),
            (968, 14, None, gemini, ReplyVerdict::Unusual(ms(654))),
            (3_000, 14, None, gemini, ReplyVerdict::Unusual(ms(654))),
            // This computer is the cause: without its share it were in time, or it is the largest.
            (101, 239, None, None, ReplyVerdict::ThisComputer(ms(239))),
            (250, 120, None, gemini, ReplyVerdict::ThisComputer(ms(120))),
            (650, 700, None, gemini, ReplyVerdict::ThisComputer(ms(700))),
            (290, 60, None, gemini, usual(60)),
            // The network is.
            (
                450,
                20,
                Some(220),
                gemini,
                ReplyVerdict::ThisNetwork(ms(220)),
            ),
            (450, 20, Some(60), gemini, usual(20)),
            (650, 20, Some(220), gemini, usual(20)),
        ] {
            let got = judge(&took(server, ours), ms(300), before, trip.map(ms));
            assert_eq!(got, Some(wanted), "{server} + {ours}, round trip {trip:?}");
        }
        assert_eq!(judge(&Latencies::default(), ms(300), gemini, None), None);
    }

    #[test]
    fn a_wait_for_the_connection_is_the_networks() {
        let waited = Latencies {
            uplink: Some(ms(3_000)),
            ..took(100, 3_020)
        };
        assert_eq!(
            judge(&waited, ms(300), None, Some(ms(40))),
            Some(ReplyVerdict::ThisNetwork(ms(3_040)))
        );
        assert_eq!(slowed_here(&waited, ms(300)), None);
    }

    #[test]
    fn an_answer_that_was_held_is_nobodys_fault() {
        let held = Latencies {
            held: ms(371),
            ..took(100, 400)
        };
        assert_eq!(
            judge(&held, ms(300), None, None),
            Some(ReplyVerdict::Held(ms(371)))
        );
        assert_eq!(slowed_here(&held, ms(300)), None);
    }

    #[test]
    fn a_quick_service_is_unusual_only_when_the_delay_is_felt() {
        let quick = Some(Usual {
            turns: 10,
            response: ms(310),
            server: ms(290),
            ours: ms(20),
        });
        let got = |server| judge(&took(server, 20), ms(300), quick, None);
        assert!(matches!(got(440), Some(ReplyVerdict::Usual { .. })));
        assert_eq!(got(446), Some(ReplyVerdict::Unusual(ms(310))));
    }

    #[test]
    fn what_is_usual_needs_ten_turns_and_is_their_median() {
        let all: Vec<_> = [500, 9_000, 640, 650, 630, 645, 635, 655, 648, 620]
            .map(|server| took(server, 14))
            .into();
        let all: Vec<_> = all.iter().collect();
        assert_eq!(usual_of(&all[1..]), None);
        let usual = usual_of(&all).expect("ten");
        assert_eq!(
            (usual.turns, usual.server, usual.ours),
            (10, ms(645), ms(14))
        );
        assert_eq!(usual.response, ms(659));
    }

    #[test]
    fn the_words_say_whose_it_is() {
        let t = &super::super::theme::DARK;
        let usual = ReplyVerdict::Usual {
            server: ms(640),
            ours: ms(14),
        };
        assert_eq!(usual.words("Gemini"), "usual for Gemini");
        assert!(
            usual
                .explanation("Gemini", ms(300))
                .starts_with("Usual for Gemini today: 640 ms, yours adds 14.")
        );
        assert_eq!(usual.mark(t).1, t.normal);
        for (red, words) in [
            (
                ReplyVerdict::ThisComputer(ms(239)),
                "this computer took 239",
            ),
            (ReplyVerdict::ThisNetwork(ms(220)), "your network took 220"),
            (
                ReplyVerdict::Unusual(ms(640)),
                "unusually slow: usual is 640",
            ),
        ] {
            assert_eq!(
                (red.words("Gemini"), red.mark(t).1),
                (words.to_owned(), t.bad)
            );
        }
    }
}
