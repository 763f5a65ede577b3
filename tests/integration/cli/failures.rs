//! Exit statuses 1, 2 and 3: one error, one hint, never a hang.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::desk::{Home, Running, in_thread, nobody, voice};

#[test]
fn an_endpoint_that_is_none_fails_with_the_reason_and_a_hint() {
    let home = Home::new();
    let refused = format!("ws://{}", nobody());
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent_url = format!("ws://{}", silent.local_addr().expect("bound"));
    let web = TcpListener::bind("127.0.0.1:0").expect("a port");
    let web_url = format!("ws://{}", web.local_addr().expect("bound"));
    in_thread(move || {
        for stream in web.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            if stream.read(&mut request).is_ok_and(|n| n == 0) {
                continue;
            }
            stream
                .write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello",
                )
                .ok();
        }
    });
    let talk = |url: &str| {
        let file = voice("american-man");
        Running::start(&mut home.sovereign([
            "talk",
            "--json",
            "--output",
            "none",
            "--endpoint",
            url,
            "--input",
            &file,
        ]))
    };
    let [refused_end, silent_end, web_end] = [&refused, &silent_url, &web_url]
        .map(|url| talk(url))
        .map(Running::end);
    let place = |url: &str| url.trim_start_matches("ws://").to_owned();
    refused_end.assert_fault(1, &[&place(&refused), "refuses connections"]);
    silent_end.assert_fault(1, &[&place(&silent_url)]);
    web_end.assert_fault(1, &[&place(&web_url), "is not a Live server"]);
    for ended in [refused_end, silent_end, web_end] {
        assert_eq!(
            ended.turns().0.len(),
            0,
            "the summary is written all the same: {ended:?}"
        );
    }
}

#[test]
fn wrong_usage_is_told_before_anything_starts() {
    let home = Home::new();
    let file = voice("american-man");
    let bad_config = home.write("bad/config.yaml", "profile: balanced\nvolum: 3\n");
    let bad_config = bad_config.to_str().expect("our own name");
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["talk", "--profile", "ultra-fats"],
            &["ultra-fats", "did you mean `ultra-fast`?"],
        ),
        (
            &["talk", "--input", &file, "--endpoint", "ws://192.0.2.1"],
            &["--endpoint", "use wss://"],
        ),
        (
            &["talk", "--input", &file, "--endpoint", "http://127.0.0.1:1"],
            &["--endpoint", "wss://"],
        ),
        (
            &[
                "talk",
                "--input",
                &file,
                "--endpoint",
                "wss://x/?key=canary",
            ],
            &["GEMINI_API_KEY"],
        ),
        (
            &["talk", "--interrupt-after", "300"],
            &["--interrupt-after needs files"],
        ),
        (
            &["talk", "--interrupt-after", "300", "--input", "mic"],
            &["--interrupt-after needs files"],
        ),
        (
            &["talk", "--input", "mic", &file],
            &["either `mic` or files"],
        ),
        (&["talk", "--input", &file, "--turns", "0"], &["--turns"]),
        (&["talk", "--log", "sovereign=loud"], &["--log"]),
        (
            &["talk", "--config", bad_config],
            &["config.yaml:2:1: volum: unknown key"],
        ),
        (&["talk", "--nonsense"], &["--nonsense"]),
        (
            &["serve", "--listen", "0.0.0.0:0"],
            &["not a loopback address"],
        ),
        (&["serve", "--listen", "somewhere"], &["--listen"]),
        (
            &["serve", "--script", "/nowhere/script.yaml"],
            &["/nowhere/script.yaml"],
        ),
        (
            &["profiles", "show", "balancd"],
            &["did you mean `balanced`?"],
        ),
    ];
    for (args, words) in cases {
        let ended = home.run(*args);
        ended.assert(2, words);
        assert_eq!(ended.out, "", "{args:?}");
        assert!(!ended.err.contains("canary"), "{args:?}: {ended:?}");
    }
}

#[test]
fn nothing_to_run_on_is_status_three() {
    let home = Home::new();
    home.run(["talk", "--demo", "--input", "mic"])
        .assert_fault(3, &["no microphone", "--input FILE.wav"]);
    home.run(["--demo", "--window"])
        .assert_fault(3, &["no display", "without --window"]);
}

#[test]
fn a_port_that_is_taken_is_told_with_a_way_out() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    home.run(["serve", "--listen", &address])
        .assert(1, &[&address, "--listen 127.0.0.1:0"]);
}
