//! Renders the page of the monitor: Prometheus text and health JSON.

use std::sync::atomic::Ordering::Relaxed;

use serde_json::json;

use crate::monitor::Page;
use crate::telemetry::alert::AlertKind;
use crate::telemetry::collector::Collector;
use crate::telemetry::context::{Context, LinkState};
use crate::telemetry::export::exposition::Exposition;
use crate::telemetry::history::OUTCOMES;
use crate::telemetry::record::latency_names;

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
    let mut text = Exposition::default();
    let info = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("profile", context.profile.name.as_str()),
        ("demo", if context.demo { "yes" } else { "no" }),
    ];
    text.gauges(
        "sovereign_info",
        "Version, profile in force, and whether the demo answers.",
        &[(&info, 1.0)],
    );
    text.gauge(
        "sovereign_connected",
        "1 while there is a connection to the service.",
        Some(f64::from(u8::from(connected))),
    );
    turns(&mut text, collector);
    flow(&mut text, collector);
    machine(&mut text, collector);
    let alerts = AlertKind::ALL.iter().map(|kind| {
        let is_raised = raised(collector).any(|of| of == *kind);
        ([("kind", kind.word())], f64::from(u8::from(is_raised)))
    });
    let alerts: Vec<_> = alerts.collect();
    let alerts: Vec<_> = alerts
        .iter()
        .map(|(labels, value)| (&labels[..], *value))
        .collect();
    text.gauges("sovereign_alert", "1 while an alert stands.", &alerts);
    text.finish()
}

fn turns(text: &mut Exposition, collector: &Collector<'_>) {
    let (summary, counters) = (&*collector.summary, &collector.deps.counters);
    let outcomes: [_; 5] =
        std::array::from_fn(|i| ([("outcome", OUTCOMES[i])], summary.turns[i] as f64));
    let outcomes = outcomes.each_ref().map(|(labels, n)| (&labels[..], *n));
    text.counters(
        "sovereign_turns_total",
        "Closed turns by outcome.",
        &outcomes,
    );
    // The last two are not part of the sums.
    let parts: [_; 7] =
        std::array::from_fn(|i| (("part", latency_names()[i]), &summary.latencies[i]));
    text.histograms(
        "sovereign_latency_seconds",
        "Latencies of turns by part; response = uplink + server + downlink.",
        &parts,
    );
    for (name, help, count) in [
        (
            "sovereign_cut_offs_total",
            "Times that the user went on within a second of the end of a turn.",
            summary.cut_offs,
        ),
        (
            "sovereign_false_endpoints_total",
            "Early ends of turns that went on.",
            summary.false_endpoints,
        ),
        (
            "sovereign_utterances_lost_total",
            "Utterances that the service never received whole.",
            summary.lost,
        ),
        (
            "sovereign_tool_calls_total",
            "Functions that the service asked for.",
            summary.tool_calls,
        ),
        (
            "sovereign_tokens_total",
            "Tokens that the service counted, prompt and response.",
            summary.tokens,
        ),
        (
            "sovereign_connections_total",
            "Connections that were set up.",
            counters.connections.get(),
        ),
        (
            "sovereign_rolls_total",
            "Planned changes of connection.",
            counters.rolls.get(),
        ),
    ] {
        text.counter(name, help, count as f64);
    }
    if let Some(cost) = summary.cost {
        text.counter(
            "sovereign_cost_usd_total",
            "US dollars, of what was counted where the price is known; an upper bound while sovereign_cost_is_upper_bound is 1.",
            cost.usd,
        );
        text.gauge(
            "sovereign_cost_is_upper_bound",
            "1 where the cost is an upper bound: thoughts, and tokens of no told kind, are taken at the dearest rate.",
            Some(f64::from(u8::from(cost.at_most))),
        );
    }
}

fn flow(text: &mut Exposition, collector: &Collector<'_>) {
    let counters = &collector.deps.counters;
    for (name, help, count) in [
        (
            "sovereign_bytes_sent_total",
            "Bytes to the service.",
            counters.bytes_sent.get(),
        ),
        (
            "sovereign_bytes_received_total",
            "Bytes from the service.",
            counters.bytes_received.get(),
        ),
        (
            "sovereign_underruns_total",
            "Times that replies ran dry.",
            counters.underruns.get(),
        ),
        (
            "sovereign_capture_dropped_samples_total",
            "Captured samples that were lost.",
            counters.capture_dropped.get(),
        ),
        (
            "sovereign_bad_messages_total",
            "Messages of the service that could not be used.",
            counters.bad_messages.get(),
        ),
    ] {
        text.counter(name, help, count as f64);
    }
    let seconds = |span: std::time::Duration| Some(span.as_secs_f64());
    text.gauge(
        "sovereign_round_trip_seconds",
        "Round trip of the connection.",
        counters.round_trip().and_then(seconds),
    );
    text.gauge(
        "sovereign_capture_queued_seconds",
        "Captured sound that waits to be looked at.",
        seconds(counters.capture_queued.get()),
    );
    text.gauge(
        "sovereign_reply_queued_seconds",
        "Reply audio that waits for its time.",
        seconds(counters.reply_queued.get()),
    );
    text.gauge(
        "sovereign_outbox_messages",
        "Commands that wait for the connection.",
        Some(f64::from(counters.outbox.load(Relaxed))),
    );
}

fn machine(text: &mut Exposition, collector: &Collector<'_>) {
    let process = collector.statistics.process();
    let machine = process.machine;
    if let Some(cpu) = process.cpu {
        text.counter(
            "sovereign_cpu_seconds_total",
            "Processor time of this program.",
            cpu.as_secs_f64(),
        );
    }
    let bytes = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64);
    text.gauge(
        "sovereign_resident_memory_bytes",
        "Resident memory of this program.",
        bytes(process.rss),
    );
    text.gauge(
        "sovereign_memory_growth_bytes_per_hour",
        "Growth of the memory that does not come back, while there is one.",
        process.memory_growth.per_hour(),
    );
    text.gauge(
        "sovereign_threads",
        "Threads of this program.",
        process.threads.map(f64::from),
    );
    text.gauge(
        "sovereign_thread_growth_per_hour",
        "Growth of the threads that does not come back, while there is one.",
        process.thread_growth.per_hour(),
    );
    text.gauge(
        "sovereign_machine_cpu_ratio",
        "Load of all processors of this computer.",
        machine.cpu_percent.map(|load| f64::from(load) / 100.0),
    );
    text.gauge(
        "sovereign_machine_memory_bytes",
        "Memory of this computer.",
        bytes(machine.memory),
    );
    text.gauge(
        "sovereign_machine_memory_available_bytes",
        "Of it what programs can still have.",
        bytes(machine.available),
    );
    if let Some(battery) = machine.battery {
        text.gauge(
            "sovereign_battery_ratio",
            "How full the battery is.",
            Some(f64::from(battery.percent) / 100.0),
        );
        text.gauge(
            "sovereign_on_battery",
            "1 while this computer runs on battery.",
            Some(f64::from(u8::from(battery.discharging))),
        );
    }
}
