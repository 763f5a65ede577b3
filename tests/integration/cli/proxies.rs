//! The way to the service as the environment describes it: proxies of each kind between the program and an encrypted
//! server, certificates of one's own, and what is said where a variable cannot be used.

use super::desk::{Ended, Home, Running, Server, nobody, voice};
use super::network::Network;

/// A name that only the proxies lead to.
const GATE: &str = "wss://gate.example";
/// [`super::network::LOGIN`] as it is written in a variable.
const WRITTEN: &str = "me:p%40ss%3Aw%25rd";

type Variables = &'static [(&'static str, &'static str)];

#[test]
fn each_kind_of_proxy_leads_to_the_service() {
    let home = Home::new();
    let server = Server::parrot(&home);
    let network = Network::start(&home, &server);
    let (http, https, socks) = (network.http, network.https, network.socks);
    let ways = [
        ("HTTPS_PROXY", format!("http://{WRITTEN}@{http}")),
        ("https_proxy", format!("\"http://{WRITTEN}@{http}/\"")),
        (
            "ALL_PROXY",
            format!("https://{WRITTEN}@localhost:{}", https.port()),
        ),
        ("all_proxy", format!("socks5h://{WRITTEN}@{socks}")),
    ];
    let file = voice("american-man");
    let talks: Vec<_> = ways
        .iter()
        .map(|(variable, value)| {
            let mut talk = home.sovereign(talk(&file));
            // Empty variables hide nothing.
            talk.env("HTTPS_PROXY", "").env("NO_PROXY", "");
            network.trust(talk.env(variable, value));
            Running::start(&mut talk)
        })
        .collect();
    for ((variable, _), talk) in ways.iter().zip(talks) {
        let ended = talk.end();
        ended.assert(0, &[]);
        assert_eq!(
            ended.turns().0[0]["outcome"],
            "completed",
            "{variable}: {ended:?}"
        );
        assert_nothing_of_the_login(&ended);
    }
    let asked = network.asked.lock().expect("nobody panicked").clone();
    assert_eq!(
        asked,
        vec!["gate.example:443"; 4],
        "the names went to the proxies"
    );
}

#[test]
fn a_proxy_that_does_not_lead_there_is_named_with_its_variable() {
    let home = Home::new();
    let server = Server::parrot(&home);
    let network = Network::start(&home, &server);
    let (http, https, socks) = (network.http, network.https, network.socks);
    let closed = nobody();
    let cases: Vec<(&str, String, Vec<String>)> = vec![
        (
            "HTTPS_PROXY",
            format!("{http}"),
            vec![
                format!(
                    "the proxy {http} of HTTPS_PROXY wants a login, and none was sent (HTTP 407)"
                ),
                "USER:PASSWORD@".into(),
            ],
        ),
        (
            "HTTPS_PROXY",
            format!("http://me:canary@{http}"),
            vec![
                "refuses the login that was sent (HTTP 407)".into(),
                "%40".into(),
            ],
        ),
        (
            "ALL_PROXY",
            format!("socks5h://{socks}"),
            vec![format!(
                "the proxy {socks} of ALL_PROXY wants a login, and none was sent (SOCKS)"
            )],
        ),
        (
            "ALL_PROXY",
            format!("socks5h://me:canary@{socks}"),
            vec!["refuses the login that was sent (SOCKS)".into()],
        ),
        (
            "https_proxy",
            format!("http://{closed}"),
            vec![
                format!("the proxy {closed} of https_proxy does not connect to gate.example:443"),
                "refuses connections".into(),
            ],
        ),
        (
            "https_proxy",
            format!("http://{https}"),
            vec![format!("the proxy {https} of https_proxy does not connect")],
        ),
        (
            "https_proxy",
            format!("https://{http}"),
            vec!["does not speak TLS; most proxies are written http://".into()],
        ),
        (
            "https_proxy",
            format!("socks5h://{http}"),
            vec!["something that is not SOCKS 5".into()],
        ),
        (
            "HTTPS_PROXY",
            "socks4://me:canary@p.example:1080".into(),
            vec![
                "HTTPS_PROXY is set to `socks4://…@p.example:1080`".into(),
                "SOCKS version 4".into(),
                "Write http://HOST:PORT".into(),
            ],
        ),
        (
            "ALL_PROXY",
            "ftp://p.example".into(),
            vec!["ALL_PROXY is set to `ftp://p.example`".into()],
        ),
        (
            "all_proxy",
            "http://me:canary".into(),
            vec!["all_proxy is set to `http://me:…`".into()],
        ),
    ];
    let file = voice("american-man");
    for some in cases.chunks(4) {
        let talks: Vec<_> = some
            .iter()
            .map(|(variable, value, _)| {
                let mut talk = home.sovereign(talk(&file));
                network.trust(talk.env(variable, value));
                Running::start(&mut talk)
            })
            .collect();
        for ((_, value, words), talk) in some.iter().zip(talks) {
            let ended = talk.end();
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            ended.assert_fault(1, &words);
            assert!(!ended.err.contains("canary"), "{value}: {ended:?}");
        }
    }
}

#[test]
fn doctor_lists_the_proxy_and_the_certificates_in_force() {
    let home = Home::new();
    let cases: [(Variables, &str, &[&str]); 6] = [
        (&[], "ok", &["none: neither HTTPS_PROXY nor ALL_PROXY"]),
        (
            &[
                ("HTTPS_PROXY", ""),
                ("https_proxy", "http://me:canary@p.example:3128"),
            ],
            "ok",
            &[
                "p.example:3128 from https_proxy, with a login",
                "gate.example is reached through it",
            ],
        ),
        (
            &[
                ("ALL_PROXY", "socks5h://p.example"),
                ("no_proxy", "gate.example:443"),
            ],
            "ok",
            &[
                "socks5h://p.example:1080 from ALL_PROXY",
                "no_proxy exempts gate.example",
            ],
        ),
        (
            &[("HTTPS_PROXY", "p.example:1"), ("NO_PROXY", "10.*")],
            "warn",
            &["`10.*` in NO_PROXY is not understood"],
        ),
        (
            &[("HTTPS_PROXY", "socks4://me:canary@p.example:1")],
            "bad",
            &["HTTPS_PROXY is set to `socks4://…@p.example:1`"],
        ),
        (
            &[("HTTP_PROXY", "p.example:1")],
            "warn",
            &["HTTP_PROXY is for unencrypted addresses"],
        ),
    ];
    for (variables, status, words) in cases {
        for json in [true, false] {
            let mut doctor = home.sovereign(["doctor", "--no-sound-check", "--endpoint", GATE]);
            doctor
                .args(json.then_some("--json"))
                .envs(variables.iter().copied());
            let ended = Running::start(&mut doctor).end();
            let said = if json {
                let report = ended.json().remove(0);
                let checks = report["checks"].as_array().expect("checks").clone();
                let found = |check: &&serde_json::Value| {
                    check["name"] == "proxy" && check["status"] == status
                };
                checks
                    .iter()
                    .filter(found)
                    .map(ToString::to_string)
                    .collect()
            } else {
                ended.out.clone()
            };
            for word in words {
                assert!(
                    said.contains(word),
                    "no `{word}` for {variables:?}: {ended:?}"
                );
            }
            assert!(!ended.out.contains("canary"), "{ended:?}");
        }
    }
}

#[test]
fn certificates_that_cannot_be_used_are_named_with_their_variable() {
    let home = Home::new();
    let server = Server::parrot(&home);
    let network = Network::start(&home, &server);
    let text = home.write("text.pem", "no certificate\n");
    let missing = home.path("nowhere.pem");
    let file = voice("american-man");
    let start = |variable: &str, value: &std::ffi::OsStr| {
        let mut talk = home.sovereign(talk(&file));
        talk.env("HTTPS_PROXY", format!("http://{WRITTEN}@{}", network.http));
        Running::start(talk.env(variable, value))
    };
    let cases = [
        (
            "SSL_CERT_FILE",
            missing.clone().into_os_string(),
            "there is no such file",
        ),
        (
            "SSL_CERT_FILE",
            text.into_os_string(),
            "no certificate in PEM form",
        ),
        (
            "SSL_CERT_FILE",
            home.path("tmp").into_os_string(),
            "it is a folder",
        ),
        (
            "SSL_CERT_DIR",
            missing.into_os_string(),
            "there is no such folder",
        ),
    ];
    let talks: Vec<_> = cases
        .iter()
        .map(|(variable, value, _)| start(variable, value))
        .collect();
    for ((variable, value, why), talk) in cases.iter().zip(talks) {
        let value = format!("{variable} is set to `{}`", value.display());
        talk.end()
            .assert_fault(1, &[&value, why, "unset the variable"]);
        let mut doctor = home.sovereign(["doctor", "--no-sound-check", "--endpoint", GATE]);
        let examined = Running::start(doctor.env(variable, &cases[0].1)).end();
        assert!(examined.out.contains(variable), "{examined:?}");
    }
    // Set to nothing, it is as if it were unset: the system's certificates count, and do not know this server.
    let ended = start("SSL_CERT_FILE", "".as_ref()).end();
    assert_eq!(ended.status, Some(1));
    assert!(!ended.err.contains("SSL_CERT_FILE"), "{ended:?}");
}

#[test]
fn a_key_is_taken_from_either_variable_and_out_of_what_surrounds_it() {
    const KEY: &str = "AIzaSyCanaryKey-0123456789_abcdefghijkl";
    let home = Home::new();
    let server = Server::start(&home, &["--require-key", KEY]);
    let file = voice("american-man");
    let start = |variables: &[(&str, String)]| {
        let mut args = talk(&file).to_vec();
        args[2] = &server.url;
        let mut talk = home.sovereign(args);
        Running::start(talk.envs(variables.iter().map(|(name, value)| (*name, value))))
    };
    let good: [(&str, &[(&str, String)]); 5] = [
        (
            "GEMINI_API_KEY",
            &[("GEMINI_API_KEY", format!("\"{KEY}\""))],
        ),
        (
            "GEMINI_API_KEY",
            &[(
                "GEMINI_API_KEY",
                format!("\u{feff}export GEMINI_API_KEY='{KEY}'\r\n"),
            )],
        ),
        (
            "GOOGLE_API_KEY",
            &[("GOOGLE_API_KEY", format!("\u{201c}{KEY}\u{201d}"))],
        ),
        (
            "GOOGLE_API_KEY",
            &[
                ("GEMINI_API_KEY", String::new()),
                ("GOOGLE_API_KEY", KEY.to_owned()),
            ],
        ),
        (
            "GEMINI_API_KEY",
            &[
                ("GEMINI_API_KEY", KEY.to_owned()),
                ("GOOGLE_API_KEY", "another-key-0123456789".to_owned()),
            ],
        ),
    ];
    let runs: Vec<_> = good.iter().map(|(_, variables)| start(variables)).collect();
    for ((used, _), run) in good.iter().zip(runs) {
        let ended = run.end();
        ended.assert(0, &[&format!("API key from {used}")]);
        assert!(!ended.err.contains("Canary"), "{ended:?}");
    }
    // What cannot be a key is said, and not sent; without a key nobody says that it was refused.
    type Set<'a> = &'a [(&'a str, String)];
    let bad: [(Set<'_>, &[&str]); 3] = [
        (&[], &["wants an API key, and none was sent"]),
        (
            &[("GEMINI_API_KEY", "<canary>".to_owned())],
            &["GEMINI_API_KEY is not used", "none was sent"],
        ),
        (
            &[("GOOGLE_API_KEY", "canary words".to_owned())],
            &["GOOGLE_API_KEY is not used", "none was sent"],
        ),
    ];
    for (variables, words) in bad {
        let ended = start(variables).end();
        ended.assert_fault(1, words);
        assert!(!ended.err.contains("refuses the API key"), "{ended:?}");
        assert!(!ended.err.contains("canary"), "{ended:?}");
    }
    // Known without asking.
    let mut google = talk(&file).to_vec();
    google[2] = "wss://generativelanguage.googleapis.com";
    home.run(google)
        .assert_fault(1, &["Gemini wants an API key, and there is none"]);
}

/// `talk` with the gate as endpoint, which is the third argument.
fn talk(file: &str) -> [&str; 10] {
    [
        "talk",
        "--endpoint",
        GATE,
        "--json",
        "--output",
        "none",
        "--turns",
        "1",
        "--input",
        file,
    ]
}

fn assert_nothing_of_the_login(ended: &Ended) {
    for part in ["p@ss", "p%40ss", "w%rd", "w%25rd"] {
        assert!(
            !format!("{}{}", ended.out, ended.err).contains(part),
            "{ended:?}"
        );
    }
}
