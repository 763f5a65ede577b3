//! Files that are none, and servers that misbehave: a clear end, never a panic, never a hang.

use std::path::{Path, PathBuf};

use super::conversations::assert_turn;
use super::desk::{Ended, Home, Running, Server, voice};

#[test]
fn recordings_of_every_usual_kind_are_spoken() {
    let home = Home::new();
    let server = Server::parrot(&home);
    let int = hound::SampleFormat::Int;
    let mut files = vec![
        recording(&home, "u8 telephone.wav", 8_000, 1, 8, int),
        recording(&home, "studio.wav", 96_000, 2, 24, int),
        recording(
            &home,
            "float.wav",
            44_100,
            1,
            32,
            hound::SampleFormat::Float,
        ),
        recording(&home, "eight.wav", 48_000, 8, 16, int),
        recording(&home, "line\nbreak.wav", 16_000, 1, 16, int),
        recording(&home, "--turns.wav", 16_000, 1, 16, int),
    ];
    let whole = std::fs::read(voice("american-man")).expect("a fixture");
    files.push(home.write("truncated.wav", &whole[..40_000]));
    #[cfg(target_os = "linux")]
    files.push(home.write_raw(b"not \xff utf-8.wav", &whole));
    let runs: Vec<_> = files
        .iter()
        .map(|file| (file, speak(&home, &server.url, file)))
        .collect();
    for (file, run) in runs {
        let ended = run.end();
        ended.assert(0, &[]);
        let (turns, _) = ended.turns();
        assert_eq!(turns.len(), 1, "{}: {ended:?}", file.display());
        assert_turn(&turns[0], 1, &file.display().to_string(), "balanced");
    }
}

#[test]
fn what_is_no_recording_is_refused_with_its_name_and_what_is_expected() {
    let home = Home::new();
    let whole = std::fs::read(voice("american-man")).expect("a fixture");
    // It takes no room on the disk.
    let huge = home.write("huge.wav", &whole);
    let file = std::fs::File::options()
        .write(true)
        .open(&huge)
        .expect("our own");
    file.set_len(1 << 32).expect("a sparse file");
    let files = [
        home.write("header.wav", &whole[..44]),
        home.write("half a header.wav", &whole[..20]),
        home.write("empty.wav", b""),
        home.write("text.wav", b"hello there, this is no sound at all"),
        recording(&home, "fast.wav", 384_000, 1, 16, hound::SampleFormat::Int),
        recording(&home, "nine.wav", 16_000, 9, 16, hound::SampleFormat::Int),
        home.path("tmp"),
        home.path("nowhere.wav"),
        PathBuf::from("/dev/zero"),
        huge,
    ];
    for file in files {
        let ended = speak(&home, "ws://127.0.0.1:1", &file).end();
        ended.assert_fault(2, &[&file.display().to_string()]);
        assert_eq!(ended.out, "", "{ended:?}");
    }
}

#[cfg(unix)]
#[test]
fn the_reply_destroys_nothing_and_waits_for_nobody() {
    let home = Home::new();
    let whole = std::fs::read(voice("american-man")).expect("a fixture");
    let file = home.write("mine.wav", &whole);
    let link = home.path("link.wav");
    std::os::unix::fs::symlink(&file, &link).expect("linked");
    let twin = home.path("twin.wav");
    std::fs::hard_link(&file, &twin).expect("linked");
    let pipe = home.path("pipe.wav");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo is everywhere").success());
    let nowhere = home.path("no/folder/x.wav");
    let cases: [(&Path, &str); 5] = [
        (&file, "would be overwritten"),
        (&twin, "would be overwritten"),
        (&link, "would be overwritten"),
        (&pipe, "pipe"),
        (&nowhere, "cannot be written"),
    ];
    for (output, why) in cases {
        let mut command = home.sovereign(["talk", "--demo", "--json", "--input"]);
        let ended = Running::start(command.arg(&file).arg("--output").arg(output)).end();
        ended.assert_fault(2, &[&output.display().to_string(), why]);
    }
    // The same for the table of figures, whatever the replies go to.
    let new = home.path("new.wav");
    let cases: [(&Path, &Path, &str); 5] = [
        (&file, Path::new("none"), "would be overwritten"),
        (&link, &new, "would be overwritten"),
        (&file, &file, "would be overwritten"),
        (&pipe, &new, "pipe"),
        (&new, &new, "gets the replies"),
    ];
    for (csv, output, why) in cases {
        let mut command = home.sovereign(["talk", "--demo", "--json", "--input"]);
        let command = command.arg(&file).arg("--csv").arg(csv);
        let ended = Running::start(command.arg("--output").arg(output)).end();
        ended.assert_fault(2, &[&csv.display().to_string(), why]);
    }
    assert_eq!(std::fs::read(&file).expect("there"), whole);
}

#[test]
fn servers_that_misbehave_are_survived_and_told() {
    let home = Home::new();
    // What the server does, exit status, outcomes, and words on standard error.
    let cases: &[(&str, i32, &[&str], &[&str])] = &[
        (
            "turns: [[{raw: '{not json'}, {say: Hello., ms: 400}]]",
            0,
            &["completed"],
            &[],
        ),
        (
            "turns: [[{raw: '{a'}, {raw: '[1'}, {raw: 'b'}, {say: Hello., ms: 400}]]\nrepeat: true",
            1,
            &["failed"],
            &["messages that make no sense"],
        ),
        (
            "turns: [[odd_pcm, {jitter: 150}, {say: Hello., ms: 900}]]",
            0,
            &["completed"],
            &[],
        ),
        (
            "turns: [[{raw: {serverContent: {modelTurn: {parts: [{inlineData: {mimeType: audio/pcm;rate=abc, data: AAAA}}]}}}}, {raw: {unknown: {x: 1}, serverContent: {y: 2}}}, {say: Hello., ms: 400}]]",
            0,
            &["completed"],
            &[],
        ),
        ("turns: [[stall]]", 1, &["failed"], &["no answer within"]),
        (
            "turns: [[drop]]\nrepeat: true",
            1,
            &["failed"],
            &["the connection broke off"],
        ),
        (
            "turns: [[{close: 1011, reason: Internal error}]]\nrepeat: true",
            1,
            &["failed"],
            &["1011", "Internal error"],
        ),
        (
            "turns: [[{close: 1007, reason: \"Invalid \\e[31margument\"}]]\nrepeat: true",
            1,
            &[],
            &["1007", "argument"],
        ),
        (
            "turns: [[{close: 1007, reason: API key not valid. Please pass a valid API key.}]]",
            1,
            &[],
            &["wants an API key, and none was sent", "GEMINI_API_KEY"],
        ),
        (
            "turns: [[{close: 1008, reason: 'models/none is not found'}]]",
            1,
            &[],
            &["the model is not available"],
        ),
        (
            "turns: [[{speed: 1}, {say: Half., ms: 800}, drop]]\nrepeat: true",
            1,
            &["failed"],
            &["in the middle of the reply"],
        ),
        (
            "turns: [[phantom_interrupt]]",
            0,
            &["empty"],
            &["broke its answer off", "Ask again"],
        ),
    ];
    let run = |(script, ..): &(&str, i32, &[&str], &[&str])| {
        let server = Server::script(&home, script);
        let run = speak(&home, &server.url, Path::new(&voice("american-man")));
        (server, run)
    };
    for half in cases.chunks(6) {
        let runs: Vec<_> = half.iter().map(run).collect();
        for ((script, status, outcomes, words), (_server, run)) in half.iter().zip(runs) {
            let ended: Ended = run.end();
            assert_eq!(ended.status, Some(*status), "{script}: {ended:?}");
            ended.assert(*status, words);
            let (turns, _) = ended.turns();
            if !outcomes.is_empty() {
                // What is asked again by itself is told by its last turn.
                let last = turns.iter().filter(|turn| turn["retried"] != true);
                let found: Vec<_> = last
                    .map(|turn| turn["outcome"].as_str().expect("a word"))
                    .collect();
                assert_eq!(found, *outcomes, "{script}: {ended:?}");
            }
            let hints = ended
                .err
                .lines()
                .filter(|line| line.starts_with("hint: "))
                .count();
            assert_eq!(hints, usize::from(*status == 1), "{script}: {ended:?}");
            assert!(!ended.err.contains('\u{1b}'), "{script}: {ended:?}");
        }
    }
}

#[test]
fn what_is_sent_again_is_written_down_once() {
    let home = Home::new();
    let server = Server::script(&home, "turns: [[drop]]\nresumption: false\nrepeat: true");
    let ended = speak(&home, &server.url, Path::new(&voice("american-man"))).end();
    ended.assert(1, &["4 connections in a row"]);
    let (turns, summary) = ended.turns();
    let user = turns[0]["transcript"]["user"].as_str().expect("words");
    assert_eq!(user.matches("You spoke for").count(), 1, "{user}");
    assert_eq!(
        summary["utterances"]["lost"], 1,
        "the last connection took it with it: {summary}"
    );
}

#[test]
fn scripts_with_faults_are_refused_with_the_place() {
    let home = Home::new();
    let file = home.write("faulty.yaml", "think_ms: 10\nturns:\n  - - sya: Hello.\n");
    let cases: [(&Path, &str); 3] = [
        (&file, "faulty.yaml:3:"),
        (Path::new("/dev/zero"), "/dev/zero"),
        (&home.path("tmp"), "tmp"),
    ];
    for (script, words) in cases {
        let mut command = home.sovereign(["serve", "--listen", "127.0.0.1:0", "--script"]);
        Running::start(command.arg(script))
            .end()
            .assert_fault(2, &[words]);
    }
}

fn speak(home: &Home, url: &str, file: &Path) -> Running {
    let args = [
        "talk",
        "--json",
        "--output",
        "none",
        "--turns",
        "1",
        "--endpoint",
        url,
    ];
    let mut input = std::ffi::OsString::from("--input=");
    input.push(file);
    Running::start(home.sovereign(args).arg(input))
}

/// A voice, converted as roughly as the kind of file allows.
fn recording(
    home: &Home,
    name: &str,
    rate: u32,
    channels: u16,
    bits: u16,
    kind: hound::SampleFormat,
) -> PathBuf {
    let mut from = hound::WavReader::open(voice("american-man")).expect("a fixture");
    let step = f64::from(from.spec().sample_rate) / f64::from(rate);
    let voice: Vec<i16> = from
        .samples()
        .map(|sample| sample.expect("whole"))
        .collect();
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: bits,
        sample_format: kind,
    };
    let path = home.path(name);
    let mut writer = hound::WavWriter::create(&path, spec).expect("writable");
    for sample in (0..)
        .map(|i| voice.get((f64::from(i) * step) as usize))
        .map_while(|sample| sample)
    {
        for _ in 0..channels {
            match kind {
                hound::SampleFormat::Float => writer.write_sample(f32::from(*sample) / 32_768.0),
                hound::SampleFormat::Int if bits < 16 => {
                    writer.write_sample(i32::from(*sample) >> (16 - bits))
                }
                hound::SampleFormat::Int => writer.write_sample(i32::from(*sample) << (bits - 16)),
            }
            .expect("writable");
        }
    }
    writer.finalize().expect("writable");
    path
}
