//! Secrets and words that are looked for wherever the program says or writes something, as they are and in other spellings.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::desk::{Ended, Home, Running, Server, in_thread, nobody, voice};
use super::spellings::assert_without;

/// What must be nowhere but in its own file, or in the environment.
const KEY: &str = "AIzaSyCanaryKey-0123456789_abcdefghijkl";
const TOKEN: &str = "tok-wallaby-0123456789";
const PASSWORD: &str = "bandicoot-password";
/// What was said and typed, by whom: in the store alone, and on standard output where it was asked for.
const HEARD: &str = "quokkawordspoken";
const SPOKEN: &str = "numbatwordanswered";
const TYPED: &str = "dugongwordtyped";
const TOOL: &str = "axolotl_tool_called";
const ARGUMENT: &str = "cassowaryargument";
const INSTRUCTION: &str = "platypusinstruction";

const SECRETS: [&str; 3] = [KEY, TOKEN, PASSWORD];
const WORDS: [&str; 6] = [HEARD, SPOKEN, TYPED, TOOL, ARGUMENT, INSTRUCTION];

/// The most that can be asked for: all levels of all libraries.
const ALL: &str = "trace,sovereign=trace";

/// Fails where one of these texts is in a file of a home, but for those that hold it by right. What is packed could not be looked into.
#[track_caller]
fn assert_files_without(texts: &[&str], home: &Home, but: &dyn Fn(&Path) -> bool) {
    let mut folders = vec![home.path("")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let kind = entry.file_type().expect("it is there");
            assert_without(
                texts,
                "the name of a file",
                path.as_os_str().as_encoded_bytes(),
            );
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && !but(&path) {
                let bytes = std::fs::read(&path).expect("our own file");
                let is_packed = [
                    &b"\x1f\x8b"[..],
                    b"\x78\x9c",
                    b"\x78\xda",
                    b"\x28\xb5\x2f\xfd",
                ];
                assert!(
                    !is_packed.iter().any(|start| bytes.starts_with(start)),
                    "{}",
                    path.display()
                );
                assert_without(texts, &path.display().to_string(), &bytes);
            }
        }
    }
}

/// The store of conversations, and what this test writes itself.
fn may_hold_words(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("conversations.") || name.starts_with("script-") || name == "odd.yaml"
}

fn may_hold_secrets(path: &Path) -> bool {
    path.ends_with("config/sovereign/config.yaml")
}

/// A frame of the service that says what the user said.
fn heard() -> String {
    format!("{{raw: {{serverContent: {{inputTranscription: {{text: {HEARD}}}}}}}}}")
}

/// A home with secrets in its configuration.
fn home(url: &str, more: &str) -> Home {
    let home = Home::new();
    configure(&home, url, more);
    let profile = format!("extends: balanced\nlive: {{instruction: {INSTRUCTION}}}\n");
    home.write("config/sovereign/profiles/odd.yaml", profile);
    home
}

fn configure(home: &Home, url: &str, more: &str) {
    let text = format!("endpoint: {url}\nprofile: odd\n{more}");
    home.write("config/sovereign/config.yaml", text);
}

fn talk(home: &Home, more: &[&str]) -> Command {
    let base = ["talk", "--json", "--log", ALL, "--output", "none"];
    let mut command = home.sovereign(base.iter().chain(more));
    command
        .env("GEMINI_API_KEY", KEY)
        .env("RUST_BACKTRACE", "full");
    command
}

/// Nothing secret was said, and of the words only those that standard output is for.
#[track_caller]
fn assert_said_nothing(ended: &Ended, what: &str) {
    assert_without(&SECRETS, what, ended.out.as_bytes());
    assert_without(&SECRETS, what, ended.err.as_bytes());
    assert_without(&WORDS, what, ended.err.as_bytes());
}

#[track_caller]
fn assert_wrote_nothing(home: &Home) {
    assert_files_without(&SECRETS, home, &may_hold_secrets);
    assert_files_without(&WORDS, home, &may_hold_words);
}

#[test]
fn a_conversation_leaves_its_words_in_the_store_alone() {
    let say = format!("{{say: {SPOKEN}, ms: 400}}");
    // Counted over all conversations.
    let script = format!(
        "once: true\nturns:\n- [{}, {say}]\n- [{say}]\n- [{say}]\n",
        heard()
    );
    let start = Home::new();
    let script = start.write("script.yaml", script);
    let script = script.to_str().expect("our own name");
    let server = Server::start(&start, &["--require-key", KEY, "--script", script]);
    let port = nobody().port();
    let monitor = format!("monitor: {{listen: 127.0.0.1:{port}, token: {TOKEN}}}\n");
    let home = home(&server.url, &monitor);
    let csv = home.path("turns.csv");
    let file = voice("american-man");

    let spoken = [
        "--csv",
        csv.to_str().expect("our own name"),
        "--input",
        &file,
        &file,
    ];
    let running = Running::start(&mut talk(&home, &spoken));
    let page = in_thread(move || metrics(port));
    let (arguments, threads) = seen_from_outside(running.id());
    let spoken = running.end();
    spoken.assert(0, &[]);
    let page = page.join().expect("it answers");
    assert!(page.contains("sovereign_turns"), "{page}");
    for (place, text) in [
        ("/metrics", &page),
        ("the arguments", &arguments),
        ("the names of threads", &threads),
    ] {
        assert_without(&[&SECRETS[..], &WORDS].concat(), place, text.as_bytes());
    }
    let transcript = spoken.turns().0[0]["transcript"].to_string();
    assert!(
        transcript.contains(HEARD) && transcript.contains(SPOKEN),
        "{spoken:?}"
    );
    assert!(spoken.err.contains(" DEBUG "), "all is logged: {spoken:?}");
    assert_said_nothing(&spoken, "what a spoken conversation says");

    let (reader, mut writer) = std::io::pipe().expect("the system has pipes");
    let typed = Running::start(talk(&home, &["--text", "-"]).stdin(Stdio::from(reader)));
    writeln!(writer, "{TYPED}").expect("it reads");
    drop(writer);
    let typed = typed.end();
    assert_eq!(typed.turns().0[0]["transcript"]["user"], TYPED, "{typed:?}");
    assert_said_nothing(&typed, "what a typed conversation says");

    let bundle = home.path("bundle.zip");
    let bundle = bundle.to_str().expect("our own name");
    let mut doctor = home.sovereign([
        "doctor",
        "--log",
        ALL,
        "--live",
        "--no-sound-check",
        "--bundle",
        bundle,
    ]);
    let doctor = Running::start(doctor.env("GEMINI_API_KEY", KEY)).end();
    assert!(Path::new(bundle).exists(), "{doctor:?}");
    assert_said_nothing(&doctor, "what doctor says");
    assert_without(&WORDS, "what doctor says", doctor.out.as_bytes());
    assert_wrote_nothing(&home);

    // It was kept: what is looked for is what there was.
    let kept = home.run(["history", "search", TYPED]);
    assert!(kept.out.contains(TYPED), "{kept:?}");
    // A damaged store is set aside, and nothing of it is told.
    let store = home.path("state/sovereign/conversations.db");
    let mut bytes = std::fs::read(&store).expect("kept");
    bytes[..4_096].fill(0);
    std::fs::write(&store, bytes).expect("written");
    let damaged = Running::start(&mut talk(&home, &["--input", &file])).end();
    damaged.assert(0, &["was damaged"]);
    assert_said_nothing(&damaged, "what is said of a damaged store");
    std::fs::remove_file(&store).expect("there");
    std::fs::create_dir(&store).expect("made");
    let unusable = Running::start(&mut talk(&home, &["--input", &file])).end();
    unusable.assert(0, &["not kept"]);
    assert_said_nothing(&unusable, "what is said of a store that cannot be used");
    assert_wrote_nothing(&home);
}

#[test]
fn nothing_is_told_of_what_fails() {
    let close = |code: u16, reason: &str| {
        format!(
            "turns: [[{}, {{close: {code}, reason: \"{reason}\"}}]]\nrepeat: true",
            heard()
        )
    };
    let wrong = [
        // The wrong value is what was said.
        format!("{{serverContent: {HEARD}}}"),
        format!("{{serverContent: {{outputTranscription: {{text: {{x: {SPOKEN}}}}}}}}}"),
        format!("{{serverContent: {{outputTranscription: {SPOKEN}}}}}"),
        format!(
            "{{serverContent: {{turnComplete: {SPOKEN}, modelTurn: {{parts: [{SPOKEN}, {{text: [{SPOKEN}]}}]}}}}}}"
        ),
        format!(
            "{{serverContent: {{modelTurn: {{parts: [{{inlineData: {{mimeType: audio/wav, data: {SPOKEN}}}}}]}}}}}}"
        ),
        format!(
            "{{goAway: {{timeLeft: {SPOKEN}}}, usageMetadata: {{promptTokenCount: {SPOKEN}}}}}"
        ),
        format!("{{{SPOKEN}: 1}}"),
        format!("'{{\"serverContent\": {SPOKEN}'"),
        format!("'{SPOKEN}'"),
    ];
    let wrong: String = wrong
        .iter()
        .fold(String::new(), |all, raw| format!("{all}{{raw: {raw}}}, "));
    let tools = "{name: TOOL, args: {a: ARGUMENT}, id: c1}";
    let tools = tools.replace("TOOL", TOOL).replace("ARGUMENT", ARGUMENT);
    let calls = format!("{{raw: {{toolCall: {{functionCalls: [{tools}]}}}}}}");
    let scripts = [
        close(1_007, &format!("Invalid argument {KEY}")),
        close(1_011, "Internal error"),
        format!("turns: [[{}, stall]]", heard()),
        format!(
            "turns: [[{}, {{say: {SPOKEN}, ms: 300}}, drop]]\nrepeat: true",
            heard()
        ),
        format!("turns: [[{calls}, {{say: {SPOKEN}, ms: 300}}]]"),
        format!("turns: [[{wrong}{{say: {SPOKEN}, ms: 300}}]]"),
    ];
    let file = voice("american-man");
    let starts: Vec<_> = scripts
        .iter()
        .map(|script| {
            let servers = Home::new();
            let server = Server::script(&servers, script);
            let home = home(&server.url, "");
            let running = Running::start(&mut talk(&home, &["--input", &file]));
            (script, servers, server, home, running)
        })
        .collect();
    for (script, _servers, _server, home, running) in starts {
        assert_said_nothing(&running.end(), script);
        assert_wrote_nothing(&home);
    }

    // Nobody listens, or nothing that is meant; with a login on the way.
    let closed = nobody();
    let page = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let page_at = page.local_addr().expect("bound");
    in_thread(move || {
        for stream in page.incoming().flatten() {
            let mut stream = stream;
            let mut request = [0; 4_096];
            let read = stream.read(&mut request).unwrap_or(0);
            // It says again what it was asked.
            stream.write_all(b"HTTP/1.1 400 No\r\nx-said: ").ok();
            let said = String::from_utf8_lossy(&request[..read]).replace(['\r', '\n'], " ");
            write!(
                stream,
                "{said}\r\ncontent-length: {}\r\n\r\n{said}",
                said.len()
            )
            .ok();
        }
    });
    let dead = [
        (format!("ws://{closed}"), String::new()),
        (format!("ws://{page_at}"), String::new()),
        (
            "wss://gate.example".to_owned(),
            format!("http://me:{PASSWORD}@{closed}"),
        ),
        (
            "wss://gate.example".to_owned(),
            format!("http://me:{PASSWORD}@{page_at}"),
        ),
        (
            "wss://gate.example".to_owned(),
            format!("socks5h://me:{PASSWORD}@{page_at}"),
        ),
        (
            "wss://gate.example".to_owned(),
            format!("ftp://me:{PASSWORD}@{page_at}"),
        ),
        (format!("ws://{page_at}/?key={KEY}"), String::new()),
    ];
    let texts = Home::new();
    let typed = texts.write("typed", TYPED);
    let starts: Vec<_> = dead
        .iter()
        .map(|(url, proxy)| {
            let home = home(url, "");
            let mut command = talk(&home, &["--text", "-"]);
            let typed = std::fs::File::open(&typed).expect("written");
            command.env("https_proxy", proxy).stdin(Stdio::from(typed));
            (format!("{url} {proxy}"), home, Running::start(&mut command))
        })
        .collect();
    for (what, home, running) in starts {
        let ended = running.end();
        assert_ne!(ended.status, Some(0), "{what}: {ended:?}");
        assert_said_nothing(&ended, &what);
        assert_wrote_nothing(&home);
    }

    // A file of the user that is wrong where the secret is.
    let wrong = [
        format!("monitor: {{token: [{TOKEN}]}}\n"),
        format!("monitor: {{token: {TOKEN}, tokn: {TOKEN}}}\n"),
        format!("monitor: {{token: \"{TOKEN}\n"),
    ];
    let starts: Vec<_> = wrong
        .iter()
        .map(|wrong| {
            let home = home("ws://127.0.0.1:1", wrong);
            let running = Running::start(&mut talk(&home, &["--text", "hello"]));
            (home, running)
        })
        .collect();
    for (home, running) in starts {
        let ended = running.end();
        assert_without(
            &SECRETS,
            "what is said of a wrong file",
            ended.err.as_bytes(),
        );
        assert_files_without(&SECRETS, &home, &may_hold_secrets);
    }
}

/// The page for Prometheus, once a turn is in it.
fn metrics(port: u16) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut page = String::new();
    while Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
            if page.is_empty() {
                continue;
            }
            break;
        };
        let asked = write!(
            stream,
            "GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\r\n"
        );
        let mut found = String::new();
        if asked.is_ok() && stream.read_to_string(&mut found).is_ok() && !found.is_empty() {
            page = found;
        }
    }
    page
}

/// Arguments of a running program and names of its threads, as other users see them.
#[cfg(target_os = "linux")]
fn seen_from_outside(id: u32) -> (String, String) {
    let folder = PathBuf::from(format!("/proc/{id}"));
    // Threads begin with the connection.
    std::thread::sleep(Duration::from_millis(700));
    let arguments = std::fs::read(folder.join("cmdline")).expect("it runs");
    let tasks = std::fs::read_dir(folder.join("task"))
        .expect("it runs")
        .flatten();
    let names =
        tasks.map(|task| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default());
    let names: String = names.collect();
    assert!(names.lines().count() > 2, "{names}");
    (String::from_utf8_lossy(&arguments).into_owned(), names)
}

#[cfg(not(target_os = "linux"))]
fn seen_from_outside(_: u32) -> (String, String) {
    Default::default()
}
