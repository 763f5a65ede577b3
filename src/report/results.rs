//! Results that both reports share: turns, latencies, circumstances.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::cost::Cost;
use crate::base::tokens::TokenCounts;

/// The latencies of a turn, in the order of the program's other outputs. All in milliseconds.
pub const LATENCIES: [&str; 9] = [
    "endpointing",
    "uplink",
    "server",
    "downlink",
    "client",
    "response",
    "total",
    "skipped_silence",
    "held",
];

/// Our own share of a response without the time that a finished reply was held: `client` − `held`. Budgets apply to it.
pub const OWN: &str = "own";
/// Head of the tables of limits.
pub const LIMITS_HEAD: [&str; 4] = ["what", "limit", "found", "verdict"];
/// What a dash among the latencies says.
pub const DASH: &str =
    "A dash, or no brackets: too few turns to say. p99 appears from 100 turns on.";

/// A latency's name for people, with that of JSON and CSV where it is another.
pub fn latency_words(name: &str) -> &str {
    match name {
        "endpointing" => "patience before it (endpointing)",
        "uplink" => "to the service (uplink)",
        "server" => "service and network (server)",
        "downlink" => "to your ear (downlink)",
        "client" => "our own share (client)",
        "total" => "the whole wait (total)",
        "skipped_silence" => "silence before the answer that was not played (skipped_silence)",
        "held" => "answer kept until patience was over (held)",
        OWN => "our own share without that (own)",
        other => other,
    }
}

/// A quantile, and between which values the true one lies in 95 of 100 cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// The quantile of the sample.
    pub value: f64,
    /// The true one is hardly smaller; absent where the sample is too small to say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub low: Option<f64>,
    /// The true one is hardly larger; absent where the sample is too small to say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub high: Option<f64>,
}

/// A latency, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// How many turns have it.
    pub n: usize,
    pub p50: Quantile,
    pub p95: Quantile,
    /// 99th percentile, from 100 turns on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub p99: Option<Quantile>,
    pub max: f64,
}

pub type LatencyTable = BTreeMap<String, Latency>;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcomes {
    pub completed: u64,
    /// An audible reply was cut.
    pub interrupted: u64,
    /// Ended before it was audible.
    pub cancelled: u64,
    pub empty: u64,
    /// Failed; `errors` says of what.
    pub failed: u64,
}

impl Outcomes {
    /// Counts a turn by the name of its outcome.
    pub fn add(&mut self, outcome: &str) {
        match outcome {
            "completed" => self.completed += 1,
            "interrupted" => self.interrupted += 1,
            "cancelled" => self.cancelled += 1,
            "empty" => self.empty += 1,
            _ => self.failed += 1,
        }
    }

    /// Turns with a reply.
    pub fn replied(&self) -> u64 {
        self.completed + self.interrupted
    }

    pub fn all(&self) -> u64 {
        self.completed + self.interrupted + self.cancelled + self.empty + self.failed
    }
}

/// Note on the results of a build that is not optimised.
pub(super) const TEST_BUILD: &str = "This is the build for tests, several times slower than `cargo build --release`: its processor figures are no measure.";

/// A turn as a row of the CSV.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TurnRow {
    pub profile: String,
    /// The model that was asked for.
    pub model: String,
    /// Which conversation, from 1.
    pub conversation: u64,
    /// Which turn of it, from 1.
    pub number: u64,
    /// When it was over, in seconds since the run began.
    pub at_s: f64,
    /// `completed`, `interrupted`, `cancelled`, `empty` or `failed`.
    pub outcome: String,
    pub error: Option<String>,
    /// In the order of [`LATENCIES`].
    pub latency_ms: [Option<f64>; 9],
    /// Times that its reply ran dry.
    pub underruns: u64,
    /// How often patience was too short.
    pub cut_offs: u64,
    /// Captured samples that were lost.
    pub capture_dropped: u64,
    /// Its tokens, where the service counted them.
    pub tokens: Option<TokenCounts>,
    /// Tokens beside these that are billed: of generations that were dropped, and what was counted since the turn before
    /// for turns that were over.
    pub other_tokens: TokenCounts,
    /// Searches of the web for it.
    pub searches: u64,
    /// What it cost, where the price is known.
    pub cost: Option<Cost>,
}

impl TurnRow {
    /// Its [`OWN`] share in milliseconds.
    pub fn own_ms(&self) -> Option<f64> {
        let [_, _, _, _, client, .., held] = self.latency_ms;
        Some((client? - held.unwrap_or(0.0)).max(0.0))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Circumstances {
    /// When it began, RFC 3339.
    pub made: String,
    pub version: String,
    /// `optimised` or `test`: the latter is several times slower.
    pub build: String,
    /// Operating system and architecture.
    pub system: String,
    pub cores: usize,
    /// Host that was talked to, or which server of our own.
    pub endpoint: String,
    /// How the sound side is made.
    pub sound: String,
    /// Spoken text; empty in reports of earlier versions.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub spoken: String,
    /// Pause of our own server before each answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub think_ms: Option<u64>,
    /// Why the run ended before its time, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cut_short: Option<String>,
    /// What was spent, in US dollars, by tokens counted or estimated, at the price that was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spent_usd: Option<f64>,
}

/// Milliseconds for people: no decimals above 10.
pub fn ms(value: f64) -> String {
    if value.abs() < 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// The same with its unit, or a dash.
pub fn some_ms(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{} ms", ms(value)))
}

/// A quantile with its interval, if there is one.
pub fn interval(quantile: &Quantile) -> String {
    let value = ms(quantile.value);
    if (quantile.low, quantile.high) == (None, None) {
        return value;
    }
    let side = |side: Option<f64>| side.map_or_else(|| "–".to_owned(), ms);
    format!(
        "{value} [{} to {}]",
        side(quantile.low),
        side(quantile.high)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waited_for_patience_is_not_our_own_share() {
        let mut turn = TurnRow::default();
        assert_eq!(turn.own_ms(), None);
        let at = |name| LATENCIES.iter().position(|known| *known == name);
        turn.latency_ms[at("client").expect("known")] = Some(890.0);
        assert_eq!(turn.own_ms(), Some(890.0));
        turn.latency_ms[at("held").expect("known")] = Some(879.5);
        assert_eq!(turn.own_ms(), Some(10.5));
    }
}
