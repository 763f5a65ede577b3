//! Whole conversations on simulated time, over the embedded server: what is said is answered, and the figures are true.

use std::time::{Duration, Instant};

use crate::support::{Hook, Running, World, simulate, voice};
use serde_json::json;
use sovereign::base::ids::Mark;
use sovereign::conversation::Event;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Activity, Link};
use sovereign::profile::{BargeIn, Detection};
use sovereign::server::Script;
use sovereign::server::script::ScriptStep;
use sovereign::telemetry::alert::AlertKind;
use sovereign::telemetry::diagnosis::{Remedy, TurnPart};
use sovereign::telemetry::record::TurnRecord;
use sovereign::turn::early::EarlyClose;
use sovereign::turn::machine::Outcome;

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
fn the_stages_are_the_pieces_of_the_parts_and_a_planted_delay_is_in_its_own() {
    let stages = |turn: &TurnRecord| {
        let (l, s) = (&turn.latencies, &turn.stages);
        let sum = |parts: &[Option<Duration>]| ms(parts.iter().map(|p| p.expect("known")).sum());
        let whole = |part: Option<Duration>| ms(part.expect("a part"));
        let heard = sum(&[s.capture, s.dsp, s.endpoint]);
        assert_close("endpointing", heard, whole(l.endpointing), 0.01);
        let played = sum(&[s.decode, s.held, s.buffer, s.device]);
        assert_close("downlink", played, whole(l.downlink), 0.01);
        assert_eq!(s.encode_queue, l.uplink);
        assert_eq!(
            (s.network, s.service),
            (None, None),
            "in memory there is no round trip"
        );
        [s.capture, s.dsp, s.endpoint, s.decode, s.buffer, s.device]
            .map(|part| ms(part.expect("known")))
    };
    let plain = stages(&ask(|_| {}));
    let late = Duration::from_millis(9);
    // A multiple of a frame (10 ms) and of the period (512 at 48 kHz), so that no stage is moved by rounding.
    let longer = Duration::from_millis(160);
    let planted: [(&str, usize, Duration, TurnRecord); 4] = [
        (
            "capture",
            0,
            late,
            ask(|world| world.desk.microphone_latency += late),
        ),
        (
            "endpoint",
            2,
            longer,
            ask(|world| world.profile.turn.patience += longer),
        ),
        (
            "buffer",
            4,
            longer,
            // The server sends four times as fast as it sounds.
            ask(|world| world.profile.audio.prebuffer += longer * 4),
        ),
        (
            "device",
            5,
            late,
            ask(|world| world.desk.speaker_latency += late),
        ),
    ];
    for (name, of, delay, turn) in planted {
        for (i, (with, without)) in stages(&turn).iter().zip(plain).enumerate() {
            let expected = without + if i == of { ms(delay) } else { 0.0 };
            assert_close(&format!("{name}, stage {i}"), *with, expected, 2.0);
        }
    }
}

#[test]
fn a_conversation_without_telemetry_is_the_same() {
    let run = |telemetry| {
        simulate(async move {
            let mut world = World::new("balanced");
            world.telemetry = telemetry;
            let mut world = world.start();
            world.ready().await;
            let mut turns = Vec::new();
            for name in ["american-man", "british-woman"] {
                world.speak(&voice(name)).await;
                let turn = world.turn().await;
                assert!(turn.latencies.response.is_some(), "{turn:?}");
                turns.push((turn.outcome, turn.user, turn.assistant));
            }
            let notices = world.session.snapshots.borrow().notices.len();
            (turns, notices, world.quit().await.turns.outcomes)
        })
    };
    let (with, without) = (run(true), run(false));
    assert_eq!((&with.0, with.1), (&without.0, without.1));
    assert_eq!((with.2, without.2), ([2, 0, 0, 0, 0], [0; 5]));
}

#[test]
fn late_answers_are_told_with_their_cause() {
    simulate(async {
        let mut world = World::new("balanced");
        world.script.think_ms = 2_600;
        let (posted, mut posts) = tokio::sync::mpsc::channel(8);
        world.hook = Some(Hook(posted));
        let mut world = world.start();
        world.ready().await;
        for _ in 0..3 {
            world.speak(&voice("british-woman")).await;
            world.turn().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let snapshot = world.session.snapshots.borrow().clone();
        let [alert] = &snapshot.alerts[..] else {
            panic!("{:?}", snapshot.alerts);
        };
        assert_eq!((alert.kind, alert.n), (AlertKind::FirstAudio, 3));
        assert!((2_500.0..2_800.0).contains(&alert.value), "{alert:?}");
        let notice = snapshot.notices.last().expect("a notice");
        assert!(
            notice
                .text
                .english()
                .starts_with("Answers arrive late: 2.6 s")
                && notice.text.english().contains("needs 26"),
            "{notice:?}"
        );
        let post = posts.recv().await.expect("it was posted");
        assert_eq!(post["schema"], "sovereign.alert/1");
        assert_eq!(
            (&post["state"], &post["kind"]),
            (&json!("raised"), &json!("first_audio"))
        );
        assert!(
            post["remedy"]
                .as_str()
                .is_some_and(|r| r.contains("needs 26")),
            "{post}"
        );
        let cause = snapshot.findings.first().expect("a cause");
        assert_eq!(cause.part, TurnPart::Service, "{:?}", snapshot.findings);
        assert_eq!(snapshot.turns.len(), 3);
        let hour = &snapshot.history.spans[0];
        assert_eq!(hour.iter().map(|slice| slice.all_turns()).sum::<u64>(), 3);
        // Turns of a quarter of an hour ago say nothing about now.
        tokio::time::sleep(Duration::from_secs(905)).await;
        let later = world.session.snapshots.borrow().clone();
        assert!(
            later.alerts.is_empty() && later.notices.is_empty(),
            "{later:?}"
        );
        let post = posts.recv().await.expect("its end too");
        assert_eq!(
            (&post["state"], &post["kind"]),
            (&json!("cleared"), &json!("first_audio"))
        );
        world.quit().await;
        assert!(posts.recv().await.is_none(), "once each");
    });
}

#[test]
fn a_key_ends_the_alerts_of_the_demo_and_tells_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    simulate(async {
        let mut world = World::new("auto");
        // Below those of the profiles that it chooses among.
        world.profile.alerts.first_audio = Some(Duration::from_millis(700));
        world.script.think_ms = 1_200;
        world.demo = Some(folder.path().join("key"));
        let (posted, mut posts) = tokio::sync::mpsc::channel(8);
        world.hook = Some(Hook(posted));
        let mut world = world.start();
        world.ready().await;
        let told = |post: serde_json::Value| (post["state"].clone(), post["kind"].clone());
        let raised = (json!("raised"), json!("first_audio"));
        for _ in 0..4 {
            world.speak(&voice("british-woman")).await;
            world.turn().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(told(posts.recv().await.expect("it was posted")), raised);
        assert!(world.session.snapshots.borrow().demo);

        let key = format!("AIza{}", "x".repeat(35));
        world.tell(Command::SetKey(key.into())).await;
        let post = tokio::time::timeout(Duration::from_secs(5), posts.recv()).await;
        let over = (json!("cleared"), json!("first_audio"));
        assert_eq!(told(post.expect("at once").expect("its end")), over);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let snapshot = world.session.snapshots.borrow().clone();
        assert!(!snapshot.demo && snapshot.alerts.is_empty() && snapshot.turns.is_empty());
        world.quit().await;
    });
}

#[test]
fn a_key_that_is_removed_is_not_used_any_more_and_one_that_is_left_is() {
    simulate(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut world = World::new("balanced");
        world.demo = Some(folder.path().join("key"));
        let of = |letter: &str| format!("AIza{}", letter.repeat(35));
        world.key = Some(of("e"));
        let mut world = world.start();
        world.ready().await;
        let seen = |world: &Running| {
            let key = world.session.snapshots.borrow().key.clone();
            (key.map(|key| key.source.words()), world.line.opened())
        };
        assert_eq!(seen(&world), (None, 1), "the demo needs none");
        world.tell(Command::SetKey(of("f").into())).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        // The embedded server refuses it: it is asked for under the name of the service.
        assert_eq!(seen(&world), (Some("the key file"), 2));
        world.tell(Command::RemoveKey).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(seen(&world), (Some("GEMINI_API_KEY"), 3));
        let notices = world.session.snapshots.borrow().notices.clone();
        let told = |text: &str| {
            notices
                .iter()
                .any(|notice| notice.text.english().starts_with(text))
        };
        assert!(
            told("Another key is in GEMINI_API_KEY, and is used now."),
            "{notices:?}"
        );
        world.quit().await;
    });
}

#[test]
fn a_profile_that_does_not_exist_is_not_kept_as_the_choice() {
    simulate(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("config.yaml");
        let mut world = World::new("balanced");
        world.config = Some((file.clone(), "volume: 0.5\n".to_owned()));
        let mut world = world.start();
        world.ready().await;
        world.tell(Command::UseProfile("ultra-fast".into())).await;
        world.tell(Command::UseProfile("nope".into())).await;
        world.quit().await;
        let kept = std::fs::read_to_string(&file).expect("there");
        assert!(kept.contains("profile: \"ultra-fast\""), "{kept}");
    });
}

#[test]
fn a_mute_is_kept_over_a_restart_where_that_is_chosen() {
    simulate(async {
        for (chosen, kept) in [("on", true), ("off", false)] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let file = folder.path().join("config.yaml");
            let mut world = World::new("balanced");
            let config = format!("window:\n  keep_muted: {chosen}\n");
            world.config = Some((file.clone(), config));
            let mut world = world.start();
            world.ready().await;
            world.tell(Command::SetMuted(true)).await;
            world.quit().await;
            let text = std::fs::read_to_string(&file).expect("there");
            assert_eq!(text.contains("  muted: on"), kept, "{text}");
        }
    });
}

#[test]
fn the_button_for_another_connection_makes_one_in_a_pause() {
    simulate(async {
        let mut world = World::new("balanced").start();
        world.ready().await;
        for said in 1..=2 {
            world.speak(&voice("american-man")).await;
            assert_eq!(world.turn().await.outcome, Outcome::Completed);
            if said == 1 {
                world.tell(Command::Apply(Remedy::Reconnect)).await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let summary = world.quit().await;
        assert_eq!(
            (summary.rolls, summary.connections, summary.lost),
            (1, 2, 0)
        );
    });
}

#[test]
fn calls_of_tools_are_counted_with_the_turn() {
    simulate(async {
        let mut world = World::new("balanced");
        // Without an id: the server knows of no call, and would refuse an answer.
        let call = |name: &str| json!({"name": name, "args": {}});
        let calls = json!({"toolCall": {"functionCalls": [call("one"), call("two")]}});
        world.script.turns = vec![vec![ScriptStep::Raw(calls.to_string()), ScriptStep::Parrot]];
        let mut world = world.start();
        world.ready().await;
        for wanted in [2, 0] {
            world.speak(&voice("american-man")).await;
            let turn = world.turn().await;
            assert_eq!(
                (turn.tool_calls, turn.outcome),
                (wanted, Outcome::Completed)
            );
        }
        let figures = world.session.snapshots.borrow().figures.clone();
        assert_eq!((figures.turns.tool_calls, figures.n), (2, 2));
        world.quit().await;
    });
}

#[test]
fn counts_of_tokens_are_summed_and_an_own_service_has_no_price() {
    simulate(async {
        let mut world = World::new("balanced");
        world.profile.live.model = "gemini-3.1-flash-live-preview".into();
        let usage = |prompt: u64, thoughts: u64| {
            let usage = json!({"promptTokenCount": prompt, "toolUsePromptTokenCount": 5, "thoughtsTokenCount": thoughts});
            ScriptStep::Raw(json!({"usageMetadata": usage}).to_string())
        };
        let led = json!({"groundingMetadata": {"webSearchQueries": ["weather"]}});
        let led = ScriptStep::Raw(json!({"serverContent": led}).to_string());
        world.script.turns = vec![vec![usage(100, 7), led, usage(200, 3), ScriptStep::Parrot]];
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        let turn = world.turn().await;
        let counts = turn.tokens.expect("counted");
        let (prompt, response) = (counts.prompt.sum(), counts.written());
        // And what the server counts itself at the end of the turn.
        assert!(prompt > 310 && response > 10, "{prompt} {response}");
        assert_eq!(counts.thoughts, 10);
        assert!(
            counts.prompt.text > 0 && counts.response.audio > 0,
            "by kind"
        );
        assert_eq!((turn.cost, turn.searches), (None, 1));
        assert_eq!(turn.model, "gemini-3.1-flash-live-preview");
        world.quit().await;
    });
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
            // What the service counts of a reply that was cut is told after its turn was closed.
            let told = first.all_tokens() + second.all_tokens();
            let figures = world.session.snapshots.borrow().figures.clone();
            let late = world.quit().await.late_tokens;
            assert_eq!(figures.turns.tokens, told + late.sum());
            assert!(
                first.tokens.is_some() || !late.is_empty(),
                "{first:?} {late:?}"
            );
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
        // The parrot finds the ends of a voice by its level, which noise suppression and gain change a little.
        assert_close("what was heard", ms(turn.heard), ms(plain.heard), 20.0);
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
        let stall = || vec![ScriptStep::Stall];
        world.script.turns = vec![stall(), stall(), stall(), vec![ScriptStep::Empty]];
        world.script.once = true;
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        // It is asked again by itself, but not for ever.
        for retried in [true, true, false] {
            let stalled = world.turn().await;
            assert!(
                matches!(&stalled.outcome, Outcome::Failed(why) if why.english().contains("no answer")),
                "{stalled:?}"
            );
            assert_eq!(stalled.retried, retried);
        }
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
            if matches!(
                world.event().await,
                sovereign::conversation::Event::InputOver
            ) {
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

/// A conversation with a service that thinks, after its first turn: the think time is known.
async fn acquainted(think_ms: u64, change: impl FnOnce(&mut World)) -> Running {
    let mut world = World::new("balanced");
    world.script.think_ms = think_ms;
    change(&mut world);
    let mut world = world.start();
    world.ready().await;
    world.speak(&voice("american-man")).await;
    assert_eq!(world.turn().await.outcome, Outcome::Completed);
    tokio::time::sleep(Duration::from_secs(1)).await;
    world
}

/// A sentence with a pause in it.
fn halting(pause: Duration) -> Vec<f32> {
    let silence = vec![0.0; pause.as_millis() as usize * 48];
    [voice("american-man"), silence, voice("british-woman")].concat()
}

fn length(samples: &[f32]) -> f64 {
    samples.len() as f64 / 48.0
}

const PAUSE: Duration = Duration::from_millis(400);

#[test]
fn a_pause_in_a_sentence_costs_neither_a_word_nor_a_wait() {
    simulate(async {
        let mut world = acquainted(630, |world| world.profile.turn.eager_waste_percent = 100).await;
        let figures = world.session.snapshots.borrow().figures.clone();
        assert_eq!(
            figures.early,
            EarlyClose::After(sovereign::vad::SILENCE_STARTED_AFTER)
        );
        assert!(
            figures.patience > Some(Duration::from_millis(700)),
            "{figures:?}"
        );
        let said = halting(PAUSE);
        world.speak(&said).await;
        let turn = world.turn().await;
        assert_eq!((&turn.outcome, turn.cut_offs), (&Outcome::Completed, 0));
        assert!(turn.false_endpoints >= 1, "{turn:?}");
        assert_eq!(turn.reopened, turn.false_endpoints);
        assert!(
            !turn.wasted_tokens.is_empty(),
            "the service counted them: {turn:?}"
        );
        assert_close(
            "all of it comes back, the pause included",
            ms(turn.heard),
            length(&said) + 110.0,
            40.0,
        );
        assert_eq!(
            turn.user.matches("You spoke for").count(),
            turn.false_endpoints as usize + 1
        );
        let l = &turn.latencies;
        assert!(ms(l.held) < 60.0, "patience hid behind thinking: {l:?}");
        // 120 ms and what the microphone and a frame take; the thinking; what the speaker takes.
        assert_close("wait", ms(l.total.expect("a total")), 120.0 + 630.0, 90.0);
        let figures = world.session.snapshots.borrow().figures.clone();
        assert_eq!(
            figures.turns.false_endpoints,
            u64::from(turn.false_endpoints)
        );
        assert_eq!(figures.turns.wasted_tokens, turn.wasted_tokens.sum());
        let summary = world.quit().await;
        assert_eq!((summary.spoken, summary.answered, summary.lost), (2, 2, 0));
        assert_eq!(
            summary.turns.false_endpoints,
            u64::from(turn.false_endpoints)
        );
    });
}

#[test]
fn nothing_is_closed_early_where_nobody_thinks_or_nobody_wants_it() {
    for (think_ms, eager) in [(0, true), (0, false), (630, false)] {
        simulate(async {
            let mut world = acquainted(think_ms, |world| {
                world.profile.turn.eager_endpoint = eager;
                world.profile.turn.adaptive_patience = false;
            })
            .await;
            let early = world.session.snapshots.borrow().figures.early;
            let expected = [EarlyClose::Off, EarlyClose::Needless][usize::from(eager)];
            assert_eq!(early, expected);
            let said = halting(PAUSE);
            world.speak(&said).await;
            let turn = world.turn().await;
            assert_eq!(turn.outcome, Outcome::Completed);
            assert_eq!((turn.reopened, turn.false_endpoints), (0, 0));
            assert_eq!(turn.latencies.held, Duration::ZERO);
            let endpointing = ms(turn.latencies.endpointing.expect("an endpoint"));
            assert_close("patience", endpointing, 515.0, 20.0);
            assert_close(
                "what was heard",
                ms(turn.heard),
                length(&said) + 110.0,
                40.0,
            );
            world.quit().await;
        });
    }
}

#[test]
fn the_same_pause_in_every_sentence_is_paid_for_once() {
    simulate(async {
        let mut world = acquainted(630, |_| {}).await;
        let (mut in_vain, mut wasted, mut all) = (0, 0, 0);
        let mut seen = Vec::new();
        for _ in 0..6 {
            world.speak(&halting(PAUSE)).await;
            let turn = world.turn().await;
            assert_eq!((&turn.outcome, turn.cut_offs), (&Outcome::Completed, 0));
            in_vain += turn.false_endpoints;
            wasted += turn.wasted_tokens.sum();
            all += turn.all_tokens();
            let figures = world.session.snapshots.borrow().figures.clone();
            seen.push((figures.early, figures.patience));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(in_vain, 1, "{seen:?}");
        assert!(wasted > 0 && wasted < all / 10, "{wasted} of {all}");
        let (early, patience) = seen[0];
        assert_eq!(early, EarlyClose::Spent, "{seen:?}");
        assert!(
            patience < Some(Duration::from_millis(700)),
            "nothing hides it: {seen:?}"
        );
        let (early, _) = seen[5];
        assert!(
            early.after().is_some(),
            "earned again, for the end of the sentence: {seen:?}"
        );
        world.quit().await;
    });
}

#[test]
fn a_sentence_cut_off_by_patience_goes_on_without_being_sent_again() {
    simulate(async {
        let mut world = acquainted(630, |world| {
            world.profile.turn.eager_endpoint = false;
            world.profile.turn.adaptive_patience = false;
        })
        .await;
        let sent = world.session.counters.bytes_sent.get();
        let said = halting(Duration::from_millis(900));
        world.speak(&said).await;
        let turn = world.turn().await;
        assert_eq!(
            (turn.reopened, turn.cut_offs, turn.false_endpoints),
            (1, 1, 0)
        );
        let heard = ms(turn.heard);
        // What was silent between patience and the pre-roll was not recorded.
        assert!(
            (length(&said) - 400.0..length(&said) + 150.0).contains(&heard),
            "{turn:?}"
        );
        // 46.5 bytes for each millisecond of speech (16 kHz, 16 bit, base64, JSON).
        let sent = (world.session.counters.bytes_sent.get() - sent) as f64 / 46.5;
        assert_close("sent once", sent, ms(turn.sent), 0.1 * sent);
        world.quit().await;
    });
}

#[test]
fn a_link_cut_while_a_reply_is_held_costs_no_words() {
    for goes_on in [false, true] {
        simulate(async {
            let mut world = acquainted(630, |_| {}).await;
            let first = voice("american-man");
            let said = if goes_on {
                halting(PAUSE)
            } else {
                first.clone()
            };
            world.desk.speak(&said);
            let early = Duration::from_secs_f64(length(&first) / 1e3 + 0.25);
            tokio::time::sleep(early).await;
            assert_eq!(
                world.session.snapshots.borrow().activity,
                Activity::UserSpeaks,
                "closed for the service alone"
            );
            world.cut();
            let turn = world.turn().await;
            assert_eq!(turn.outcome, Outcome::Completed, "{turn:?}");
            assert_close("all of it", ms(turn.heard), length(&said) + 110.0, 40.0);
            let summary = world.quit().await;
            assert_eq!((summary.connections, summary.lost), (2, 0));
        });
    }
}

#[test]
fn escape_while_a_reply_is_held_cancels_it_and_the_next_is_heard() {
    simulate(async {
        let mut world = acquainted(630, |_| {}).await;
        world.speak(&voice("american-man")).await;
        tokio::time::sleep(Duration::from_millis(250)).await;
        world.tell(Command::StopReply).await;
        let turn = world.turn().await;
        assert_eq!(
            (&turn.outcome, turn.false_endpoints),
            (&Outcome::Cancelled, 0)
        );
        // What is said before patience is over belongs to the next turn, from its first syllable on.
        let said = voice("british-woman");
        world.speak(&said).await;
        let turn = world.turn().await;
        assert_eq!(turn.outcome, Outcome::Completed);
        assert!(ms(turn.heard) >= length(&said) + 80.0, "{turn:?}");
        world.quit().await;
    });
}

#[test]
fn the_talk_key_goes_on_with_a_turn_that_was_closed_early() {
    simulate(async {
        let mut world = acquainted(630, |_| {}).await;
        let first = voice("american-man");
        world.speak(&first).await;
        tokio::time::sleep(Duration::from_millis(250)).await;
        world.tell(Command::HoldToTalk(true)).await;
        world.speak(&voice("british-woman")).await;
        world.tell(Command::HoldToTalk(false)).await;
        let turn = world.turn().await;
        assert_eq!((&turn.outcome, turn.reopened), (&Outcome::Completed, 1));
        let both = length(&first) + length(&voice("british-woman"));
        // The parrot leaves away what is 30 dB below the voice.
        assert!(
            ms(turn.heard) > both - 30.0,
            "both halves come back: {turn:?}"
        );
        world.quit().await;
    });
}

/// Thinks before the first answer only; the second is there at once, as a whole.
fn suddenly_quick() -> Script {
    let text = "turns:\n  - - wait: 600\n    - say: First.\n      ms: 500\n  - - speed: 0\n    - say: Second.\n      ms: 500\n";
    Script::parse(std::path::Path::new("quick.yaml"), text.as_bytes()).expect("a script")
}

#[test]
fn a_reply_that_is_complete_while_it_is_held_is_heard_or_dropped_as_a_whole() {
    simulate(async {
        let quick = |world: &mut World| world.script = suddenly_quick();
        let mut world = acquainted(0, quick).await;
        world.speak(&voice("american-man")).await;
        let turn = world.turn().await;
        assert_eq!(turn.outcome, Outcome::Completed);
        assert_close("what was heard", ms(turn.heard), 500.0, 15.0);
        let l = &turn.latencies;
        // What was given because thinking hid it is taken back with the quick answer: the profile's 500 ms are left.
        assert_close(
            "held for the rest of patience",
            ms(l.held),
            500.0 - 120.0,
            30.0,
        );
        assert!(l.downlink.expect("a downlink") > l.held, "inside it: {l:?}");
        assert_close("wait", ms(l.total.expect("a total")), 500.0, 90.0);
        world.quit().await;
    });
    simulate(async {
        let quick = |world: &mut World| world.script = suddenly_quick();
        let mut world = acquainted(0, quick).await;
        world.speak(&halting(PAUSE)).await;
        let turn = world.turn().await;
        assert_eq!((&turn.outcome, turn.cut_offs), (&Outcome::Completed, 0));
        assert_eq!(turn.assistant.matches("Second").count(), 0, "{turn:?}");
        // The answer had been given, as far as the service knows: the second half alone is parroted.
        assert!(ms(turn.heard) > length(&voice("british-woman")), "{turn:?}");
        world.quit().await;
    });
}

#[test]
fn auto_leaves_for_the_better_profile_and_says_why_without_losing_a_word() {
    simulate(async {
        let mut world = World::new("auto").start();
        world.ready().await;
        let begun = world.session.snapshots.borrow().clone();
        let auto = begun.auto.clone().expect("a profile that chooses");
        assert_eq!(begun.profiles[begun.chosen].name, "auto");
        assert_eq!(auto.why, "Balanced: there is no recent answer to go by.");
        let (mut used, mut told) = (Vec::new(), Vec::new());
        for _ in 0..7 {
            world.speak(&voice("british-woman")).await;
            let turn = loop {
                match world.event().await {
                    Event::Closed(turn) => break *turn,
                    Event::Notice(_, text) => told.push(text),
                    Event::Audible { .. }
                    | Event::NotWritten(_)
                    | Event::InputOver
                    | Event::LimitReached(_)
                    | Event::Broken(_)
                    | Event::Over(_) => {}
                }
            };
            assert!(turn.auto && turn.to_json().contains(r#""auto":true"#));
            assert_eq!(turn.outcome, Outcome::Completed);
            used.push(turn.profile);
        }
        assert_eq!(used[0], "balanced");
        assert_eq!(used[6], "high-quality", "{used:?}");
        let changes = told
            .iter()
            .filter(|text| text.starts_with("Auto: High quality: responses take about"))
            .count();
        assert_eq!(changes, 1, "{told:?}");
        let auto = world.session.snapshots.borrow().auto.clone();
        let auto = auto.expect("it still chooses");
        assert_eq!((auto.uses.as_str(), auto.changes), ("High quality", 1));
        let figures = world.session.snapshots.borrow().figures.clone();
        assert_eq!(
            (figures.n, figures.turns.all()),
            (7, 7),
            "of all that it chose"
        );
        // Another choice of the user ends it.
        world.tell(Command::UseProfile("ultra-fast".into())).await;
        world.speak(&voice("british-woman")).await;
        let turn = world.turn().await;
        assert_eq!((turn.profile.as_str(), turn.auto), ("ultra-fast", false));
        let summary = world.quit().await;
        assert_eq!((summary.spoken, summary.answered, summary.lost), (8, 8, 0));
    });
}

#[test]
fn the_end_of_the_program_knows_how_much_of_a_reply_was_heard() {
    simulate(async {
        let mut world = World::new("balanced");
        world.script = say_long_then_parrot();
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        world.audible().await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        world.tell(Command::Quit).await;
        let turn = world.turn().await;
        assert_eq!(turn.outcome, Outcome::Interrupted);
        assert_close("what was heard", ms(turn.heard), 700.0, 30.0);
    });
}

#[test]
fn nothing_is_heard_before_the_window_is_there() {
    for shown in [true, false] {
        simulate(async {
            let mut world = World::new("balanced").start();
            world.tell(Command::SetShown(false)).await;
            world.ready().await;
            let end = world.speak(&voice("american-man")).await;
            tokio::time::sleep(Duration::from_secs(3)).await;
            assert_eq!(world.desk.first_sound(end, 0.001), None);
            let told = tokio::time::Instant::now().into_std();
            if shown {
                world.tell(Command::SetShown(true)).await;
            }
            let turn = world.turn().await;
            assert_eq!(turn.outcome, Outcome::Completed, "{turn:?}");
            let sounded = world.desk.first_sound(end, 0.001).expect("a reply");
            let waited = apart(sounded, told);
            // A window that does not come keeps nobody silent.
            let most = if shown { 100.0 } else { 9_000.0 };
            assert!((0.0..most).contains(&waited), "{waited} ms");
            world.quit().await;
        });
    }
}

#[test]
fn files_are_no_microphone_that_listens() {
    simulate(async {
        let mut world = World::new("balanced");
        world.files = Some(1);
        let mut world = world.start();
        world.ready().await;
        let shown = world.session.snapshots.borrow().clone();
        assert_eq!(shown.activity, Activity::NoMicrophone);
        assert_eq!(shown.input.stream, None);
        assert_eq!(shown.echo.why, "no microphone: not needed");
        assert_eq!(
            shown.barge_in,
            (false, "no microphone: Esc stops a reply".into())
        );
        world.quit().await;
    });
}

#[test]
fn a_muted_microphone_interrupts_nobody() {
    simulate(async {
        let mut world = World::new("balanced").start();
        world.ready().await;
        assert!(world.session.snapshots.borrow().barge_in.0, "a headset");
        world.tell(Command::SetMuted(true)).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let shown = world.session.snapshots.borrow().barge_in.clone();
        assert_eq!(shown, (false, "muted: Esc stops a reply".into()));
        world.quit().await;
    });
}

#[test]
fn notes_about_a_profile_end_with_what_they_tell_of() {
    simulate(async {
        let mut world = World::new("balanced").start();
        world.ready().await;
        world.desk.speak(&voice("american-man"));
        tokio::time::sleep(Duration::from_millis(400)).await;
        world.tell(Command::UseProfile("ultra-fast".into())).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let notes = |world: &Running| -> Vec<String> {
            let shown = world.session.snapshots.borrow().clone();
            // There is no file to keep a choice in here.
            let texts = shown.notices.iter().map(|notice| notice.text.english());
            texts
                .filter(|text| !text.starts_with("This choice"))
                .collect()
        };
        assert!(
            notes(&world)
                .iter()
                .any(|note| note.starts_with("The new profile applies"))
        );
        world.turn().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(notes(&world), Vec::<String>::new());
        // What is wrong stands until it is right.
        world.tell(Command::UseProfile("nope".into())).await;
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert!(notes(&world)[0].starts_with("unknown profile `nope`"));
        world.tell(Command::UseProfile("balanced".into())).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!notes(&world).iter().any(|note| note.starts_with("unknown")));
        world.quit().await;
    });
}
