//! What can be written, and what is refused or holds everything back.

use std::time::Duration;

use super::table::KEYS;
use super::*;
use crate::base::keys::tests::{reference, up_to_date};
use crate::base::retention::Retention;
use crate::base::yaml::{MAX_BYTES, edit};
use crate::profile::{Detection, EchoCancellation, Languages};
use crate::provider::turn_cost::Price;

mod saving;

#[test]
fn the_reference_of_the_configuration_is_up_to_date() {
    let head = "# Keys of config.yaml\n\n\
        Made from `src/settings/config/table.rs`. `sovereign doctor` names the file. Every key may be left out; a change applies when the file is saved, \
        unless the table says otherwise.\n";
    let groups = [
        ("", "Profile, devices, the service, the talk key."),
        ("window", "The window keeps these itself."),
        (
            "monitor",
            "The endpoint for other programs: [monitoring.md](monitoring.md).",
        ),
        (
            "price_usd_per_million",
            "What the service charges for a million tokens; both keys are needed, or none.",
        ),
        (
            "spend_limit_usd",
            "At 80 % of a limit there is a warning, at 100 % the microphone closes.",
        ),
    ];
    let tables = reference(&KEYS, &groups, "usual");
    up_to_date("docs/config-keys.md", &format!("{head}{tables}"));
}

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
                detection: automatic\necho_cancellation: off\nvoice: puck\nlanguages: [de-AT, \"no\"]\ntalk_key: tap\n\
                global_key: ctrl+f9\nmedia_keys: on\nrelease_delay_ms: 350\nvoice_activation: off\nvolume: 0.5\nlower_other_sound: on\nwindow:\n  panel: 2\n  theme: dark\nkeep: forever\nkeep_audio: on\nstate: logs\n\
                price_usd_per_million:\n  in: 3\n  out: 12.5\nspend_limit_usd:\n  conversation: 1.5\n  day: 5\n";
    let config = Config::parse("config.yaml", text.as_bytes()).expect("good");
    assert_eq!(config.profile.as_deref(), Some("ultra-fast"));
    assert_eq!(config.input_device.as_deref(), Some("alsa:hw 1"));
    assert_eq!(config.detection, Some(Detection::Automatic));
    assert_eq!(config.echo_cancellation, Some(EchoCancellation::Off));
    assert_eq!(config.voice.as_deref(), Some("Puck"));
    let codes = ["de-AT", "no"].map(str::to_owned).to_vec();
    assert_eq!(config.languages, Some(Languages::These(codes)));
    assert_eq!(
        (
            config.talk_key,
            config.release_delay,
            config.voice_activation
        ),
        (TalkKey::Tap, Duration::from_millis(350), false)
    );
    let key = config.global_key.as_ref().map(ToString::to_string);
    assert_eq!(key.as_deref(), Some("Ctrl+F9"));
    assert_eq!(
        (config.volume, config.window.panel, config.window.theme),
        (0.5, 2, Theme::Dark)
    );
    assert!(config.lower_other_sound && config.media_keys);
    assert_eq!(config.state, Some("logs".into()));
    assert_eq!((config.keep, config.keep_audio), (Retention::Forever, true));
    let price = Price {
        prompt: 3.0,
        response: 12.5,
    };
    assert_eq!(config.price_usd_per_million, Some(price));
    let limit = SpendLimit {
        conversation: Some(1.5),
        day: Some(5.0),
    };
    assert_eq!(config.spend_limit, limit);
    let mut whole = String::new();
    for (key, value) in config.values() {
        whole = edit::proposals(&whole, key.name, value.as_deref()).swap_remove(0);
    }
    assert_eq!(Config::parse("", whole.as_bytes()), Ok(config), "{whole}");
}

#[test]
fn faults_name_their_place() {
    let table = [
        (
            "profil: x",
            "c:1:1: profil: unknown key, allowed are profile, input_device, output_device, endpoint, detection, echo_cancellation, voice, languages, talk_key, global_key, media_keys, release_delay_ms, voice_activation, mute_when_locked, volume, lower_other_sound, keep, keep_audio, state, newer_versions, alert_webhook, window, monitor, price_usd_per_million, spend_limit_usd; did you mean `profile`?",
        ),
        (
            "volume: 2",
            "c:1:9: volume: is 2, allowed is a number from 0 to 1",
        ),
        (
            "voice: Kora",
            "c:1:8: voice: is `Kora`, allowed are the 30 voices of the Live API, from Achernar to Zubenelgenubi, and ids of its catalogue such as en-us-tavi; did you mean `Kore`?",
        ),
        (
            "languages: [de, english]",
            "c:1:12: languages: holds `english`, allowed is a list of at most 10 language codes such as [de, en-US], or default",
        ),
        (
            "global_key: Ctrl+Spce",
            "c:1:13: global_key: names no key: `Spce` (`Space` is one), allowed is a key such as F9 or Ctrl+Alt+Space, or a button of the mouse such as Mouse8, or off",
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
            "spend_limit_usd: {conversation: 0}",
            "c:1:33: spend_limit_usd.conversation: is 0, allowed is a number above 0 and up to 100000, in US dollars, or off",
        ),
        (
            "spend_limit_usd:\n  day: much",
            "c:2:8: spend_limit_usd.day: is the text \"much\", allowed is a number, or `off`",
        ),
        (
            "spend_limit_usd: {dya: 5}",
            "c:1:19: spend_limit_usd.dya: unknown key, allowed are conversation, day; did you mean `day`?",
        ),
        (
            "spend_limit_usd:",
            "c:1:17: spend_limit_usd: is empty, write a value, or remove the line",
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
fn a_faulty_line_costs_itself_alone_and_all_of_them_are_told() {
    let text = "endpoint: wss://gate.example\nvolume: 50%\nprofile: fast\nwindow:\n  panel: 9\n  theme: dark\n\
                monitor: {listen: 0.0.0.0:1, token: 0123456789abcdef}\ntalk_key: hit\nvolumen: 3\n\
                price_usd_per_million: {in: 1, out: x}\nprofile: slow\ndetection: !x y\n";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, text).expect("written");
    let (file, told) = ConfigFile::load(Some(path));
    let config = file.get();
    assert_eq!(config.endpoint.as_deref(), Some("wss://gate.example"));
    assert_eq!((config.volume, &config.window.theme), (1.0, &Theme::Dark));
    assert!(config.monitor.token.is_some() && config.monitor.listen.is_none());
    assert_eq!(config.profile, None, "which of the two is not known");
    assert_eq!(
        config.detection,
        Some(Detection::Manual),
        "the one that sends less"
    );
    assert_eq!(file.held(), None);
    let told = told.expect("faulty");
    for fault in [
        "config.yaml:2:9: volume: is the text \"50%\", allowed is a number; did you mean `0.5`?",
        "config.yaml:5:10: window.panel: is 9",
        "config.yaml:7:19: monitor.listen: is `0.0.0.0:1`",
        "config.yaml:8:11: talk_key: is `hit`",
        "config.yaml:9:1: volumen: unknown key",
        "config.yaml:10:37: price_usd_per_million.out: is the text \"x\"",
        "config.yaml:11:1: profile: stands here for the second time (the first is in line 3)",
        "config.yaml:12:12: detection: has a tag",
    ] {
        assert!(told.contains(fault), "no {fault} in\n{told}");
    }
    assert_eq!(told.lines().count(), 8, "{told}");
}

#[test]
fn what_protects_and_cannot_be_read_holds_everything_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.yaml");
    let load = |text: &[u8]| {
        std::fs::write(&path, text).expect("written");
        ConfigFile::load(Some(path.clone())).0
    };
    let good = "endpoint: wss://gate.example\n";
    for text in [
        "endpoint: gate.example",
        "endpoint:",
        "endpoint: ~",
        "endpoint: [wss://gate.example]",
        "endpoint: wss://gate.example\nendpoint: wss://gate.example",
        "endpoint: !x wss://gate.example",
        "endpiont: wss://gate.example",
        "endpt: gate.example",
        "url: gate.example",
        "server: gate.example",
        "history: off",
        "Endpoint: wss://gate.example",
        "end-point: wss://gate.example",
        "end_points: x",
        "live_endpoint: x",
        "server: wss://gate.example",
        "<<: {endpoint: wss://gate.example}",
        "sovereign:\n  endpoint: gate.example",
        "servers: [{where: wss://gate.example}]",
        "window:\n  theme: dark\n  endpoint: wss://gate.example",
        "endpoint wss://gate.example",
        "endpoint:wss://gate.example",
        "profile: balanced\nendpoint wss://gate.example",
        "- endpoint: wss://gate.example",
        "state: ''",
        "state: $HOME/x",
        "state: ~me/x",
        "statte: x",
        "keep: of",
        "keep: 30",
        "keep:",
        "kep: off",
        "keep_audio: never",
        "tools: {}",
        "permissions: {x: never}",
        "spend_limit_usd:",
        "spend_limit_usd: 5",
        "spend_limit_usd: {day: }",
        "spend_limit_usd: {dya: 5}",
        "spend_limit_usd: {day: -1}",
        "spend_limit: {day: 5}",
        "volume: \"0.5",
        "volume: [",
        "\tvolume: 1",
        "volume: 1\n---\nendpoint: wss://gate.example",
        "volume: \u{0}",
    ] {
        let file = load(text.as_bytes());
        let held = file
            .held()
            .unwrap_or_else(|| panic!("{text} does not hold"));
        assert!(held.contains("config.yaml:"), "{held}");
    }
    assert!(load(b"volume: \xff").held().is_some());
    assert!(load(&vec![b'#'; MAX_BYTES + 1]).held().is_some());
    assert!(load("a: 1\nb: 2\n".repeat(20).as_bytes()).held().is_none());
    let many: String = (0..300).map(|n| format!("key{n}: 1\n")).collect();
    let file = load(many.as_bytes());
    assert!(file.held().is_some() && file.faults().len() < 30);
    for text in [
        good,
        "",
        "\u{feff}",
        "---\n# c\n",
        "volume: 2\nvolumn: 3",
        "key: AIza",
        "spend_limit_usd: {day: 1, conversation: off}",
        "colours: {a: [b]}",
        "talk_key: [x]",
        "keep: off\nkeep_audio: off",
    ] {
        assert_eq!(load(text.as_bytes()).held(), None, "{text}");
    }
    assert!(load(b"endpoint: x").is_stateless().eq(&false));
    assert!(load(b"state: $x").is_stateless() && load(b"[").is_stateless());
    // Mended: it begins.
    let mut file = load(b"endpoint: x\nvolume: 0.5");
    assert_eq!(file.get().volume, 0.5);
    std::fs::write(&path, good).expect("written");
    assert!(!file.faults().is_empty());
    file.reload();
    assert_eq!((file.faults(), file.held()), (&[][..], None));
    assert_eq!(file.get().endpoint.as_deref(), Some("wss://gate.example"));
}

#[test]
fn a_file_that_becomes_faulty_keeps_what_held() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.yaml");
    let good = "endpoint: wss://gate.example\nvolume: 0.5\nvoice_activation: off\n";
    std::fs::write(&path, good).expect("written");
    let (mut file, _) = ConfigFile::load(Some(path.clone()));
    for text in [
        "endpoint: x\nvolume: loud\nvoice_activation: no\n",
        "endpoint: [",
        "",
        " \n",
        "endpoint: wss://gate.example\nvolume: ~1\nvoice_activation:\n",
    ] {
        std::fs::write(&path, text).expect("written");
        file.reload();
        assert!(!file.faults().is_empty(), "{text}");
        assert_eq!(file.get().endpoint.as_deref(), Some("wss://gate.example"));
        assert_eq!(
            (file.get().volume, file.get().voice_activation),
            (0.5, false)
        );
        assert_eq!(file.held(), None);
    }
    std::fs::remove_file(&path).expect("removed");
    file.reload();
    assert!(file.faults()[0].contains("is gone"));
    assert_eq!(file.get().volume, 0.5);
    std::fs::create_dir(&path).expect("made");
    file.reload();
    assert!(file.faults()[0].contains("is a folder"));
    assert_eq!(file.get().volume, 0.5);
    std::fs::remove_dir(&path).expect("removed");
    std::fs::write(&path, good).expect("written");
    file.reload();
    assert_eq!(file.faults(), &[] as &[String]);
}

#[test]
fn a_key_is_set_to_what_it_may_hold_and_to_nothing_else() {
    use crate::base::keys::Value;
    let mut config = Config::default();
    let number = |number| Some(Value::Number(number));
    config.set("volume", number(0.5)).expect("allowed");
    assert_eq!(config.value_of("volume"), Value::Number(0.5));
    for (key, value, told) in [
        (
            "volume",
            number(2.0),
            "This is 2: allowed is a number from 0 to 1.",
        ),
        (
            "volume",
            Some(Value::None),
            "This cannot be left out: allowed is a number from 0 to 1.",
        ),
        (
            "voice",
            Some(Value::Text("Kore!".into())),
            "This is `Kore!`: ",
        ),
        ("volumes", None, "There is no key `volumes`."),
    ] {
        let said = config.set(key, value).expect_err(key);
        assert!(said.starts_with(told), "{said}");
    }
    config.set("volume", None).expect("as usual");
    assert_eq!(config, Config::default());
    // Two that belong together: the other is the same until it is chosen too, and neither is left alone.
    config
        .set("price_usd_per_million.in", number(3.0))
        .expect("allowed");
    config
        .set("price_usd_per_million.out", number(9.0))
        .expect("allowed");
    let prices = config.price_usd_per_million.expect("both");
    assert!((prices.prompt - 3.0).abs() < 1e-9 && (prices.response - 9.0).abs() < 1e-9);
    config
        .set("price_usd_per_million.in", None)
        .expect("as usual");
    assert_eq!(config, Config::default());
}
