//! Thousands of utterances under random faults with fixed seeds: each is answered once and as a whole.

use std::path::Path;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use sovereign::conversation::Event;

use crate::faults::{Fault, inject};
use crate::parallel::in_parallel;
use crate::questions::{answered, cheap_world, last_turn, said_at_16_khz as said, seconds, sleep};
use crate::support::line::Mode;
use crate::support::simulate;
use crate::table::{Table, full};

/// A random fault that is over within a quarter of a minute.
pub(crate) fn random_fault(random: &mut SmallRng) -> Fault {
    let ms = random.random_range(0..12_000);
    match random.random_range(0..6) {
        0 | 1 => Fault::Cut(ms),
        2 => Fault::Line(Mode::Swallows, ms),
        3 => Fault::Line(Mode::Stands, ms),
        4 => Fault::Line(Mode::Slow(random.random_range(4_000..64_000)), ms),
        _ => Fault::Cut(0),
    }
}

/// Utterances of one seed, each with a random fault at a random moment. Gives how many were answered once and as a whole,
/// and what was wrong.
async fn utterances(seed: u64, many: usize) -> (usize, Vec<String>) {
    let mut random = SmallRng::seed_from_u64(seed);
    let text = "think_ms: 300\nrepeat: true\nturns: [[{speed: 2}, {say: Yes., ms: 1500}]]\n";
    let mut world = cheap_world(text).start();
    world.ready().await;
    let (mut good, mut bad) = (0, Vec::new());
    for n in 0..many {
        let times = random.random_range(1..4);
        let fault = random_fault(&mut random);
        let moment = random.random_range(0..(seconds(times) * 1_000.0) as u64 + 3_000);
        world.desk.speak(&said(times));
        sleep(moment).await;
        let shown = inject(&world, fault, Path::new("")).await;
        if let Err(why) = shown {
            bad.push(format!(
                "seed {seed}, {n}: {fault:?} after {moment} ms: {why}"
            ));
        }
        let turn = last_turn(&mut world).await;
        match turn.and_then(|turn| answered(&turn, times)) {
            Ok(()) => good += 1,
            Err(why) => bad.push(format!(
                "seed {seed}, {n}: {fault:?} after {moment} ms: {why}"
            )),
        }
        sleep(random.random_range(500..3_000)).await;
        while let Ok(event) = world.session.events.try_recv() {
            if let Event::Closed(turn) = event {
                bad.push(format!(
                    "seed {seed}, {n}: {fault:?} after {moment} ms: again {:?}",
                    turn.outcome
                ));
            }
        }
    }
    let summary = world.quit().await;
    if (summary.lost, summary.negative) != (0, 0) {
        bad.push(format!(
            "seed {seed}: {} lost, {} negative",
            summary.lost, summary.negative
        ));
    }
    (good, bad)
}

#[test]
fn utterances_under_random_faults() {
    let about = "Utterances of 1.5 to 4.5 s, each with a random fault of up to 12 s at a random moment (cut, refused, half open, \
        standing still, slow), fixed seeds, simulated time. Each must be answered once and as a whole, and each cut be shown within a second.";
    let mut table = Table::new(
        "utterances",
        about,
        &["seed", "utterances", "answered once"],
    );
    let (seeds, many) = if full() { (100, 100) } else { (4, 10) };
    let mut all = Vec::new();
    let seeds: Vec<u64> = (0..seeds).collect();
    let found = in_parallel(&seeds, |seed| simulate(utterances(*seed, many)));
    for (seed, (good, bad)) in seeds.iter().zip(found) {
        table.row(&[seed.to_string(), many.to_string(), good.to_string()]);
        all.extend(bad);
    }
    table.finish();
    assert!(all.is_empty(), "{all:#?}");
}
