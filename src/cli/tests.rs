//! Each part that has an owner panics while a conversation runs: the conversation goes on, the utterance in progress is
//! kept, and a notice says so. (The window does so in `tests/integration/ui`.)

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use self::support::{Answers, Running, World, run, voice};
use super::line_writer::LineWriter;
use crate::audio::AudioThread;
use crate::base::supervise::{MOST_RESTARTS, given_up, restarted};
use crate::conversation::Event;
use crate::conversation::command::{Command, FailingPart};
use crate::conversation::snapshot::{Activity, Link, Snapshot};
use crate::profile::Detection;
use crate::settings::paths::Paths;
use crate::settings::watch::Watch;
use crate::turn::machine::Outcome;

mod man_page;

#[expect(dead_code, reason = "shared with tests that use other parts of it")]
#[path = "../../tests/support/mod.rs"]
mod support;

#[test]
fn a_conversation_outlives_a_panic_in_each_of_its_parts() {
    let parts = [
        (FailingPart::Audio(AudioThread::Worker), "The sound"),
        (FailingPart::Audio(AudioThread::Streams), "The sound"),
        (FailingPart::Connection, "The connection to the service"),
        (FailingPart::Telemetry, "The part that collects statistics"),
        (FailingPart::Watch, "The watch on your files"),
        (FailingPart::Server, "The server of the demo"),
    ];
    for (part, name) in parts {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Sockets and threads of the system do not follow simulated time.
        let is_real = matches!(part, FailingPart::Server);
        run(!is_real, async {
            let mut world = World::new("balanced");
            // Long enough for the user to go on where the sound broke off.
            world.script.think_ms = 800;
            if part == FailingPart::Watch {
                let config = folder.path().join("config.yaml");
                let paths = Paths::find(Some(&config));
                world.config = Some((config, "volume: 1.0\n".to_owned()));
                world.changes = Watch::start(&paths, world.failures.clone()).expect("watched");
            }
            if part == FailingPart::Server {
                world.provider = Answers::Demo;
                world.demo = Some(folder.path().join("key"));
            }
            let mut world = world.start();
            world.ready().await;
            let said = voice("american-man");
            let half = Duration::from_secs_f64(said.len() as f64 / 48_000.0 / 2.0);
            world.desk.speak(&said);
            tokio::time::sleep(half).await;
            assert_eq!(shown(&world).activity, Activity::UserSpeaks, "{part:?}");
            world.tell(Command::Panic(part)).await;
            let turn = world.turn().await;
            assert_eq!(turn.outcome, Outcome::Completed, "{part:?}: {turn:?}");
            // What is on its way through the audio threads goes with them.
            let lost = Duration::from_millis(if matches!(part, FailingPart::Audio(_)) {
                200
            } else {
                0
            });
            let least = half * 2 - lost;
            assert!(turn.sent > least, "{part:?}: {:?} of {least:?}", turn.sent);
            wait_for_notice(&world, &restarted(name)).await;
            if part == FailingPart::Watch {
                hears_of_changes(&world, &folder.path().join("config.yaml")).await;
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
            while world.session.events.try_recv().is_ok() {}
            world.speak(&voice("british-woman")).await;
            assert_eq!(world.turn().await.outcome, Outcome::Completed, "{part:?}");
            is_given_up(world, part, name).await;
        });
    }
}

/// The part, which failed once, fails again and again: it is not restarted any more, and what does not need it goes on.
async fn is_given_up(mut world: Running, part: FailingPart, name: &str) {
    for _ in 0..MOST_RESTARTS {
        world.tell(Command::Panic(part)).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    if matches!(part, FailingPart::Audio(_)) {
        // Nobody can talk any more.
        while !matches!(world.event().await, Event::Broken(_)) {}
        while !matches!(world.event().await, Event::Over(_)) {}
        return;
    }
    wait_for_notice(&world, &given_up(name)).await;
    if matches!(part, FailingPart::Telemetry | FailingPart::Watch) {
        world.speak(&voice("american-man")).await;
        assert_eq!(world.turn().await.outcome, Outcome::Completed, "{part:?}");
    }
    world.quit().await;
}

async fn hears_of_changes(world: &Running, file: &Path) {
    std::fs::write(file, "volume: 0.5\n").expect("written");
    wait_until(world, |shown| (shown.volume - 0.5).abs() < 0.01).await;
}

#[test]
fn a_conversation_outlives_a_panic_in_the_log() {
    /// Panics with the first lines, as often as it says.
    struct Fragile(usize, std::sync::mpsc::SyncSender<Vec<u8>>);
    impl Write for Fragile {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            if self.0 > 0 {
                self.0 -= 1;
                panic!("asked to");
            }
            self.1.send(text.to_vec()).ok();
            Ok(text.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    const LIMIT: Duration = Duration::from_secs(60);
    for panics in [1, MOST_RESTARTS + 1] {
        run(true, async {
            let world = World::new("balanced");
            let (lines, written) = std::sync::mpsc::sync_channel(4);
            let sink = Box::new(Fragile(panics, lines));
            let log = LineWriter::start("log", sink, world.failures.clone());
            let mut world = world.start();
            world.ready().await;
            world.desk.speak(&voice("american-man"));
            for _ in 0..panics {
                log.offer(b"lost\n".to_vec());
            }
            log.offer(b"kept\n".to_vec());
            let ended = log.finish(LIMIT, LIMIT, || false);
            assert_eq!(world.turn().await.outcome, Outcome::Completed);
            wait_for_notice(&world, &restarted("Writing to the log")).await;
            if panics > MOST_RESTARTS {
                wait_for_notice(&world, &given_up("Writing to the log")).await;
                assert!(ended.is_err() && written.try_recv().is_err());
            } else {
                assert!(ended.is_ok());
                assert_eq!(written.try_recv().as_deref(), Ok(&b"kept\n"[..]));
            }
            world.quit().await;
        });
    }
}

#[test]
fn a_connection_that_panics_for_ever_is_given_up_and_can_be_tried_again() {
    run(true, async {
        let mut world = World::new("balanced").start();
        world.ready().await;
        world.desk.speak(&voice("american-man"));
        tokio::time::sleep(Duration::from_millis(400)).await;
        for _ in 0..=MOST_RESTARTS {
            world.tell(Command::Panic(FailingPart::Connection)).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        wait_for_notice(&world, &given_up("The connection to the service")).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let link = shown(&world).link.clone();
        assert!(
            matches!(link, Link::Down { retry_at: None, .. }),
            "{link:?}"
        );
        world.tell(Command::RetryNow).await;
        let turn = world.turn().await;
        assert_eq!(turn.outcome, Outcome::Completed, "{turn:?}");
        assert_eq!(world.quit().await.lost, 0);
    });
}

#[test]
fn the_talk_key_is_still_down_after_the_sound_was_restarted() {
    run(true, async {
        let mut world = World::new("balanced");
        world.profile.turn.detection = Detection::Manual;
        let mut world = world.start();
        world.ready().await;
        world.tell(Command::set("voice_activation", &false)).await;
        world.tell(Command::HoldToTalk(true)).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.desk.speak(&voice("american-man"));
        tokio::time::sleep(Duration::from_millis(400)).await;
        world
            .tell(Command::Panic(FailingPart::Audio(AudioThread::Worker)))
            .await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(shown(&world).activity, Activity::Held);
        world.speak(&voice("british-woman")).await;
        world.tell(Command::HoldToTalk(false)).await;
        let turn = world.turn().await;
        assert_eq!(turn.outcome, Outcome::Completed, "{turn:?}");
        world.quit().await;
    });
}

#[test]
fn a_turn_that_was_closed_early_is_answered_after_the_sound_was_restarted() {
    run(true, async {
        let mut world = World::new("balanced");
        world.script.think_ms = 630;
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        assert_eq!(world.turn().await.outcome, Outcome::Completed);
        tokio::time::sleep(Duration::from_secs(1)).await;

        // The think time is known now, and patience runs on after the service was asked.
        let end = world.speak(&voice("british-woman")).await;
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert_eq!(shown(&world).activity, Activity::UserSpeaks);
        world.tell(Command::SetShown(false)).await;
        let worker = FailingPart::Audio(AudioThread::Worker);
        world.tell(Command::Panic(worker)).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        // Patience has an end, and the window still keeps the reply back.
        assert_eq!(shown(&world).activity, Activity::Answering);
        assert_eq!(world.desk.first_sound(end, 0.001), None);
        world.tell(Command::SetShown(true)).await;
        let turn = world.turn().await;
        assert_eq!(
            (&turn.outcome, turn.false_endpoints),
            (&Outcome::Completed, 0)
        );
        assert!(world.desk.first_sound(end, 0.001).is_some());
        let endpointing = turn.latencies.endpointing.expect("an end");
        assert!(endpointing < Duration::from_millis(200), "{turn:?}");
        world.quit().await;
    });
}

fn shown(world: &Running) -> Arc<Snapshot> {
    world.session.snapshots.borrow().clone()
}

async fn wait_for_notice(world: &Running, text: &str) {
    let has = |shown: &Snapshot| {
        shown
            .notices
            .iter()
            .any(|notice| notice.text.english().starts_with(text))
    };
    wait_until(world, has).await;
}

async fn wait_until(world: &Running, mut is_so: impl FnMut(&Snapshot) -> bool) {
    let mut snapshots = world.session.snapshots.clone();
    let seen = snapshots.wait_for(|shown| is_so(shown));
    let seen = tokio::time::timeout(Duration::from_secs(600), seen).await;
    drop(seen.expect("in time").expect("the conversation runs"));
}
