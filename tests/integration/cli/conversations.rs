//! `talk` over the embedded server: files as microphone, the JSON of turns and summary, the reply as a file.

use serde_json::Value;

use super::desk::{Home, Running, Server, silence, voice};

const MARKS: [&str; 6] = [
    "speech_start",
    "speech_end",
    "endpoint",
    "sent",
    "first_audio",
    "first_audible",
];

#[test]
fn files_are_spoken_and_answered_and_every_line_keeps_the_contract() {
    let home = Home::new();
    let server = Server::parrot(&home);
    let (one, two) = (voice("american-man"), voice("british-woman"));
    let talk = |args: &[&str]| {
        let base = ["talk", "--json", "--endpoint", &server.url];
        Running::start(&mut home.sovereign(base.iter().chain(args)))
    };
    let reply = home.path("re ply.wav");
    let reply = reply.to_str().expect("our own name");
    let runs = [
        talk(&["--input", &one, "--output", reply]),
        talk(&[
            "--input",
            &one,
            &two,
            "--output",
            "none",
            "--profile",
            "ultra-fast",
        ]),
        talk(&[
            "--input",
            &one,
            &two,
            "--output",
            "none",
            "--turns",
            "1",
            "--profile",
            "high-quality",
        ]),
    ];
    let [single, double, first_only] = runs.map(Running::end);

    let (turns, summary) = single.turns();
    single.assert(0, &[]);
    assert_eq!(turns.len(), 1, "{single:?}");
    assert_turn(&turns[0], 1, &one, "balanced");
    assert_summary(&summary, 1);
    assert_reply(
        reply,
        turns[0]["audio"]["heard_ms"].as_f64().expect("heard"),
    );

    let (turns, summary) = double.turns();
    double.assert(0, &[]);
    assert_eq!(turns.len(), 2, "{double:?}");
    assert_turn(&turns[0], 1, &one, "ultra-fast");
    assert_turn(&turns[1], 2, &two, "ultra-fast");
    assert_summary(&summary, 2);

    let (turns, summary) = first_only.turns();
    first_only.assert(0, &[]);
    assert_eq!(turns.len(), 1, "{first_only:?}");
    assert_turn(&turns[0], 1, &one, "high-quality");
    assert_summary(&summary, 1);
}

#[test]
fn an_interruption_cuts_the_reply_and_is_a_turn_of_its_own() {
    let home = Home::new();
    let script = "turns:\n  - [{say: A long reply., ms: 8000}]\n  - [{say: Short., ms: 400}]\n";
    let server = Server::script(&home, script);
    let (one, two) = (voice("american-man"), voice("british-woman"));
    let talked = home.run([
        "talk",
        "--json",
        "--endpoint",
        &server.url,
        "--output",
        "none",
        "--interrupt-after",
        "700",
        "--input",
        &one,
        &two,
    ]);
    talked.assert(0, &[]);
    let (turns, summary) = talked.turns();
    assert_eq!(turns.len(), 2, "{talked:?}");
    assert_eq!(
        (&turns[0]["outcome"], &turns[1]["outcome"]),
        (&"interrupted".into(), &"completed".into())
    );
    let heard = turns[0]["audio"]["heard_ms"].as_f64().expect("heard");
    assert!(
        (500.0..4_000.0).contains(&heard),
        "{heard} ms of 8000 were heard before the voice"
    );
    assert!(
        turns[0]["interruption_ms"]["silence"]
            .as_f64()
            .is_some_and(|ms| ms >= 0.0),
        "{}",
        turns[0]
    );
    assert!(
        turns[1].get("interruption_ms").is_none(),
        "nobody cut the second: {}",
        turns[1]
    );
    assert_eq!(summary["turns"]["interrupted"], 1);
    assert_eq!(turns[0]["transcript"]["assistant"], "A long reply.");
}

#[test]
fn a_reached_spend_limit_leaves_files_unasked_and_is_a_failure() {
    let home = Home::new();
    let server = Server::parrot(&home);
    home.write(
        "config/sovereign/config.yaml",
        "price_usd_per_million: {in: 1000, out: 1000}\nspend_limit_usd: {conversation: 0.0001, day: 90}\n",
    );
    let one = voice("american-man");
    let talk = ["talk", "--json", "--endpoint", &server.url];
    let files = ["--output", "none", "--input", &one, &one, &one];
    let said = home.run(talk.into_iter().chain(files));
    let (turns, summary) = said.turns();
    assert_eq!(turns.len(), 1, "{said:?}");
    said.assert_fault(
        1,
        &["limit of $0.0001. 2 files were not sent", "spend_limit_usd"],
    );
    let cost = turns[0]["cost_usd"].as_f64().expect("the price is set");
    assert_eq!(summary["cost_usd"], cost);
    assert_eq!(summary["models"][0]["cost_usd"], cost);
    let found = home.run(["doctor", "--no-sound-check"]);
    let limit = "$90.00 for each day, of which $0.";
    assert!(found.out.contains(limit), "{found:?}");
}

#[test]
fn a_file_without_speech_is_said_and_passed_over() {
    let home = Home::new();
    let server = Server::parrot(&home);
    let silent = silence(&home, "si lent.wav", 500);
    let silent = silent.to_str().expect("our own name");
    let talk = |files: &[&str]| {
        let base = [
            "talk",
            "--json",
            "--endpoint",
            &server.url,
            "--output",
            "none",
            "--input",
        ];
        Running::start(&mut home.sovereign(base.iter().chain(files)))
    };
    let spoken = voice("american-man");
    let [alone, before] = [talk(&[silent]), talk(&[silent, &spoken])].map(Running::end);
    alone.assert(0, &["si lent.wav", "no speech"]);
    let (turns, summary) = alone.turns();
    assert!(turns.is_empty(), "{alone:?}");
    assert_eq!(
        summary["utterances"],
        serde_json::json!({"spoken": 0, "answered": 0, "lost": 0})
    );
    assert_eq!(
        summary["latency_ms"],
        serde_json::json!({}),
        "nothing was measured"
    );
    before.assert(0, &["si lent.wav", "no speech"]);
    let (turns, _) = before.turns();
    assert_eq!(turns.len(), 1, "{before:?}");
    assert_turn(&turns[0], 1, &spoken, "balanced");
}

#[test]
fn outcomes_are_told_apart_and_unknown_values_are_absent() {
    let home = Home::new();
    let ran = |script: &str| {
        let server = Server::script(&home, script);
        let talk = [
            "talk",
            "--json",
            "--endpoint",
            &server.url,
            "--output",
            "none",
            "--turns",
            "1",
            "--input",
        ];
        let file = voice("american-man");
        let talk = Running::start(&mut home.sovereign(talk.iter().chain([&file.as_str()])));
        (server, talk)
    };
    let runs = [
        "turns: [[empty]]",
        "turns: [[{close: 1011, reason: Internal error}]]\nrepeat: true",
        "transcripts: false",
    ]
    .map(ran);
    let [empty, failed, mute] = runs.map(|(_server, talk)| talk.end());
    empty.assert(0, &[]);
    let (turns, _) = empty.turns();
    assert_eq!(turns[0]["outcome"], "empty");
    for absent in [
        "server",
        "downlink",
        "client",
        "response",
        "total",
        "skipped_silence",
        "held",
    ] {
        assert!(
            turns[0]["latency_ms"].get(absent).is_none(),
            "{absent}: {}",
            turns[0]
        );
    }
    assert!(
        turns[0]["marks_ms"].get("first_audio").is_none()
            && turns[0]["marks_ms"].get("sent").is_some()
    );
    let (turns, summary) = failed.turns();
    assert_eq!(failed.status, Some(1), "{failed:?}");
    assert_eq!(
        (&turns[0]["outcome"], &summary["turns"]["failed"]),
        (&"failed".into(), &2.into())
    );
    assert_eq!(
        (&turns[0]["retried"], &turns[1]["asked_again"]),
        (&true.into(), &1.into())
    );
    assert!(
        turns[0]["error"]
            .as_str()
            .is_some_and(|why| !why.is_empty()),
        "{}",
        turns[0]
    );
    mute.assert(0, &[]);
    assert_eq!(
        mute.turns().0[0]["transcript"],
        serde_json::json!({}),
        "words that nobody sent are absent"
    );
}

#[test]
fn without_json_the_words_and_the_figures_are_there_for_people() {
    let home = Home::new();
    let server = Server::script(&home, "turns: [[{say: \"Good \\e[2J day.\", ms: 400}]]");
    let file = voice("american-man");
    let talked = home.run([
        "talk",
        "--endpoint",
        &server.url,
        "--output",
        "none",
        "--input",
        &file,
    ]);
    talked.assert(0, &["profile balanced", "you speak", "answering"]);
    assert!(
        talked.out.contains("Good \\u001b[2J day."),
        "no word moves the cursor: {talked:?}"
    );
    assert!(
        talked.out.contains("1 turns: 1 completed")
            && talked.out.contains("1 of 1 utterances answered, 0 lost"),
        "{talked:?}"
    );
    assert!(
        !talked.out.contains('\u{1b}') && !talked.err.contains('\u{1b}'),
        "{talked:?}"
    );
}

/// One completed turn of manual detection: fields, order of marks, and parts that add up.
#[track_caller]
pub(crate) fn assert_turn(turn: &Value, number: u64, input: &str, profile: &str) {
    assert_eq!(turn["schema"], "sovereign.turn/1");
    assert_eq!(
        (&turn["turn"], &turn["outcome"]),
        (&number.into(), &"completed".into()),
        "{turn}"
    );
    assert_eq!(
        (&turn["input"], &turn["profile"]),
        (&input.into(), &profile.into()),
        "{turn}"
    );
    let marks = MARKS.map(|mark| {
        turn["marks_ms"][mark]
            .as_f64()
            .unwrap_or_else(|| panic!("{mark}: {turn}"))
    });
    assert!(marks.is_sorted(), "marks in their order: {turn}");
    assert!(marks[1].abs() < 0.05, "the end of speech is 0: {turn}");
    let part = |name: &str| {
        turn["latency_ms"][name]
            .as_f64()
            .unwrap_or_else(|| panic!("{name}: {turn}"))
    };
    let sums = [
        ("client", part("uplink") + part("downlink")),
        ("response", part("client") + part("server")),
        ("total", part("endpointing") + part("response")),
        ("total", marks[5] - marks[1]),
        ("endpointing", marks[2] - marks[1]),
        ("uplink", marks[3] - marks[2]),
        ("server", marks[4] - marks[3]),
        ("downlink", marks[5] - marks[4]),
    ];
    for (name, sum) in sums {
        assert!(
            (part(name) - sum).abs() <= 0.5,
            "{name} is {} and its parts {sum}: {turn}",
            part(name)
        );
    }
    assert!(part("skipped_silence") >= 0.0 && part("held") >= 0.0);
    for audio in ["sent_ms", "heard_ms"] {
        assert!(
            turn["audio"][audio].as_f64().is_some_and(|ms| ms > 500.0),
            "{audio}: {turn}"
        );
    }
    assert!(
        turn["audio"]["underruns"].is_u64()
            && turn["audio"]["capture_dropped"].is_u64()
            && turn["reopened"].is_u64()
    );
    assert!(
        turn["transcript"]["user"].is_string() && turn["transcript"]["assistant"].is_string(),
        "{turn}"
    );
    assert!(
        turn.get("error").is_none() && turn.get("interruption_ms").is_none(),
        "{turn}"
    );
}

/// The summary of a conversation whose `turns` turns were all completed.
#[track_caller]
fn assert_summary(summary: &Value, turns: u64) {
    assert_eq!(
        summary["turns"],
        serde_json::json!({"completed": turns, "interrupted": 0, "cancelled": 0, "empty": 0, "failed": 0})
    );
    assert_eq!(
        summary["utterances"],
        serde_json::json!({"spoken": turns, "answered": turns, "lost": 0})
    );
    assert_eq!(
        (
            &summary["connections"],
            &summary["rolls"],
            &summary["resumes"]
        ),
        (&1.into(), &0.into(), &0.into())
    );
    for latency in [
        "endpointing",
        "uplink",
        "server",
        "downlink",
        "client",
        "response",
        "total",
    ] {
        let latency = &summary["latency_ms"][latency];
        assert_eq!(latency["n"], turns, "{summary}");
        let [p50, p95, max] = ["p50", "p95", "max"].map(|q| latency[q].as_f64().expect("a figure"));
        assert!(
            p50 <= p95 && p95 <= max && latency.get("p99").is_none(),
            "{summary}"
        );
    }
    for number in [
        "/cut_offs",
        "/underruns",
        "/capture_dropped",
        "/bytes/sent",
        "/bytes/received",
    ] {
        assert!(
            summary.pointer(number).is_some_and(Value::is_u64),
            "{number}: {summary}"
        );
    }
    for number in [
        "/cpu/seconds",
        "/cpu/percent_of_core",
        "/memory_mb/rss",
        "/memory_mb/peak",
    ] {
        assert!(
            summary.pointer(number).is_some_and(Value::is_number),
            "{number}: {summary}"
        );
    }
}

/// The reply alone: 24 kHz, mono, 16 bit, as long as what was heard, and not silent.
#[track_caller]
fn assert_reply(file: &str, heard_ms: f64) {
    let mut wav = hound::WavReader::open(file).expect("a whole WAV file");
    let spec = wav.spec();
    assert_eq!(
        (spec.sample_rate, spec.channels, spec.bits_per_sample),
        (24_000, 1, 16)
    );
    let samples: Vec<i16> = wav.samples().map(|sample| sample.expect("whole")).collect();
    let length = samples.len() as f64 / 24.0;
    assert!(
        (length - heard_ms).abs() < 250.0,
        "the file has {length} ms, {heard_ms} ms were heard"
    );
    assert!(
        samples.iter().any(|sample| sample.abs() > 1_000),
        "a voice is in it"
    );
}
