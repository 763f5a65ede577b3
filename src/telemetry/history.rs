//! The history of the last seven days, in slices of growing length.
//!
//! ```text
//!  now ◀── 1 min ── 2 h ◀── 10 min ── 26 h ◀── 1 h ── 7 days
//! ```
//!
//! A slice holds counts, means and small distributions, never words, so it may be stored and exported. Times are seconds of
//! the wall clock since 1970, because the history outlives the process. If the clock is set back, slices in its future are
//! dropped.

mod availability;
pub mod comparison;
mod past_alert;
mod past_alerts;
mod sketch;

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::link_quality::LinkTime;
use super::record::{TurnRecord, place};
use crate::base::cost::Cost;
pub use past_alert::PastAlert;
use sketch::Sketch;

/// Reach and length of the slices of each tier in seconds; the last tier ends the history.
const TIERS: [(u64, u64); 3] = [(2 * HOUR, 60), (26 * HOUR, 600), (169 * HOUR, HOUR)];
const HOUR: u64 = 3_600;
/// A correction of the clock by up to this drops no slice.
const CORRECTION: u64 = HOUR;
const SCHEMA: &str = "sovereign.history/1";
/// Slices that a file may hold: all tiers full, and a margin.
const MOST_SLICES: usize = 600;

/// Outcomes of turns by index in [`Slice::turns`].
pub const OUTCOMES: [&str; 5] = ["completed", "interrupted", "cancelled", "empty", "failed"];

/// The readings of a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Processor time of this program in percent of one core.
    pub cpu_percent: Option<f32>,
    /// Processor time of the whole machine in percent of all cores.
    pub machine_percent: Option<f32>,
    /// Resident memory in bytes.
    pub rss: Option<u64>,
    pub threads: Option<u32>,
    /// Round trip of the connection.
    pub round_trip: Option<Duration>,
    /// Mean deviation of the round trips.
    pub variation: Option<Duration>,
    /// Time with and without a connection since the last reading.
    pub link: LinkTime,
    /// What a connection took to come about, if there was a new one since the last reading.
    pub connect: Option<Duration>,
    /// Playback underruns since the last reading.
    pub underruns: u64,
    /// Sound sent since the last reading.
    pub audio_sent: Duration,
    /// Bytes sent since the last reading.
    pub bytes_sent: u64,
    /// Bytes received since the last reading.
    pub bytes_received: u64,
    /// Segments with data sent, and sent again, since the last reading.
    pub segments: [u64; 2],
}

/// Mean and maximum of readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    sum: f64,
    n: u64,
    max: f64,
}

impl Mean {
    fn record(&mut self, value: f64) {
        self.sum += value;
        self.n += 1;
        self.max = self.max.max(value);
    }

    fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        self.n += other.n;
        self.max = self.max.max(other.max);
    }

    /// The mean; `None` without readings.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / self.n as f64)
    }

    /// The largest; `None` without readings.
    pub fn max(&self) -> Option<f64> {
        (self.n > 0).then_some(self.max)
    }

    fn is_sound(&self) -> bool {
        self.sum.is_finite() && self.max.is_finite()
    }
}

/// The events of one period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slice {
    /// Its beginning, in seconds since 1970.
    pub start: u64,
    /// Its length in seconds.
    pub length: u64,
    /// Turns by outcome, in the order of [`OUTCOMES`].
    pub turns: [u64; 5],
    /// Turns that the user went on in within a second of their end.
    pub cut_offs: u64,
    /// Playback underruns during replies.
    pub underruns: u64,
    /// Functions that the service asked for.
    pub tool_calls: u64,
    /// Tokens, prompt and response.
    pub tokens: u64,
    /// US dollars, of the turns whose price is known.
    pub cost_usd: f64,
    /// The amount is an upper bound.
    pub cost_is_upper_bound: bool,
    /// Turns whose price is known.
    pub priced: u64,
    /// Sound that was sent to the service, in seconds.
    pub audio_sent_seconds: f64,
    /// Bytes to the service.
    pub bytes_sent: u64,
    /// Bytes from it.
    pub bytes_received: u64,
    pub response: Sketch,
    /// Our share of them.
    pub client: Sketch,
    /// The share of service and network.
    pub server: Sketch,
    /// Percent of one core that this program used.
    pub cpu: Mean,
    /// Percent of all cores that were used.
    pub machine: Mean,
    /// Resident memory in bytes.
    pub rss: Mean,
    pub threads: Mean,
    /// Round trips in milliseconds.
    pub round_trip_ms: Mean,
    /// Mean deviation of the round trips in milliseconds.
    pub variation_ms: Mean,
    /// What connections took to come about, in milliseconds.
    pub connect_ms: Mean,
    /// Segments with data that were sent, those sent again included.
    pub segments_sent: u64,
    pub segments_resent: u64,
    /// Seconds that the program ran.
    pub observed_seconds: f64,
    /// Seconds with a connection.
    pub connected_seconds: f64,
    /// Times that the connection was lost.
    pub outages: u64,
    /// Seconds from each loss to the next connection.
    pub outage_seconds: f64,
    /// Responses that were compared with the target of their profile, …
    pub judged: u64,
    /// … and those within it.
    pub on_target: u64,
}

impl Slice {
    /// Turns of any outcome.
    pub fn all_turns(&self) -> u64 {
        self.turns.iter().sum()
    }

    /// The share of turns with an answer, 0.0 to 1.0, without those that the user cancelled; `None` without turns.
    pub fn success(&self) -> Option<f64> {
        let [completed, interrupted, _, empty, failed] = self.turns;
        let answered = completed + interrupted;
        let asked = answered + empty + failed;
        (asked > 0).then(|| answered as f64 / asked as f64)
    }

    /// The cost, if the price of any part is known.
    pub fn cost(&self) -> Option<Cost> {
        let cost = Cost {
            usd: self.cost_usd,
            at_most: self.cost_is_upper_bound,
        };
        (self.priced > 0 || self.cost_usd > 0.0).then_some(cost)
    }

    fn pay(&mut self, cost: Cost) {
        self.cost_usd += cost.usd;
        self.cost_is_upper_bound |= cost.at_most;
    }

    /// All of these in one, without a start and a length.
    pub fn total(slices: &[Self]) -> Self {
        let mut total = Self::default();
        for slice in slices {
            total.merge(slice);
        }
        total
    }

    /// Merges another slice; start and length stay.
    pub fn merge(&mut self, other: &Self) {
        for (all, more) in self.turns.iter_mut().zip(other.turns) {
            *all += more;
        }
        self.cut_offs += other.cut_offs;
        self.underruns += other.underruns;
        self.tool_calls += other.tool_calls;
        self.tokens += other.tokens;
        self.cost_usd += other.cost_usd;
        self.cost_is_upper_bound |= other.cost_is_upper_bound;
        self.priced += other.priced;
        self.audio_sent_seconds += other.audio_sent_seconds;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.response.merge(&other.response);
        self.client.merge(&other.client);
        self.server.merge(&other.server);
        self.cpu.merge(&other.cpu);
        self.machine.merge(&other.machine);
        self.rss.merge(&other.rss);
        self.threads.merge(&other.threads);
        self.round_trip_ms.merge(&other.round_trip_ms);
        self.variation_ms.merge(&other.variation_ms);
        self.connect_ms.merge(&other.connect_ms);
        self.segments_sent += other.segments_sent;
        self.segments_resent += other.segments_resent;
        self.observed_seconds += other.observed_seconds;
        self.connected_seconds += other.connected_seconds;
        self.outages += other.outages;
        self.outage_seconds += other.outage_seconds;
        self.judged += other.judged;
        self.on_target += other.on_target;
    }

    fn is_sound(&self) -> bool {
        let sketches = [&self.response, &self.client, &self.server];
        let means = [
            &self.cpu,
            &self.machine,
            &self.rss,
            &self.threads,
            &self.round_trip_ms,
            &self.variation_ms,
            &self.connect_ms,
        ];
        let seconds = [
            self.audio_sent_seconds,
            self.observed_seconds,
            self.connected_seconds,
            self.outage_seconds,
        ];
        TIERS.iter().any(|(_, length)| *length == self.length)
            && self.start.is_multiple_of(self.length)
            && sketches.iter().all(|sketch| sketch.is_sound())
            && means.iter().all(|mean| mean.is_sound())
            && self.cost_usd.is_finite()
            && seconds.iter().all(|seconds| (0.0..1e9).contains(seconds))
    }
}

/// Seven days in a bounded number of slices, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    slices: VecDeque<Slice>,
    /// Oldest first.
    alerts: VecDeque<PastAlert>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    schema: String,
    slices: VecDeque<Slice>,
    #[serde(default)]
    alerts: VecDeque<PastAlert>,
}

/// Why a stored history is rejected.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It is no JSON of this shape.
    #[error("is not a history of this program: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It is of another version.
    #[error("is a history of another version: {0}")]
    Version(String),
    /// Its numbers contradict each other.
    #[error("holds impossible numbers")]
    Impossible,
}

impl History {
    /// Puts `later` behind this one.
    pub fn append(&mut self, later: Self) {
        for slice in later.slices {
            match self.slices.back_mut() {
                Some(last) if last.start == slice.start && last.length == slice.length => {
                    last.merge(&slice);
                }
                _ => self.slices.push_back(slice),
            }
        }
        self.alerts.extend(later.alerts);
    }

    /// Forgets what was before this moment, in seconds since 1970.
    pub fn forget_before(&mut self, oldest: u64) {
        self.slices
            .retain(|slice| slice.start + slice.length > oldest);
        self.alerts.retain(|alert| alert.at >= oldest);
    }

    /// Takes in a turn that was closed at `now`, whose response is judged by `target`.
    pub fn turn(&mut self, now: u64, turn: &TurnRecord, target: Option<Duration>) {
        let slice = self.newest(now);
        slice.turns[place(&turn.outcome)] += 1;
        slice.cut_offs += u64::from(turn.cut_offs > 0);
        slice.tool_calls += u64::from(turn.tool_calls);
        slice.tokens += turn.all_tokens();
        if let Some(cost) = turn.cost {
            slice.pay(cost);
            slice.priced += 1;
        }
        if let Some((response, target)) = turn.latencies.response.zip(target) {
            slice.judged += 1;
            slice.on_target += u64::from(response <= target);
        }
        for (sketch, value) in [
            (&mut slice.response, turn.latencies.response),
            (&mut slice.client, turn.latencies.client),
            (&mut slice.server, turn.latencies.server),
        ] {
            if let Some(value) = value {
                sketch.record(value);
            }
        }
    }

    /// Takes in tokens that were counted after their turn was closed, and what they cost.
    pub fn late_tokens(&mut self, now: u64, tokens: u64, cost: Option<Cost>) {
        let slice = self.newest(now);
        slice.tokens += tokens;
        slice.pay(cost.unwrap_or_default());
    }

    /// Takes in the reading of a second.
    pub fn reading(&mut self, now: u64, reading: &Reading) {
        let slice = self.newest(now);
        slice.underruns += reading.underruns;
        slice.audio_sent_seconds += reading.audio_sent.as_secs_f64();
        slice.bytes_sent += reading.bytes_sent;
        slice.bytes_received += reading.bytes_received;
        let [sent, resent] = reading.segments;
        slice.segments_sent += sent;
        slice.segments_resent += resent;
        let link = &reading.link;
        slice.observed_seconds += link.observed.as_secs_f64();
        slice.connected_seconds += link.connected.as_secs_f64();
        slice.outages += link.outages;
        slice.outage_seconds += link.outage.as_secs_f64();
        let ms = |span: Option<Duration>| span.map(|span| span.as_secs_f64() * 1e3);
        for (mean, value) in [
            (&mut slice.cpu, reading.cpu_percent.map(f64::from)),
            (&mut slice.machine, reading.machine_percent.map(f64::from)),
            (&mut slice.rss, reading.rss.map(|rss| rss as f64)),
            (&mut slice.threads, reading.threads.map(f64::from)),
            (&mut slice.round_trip_ms, ms(reading.round_trip)),
            (&mut slice.variation_ms, ms(reading.variation)),
            (&mut slice.connect_ms, ms(reading.connect)),
        ] {
            if let Some(value) = value {
                mean.record(value);
            }
        }
    }

    /// The last `span` up to `now` in `n` columns of equal length, oldest first; columns without events are empty.
    pub fn columns(&self, now: u64, span: Duration, n: usize) -> Vec<Slice> {
        let length = (span.as_secs() / n.max(1) as u64).max(1);
        let end = now - now % length + length;
        let first = end.saturating_sub(length * n as u64);
        let mut columns: Vec<Slice> = (0..n as u64)
            .map(|i| Slice {
                start: first + i * length,
                length,
                ..Slice::default()
            })
            .collect();
        for slice in self
            .slices
            .iter()
            .filter(|slice| (first..end).contains(&slice.start))
        {
            let at = (slice.start - first) / length;
            if let Some(column) = columns.get_mut(usize::try_from(at).unwrap_or(usize::MAX)) {
                column.merge(slice);
            }
        }
        columns
    }

    /// The slices, oldest first.
    pub fn slices(&self) -> impl Iterator<Item = &Slice> {
        self.slices.iter()
    }

    /// The history as text; [`History::from_text`] reads it.
    pub fn to_text(&self) -> String {
        let stored = Stored {
            schema: SCHEMA.to_owned(),
            slices: self.slices.clone(),
            alerts: self.alerts.clone(),
        };
        serde_json::to_string(&stored).expect("numbers become JSON")
    }

    /// Parses a stored text as of `now`; slices that are too old are dropped.
    pub fn from_text(text: &[u8], now: u64) -> Result<Self, HistoryError> {
        let stored: Stored = serde_json::from_slice(text)?;
        if stored.schema != SCHEMA {
            return Err(HistoryError::Version(
                stored.schema.chars().take(40).collect(),
            ));
        }
        let slices = &stored.slices;
        let in_order = slices
            .iter()
            .zip(slices.iter().skip(1))
            .all(|(a, b)| a.start < b.start);
        let are_sound =
            slices.iter().all(Slice::is_sound) && stored.alerts.iter().all(PastAlert::is_sound);
        if slices.len() > MOST_SLICES || !in_order || !are_sound {
            return Err(HistoryError::Impossible);
        }
        let mut history = Self {
            slices: stored.slices,
            alerts: stored.alerts,
        };
        history.slices.retain(|slice| slice.start <= now);
        history.compact(now);
        Ok(history)
    }

    /// The slice of this minute.
    fn newest(&mut self, now: u64) -> &mut Slice {
        let length = TIERS[0].1;
        let start = now - now % length;
        let newest = self.slices.back().map_or(0, |slice| slice.start);
        if newest > now + CORRECTION {
            self.slices.retain(|slice| slice.start <= now);
        }
        let newest = self.slices.back().map(|slice| slice.start);
        if newest.is_none_or(|newest| newest < start) {
            self.slices.push_back(Slice {
                start,
                length,
                ..Slice::default()
            });
            self.compact(now);
        }
        // After a small correction of the clock the existing slice is used.
        self.slices.back_mut().expect("one was put there")
    }

    /// Merges old slices into longer ones, and drops those beyond the last tier.
    fn compact(&mut self, now: u64) {
        let mut kept: VecDeque<Slice> = VecDeque::with_capacity(self.slices.len());
        for mut slice in std::mem::take(&mut self.slices) {
            let age = now.saturating_sub(slice.start);
            let Some((_, length)) = TIERS.iter().find(|(reach, _)| age <= *reach) else {
                continue;
            };
            slice.length = slice.length.max(*length);
            slice.start -= slice.start % slice.length;
            match kept.back_mut() {
                Some(last) if last.start + last.length > slice.start => {
                    last.length = last.length.max(slice.length);
                    last.merge(&slice);
                }
                _ => kept.push_back(slice),
            }
        }
        self.slices = kept;
        self.prune_alerts(now);
    }
}

#[cfg(test)]
pub(in crate::telemetry) mod tests {
    use super::super::record::tests::counts;
    use super::*;
    use crate::turn::timeline::Latencies;

    pub(super) const START: u64 = 1_700_000_000;

    fn turn(ms: u64) -> TurnRecord {
        TurnRecord {
            latencies: Latencies {
                response: Some(Duration::from_millis(ms)),
                client: Some(Duration::from_millis(20)),
                server: Some(Duration::from_millis(ms - 20)),
                ..Latencies::default()
            },
            tokens: Some(counts(5, 5)),
            cost: Some(Cost {
                usd: 0.001,
                at_most: ms == 250,
            }),
            ..TurnRecord::default()
        }
    }

    /// All of the last `span` in one.
    fn total(history: &History, now: u64, span: Duration) -> Slice {
        let first = now.saturating_sub(span.as_secs());
        let mut total = Slice {
            start: first,
            length: span.as_secs(),
            ..Slice::default()
        };
        let slices = history.slices();
        for slice in slices.filter(|slice| slice.start + slice.length > first) {
            total.merge(slice);
        }
        total
    }

    #[test]
    fn nine_days_of_turns_and_readings_stay_small_and_nothing_of_seven_days_is_lost() {
        let mut history = History::default();
        let days = 9 * 24 * HOUR;
        for second in (0..days).step_by(20) {
            history.turn(START + second, &turn(200 + second % 400), None);
            history.reading(
                START + second,
                &Reading {
                    cpu_percent: Some(2.0),
                    rss: Some(50_000_000),
                    threads: Some(9),
                    bytes_sent: 5,
                    ..Reading::default()
                },
            );
        }
        let now = START + days;
        assert!(history.slices.len() < 440, "{}", history.slices.len());
        let text = history.to_text();
        assert!(text.len() < 600_000, "{} bytes", text.len());
        let hour = total(&history, now, Duration::from_secs(HOUR));
        assert!((179..=183).contains(&hour.all_turns()), "{hour:?}");
        let day = total(&history, now, Duration::from_secs(24 * HOUR));
        assert!((4_318..=4_350).contains(&day.all_turns()), "{day:?}");
        let week = total(&history, now, Duration::from_secs(7 * 24 * HOUR));
        let wanted = 7 * 24 * HOUR / 20;
        assert!(
            (wanted..=wanted + 360).contains(&week.all_turns()),
            "{}",
            week.all_turns()
        );
        let p50 = week.response.quantile(0.5).expect("turns");
        assert!(
            p50 >= Duration::from_millis(380) && p50 <= Duration::from_millis(400),
            "{p50:?}"
        );
        assert_eq!(week.tokens, week.all_turns() * 10);
        let oldest = history.slices.front().expect("some").start;
        assert!(
            oldest + (7 * 24 + 2) * HOUR >= now,
            "seven days and no more"
        );
    }

    #[test]
    fn columns_are_of_equal_length_and_an_empty_one_is_a_gap() {
        let mut history = History::default();
        let start = START - START % HOUR;
        history.turn(start + 30, &turn(100), None);
        history.turn(start + 1_800, &turn(300), None);
        let columns = history.columns(start + 3_599, Duration::from_secs(HOUR), 60);
        let filled: Vec<usize> = (0..60).filter(|i| columns[*i].all_turns() > 0).collect();
        assert_eq!(filled, [0, 30]);
        assert!(columns.iter().all(|column| column.length == 60));
        assert_eq!(columns[1].response.quantile(0.5), None);
        let week = history.columns(start + 3_599, Duration::from_secs(168 * HOUR), 56);
        assert_eq!(week.iter().map(Slice::all_turns).sum::<u64>(), 2);
    }

    #[test]
    fn success_leaves_out_what_the_user_ended_unheard() {
        let mut slice = Slice::default();
        assert_eq!(slice.success(), None);
        slice.turns = [6, 2, 5, 1, 1];
        assert_eq!(slice.success(), Some(0.8));
    }

    #[test]
    fn a_kept_history_is_read_back_and_a_damaged_one_is_refused() {
        let mut history = History::default();
        for minute in 0..300 {
            history.turn(START + minute * 60, &turn(250), None);
        }
        let now = START + 300 * 60;
        let text = history.to_text();
        let again = History::from_text(text.as_bytes(), now).expect("as it was");
        assert_eq!(
            total(&again, now, Duration::from_secs(24 * HOUR)),
            total(&history, now, Duration::from_secs(24 * HOUR))
        );
        let cost = total(&again, now, Duration::from_secs(24 * HOUR)).cost();
        assert!(cost.is_some_and(|cost| cost.at_most && cost.usd > 0.1));
        let later = History::from_text(text.as_bytes(), now + 30 * 24 * HOUR).expect("sound");
        assert_eq!(later, History::default(), "too old");
        for (damage, what) in [
            (text[..text.len() / 2].to_owned(), "cut short"),
            (text.replace("history/1", "history/9"), "another version"),
            (
                text.replace("\"length\":60", "\"length\":61"),
                "no such length",
            ),
            (
                text.replacen("\"start\":1", "\"start\":9", 1),
                "out of order",
            ),
            (String::new(), "empty"),
            ("[]".to_owned(), "something else"),
        ] {
            assert!(
                History::from_text(damage.as_bytes(), now).is_err(),
                "{what}"
            );
        }
    }

    #[test]
    fn a_clock_that_was_set_back_takes_away_its_future_only() {
        let mut history = History::default();
        history.turn(START, &turn(100), None);
        history.turn(START + 400 * 24 * HOUR, &turn(100), None);
        history.turn(START + 60, &turn(100), None);
        let hour = total(&history, START + 60, Duration::from_secs(HOUR));
        assert!((1..=2).contains(&hour.all_turns()), "{hour:?}");
        let mut history = History::default();
        history.turn(START, &turn(100), None);
        history.turn(START - 120, &turn(100), None);
        assert_eq!(
            total(&history, START, Duration::from_secs(HOUR)).all_turns(),
            2
        );
    }
}
