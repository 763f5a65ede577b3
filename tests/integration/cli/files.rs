//! Profiles and the configuration as files: listed, shown, checked, wrong, and changed while the program runs.

use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use super::desk::{Home, Running, Server, in_thread, voice};

const BUILT_IN: [&str; 5] = ["ultra-fast", "balanced", "high-quality", "auto", "low-data"];

#[test]
fn what_show_prints_is_accepted_by_check_without_a_word() {
    let home = Home::new();
    home.write(
        "config/sovereign/profiles/night.yaml",
        "target_ms: 350\nturn:\n  patience_ms: 900\n",
    );
    let listed = home.run(["profiles", "list"]);
    listed.assert(0, &[]);
    for name in BUILT_IN.into_iter().chain(["night"]) {
        assert!(listed.out.contains(name), "{listed:?}");
        let shown = home.run(["profiles", "show", name]);
        shown.assert(0, &[]);
        let file = home.write(&format!("copies/{name}.yaml"), &shown.out);
        let checked = home.run(["profiles".as_ref(), "check".as_ref(), file.as_os_str()]);
        checked.assert(0, &[]);
        assert_eq!(
            (checked.out.as_str(), checked.err.as_str()),
            ("", ""),
            "{name}"
        );
    }
}

#[test]
fn check_tells_each_fault_with_its_place_and_what_is_allowed() {
    let home = Home::new();
    let faults: &[(&str, &[u8], &str)] = &[
        (
            "unknown.yaml",
            b"target_ms: 300\nturn:\n  patiense_ms: 500\n",
            "unknown.yaml:3:3: turn.patiense_ms",
        ),
        (
            "type.yaml",
            b"target_ms: soon\n",
            "type.yaml:1:12: target_ms",
        ),
        (
            "range.yaml",
            b"\ntarget_ms: 1\n",
            "range.yaml:2:12: target_ms",
        ),
        (
            "twice.yaml",
            b"target_ms: 300\ntarget_ms: 300\n",
            "twice.yaml:2:1",
        ),
        ("tab.yaml", b"turn:\n\tpatience_ms: 500\n", "tab.yaml:2:1"),
        ("binary.yaml", b"\x00\x01\xff\xfe", "binary.yaml:1:"),
        ("folder", b"", "folder"),
        ("none.yaml", b"", "none.yaml"),
    ];
    for (name, bytes, expected) in faults {
        let file = match *name {
            "folder" => home.path("tmp/folder"),
            "none.yaml" => home.path("none.yaml"),
            _ => home.write(name, bytes),
        };
        if *name == "folder" {
            std::fs::create_dir(&file).expect("made");
        }
        let checked = home.run(["profiles".as_ref(), "check".as_ref(), file.as_os_str()]);
        assert_eq!(checked.status, Some(2), "{checked:?}");
        assert!(
            checked.out.contains(expected),
            "no `{expected}`: {checked:?}"
        );
        assert_eq!(
            checked.out.lines().count(),
            1,
            "one line per fault: {checked:?}"
        );
    }
    let two = home.write("two.yaml", "targt_ms: 1\nturn: 3\n");
    let checked = home.run(["profiles".as_ref(), "check".as_ref(), two.as_os_str()]);
    assert!(
        checked.out.contains("two.yaml:1:1: targt_ms") && checked.out.contains("target_ms"),
        "the nearest key: {checked:?}"
    );
}

#[test]
fn a_bad_file_never_stops_the_program_and_is_told() {
    let home = Home::new();
    let server = Server::parrot(&home);
    home.write(
        "config/sovereign/config.yaml",
        "profile: balanced\nvolume: loud\n",
    );
    home.write("config/sovereign/profiles/mine.yaml", "target_ms: 1\n");
    let args = [
        "talk",
        "--json",
        "--endpoint",
        &server.url,
        "--output",
        "none",
        "--input",
        &voice("american-man"),
    ];
    let talked = home.run(args);
    talked.assert(0, &["config.yaml:2:9: volume", "mine.yaml:1:12: target_ms"]);
    assert_eq!(talked.turns().0.len(), 1, "{talked:?}");
}

#[test]
fn a_profile_is_applied_on_save_and_a_bad_one_changes_nothing() {
    let home = Home::new();
    let server = Server::parrot(&home);
    let file = voice("american-man");
    let profile = |patience: &str| {
        home.write(
            "config/sovereign/profiles/mine.yaml",
            format!("target_ms: 300\nturn:\n  patience_ms: {patience}\n"),
        )
    };
    profile("400");
    let mut args = vec![
        "talk",
        "--json",
        "--profile",
        "mine",
        "--endpoint",
        &server.url,
        "--output",
        "none",
        "--input",
    ];
    args.extend([file.as_str(); 3]);
    let mut child = home.sovereign(args).spawn().expect("built");
    let err = BufReader::new(child.stderr.take().expect("piped"));
    let err = in_thread(move || {
        err.lines()
            .map_while(Result::ok)
            .collect::<Vec<_>>()
            .join("\n")
    });
    let mut out = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut patience = || {
        let line = out.next().expect("a turn").expect("text");
        let turn: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        turn["latency_ms"]["endpointing"]
            .as_f64()
            .unwrap_or_else(|| panic!("{turn}"))
    };
    let before = patience();
    profile("soon");
    let bad = patience();
    profile("1200");
    let good = patience();
    drop(out);
    child.wait().expect("our own");
    let err = err.join().expect("no panic");
    assert!(
        (380.0..700.0).contains(&before) && (380.0..700.0).contains(&bad),
        "{before} {bad}: {err}"
    );
    assert!(good >= 1_150.0, "{good}: {err}");
    assert!(err.contains("mine.yaml:3:16: turn.patience_ms"), "{err}");
}

#[test]
fn a_configuration_that_is_broken_while_it_runs_is_told_and_the_last_good_one_holds() {
    let home = Home::new();
    let server = Server::parrot(&home);
    let file = voice("american-man");
    home.write("config/sovereign/config.yaml", "profile: ultra-fast\n");
    let args = [
        "talk",
        "--json",
        "--endpoint",
        &server.url,
        "--output",
        "none",
        "--input",
        &file,
        &file,
    ];
    let talk = Running::start(&mut home.sovereign(args));
    std::thread::sleep(Duration::from_millis(1_500));
    home.write(
        "config/sovereign/config.yaml",
        "profile: ultra-fast\nendpont: x\n",
    );
    std::thread::sleep(Duration::from_millis(1_500));
    home.write("config/sovereign/config.yaml", "profile: ultra-fast\n");
    let talked = talk.end();
    let told = [
        "config.yaml:2:1: endpont: unknown key",
        "did you mean `endpoint`? The earlier settings stay in use.",
        "The configuration is correct again and in use.",
    ];
    talked.assert(0, &told);
    let (turns, _) = talked.turns();
    assert_eq!(turns.len(), 2, "{talked:?}");
    assert!(
        turns.iter().all(|turn| turn["profile"] == "ultra-fast"),
        "{talked:?}"
    );
}

#[test]
fn a_setting_that_holds_from_the_next_start_on_says_so() {
    let home = Home::new();
    let server = Server::parrot(&home);
    let file = voice("american-man");
    home.write("config/sovereign/config.yaml", "volume: 0.5\n");
    let args = ["talk", "--output", "none", "--endpoint", &server.url];
    let args = args.into_iter().chain(["--input", &file, &file]);
    let talk = Running::start(&mut home.sovereign(args));
    std::thread::sleep(Duration::from_millis(1_500));
    home.write(
        "config/sovereign/config.yaml",
        "volume: 0.5\nmonitor: {listen: 127.0.0.1:1}\n",
    );
    talk.end().assert(
        0,
        &["`monitor:` in the configuration applies from the next start."],
    );
}

#[test]
fn figures_are_handed_over_as_a_table_and_as_a_bundle_without_key_and_words() {
    const KEY: &str = "AIzaSyCanaryKey-0123456789_abcdefghijkl";
    const TOKEN: &str = "tok-canary-0123456789";
    let home = Home::new();
    let server = Server::start(&home, &["--require-key", KEY]);
    let url = &server.url;
    home.write(
        "config/sovereign/config.yaml",
        format!("endpoint: {url}\nmonitor: {{token: {TOKEN}}}\n"),
    );
    let file = voice("american-man");
    let mut talk = home.sovereign([
        "talk",
        "--json",
        "--output",
        "none",
        "--csv",
        "turns.csv",
        "--input",
        &file,
    ]);
    let talked = Running::start(talk.env("GEMINI_API_KEY", KEY).current_dir(home.path(""))).end();
    talked.assert(0, &[]);
    let (turns, _) = talked.turns();
    // The kernel tells it of the very connection.
    if cfg!(target_os = "linux") {
        let [trip, stage] = [
            &turns[0]["round_trip_ms"],
            &turns[0]["stages_ms"]["network"],
        ];
        let [trip, stage] = [trip, stage].map(|value| value.as_f64().expect("known"));
        // On this computer it may be less than the tenth of a millisecond that is told.
        assert!(
            (0.0..1_000.0).contains(&trip) && stage <= trip + 0.1,
            "{}",
            turns[0]
        );
    }
    let table = std::fs::read_to_string(home.path("turns.csv")).expect("written");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split(',').collect())
        .collect();
    assert_eq!(rows.len(), 2, "{table}");
    let cell = |name: &str| {
        let at = rows[0].iter().position(|column| *column == name);
        rows[1][at.expect("a column")]
    };
    let response = turns[0]["latency_ms"]["response"].to_string();
    assert_eq!(cell("response_ms"), response, "the same figure in both");
    assert_eq!(
        (cell("outcome"), cell("profile")),
        ("completed", "balanced")
    );
    let nowhere = home.run([
        "talk",
        "--demo",
        "--csv",
        "none/turns.csv",
        "--input",
        &file,
    ]);
    nowhere.assert_fault(2, &["--csv none/turns.csv"]);

    let bundle = home.path("fault.zip");
    let args = [
        "doctor",
        "--no-sound-check",
        "--bundle",
        &bundle.display().to_string(),
    ]
    .map(str::to_owned);
    let mut doctor = home.sovereign(args);
    let examined = Running::start(doctor.env("GEMINI_API_KEY", KEY)).end();
    examined.assert(0, &[]);
    let bytes = std::fs::read(bundle).expect("written");
    let all = String::from_utf8_lossy(&bytes);
    for told in [
        "versions.txt",
        "doctor.json",
        "config.yaml",
        "figures.json",
        "logs/sovereign",
    ] {
        assert!(all.contains(told), "{told} is missing");
    }
    let words = turns[0]["transcript"]["user"]
        .as_str()
        .expect("a transcript");
    for secret in [KEY, TOKEN, words] {
        assert!(!all.contains(secret), "{secret} is in the bundle");
    }
}
