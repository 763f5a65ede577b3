//! Profiles from outside: what a user may write, and what is said, and where, when it is wrong.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use sovereign::profile::store::ProfileStore;
use sovereign::profile::{BUILTINS, Languages, Profile, builtin, shipped};
use sovereign::settings::profiles::Profiles;

/// A text, where and how its (first) fault begins, and something that the help says.
type Fault = (&'static str, &'static str, &'static str);

const UNKNOWN: &[Fault] = &[
    (
        "targetms: 200",
        "1:1: targetms: unknown key, allowed are name, extends, label,",
        "; did you mean `target_ms`?",
    ),
    (
        "TARGET_MS: 200",
        "1:1: TARGET_MS: unknown key",
        "; did you mean `target_ms`?",
    ),
    (
        "colour: red",
        "1:1: colour: unknown key, allowed are name,",
        "detector, turn, live",
    ),
    (
        "audio:\n  perod_frames: 256",
        "2:3: audio.perod_frames: unknown key",
        "; did you mean `period_frames`?",
    ),
    (
        "audio:\n  patience_ms: 256",
        "2:3: audio.patience_ms: unknown key",
        "; did you mean `turn.patience_ms`?",
    ),
    (
        "patience_ms: 300",
        "1:1: patience_ms: unknown key",
        "; did you mean `turn.patience_ms`?",
    ),
    (
        "turn:\npatience_ms: 300",
        "2:1: patience_ms: unknown key",
        "; did you mean `turn.patience_ms`?",
    ),
    (
        "turn:\n  automatic:\n    silense_ms: 3",
        "3:5: turn.automatic.silense_ms: unknown key",
        "; did you mean `silence_ms`?",
    ),
    (
        "<<: {target_ms: 300}",
        "1:1: <<: unknown key",
        "allowed are",
    ),
    ("1: 2", "1:1: 1: unknown key", "allowed are"),
    ("label: ünï\nfoö: 1", "2:1: foö: unknown key", "allowed are"),
    (
        "target_ms: 300 # good\r\nlabel: x\r\nfoo: 1\r\n",
        "3:1: foo: unknown key",
        "allowed are",
    ),
    ("\u{feff}foo: 300", "1:1: foo: unknown key", "allowed are"),
];

const VALUES: &[Fault] = &[
    (
        "target_ms: fast",
        "1:12: target_ms: is the text \"fast\"",
        "a whole number from 50 to 10000",
    ),
    (
        "target_ms: 200.5",
        "1:12: target_ms: is 200.5",
        "a whole number from 50 to 10000",
    ),
    (
        "target_ms: 200.0",
        "1:12: target_ms: is 200.0",
        "a whole number",
    ),
    (
        "target_ms: -5",
        "1:12: target_ms: is -5",
        "a whole number from 50 to 10000",
    ),
    (
        "target_ms: 49",
        "1:12: target_ms: is 49",
        "a whole number from 50 to 10000",
    ),
    (
        "target_ms: 10001",
        "1:12: target_ms: is 10001",
        "a whole number from 50 to 10000",
    ),
    (
        "target_ms: 4294967596",
        "1:12: target_ms: is 4294967596",
        "from 50 to 10000",
    ),
    (
        "target_ms: 99999999999999999999999",
        "1:12: target_ms: is 99999999999999999999999,",
        "from 50 to 10000",
    ),
    (
        "target_ms: true",
        "1:12: target_ms: is true",
        "a whole number",
    ),
    (
        "target_ms: [1]",
        "1:12: target_ms: is a list",
        "a whole number",
    ),
    (
        "target_ms: {a: 1}",
        "1:12: target_ms: is a group of keys",
        "a whole number",
    ),
    ("target_ms:", "1:11: target_ms: is empty", "a whole number"),
    (
        "target_ms: ~",
        "1:12: target_ms: is empty",
        "a whole number",
    ),
    (
        "target_ms: '200'",
        "1:12: target_ms: is the text \"200\"",
        "a whole number",
    ),
    (
        "target_ms: 200 ms",
        "1:12: target_ms: is the text \"200 ms\"",
        "a whole number",
    ),
    (
        "name: My Profile",
        "1:7: name: is `My Profile`",
        "small letters, digits and single hyphens",
    ),
    ("name: a--b", "1:7: name: is `a--b`", "small letters"),
    ("name: ''", "1:7: name: is empty", "small letters"),
    (
        "label: ''",
        "1:8: label: has 0 characters",
        "a text of 1 to 40 characters",
    ),
    (
        "label: [a]",
        "1:8: label: is a list",
        "a text of 1 to 40 characters",
    ),
    (
        "extends: fast",
        "1:10: extends: is `fast`",
        "; did you mean `ultra-fast`?",
    ),
    (
        "extends: my",
        "1:10: extends: is `my`",
        "allowed are ultra-fast, balanced, high-quality, low-data",
    ),
    (
        "audio:\n  resampler_taps: 63",
        "2:19: audio.resampler_taps: is 63",
        "a multiple of 8",
    ),
    (
        "audio:\n  period_frames: 32",
        "2:18: audio.period_frames: is 32",
        "from 64 to 8192",
    ),
    (
        "audio:\n  prebuffer_ms: 1001",
        "2:17: audio.prebuffer_ms: is 1001",
        "from 0 to 1000",
    ),
    ("audio: 3", "1:8: audio: is 3", "a group of keys"),
    ("audio: [a]", "1:8: audio: is a list", "a group of keys"),
    (
        "detector:\n  aggressiveness: 4",
        "2:19: detector.aggressiveness: is 4",
        "from 0 to 3",
    ),
    (
        "detector:\n  onset_idle_ms: 200",
        "2:18: detector.onset_idle_ms: is 200",
        "at most 60, the value of detector.onset_playing_ms",
    ),
    (
        "detector: {onset_playing_ms: 30}",
        "1:30: detector.onset_playing_ms: is 30",
        "at least 40",
    ),
    (
        "turn:\n  detection: manul",
        "2:14: turn.detection: is `manul`",
        "; did you mean `manual`?",
    ),
    (
        "turn:\n  detection: [manual]",
        "2:14: turn.detection: is a list",
        "allowed are manual, automatic",
    ),
    (
        "turn:\n  barge_in: onn",
        "2:13: turn.barge_in: is `onn`",
        "; did you mean `on`?",
    ),
    (
        "turn:\n  barge_in:",
        "2:12: turn.barge_in: is empty",
        "allowed are auto, on, off",
    ),
    (
        "turn:\n  automatic:\n    silence_ms: 10",
        "3:17: turn.automatic.silence_ms: is 10",
        "from 50 to 10000, or default",
    ),
    (
        "turn:\n  automatic:\n    silence_ms: soon",
        "3:17: turn.automatic.silence_ms: is the text \"soon\"",
        "or default",
    ),
    (
        "turn:\n  automatic:\n    silence_ms: ~",
        "3:17: turn.automatic.silence_ms: is empty",
        "or default",
    ),
    (
        "turn: {automatic: {end_sensitivity: hgh}}",
        "1:37: turn.automatic.end_sensitivity: is `hgh`",
        "; did you mean `high`?",
    ),
    (
        "live:\n  temperature: 2.1",
        "2:16: live.temperature: is 2.1",
        "a number from 0 to 2, or default",
    ),
    (
        "live:\n  temperature: warm",
        "2:16: live.temperature: is the text \"warm\"",
        "a number from 0 to 2",
    ),
    (
        "live:\n  voice: Kora",
        "2:10: live.voice: is `Kora`",
        "; did you mean `Kore`?",
    ),
    (
        "live:\n  language: english",
        "2:13: live.language: is `english`",
        "a language code such as en-US",
    ),
    (
        "live:\n  languages: [de, english]",
        "2:14: live.languages: holds `english`",
        "allowed is a list of at most 10 language codes such as [de, en-US], or default",
    ),
    (
        "live:\n  languages: [de, DE]",
        "2:14: live.languages: holds `DE` twice",
        "at most 10 language codes",
    ),
    (
        "live:\n  languages: [aa, bb, cc, dd, ee, ff, gg, hh, ii, jj, kk]",
        "2:14: live.languages: has 11 languages",
        "at most 10 language codes",
    ),
    (
        "live:\n  languages: {de: 1}",
        "2:14: live.languages: is a group of keys",
        "at most 10 language codes",
    ),
    (
        "live:\n  languages: [5]",
        "2:14: live.languages: holds `5`",
        "at most 10 language codes",
    ),
    (
        "live: {languages: [de], language: de}",
        "1:35: live.language: is written besides",
        "write `live.languages` alone",
    ),
    (
        "live:\n  vocabulary: [a, \"b\\nc\"]",
        "2:15: live.vocabulary: has a line break or another control character in entry 2",
        "each of 1 to 100 characters",
    ),
    (
        "live:\n  vocabulary: [a, ' ']",
        "2:15: live.vocabulary: has 0 characters in entry 2",
        "each of 1 to 100 characters",
    ),
    (
        "live:\n  vocabulary: Ada",
        "2:15: live.vocabulary: is ",
        "at most 100 names and terms",
    ),
    (
        "live:\n  language: en_US",
        "2:13: live.language: is `en_US`",
        "a language code",
    ),
    (
        "live:\n  model: models/gemini-3.8-live",
        "2:10: live.model: is `models/gemini-3.8-live`",
        "without `models/`",
    ),
    (
        "live:\n  thinking: hard",
        "2:13: live.thinking: is `hard`",
        "default, minimal, low, medium, high",
    ),
    (
        "live:\n  answer_length: long",
        "2:18: live.answer_length: is `long`",
        "allowed are short, free",
    ),
    (
        "live:\n  compress_to_tokens: 30000",
        "2:23: live.compress_to_tokens: is 30000",
        "less than 24000",
    ),
    (
        "live:\n  compress_at_tokens: 9000",
        "2:23: live.compress_at_tokens: is 9000",
        "more than 12000",
    ),
    (
        "live: {compress_at_tokens: 6000, compress_to_tokens: 6000}",
        "1:54: live.compress_to_tokens: is 6000",
        "less than 6000",
    ),
];

/// What YAML 1.1 reads in its own way.
const TRAPS: &[Fault] = &[
    (
        "turn:\n  barge_in: no",
        "2:13: turn.barge_in: is `no`",
        "allowed are auto, on, off",
    ),
    (
        "live:\n  google_search: no",
        "2:18: live.google_search: is the text \"no\"",
        "allowed are true, false",
    ),
    (
        "live:\n  google_search: 1",
        "2:18: live.google_search: is 1",
        "allowed are true, false",
    ),
    (
        "target_ms: 1e3",
        "1:12: target_ms: is 1000.0",
        "a whole number",
    ),
    (
        "target_ms: .inf",
        "1:12: target_ms: is inf",
        "a whole number",
    ),
    (
        "target_ms: .nan",
        "1:12: target_ms: is NaN",
        "a whole number",
    ),
    (
        "target_ms: 12:30",
        "1:12: target_ms: is the text \"12:30\"",
        "a whole number",
    ),
    (
        "target_ms: 1_000",
        "1:12: target_ms: is the text \"1_000\"",
        "a whole number",
    ),
    (
        "target_ms: 0200",
        "1:12: target_ms: is the text \"0200\"",
        "a whole number",
    ),
    (
        "live:\n  temperature: .inf",
        "2:16: live.temperature: is inf",
        "a number from 0 to 2",
    ),
    (
        "live:\n  temperature: -.inf",
        "2:16: live.temperature: is -inf",
        "a number from 0 to 2",
    ),
    (
        "live:\n  temperature: .nan",
        "2:16: live.temperature: is NaN",
        "a number from 0 to 2",
    ),
];

const FORM: &[Fault] = &[
    (
        "target_ms: 200\ntarget_ms: 300",
        "2:1: target_ms: stands here for the second time",
        "remove one of the two",
    ),
    (
        "turn:\n  patience_ms: 300\n  barge_in: on\n  patience_ms: 400",
        "4:3: turn.patience_ms: stands here for the second",
        "remove",
    ),
    (
        "turn: {}\nlive: {}\nturn: {}",
        "3:1: turn: stands here for the second time",
        "remove one of the two",
    ),
    (
        "turn:\n\tpatience_ms: 300",
        "2:1: a tab stands here",
        "indent with spaces",
    ),
    (
        "\ttarget_ms: 300",
        "1:1: a tab stands here",
        "indent with spaces",
    ),
    (
        "target_ms: 200\n  frames",
        "1:12: target_ms: is the text \"200 frames\" (the next line",
        "check its indentation",
    ),
    (
        "target_ms: 200\n  frames: 3",
        "2:9: a key, a colon or the indentation",
        "one `key: value` to a line",
    ),
    (
        "turn:\n    patience_ms: 300\n  barge_in: on",
        "3:3: a key, a colon or the indentation",
        "just like its neighbours",
    ),
    (
        "  target_ms: 300\nlabel: x",
        "2:1: this line is indented less than the first",
        "the same column",
    ),
    (
        "label: a: b",
        "1:9: a key, a colon or the indentation",
        "in quotes",
    ),
    (
        "target_ms 300",
        "1:1: is the text \"target_ms 300\"",
        "each as `key: value`",
    ),
    (
        "target_ms:300",
        "1:1: is the text \"target_ms:300\"",
        "each as `key: value`",
    ),
    (
        "target_ms: 300\nlabel",
        "3:1: a key without a value",
        "with a space after the colon",
    ),
    (
        "label: \"open",
        "1:13: a quote or a bracket is not closed",
        "close what was opened",
    ),
    (
        "turn: {patience_ms: 500",
        "2:1: a quote or a bracket is not closed",
        "close what was opened",
    ),
    ("target_ms: 300\n]", "2:1: ", ""),
    (
        "label: @x",
        "1:8: a sign stands here that cannot begin a value",
        "in quotes",
    ),
    (
        "label: *x",
        "1:8: an alias (`*name`) of something that is not there",
        "in quotes",
    ),
    ("label: !x y", "1:8: label: has a tag", "in quotes"),
    ("[1, 2]", "1:1: is a list", "a group of keys"),
    ("? [a]\n: b", "1:3: is a list", "a word as key"),
    ("a: &a [*a]", "1:4: nested too deeply", "at most 128 levels"),
    ("", "1:1: the file is empty", "at least one key"),
    ("\u{feff}", "1:1: the file is empty", "at least one key"),
    (" \n\r\n", "1:1: the file is empty", "at least one key"),
    ("# nothing\n", "1:1: the file is empty", "at least one key"),
    ("---\n", "1:1: the file is empty", "at least one key"),
    ("~", "1:1: the file is empty", "at least one key"),
    (
        "---\ntarget_ms: 300\n---\ntarget_ms: 400",
        "4:1: a second document begins",
        "remove `---`",
    ),
    (
        "label: a\u{0}b",
        "1:9: a control character (U+0000) stands here",
        "only text",
    ),
    (
        "target_ms: 300\nlabel: a\u{7}b",
        "2:9: a control character (U+0007) stands here",
        "only text",
    ),
];

#[test]
fn every_fault_names_its_place_its_key_and_what_is_allowed() {
    let tables = [UNKNOWN, VALUES, TRAPS, FORM];
    assert!(tables.iter().map(|table| table.len()).sum::<usize>() >= 100);
    for (text, start, help) in tables.into_iter().flatten() {
        expect(text.as_bytes(), start, help);
    }
}

#[test]
fn bytes_that_are_no_text_and_texts_without_end_are_refused() {
    let bomb: String = (1..12).fold(
        "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(),
        |mut text, level| {
            let line = format!("*a{},", level - 1).repeat(9);
            writeln!(text, "a{level}: &a{level} [{line}]").expect("a string takes all");
            text
        },
    );
    let deep: String = (0..300)
        .map(|level| format!("{}a:\n", " ".repeat(level)))
        .collect();
    let table: [(Vec<u8>, &str, &str); 10] = [
        (
            b"\xff\xfe\0a\0".to_vec(),
            "1:1: byte 1 of the file is not UTF-8",
            "save the file as UTF-8",
        ),
        (
            b"target_ms: 300\nlabel: caf\xe9".to_vec(),
            "2:11: byte 26 of the file is not UTF-8",
            "save the file",
        ),
        (
            (0..=255).collect(),
            "2:118: byte 129 of the file is not UTF-8",
            "save the file",
        ),
        (
            format!("label: {}", "x".repeat(300 * 1024)).into_bytes(),
            "1:1: the file has 307207 bytes",
            "at most 262144",
        ),
        (
            bomb.into_bytes(),
            "1:5: a4",
            "with aliases (`*name`) followed",
        ),
        (
            format!(
                "a: &a [{}]\nb: [{}]",
                "x,".repeat(30_000),
                "*a,".repeat(30_000)
            )
            .into_bytes(),
            "1:4: b[0]: has too many",
            "at most",
        ),
        (
            deep.into_bytes(),
            "129:129: nested too deeply",
            "at most 128 levels",
        ),
        (
            "- ".repeat(120_000).into_bytes(),
            "1:257: nested too deeply",
            "at most 128 levels",
        ),
        (
            "[".repeat(200_000).into_bytes(),
            "1:101: 101 brackets are open at once",
            "at most 100",
        ),
        (
            "{a: ".repeat(60_000).into_bytes(),
            "1:401: 101 brackets are open at once",
            "at most 100",
        ),
    ];
    for (text, start, help) in table {
        expect(&text, start, help);
    }
}

#[test]
fn all_faults_of_the_values_are_told_at_once() {
    let text = "target_ms: 5\nturn:\n  patience_ms: 5\nlive:\n  voice: x\n";
    let faults = Profile::parse("my.yaml", text.as_bytes()).expect_err("three faults");
    let places: Vec<(usize, &str)> = faults
        .0
        .iter()
        .map(|fault| (fault.line, fault.key.as_str()))
        .collect();
    assert_eq!(
        places,
        [(1, "target_ms"), (3, "turn.patience_ms"), (5, "live.voice")]
    );
    assert_eq!(faults.to_string().split("; ").count(), 3);
}

#[test]
fn unusual_but_clear_texts_are_taken() {
    let target = |text: &str| read(text).target.as_millis();
    assert_eq!(
        target("\u{feff}target_ms: 250\r\nlabel: x\r\n"),
        250,
        "BOM and CRLF"
    );
    assert_eq!(target("target_ms: 0o310"), 200, "octal of YAML 1.2");
    assert_eq!(target("target_ms: 0x1F4"), 500);
    assert_eq!(target("target_ms:\t250"), 250, "a tab after the colon");
    assert_eq!(target("# first\n\n---\ntarget_ms: 250\n...\n"), 250);
    assert_eq!(target("{\"target_ms\": 250}"), 250, "JSON is YAML");
    let live = |text: &str| read(text).live;
    assert_eq!(
        live("live: {languages: [de, no]}").languages,
        Languages::These(vec!["de".into(), "no".into()]),
        "Norwegian"
    );
    let norwegian = Languages::These(vec!["no".into()]);
    for one in ["languages: no", "languages: [no]", "language: no"] {
        assert_eq!(live(&format!("live: {{{one}}}")).languages, norwegian);
    }
    for system in ["languages: default", "language: default"] {
        assert_eq!(
            live(&format!("live: {{{system}}}")).languages,
            Languages::System
        );
    }
    let any = live("live: {languages: []}").languages;
    assert_eq!(any, Languages::These(Vec::new()));
    assert_eq!(
        live("live: {vocabulary: [' Ada ', Kubernetes]}").vocabulary,
        ["Ada", "Kubernetes"]
    );
    assert_eq!(
        live("live: {voice: en-us-tavi}").voice.as_deref(),
        Some("en-us-tavi")
    );
    assert_eq!(live("live: {voice: pUCK}").voice.as_deref(), Some("Puck"));
    assert_eq!(live("live: {temperature: 1}").temperature, Some(1.0));
    assert_eq!(
        live("live:\n  instruction: |\n    two\n    lines\n").instruction,
        "two\nlines"
    );
    assert_eq!(
        read("turn: {barge_in: off}").turn.barge_in,
        sovereign::profile::BargeIn::Off,
        "a word, not false"
    );
    assert_eq!(
        read("audio:\n").audio,
        builtin("balanced").expect("built in").audio,
        "an empty group changes nothing"
    );
}

#[test]
fn what_a_file_leaves_out_comes_from_its_base() {
    let with = |file: &str, text: &str| {
        Profile::parse(file, text.as_bytes())
            .expect(text)
            .audio
            .period_frames
    };
    assert_eq!(with("mine.yaml", "label: x"), 512, "balanced");
    assert_eq!(
        with("ultra-fast.yaml", "label: x"),
        256,
        "the built-in of the file's name"
    );
    assert_eq!(
        with("mine.yaml", "name: high-quality"),
        1024,
        "the built-in of the profile's name"
    );
    assert_eq!(with("mine.yaml", "extends: ultra-fast"), 256);
    assert_eq!(read("label: x").name, "my", "the file's name");
    assert_eq!(
        Profile::parse("dir/My File.yaml", b"label: x")
            .expect_err("no name")
            .0[0]
            .what,
        "is missing"
    );
}

#[test]
fn what_is_shown_is_accepted_and_means_the_same() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("balanced.yaml"), "target_ms: 250").expect("written");
    fs::write(
        folder.path().join("mine.yaml"),
        "extends: ultra-fast\nlive: {voice: Puck, temperature: 0.7}",
    )
    .expect("written");
    let profiles = Profiles::load(Some(folder.path().to_owned()));
    assert_eq!(profiles.faults(), &[] as &[String]);
    assert_eq!(profiles.entries().len(), 6);
    for entry in profiles.entries() {
        let shown = profiles.show(&entry.profile.name).expect("known");
        let again = Profile::parse("shown.yaml", shown.as_bytes()).expect("accepted");
        assert_eq!(again, *entry.profile);
        assert!(
            shown.contains("# "),
            "says where it comes from, or what its keys do"
        );
    }
    for name in BUILTINS {
        let text = shipped(name).expect("built in");
        assert_eq!(
            ProfileStore::new().show(name).expect("built in"),
            text,
            "with its comments"
        );
    }
}

#[cfg(unix)]
#[test]
fn odd_files_in_the_folder_are_told_and_keep_nobody_waiting() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("folder.yaml")).expect("made");
    let made = std::process::Command::new("mkfifo")
        .arg(at("pipe.yaml"))
        .status()
        .expect("mkfifo is a part of the system");
    assert!(made.success());
    std::os::unix::fs::symlink("/dev/zero", at("zero.yaml")).expect("linked");
    std::os::unix::fs::symlink("loop.yaml", at("loop.yaml")).expect("linked to itself");
    std::os::unix::fs::symlink("nowhere", at("dangling.yaml")).expect("linked");
    fs::write(at("long.yaml"), vec![b'#'; 400_000]).expect("written");
    fs::write(at("twice.yaml"), "name: mine").expect("written");
    fs::write(at("mine.yaml"), "target_ms: 250").expect("written");
    let profiles = Profiles::load(Some(folder.path().to_owned()));
    assert_eq!(
        profiles
            .get("mine")
            .expect("the good one")
            .target
            .as_millis(),
        250
    );
    assert_eq!(profiles.entries().len(), 6);
    let expected = [
        ("dangling.yaml", "there is no such file"),
        ("folder.yaml", "is a folder"),
        ("long.yaml", "at most 262144 are allowed"),
        ("loop.yaml", "cannot be read"),
        ("pipe.yaml", "is a pipe or a device"),
        ("twice.yaml", "the profile `mine` is in"),
        ("zero.yaml", "is a pipe or a device"),
    ];
    assert_eq!(
        profiles.faults().len(),
        expected.len(),
        "{:#?}",
        profiles.faults()
    );
    for ((file, why), fault) in expected.iter().zip(profiles.faults()) {
        assert!(
            fault.contains(&format!("{file}:")) && fault.contains(why),
            "{fault}"
        );
    }
}

#[test]
fn a_missing_or_unreadable_folder_leaves_the_built_ins() {
    assert_eq!(
        Profiles::load(Some("/nowhere/at/all".into()))
            .entries()
            .len(),
        5
    );
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let profiles = Profiles::load(Some(Path::new(file.path()).to_owned()));
    assert_eq!((profiles.entries().len(), profiles.faults().len()), (5, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        told(&bytes);
    }

    #[test]
    fn arbitrary_yaml_like_text_never_panics(text in "([a-z_]{1,8}|[-?:,\\[\\]{}#&*!|>'\"%@` \t\n~.0-9]|target_ms: |turn:\n  |live: \\{|ü|\u{1F600}){0,40}") {
        told(text.as_bytes());
    }

    #[test]
    fn a_broken_built_in_never_panics(which in 0..BUILTINS.len(), at in 0..6000_usize, byte in any::<u8>()) {
        let mut text = shipped(BUILTINS[which]).expect("built in").into_bytes();
        let at = at % text.len();
        text[at] = byte;
        told(&text);
    }

    #[test]
    fn whole_numbers_are_taken_within_their_range_only(value in 0..20_000_u64) {
        let result = Profile::parse("my.yaml", format!("target_ms: {value}").as_bytes());
        prop_assert_eq!(result.is_ok(), (50..=10_000).contains(&value));
    }
}

/// A fault, if there is one, has a place and words.
fn told(text: &[u8]) {
    if let Err(faults) = Profile::parse("my.yaml", text) {
        assert!(!faults.0.is_empty());
        for fault in faults.0 {
            assert!(
                fault.line > 0 && fault.column > 0 && !fault.what.is_empty(),
                "{fault:?}"
            );
        }
    }
}

fn expect(text: &[u8], start: &str, help: &str) {
    let shown = String::from_utf8_lossy(&text[..text.len().min(80)]).into_owned();
    let faults = Profile::parse("my.yaml", text)
        .expect_err(&shown)
        .to_string();
    assert!(
        faults.starts_with(&format!("my.yaml:{start}")),
        "{shown:?}\n  is told as {faults}\n  not as  {start}"
    );
    assert!(
        faults.contains(help),
        "{shown:?}\n  is told as {faults}\n  without {help}"
    );
}

fn read(text: &str) -> Profile {
    Profile::parse("my.yaml", text.as_bytes()).expect(text)
}
