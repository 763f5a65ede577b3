//! Aggregates the reports of the conversations. Pure; each report carries its time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::conversation::{Gone, PROBE, Report};
use super::resource_sampler::ResourceSample;
use super::session_pool::Counts;
use super::spend_budget::Budget;
use super::timeline::RunTimeline;
use crate::report::bench::latencies;
use crate::report::failure_kind::FailureKind;
use crate::report::load::{Conversations, HeldBack, LoadResults, RealTime, Second, Usage};
use crate::report::results::{LATENCIES, OWN, TurnRow};
use crate::report::stats::Sample;

/// Allowance for patience and audio besides the response, until a missing answer is an error.
const BESIDE: Duration = Duration::from_secs(3);
/// Share of the conversations that must be connected to count as complete.
const COMPLETE: f64 = 0.95;

#[derive(Default)]
pub(crate) struct Aggregate {
    /// Turns: all of them, or every nth once there were too many.
    pub(crate) turns: Vec<TurnRow>,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) timeline: RunTimeline,
    pub(crate) budget: Option<Budget>,
    /// All turns are counted in it.
    counted: LoadResults,
    /// The maxima of each latency, and of our own share.
    longest: [Option<f64>; LATENCIES.len() + 1],
    /// Most turns that are kept.
    most_turns: usize,
    /// Only every nth is kept: this is n.
    every: u64,
    conversations: Conversations,
    live: usize,
    ratios: Vec<f64>,
    /// Waits of the last utterances at the end of their conversations.
    waiting: Vec<Duration>,
    /// Utterances that waited for their place among the requests.
    pub(crate) held_back: HeldBack,
    now: Now,
}

/// Values of the present second.
#[derive(Default)]
struct Now {
    turns: u64,
    probed: u64,
    errors: u64,
    responses: Vec<f64>,
}

impl Aggregate {
    /// An empty aggregate with a budget and a limit of kept turns.
    pub(crate) fn new(budget: Option<Budget>, most_turns: usize) -> Self {
        Self {
            budget,
            most_turns,
            every: 1,
            ..Self::default()
        }
    }

    pub(crate) fn take(&mut self, report: Report) {
        match report {
            Report::Connected => {
                self.live += 1;
                self.conversations.connected += 1;
                self.conversations.most = self.conversations.most.max(self.live);
            }
            Report::Turn(mut turn, sent_s, heard_s) => {
                self.now.turns += 1;
                self.now.probed +=
                    u64::from(turn.conversation == PROBE && turn.outcome == "completed");
                self.now.responses.extend(turn.latency_ms[5]);
                if let Some(budget) = &mut self.budget {
                    budget.pay(&mut turn, sent_s, heard_s);
                }
                self.keep(*turn);
            }
            Report::HeldBack(wait) => self.held_back.add(wait),
            Report::Failure(fault) => {
                self.now.errors += 1;
                *self.errors.entry(fault.name().to_owned()).or_default() += 1;
            }
            Report::Gone(gone) => self.gone(gone),
        }
    }

    /// Counts a turn, and keeps it while there is room; then every second one is dropped, and of later ones only every second
    /// one is kept. So the memory for a run of hours is bounded, and the sample is spread evenly over it.
    fn keep(&mut self, turn: TurnRow) {
        let nth = self.counted.turns.all();
        self.counted.count(&turn);
        let values = turn.latency_ms.into_iter().chain([turn.own_ms()]);
        for (longest, value) in self.longest.iter_mut().zip(values) {
            *longest = value.into_iter().chain(*longest).reduce(f64::max);
        }
        if nth.is_multiple_of(self.every) {
            self.turns.push(turn);
        }
        if self.turns.len() > self.most_turns {
            let mut nth = 0_u64;
            self.turns.retain(|_| {
                nth += 1;
                !nth.is_multiple_of(2)
            });
            self.every *= 2;
        }
    }

    /// Takes a report of a conversation that is being ended: only its result, since faults now are caused by the end.
    pub(crate) fn take_late(&mut self, report: Report) {
        match report {
            Report::Gone(gone) => self.gone(gone),
            // It no longer counts as a turn of the run, but is billed.
            Report::Turn(mut turn, sent_s, heard_s) => {
                if let Some(budget) = &mut self.budget {
                    budget.pay(&mut turn, sent_s, heard_s);
                }
            }
            Report::Connected | Report::HeldBack(_) | Report::Failure(_) => {}
        }
    }

    fn gone(&mut self, gone: Gone) {
        self.live -= usize::from(gone.connected).min(self.live);
        self.conversations.connections += gone.connections;
        self.ratios.extend(gone.ratio);
        self.waiting.extend(gone.waiting);
        gone.held_back
            .iter()
            .for_each(|wait| self.held_back.add(*wait));
    }

    pub(crate) fn turns_so_far(&self) -> u64 {
        self.counted.turns.all()
    }

    /// Counts and latencies of the turns.
    pub(crate) fn figures(&self) -> LoadResults {
        let mut figures = LoadResults {
            latency_ms: latencies(&self.turns),
            turns_kept_every: self.every,
            ..self.counted.clone()
        };
        // The maximum may be among the dropped turns.
        let names = LATENCIES.into_iter().chain([OWN]);
        for (name, longest) in names.zip(self.longest) {
            if let (Some(latency), Some(longest)) = (figures.latency_ms.get_mut(name), longest) {
                latency.max = latency.max.max(longest);
            }
        }
        figures
    }

    /// Counts unanswered utterances: an error if the answer was overdue at the end of the conversation, by the limit of the
    /// response or its 95th percentile; returns the number of the others.
    pub(crate) fn settle_unanswered(&mut self, limit_ms: f64) -> u64 {
        let responses: Sample = self.turns.iter().filter_map(|t| t.latency_ms[5]).collect();
        let usual = responses.quantile(0.95).unwrap_or(0.0).max(limit_ms);
        let allowed = Duration::from_secs_f64(usual.max(0.0) / 1e3) + BESIDE;
        let overdue = self.waiting.iter().filter(|wait| **wait > allowed).count() as u64;
        if overdue > 0 {
            let never = self
                .errors
                .entry(FailureKind::NeverAnswered.name().to_owned());
            *never.or_default() += overdue;
        }
        self.waiting.len() as u64 - overdue
    }

    /// Closes a second.
    pub(crate) fn second(
        &mut self,
        at_s: f64,
        wanted: usize,
        client: Option<ResourceSample>,
        server: Option<ResourceSample>,
    ) {
        let now = std::mem::take(&mut self.now);
        let responses: Sample = now.responses.into_iter().collect();
        self.timeline.push(Second {
            at_s,
            wanted,
            connected: self.live,
            turns: now.turns,
            probed: now.probed,
            errors: now.errors,
            response_p95_ms: responses.quantile(0.95),
            client_cpu: client.map(|reading| reading.cpu),
            server_cpu: server.map(|reading| reading.cpu),
            client_mb: client.map(|reading| reading.mb),
            server_mb: server.map(|reading| reading.mb),
        });
    }

    pub(crate) fn live(&self) -> usize {
        self.live
    }

    pub(crate) fn conversations(&self, counts: Counts) -> Conversations {
        Conversations {
            begun: counts.begun,
            replaced: counts.replaced,
            given_up: counts.given_up,
            ..self.conversations.clone()
        }
    }

    /// Whether the audio kept up with real time; the caller adds the lateness of the threads.
    pub(crate) fn real_time(&self) -> Option<RealTime> {
        let worst = self.ratios.iter().copied().reduce(f64::min)?;
        Some(RealTime {
            worst_ratio: worst,
            mean_ratio: self.ratios.iter().sum::<f64>() / self.ratios.len() as f64,
            ..RealTime::default()
        })
    }

    /// Processor and memory of the side selected by `of`, which used `base_mb` before the first conversation.
    pub(crate) fn usage(
        &self,
        base_mb: f64,
        of: impl Fn(&Second) -> Option<(f64, f64)>,
    ) -> Option<Usage> {
        let most = self.conversations.most.max(1) as f64;
        let complete = |second: &&Second| second.connected as f64 >= COMPLETE * most;
        let readings: Vec<_> = self
            .timeline
            .seconds()
            .iter()
            .filter(complete)
            .filter_map(|s| Some((s.connected.max(1) as f64, of(s)?)))
            .collect();
        if readings.is_empty() {
            return None;
        }
        let n = readings.len() as f64;
        let memory_mb = readings.iter().map(|(_, (_, mb))| *mb).fold(0.0, f64::max);
        Some(Usage {
            cpu_percent_of_core: readings.iter().map(|(_, (cpu, _))| cpu).sum::<f64>() / n,
            cpu_percent_each: readings
                .iter()
                .map(|(live, (cpu, _))| cpu / live)
                .sum::<f64>()
                / n,
            memory_mb,
            memory_kb_each: (memory_mb - base_mb).max(0.0) * 1e3 / most,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(response: f64) -> Report {
        let mut latency_ms = [None; 9];
        latency_ms[5] = Some(response);
        let turn = TurnRow {
            latency_ms,
            ..TurnRow::default()
        };
        Report::Turn(Box::new(turn), 1.0, 1.0)
    }

    #[test]
    fn conversations_are_counted_while_they_are_connected() {
        let mut tally = Aggregate::new(None, 100);
        for _ in 0..3 {
            tally.take(Report::Connected);
        }
        tally.take(Report::Gone(Gone {
            connected: true,
            ratio: Some(0.9),
            connections: 2,
            ..Gone::default()
        }));
        tally.take(Report::Gone(Gone::default()));
        let found = tally.conversations(Counts {
            begun: 4,
            replaced: 1,
            given_up: 0,
        });
        assert_eq!(
            (
                tally.live(),
                found.most,
                found.connected,
                found.begun,
                found.connections
            ),
            (2, 3, 3, 4, 2)
        );
        tally.take(Report::Gone(Gone {
            connected: true,
            ratio: Some(1.0),
            ..Gone::default()
        }));
        let real = tally.real_time().expect("two ratios");
        assert!((real.worst_ratio - 0.9).abs() < 1e-9 && (real.mean_ratio - 0.95).abs() < 1e-9);
    }

    #[test]
    fn a_second_holds_what_happened_in_it() {
        let mut tally = Aggregate::new(None, 100);
        tally.take(turn(20.0));
        tally.take(turn(30.0));
        tally.take(Report::Failure(FailureKind::Lost));
        tally.second(
            1.0,
            5,
            Some(ResourceSample {
                cpu: 10.0,
                mb: 20.0,
            }),
            None,
        );
        tally.second(2.0, 5, None, None);
        let [first, second] = tally.timeline.seconds() else {
            panic!("two seconds")
        };
        assert_eq!(
            (
                first.turns,
                first.errors,
                first.response_p95_ms,
                first.client_mb
            ),
            (2, 1, Some(30.0), Some(20.0))
        );
        assert_eq!(
            (second.turns, second.errors, second.response_p95_ms),
            (0, 0, None)
        );
        assert_eq!(tally.errors[FailureKind::Lost.name()], 1);
    }

    #[test]
    fn usage_is_taken_while_the_conversations_are_complete() {
        let mut tally = Aggregate::new(None, 100);
        for _ in 0..10 {
            tally.take(Report::Connected);
        }
        let second = |connected, cpu, mb| Second {
            connected,
            client_cpu: Some(cpu),
            client_mb: Some(mb),
            ..Second::default()
        };
        for second in [
            second(1, 99.0, 10.0),
            second(10, 20.0, 30.0),
            second(10, 30.0, 40.0),
        ] {
            tally.timeline.push(second);
        }
        let usage = tally
            .usage(10.0, |s| s.client_cpu.zip(s.client_mb))
            .expect("read");
        assert_eq!(
            (usage.cpu_percent_of_core, usage.cpu_percent_each),
            (25.0, 2.5)
        );
        assert_eq!((usage.memory_mb, usage.memory_kb_each), (40.0, 3_000.0));
        assert_eq!(tally.usage(0.0, |s| s.server_cpu.zip(s.server_mb)), None);
    }

    #[test]
    fn notes_of_a_long_run_stay_small_and_lose_no_count() {
        let mut tally = Aggregate::new(None, 100);
        for n in 0..1_000_u32 {
            // The longest is one that is let go.
            tally.take(turn(if n == 777 { 900.0 } else { f64::from(n % 50) }));
        }
        assert!(
            (50..=100).contains(&tally.turns.len()),
            "{}",
            tally.turns.len()
        );
        let figures = tally.figures();
        assert_eq!(
            (tally.turns_so_far(), figures.turns_kept_every),
            (1_000, 16)
        );
        assert_eq!(tally.turns.len(), 1_000_usize.div_ceil(16));
        let response = figures.latency_ms["response"];
        assert_eq!((response.n, response.max), (63, 900.0));
        assert!((response.p50.value - 24.0).abs() <= 4.0, "{response:?}");
    }

    #[test]
    fn an_answer_that_is_overdue_at_the_end_is_an_error_and_others_are_told() {
        let ended = |response: f64| {
            let mut tally = Aggregate::new(None, 100);
            tally.take(turn(response));
            for wait in [Some(1), Some(4), Some(6), Some(24), None] {
                tally.take_late(Report::Gone(Gone {
                    connected: true,
                    waiting: wait.map(Duration::from_secs),
                    ..Gone::default()
                }));
            }
            let open = tally.settle_unanswered(2_000.0);
            (
                open,
                tally.errors.get(FailureKind::NeverAnswered.name()).copied(),
            )
        };
        assert_eq!(ended(20.0), (2, Some(2)), "5 s are allowed");
        assert_eq!(ended(5_000.0), (3, Some(1)), "a slow service is slow");
        assert_eq!(Aggregate::new(None, 1).settle_unanswered(2_000.0), 0);
    }
}
