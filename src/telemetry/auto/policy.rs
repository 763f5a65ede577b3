//! The policy: when to change the profile, and the reason as text.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::forecast::Forecast;
use super::limits::{MachineLimits, Pressure};
use super::types::{Answered, AutoGoals, Candidate, Conditions};
use super::worth::step_worth;
use crate::base::text::t;

/// Turns before the first choice, and after a change before the next.
const FIRST_TURNS: usize = 3;
const DWELL_TURNS: u32 = 4;
/// Cost of a change in milliseconds (another connection, other answers): the saving, summed up over turns, from which another
/// profile is chosen. Changing when the loss equals the cost is at most twice as bad as the optimum (the ski rental
/// problem), and random differences do not add up.
const CHANGE_COST: f64 = 100.0;
/// A change expected within this many turns is announced as likely.
const SOON: f64 = 12.0;
/// Window of the limit on changes.
const HOUR: Duration = Duration::from_secs(3_600);

/// The chosen profile and tuning, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Index of the candidate.
    pub candidate: usize,
    /// Changes within its profile.
    pub tuning: Tuning,
    pub why: String,
}

/// Changes within a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tuning {
    /// The processor has no time for noise suppression and gain control.
    pub spare_dsp: bool,
    /// Longer periods, lighter processing, fewer frames.
    pub save_power: bool,
}

/// Chooses among profiles; see the [module](super).
#[derive(Clone, Debug)]
pub struct Adapter {
    candidates: Vec<Candidate>,
    wishes: AutoGoals,
    forecast: Forecast,
    limits: MachineLimits,
    current: usize,
    /// Turns since the last change.
    turns: u32,
    /// Saving of each candidate since it was last not the better one, in milliseconds.
    saved: Vec<f64>,
    /// Times of the changes in the last hour, oldest first.
    changed_at: VecDeque<Instant>,
    changes: u64,
    /// The active candidate at the start of reduced signal processing, while that lasts.
    spared_at: Option<usize>,
}

impl Adapter {
    /// Starts with the candidate of index `start`; candidates are ordered from the fastest to the best, at least one.
    pub fn new(candidates: Vec<Candidate>, start: usize, wishes: AutoGoals) -> Self {
        let current = start.min(candidates.len().saturating_sub(1));
        Self {
            saved: vec![0.0; candidates.len()],
            forecast: Forecast::new(&candidates),
            candidates,
            wishes,
            limits: MachineLimits::default(),
            current,
            turns: 0,
            changed_at: VecDeque::new(),
            changes: 0,
            spared_at: None,
        }
    }

    /// Takes in an answered turn and decides.
    pub fn answered(&mut self, turn: Answered) {
        self.forecast.add(turn);
        self.forget_changes(turn.at);
        self.turns = self.turns.saturating_add(1);
        if let Some(candidate) = self.compare() {
            self.change(turn.at, candidate);
        }
    }

    /// Takes in a reading of the machine; a candidate that it does not allow is left at once.
    pub fn conditions(&mut self, now: Instant, seen: Conditions) {
        let saved = self.saves_power();
        self.limits.take(now, seen, self.candidates.len());
        self.forecast.trip(seen.round_trip);
        if self.saves_power() != saved {
            let longer = self
                .candidates
                .iter()
                .map(|candidate| candidate.saving_share);
            self.forecast.save_power(!saved, longer);
        }
        let current = self.current;
        self.spared_at = self
            .limits
            .spares_dsp()
            .then(|| self.spared_at.unwrap_or(current));
        self.forget_changes(now);
        if self.current > self.best_allowed() {
            self.change(now, self.best_allowed());
        }
    }

    pub fn plan(&self) -> Plan {
        let save_power = self.saves_power();
        Plan {
            candidate: self.current,
            tuning: Tuning {
                spare_dsp: self.limits.spares_dsp(),
                save_power,
            },
            why: self.why(),
        }
    }

    /// Changes of profile so far.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    fn saves_power(&self) -> bool {
        self.wishes.power_saving && self.limits.on_battery
    }

    /// The best candidate that the machine allows.
    fn best_allowed(&self) -> usize {
        let best = self.candidates.len().saturating_sub(1);
        let allowed = best.saturating_sub(self.limits.steps_down().0);
        // A better profile needs more of the processing that is reduced.
        self.spared_at.map_or(allowed, |then| allowed.min(then))
    }

    /// Cost of a turn with a candidate, including quality.
    fn cost(&self, candidate: usize) -> Option<f64> {
        let steps = self
            .candidates
            .len()
            .saturating_sub(1)
            .saturating_sub(candidate);
        let wait = self.forecast.cost(candidate, self.wishes.target)?;
        Some(wait + step_worth(self.wishes.preference) * steps as f64)
    }

    /// Sums up the saving of each other candidate, and finds one whose saving exceeds the cost of a change.
    fn compare(&mut self) -> Option<usize> {
        for candidate in 0..self.candidates.len() {
            let saved = self.last_saving(candidate).unwrap_or(0.0);
            self.saved[candidate] = (self.saved[candidate] + saved).max(0.0);
        }
        if self.forecast.n() < FIRST_TURNS || self.turns < DWELL_TURNS {
            return None;
        }
        let (best, _) = self.cheapest()?;
        (best != self.current && self.saved[best] >= CHANGE_COST).then_some(best)
    }

    /// The cheapest of the allowed candidates, and its cost.
    fn cheapest(&self) -> Option<(usize, f64)> {
        let costs = (0..=self.best_allowed()).filter_map(|index| Some((index, self.cost(index)?)));
        costs.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The candidate that a dozen turns like the last ones would select, if any.
    fn awaited(&self) -> Option<usize> {
        let (best, least) = self.cheapest().filter(|(best, _)| *best != self.current)?;
        let saves = self.cost(self.current)? - least;
        (saves * SOON >= CHANGE_COST).then_some(best)
    }

    /// Whether another change is allowed, as of the last turn or reading.
    fn may_change(&self) -> bool {
        self.changed_at.len() < self.wishes.changes_per_hour as usize
    }

    fn forget_changes(&mut self, now: Instant) {
        let old = |at: &Instant| now.saturating_duration_since(*at) >= HOUR;
        while self.changed_at.front().is_some_and(old) {
            self.changed_at.pop_front();
        }
    }

    fn last_saving(&self, candidate: usize) -> Option<f64> {
        let cost = |index| self.forecast.last_cost(index, self.wishes.target);
        let steps = self.current as f64 - candidate as f64;
        let quality = step_worth(self.wishes.preference) * steps;
        Some(cost(self.current)? - cost(candidate)? - quality)
    }

    fn change(&mut self, now: Instant, to: usize) {
        if !self.may_change() {
            return;
        }
        self.changed_at.push_back(now);
        self.forecast.changed(self.current);
        self.current = to;
        self.turns = 0;
        self.saved.fill(0.0);
        self.changes += 1;
    }

    /// The reason as text, for the profile and for its tuning.
    fn why(&self) -> String {
        let mut words = self.why_profile();
        if self.limits.spares_dsp() && !self.saves_power() {
            words.push_str(t!("noise-suppression-and-gain-control"));
            let best = self.current + 1 == self.candidates.len();
            words.push_str(match self.limits.steps_down() {
                (_, Some(Pressure::Processor)) => ".",
                (_, Some(Pressure::Memory) | None) if best => {
                    t!("while-the-processor-is-busy-best")
                }
                (_, Some(Pressure::Memory) | None) => {
                    t!("while-the-processor-is-busy")
                }
            });
        }
        words
    }

    fn why_profile(&self) -> String {
        let label = |index: usize| self.candidates[index].label.as_str();
        let here = label(self.current);
        if let Some(words) = self.why_smaller(here) {
            return words;
        }
        let ms = |time: Duration| time.as_millis();
        let target = ms(self.wishes.target);
        let (Some(response), Some(server)) = (
            self.forecast.response(self.current),
            self.forecast.server(self.current),
        ) else {
            let what = if self.saves_power() {
                t!("power-is-saved-on-battery-lower")
            } else {
                t!("there-is-no-recent-answer")
            };
            return format!("{here}: {what}.");
        };
        let r = ms(response);
        if let Some(awaited) = self.awaited() {
            let then = self.forecast.response(awaited).map_or(0, ms);
            let what = if awaited > self.current {
                t!("better-and")
            } else {
                t!("faster-and")
            };
            let when = if self.may_change() {
                t!("chosen-if-this-lasts")
            } else {
                t!("not-chosen-as-no-more")
            };
            return self.with_power(t!(
                "for-now-responses-take-about",
                here,
                r,
                awaited = label(awaited),
                what,
                when,
                then,
                target
            ));
        }
        let best = self.best_allowed();
        let better = self.forecast.response(best).filter(|_| self.current < best);
        let faster = self.forecast.response(0).filter(|_| self.current > 0);
        self.with_power(match (better, faster) {
            (Some(better), _) => {
                t!(
                    "responses-take-about-ms-with",
                    here,
                    r,
                    best = label(best),
                    better = ms(better),
                    target
                )
            }
            (None, Some(faster)) if response > self.wishes.target => t!(
                "responses-take-about-ms-would",
                here,
                r,
                network = of_others(server, self.forecast.network()),
                label = label(0),
                faster = ms(response.saturating_sub(faster))
            ),
            _ => t!("responses-take-about-ms-wanted", here, r, target),
        })
    }

    /// The words for a profile that this computer, too busy or too full for the wanted one, decides on.
    fn why_smaller(&self, here: &str) -> Option<String> {
        let percent =
            |share: Option<f32>| format!("{:.0}", share.map_or(0.0, |share| share * 100.0));
        let seen = self.limits.seen;
        // If no further change is allowed, the restriction is not the reason for this candidate.
        let pressed = self.current <= self.best_allowed();
        Some(match self.limits.steps_down() {
            (_, Some(Pressure::Processor)) if pressed => {
                t!(
                    "because-the-processor-is-busy",
                    here,
                    cpu = percent(seen.cpu)
                )
            }
            (_, Some(Pressure::Memory)) if pressed => {
                t!(
                    "because-the-memory-is-nearly",
                    here,
                    memory = percent(seen.memory)
                )
            }
            (_, Some(_)) => t!("a-faster-profile-would-be", here),
            (_, None) => return None,
        })
    }

    fn with_power(&self, words: String) -> String {
        if self.saves_power() {
            return t!("power-is-saved-on-battery", words);
        }
        words
    }
}

/// The shares of service and network as text.
fn of_others(server: Duration, network: Option<Duration>) -> String {
    let Some(network) = network else {
        return t!("of-them-the-service-and-the", server = server.as_millis());
    };
    let network = network.min(server);
    t!(
        "of-them-the-service-and",
        network = (server - network).as_millis(),
        net = network.as_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Preference;

    const SHARES: [u64; 3] = [11, 47, 89];

    fn adapter() -> Adapter {
        let candidates = ["Ultra-fast", "Balanced", "High quality"]
            .into_iter()
            .zip(SHARES);
        let candidates = candidates.map(|(label, ms)| Candidate {
            label: label.into(),
            own_share: Duration::from_millis(ms),
            saving_share: Duration::from_millis(
                [32, 21, 0][usize::from(ms > 11) + usize::from(ms > 47)],
            ),
        });
        let wishes = AutoGoals {
            target: Duration::from_millis(300),
            preference: Preference::Balance,
            changes_per_hour: 6,
            power_saving: true,
        };
        Adapter::new(candidates.collect(), 1, wishes)
    }

    /// So many turns, one in 20 s, of a service that takes so long.
    fn talk(adapter: &mut Adapter, from: Instant, turns: u64, service: u64) -> Instant {
        for n in 0..turns {
            let candidate = adapter.plan().candidate;
            let own = Duration::from_millis(SHARES[candidate]);
            adapter.answered(Answered {
                at: from + Duration::from_secs(20 * n),
                candidate,
                response: own + Duration::from_millis(service),
                own,
                round_trip: None,
            });
        }
        from + Duration::from_secs(20 * turns)
    }

    #[test]
    fn the_profile_follows_what_can_be_gained() {
        let now = Instant::now();
        for (service, wanted, words) in [
            (
                120,
                2,
                "High quality: responses take about 209 ms (wanted: 300).",
            ),
            (
                230,
                1,
                "Balanced: responses take about 277 ms, with High quality 319 (wanted: 300).",
            ),
            (
                285,
                0,
                "Ultra-fast: responses take about 296 ms, with High quality 374 (wanted: 300).",
            ),
            (
                900,
                2,
                "High quality: responses take about 989 ms, 900 of them the service and the network; Ultra-fast would save 78 ms.",
            ),
        ] {
            let mut adapter = adapter();
            talk(&mut adapter, now, 20, service);
            let plan = adapter.plan();
            assert_eq!(
                (plan.candidate, plan.why.as_str()),
                (wanted, words),
                "{service}"
            );
            assert!(adapter.changes() <= 1);
        }
    }

    #[test]
    fn the_reason_tells_network_from_service_where_the_round_trip_is_known() {
        let now = Instant::now();
        let mut adapter = adapter();
        let trip = Some(Duration::from_millis(250));
        for n in 0..20 {
            let at = now + Duration::from_secs(20 * n);
            let candidate = adapter.plan().candidate;
            let own = Duration::from_millis(SHARES[candidate]);
            let seen = Conditions {
                round_trip: trip,
                ..Conditions::default()
            };
            adapter.conditions(at, seen);
            adapter.answered(Answered {
                at,
                candidate,
                response: own + Duration::from_millis(900),
                own,
                round_trip: trip,
            });
        }
        assert_eq!(
            adapter.plan().why,
            "High quality: responses take about 989 ms, 650 of them the service and 250 the network; Ultra-fast would save 78 ms."
        );
    }

    #[test]
    fn what_is_better_and_not_chosen_yet_is_told_as_such() {
        let now = Instant::now();
        let mut adapter = adapter();
        talk(&mut adapter, now, 2, 120);
        let plan = adapter.plan();
        assert_eq!(
            (plan.candidate, plan.why.as_str()),
            (
                1,
                "Balanced for now: responses take about 167 ms; with High quality, which is better and chosen if this lasts, 209 (wanted: 300)."
            )
        );
    }

    #[test]
    fn what_is_announced_is_what_is_chosen_then() {
        let now = Instant::now();
        let mut announced = 0;
        for (start, service) in (0..3).flat_map(|start| (5..60).map(move |n| (start, 20 * n))) {
            let fresh = adapter();
            let mut adapter = Adapter::new(fresh.candidates, start, fresh.wishes);
            let at = talk(&mut adapter, now, 3, service);
            let why = adapter.plan().why;
            let Some((before, _)) = why
                .split_once(", which is ")
                .filter(|(_, rest)| rest.contains("chosen if this lasts"))
            else {
                continue;
            };
            announced += 1;
            talk(&mut adapter, at, 20, service);
            let chosen = adapter.candidates[adapter.plan().candidate].label.as_str();
            assert!(
                before.ends_with(chosen),
                "{start}, {service}: {why}, {chosen}"
            );
        }
        assert!(announced > 20, "{announced}");
        // Where none may be chosen any more, that is said, and only as long as it is so.
        let fresh = adapter();
        let none = AutoGoals {
            changes_per_hour: 0,
            ..fresh.wishes
        };
        let mut adapter = Adapter::new(fresh.candidates, 1, none);
        talk(&mut adapter, now, 3, 120);
        let why = adapter.plan().why;
        assert!(
            why.contains("not chosen, as no more changes are allowed"),
            "{why}"
        );
    }

    #[test]
    fn on_a_busy_processor_no_better_profile_is_taken() {
        let now = Instant::now();
        let mut adapter = adapter();
        load(&mut adapter, now, 15, 0.9);
        assert!(adapter.plan().tuning.spare_dsp);
        let at = talk(&mut adapter, now, 20, 120);
        let plan = adapter.plan();
        assert_eq!(plan.candidate, 1, "{plan:?}");
        assert!(!plan.why.contains("High quality"), "{plan:?}");
        load(&mut adapter, at, 120, 0.2);
        talk(&mut adapter, at, 10, 120);
        assert_eq!(adapter.plan().candidate, 2, "and then it is");
    }

    #[test]
    fn one_cold_turn_drives_nobody_out_of_a_profile() {
        let now = Instant::now();
        let mut adapter = adapter();
        for (n, own) in [300, 47, 47, 47, 47, 47, 47, 47, 47, 47]
            .into_iter()
            .enumerate()
        {
            let candidate = adapter.plan().candidate;
            let own = Duration::from_millis(if candidate == 1 {
                own
            } else {
                SHARES[candidate]
            });
            adapter.answered(Answered {
                at: now + Duration::from_secs(20 * n as u64),
                candidate,
                response: own + Duration::from_millis(200),
                own,
                round_trip: None,
            });
            assert_ne!(
                adapter.plan().candidate,
                0,
                "turn {n}: {:?}",
                adapter.plan()
            );
        }
    }

    #[test]
    fn saving_power_lengthens_what_is_forecast_for_each_profile() {
        let now = Instant::now();
        let mut adapter = adapter();
        talk(&mut adapter, now, 10, 100);
        let shares = |adapter: &Adapter| {
            [0, 1, 2].map(|nth| adapter.forecast.response(nth).map(|d| d.as_millis()))
        };
        assert_eq!(shares(&adapter), [111, 147, 189].map(Some));
        for (on_battery, wanted) in [(true, [143, 168, 189]), (false, [111, 147, 189])] {
            let seen = Conditions {
                on_battery: Some(on_battery),
                ..Conditions::default()
            };
            for _ in 0..3 {
                adapter.conditions(now, seen);
            }
            assert_eq!(shares(&adapter), wanted.map(Some), "{on_battery}");
        }
    }

    /// A reading a second of a processor with this load.
    fn load(adapter: &mut Adapter, from: Instant, seconds: u64, cpu: f32) {
        for second in 0..seconds {
            let seen = Conditions {
                cpu: Some(cpu),
                ..Conditions::default()
            };
            adapter.conditions(from + Duration::from_secs(second), seen);
        }
    }

    #[test]
    fn who_allows_no_changes_gets_none_and_is_told_so() {
        let now = Instant::now();
        let mut adapter = adapter();
        adapter.wishes.changes_per_hour = 0;
        let wishes = adapter.wishes;
        let mut adapter = Adapter::new(adapter.candidates, 1, wishes);
        let at = talk(&mut adapter, now, 40, 120);
        load(&mut adapter, at, 300, 0.97);
        let plan = adapter.plan();
        assert_eq!((plan.candidate, adapter.changes()), (1, 0));
        assert!(
            plan.why.contains("no more changes are allowed"),
            "{}",
            plan.why
        );
    }

    #[test]
    fn what_is_tuned_within_a_profile_has_a_reason_too() {
        let now = Instant::now();
        let mut adapter = adapter();
        load(&mut adapter, now, 15, 0.9);
        let plan = adapter.plan();
        assert!(plan.tuning.spare_dsp && plan.candidate == 1);
        assert!(
            plan.why.contains("Noise suppression and gain control rest"),
            "{}",
            plan.why
        );
    }

    #[test]
    fn a_service_that_wavers_at_a_border_changes_nothing() {
        let now = Instant::now();
        let mut adapter = adapter();
        let mut at = now;
        for n in 0..200 {
            let server = if n % 2 == 0 { 225 } else { 235 };
            at = talk(&mut adapter, at, 1, server);
        }
        assert!(adapter.changes() <= 1, "{}", adapter.changes());
    }

    #[test]
    fn changes_are_limited_whatever_happens() {
        let now = Instant::now();
        let mut adapter = adapter();
        let mut at = now;
        let mut changes = Vec::new();
        for n in 0..60 * 9 {
            let server = if n / 9 % 2 == 0 { 120 } else { 280 };
            let before = adapter.changes();
            let turn = at;
            at = talk(&mut adapter, at, 1, server);
            changes.extend((adapter.changes() > before).then_some(turn));
        }
        // Three hours.
        assert!(adapter.changes() > 5);
        assert!(changes.len() as u64 == adapter.changes());
        for (nth, at) in changes.iter().enumerate() {
            let within = |other: &&Instant| **other >= *at && **other - *at < HOUR;
            let hour = changes.iter().filter(within).count();
            assert!(hour <= 6, "{hour} in the hour from change {nth} on");
        }
    }

    #[test]
    fn the_machine_comes_first_and_says_so() {
        let now = Instant::now();
        let mut adapter = adapter();
        let now = talk(&mut adapter, now, 10, 100);
        assert_eq!(adapter.plan().candidate, 2);
        let busy = Conditions {
            cpu: Some(0.93),
            ..Conditions::default()
        };
        for second in 0..=11 {
            adapter.conditions(now + Duration::from_secs(second), busy);
        }
        let plan = adapter.plan();
        assert!(
            plan.tuning.spare_dsp && plan.candidate == 2,
            "first what is not missed: {plan:?}"
        );
        for second in 12..=80 {
            adapter.conditions(now + Duration::from_secs(second), busy);
        }
        let plan = adapter.plan();
        assert_eq!(plan.candidate, 1);
        assert_eq!(
            plan.why,
            "Balanced, because the processor is busy (93 %). Noise suppression and gain control rest."
        );
    }

    #[test]
    fn on_battery_power_is_saved() {
        let now = Instant::now();
        let mut adapter = adapter();
        let now = talk(&mut adapter, now, 10, 100);
        adapter.conditions(
            now,
            Conditions {
                on_battery: Some(true),
                ..Conditions::default()
            },
        );
        let plan = adapter.plan();
        assert!(plan.tuning.save_power, "{plan:?}");
        assert_eq!(
            plan.candidate, 2,
            "without its signal processing the best profile takes no more power than the others"
        );
        assert!(
            plan.why.ends_with("Power is saved on battery."),
            "{}",
            plan.why
        );
        adapter.conditions(
            now,
            Conditions {
                on_battery: Some(false),
                ..Conditions::default()
            },
        );
        assert!(!adapter.plan().tuning.save_power, "and given back");
    }

    #[test]
    fn one_profile_is_no_choice() {
        let now = Instant::now();
        let one = Candidate {
            label: "Only".into(),
            own_share: Duration::from_millis(20),
            saving_share: Duration::ZERO,
        };
        let mut adapter = Adapter::new(vec![one], 7, adapter().wishes);
        talk(&mut adapter, now, 30, 2_000);
        adapter.conditions(
            now,
            Conditions {
                cpu: Some(1.0),
                on_battery: Some(true),
                memory: Some(1.0),
                round_trip: Some(Duration::from_secs(9)),
            },
        );
        assert_eq!((adapter.plan().candidate, adapter.changes()), (0, 0));
    }
}
