//! `talk --text`: questions in writing, from the command line and from standard input.

use std::io::Write as _;
use std::process::Stdio;

use super::desk::{Home, Running, Server};

#[test]
fn texts_are_asked_one_after_the_other_without_any_sound_device() {
    let home = Home::new();
    let server = Server::parrot(&home);
    let base = ["talk", "--endpoint", &server.url, "--output", "none"];
    let texts = ["--text", "What is\r\n this?", "--text", "And that?"];
    let asked = home.run(base.iter().chain(&["--json"]).chain(&texts));
    let (turns, summary) = asked.turns();
    asked.assert(0, &[]);
    assert_eq!(turns.len(), 2, "{asked:?}");
    for (turn, text) in turns.iter().zip(["What is\n this?", "And that?"]) {
        assert_eq!(turn["typed"], true);
        assert_eq!(turn["outcome"], "completed");
        assert_eq!(turn["transcript"]["user"], text);
        assert_eq!(turn["audio"]["sent_ms"], 0.0);
        assert_eq!(turn["marks_ms"]["sent"], 0.0);
        let marks = turn["marks_ms"].as_object().expect("marks");
        assert_eq!(marks.len(), 3, "none of speech: {marks:?}");
    }
    assert_eq!(summary["typed"], 2);
    assert_eq!(summary["utterances"]["spoken"], 0);
    let told = home.run(base.iter().chain(&texts).chain(&["--turns", "1"]));
    told.assert(0, &["ready for what is typed"]);
    assert!(told.out.contains("   you  What is  this?\n"), "{told:?}");
    assert!(
        told.out.contains("1 turns: 1 completed") && told.out.contains("; 1 typed"),
        "{told:?}"
    );
}

#[test]
fn lines_of_standard_input_are_asked_and_a_line_that_is_too_long_costs_itself_alone() {
    let home = Home::new();
    let server = Server::parrot(&home);
    let args = [
        "talk",
        "--json",
        "--endpoint",
        &server.url,
        "--output",
        "none",
        "--text",
        "-",
    ];
    let (reader, mut writer) = std::io::pipe().expect("the system has pipes");
    let running = Running::start(home.sovereign(args).stdin(Stdio::from(reader)));
    let long = "x".repeat(8_001);
    write!(writer, "first\n\n{long}\nlast").expect("it reads");
    drop(writer);
    let ended = running.end();
    let (turns, _) = ended.turns();
    let words: Vec<_> = turns
        .iter()
        .map(|turn| &turn["transcript"]["user"])
        .collect();
    assert_eq!(words, ["first", "last"], "{ended:?}");
    ended.assert(
        1,
        &["error: line 3 of standard input is too long: 8000 characters can be sent at once"],
    );
}

#[test]
fn what_cannot_be_asked_is_wrong_usage() {
    let home = Home::new();
    for (args, why) in [
        (&["--text", " "][..], "--text: there is nothing to send"),
        (
            &["--text", "-", "--text", "-"],
            "--text: `-` reads standard input, once",
        ),
        (&["--text", "x", "--input", "mic"], "cannot be used with"),
    ] {
        let refused = home.run(["talk", "--demo"].iter().chain(args));
        refused.assert(2, &[why]);
    }
}
