//! What measuring costs, and the engine beside it: `count.py` holds the share of the one in the other to a hundredth.
//!
//! A conversation on simulated time, with `ultra-fast` and no echo to take out: the cheapest engine. It is the worker alone:
//! the session and the connection are left out, so that the share is rather too high than too low. Counters and level
//! meters are relaxed atomics inside the worker, a few instructions each, and are in the engine's part.

use std::time::{Duration, Instant};

use sovereign::monitor;
use sovereign::profile::{AlertSettings, EchoCancellation};
use sovereign::telemetry::alert::Alerts;

use crate::sound::{at_rate, device_rate, talk};
use crate::support::{World, simulate};
use crate::whole::WORKER;
use crate::{Done, Workload};

/// A turn of 0.4 s, its reply of as much, and time to think.
const UNIT: Duration = Duration::from_secs(4);
/// Each second, each turn and each view, whole: none of these is called by another one of them.
const MEASURING: [&str; 6] = [
    "sovereign::telemetry::collector::Collector::sample",
    "<sovereign::telemetry::collector::Collector>::sample",
    "sovereign::telemetry::collector::Collector::take_turn",
    "<sovereign::telemetry::collector::Collector>::take_turn",
    "sovereign::telemetry::collector::Collector::view",
    "<sovereign::telemetry::collector::Collector>::view",
];

pub(crate) fn workloads() -> Vec<Workload> {
    let conversation = |name: &str, what: &str, only: &[&'static str]| Workload {
        name: name.to_owned(),
        units: 8,
        what: what.to_owned(),
        only: only.to_vec(),
        run: Box::new(converse),
    };
    vec![
        conversation("measuring", MEASURED, &MEASURING),
        memory(),
        Workload {
            run: Box::new(scraped),
            ..conversation("measuring-page", "a page for Prometheus", &PAGE)
        },
        conversation("measured", ENGINE, &WORKER),
    ]
}

const PAGE: [&str; 2] = [
    "sovereign::telemetry::export::prometheus::<impl sovereign::telemetry::collector::Collector>::monitor_page",
    "<sovereign::telemetry::collector::Collector>::monitor_page",
];

const MEASURED: &str = "4 s of a conversation with a turn: probe, statistics, history, alerts, causes, the view of them";
const ENGINE: &str = "4 s of the same conversation: the worker";

fn converse(units: u32) -> Done {
    talked(units, false)
}

/// The same, and after each turn somebody wants a page.
fn scraped(units: u32) -> Done {
    talked(units, true)
}

fn talked(units: u32, scraped: bool) -> Done {
    simulate(async move {
        let mut world = World::new("ultra-fast");
        let (asked, pages) = monitor::page_channel();
        world.pages = asked;
        world.profile.audio.echo_cancellation = EchoCancellation::Off;
        let mut world = world.start();
        world.ready().await;
        let said = at_rate(&talk(), device_rate());
        let said = &said[..device_rate().samples_in(Duration::from_millis(400))];
        let mut turns = 0;
        for _ in 0..units {
            let next = tokio::time::Instant::now() + UNIT;
            world.speak(said).await;
            let turn = world.turn().await;
            turns += u64::from(turn.latencies.total.is_some());
            if scraped {
                let page = pages.newest().await.expect("a page");
                assert!(page.metrics.contains("sovereign_turns_total"), "empty");
            }
            tokio::time::sleep_until(next).await;
        }
        world.quit().await;
        Done::exactly(turns, u64::from(units))
    })
}

/// On simulated time the processor and the memory are not of the conversation's time, and are left out there.
fn memory() -> Workload {
    Workload {
        name: "measuring-memory".to_owned(),
        units: 3_600,
        what: "a second's reading of processor and memory, with the trend".to_owned(),
        only: vec![],
        run: Box::new(|units| {
            let start = Instant::now();
            let mut alerts = Alerts::new(rules(), start);
            let mut told = 0;
            for second in 0..units {
                let now = start + Duration::from_secs(u64::from(second));
                alerts.reading(
                    now,
                    Some(20.0),
                    Some(20_000_000 + u64::from(second % 7) * 4_096),
                );
                told += alerts.poll(now).len() as u64;
            }
            Done::exactly(told, 0)
        }),
    }
}

/// Those about memory and processor, as the profiles have them.
fn rules() -> AlertSettings {
    AlertSettings {
        memory_mb: Some(1_000),
        memory_growth_mb: Some(100),
        cpu_percent: Some(80),
        ..AlertSettings::default()
    }
}
