//! Commands to a running assistant: `press`, `release`, `toggle`, `mute`, `stop`, `profile`, `status`.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::desk::{Home, Running};

/// A conversation that goes on until its standard input ends.
fn running(home: &Home) -> (Running, std::io::PipeWriter) {
    let (reader, writer) = std::io::pipe().expect("the system has pipes");
    let args = ["talk", "--demo", "--output", "none", "--text", "-"];
    let talk = Running::start(home.sovereign(args).stdin(Stdio::from(reader)));
    let deadline = Instant::now() + Duration::from_secs(20);
    while home.run(["status"]).status != Some(0) {
        assert!(Instant::now() < deadline, "it does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    (talk, writer)
}

fn status(home: &Home) -> Value {
    let asked = home.run(["status", "--json"]);
    asked.assert(0, &[]);
    serde_json::from_str(&asked.out).expect("JSON")
}

/// Waits until the status is as wanted: commands are answered before the conversation has carried them out.
fn becomes(home: &Home, field: &str, value: impl Into<Value>) {
    let value = value.into();
    let deadline = Instant::now() + Duration::from_secs(10);
    while status(home)[field] != value {
        assert!(Instant::now() < deadline, "{field}: {}", status(home));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn commands_reach_the_running_conversation() {
    let home = Home::new();
    let nobody = home.run(["press"]);
    nobody.assert(
        3,
        &["Sovereign is not running", "Start it with `sovereign`"],
    );
    let (talk, input) = running(&home);
    assert_eq!(status(&home)["schema"], "sovereign.status/1");
    becomes(&home, "demo", true);
    becomes(&home, "connected", true);
    let muted = home.run(["mute"]);
    muted.assert(0, &[]);
    assert_eq!(muted.out, "muted\n");
    becomes(&home, "muted", true);
    home.run(["mute", "off"]).assert(0, &[]);
    becomes(&home, "muted", false);
    home.run(["profile", "ultra-fast"]).assert(0, &[]);
    becomes(&home, "profile", "ultra-fast");
    home.run(["profile", "no\nne"])
        .assert(2, &["there is no profile `no", "balanced"]);
    for command in ["press", "release", "stop", "toggle", "toggle"] {
        home.run([command]).assert(0, &[]);
    }
    let words = home.run(["status"]);
    assert!(
        words
            .out
            .contains("profile ultra-fast; the offline demo answers"),
        "{words:?}"
    );
    // A conversation beside it goes on without commands.
    let second = home.run(["talk", "--demo", "--output", "none", "--text", "Hello"]);
    assert_eq!(second.status, Some(0), "{second:?}");
    assert_eq!(home.run(["status"]).status, Some(0));
    drop(input);
    assert_eq!(talk.end().status, Some(0));
    assert_eq!(home.run(["status"]).status, Some(3), "it is over");
}

#[test]
fn a_thousand_commands_are_all_answered() {
    let home = Home::new();
    let (talk, input) = running(&home);
    for n in 0..500 {
        for (word, held) in [("press", true), ("release", false)] {
            let asked = home.run([word]);
            assert_eq!(asked.status, Some(0), "{n} {held}: {asked:?}");
        }
    }
    becomes(&home, "held", false);
    drop(input);
    assert_eq!(talk.end().status, Some(0));
}

#[test]
fn a_socket_of_a_crashed_conversation_is_taken_over() {
    let home = Home::new();
    let (talk, _input) = running(&home);
    talk.signal("KILL");
    talk.end();
    assert_eq!(home.run(["status"]).status, Some(3));
    let (talk, input) = running(&home);
    becomes(&home, "connected", true);
    drop(input);
    assert_eq!(talk.end().status, Some(0));
}
