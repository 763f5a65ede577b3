//! The result of `sovereign bench` (`sovereign.bench/1`).

mod document;
mod limit_checks;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bill::Bill;
use super::compare::{Difference, caveats, compare, places, unlike};
use super::limit_verdict::{LimitCheck, headline, passed};
use super::results::{
    Circumstances, LATENCIES, Latency, LatencyTable, OWN, Outcomes, TEST_BUILD, TurnRow, ms,
};
use super::stats::Sample;

/// Name of the JSON's form.
pub const SCHEMA: &str = "sovereign.bench/1";
/// A share of cut-offs from which patience is too short.
const MANY_CUT_OFFS: f64 = 0.1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bench {
    pub schema: String,
    pub run: Circumstances,
    /// Turns that each profile was asked for.
    pub turns: u64,
    /// The profiles, in the order in which they ran.
    pub profiles: Vec<ProfileResults>,
    /// Limits and whether they were kept.
    pub checks: Vec<LimitCheck>,
    /// What to do, in words.
    pub recommendations: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub comparison: Vec<Difference>,
    /// What else is not alike of the earlier report.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub caveats: Vec<String>,
    /// Whether all limits were kept, as far as they could be checked.
    pub passed: bool,
}

/// What was found of a profile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProfileResults {
    pub profile: String,
    /// What its response is judged by, in milliseconds.
    pub target_ms: f64,
    /// What 95 of 100 turns may take of our own time, in milliseconds; only the shipped profiles have one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub budget_ms: Option<f64>,
    pub turns: Outcomes,
    /// Turns that failed, and utterances that nothing came of, by kind.
    pub errors: BTreeMap<String, u64>,
    /// Warm-up failures: reported, but they count as errors only if no turn followed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub warm_up: BTreeMap<String, u64>,
    /// Its latencies in milliseconds.
    pub latency_ms: LatencyTable,
    /// Turns that were closed too soon.
    pub cut_offs: u64,
    /// Times that replies ran dry.
    pub underruns: u64,
    /// Captured samples that were lost.
    pub capture_dropped: u64,
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// Processor time of this process, in percent of a core.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cpu_percent_of_core: Option<f64>,
    /// Resident memory of this process at its end, in megabytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub memory_mb: Option<f64>,
    /// Tokens of prompt and response, where the service counted them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tokens: Option<(u64, u64)>,
    #[serde(flatten, default)]
    pub bill: Bill,
}

impl ProfileResults {
    pub fn add(&mut self, turns: &[TurnRow]) {
        for turn in turns {
            self.turns.add(&turn.outcome);
            self.cut_offs += turn.cut_offs;
            self.underruns += turn.underruns;
            self.capture_dropped += turn.capture_dropped;
            if let Some(counts) = turn.tokens {
                let (p, r) = self.tokens.unwrap_or_default();
                self.tokens = Some((p + counts.prompt.sum(), r + counts.written()));
            }
            self.bill.add(turn);
        }
        self.latency_ms = latencies(turns);
    }

    fn of(&self, name: &str) -> Option<&Latency> {
        self.latency_ms.get(name)
    }

    fn failures(&self) -> u64 {
        self.errors.values().sum()
    }
}

/// The latencies of turns, by name.
pub fn latencies(turns: &[TurnRow]) -> LatencyTable {
    let sample = |nth: usize| {
        turns
            .iter()
            .filter_map(|t| t.latency_ms[nth])
            .collect::<Sample>()
    };
    let found = LATENCIES.iter().enumerate();
    let mut found: LatencyTable = found
        .filter_map(|(nth, name)| Some(((*name).to_owned(), sample(nth).latency()?)))
        .collect();
    let own: Sample = turns.iter().filter_map(TurnRow::own_ms).collect();
    found.extend(own.latency().map(|own| (OWN.to_owned(), own)));
    found
}

impl Bench {
    /// Judges the profiles, recommends, and compares with an earlier report.
    pub fn new(
        run: Circumstances,
        turns: u64,
        profiles: Vec<ProfileResults>,
        earlier: Option<&Self>,
    ) -> Self {
        let cut_short = run.cut_short.is_some();
        let mut checks: Vec<LimitCheck> = profiles
            .iter()
            .flat_map(|figures| figures.checks(turns, cut_short))
            .collect();
        let mut comparison = Vec::new();
        let mut differing = Vec::new();
        if let Some(earlier) = earlier {
            differing = caveats(&earlier.run, &run);
            for new in &profiles {
                let old = earlier
                    .profiles
                    .iter()
                    .find(|old| old.profile == new.profile);
                let old = old.map(|old| &old.latency_ms);
                comparison.extend(
                    old.map_or_else(Vec::new, |old| compare(&new.profile, old, &new.latency_ms)),
                );
            }
            let names = |profiles: &[ProfileResults]| -> Vec<String> {
                profiles.iter().map(|f| f.profile.clone()).collect()
            };
            let (old, new) = (names(&earlier.profiles), names(&profiles));
            let pairs = [("profiles", old.join(", "), new.join(", "))];
            differing.extend(unlike(&pairs));
            checks.push(Self::no_worse(&comparison));
        }
        let recommendations = recommendations(&run, &profiles);
        Self {
            schema: SCHEMA.to_owned(),
            run,
            turns,
            recommendations,
            passed: passed(&checks),
            profiles,
            checks,
            comparison,
            caveats: differing,
        }
    }

    /// How a run with these circumstances and profiles differs from this one so that the two cannot be compared; empty if
    /// they can.
    pub fn unlike(&self, run: &Circumstances, profiles: &[&str]) -> Vec<String> {
        let mut pairs = places(&self.run, run);
        let shared = self
            .profiles
            .iter()
            .any(|old| profiles.contains(&old.profile.as_str()));
        if !shared {
            let old = self.profiles.iter().map(|old| old.profile.as_str());
            let old: Vec<&str> = old.collect();
            pairs.push(("profile", old.join(", "), profiles.join(", ")));
        }
        unlike(&pairs)
    }

    /// How it went against its limits: see [`headline`].
    pub fn headline(&self) -> String {
        headline(&self.checks, self.run.cut_short.as_deref()).1
    }
}

fn recommendations(run: &Circumstances, profiles: &[ProfileResults]) -> Vec<String> {
    let mut found = Vec::new();
    for figures in profiles {
        let name = &figures.profile;
        let (response, own) = (figures.of("response"), figures.of(OWN));
        let server = figures.of("server").map(|server| server.p95.value);
        if let (Some(response), Some(server)) = (response, server)
            && response.p95.value > figures.target_ms
        {
            let share = response.p95.value;
            found.push(if server > figures.target_ms {
                format!(
                    "{name}: the response (p95 {} ms) is over its target of {}, and the service and the network alone take {}. \
                     No setting of the sound side can mend that: try a faster model, less thinking, a shorter instruction, or a nearer endpoint.",
                    ms(share), ms(figures.target_ms), ms(server)
                )
            } else {
                format!(
                    "{name}: the response (p95 {} ms) is over its target of {}. The service and the network take {} of it.",
                    ms(share), ms(figures.target_ms), ms(server)
                )
            });
        }
        if let (Some(own), Some(budget)) = (own, figures.budget_ms)
            && own.p95.value > budget
        {
            found.push(format!(
                "{name}: our own share (p95 {} ms) is over its budget of {}. A busy computer does that: compare with nothing else running.",
                ms(own.p95.value), ms(budget)
            ));
        }
        if figures.turns.all() > 0
            && figures.cut_offs as f64 > MANY_CUT_OFFS * figures.turns.all() as f64
        {
            found.push(format!(
                "{name}: {} of {} turns were closed too soon. Give it more patience (`turn.patience_ms`), or choose a profile with more.",
                figures.cut_offs, figures.turns.all()
            ));
        }
        if figures.underruns > 0 {
            found.push(format!(
                "{name}: replies ran dry {} times. A larger `audio.prebuffer_ms` covers a network that stalls.",
                figures.underruns
            ));
        }
    }
    if run.build != "optimised" {
        found.push(TEST_BUILD.to_owned());
    }
    if found.is_empty() {
        found.push("Nothing needs to be changed.".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::limit_verdict::Verdict;
    use super::super::{html, markdown};
    use super::*;

    /// Turns whose client takes 10 to 14 ms and whose server takes `server`.
    fn turns(profile: &str, n: u32, server: f64) -> Vec<TurnRow> {
        (0..n)
            .map(|i| {
                let client = 10.0 + f64::from(i % 5);
                let parts = [
                    300.0,
                    1.0,
                    server,
                    client - 1.0,
                    client,
                    client + server,
                    300.0 + client + server,
                    0.0,
                    0.0,
                ];
                TurnRow {
                    profile: profile.into(),
                    outcome: "completed".into(),
                    latency_ms: parts.map(Some),
                    ..TurnRow::default()
                }
            })
            .collect()
    }

    fn figures(profile: &str, turns: &[TurnRow], budget: f64) -> ProfileResults {
        let mut figures = ProfileResults {
            profile: profile.into(),
            target_ms: 200.0,
            budget_ms: Some(budget),
            ..ProfileResults::default()
        };
        figures.add(turns);
        figures
    }

    fn optimised() -> Circumstances {
        Circumstances {
            build: "optimised".into(),
            ..Circumstances::default()
        }
    }

    #[test]
    fn a_run_within_its_limits_passes_and_needs_no_change() {
        let turns = turns("ultra-fast", 100, 2.0);
        let bench = Bench::new(
            optimised(),
            100,
            vec![figures("ultra-fast", &turns, 20.0)],
            None,
        );
        assert!(bench.passed, "{:?}", bench.checks);
        assert_eq!(bench.recommendations, ["Nothing needs to be changed."]);
        assert_eq!(bench.profiles[0].latency_ms["client"].p95.value, 14.0);
        assert!(bench.profiles[0].latency_ms["response"].p99.is_some());
    }

    #[test]
    fn it_is_said_whose_a_miss_is() {
        let slow = turns("ultra-fast", 100, 640.0);
        let bench = Bench::new(
            optimised(),
            100,
            vec![figures("ultra-fast", &slow, 20.0)],
            None,
        );
        assert!(bench.passed, "the service's time is none of ours");
        assert!(
            bench.recommendations[0].contains("the service and the network alone take 640"),
            "{:?}",
            bench.recommendations
        );
        let ours = Bench::new(
            optimised(),
            100,
            vec![figures("ultra-fast", &turns("ultra-fast", 100, 2.0), 9.0)],
            None,
        );
        assert!(
            !ours.passed && ours.recommendations[0].contains("our own share"),
            "{:?}",
            ours.recommendations
        );
    }

    #[test]
    fn errors_and_silence_do_not_pass() {
        let mut failing = figures("balanced", &turns("balanced", 97, 2.0), 35.0);
        failing.errors.insert("no reply in time".into(), 3);
        assert!(!Bench::new(optimised(), 100, vec![failing], None).passed);
        let nothing = Bench::new(optimised(), 100, vec![figures("balanced", &[], 35.0)], None);
        assert!(!nothing.passed);
        assert_eq!(
            nothing.document(&[]).verdict,
            "There was too little to judge."
        );
    }

    #[test]
    fn a_report_reads_back_and_is_compared_with_a_later_one() {
        let old = turns("balanced", 100, 2.0);
        let old = Bench::new(
            optimised(),
            100,
            vec![figures("balanced", &old, 35.0)],
            None,
        );
        let text = serde_json::to_string(&old).expect("JSON");
        let old: Bench = serde_json::from_str(&text).expect("reads back");
        let new = turns("balanced", 100, 12.0);
        let bench = Bench::new(
            optimised(),
            100,
            vec![figures("balanced", &new, 35.0)],
            Some(&old),
        );
        assert!(!bench.passed);
        let last = bench.checks.last().expect("checks");
        assert!(
            last.found.contains("balanced, response p50") && !last.found.contains("client"),
            "{last:?}"
        );
        let same = Bench::new(optimised(), 100, old.profiles.clone(), Some(&old));
        assert!(same.passed);
    }

    #[test]
    fn what_cannot_be_told_of_an_earlier_report_is_not_kept() {
        let few = |profile: &str| figures(profile, &turns(profile, 3, 2.0), 35.0);
        let old = Bench::new(optimised(), 3, vec![few("balanced")], None);
        let new = Bench::new(optimised(), 3, vec![few("balanced")], Some(&old));
        let last = new.checks.last().expect("checks");
        assert_eq!(last.verdict, Verdict::Uncertain, "{last:?}");
        assert!(last.found.contains("of 10 of 10 figures"), "{last:?}");
        assert_eq!(
            new.headline(),
            "1 of 3 limits was kept, none was missed; 2 cannot be told for certain, there were too few turns."
        );
        // A profile more than before: compared is what both have, and that is said.
        let more = Bench::new(
            optimised(),
            3,
            vec![few("balanced"), few("ultra-fast")],
            Some(&old),
        );
        assert_eq!(
            more.caveats,
            ["profiles: before balanced, now balanced, ultra-fast"]
        );
        let run = optimised();
        assert!(old.unlike(&run, &["balanced", "ultra-fast"]).is_empty());
        assert_eq!(
            old.unlike(&run, &["ultra-fast"]),
            ["profile: before balanced, now ultra-fast"]
        );
        let slower = Circumstances {
            think_ms: Some(500),
            ..optimised()
        };
        assert_eq!(old.unlike(&slower, &["balanced"]).len(), 1);
    }

    #[test]
    fn a_run_that_was_cut_short_is_judged_by_what_it_tried() {
        let run = || Circumstances {
            cut_short: Some("the spending limit was reached".into()),
            ..optimised()
        };
        let found = |failed: u64| {
            let mut found = figures("balanced", &turns("balanced", 10, 2.0), 35.0);
            if failed > 0 {
                found.errors.insert("no reply in time".into(), failed);
            }
            Bench::new(run(), 1_000, vec![found], None)
        };
        let good = found(0);
        assert!(good.passed, "{:?}", good.checks);
        assert!(!good.headline().contains("All"), "{}", good.headline());
        assert!(
            !found(1).passed,
            "1 of 11 is more than 1 %, though it is less of the 1000 that were asked for"
        );
    }

    #[test]
    fn both_forms_of_the_report_say_the_same() {
        let turns = turns("balanced", 100, 2.0);
        let bench = Bench::new(
            optimised(),
            100,
            vec![figures("balanced", &turns, 35.0)],
            None,
        );
        let document = bench.document(&turns);
        let (page, text) = (html::page(&document), markdown::markdown(&document));
        for said in [
            "All limits were kept.",
            "balanced: our share, p95",
            "Nothing needs to be changed.",
        ] {
            assert!(page.contains(said) && text.contains(said), "{said}");
        }
        assert_eq!(
            page.matches("<svg").count(),
            3,
            "waterfall, percentiles, histogram"
        );
    }
}
