//! Whole conversations on simulated time, over the embedded server: what is said is answered, and the figures are true.

mod support;

use std::time::{Duration, Instant};

use sovereign::base::ids::Mark;
use sovereign::profile::{BargeIn, Detection};
use sovereign::server::Script;
use sovereign::server::script::Action;
use sovereign::session::command::Command;
use sovereign::session::record::TurnRecord;
use sovereign::session::snapshot::{Activity, Link};
use sovereign::turn::machine::Outcome;
use support::{World, simulate, voice};

const PROFILES: [&str; 3] = ["ultra-fast", "balanced", "high-quality"];

/// `a` and `b` in milliseconds, and how far they may be apart.
fn assert_close(what: &str, a: f64, b: f64, within: f64) {
    assert!(
        (a - b).abs() <= within,
        "{what}: {a:.2} ms against {b:.2} ms"
    );
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Signed milliseconds from `b` to `a`.
fn apart(a: Instant, b: Instant) -> f64 {
    ms(a.saturating_duration_since(b)) - ms(b.saturating_duration_since(a))
}

fn mark(turn: &TurnRecord, mark: Mark) -> Instant {
    turn.timeline
        .get(mark)
        .unwrap_or_else(|| panic!("{mark:?} in {turn:?}"))
}

#[test]
fn speech_is_answered_and_every_figure_is_true() {
    for profile in PROFILES {
        simulate(async {
            let mut world = World::new(profile).start();
            world.ready().await;
            let said = voice("american-man");
            let end = world.speak(&said).await;
            let turn = world.turn().await;
            assert_eq!(turn.outcome, Outcome::Completed, "{turn:?}");
            assert_close(
                "end of speech",
                apart(mark(&turn, Mark::SpeechEnd), end),
                0.0,
                10.0,
            );
            let sounded = world.desk.first_sound(end, 0.001).expect("a reply");
            assert_close(
                "first sound",
                apart(mark(&turn, Mark::FirstAudible), sounded),
                0.0,
                2.0,
            );
            let l = &turn.latencies;
            let parts =
                [l.endpointing, l.uplink, l.server, l.downlink].map(|p| ms(p.expect("a part")));
            let total = ms(l.total.expect("a total"));
            assert_close(
                "the parts against the total",
                parts.iter().sum(),
                total,
                0.5,
            );
            assert_close(
                "total against the air",
                total,
                apart(sounded, mark(&turn, Mark::SpeechEnd)),
                2.0,
            );
            let seconds = said.len() as f64 / 48.0;
            // The parrot leaves 10 ms before the voice and 100 ms after it.
            assert_close("what was heard", ms(turn.heard), seconds + 110.0, 40.0);
            assert_eq!(
                (l.negative, turn.underruns, turn.capture_dropped),
                (0, 0, 0)
            );
            let summary = world.quit().await;
            assert_eq!((summary.spoken, summary.answered, summary.lost), (1, 1, 0));
        });
    }
}

/// One question; the turn's record.
fn ask(change: impl FnOnce(&mut World)) -> TurnRecord {
    simulate(async {
        let mut world = World::new("balanced");
        change(&mut world);
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("british-woman")).await;
        let turn = world.turn().await;
        world.quit().await;
        turn
    })
}

#[test]
fn a_planted_delay_is_read_back_in_its_part_and_no_other() {
    let parts = |turn: &TurnRecord| {
        let l = &turn.latencies;
        [l.endpointing, l.uplink, l.server, l.downlink].map(|part| ms(part.expect("a part")))
    };
    let plain = parts(&ask(|_| {}));
    let slow_server = parts(&ask(|world| world.script.think_ms = 150));
    let slow_speaker = parts(&ask(|world| {
        world.desk.speaker_latency += Duration::from_millis(7)
    }));
    for (name, planted, part, delay) in [
        ("server", slow_server, 2, 150.0),
        ("speaker", slow_speaker, 3, 7.0),
    ] {
        for (i, (with, without)) in planted.iter().zip(plain).enumerate() {
            let expected = without + if i == part { delay } else { 0.0 };
            assert_close(&format!("{name}, part {i}"), *with, expected, 2.0);
        }
    }
}

#[test]
fn speech_interrupts_a_reply_and_is_answered_itself() {
    for detection in [Detection::Manual, Detection::Automatic] {
        simulate(async {
            let mut world = World::new("balanced");
            world.profile.turn.detection = detection;
            world.script = say_long_then_parrot();
            let mut world = world.start();
            world.ready().await;
            world.speak(&voice("american-man")).await;
            world.audible().await;
            tokio::time::sleep(Duration::from_millis(900)).await;
            let onset = tokio::time::Instant::now().into_std();
            world.speak(&voice("british-woman")).await;
            let first = world.turn().await;
            assert_eq!(
                first.outcome,
                Outcome::Interrupted,
                "{detection:?}: {first:?}"
            );
            if detection == Detection::Manual {
                // The trigger of 96 ms, a detector frame, a period and the fade.
                let silence = ms(first.silenced_after.expect("speech cut it"));
                assert!(silence < 150.0, "silent after {silence} ms");
            }
            let second = world.turn().await;
            assert_eq!(
                second.outcome,
                Outcome::Completed,
                "{detection:?}: {second:?}"
            );
            assert_eq!((first.number, second.number), (1, 2));
            assert!(apart(mark(&second, Mark::SpeechStart), onset) < 40.0);
            assert!(
                ms(second.heard) > 500.0,
                "the old turn does not mute the new one: {second:?}"
            );
            world.quit().await;
        });
    }
}

fn say_long_then_parrot() -> Script {
    let text = "turns:\n  - - say: A long story.\n      ms: 20000\n";
    Script::parse(std::path::Path::new("long.yaml"), text.as_bytes()).expect("a script")
}

#[test]
fn escape_stops_a_reply_and_mute_sends_nothing() {
    simulate(async {
        let mut world = World::new("balanced");
        world.script = say_long_then_parrot();
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        world.audible().await;
        world.tell(Command::StopReply).await;
        let turn = world.turn().await;
        assert_eq!(
            (turn.outcome, turn.silenced_after),
            (Outcome::Interrupted, None)
        );
        world.tell(Command::SetMuted(true)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let sent = world.session.counters.bytes_sent.get();
        // The microphone is released: what is said reaches nobody.
        world.desk.speak(&voice("british-woman"));
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(
            world.session.counters.bytes_sent.get(),
            sent,
            "muted is muted"
        );
        assert_eq!(world.session.snapshots.borrow().activity, Activity::Muted);
        world.tell(Command::SetMuted(false)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.desk.speak(&voice("british-woman"));
        assert_eq!(world.turn().await.outcome, Outcome::Completed);
        assert_eq!(world.quit().await.spoken, 2);
    });
}

#[test]
fn the_talk_key_opens_the_microphone_and_ends_the_turn_at_once() {
    simulate(async {
        let mut world = World::new("high-quality").start();
        world.ready().await;
        world.tell(Command::HoldToTalk(true)).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(world.session.snapshots.borrow().activity, Activity::Held);
        let end = world.speak(&voice("american-man")).await;
        world.tell(Command::HoldToTalk(false)).await;
        let turn = world.turn().await;
        assert_eq!(turn.outcome, Outcome::Completed);
        assert!(
            apart(mark(&turn, Mark::Endpoint), end) < 60.0,
            "no patience is waited for: {turn:?}"
        );
        world.quit().await;
    });
}

#[test]
fn a_profile_switch_in_mid_sentence_loses_nothing() {
    let plain = ask(|_| {});
    simulate(async {
        let mut world = World::new("balanced").start();
        world.ready().await;
        world.desk.speak(&voice("british-woman"));
        for profile in ["ultra-fast", "high-quality", "ultra-fast", "balanced"] {
            tokio::time::sleep(Duration::from_millis(300)).await;
            world.tell(Command::UseProfile(profile.into())).await;
        }
        let turn = world.turn().await;
        assert_eq!(turn.outcome, Outcome::Completed);
        assert_eq!(turn.capture_dropped, 0);
        assert_close("what was sent", ms(turn.sent), ms(plain.sent), 10.0);
        assert_close("what was heard", ms(turn.heard), ms(plain.heard), 10.0);
        world.quit().await;
    });
}

#[test]
fn a_lost_connection_costs_no_words() {
    simulate(async {
        let mut world = World::new("balanced").start();
        world.ready().await;
        world.desk.speak(&voice("american-man"));
        tokio::time::sleep(Duration::from_millis(700)).await;
        world.cut();
        let turn = world.turn().await;
        assert_eq!(
            turn.outcome,
            Outcome::Completed,
            "said again on the next connection: {turn:?}"
        );
        assert!(turn.user.contains("1.5 seconds"), "all of it: {turn:?}");
        let summary = world.quit().await;
        assert_eq!(
            (
                summary.connections,
                summary.spoken,
                summary.answered,
                summary.lost
            ),
            (2, 1, 1, 0)
        );
    });
}

#[test]
fn a_stalled_or_empty_turn_has_a_way_out() {
    simulate(async {
        let mut world = World::new("ultra-fast");
        world.script.turns = vec![vec![Action::Stall], vec![Action::Empty]];
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        let stalled = world.turn().await;
        assert!(
            matches!(&stalled.outcome, Outcome::Failed(why) if why.contains("no answer")),
            "{stalled:?}"
        );
        for expected in [Outcome::Empty, Outcome::Completed] {
            world.speak(&voice("british-woman")).await;
            assert_eq!(world.turn().await.outcome, expected);
        }
        world.quit().await;
    });
}

#[test]
fn an_announced_end_is_rolled_in_a_pause_and_not_heard() {
    simulate(async {
        let mut world = World::new("balanced");
        let text = "turns:\n  - - go_away: 8000\n    - parrot\n";
        world.script =
            Script::parse(std::path::Path::new("roll.yaml"), text.as_bytes()).expect("a script");
        let mut world = world.start();
        world.ready().await;
        for _ in 0..2 {
            world.speak(&voice("american-man")).await;
            assert_eq!(world.turn().await.outcome, Outcome::Completed);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let summary = world.quit().await;
        assert_eq!(
            (summary.rolls, summary.resumes, summary.connections),
            (1, 1, 2)
        );
        assert_eq!((summary.spoken, summary.answered, summary.lost), (2, 2, 0));
    });
}

#[test]
fn over_a_loudspeaker_the_assistant_does_not_hear_itself() {
    simulate(async {
        let mut world = World::new("balanced");
        world.desk.headset = false;
        world.profile.turn.barge_in = BargeIn::Auto;
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        // The room: what the speaker gives reaches the microphone 60 ms later, at 0.4.
        let room = world.desk.clone();
        let echo = tokio::task::spawn_local(async move {
            let mut done = 0;
            loop {
                tokio::time::sleep(Duration::from_millis(60)).await;
                let heard: Vec<f32> = room.heard_replies();
                room.speak(&heard[done..].iter().map(|s| s * 0.4).collect::<Vec<_>>());
                done = heard.len();
            }
        });
        assert_eq!(world.turn().await.outcome, Outcome::Completed);
        tokio::time::sleep(Duration::from_secs(120)).await;
        echo.abort();
        let summary = world.quit().await;
        assert_eq!(summary.spoken, 1, "two minutes of echo make no turn");
    });
}

#[test]
fn files_are_spoken_one_after_the_other_and_may_interrupt() {
    simulate(async {
        let at_16k = |name: &str| voice(name).chunks(3).map(|c| c[0]).collect::<Vec<f32>>();
        let mut world = World::new("balanced");
        world.desk.files = vec![
            at_16k("american-man"),
            at_16k("british-woman"),
            vec![0.0; 16_000],
        ];
        world.files = Some(3);
        world.interrupt_after = Some(Duration::from_millis(400));
        world.script = say_long_then_parrot();
        let mut world = world.start();
        let first = world.turn().await;
        assert_eq!(
            (&first.outcome, first.input.as_deref()),
            (&Outcome::Interrupted, Some("0.wav"))
        );
        let gap = apart(
            mark(&first, Mark::FirstAudible),
            mark(&first, Mark::SpeechEnd),
        );
        assert!(gap > 0.0);
        let second = world.turn().await;
        assert_eq!(second.input.as_deref(), Some("1.wav"));
        assert!(matches!(
            world.session.snapshots.borrow().link,
            Link::Connected { .. }
        ));
        loop {
            if matches!(world.event().await, sovereign::session::Event::InputOver) {
                break;
            }
        }
        assert_eq!(
            world.quit().await.spoken,
            2,
            "a file without speech makes no turn"
        );
    });
}
