//! Days of talk under changing conditions: the profile "auto" against each fixed profile, the plain rule, and an oracle
//! that knows the future. The real policy on simulated time.
//!
//! ```text
//! world: service, network, processor, memory ─▶ a turn, as it would be with each profile
//! policy: auto | plain rule | fixed | oracle ─▶ the profile in force ─▶ what the turn cost with it
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use sovereign::adapt::{Adapter, Answered, Candidate, Conditions, Preference, Wishes, wait_cost};

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
/// Of a hundred replies so many stutter while the processor has no time, by profile.
const STUTTERS: [f64; PROFILES] = [0.03, 0.20, 0.50];
/// What a turn without noise suppression and gain control costs where the profile has them.
const SPARED: f64 = 10.0;

/// A turn as it would be with each profile.
struct Turn {
    /// Since the last one, in seconds.
    gap: u64,
    /// Milliseconds.
    service: [f64; PROFILES],
    own: [f64; PROFILES],
    /// Loads of processor and memory until it.
    cpu: f32,
    memory: f32,
}

impl Turn {
    fn response(&self, profile: usize) -> Duration {
        Duration::from_secs_f64((self.service[profile] + self.own[profile]) / 1e3)
    }

    fn busy(&self) -> bool {
        self.cpu > 0.8
    }

    /// What it costs in milliseconds: waiting, quality, stutter.
    fn cost(&self, profile: usize, spared: bool) -> f64 {
        let steps = (PROFILES - 1 - profile) as f64;
        let mut cost = wait_cost(self.response(profile), TARGET);
        cost += Preference::Balance.step_worth() * steps;
        if self.busy() {
            cost += STUTTER * STUTTERS[profile] * if spared { 0.5 } else { 1.0 };
        }
        if spared && profile > 0 {
            cost += SPARED;
        }
        cost
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
    Busy,
    Heedful,
    Mixed,
}

impl World {
    const ALL: [Self; 9] = [
        Self::Quick,
        Self::NearTarget,
        Self::Slow,
        Self::Wavering,
        Self::Day,
        Self::Networks,
        Self::Busy,
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
            Self::Busy => "processor busy at times",
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
            busy: false,
            busy_until: 0,
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
            Self::Quick | Self::Busy => 150.0,
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
            Self::Networks => 170.0 + state.network,
            Self::Heedful => 280.0,
            Self::Mixed => daily * 0.8 + state.network,
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
            | Self::Busy => [1.0; PROFILES],
        };
        let mut chance = (0.25 * normal(random)).exp();
        if unit(random) < 0.03 {
            chance *= 3.0;
        }
        let busy = state.busy && matches!(self, Self::Busy | Self::Mixed);
        Turn {
            gap,
            service: heed.map(|factor| level * factor * chance),
            own: OWN.map(|own| own * if busy { 2.0 } else { 1.0 }),
            cpu: if busy { 0.95 } else { 0.3 },
            memory: 0.5,
        }
    }
}

/// What changes by itself, and when next.
struct State {
    network: f64,
    until: u64,
    busy: bool,
    busy_until: u64,
}

impl State {
    fn step(&mut self, second: u64, random: &mut Noise) {
        if second >= self.until {
            self.network = [20.0, 60.0, 150.0, 400.0][(unit(random) * 4.0) as usize % 4];
            self.until = second + 600 + (unit(random) * 4_800.0) as u64;
        }
        if second >= self.busy_until {
            self.busy = !self.busy;
            self.busy_until = second + 300 + (unit(random) * 3_000.0) as u64;
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
    fn take(&mut self, turn: &Turn, profile: usize, spared: bool) {
        self.turns += 1;
        self.cost += turn.cost(profile, spared);
        let response = turn.response(profile);
        let over = response.saturating_sub(TARGET).as_secs_f64() * 1e3;
        self.linear += turn.cost(profile, spared) - wait_cost(response, TARGET) + over.min(1e3);
        self.above += u64::from(response > TARGET);
        self.steps += (PROFILES - 1 - profile) as u64;
        self.hours += turn.gap as f64 / 3_600.0;
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
    let candidates = candidates.map(|(label, ms)| Candidate {
        label: label.into(),
        own_share: Duration::from_millis(ms),
    });
    let wishes = Wishes {
        target: TARGET,
        preference: Preference::Balance,
        changes_per_hour: 6,
        power_saving: true,
    };
    let mut now = Instant::now();
    let mut adapter = Adapter::new(candidates.collect(), 1, wishes);
    let mut outcome = Outcome::default();
    for turn in turns {
        for _ in 0..turn.gap {
            now += Duration::from_secs(1);
            let seen = Conditions {
                cpu: Some(turn.cpu),
                memory: Some(turn.memory),
                on_battery: Some(false),
            };
            adapter.conditions(now, seen);
        }
        let plan = adapter.plan();
        outcome.take(turn, plan.candidate, plan.tuning.spare_dsp);
        adapter.answered(Answered {
            at: now,
            candidate: plan.candidate,
            response: turn.response(plan.candidate),
            own: Duration::from_secs_f64(turn.own[plan.candidate] / 1e3),
            in_vain: false,
        });
    }
    outcome.changes = adapter.changes();
    outcome
}

/// The common rule: the mean of the last ten turns over 400 ms is the fastest profile, over 300 the middle one.
fn plain(turns: &[Turn]) -> Outcome {
    let (mut profile, mut last, mut outcome) = (1, VecDeque::new(), Outcome::default());
    for turn in turns {
        outcome.take(turn, profile, false);
        last.push_back(turn.response(profile).as_secs_f64() * 1e3);
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
        .for_each(|turn| outcome.take(turn, profile, false));
    outcome
}

/// The cheapest sequence of profiles, found with all turns known (dynamic programming; signal processing is spared where
/// that is cheaper).
fn oracle(turns: &[Turn]) -> Outcome {
    let spares = |turn: &Turn, profile| turn.cost(profile, true) < turn.cost(profile, false);
    let price = |turn: &Turn, profile| turn.cost(profile, true).min(turn.cost(profile, false));
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
        outcome.take(turn, profile, spares(turn, profile));
    }
    outcome
}

#[test]
fn adaptation() {
    let (hours, seeds) = if full() { (24, 20) } else { (24, 2) };
    let mut table = Table::new(
        "adaptation",
        "Simulated days of talk, a turn every 8 to 48 s and longer pauses; every turn varies by a quarter, and 3 of a hundred take three times as long. \
         Each cell: cost in ms a turn (waiting over 300 ms, 20 for each step below the best profile, stutter on a busy processor, 100 for each change) · turns above the target · mean steps \
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
        let days: Vec<Turn> = (0..seeds)
            .flat_map(|seed| world.turns(hours, 7 + seed))
            .collect();
        let best = (0..PROFILES).map(|profile| fixed(&days, profile));
        let best = best
            .min_by(|a, b| a.per_turn().total_cmp(&b.per_turn()))
            .expect("there are profiles");
        let all = [auto(&days), plain(&days), best, oracle(&days)];
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
    assert!(sums[0] < sums[1] && sums[0] < sums[2] + 2.0 * n, "{sums:?}");
}
