//! Adds up what conversations tell. Pure; the time of a report comes with it.

use std::collections::BTreeMap;

use super::conversation::{Gone, Report};
use super::meter::Reading;
use super::spend::Purse;
use crate::report::figures::Turn;
use crate::report::load::{Conversations, RealTime, Second, Usage};
use crate::report::stats::Sample;

/// A response that takes longer is trouble, in milliseconds: the limit of ordinary load.
const TROUBLE_MS: f64 = 2_000.0;
/// So many seconds in a row without trouble mean that all is well again.
const WELL_FOR: usize = 3;
/// The conversations are complete when so large a share of the most is connected.
const COMPLETE: f64 = 0.95;

/// What is known so far.
#[derive(Default)]
pub(in crate::cli) struct Tally {
    /// All turns.
    pub(in crate::cli) turns: Vec<Turn>,
    /// Faults by kind.
    pub(in crate::cli) errors: BTreeMap<String, u64>,
    /// Second by second.
    pub(in crate::cli) timeline: Vec<Second>,
    /// What may be spent.
    pub(in crate::cli) purse: Option<Purse>,
    conversations: Conversations,
    live: usize,
    ratios: Vec<f64>,
    now: Now,
}

/// What belongs to the second that is not over yet.
#[derive(Default)]
struct Now {
    turns: u64,
    errors: u64,
    responses: Vec<f64>,
}

impl Tally {
    /// Nothing yet, and what may be spent.
    pub(in crate::cli) fn new(purse: Option<Purse>) -> Self {
        Self {
            purse,
            ..Self::default()
        }
    }

    /// Takes a report in.
    pub(in crate::cli) fn take(&mut self, report: Report) {
        match report {
            Report::Connected => {
                self.live += 1;
                self.conversations.connected += 1;
                self.conversations.most = self.conversations.most.max(self.live);
            }
            Report::Turn(turn, sent_s, heard_s) => {
                self.now.turns += 1;
                self.now.responses.extend(turn.latency_ms[5]);
                if let Some(purse) = &mut self.purse {
                    purse.pay(&turn, sent_s, heard_s);
                }
                self.turns.push(*turn);
            }
            Report::Fault(kind) => {
                self.now.errors += 1;
                *self.errors.entry(kind.to_owned()).or_default() += 1;
            }
            Report::Gone(gone) => self.gone(gone),
        }
    }

    /// Takes a report of somebody who is being ended: only how it fared, since what fails now fails of the end.
    pub(in crate::cli) fn take_late(&mut self, report: Report) {
        if let Report::Gone(gone) = report {
            self.gone(gone);
        }
    }

    fn gone(&mut self, gone: Gone) {
        self.live -= usize::from(gone.connected).min(self.live);
        self.conversations.connections += gone.connections;
        self.ratios.extend(gone.ratio);
    }

    /// Closes a second.
    pub(in crate::cli) fn second(
        &mut self,
        at_s: f64,
        wanted: usize,
        client: Option<Reading>,
        server: Option<Reading>,
    ) {
        let now = std::mem::take(&mut self.now);
        let responses: Sample = now.responses.into_iter().collect();
        self.timeline.push(Second {
            at_s,
            wanted,
            connected: self.live,
            turns: now.turns,
            errors: now.errors,
            response_p95_ms: responses.quantile(0.95),
            client_cpu: client.map(|reading| reading.cpu),
            server_cpu: server.map(|reading| reading.cpu),
            client_mb: client.map(|reading| reading.mb),
            server_mb: server.map(|reading| reading.mb),
        });
    }

    /// Connected now.
    pub(in crate::cli) fn live(&self) -> usize {
        self.live
    }

    /// How the conversations fared.
    pub(in crate::cli) fn conversations(&self, (begun, replaced): (u64, u64)) -> Conversations {
        Conversations {
            begun,
            replaced,
            ..self.conversations.clone()
        }
    }

    /// Whether sound kept up with time; the threads' lateness is put in by the caller.
    pub(in crate::cli) fn real_time(&self) -> Option<RealTime> {
        let worst = self.ratios.iter().copied().reduce(f64::min)?;
        Some(RealTime {
            worst_ratio: worst,
            mean_ratio: self.ratios.iter().sum::<f64>() / self.ratios.len() as f64,
            ..RealTime::default()
        })
    }

    /// Processor and memory, of the side that `of` chooses, which needed `base_mb` before the first conversation.
    pub(in crate::cli) fn usage(
        &self,
        base_mb: f64,
        of: impl Fn(&Second) -> Option<(f64, f64)>,
    ) -> Option<Usage> {
        let most = self.conversations.most.max(1) as f64;
        let complete = |second: &&Second| second.connected as f64 >= COMPLETE * most;
        let readings: Vec<_> = self
            .timeline
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

    /// Memory gained since the first tenth of the run, in megabytes.
    pub(in crate::cli) fn growth(&self) -> Option<f64> {
        let readings: Vec<f64> = self
            .timeline
            .iter()
            .filter_map(|second| second.client_mb)
            .collect();
        let first = readings.get(readings.len() / 10)?;
        Some(readings.last()? - first)
    }

    /// Seconds from a jump until all was well again, after the jump that took longest; `None` if it never was.
    pub(in crate::cli) fn recovery(&self, jumps: &[f64]) -> Option<f64> {
        let after = |jump: &f64| {
            let seconds: Vec<&Second> = self
                .timeline
                .iter()
                .filter(|second| second.at_s > *jump)
                .collect();
            let well = (0..seconds.len()).find(|from| {
                let window = &seconds[*from..(from + WELL_FOR).min(seconds.len())];
                window.len() == WELL_FOR && window.iter().all(|second| is_well(second))
            })?;
            Some(seconds[well].at_s - jump)
        };
        let each: Option<Vec<f64>> = jumps.iter().map(after).collect();
        each?.into_iter().reduce(f64::max)
    }
}

fn is_well(second: &Second) -> bool {
    let prompt = second.response_p95_ms.is_none_or(|p95| p95 <= TROUBLE_MS);
    second.errors == 0 && second.connected >= second.wanted && prompt
}

#[cfg(test)]
mod tests {
    use super::super::conversation::kind;
    use super::*;

    fn turn(response: f64) -> Report {
        let mut latency_ms = [None; 9];
        latency_ms[5] = Some(response);
        let turn = Turn {
            latency_ms,
            ..Turn::default()
        };
        Report::Turn(Box::new(turn), 1.0, 1.0)
    }

    #[test]
    fn conversations_are_counted_while_they_are_connected() {
        let mut tally = Tally::default();
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
        let found = tally.conversations((4, 1));
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
        let mut tally = Tally::default();
        tally.take(turn(20.0));
        tally.take(turn(30.0));
        tally.take(Report::Fault(kind::LOST));
        tally.second(
            1.0,
            5,
            Some(Reading {
                cpu: 10.0,
                mb: 20.0,
            }),
            None,
        );
        tally.second(2.0, 5, None, None);
        let [first, second] = tally.timeline.as_slice() else {
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
        assert_eq!(tally.errors[kind::LOST], 1);
    }

    #[test]
    fn recovery_is_the_time_until_three_good_seconds() {
        let mut tally = Tally::default();
        let second = |at_s: f64, connected, errors, p95: f64| Second {
            at_s,
            wanted: 10,
            connected,
            errors,
            response_p95_ms: Some(p95),
            ..Second::default()
        };
        tally.timeline = vec![
            second(1.0, 0, 0, 20.0),
            second(2.0, 10, 0, 2_500.0),
            second(3.0, 10, 0, 20.0),
            second(4.0, 10, 1, 20.0),
            second(5.0, 10, 0, 20.0),
            second(6.0, 10, 0, 20.0),
            second(7.0, 10, 0, 20.0),
        ];
        assert_eq!(tally.recovery(&[0.5]), Some(4.5));
        assert_eq!(tally.recovery(&[0.5, 4.0]), Some(4.5));
        assert_eq!(
            tally.recovery(&[5.5]),
            None,
            "two good seconds prove nothing"
        );
        assert_eq!(tally.recovery(&[]), None);
    }

    #[test]
    fn usage_is_taken_while_the_conversations_are_complete() {
        let mut tally = Tally::default();
        for _ in 0..10 {
            tally.take(Report::Connected);
        }
        let second = |connected, cpu, mb| Second {
            connected,
            client_cpu: Some(cpu),
            client_mb: Some(mb),
            ..Second::default()
        };
        tally.timeline = vec![
            second(1, 99.0, 10.0),
            second(10, 20.0, 30.0),
            second(10, 30.0, 40.0),
        ];
        let usage = tally
            .usage(10.0, |s| s.client_cpu.zip(s.client_mb))
            .expect("read");
        assert_eq!(
            (usage.cpu_percent_of_core, usage.cpu_percent_each),
            (25.0, 2.5)
        );
        assert_eq!((usage.memory_mb, usage.memory_kb_each), (40.0, 3_000.0));
        assert_eq!(tally.usage(0.0, |s| s.server_cpu.zip(s.server_mb)), None);
        assert_eq!(tally.growth(), Some(30.0));
    }
}
