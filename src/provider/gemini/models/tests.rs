//! Names, states, and what each model refuses.

use super::*;

use crate::provider::gemini::message::ClientMessage;

#[test]
fn the_longest_name_counts_and_an_unknown_one_is_treated_with_caution() {
    let name_of = |name| known(name).map(|model| model.name);
    for (name, found) in [
        ("models/gemini-3.8-live", Some("gemini-3.8-live")),
        ("gemini-3.8-live-001", Some("gemini-3.8-live")),
        (
            "models/gemini-3.8-live-extended-thinking",
            Some("gemini-3.8-live-extended-thinking"),
        ),
        (
            "gemini-2.5-flash-native-audio-preview-09-2025",
            Some("gemini-2.5-flash-native-audio-preview-12-2025"),
        ),
        (
            "gemini-2.5-flash-native-audio-latest",
            Some("gemini-2.5-flash-native-audio-latest"),
        ),
        ("gemini-3.8-lives", None),
        ("gemini-9-live", None),
        ("", None),
    ] {
        assert_eq!(name_of(name), found, "{name}");
    }
    assert_eq!(model("gemini-9-live"), &UNKNOWN);
}

#[test]
fn a_model_that_ended_has_a_successor_that_has_not() {
    for one in &MODELS {
        assert_eq!(known(one.name), Some(one), "{}", one.name);
        let ended = matches!(
            one.state,
            ModelState::Ended { .. } | ModelState::MayHaveEnded { .. }
        );
        assert_eq!(one.successor().is_some(), ended, "{}", one.name);
        if let Some(successor) = one.successor() {
            assert_eq!(model(successor).state, ModelState::Stable, "{successor}");
            assert_eq!(model(successor).purpose, Purpose::Talk, "{successor}");
        }
    }
    let ended = |name| match model(name).state {
        ModelState::Ended { on, .. } => on,
        ModelState::Stable | ModelState::Preview | ModelState::MayHaveEnded { .. } => "",
    };
    for (name, on) in [
        ("gemini-3.1-flash-live-preview", "2026-11-17"),
        (
            "gemini-2.5-flash-native-audio-preview-12-2025",
            "2026-11-17",
        ),
        ("gemini-2.5-flash-native-audio-latest", ""),
        ("gemini-2.0-flash-live-001", "2025-12-09"),
        ("gemini-live-2.5-flash-preview", "2025-12-09"),
        ("gemini-3.5-live-translate-preview", ""),
        ("gemini-3.8-live", ""),
    ] {
        assert_eq!(ended(name), on, "{name}");
    }
}

#[test]
fn each_model_refuses_what_it_does_not_take() {
    let table = [
        (r#""model":"models/gemini-3.8-live""#, ""),
        (r#""tools":[]"#, "setup.model"),
        (
            r#""model":"models/gemini-3.8-live","generationConfig":{"thinkingConfig":{}}"#,
            "setup.generationConfig.thinkingConfig",
        ),
        (
            r#""model":"models/gemini-3.8-live","generationConfig":{"enableAffectiveDialog":true}"#,
            "setup.generationConfig.enableAffectiveDialog",
        ),
        (
            r#""model":"models/gemini-3.8-live","proactivity":{"proactiveAudio":false}"#,
            "setup.proactivity.proactiveAudio",
        ),
        (
            r#""model":"models/gemini-3.8-live","proactivity":{"proactiveAudio":true}"#,
            "",
        ),
        (
            r#""model":"models/gemini-3.8-live-extended-thinking","generationConfig":{"thinkingConfig":{"thinkingLevel":"MINIMAL"}}"#,
            "setup.generationConfig.thinkingConfig",
        ),
        (
            r#""model":"models/gemini-3.8-live-extended-thinking","generationConfig":{"thinkingConfig":{"thinkingLevel":"LOW"}}"#,
            "",
        ),
        (
            r#""model":"models/gemini-3.1-flash-live-preview","generationConfig":{"thinkingConfig":{"thinkingBudget":0}}"#,
            "setup.generationConfig.thinkingConfig",
        ),
        (
            r#""model":"models/gemini-3.1-flash-live-preview","tools":[{"functionDeclarations":[{"name":"f","behavior":"NON_BLOCKING"}]}]"#,
            "setup.tools[].functionDeclarations[].behavior",
        ),
        (
            r#""model":"models/gemini-3.8-live-extended-thinking","tools":[{"functionDeclarations":[{"name":"f","behavior":"BLOCKING"}]}]"#,
            "setup.tools[].functionDeclarations[].behavior",
        ),
        (
            r#""model":"models/gemini-3.5-live-translate-preview","tools":[{"functionDeclarations":[{"name":"f"}]}]"#,
            "setup.tools[].functionDeclarations",
        ),
        (
            r#""model":"models/gemini-3.5-live-translate-preview","generationConfig":{"thinkingConfig":{}}"#,
            "setup.generationConfig.thinkingConfig",
        ),
        (
            r#""model":"models/gemini-3.5-transcribe-live""#,
            "setup.model",
        ),
        (
            r#""model":"models/gemini-2.5-flash-native-audio-preview-12-2025","generationConfig":{"thinkingConfig":{"thinkingLevel":"LOW"}}"#,
            "setup.generationConfig.thinkingConfig",
        ),
        (
            r#""model":"models/x","generationConfig":{"responseModalities":["TEXT"]}"#,
            "setup.generationConfig.responseModalities",
        ),
        (
            r#""model":"models/x","generationConfig":{"responseModalities":["AUDIO","TEXT"]}"#,
            "setup.generationConfig.responseModalities",
        ),
        (
            r#""model":"models/x","explicitVadSignal":true"#,
            "setup.explicitVadSignal",
        ),
        (
            r#""model":"models/x","generationConfig":{"enableAffectiveDialog":true}"#,
            "",
        ),
        (
            r#""model":"models/x","generationConfig":{"speechConfig":{"multiSpeakerVoiceConfig":{"speakerVoiceConfigs":[]}}}"#,
            "setup.generationConfig.speechConfig.multiSpeakerVoiceConfig",
        ),
        (
            r#""model":"models/x","generationConfig":{"speechConfig":{"voiceConfig":{"prebuiltVoiceConfig":{"voiceName":"Kore"},"replicatedVoiceConfig":{"mimeType":"audio/wav"}}}}"#,
            "setup.generationConfig.speechConfig.voiceConfig",
        ),
        (
            r#""model":"models/x","tools":[{"googleSearch":{"excludeDomains":["example.com"]}}]"#,
            "setup.tools[].googleSearch.excludeDomains",
        ),
        (
            r#""model":"models/x","tools":[{"googleSearch":{"timeRangeFilter":{"startTime":"2026-01-01T00:00:00Z"}}}]"#,
            "setup.tools[].googleSearch.timeRangeFilter",
        ),
        (
            r#""model":"models/x","tools":[{"urlContext":{}}]"#,
            "setup.tools[].urlContext",
        ),
        (
            r#""model":"models/gemini-2.5-flash-native-audio-latest","proactivity":{"proactiveVideo":true}"#,
            "setup.proactivity.proactiveVideo",
        ),
        (
            r#""model":"models/gemini-3.8-live","proactivity":{"proactiveVideo":true}"#,
            "",
        ),
        (
            r#""model":"models/gemini-3.1-flash-live-preview","proactivity":{"proactiveVideo":true}"#,
            "setup.proactivity",
        ),
    ];
    for (fields, refused) in table {
        let json = format!(r#"{{"setup":{{{fields}}}}}"#);
        let Ok(ClientMessage::Setup(setup)) = ClientMessage::read(json.as_bytes()) else {
            panic!("{json}");
        };
        let paths: Vec<_> = refusals(&setup).into_iter().map(|(path, _)| path).collect();
        let expected: Vec<_> = Some(refused)
            .filter(|r| !r.is_empty())
            .into_iter()
            .collect();
        assert_eq!(paths, expected, "{json}");
    }
}
