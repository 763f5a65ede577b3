//! Renders the page of the monitor: Prometheus text and health JSON.

use std::sync::LazyLock;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde_json::json;

use crate::base::counters::Counters;
use crate::monitor::Page;
use crate::telemetry::alert::AlertKind;
use crate::telemetry::collector::Collector;
use crate::telemetry::context::Context;
use crate::telemetry::export::exposition::{Exposition, Labelled};
use crate::telemetry::history::OUTCOMES;
use crate::telemetry::link_quality::LinkState;
use crate::telemetry::record::latency_names;
use crate::telemetry::view::ProcessUsage;

impl Collector<'_> {
    /// The page as of now; before the first context it is empty and reports trouble.
    #[inline(never)] // what it costs is counted: tests/counts/measuring.rs
    pub(crate) fn monitor_page(&self) -> Page {
        let Some(context) = self.context.as_deref() else {
            return Page {
                metrics: String::new(),
                health: json!({ "schema": "sovereign.health/1", "status": "trouble" }).to_string(),
                well: false,
            };
        };
        let raised: Vec<&str> = raised(self).map(|kind| kind.word()).collect();
        let (connected, link) = match context.link {
            LinkState::Connected(_) => (true, "connected"),
            LinkState::Connecting => (false, "connecting"),
            LinkState::Down => (false, "down"),
        };
        let microphone = context.input.is_some() || context.files;
        let well = connected && microphone && raised.is_empty();
        let health = json!({
            "schema": "sovereign.health/1", "status": if well { "ok" } else { "trouble" },
            "version": env!("CARGO_PKG_VERSION"), "link": link, "microphone": microphone,
            "speaker": context.output.is_some(), "alerts": raised,
            "profile": context.profile.name, "demo": context.demo,
        });
        Page {
            metrics: metrics(self, context, connected),
            health: health.to_string(),
            well,
        }
    }
}

fn raised(collector: &Collector<'_>) -> impl Iterator<Item = AlertKind> {
    collector.store.alerts.raised().map(|alert| alert.kind)
}

fn metrics(collector: &Collector<'_>, context: &Context, connected: bool) -> String {
    let mut page = Exposition::default();
    let info = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("profile", context.profile.name.as_str()),
        ("demo", if context.demo { "yes" } else { "no" }),
    ];
    family(&mut page, "sovereign_info", &[(&info, 1.0)]);
    values(&mut page, [("sovereign_connected", Some(yes(connected)))]);
    turns(&mut page, collector);
    flow(&mut page, &collector.deps.counters);
    link(&mut page, collector);
    values(&mut page, machine(&collector.statistics.process));
    let alerts = AlertKind::ALL.iter().map(|kind| {
        let is_raised = raised(collector).any(|of| of == *kind);
        ([("kind", kind.word())], yes(is_raised))
    });
    let alerts: Vec<_> = alerts.collect();
    let alerts: Vec<_> = alerts
        .iter()
        .map(|(labels, value)| (&labels[..], *value))
        .collect();
    family(&mut page, "sovereign_alert", &alerts);
    page.finish()
}

/// What a metric means: `assets/metrics.tsv` has a line for each.
fn help(name: &str) -> &'static str {
    static HELP: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
        let lines = include_str!("../../../assets/metrics.tsv").lines();
        let mut lines: Vec<_> = lines.filter_map(|line| line.split_once('\t')).collect();
        lines.sort_unstable();
        lines
    });
    let place = HELP.binary_search_by_key(&name, |(name, _)| name);
    place.map_or("", |place| HELP[place].1)
}

fn family(page: &mut Exposition, name: &str, values: &[Labelled<'_>]) {
    page.family(name, help(name), values);
}

/// Metrics without labels; unknown ones are left out.
fn values<const N: usize>(page: &mut Exposition, all: [(&str, Option<f64>); N]) {
    for (name, value) in all {
        if let Some(value) = value {
            family(page, name, &[(&[], value)]);
        }
    }
}

fn counts<const N: usize>(page: &mut Exposition, all: [(&str, u64); N]) {
    values(page, all.map(|(name, n)| (name, Some(n as f64))));
}

fn yes(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn seconds(span: Duration) -> f64 {
    span.as_secs_f64()
}

fn turns(page: &mut Exposition, collector: &Collector<'_>) {
    let (summary, counters) = (&*collector.summary, &collector.deps.counters);
    let all = &summary.turns;
    let outcomes: [_; 5] =
        std::array::from_fn(|i| ([("outcome", OUTCOMES[i])], all.outcomes[i] as f64));
    let outcomes = outcomes.each_ref().map(|(labels, n)| (&labels[..], *n));
    family(page, "sovereign_turns_total", &outcomes);
    // The last two are not part of the sums.
    let parts: [_; 7] =
        std::array::from_fn(|i| (("part", latency_names()[i]), &summary.latencies[i]));
    let name = "sovereign_latency_seconds";
    page.histograms(name, help(name), &parts);
    let counted = [
        ("sovereign_cut_offs_total", all.cut_offs),
        ("sovereign_false_endpoints_total", all.false_endpoints),
        ("sovereign_utterances_lost_total", summary.lost),
        ("sovereign_tool_calls_total", all.tool_calls),
        ("sovereign_tokens_total", all.tokens),
        ("sovereign_connections_total", counters.connections.get()),
        ("sovereign_rolls_total", counters.rolls.get()),
    ];
    counts(page, counted);
    let (cost, is_bound) = all.cost.map(|cost| (cost.usd, yes(cost.at_most))).unzip();
    let cost = [
        ("sovereign_cost_usd_total", cost),
        ("sovereign_cost_is_upper_bound", is_bound),
    ];
    values(page, cost);
}

fn flow(page: &mut Exposition, counters: &Counters) {
    let dropped = counters.capture_dropped.get();
    let all = [
        ("sovereign_bytes_sent_total", counters.bytes_sent.get()),
        (
            "sovereign_bytes_received_total",
            counters.bytes_received.get(),
        ),
        ("sovereign_underruns_total", counters.underruns.get()),
        ("sovereign_capture_dropped_samples_total", dropped),
        ("sovereign_bad_messages_total", counters.bad_messages.get()),
        (
            "sovereign_window_frames_total",
            counters.window_frames.get(),
        ),
    ];
    counts(page, all);
    let captured = seconds(counters.capture_queued.get());
    let reply = seconds(counters.reply_queued.get());
    let outbox = counters.outbox.load(Relaxed);
    let all = [
        ("sovereign_capture_queued_seconds", Some(captured)),
        ("sovereign_reply_queued_seconds", Some(reply)),
        ("sovereign_outbox_messages", Some(f64::from(outbox))),
    ];
    values(page, all);
}

fn link(page: &mut Exposition, collector: &Collector<'_>) {
    let (way, time) = (&collector.deps.counters.link, &collector.summary.link);
    let counted = [
        ("sovereign_segments_sent_total", way.segments_sent.get()),
        ("sovereign_segments_resent_total", way.segments_resent.get()),
        ("sovereign_outages_total", time.outages),
    ];
    counts(page, counted);
    let unsent = way.unsent_bytes.load(Relaxed);
    let all = [
        (
            "sovereign_round_trip_seconds",
            way.round_trip().map(seconds),
        ),
        (
            "sovereign_round_trip_variation_seconds",
            way.variation().map(seconds),
        ),
        ("sovereign_connect_seconds", way.connect().map(seconds)),
        ("sovereign_unsent_bytes", Some(f64::from(unsent))),
        (
            "sovereign_observed_seconds_total",
            Some(seconds(time.observed)),
        ),
        (
            "sovereign_connected_seconds_total",
            Some(seconds(time.connected)),
        ),
        ("sovereign_outage_seconds_total", Some(seconds(time.outage))),
    ];
    values(page, all);
}

fn machine(process: &ProcessUsage) -> [(&'static str, Option<f64>); 10] {
    let machine = process.machine;
    let ratio = |percent: f32| f64::from(percent) / 100.0;
    let bytes = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64);
    let battery = machine.battery;
    [
        ("sovereign_cpu_seconds_total", process.cpu.map(seconds)),
        ("sovereign_resident_memory_bytes", bytes(process.rss)),
        (
            "sovereign_memory_growth_bytes_per_hour",
            process.memory_growth.per_hour(),
        ),
        ("sovereign_threads", process.threads.map(f64::from)),
        (
            "sovereign_thread_growth_per_hour",
            process.thread_growth.per_hour(),
        ),
        (
            "sovereign_machine_cpu_ratio",
            machine.cpu_percent.map(ratio),
        ),
        ("sovereign_machine_memory_bytes", bytes(machine.memory)),
        (
            "sovereign_machine_memory_available_bytes",
            bytes(machine.available),
        ),
        (
            "sovereign_battery_ratio",
            battery.map(|battery| f64::from(battery.percent) / 100.0),
        ),
        (
            "sovereign_on_battery",
            battery.map(|battery| yes(battery.discharging)),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_metric_of_the_code_has_a_line_in_the_table_and_the_other_way_round() {
        let code = include_str!("prometheus.rs");
        let named: HashSet<&str> = code
            .split('"')
            .filter(|text| text.starts_with(concat!("sovereign", "_")))
            .collect();
        let table = include_str!("../../../assets/metrics.tsv");
        let lines: Vec<&str> = table
            .lines()
            .filter_map(|line| line.split('\t').next())
            .collect();
        assert_eq!(lines.len(), named.len(), "one line each");
        for name in named {
            assert!(!help(name).is_empty(), "{name}");
        }
    }

    #[test]
    fn an_unknown_value_is_left_out() {
        let mut page = Exposition::default();
        values(&mut page, [("sovereign_threads", None)]);
        assert_eq!(page.finish(), "");
    }
}
