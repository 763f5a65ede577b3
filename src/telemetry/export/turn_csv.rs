//! Turns and the history as comma-separated values (RFC 4180), one row each. No words of the conversation, no key.

use std::time::Duration;

use jiff::Timestamp;

use crate::base::cost::Cost;
use crate::base::printable;
use crate::telemetry::history::{History, OUTCOMES, Slice};
use crate::telemetry::record::{TurnRecord, latency_names};
use crate::telemetry::stages::STAGES;

/// The header of the turns, with a line end.
pub fn turn_header() -> String {
    let mut names: Vec<String> = ["time", "turn", "input", "profile", "model", "outcome"]
        .map(str::to_owned)
        .to_vec();
    names.extend(latency_names().map(|name| format!("{name}_ms")));
    names.extend(STAGES.map(|name| format!("stage_{name}_ms")));
    names.extend(
        [
            "round_trip_ms",
            "sent_ms",
            "heard_ms",
            "underruns",
            "capture_dropped",
            "reopened",
            "cut_offs",
            "false_endpoints",
            "tool_calls",
            "prompt_tokens",
            "response_tokens",
            "thought_tokens",
            "wasted_tokens",
            "cost_usd",
            "cost_is_upper_bound",
        ]
        .map(str::to_owned),
    );
    row(&names)
}

/// A turn as a row with a line end. Unknown values are empty.
pub fn turn_row(turn: &TurnRecord) -> String {
    let mut cells = vec![
        time(turn.closed_at),
        turn.number.to_string(),
        turn.input.clone().unwrap_or_default(),
        turn.profile.clone(),
        turn.model.clone(),
        turn.outcome.name().to_owned(),
    ];
    cells.extend(turn.latency_values().map(millis));
    cells.extend(turn.stages.values().map(millis));
    cells.extend([
        millis(turn.round_trip),
        millis(Some(turn.sent)),
        millis(Some(turn.heard)),
    ]);
    cells.extend(
        [
            turn.underruns,
            turn.capture_dropped,
            u64::from(turn.reopened),
            u64::from(turn.cut_offs),
            u64::from(turn.false_endpoints),
            u64::from(turn.tool_calls),
        ]
        .map(|count| count.to_string()),
    );
    let counts = turn
        .tokens
        .map(|tokens| [tokens.prompt.sum(), tokens.written(), tokens.thoughts]);
    cells.extend(counts.map_or_else(Default::default, |all| all.map(|n| n.to_string())));
    cells.push(turn.wasted_tokens.sum().to_string());
    cells.extend(cost(turn.cost));
    row(&cells)
}

/// The history, a row for each of its slices, oldest first.
pub fn history(history: &History) -> String {
    let mut names: Vec<String> = ["time", "seconds"].map(str::to_owned).to_vec();
    names.extend(OUTCOMES.map(str::to_owned));
    names.extend(
        [
            "response_n",
            "response_p50_ms",
            "response_p95_ms",
            "client_p50_ms",
            "server_p50_ms",
            "cut_offs",
            "underruns",
            "tool_calls",
            "tokens",
            "cost_usd",
            "cost_is_upper_bound",
            "bytes_sent",
            "bytes_received",
            "cpu_percent_of_core",
            "machine_cpu_percent",
            "memory_max_bytes",
            "round_trip_ms",
            "variation_ms",
            "connect_ms",
            "segments_sent",
            "segments_resent",
            "observed_seconds",
            "connected_seconds",
            "outages",
            "outage_seconds",
            "judged",
            "on_target",
            "threads_max",
        ]
        .map(str::to_owned),
    );
    let mut text = row(&names);
    for slice in history.slices() {
        let start = Timestamp::from_second(slice.start.cast_signed()).unwrap_or_default();
        let mut cells = vec![time(start), slice.length.to_string()];
        cells.extend(slice.turns.map(|count| count.to_string()));
        cells.push(slice.response.n().to_string());
        cells.extend(
            [
                slice.response.quantile(0.5),
                slice.response.quantile(0.95),
                slice.client.quantile(0.5),
                slice.server.quantile(0.5),
            ]
            .map(millis),
        );
        cells.extend(
            [
                slice.cut_offs,
                slice.underruns,
                slice.tool_calls,
                slice.tokens,
            ]
            .map(|count| count.to_string()),
        );
        cells.extend(cost(slice.cost()));
        cells.extend([slice.bytes_sent, slice.bytes_received].map(|bytes| bytes.to_string()));
        cells.extend([slice.cpu.mean(), slice.machine.mean()].map(number));
        let whole =
            |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.0}"));
        cells.push(whole(slice.rss.max()));
        cells.extend(link(slice));
        cells.push(whole(slice.threads.max()));
        text.push_str(&row(&cells));
    }
    text
}

/// From the round trip to the responses within the target.
fn link(slice: &Slice) -> Vec<String> {
    let means = [&slice.round_trip_ms, &slice.variation_ms, &slice.connect_ms];
    let mut cells = means.map(|mean| number(mean.mean())).to_vec();
    cells.extend([slice.segments_sent, slice.segments_resent].map(|n| n.to_string()));
    cells.extend([slice.observed_seconds, slice.connected_seconds].map(|s| number(Some(s))));
    cells.extend([
        slice.outages.to_string(),
        number(Some(slice.outage_seconds)),
    ]);
    cells.extend([slice.judged, slice.on_target].map(|n| n.to_string()));
    cells
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.2}"))
}

/// A cost, and whether it is an upper bound.
fn cost(cost: Option<Cost>) -> [String; 2] {
    cost.map_or_else(Default::default, |cost| {
        [format!("{:.6}", cost.rounded(6)), cost.at_most.to_string()]
    })
}

fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    cells.join(",") + "\r\n"
}

/// Quotes a cell, so that no spreadsheet takes it for a formula.
fn quoted(cell: &str) -> String {
    let cell = printable::cell(cell);
    if cell.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.into_owned()
    }
}

fn millis(value: Option<Duration>) -> String {
    value.map_or_else(String::new, |value| {
        format!("{:.1}", value.as_secs_f64() * 1e3)
    })
}

/// In UTC, to the millisecond.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::history::Reading;

    #[test]
    fn a_row_has_a_cell_for_each_name_and_no_words() {
        let mut turn = crate::telemetry::record::tests::record();
        turn.input = Some("=cmd|' /C calc'!A0, \"x\".wav".into());
        turn.user = "a secret".into();
        let (header, row) = (turn_header(), turn_row(&turn));
        assert!(
            row.contains("\"'=cmd|' /C calc'!A0, \"\"x\"\".wav\""),
            "{row}"
        );
        assert!(!row.contains("secret"));
        turn.input = None;
        let row = turn_row(&turn);
        let cells: Vec<(&str, &str)> = header
            .trim_end()
            .split(',')
            .zip(row.trim_end().split(','))
            .collect();
        assert_eq!(header.matches(',').count(), row.matches(',').count());
        let cell = |name: &str| cells.iter().find(|(n, _)| *n == name).expect("a column").1;
        assert_eq!(
            [
                cell("outcome"),
                cell("response_ms"),
                cell("prompt_tokens"),
                cell("stage_dsp_ms")
            ],
            ["completed", "21.0", "45", ""]
        );
        assert!(cell("time").ends_with('Z') && row.ends_with("\r\n"));
    }

    #[test]
    fn the_history_has_a_row_for_each_slice() {
        let mut all = History::default();
        for minute in 0..3 {
            let mut turn = TurnRecord::default();
            turn.latencies.response = Some(Duration::from_millis(200));
            all.turn(1_700_000_000 + minute * 60, &turn, None);
        }
        for threads in [9, 11, 10] {
            let reading = Reading {
                threads: Some(threads),
                ..Reading::default()
            };
            all.reading(1_700_000_120, &reading);
        }
        let text = history(&all);
        assert!(text.starts_with("time,") && text.contains(",threads_max\r\n"));
        assert_eq!(text.matches(",11\r\n").count(), 1, "{text}");
        assert_eq!(text.lines().count(), 4);
        assert!(text.lines().all(|line| line.matches(',').count()
            == text.lines().next().expect("some").matches(',').count()));
        assert!(
            text.contains("2023-11-14T22:13:00.000Z,60,1,0,0,0,0,1,"),
            "{text}"
        );
    }
}
