//! A line on which nothing arrives any more, and nobody says so.

use std::time::Duration;

use sovereign::conversation::snapshot::Snapshot;
use sovereign::turn::machine::Outcome;
use tokio::time::{Instant, timeout};

use super::link::world;
use crate::support::line::Mode;
use crate::support::tcp::Way;
use crate::support::{simulate, voice};

fn says_so(snapshot: &Snapshot) -> bool {
    let mut notices = snapshot.notices.iter();
    notices.any(|notice| {
        notice
            .text
            .english()
            .contains("The network does not answer")
    })
}

/// Lines that come back in time to be used again, and one that is dead for good.
#[test]
fn it_is_told_within_a_second_while_the_user_speaks_and_the_words_are_answered_once() {
    for (mode, away_ms) in [
        (Mode::Silent, 1_500),
        (Mode::Silent, 6_000),
        (Mode::Swallows, 1_500),
    ] {
        simulate(async {
            let mut world = world();
            world.way = Some(Way::of(Duration::from_millis(50)));
            let mut world = world.start();
            world.ready().await;
            world.desk.speak(&voice("american-man").repeat(3));
            tokio::time::sleep(Duration::from_millis(700)).await;
            world.line.set(mode);
            let (since, mut snapshots) = (Instant::now(), world.session.snapshots.clone());
            let told = snapshots.wait_for(|snapshot| says_so(snapshot));
            let told = timeout(Duration::from_secs(1), told).await.is_ok();
            assert!(told, "{mode:?}: not told within a second");
            tokio::time::sleep_until(since + Duration::from_millis(away_ms)).await;
            world.line.set(Mode::Open);
            let turn = world.turn().await;
            assert_eq!(turn.outcome, Outcome::Completed, "{mode:?}: {turn:?}");
            assert!(!says_so(&world.session.snapshots.borrow()), "{mode:?}");
            let summary = world.quit().await;
            assert_eq!((summary.spoken, summary.answered, summary.lost), (1, 1, 0));
        });
    }
}
