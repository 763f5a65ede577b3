//! What must never be told: the key, and spoken words above DEBUG.

use super::desk::{Home, Running, Server, voice};

const KEY: &str = "AIzaSyCanaryKey-0123456789_abcdefghijkl";
const WORDS: &str = "canary words of nobody";

#[cfg(unix)]
#[test]
fn the_key_is_in_no_output_and_no_file_but_its_own() {
    use std::os::unix::fs::PermissionsExt as _;
    for variable in [None, Some("GEMINI_API_KEY"), Some("GOOGLE_API_KEY")] {
        let home = Home::new();
        let parrot = Server::start(&home, &["--require-key", KEY]);
        let refusing = Server::start(&home, &["--require-key", "another"]);
        if variable.is_none() {
            let key = home.write("config/sovereign/key", KEY);
            std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).expect("our own");
        }
        let run = |args: &[&str], url: &str| {
            // A stored key goes to the endpoint of the configuration file only.
            home.write("config/sovereign/config.yaml", format!("endpoint: {url}\n"));
            let mut command = home.sovereign(args);
            if let Some(variable) = variable {
                command.env(variable, KEY);
            }
            Running::start(&mut command).end()
        };
        let file = voice("american-man");
        let talk = [
            "talk", "--json", "--log", "trace", "--output", "none", "--input", &file,
        ];
        let talked = run(&talk, &parrot.url);
        talked.assert(0, &[]);
        assert_eq!(talked.turns().0.len(), 1, "the key was sent: {talked:?}");
        let refused = run(&talk, &refusing.url);
        refused.assert(1, &["refuses the API key"]);
        let doctor = run(&["doctor", "--live", "--log", "trace"], &parrot.url);
        assert!(
            doctor.out.contains("ijkl"),
            "its ending tells which it is: {doctor:?}"
        );
        let dead = run(
            &[
                "talk",
                "--log",
                "sovereign=trace,tokio_tungstenite=trace,tungstenite=trace",
                "--json",
                "--output",
                "none",
                "--input",
                &file,
            ],
            &parrot.url,
        );
        let bundle = home.path("bundle.zip");
        let bundled = run(
            &[
                "doctor",
                "--no-sound-check",
                "--bundle",
                bundle.to_str().expect("our own name"),
            ],
            &parrot.url,
        );
        assert!(bundle.exists(), "{bundled:?}");
        let all: String = [talked, refused, doctor, dead, bundled]
            .iter()
            .flat_map(|ended| [ended.out.clone(), ended.err.clone()])
            .collect();
        let key_file = home.path("config/sovereign/key");
        if variable.is_none() {
            std::fs::remove_file(key_file).expect("our own");
        }
        for (place, text) in [("outputs", all), ("files", home.everything_written())] {
            for form in forms(KEY) {
                assert!(!text.contains(&form), "`{form}` is in the {place}");
            }
        }
    }
}

#[test]
fn spoken_words_are_in_no_log_above_debug() {
    let home = Home::new();
    let script = format!("turns: [[{{say: {WORDS}, ms: 400}}]]");
    let server = Server::script(&home, &script);
    let file = voice("american-man");
    let ended = home.run([
        "talk",
        "--json",
        "--log",
        "info",
        "--output",
        "none",
        "--endpoint",
        &server.url,
        "--input",
        &file,
    ]);
    ended.assert(0, &["connected"]);
    assert_eq!(
        ended.turns().0[0]["transcript"]["assistant"],
        WORDS,
        "{ended:?}"
    );
    assert!(!ended.err.contains("canary"), "{ended:?}");
    std::fs::remove_dir_all(home.path("config")).ok();
    let logs: Vec<_> = std::fs::read_dir(home.path("state/sovereign/logs"))
        .expect("a log")
        .flatten()
        .collect();
    assert_eq!(logs.len(), 1);
    let log = std::fs::read_to_string(logs[0].path()).expect("text");
    assert!(
        log.contains("turn closed") && !log.contains("canary") && !log.contains("You spoke"),
        "{log}"
    );
}

/// The key as it is, reversed, and as base64.
fn forms(key: &str) -> Vec<String> {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(key);
    vec![
        key[..24].to_owned(),
        key.chars().rev().collect(),
        base64[..base64.len() - 2].to_owned(),
    ]
}
