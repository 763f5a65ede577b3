//! What can be written, what is refused, and what a choice changes in the file.

use super::*;

#[test]
fn a_file_that_was_not_read_whole_is_a_fault_and_is_never_written_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.yaml");
    let text = "# note\n".repeat(MAX_BYTES / 4) + "volume: 0.5\n";
    std::fs::write(&path, &text).expect("written");
    let (mut config, fault) = ConfigFile::load(Some(path.clone()));
    assert!(fault.is_some_and(|fault| fault.contains("bytes")));
    let saved = config.save(|config| config.profile = Some("balanced".into()));
    assert!(saved.is_err());
    assert_eq!(std::fs::read_to_string(&path).expect("there"), text);
}

#[test]
fn everything_that_can_be_written_is_read() {
    let text = "profile: ultra-fast\ninput_device: \"alsa:hw 1\"\noutput_device: x\nendpoint: ws://127.0.0.1:9000\n\
                detection: automatic\necho_cancellation: off\ntalk_key: tap\n\
                release_delay_ms: 350\nvoice_activation: off\nvolume: 0.5\nwindow:\n  panel: 2\n  theme: dark\nstate: logs\n\
                price_usd_per_million:\n  in: 3\n  out: 12.5\n";
    let config = Config::parse("config.yaml", text.as_bytes()).expect("good");
    assert_eq!(config.profile.as_deref(), Some("ultra-fast"));
    assert_eq!(config.input_device.as_deref(), Some("alsa:hw 1"));
    assert_eq!(config.detection, Some(Detection::Automatic));
    assert_eq!(config.echo_cancellation, Some(EchoCancellation::Off));
    assert_eq!(
        (
            config.talk_key,
            config.release_delay,
            config.voice_activation
        ),
        (TalkKey::Tap, Duration::from_millis(350), false)
    );
    assert_eq!(
        (config.volume, config.window.panel, config.window.theme),
        (0.5, 2, Theme::Dark)
    );
    assert_eq!(config.state, Some("logs".into()));
    let price = Price {
        prompt: 3.0,
        response: 12.5,
    };
    assert_eq!(config.price_usd_per_million, Some(price));
    let whole = rewritten("", &Config::default(), &config);
    assert_eq!(Config::parse("", whole.as_bytes()), Ok(config));
}

#[test]
fn faults_name_their_place() {
    let table = [
        (
            "profil: x",
            "c:1:1: profil: unknown key, allowed are profile, input_device, output_device, endpoint, detection, echo_cancellation, talk_key, release_delay_ms, voice_activation, volume, window, state, monitor, alert_webhook, price_usd_per_million; did you mean `profile`?",
        ),
        (
            "volume: 2",
            "c:1:9: volume: is 2, allowed is a number from 0 to 1",
        ),
        (
            "talk_key: toggle",
            "c:1:11: talk_key: is `toggle`, allowed are hold, tap",
        ),
        (
            "release_delay_ms: 2001",
            "c:1:19: release_delay_ms: is 2001, allowed is a whole number from 0 to 2000",
        ),
        (
            "voice_activation: maybe",
            "c:1:19: voice_activation: is `maybe`, allowed are on, off",
        ),
        (
            "volume: .nan",
            "c:1:9: volume: is NaN, allowed is a number from 0 to 1",
        ),
        (
            "window:\n  panel: 4",
            "c:2:10: window.panel: is 4, allowed is a whole number from 0 to 3",
        ),
        (
            "window: {theme: drak}",
            "c:1:17: window.theme: is `drak`, allowed are system, dark, light; did you mean `dark`?",
        ),
        (
            "endpoint: http://x",
            "c:1:11: endpoint: does not begin with wss:// or ws://; the Live API is spoken over WebSocket only",
        ),
        (
            "monitor: {listen: 0.0.0.0:9464}",
            "c:1:19: monitor.listen: is `0.0.0.0:9464`, allowed is an address of this computer with a port, such as 127.0.0.1:9464",
        ),
        (
            "monitor: {token: hunter2}",
            "c:1:18: monitor.token: has 7 characters, or some that cannot be sent, allowed are 16 to 200 letters, digits and signs without spaces; without the line one is made",
        ),
        (
            "alert_webhook: http://hooks.example/secret",
            "c:1:16: alert_webhook: is no address that alerts can be sent to, allowed is an address that begins with https://, or with http:// on this computer",
        ),
        (
            "price_usd_per_million: {in: 3, out: -1}",
            "c:1:37: price_usd_per_million.out: is -1, allowed is a number from 0 to 10000, the US dollars for a million tokens",
        ),
        (
            "price_usd_per_million:\n  in: .inf\n  out: 1",
            "c:2:7: price_usd_per_million.in: is inf, allowed is a number from 0 to 10000, the US dollars for a million tokens",
        ),
        (
            "price_usd_per_million:\n  in: .nan\n  out: 1",
            "c:2:7: price_usd_per_million.in: is NaN, allowed is a number from 0 to 10000, the US dollars for a million tokens",
        ),
        (
            "price_usd_per_million:\n  in: 3",
            "c:2:3: price_usd_per_million: does not say `out`, both `in` and `out` are needed, the US dollars for a million tokens of what is sent and of what is answered",
        ),
        (
            "price_usd_per_million: {inn: 3, out: 12}",
            "c:1:25: price_usd_per_million.inn: unknown key, allowed are in, out; did you mean `in`?",
        ),
        (
            "profile: ''",
            "c:1:10: profile: is empty, write a value, or remove the line",
        ),
    ];
    for (text, fault) in table {
        assert_eq!(
            Config::parse("c", text.as_bytes())
                .expect_err(text)
                .to_string(),
            fault
        );
    }
}

#[test]
fn a_choice_changes_its_own_line_only() {
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
            "# mine\n\nwindow:\n    theme: dark # at night\n# end\n",
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
            &|c| c.window.panel = 1,
            "# mine\nprofile: balanced # for now\n\nwindow:\n    panel: 1\n    theme: dark # at night\n# end\n",
        ),
        (
            "the usual again",
            &|c| c.window.theme = Theme::System,
            "# mine\nprofile: balanced # for now\n\nwindow:\n# end\n",
        ),
    ];
    for (what, change, expected) in table {
        let before = Config::parse("", text.as_bytes()).expect("good");
        let mut after = before.clone();
        change(&mut after);
        assert_eq!(rewritten(text, &before, &after), expected, "{what}");
    }
}

#[test]
fn what_cannot_be_edited_is_written_anew() {
    let before = Config::parse("", b"{profile: a, window: {panel: 1}}").expect("good");
    let after = Config {
        profile: None,
        ..before.clone()
    };
    assert_eq!(
        rewritten("{profile: a, window: {panel: 1}}", &before, &after),
        "window:\n  panel: 1\n"
    );
    let nothing = rewritten(
        "profile: a",
        &Config::parse("", b"profile: a").expect("good"),
        &Config::default(),
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("c"), nothing).expect("written");
    assert_eq!(
        ConfigFile::load(Some(folder.path().join("c"))).1,
        None,
        "no fault"
    );
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
    assert!(file.reload().expect_err("faulty").contains("volume"));
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
