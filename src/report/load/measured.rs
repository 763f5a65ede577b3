//! Measured results of a load, and the limits for them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::bill::Bill;
use super::super::results::{LatencyTable, Outcomes, TurnRow};

/// Seconds of sound that a conversation must give for each second.
pub const LEAST_RATIO: f64 = 0.999;
/// Share of the sound threads' rounds that may be late: one in a hundred is what an ordinary machine does now
/// and then (the record of `scripts/measure-load` has what full cores give).
pub const MOST_LATE: f64 = 0.01;
/// Share of the replies that may run dry, as of errors: a gap in one is heard.
pub const MOST_DRY: f64 = 0.01;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Limit of the 95th percentile of the response, in milliseconds; `None` without speech.
    pub response_p95_ms: Option<f64>,
    /// Limit of the recovery after a jump, in seconds; only with a jump.
    pub recovery_s: Option<f64>,
    /// Memory grows by no more than this from some seconds after the ramp to the end of the run, by its trend, in megabytes;
    /// only in a soak.
    pub growth_mb: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadResults {
    /// `normal`, `peak`, `stress`, `spike`, `soak`, `idle` or `free`.
    pub scenario: String,
    pub profile: String,
    /// The most conversations that were asked for at a time.
    pub sessions: usize,
    /// The most that had been asked for, long enough ago to be connected, when the run ended: fewer than `sessions` only if
    /// it was cut short.
    #[serde(default)]
    pub asked: usize,
    /// How long the run took, in seconds.
    pub seconds: f64,
    pub conversations: Conversations,
    pub turns: Outcomes,
    pub errors: BTreeMap<String, u64>,
    /// Utterances without an answer at the end of their conversation whose wait was too short to be an error.
    #[serde(default)]
    pub unanswered: u64,
    /// The most utterances that might be under way at the same time, where that was limited.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub requests: Option<u32>,
    /// Utterances that waited for that, those among them that waited still at the end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held_back: Option<HeldBack>,
    /// Failures among all that was tried: failures, turns with a reply, and conversations that were connected.
    pub error_rate: f64,
    /// Latencies of all turns, in milliseconds.
    pub latency_ms: LatencyTable,
    /// Turns that were closed too soon.
    pub cut_offs: u64,
    /// Times that replies ran dry.
    pub underruns: u64,
    /// Turns with a reply in which that happened.
    #[serde(default)]
    pub ran_dry: u64,
    /// Captured samples that were lost.
    pub capture_dropped: u64,
    #[serde(flatten, default)]
    pub bill: Bill,
    /// Whether sound kept up with time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub real_time: Option<RealTime>,
    /// What this process used: the conversations, without the server.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client: Option<Usage>,
    /// What our own server used, in processes of its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server: Option<Usage>,
    /// Seconds from a jump to the end of the last second that was not well, after the jump where that took longest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recovery_s: Option<f64>,
    /// After a jump it never was well for three seconds.
    #[serde(default)]
    pub never_well: bool,
    /// Connections that our own server still held after the last conversation of a spike was over.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connections_left: Option<u64>,
    /// How much memory this process gained from some seconds after the ramp to the end of the run, by its trend, in megabytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub growth_mb: Option<f64>,
    /// The growth of an hour, where four minutes or more were looked at.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub growth_mb_per_hour: Option<f64>,
    /// Of a long run only every nth turn is kept for the percentiles and the CSV, so that the run's own notes stay small;
    /// all are counted.
    #[serde(default = "one")]
    pub turns_kept_every: u64,
    /// Second by second; of runs of hours, parts of several seconds.
    pub timeline: Vec<Second>,
}

/// Utterances that waited until one of the others was answered, those among them that waited still at the end; no response
/// contains that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeldBack {
    pub n: u64,
    /// Seconds that they waited, added up.
    pub all_s: f64,
    /// The longest wait in seconds.
    pub longest_s: f64,
}

impl HeldBack {
    /// Adds an utterance with its wait.
    pub fn add(&mut self, wait: Duration) {
        self.n += 1;
        self.all_s += wait.as_secs_f64();
        self.longest_s = self.longest_s.max(wait.as_secs_f64());
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversations {
    /// Begun, those in place of failed ones included.
    pub begun: u64,
    pub connected: u64,
    /// The most that were connected at a time.
    pub most: usize,
    /// Begun in place of one that failed.
    pub replaced: u64,
    /// Places of failed ones that were left empty at the end, because too many had failed.
    #[serde(default)]
    pub given_up: u64,
    /// Connections, re-made ones included.
    pub connections: u64,
}

/// Whether sound kept up with time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RealTime {
    /// Seconds of sound for each second, in the conversation that fared worst.
    pub worst_ratio: f64,
    /// The same over all conversations.
    pub mean_ratio: f64,
    /// Share of the sound threads' rounds that were late.
    pub late_share: f64,
    /// From how many milliseconds on a round counts as late.
    #[serde(default)]
    pub late_from_ms: f64,
    /// The latest of all rounds, in milliseconds.
    pub latest_ms: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Mean while the conversations were complete, in percent of a core.
    pub cpu_percent_of_core: f64,
    /// The same for each conversation.
    pub cpu_percent_each: f64,
    /// Resident memory at its largest, in megabytes.
    pub memory_mb: f64,
    /// What each conversation added to it, in kilobytes.
    pub memory_kb_each: f64,
}

/// A second of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Since the beginning.
    pub at_s: f64,
    pub wanted: usize,
    pub connected: usize,
    /// Turns that were closed in this second.
    pub turns: u64,
    /// Those of them that a probe had, which talks after a spike when the crowd has left.
    #[serde(skip_serializing_if = "is_none", default)]
    pub probed: u64,
    /// What failed in this second.
    pub errors: u64,
    /// 95th percentile of the responses of this second, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub response_p95_ms: Option<f64>,
    /// Processor time of this process, in percent of a core.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_cpu: Option<f64>,
    /// Processor time of our own server.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server_cpu: Option<f64>,
    /// Resident memory of this process, in megabytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_mb: Option<f64>,
    /// Resident memory of our own server.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server_mb: Option<f64>,
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl LoadResults {
    /// Counts a turn, without its latencies.
    pub fn count(&mut self, turn: &TurnRow) {
        self.turns.add(&turn.outcome);
        self.cut_offs += turn.cut_offs;
        self.underruns += turn.underruns;
        let replied = matches!(turn.outcome.as_str(), "completed" | "interrupted");
        self.ran_dry += u64::from(replied && turn.underruns > 0);
        self.capture_dropped += turn.capture_dropped;
        self.bill.add(turn);
    }

    pub(super) fn failures(&self) -> u64 {
        self.errors.values().sum()
    }
}
