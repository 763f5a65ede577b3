//! A conversation of a day: the service ends a connection every few minutes, with a word or without, and something fails every
//! minute. Nothing is lost or doubled, planned changes of connection cannot be heard, and nothing grows.

use std::path::Path;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use sovereign::conversation::Event;
use sovereign::telemetry::record::TurnRecord;
use tokio::time::{Instant, sleep_until};

use crate::faults::inject;
use crate::questions::{answered, cheap_world, last_turn, said_at_16_khz as said, sleep};
use crate::support::line::Mode;
use crate::support::tcp::Way;
use crate::support::{Running, World, simulate};
use crate::table::{Table, full};
use crate::utterances::random_fault;

/// The reply that is sent and must be heard whole.
const REPLY: Duration = Duration::from_millis(1_500);
/// Every so many minutes a connection is ended, in turns with `goAway` and without a word.
const ENDS: u64 = 2;

/// What was found in some hours.
#[derive(Default)]
struct Found {
    said: usize,
    good: usize,
    bad: Vec<String>,
    /// Responses of turns that begin within a second after the reply before, without and with a planned roll in between.
    without: Vec<Duration>,
    rolled: Vec<Duration>,
    /// Replies among them that were not heard whole and without a break.
    broken: usize,
}

fn world() -> World {
    let mut world =
        cheap_world("think_ms: 300\nrepeat: true\nturns: [[{speed: 2}, {say: Yes., ms: 1500}]]\n");
    world.way = Some(Way::of(Duration::from_millis(50)));
    world
}

/// Gives the turn that answers what was said.
async fn ask(world: &mut Running, found: &mut Found, times: usize, at: &str) -> Option<TurnRecord> {
    let turn = last_turn(world).await;
    found.said += 1;
    match turn.and_then(|turn| answered(&turn, times).map(|()| turn)) {
        Ok(turn) => {
            found.good += 1;
            Some(turn)
        }
        Err(why) => {
            found.bad.push(format!("{at}: {why}"));
            None
        }
    }
}

/// What ended without having been asked for.
fn doubled(world: &mut Running, found: &mut Found, at: &str) {
    while let Ok(event) = world.session.events.try_recv() {
        if let Event::Closed(turn) = event {
            found.bad.push(format!("{at}: again {:?}", turn.outcome));
        }
    }
}

/// One minute: a fault while something is said and answered; then two turns close to each other, with a planned roll between
/// them in every fourth minute; in every other fourth one the connection dies without a word after them.
async fn minute(world: &mut Running, random: &mut SmallRng, nth: u64, found: &mut Found) {
    let over = Instant::now() + Duration::from_secs(60);
    let at = format!("minute {nth}");
    let (times, fault) = (random.random_range(1..3), random_fault(random));
    world.desk.speak(&said(times));
    sleep(random.random_range(0..4_000)).await;
    if let Err(why) = inject(world, fault, Path::new("")).await {
        found.bad.push(format!("{at}, {fault:?}: {why}"));
    }
    ask(world, found, times, &format!("{at}, {fault:?}")).await;
    sleep_until(over - Duration::from_secs(20)).await;
    doubled(world, found, &at);

    let (rolls, dies) = (nth.is_multiple_of(2 * ENDS), nth % (2 * ENDS) == ENDS);
    world.speak(&said(1)).await;
    world.audible().await;
    let opened = world.line.opened();
    if rolls {
        world.line.wire.say(r#"{"goAway":{"timeLeft":"15s"}}"#);
    }
    ask(world, found, 1, &at).await;
    sleep(random.random_range(0..1_000)).await;
    world.desk.speak(&said(1));
    let turn = ask(world, found, 1, &at).await;
    match (world.line.opened() - opened, turn) {
        (changed, Some(turn)) if changed == u32::from(rolls) => {
            let response = turn.latencies.response.expect("it was answered");
            if rolls {
                found.rolled.push(response);
            } else {
                found.without.push(response);
            }
            let whole = turn.heard.abs_diff(REPLY) < Duration::from_millis(1);
            found.broken += usize::from(!whole || turn.underruns > 0);
        }
        (changed, _) => found
            .bad
            .push(format!("{at}: {changed} changes of connection")),
    }
    if dies {
        world.line.set(Mode::Swallows);
        sleep(1_000).await;
        world.line.set(Mode::Open);
    }
    sleep_until(over).await;
    doubled(world, found, &at);
}

/// Resident memory in KiB, open descriptors and threads of this process.
fn held() -> (u64, usize, usize) {
    let count = |folder: &str| std::fs::read_dir(folder).map_or(0, Iterator::count);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    (
        resident.unwrap_or(0),
        count("/proc/self/fd"),
        count("/proc/self/task"),
    )
}

fn middle_and_most(responses: &mut [Duration]) -> [f64; 2] {
    responses.sort_unstable();
    let ms = |at: usize| responses.get(at).map_or(0.0, |r| r.as_secs_f64() * 1_000.0);
    [
        ms(responses.len() / 2),
        ms(responses.len().saturating_sub(1)),
    ]
}

#[test]
fn day() {
    let about = "One conversation of 24 simulated hours over a way with a round trip of 50 ms: every minute a question with a \
        random fault of up to 12 s (cut, refused, dead, standing still, slow), then two questions within a second after each \
        other's answer; every fourth minute a `goAway` before the second of them, every other fourth one a connection that dies \
        without a word. Good: answered once and as a whole. Responses (median / longest, ms) of the second questions, with and \
        without a planned change of connection before them; broken: their replies not heard whole. Memory, descriptors and \
        threads are those of the process, the server included.";
    let columns = [
        "hour",
        "said",
        "good",
        "response",
        "after a roll",
        "rolls",
        "broken",
        "resident, MiB",
        "descriptors",
        "threads",
    ];
    let mut table = Table::new("day", about, &columns);
    let (hours, minutes) = if full() { (24, 60) } else { (2, 4) };
    let mut all = Found::default();
    let mut kept = Vec::new();
    let summary = simulate(async {
        let mut random = SmallRng::seed_from_u64(24);
        let mut world = world().start();
        world.ready().await;
        for hour in 0..hours {
            let mut found = Found::default();
            for nth in 0..minutes {
                minute(&mut world, &mut random, hour * minutes + nth, &mut found).await;
            }
            let (resident, descriptors, threads) = held();
            let [response, rolled] = [&mut found.without, &mut found.rolled].map(|responses| {
                middle_and_most(responses)
                    .map(|ms| format!("{ms:.1}"))
                    .join(" / ")
            });
            table.row(&[
                (hour + 1).to_string(),
                found.said.to_string(),
                found.good.to_string(),
                response,
                rolled,
                found.rolled.len().to_string(),
                found.broken.to_string(),
                format!("{:.1}", resident as f64 / 1_024.0),
                descriptors.to_string(),
                threads.to_string(),
            ]);
            let transcript = world.session.snapshots.borrow().captions.len();
            kept.push((resident, descriptors, threads, transcript));
            all.said += found.said;
            all.good += found.good;
            all.broken += found.broken;
            all.bad.extend(found.bad);
            all.without.extend(found.without);
            all.rolled.extend(found.rolled);
        }
        world.quit().await
    });
    let [without, rolled] = [&mut all.without, &mut all.rolled].map(|all| middle_and_most(all));
    table.row(&[
        "all".to_owned(),
        all.said.to_string(),
        format!("{}, {} lost", all.good, summary.lost),
        without.map(|ms| format!("{ms:.1}")).join(" / "),
        rolled.map(|ms| format!("{ms:.1}")).join(" / "),
        format!("{} of {} connections", summary.rolls, summary.connections),
        all.broken.to_string(),
        String::new(),
        String::new(),
        String::new(),
    ]);
    table.finish();
    assert!(all.bad.is_empty(), "{:#?}", all.bad);
    assert_eq!((all.good, summary.lost, all.broken), (all.said, 0, 0));
    assert!(
        all.rolled.len() as u64 >= hours * minutes / (2 * ENDS),
        "{}",
        all.rolled.len()
    );
    if full() {
        assert!(rolled[0] - without[0] < 1.0, "{rolled:?} {without:?}");
        assert!(rolled[1] - without[1] < 1.0, "{rolled:?} {without:?}");
        let (early, last) = (kept[kept.len() / 4], kept[kept.len() - 1]);
        assert_eq!(
            (early.1, early.2),
            (last.1, last.2),
            "descriptors and threads"
        );
        // The transcript grows until it is cut at 8 MiB: 512 bytes are reckoned for what a caption takes beside its words.
        let transcript = (last.3 - early.3) as u64 * 600 / 1_024;
        assert!(last.0 <= early.0 + transcript, "{early:?} {last:?}");
    }
}
