//! Conversations in which the user types, on simulated time, over the embedded server.

use std::time::Duration;

use crate::support::line::Mode;
use crate::support::{Running, World, simulate, voice};
use serde_json::{Value, json};
use sovereign::base::ids::Mark;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Activity, Caption, Speaker};
use sovereign::profile::Detection;
use sovereign::turn::machine::Outcome;

const DETECTIONS: [Detection; 2] = [Detection::Manual, Detection::Automatic];

fn world(detection: Detection) -> World {
    let mut world = World::new("balanced");
    world.profile.turn.detection = detection;
    world
}

async fn send(world: &Running, text: &str) {
    world.tell(Command::SendText(text.to_owned())).await;
}

/// Lets the session act.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// What both sides have said so far, and whether it was typed.
fn captions(world: &Running) -> Vec<(Speaker, bool, String)> {
    let snapshot = world.session.snapshots.borrow();
    let said =
        |caption: &std::sync::Arc<Caption>| (caption.speaker, caption.typed, caption.text.clone());
    snapshot.captions.iter().map(said).collect()
}

fn activity(world: &Running) -> Activity {
    world.session.snapshots.borrow().activity
}

fn typed(text: &str) -> (Speaker, bool, String) {
    (Speaker::User, true, text.to_owned())
}

#[test]
fn typed_words_are_shown_at_once_and_answered_though_muted() {
    for detection in DETECTIONS {
        simulate(async {
            let mut world = world(detection);
            world.script.think_ms = 250;
            let mut world = world.start();
            world.ready().await;
            world.tell(Command::SetMuted(true)).await;
            send(&world, "  What time\r\nis it?\u{1b} ").await;
            settle().await;
            assert_eq!(captions(&world), [typed("What time\nis it?")]);
            assert_eq!(activity(&world), Activity::Thinking);
            world.audible().await;
            settle().await;
            assert_eq!(activity(&world), Activity::Answering);
            let turn = world.turn().await;
            settle().await;
            assert_eq!(activity(&world), Activity::Muted);
            assert_eq!(turn.outcome, Outcome::Completed, "{turn:?}");
            assert!(turn.typed && !turn.assistant.is_empty());
            for mark in [Mark::SpeechStart, Mark::SpeechEnd, Mark::Endpoint] {
                assert_eq!(turn.timeline.get(mark), None);
            }
            let l = &turn.latencies;
            let server = l.server.expect("a reply").as_millis();
            assert!((250..260).contains(&server), "since it was sent: {server}");
            assert_eq!(l.response, l.server.zip(l.client).map(|(s, c)| s + c));
            let line: Value = serde_json::from_str(&turn.to_json()).expect("JSON");
            assert_eq!(line["typed"], true);
            assert_eq!(line["marks_ms"]["sent"], 0.0);
            assert_eq!(line["transcript"]["user"], "What time\nis it?");
            assert!(line["latency_ms"].get("endpointing").is_none(), "{line}");
            let summary = world.quit().await;
            assert_eq!((summary.spoken, summary.answered, summary.lost), (0, 0, 0));
            assert_eq!((summary.turns.typed, summary.turns.outcomes[0]), (1, 1));
            let line: Value = serde_json::from_str(&summary.to_json()).expect("JSON");
            assert_eq!(line["typed"], 1);
            assert_eq!(line["latency_ms"]["response"]["n"], 1);
            assert!(line["latency_ms"].get("total").is_none(), "{line}");
        });
    }
}

#[test]
fn a_typed_turn_interrupts_the_reply_and_is_no_cut_off() {
    for detection in DETECTIONS {
        simulate(async {
            let mut world = world(detection).start();
            world.ready().await;
            let patience = world.session.snapshots.borrow().figures.patience;
            world.speak(&voice("british-woman")).await;
            world.audible().await;
            send(&world, "Shorter, please.").await;
            let first = world.turn().await;
            assert_eq!(first.outcome, Outcome::Interrupted, "{first:?}");
            assert_eq!(
                (first.typed, first.cut_offs, first.silenced_after),
                (false, 0, None)
            );
            let second = world.turn().await;
            assert_eq!((second.typed, &second.outcome), (true, &Outcome::Completed));
            assert_eq!(second.user, "Shorter, please.");
            let figures = &world.session.snapshots.borrow().figures.clone();
            assert_eq!((figures.patience, figures.turns.cut_off), (patience, 0));
            let summary = world.quit().await;
            assert_eq!(
                (summary.spoken, summary.answered, summary.turns.typed),
                (1, 1, 1)
            );
        });
    }
}

#[test]
fn what_is_typed_while_the_user_speaks_is_asked_after_that() {
    for detection in DETECTIONS {
        simulate(async {
            let mut world = world(detection).start();
            world.ready().await;
            let said = voice("american-man");
            world.desk.speak(&said);
            tokio::time::sleep(Duration::from_millis(800)).await;
            assert_eq!(
                world.session.snapshots.borrow().activity,
                Activity::UserSpeaks
            );
            send(&world, "And this in writing.").await;
            let turns = [world.turn().await, world.turn().await];
            assert_eq!(
                turns.each_ref().map(|turn| (turn.typed, &turn.outcome)),
                [(false, &Outcome::Completed), (true, &Outcome::Completed)]
            );
            // What the service wrote down of the speech is not put into the text.
            assert_eq!(turns[1].user, "And this in writing.");
            assert!(
                turns[0].user.contains("You spoke for"),
                "{:?}",
                turns[0].user
            );
            world.quit().await;
        });
    }
}

#[test]
fn typed_turns_outlive_the_connection_and_are_asked_in_order() {
    for detection in DETECTIONS {
        simulate(async {
            let mut world = world(detection);
            world.script.think_ms = 400;
            let mut world = world.start();
            world.ready().await;
            send(&world, "First.").await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            world.line.set(Mode::Refuses);
            world.cut();
            settle().await;
            send(&world, "Second.").await;
            settle().await;
            assert_eq!(captions(&world), ["First.", "Second."].map(typed));
            world.line.set(Mode::Open);
            let turns = [world.turn().await, world.turn().await];
            for (turn, text) in turns.iter().zip(["First.", "Second."]) {
                assert_eq!((&turn.outcome, &*turn.user), (&Outcome::Completed, text));
            }
            let summary = world.quit().await;
            assert_eq!((summary.connections, summary.turns.typed), (2, 2));
        });
    }
}

#[test]
fn nothing_is_not_sent_and_too_much_is_told() {
    simulate(async {
        let mut world = world(Detection::Manual).start();
        world.ready().await;
        send(&world, " \n\u{200b}").await;
        send(&world, &"a".repeat(8_001)).await;
        settle().await;
        assert_eq!(captions(&world), []);
        let notices = world.session.snapshots.borrow().notices.clone();
        let told: Vec<_> = notices.iter().map(|notice| notice.text.english()).collect();
        assert_eq!(
            json!(told),
            json!([
                "Not sent: the text is 1 character too long: at most 8000 can be sent at once. Send it in parts."
            ])
        );
        let summary = world.quit().await;
        assert_eq!((summary.turns.typed, summary.turns.outcomes), (0, [0; 5]));
    });
}
