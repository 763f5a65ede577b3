//! The talk key, the wish to hear it again, and the sound check: on simulated time, over the embedded server.

use std::time::{Duration, Instant};

use crate::support::{Running, World, simulate, voice};
use sovereign::base::ids::Mark;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Activity, CheckStatus, CheckStep, Notice, Snapshot};
use sovereign::desktop::{MediaKey, MediaKeysState};
use sovereign::profile::Detection;
use sovereign::server::Script;
use sovereign::settings::config::TalkKey;
use sovereign::telemetry::record::TurnRecord;
use sovereign::turn::machine::Outcome;

/// How far the gate may follow the key: the worker's next tick, a period of 512 frames, a frame.
const GATE_MS: f64 = 40.0;
const PRESS: Command = Command::HoldToTalk(true);
const RELEASE: Command = Command::HoldToTalk(false);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Milliseconds from `since` to the decision that the turn is over.
fn ended_after(turn: &TurnRecord, since: Instant) -> f64 {
    let endpoint = turn.timeline.get(Mark::Endpoint).expect("an endpoint");
    let (later, earlier) = (
        endpoint.saturating_duration_since(since),
        since.saturating_duration_since(endpoint),
    );
    later.as_secs_f64() * 1e3 - earlier.as_secs_f64() * 1e3
}

fn seen(world: &Running) -> Snapshot {
    Snapshot::clone(&world.session.snapshots.borrow())
}

async fn tell_all(world: &Running, commands: impl IntoIterator<Item = Command>) {
    for command in commands {
        world.tell(command).await;
    }
    tokio::time::sleep(ms(50)).await;
}

/// A conversation in which only the key opens the microphone.
async fn by_key(detection: Detection, choices: impl IntoIterator<Item = Command>) -> Running {
    let mut world = World::new("balanced");
    world.profile.turn.detection = detection;
    let mut world = world.start();
    world.ready().await;
    tell_all(&world, [Command::set("voice_activation", &false)]).await;
    tell_all(&world, choices).await;
    world
}

#[test]
fn while_the_key_is_up_not_one_byte_of_speech_is_sent() {
    for detection in [Detection::Manual, Detection::Automatic] {
        simulate(async {
            let mut world = by_key(detection, []).await;
            assert!(!seen(&world).talk.voice_activation);
            // With automatic detection the end of the stream is said once.
            tokio::time::sleep(ms(2_000)).await;
            let sent = world.session.counters.bytes_sent.get();
            world.speak(&voice("american-man")).await;
            tokio::time::sleep(ms(2_000)).await;
            assert_eq!(world.session.counters.bytes_sent.get(), sent);
            assert_eq!(seen(&world).activity, Activity::Listening);
            assert!(seen(&world).input.stream.is_some(), "the device runs on");
            tell_all(&world, [PRESS]).await;
            assert_eq!(seen(&world).activity, Activity::Held);
            let said = voice("british-woman");
            world.speak(&said).await;
            tell_all(&world, [RELEASE]).await;
            let turn = world.turn().await;
            assert_eq!(turn.outcome, Outcome::Completed, "{detection:?} {turn:?}");
            let said = said.len() as f64 / 48.0;
            let sent = turn.sent.as_secs_f64() * 1e3;
            assert!((said..said + 400.0).contains(&sent), "{sent} of {said} ms");
            assert!(world.session.counters.bytes_sent.get() > 30_000);
            let summary = world.quit().await;
            assert_eq!((summary.spoken, summary.lost), (1, 0), "{detection:?}");
        });
    }
}

#[test]
fn what_was_said_just_before_the_press_is_not_lost() {
    simulate(async {
        let mut world = by_key(Detection::Manual, []).await;
        world.desk.speak(&voice("american-man"));
        tokio::time::sleep(ms(400)).await;
        world.tell(PRESS).await;
        tokio::time::sleep(ms(600)).await;
        world.tell(RELEASE).await;
        let turn = world.turn().await;
        let sent = turn.sent.as_secs_f64() * 1e3;
        // Up to 150 ms from before the press.
        assert!((700.0..800.0).contains(&sent), "{sent} ms");
        world.quit().await;
    });
}

#[test]
fn the_microphone_stays_open_after_the_key() {
    for delay in [0, 300, 2_000] {
        simulate(async {
            let choice = Command::set("release_delay_ms", &ms(delay));
            let mut world = by_key(Detection::Manual, [choice]).await;
            tell_all(&world, [PRESS]).await;
            world.speak(&voice("american-man")).await;
            let released = now();
            world.tell(RELEASE).await;
            tokio::time::sleep(ms(delay / 2)).await;
            if delay > 0 {
                let shown = seen(&world);
                assert!(shown.talk.closing && shown.activity == Activity::Held);
            }
            let turn = world.turn().await;
            let late = ended_after(&turn, released) - delay as f64;
            assert!((0.0..GATE_MS).contains(&late), "{delay}: {late} ms late");
            assert!(!seen(&world).talk.closing);
            world.quit().await;
        });
    }
}

#[test]
fn a_press_within_the_delay_goes_on_with_the_same_utterance() {
    for key in [TalkKey::Hold, TalkKey::Tap] {
        simulate(async {
            let choices = [
                Command::set("talk_key", &key),
                Command::set("release_delay_ms", &ms(1_000)),
            ];
            let mut world = by_key(Detection::Manual, choices).await;
            // Held or tapped: a press opens, what follows lets go.
            let let_go = if key == TalkKey::Hold { RELEASE } else { PRESS };
            tell_all(&world, [PRESS]).await;
            world.speak(&voice("american-man")).await;
            tell_all(&world, [let_go.clone()]).await;
            tokio::time::sleep(ms(700)).await;
            tell_all(&world, [PRESS]).await;
            tokio::time::sleep(ms(900)).await;
            assert_eq!(seen(&world).activity, Activity::Held, "it did not close");
            world.speak(&voice("british-woman")).await;
            world.tell(let_go).await;
            let turn = world.turn().await;
            assert_eq!((turn.outcome, turn.reopened), (Outcome::Completed, 0));
            assert_eq!(world.quit().await.spoken, 1, "{key:?}");
        });
    }
}

#[test]
fn escape_and_mute_do_not_wait_for_the_delay() {
    simulate(async {
        let choice = Command::set("release_delay_ms", &ms(2_000));
        let mut world = by_key(Detection::Manual, [choice]).await;
        tell_all(&world, [PRESS]).await;
        world.speak(&voice("american-man")).await;
        tell_all(&world, [RELEASE]).await;
        let pressed = now();
        world.tell(Command::StopReply).await;
        let turn = world.turn().await;
        assert_eq!(
            turn.outcome,
            Outcome::Completed,
            "what was said is answered"
        );
        assert!(ended_after(&turn, pressed) < GATE_MS, "{turn:?}");

        tell_all(&world, [PRESS]).await;
        world.speak(&voice("american-man")).await;
        tell_all(&world, [RELEASE, Command::SetMuted(true)]).await;
        let shown = seen(&world);
        assert!(shown.muted && shown.activity != Activity::Held && !shown.talk.closing);
        world.tell(Command::SetMuted(false)).await;
        tokio::time::sleep(ms(2_500)).await;
        assert_ne!(seen(&world).activity, Activity::Held, "the key is up");
        world.quit().await;
    });
}

#[test]
fn a_locked_screen_mutes_and_an_unlocked_one_unmutes_what_it_muted() {
    use Command::{LockScreen, SetMuted};
    simulate(async {
        let world = by_key(Detection::Manual, []).await;
        let off = Command::set("mute_when_locked", &false);
        for (commands, muted) in [
            (vec![LockScreen(true)], true),
            (vec![LockScreen(false)], false),
            (vec![SetMuted(true), LockScreen(true)], true),
            // The user had muted it.
            (vec![LockScreen(false)], true),
            (vec![SetMuted(false), LockScreen(true)], true),
            // The user wants to talk over the locked screen, and is then silent.
            (vec![SetMuted(false)], false),
            (vec![SetMuted(true), LockScreen(false)], true),
            (vec![SetMuted(false), off, LockScreen(true)], false),
            (vec![LockScreen(false)], false),
        ] {
            let told = format!("{commands:?}");
            tell_all(&world, commands).await;
            assert_eq!(seen(&world).muted, muted, "after {told}");
        }
        let notices = &seen(&world).notices;
        let told = |notice: &&Notice| notice.text.english().contains("locked");
        assert_eq!(notices.iter().filter(told).count(), 1, "{notices:?}");
        world.quit().await;
    });
}

async fn is_quiet_again(world: &Running) {
    tokio::time::sleep(ms(5_000)).await;
    assert_eq!(seen(world).activity, Activity::Listening);
}

#[test]
fn a_media_key_is_tapped_and_stops_what_is_said() {
    use Command::{PressMediaKey, ShowMediaKeys};
    let press = || PressMediaKey(MediaKey::PlayPause);
    for key in [TalkKey::Hold, TalkKey::Tap] {
        simulate(async {
            let mut world = by_key(Detection::Manual, [Command::set("talk_key", &key)]).await;
            tell_all(&world, [ShowMediaKeys(MediaKeysState::Works), press()]).await;
            assert_eq!(seen(&world).activity, Activity::Held);
            world.speak(&voice("american-man")).await;
            tell_all(&world, [PressMediaKey(MediaKey::Play)]).await;
            assert_eq!(seen(&world).activity, Activity::Held, "it plays already");
            tell_all(&world, [press()]).await;
            assert_eq!(world.turn().await.outcome, Outcome::Completed);
            // The last answer again, which the next press stops.
            for stop in [MediaKey::PlayPause, MediaKey::Stop] {
                tell_all(&world, [PressMediaKey(MediaKey::Next)]).await;
                assert_eq!(seen(&world).activity, Activity::Repeating);
                tell_all(&world, [PressMediaKey(stop)]).await;
                tokio::time::sleep(ms(500)).await;
                assert_eq!(seen(&world).activity, Activity::Listening, "{stop:?}");
            }
            // Quick ones; what was sent meanwhile may be answered.
            tell_all(&world, (0..100).map(|_| press())).await;
            tell_all(&world, [PressMediaKey(MediaKey::Stop)]).await;
            for closes in [
                PressMediaKey(MediaKey::Stop),
                // Esc.
                Command::StopReply,
                // The bus is gone, or the keys are not wanted any more.
                ShowMediaKeys(MediaKeysState::NotPossible { why: String::new() }),
                ShowMediaKeys(MediaKeysState::Off),
            ] {
                is_quiet_again(&world).await;
                tell_all(&world, [PressMediaKey(MediaKey::Play)]).await;
                assert_eq!(seen(&world).activity, Activity::Held);
                let told = format!("{closes:?}");
                tell_all(&world, [closes]).await;
                assert_ne!(seen(&world).activity, Activity::Held, "{told}");
            }
            is_quiet_again(&world).await;
            // What the talk key opened is not theirs to close.
            tell_all(&world, [PRESS, ShowMediaKeys(MediaKeysState::Off)]).await;
            assert_eq!(seen(&world).activity, Activity::Held);
            tell_all(&world, [press()]).await;
            is_quiet_again(&world).await;
            tell_all(&world, [Command::SetMuted(true), press()]).await;
            assert!(seen(&world).muted && seen(&world).talk.held_in_vain);
            world.quit().await;
        });
    }
}

#[test]
fn a_tap_opens_and_the_next_one_closes() {
    simulate(async {
        let mut world = by_key(Detection::Manual, [Command::set("talk_key", &TalkKey::Tap)]).await;
        tell_all(&world, [PRESS, RELEASE]).await;
        assert_eq!(seen(&world).activity, Activity::Held);
        world.speak(&voice("american-man")).await;
        tokio::time::sleep(ms(1_500)).await;
        assert_eq!(seen(&world).activity, Activity::Held, "no patience ends it");
        let pressed = now();
        tell_all(&world, [PRESS, RELEASE]).await;
        let turn = world.turn().await;
        assert!(ended_after(&turn, pressed) < GATE_MS, "{turn:?}");
        // Escape ends it as a tap does.
        tell_all(&world, [PRESS, RELEASE]).await;
        world.speak(&voice("british-woman")).await;
        let pressed = now();
        world.tell(Command::StopReply).await;
        let turn = world.turn().await;
        assert!(ended_after(&turn, pressed) < GATE_MS, "{turn:?}");
        assert_eq!(world.quit().await.spoken, 2);
    });
}

#[test]
fn with_voice_activation_the_key_is_a_second_way() {
    simulate(async {
        let mut world = World::new("balanced").start();
        world.ready().await;
        tell_all(
            &world,
            [Command::set("talk_key", &TalkKey::Tap), PRESS, RELEASE],
        )
        .await;
        world.speak(&voice("american-man")).await;
        tell_all(&world, [PRESS, RELEASE]).await;
        assert_eq!(world.turn().await.outcome, Outcome::Completed);
        world.speak(&voice("british-woman")).await;
        assert_eq!(world.turn().await.outcome, Outcome::Completed);
        assert_eq!(world.quit().await.spoken, 2);
    });
}

/// A conversation in which a question was answered.
async fn answered(detection: Detection) -> Running {
    let mut world = World::new("balanced");
    world.profile.turn.detection = detection;
    let mut world = world.start();
    world.ready().await;
    assert!(seen(&world).repeat.hindrance.is_some(), "nothing was heard");
    world.speak(&voice("american-man")).await;
    world.audible().await;
    assert_eq!(seen(&world).repeat.hindrance, Some("an answer is playing"));
    assert_eq!(world.turn().await.outcome, Outcome::Completed);
    tokio::time::sleep(ms(500)).await;
    assert_eq!(seen(&world).repeat.hindrance, None);
    world
}

#[test]
fn the_last_answer_sounds_again_and_the_service_hears_of_nothing() {
    simulate(async {
        let mut world = answered(Detection::Manual).await;
        let first = world.desk.heard_replies();
        let sent = world.session.counters.bytes_sent.get();
        world.tell(Command::Repeat).await;
        world.audible().await;
        assert_eq!(seen(&world).activity, Activity::Repeating);
        let all = Duration::from_secs_f64(first.len() as f64 / 48_000.0);
        tokio::time::sleep(all + ms(500)).await;
        assert_eq!(seen(&world).activity, Activity::Listening);
        assert_eq!(world.session.counters.bytes_sent.get(), sent);
        let both = world.desk.heard_replies();
        let again = &both[first.len()..];
        let energy = |samples: &[f32]| samples.iter().map(|s| f64::from(s * s)).sum::<f64>();
        let ratio = energy(again) / energy(&first);
        assert!((0.99..1.01).contains(&ratio), "{ratio}");
        assert_eq!(
            seen(&world).figures.turns.all(),
            1,
            "it is no turn of the user"
        );
        assert_eq!(world.quit().await.spoken, 1);
    });
}

#[test]
fn speech_the_key_and_escape_end_the_repetition() {
    for detection in [Detection::Manual, Detection::Automatic] {
        simulate(async {
            let mut world = answered(detection).await;
            world.tell(Command::Repeat).await;
            world.audible().await;
            world.tell(Command::StopReply).await;
            tokio::time::sleep(ms(100)).await;
            assert_eq!(seen(&world).activity, Activity::Listening, "{detection:?}");

            world.tell(Command::Repeat).await;
            world.audible().await;
            tell_all(&world, [PRESS]).await;
            assert_eq!(seen(&world).activity, Activity::Held, "{detection:?}");
            world.speak(&voice("british-woman")).await;
            world.tell(RELEASE).await;
            assert_eq!(world.turn().await.outcome, Outcome::Completed);
            tokio::time::sleep(ms(500)).await;

            world.tell(Command::Repeat).await;
            world.audible().await;
            world.speak(&voice("american-man")).await;
            let turn = world.turn().await;
            assert_eq!(turn.outcome, Outcome::Completed, "{detection:?} {turn:?}");
            let summary = world.quit().await;
            assert_eq!((summary.spoken, summary.lost), (3, 0), "{detection:?}");
        });
    }
}

#[test]
fn the_repetition_outlives_the_connection() {
    simulate(async {
        let mut world = answered(Detection::Manual).await;
        let first = world.desk.heard_replies().len();
        world.tell(Command::Repeat).await;
        world.audible().await;
        world.cut();
        tokio::time::sleep(ms(5_000)).await;
        assert_eq!(world.desk.heard_replies().len(), 2 * first);
        assert_eq!(seen(&world).activity, Activity::Listening);
        world.quit().await;
    });
}

#[test]
fn an_answer_is_kept_for_ten_minutes() {
    simulate(async {
        let world = answered(Detection::Manual).await;
        tokio::time::sleep(Duration::from_secs(580)).await;
        assert_eq!(seen(&world).repeat.hindrance, None);
        tokio::time::sleep(Duration::from_secs(25)).await;
        assert_eq!(seen(&world).repeat.turn, None);
        let heard = world.desk.heard_replies().len();
        world.tell(Command::Repeat).await;
        tokio::time::sleep(ms(500)).await;
        assert_eq!(world.desk.heard_replies().len(), heard, "silence");
        assert_eq!(seen(&world).activity, Activity::Listening);
        world.quit().await;
    });
}

#[test]
fn an_answer_that_was_cut_sounds_again_as_far_as_it_came() {
    simulate(async {
        let mut world = World::new("balanced");
        let text = "turns:\n  - - say: A story.\n      ms: 4000\n";
        let script = Script::parse(std::path::Path::new("story.yaml"), text.as_bytes());
        world.script = script.expect("a script");
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        world.audible().await;
        tokio::time::sleep(ms(1_000)).await;
        world.tell(Command::StopReply).await;
        assert_eq!(world.turn().await.outcome, Outcome::Interrupted);
        let before = world.desk.heard_replies().len();
        world.tell(Command::Repeat).await;
        world.audible().await;
        tokio::time::sleep(ms(5_000)).await;
        let again = (world.desk.heard_replies().len() - before) as f64 / 48.0;
        assert!(again > 900.0, "{again} ms");
        world.quit().await;
    });
}

/// Noise at -60 dBFS for so long, at 48 kHz.
fn hush(seconds: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) as f32 / 32_768.0 - 1.0) * 0.001_7
    };
    (0..seconds * 48_000).map(|_| next()).collect()
}

/// Follows a sound check to its end; the steps that were seen, and the last snapshot.
async fn follow(world: &mut Running) -> (Vec<CheckStep>, Snapshot) {
    let mut steps = Vec::new();
    loop {
        let changed = tokio::time::timeout(ms(20_000), world.session.snapshots.changed()).await;
        changed.expect("it ends").expect("the session runs");
        let shown = seen(world);
        let Some(check) = &shown.check else { continue };
        if steps.last() != Some(&check.step) {
            steps.push(check.step);
        }
        if check.step == CheckStep::Over {
            return (steps, shown);
        }
    }
}

#[test]
fn a_sound_check_tells_what_it_finds_and_nothing_of_it_is_sent() {
    for voice_activation in [true, false] {
        simulate(async {
            let mut world = World::new("balanced").start();
            world.ready().await;
            tell_all(
                &world,
                [Command::set("voice_activation", &voice_activation)],
            )
            .await;
            let sent = world.session.counters.bytes_sent.get();
            let mut air = hush(2);
            // One sentence and no more noise: what begins to sound after the check may be a turn.
            air.extend(voice("american-man"));
            world.desk.speak(&air);
            world.tell(Command::CheckSound { with_voice: true }).await;
            let (steps, shown) = follow(&mut world).await;
            let all = [
                CheckStep::Quiet,
                CheckStep::Speak,
                CheckStep::Chirp,
                CheckStep::Over,
            ];
            assert_eq!(steps, all);
            let lines = shown.check.expect("results").lines;
            let status: Vec<_> = lines.iter().map(|line| (line.name, line.status)).collect();
            let wanted = ["Microphone", "Room", "Voice", "Speaker", "Echo"];
            assert_eq!(
                status,
                wanted.map(|name| (name, CheckStatus::Ok)),
                "{lines:?}"
            );
            assert_eq!(lines[4].what, "the microphone does not hear the headset");
            let chirp = world.desk.heard_replies().len() as f64 / 48.0;
            assert!((200.0..350.0).contains(&chirp), "{chirp} ms");
            assert_eq!(world.session.counters.bytes_sent.get(), sent);
            world.tell(Command::CancelCheck).await;
            tokio::time::sleep(ms(100)).await;
            assert_eq!(seen(&world).check, None);
            assert_eq!(world.quit().await.spoken, 0);
        });
    }
}

#[test]
fn a_silent_microphone_and_a_muted_one_are_told_apart() {
    simulate(async {
        let mut world = World::new("balanced").start();
        world.ready().await;
        world.tell(Command::CheckSound { with_voice: false }).await;
        let (_, shown) = follow(&mut world).await;
        let lines = shown.check.expect("results").lines;
        assert_eq!(lines[0].status, CheckStatus::Bad);
        assert!(lines[0].what.contains("silent"), "{lines:?}");
        tell_all(&world, [Command::SetMuted(true)]).await;
        tell_all(&world, [Command::CheckSound { with_voice: false }]).await;
        let check = seen(&world).check.expect("results");
        assert_eq!(check.step, CheckStep::Over);
        assert_eq!(check.lines[0].what, "the microphone is muted");
        world.quit().await;
    });
}

#[test]
fn a_sound_check_is_given_up_and_the_conversation_goes_on() {
    simulate(async {
        let mut world = World::new("balanced").start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        world.audible().await;
        let check = Command::CheckSound { with_voice: true };
        tell_all(&world, [check.clone(), PRESS]).await;
        assert_eq!(world.turn().await.outcome, Outcome::Interrupted);
        assert_ne!(
            seen(&world).activity,
            Activity::Held,
            "the key is not heard"
        );
        assert_eq!(
            seen(&world).repeat.hindrance,
            Some("the sound is being checked")
        );
        tell_all(&world, [RELEASE, Command::CancelCheck]).await;
        world.speak(&voice("british-woman")).await;
        assert_eq!(world.turn().await.outcome, Outcome::Completed);
        tell_all(&world, [check, Command::SetMuted(true)]).await;
        assert_eq!(seen(&world).check, None, "mute ends it");
        assert_eq!(world.quit().await.spoken, 2);
    });
}

#[test]
fn a_press_without_a_connection_leaves_no_empty_caption() {
    simulate(async {
        let mut world = World::new("balanced");
        world.script.setup_delay_ms = 4_000;
        let mut world = world.start();
        tokio::time::sleep(ms(200)).await;
        for _ in 0..3 {
            tell_all(&world, [PRESS]).await;
            tokio::time::sleep(ms(300)).await;
            tell_all(&world, [RELEASE]).await;
        }
        world.ready().await;
        tokio::time::sleep(ms(40_000)).await;
        let left: Vec<_> = seen(&world).captions.to_vec();
        let empty = |caption: &&std::sync::Arc<sovereign::conversation::snapshot::Caption>| {
            caption.open || caption.text.trim().is_empty()
        };
        assert_eq!(left.iter().find(empty), None);
        world.quit().await;
    });
}
