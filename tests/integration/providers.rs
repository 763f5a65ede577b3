//! The same conversations with each provider, on simulated time: over the protocol of Gemini Live, where this program decides
//! about turns and where the service does, and with the echo, which decides itself and has no connection.

use std::time::Duration;

use crate::support::{Answers, World, simulate, voice};
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Activity, Link, Speaker};
use sovereign::profile::Detection;
use sovereign::turn::machine::Outcome;

const PROVIDERS: [(Answers, Detection); 3] = [
    (Answers::Server, Detection::Manual),
    (Answers::Server, Detection::Automatic),
    (Answers::Echo, Detection::Manual),
];

/// Runs a conversation with each provider.
#[expect(clippy::print_stdout, reason = "tells which of them failed")]
fn with_each(test: impl AsyncFn(World)) {
    for (provider, detection) in PROVIDERS {
        println!("{provider:?} {detection:?}");
        let mut world = World::new("balanced");
        world.provider = provider;
        world.profile.turn.detection = detection;
        simulate(test(world));
    }
}

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[test]
fn what_is_said_is_answered() {
    with_each(async |world| {
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        let turn = world.turn().await;
        assert_eq!(turn.outcome, Outcome::Completed, "{turn:?}");
        assert!(turn.heard > Duration::from_millis(500), "{turn:?}");
        assert!(!turn.assistant.is_empty(), "{turn:?}");
        let summary = world.quit().await;
        assert_eq!((summary.spoken, summary.answered, summary.lost), (1, 1, 0));
    });
}

#[test]
fn speech_interrupts_a_reply_and_is_answered_too() {
    with_each(async |world| {
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        world.audible().await;
        pause(300).await;
        world.speak(&voice("british-woman")).await;
        let first = world.turn().await;
        assert_eq!(first.outcome, Outcome::Interrupted, "{first:?}");
        let second = world.turn().await;
        assert_eq!(second.outcome, Outcome::Completed, "{second:?}");
        assert!(second.heard > Duration::from_millis(500), "{second:?}");
        world.quit().await;
    });
}

#[test]
fn what_is_typed_is_answered_aloud() {
    with_each(async |world| {
        let mut world = world.start();
        world.ready().await;
        world.tell(Command::SendText("Hello?".into())).await;
        let turn = world.turn().await;
        assert_eq!(turn.outcome, Outcome::Completed, "{turn:?}");
        assert!(turn.typed && !turn.heard.is_zero(), "{turn:?}");
        let said = world.session.snapshots.borrow().captions.clone();
        let speakers: Vec<_> = said.iter().map(|caption| caption.speaker).collect();
        assert_eq!(speakers, [Speaker::User, Speaker::Assistant]);
        world.quit().await;
    });
}

#[test]
fn a_muted_microphone_asks_nothing_and_the_next_sentence_is_answered() {
    with_each(async |world| {
        let mut world = world.start();
        world.ready().await;
        world.tell(Command::SetMuted(true)).await;
        pause(500).await;
        world.desk.speak(&voice("british-woman"));
        pause(4_000).await;
        assert_eq!(world.session.snapshots.borrow().activity, Activity::Muted);
        world.tell(Command::SetMuted(false)).await;
        pause(1_000).await;
        world.speak(&voice("american-man")).await;
        let turn = world.turn().await;
        assert_eq!((turn.number, turn.outcome), (1, Outcome::Completed));
        assert_eq!(world.quit().await.spoken, 1);
    });
}

#[test]
fn a_profile_switch_makes_another_connection_and_goes_on() {
    with_each(async |world| {
        let mut world = world.start();
        world.ready().await;
        world.tell(Command::UseProfile("high-quality".into())).await;
        pause(1_000).await;
        let link = world.session.snapshots.borrow().link.clone();
        assert!(matches!(link, Link::Connected { .. }), "{link:?}");
        assert_eq!(world.session.counters.connections.get(), 2);
        world.speak(&voice("american-man")).await;
        let turn = world.turn().await;
        assert_eq!(turn.outcome, Outcome::Completed, "{turn:?}");
        assert_eq!(turn.profile, "high-quality");
        world.quit().await;
    });
}

#[test]
fn the_end_is_quick_while_an_answer_sounds() {
    with_each(async |world| {
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        world.audible().await;
        let before = tokio::time::Instant::now();
        let summary = world.quit().await;
        assert!(before.elapsed() < Duration::from_secs(1));
        assert_eq!(summary.spoken, 1);
    });
}
