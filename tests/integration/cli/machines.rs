//! A machine without sound, and one without display: the same assistant, and a spoken turn at the end.

use std::path::PathBuf;

use serde_json::Value;

use super::desk::{Home, Running};

#[test]
fn without_sound_the_bundled_question_is_spoken_and_the_reply_is_a_file() {
    let home = Home::new();
    let talked = home.run(["talk", "--json"]);
    talked.assert(0, &["There is no microphone", "There is no speaker"]);
    let (turns, summary) = talked.turns();
    assert_eq!(
        (turns.len(), &turns[0]["outcome"]),
        (1, &"completed".into()),
        "{talked:?}"
    );
    assert_eq!(summary["utterances"]["answered"], 1);
    let reply = reply_path(&talked.err);
    let wav = hound::WavReader::open(&reply).expect("the reply is where it was said to be");
    assert_eq!(wav.spec().sample_rate, 24_000);
    let ms = f64::from(wav.duration()) / 24.0;
    let heard = turns[0]["audio"]["heard_ms"].as_f64().expect("heard");
    assert!(
        (ms - heard).abs() < 250.0,
        "{ms} ms in the file, {heard} heard"
    );
}

#[test]
fn without_display_the_program_talks_in_the_terminal_and_says_so_in_one_line() {
    let home = Home::new();
    let plain = home.run::<&str>([]);
    plain.assert(0, &["no display: talking in the terminal (sovereign talk)"]);
    assert_eq!(
        plain
            .err
            .lines()
            .filter(|line| line.contains("display"))
            .count(),
        1,
        "{plain:?}"
    );
    assert!(plain.out.contains("1 turns: 1 completed"), "{plain:?}");
    assert!(reply_path(&plain.err).exists());
}

#[cfg(unix)]
#[test]
fn no_home_or_one_that_cannot_be_written_keeps_nobody_from_talking() {
    let home = Home::new();
    let blocked = home.write("blocked", "a file where a folder should be");
    let mut homeless = home.sovereign(["talk", "--json"]);
    for name in [
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "XDG_DATA_HOME",
        "XDG_CACHE_HOME",
        "XDG_RUNTIME_DIR",
    ] {
        homeless.env_remove(name);
    }
    let mut no_state = home.sovereign(["talk", "--json"]);
    no_state
        .env("XDG_STATE_HOME", &blocked)
        .env("XDG_CONFIG_HOME", &blocked);
    let mut runs = vec![Running::start(&mut homeless), Running::start(&mut no_state)];
    // A folder that is there and takes no file, not even from root.
    if cfg!(target_os = "linux") {
        home.write("config/sovereign/config.yaml", "state: /proc\n");
        runs.push(Running::start(&mut home.sovereign(["talk", "--json"])));
    }
    for run in runs {
        let ended = run.end();
        ended.assert(0, &[]);
        assert_eq!(ended.turns().0.len(), 1, "{ended:?}");
        assert!(reply_path(&ended.err).exists());
    }
}

#[test]
fn two_programs_of_one_user_do_not_disturb_each_other() {
    let home = Home::new();
    let both = [(); 2].map(|()| Running::start(&mut home.sovereign(["talk", "--json"])));
    let ended = both.map(Running::end);
    for talked in &ended {
        talked.assert(0, &[]);
        assert_eq!(talked.turns().0.len(), 1, "{talked:?}");
    }
    let [one, two] = ended.map(|talked| reply_path(&talked.err));
    assert_ne!(one, two, "each has a file of its own");
}

#[test]
fn devices_and_doctor_tell_what_there_is() {
    let home = Home::new();
    let devices = home.run(["devices", "--json"]);
    devices.assert(0, &[]);
    let devices = &devices.json()[0];
    assert_eq!(devices["schema"], "sovereign.devices/1");
    assert_eq!(
        (&devices["inputs"], &devices["outputs"]),
        (&serde_json::json!([]), &serde_json::json!([]))
    );
    let text = home.run(["devices"]);
    text.assert(0, &[]);
    assert!(text.out.contains("Microphones:\n  none"), "{text:?}");

    let doctor = home.run(["doctor", "--json"]);
    doctor.assert(0, &[]);
    let report = &doctor.json()[0];
    assert_eq!(report["schema"], "sovereign.doctor/1");
    let check = |name: &str| {
        let checks = report["checks"].as_array().expect("a list");
        checks
            .iter()
            .find(|check| check["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {report}"))
            .clone()
    };
    for (name, status) in [
        ("configuration", "ok"),
        ("profiles", "ok"),
        ("key", "warn"),
        ("microphone", "warn"),
        ("speaker", "warn"),
        ("demo", "ok"),
    ] {
        assert_eq!(check(name)["status"], status, "{report}");
        assert_eq!(
            check(name)["hint"].is_string(),
            status == "warn",
            "{report}"
        );
    }
    for (name, path) in [
        ("configuration", "config/sovereign/config.yaml"),
        ("profiles", "config/sovereign/profiles"),
        ("state", "state/sovereign"),
    ] {
        let what = check(name)["what"].as_str().expect("words").to_owned();
        assert!(
            what.contains(home.path(path).to_str().expect("our own name")),
            "{what}"
        );
    }
    let live = home.run([
        "doctor",
        "--live",
        "--json",
        "--endpoint",
        "ws://127.0.0.1:1",
    ]);
    assert_eq!(live.status, Some(1), "{live:?}");
    let bad = |check: &&Value| check["status"] == "bad";
    let found = live.json()[0]["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .find(bad)
        .cloned()
        .expect("one is bad");
    assert!(
        found["what"]
            .as_str()
            .is_some_and(|what| what.contains("127.0.0.1:1 refuses connections"))
            && found["hint"].is_string(),
        "{found}"
    );
}

fn reply_path(err: &str) -> PathBuf {
    let path = err
        .lines()
        .find_map(|line| line.strip_prefix("replies are written to "));
    PathBuf::from(path.unwrap_or_else(|| panic!("no path: {err}")))
}

#[test]
fn folders_that_are_no_whole_paths_are_ignored_and_named() {
    let home = Home::new();
    let started_in = home.path("run");
    let mut doctor = home.sovereign(["doctor", "--no-sound-check"]);
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
        doctor.env(name, "somewhere");
    }
    // Set to nothing is unset.
    doctor
        .env("XDG_RUNTIME_DIR", "")
        .env("PULSE_SERVER", "tcp:192.0.2.1");
    let ended = Running::start(doctor.current_dir(&started_in)).end();
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
        let said =
            format!("{name} is set to `somewhere`, which is not an absolute path, and ignored");
        assert!(ended.out.contains(&said), "no `{said}`: {ended:?}");
    }
    assert!(
        ended.out.contains("PULSE_SERVER is set to `tcp:192.0.2.1`"),
        "{ended:?}"
    );
    assert!(!ended.out.contains("XDG_RUNTIME_DIR"), "{ended:?}");
    assert!(
        !started_in.join("somewhere").exists(),
        "nothing is kept where the program was started"
    );
}
