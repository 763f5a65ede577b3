//! `bench` and `load` through the built program: counts and words, no judgement of speed.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::desk::{Ended, Home, Running, Server, nobody, silence};

/// The report on standard output, whose verdicts are also the exit status.
fn report(ended: &Ended) -> Value {
    let report: Value =
        serde_json::from_str(&ended.out).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    let cut_short = report["run"].get("cut_short").is_some();
    let checks = report["checks"].as_array().expect("checks");
    let any = |verdict: &str| checks.iter().any(|check| check["verdict"] == verdict);
    let failed = any("missed") || (any("unknown") && !cut_short);
    assert_eq!(ended.status, Some(i32::from(failed)), "{report:#}");
    assert_eq!(
        report["passed"] == true,
        !any("missed") && !any("unknown"),
        "{report:#}"
    );
    report
}

/// The verdict of the limit whose name begins so.
fn verdict<'a>(report: &'a Value, what: &str) -> &'a str {
    let checks = report["checks"].as_array().expect("checks");
    let named = |check: &&Value| check["what"].as_str().is_some_and(|w| w.starts_with(what));
    let check = checks.iter().find(named);
    let check = check.unwrap_or_else(|| panic!("no limit {what:?}: {report:#}"));
    check["verdict"].as_str().expect("a word")
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("a count: {value}"))
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    names.sort();
    names
}

#[test]
fn twenty_conversations_talk_at_once_and_are_reported() {
    let home = Home::new();
    let folder = home.path("report");
    let folder_name = folder.to_str().expect("text");
    let ended = home.run([
        "load",
        "--sessions",
        "20",
        "--seconds",
        "9",
        "--json",
        "--report",
        folder_name,
    ]);
    let load = report(&ended);
    assert_eq!(load["schema"], "sovereign.load/1");
    assert_eq!(
        (
            count(&load["conversations"]["begun"]),
            count(&load["conversations"]["most"])
        ),
        (20, 20),
        "{load:#}"
    );
    assert_eq!(load["errors"], serde_json::json!({}), "{load:#}");
    assert!(count(&load["turns"]["completed"]) >= 20, "{load:#}");
    assert_eq!(
        load["latency_ms"]["response"]["n"],
        load["turns"]["completed"]
    );
    assert!(
        load["timeline"]
            .as_array()
            .is_some_and(|seconds| seconds.len() >= 7)
    );
    assert!(
        load["server"]["memory_mb"].as_f64() > Some(1.0),
        "the server is a process of its own: {load:#}"
    );
    assert_eq!(
        files(&folder),
        ["load.csv", "load.html", "load.json", "load.md"]
    );
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).expect("written");
    let lines = text("load.csv").lines().count() as u64;
    assert_eq!(
        lines,
        1 + count(&load["turns"]["completed"]) + others(&load["turns"])
    );
    let page = text("load.html");
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>") && !page.contains("http")
    );
    assert_eq!(
        serde_json::from_str::<Value>(&text("load.json")).expect("JSON"),
        load
    );
}

/// Turns that were not completed.
fn others(turns: &Value) -> u64 {
    ["interrupted", "cancelled", "empty", "failed"]
        .iter()
        .map(|kind| count(&turns[kind]))
        .sum()
}

#[test]
fn a_bench_measures_so_many_turns_and_compares_with_an_earlier_one() {
    let home = Home::new();
    let folder = home.path("report");
    let folder_name = folder.to_str().expect("text");
    let args = [
        "bench",
        "--turns",
        "2",
        "--profile",
        "ultra-fast",
        "--think-ms",
        "40",
        "--json",
    ];
    let first = report(&home.run(args.iter().chain(&["--report", folder_name])));
    assert_eq!(first["schema"], "sovereign.bench/1");
    let profile = &first["profiles"][0];
    assert_eq!(
        (&profile["profile"], count(&profile["turns"]["completed"])),
        (&"ultra-fast".into(), 2),
        "{first:#}"
    );
    assert_eq!(first["profiles"].as_array().map(Vec::len), Some(1));
    assert!(
        profile["latency_ms"]["server"]["p50"]["value"].as_f64() >= Some(39.0),
        "{first:#}"
    );
    assert_eq!(
        files(&folder),
        ["bench.csv", "bench.html", "bench.json", "bench.md"]
    );
    // Two turns are too few for an interval: nothing can be called worse.
    let old = folder.join("bench.json");
    let second = report(
        &home.run(
            args.iter()
                .chain(&["--compare", old.to_str().expect("text")]),
        ),
    );
    let comparison = second["comparison"].as_array().expect("compared");
    assert!(
        comparison.len() == 10 && comparison.iter().all(|d| d["change"] == "unsure"),
        "{second:#}"
    );
    assert_eq!(verdict(&second, "against the earlier"), "uncertain");
    // Another pause of the server is another service.
    let other = home.run([
        "bench",
        "--think-ms",
        "50",
        "--compare",
        old.to_str().expect("text"),
    ]);
    assert_eq!(other.status, Some(2), "{other:?}");
    let said = "pause before each answer: before 40 ms, now 50 ms";
    assert!(other.err.contains(said), "{other:?}");
}

#[test]
fn what_fails_while_a_bench_warms_up_is_told_and_not_counted() {
    let home = Home::new();
    let server = Server::script(&home, "turns:\n  - [empty]\n");
    let bench = |turns: &str| {
        let args = ["bench", "--profile", "ultra-fast", "--json", "--turns"];
        report(
            &home.run(
                args.iter()
                    .chain(&[turns, "--endpoint", server.url.as_str()]),
            ),
        )
    };
    let found = bench("2");
    let profile = &found["profiles"][0];
    assert_eq!(
        (&profile["errors"], &profile["warm_up"]),
        (
            &serde_json::json!({}),
            &serde_json::json!({"turn without a reply": 1})
        ),
        "{found:#}"
    );
    assert_eq!(verdict(&found, "ultra-fast: errors"), "kept");
}

#[test]
fn utterances_that_nobody_answers_are_errors_although_the_run_ends_first() {
    let home = Home::new();
    let server = Server::script(&home, "turns:\n  - [stall]\nrepeat: true\n");
    let args = ["load", "--sessions", "2", "--seconds", "14", "--json"];
    let load = report(&home.run(args.iter().chain(&["--endpoint", server.url.as_str()])));
    assert_eq!(
        load["errors"],
        serde_json::json!({"no reply by the end": 2}),
        "{load:#}"
    );
    assert_eq!(
        [verdict(&load, "errors"), verdict(&load, "response")],
        ["missed", "unknown"]
    );
    assert_eq!(verdict(&load, "conversations at a time"), "kept");
}

#[test]
fn no_more_utterances_are_under_way_than_may_be() {
    let home = Home::new();
    let folder = home.path("report");
    let folder_name = folder.to_str().expect("text");
    let run = "load --sessions 6 --seconds 14 --requests 1 --json --report";
    let load = report(&home.run(run.split(' ').chain([folder_name])));
    assert_eq!(
        (count(&load["requests"]), verdict(&load, "errors")),
        (1, "kept"),
        "{load:#}"
    );
    let held = &load["held_back"];
    assert!(
        count(&held["n"]) >= 5 && held["longest_s"].as_f64() > Some(5.0),
        "those who still waited at the end are among them: {load:#}"
    );
    let sheet = std::fs::read_to_string(folder.join("load.csv")).expect("a sheet");
    let mut lines = sheet.lines();
    let mut names = lines.next().expect("names").split(',');
    let at = names.position(|name| name == "at_s").expect("the time");
    let mut closes: Vec<f64> = lines
        .map(|line| line.split(',').nth(at).expect("a cell"))
        .map(|cell| cell.parse().expect("a time"))
        .collect();
    closes.sort_by(f64::total_cmp);
    assert!(closes.len() >= 3, "{closes:?}");
    // One utterance after the other: between two closes the next question was spoken.
    for pair in closes.windows(2) {
        assert!(pair[1] - pair[0] > 1.0, "{closes:?}");
    }
}

#[test]
fn what_fails_is_counted_by_kind_and_the_run_ends_all_the_same() {
    let home = Home::new();
    let server = Server::script(
        &home,
        "turns:\n  - [drop]\n  - [{close: 1011, reason: full}]\nrepeat: true\n",
    );
    let ended = home.run([
        "load",
        "--sessions",
        "3",
        "--seconds",
        "8",
        "--json",
        "--endpoint",
        &server.url,
    ]);
    let load = report(&ended);
    assert_eq!(load["passed"], false);
    let errors = load["errors"].as_object().expect("errors");
    let all: u64 = errors.values().map(count).sum();
    // How many turns eight seconds hold is the machine's affair.
    assert!(all >= 1, "{load:#}");
    assert!(load["error_rate"].as_f64() > Some(0.01), "{load:#}");
}

#[test]
fn idle_connections_are_held_without_a_word() {
    let home = Home::new();
    let ended = home.run([
        "load",
        "--scenario",
        "idle",
        "--sessions",
        "60",
        "--seconds",
        "5",
        "--json",
    ]);
    let load = report(&ended);
    assert_eq!(count(&load["conversations"]["most"]), 60, "{load:#}");
    assert_eq!(
        (&load["errors"], count(&load["turns"]["completed"])),
        (&serde_json::json!({}), 0)
    );
    assert!(
        load.get("real_time").is_none(),
        "there is no sound: {load:#}"
    );
    assert_eq!(load["passed"], true, "{load:#}");
}

/// The four shapes at a quarter of their size and for seconds instead of a minute, so that two cores carry them in the
/// build of the tests beside other tests. Counts, errors and the limits for responses are judged, which are a hundred
/// times what a response takes; whether the cores had time is not. At full size: `scripts/measure-load`.
#[test]
fn normal_peak_stress_and_spike_keep_their_limits() {
    for (scenario, sessions, seconds) in [
        ("normal", 13, 12),
        ("peak", 25, 8),
        ("stress", 50, 8),
        ("spike", 25, 30),
    ] {
        let home = Home::new();
        let (n, s) = (sessions.to_string(), seconds.to_string());
        let args = ["load", "--profile", "ultra-fast", "--json", "--scenario"];
        let args = args.iter().copied();
        let load = report(&home.run(args.chain([scenario, "--sessions", &n, "--seconds", &s])));
        for kept in ["errors", "conversations at a time", "response, p95"] {
            assert_eq!(verdict(&load, kept), "kept", "{kept}: {load:#}");
        }
        assert_eq!(count(&load["conversations"]["most"]), sessions, "{load:#}");
        // Each had its say.
        assert!(count(&load["turns"]["completed"]) >= sessions, "{load:#}");
        if scenario == "spike" {
            let timeline = load["timeline"].as_array().expect("seconds");
            let wanted = |second: Option<&Value>| second.map(|s| count(&s["wanted"]));
            assert_eq!(
                [wanted(timeline.first()), wanted(timeline.last())],
                [Some(0), Some(0)],
                "from nobody to nobody"
            );
            assert!(timeline.iter().any(|s| s["probed"].as_u64() > Some(0)));
            assert_eq!(verdict(&load, "well again"), "kept", "{load:#}");
            if cfg!(target_os = "linux") {
                assert_eq!(verdict(&load, "connections left"), "kept", "{load:#}");
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_early_with_what_is_known() {
    let home = Home::new();
    let run = Running::start(&mut home.sovereign([
        "load",
        "--sessions",
        "2",
        "--seconds",
        "600",
        "--json",
    ]));
    std::thread::sleep(Duration::from_secs(6));
    run.signal("INT");
    let load = report(&run.end());
    assert_eq!(load["run"]["cut_short"], "it was ended by hand");
    assert!(count(&load["conversations"]["connected"]) >= 1, "{load:#}");
}

#[test]
fn a_run_ends_when_enough_is_spent() {
    let home = Home::new();
    let server = Server::script(&home, "think_ms: 0\n");
    let args = [
        "bench",
        "--profile",
        "balanced",
        "--json",
        "--spend-limit-usd",
        "0.0001",
        "--price",
        "1000/1000",
    ];
    let bench = report(&home.run(args.iter().chain(&["--endpoint", server.url.as_str()])));
    assert_eq!(
        bench["run"]["cut_short"], "the spending limit was reached",
        "{bench:#}"
    );
    assert!(bench["run"]["spent_usd"].as_f64() >= Some(0.0001));
    assert!(count(&bench["profiles"][0]["turns"]["completed"]) < 50);
    // It is judged by what it has: a limit that was missed is one, whatever ended the run.
    let failing = Server::script(&home, "turns:\n  - [parrot]\n  - [empty]\nrepeat: true\n");
    let args = [
        "bench",
        "--profile",
        "balanced",
        "--json",
        "--spend-limit-usd",
        "0.2",
        "--price",
        "1000/1000",
    ];
    let ended = home.run(args.iter().chain(&["--endpoint", failing.url.as_str()]));
    let bench = report(&ended);
    assert_eq!(
        bench["run"]["cut_short"], "the spending limit was reached",
        "{bench:#}"
    );
    assert_eq!(
        (verdict(&bench, "balanced: errors"), ended.status),
        ("missed", Some(1)),
        "{bench:#}"
    );
}

#[test]
fn what_cannot_be_done_is_told_before_the_run() {
    let home = Home::new();
    let file = home.write("file", "no folder");
    let file = file.to_str().expect("text");
    let other = home.write("other.json", "{\"schema\":\"sovereign.turn/1\"}");
    let other = other.to_str().expect("text");
    let silence = silence(&home, "silence.wav", 2_000);
    let silence = silence.to_str().expect("text");
    let refused = format!("ws://{}", nobody());
    let table: &[(&[&str], i32, &str)] = &[
        (&["load", "--sessions", "0"], 2, "--sessions"),
        (&["load", "--sessions", "-5"], 2, "-5"),
        (&["load", "--sessions", "99999999"], 2, "--sessions"),
        (&["load", "--seconds", "0"], 2, "--seconds"),
        (
            &["load", "--scenario", "storm"],
            2,
            "possible values: normal, peak, stress, spike, soak, idle",
        ),
        (&["load", "--report", file], 2, "cannot be written"),
        (
            &["load", "--compare", other],
            2,
            "expected is \"sovereign.load/1\"",
        ),
        (&["load", "--compare", "/nowhere.json"], 2, "cannot be read"),
        (&["load", "--input", file], 2, "cannot be read as WAV"),
        (&["load", "--input", silence], 2, "holds no speech"),
        (&["bench", "--input", silence], 2, "holds no speech"),
        (&["load", "--setups", "10001"], 2, "--setups"),
        (&["load", "--requests", "0"], 2, "--requests"),
        (
            &["load", "--scenario", "idle", "--requests", "5"],
            2,
            "say nothing",
        ),
        (&["load", "--endpoint", &refused], 1, "refuses connections"),
        (&["load", "--endpoint", "http://127.0.0.1"], 2, "--endpoint"),
        (
            &["load", "--endpoint", &refused, "--think-ms", "5"],
            2,
            "--think-ms is for our own server",
        ),
        (&["load", "--spend-limit-usd", "1"], 2, "--price"),
        (&["bench", "--turns", "0"], 2, "--turns"),
        (&["bench", "--profile", "fastest"], 2, "--profile"),
        (
            &["bench", "--price", "cheap", "--spend-limit-usd", "1"],
            2,
            "input and output",
        ),
    ];
    for (args, status, words) in table {
        let ended = home.run(*args);
        assert_eq!(ended.status, Some(*status), "{args:?}: {ended:?}");
        assert!(
            ended.err.contains(words) && ended.out.is_empty(),
            "{args:?}: {ended:?}"
        );
    }
}

#[test]
fn a_key_is_sent_to_others_only_with_a_limit() {
    let home = Home::new();
    let mut command = home.sovereign([
        "load",
        "--endpoint",
        "wss://service.invalid",
        "--sessions",
        "1",
    ]);
    command.env("GEMINI_API_KEY", "planted-key-0123456789abcdef");
    let ended = Running::start(&mut command).end();
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(
        ended.err.contains("--spend-limit-usd") && !ended.err.contains("planted"),
        "{ended:?}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn too_few_descriptors_are_said_before_the_run() {
    let home = Home::new();
    let program = env!("CARGO_BIN_EXE_sovereign");
    let shell = format!("ulimit -n 150; exec {program} load --scenario idle --sessions 500");
    let command = home.sovereign::<&str>([]);
    let mut limited = std::process::Command::new("sh");
    limited
        .args(["-c", &shell])
        .env_clear()
        .envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))));
    limited
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let ended = Running::start(&mut limited).end();
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(
        ended
            .err
            .contains("500 connections need 628 open files, and the system allows 150"),
        "{ended:?}"
    );
}
