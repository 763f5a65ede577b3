//! What the early close gains and wastes: without a limit on waste, as it was before there was one, and with the limit of
//! the shipped profiles. Whole conversations with the real turn machine on simulated time, tokens counted as the service
//! does.

use std::time::Duration;

use sovereign::turn::patience::EndpointingSettings;

use crate::table::{Table, full};
use crate::talk::{Desk, fixed};
use crate::voices::Noise;

/// The limit of the shipped profiles, and none.
const LIMIT: u32 = 10;
const NONE: u32 = 100;
/// Turns of a window.
const WINDOW: usize = 20;

/// Pauses as one person makes them.
#[derive(Clone, Copy, Debug)]
struct Habit {
    /// So many of a hundred turns have a pause; half of these have another one.
    share: f64,
    /// Median in milliseconds, and spread of the logarithm.
    pause: (f64, f64),
    /// Of each stretch of speech, the same.
    speech: (f64, f64),
}

const QUICK: Habit = Habit {
    share: 0.0,
    pause: (200.0, 0.3),
    speech: (2_000.0, 0.6),
};
/// Pairs of sentences of 1130 and 680 ms, as a trial spoke them: 22 of 25 turns were closed in vain by the same pause.
const TRIAL: Habit = Habit {
    share: 1.0,
    pause: (300.0, 0.08),
    speech: (900.0, 0.0),
};
const REGULAR: Habit = Habit {
    speech: (1_500.0, 0.5),
    ..TRIAL
};
const USUAL: Habit = Habit {
    share: 0.5,
    pause: (250.0, 0.5),
    speech: (1_500.0, 0.5),
};
const SELDOM: Habit = Habit {
    share: 0.1,
    ..USUAL
};
const SLOW: Habit = Habit {
    share: 0.9,
    pause: (450.0, 0.4),
    ..USUAL
};

/// Who talks: one habit, and another one after each 40 turns.
#[derive(Clone, Copy, Debug)]
struct Talker(&'static str, Habit, Habit);

const TALKERS: [Talker; 8] = [
    Talker("never pauses", QUICK, QUICK),
    Talker("the same pause in every sentence, all alike", TRIAL, TRIAL),
    Talker(
        "the same pause, sentences of many lengths",
        REGULAR,
        REGULAR,
    ),
    Talker("log-normal pauses in half of the turns", USUAL, USUAL),
    Talker("log-normal pauses in a tenth of the turns", SELDOM, SELDOM),
    Talker("slow, long pauses", SLOW, SLOW),
    Talker("changes: never pauses, always does", QUICK, REGULAR),
    Talker("changes: seldom, slow", SELDOM, SLOW),
];

struct Chance(Noise);

impl Chance {
    fn unit(&mut self) -> f64 {
        f64::from(self.0.next()).mul_add(0.5, 0.5)
    }

    /// Log-normal; the normal deviate is near enough the sum of twelve.
    fn drawn(&mut self, (median, spread): (f64, f64)) -> Duration {
        let deviate = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        Duration::from_secs_f64(median * (spread * deviate).exp() / 1e3)
    }

    /// Stretches of speech with the pause behind each.
    fn turn(&mut self, habit: Habit) -> Vec<(Duration, Duration)> {
        let mut parts = Vec::new();
        let mut share = habit.share;
        while parts.len() < 3 && self.unit() < share {
            parts.push((self.drawn(habit.speech), self.drawn(habit.pause)));
            share = if habit.pause.1 < 0.1 {
                0.0
            } else {
                habit.share / 2.0
            };
        }
        parts
    }
}

/// What came of a conversation.
#[derive(Default)]
struct Got {
    /// Mean milliseconds from the last word to the reply.
    wait: f64,
    /// Tokens of replies that were dropped after an early close, in percent of all; and the most in any window.
    waste: f64,
    worst: f64,
    /// Turns that were cut off, in percent.
    cut: f64,
}

fn converse(talker: Talker, pace: EndpointingSettings, think: u64, turns: usize, seed: u64) -> Got {
    let mut chance = Chance(Noise::new(seed));
    let mut desk = Desk::new(pace, (think, 0.25));
    let (mut waits, mut cut) = (Vec::new(), 0);
    for n in 0..turns {
        let habit = if (n / 40) % 2 == 0 {
            talker.1
        } else {
            talker.2
        };
        let parts = chance.turn(habit);
        let last = chance.drawn(habit.speech);
        let closed = desk.turn(&parts, last);
        if closed.len() > 1 || closed.iter().any(|closed| closed.cut_offs > 0) {
            cut += 1;
        } else {
            let wait = closed[0].timeline.latencies().total;
            waits.push(wait.expect("it was answered").as_secs_f64() * 1e3);
        }
    }
    let tokens: Vec<[f64; 2]> = desk
        .bills
        .iter()
        .map(|bill| {
            let dropped = bill.dropped as f64;
            let ours = f64::from(bill.false_endpoints) / f64::from(bill.reopened.max(1));
            [dropped * ours, bill.own.unwrap_or(0) as f64 + dropped]
        })
        .collect();
    Got {
        wait: waits.iter().sum::<f64>() / waits.len() as f64,
        waste: share(&tokens),
        worst: tokens.windows(WINDOW).map(share).fold(0.0, f64::max),
        cut: 100.0 * f64::from(cut) / turns as f64,
    }
}

fn share(tokens: &[[f64; 2]]) -> f64 {
    let sum = |place: usize| tokens.iter().map(|both| both[place]).sum::<f64>();
    100.0 * sum(0) / sum(1)
}

/// The default profile.
fn pace(eager: bool, eager_waste_percent: u32) -> EndpointingSettings {
    EndpointingSettings {
        adaptive: true,
        eager_waste_percent,
        ..fixed(500, eager)
    }
}

#[test]
fn the_early_endpoint_pays_its_way() {
    let turns = if full() { 4_000 } else { 800 };
    let mut table = Table::new(
        "early-endpoint",
        "Mean wait from the last word to the first sound of the reply in ms (output excluded), how much of it the early close \
         saves, turns cut off in %, and tokens of replies that were dropped after an early close in % of all tokens: over the \
         whole conversation, and in the worst 20 turns in a row. `before`: no limit (`eager_waste_percent: 100`); `after`: \
         that of the shipped profiles, 10. Patience 500 ms, following the user; think times vary by a quarter. Prompts are the \
         whole conversation, from 300 tokens to 24000, then halved. The first turns, in which the user becomes known, count.",
        &[
            "talker",
            "think ms",
            "off: wait",
            "cut off",
            "before: wait",
            "saved",
            "cut off",
            "wasted",
            "worst 20",
            "after: wait",
            "saved",
            "cut off",
            "wasted",
            "worst 20",
        ],
    );
    for talker in TALKERS {
        for think in [0, 300, 630, 1_500] {
            let off = converse(talker, pace(false, LIMIT), think, turns, 5);
            let before = converse(talker, pace(true, NONE), think, turns, 5);
            let after = converse(talker, pace(true, LIMIT), think, turns, 5);
            let mut row = vec![talker.0.to_owned(), think.to_string()];
            row.extend([off.wait, off.cut].map(|value| format!("{value:.0}")));
            for got in [&before, &after] {
                row.extend([got.wait, off.wait - got.wait].map(|value| format!("{value:.0}")));
                row.extend([got.cut, got.waste, got.worst].map(|value| format!("{value:.1}")));
            }
            table.row(&row);
            let told = format!("{} {think}: {} {}", talker.0, after.worst, after.wait);
            assert!(after.worst <= f64::from(LIMIT), "{told}");
            assert!(after.wait <= off.wait + 20.0, "{told}, off {}", off.wait);
            if talker.1.share == 0.0 && talker.2.share == 0.0 {
                let (gain, all) = (off.wait - after.wait, off.wait - before.wait);
                assert!(gain >= 0.97 * all, "{told}: {gain} of {all}");
            }
            if talker.1.speech.1 == 0.0 && think > 0 {
                let (gain, all) = (off.wait - after.wait, off.wait - before.wait);
                assert!(gain >= 0.5 * all, "{told}: {gain} of {all}");
            }
        }
    }
    table.finish();
}

/// Any talker, any service: no window of 20 turns is over the limit.
#[test]
fn no_talker_makes_twenty_turns_waste_more_than_the_limit() {
    let mut chance = Chance(Noise::new(77));
    let habit = |chance: &mut Chance| Habit {
        share: chance.unit(),
        pause: (120.0 + 600.0 * chance.unit(), 0.8 * chance.unit()),
        speech: (500.0 + 3_000.0 * chance.unit(), 0.8 * chance.unit()),
    };
    for seed in 0..if full() { 1_000 } else { 60 } {
        let talker = Talker("random", habit(&mut chance), habit(&mut chance));
        let think = (1_500.0 * chance.unit()) as u64;
        let limit = [10, 10, 15, 30][(4.0 * chance.unit()) as usize % 4];
        let pace = EndpointingSettings {
            patience: Duration::from_secs_f64(0.3 + 0.4 * chance.unit()),
            adaptive: chance.unit() < 0.7,
            ..pace(true, limit)
        };
        let got = converse(talker, pace, think, 150, 100 + seed);
        assert!(
            got.worst <= f64::from(limit),
            "{seed} {talker:?} {think} {limit}: {}",
            got.worst
        );
    }
}
