//! The statistics as text for a bug report, without key and words of the conversation.

use std::fmt::Write as _;

use super::format::{self, UNKNOWN};
use super::{connection_figures, explain, past_alerts};
use crate::conversation::snapshot::{Port, Snapshot};
use crate::telemetry::history::Slice;
use crate::telemetry::view::SPANS;

/// The facts that describe the latency of this machine, one per line.
pub(super) fn report(snapshot: &Snapshot) -> String {
    let lines = [
        versions(snapshot),
        responses(snapshot),
        connection(snapshot),
        trouble(snapshot),
        machine(snapshot),
    ];
    let mut out = String::new();
    for (name, value) in lines.into_iter().flatten() {
        // Writing to a string cannot fail.
        writeln!(out, "{name}: {value}").ok();
    }
    out
}

type Line = (String, String);

fn line(name: &str, value: impl Into<String>) -> Line {
    (name.to_owned(), value.into())
}

fn versions(snapshot: &Snapshot) -> Vec<Line> {
    let demo = if snapshot.demo { " (demo)" } else { "" };
    let mut lines = vec![
        line("Sovereign", format!("{}{demo}", env!("CARGO_PKG_VERSION"))),
        line(
            "system",
            format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        ),
    ];
    if let Some(profile) = snapshot.profiles.get(snapshot.chosen) {
        let target = format::millis(profile.target);
        lines.push(line(
            "profile",
            format!("{}, target {target} ms", profile.name),
        ));
    }
    lines.push(line("sound system", snapshot.devices.host.clone()));
    lines.push(line("microphone", port(&snapshot.input)));
    lines.push(line("speaker", port(&snapshot.output)));
    lines.push(line("echo cancellation", snapshot.echo.why.clone()));
    lines
}

fn responses(snapshot: &Snapshot) -> Vec<Line> {
    let figures = &snapshot.figures;
    let mut lines = vec![
        line("turns", figures.turns.all().to_string()),
        line("n", figures.n.to_string()),
    ];
    let quantiles = [
        ("p50", figures.p50),
        ("p95", figures.p95),
        ("p99", figures.p99),
    ];
    for (name, value) in quantiles {
        let name = format!("response {name}");
        lines.push(line(&name, format::millis_or_unknown(value)));
    }
    let last = figures.last.clone().unwrap_or_default();
    lines.push(line("last response", format::sum_of_parts(&last)));
    let patience = format::millis_or_unknown(last.endpointing);
    lines.push(line("patience before it", patience));
    if let Some(turn) = snapshot.turns.first() {
        for ((name, _), value) in explain::stages().into_iter().zip(turn.stages.values()) {
            let name = format!("newest turn, {name}");
            lines.push(line(&name, format::millis_or_unknown(value)));
        }
    }
    lines.push(line(
        "early close",
        format::early(figures, format::set_patience(snapshot)),
    ));
    let answered = explain::success(figures.turns.answered(), figures.turns.failed());
    lines.push(line("answered", answered));
    lines.push(line("cut-offs", figures.turns.cut_off.to_string()));
    lines.push(line("interrupted", figures.turns.interrupted().to_string()));
    // Underruns and overruns: the speaker had nothing to play, or the ring of the microphone was full.
    lines.push(line("stutters", figures.turns.underruns.to_string()));
    lines.push(line(
        "lost samples",
        figures.turns.capture_dropped.to_string(),
    ));
    lines.push(line("queues", explain::queues(figures)));
    let tokens = explain::tokens(figures.turns.tokens, figures.turns.thoughts);
    lines.push(line("tokens", tokens));
    lines.push(line("cost", explain::cost(figures.turns.cost)));
    for ((profile, model), of) in snapshot.models.iter().filter(|_| !snapshot.demo) {
        let name = format!("{profile} with {model}");
        lines.push(line(&name, explain::of_model(of)));
    }
    lines
}

/// The connection now and over each span of the history.
fn connection(snapshot: &Snapshot) -> Vec<Line> {
    let now = connection_figures::now(&snapshot.figures.meters);
    let mut lines: Vec<Line> = now.iter().map(|f| line(f.name, &*f.value)).collect();
    for ((name, ..), columns) in SPANS.iter().zip(&snapshot.history.spans) {
        let figures = connection_figures::over(&Slice::total(columns));
        let figures: Vec<_> = figures
            .iter()
            .map(|figure| format!("{} {}", figure.name, figure.value))
            .collect();
        lines.push(line(&format!("last {name}"), figures.join(", ")));
    }
    let days = snapshot.history.compared.map(explain::compared);
    lines.extend(days.map(|(words, _)| line("days", words)));
    lines
}

fn trouble(snapshot: &Snapshot) -> Vec<Line> {
    let alerts = snapshot
        .alerts
        .iter()
        .map(|alert| line("alert", alert.what()));
    let findings = snapshot.findings.iter().map(|finding| {
        let what = format!("{}: {}", finding.part.name(), finding.what);
        line("likely cause", what)
    });
    let past = snapshot.history.alerts.iter().take(past_alerts::NEWEST);
    let past = past.enumerate().map(|(nth, alert)| {
        let when = past_alerts::when(alert, past_alerts::stands(alert, nth, snapshot));
        line("earlier alert", format!("{when} · {}", alert.what))
    });
    alerts.chain(findings).chain(past).collect()
}

fn machine(snapshot: &Snapshot) -> Vec<Line> {
    let process = &snapshot.process;
    let mut lines = vec![
        line("CPU", format::percent(process.cpu_percent)),
        line("threads", explain::threads(process)),
        line("memory", format::megabytes(process.rss)),
        line("memory over time", explain::trend(process)),
        line("processors", process.cores.to_string()),
        line("this computer", explain::machine(process)),
    ];
    lines.extend(explain::battery(process).map(|battery| line("battery", battery)));
    lines
}

fn port(port: &Port) -> String {
    match &port.stream {
        Some(stream) => format!(
            "{}, {} Hz, {} channels, period {}",
            stream.device.name,
            stream.rate.hz(),
            stream.channels,
            stream
                .period_frames
                .map_or_else(|| UNKNOWN.to_owned(), |frames| frames.to_string()),
        ),
        None => port.trouble.clone().unwrap_or_else(|| "none".to_owned()),
    }
}
