//! The result of `sovereign load` (`sovereign.load/1`) and its checks.

mod document;
mod limit_checks;
mod measured;

use serde::{Deserialize, Serialize};

use super::compare::{Difference, caveats, compare, places, unlike};
use super::limit_verdict::{LimitCheck, headline, passed};
use super::results::Circumstances;
pub use measured::{
    Conversations, HeldBack, LEAST_RATIO, Limits, LoadResults, MOST_DRY, MOST_LATE, RealTime,
    Second, Usage,
};

/// Name of the JSON's form.
pub const SCHEMA: &str = "sovereign.load/1";
/// Name of a load without a scenario, in the JSON.
pub const FREE: &str = "free";
/// Runs whose lengths differ by more than this share are not quite alike.
const LENGTH_SHARE: f64 = 0.1;

/// A scenario's name for people: a load without one has no name of theirs.
pub fn scenario_words(scenario: &str) -> &str {
    if scenario == FREE {
        "no scenario"
    } else {
        scenario
    }
}

/// Parameters that two runs must share to be comparable.
#[derive(Clone, Copy, Debug)]
pub struct RunParameters<'a> {
    pub scenario: &'a str,
    pub profile: &'a str,
    /// The most conversations at a time.
    pub sessions: usize,
    /// The most utterances that are under way at the same time.
    pub requests: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    pub schema: String,
    pub run: Circumstances,
    #[serde(flatten)]
    pub figures: LoadResults,
    /// Limits and whether they were kept.
    pub checks: Vec<LimitCheck>,
    /// What it means, in words.
    pub remarks: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub comparison: Vec<Difference>,
    /// What else is not alike of the earlier report.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub caveats: Vec<String>,
    /// Whether all limits were kept, as far as they could be checked.
    pub passed: bool,
}

impl Load {
    /// Judges a run, and compares it with an earlier report.
    pub fn new(
        run: Circumstances,
        mut figures: LoadResults,
        limits: &Limits,
        earlier: Option<&Self>,
    ) -> Self {
        let failed = figures.failures();
        let tried = failed + figures.turns.replied() + figures.conversations.connected;
        figures.error_rate = failed as f64 / (tried.max(1)) as f64;
        let checks = limit_checks::checks(&figures, limits);
        let caveats = earlier.map_or_else(Vec::new, |earlier| earlier.caveats(&run, &figures));
        let comparison = earlier.map_or_else(Vec::new, |earlier| {
            compare(
                &figures.scenario,
                &earlier.figures.latency_ms,
                &figures.latency_ms,
            )
        });
        Self {
            schema: SCHEMA.to_owned(),
            remarks: limit_checks::remarks(&run, &figures, limits),
            run,
            passed: passed(&checks),
            figures,
            checks,
            comparison,
            caveats,
        }
    }

    /// How a run that is asked for like this, with these circumstances, differs from this one so that the two cannot be
    /// compared; empty if they can.
    pub fn unlike(&self, run: &Circumstances, asked: &RunParameters<'_>) -> Vec<String> {
        let old = &self.figures;
        let limit = |requests: Option<u32>| requests.map_or("none".into(), |n| n.to_string());
        let mut pairs = vec![
            ("scenario", old.scenario.clone(), asked.scenario.to_owned()),
            ("profile", old.profile.clone(), asked.profile.to_owned()),
            (
                "conversations",
                old.sessions.to_string(),
                asked.sessions.to_string(),
            ),
            ("--requests", limit(old.requests), limit(asked.requests)),
        ];
        pairs.extend(places(&self.run, run));
        unlike(&pairs)
    }

    /// How it went against its limits: see [`headline`].
    pub fn headline(&self) -> String {
        headline(&self.checks, self.run.cut_short.as_deref()).1
    }

    fn caveats(&self, run: &Circumstances, figures: &LoadResults) -> Vec<String> {
        let mut found = caveats(&self.run, run);
        let (old, new) = (self.figures.seconds, figures.seconds);
        if (old - new).abs() > LENGTH_SHARE * old.max(new) {
            let words = |seconds: f64| format!("{seconds:.0} s");
            found.extend(unlike(&[("length", words(old), words(new))]));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::failure_kind::FailureKind;
    use super::super::limit_verdict::Verdict;
    use super::super::results::{TEST_BUILD, TurnRow};
    use super::super::{html, markdown, sheet};
    use super::*;

    const NORMAL: Limits = Limits {
        response_p95_ms: Some(2_000.0),
        recovery_s: None,
        growth_mb: None,
    };

    fn turns(response: f64) -> Vec<TurnRow> {
        let turn = |number| {
            let mut latency_ms = [None; 9];
            latency_ms[5] = Some(response);
            TurnRow {
                number,
                outcome: "completed".into(),
                latency_ms,
                ..TurnRow::default()
            }
        };
        (1..=200).map(turn).collect()
    }

    fn figures(turns: &[TurnRow]) -> LoadResults {
        let mut figures = LoadResults {
            scenario: "normal".into(),
            sessions: 50,
            asked: 50,
            conversations: Conversations {
                begun: 50,
                connected: 50,
                most: 50,
                ..Conversations::default()
            },
            real_time: Some(RealTime {
                worst_ratio: 1.0,
                mean_ratio: 1.0,
                ..RealTime::default()
            }),
            timeline: vec![
                Second::default(),
                Second {
                    at_s: 1.0,
                    connected: 50,
                    response_p95_ms: Some(20.0),
                    ..Second::default()
                },
            ],
            ..LoadResults::default()
        };
        turns.iter().for_each(|turn| figures.count(turn));
        figures.latency_ms = super::super::bench::latencies(turns);
        figures
    }

    fn judged(change: impl FnOnce(&mut LoadResults), limits: &Limits) -> Load {
        let mut figures = figures(&turns(20.0));
        change(&mut figures);
        Load::new(Circumstances::default(), figures, limits, None)
    }

    fn failing(n: u64) -> impl FnOnce(&mut LoadResults) {
        move |figures| {
            figures.errors.insert("turn failed".into(), n);
        }
    }

    #[test]
    fn each_limit_is_kept_or_missed_by_its_own_figure() {
        assert!(judged(|_| {}, &NORMAL).passed);
        let slow = Load::new(
            Circumstances::default(),
            figures(&turns(2_100.0)),
            &NORMAL,
            None,
        );
        assert!(!slow.passed && slow.checks[0].verdict == Verdict::Missed);
        // 2 of 250 tries are 0.8 %, 3 are 1.2 %.
        assert!(judged(failing(2), &NORMAL).passed);
        assert!(!judged(failing(3), &NORMAL).passed);
        let late = |f: &mut LoadResults| {
            f.real_time = Some(RealTime {
                worst_ratio: 0.9989,
                ..RealTime::default()
            })
        };
        assert!(!judged(late, &NORMAL).passed);
        let nobody = |failed: u32| {
            judged(
                move |f| {
                    f.conversations.connected = 0;
                    f.errors = (0..failed).map(|_| ("x".to_owned(), 1_u64)).collect();
                },
                &NORMAL,
            )
        };
        let of_errors = |load: &Load| {
            let check = load.checks.iter().find(|check| check.what == "errors");
            check.map(|check| check.verdict)
        };
        assert_eq!(
            of_errors(&nobody(0)),
            Some(Verdict::Unknown),
            "ended before"
        );
        assert_eq!(of_errors(&nobody(1)), Some(Verdict::Missed));
        let spike = Limits {
            recovery_s: Some(10.0),
            ..NORMAL
        };
        assert!(judged(|f| f.recovery_s = Some(1.2), &spike).passed);
        assert!(!judged(|f| f.recovery_s = Some(11.0), &spike).passed);
        assert!(!judged(|f| f.never_well = true, &spike).passed);
        assert!(!judged(|_| {}, &spike).passed, "nothing was found to judge");
        let soak = Limits {
            growth_mb: Some(20.0),
            ..NORMAL
        };
        assert!(!judged(|f| f.growth_mb = Some(21.0), &soak).passed);
        assert!(judged(|f| f.growth_mb = Some(20.0), &soak).passed);
    }

    #[test]
    fn a_load_that_was_not_there_was_not_carried() {
        let fewer = judged(|f| f.conversations.most = 49, &NORMAL);
        assert!(!fewer.passed && fewer.headline() == "1 of 6 limits was missed.");
        let empty = judged(|f| f.conversations.given_up = 1, &NORMAL);
        assert!(
            !empty.passed
                && empty.remarks[0]
                    .starts_with("Places of failed conversations that were left empty: 1.")
        );
        assert!(judged(|f| f.conversations.replaced = 1, &NORMAL).passed);
        // Cut short in the ramp: nothing was asked for long enough ago.
        let early = judged(|f| f.asked = 0, &NORMAL);
        assert_eq!(
            early.headline(),
            "5 of 6 limits were kept, none was missed; for 1 there was nothing to judge."
        );
    }

    #[test]
    fn a_stall_that_the_ratio_forgives_is_missed_by_late_rounds_or_dry_replies() {
        let late = |share| {
            move |f: &mut LoadResults| {
                f.real_time = Some(RealTime {
                    worst_ratio: 1.0,
                    mean_ratio: 1.0,
                    late_share: share,
                    late_from_ms: 30.0,
                    latest_ms: 1_900.0,
                })
            }
        };
        assert!(judged(late(0.01), &NORMAL).passed);
        assert!(!judged(late(0.011), &NORMAL).passed);
        // Of 200 turns.
        assert!(judged(|f| f.ran_dry = 2, &NORMAL).passed);
        assert!(!judged(|f| f.ran_dry = 3, &NORMAL).passed);
        let mut dry = LoadResults::default();
        let turn = |outcome: &str| TurnRow {
            underruns: 2,
            outcome: outcome.into(),
            ..TurnRow::default()
        };
        for turn in [turn("completed"), turn("failed"), TurnRow::default()] {
            dry.count(&turn);
        }
        assert_eq!((dry.underruns, dry.ran_dry), (4, 1));
    }

    #[test]
    fn runs_that_are_not_alike_are_not_compared_and_lesser_differences_are_said() {
        let old = judged(|f| f.seconds = 60.0, &NORMAL);
        let run = Circumstances::default();
        let same = RunParameters {
            scenario: "normal",
            profile: "",
            sessions: 50,
            requests: None,
        };
        assert!(old.unlike(&run, &same).is_empty());
        let other = RunParameters {
            scenario: "peak",
            profile: "balanced",
            sessions: 100,
            requests: Some(5),
        };
        assert_eq!(
            old.unlike(&run, &other),
            [
                "scenario: before normal, now peak",
                "profile: before , now balanced",
                "conversations: before 50, now 100",
                "--requests: before none, now 5"
            ]
        );
        let mut shorter = figures(&turns(20.0));
        shorter.seconds = 10.0;
        let run = Circumstances {
            cores: 8,
            ..Circumstances::default()
        };
        let new = Load::new(run, shorter, &NORMAL, Some(&old));
        assert_eq!(
            new.caveats,
            ["cores: before 0, now 8", "length: before 60 s, now 10 s"]
        );
        let page = html::page(&new.document(&[]));
        assert!(page.contains("length: before 60 s"));
    }

    #[test]
    fn after_a_spike_no_connection_may_be_left() {
        let spike = Limits {
            recovery_s: Some(10.0),
            ..NORMAL
        };
        let left = |n| {
            move |f: &mut LoadResults| {
                f.recovery_s = Some(1.0);
                f.connections_left = Some(n);
            }
        };
        assert!(judged(left(0), &spike).passed);
        assert!(!judged(left(1), &spike).passed);
    }

    #[test]
    fn a_full_machine_is_called_full() {
        let run = |server, cores| {
            let mut figures = figures(&turns(20.0));
            figures.client = Some(Usage {
                cpu_percent_of_core: 90.0,
                ..Usage::default()
            });
            figures.server = Some(Usage {
                cpu_percent_of_core: server,
                ..Usage::default()
            });
            let run = Circumstances {
                cores,
                build: "optimised".into(),
                ..Circumstances::default()
            };
            Load::new(run, figures, &NORMAL, None).remarks
        };
        assert!(run(99.0, 2)[0].starts_with("The 2 cores are full"));
        assert!(run(99.0, 16)[0].starts_with("Our server answers on one thread"));
        assert!(run(20.0, 2).is_empty());
    }

    #[test]
    fn each_missed_limit_has_advice_and_what_is_kept_has_none() {
        assert_eq!(judged(|_| {}, &NORMAL).remarks, [TEST_BUILD]);
        let slow = |late_share: f64, of_service: bool, own_server: bool| {
            let mut turns = turns(2_100.0);
            for turn in &mut turns {
                let shares = if of_service {
                    [2_050.0, 50.0]
                } else {
                    [50.0, 2_050.0]
                };
                [turn.latency_ms[2], turn.latency_ms[4]] = shares.map(Some);
            }
            let mut figures = figures(&turns);
            figures.real_time = Some(RealTime {
                late_share,
                worst_ratio: 1.0,
                ..RealTime::default()
            });
            figures.server = own_server.then(Usage::default);
            Load::new(Circumstances::default(), figures, &NORMAL, None).remarks[0].clone()
        };
        let (service, sound) = ("The service and the network", "Responses are late because");
        for (late_share, of_service, own_server, seen) in [
            (0.0, true, false, service),
            (0.0, true, true, service),
            (0.5, true, false, service),
            // Its own server shares the cores.
            (0.5, true, true, sound),
            (0.5, false, false, sound),
            (0.0, false, false, sound),
        ] {
            let remark = slow(late_share, of_service, own_server);
            assert!(remark.starts_with(seen), "{remark}");
        }
        assert!(slow(0.0, true, false).contains("--requests"));
        assert!(slow(0.0, true, true).contains("answers on one thread"));
        let dry = judged(|f| f.ran_dry = 3, &NORMAL);
        assert!(
            dry.remarks[0].contains("replies that ran dry"),
            "{:?}",
            dry.remarks
        );
        let behind = |f: &mut LoadResults| {
            f.real_time = Some(RealTime {
                worst_ratio: 0.5,
                ..RealTime::default()
            });
        };
        let behind = judged(behind, &NORMAL).remarks;
        assert!(behind[0].contains("sound keeps up with time"), "{behind:?}");
        let fewer = judged(|f| f.conversations.most = 49, &NORMAL).remarks;
        assert!(fewer[0].starts_with("Only 49 of 50"), "{fewer:?}");
        let mut none = figures(&[]);
        let of = |figures| Load::new(Circumstances::default(), figures, &NORMAL, None).remarks;
        let seen = of(none.clone());
        assert!(seen[0].starts_with("No turn came to its end"), "{seen:?}");
        none.errors = [("no reply by the end".to_owned(), 50)].into();
        assert!(
            of(none)[0].starts_with("Most errors were"),
            "failures are told as such"
        );
        for fault in FailureKind::ALL {
            let most = move |f: &mut LoadResults| {
                f.errors = [("x".to_owned(), 1), (fault.name().to_owned(), 9)].into();
            };
            let seen = judged(most, &NORMAL).remarks[0].clone();
            let words = match fault {
                FailureKind::Refused => "`ulimit -n`",
                FailureKind::NotConnected | FailureKind::Lost => "--setups",
                FailureKind::NoReply | FailureKind::NeverAnswered => "--requests",
                FailureKind::Empty => "was not answered",
                FailureKind::Failed => "`error` of the CSV",
                FailureKind::Broken => "please report it",
            };
            assert!(
                seen.contains(fault.name()) && seen.contains(words),
                "{seen}"
            );
        }
        let limited = |n| {
            let held = HeldBack {
                n,
                all_s: 6.0,
                longest_s: 4.5,
            };
            let limit = |f: &mut LoadResults| (f.requests, f.held_back) = (Some(2), Some(held));
            judged(limit, &NORMAL).remarks[0].clone()
        };
        assert_eq!(
            [limited(0), limited(3)],
            [
                "Utterances under way at the same time: 2 at most (--requests); none had to wait for that.",
                "Utterances under way at the same time: 2 at most (--requests); 3 waited for that, 2.0 s on average and 4.5 s at most, which is in no response."
            ]
        );
        let soak = Limits {
            growth_mb: Some(20.0),
            ..NORMAL
        };
        let grown = judged(|f| f.growth_mb = Some(21.0), &soak).remarks;
        assert!(grown[0].contains("report it"), "{grown:?}");
        let spike = Limits {
            recovery_s: Some(10.0),
            ..NORMAL
        };
        let late = judged(|f| f.recovery_s = Some(11.0), &spike).remarks;
        assert!(late[0].contains("took long"), "{late:?}");
        let left = judged(|f| f.connections_left = Some(1), &spike).remarks;
        assert!(left[0].contains("still held connections"), "{left:?}");
        let ill = judged(|f| f.never_well = true, &spike).remarks;
        assert!(ill[0].starts_with("After the jump"), "{ill:?}");
    }

    #[test]
    fn a_report_reads_back_and_has_all_forms() {
        let turns = turns(20.0);
        let load = judged(|_| {}, &NORMAL);
        let text = serde_json::to_string(&load).expect("JSON");
        let back: Load = serde_json::from_str(&text).expect("reads back");
        assert_eq!(back, load);
        let document = load.document(&turns);
        let (page, text) = (html::page(&document), markdown::markdown(&document));
        assert!(page.contains("response, p95") && text.contains("response, p95"));
        assert_eq!(page.matches("<svg").count(), 2, "over time, histogram");
        assert_eq!(sheet::turns(&turns).expect("memory").lines().count(), 201);
        let again = Load::new(
            Circumstances::default(),
            figures(&turns),
            &NORMAL,
            Some(&back),
        );
        assert!(
            again.passed
                && again
                    .comparison
                    .iter()
                    .all(|d| d.change == super::super::compare::Change::Noise)
        );
    }
}
