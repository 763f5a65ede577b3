//! The report of a bench.

use super::super::bill;
use super::super::circumstances::circumstances;
use super::super::compare::sentence;
use super::super::document::{Document, Section, Shape};
use super::super::limit_verdict::headline;
use super::super::results::{
    DASH, LATENCIES, LIMITS_HEAD, Latency, OWN, TurnRow, interval, latency_words, ms,
};
use super::super::stats::Sample;
use super::{Bench, ProfileResults};

/// Parts of a turn in the order in which they pass.
const PARTS: [&str; 4] = ["endpointing", "uplink", "server", "downlink"];

impl Bench {
    /// Builds the report; `turns` are those behind the results.
    pub fn document(&self, turns: &[TurnRow]) -> Document {
        let (standing, verdict) = headline(&self.checks, self.run.cut_short.as_deref());
        let mut sections = vec![self.overview()];
        if !self.comparison.is_empty() {
            sections.push(self.comparison());
        }
        sections.push(self.where_the_time_goes());
        sections.push(self.all_latencies());
        sections.push(histograms(&self.profiles, turns));
        sections.push(self.engine());
        sections.push(self.bills());
        sections.push(circumstances(&self.run));
        Document {
            title: "Latency by profile".to_owned(),
            verdict,
            standing,
            sections,
        }
    }

    fn overview(&self) -> Section {
        let rows = self.profiles.iter().map(|figures| {
            let cell = |latency: Option<&Latency>| {
                latency.map_or_else(|| "–".to_owned(), |l| interval(&l.p95))
            };
            vec![
                figures.profile.clone(),
                figures.of("response").map_or(0, |l| l.n).to_string(),
                figures
                    .of("response")
                    .map_or_else(|| "–".to_owned(), |l| interval(&l.p50)),
                cell(figures.of("response")),
                ms(figures.target_ms),
                cell(figures.of(OWN)),
                figures.budget_ms.map_or_else(|| "–".to_owned(), ms),
                figures.failures().to_string(),
            ]
        });
        let head = [
            "profile",
            "n",
            "response p50, ms",
            "response p95, ms",
            "target",
            "our share p95, ms",
            "budget",
            "errors",
        ];
        let checks = self.checks.iter().map(|check| {
            vec![
                check.what.clone(),
                check.limit.clone(),
                check.found.clone(),
                check.verdict.word().to_owned(),
            ]
        });
        Section::new("Result")
            .table(&head, rows.collect())
            .words("In brackets: between which values the true figure lies in 95 of 100 runs like this one. Our share is without what an answer waited for patience. The first turn of each profile warms up and is not counted.")
            .table(&LIMITS_HEAD, checks.collect())
            .list(self.recommendations.clone())
    }

    fn comparison(&self) -> Section {
        let rows = self.comparison.iter().map(|d| {
            vec![
                format!("{}, {}", d.of, d.what),
                d.old.clone(),
                d.new.clone(),
                d.change.words().to_owned(),
            ]
        });
        Section::new("Compared with the earlier report")
            .list(self.caveats.clone())
            .words(sentence(&self.comparison))
            .table(
                &["figure", "before, ms", "now, ms", "change"],
                rows.collect(),
            )
    }

    fn where_the_time_goes(&self) -> Section {
        let rows = self.profiles.iter().map(|figures| {
            let median = |name: &&str| figures.of(name).map_or(0.0, |latency| latency.p50.value);
            (figures.profile.clone(), PARTS.iter().map(median).collect())
        });
        let ranges = self.profiles.iter().map(|figures| {
            let response = figures.of("response");
            let quantiles = response.map(|l| [Some(l.p50), Some(l.p95), l.p99]);
            let values = quantiles.into_iter().flatten().flatten().map(|q| q.value);
            (
                figures.profile.clone(),
                values.collect(),
                Some(figures.target_ms),
            )
        });
        let parts = [
            "patience before it",
            "to the service",
            "service and network",
            "to your ear",
        ];
        Section::new("Where the time goes")
            .plot(
                "Medians of the parts, from the end of speech to sound",
                "milliseconds",
                Shape::Waterfall {
                    parts: parts.map(str::to_owned).to_vec(),
                    rows: rows.collect(),
                },
            )
            .plot(
                "Response: p50, p95 and p99; the bar is the target",
                "milliseconds",
                Shape::Ranges {
                    rows: ranges.collect(),
                    values: ["p50", "p95", "p99"].map(str::to_owned).to_vec(),
                },
            )
    }

    fn all_latencies(&self) -> Section {
        let mut rows = Vec::new();
        for figures in &self.profiles {
            for name in LATENCIES.into_iter().chain([OWN]) {
                let Some(latency) = figures.of(name) else {
                    continue;
                };
                rows.push(vec![
                    format!("{}, {}", figures.profile, latency_words(name)),
                    latency.n.to_string(),
                    interval(&latency.p50),
                    interval(&latency.p95),
                    latency
                        .p99
                        .as_ref()
                        .map_or_else(|| "–".to_owned(), interval),
                    ms(latency.max),
                ]);
            }
        }
        Section::new("All latencies")
            .table(
                &[
                    "profile, latency",
                    "n",
                    "p50, ms",
                    "p95, ms",
                    "p99, ms",
                    "max, ms",
                ],
                rows,
            )
            .words(DASH)
    }

    fn bills(&self) -> Section {
        let rows = self.profiles.iter();
        bill::section(rows.map(|of| (of.profile.as_str(), of.tokens, &of.bill)))
    }

    fn engine(&self) -> Section {
        let rows = self.profiles.iter().map(|figures| {
            let errors = figures.errors.iter().map(|(kind, n)| format!("{n} {kind}"));
            let warm_up = figures.warm_up.iter();
            let errors =
                errors.chain(warm_up.map(|(kind, n)| format!("{n} {kind} (warm-up, not counted)")));
            vec![
                figures.profile.clone(),
                figures.turns.all().to_string(),
                figures.cut_offs.to_string(),
                figures.underruns.to_string(),
                figures.capture_dropped.to_string(),
                figures
                    .cpu_percent_of_core
                    .map_or_else(|| "–".to_owned(), |cpu| format!("{cpu:.1} %")),
                figures
                    .memory_mb
                    .map_or_else(|| "–".to_owned(), |mb| format!("{mb:.1}")),
                errors.collect::<Vec<_>>().join(", "),
            ]
        });
        let head = [
            "profile",
            "turns",
            "cut-offs",
            "underruns",
            "samples lost",
            "CPU of a core",
            "memory, MB",
            "errors",
        ];
        Section::new("Engine").table(&head, rows.collect())
    }
}

fn histograms(profiles: &[ProfileResults], turns: &[TurnRow]) -> Section {
    let mut section = Section::new("How responses are spread");
    // A profile that chooses among others has turns with the names of those.
    let alone = profiles.len() == 1;
    for figures in profiles {
        let is_its = |turn: &&TurnRow| alone || turn.profile == figures.profile;
        let responses = turns.iter().filter(is_its);
        let sample: Sample = responses.filter_map(|turn| turn.latency_ms[5]).collect();
        let Some(longest) = sample.quantile(1.0) else {
            continue;
        };
        // Fixed bins, so that two reports can be held side by side: 2 ms, else 20 as in the window.
        let bin = if longest <= 100.0 { 2.0 } else { 20.0 };
        let bins = ((longest / bin).ceil() as usize).clamp(10, 60);
        let marks = [("p50", 0.5), ("p95", 0.95)];
        let marks = marks
            .into_iter()
            .filter_map(|(name, q)| Some((name.to_owned(), sample.quantile(q)?)));
        section = section.plot(
            format!(
                "{}: {} responses; longer ones are counted in the last bar",
                figures.profile,
                sample.n()
            ),
            "milliseconds",
            Shape::Histogram {
                bin,
                counts: sample.histogram(bins, bin * bins as f64),
                marks: marks.collect(),
            },
        );
    }
    section
}
