//! Whole conversations over lines that are cut, stand still, swallow what they take, or are too slow: nothing that was said
//! is lost without a word.

use std::time::Duration;

use crate::support::line::Mode;
use crate::support::{Running, World, simulate, voice};
use sovereign::base::localized_text::LocalizedText;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Activity, Link, Notice};
use sovereign::server::script::{ScriptStep, SpeechKind};
use sovereign::telemetry::diagnosis::Remedy;
use sovereign::telemetry::record::TurnRecord;
use sovereign::telemetry::summary::Summary;
use sovereign::turn::machine::Outcome;

/// A voice without a pause that would end a turn.
fn long_voice(seconds: usize) -> Vec<f32> {
    let once = voice("american-man");
    once.iter()
        .copied()
        .cycle()
        .take(seconds * 48_000)
        .collect()
}

/// A world whose service answers every turn with a second of sound.
pub(super) fn world() -> World {
    let mut world = World::new("balanced");
    let sound = SpeechKind::Tone {
        hz: 440.0,
        length: Duration::from_secs(1),
    };
    world.script.turns = vec![vec![ScriptStep::Say {
        words: "Yes.".into(),
        sound,
    }]];
    world.script.repeat = true;
    world
}

/// How long the service heard the turn to be; it listens to no more than a minute.
fn heard_seconds(turn: &TurnRecord) -> f64 {
    let mut words = turn.user.split(' ');
    words
        .find_map(|word| word.parse().ok())
        .unwrap_or_else(|| panic!("no seconds: {turn:?}"))
}

fn assert_answered(turn: &TurnRecord, seconds: f64) {
    assert_eq!(turn.outcome, Outcome::Completed, "{turn:?}");
    let heard = heard_seconds(turn);
    assert!(
        (heard - seconds.min(60.0)).abs() < 1.5,
        "{heard} s of {seconds} s"
    );
}

fn assert_counts(summary: &Summary, spoken: u64, answered: u64, lost: u64) {
    let seen = (summary.spoken, summary.answered, summary.lost);
    assert_eq!(seen, (spoken, answered, lost));
}

async fn sleep(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

async fn until_connected(world: &mut Running) {
    let mut snapshots = world.session.snapshots.clone();
    let connected = snapshots.wait_for(|s| matches!(s.link, Link::Connected { .. }));
    connected.await.expect("the session runs");
}

#[test]
fn a_long_utterance_that_is_cut_is_answered_once_however_long_and_wherever() {
    for (seconds, cuts) in [
        (65, vec![64_000]),
        (65, vec![500, 30_000, 65_200]),
        (125, vec![70_000, 70_400, 71_000, 120_000]),
        (300, vec![299_000]),
    ] {
        // What is more than a minute is in a file.
        let state = tempfile::tempdir().expect("a folder");
        simulate(async {
            let mut world = world();
            world.state = Some(state.path().to_owned());
            let mut world = world.start();
            world.ready().await;
            world.desk.speak(&long_voice(seconds));
            let mut at = 0;
            for cut in &cuts {
                sleep(cut - at).await;
                at = *cut;
                world.cut();
            }
            let turn = world.turn().await;
            assert_answered(&turn, seconds as f64);
            // A message adds 3 % to its sound. Sent twice, it would be twice as much.
            let carried = world.line.carried_seconds() / seconds as f64;
            assert!(
                (1.0..1.2).contains(&carried),
                "{carried} times what was said"
            );
            let summary = world.quit().await;
            assert_counts(&summary, 1, 1, 0);
            // None is lost to the replay; a cut may find none.
            assert!(summary.connections <= 1 + cuts.len() as u64, "{summary:?}");
        });
    }
}

#[test]
fn a_slow_line_costs_time_and_no_words() {
    // 32 to 256 kbit/s; speech needs 350.
    for (rate, seconds) in [(4_000, 12), (8_000, 20), (16_000, 65), (32_000, 65)] {
        simulate(async {
            let mut world = world().start();
            world.ready().await;
            world.line.set(Mode::Slow(rate));
            world.desk.speak(&long_voice(seconds));
            sleep(5_000).await;
            world.cut();
            let mut most = 0;
            let turn = loop {
                tokio::select! {
                    turn = world.session.events.recv() => {
                        if let Some(sovereign::conversation::Event::Closed(turn)) = turn {
                            break *turn;
                        }
                    }
                    () = sleep(100) => {
                        most = most.max(world.session.snapshots.borrow().figures.meters.outbox);
                    }
                }
            };
            assert_answered(&turn, seconds as f64);
            assert!(most <= 4, "{most} commands waited");
            let summary = world.quit().await;
            assert_counts(&summary, 1, 1, 0);
            assert_eq!(summary.connections, 2, "a line that moves is not stuck");
        });
    }
}

#[test]
fn both_utterances_on_a_line_that_swallows_are_answered_when_it_is_replaced() {
    simulate(async {
        let mut world = world().start();
        world.ready().await;
        world.line.set(Mode::Swallows);
        for _ in 0..2 {
            world.speak(&voice("american-man")).await;
            sleep(4_000).await;
        }
        world.line.set(Mode::Open);
        for _ in 0..2 {
            assert_answered(&world.turn().await, 1.5);
        }
        let summary = world.quit().await;
        assert_counts(&summary, 2, 2, 0);
        assert_eq!(summary.connections, 2);
    });
}

#[test]
fn what_no_line_carries_fails_with_words_and_is_counted() {
    simulate(async {
        let mut world = world().start();
        world.ready().await;
        world.line.set(Mode::Swallows);
        for _ in 0..2 {
            world.speak(&voice("american-man")).await;
            sleep(4_000).await;
        }
        // Connections can be set up, and die as soon as they are.
        let mut snapshots = world.session.snapshots.clone();
        let line = world.line.clone();
        tokio::task::spawn_local(async move {
            let is_up = |s: &std::sync::Arc<sovereign::conversation::snapshot::Snapshot>| {
                matches!(s.link, Link::Connected { .. })
            };
            while snapshots.wait_for(|s| !is_up(s)).await.is_ok() {
                line.set(Mode::Open);
                if snapshots.wait_for(is_up).await.is_err() {
                    return;
                }
                line.set(Mode::Swallows);
            }
        });
        for _ in 0..2 {
            let turn = world.turn().await;
            assert!(
                matches!(&turn.outcome, Outcome::Failed(why) if why.english().contains("no answer")),
                "{turn:?}"
            );
        }
        assert_counts(&world.quit().await, 2, 0, 2);
    });
}

#[test]
fn an_answer_that_is_cut_off_is_asked_for_again_by_itself() {
    simulate(async {
        let mut world = world();
        if let ScriptStep::Say { sound, .. } = &mut world.script.turns[0][0] {
            *sound = SpeechKind::Tone {
                hz: 440.0,
                length: Duration::from_secs(6),
            };
        }
        world.script.turns[0].insert(0, ScriptStep::Speed(1.0));
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        sleep(2_000).await;
        world.cut();
        let cut = world.turn().await;
        let lost = "in the middle of the reply";
        assert!(
            matches!(&cut.outcome, Outcome::Failed(why) if why.english().contains(lost)),
            "{cut:?}"
        );
        assert!(cut.heard > Duration::from_secs(1), "what came is heard");
        let again = world.turn().await;
        assert_answered(&again, 1.5);
        assert_eq!((again.asked_again, again.heard.as_secs()), (1, 6));
        assert_counts(&world.quit().await, 1, 1, 0);
    });
}

#[test]
fn an_answer_that_every_connection_cuts_off_is_asked_for_three_times() {
    simulate(async {
        let mut world = world();
        world.script.turns[0].insert(0, ScriptStep::Speed(1.0));
        world.script.turns[0].push(ScriptStep::Drop);
        world.window = true;
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        for asked_again in 0..3 {
            assert_eq!(world.turn().await.asked_again, asked_again);
        }
        sleep(10_000).await;
        let snapshot = world.session.snapshots.borrow().clone();
        assert!(snapshot.ask_again && snapshot.activity == Activity::Listening);
        assert_counts(&world.quit().await, 1, 1, 0);
    });
}

/// Speaks while there is no connection, which comes back so many seconds later.
async fn speak_offline(world: &mut Running, seconds: u64) {
    world.line.set(Mode::Refuses);
    world.cut();
    sleep(1_000).await;
    world.speak(&voice("american-man")).await;
    sleep(seconds * 1_000).await;
    world.line.set(Mode::Open);
    until_connected(world).await;
}

#[test]
fn what_was_said_long_before_the_connection_returns_waits_for_consent_and_is_kept() {
    simulate(async {
        let mut world = world();
        world.window = true;
        let mut world = world.start();
        world.ready().await;
        speak_offline(&mut world, 60).await;
        let turn = world.turn().await;
        let why = "there was no connection for";
        assert!(
            matches!(&turn.outcome, Outcome::Failed(w) if w.english().contains(why)),
            "{turn:?}"
        );
        sleep(5_000).await;
        let notices = world.session.snapshots.borrow().notices.clone();
        let sends = |notice: &&Notice| notice.remedy == Some(Remedy::SendNow);
        assert_eq!(notices.iter().filter(sends).count(), 1, "{notices:?}");
        // Another question in between takes nothing away.
        world.speak(&voice("british-woman")).await;
        assert_eq!(world.turn().await.asked_again, 0);
        let notices = world.session.snapshots.borrow().notices.clone();
        assert_eq!(notices.iter().filter(sends).count(), 1, "{notices:?}");
        world.tell(Command::Apply(Remedy::SendNow)).await;
        let turn = world.turn().await;
        assert_answered(&turn, 1.5);
        assert_eq!(turn.asked_again, 1);
        assert!(!world.session.snapshots.borrow().ask_again);
        assert_counts(&world.quit().await, 2, 2, 0);
    });
}

#[test]
fn what_was_said_a_moment_before_or_where_nobody_can_be_asked_is_sent_by_itself() {
    for (window, seconds) in [(true, 10), (false, 90)] {
        simulate(async {
            let mut world = world();
            world.window = window;
            let mut world = world.start();
            world.ready().await;
            speak_offline(&mut world, seconds).await;
            assert_answered(&world.turn().await, 1.5);
            assert_counts(&world.quit().await, 1, 1, 0);
        });
    }
}

#[test]
fn a_line_that_stands_still_for_a_while_loses_nothing() {
    for ms in [200, 1_000, 2_000, 5_000, 15_000, 60_000] {
        simulate(async {
            let mut world = world().start();
            world.ready().await;
            world.desk.speak(&long_voice(4));
            sleep(1_000).await;
            world.line.set(Mode::Stands);
            sleep(ms).await;
            world.line.set(Mode::Open);
            assert_answered(&world.turn().await, 4.0);
            assert_counts(&world.quit().await, 1, 1, 0);
        });
    }
}

#[test]
fn a_service_that_shows_that_it_works_is_waited_for() {
    let signs = [
        (r#"{"voiceActivity":{"type":"ACTIVITY_START"}}"#, true),
        (r#"{"sessionResumptionUpdate":{"resumable":false}}"#, true),
        (r#"{"toolCallCancellation":{"ids":["x"]}}"#, true),
        (r#"{"usageMetadata":{"promptTokenCount":1}}"#, false),
    ];
    for (sign, works) in signs {
        simulate(async {
            let mut world = world();
            let answer = world.script.turns.remove(0);
            let wait = ScriptStep::Wait(Duration::from_secs(9));
            let mut slow = vec![vec![wait, ScriptStep::Raw(sign.to_owned())]; 5].concat();
            slow.extend(answer.clone());
            world.script.turns = vec![slow, answer];
            let mut world = world.start();
            world.ready().await;
            world.speak(&voice("american-man")).await;
            let turn = world.turn().await;
            // It was heard, as its words show: it is asked again on another connection.
            let silent = Outcome::Failed(LocalizedText::new(|| "no answer within 20 s"));
            let expected = if works { Outcome::Completed } else { silent };
            assert_eq!((&turn.outcome, turn.retried), (&expected, !works), "{sign}");
            let summary = world.quit().await;
            // The program ends before it is asked again.
            assert_eq!((summary.spoken, summary.lost), (1, u64::from(!works)));
        });
    }
}

#[test]
fn connections_that_end_before_they_answer_are_tried_again() {
    simulate(async {
        let mut world = world().start();
        world.ready().await;
        world.line.set(Mode::Refuses);
        world.cut();
        world.speak(&voice("american-man")).await;
        sleep(10_000).await;
        let Link::Down { what, retry_at, .. } = world.session.snapshots.borrow().link.clone()
        else {
            // It may be trying just now.
            world.line.set(Mode::Open);
            return assert_answered(&world.turn().await, 1.5);
        };
        assert!(
            what.contains("broke the connection off before it had answered"),
            "{what}"
        );
        assert!(retry_at.is_some());
        world.line.set(Mode::Open);
        world.tell(Command::RetryNow).await;
        assert_answered(&world.turn().await, 1.5);
        assert_counts(&world.quit().await, 1, 1, 0);
    });
}

#[test]
fn every_close_code_leaves_an_answer_or_words() {
    let reasons = [
        "",
        "Internal error encountered.",
        "BidiGenerateContent session not found",
        "The reason is told in as many bytes as a close frame may hold, which are one hundred and twenty-three of them, not one more",
    ];
    let codes = [
        1000, 1001, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 3000, 4000, 4999,
    ];
    for code in codes {
        let telling = [1007, 1008, 1011, 4000].contains(&code);
        for reason in &reasons[..if telling { reasons.len() } else { 1 }] {
            simulate(async {
                let mut world = world();
                let answer = world.script.turns.remove(0);
                let close = ScriptStep::Close {
                    code,
                    reason: reason.chars().take(123).collect(),
                };
                // Resumed or begun again, the conversation goes on with an answer.
                world.script.turns = vec![answer.clone(), vec![close], answer];
                let mut world = world.start();
                world.ready().await;
                for _ in 0..2 {
                    world.speak(&voice("american-man")).await;
                    let turn = world.turn().await;
                    let answered = turn.outcome == Outcome::Completed;
                    assert!(answered, "{code} {reason}: {turn:?}");
                }
                until_connected(&mut world).await;
                let summary = world.quit().await;
                assert_counts(&summary, 2, 2, 0);
                assert!(summary.connections <= 4, "{code} {reason}: {summary:?}");
            });
        }
    }
}

#[test]
fn a_server_that_ends_every_connection_at_once_is_not_stormed() {
    simulate(async {
        let mut world = world().start();
        world.ready().await;
        let begun = tokio::time::Instant::now();
        // Twenty attempts in a minute, then half a minute of rest.
        while begun.elapsed() < Duration::from_secs(300) {
            until_connected(&mut world).await;
            world.cut();
            sleep(50).await;
        }
        let summary = world.quit().await;
        assert!(
            summary.connections <= 5 * 20,
            "{} connections in 5 min",
            summary.connections
        );
        assert!(summary.connections > 5, "it gave up");
    });
}

/// Sockets that this process holds.
#[cfg(target_os = "linux")]
fn sockets() -> usize {
    let open = std::fs::read_dir("/proc/self/fd").expect("it is there");
    let names = open
        .flatten()
        .filter_map(|fd| std::fs::read_link(fd.path()).ok());
    names
        .filter(|name| name.to_string_lossy().starts_with("socket:"))
        .count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn connections_that_come_and_go_leave_no_socket_and_no_task_behind() {
    use sovereign::provider::gemini;
    use sovereign::provider::{Control, ProviderEvent, ServiceEndpoint};
    use sovereign::server::{Options, Server};
    use std::sync::Arc;

    let any_port = "127.0.0.1:0".parse().expect("an address");
    let server = Server::start(any_port, Options::default()).expect("a port");
    let url = format!(
        "ws://{}/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
        server.address()
    );
    let target = ServiceEndpoint {
        url: url.parse().expect("an address"),
        key: None,
    };
    let config = sovereign::provider::SessionConfig {
        model: "gemini-3.8-live".into(),
        ..Default::default()
    };
    let dialer = Arc::new(sovereign::provider::connection::dial::TcpDialer::default());
    let mut client = gemini::spawn(dialer, target, config.clone(), Arc::default());
    let mut held = Vec::new();
    for nth in 0..200 {
        while !matches!(client.events.recv().await, Some(ProviderEvent::Ready(_))) {}
        // The first ones open what stays open; what is closed ends a moment later.
        if nth == 20 || nth == 199 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let tasks = tokio::runtime::Handle::current().metrics();
            held.push((sockets(), tasks.num_alive_tasks()));
        }
        let roll = Control::Roll(Box::new(config.clone()));
        client.controls.send(roll).await.expect("the client runs");
    }
    assert_eq!(held[0], held[1], "sockets and tasks after 20 and after 199");
    server.stop();
}
