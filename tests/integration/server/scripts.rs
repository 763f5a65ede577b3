//! Every action of a script, and the script's own keys.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use sovereign::server::Script;

use super::peer::{Desk, Got, Peer, hum, manual, simulate};

const HEARD_AND_TONE: [&str; 5] = [
    "heard",
    "audio",
    "generationComplete",
    "turnComplete",
    "handle",
];

/// The first turn of a script, asked for with half a second of hum.
async fn asked(yaml: &str) -> Peer {
    let mut peer = Desk::scripted(yaml).manual().await;
    peer.until("handle").await;
    peer.speak(&hum(500)).await;
    peer
}

#[test]
fn the_example_is_a_script() {
    let script = Script::load(Path::new("tests/fixtures/scripts/tour.yaml")).unwrap();
    assert_eq!(script.turns.len(), 8);
}

#[test]
fn faults_are_told_with_file_line_and_column() {
    let table = [
        ("turn: []", "bad.yaml:1:1", "turn"),
        (
            "turns:\n  - - say: x\n      hertz: 3",
            "bad.yaml:3:7",
            "hertz",
        ),
        ("turns:\n  - - parot", "bad.yaml:2:", "parrot"),
        (
            "turns:\n  - - stall: true\n      wait: 3",
            "bad.yaml:",
            "more than one action",
        ),
        (
            "turns:\n  - - ms: 3",
            "bad.yaml:",
            "ms belongs to another action",
        ),
        ("turns:\n  - - {}", "bad.yaml:", "no action"),
        (
            "turns:\n  - - close: 1006",
            "bad.yaml:",
            "1006 cannot be sent",
        ),
        (
            "turns:\n  - - chunk_ms: 0",
            "bad.yaml:",
            "chunk_ms: 1 to 1000",
        ),
        ("turns:\n  - - speed: -1", "bad.yaml:", "speed"),
        (
            "turns:\n  - - {say: x, wav: a.wav, ms: 3}",
            "bad.yaml:",
            "leave ms and hz out",
        ),
        ("turns:\n  - - stall: 2", "bad.yaml:", "expected true"),
        ("think_ms: soon", "bad.yaml:1:", "think_ms"),
        ("turn_complete: later", "bad.yaml:1:", "playback"),
        ("turns: [[wait: 1]", "bad.yaml:", ""),
    ];
    for (text, place, what) in table {
        let error = Script::parse(Path::new("bad.yaml"), text.as_bytes())
            .expect_err(text)
            .to_string();
        assert!(
            error.starts_with(place) && error.contains(what),
            "{text}\n wanted {place} {what}\n got    {error}"
        );
    }
    let missing = Script::load(Path::new("tests/fixtures/scripts/none.yaml"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("none.yaml"), "{missing}");
}

#[test]
fn say_wait_pad_and_think_take_their_time() {
    simulate(async {
        let yaml = "{think_ms: 150, turns: [[{say: one, ms: 400}, {wait: 300}, {pad: 100}, {say: two, ms: 200}]]}";
        let mut peer = asked(yaml).await;
        let turn = peer.turn().await;
        assert_eq!(turn.kinds, HEARD_AND_TONE);
        assert_eq!(
            turn.chunks[0].0,
            Duration::from_millis(150),
            "a known delay, and no more"
        );
        assert_eq!(turn.samples.len(), 24 * (400 + 100 + 200));
        assert_eq!(turn.said, "onetwo");
        // Ten chunks of 40 ms at four times real time, the last of them at 90 ms, then the pause.
        assert_eq!(turn.chunks[10].0, Duration::from_millis(150 + 90 + 300));
        let pad = &turn.samples[24 * 400..24 * 500];
        assert!(pad.iter().all(|s| *s == 0));
        // The assumed playback counts from the first audio.
        assert_eq!(turn.took, Duration::from_millis(150 + 700));
    });
}

#[test]
fn speed_chunk_and_jitter_change_the_pace() {
    simulate(async {
        let mut peer = asked("turns: [[{speed: 1}, {chunk_ms: 20}, {say: x, ms: 200}]]").await;
        let turn = peer.turn().await;
        let times: Vec<u128> = turn.chunks.iter().map(|c| c.0.as_millis()).collect();
        assert_eq!(times, (0..10).map(|n| n * 20).collect::<Vec<_>>());
        let mut peer = asked("turns: [[{speed: 0}, {say: x, ms: 2000}]]").await;
        assert!(peer.turn().await.chunks.iter().all(|c| c.0.is_zero()));
        let jittered = "turns: [[{jitter: 50, seed: 3}, {say: x, ms: 2000}]]";
        let once = asked(jittered).await.turn().await.chunks;
        let again = asked(jittered).await.turn().await.chunks;
        assert_eq!(once, again, "the same seed, the same delays");
        assert!(
            once.last().unwrap().0 > Duration::from_millis(700),
            "{:?}",
            once.last()
        );
    });
}

#[test]
fn odd_chunks_are_odd_and_lose_nothing() {
    simulate(async {
        let mut peer = asked("turns: [[odd_pcm, {say: x, ms: 210}]]").await;
        let turn = peer.turn().await;
        let (last, others) = turn.chunks.split_last().unwrap();
        assert!(others.iter().all(|c| c.1 % 2 == 1), "{:?}", turn.chunks);
        assert_eq!(others.iter().map(|c| c.1).sum::<usize>() + last.1, 210 * 48);
        let mut plain = asked("turns: [[{say: x, ms: 210}]]").await;
        assert_eq!(plain.turn().await.samples, turn.samples);
    });
}

#[test]
fn a_call_waits_for_its_answer_or_its_time() {
    let yaml =
        "turns: [[{call: get_time, args: {zone: UTC}, timeout_ms: 2000}, {say: noon, ms: 200}]]";
    simulate(async {
        let mut peer = asked(yaml).await;
        peer.message().await;
        let call = peer.message().await;
        let function = &call["toolCall"]["functionCalls"][0];
        assert_eq!(
            (&function["name"], &function["args"]),
            (&json!("get_time"), &json!({"zone": "UTC"}))
        );
        assert!(peer.is_quiet(Duration::from_millis(500)).await);
        let answer =
            json!({"id": function["id"], "name": "get_time", "response": {"output": "12:00"}});
        peer.send(json!({"toolResponse": {"functionResponses": [answer]}}))
            .await;
        assert_eq!(peer.turn().await.kinds, HEARD_AND_TONE[1..]);
    });
    simulate(async {
        let mut peer = asked(yaml).await;
        let turn = peer.turn().await;
        assert_eq!(turn.kinds[1..3], ["toolCall", "audio"]);
        assert_eq!(turn.chunks[0].0, Duration::from_secs(2));
    });
    simulate(async {
        let mut peer = asked("turns: [[{call: unheard_of}, {say: noon, ms: 200}]]").await;
        assert_eq!(
            peer.turn().await.kinds,
            HEARD_AND_TONE,
            "not declared: skipped"
        );
    });
}

#[test]
fn an_interruption_cancels_calls_and_may_be_followed_by_late_audio() {
    simulate(async {
        let mut peer = asked(
            "turns: [[{late_audio: 3}, {call: get_time, async: true}, {say: long, ms: 9000}]]",
        )
        .await;
        let before = peer.until("audio").await;
        assert_eq!(before.kinds, ["heard", "toolCall", "audio"]);
        peer.start().await;
        peer.until("interrupted").await;
        let after = peer.turn().await;
        assert_eq!(
            after.kinds,
            ["audio", "toolCallCancellation", "turnComplete", "handle"]
        );
        assert_eq!(after.chunks.len(), 3);
        // An answer that crosses with the cancellation is no fault; one with another name is.
        let answer = |name: &str| {
            let answer = json!({"id": "function-call-1", "name": name, "response": {}});
            json!({"toolResponse": {"functionResponses": [answer]}})
        };
        peer.send(answer("get_time")).await;
        assert!(peer.is_quiet(Duration::from_secs(1)).await);
    });
}

#[test]
fn thought_phantom_raw_and_empty_are_sent_as_written() {
    simulate(async {
        let mut peer = asked(
            "turns: [[{thought: hm}, phantom_interrupt, {raw: {serverContent: {waitingForInput: true}}}, empty]]",
        )
        .await;
        let mut messages = Vec::new();
        for _ in 0..6 {
            messages.push(peer.message().await["serverContent"].clone());
        }
        assert_eq!(
            messages[1]["modelTurn"]["parts"][0],
            json!({"text": "hm", "thought": true})
        );
        assert_eq!(messages[2], json!({"interrupted": true}));
        assert_eq!(
            messages[3],
            json!({"turnComplete": true, "interactionStatus": "IDLE"})
        );
        assert_eq!(messages[4], json!({"waitingForInput": true}));
        assert_eq!(messages[5], json!({"generationComplete": true}));
    });
}

#[test]
fn stall_leaves_the_turn_open_and_the_next_one_unharmed() {
    simulate(async {
        let mut peer = asked("turns: [[stall]]").await;
        assert!(
            peer.message().await["serverContent"]
                .get("inputTranscription")
                .is_some()
        );
        assert!(peer.is_quiet(Duration::from_secs(600)).await);
        peer.speak(&hum(300)).await;
        assert_eq!(
            peer.turn().await.kinds,
            HEARD_AND_TONE,
            "no interrupted: nothing was running"
        );
    });
}

#[test]
fn close_drop_and_go_away_end_the_connection_in_their_way() {
    simulate(async {
        let mut peer = asked("turns: [[{close: 1011, reason: internal error}]]").await;
        assert_eq!(peer.closed().await, (1011, "internal error".to_owned()));
        let mut peer = asked("turns: [[{speed: 0}, {say: cut, ms: 80}, drop]]").await;
        let mut chunks = 0;
        loop {
            match peer.got().await {
                Got::Message(message) => {
                    chunks += usize::from(message["serverContent"].get("modelTurn").is_some())
                }
                Got::Gone => break,
                Got::Closed(code, reason) => panic!("{code} {reason}"),
            }
        }
        assert_eq!(chunks, 2, "what was sent before arrives");
        let mut peer = asked("turns: [[{go_away: 5000}, {say: bye, ms: 400}]]").await;
        let turn = peer.turn().await;
        assert_eq!(
            turn.kinds,
            [
                "heard",
                "goAway",
                "audio",
                "generationComplete",
                "turnComplete",
                "handle"
            ]
        );
        let began = tokio::time::Instant::now();
        assert_eq!(peer.closed().await.0, 1008);
        assert_eq!((began.elapsed() + turn.took).as_secs(), 5);
    });
}

#[test]
fn the_place_in_the_script_outlives_the_connection_and_repeats_if_told() {
    simulate(async {
        let desk =
            Desk::scripted("{repeat: true, turns: [[{say: one, ms: 100}], [{say: two, ms: 100}]]}");
        let mut peer = desk.manual().await;
        peer.until("handle").await;
        let mut said = Vec::new();
        for _ in 0..3 {
            peer.speak(&hum(300)).await;
            said.push(peer.turn().await.said);
        }
        let mut setup = manual();
        setup["sessionResumption"] =
            json!({"handle": peer.handles.borrow().last().unwrap().clone()});
        drop(peer);
        tokio::time::sleep(Duration::from_millis(10)).await;
        let mut peer = desk.set_up(setup).await;
        peer.until("handle").await;
        peer.speak(&hum(300)).await;
        said.push(peer.turn().await.said);
        assert_eq!(said, ["one", "two", "one", "two"]);
    });
    simulate(async {
        let mut peer = asked("turns: [[{say: one, ms: 100}]]").await;
        peer.turn().await;
        peer.speak(&hum(300)).await;
        assert_eq!(
            peer.turn().await.said,
            "Your own voice, 0.3 seconds.",
            "after the script it parrots"
        );
    });
}

#[test]
fn transcripts_resumption_and_turn_complete_can_be_changed() {
    simulate(async {
        let desk =
            Desk::scripted("{transcripts: false, resumption: false, turn_complete: immediate}");
        let mut peer = desk.manual().await;
        peer.speak(&hum(2000)).await;
        let turn = peer.until("turnComplete").await;
        assert_eq!(turn.kinds, ["audio", "generationComplete", "turnComplete"]);
        assert_eq!((turn.heard.as_str(), turn.said.as_str()), ("", ""));
        assert_eq!(turn.took, turn.chunks.last().unwrap().0);
        assert!(peer.is_quiet(Duration::from_secs(1)).await);
    });
}
