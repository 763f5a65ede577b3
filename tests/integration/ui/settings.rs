//! The page Settings: found, changed, refused, taken back; profiles copied and removed.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Modifiers, Rect, ThemePreference, pos2, vec2};
use egui_kittest::Node;
use egui_kittest::kittest::Queryable as _;

use sovereign::base::keys::Value;
use sovereign::base::severity::Severity;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{
    KeyInfo, Port, ProfileView, SettingOrigin, SettingView, SettingsView, Snapshot,
};
use sovereign::profile::{builtin, fields};
use sovereign::settings::api_key::KeySource;
use sovereign::settings::config::{self, Config};
use sovereign::settings::profile_edit::ProfileEdit;
use sovereign::telemetry::diagnosis::{Cause, Finding, TurnPart};
use sovereign::telemetry::history::Slice;
use sovereign::telemetry::view::HistoryView;

use super::rig::{Rig, notice, snapshot};

const FILE: &str = "/home/me/.config/sovereign/profiles/balanced.yaml";

/// All settings as they are shipped, but for a changed volume and patience.
fn settings() -> SettingsView {
    let usual = Config::default();
    let shipped = |key: &'static sovereign::base::keys::Key, value: Value| SettingView {
        key,
        value: value.clone(),
        usual: value,
        origin: SettingOrigin::Shipped,
    };
    let config = config::keys().map(|key| shipped(key, usual.value_of(key.name)));
    let profile = builtin("balanced").expect("built in");
    let keys = fields().zip(profile.values());
    let keys = keys.filter(|(key, _)| key.name != "name" && !key.name.starts_with("auto."));
    let mut view = SettingsView {
        config: config.collect(),
        profile: ProfileView {
            name: "balanced".into(),
            label: "Balanced".into(),
            file: Some(FILE.into()),
            is_shipped: true,
            base: ("balanced".into(), "Balanced".into()),
            keys: keys.map(|(key, value)| shipped(key, value)).collect(),
        },
        folders: vec![(
            "Configuration",
            "/home/me/.config/sovereign/config.yaml".into(),
        )],
    };
    let set = |settings: &mut Vec<SettingView>, name: &str, value: Value, place: &str| {
        let setting = settings.iter_mut().find(|setting| setting.key.name == name);
        let setting = setting.expect("there is this key");
        setting.value = value;
        setting.origin = SettingOrigin::File(place.into());
    };
    let place = "/home/me/.config/sovereign/config.yaml:7";
    set(&mut view.config, "volume", Value::Number(0.8), place);
    let place = format!("{FILE}:4");
    set(
        &mut view.profile.keys,
        "turn.patience_ms",
        Value::Whole(400),
        &place,
    );
    view
}

pub(crate) fn shown() -> Snapshot {
    Snapshot {
        settings: Arc::new(settings()),
        ..snapshot()
    }
}

fn open(section: &str) -> Rig {
    let mut rig = Rig::new(shown());
    rig.ctrl(Key::Comma);
    click(&mut rig, Role::RadioButton, section);
    rig
}

pub(super) fn click(rig: &mut Rig, role: Role, name: &str) {
    rig.harness.get_by_role_and_label(role, name).scroll_to_me();
    rig.step();
    rig.harness.get_by_role_and_label(role, name).click();
    rig.step();
}

fn field<'a>(rig: &'a Rig, name: &'a str) -> Node<'a> {
    rig.harness.get_by_role_and_label(Role::TextInput, name)
}

/// Types over what is in a field, and leaves it with Enter.
fn enter(rig: &mut Rig, name: &str, text: &str) {
    field(rig, name).scroll_to_me();
    rig.step();
    field(rig, name).focus();
    rig.step();
    rig.ctrl(Key::A);
    rig.harness.event(Event::Text(text.into()));
    rig.step();
    rig.harness.key_press(Key::Enter);
    rig.step();
}

fn choose(rig: &mut Rig, list: &str, entry: &str) {
    let closed = rig.harness.get_by_role_and_label(Role::ComboBox, list);
    closed.scroll_to_me();
    rig.step();
    rig.harness
        .get_by_role_and_label(Role::ComboBox, list)
        .click();
    rig.step();
    rig.harness
        .get_by_role_and_label(Role::ListBoxOption, entry)
        .click();
    rig.step();
}

fn search(rig: &mut Rig, words: &str) {
    rig.ctrl(Key::F);
    rig.ctrl(Key::A);
    rig.harness.event(Event::Text(words.into()));
    rig.step();
}

#[test]
fn the_gear_and_its_key_lead_there_and_back() {
    let mut rig = Rig::new(shown());
    rig.click("Settings (Ctrl ,)");
    assert!(
        rig.says("Settings") && rig.says("General"),
        "{:?}",
        rig.texts()
    );
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(rig.says("Hold to talk"));
    rig.ctrl(Key::Comma);
    assert!(rig.says("Search settings"), "{:?}", rig.texts());
    click(&mut rig, Role::RadioButton, "Privacy");
    assert!(rig.says("What leaves this computer"));
    rig.ctrl(Key::Comma);
    assert!(rig.says("Hold to talk"));
    rig.ctrl(Key::Comma);
    assert!(rig.says("What leaves this computer"), "where it was left");
}

#[test]
fn a_setting_is_found_by_name_key_meaning_and_unit() {
    let mut rig = open("General");
    for (words, found, not) in [
        ("pause ends", "Pause that ends your turn", "Answer length"),
        ("turn.patience_ms", "Pause that ends your turn", "Model"),
        ("fan keyboard", "Speech detector", "Answer length"),
        ("MB", "Alert: memory above", "Pause that ends your turn"),
        ("US$", "Spend limit for a day", "Model"),
        ("zoom", "Zoom", "Model"),
    ] {
        search(&mut rig, words);
        assert!(rig.says(found), "{words}: {:?}", rig.texts());
        assert!(!rig.says(not), "{words}: {:?}", rig.texts());
    }
    search(&mut rig, "no such thing");
    assert!(rig.says_part("Nothing is called so."));
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(rig.says("Set up again"), "one step back shows the section");
    assert!(rig.sent().is_empty());
}

#[test]
fn starting_with_the_desktop_is_shown_as_the_system_has_it() {
    use sovereign::desktop::AutostartState::{NotPossible, Off, On};
    let mut rig = open("General");
    let name = "Start with the desktop";
    assert!(!rig.says(name), "nobody has looked yet");
    for (state, asked) in [(Off, true), (On, false)] {
        rig.show(|snapshot| snapshot.desktop.autostart = state);
        click(&mut rig, Role::CheckBox, name);
        let sent = rig.sent();
        assert!(
            matches!(sent[..], [Command::SetAutostart(on)] if on == asked),
            "{state:?}: {sent:?}"
        );
    }
    rig.show(|snapshot| snapshot.desktop.autostart = NotPossible);
    assert!(!rig.says(name));
}

#[test]
fn a_change_is_asked_for_by_its_key() {
    let mut rig = open("Talking");
    click(&mut rig, Role::CheckBox, "Speech opens the microphone");
    let sent = rig.sent();
    assert!(
        matches!(
            &sent[..],
            [Command::SetConfig(
                "voice_activation",
                Some(Value::Flag(false))
            )]
        ),
        "{sent:?}"
    );
    choose(&mut rig, "Talk key", "Tap");
    let sent = rig.sent();
    assert!(
        matches!(&sent[..], [Command::SetConfig("talk_key", Some(Value::Text(word)))] if word == "tap"),
        "{sent:?}"
    );
}

#[test]
fn a_change_of_the_profile_goes_into_its_file() {
    let mut rig = open("Profile settings");
    let edits = |rig: &mut Rig| -> Vec<(String, ProfileEdit)> {
        let edit = |command| {
            let Command::EditProfile(name, edit) = command else {
                panic!("{command:?}");
            };
            (name, edit)
        };
        rig.sent().into_iter().map(edit).collect()
    };
    let set = |key, value| ("balanced".to_owned(), ProfileEdit::Set(key, Some(value)));
    enter(&mut rig, "Pause that ends your turn", "450");
    assert_eq!(
        edits(&mut rig),
        [set("turn.patience_ms", Value::Whole(450))]
    );
    enter(&mut rig, "Pause that ends your turn", "400");
    assert_eq!(edits(&mut rig), [], "it is so already");
    choose(&mut rig, "Answer length", "Short");
    assert_eq!(
        edits(&mut rig),
        [set("live.answer_length", Value::Text("short".into()))]
    );
    enter(&mut rig, "Names and special words", "Ada, Kubernetes");
    let names = Value::List(vec!["Ada".into(), "Kubernetes".into()]);
    assert_eq!(edits(&mut rig), [set("live.vocabulary", names)]);
    rig.click("Alert: reply heard after: Off");
    assert_eq!(edits(&mut rig), [set("alerts.response_ms", Value::None)]);
    click(&mut rig, Role::CheckBox, "Answer early");
    assert_eq!(
        edits(&mut rig),
        [set("turn.eager_endpoint", Value::Flag(false))]
    );
}

#[test]
fn what_is_not_allowed_is_refused_in_place() {
    let mut rig = open("Profile settings");
    enter(&mut rig, "Pause that ends your turn", "9000");
    let words = "This is 9000: allowed is a whole number from 100 to 5000.";
    assert!(rig.says(words), "{:?}", rig.texts());
    assert!(rig.sent().is_empty(), "nothing is written");
    // It can be mended there, or taken back.
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(!rig.says(words) && rig.says("Settings"));
    enter(&mut rig, "Pause that ends your turn", "soon");
    assert!(rig.says_part("This is no whole number"));
    enter(&mut rig, "Pause that ends your turn", "300");
    assert!(!rig.says_part("This is no whole number"));
    assert_eq!(rig.sent().len(), 1);
}

#[test]
fn it_says_where_a_value_comes_from_and_takes_it_back() {
    let mut rig = open("Profile settings");
    let places = |rig: &Rig, words: &str| {
        let texts = rig.texts();
        texts.iter().filter(|text| text.contains(words)).count()
    };
    assert_eq!(places(&rig, "From balanced.yaml:4"), 1, "{:?}", rig.texts());
    assert!(rig.says_part("shipped: 500") && rig.says_part("100 to 5\u{a0}000\u{a0}ms"));
    assert!(rig.says_part("applies with the next connection"));
    rig.click("Reset: Pause that ends your turn");
    let sent = rig.sent();
    assert!(
        matches!(&sent[..], [Command::EditProfile(name, ProfileEdit::Set("turn.patience_ms", None))] if name == "balanced"),
        "{sent:?}"
    );
    click(&mut rig, Role::RadioButton, "Sound");
    assert_eq!(places(&rig, "From config.yaml:7"), 1);
    rig.click("Reset: Volume of replies");
    assert!(matches!(
        rig.sent()[..],
        [Command::SetConfig("volume", None)]
    ));
    rig.show(|s| {
        let settings = Arc::make_mut(&mut s.settings);
        for setting in &mut settings.config {
            setting.origin = SettingOrigin::Start;
        }
    });
    assert!(rig.says_part("Given at the start"));
    assert!(
        !rig.says("Reset: Volume of replies"),
        "the file did not say it"
    );
}

#[test]
fn a_secret_is_not_shown_and_not_lost_by_a_look() {
    let mut rig = open("Diagnostics");
    rig.show(|s| {
        let settings = Arc::make_mut(&mut s.settings);
        let secret = settings
            .config
            .iter_mut()
            .find(|setting| setting.key.secret);
        let secret = secret.expect("alerts may hold one");
        secret.value = Value::Text("••••".into());
        secret.origin = SettingOrigin::File("/home/me/.config/sovereign/config.yaml:3".into());
    });
    rig.harness
        .get_by_role_and_label(Role::PasswordInput, "Send alerts to")
        .focus();
    rig.step();
    rig.harness.event(Event::Text("x".into()));
    rig.step();
    rig.harness.key_press(Key::Backspace);
    rig.step();
    rig.harness.key_press(Key::Enter);
    rig.step();
    assert!(rig.sent().is_empty(), "it is as it was");
    rig.harness
        .get_by_role_and_label(Role::PasswordInput, "Send alerts to")
        .focus();
    rig.step();
    rig.harness
        .event(Event::Text("https://alerts.example/hook".into()));
    rig.step();
    rig.harness.key_press(Key::Enter);
    rig.step();
    let sent = rig.sent();
    assert!(
        matches!(&sent[..], [Command::SetConfig("alert_webhook", Some(Value::Text(url)))] if url == "https://alerts.example/hook"),
        "{sent:?}"
    );
}

#[test]
fn a_profile_is_copied_compared_and_reset_after_a_question() {
    let mut rig = open("Profile settings");
    rig.click("Compare with the shipped one");
    assert!(rig.says("Pause that ends your turn") && !rig.says("Answer length"));
    rig.click("Show all settings");
    assert!(rig.says("Answer length"));
    rig.click("Duplicate");
    enter(&mut rig, "Name of the copy", "Night");
    let sent = rig.sent();
    assert!(
        matches!(&sent[..], [Command::EditProfile(name, ProfileEdit::Duplicate(label))] if name == "balanced" && label == "Night"),
        "{sent:?}"
    );
    rig.click("Reset to shipped");
    rig.click("Keep it");
    assert!(rig.sent().is_empty());
    rig.click("Reset to shipped");
    rig.click("Reset it");
    let sent = rig.sent();
    assert!(
        matches!(&sent[..], [Command::EditProfile(_, ProfileEdit::Remove)]),
        "{sent:?}"
    );
    // One of the user's own is deleted; one without a file can be neither.
    rig.show(|s| Arc::make_mut(&mut s.settings).profile.is_shipped = false);
    rig.click("Delete");
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(!rig.says("Delete it") && rig.says("Settings"), "Esc is no");
    rig.show(|s| {
        let profile = &mut Arc::make_mut(&mut s.settings).profile;
        (profile.is_shipped, profile.file) = (true, None);
    });
    assert!(!rig.says("Delete") && !rig.says("Reset to shipped"));
    enter(&mut rig, "Name", "Mine");
    let sent = rig.sent();
    assert!(
        matches!(
            &sent[..],
            [Command::EditProfile(_, ProfileEdit::Set("label", Some(_)))]
        ),
        "renamed: {sent:?}"
    );
}

#[test]
fn the_look_of_the_window_follows_at_once() {
    let mut rig = open("Appearance");
    choose(&mut rig, "Colours", "Light");
    let theme = rig.harness.ctx.options(|options| options.theme_preference);
    assert_eq!(theme, ThemePreference::Light);
    let sent = rig.sent();
    assert!(
        matches!(&sent[..], [Command::SetConfig("window.theme", Some(Value::Text(word)))] if word == "light"),
        "{sent:?}"
    );
    choose(&mut rig, "Figures beside the conversation", "Hidden");
    assert_eq!(rig.harness.state().panel(), 0);
    choose(&mut rig, "Zoom", "150 %");
    rig.step();
    assert!((rig.harness.ctx.zoom_factor() - 1.5).abs() < 1e-6);
}

#[test]
fn the_mute_that_is_kept_is_set_where_talking_is() {
    let there = |rig: &Rig| {
        rig.harness
            .query_by_role_and_label(Role::CheckBox, "Stay muted")
            .is_some()
    };
    assert!(there(&open("Talking")) && !there(&open("Appearance")));
}

#[test]
fn a_zoom_by_keyboard_is_said_to_be_chosen_and_can_be_reset() {
    let mut rig = open("Appearance");
    let reset = |rig: &Rig| rig.harness.query_by_label("Reset: Zoom").is_some();
    // The panel is open, which the file does not say.
    let chosen = |rig: &Rig| {
        let texts = rig.texts();
        texts
            .iter()
            .filter(|text| text.starts_with("Chosen now, not in the file yet"))
            .count()
    };
    let before = chosen(&rig);
    assert!(!reset(&rig));
    rig.harness
        .key_press_modifiers(Modifiers::COMMAND, Key::Plus);
    for _ in 0..4 {
        rig.step();
    }
    assert!(rig.harness.ctx.zoom_factor() > 1.05);
    assert_eq!(chosen(&rig), before + 1, "{:?}", rig.texts());
    click(&mut rig, Role::Button, "Reset: Zoom");
    let sent = rig.sent();
    assert!(
        matches!(&sent[..], [Command::SetConfig("window.zoom_percent", None)]),
        "{sent:?}"
    );
    rig.step();
    assert!((rig.harness.ctx.zoom_factor() - 1.0).abs() < 1e-6);
    assert!(!reset(&rig) && chosen(&rig) == before);
}

#[test]
fn privacy_says_what_is_sent_and_deletes_what_is_kept() {
    let mut rig = open("Privacy");
    rig.show(|s| s.place = "live.example".into());
    assert!(rig.says_part("go to live.example"));
    assert!(rig.says("/home/me/.config/sovereign/config.yaml"));
    rig.show(|s| s.demo = true);
    assert!(rig.says_part("Nothing. The demo answers"));
    choose(&mut rig, "Keep conversations", "90 days");
    let sent = rig.sent();
    assert!(
        matches!(&sent[..], [Command::SetConfig("keep", Some(Value::Text(time)))] if time == "90d"),
        "{sent:?}"
    );
    rig.click("Delete all conversations");
    rig.click("Delete all");
    assert!(matches!(rig.sent()[..], [Command::DeleteKept(None)]));
    let words = "12 conversations deleted";
    rig.show(|s| s.notices = Arc::from([notice(7, Severity::Info, words, false)]));
    assert!(rig.says(words), "{:?}", rig.texts());
    assert!(rig.says_part("Alerts, logs, settings and the key stay."));
}

#[test]
fn everything_can_be_removed_which_closes_the_window() {
    let mut rig = open("Privacy");
    rig.show(|s| {
        s.key = Some(KeyInfo {
            source: KeySource::Keyring,
            ending: "x4Q2".into(),
        });
    });
    click(&mut rig, Role::Button, "Remove everything…");
    assert!(rig.says("Configuration: /home/me/.config/sovereign/config.yaml"));
    assert!(rig.says("The key stays in the system's keyring: remove it there."));
    // Enter does no harm.
    rig.harness.key_press(Key::Enter);
    rig.step();
    rig.step();
    assert!(rig.sent().is_empty() && !rig.harness.state().removes_everything());
    click(&mut rig, Role::Button, "Remove everything…");
    click(&mut rig, Role::Button, "Remove everything and close");
    assert!(rig.harness.state().removes_everything());
    assert!(matches!(rig.sent()[..], [Command::Quit]));
}

#[test]
fn an_advice_leads_to_the_setting_that_it_names() {
    let mut rig = Rig::new(shown());
    rig.show(|s| {
        s.findings = Arc::from([Finding {
            part: TurnPart::Service,
            cause: Cause::Model,
            costs: None,
            what: "You wait.".into(),
            remedy: "Lower `turn.patience_ms` in the profile.".into(),
            action: None,
        }]);
    });
    rig.ctrl(Key::D);
    rig.click("Change: Pause that ends your turn");
    rig.step();
    let row = field(&rig, "Pause that ends your turn").rect();
    let window = Rect::from_min_size(pos2(0.0, 0.0), vec2(1100.0, 720.0));
    assert!(window.contains_rect(row), "{row:?}");
}

#[test]
fn every_section_is_within_reach_in_every_window_and_by_keyboard() {
    let sections = [
        ("General", "Set up again"),
        ("Sound", "Microphone"),
        ("Talking", "Talk key"),
        ("Profile settings", "Alert: stutters"),
        ("Key and account", "Spend limit for a day"),
        ("Appearance", "Zoom"),
        ("Privacy", "Keep conversations"),
        ("Diagnostics", "Send alerts to"),
        (
            "About",
            "A voice assistant for Gemini Live that shows why it is fast or slow.",
        ),
    ];
    for (size, zoom) in [
        ((1100.0, 720.0), 1.0),
        ((640.0, 480.0), 1.0),
        ((400.0, 600.0), 1.0),
        ((640.0, 480.0), 2.0),
    ] {
        let mut rig = Rig::sized(shown(), size.0, size.1);
        rig.harness.ctx.set_zoom_factor(zoom);
        rig.step();
        rig.ctrl(Key::Comma);
        let window = Rect::from_min_size(pos2(0.0, 0.0), vec2(size.0, size.1) / zoom).expand(0.5);
        for (section, last) in sections {
            rig.harness
                .get_by_role_and_label(Role::RadioButton, section)
                .focus();
            rig.step();
            rig.harness.key_press(Key::Enter);
            rig.step();
            let lowest = |rig: &Rig, scrolls: bool| {
                let found = rig.harness.get_all_by_label(last).last().expect("there");
                if scrolls {
                    found.scroll_to_me();
                }
                found.rect()
            };
            lowest(&rig, true);
            rig.step();
            rig.step();
            let rect = lowest(&rig, false);
            assert!(
                window.contains_rect(rect),
                "{last} at {rect:?} in {window:?}, zoom {zoom}"
            );
        }
    }
}

#[test]
fn diagnostics_say_what_works_and_lead_to_what_tests_or_mends_it() {
    let mut rig = open("Diagnostics");
    assert!(rig.says_part("USB microphone · 48 kHz · blocks of 11 ms · nothing lost"));
    assert!(rig.says_part("Built-in speakers · 48 kHz"));
    assert!(rig.says(
        "The report holds versions, devices and figures: no key, no sound, nothing that was said."
    ));
    rig.show(|s| {
        s.input = Port {
            trouble: Some("There is no microphone.".into()),
            ..Port::default()
        };
        s.figures.turns.underruns = 2;
    });
    assert!(rig.says("There is no microphone."));
    assert!(rig.says_part("2 gaps"));
    click(&mut rig, Role::Button, "Connection: Details");
    assert!(rig.says("Problems and fixes"));
    let mut rig = open("Diagnostics");
    click(&mut rig, Role::Button, "Microphone: Check the sound");
    assert!(rig.says("Check the sound"));
    let mut rig = open("Diagnostics");
    click(&mut rig, Role::Button, "Key: Change");
    assert!(rig.says("Your key for Gemini"));
}

#[test]
fn what_was_sent_is_told_in_bytes_sound_tokens_and_money_unless_it_stays_here() {
    let mut rig = open("Privacy");
    rig.show(|s| {
        let meters = &mut s.figures.meters;
        (meters.bytes_sent, meters.audio_sent) = (1_200_000, Duration::from_secs(42));
        s.models = Arc::default();
        s.history = Arc::new(HistoryView {
            today: Slice {
                bytes_sent: 5_000_000,
                audio_sent_seconds: 150.0,
                tokens: 8_700,
                cost_usd: 0.25,
                priced: 3,
                ..Slice::default()
            },
            ..HistoryView::default()
        });
    });
    assert!(
        rig.says("1.2 MB · 42 s of sound · 0 tokens · –"),
        "{:?}",
        rig.texts()
    );
    assert!(rig.says("5.0 MB · 2 min of sound · 8\u{a0}700 tokens · $0.25"));
    rig.show(|s| s.local = true);
    assert!(!rig.says("Sent today"));
}

#[test]
fn the_demo_is_said_to_be_free_wherever_costs_are_told() {
    let free = "Free: the demo sends nothing";
    let mut rig = open("Privacy");
    assert!(!rig.says(free));
    rig.show(|s| s.demo = true);
    assert!(
        !rig.says("Sent today") && rig.says(free),
        "{:?}",
        rig.texts()
    );
    let mut rig = Rig::sized(shown(), 1100.0, 2400.0);
    rig.click("Details");
    assert!(!rig.says(free));
    rig.show(|s| s.demo = true);
    assert!(rig.says(free), "{:?}", rig.texts());
}

#[test]
fn in_the_demo_a_choice_of_voice_says_when_it_counts() {
    let words =
        "The demo has one voice, whatever you choose. Your choice counts once a key is set.";
    let mut rig = open("Sound");
    assert!(!rig.says(words));
    rig.show(|s| s.demo = true);
    assert!(rig.says(words), "{:?}", rig.texts());
    let mut rig = Rig::new(shown());
    rig.click("Sound");
    rig.step();
    assert!(!rig.says(words));
    rig.show(|s| s.demo = true);
    assert!(rig.says(words), "{:?}", rig.texts());
}
