//! The table of keys, what is shipped and published from it, and profiles that choose among others.

use serde_json::Value as Json;

use std::time::Duration;

use super::*;
use crate::base::keys::tests::{reference, up_to_date};
use crate::base::keys::{Keyed as _, Role};
use crate::base::yaml::Text;
use crate::provider::gemini::message::{
    ActivityDetection, ActivityHandling, ClientMessage, StartSensitivity,
};
use crate::provider::gemini::models;
use crate::provider::gemini::setup::setup;

#[test]
fn files_made_from_the_table_are_up_to_date() {
    for name in BUILTINS.into_iter().chain([AUTO]) {
        let text = shipped(name).expect("built in");
        up_to_date(&format!("profiles/{name}.yaml"), &text);
        let read = Profile::parse("mine.yaml", text.as_bytes());
        assert_eq!(read.as_ref(), Ok(&*builtin(name).expect("built in")));
    }
    let head = "# Keys of a profile\n\n\
        Made from `src/profile/table.rs`. `sovereign profiles show balanced` prints the same with the reasons for the shipped values; \
        [tuning.md](tuning.md) says what each key gains and costs. Where three values are shown, `low-data` has that of `balanced`.\n\n\
        An editor with a YAML language server (VS Code with the YAML extension, Neovim, Helix) completes and checks profiles by a schema. Write it into \
        the folder `profiles` that `sovereign doctor` names, and again after an update:\n\n\
        \u{20}   sovereign profiles schema > profile.schema.json\n\n\
        While it is there, `sovereign profiles show` begins with a line that names it to the editor.\n";
    let mut groups = vec![("", "What the profile is called and judged by.")];
    groups.extend(table::GROUPS);
    let tables = reference(
        &table::KEYS,
        &groups,
        "ultra-fast, balanced, high-quality, low-data",
    );
    up_to_date("docs/profiles.md", &format!("{head}{tables}"));
}

#[test]
fn every_row_has_what_its_readers_need() {
    for key in table::KEYS.iter() {
        let files = if key.role == Role::Field {
            [1, 3, 4, 5].as_slice()
        } else {
            &[0]
        };
        assert!(files.contains(&key.shipped.len()), "{}: shipped", key.name);
        assert!([0, 3, 4, 5].contains(&key.why.len()), "{}: why", key.name);
        assert!(
            key.about.ends_with('.') && !key.about.contains('|'),
            "{}: {}",
            key.name,
            key.about
        );
        let (group, name) = key.parts();
        assert!(
            group.is_empty() || table::GROUPS.iter().any(|(known, _)| *known == group),
            "{}",
            key.name
        );
        assert_eq!(
            table::KEYS
                .iter()
                .filter(|other| other.name == key.name)
                .count(),
            1,
            "{name}"
        );
    }
    // A value of another kind than its field takes would be dropped here.
    let profile = builtin(DEFAULT).expect("built in");
    let mut values = Vec::new();
    profile.give(&mut values);
    assert_eq!(values.len(), table::fields().count());
    assert_eq!(
        Profile::take(&mut values.into_iter()).as_ref(),
        Some(&*profile)
    );
}

#[test]
fn the_schema_takes_what_the_program_takes() {
    let schema = schema();
    let fault = |text: &str| {
        let value = Text::new("", text.as_bytes())
            .expect("sound YAML")
            .read()
            .expect("JSON");
        schema_fault(&schema, &value)
    };
    for name in BUILTINS.into_iter().chain([AUTO]) {
        assert_eq!(fault(&shipped(name).expect("built in")), None, "{name}");
        assert_eq!(
            fault(&builtin(name).expect("built in").to_yaml()),
            None,
            "{name}"
        );
    }
    for (text, is_good) in [
        ("live: {language: de, temperature: 1}", true),
        ("alerts: {cpu_percent: off}", true),
        ("live: {languages: de}", true),
        ("live: {voice: kore}", true),
        ("extends: ultra-fast", true),
        ("targetms: 200", false),
        ("audio: {resampler_taps: 63}", false),
        ("turn: {automatic: {silence_ms: 10}}", false),
        ("turn: {barge_in: perhaps}", false),
        ("live: {google_search: 1}", false),
        ("label: ''", false),
        ("auto: {among: [one]}", false),
        ("auto: {}\nturn: {patience_ms: 300}", false),
        ("alerts: {cpu_percent: default}", false),
    ] {
        assert_eq!(
            Profile::parse("mine.yaml", text.as_bytes()).is_ok(),
            is_good,
            "{text}"
        );
        assert_eq!(fault(text).is_none(), is_good, "{text}: {:?}", fault(text));
    }
    let patience = &schema["properties"]["turn"]["properties"]["patience_ms"];
    assert_eq!(
        (&patience["default"], &patience["maximum"]),
        (&500.into(), &5_000.into())
    );
}

/// What of a value a schema forbids, by the words of JSON Schema that ours uses but `pattern`.
fn schema_fault(schema: &Json, value: &Json) -> Option<String> {
    if *schema == Json::Bool(false) {
        return Some(format!("{value} is forbidden"));
    }
    let wrong = |word: &str| Some(format!("{value}: {word} {}", schema[word]));
    if let Some(any) = schema["anyOf"].as_array() {
        return any
            .iter()
            .all(|one| schema_fault(one, value).is_some())
            .then(|| format!("{value}: anyOf"));
    }
    let is_type = match schema["type"].as_str() {
        None => true,
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some(other) => panic!("{other}"),
    };
    if !is_type {
        return wrong("type");
    }
    let size = value.as_f64().unwrap_or_else(|| {
        let length = value.as_str().map(|text| text.chars().count());
        length
            .or(value.as_array().map(Vec::len))
            .unwrap_or_default() as f64
    });
    for word in ["minimum", "minLength", "minItems"] {
        if schema[word].as_f64().is_some_and(|least| size < least) {
            return wrong(word);
        }
    }
    for word in ["maximum", "maxLength", "maxItems"] {
        if schema[word].as_f64().is_some_and(|most| size > most) {
            return wrong(word);
        }
    }
    if schema["multipleOf"]
        .as_f64()
        .is_some_and(|step| size % step != 0.0)
    {
        return wrong("multipleOf");
    }
    let is_const = schema.get("const").is_none_or(|only| only == value);
    let is_known = schema["enum"]
        .as_array()
        .is_none_or(|known| known.contains(value));
    if !is_const || !is_known {
        return wrong("enum");
    }
    let items = value.as_array().into_iter().flatten();
    if let Some(fault) = items
        .map(|item| schema_fault(&schema["items"], item))
        .next()
        .flatten()
    {
        return Some(fault);
    }
    let entries = value.as_object().into_iter().flatten();
    for (key, inner) in entries {
        match schema["properties"].get(key) {
            Some(of_key) => {
                if let Some(fault) = schema_fault(of_key, inner) {
                    return Some(format!("{key}: {fault}"));
                }
            }
            None if schema["additionalProperties"] == false => {
                return Some(format!("{key} is unknown"));
            }
            None => {}
        }
        let dependent = schema["dependentSchemas"].get(key);
        if let Some(fault) = dependent.and_then(|dependent| schema_fault(dependent, value)) {
            return Some(fault);
        }
    }
    None
}

#[test]
fn shipped_profiles_hold_the_values_of_the_design_or_better_measured_ones() {
    for name in BUILTINS {
        let text = shipped(name).expect("built in");
        let text = Text::new(name, text.as_bytes()).expect("sound YAML");
        let profile = builtin(name).expect("built in");
        assert_eq!(profile.name, name);
        let usual = AlertSettings {
            first_audio: Some(Duration::from_secs(2)),
            response: Some(Duration::from_secs(5)),
            success_percent: Some(90),
            memory_mb: Some(1_000),
            memory_growth_mb: Some(100),
            cpu_percent: Some(80),
            interruptions_percent: Some(15),
            cut_offs_percent: Some(10),
            stutters: Some(3),
        };
        assert_eq!(profile.alerts, usual, "{name}");
        for key in table::KEYS.iter() {
            let is_there = key.role == Role::Field && !key.name.starts_with("auto.");
            assert_eq!(
                text.place(key.name).is_some(),
                is_there,
                "{name}: {}",
                key.name
            );
        }
    }
    let table =
        |read: fn(&Profile) -> u128| BUILTINS.map(|name| read(&builtin(name).expect("built in")));
    assert_eq!(table(|p| p.target.as_millis()), [200, 300, 400, 400]);
    let periods = table(|p| p.audio.period_frames.into());
    assert_eq!(periods, [256, 512, 1024, 512]);
    assert_eq!(table(|p| p.audio.resampler_taps.into()), [64, 64, 128, 64]);
    assert_eq!(table(|p| p.audio.prebuffer.as_millis()), [0, 20, 40, 40]);
    let prerolls = table(|p| p.audio.preroll.as_millis());
    assert_eq!(prerolls, [200, 300, 400, 200]);
    let onsets = table(|p| p.detector.onset_idle.as_millis());
    assert_eq!(onsets, [60, 40, 50, 40]);
    assert_eq!(
        table(|p| p.detector.onset_playing.as_millis()),
        [100, 60, 70, 60]
    );
    assert_eq!(table(|p| p.turn.patience.as_millis()), [300, 500, 700, 500]);
    assert_eq!(
        table(|p| p.live.compress_at_tokens.into()),
        [16_000, 24_000, 32_000, 24_000]
    );
}

#[test]
fn low_data_sends_no_silence_and_asks_for_no_words_of_answers() {
    assert!(builtin("low-data").expect("built in").turn.hold_pauses);
    let asked = BUILTINS.map(|name| {
        let profile = builtin(name).expect("built in");
        let setup = setup(&profile.session_config(profile.turn.detection), None);
        let words = setup.output_audio_transcription.is_some();
        assert!(setup.input_audio_transcription.is_some(), "{name}");
        (profile.turn.detection, profile.turn.eager_endpoint, words)
    });
    let usual = (Detection::Manual, true, true);
    assert_eq!(
        asked,
        [usual, usual, usual, (Detection::Manual, false, false)]
    );
}

#[test]
fn a_profile_that_chooses_holds_nothing_but_how() {
    let auto = builtin("auto").expect("built in");
    let how = auto.auto.as_ref().expect("it chooses");
    assert_eq!(how.among, BUILTINS[..3]);
    assert_eq!(auto.audio, builtin(DEFAULT).expect("built in").audio);
    // A file of its own takes over what it leaves out.
    let mine = Profile::parse("mine.yaml", b"auto: {prefer: speed, among: [balanced, x]}");
    let mine = mine.expect("good");
    assert_eq!((mine.name.as_str(), mine.target), ("mine", auto.target));
    let how = mine.auto.as_ref().expect("it chooses");
    assert_eq!((how.prefer, how.among.len()), (Preference::Speed, 2));
    let text = "target_ms: 250\n";
    let own = Profile::parse("auto.yaml", text.as_bytes()).expect("good");
    assert!(own.auto.is_some() && own.label == "Auto");
    for (text, fault) in [
        (
            "auto: {among: [balanced]}",
            "1:15: auto.among: has 1 name, allowed are 2 to 8",
        ),
        (
            "auto: {among: [a, B c]}",
            "1:15: auto.among: holds `B c`, allowed are",
        ),
        ("auto: {among: [a, a]}", "1:15: auto.among: holds `a` twice"),
        ("auto: {prefer: best}", "auto.prefer: "),
        (
            "auto: {changes_per_hour: 61}",
            "auto.changes_per_hour: is 61",
        ),
        ("auto: {power: on}", "did you mean `power_saving`"),
        ("auto: {}\nturn: {patience_ms: 300}", "turn: is written, "),
        ("extends: balanced\nauto: {}", "extends: is written, "),
        (
            "extends: balanced\nauto: {prefer: speed}",
            "extends: is written, ",
        ),
    ] {
        let wrong = Profile::parse("a.yaml", text.as_bytes())
            .expect_err(text)
            .to_string();
        assert!(wrong.contains(fault), "{text}: {wrong}");
    }
}

#[test]
fn a_profile_written_out_is_read_back_the_same() {
    for name in BUILTINS.into_iter().chain([AUTO]) {
        let profile = builtin(name).expect("built in");
        let again =
            Profile::parse("any.yaml", profile.to_yaml().as_bytes()).expect("complete and good");
        assert_eq!(again, *profile);
    }
    let text = "label: 'a \"b\" \\ ü'\nlive: {instruction: \"line\\nnext\\tx\", temperature: 0.3, voice: puck, thinking: low}\n\
                alerts: {response_ms: off, cpu_percent: 95}\n\
                turn: {automatic: {silence_ms: 250, start_sensitivity: high, prefix_padding_ms: default}}";
    let profile = Profile::parse("odd-one.yaml", text.as_bytes()).expect("good");
    assert_eq!(
        profile.live.voice.as_deref(),
        Some("Puck"),
        "as the service spells it"
    );
    assert_eq!(
        Profile::parse("other.yaml", profile.to_yaml().as_bytes()),
        Ok(profile)
    );
}

#[test]
fn no_model_refuses_the_setup_of_any_profile() {
    let talks = |model: &&models::Model| model.purpose != models::Purpose::Transcription;
    let names: Vec<_> = (models::MODELS.iter().filter(talks))
        .map(|model| model.name)
        .collect();
    for profile in BUILTINS {
        for model in names.iter().copied().chain(["something-else"]) {
            for thinking in [None, Some(Thinking::Minimal), Some(Thinking::High)] {
                let mut profile = Profile::clone(&builtin(profile).expect("it is built in"));
                profile.live.model = model.to_owned();
                profile.live.thinking = thinking;
                profile.live.google_search = true;
                let setup = setup(&profile.session_config(Detection::Automatic), Some("h"));
                assert_eq!(models::refusals(&setup), [], "{model} {thinking:?}");
                let json = ClientMessage::Setup(Box::new(setup.clone())).to_json();
                let read = ClientMessage::read(json.as_bytes());
                assert_eq!(read, Ok(ClientMessage::Setup(Box::new(setup))), "{json}");
            }
        }
    }
}

#[test]
fn the_service_detects_with_the_settings_of_the_profile() {
    let mut profile = Profile::clone(&builtin("balanced").expect("it is built in"));
    profile.turn.barge_in = BargeIn::Off;
    profile.turn.automatic.silence = Some(Duration::from_millis(700));
    profile.turn.automatic.start_sensitivity = Some(Sensitivity::Low);
    let detected = |detection| {
        let config = setup(&profile.session_config(detection), None)
            .realtime_input_config
            .expect("always there");
        (
            config.automatic_activity_detection.expect("always there"),
            config.activity_handling,
        )
    };
    let (manual, handling) = detected(Detection::Manual);
    assert_eq!(
        manual,
        ActivityDetection {
            disabled: Some(true),
            ..Default::default()
        }
    );
    assert_eq!(handling, Some(ActivityHandling::StartOfActivityInterrupts));
    let (automatic, handling) = detected(Detection::Automatic);
    assert_eq!(
        (automatic.disabled, automatic.silence_duration_ms),
        (Some(false), Some(700))
    );
    assert_eq!(
        automatic.start_of_speech_sensitivity,
        Some(StartSensitivity::Low)
    );
    assert_eq!(handling, Some(ActivityHandling::NoInterruption));
}
