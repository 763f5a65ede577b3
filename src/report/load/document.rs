//! The report of a load.

use super::super::bill;
use super::super::circumstances::circumstances;
use super::super::compare::sentence;
use super::super::document::{Document, Section, Shape};
use super::super::limit_verdict::headline;
use super::super::results::{
    DASH, LATENCIES, LIMITS_HEAD, OWN, TurnRow, interval, latency_words, ms,
};
use super::super::stats::Sample;
use super::{Load, Second, scenario_words};
use crate::base::plural::count;

impl Load {
    /// Builds the report; `turns` are those behind the results.
    pub fn document(&self, turns: &[TurnRow]) -> Document {
        let (standing, verdict) = headline(&self.checks, self.run.cut_short.as_deref());
        let mut sections = vec![self.result()];
        if !self.comparison.is_empty() {
            let rows = self.comparison.iter().map(|d| {
                vec![
                    d.what.clone(),
                    d.old.clone(),
                    d.new.clone(),
                    d.change.words().to_owned(),
                ]
            });
            sections.push(
                Section::new("Compared with the earlier report")
                    .list(self.caveats.clone())
                    .words(sentence(&self.comparison))
                    .table(
                        &["figure", "before, ms", "now, ms", "change"],
                        rows.collect(),
                    ),
            );
        }
        sections.push(self.over_time());
        sections.push(self.latencies(turns));
        sections.push(self.means());
        let of = (self.figures.profile.as_str(), None, &self.figures.bill);
        sections.push(bill::section(std::iter::once(of)));
        sections.push(circumstances(&self.run));
        Document {
            title: format!(
                "Load: {}, {}",
                scenario_words(&self.figures.scenario),
                count(self.figures.sessions as u64, "conversation")
            ),
            verdict,
            standing,
            sections,
        }
    }

    fn result(&self) -> Section {
        let checks = self.checks.iter().map(|check| {
            vec![
                check.what.clone(),
                check.limit.clone(),
                check.found.clone(),
                check.verdict.word().to_owned(),
            ]
        });
        let f = &self.figures;
        let facts = [
            (
                "conversations at a time, at most",
                f.conversations.most.to_string(),
            ),
            ("conversations begun", f.conversations.begun.to_string()),
            (
                "begun in place of failed ones",
                f.conversations.replaced.to_string(),
            ),
            ("places left empty", f.conversations.given_up.to_string()),
            ("turns", f.turns.all().to_string()),
            (
                "utterances that still waited at their end, and not for too long",
                f.unanswered.to_string(),
            ),
            ("seconds", format!("{:.1}", f.seconds)),
            ("underruns", f.underruns.to_string()),
            ("samples lost", f.capture_dropped.to_string()),
        ];
        let facts = facts
            .into_iter()
            .map(|(name, value)| vec![name.to_owned(), value]);
        let errors = f
            .errors
            .iter()
            .map(|(kind, n)| vec![kind.clone(), n.to_string()]);
        Section::new("Result")
            .table(&LIMITS_HEAD, checks.collect())
            .list(self.remarks.clone())
            .table(&["", ""], facts.collect())
            .table(&["error", "times"], errors.collect())
    }

    fn over_time(&self) -> Section {
        let timeline = &self.figures.timeline;
        let series = |name: &str, of: &dyn Fn(&Second) -> Option<f64>| {
            let points = timeline.iter().filter_map(|s| Some((s.at_s, of(s)?)));
            (name.to_owned(), points.collect::<Vec<_>>())
        };
        let all = [
            series("conversations", &|s| Some(s.connected as f64)),
            series("response p95, ms", &|s| s.response_p95_ms),
            series("errors", &|s| Some(s.errors as f64)),
            series("client CPU, %", &|s| s.client_cpu),
            series("server CPU, %", &|s| s.server_cpu),
            series("client memory, MB", &|s| s.client_mb),
            series("server memory, MB", &|s| s.server_mb),
        ];
        Section::new("Over time").plot(
            "Each on a scale of its own; the number at the right is its largest value",
            "seconds",
            Shape::Lines {
                series: all
                    .into_iter()
                    .filter(|(_, points)| !points.is_empty())
                    .collect(),
            },
        )
    }

    fn latencies(&self, turns: &[TurnRow]) -> Section {
        let names = LATENCIES.into_iter().chain([OWN]);
        let rows = names.filter_map(|name| {
            let latency = self.figures.latency_ms.get(name)?;
            Some(vec![
                latency_words(name).to_owned(),
                latency.n.to_string(),
                interval(&latency.p50),
                interval(&latency.p95),
                latency
                    .p99
                    .as_ref()
                    .map_or_else(|| "–".to_owned(), interval),
                ms(latency.max),
            ])
        });
        let section = Section::new("Latencies").table(
            &["latency", "n", "p50, ms", "p95, ms", "p99, ms", "max, ms"],
            rows.collect(),
        );
        let sample: Sample = turns.iter().filter_map(|turn| turn.latency_ms[5]).collect();
        let (Some(p50), Some(p95), Some(longest)) = (
            sample.quantile(0.5),
            sample.quantile(0.95),
            sample.quantile(1.0),
        ) else {
            return section;
        };
        let bin = if longest <= 200.0 { 4.0 } else { 20.0 };
        let bins = ((longest / bin).ceil() as usize).clamp(10, 60);
        section
            .words("In brackets: between which values the true figure lies in 95 of 100 runs, if turns did not depend on one another.")
            .words(DASH)
            .plot(
                format!("Responses of {} turns; longer ones are counted in the last bar", sample.n()),
                "milliseconds",
                Shape::Histogram {
                    bin,
                    counts: sample.histogram(bins, bin * bins as f64),
                    marks: vec![("p50".to_owned(), p50), ("p95".to_owned(), p95)],
                },
            )
    }

    fn means(&self) -> Section {
        let rows = [
            ("conversations (this process)", &self.figures.client),
            ("server (its own process)", &self.figures.server),
        ];
        let rows = rows.into_iter().filter_map(|(name, usage)| {
            let usage = usage.as_ref()?;
            Some(vec![
                name.to_owned(),
                format!("{:.1} %", usage.cpu_percent_of_core),
                format!("{:.2} %", usage.cpu_percent_each),
                format!("{:.1}", usage.memory_mb),
                format!("{:.0}", usage.memory_kb_each),
            ])
        });
        let section = Section::new("Processor and memory").table(
            &[
                "",
                "CPU of a core",
                "for each conversation",
                "memory, MB",
                "for each, kB",
            ],
            rows.collect(),
        );
        let Some(real) = &self.figures.real_time else {
            return section;
        };
        section.table(
            &["sound", ""],
            vec![
                vec![
                    "seconds of sound for each second, worst conversation".to_owned(),
                    format!("{:.4}", real.worst_ratio),
                ],
                vec![
                    "the same, all conversations".to_owned(),
                    format!("{:.4}", real.mean_ratio),
                ],
                vec![
                    format!(
                        "rounds of the sound threads that began {} ms late or more",
                        ms(real.late_from_ms)
                    ),
                    format!("{:.2} %", real.late_share * 100.0),
                ],
                vec![
                    "the latest of all".to_owned(),
                    format!("{} ms", ms(real.latest_ms)),
                ],
            ],
        )
    }
}
