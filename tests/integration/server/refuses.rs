//! What the service refuses, the server refuses: with 1007 and the place of the fault.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::peer::{Desk, Got, automatic, manual, simulate};

#[test]
fn setups_are_refused_with_the_field_and_the_fault() {
    let changed = |path: &str, value: Value| {
        let mut setup = manual();
        let (parent, key) = path.rsplit_once('/').unwrap();
        setup.pointer_mut(parent).unwrap()[key] = value;
        json!({ "setup": setup })
    };
    let spoken_by = |model: &str, voice: Value| json!({"setup": {"model": model, "generationConfig": {"speechConfig": {"voiceConfig": voice}}}});
    let table = [
        (
            json!({"realtimeInput": {"text": "hi"}}),
            "the first message must be setup",
        ),
        (
            spoken_by(
                "models/gemini-3.1-flash-live-preview",
                json!({"prebuiltVoiceConfig": {"voiceName": "en-us-tavi"}}),
            ),
            "No matching speaker voice for en-us-tavi",
        ),
        (
            spoken_by(
                "models/gemini-2.5-flash-native-audio-latest",
                json!({"voice": "Nobody"}),
            ),
            "No matching speaker voice for Nobody",
        ),
        (json!({"setup": {}}), "setup.model"),
        (
            changed("/model", json!("gemini-3.8-live")),
            "setup.model: expected models/NAME",
        ),
        (changed("/modle", json!("x")), "setup.modle: unknown field"),
        (
            changed("/generationConfig/responseSchema", json!({})),
            "setup.generationConfig.responseSchema",
        ),
        (
            changed("/generationConfig/stopSequences", json!(["x"])),
            "setup.generationConfig.stopSequences",
        ),
        (
            changed("/generationConfig/responseModalities", json!(["TEXT"])),
            "setup.generationConfig.responseModalities",
        ),
        (
            changed("/generationConfig/responseModalities", json!(["audio"])),
            "setup.generationConfig.responseModalities",
        ),
        (
            changed("/generationConfig/thinkingConfig", json!({})),
            "setup.generationConfig.thinkingConfig",
        ),
        (
            changed("/generationConfig/enableAffectiveDialog", json!(true)),
            "setup.generationConfig.enableAffectiveDialog",
        ),
        (
            changed("/proactivity", json!({"proactiveAudio": false})),
            "setup.proactivity.proactiveAudio",
        ),
        (
            changed(
                "/generationConfig/speechConfig",
                json!({"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": []}}),
            ),
            "setup.generationConfig.speechConfig.multiSpeakerVoiceConfig: a Live model has one voice",
        ),
        (
            changed("/tools", json!([{"codeExecution": {}}])),
            "setup.tools[].codeExecution: not supported by Live models",
        ),
        (
            changed("/inputAudioTranscription", json!({"mode": "FAST"})),
            "setup.inputAudioTranscription.mode: unknown variant",
        ),
        (
            changed("/inputAudioTranscription", json!({"vocabulary": ["a"]})),
            "setup.inputAudioTranscription.vocabulary: unknown field",
        ),
        (
            changed("/explicitVadSignal", json!(true)),
            "setup.explicitVadSignal",
        ),
        (
            changed("/sessionResumption/transparent", json!(true)),
            "setup.sessionResumption.transparent",
        ),
        (
            changed(
                "/contextWindowCompression",
                json!({"triggerTokens": 5, "slidingWindow": {"targetTokens": 5}}),
            ),
            "targetTokens: must be below triggerTokens",
        ),
        (
            changed(
                "/tools",
                json!([{"functionDeclarations": [{"name": "a"}, {"name": "a"}]}]),
            ),
            "setup.tools[0].functionDeclarations[1].name: declared twice",
        ),
        (
            changed(
                "/tools",
                json!([{"functionDeclarations": [{"name": "1 a"}]}]),
            ),
            "setup.tools[0].functionDeclarations[0].name",
        ),
    ];
    for (message, reason) in table {
        simulate(async move {
            let mut peer = Desk::new().connect().await;
            peer.send(message.clone()).await;
            let (code, told) = peer.closed().await;
            assert_eq!(code, 1007, "{message}");
            assert!(
                told.contains(reason),
                "{message}\n wanted {reason}\n got    {told}"
            );
            assert!(told.len() <= 123, "{told}");
        });
    }
}

#[test]
fn messages_are_refused_with_the_field_and_the_fault() {
    let audio = |mime: &str, data: &str| json!({"realtimeInput": {"audio": {"data": data, "mimeType": mime}}});
    let answer = |answer: Value| json!({"toolResponse": {"functionResponses": [answer]}});
    let both = [
        (
            json!({"setup": manual()}),
            "setup: the setup was sent already",
        ),
        (json!([]), ""),
        (json!({}), "exactly one of setup"),
        (
            json!({"realtimeInput": {"text": "a"}, "clientContent": {"turnComplete": true}}),
            "exactly one of setup",
        ),
        (json!({"realtimeInput": {}}), "exactly one of audio"),
        (
            json!({"realtimeInput": {"text": "a", "audioStreamEnd": true}}),
            "exactly one of audio",
        ),
        (json!({"realtimeInput": {"mediaChunks": []}}), "mediaChunks"),
        (json!({"realtimeInput": {"text": ""}}), "realtimeInput.text"),
        (
            json!({"realtimeInput": {"text": "a", "speech": ""}}),
            "realtimeInput.speech: unknown field",
        ),
        (audio("audio/wav", "AAAA"), "realtimeInput.audio.mimeType"),
        (
            audio("audio/pcm;rate=abc", "AAAA"),
            "realtimeInput.audio.mimeType",
        ),
        (
            audio("audio/pcm;rate=0", "AAAA"),
            "realtimeInput.audio.mimeType",
        ),
        (
            audio("audio/pcm;rate=4000000000", "AAAA"),
            "realtimeInput.audio.mimeType",
        ),
        (
            audio("audio/pcm;channels=2", "AAAA"),
            "realtimeInput.audio.mimeType",
        ),
        (
            audio("audio/pcm;rate=16000", "AA=="),
            "realtimeInput.audio.data",
        ),
        (
            audio("audio/pcm;rate=16000", ""),
            "realtimeInput.audio.data: empty",
        ),
        (audio("audio/pcm;rate=16000", "A*=="), "base64"),
        (
            json!({"realtimeInput": {"video": {"data": "AAAA", "mimeType": "audio/pcm"}}}),
            "realtimeInput.video.mimeType",
        ),
        (
            json!({"clientContent": {}}),
            "clientContent: neither turns nor turnComplete",
        ),
        (
            json!({"clientContent": {"turns": [{"parts": []}]}}),
            "clientContent.turns[0].parts: empty",
        ),
        (
            json!({"clientContent": {"turns": [{"parts": [{"text": "x"}], "role": "system"}]}}),
            "clientContent.turns[0].role",
        ),
        (
            json!({"toolResponse": {"functionResponses": []}}),
            "functionResponses: empty",
        ),
        (
            answer(json!({"name": "f", "response": {}})),
            "functionResponses[0].id: required",
        ),
        (
            answer(json!({"id": "1", "response": {}})),
            "functionResponses[0].name: required",
        ),
        (
            answer(json!({"id": "1", "name": "f"})),
            "functionResponses[0].response: required",
        ),
        (
            answer(json!({"id": "1", "name": "f", "response": {}})),
            "id: no such call",
        ),
        (json!({"contextUpdate": {}}), "contextUpdate: neither"),
    ];
    let manual_only = [
        (
            json!({"realtimeInput": {"audioStreamEnd": true}}),
            "realtimeInput.audioStreamEnd",
        ),
        (
            json!({"realtimeInput": {"activityEnd": {}}}),
            "realtimeInput.activityEnd: no activity is open",
        ),
    ];
    let automatic_only = [
        (
            json!({"realtimeInput": {"activityStart": {}}}),
            "realtimeInput.activityStart",
        ),
        (
            json!({"realtimeInput": {"activityEnd": {}}}),
            "realtimeInput.activityEnd",
        ),
    ];
    let (in_manual, in_automatic) = (
        both.clone().into_iter().chain(manual_only),
        both.into_iter().chain(automatic_only),
    );
    let cases = in_manual
        .map(|case| (manual(), case))
        .chain(in_automatic.map(|case| (automatic(), case)));
    for (setup, (message, reason)) in cases {
        simulate(async move {
            let mut peer = Desk::new().set_up(setup).await;
            peer.send(message.clone()).await;
            let (code, told) = peer.closed().await;
            assert_eq!(code, 1007, "{message}");
            assert!(
                told.contains(reason),
                "{message}\n wanted {reason}\n got    {told}"
            );
        });
    }
}

#[test]
fn what_is_no_json_what_is_unbalanced_and_what_is_too_early_is_refused() {
    for text in [
        "",
        "hello",
        "{\"setup\":",
        "{\"realtimeInput\":{\"text\":\"a\"}} {}",
        "null",
        "1",
    ] {
        simulate(async move {
            let mut peer = Desk::new().manual().await;
            peer.send_text(text).await;
            assert_eq!(peer.closed().await.0, 1007, "{text:?}");
        });
    }
    simulate(async {
        let mut peer = Desk::new().manual().await;
        peer.start().await;
        peer.start().await;
        let (code, reason) = peer.closed().await;
        assert_eq!(
            (code, reason.as_str()),
            (1007, "realtimeInput.activityStart: an activity is open")
        );
    });
    simulate(async {
        let mut peer = Desk::scripted("setup_delay_ms: 500").connect().await;
        peer.send(json!({"setup": manual()})).await;
        peer.start().await;
        assert_eq!(
            peer.closed().await,
            (1007, "nothing may be sent before setupComplete".to_owned())
        );
    });
    simulate(async {
        let mut setup = manual();
        setup["historyConfig"] = json!({"initialHistoryInClientContent": true});
        let mut peer = Desk::new().set_up(setup).await;
        peer.start().await;
        let (code, reason) = peer.closed().await;
        assert_eq!(code, 1007);
        assert!(reason.contains("initial history"), "{reason}");
    });
}

#[test]
fn who_says_nothing_or_too_much_is_dropped() {
    simulate(async {
        let mut peer = Desk::new().connect().await;
        let began = tokio::time::Instant::now();
        assert_eq!(
            peer.closed().await,
            (1008, "no setup came in time".to_owned())
        );
        assert_eq!(began.elapsed().as_secs(), 10);
    });
    simulate(async {
        let mut peer = Desk::new().manual().await;
        peer.until("handle").await;
        let huge = format!(
            "{{\"realtimeInput\":{{\"text\":\"{}\"}}}}",
            "x".repeat(5 << 20)
        );
        peer.send_frame(Message::text(huge)).await;
        // It stops reading in the middle of the message, so the close frame may not get through.
        match peer.got().await {
            Got::Closed(code, _) => assert_eq!(code, 1009),
            Got::Gone => {}
            Got::Message(message) => panic!("{message}"),
        }
    });
}

#[test]
fn who_does_not_read_is_dropped() {
    simulate(async {
        let (watcher, mut events) = tokio::sync::mpsc::channel(64);
        let script = sovereign::server::Script::parse(
            std::path::Path::new("long.yaml"),
            b"turns: [[{speed: 0}, {say: long, ms: 600000}]]",
        );
        let desk = Desk::with(sovereign::server::Options {
            script: std::sync::Arc::new(script.unwrap()),
            watcher: Some(watcher),
            ..Default::default()
        });
        let mut peer = desk.manual().await;
        peer.speak(&[]).await;
        let began = tokio::time::Instant::now();
        let reason = loop {
            let event = tokio::time::timeout(Duration::from_secs(60), events.recv())
                .await
                .unwrap()
                .unwrap();
            if let sovereign::server::ServerEvent::Closed { code, reason, .. } = event {
                break (code, reason);
            }
        };
        assert_eq!(
            reason,
            (None, "the client does not read: dropped".to_owned())
        );
        assert_eq!(began.elapsed().as_secs(), 10);
        drop(peer);
    });
}

#[test]
fn a_script_refuses_setups_for_a_model_under_a_version() {
    simulate(async {
        let reason = "models/gemini-3.8-live is not found for API version v1beta";
        for (script, refused) in [
            ("versions: [v1beta]", true),
            ("versions: [v1]", false),
            (
                "models: [gemini-3.8-live], versions: [v1alpha, v1beta]",
                true,
            ),
            ("models: [gemini-9-live]", false),
        ] {
            let yaml = format!("refuse_setup: {{code: 1008, reason: {reason}, {script}}}");
            let desk = Desk::scripted(&yaml);
            let mut peer = desk.connect().await;
            peer.send(json!({ "setup": manual() })).await;
            match peer.got().await {
                Got::Closed(code, told) => {
                    assert!(refused, "{script}");
                    assert_eq!((code, told.as_str()), (1008, reason));
                }
                Got::Message(message) => {
                    assert!(!refused, "{script}");
                    assert!(message.get("setupComplete").is_some(), "{message}");
                }
                Got::Gone => panic!("no close frame: {script}"),
            }
        }
    });
    let script = sovereign::server::Script::parse(
        std::path::Path::new("x.yaml"),
        b"refuse_setup: {code: 1005}",
    );
    let fault = script.unwrap_err().to_string();
    assert!(fault.contains("1005 cannot be sent"), "{fault}");
}

#[test]
fn hints_at_speech_are_refused_where_the_script_says_so() {
    simulate(async {
        for (config, reason) in [
            (
                json!({"languageCodes": ["de"]}),
                "setup.inputAudioTranscription.languageCodes: not supported by this model",
            ),
            (
                json!({"customVocabulary": ["Ada"]}),
                "setup.inputAudioTranscription.customVocabulary: not supported by this model",
            ),
        ] {
            let mut setup = manual();
            setup["inputAudioTranscription"] = config;
            let mut peer = Desk::scripted("transcription_hints: false").connect().await;
            peer.send(json!({ "setup": setup })).await;
            assert_eq!(peer.closed().await, (1007, reason.to_owned()));
        }
        let mut peer = Desk::scripted("transcription_hints: false").connect().await;
        peer.send(json!({"setup": manual()})).await;
        assert_eq!(peer.message().await, json!({"setupComplete": {}}));
    });
}
