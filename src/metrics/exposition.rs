//! The text format of Prometheus (version 0.0.4): names, help, types, labels, histograms.

use std::fmt::Write as _;
use std::time::Duration;

use super::histogram::Distribution;

/// The media type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper ends of the buckets in milliseconds: the budgets and targets of the profiles, and what lies beyond them.
const BUCKETS_MS: [u64; 16] = [
    5, 10, 20, 35, 50, 90, 150, 200, 300, 400, 600, 1_000, 2_000, 5_000, 10_000, 30_000,
];

/// A page that grows family by family.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

impl Page {
    /// A figure that rises and falls; an unknown one is left out.
    pub fn gauge(&mut self, name: &str, help: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.head(name, help, "gauge");
            self.line(name, &[], value);
        }
    }

    /// A count that only grows; its name ends in `_total`.
    pub fn counter(&mut self, name: &str, help: &str, value: f64) {
        self.counters(name, help, &[(&[], value)]);
    }

    /// Counts that are told apart by labels.
    pub fn counters(&mut self, name: &str, help: &str, values: &[(&[(&str, &str)], f64)]) {
        self.head(name, help, "counter");
        for (labels, value) in values {
            self.line(name, labels, *value);
        }
    }

    /// Figures that are told apart by labels.
    pub fn gauges(&mut self, name: &str, help: &str, values: &[(&[(&str, &str)], f64)]) {
        self.head(name, help, "gauge");
        for (labels, value) in values {
            self.line(name, labels, *value);
        }
    }

    /// Distributions of seconds, told apart by labels.
    pub fn histograms(&mut self, name: &str, help: &str, all: &[(&[(&str, &str)], &Distribution)]) {
        self.head(name, help, "histogram");
        for (labels, distribution) in all {
            let bucket = format!("{name}_bucket");
            for end in BUCKETS_MS {
                let count = distribution.up_to(Duration::from_millis(end));
                let end = (end as f64 / 1e3).to_string();
                let with_end = [*labels, &[("le", &end)]].concat();
                self.line(&bucket, &with_end, count as f64);
            }
            let n = distribution.n() as f64;
            self.line(&bucket, &[*labels, &[("le", "+Inf")]].concat(), n);
            let sum = distribution.sum().as_secs_f64();
            self.line(&format!("{name}_sum"), labels, sum);
            self.line(&format!("{name}_count"), labels, n);
        }
    }

    /// The whole text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    // Writing to a string cannot fail.
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}").ok();
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(name);
        if !labels.is_empty() {
            let labels: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
                .collect();
            write!(self.text, "{{{}}}", labels.join(",")).ok();
        }
        writeln!(self.text, " {value}").ok();
    }
}

fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_the_format_asks_for() {
        let mut latency = Distribution::default();
        for ms in [4, 15, 15, 40_000] {
            latency.record(Duration::from_millis(ms));
        }
        let mut page = Page::default();
        page.gauge("a_ratio", "A share.", Some(0.5));
        page.gauge("b_ratio", "Unknown.", None);
        page.counters(
            "turns_total",
            "Turns\nby \"outcome\".",
            &[(&[("outcome", "a\"b\\c\nd")], 3.0)],
        );
        page.histograms("wait_seconds", "Waits.", &[(&[("part", "all")], &latency)]);
        let text = page.finish();
        assert!(text.starts_with("# HELP a_ratio A share.\n# TYPE a_ratio gauge\na_ratio 0.5\n"));
        assert!(!text.contains("b_ratio"), "unknown is absent");
        assert!(text.contains("# HELP turns_total Turns\\nby \"outcome\".\n"));
        assert!(text.contains("turns_total{outcome=\"a\\\"b\\\\c\\nd\"} 3\n"));
        assert!(text.contains("wait_seconds_bucket{part=\"all\",le=\"0.005\"} 1\n"));
        assert!(text.contains("wait_seconds_bucket{part=\"all\",le=\"0.02\"} 3\n"));
        assert!(text.contains("wait_seconds_bucket{part=\"all\",le=\"30\"} 3\n"));
        assert!(text.contains("wait_seconds_bucket{part=\"all\",le=\"+Inf\"} 4\n"));
        assert!(text.contains("wait_seconds_count{part=\"all\"} 4\n"));
        assert!(text.ends_with('\n'));
    }
}
