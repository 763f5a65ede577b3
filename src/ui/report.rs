//! The figures as text, to be pasted into a report. No key, no words of the conversation.

use std::fmt::Write as _;

use super::words::{self, UNKNOWN};
use crate::session::snapshot::{Port, Snapshot};

/// Everything that helps to judge the latency of this machine, one fact per line.
pub(super) fn report(snapshot: &Snapshot) -> String {
    let figures = &snapshot.figures;
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        writeln!(out, "{name}: {value}").ok();
    };
    line(
        "Sovereign",
        &format!(
            "{}{}",
            env!("CARGO_PKG_VERSION"),
            if snapshot.demo { " (demo)" } else { "" }
        ),
    );
    line("system", std::env::consts::OS);
    if let Some(profile) = snapshot.profiles.get(snapshot.active) {
        line(
            "profile",
            &format!(
                "{}, target {} ms",
                profile.name,
                words::millis(profile.target)
            ),
        );
    }
    line("sound system", &snapshot.devices.host);
    line("microphone", &port(&snapshot.input));
    line("speaker", &port(&snapshot.output));
    line("turns", &figures.turns.to_string());
    line("n", &figures.n.to_string());
    for (name, value) in [
        ("p50", figures.p50),
        ("p95", figures.p95),
        ("p99", figures.p99),
    ] {
        line(
            &format!("response {name}"),
            &words::millis_or_unknown(value),
        );
    }
    let last = figures.last.clone().unwrap_or_default();
    line("last response", &words::sum_of_parts(&last));
    line(
        "patience before it",
        &words::millis_or_unknown(last.endpointing),
    );
    line("cut-offs", &figures.cut_offs.to_string());
    line("interrupted", &figures.interrupted.to_string());
    line("stutters", &figures.underruns.to_string());
    line("lost samples", &figures.capture_dropped.to_string());
    line("round trip", &words::millis_or_unknown(figures.round_trip));
    line("CPU", &words::percent(snapshot.process.cpu_percent));
    line("memory", &words::megabytes(snapshot.process.rss));
    out
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
