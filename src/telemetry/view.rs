//! Views: plain data for the window and the exports.

use std::sync::Arc;
use std::time::Duration;

use super::record::TurnRecord;
use super::summary::ModelsUsage;
use super::turn_counts::TurnCounts;
use crate::probe::SystemReading;
use crate::telemetry::alert::Alert;
use crate::telemetry::diagnosis::Finding;
use crate::telemetry::history::comparison::Comparison;
use crate::telemetry::history::{PastAlert, Slice};
use crate::telemetry::memory_growth::Growth;
use crate::turn::early::EarlyClose;
use crate::turn::timeline::Latencies;

#[derive(Clone, Debug, Default)]
pub struct View {
    /// Statistics of the active profile, or of all candidates of `auto`.
    pub figures: TurnStatistics,
    /// By profile and model, since the start.
    pub models: Arc<ModelsUsage>,
    /// This process, once a second.
    pub process: ProcessUsage,
    pub alerts: Arc<[Alert]>,
    /// Likely causes of slow or troubled turns, the most expensive first.
    pub findings: Arc<[Finding]>,
    /// The newest turns without their words, newest first.
    pub turns: Arc<[Arc<TurnRecord>]>,
    /// The last hours and days.
    pub history: Arc<HistoryView>,
}

/// Statistics of the active profile, or of all candidates of `auto`, since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TurnStatistics {
    pub turns: TurnCounts,
    /// The last turn with a reply that was heard.
    pub last: Option<Latencies>,
    /// Completed and interrupted turns that have a response.
    pub n: u64,
    pub p50: Option<Duration>,
    /// 95th percentile of the response.
    pub p95: Option<Duration>,
    /// 99th percentile, from n = 100 on.
    pub p99: Option<Duration>,
    /// Responses of the last turns, oldest first, at most 60.
    pub history: Vec<Duration>,
    pub patience: Option<Duration>,
    /// State of the early close.
    pub early: EarlyClose,
    /// The rate of the newest turns.
    pub turns_per_minute: Option<f64>,
    /// What moves all the time.
    pub meters: Meters,
}

/// Readings of the connection and of the queues at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Meters {
    /// Round trip of the connection, if the system reports it.
    pub round_trip: Option<Duration>,
    /// Mean deviation of the round trips, if the system reports it.
    pub variation: Option<Duration>,
    /// Percentage of the segments of the last minutes that had to be sent again.
    pub loss_percent: Option<f64>,
    /// Bytes that the system has taken and not sent once.
    pub unsent_bytes: u64,
    /// What the last connection took to come about.
    pub connect: Option<Duration>,
    /// Connections since the start, …
    pub connections: u64,
    /// … and those of them that were planned to replace another one.
    pub rolls: u64,
    /// Bytes both ways for each minute with a connection, since the start.
    pub bytes_per_minute: Option<u64>,
    /// Bytes sent to the service since the start.
    pub bytes_sent: u64,
    /// Sound that was sent to the service since the start.
    pub audio_sent: Duration,
    /// Captured audio that waits for processing.
    pub capture_queued: Duration,
    /// Commands that wait for the connection.
    pub outbox: usize,
    pub reply_queued: Duration,
}

/// The spans of the history: what a span is called, how long it is, and in how many columns it is drawn.
pub const SPANS: [(&str, Duration, usize); 4] = [
    ("1 h", Duration::from_secs(3_600), 60),
    ("6 h", Duration::from_secs(6 * 3_600), 36),
    ("24 h", Duration::from_secs(24 * 3_600), 48),
    ("7 d", Duration::from_secs(7 * 24 * 3_600), 56),
];

/// The history, drawn in columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryView {
    /// The columns of each of [`SPANS`], oldest first.
    pub spans: [Vec<Slice>; 4],
    /// Everything since midnight.
    pub today: Slice,
    /// Today compared with yesterday, if there is something to say.
    pub compared: Option<Comparison>,
    /// The alerts of the last seven days, newest first.
    pub alerts: Vec<PastAlert>,
}

/// Resource usage of this process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessUsage {
    /// Percent of one core over the last second.
    pub cpu_percent: Option<f32>,
    /// Processor time since the start.
    pub cpu: Option<Duration>,
    /// Threads, if the system reports them.
    pub threads: Option<u32>,
    /// Whether memory grows and does not come back, in bytes per hour.
    pub memory_growth: Growth,
    /// Whether threads become more and do not end, per hour.
    pub thread_growth: Growth,
    /// The machine as a whole.
    pub machine: SystemReading,
    /// Cores of the machine.
    pub cores: usize,
    /// Resident memory in bytes.
    pub rss: Option<u64>,
    /// CPU percentages of the last minute, oldest first.
    pub cpu_history: Vec<f32>,
    /// Resident memory of the last minute in bytes, oldest first.
    pub rss_history: Vec<u64>,
}
