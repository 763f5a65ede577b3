//! How a conversation ends from outside: signals, and a reader that goes away.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use super::desk::{Home, Running, Server, in_thread, voice};

/// A reply that lasts until somebody ends it.
const LONG: &str = "turns:\n  - [{say: On and on., ms: 60000}]\nrepeat: true\n";

#[cfg(unix)]
#[test]
fn signals_end_it_in_good_order_with_the_summary() {
    let home = Home::new();
    let server = Server::script(&home, LONG);
    let file = voice("american-man");
    let talk = |after: u64, signal: &'static str| {
        let args = [
            "talk",
            "--json",
            "--endpoint",
            &server.url,
            "--output",
            "none",
            "--input",
            &file,
        ];
        let talk = Running::start(&mut home.sovereign(args));
        in_thread(move || {
            std::thread::sleep(Duration::from_millis(after));
            talk.signal(signal);
            talk.end()
        })
    };
    // While it speaks, and while the reply sounds.
    let runs = [
        talk(1_200, "INT"),
        talk(6_000, "INT"),
        talk(6_000, "TERM"),
        talk(6_000, "HUP"),
    ];
    for (nth, run) in runs.into_iter().enumerate() {
        let talked = run.join().expect("no panic");
        talked.assert(0, &[]);
        let (turns, summary) = talked.turns();
        assert_eq!(summary["utterances"]["lost"], 0, "{summary}");
        if nth > 0 {
            assert_eq!(turns.len(), 1, "the turn that was open is told: {talked:?}");
            assert_eq!(summary["utterances"]["answered"], 1, "{summary}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_server_ends_on_signals_too_and_lets_its_port_go() {
    let home = Home::new();
    for signal in ["INT", "TERM", "HUP"] {
        let mut command = home.sovereign(["serve", "--json", "--listen", "127.0.0.1:0"]);
        let mut server = command.spawn().expect("built");
        let mut line = String::new();
        let mut out = BufReader::new(server.stdout.take().expect("piped"));
        out.read_line(&mut line).expect("the address");
        let sent = std::process::Command::new("kill")
            .args([format!("-{signal}"), server.id().to_string()])
            .status();
        assert!(sent.expect("kill is everywhere").success());
        assert_eq!(server.wait().expect("our own").code(), Some(0), "{signal}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_without_a_fault() {
    let home = Home::new();
    let server = Server::parrot(&home);
    let (one, two) = (voice("american-man"), voice("british-woman"));
    for json in [true, false] {
        let args = [
            "talk",
            "--endpoint",
            &server.url,
            "--output",
            "none",
            "--input",
            &one,
            &two,
        ];
        let mut command = home.sovereign(args.into_iter().chain(json.then_some("--json")));
        let mut child = command.spawn().expect("built");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut line)
            .expect("a turn is told");
        let said = child.wait_with_output().expect("our own");
        let err = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.code(), Some(0), "{err}");
        assert!(
            !err.contains("panicked") && !err.contains("error:"),
            "{err}"
        );
    }
    for args in [
        ["profiles", "list"],
        ["devices", "--json"],
        ["history", "list"],
        ["doctor", "--json"],
        ["--help", "--log=info"],
    ] {
        let mut child = home.sovereign(args).spawn().expect("built");
        drop(child.stdout.take());
        let said = child.wait_with_output().expect("our own");
        let err = String::from_utf8_lossy(&said.stderr);
        assert!(!err.contains("panicked"), "{args:?}: {err}");
        assert_eq!(said.status.code(), Some(0), "{args:?}: {err}");
    }
}

#[test]
fn nobody_at_standard_error_is_no_fault() {
    let home = Home::new();
    let server = Server::parrot(&home);
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
    let mut child = home
        .sovereign(args)
        .stdin(Stdio::null())
        .spawn()
        .expect("built");
    drop(child.stderr.take());
    let said = child.wait_with_output().expect("our own");
    assert_eq!(said.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&said.stdout).lines().count(), 2);
}
