//! What a new session is told of the conversation, where the service does not know it any more.

use std::time::Duration;

use crate::support::{Running, World, simulate, voice};
use sovereign::conversation::snapshot::Link;
use sovereign::server::script::{ResumptionMode, ScriptStep, SpeechKind};
use sovereign::telemetry::record::TurnRecord;

/// A service that answers with words, and does with handles as `resumption` says.
fn world(resumption: ResumptionMode) -> World {
    let mut world = World::new("balanced");
    world.script.resumption = resumption;
    world.script.repeat = true;
    let sound = SpeechKind::Tone {
        hz: 440.0,
        length: Duration::from_secs(1),
    };
    let words = "The train to Hamburg leaves at 14:05 from platform nine.".into();
    world.script.turns = vec![vec![ScriptStep::Say { words, sound }]];
    world
}

async fn ask(world: &mut Running) -> TurnRecord {
    world.speak(&voice("american-man")).await;
    world.turn().await
}

/// Cuts the connection in a pause, and waits for the next one.
async fn cut(world: &mut Running) {
    tokio::time::sleep(Duration::from_secs(6)).await;
    world.cut();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let connected = matches!(
        world.session.snapshots.borrow().link,
        Link::Connected { .. }
    );
    assert!(connected);
}

fn notices(world: &Running) -> Vec<String> {
    let snapshot = world.session.snapshots.borrow();
    snapshot
        .notices
        .iter()
        .map(|notice| notice.text.english())
        .collect()
}

#[track_caller]
fn assert_notice(world: &Running, words: &str) {
    let shown = notices(world);
    assert_eq!(
        shown.iter().filter(|text| text.contains(words)).count(),
        1,
        "{shown:?}"
    );
}

#[test]
fn a_session_that_starts_over_is_told_what_was_said() {
    simulate(async {
        let mut world = world(ResumptionMode::No).start();
        world.ready().await;
        let first = ask(&mut world).await;
        cut(&mut world).await;
        assert_notice(&world, "It was told all that was said");
        let second = ask(&mut world).await;
        // Its prompt holds the words of the first turn, not its sound.
        let [alone, told] = [first, second].map(|turn| turn.context_tokens.expect("counted"));
        assert!(told > alone + 10, "{told} tokens after {alone}");
        let summary = world.quit().await;
        assert_eq!((summary.connections, summary.resumes), (2, 0));
    });
}

#[test]
fn a_long_conversation_is_told_in_short() {
    simulate(async {
        let mut world = world(ResumptionMode::No).start();
        world.ready().await;
        for _ in 0..14 {
            ask(&mut world).await;
        }
        cut(&mut world).await;
        assert_notice(&world, "a summary of the rest");
        let told = ask(&mut world).await.context_tokens.expect("counted");
        assert!((100..12_000).contains(&told), "{told}");
        world.quit().await;
    });
}

#[test]
fn a_session_that_is_resumed_is_told_nothing() {
    simulate(async {
        let mut world = world(ResumptionMode::Yes).start();
        world.ready().await;
        ask(&mut world).await;
        cut(&mut world).await;
        ask(&mut world).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(notices(&world), Vec::<String>::new());
        let summary = world.quit().await;
        assert_eq!(
            (summary.connections, summary.resumes, summary.fresh_starts),
            (2, 1, 0)
        );
    });
}

#[test]
fn a_session_that_is_resumed_without_its_conversation_is_found_out_and_told() {
    simulate(async {
        let mut world = world(ResumptionMode::Forgetful).start();
        world.ready().await;
        let mut known = 0;
        for _ in 0..8 {
            known = ask(&mut world).await.context_tokens.expect("counted");
        }
        cut(&mut world).await;
        let forgot = ask(&mut world).await.context_tokens.expect("counted");
        assert!(forgot * 3 < known, "{forgot} after {known}");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_notice(&world, "had forgotten what was said");
        let told = ask(&mut world).await.context_tokens.expect("counted");
        assert!(told > forgot, "{told} after {forgot}");
        let summary = world.quit().await;
        assert_eq!(
            (summary.connections, summary.resumes, summary.fresh_starts),
            (3, 1, 1)
        );
    });
}
