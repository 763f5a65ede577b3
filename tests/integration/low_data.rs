//! The profile low-data: fewer bytes a minute than balanced, and what becomes of a conversation without words of the answers.

use std::time::Duration;

use crate::support::{Running, World, simulate, voice};
use sovereign::conversation::snapshot::{Caption, Link, Speaker};
use sovereign::server::script::{ResumptionMode, ScriptStep, SpeechKind};
use sovereign::store::{Database, FILE, Filter};
use sovereign::telemetry::summary::Summary;
use sovereign::turn::machine::Outcome;

/// What a turn of the simulated conversation takes, with its pause: fixed, so that a minute is a minute with any profile.
const TURN: Duration = Duration::from_secs(20);
/// A pause for thought within a question: longer than the early close waits, shorter than patience.
const THOUGHT: Duration = Duration::from_millis(300);

/// A service that thinks for as long as the hosted one does, and answers each question with four seconds of speech.
fn world(profile: &str) -> World {
    let mut world = World::new(profile);
    (world.script.think_ms, world.script.repeat) = (630, true);
    let sound = SpeechKind::Tone {
        hz: 440.0,
        length: Duration::from_secs(4),
    };
    let words =
        "The train to Hamburg leaves at 14:05 from platform nine, and the next one an hour later."
            .into();
    world.script.turns = vec![vec![ScriptStep::Say { words, sound }]];
    world
}

/// Some minutes of talk: each question is two phrases.
fn minutes_of_talk(profile: &str) -> Summary {
    simulate(async move {
        let mut world = world(profile).start();
        world.ready().await;
        let phrases = [
            "american-man",
            "british-woman",
            "german-man",
            "french-woman",
        ];
        for nth in 0..12 {
            let next = tokio::time::Instant::now() + TURN;
            let mut said = voice(phrases[nth % 4]);
            // Every third question is said in one go.
            if nth % 3 != 0 {
                said.resize(said.len() + THOUGHT.as_millis() as usize * 48, 0.0);
                said.extend(voice(phrases[(nth + 1) % 4]));
            }
            world.speak(&said).await;
            assert_eq!(world.turn().await.outcome, Outcome::Completed);
            assert!(tokio::time::Instant::now() < next, "a turn fits");
            tokio::time::sleep_until(next).await;
        }
        world.quit().await
    })
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are asked for")]
fn low_data_needs_fewer_bytes_a_minute_than_balanced_in_the_same_conversation() {
    let [balanced, low] = ["balanced", "low-data"].map(|profile| {
        let summary = minutes_of_talk(profile);
        assert_eq!((summary.spoken, summary.answered), (12, 12), "{profile}");
        let minutes = summary.link.connected.as_secs_f64() / 60.0;
        let a_minute = |bytes: u64| bytes as f64 / minutes;
        let (sent, received) = summary.bytes;
        println!(
            "{profile}: {:.0} bytes a minute ({:.0} sent, {:.0} received), {} replies dropped",
            a_minute(sent + received),
            a_minute(sent),
            a_minute(received),
            summary.turns.false_endpoints,
        );
        (a_minute(sent + received), a_minute(sent), minutes)
    });
    let (ratio, sent) = (low.0 / balanced.0, low.1 / balanced.1);
    println!(
        "low-data: {:.1} % of balanced, {:.1} % of what is sent",
        ratio * 100.0,
        sent * 100.0
    );
    assert!((balanced.2 - low.2).abs() < 0.05, "as long");
    // The answers are as long here; short ones are asked for besides.
    assert!((0.5..0.97).contains(&ratio), "{ratio}");
    assert!((0.5..0.92).contains(&sent), "{sent}");
}

/// Captions as who says what, and whether it was only spoken.
fn captions(world: &Running) -> Vec<(Speaker, bool, bool)> {
    let snapshot = world.session.snapshots.borrow();
    let show = |caption: &Caption| (caption.speaker, caption.text.is_empty(), caption.unwritten);
    snapshot
        .captions
        .iter()
        .map(|caption| show(caption))
        .collect()
}

#[test]
fn an_answer_without_words_is_shown_kept_and_carried_over_as_one_that_was_heard() {
    let state = tempfile::tempdir().expect("a folder");
    simulate(async {
        let mut world = world("low-data");
        world.state = Some(state.path().to_owned());
        world.script.resumption = ResumptionMode::No;
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        let first = world.turn().await;
        assert_eq!(first.outcome, Outcome::Completed);
        assert!(
            first.assistant.is_empty() && !first.user.is_empty(),
            "{first:?}"
        );
        tokio::time::sleep(Duration::from_secs(6)).await;
        let shown = captions(&world);
        let expected = [
            (Speaker::User, false, false),
            (Speaker::Assistant, true, true),
        ];
        assert_eq!(shown, expected);
        world.cut();
        tokio::time::sleep(Duration::from_secs(3)).await;
        {
            let snapshot = world.session.snapshots.borrow();
            assert!(matches!(snapshot.link, Link::Connected { .. }));
            let told = |text: &str| text.contains("It was told what you said");
            let notices = &snapshot.notices;
            assert!(
                notices.iter().any(|n| told(&n.text.english())),
                "{notices:?}"
            );
        }
        world.speak(&voice("american-man")).await;
        let second = world.turn().await;
        let [alone, with] = [first, second].map(|turn| turn.context_tokens.expect("counted"));
        assert!(with > alone + 5, "{with} tokens after {alone}");
        world.quit().await;
    });
    let (database, _) = Database::open(&state.path().join(FILE)).expect("a store");
    let list = database.list(&Filter::default()).expect("a list");
    let turns = database.turns(list[0].id).expect("turns");
    assert_eq!(turns.len(), 2);
    assert!(
        turns
            .iter()
            .all(|turn| turn.is_unwritten() && !turn.user.is_empty())
    );
}

#[test]
fn an_answer_whose_words_were_asked_for_and_did_not_come_is_not_marked() {
    simulate(async {
        let mut world = world("balanced");
        world.script.transcripts = false;
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        assert!(world.turn().await.assistant.is_empty());
        let marked = captions(&world).iter().any(|(.., unwritten)| *unwritten);
        assert!(!marked, "the profile asked for words");
        world.quit().await;
    });
}
