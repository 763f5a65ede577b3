//! The figures of each profile, and of the conversation as a whole.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, SystemTime};

use super::record::{Summary, TurnRecord, place};
use super::snapshot::{Figures, ProcessUsage};
use super::tokens::{self, Tokens};
use crate::adapt::Conditions;
use crate::metrics::histogram::Distribution;
use crate::metrics::leak::Growth;
use crate::probe::{Machine, Usage};
use crate::turn::machine::Outcome;
use crate::turn::timeline::Latencies;

/// Responses that the sparkline shows.
const HISTORY: usize = 60;
/// Readings that are nearer to each other are no second apart: the session's clock is a simulated one, and what the machine
/// does meanwhile is of another time.
const NEAREST_READINGS: Duration = Duration::from_millis(500);
/// A late reading and the next one may be as near; on a simulated clock all are.
const MOST_HASTY: u32 = 2;
/// Turns that the rate of turns is made of.
const RATE_TURNS: usize = 10;
/// Readings of processor and memory that are kept: a minute of them.
const READINGS: usize = 60;

/// Figures that grow with every turn. Profiles are not mixed.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    /// The whole conversation.
    pub summary: Summary,
    profiles: HashMap<String, Tally>,
    process: ProcessUsage,
    last_reading: Option<Usage>,
    /// Readings in a row that were too near to the one before; `None` until one was not.
    hasty: Option<u32>,
}

#[derive(Debug, Default)]
struct Tally {
    response: Distribution,
    /// Its quantiles, made when it changes: what is shown is made anew far more often.
    quantiles: Quantiles,
    last: Option<Latencies>,
    history: VecDeque<Duration>,
    cut_offs: u64,
    closed_in_vain: u64,
    vain_tokens: u64,
    turns: u64,
    interrupted: u64,
    failed: u64,
    answered: u64,
    tokens: u64,
    tool_calls: u64,
    underruns: u64,
    capture_dropped: u64,
    cost_usd: Option<f64>,
    /// When the newest turns were closed, as many as the rate is made of.
    closed: VecDeque<SystemTime>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Quantiles {
    p50: Option<Duration>,
    p95: Option<Duration>,
    p99: Option<Duration>,
}

impl Quantiles {
    fn of(all: &Distribution) -> Self {
        Self {
            p50: all.quantile(0.5),
            p95: all.quantile(0.95),
            p99: all.p99(),
        }
    }
}

impl Statistics {
    /// Takes a closed turn in.
    #[inline(never)] // what it costs is counted: tests/counts/measuring.rs
    pub(super) fn add(&mut self, record: &TurnRecord) {
        self.summary.add(record);
        let tally = self.profiles.entry(record.profile.clone()).or_default();
        tally.turns += 1;
        tally.cut_offs += u64::from(record.cut_offs > 0);
        tally.underruns += record.underruns;
        tally.capture_dropped += record.capture_dropped;
        tally.closed_in_vain += u64::from(record.closed_in_vain);
        tally.vain_tokens += tokens::sum(record.vain_tokens);
        tally.interrupted += u64::from(record.outcome == Outcome::Interrupted);
        tally.tokens += record.all_tokens();
        tally.tool_calls += u64::from(record.tool_calls);
        if let Some(cost) = record.cost_usd {
            *tally.cost_usd.get_or_insert_default() += cost;
        }
        match place(&record.outcome) {
            0 | 1 => tally.answered += 1,
            3 | 4 => tally.failed += 1,
            _ => {}
        }
        tally.closed.push_back(record.closed_at);
        if tally.closed.len() > RATE_TURNS {
            tally.closed.pop_front();
        }
        if let Some(response) = record.latencies.response {
            tally.response.record(response);
            tally.quantiles = Quantiles::of(&tally.response);
            tally.last = Some(record.latencies.clone());
            tally.history.push_back(response);
            if tally.history.len() > HISTORY {
                tally.history.pop_front();
            }
        }
    }

    /// Tokens of an answer that was interrupted, or dropped in `vain`, are told after its turn was closed.
    pub(super) fn add_late_tokens(
        &mut self,
        profile: &str,
        tokens: Tokens,
        vain: bool,
        cost_usd: Option<f64>,
    ) {
        let all = tokens::sum(tokens);
        let tally = self.profiles.entry(profile.to_owned()).or_default();
        tally.tokens += all;
        self.summary.tokens += all;
        tokens::add(&mut self.summary.late_tokens, tokens);
        if vain {
            tally.vain_tokens += all;
            self.summary.vain_tokens += all;
        }
        if let Some(cost) = cost_usd {
            *tally.cost_usd.get_or_insert_default() += cost;
            self.summary.cost_usd += cost;
        }
    }

    /// Takes a reading of the process in.
    #[inline(never)] // what it costs is counted: tests/counts/measuring.rs
    pub(super) fn reading(&mut self, now: Usage) {
        if let Some(before) = self.last_reading.replace(now) {
            let apart = now.wall.saturating_sub(before.wall);
            self.hasty = if apart >= NEAREST_READINGS {
                Some(0)
            } else {
                self.hasty.map(|hasty| hasty.saturating_add(1))
            };
            let wall = apart.as_secs_f32().max(1e-3);
            let percent = now.cpu.saturating_sub(before.cpu).as_secs_f32() / wall * 100.0;
            self.process.cpu_percent = Some(percent);
            keep(&mut self.process.cpu_history, percent);
        }
        self.process.rss = Some(now.rss);
        self.process.cpu = Some(now.cpu);
        self.process.threads = now.threads;
        if !self.in_real_time() {
            self.process.machine = Machine::default();
        } else if self.hasty == Some(0) {
            self.process.machine = now.machine;
        }
        keep(&mut self.process.rss_history, now.rss);
        self.process.cores = crate::probe::Probe::cores();
    }

    /// Whether the newest readings of the process belong to the time that the session lives in.
    #[must_use]
    pub(super) fn in_real_time(&self) -> bool {
        self.hasty.is_some_and(|hasty| hasty < MOST_HASTY)
    }

    /// The machine, for a profile that chooses.
    #[must_use]
    pub(super) fn conditions(&self) -> Conditions {
        let machine = self.process.machine;
        Conditions {
            cpu: machine.cpu_percent.map(|load| load / 100.0),
            memory: machine.memory_percent().map(|used| used as f32 / 100.0),
            on_battery: machine.battery.map(|battery| battery.discharging),
        }
    }

    /// Whether memory and threads grow.
    pub(super) fn set_growth(&mut self, memory: Growth, threads: Growth) {
        (self.process.memory_growth, self.process.thread_growth) = (memory, threads);
    }

    /// What the process uses.
    #[must_use]
    pub(super) fn process(&self) -> &ProcessUsage {
        &self.process
    }

    /// The figures of one profile; what is not a turn's is left at its default.
    #[must_use]
    pub(super) fn figures(&self, profile: &str) -> Figures {
        let Some(tally) = self.profiles.get(profile) else {
            return Figures::default();
        };
        Figures {
            last: tally.last.clone(),
            n: tally.response.n(),
            p50: tally.quantiles.p50,
            p95: tally.quantiles.p95,
            p99: tally.quantiles.p99,
            history: tally.history.iter().copied().collect(),
            cut_offs: tally.cut_offs,
            closed_in_vain: tally.closed_in_vain,
            vain_tokens: tally.vain_tokens,
            turns: tally.turns,
            interrupted: tally.interrupted,
            tokens: tally.tokens,
            tool_calls: tally.tool_calls,
            underruns: tally.underruns,
            capture_dropped: tally.capture_dropped,
            cost_usd: tally.cost_usd,
            answered: tally.answered,
            failed: tally.failed,
            turns_per_minute: per_minute(&tally.closed),
            ..Figures::default()
        }
    }

    /// Begins the figures of one profile anew; the conversation's summary goes on.
    pub(super) fn reset(&mut self, profile: &str) {
        self.profiles.remove(profile);
    }

    /// The same for all profiles.
    pub(super) fn reset_all(&mut self) {
        self.profiles.clear();
    }
}

/// The rate of the newest turns; `None` before the second one.
fn per_minute(closed: &VecDeque<SystemTime>) -> Option<f64> {
    let (first, last) = (closed.front()?, closed.back()?);
    let seconds = last.duration_since(*first).ok()?.as_secs_f64();
    (seconds > 0.0).then(|| (closed.len() - 1) as f64 / seconds * 60.0)
}

fn keep<T>(readings: &mut Vec<T>, newest: T) {
    if readings.len() == READINGS {
        readings.remove(0);
    }
    readings.push(newest);
}
