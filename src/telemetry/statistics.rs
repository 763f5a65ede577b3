//! Statistics by profile, of the candidates of `auto` together, and of the whole conversation.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::record::{LateTokens, TurnRecord};
use super::turn_counts::TurnCounts;
use super::view::{ProcessUsage, TurnStatistics};
use crate::probe::{ProcessReading, SystemReading};
use crate::telemetry::auto::Conditions;
use crate::telemetry::distribution::Distribution;
use crate::turn::timeline::Latencies;

/// Responses that the sparkline shows.
const HISTORY: usize = 60;
/// Readings closer together than this reveal a simulated clock, to which the usage of the machine does not apply.
const NEAREST_READINGS: Duration = Duration::from_millis(500);
/// A late reading and the next one may be as close; with a simulated clock all are.
const MOST_HASTY: u32 = 2;
/// Window of the rate in turns.
const RATE_TURNS: usize = 10;
/// Readings of processor and memory that are kept: a minute of them.
const READINGS: usize = 60;

/// Statistics that grow with every turn, kept apart by profile and model.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    tallies: BTreeMap<(String, String), Tally>,
    /// With `auto`: the candidates, which are shown together.
    pub(super) together: Option<Vec<String>>,
    /// Turns so far; orders the turns of several profiles.
    taken: u64,
    pub(super) process: ProcessUsage,
    last_reading: Option<ProcessReading>,
    /// Consecutive readings too close to the one before; `None` until one was not.
    hasty: Option<u32>,
}

#[derive(Debug, Default)]
struct Tally {
    turns: TurnCounts,
    response: Distribution,
    /// Latencies of the newest turns that have a response.
    history: VecDeque<(u64, Latencies)>,
    /// Closing times of the newest turns, for the rate.
    closed: VecDeque<(u64, Timestamp)>,
}

impl Tally {
    /// Takes in the turn that was closed as the `nth` of the conversation.
    fn add(&mut self, nth: u64, record: &TurnRecord) {
        self.turns += record.into();
        self.closed.push_back((nth, record.closed_at));
        if self.closed.len() > RATE_TURNS {
            self.closed.pop_front();
        }
        if let Some(response) = record.latencies.response {
            self.response.record(response);
            self.history.push_back((nth, record.latencies.clone()));
            if self.history.len() > HISTORY {
                self.history.pop_front();
            }
        }
    }

    /// Merges another tally: the result is as if each of its turns had been added here, in order.
    fn merge(&mut self, other: &Self) {
        self.turns += other.turns;
        self.response.merge(&other.response);
        newest(&mut self.history, &other.history, HISTORY);
        newest(&mut self.closed, &other.closed, RATE_TURNS);
    }
}

/// Merges `more` in the order of the turns, and keeps the newest `n`.
fn newest<T: Clone>(all: &mut VecDeque<(u64, T)>, more: &VecDeque<(u64, T)>, n: usize) {
    all.extend(more.iter().cloned());
    all.make_contiguous().sort_by_key(|(nth, _)| *nth);
    all.drain(..all.len().saturating_sub(n));
}

impl Statistics {
    /// Takes in a closed turn.
    pub(super) fn add(&mut self, record: &TurnRecord) {
        self.taken += 1;
        let of = (record.profile.clone(), record.model.clone());
        self.tallies.entry(of).or_default().add(self.taken, record);
    }

    /// Takes in tokens that were counted after their turn was closed.
    pub(super) fn add_late_tokens(&mut self, late: &LateTokens) {
        let of = (late.profile.clone(), late.model.clone());
        self.tallies.entry(of).or_default().turns += late.into();
    }

    /// Takes in a reading of the process.
    pub(super) fn reading(&mut self, now: ProcessReading) {
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
            self.process.machine = SystemReading::default();
        } else if self.hasty == Some(0) {
            self.process.machine = now.machine;
        }
        keep(&mut self.process.rss_history, now.rss);
        self.process.cores = crate::probe::Probe::cores();
    }

    /// Whether the session runs in real time, so that the readings apply to it.
    pub(super) fn in_real_time(&self) -> bool {
        self.hasty.is_some_and(|hasty| hasty < MOST_HASTY)
    }

    /// State of the machine for `auto`, without the round trip, which is not known here.
    pub(super) fn conditions(&self) -> Conditions {
        let machine = self.process.machine;
        Conditions {
            cpu: machine.cpu_percent.map(|load| load / 100.0),
            memory: machine.memory_percent().map(|used| used as f32 / 100.0),
            on_battery: machine.battery.map(|battery| battery.discharging),
            round_trip: None,
        }
    }

    /// The statistics of the active profile with its model, or of all candidates of `auto`; values that do not come from
    /// turns keep their defaults.
    pub(super) fn figures(&self, profile: &str, model: &str) -> TurnStatistics {
        let mut together = Tally::default();
        let tally = match &self.together {
            None => {
                let of = (profile.to_owned(), model.to_owned());
                self.tallies.get(&of).unwrap_or(&together)
            }
            Some(candidates) => {
                let all = self.tallies.iter();
                for (_, tally) in all.filter(|((name, _), _)| candidates.contains(name)) {
                    together.merge(tally);
                }
                &together
            }
        };
        let history = tally.history.iter();
        TurnStatistics {
            turns: tally.turns,
            last: tally.history.back().map(|(_, last)| last.clone()),
            n: tally.response.n(),
            p50: tally.response.quantile(0.5),
            p95: tally.response.quantile(0.95),
            p99: tally.response.p99(),
            history: history.filter_map(|(_, of)| of.response).collect(),
            turns_per_minute: per_minute(&tally.closed),
            ..TurnStatistics::default()
        }
    }

    /// Resets the statistics that [`Self::figures`] returns; the summary of the conversation is kept.
    pub(super) fn reset(&mut self, profile: &str) {
        let together = self.together.as_deref();
        self.tallies.retain(|(name, _), _| match together {
            Some(candidates) => !candidates.contains(name),
            None => name != profile,
        });
    }

    /// The same for all profiles.
    pub(super) fn reset_all(&mut self) {
        self.tallies.clear();
    }
}

/// The rate of the newest turns; `None` before the second one.
fn per_minute(closed: &VecDeque<(u64, Timestamp)>) -> Option<f64> {
    let ((_, first), (_, last)) = (closed.front()?, closed.back()?);
    let seconds = last.duration_since(*first).as_secs_f64();
    (seconds > 0.0).then(|| (closed.len() - 1) as f64 / seconds * 60.0)
}

fn keep<T>(readings: &mut Vec<T>, newest: T) {
    if readings.len() == READINGS {
        readings.remove(0);
    }
    readings.push(newest);
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::{counts, record};
    use super::*;
    use crate::base::cost::Cost;

    const MODEL: &str = "gemini-3.8-live";

    const fn plain(usd: f64) -> Cost {
        Cost {
            usd,
            at_most: false,
        }
    }

    fn turn(profile: &str, response_ms: u64, closed_s: u64) -> TurnRecord {
        let mut turn = record();
        turn.profile = profile.into();
        turn.latencies.response = Some(Duration::from_millis(response_ms));
        turn.closed_at = Timestamp::UNIX_EPOCH + Duration::from_secs(closed_s);
        turn.cost = Some(plain(0.25));
        turn
    }

    fn shown(figures: &TurnStatistics) -> (u64, Vec<u128>, Option<u128>, Option<f64>) {
        let ms = |value: &Duration| value.as_millis();
        let last = figures.last.as_ref().and_then(|last| last.response);
        let history = figures.history.iter().map(ms).collect();
        let cost = figures.turns.cost.map(|cost| cost.usd);
        (figures.n, history, last.as_ref().map(ms), cost)
    }

    #[test]
    fn a_profile_that_chooses_shows_all_that_it_chooses_among() {
        let mut all = Statistics::default();
        all.add(&turn("fast", 100, 0));
        all.add(&turn("good", 300, 10));
        all.add(&turn("other", 900, 20));
        all.add(&turn("fast", 200, 30));
        all.together = Some(vec!["fast".into(), "good".into()]);
        // Whichever of them is in force.
        for in_force in ["fast", "good"] {
            let figures = all.figures(in_force, MODEL);
            assert_eq!(
                shown(&figures),
                (3, vec![100, 300, 200], Some(200), Some(0.75))
            );
            assert_eq!((figures.turns.all(), figures.turns.answered()), (3, 3));
            assert_eq!(figures.turns_per_minute, Some(4.0));
            assert_eq!(figures.p50.map(|p50| p50.as_millis()), Some(200));
        }
        all.add(&turn("good", 400, 40));
        all.add(&turn("other", 900, 50));
        all.add_late_tokens(&LateTokens {
            profile: "fast".to_owned(),
            model: MODEL.to_owned(),
            tokens: counts(5, 5),
            wasted: true,
            cost: Some(plain(1.0)),
        });
        let figures = all.figures("fast", MODEL);
        assert_eq!(
            shown(&figures),
            (4, vec![100, 300, 200, 400], Some(400), Some(2.0))
        );
        let counted = 4 * record().all_tokens();
        assert_eq!(
            (figures.turns.tokens, figures.turns.wasted_tokens),
            (counted + 10, 290)
        );
        // Turns under `auto` also count in the statistics of their own profiles.
        all.together = None;
        assert_eq!(all.figures("good", MODEL).n, 2);
        assert_eq!(all.figures("fast", MODEL).turns.wasted_tokens, 150);
    }

    #[test]
    fn what_is_put_together_is_as_long_as_what_grew_together() {
        let mut all = Statistics::default();
        for n in 0..100 {
            all.add(&turn(if n % 3 == 0 { "fast" } else { "good" }, n + 1, n));
        }
        all.together = Some(vec!["fast".into(), "good".into()]);
        let figures = all.figures("fast", MODEL);
        let wanted: Vec<Duration> = (41..=100).map(Duration::from_millis).collect();
        assert_eq!((figures.n, &figures.history), (100, &wanted));
        assert!(figures.p99.is_some(), "a hundred together");
        assert_eq!(figures.turns_per_minute, Some(60.0));
    }

    #[test]
    fn models_of_a_profile_are_told_apart() {
        let mut all = Statistics::default();
        let mut dear = turn("mine", 900, 0);
        (dear.model, dear.cost) = ("gemini-9-live".into(), None);
        all.add(&turn("mine", 100, 10));
        all.add(&dear);
        assert_eq!(shown(&all.figures("mine", MODEL)).0, 1);
        let figures = all.figures("mine", "gemini-9-live");
        assert_eq!(shown(&figures), (1, vec![900], Some(900), None));
        all.reset("mine");
        assert_eq!(all.figures("mine", MODEL), TurnStatistics::default());
    }

    #[test]
    fn a_reset_begins_anew_what_is_shown_and_nothing_else() {
        let mut all = Statistics::default();
        for profile in ["fast", "good", "other"] {
            all.add(&turn(profile, 100, 0));
        }
        all.together = Some(vec!["fast".into(), "good".into()]);
        all.reset("good");
        assert_eq!(all.figures("good", MODEL), TurnStatistics::default());
        all.together = None;
        let n = |name: &str| all.figures(name, MODEL).n;
        assert_eq!([n("fast"), n("good"), n("other")], [0, 0, 1]);
        all.reset("other");
        assert_eq!(all.figures("other", MODEL), TurnStatistics::default());
        all.together = Some(vec!["fast".into()]);
        all.add(&turn("fast", 100, 0));
        all.reset_all();
        assert_eq!(all.figures("fast", MODEL), TurnStatistics::default());
    }
}
