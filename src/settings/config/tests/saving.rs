//! What a choice changes in the file, and what becomes of the file when something comes between.

use std::time::Duration;

use proptest::prelude::*;

use super::super::*;
use crate::profile::{EchoCancellation, Languages};

/// What stands in a file, and beside it, after one choice.
fn saved(text: &str, change: impl FnOnce(&mut Config)) -> (String, Option<String>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, text).expect("written");
    let (mut file, fault) = ConfigFile::load(Some(path.clone()));
    assert_eq!(fault, None, "{text}");
    file.save(change).expect("kept");
    let held = file.get().clone();
    let (again, _) = ConfigFile::load(Some(path.clone()));
    assert_eq!(
        *again.get(),
        held,
        "it is read again as it was chosen: {text}"
    );
    let text = std::fs::read_to_string(&path).expect("there");
    let beside = std::fs::read_to_string(choices::beside(&path));
    (text, beside.ok())
}

#[test]
fn a_choice_changes_its_own_value_only() {
    let text =
        "# mine\nprofile: balanced # for now\n\nwindow:\n    theme: dark # at night\n# end\n";
    type Row = (&'static str, &'static dyn Fn(&mut Config), &'static str);
    let table: [Row; 6] = [
        (
            "replaced",
            &|c| c.profile = Some("ultra-fast".into()),
            "# mine\nprofile: \"ultra-fast\" # for now\n\nwindow:\n    theme: dark # at night\n# end\n",
        ),
        (
            "removed",
            &|c| c.profile = None,
            "# mine\n# for now\n\nwindow:\n    theme: dark # at night\n# end\n",
        ),
        (
            "added",
            &|c| c.volume = 0.25,
            "# mine\nprofile: balanced # for now\n\nwindow:\n    theme: dark # at night\n# end\nvolume: 0.25\n",
        ),
        (
            "added as a word",
            &|c| c.voice_activation = false,
            "# mine\nprofile: balanced # for now\n\nwindow:\n    theme: dark # at night\n# end\nvoice_activation: off\n",
        ),
        (
            "added to a group",
            &|c| c.window.panel = 2,
            "# mine\nprofile: balanced # for now\n\nwindow:\n    panel: 2\n    theme: dark # at night\n# end\n",
        ),
        (
            "the usual again",
            &|c| c.window.theme = Theme::System,
            "# mine\nprofile: balanced # for now\n\nwindow:\n    theme: system # at night\n# end\n",
        ),
    ];
    for (what, change, expected) in table {
        assert_eq!(saved(text, change), (expected.to_owned(), None), "{what}");
    }
}

#[test]
fn every_way_of_writing_is_edited_in_its_own_way() {
    type Row = (&'static str, fn(&mut Config), &'static str);
    let fast: fn(&mut Config) = |c| c.profile = Some("fast".into());
    let none: fn(&mut Config) = |c| c.profile = None;
    let panel: fn(&mut Config) = |c| c.window.panel = 2;
    let table: [Row; 22] = [
        ("", fast, "profile: \"fast\"\n"),
        ("# c", fast, "# c\nprofile: \"fast\"\n"),
        (
            "---\n# c\n...\n# d\n",
            fast,
            "---\n# c\nprofile: \"fast\"\n...\n# d\n",
        ),
        (
            "\u{feff}# c\r\n",
            fast,
            "\u{feff}# c\r\nprofile: \"fast\"\r\n",
        ),
        (
            "--- # c\nvolume: 1\n...",
            fast,
            "--- # c\nvolume: 1\nprofile: \"fast\"\n...",
        ),
        (
            "{volume: 1, profile: a} # c\n",
            fast,
            "{volume: 1, profile: \"fast\"} # c\n",
        ),
        (
            "{volume: 1} # c\n",
            fast,
            "{profile: \"fast\", volume: 1} # c\n",
        ),
        ("{} # c\n", panel, "{window: {panel: 2}} # c\n"),
        (
            "{profile: a, volume: 1}\n",
            none,
            "{profile: null, volume: 1}\n",
        ),
        (
            "{profile: a, window: {panel: 2}}",
            none,
            "{profile: null, window: {panel: 2}}",
        ),
        (
            "window: {theme: dark}\n",
            panel,
            "window: {panel: 2, theme: dark}\n",
        ),
        (
            "window: # c\nvolume: 1\n",
            panel,
            "window: {panel: 2} # c\nvolume: 1\n",
        ),
        (
            "  volume: 1\n  # c\n",
            panel,
            "  volume: 1\n  # c\n  window:\n    panel: 2\n",
        ),
        (
            "profile: >- # c\n  a\n  b\nvolume: 1\n",
            fast,
            "profile: \"fast\" # c\nvolume: 1\n",
        ),
        (
            "profile: a\n  b\n  # c\nvolume: 1\n",
            fast,
            "profile: \"fast\"\n  # c\nvolume: 1\n",
        ),
        ("profile: 'a\n  b' # c\n", fast, "profile: \"fast\" # c\n"),
        ("profile:\n  a # c\n", fast, "profile:\n  \"fast\" # c\n"),
        (
            "profile: &p a\ninput_device: *p\n",
            |c| c.input_device = None,
            "profile: &p a\n",
        ),
        ("profile: &p a # c\n", fast, "profile: &p \"fast\" # c\n"),
        ("\"profile\": a # c\n", fast, "\"profile\": \"fast\" # c\n"),
        ("? profile\n: a # c\n", fast, "? profile\n: \"fast\" # c\n"),
        ("profile: a #b\n", none, "#b\n"),
    ];
    for (text, change, expected) in table {
        assert_eq!(saved(text, change), (expected.to_owned(), None), "{text}");
    }
}

#[test]
fn what_cannot_be_written_without_loss_is_kept_beside_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.yaml");
    // Another line refers to this value.
    let text = "profile: &p a # c\ninput_device: *p\n";
    std::fs::write(&path, text).expect("written");
    let load = || ConfigFile::load(Some(path.clone())).0.get().clone();
    let (mut file, _) = ConfigFile::load(Some(path.clone()));
    file.save(|config| config.profile = Some("fast".into()))
        .expect("kept");
    assert_eq!(std::fs::read_to_string(&path).expect("there"), text);
    assert_eq!(load().profile.as_deref(), Some("fast"));
    assert_eq!(load().input_device.as_deref(), Some("a"));
    // An edit by hand of another line leaves the choice, and one of its own line ends it.
    std::fs::write(&path, format!("{text}volume: 0.5\n")).expect("written");
    file.reload();
    assert_eq!(file.get().volume, 0.5);
    assert_eq!(file.get().profile.as_deref(), Some("fast"));
    std::fs::write(&path, "profile: slow\n").expect("written");
    file.reload();
    assert_eq!(file.get().profile.as_deref(), Some("slow"));
    assert_eq!(load(), *file.get());
    // What the file itself can take is not kept twice.
    file.save(|config| config.profile = Some("fast".into()))
        .expect("kept");
    assert!(!choices::beside(&path).exists());
    // A file that is faulty says so, and costs the choices in it.
    std::fs::write(choices::beside(&path), "profile: 3\n").expect("written");
    let (_, fault) = ConfigFile::load(Some(path.clone()));
    assert!(fault.is_some_and(|fault| fault.contains("choices.yaml:1:10: profile")));
}

#[test]
fn saving_keeps_what_was_edited_meanwhile_and_never_overwrites_a_faulty_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sub/config.yaml");
    let (mut file, fault) = ConfigFile::load(Some(path.clone()));
    assert_eq!(fault, None, "a missing file is no fault");
    file.save(|config| config.volume = 0.5).expect("kept");
    std::fs::write(&path, "volume: 0.5\ninput_device: usb\n").expect("written");
    file.save(|config| config.profile = Some("ultra-fast".into()))
        .expect("kept");
    assert_eq!(file.get().input_device.as_deref(), Some("usb"));
    assert_eq!(
        std::fs::read_to_string(&path).expect("there"),
        "volume: 0.5\ninput_device: usb\nprofile: \"ultra-fast\"\n"
    );
    std::fs::write(&path, "volume: loud\n").expect("written");
    file.reload();
    assert!(file.faults()[0].contains("volume"));
    assert_eq!(
        file.get().profile.as_deref(),
        Some("ultra-fast"),
        "the last good one stays"
    );
    assert!(matches!(
        file.save(|config| config.volume = 0.1),
        Err(SaveError::Faulty(_))
    ));
    assert_eq!(file.get().volume, 0.1, "the choice holds");
    assert_eq!(
        std::fs::read_to_string(&path).expect("there"),
        "volume: loud\n"
    );
}

#[test]
fn without_a_home_a_choice_holds_until_the_end() {
    let (mut file, fault) = ConfigFile::load(None);
    assert_eq!(fault, None);
    assert!(matches!(
        file.save(|config| config.volume = 0.1),
        Err(SaveError::Homeless)
    ));
    assert_eq!(file.get().volume, 0.1);
}

#[test]
#[ignore = "a part of the next test, in a process of its own"]
fn saves_until_it_is_killed() {
    let path = std::env::var_os("SOVEREIGN_TEST_CONFIG").expect("given by the next test");
    let (mut file, _) = ConfigFile::load(Some(path.into()));
    for n in 0_u64.. {
        let delay = Duration::from_millis(n % 2 * 1_000);
        file.save(|config| config.release_delay = delay)
            .expect("kept");
    }
}

#[test]
fn whenever_the_program_is_killed_the_file_is_the_old_one_or_the_new_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.yaml");
    let text = |delay: &str| {
        let filling = "# a line that takes room\n".repeat(2_000);
        format!("endpoint: wss://gate.example\nrelease_delay_ms: {delay}\n{filling}# the end\n")
    };
    let states = [text("0"), text("1000")];
    std::fs::write(&path, &states[0]).expect("written");
    let (_, module) = module_path!().split_once("::").expect("within the crate");
    let mut changes = 0;
    for nth in 0..25_u64 {
        let before = std::fs::metadata(&path).expect("there").modified().ok();
        let mut child = std::process::Command::new(std::env::current_exe().expect("a test"))
            .args([
                "--exact",
                &format!("{module}::saves_until_it_is_killed"),
                "--ignored",
            ])
            .env("SOVEREIGN_TEST_CONFIG", &path)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("started");
        let limit = std::time::Instant::now() + Duration::from_secs(30);
        let is_same = || std::fs::metadata(&path).expect("there").modified().ok() == before;
        while is_same() && std::time::Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(nth * 137 % 2_000));
        child.kill().expect("ours");
        child.wait().expect("ours");
        let found = std::fs::read_to_string(&path).expect("there");
        assert!(
            states.contains(&found),
            "half a file of {} bytes",
            found.len()
        );
        changes += usize::from(!is_same());
    }
    assert!(changes > 20, "only {changes} of 25 began to save");
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_leaves_the_choice_beside_it_or_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // The name leaves no room for that of the new file.
    let long = folder.path().join("x".repeat(250));
    let (text, change) = ("# mine\n", |config: &mut Config| config.volume = 0.5);
    std::fs::write(&long, text).expect("written");
    let (mut file, _) = ConfigFile::load(Some(long.clone()));
    assert!(matches!(file.save(change), Err(SaveError::Refused { .. })));
    file.reload();
    assert_eq!(file.get().volume, 0.5, "it holds until the end");
    assert_eq!(file.places().get("volume"), None, "and is written nowhere");
    // As where the configuration is a link into a store that nobody can write.
    let link = folder.path().join("config.yaml");
    std::os::unix::fs::symlink(&long, &link).expect("linked");
    let (mut file, _) = ConfigFile::load(Some(link.clone()));
    file.save(change).expect("kept beside it");
    let place = file.places().get("volume").cloned();
    assert!(place.is_some_and(|place| place.ends_with("config.choices.yaml")));
    assert_eq!(ConfigFile::load(Some(link)).0.get().volume, 0.5);
    assert_eq!(std::fs::read_to_string(&long).expect("there"), text);
    assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 3);
}

#[test]
fn a_file_that_ends_anywhere_is_read_as_far_as_it_can_be_or_holds() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.yaml");
    let text = "endpoint: wss://gate.example\nwindow: {theme: dark}\nprofile: \"a\"\n";
    for end in 1..text.len() {
        std::fs::write(&path, &text[..end]).expect("written");
        let (file, _) = ConfigFile::load(Some(path.clone()));
        let endpoint = &file.get().endpoint;
        assert!(
            file.held().is_some() || endpoint.is_some(),
            "{}",
            &text[..end]
        );
    }
    // The choices beside it: as many as are whole, or none and a word of it.
    std::fs::write(&path, "{profile: &p a, input_device: *p}").expect("written");
    let (mut file, _) = ConfigFile::load(Some(path.clone()));
    file.save(|config| config.profile = Some("b".into()))
        .expect("kept");
    let beside = choices::beside(&path);
    let text = std::fs::read(&beside).expect("there");
    for end in 0..text.len() {
        std::fs::write(&beside, &text[..end]).expect("written");
        let (file, _) = ConfigFile::load(Some(path.clone()));
        let profile = file.get().profile.as_deref();
        assert!(matches!(profile, Some("a" | "b")), "{profile:?}");
    }
}

/// Few by default: each case waits for the disk several times.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|cases| cases.parse().ok()).unwrap_or(96)
}

/// Every choice that may be kept beside the file, made at random.
fn change() -> impl Strategy<Value = (usize, u8)> {
    (0..offered().len(), 0..4_u8)
}

fn offered() -> [&'static str; 12] {
    [
        "profile",
        "input_device",
        "output_device",
        "echo_cancellation",
        "voice",
        "languages",
        "talk_key",
        "release_delay_ms",
        "voice_activation",
        "volume",
        "window.panel",
        "window.theme",
    ]
}

fn apply(config: &mut Config, (key, to): (usize, u8)) {
    let text = [
        None,
        Some("fast"),
        Some("a: b # c"),
        Some("\u{fc} 'x' \"y\""),
    ][usize::from(to)];
    let text = text.map(str::to_owned);
    match offered()[key] {
        "profile" => config.profile = text,
        "input_device" => config.input_device = text,
        "output_device" => config.output_device = text,
        "echo_cancellation" => {
            config.echo_cancellation = [
                None,
                Some(EchoCancellation::Auto),
                Some(EchoCancellation::On),
                Some(EchoCancellation::Off),
            ][usize::from(to)];
        }
        "voice" => {
            let voices = [None, Some("Kore"), Some("Puck"), Some("en-us-tavi")];
            config.voice = voices[usize::from(to)].map(str::to_owned);
        }
        "languages" => {
            config.languages = [
                None,
                Some(Languages::System),
                Some(Languages::These(Vec::new())),
                Some(Languages::These(vec!["no".into(), "de-AT".into()])),
            ][usize::from(to)]
            .clone();
        }
        "talk_key" => config.talk_key = [TalkKey::Hold, TalkKey::Tap][usize::from(to) % 2],
        "release_delay_ms" => config.release_delay = Duration::from_millis(u64::from(to) * 50),
        "voice_activation" => config.voice_activation = to % 2 == 0,
        "volume" => config.volume = f32::from(to) / 4.0,
        "window.panel" => config.window.panel = to,
        _ => config.window.theme = [Theme::System, Theme::Dark, Theme::Light][usize::from(to) % 3],
    }
}

/// A key of the file in one of many ways of writing it. `{}` becomes a number that no other comment has.
fn entry() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("profile", "profile: a # c{}\n"),
        ("profile", "\"profile\":   'it''s' # c{}\n"),
        ("profile", "profile: >- # c{}\n  folded\n\n  text\n"),
        ("profile", "profile: |\n  literal\n  text\n# c{}\n"),
        ("profile", "profile: plain\n  and more\n  # c{}\n"),
        ("profile", "profile: \"two\n  lines\" # c{}\n"),
        ("profile", "profile:\n  # c{}\n  below\n"),
        ("profile", "profile: # c{}\n"),
        ("profile", "? profile\n# c{}\n: x\n"),
        ("input_device", "input_device: &mic alsa:hw,0 # c{}\n"),
        ("output_device", "output_device: ~\n# c{}\n"),
        ("volume", "volume: 0.5\t# c{}\n"),
        ("volume", "volume: !!float 0.5 # c{}\n"),
        ("talk_key", "talk_key: tap # c{}\n"),
        ("languages", "languages: [de, \"no\"] # c{}\n"),
        ("languages", "languages: # c{}\n  - de\n  - en # c{}\n"),
        ("voice_activation", "voice_activation: off # c{}\n"),
        ("release_delay_ms", "release_delay_ms: 0x10 # c{}\n"),
        (
            "window",
            "window: # c{}\n  theme: dark # \u{fc}\n  # c{}\n  panel: 2\n",
        ),
        ("window", "window: {theme: dark, # c{}\n  panel: 2}\n"),
        ("window", "window: {} # c{}\n"),
        ("window", "window:\n# c{}\n"),
        (
            "monitor",
            "monitor:\n    # c{}\n    listen: 127.0.0.1:9464 # c{}\n",
        ),
        ("endpoint", "endpoint: wss://gate.example/x#y # c{}\n"),
        ("strange", "strange: [a, # c{}\n  {b: c}]\n"),
    ])
}

/// A document, with the lines of each key.
fn document() -> impl Strategy<Value = String> {
    let heads = vec![
        "",
        "\u{feff}",
        "---\n",
        "# c{}\n\n",
        "%YAML 1.1\n--- # c{}\n",
    ];
    let tails = vec!["", "\n", "...\n", "... # c{}\n", "# c{}", "    # c{}\n\n"];
    let entries = prop::collection::vec(entry(), 0..6);
    let parts = (
        prop::sample::select(heads),
        entries,
        prop::sample::select(tails),
    );
    (parts, any::<bool>(), any::<bool>()).prop_map(|((head, entries, tail), crlf, shifted)| {
        let mut seen = std::collections::HashSet::new();
        let once = entries.into_iter().filter(|(key, _)| seen.insert(*key));
        let body: String = once.map(|(_, lines)| lines).collect();
        let body = if shifted {
            body.split_inclusive('\n')
                .map(|line| format!("  {line}"))
                .collect()
        } else {
            body
        };
        let mut parts = format!("{head}{body}{tail}");
        for n in 0.. {
            let numbered = parts.replacen("c{}", &format!("c{n}."), 1);
            if numbered == parts {
                break;
            }
            parts = numbered;
        }
        if crlf {
            parts.replace('\n', "\r\n")
        } else {
            parts
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn choices_are_kept_and_nothing_else_is_touched(
        text in document(),
        changes in prop::collection::vec(change(), 1..4),
    ) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, &text).expect("written");
        let (mut file, _) = ConfigFile::load(Some(path.clone()));
        let mut wanted = file.get().clone();
        for change in changes {
            apply(&mut wanted, change);
            let faults = file.faults().to_vec();
            match file.save(|config| apply(config, change)) {
                Ok(()) => {}
                Err(SaveError::Faulty(_)) => {
                    prop_assert!(!faults.is_empty());
                    return Ok(());
                }
                Err(other) => panic!("{other}"),
            }
        }
        prop_assert_eq!(file.get(), &wanted, "{}", text);
        let (again, _) = ConfigFile::load(Some(path.clone()));
        let after = std::fs::read_to_string(&path).expect("there");
        prop_assert_eq!(again.get(), &wanted, "{}\n=====\n{}", text, after);
        for comment in text.lines().filter_map(|line| line.split_once("# ").map(|(_, c)| c)) {
            prop_assert!(after.contains(comment), "{} is gone\n{}\n=====\n{}", comment, text, after);
        }
        for line in text.lines().filter(|l| l.contains("listen") || l.contains("endpoint") || l.contains("strange") || l.contains("{b: c}")) {
            prop_assert!(after.contains(line), "{} is gone\n{}\n=====\n{}", line, text, after);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn a_choice_in_any_text_is_kept_or_refused(
        text in "([a-z_]{1,5}|[-?:,\\[\\]{}#&*!|>'\"%@` \t\r\n~.0-9]|profile: |window:\n  |volume: |theme: dark|ü|\u{85}|\u{2028}|\u{feff}|---\n|: ){0,25}",
        choice in change(),
    ) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, &text).expect("written");
        let (mut file, _) = ConfigFile::load(Some(path.clone()));
        match file.save(|config| apply(config, choice)) {
            Err(_) => prop_assert_eq!(std::fs::read_to_string(&path).expect("there"), text),
            Ok(()) => {
                let (again, _) = ConfigFile::load(Some(path));
                prop_assert_eq!(again.get(), file.get(), "{}", text);
            }
        }
    }
}
