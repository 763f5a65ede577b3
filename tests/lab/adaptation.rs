//! Days of talk under changing conditions: the profile "auto" against each fixed profile, the plain rule, and an oracle
//! that knows the future. The real policy on simulated time.
//!
//! ```text
//! world: service, network, processor, memory ─▶ a turn, as it would be with each profile
//! policy: auto | plain rule | fixed | oracle ─▶ the profile in force ─▶ what the turn cost with it
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use sovereign::profile::Preference;
use sovereign::telemetry::auto::{
    Adapter, Answered, AutoGoals, Candidate, Conditions, Tuning, step_worth, wait_cost,
};

use crate::table::{Table, full};
use crate::voices::Noise;

const PROFILES: usize = 3;
/// Our own share of a response with each profile in milliseconds, as measured on simulated time.
const OWN: [f64; PROFILES] = [14.0, 47.0, 89.0];
const TARGET: Duration = Duration::from_millis(300);
/// What one change costs, in milliseconds: it is noticed.
const CHANGE: f64 = 100.0;
/// What a reply that stutters costs.
const STUTTER: f64 = 150.0;
/// Of a hundred replies so many stutter while the processor has no time, or while the machine swaps, by profile.
const STUTTERS: [f64; PROFILES] = [0.03, 0.20, 0.50];
/// What a turn without noise suppression and gain control costs where the profile has them.
const SPARED: f64 = 10.0;
/// What a turn on battery costs by the power that it takes, by profile, in the proportion of the sound thread's instructions
/// (`instructions.md`); and what is left of it while power is saved.
const POWER: [f64; PROFILES] = [2.4, 30.0, 30.0];
const SAVED: [f64; PROFILES] = [2.4, 7.0, 7.0];
/// Saving lengthens our own share of a response by so much: the periods of the devices are longer, and with noise
/// suppression its delay goes.
const SAVING_TAKES: [f64; PROFILES] = [32.0, 15.0, 0.0];
/// So long two replies of a hundred wait for a speaker that has to wake.
const WAKING: f64 = 250.0;
/// The round trip is told by the system with such an error (standard deviation of its logarithm).
const TRIP_ERROR: f64 = 0.15;

/// A turn as it would be with each profile.
struct Turn {
    /// Since the last one, in seconds; and for how long of it things have been as they are at the turn.
    gap: u64,
    since: u64,
    /// Milliseconds.
    service: [f64; PROFILES],
    network: f64,
    own: [f64; PROFILES],
    /// What the system tells of the network when it is spoken; before, there is no traffic to tell it by.
    trip: Option<Duration>,
    /// Loads of processor and memory, and whether the machine runs on its battery.
    cpu: f32,
    memory: f32,
    battery: bool,
}

impl Turn {
    /// Our own share.
    fn own(&self, profile: usize, tuning: Tuning) -> f64 {
        let saving = if tuning.save_power {
            SAVING_TAKES[profile]
        } else {
            0.0
        };
        self.own[profile] + saving
    }

    fn response(&self, profile: usize, tuning: Tuning) -> Duration {
        let all = self.service[profile] + self.network + self.own(profile, tuning);
        Duration::from_secs_f64(all / 1e3)
    }

    fn busy(&self) -> bool {
        self.cpu > 0.8
    }

    /// What it costs in milliseconds beside the wait: quality, stutter and power.
    fn beside(&self, profile: usize, tuning: Tuning) -> f64 {
        let steps = (PROFILES - 1 - profile) as f64;
        let mut cost = step_worth(Preference::Balance) * steps;
        let spared = tuning.spare_dsp || tuning.save_power;
        if self.busy() {
            cost += STUTTER * STUTTERS[profile] * if spared { 0.5 } else { 1.0 };
        }
        if self.memory > 0.85 {
            cost += STUTTER * STUTTERS[profile];
        }
        if spared && profile > 0 {
            cost += SPARED;
        }
        if self.battery {
            cost += if tuning.save_power { SAVED } else { POWER }[profile];
        }
        cost
    }

    /// What it costs in milliseconds.
    fn cost(&self, profile: usize, tuning: Tuning) -> f64 {
        wait_cost(self.response(profile, tuning), TARGET) + self.beside(profile, tuning)
    }

    /// The tuning that is the cheapest one for this turn.
    fn best_tuning(&self, profile: usize) -> Tuning {
        let none = Tuning::default();
        let spare_dsp = Tuning {
            spare_dsp: true,
            ..none
        };
        let save_power = Tuning {
            save_power: true,
            ..none
        };
        let cost = |tuning: &Tuning| self.cost(profile, *tuning);
        let machine = [none, spare_dsp, save_power];
        machine
            .into_iter()
            .min_by(|a, b| cost(a).total_cmp(&cost(b)))
            .unwrap_or_default()
    }
}

/// Who changes what.
#[derive(Clone, Copy, Debug, PartialEq)]
enum World {
    Quick,
    NearTarget,
    Slow,
    Wavering,
    Day,
    Networks,
    NetworksUntold,
    Busy,
    Full,
    Battery,
    Heedful,
    Mixed,
}

impl World {
    const ALL: [Self; 12] = [
        Self::Quick,
        Self::NearTarget,
        Self::Slow,
        Self::Wavering,
        Self::Day,
        Self::Networks,
        Self::NetworksUntold,
        Self::Busy,
        Self::Full,
        Self::Battery,
        Self::Heedful,
        Self::Mixed,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Quick => "service 150 ms",
            Self::NearTarget => "service 270 ms",
            Self::Slow => "service 650 ms",
            Self::Wavering => "200 and 320 ms, every 4 min",
            Self::Day => "150 to 500 ms over a day",
            Self::Networks => "networks change",
            Self::NetworksUntold => "networks change, round trip unknown",
            Self::Busy => "processor busy at times",
            Self::Full => "memory full at times",
            Self::Battery => "on battery at times",
            Self::Heedful => "profile changes the service by a fifth",
            Self::Mixed => "all of it",
        }
    }

    /// Turns of so many hours: talks of some minutes with pauses between them.
    fn turns(self, hours: u64, seed: u64) -> Vec<Turn> {
        let mut random = Noise::new(seed);
        let (mut turns, mut second) = (Vec::new(), 0_u64);
        let mut state = State {
            network: 20.0,
            until: 0,
            bad: [false; 3],
            bad_until: [0; 3],
        };
        while second < hours * 3_600 {
            let gap = if unit(&mut random) < 0.03 {
                600
            } else {
                8 + (unit(&mut random) * 40.0) as u64
            };
            second += gap;
            state.step(second, &mut random);
            turns.push(self.turn(second, gap, &state, &mut random));
        }
        turns
    }

    fn turn(self, second: u64, gap: u64, state: &State, random: &mut Noise) -> Turn {
        let hour = second as f64 / 3_600.0;
        let daily = 325.0 - 175.0 * (hour / 24.0 * std::f64::consts::TAU).cos();
        let level = match self {
            Self::Quick | Self::Busy | Self::Full | Self::Battery => 150.0,
            Self::NearTarget => 270.0,
            Self::Slow => 650.0,
            Self::Wavering => {
                if (second / 240).is_multiple_of(2) {
                    200.0
                } else {
                    320.0
                }
            }
            Self::Day => daily,
            Self::Networks | Self::NetworksUntold => 170.0,
            Self::Heedful => 280.0,
            Self::Mixed => daily * 0.8,
        };
        let network = match self {
            Self::Networks | Self::NetworksUntold | Self::Mixed => state.network,
            Self::Quick
            | Self::NearTarget
            | Self::Slow
            | Self::Wavering
            | Self::Day
            | Self::Busy
            | Self::Full
            | Self::Battery
            | Self::Heedful => 0.0,
        };
        let heed = match self {
            Self::Heedful => [0.8, 1.0, 1.2],
            Self::Mixed => [0.9, 1.0, 1.05],
            Self::Quick
            | Self::NearTarget
            | Self::Slow
            | Self::Wavering
            | Self::Day
            | Self::Networks
            | Self::NetworksUntold
            | Self::Busy
            | Self::Full
            | Self::Battery => [1.0; PROFILES],
        };
        let mut chance = (0.25 * normal(random)).exp();
        if unit(random) < 0.03 {
            chance *= 3.0;
        }
        const ILLS: [World; 3] = [World::Busy, World::Full, World::Battery];
        let bad = |world: Self| {
            let nth = ILLS.iter().position(|ill| *ill == world);
            let is_bad = nth.is_some_and(|nth| state.bad[nth]);
            is_bad && (self == world || self == Self::Mixed)
        };
        let told = network > 0.0 && self != Self::NetworksUntold;
        let waking = if unit(random) < 0.02 { WAKING } else { 0.0 };
        let error = (TRIP_ERROR * normal(random)).exp();
        Turn {
            gap,
            since: (unit(random) * gap as f64) as u64,
            service: heed.map(|factor| level * factor * chance),
            network: network * (0.1 * normal(random)).exp(),
            own: OWN.map(|own| own * if bad(Self::Busy) { 2.0 } else { 1.0 } + waking),
            trip: told.then(|| Duration::from_secs_f64(network * error / 1e3)),
            cpu: if bad(Self::Busy) { 0.95 } else { 0.3 },
            memory: if bad(Self::Full) { 0.92 } else { 0.5 },
            battery: bad(Self::Battery),
        }
    }
}

/// What changes by itself, and when next.
struct State {
    network: f64,
    until: u64,
    /// The processor is busy, the memory full, the machine on battery: each by itself.
    bad: [bool; 3],
    bad_until: [u64; 3],
}

impl State {
    fn step(&mut self, second: u64, random: &mut Noise) {
        if second >= self.until {
            self.network = [20.0, 60.0, 150.0, 400.0][(unit(random) * 4.0) as usize % 4];
            self.until = second + 600 + (unit(random) * 4_800.0) as u64;
        }
        for (bad, until) in self.bad.iter_mut().zip(&mut self.bad_until) {
            if second >= *until {
                *bad = !*bad;
                *until = second + 300 + (unit(random) * 3_000.0) as u64;
            }
        }
    }
}

/// 0.0 to 1.0.
fn unit(random: &mut Noise) -> f64 {
    f64::from(random.next())
        .mul_add(0.5, 0.5)
        .clamp(0.0, 1.0 - 1e-9)
}

/// Standard normal, near enough: the sum of twelve.
fn normal(random: &mut Noise) -> f64 {
    (0..12).map(|_| unit(random)).sum::<f64>() - 6.0
}

/// What came of a day.
#[derive(Default)]
struct Outcome {
    turns: u64,
    cost: f64,
    /// The same by another judge: each millisecond over the target counts as one, up to a second.
    linear: f64,
    above: u64,
    steps: u64,
    changes: u64,
    hours: f64,
}

impl Outcome {
    fn take(&mut self, turn: &Turn, profile: usize, tuning: Tuning) {
        self.turns += 1;
        self.cost += turn.cost(profile, tuning);
        let response = turn.response(profile, tuning);
        let over = response.saturating_sub(TARGET).as_secs_f64() * 1e3;
        self.linear += turn.beside(profile, tuning) + over.min(1e3);
        self.above += u64::from(response > TARGET);
        self.steps += (PROFILES - 1 - profile) as u64;
        self.hours += turn.gap as f64 / 3_600.0;
    }

    /// This day and another one.
    fn and(self, other: Self) -> Self {
        Self {
            turns: self.turns + other.turns,
            cost: self.cost + other.cost,
            linear: self.linear + other.linear,
            above: self.above + other.above,
            steps: self.steps + other.steps,
            changes: self.changes + other.changes,
            hours: self.hours + other.hours,
        }
    }

    /// Milliseconds a turn, changes included.
    fn per_turn(&self) -> f64 {
        (self.cost + CHANGE * self.changes as f64) / self.turns as f64
    }

    fn linear_per_turn(&self) -> f64 {
        (self.linear + CHANGE * self.changes as f64) / self.turns as f64
    }

    fn changes_per_hour(&self) -> f64 {
        self.changes as f64 / self.hours
    }

    fn cells(&self) -> String {
        format!(
            "{:.1} · {:.0} % · {:.2} · {:.1}",
            self.per_turn(),
            100.0 * self.above as f64 / self.turns as f64,
            self.steps as f64 / self.turns as f64,
            self.changes_per_hour()
        )
    }
}

fn auto(turns: &[Turn]) -> Outcome {
    let candidates = ["ultra-fast", "balanced", "high-quality"]
        .into_iter()
        .zip([11, 47, 89]);
    let candidates = candidates.zip(SAVING_TAKES);
    let candidates = candidates.map(|((label, ms), saving)| Candidate {
        label: label.into(),
        own_share: Duration::from_millis(ms),
        saving_share: Duration::from_secs_f64(saving / 1e3),
    });
    let wishes = AutoGoals {
        target: TARGET,
        preference: Preference::Balance,
        changes_per_hour: 6,
        power_saving: true,
    };
    let mut now = Instant::now();
    let mut adapter = Adapter::new(candidates.collect(), 1, wishes);
    let mut outcome = Outcome::default();
    let mut before = turns.first();
    for turn in turns {
        let last = before.replace(turn).unwrap_or(turn);
        for second in 0..turn.gap {
            now += Duration::from_secs(1);
            let state = if second < turn.gap - turn.since {
                last
            } else {
                turn
            };
            let spoken = second + 1 == turn.gap;
            let seen = Conditions {
                cpu: Some(state.cpu),
                memory: Some(state.memory),
                on_battery: Some(state.battery),
                round_trip: if spoken { turn.trip } else { last.trip },
            };
            adapter.conditions(now, seen);
        }
        let plan = adapter.plan();
        outcome.take(turn, plan.candidate, plan.tuning);
        adapter.answered(Answered {
            at: now,
            candidate: plan.candidate,
            response: turn.response(plan.candidate, plan.tuning),
            own: Duration::from_secs_f64(turn.own(plan.candidate, plan.tuning) / 1e3),
            round_trip: turn.trip,
        });
    }
    outcome.changes = adapter.changes();
    outcome
}

/// The common rule: the mean of the last ten turns over 400 ms is the fastest profile, over 300 the middle one.
fn plain(turns: &[Turn]) -> Outcome {
    let (mut profile, mut last, mut outcome) = (1, VecDeque::new(), Outcome::default());
    for turn in turns {
        outcome.take(turn, profile, Tuning::default());
        last.push_back(turn.response(profile, Tuning::default()).as_secs_f64() * 1e3);
        if last.len() > 10 {
            last.pop_front();
        }
        let mean = last.iter().sum::<f64>() / last.len() as f64;
        let wanted = match mean {
            mean if mean > 400.0 => 0,
            mean if mean > 300.0 => 1,
            _ => 2,
        };
        if last.len() == 10 && wanted != profile {
            profile = wanted;
            outcome.changes += 1;
        }
    }
    outcome
}

fn fixed(turns: &[Turn], profile: usize) -> Outcome {
    let mut outcome = Outcome::default();
    turns
        .iter()
        .for_each(|turn| outcome.take(turn, profile, Tuning::default()));
    outcome
}

/// The cheapest sequence of profiles, found with all turns known (dynamic programming; tuned within them as is the
/// cheapest for each turn).
fn oracle(turns: &[Turn]) -> Outcome {
    let price = |turn: &Turn, profile| turn.cost(profile, turn.best_tuning(profile));
    // Backwards: the cost from a turn to the end, if it is had with this profile.
    let mut costs = vec![[0.0; PROFILES]; turns.len() + 1];
    let go_on = |next: &[f64; PROFILES], from: usize| {
        (0..PROFILES)
            .map(|to| (next[to] + if to == from { 0.0 } else { CHANGE }, to))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .expect("there are profiles")
    };
    for (index, turn) in turns.iter().enumerate().rev() {
        for profile in 0..PROFILES {
            costs[index][profile] = price(turn, profile) + go_on(&costs[index + 1], profile).0;
        }
    }
    let (mut profile, mut outcome) = (1, Outcome::default());
    for (index, turn) in turns.iter().enumerate() {
        let (_, next) = go_on(&costs[index], profile);
        outcome.changes += u64::from(next != profile);
        profile = next;
        outcome.take(turn, profile, turn.best_tuning(profile));
    }
    outcome
}

#[test]
fn adaptation() {
    let (hours, seeds) = if full() { (24, 20) } else { (24, 2) };
    let mut table = Table::new(
        "adaptation",
        "Simulated days of talk, each begun anew, a turn every 8 to 48 s and longer pauses; every turn varies by a quarter, and 3 of a hundred take three times as long; 2 of a hundred wait for a speaker that wakes. \
         Each cell: cost in ms a turn (waiting over 300 ms, 20 for each step below the best profile, stutter on a busy processor or a full memory, power on battery, 100 for each change) · turns above the target · mean steps \
         below the best profile · changes an hour. The plain rule: mean of the last ten turns over 400 ms, over 300, else. The oracle knows every turn of the day beforehand. \
         Best fixed: the one of the three that was best in hindsight. The last two: the same costs by another judge than the one that auto follows, for whom each millisecond over the \
         target counts as one, up to a second.",
        &[
            "world",
            "auto",
            "plain rule",
            "best fixed",
            "oracle",
            "regret: auto",
            "plain",
            "fixed",
            "linear: auto",
            "plain",
        ],
    );
    let (mut sums, mut linear_sums) = ([0.0; 4], [0.0; 2]);
    let mut faults = Vec::new();
    for world in World::ALL {
        let days: Vec<Vec<Turn>> = (0..seeds)
            .map(|seed| world.turns(hours, 7 + seed))
            .collect();
        // Each day begins anew, as the program does.
        let all_days = |policy: &dyn Fn(&[Turn]) -> Outcome| {
            let days = days.iter().map(|day| policy(day));
            days.reduce(Outcome::and).expect("there are days")
        };
        let best = (0..PROFILES).map(|profile| all_days(&|day| fixed(day, profile)));
        let best = best
            .min_by(|a, b| a.per_turn().total_cmp(&b.per_turn()))
            .expect("there are profiles");
        let all = [all_days(&auto), all_days(&plain), best, all_days(&oracle)];
        let cost = all.each_ref().map(Outcome::per_turn);
        sums.iter_mut()
            .zip(cost)
            .for_each(|(sum, cost)| *sum += cost);
        let regret = |index: usize| cost[index] - cost[3];
        let mut cells = vec![world.name().to_owned()];
        cells.extend(all.iter().map(Outcome::cells));
        cells.extend((0..3).map(|index| format!("{:.1}", regret(index))));
        let linear = [all[0].linear_per_turn(), all[1].linear_per_turn()];
        linear_sums
            .iter_mut()
            .zip(linear)
            .for_each(|(sum, cost)| *sum += cost);
        cells.extend(linear.map(|cost| format!("{cost:.1}")));
        table.row(&cells);
        if cost[0] > cost[1] + 0.5 {
            faults.push(format!(
                "{}: auto {:.1}, plain rule {:.1}",
                world.name(),
                cost[0],
                cost[1]
            ));
        }
        // Who knows all turns may pay for one change more at the end of a day than it would have needed.
        let least = cost.iter().copied().fold(f64::INFINITY, f64::min);
        if cost[3] > least + CHANGE * seeds as f64 / all[3].turns as f64 + 1e-6 {
            faults.push(format!("{}: the oracle is none: {cost:?}", world.name()));
        }
        if all[0].changes_per_hour() > 6.0 {
            faults.push(format!(
                "{}: {:.1} changes an hour",
                world.name(),
                all[0].changes_per_hour()
            ));
        }
    }
    let n = World::ALL.len() as f64;
    let mean = |index: usize| format!("{:.1}", sums[index] / n);
    let regret = |index: usize| format!("{:.1}", (sums[index] - sums[3]) / n);
    table.row(&[
        "mean".into(),
        mean(0),
        mean(1),
        mean(2),
        mean(3),
        regret(0),
        regret(1),
        regret(2),
        format!("{:.1}", linear_sums[0] / n),
        format!("{:.1}", linear_sums[1] / n),
    ]);
    table.finish();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // Better than the rule; as good as the profile that turns out best, which nobody knows before.
    assert!(sums[0] < sums[1] && sums[0] < 1.01 * sums[2], "{sums:?}");
}
