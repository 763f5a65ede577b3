//! The text format of Prometheus (version 0.0.4): names, help, types, labels, histograms.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use super::super::distribution::Distribution;
use crate::base::printable::escaped_but;

/// Upper bounds of the buckets in milliseconds, and in seconds as text: the budgets and targets of the profiles, and beyond.
const BOUNDS: [(u64, &str); 16] = [
    (5, "0.005"),
    (10, "0.01"),
    (20, "0.02"),
    (35, "0.035"),
    (50, "0.05"),
    (90, "0.09"),
    (150, "0.15"),
    (200, "0.2"),
    (300, "0.3"),
    (400, "0.4"),
    (600, "0.6"),
    (1_000, "1"),
    (2_000, "2"),
    (5_000, "5"),
    (10_000, "10"),
    (30_000, "30"),
];
/// Initial capacity of a page, which is rendered for each fetch and should not be reallocated.
const ROOM: usize = 24_576;
/// Below this, integers are exact as floats.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// A value and its labels.
pub(super) type Labelled<'a> = (&'a [(&'a str, &'a str)], f64);

/// A page that grows family by family.
#[derive(Debug)]
pub(super) struct Exposition {
    text: String,
}

impl Default for Exposition {
    fn default() -> Self {
        Self {
            text: String::with_capacity(ROOM),
        }
    }
}

impl Exposition {
    /// A metric: a count that only grows where its name ends in `_total`, else a gauge.
    pub(super) fn family(&mut self, name: &str, help: &str, values: &[Labelled<'_>]) {
        let is_count = name.ends_with("_total");
        self.head(name, help, if is_count { "counter" } else { "gauge" });
        for (labels, value) in values {
            self.line(name, labels, *value);
        }
    }

    /// Histograms in seconds, with labels.
    pub(super) fn histograms(
        &mut self,
        name: &str,
        help: &str,
        all: &[((&str, &str), &Distribution)],
    ) {
        self.head(name, help, "histogram");
        let [sum, count] = ["sum", "count"].map(|end| format!("{name}_{end}"));
        for (label, latencies) in all {
            let n = latencies.n();
            // Nearly all lines of a page are of this kind, so their common part is formatted once.
            let begin = format!("{name}_bucket{{{}=\"{}\",le=\"", label.0, escaped(label.1));
            let up_to = |(ms, end)| (end, latencies.at_most(Duration::from_millis(ms)));
            for (end, up_to) in BOUNDS.into_iter().map(up_to).chain([("+Inf", n)]) {
                self.text.push_str(&begin);
                self.text.push_str(end);
                self.text.push_str("\"} ");
                self.whole(up_to);
            }
            self.line(&sum, &[*label], latencies.sum().as_secs_f64());
            self.line(&count, &[*label], n as f64);
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    // Writing to a string cannot fail.
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        debug_assert!(
            !help.bytes().any(|byte| matches!(byte, b'\\' | b'\n')),
            "{help}: it would have to be escaped"
        );
        for part in [
            "# HELP ",
            name,
            " ",
            help,
            "\n# TYPE ",
            name,
            " ",
            kind,
            "\n",
        ] {
            self.text.push_str(part);
        }
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(name);
        let mut before = "{";
        for (name, value) in labels {
            let value = escaped(value);
            for part in [before, name, "=\"", &value, "\""] {
                self.text.push_str(part);
            }
            before = ",";
        }
        self.text
            .push_str(if labels.is_empty() { " " } else { "} " });
        // Most values are counts, and integers are formatted in a tenth of the time.
        if value.fract() == 0.0 && (0.0..WHOLE).contains(&value) {
            self.whole(value as u64);
        } else {
            writeln!(self.text, "{value}").ok();
        }
    }

    fn whole(&mut self, value: u64) {
        self.text.push_str(itoa::Buffer::new().format(value));
        self.text.push('\n');
    }
}

/// The value of a label with special and hidden characters escaped.
fn escaped(value: &str) -> Cow<'_, str> {
    let value = escaped_but(value, |c| c == '\n');
    let ends = |byte| matches!(byte, b'\\' | b'"' | b'\n');
    if !value.bytes().any(ends) {
        return value;
    }
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n").into()
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
        let mut page = Exposition::default();
        let plain = |page: &mut Exposition, name, help, value| {
            page.family(name, help, &[(&[], value)]);
        };
        plain(&mut page, "a_ratio", "A share.", 0.5);
        page.family(
            "turns_total",
            "Turns by \"outcome\".",
            &[(&[("outcome", "a\"b\\c\nd")], 3.0)],
        );
        page.histograms("wait_seconds", "Waits.", &[(("part", "all"), &latency)]);
        plain(&mut page, "c_seconds", "A small one.", 0.000_25);
        plain(&mut page, "d", "A large one.", 1e300);
        plain(&mut page, "e", "Below nothing.", -2.0);
        let text = page.finish();
        assert!(text.starts_with("# HELP a_ratio A share.\n# TYPE a_ratio gauge\na_ratio 0.5\n"));
        assert!(
            text.contains("# HELP turns_total Turns by \"outcome\".\n# TYPE turns_total counter\n")
        );
        assert!(text.contains("turns_total{outcome=\"a\\\"b\\\\c\\nd\"} 3\n"));
        assert!(text.contains("wait_seconds_bucket{part=\"all\",le=\"0.005\"} 1\n"));
        assert!(text.contains("wait_seconds_bucket{part=\"all\",le=\"0.02\"} 3\n"));
        assert!(text.contains("wait_seconds_bucket{part=\"all\",le=\"30\"} 3\n"));
        assert!(text.contains("wait_seconds_bucket{part=\"all\",le=\"+Inf\"} 4\n"));
        assert!(text.contains("wait_seconds_count{part=\"all\"} 4\n"));
        assert!(text.contains("wait_seconds_sum{part=\"all\"} 40.034\n"));
        assert!(text.contains("\nc_seconds 0.00025\n") && text.contains("\ne -2\n"));
        assert!(text.contains(&format!("\nd 1{}\n", "0".repeat(300))));
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn the_ends_of_the_classes_are_written_as_they_are() {
        for (ms, written) in BOUNDS {
            assert_eq!((ms as f64 / 1e3).to_string(), written);
        }
    }
}
