use super::*;

/// Reads a message of which so many fields are left out.
fn read(json: &str, left_out: u32) -> ServerMessage {
    let (message, left) = ServerMessage::read_counted(json.as_bytes()).expect(json);
    assert_eq!(left.count, left_out, "{json}: {left:?}");
    message
}

fn content(json: &str) -> ServerContent {
    let json = format!(r#"{{"serverContent":{json}}}"#);
    read(&json, 0).server_content.expect("there")
}

#[test]
fn thoughts_and_results_of_tools_are_billed_too() {
    let json = r#"{"usageMetadata":{"promptTokenCount":45,"responseTokenCount":30,"toolUsePromptTokenCount":5,"thoughtsTokenCount":"12"}}"#;
    let usage = read(json, 0).usage_metadata.expect("there");
    let billed = usage.billed();
    assert_eq!((billed.prompt.sum(), billed.written()), (50, 42));
    assert!(UsageMetadata::default().billed().is_empty());
}

#[test]
fn only_an_answer_with_places_was_searched_for() {
    for (json, searched) in [
        ("{}", false),
        (r#"{"groundingMetadata":{}}"#, false),
        (r#"{"groundingMetadata":{"webSearchQueries":[]}}"#, false),
        (r#"{"grounding_metadata":{"webSearchQueries":["x"]}}"#, true),
        (
            r#"{"groundingMetadata":{"groundingChunks":[{"web":{}}]}}"#,
            true,
        ),
    ] {
        assert_eq!(content(json).searched(), searched, "{json}");
    }
}

#[test]
fn tokens_are_billed_by_kind_and_what_no_detail_covers_has_none() {
    let billed = |json: &str| {
        let message = read(&format!(r#"{{"usageMetadata":{json}}}"#), 0);
        message.usage_metadata.expect("there").billed()
    };
    let detail = |kind: &str, n: u32| format!(r#"{{"modality":"{kind}","tokenCount":{n}}}"#);
    let receipt = format!(
        r#"{{"promptTokenCount":522,"responseTokenCount":42,"thoughtsTokenCount":136,"promptTokensDetails":[{},{}],"responseTokensDetails":[{}]}}"#,
        detail("TEXT", 332),
        detail("AUDIO", 165),
        detail("AUDIO", 42)
    );
    let counts = billed(&receipt);
    let prompt = counts.prompt;
    assert_eq!(
        (prompt.text, prompt.audio, prompt.unassigned),
        (332, 165, 25)
    );
    assert_eq!((counts.response.audio, counts.response.sum()), (42, 42));
    assert_eq!((counts.thoughts, counts.written()), (136, 178));

    // Details may be more than their total: they are what is billed. Results of tools are read.
    let counts = billed(&format!(
        r#"{{"promptTokenCount":10,"promptTokensDetails":[{},{},{}],"toolUsePromptTokenCount":7,"toolUsePromptTokensDetails":[{}],"cachedContentTokenCount":3}}"#,
        detail("AUDIO", 30),
        detail("VIDEO", 2),
        detail("SMELL", 4),
        detail("TEXT", 5)
    ));
    let prompt = counts.prompt;
    assert_eq!((prompt.audio, prompt.image, prompt.text), (30, 2, 5));
    assert_eq!((prompt.unassigned, counts.cached), (4 + 2, 3));
    assert!(billed("{}").is_empty());
}

#[test]
fn numbers_are_read_in_every_notation_and_what_is_none_is_left_out() {
    for (text, tokens) in [
        ("45", Some(45)),
        ("45.0", Some(45)),
        ("4.5e1", Some(45)),
        ("450E-1", Some(45)),
        (r#""45""#, Some(45)),
        (r#""45.0""#, Some(45)),
        (r#""4.5e1""#, Some(45)),
        ("0", Some(0)),
        ("18446744073709551615", Some(u64::MAX)),
        ("null", None),
    ] {
        let json = format!(r#"{{"usageMetadata":{{"promptTokenCount":{text}}}}}"#);
        let usage = read(&json, 0).usage_metadata.expect("there");
        assert_eq!(usage.prompt_token_count, tokens, "{text}");
    }
    for text in [
        "45.5",
        "-1",
        "1e30",
        r#""many""#,
        r#""""#,
        "true",
        "[45]",
        "{}",
        r#""nan""#,
        r#""inf""#,
    ] {
        let json = format!(
            r#"{{"serverContent":{{"turnComplete":true}},"usageMetadata":{{"promptTokenCount":{text},"totalTokenCount":7}}}}"#
        );
        let message = read(&json, 1);
        assert!(message.server_content.expect("there").turn_complete);
        let usage = message.usage_metadata.expect("there");
        assert_eq!(usage.total_token_count, Some(7), "{text}");
    }
}

#[test]
fn a_wrong_field_costs_nothing_but_itself_and_is_named() {
    let sound = r#""modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm","data":"AAEC"}}]}"#;
    for (wrong, named) in [
        (r#""outputTranscription":"hello""#, "outputTranscription"),
        (
            r#""outputTranscription":{"text":5}"#,
            "outputTranscription.text",
        ),
        (r#""interactionStatus":{}"#, "interactionStatus"),
        (r#""interrupted":"no""#, "interrupted"),
        (r#""waiting_for_input":1"#, "waitingForInput"),
        (r#""turnCompleteReason":["x"]"#, "turnCompleteReason"),
    ] {
        let json = format!(r#"{{"serverContent":{{{wrong},{sound},"turnComplete":true}}}}"#);
        let (message, left) = ServerMessage::read_counted(json.as_bytes()).expect(&json);
        let content = message.server_content.expect("there");
        assert!(content.turn_complete && !content.interrupted, "{json}");
        assert_eq!(content.model_turn.expect("there").parts.len(), 1, "{json}");
        assert_eq!(
            (left.count, left.first),
            (1, format!("serverContent.{named}"))
        );
    }
}

#[test]
fn parts_of_a_wrong_type_cost_themselves() {
    let json = r#"{"serverContent":{"modelTurn":{"parts":[1,null,"x",[],{"inlineData":5},{"inlineData":{"mimeType":"audio/pcm"}},{"inlineData":{"data":"!"}},{"inlineData":{"data":"AAEC"}}],"role":7}}}"#;
    let content = read(json, 6).server_content.expect("there");
    let parts = content.model_turn.expect("there").parts;
    let sounds = parts
        .iter()
        .filter_map(|part| part.inline_data.as_ref())
        .map(|blob| blob.data.len());
    assert_eq!(sounds.collect::<Vec<_>>(), [0, 0, 3]);
}

#[test]
fn enums_are_names_or_numbers() {
    let json = r#"{"serverContent":{"interactionStatus":3,"turnCompleteReason":4,"turnComplete":true},"usageMetadata":{"promptTokensDetails":[{"modality":4,"tokenCount":35},{"modality":"SMELL"},{"modality":99}]},"voiceActivity":{"voiceActivityType":1,"audioOffset":"1.2s"}}"#;
    let message = read(json, 0);
    let content = message.server_content.expect("there");
    assert_eq!(content.turn_complete_reason.as_deref(), Some("4"));
    assert_eq!(
        content.interaction_status,
        Some(InteractionStatus::InteractionStatusUnspecified)
    );
    let details = message.usage_metadata.expect("there").prompt_tokens_details;
    let names: Vec<_> = details
        .iter()
        .filter_map(|d| d.modality.as_deref())
        .collect();
    assert_eq!(names, ["AUDIO", "SMELL", "99"]);
    assert_eq!(
        message.voice_activity.expect("there").kind.as_deref(),
        Some("1")
    );
}

#[test]
fn base64_may_be_broken_into_lines_and_padded_as_it_likes() {
    for data in [
        "+/8=",
        "-_8=",
        "+/8",
        "-/8",
        "+/\\n8=\\r\\n",
        " +\\t/8 = ",
        "+/8==",
        "+/9",
    ] {
        let json = format!(r#"{{"modelTurn":{{"parts":[{{"inlineData":{{"data":"{data}"}}}}]}}}}"#);
        let parts = content(&json).model_turn.expect("there").parts;
        let blob = parts[0].inline_data.as_ref().expect("there");
        assert_eq!(blob.data, [0xfb, 0xff], "{data:?}");
    }
}

#[test]
fn signs_say_what_they_say_whatever_is_in_them() {
    for sign in ["{}", "true", r#"{"sessionId":5}"#, "1", r#""yes""#, "[]"] {
        let json = format!(r#"{{"setupComplete":{sign},"goAway":{sign}}}"#);
        let message = ServerMessage::read(json.as_bytes()).expect(&json);
        assert!(message.setup_complete.is_some(), "{json}");
        assert!(message.go_away.is_some(), "{json}");
    }
    for none in ["null", "false"] {
        let json = format!(r#"{{"setup_complete":{none},"go_away":{none}}}"#);
        assert_eq!(read(&json, 0), ServerMessage::default());
    }
}

#[test]
fn durations_are_text_numbers_or_two_parts() {
    for (text, ms, left_out) in [
        (r#""3.5s""#, Some(3_500), 0),
        (r#""3.5""#, Some(3_500), 0),
        ("3.5", Some(3_500), 0),
        (r#"{"seconds":3,"nanos":500000000}"#, Some(3_500), 0),
        (r#"{"seconds":"3"}"#, Some(3_000), 0),
        (r#"{"nanos":5e8}"#, Some(500), 0),
        (r#""-2s""#, Some(0), 0),
        (r#""soon""#, None, 1),
        (r#""nans""#, None, 1),
        (r#""infs""#, None, 1),
        (r#""9223372036854775807s""#, None, 1),
        ("[]", None, 1),
    ] {
        let json = format!(r#"{{"goAway":{{"timeLeft":{text}}}}}"#);
        let left = read(&json, left_out).go_away.expect("there").time_left;
        assert_eq!(left, ms.map(Duration::from_millis), "{text}");
    }
}

#[test]
fn a_key_that_comes_twice_adds_to_the_first() {
    let json = r#"{"serverContent":{"interrupted":false,"interrupted":true,"outputTranscription":{"text":"a"}},
        "server_content":{"turn_complete":true,"outputTranscription":{"languageCode":"de"},"interrupted":null}}"#;
    let content = read(json, 0).server_content.expect("there");
    assert!(content.interrupted && content.turn_complete);
    let words = content.output_transcription.expect("there");
    assert_eq!(
        (words.text.as_str(), words.language_code.as_deref()),
        ("a", Some("de"))
    );
}

#[test]
fn times_and_speakers_of_a_transcription_are_passed_over() {
    let json = r#"{"serverContent":{"inputTranscription":{"text":"a b","speakerLabel":"spk_1","startOffset":"0.1s",
        "endOffset":"1s","words":[{"word":"a","startOffset":"0.1s","endOffset":"0.2s"},{"word":"b"}]}}}"#;
    let content = read(json, 0).server_content.expect("there");
    let words = content.input_transcription.expect("there");
    assert_eq!((words.text.as_str(), words.language_code), ("a b", None));
}

#[test]
fn what_json_forbids_within_text_costs_no_message() {
    for (json, text) in [
        (
            &b"\xef\xbb\xbf{\"serverContent\":{\"outputTranscription\":{\"text\":\"a\"}}}"[..],
            "a",
        ),
        (
            b"{\"serverContent\":{\"outputTranscription\":{\"text\":\"a\nb\"}}}",
            "a b",
        ),
        (
            b"{\"serverContent\":{\"outputTranscription\":{\"text\":\"a\"}}}\n\0\0",
            "a",
        ),
        (
            b"{\"serverContent\":{\"outputTranscription\":{\"text\":\"a\xff\"}}}",
            "a\u{fffd}",
        ),
        (
            br#"{"serverContent":{"outputTranscription":{"text":"a\ud83d"}}}"#,
            "a\u{fffd}\u{fffd}\u{fffd}",
        ),
    ] {
        let message = ServerMessage::read(json).expect("readable");
        let words = message.server_content.and_then(|c| c.output_transcription);
        assert_eq!(words.expect("there").text, text);
    }
}

#[test]
fn depth_and_length_cost_themselves() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let long = format!("[{}0]", "0,".repeat(1_000_000));
    for (key, value, left_out) in [
        ("unknown", &deep, 0),
        ("unknown", &long, 0),
        ("groundingMetadata", &deep, 1),
        ("groundingMetadata", &long, 1),
        ("outputTranscription", &deep, 1),
        ("modelTurn", &long, 1),
    ] {
        let json = format!(r#"{{"serverContent":{{"{key}":{value},"turnComplete":true}}}}"#);
        let content = read(&json, left_out).server_content.expect("there");
        assert!(content.turn_complete, "{key}");
    }
    let parts = format!("[{}{{}}]", "{},".repeat(100_000));
    let json = format!(r#"{{"serverContent":{{"modelTurn":{{"parts":{parts}}}}}}}"#);
    let content = read(&json, 100_001 - (1 << 16))
        .server_content
        .expect("there");
    assert_eq!(content.model_turn.expect("there").parts.len(), 1 << 16);
}
