//! How soon a conversation goes on after the network was away, how soon a dead connection is noticed, and that a living one
//! is never taken for dead.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use sovereign::conversation::Event;
use sovereign::conversation::snapshot::Link;
use tokio::time::Instant;

use crate::parallel::in_parallel;
use crate::questions::{answered, cheap_world, last_turn, said_at_16_khz as said, sleep};
use crate::support::line::Mode;
use crate::support::tcp::Way;
use crate::support::{Running, World, simulate};
use crate::table::{Table, full};

const ROUND_TRIP: Duration = Duration::from_millis(50);
/// Lengths of an outage in milliseconds.
const OUTAGES: [u64; 9] = [
    200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Speaking,
    Thinking,
}

const STATES: [State; 3] = [State::Idle, State::Speaking, State::Thinking];

/// A service that thinks for two seconds.
const SCRIPT: &str = "think_ms: 2000\nrepeat: true\nturns: [[{say: Yes., ms: 1000}]]\n";

/// That service, at the end of a way.
fn world() -> World {
    let mut world = cheap_world(SCRIPT);
    world.way = Some(Way::of(ROUND_TRIP));
    world
}

/// Brings a state about; gives how often the voice says its words in it.
async fn begin(world: &Running, state: State, late: u64) -> usize {
    match state {
        State::Idle => sleep(1_000 + late).await,
        State::Speaking => {
            world.desk.speak(&said(2));
            sleep(700 + late).await;
        }
        State::Thinking => {
            world.speak(&said(1)).await;
            sleep(1_000 + late).await;
        }
    }
    match state {
        State::Idle => 0,
        State::Speaking => 2,
        State::Thinking => 1,
    }
}

/// Waits until the link is up; gives since when.
async fn connected(world: &mut Running) -> std::time::Instant {
    let mut snapshots = world.session.snapshots.clone();
    let up = snapshots.wait_for(|s| matches!(s.link, Link::Connected { .. }));
    match up.await.expect("the session runs").link {
        Link::Connected { since, .. } => since,
        Link::Connecting { .. } | Link::Down { .. } => unreachable!("it was waited for"),
    }
}

/// Waits until the link is not up.
async fn noticed(world: &mut Running) {
    let mut snapshots = world.session.snapshots.clone();
    let down = snapshots.wait_for(|s| !matches!(s.link, Link::Connected { .. }));
    down.await.expect("the session runs");
}

/// Waits for the answer to what was said, if anything was.
async fn settle(world: &mut Running, said: usize) {
    if said > 0 {
        let turn = last_turn(world).await.expect("it ends");
        answered(&turn, said).expect("it is answered");
    }
    sleep(8_000).await;
    while let Ok(event) = world.session.events.try_recv() {
        assert!(!matches!(event, Event::Closed(_)), "{event:?}");
    }
}

/// Outages of one length, each of which ends the connection. Gives how long after each the session was ready again.
async fn returns(away: Mode, ms: u64, state: State, many: usize) -> Vec<Duration> {
    let mut random = SmallRng::seed_from_u64(ms);
    let mut world = world().start();
    world.ready().await;
    let mut took = Vec::new();
    for _ in 0..many {
        let said = begin(&world, state, random.random_range(0..400)).await;
        world.line.set(away);
        world.cut();
        noticed(&mut world).await;
        sleep(ms + random.random_range(0..ms / 5)).await;
        let back = Instant::now().into_std();
        world.line.set(Mode::Open);
        took.push(connected(&mut world).await - back);
        settle(&mut world, said).await;
    }
    assert_eq!(world.quit().await.lost, 0);
    took
}

/// How long a connection that died without a word is taken for alive, and how long after the return it is replaced.
async fn silences(state: State, many: u64) -> Vec<Duration> {
    let mut took = Vec::new();
    let mut world = world().start();
    world.ready().await;
    for nth in 0..many {
        let said = begin(&world, state, nth * 37 % 400).await;
        world.line.set(Mode::Swallows);
        let died = Instant::now();
        noticed(&mut world).await;
        took.push(died.elapsed());
        world.line.set(Mode::Open);
        connected(&mut world).await;
        settle(&mut world, said).await;
    }
    assert_eq!(world.quit().await.lost, 0);
    took
}

/// The value that such a part of them does not exceed.
fn quantile(sorted: &[Duration], part: f64) -> Duration {
    sorted[((sorted.len() as f64 * part).ceil() as usize).clamp(1, sorted.len()) - 1]
}

fn row(what: &str, mut took: Vec<Duration>) -> Vec<String> {
    took.sort_unstable();
    let ms = |took: Duration| took.as_millis().to_string();
    let quantiles = [0.5, 0.99, 1.0].map(|part| ms(quantile(&took, part)));
    [
        vec![what.to_owned(), took.len().to_string()],
        quantiles.to_vec(),
    ]
    .concat()
}

#[test]
fn reconnect() {
    let about = "A conversation over a way with a round trip of 50 ms, on simulated time: the real dialler and client, a \
        double of the name server and of TCP as the kernel does it (a segment that opens a connection is sent again after 1, 3 \
        and 7 s; limits as the program sets them). Returns: the connection is cut, and the network is away for so long and up to \
        a fifth more, without a route (dialling fails at once) or silent (nothing answers), a third each while idle, speaking \
        and thinking; from the return of the network to a session that is set up (name 20 ms, then three round trips; TLS, which is not simulated, adds one: 50 ms to each). Noticed: \
        from the last byte that a dead way carried to the window's words. In milliseconds.";
    let mut table = Table::new("reconnect", about, &["what", "n", "p50", "p99", "max"]);
    let many = if full() { 12 } else { 1 };
    let (mut all, mut done) = (Vec::new(), 0);
    for ms in OUTAGES {
        if !full() && ![1_000, 60_000].contains(&ms) {
            continue;
        }
        for (away, what) in [(Mode::NoRoute, "no route"), (Mode::Silent, "silent")] {
            let mut took = Vec::new();
            for of_state in in_parallel(&STATES, |state| simulate(returns(away, ms, *state, many)))
            {
                took.extend(of_state);
            }
            done += took.len();
            all.extend(&took);
            let seconds = Duration::from_millis(ms).as_secs_f64();
            table.row(&row(&format!("return after {seconds} s, {what}"), took));
        }
    }
    all.sort_unstable();
    table.row(&row("all returns", all.clone()));
    let mut latest = Vec::new();
    let silences = in_parallel(&STATES, |state| {
        simulate(silences(*state, if full() { 100 } else { 3 }))
    });
    for (state, took) in STATES.into_iter().zip(silences) {
        latest.push((state, took.iter().copied().max().expect("some")));
        table.row(&row(&format!("noticed, {state:?}").to_lowercase(), took));
    }
    let hours = if full() { 12 } else { 1 };
    let pongs = [
        (Some(Duration::from_secs(30)), "after 30 s"),
        (None, "never"),
    ];
    let quiet = in_parallel(&pongs, |(late, _)| simulate(quiet_hours(*late, hours)));
    for ((_, what), (connections, pings)) in pongs.into_iter().zip(quiet) {
        table.row(&[
            format!("false alarms in {hours} h, pongs {what} ({pings} pings)"),
            hours.to_string(),
            String::new(),
            String::new(),
            (connections - 1).to_string(),
        ]);
        assert_eq!(connections, 1, "pongs {what}");
    }
    table.finish();
    assert!(!full() || done >= 500, "{done} returns");
    // What TLS would add included.
    assert!(quantile(&all, 0.5) + ROUND_TRIP <= Duration::from_millis(300));
    assert!(quantile(&all, 0.99) + ROUND_TRIP <= Duration::from_secs(1));
    for (state, latest) in latest {
        let limit = if state == State::Speaking { 3 } else { 15 };
        assert!(
            latest <= Duration::from_secs(limit),
            "{state:?}: {latest:?}"
        );
    }
}

/// Hours in which little is said and nothing is wrong but pongs. Gives how many connections, without planned ones, and pings there
/// were.
async fn quiet_hours(late: Option<Duration>, hours: u64) -> (u64, usize) {
    let mut world = world().start();
    world.line.wire.pings.set(late);
    world.ready().await;
    for _ in 0..hours * 2 {
        sleep(1_790_000).await;
        world.speak(&said(1)).await;
        let turn = last_turn(&mut world).await.expect("it ends");
        answered(&turn, 1).expect("it is answered");
    }
    let pings = world.line.wire.pinged.get();
    let summary = world.quit().await;
    (summary.connections - summary.rolls, pings)
}
