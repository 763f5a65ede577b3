//! Whose turn it is, and the order of messages.

use std::time::Duration;

use serde_json::json;

use super::peer::{Desk, automatic, hum, manual, question, silence, simulate};

const NORMAL: [&str; 5] = [
    "heard",
    "audio",
    "generationComplete",
    "turnComplete",
    "handle",
];
const CUT: [&str; 3] = ["interrupted", "turnComplete", "handle"];

#[test]
fn a_turn_is_answered_at_once_with_the_users_own_voice() {
    simulate(async {
        let mut peer = Desk::new().manual().await;
        peer.until("handle").await;
        let said = [silence(400), hum(1000), silence(500)].concat();
        peer.speak(&said).await;
        let turn = peer.turn().await;
        assert_eq!(turn.kinds, NORMAL);
        assert_eq!(
            turn.chunks[0].0,
            Duration::ZERO,
            "no time passes before the first audio"
        );
        // 10 ms ahead of the voice, 100 ms behind it.
        assert_eq!(turn.samples.len(), 24 * 1110);
        let loud = turn.samples.iter().position(|s| s.abs() > 1000).unwrap();
        assert!(
            (240..480).contains(&loud),
            "the voice starts within 20 ms: {loud}"
        );
        let last = turn.chunks.last().unwrap().0;
        assert!(
            (260..290).contains(&last.as_millis()),
            "four times real time: {last:?}"
        );
        assert!(
            (1105..1115).contains(&turn.took.as_millis()),
            "turnComplete after playback: {:?}",
            turn.took
        );
        assert_eq!(turn.heard, "You spoke for 1.0 seconds.");
        assert_eq!(turn.said, "Your own voice, 1.0 seconds.");
        // 25 tokens for each of 1.9 s; 10 for the frame of the conversation.
        assert_eq!(turn.usage["promptTokenCount"], 58);
        assert_eq!(turn.usage["responseTokenCount"], 28);
    });
}

#[test]
fn activity_interrupts_an_answer_in_every_phase() {
    for (phase, wait_ms) in [
        ("thinking", 100),
        ("speaking", 550),
        ("played, not complete", 1_000),
    ] {
        simulate(async move {
            let mut peer = Desk::scripted("think_ms: 500").manual().await;
            peer.until("handle").await;
            peer.speak(&hum(1000)).await;
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            peer.start().await;
            let before = peer.until("interrupted").await;
            assert_eq!(
                before.kinds.contains(&"audio".to_owned()),
                phase != "thinking",
                "{phase}"
            );
            let generated = before.kinds.contains(&"generationComplete".to_owned());
            assert_eq!(generated, phase == "played, not complete", "{phase}");
            let after = peer.turn().await;
            assert_eq!(
                after.kinds,
                CUT[1..],
                "{phase}: nothing of the old answer after interrupted"
            );
            peer.sound(&hum(300), false).await;
            peer.end().await;
            assert_eq!(
                peer.turn().await.kinds,
                NORMAL,
                "{phase}: the next answer is whole"
            );
        });
    }
}

#[test]
fn a_question_that_goes_on_before_its_answer_is_due_is_answered_as_a_whole() {
    simulate(async {
        let script = "think_ms: 500\nturns:\n  - - parrot\n  - - say: Second.\n      ms: 300\n";
        let mut peer = Desk::scripted(script).manual().await;
        peer.until("handle").await;
        peer.start().await;
        for (ms, heard) in [
            (1_000, "You spoke for 1.0 seconds."),
            (500, "You spoke for 0.5 seconds."),
        ] {
            peer.sound(&hum(ms), false).await;
            peer.end().await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            peer.start().await;
            let cut = peer.turn().await;
            assert_eq!(cut.heard, heard, "each part is written down once");
            assert_eq!(cut.kinds[..3], ["heard", "interrupted", "turnComplete"]);
        }
        peer.sound(&hum(700), false).await;
        peer.end().await;
        let whole = peer.turn().await;
        assert_eq!(whole.kinds, NORMAL);
        assert_eq!(whole.heard, "You spoke for 0.7 seconds.");
        assert_eq!(whole.said, "Your own voice, 2.2 seconds.");
        assert_eq!(whole.samples.len(), 24 * 2200);
        // It took one place in the script, and what was answered is not answered again.
        peer.speak(&hum(1000)).await;
        assert_eq!(peer.turn().await.said, "Second.");
        peer.speak(&hum(400)).await;
        assert_eq!(peer.turn().await.said, "Your own voice, 0.4 seconds.");
    });
}

#[test]
fn without_interruption_answers_wait_for_each_other() {
    simulate(async {
        let mut setup = manual();
        setup["realtimeInputConfig"]["activityHandling"] = json!("NO_INTERRUPTION");
        let mut peer = Desk::new().set_up(setup).await;
        peer.until("handle").await;
        peer.speak(&hum(1000)).await;
        peer.speak(&hum(500)).await;
        let first = peer.turn().await;
        let second = peer.turn().await;
        assert_eq!(
            (first.kinds, second.kinds),
            (
                NORMAL.map(String::from).into(),
                NORMAL.map(String::from).into()
            )
        );
        assert!(second.samples.len() < first.samples.len());
    });
}

#[test]
fn silence_sounds_empty_turns_and_text_have_an_answer_too() {
    simulate(async {
        let mut peer = Desk::new().manual().await;
        peer.until("handle").await;
        peer.speak(&silence(800)).await;
        let silent = peer.turn().await;
        assert_eq!(silent.kinds, NORMAL);
        assert_eq!(
            (silent.heard.as_str(), silent.said.as_str()),
            ("0.8 seconds of silence", "I heard nothing.")
        );
        peer.speak(&[]).await;
        assert_eq!(
            peer.turn().await.kinds,
            ["generationComplete", "turnComplete", "handle"]
        );
        for text in [
            json!({"realtimeInput": {"text": "hi"}}),
            json!({"clientContent": {"turns": [{"parts": [{"text": "hi"}], "role": "user"}], "turnComplete": true}}),
        ] {
            peer.send(text).await;
            let turn = peer.turn().await;
            assert_eq!(turn.kinds, NORMAL[1..]);
            assert!(
                turn.said == "You wrote: “hi”. Say something, and I will say it back.",
                "{}",
                turn.said
            );
        }
    });
}

#[test]
fn content_interrupts_and_is_answered_only_when_it_is_complete() {
    simulate(async {
        let mut peer = Desk::new().manual().await;
        peer.until("handle").await;
        peer.speak(&hum(1000)).await;
        peer.until("audio").await;
        peer.send(json!({"clientContent": {"turns": [{"parts": [{"text": "wait"}]}]}}))
            .await;
        peer.until("interrupted").await;
        assert_eq!(peer.turn().await.kinds, CUT[1..]);
        assert!(peer.is_quiet(Duration::from_secs(5)).await);
        peer.send(json!({"clientContent": {"turnComplete": true}}))
            .await;
        assert_eq!(peer.turn().await.kinds, NORMAL[1..]);
    });
}

#[test]
fn the_initial_history_is_taken_without_an_answer() {
    simulate(async {
        let mut setup = manual();
        setup["historyConfig"] = json!({"initialHistoryInClientContent": true});
        let mut peer = Desk::new().set_up(setup).await;
        peer.until("handle").await;
        let turn = |role| json!({"parts": [{"text": "x"}], "role": role});
        peer.send(json!({"clientContent": {"turns": [turn("user"), turn("model")]}}))
            .await;
        peer.send(json!({"clientContent": {"turnComplete": true}}))
            .await;
        assert!(peer.is_quiet(Duration::from_secs(5)).await);
        peer.speak(&hum(300)).await;
        assert_eq!(peer.turn().await.kinds, NORMAL);
    });
}

#[test]
fn the_server_hears_speech_begin_and_end_by_itself() {
    simulate(async {
        let mut peer = Desk::new().set_up(automatic()).await;
        peer.until("handle").await;
        peer.sound(&silence(500), true).await;
        peer.sound(&question(), true).await;
        peer.sound(&silence(1500), true).await;
        let turn = peer.turn().await;
        assert_eq!(turn.kinds, NORMAL);
        assert!(
            turn.heard.starts_with("You spoke for 0.8 seconds."),
            "{}",
            turn.heard
        );
        // Speech into the answer cuts it; a stream's end ends that speech.
        peer.sound(&question(), true).await;
        peer.sound(&silence(600), true).await;
        peer.sound(&question(), true).await;
        peer.send(json!({"realtime_input": {"audio_stream_end": true}}))
            .await;
        let first = peer.turn().await;
        assert_eq!(first.kinds[..2], ["heard", "audio"]);
        assert_eq!(first.kinds[first.kinds.len() - 3..], CUT);
        assert_eq!(peer.turn().await.kinds, NORMAL);
        assert!(peer.is_quiet(Duration::from_secs(5)).await);
    });
}

#[test]
fn a_new_conversation_is_greeted_once_and_the_greeting_can_be_interrupted() {
    simulate(async {
        let desk = Desk::scripted("greeting: true");
        let mut peer = desk.manual().await;
        peer.until("handle").await;
        let greeting = peer.turn().await;
        assert_eq!(greeting.kinds, NORMAL[1..]);
        assert_eq!(
            greeting.said,
            "Hello, I am the offline demo. Say something, and I will say it back."
        );
        let handle = peer.handles.borrow().last().unwrap().clone();
        drop(peer);
        tokio::time::sleep(Duration::from_millis(10)).await;
        let mut setup = manual();
        setup["sessionResumption"] = json!({"handle": handle});
        let mut resumed = desk.set_up(setup).await;
        resumed.until("handle").await;
        assert!(
            resumed.is_quiet(Duration::from_secs(10)).await,
            "not after a resume"
        );
        let mut other = desk.manual().await;
        other.until("audio").await;
        other.speak(&hum(300)).await;
        other.until("interrupted").await;
        assert_eq!(other.turn().await.kinds, CUT[1..]);
        assert_eq!(other.turn().await.kinds, NORMAL);
    });
}

#[test]
fn a_conversation_goes_on_with_its_handle_and_is_billed_for_its_past() {
    simulate(async {
        let desk = Desk::new();
        let mut peer = desk.manual().await;
        peer.until("handle").await;
        peer.speak(&hum(2000)).await;
        let before = peer.turn().await.usage["promptTokenCount"]
            .as_u64()
            .unwrap();
        let handle = peer.handles.borrow().last().unwrap().clone();
        let mut setup = manual();
        setup["sessionResumption"] = json!({"handle": handle});

        let mut early = desk.connect().await;
        early.send(json!({"setup": setup})).await;
        assert_eq!(
            early.closed().await.0,
            1011,
            "the old connection is still open"
        );
        drop(peer);
        tokio::time::sleep(Duration::from_millis(10)).await;

        let mut other_model = desk.connect().await;
        let mut wrong = setup.clone();
        wrong["model"] = json!("models/gemini-3.8-live-extended-thinking");
        other_model.send(json!({"setup": wrong})).await;
        assert_eq!(other_model.closed().await.0, 1007);

        let mut peer = desk.set_up(setup).await;
        peer.until("handle").await;
        peer.speak(&hum(2000)).await;
        let after = peer.turn().await.usage["promptTokenCount"]
            .as_u64()
            .unwrap();
        // 50 for this turn's sound, 50 for the old answer.
        assert_eq!(after - before, 50 + 50);

        let mut unknown = desk.connect().await;
        let mut setup = manual();
        setup["sessionResumption"] = json!({"handle": "made up"});
        unknown.send(json!({"setup": setup})).await;
        assert_eq!(
            unknown.closed().await,
            (1008, "BidiGenerateContent session not found".to_owned())
        );
    });
}

#[test]
fn connections_are_closed_in_words_when_the_server_ends() {
    simulate(async {
        let desk = Desk::new();
        let mut peer = desk.manual().await;
        peer.until("handle").await;
        desk.stop.cancel();
        assert_eq!(
            peer.closed().await,
            (1001, "the server is ending".to_owned())
        );
    });
}
