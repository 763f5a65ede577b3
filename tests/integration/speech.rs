//! Voice, languages and names in whole conversations on simulated time: chosen, refused, and asked for anew.

use std::time::Duration;

use crate::support::{Running, World, simulate, voice};
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::Link;
use sovereign::profile::Languages;
use sovereign::turn::machine::Outcome;

fn notices(world: &Running, words: &str) -> usize {
    let snapshot = world.session.snapshots.borrow();
    let told = snapshot.notices.iter();
    told.filter(|notice| notice.text.english().contains(words))
        .count()
}

fn these(codes: &[&str]) -> Languages {
    Languages::These(codes.iter().map(|&code| code.to_owned()).collect())
}

async fn connections(world: &Running) -> bool {
    tokio::time::sleep(Duration::from_secs(1)).await;
    matches!(
        world.session.snapshots.borrow().link,
        Link::Connected { .. }
    )
}

#[test]
fn a_service_that_refuses_languages_and_names_is_set_up_without_them() {
    simulate(async {
        let mut world = World::new("balanced");
        world.script.transcription_hints = false;
        world.profile.live.languages = these(&["de", "en"]);
        world.profile.live.vocabulary = vec!["Kubernetes".into()];
        let mut world = world.start();
        world.ready().await;
        assert_eq!(notices(&world, "cannot be told languages"), 1);
        world.speak(&voice("german-man")).await;
        let turn = world.turn().await;
        assert_eq!(turn.outcome, Outcome::Completed);
        // The notice is gone by then; another connection with the same model does not bring it back.
        tokio::time::sleep(Duration::from_secs(30)).await;
        world.tell(Command::set("languages", &these(&["it"]))).await;
        assert!(connections(&world).await);
        assert_eq!(notices(&world, "cannot be told languages"), 0);
        let summary = world.quit().await;
        assert_eq!((summary.connections, summary.rolls), (2, 1));
        assert_eq!((summary.answered, summary.lost), (1, 0));
    });
}

#[test]
fn a_voice_and_a_language_are_asked_for_in_the_next_pause() {
    simulate(async {
        let mut world = World::new("balanced").start();
        world.ready().await;
        world.tell(Command::set("voice", &"Puck".to_owned())).await;
        assert!(connections(&world).await);
        assert_eq!(notices(&world, "next pause"), 0, "it is made at once");
        // While the user speaks it waits.
        world.desk.speak(&voice("american-man"));
        tokio::time::sleep(Duration::from_millis(600)).await;
        world.tell(Command::set("languages", &these(&["fr"]))).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(notices(&world, "applies from the next pause"), 1);
        let turn = world.turn().await;
        assert_eq!(turn.outcome, Outcome::Completed, "nothing is lost");
        assert!(connections(&world).await);
        assert_eq!(notices(&world, "applies from the next pause"), 0);
        let speech = world.session.snapshots.borrow().speech.clone();
        assert_eq!(speech.voice.as_deref(), Some("Puck"));
        assert_eq!(speech.profile_voice.as_deref(), Some("Kore"));
        assert_eq!(speech.languages, Some(these(&["fr"])));
        // What is chosen already makes no other connection, and as the profile says is a choice as well.
        world.tell(Command::set("voice", &"Puck".to_owned())).await;
        assert!(connections(&world).await);
        world.tell(Command::SetConfig("voice", None)).await;
        assert!(connections(&world).await);
        assert_eq!(world.session.snapshots.borrow().speech.voice, None);
        let summary = world.quit().await;
        assert_eq!((summary.connections, summary.rolls), (4, 3));
    });
}
