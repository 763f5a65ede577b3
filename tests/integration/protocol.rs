//! The wire types against messages that the official SDKs sent and understood, and against what the service refuses.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use sovereign::provider::gemini::message::{
    ClientMessage, InteractionStatus, RealtimeInput, ServerMessage,
};

/// One message a line, as `google-genai` 3.4.0 and `@google/genai` 3.1.0 wrote them.
const CLIENT: &str = include_str!("../fixtures/protocol/client.jsonl");
/// One message a line, as those SDKs read them.
const SERVER: &str = include_str!("../fixtures/protocol/server.jsonl");

#[test]
fn messages_of_the_sdks_are_read_and_written_again_without_loss() {
    for line in CLIENT.lines() {
        let message = ClientMessage::read(line.as_bytes()).expect(line);
        let written: Value = serde_json::from_str(&message.to_json()).expect("our JSON");
        assert_eq!(written, numbers_for_text(value(line)), "{line}");
    }
    for line in SERVER.lines() {
        let message = ServerMessage::read(line.as_bytes()).expect(line);
        // Protobuf writes fractions of seconds in groups of three digits.
        let written = message.to_json().replace("1.200s", "1.2s");
        assert_eq!(value(&written), value(line), "{line}");
    }
}

#[test]
fn both_spellings_mean_the_same() {
    for line in CLIENT.lines() {
        let snake = snake_case(value(line)).to_string();
        assert_eq!(
            ClientMessage::read(snake.as_bytes()),
            ClientMessage::read(line.as_bytes()),
            "{snake}"
        );
    }
    for line in SERVER.lines() {
        let snake = snake_case(value(line)).to_string();
        assert_eq!(
            ServerMessage::read(snake.as_bytes()),
            ServerMessage::read(line.as_bytes()),
            "{snake}"
        );
    }
    let mixed = br#"{"realtime_input": {"audioStreamEnd": true}}"#;
    assert_eq!(
        ClientMessage::read(mixed),
        Ok(RealtimeInput::AudioStreamEnd.into())
    );
}

#[test]
fn what_a_client_gets_wrong_is_refused_with_its_place() {
    let table = [
        ("", "", "EOF"),
        ("[]", "", "expected struct"),
        ("{}", "", "exactly one"),
        (r#"{"setup":{"model":"models/a"}} x"#, "", "trailing"),
        (r#"{"setup":{},"toolResponse":{}}"#, "", "exactly one"),
        (r#"{"hello":{},"setup":{}}"#, "hello", "unknown field"),
        (
            r#"{"setup":{"modell":"x"}}"#,
            "setup.modell",
            "unknown field",
        ),
        (
            r#"{"setup":{"generationConfig":{"responseSchema":{}}}}"#,
            "setup.generationConfig.responseSchema",
            "unknown field",
        ),
        (
            r#"{"setup":{"tools":[{"functionDeclarations":[{"name":"a","paramters":{}}]}]}}"#,
            "setup.tools[0].functionDeclarations[0].paramters",
            "unknown field",
        ),
        (
            r#"{"setup":{"generationConfig":{"temperature":"hot"}}}"#,
            "setup.generationConfig.temperature",
            "invalid type",
        ),
        (
            r#"{"setup":{"generationConfig":{"responseModalities":["SMELL"]}}}"#,
            "setup.generationConfig.responseModalities[0]",
            "unknown variant",
        ),
        (
            r#"{"setup":{"model":"a","model":"b"}}"#,
            "setup",
            "duplicate field",
        ),
        (
            r#"{"setup":{"contextWindowCompression":{"triggerTokens":"many"}}}"#,
            "setup.contextWindowCompression.triggerTokens",
            "whole number",
        ),
        (
            r#"{"realtimeInput":{"mediaChunks":[{}]}}"#,
            "realtimeInput",
            "mediaChunks was removed",
        ),
        (
            r#"{"realtimeInput":{"text":"a","activityEnd":{}}}"#,
            "realtimeInput",
            "exactly one",
        ),
        (r#"{"realtimeInput":{}}"#, "realtimeInput", "exactly one"),
        (
            r#"{"realtimeInput":{"audio":{"data":"A*A=","mimeType":"audio/pcm"}}}"#,
            "realtimeInput.audio.data",
            "invalid base64",
        ),
        (
            r#"{"realtimeInput":{"audio":{"data":"AA-+","mimeType":"audio/pcm"}}}"#,
            "realtimeInput.audio.data",
            "invalid base64",
        ),
        (
            r#"{"toolResponse":{"functionResponses":[{"id":"1","name":"f","response":"x"}]}}"#,
            "toolResponse.functionResponses[0].response",
            "invalid type",
        ),
    ];
    for (json, path, problem) in table {
        let refusal = ClientMessage::read(json.as_bytes()).expect_err(json);
        assert_eq!(refusal.path, path, "{json}: {refusal}");
        assert!(refusal.problem.contains(problem), "{json}: {refusal}");
    }
}

#[test]
fn base64_is_read_in_both_alphabets_with_or_without_padding() {
    for data in ["+/8=", "-_8=", "+/8", "-_8"] {
        let json = json!({"realtimeInput": {"audio": {"data": data, "mime_type": "audio/pcm"}}});
        let read = ClientMessage::read(json.to_string().as_bytes()).expect(data);
        let ClientMessage::RealtimeInput(RealtimeInput::Audio(blob)) = &read else {
            panic!("{read:?}");
        };
        assert_eq!(blob.data, [0xfb, 0xff]);
        assert!(read.to_json().contains("\"+/8=\""));
    }
}

#[test]
fn one_server_content_holds_sound_words_and_flags() {
    let json = json!({"serverContent": {
        "modelTurn": {"parts": [{"inlineData": {"data": "AAAB", "mimeType": "audio/pcm;rate=24000"}}, null_free()]},
        "outputTranscription": {"text": "Hi", "finished": null},
        "interrupted": null, "turnComplete": true, "interactionStatus": "PONDERING", "news": {"of": ["tomorrow"]}},
        "usageMetadata": {"promptTokenCount": "45", "promptTokensDetails": null}});
    let message = ServerMessage::read(json.to_string().as_bytes()).expect("lenient");
    let content = message.server_content.expect("there");
    let parts = content.model_turn.expect("there").parts;
    let blob = parts[0].inline_data.as_ref().expect("sound");
    assert_eq!(blob.data, [0, 0, 1]);
    assert_eq!(content.output_transcription.expect("words").text, "Hi");
    assert!(content.turn_complete && !content.interrupted);
    assert_eq!(
        content.interaction_status,
        Some(InteractionStatus::InteractionStatusUnspecified)
    );
    let usage = message.usage_metadata.expect("there");
    assert_eq!(usage.prompt_token_count, Some(45));
}

#[test]
fn a_go_away_counts_whatever_its_time_says() {
    let table = [
        (json!("50s"), Some(Duration::from_secs(50))),
        (json!("1.25s"), Some(Duration::from_millis(1_250))),
        (json!(2), Some(Duration::from_secs(2))),
        (json!("-1s"), Some(Duration::ZERO)),
        (json!("soon"), None),
        (json!("1e300s"), None),
        (Value::Null, None),
    ];
    for (text, expected) in table {
        let json = json!({"goAway": {"timeLeft": text}}).to_string();
        let message = ServerMessage::read(json.as_bytes()).expect(&json);
        assert_eq!(
            message.go_away.expect("there").time_left,
            expected,
            "{json}"
        );
    }
}

#[test]
fn what_is_no_message_is_said_to_be_none() {
    let deep = "[".repeat(100_000);
    let nested = format!(r#"{{"serverContent":{deep}"#);
    for bytes in [
        &b""[..],
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe{}",
        deep.as_bytes(),
        nested.as_bytes(),
    ] {
        assert!(ServerMessage::read(bytes).is_err(), "{bytes:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn reading_survives_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        ServerMessage::read(&bytes).ok();
        ClientMessage::read(&bytes).ok();
    }

    /// Any JSON under keys that are known: whatever is read can be written and read again.
    #[test]
    fn reading_survives_any_json(message in any_message()) {
        let text = message.to_string();
        ClientMessage::read(text.as_bytes()).ok();
        if let Ok(read) = ServerMessage::read(text.as_bytes()) {
            prop_assert_eq!(ServerMessage::read(read.to_json().as_bytes()), Ok(read));
        }
    }
}

fn value(json: &str) -> Value {
    serde_json::from_str(json).expect(json)
}

/// An object that is a part without anything in it.
fn null_free() -> Value {
    json!({"thought": null, "text": null})
}

/// The JS SDK writes 64-bit integers as text, we write numbers.
fn numbers_for_text(mut value: Value) -> Value {
    if let Some(compression) = value.pointer_mut("/setup/contextWindowCompression") {
        compression["triggerTokens"] = json!(25_600);
        compression["slidingWindow"]["targetTokens"] = json!(12_800);
    }
    value
}

/// The same message in the other spelling.
fn snake_case(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (snake(&key), snake_case(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(snake_case).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}

fn snake(key: &str) -> String {
    key.chars()
        .flat_map(|c| {
            let upper = c.is_ascii_uppercase();
            upper
                .then_some('_')
                .into_iter()
                .chain([c.to_ascii_lowercase()])
        })
        .collect()
}

fn any_message() -> impl Strategy<Value = Value> {
    const KEYS: [&str; 22] = [
        "setupComplete",
        "sessionId",
        "serverContent",
        "modelTurn",
        "parts",
        "inlineData",
        "data",
        "mimeType",
        "text",
        "interrupted",
        "turn_complete",
        "toolCall",
        "functionCalls",
        "args",
        "goAway",
        "timeLeft",
        "usageMetadata",
        "totalTokenCount",
        "setup",
        "realtimeInput",
        "audio",
        "interactionStatus",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[A-Za-z0-9+/=._ -]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 5, |inner| {
        let key = proptest::sample::select(&KEYS[..]).prop_map(str::to_owned);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..4)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}
