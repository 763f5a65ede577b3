//! Conversations that outlive the program: turns, words that were not answered, and going on with an earlier conversation.

use std::path::Path;
use std::time::Duration;

use crate::support::line::Mode;
use crate::support::{Running, World, simulate, voice};
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Caption, Link, Snapshot};
use sovereign::server::script::{ScriptStep, SpeechKind};
use sovereign::store::export::ExportFormat;
use sovereign::store::{ConversationId, Database, FILE, Filter, Retention, Side, StoredTurn};
use sovereign::telemetry::diagnosis::Remedy;
use sovereign::telemetry::record::{Answerer, TurnRecord};
use sovereign::turn::machine::Outcome;

/// A window whose service answers with words, and which keeps what is said in this folder.
fn world(state: &Path) -> World {
    let mut world = World::new("balanced");
    (world.state, world.window) = (Some(state.to_owned()), true);
    world.script.repeat = true;
    let sound = SpeechKind::Tone {
        hz: 440.0,
        length: Duration::from_secs(1),
    };
    let words = "The train to Hamburg leaves at 14:05.".into();
    world.script.turns = vec![vec![ScriptStep::Say { words, sound }]];
    world
}

async fn ask(world: &mut Running) -> TurnRecord {
    world.speak(&voice("american-man")).await;
    world.turn().await
}

async fn until(world: &Running, what: &str, is: impl Fn(&Snapshot) -> bool) {
    let mut snapshots = world.session.snapshots.clone();
    let seen = snapshots.wait_for(|snapshot| is(snapshot));
    let seen = tokio::time::timeout(Duration::from_secs(60), seen).await;
    seen.expect(what).expect("the session runs");
}

fn database(state: &Path) -> Database {
    let (database, set_aside) = Database::open(&state.join(FILE)).expect("a store");
    assert!(set_aside.is_none());
    database
}

fn kept(state: &Path) -> Vec<(ConversationId, Vec<StoredTurn>)> {
    let database = database(state);
    let list = database.list(&Filter::default()).expect("a list");
    let turns = |id| (id, database.turns(id).expect("turns"));
    list.iter().map(|summary| turns(summary.id)).collect()
}

#[test]
fn turns_are_kept_with_their_words_and_their_record() {
    let state = tempfile::tempdir().expect("a folder");
    simulate(async {
        let mut world = world(state.path()).start();
        world.ready().await;
        for _ in 0..2 {
            ask(&mut world).await;
        }
        world.quit().await;
    });
    let kept = kept(state.path());
    assert_eq!(kept.len(), 1);
    let turns = &kept[0].1;
    let numbers: Vec<u64> = turns.iter().map(|turn| turn.number).collect();
    assert_eq!(numbers, [1, 2]);
    let turn = &turns[0];
    assert_eq!(turn.assistant, "The train to Hamburg leaves at 14:05.");
    assert!(turn.user.contains("You spoke for"), "{turn:?}");
    assert_eq!((turn.outcome.as_str(), turn.typed), ("completed", false));
    assert!(turn.response.is_some() && turn.record.contains("sovereign.turn/1"));
    assert!(!turn.record.contains("Hamburg"), "{}", turn.record);
    assert_eq!(Answerer::of_record(&turn.record), Some(Answerer::Local));
}

#[test]
fn a_conversation_is_exported_and_the_user_is_told_where_to() {
    let state = tempfile::tempdir().expect("a folder");
    simulate(async {
        let mut world = world(state.path()).start();
        world.ready().await;
        ask(&mut world).await;
        until(&world, "kept", |snapshot| snapshot.kept.current.is_some()).await;
        let id = world.session.snapshots.borrow().kept.current.expect("kept");
        let folder = state.path().join("documents");
        let says = |snapshot: &Snapshot, words: &str| {
            let mut notices = snapshot.notices.iter();
            notices.any(|notice| notice.text.english().contains(words))
        };
        let export = |format| Command::ExportKept {
            id,
            format,
            folder: folder.clone(),
        };
        world.tell(export(ExportFormat::Md)).await;
        until(&world, "told", |snapshot| says(snapshot, "Written: ")).await;
        let mut files = std::fs::read_dir(&folder).expect("made");
        let file = files.next().expect("a file").expect("readable").path();
        let text = std::fs::read_to_string(&file).expect("text");
        assert!(
            text.contains("The train to Hamburg leaves at 14:05."),
            "{text}"
        );
        world.tell(export(ExportFormat::Wav)).await;
        until(&world, "told", |snapshot| {
            says(snapshot, "its sound is not kept")
        })
        .await;
        world.quit().await;
    });
}

#[test]
fn where_nothing_is_to_be_kept_nothing_is() {
    let state = tempfile::tempdir().expect("a folder");
    simulate(async {
        let mut world = world(state.path());
        let file = state.path().join("config.yaml");
        world.config = Some((file, "keep: off\n".to_owned()));
        let mut world = world.start();
        world.ready().await;
        ask(&mut world).await;
        assert_eq!(
            world.session.snapshots.borrow().kept.retention,
            Retention::Off
        );
        world.quit().await;
    });
    assert!(!state.path().join(FILE).exists());
}

#[test]
fn sound_is_kept_by_choice() {
    let state = tempfile::tempdir().expect("a folder");
    simulate(async {
        let mut world = world(state.path());
        let file = state.path().join("config.yaml");
        world.config = Some((file, "keep_audio: on\n".to_owned()));
        let mut world = world.start();
        world.ready().await;
        ask(&mut world).await;
        world.quit().await;
    });
    let database = database(state.path());
    let [(id, _)] = &kept(state.path())[..] else {
        panic!("one conversation");
    };
    let audio = database.audio(*id).expect("sound");
    let seconds = |side| {
        let its = audio
            .iter()
            .find(|audio| audio.side == side)
            .expect("a side");
        its.rate.duration_of(its.samples.len() as u64).as_secs_f64()
    };
    assert!(
        (1.5..3.0).contains(&seconds(Side::User)),
        "{}",
        seconds(Side::User)
    );
    assert!((seconds(Side::Assistant) - 1.0).abs() < 0.1);
}

#[test]
fn words_that_were_not_answered_outlive_the_program_and_are_sent_when_the_user_says_so() {
    let state = tempfile::tempdir().expect("a folder");
    simulate(async {
        let mut world = world(state.path()).start();
        world.ready().await;
        ask(&mut world).await;
        world.line.set(Mode::Refuses);
        world.cut();
        world.speak(&voice("american-man")).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        // The program is killed: nothing is said to it.
        drop(world);
    });
    simulate(async {
        let mut world = world(state.path()).start();
        world.ready().await;
        let sends = |snapshot: &Snapshot| {
            let mut notices = snapshot.notices.iter();
            notices.any(|notice| notice.remedy == Some(Remedy::SendNow))
        };
        until(&world, "an offer", sends).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        world.tell(Command::Apply(Remedy::SendNow)).await;
        let turn = world.turn().await;
        assert_eq!((&turn.outcome, turn.asked_again), (&Outcome::Completed, 1));
        assert!(turn.user.contains("1.5 seconds"), "all of it: {turn:?}");
        world.quit().await;
    });
    let database = database(state.path());
    assert!(
        database.unsent().expect("a list").is_empty(),
        "it was answered"
    );
}

#[test]
fn a_conversation_whose_program_was_killed_goes_on_with_the_next_start_and_no_later() {
    let state = tempfile::tempdir().expect("a folder");
    simulate(async {
        let mut world = world(state.path()).start();
        world.ready().await;
        ask(&mut world).await;
        drop(world);
    });
    simulate(async {
        let mut world = world(state.path()).start();
        world.ready().await;
        until(&world, "earlier words", |snapshot| {
            !snapshot.captions.is_empty()
        })
        .await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        ask(&mut world).await;
        // This one comes to its end.
        world.quit().await;
    });
    simulate(async {
        let mut world = world(state.path()).start();
        world.ready().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(world.session.snapshots.borrow().captions.is_empty());
        ask(&mut world).await;
        world.quit().await;
    });
    let turns: Vec<usize> = kept(state.path())
        .iter()
        .map(|(_, turns)| turns.len())
        .collect();
    assert_eq!(turns, [1, 2], "the newest first");
}

#[test]
fn what_was_answered_leaves_no_speech_behind() {
    let state = tempfile::tempdir().expect("a folder");
    simulate(async {
        let mut world = world(state.path()).start();
        world.ready().await;
        for _ in 0..3 {
            ask(&mut world).await;
        }
        drop(world);
    });
    let database = database(state.path());
    assert!(database.unsent().expect("a list").is_empty());
}

#[test]
fn an_earlier_conversation_goes_on_and_the_service_is_told_of_it() {
    let state = tempfile::tempdir().expect("a folder");
    let alone = simulate(async {
        let mut world = world(state.path()).start();
        world.ready().await;
        let first = ask(&mut world).await;
        ask(&mut world).await;
        world.quit().await;
        first.context_tokens.expect("counted")
    });
    simulate(async {
        let mut world = world(state.path()).start();
        world.ready().await;
        world.tell(Command::ListKept(Some(Filter::default()))).await;
        until(&world, "a list", |snapshot| !snapshot.kept.list.is_empty()).await;
        let id = world.session.snapshots.borrow().kept.list[0].id;
        world.tell(Command::ContinueKept(id)).await;
        let words = |caption: &Caption| caption.text.contains("Hamburg");
        until(&world, "earlier words", |snapshot| {
            snapshot
                .captions
                .iter()
                .filter(|caption| words(caption))
                .count()
                == 2
        })
        .await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let snapshot = world.session.snapshots.borrow().clone();
        assert!(matches!(snapshot.link, Link::Connected { .. }));
        assert_eq!(snapshot.kept.current, Some(id));
        let turn = ask(&mut world).await;
        let told = turn.context_tokens.expect("counted");
        assert!(told > alone + 20, "{told} tokens, {alone} alone");
        world.quit().await;
    });
    let kept = kept(state.path());
    assert_eq!((kept.len(), kept[0].1.len()), (1, 3), "{kept:?}");
    assert_eq!(kept[0].1[2].number, 3);
}

#[test]
fn a_new_conversation_knows_nothing_of_the_last_one_and_a_deleted_one_is_gone() {
    let state = tempfile::tempdir().expect("a folder");
    simulate(async {
        let mut world = world(state.path()).start();
        world.ready().await;
        let first = ask(&mut world).await.context_tokens.expect("counted");
        ask(&mut world).await;
        world.tell(Command::BeginConversation).await;
        until(&world, "nothing said", |snapshot| {
            snapshot.captions.is_empty()
        })
        .await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let anew = ask(&mut world).await.context_tokens.expect("counted");
        assert!(anew.abs_diff(first) < 10, "{anew} tokens, {first} at first");
        world.tell(Command::ListKept(Some(Filter::default()))).await;
        until(&world, "two", |snapshot| snapshot.kept.list.len() == 2).await;
        let oldest = world.session.snapshots.borrow().kept.list[1].id;
        world.tell(Command::DeleteKept(Some(oldest))).await;
        until(&world, "one", |snapshot| snapshot.kept.list.len() == 1).await;
        let told = |words: &'static str| {
            move |snapshot: &Snapshot| {
                let mut notices = snapshot.notices.iter();
                notices.any(|notice| notice.text.english() == words)
            }
        };
        until(&world, "told", told("1 conversation deleted")).await;
        world.quit().await;
    });
    let kept = kept(state.path());
    assert_eq!((kept.len(), kept[0].1.len()), (1, 1));
    assert_eq!(kept[0].1[0].number, 1);
}
