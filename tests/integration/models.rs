//! A profile whose model has ended: what is told, and the successor at the press of a button, on simulated time.

use std::path::Path;
use std::time::Duration;

use crate::support::{Running, World, simulate, voice};
use sovereign::base::severity::Severity;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Link, Notice};
use sovereign::profile::Profile;
use sovereign::server::script::RefuseSetup;
use sovereign::telemetry::diagnosis::Remedy;
use sovereign::turn::machine::Outcome;

const OLD: &str = "gemini-3.1-flash-live-preview";
const NEW: &str = "gemini-3.8-live";

/// A conversation with the profile `mine`, which this file holds, at a service that does not have the old model any more.
fn world(folder: &Path, text: &str) -> World {
    std::fs::write(folder.join("mine.yaml"), text).expect("written");
    let mut world = World::new("balanced");
    world.profile = Profile::parse("mine.yaml", text.as_bytes()).expect("good");
    world.profiles = Some(folder.to_owned());
    world.script.refuse_setup = Some(RefuseSetup {
        code: 1008,
        reason: format!("models/{OLD} is not found for API version v1beta"),
        versions: Vec::new(),
        models: vec![OLD.to_owned()],
    });
    world
}

fn notices(world: &Running) -> Vec<Notice> {
    world.session.snapshots.borrow().notices.to_vec()
}

fn texts(world: &Running) -> String {
    let texts = notices(world)
        .into_iter()
        .map(|notice| notice.text.english());
    texts.collect::<Vec<_>>().join("\n")
}

async fn sleep(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[test]
fn the_successor_is_written_into_the_file_and_answers_at_once() {
    simulate(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = format!("# mine\nlive:\n  model: {OLD} # fast\n  voice: Puck\n");
        let mut world = world(folder.path(), &text).start();
        sleep(500).await;
        let link = world.session.snapshots.borrow().link.clone();
        let Link::Down {
            what,
            hint,
            retry_at,
            ..
        } = link
        else {
            panic!("the model has ended: {link:?}");
        };
        assert!(
            what.starts_with("the model is not available (API v1beta: "),
            "{what}"
        );
        assert!(hint.contains("live.model") && retry_at.is_none(), "{hint}");
        let told = notices(&world);
        let [notice] = &told[..] else {
            panic!("one notice: {told:?}");
        };
        assert_eq!(notice.severity, Severity::Warning);
        let place = format!(
            "mine.yaml:3:10: live.model: is `{OLD}`, which ended on 2026-11-17, use {NEW}."
        );
        assert!(notice.text.english().ends_with(&place), "{}", notice.text);
        let remedy = Remedy::UseModel {
            profile: "mine".into(),
            model: NEW.into(),
        };
        assert_eq!(notice.remedy, Some(remedy.clone()));

        world.tell(Command::Apply(remedy)).await;
        world.ready().await;
        let written = std::fs::read_to_string(folder.path().join("mine.yaml")).expect("there");
        assert_eq!(written, text.replace(OLD, NEW));
        assert!(!texts(&world).contains(OLD), "{}", texts(&world));
        world.speak(&voice("american-man")).await;
        assert_eq!(world.turn().await.outcome, Outcome::Completed);
        let summary = world.quit().await;
        assert_eq!((summary.connections, summary.lost), (1, 0));
    });
}

#[test]
fn what_is_said_while_the_model_is_refused_is_answered_by_its_successor() {
    simulate(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = format!("live: {{model: {OLD}}}\n");
        let mut world = world(folder.path(), &text).start();
        sleep(500).await;
        world.speak(&voice("american-man")).await;
        let remedy = Remedy::UseModel {
            profile: "mine".into(),
            model: NEW.into(),
        };
        world.tell(Command::Apply(remedy)).await;
        assert_eq!(world.turn().await.outcome, Outcome::Completed);
        assert_eq!(world.quit().await.lost, 0);
    });
}

#[test]
fn another_profile_is_tried_at_once_and_its_own_warnings_are_told() {
    simulate(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let other = "live: {model: gemini-9-live, thinking: low}\n";
        std::fs::write(folder.path().join("other.yaml"), other).expect("written");
        let text = format!("live: {{model: {OLD}}}\n");
        let mut world = world(folder.path(), &text).start();
        sleep(500).await;
        world.tell(Command::UseProfile("other".into())).await;
        world.ready().await;
        let told = texts(&world);
        assert!(!told.contains(OLD), "{told}");
        assert!(
            told.contains("other.yaml:1:15: live.model: is `gemini-9-live`, which this version does not know, only settings"),
            "{told}"
        );
        // Dismissed, it stays away, whatever is read again.
        let told = notices(&world);
        let told = told
            .iter()
            .find(|notice| notice.text.english().contains("gemini-9-live"));
        let id = told.expect("told").id;
        world.tell(Command::Dismiss(id)).await;
        sleep(50).await;
        assert!(!texts(&world).contains("gemini-9-live"));
        world.tell(Command::UseProfile("balanced".into())).await;
        sleep(2_000).await;
        assert!(!texts(&world).contains("live.model"), "{}", texts(&world));
        world.quit().await;
    });
}

#[test]
fn a_file_that_cannot_be_changed_by_itself_is_told_with_its_place() {
    simulate(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = format!("live: {{model: {OLD}}}\n");
        let world = world(folder.path(), &text).start();
        sleep(500).await;
        std::fs::write(folder.path().join("mine.yaml"), "target_ms: fast\n").expect("written");
        let remedy = Remedy::UseModel {
            profile: "mine".into(),
            model: NEW.into(),
        };
        world.tell(Command::Apply(remedy)).await;
        sleep(50).await;
        let told = texts(&world);
        assert!(
            told.contains("The profile was not changed: ")
                && told.contains("mine.yaml:1:12: target_ms: "),
            "{told}"
        );
        let kept = std::fs::read_to_string(folder.path().join("mine.yaml")).expect("there");
        assert_eq!(kept, "target_ms: fast\n");
        world.quit().await;
    });
}
