//! What protobuf JSON allows, and what the SDKs do, the server takes.

use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::peer::{Desk, Got, hum, manual, simulate};

#[test]
fn setups_in_every_spelling_are_taken() {
    let table = [
        // As the reference shows it, every common field.
        r#"{"setup":{"model":"models/gemini-3.8-live","generationConfig":{"responseModalities":["AUDIO"],
            "speechConfig":{"voiceConfig":{"prebuiltVoiceConfig":{"voiceName":"Kore"}}}},
            "systemInstruction":{"parts":[{"text":"Be brief."}],"role":"user"},
            "tools":[{"googleSearch":{}},{"functionDeclarations":[{"name":"get_time","description":"Tells the time.",
            "behavior":"NON_BLOCKING","parameters":{"type":"OBJECT","properties":{"zone":{"type":"STRING"}},
            "required":["zone"]}}]}],"sessionResumption":{},"inputAudioTranscription":{},"outputAudioTranscription":{},
            "realtimeInputConfig":{"automaticActivityDetection":{"disabled":true},
            "activityHandling":"START_OF_ACTIVITY_INTERRUPTS","turnCoverage":"TURN_INCLUDES_ONLY_ACTIVITY"},
            "contextWindowCompression":{"triggerTokens":"25600","slidingWindow":{"targetTokens":"12800"}}}}"#,
        // snake_case, mixed with camelCase on other levels; lower-case schema types; numbers as numbers.
        r#"{"setup":{"model":"models/gemini-3.8-live","generation_config":{"responseModalities":["AUDIO"]},
            "tools":[{"function_declarations":[{"name":"f","parameters":{"type":"object"}}]}],
            "realtime_input_config":{"automaticActivityDetection":{"prefix_padding_ms":20,"silenceDurationMs":300}},
            "context_window_compression":{"trigger_tokens":25600,"slidingWindow":{"target_tokens":12800}}}}"#,
        // What google-genai 3.6.1 can say, besides.
        r#"{"setup":{"model":"models/gemini-3.8-live","generationConfig":{"responseModalities":["AUDIO"],
            "speechConfig":{"languageCode":"de","voiceConfig":{"voice":"en-us-tavi"}}},
            "proactivity":{"proactiveAudio":true,"proactiveVideo":true},
            "realtimeInputConfig":{"interimTranscriptTimestampEnabled":true},
            "inputAudioTranscription":{"languageCodes":["de"],"languageAuto":{},"languageHints":{"languageCodes":["de"]},
            "customVocabulary":["Ada"],"adaptationPhrases":["Ada"],"sourceText":"x","mode":"SMART","wordTimestamp":true,
            "diarization":true},
            "tools":[{"googleSearch":{"searchTypes":{"webSearch":{}},
            "timeRangeFilter":{"startTime":"2026-01-01T00:00:00Z","endTime":"2026-02-01T00:00:00Z"}}}]}}"#,
        r#"{"setup":{"model":"models/gemini-3.8-live","generation_config":{"speech_config":{"voice_config":
            {"replicated_voice_config":{"mime_type":"audio/wav","voice_sample_audio":"AAAA","consent_audio":"AAAA",
            "voice_consent_signature":{"signature":"s"}}}}}}}"#,
        // Absent fields as null.
        r#"{"setup":{"model":"models/gemini-3.8-live","generationConfig":null,"systemInstruction":null,"tools":null,
            "sessionResumption":{"handle":null},"realtimeInputConfig":{"automaticActivityDetection":null}}}"#,
        // Other models, and Vertex's names for them.
        r#"{"setup":{"model":"models/gemini-3.1-flash-live-preview",
            "generationConfig":{"thinkingConfig":{"thinkingLevel":"LOW"}}}}"#,
        r#"{"setup":{"model":"models/some-model-of-tomorrow"}}"#,
        r#"{"setup":{"model":"projects/p/locations/l/publishers/google/models/gemini-3.8-live"}}"#,
    ];
    for setup in table {
        simulate(async move {
            let mut peer = Desk::new().connect().await;
            peer.send_text(setup).await;
            let first = peer.message().await;
            assert_eq!(first, json!({"setupComplete": {}}), "{setup}");
        });
    }
}

#[test]
fn messages_in_every_spelling_are_taken() {
    // Each row is a whole turn of the user.
    let table: &[&[&str]] = &[
        &[
            r#"{"realtime_input":{"activity_start":{}}}"#,
            r#"{"realtimeInput":{"audio":{"data":"AAABAAIA","mime_type":"audio/pcm;rate=16000"}}}"#,
            // The URL-safe alphabet, padded and not; no rate, a space before it, other rates.
            r#"{"realtimeInput":{"audio":{"data":"-_8A_w==","mimeType":"audio/pcm"}}}"#,
            r#"{"realtimeInput":{"audio":{"data":"-_8A_w","mimeType":"audio/pcm; rate=48000"}}}"#,
            r#"{"realtimeInput":{"audio":{"data":"AAA","mimeType":"audio/pcm;rate=8000"}}}"#,
            r#"{"realtimeInput":{"video":{"data":"/9g=","mimeType":"image/jpeg"}}}"#,
            r#"{"contextUpdate":{"systemInstruction":{"parts":[{"text":"x"}],"role":"user"}}}"#,
            r#"{"contextUpdate":{"tools":{"tools":[]}}}"#,
            r#"{"realtimeInput":{"activityEnd":{},"audio":null}}"#,
        ],
        &[r#"{"realtimeInput":{"text":"hi"}}"#],
        &[r#"{"client_content":{"turns":[{"parts":[{"text":"hi"}]}],"turn_complete":true}}"#],
        &[
            r#"{"clientContent":{"turns":[{"parts":[{"text":"a"}],"role":"user"},{"parts":[{"text":"b"}],"role":"model"}]}}"#,
            r#"{"clientContent":{"turnComplete":true}}"#,
        ],
    ];
    for messages in table {
        simulate(async {
            let mut peer = Desk::new().manual().await;
            peer.until("handle").await;
            for message in *messages {
                peer.send_text(message).await;
            }
            let turn = peer.turn().await;
            assert_eq!(
                turn.kinds[turn.kinds.len() - 2..],
                ["turnComplete", "handle"],
                "{messages:?}"
            );
        });
    }
}

#[test]
fn binary_frames_are_read_and_pings_answered_without_a_turn() {
    simulate(async {
        let mut peer = Desk::new().connect().await;
        peer.send_frame(Message::binary(json!({"setup": manual()}).to_string()))
            .await;
        peer.until("handle").await;
        peer.send_frame(Message::Ping("x".into())).await;
        assert!(
            peer.is_quiet(Duration::from_secs(30)).await,
            "and silence is no fault"
        );
    });
}

#[test]
fn other_rates_are_heard_as_the_same_sound() {
    simulate(async {
        let mut peer = Desk::new().manual().await;
        peer.until("handle").await;
        let twice: Vec<i16> = hum(1000).iter().flat_map(|&s| [s, s]).collect();
        peer.start().await;
        for block in twice.chunks(640) {
            let mut message = super::peer::audio(block);
            message["realtimeInput"]["audio"]["mimeType"] = json!("audio/pcm;rate=32000");
            peer.send(message).await;
        }
        peer.end().await;
        let turn = peer.turn().await;
        assert_eq!(turn.heard, "You spoke for 1.0 seconds.");
    });
}

#[test]
fn nothing_comes_that_was_not_asked_for() {
    simulate(async {
        let desk = Desk::new();
        let mut peer = desk
            .set_up(json!({
                "model": "models/gemini-3.8-live",
                "realtimeInputConfig": {"automaticActivityDetection": {"disabled": true}}
            }))
            .await;
        peer.speak(&hum(500)).await;
        let turn = peer.until("turnComplete").await;
        assert_eq!(turn.kinds, ["audio", "generationComplete", "turnComplete"]);
        assert_eq!(turn.said, "");
        assert!(peer.is_quiet(Duration::from_secs(5)).await, "no handle");
    });
}

#[test]
fn text_frames_can_be_asked_for() {
    simulate(async {
        let desk = Desk::with(sovereign::server::Options {
            text_frames: true,
            ..Default::default()
        });
        let mut peer = desk.connect().await;
        peer.send(json!({"setup": manual()})).await;
        let Got::Message(first) = peer.got().await else {
            panic!("no message");
        };
        assert_eq!(first, json!("{\"setupComplete\":{}}"));
    });
}
