//! The window, driven by hand-made snapshots and by keys and clicks, found by label as a screen reader finds it.

mod choices;
mod connection;
mod conversations;
mod early_keys;
mod figures;
mod german;
mod kept;
mod main_view;
mod pages;
mod painter;
mod panics;
mod pictures;
mod rig;
mod room;
mod screen_reader;
mod settings;
mod settings_search;
mod software;
mod speech;
mod spending;
mod welcome;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::{self, Key, Rect, ViewportId, accesskit::Role, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use secrecy::ExposeSecret as _;

use rig::{Rig, caption, down, key_event, latencies, sets, snapshot};
use sovereign::audio::DeviceChoice;
use sovereign::base::keys::Value;
use sovereign::base::severity::Severity;
use sovereign::base::units::Dbfs;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{
    Activity, AutoView, Caption, KeyInfo, Link, Notice, Port, SettingOrigin, SettingView, Snapshot,
    Speaker,
};
use sovereign::desktop::TrayState;
use sovereign::provider::grounding::{Grounding, Source};
use sovereign::settings::api_key::KeySource;
use sovereign::telemetry::diagnosis::Remedy;
use sovereign::telemetry::view::{ProcessUsage, TurnStatistics};

#[test]
fn every_activity_is_said_in_words() {
    let table = [
        (Activity::Connecting, "Connecting"),
        (Activity::Listening, "Listening"),
        (Activity::UserSpeaks, "Hearing you"),
        (Activity::Held, "Recording…"),
        (Activity::Thinking, "Thinking"),
        (Activity::Answering, "Answering"),
        (Activity::Muted, "Muted"),
        (Activity::Reconnecting, "Reconnecting"),
        (Activity::Offline, "Offline"),
        (Activity::NoMicrophone, "No microphone"),
        (Activity::LimitReached, "Spend limit reached"),
    ];
    let mut rig = Rig::new(snapshot());
    for (activity, words) in table {
        rig.show(|s| s.activity = activity);
        assert!(rig.says(words), "{activity:?}: {:?}", rig.texts());
    }
}

#[test]
fn the_state_is_announced_politely() {
    let rig = Rig::new(snapshot());
    let state = rig.harness.get_by_label("Listening");
    assert_eq!(state.accesskit_node().live(), egui::accesskit::Live::Polite);
}

#[test]
fn every_state_of_the_link_is_shown() {
    let mut rig = Rig::new(snapshot());
    assert!(rig.says("connected 4 min"));
    rig.show(|s| s.link = Link::Connecting { attempt: 1 });
    assert!(rig.says("connecting"));
    rig.show(|s| s.link = Link::Connecting { attempt: 3 });
    assert!(rig.says("connecting, attempt 3"));

    let retry_at = rig.clock.get() + Duration::from_millis(7_800);
    rig.show(|s| {
        s.activity = Activity::Reconnecting;
        s.link = down(Some(retry_at), false);
    });
    assert!(rig.says("Reconnecting in 8 s"), "{:?}", rig.texts());
    assert!(rig.says_part("The network cannot be reached. Check the cable."));
    rig.pass(Duration::from_secs(5));
    assert!(rig.says("Reconnecting in 3 s"));
    rig.show(|s| {
        s.place = "live.example".into();
        s.was_connected = true;
    });
    assert!(rig.says("Connection to live.example lost"));
    assert!(rig.says("no audio leaves this computer"));
    rig.show(|s| {
        s.activity = Activity::Connecting;
        s.was_connected = false;
    });
    assert!(
        rig.says("Cannot connect to live.example yet"),
        "{:?}",
        rig.texts()
    );
    assert!(!rig.says_part("lost") && !rig.says_part("audio leaves this computer while"));
    rig.click("Retry now");
    assert!(matches!(rig.sent()[..], [Command::RetryNow]));
}

#[test]
fn a_refused_key_names_the_key_and_leads_to_its_page() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        s.activity = Activity::Offline;
        s.link = down(None, true);
    });
    rig.click("Enter another key");
    assert!(rig.says("The key was refused"));
    assert!(rig.says_part("ends in x4Q2"));
    rig.click("Remove key");
    assert!(matches!(rig.sent()[..], [Command::RemoveKey]));
}

#[test]
fn the_demo_is_marked_and_offers_a_key() {
    let mut rig = Rig::new(snapshot());
    assert!(!rig.says("DEMO, offline") && rig.says("Gemini"));
    rig.show(|s| {
        s.demo = true;
        s.key = None;
    });
    assert!(rig.says("DEMO, offline") && rig.says("nothing leaves this computer"));
    rig.click("Connect to Gemini…");
    assert!(rig.says("Your key for Gemini"));
    assert!(rig.says_part("/home/me/.config/sovereign/key"));
}

#[test]
fn f12_cycles_through_the_levels_of_the_overlay() {
    let mut rig = Rig::new(snapshot());
    for (level, overlay, memory, table) in [
        (3, false, true, true),
        (0, false, false, false),
        (1, true, false, false),
        (2, false, true, false),
        (3, false, true, true),
    ] {
        assert_eq!(rig.harness.state().panel(), level);
        let seen = (
            rig.says("Reply time 268 ms, on target. CPU 1.3 %, memory 61 MB"),
            rig.says("Memory"),
            rig.says("interrupted you"),
        );
        assert_eq!(seen, (overlay, memory, table), "level {level}");
        rig.harness.key_press(Key::F12);
        rig.step();
    }
}

#[test]
fn the_panel_shows_the_figures_of_the_last_turn() {
    let rig = Rig::new(snapshot());
    for words in [
        "268",
        "on target",
        "42 replies",
        "typical 251",
        "slowest 5 % 412",
        "0.8 ms",
        "248 ms",
        "19 ms",
        "504 ms",
        "1 of 42",
        "38 ms",
        "1.3 %",
        "61 MB",
        "1.2 MB",
    ] {
        assert!(rig.says(words), "{words}: {:?}", rig.texts());
    }
    assert!(
        !rig.says_part("slowest 1 %"),
        "below a hundred turns there is no p99"
    );
    let sum = "sending 0.8 + service and internet 248 + playing 19 = reply time 268 ms";
    assert!(rig.says(sum));
}

#[test]
fn a_slow_turn_says_whose_it_is() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| s.figures.last = Some(latencies(12.0, 601.0, 27.0, 504.0)));
    assert!(
        rig.says("640") && rig.says("Gemini took 601"),
        "{:?}",
        rig.texts()
    );
    rig.show(|s| s.figures.last = Some(latencies(12.0, 101.0, 227.0, 504.0)));
    assert!(rig.says("340") && rig.says("this computer took 239"));
}

#[test]
fn before_the_first_reply_there_is_a_sentence_and_no_dashes() {
    let mut unknown = snapshot();
    unknown.figures = TurnStatistics::default();
    unknown.captions = Arc::from([]);
    for level in 1..=3 {
        let rig = Rig::at_level(level, unknown.clone(), 1100.0, 720.0);
        let texts = rig.texts();
        assert!(
            !texts
                .iter()
                .any(|text| text.contains('–') && text != "– dB"),
            "{texts:?}"
        );
        assert!(rig.says_part("Reply times appear here"), "{texts:?}");
    }
}

#[test]
fn what_is_not_known_is_a_dash_and_never_zero() {
    let mut unknown = snapshot();
    unknown.process = ProcessUsage::default();
    let last = unknown.figures.last.as_mut().expect("a turn");
    (last.uplink, last.downlink) = (None, None);
    unknown.figures.meters.round_trip = None;
    let rig = Rig::new(unknown);
    let texts = rig.texts();
    // Two parts, round trip, CPU, memory.
    assert_eq!(
        texts.iter().filter(|text| *text == "–").count(),
        5,
        "{texts:?}"
    );
    assert!(
        !texts
            .iter()
            .any(|text| text == "0 ms" || text == "0.0 ms" || text == "0.0 %")
    );
}

#[test]
fn figures_stand_for_half_a_second() {
    let mut rig = Rig::new(snapshot());
    rig.change(|s| s.figures.last = Some(latencies(1.0, 198.0, 1.0, 500.0)));
    rig.pass(Duration::from_millis(400));
    rig.change(|s| s.figures.last = Some(latencies(1.0, 208.0, 1.0, 500.0)));
    rig.step();
    assert!(!rig.says("210"), "{:?}", rig.texts());
    rig.pass(Duration::from_millis(500));
    assert!(rig.says("210"));
}

#[test]
fn the_profile_is_switched_by_click_and_by_key() {
    let mut rig = Rig::new(snapshot());
    rig.click("High quality");
    assert!(matches!(&rig.sent()[..], [Command::UseProfile(name)] if name == "high-quality"));
    rig.ctrl(Key::Num1);
    assert!(matches!(&rig.sent()[..], [Command::UseProfile(name)] if name == "ultra-fast"));
    rig.ctrl(Key::Num2);
    assert!(matches!(&rig.sent()[..], [Command::UseProfile(name)] if name == "balanced"));
    rig.ctrl(Key::Num4);
    assert!(rig.sent().is_empty(), "there are three here");
    rig.harness.get_by_label("Ultra-fast").focus();
    rig.step();
    rig.harness.key_press(Key::Enter);
    rig.step();
    assert!(matches!(&rig.sent()[..], [Command::UseProfile(name)] if name == "ultra-fast"));
}

#[test]
fn mute_stop_and_reset_by_key_and_by_click() {
    let mut rig = Rig::new(snapshot());
    rig.ctrl(Key::M);
    rig.click("Mute");
    assert!(matches!(
        rig.sent()[..],
        [Command::SetMuted(true), Command::SetMuted(true)]
    ));
    rig.show(|s| s.muted = true);
    rig.ctrl(Key::M);
    rig.click("Mute");
    assert!(matches!(
        rig.sent()[..],
        [Command::SetMuted(false), Command::SetMuted(false)]
    ));
    rig.harness.key_press(Key::Escape);
    rig.step();
    rig.click("Stop the reply");
    assert!(matches!(
        rig.sent()[..],
        [Command::StopReply, Command::StopReply]
    ));
    rig.ctrl(Key::R);
    rig.click("Reset");
    assert!(matches!(
        rig.sent()[..],
        [Command::ResetStatistics, Command::ResetStatistics]
    ));
}

#[test]
fn space_talks_while_it_is_held() {
    let mut rig = Rig::new(snapshot());
    rig.harness.key_down(Key::Space);
    rig.step();
    assert!(matches!(rig.sent()[..], [Command::HoldToTalk(true)]));
    for _ in 0..3 {
        rig.harness.event(key_event(Key::Space, true, true));
        rig.step();
    }
    assert!(rig.sent().is_empty(), "repeats of a held key say nothing");
    rig.harness.key_up(Key::Space);
    rig.step();
    assert!(matches!(rig.sent()[..], [Command::HoldToTalk(false)]));
}

#[test]
fn space_does_not_press_the_button_with_the_focus() {
    let mut rig = Rig::new(snapshot());
    rig.harness.get_by_label("Mute").focus();
    rig.step();
    rig.harness.key_press(Key::Space);
    rig.step();
    assert!(matches!(
        rig.sent()[..],
        [Command::HoldToTalk(true), Command::HoldToTalk(false)]
    ));
}

#[test]
fn leaving_the_window_lets_go_of_the_talk_key() {
    let mut rig = Rig::new(snapshot());
    rig.harness.key_down(Key::Space);
    rig.step();
    rig.harness.input_mut().focused = false;
    rig.step();
    assert!(matches!(
        rig.sent()[..],
        [Command::HoldToTalk(true), Command::HoldToTalk(false)]
    ));
}

#[test]
fn the_talk_button_talks_while_it_is_pressed() {
    let mut rig = Rig::new(snapshot());
    let at = rig.harness.get_by_label("Hold to talk").rect().center();
    rig.harness.hover_at(at);
    rig.harness.drag_at(at);
    rig.step();
    assert!(matches!(rig.sent()[..], [Command::HoldToTalk(true)]));
    rig.harness.drop_at(at);
    rig.step();
    rig.step();
    assert!(matches!(rig.sent()[..], [Command::HoldToTalk(false)]));
}

#[test]
fn devices_and_volume_are_chosen_under_sound() {
    let mut rig = Rig::new(snapshot());
    rig.click("Sound");
    rig.step();
    rig.click("Headset microphone");
    assert!(matches!(&rig.sent()[..], [Command::UseInput(DeviceChoice::Id(id))] if id == "mic-2"));
    rig.click("Default (Built-in speakers)");
    assert!(matches!(
        rig.sent()[..],
        [Command::UseOutput(DeviceChoice::Default)]
    ));
    rig.harness
        .get_by_role_and_label(Role::Slider, "VOLUME")
        .set_value_accesskit(25.0);
    rig.step();
    let sent = rig.sent();
    assert!(sets(&sent, "volume", &0.25_f32), "{sent:?}");
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(
        rig.sent().is_empty(),
        "Esc closes the popup and stops nothing"
    );
    assert!(!rig.says("VOLUME"));
}

#[test]
fn a_missing_device_is_explained() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        s.activity = Activity::NoMicrophone;
        s.input = Port {
            trouble: Some("The server has no source.".into()),
            ..Port::default()
        };
        s.output = Port {
            trouble: Some("The speaker was unplugged.".into()),
            ..Port::default()
        };
        s.captions = Arc::from([]);
    });
    assert!(rig.says_part("The server has no source."));
    assert!(!rig.says_part("The speaker was unplugged."));
    rig.click("1 more");
    assert!(rig.says_part("The speaker was unplugged."));
    rig.click("Choose a microphone");
    rig.step();
    assert!(rig.says("MICROPHONE"));
}

#[test]
fn a_key_is_saved_and_never_seen_again() {
    const SECRET: &str = "AIza SyTEST1234abcd";
    let mut rig = Rig::new(snapshot());
    rig.show(|s| s.key = None);
    rig.open_key();
    rig.harness.get_by_role(Role::PasswordInput).focus();
    rig.step();
    for part in SECRET.split_inclusive(' ') {
        rig.harness.event(egui::Event::Text(part.trim_end().into()));
        if part.ends_with(' ') {
            rig.harness.event(key_event(Key::Space, true, false));
            rig.harness.event(egui::Event::Text(" ".into()));
            rig.harness.event(key_event(Key::Space, false, false));
        }
    }
    rig.step();
    assert!(rig.sent().is_empty(), "Space in a field types");
    assert!(
        !rig.whole_tree().contains("SyTEST"),
        "what is typed is hidden"
    );
    rig.click("Show the key");
    assert!(rig.whole_tree().contains(SECRET), "unless the user asks");
    rig.click("Save and connect");
    let sent = rig.sent();
    assert!(!format!("{sent:?}").contains("SyTEST"));
    assert!(
        matches!(&sent[..], [Command::SetKey(key)] if key.expose_secret() == SECRET),
        "{sent:?}"
    );
    assert!(!rig.whole_tree().contains("SyTEST"), "it is hidden again");
    // The service takes it: it is gone from the field.
    rig.show(|s| {
        s.key = Some(KeyInfo {
            source: KeySource::File,
            ending: "abcd".into(),
        });
    });
    rig.harness.get_by_role(Role::PasswordInput).focus();
    rig.step();
    rig.ctrl(Key::Z);
    rig.click("Show the key");
    assert!(
        !rig.whole_tree().contains("SyTEST"),
        "not even undo brings it back"
    );
}

#[test]
fn the_bar_of_the_demo_is_shown_beside_another_one() {
    let mut rig = Rig::new(welcome::demo());
    let words = "The microphone gives no sound at all.";
    let raise = |s: &mut Snapshot| {
        s.notices = Arc::from([rig::notice(1, Severity::Warning, words, true)]);
    };
    rig.show(raise);
    assert!(rig.says(words) && rig.says("This is the demo"));
    assert!(!rig.says("1 more"));
    rig.show(|s| s.notices = Arc::from([]));
    assert!(!rig.says(words) && rig.says("This is the demo"));
}

#[test]
fn a_refused_key_stays_in_its_field_hidden_and_marked() {
    let mut rig = Rig::new(snapshot());
    let refuse = |s: &mut Snapshot, ending: &str| {
        s.key = Some(KeyInfo {
            source: KeySource::File,
            ending: ending.into(),
        });
        s.link = down(None, true);
    };
    rig.show(|s| refuse(s, "x4Q2"));
    rig.click("Enter another key");
    rig.harness
        .event(egui::Event::Paste("AIzaSyNEWabcd".into()));
    rig.step();
    rig.click("Save and connect");
    let field = |rig: &Rig| {
        let field = rig.harness.get_by_role(Role::PasswordInput);
        let node = field.accesskit_node();
        let letters = node.value().unwrap_or_default().chars().count();
        let is_marked = node.data().invalid().is_some();
        (letters, is_marked, field.rect())
    };
    let (letters, is_marked, _) = field(&rig);
    assert_eq!((letters, is_marked), (13, false), "another one was refused");
    rig.show(|s| refuse(s, "abcd"));
    let (letters, is_marked, place) = field(&rig);
    assert_eq!((letters, is_marked), (13, true));
    assert!(!rig.whole_tree().contains("SyNEW"));
    let told = rig.harness.get_by_label("The key was refused").rect();
    assert!(
        (0.0..30.0).contains(&(told.top() - place.bottom())),
        "{told:?}"
    );
    rig.harness.get_by_role(Role::PasswordInput).focus();
    rig.step();
    rig.harness.event(egui::Event::Text("e".into()));
    rig.step();
    assert!(!field(&rig).1, "another one is being typed");
    // One that is taken leads back.
    rig.click("Save and connect");
    rig.show(|s| {
        refuse(s, "bcde");
        s.link = snapshot().link;
    });
    assert!(rig.says("Hold to talk"), "{:?}", rig.texts());
}

#[test]
fn a_paste_that_does_not_fit_says_how_much_is_missing() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| s.key = None);
    rig.open_key();
    rig.harness.event(egui::Event::Paste("k".repeat(600)));
    rig.step();
    let words = "88 characters of what was pasted were left out: 512 fit here.";
    assert!(rig.says(words), "{:?}", rig.texts());
    rig.harness.key_press(Key::Backspace);
    rig.step();
    assert!(!rig.says(words), "another change");
    rig.click("Back");
    rig.harness.event(egui::Event::Text("/".into()));
    rig.step();
    rig.harness.event(egui::Event::Paste("a".repeat(100_000)));
    rig.step();
    assert!(rig.says_part("20000 characters of what was pasted were left out: 80000 fit here."));
}

#[test]
fn who_comes_for_a_key_can_paste_it_at_once_and_press_enter() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| s.key = None);
    for key in ["AIzaOne", "AIzaTwo"] {
        rig.open_key();
        rig.harness.event(egui::Event::Paste(key.into()));
        rig.step();
        rig.harness.key_press(Key::Enter);
        rig.step();
        let sent = rig.sent();
        assert!(
            matches!(&sent[..], [Command::SetKey(typed)] if typed.expose_secret() == key),
            "{sent:?}"
        );
        rig.click("Back");
    }
    // With a key in use nothing is waited for: Space talks.
    rig.show(|s| s.key = snapshot().key);
    rig.open_key();
    rig.harness.key_down(Key::Space);
    rig.step();
    assert!(matches!(rig.sent()[..], [Command::HoldToTalk(true)]));
}

#[test]
fn a_banner_is_made_of_whole_sentences() {
    let mut rig = Rig::new(snapshot());
    for (what, told) in [
        ("the server is gone", "The server is gone. Wait."),
        ("The server is gone.", "The server is gone. Wait."),
        ("Is it on?", "Is it on? Wait."),
    ] {
        rig.show(|s| {
            s.link = Link::Down {
                what: what.into(),
                hint: "Wait.".into(),
                retry_at: None,
                key_refused: false,
            };
        });
        assert!(rig.says(told), "{:?}", rig.texts());
    }
}

#[test]
fn an_empty_key_is_not_saved() {
    let mut rig = Rig::new(snapshot());
    rig.open_key();
    rig.click("Save and connect");
    assert!(rig.sent().is_empty());
    rig.click("Back");
    assert!(rig.says("Hold to talk"));
}

#[test]
fn captions_show_both_sides_and_what_became_of_them() {
    let rig = Rig::new(snapshot());
    assert!(rig.says("What is the tallest tree in Europe?"));
    assert!(
        rig.says("It was planted around 1890 — stopped by you"),
        "{:?}",
        rig.texts()
    );
    assert!(rig.says("now"), "an open caption has no time yet");
}

#[test]
fn the_first_screen_has_a_sentence() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| s.captions = Arc::from([]));
    assert!(rig.says("Say something"));
}

#[test]
fn long_and_strange_transcripts_do_no_harm() {
    let mut rig = Rig::new(snapshot());
    // Fonts of this machine do not matter here.
    rig.harness
        .ctx
        .set_missing_glyph_policy(egui::epaint::text::MissingGlyphPolicy::Tofu);
    let strange = [
        "x".repeat(1 << 20),
        "wörter ".repeat(20_000),
        "שלום עולם \u{202e}evil\u{202c} ".repeat(100),
        "👩\u{200d}👩\u{200d}👧 🎉".repeat(300),
        "a\u{300}".repeat(5_000),
        "\u{1b}[2J\u{7}\0".repeat(50),
        String::new(),
    ];
    for text in strange {
        rig.show(|s| s.captions = Arc::from([Arc::new(caption(Speaker::User, &text))]));
        rig.show(|s| {
            s.captions = (0..200)
                .map(|_| caption(Speaker::Assistant, &text[..text.floor_char_boundary(400)]))
                .map(Arc::new)
                .collect()
        });
    }
}

#[test]
fn the_newest_caption_stays_in_view() {
    let mut rig = Rig::new(snapshot());
    let many = |n: usize| -> Arc<[Arc<Caption>]> {
        (0..n)
            .map(|i| caption(Speaker::User, &format!("sentence {i}.")))
            .map(Arc::new)
            .collect()
    };
    rig.show(|s| s.captions = many(60));
    rig.step();
    rig.show(|s| s.captions = many(61));
    rig.step();
    let newest = rig.harness.get_by_label("sentence 60.").rect();
    assert!(newest.bottom() < 600.0 && newest.top() > 56.0, "{newest:?}");
}

#[test]
fn small_windows_and_large_text_keep_every_control_within_reach() {
    let controls = [
        "Ultra-fast",
        "Balanced",
        "High quality",
        "Sound",
        "Settings (Ctrl ,)",
        "Message",
        "Send",
        "Hold to talk",
        "Stop the reply",
        "Mute",
        "Hear the last answer again",
        "New conversation",
        "Close the panel",
        "Copy report",
        "Reset",
    ];
    for (size, zoom) in [
        ((1100.0, 720.0), 1.0),
        ((640.0, 480.0), 1.0),
        ((400.0, 600.0), 1.0),
        ((1100.0, 720.0), 2.0),
        ((640.0, 480.0), 2.0),
    ] {
        let mut rig = Rig::sized(snapshot(), size.0, size.1);
        rig.harness.ctx.set_zoom_factor(zoom);
        rig.step();
        rig.step();
        let window = Rect::from_min_size(egui::Pos2::ZERO, vec2(size.0, size.1) / zoom).expand(0.5);
        let is_menu = rig.harness.query_by_label("Profile: Balanced").is_some();
        assert_eq!(
            is_menu,
            size == (640.0, 480.0) && zoom == 1.0 || size == (1100.0, 720.0) && zoom == 2.0
        );
        let profiles = ["Ultra-fast", "Balanced", "High quality"];
        let menu = is_menu.then_some("Profile: Balanced");
        let controls = controls.iter().copied();
        for name in controls
            .filter(|name| !is_menu || !profiles.contains(name))
            .chain(menu)
        {
            rig.harness.get_by_label(name).scroll_to_me();
            rig.step();
            rig.step();
            let rect = rig.harness.get_by_label(name).rect();
            assert!(
                window.contains_rect(rect),
                "{name} at {rect:?} in {window:?}, zoom {zoom}"
            );
        }
    }
}

#[test]
fn the_buttons_of_the_panel_stay_in_view_whatever_it_has_to_say() {
    for height in [720.0, 500.0] {
        let mut rig = Rig::sized(snapshot(), 1100.0, height);
        rig.show(|s| s.figures.last = Some(latencies(12.0, 1_501.0, 27.0, 504.0)));
        for name in ["Details", "Copy report", "Reset"] {
            let rect = rig.harness.get_by_label(name).rect();
            assert!(
                rect.top() > 56.0 && rect.bottom() < height,
                "{name} at {rect:?} of {height}"
            );
        }
    }
}

#[test]
fn a_server_on_this_computer_is_called_so() {
    let mut rig = Rig::new(snapshot());
    assert!(rig.says("audio leaves this computer while you speak"));
    rig.show(|s| s.local = true);
    assert!(rig.says("nothing leaves this computer"));
    assert!(rig.says("1.2 MB") && rig.says("8\u{a0}140") && rig.says("sent, on this computer"));
}

#[test]
fn idle_and_muted_asks_for_no_frame() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        s.muted = true;
        s.activity = Activity::Muted;
    });
    rig.counters.input_level.set(Dbfs(-10.0));
    for _ in 0..10 {
        rig.pass(Duration::from_secs(1));
        rig.change(|s| s.process.cpu_percent = s.process.cpu_percent.map(|cpu| cpu + 0.1));
        assert_eq!(rig.next_frame(), Duration::MAX);
    }
}

#[test]
fn a_countdown_asks_for_two_frames_a_second() {
    let mut rig = Rig::new(snapshot());
    let retry_at = rig.clock.get() + Duration::from_secs(30);
    rig.show(|s| s.link = down(Some(retry_at), false));
    assert_eq!(rig.next_frame(), Duration::from_millis(500));
}

#[test]
fn a_busy_session_gets_every_wish_in_the_end() {
    let mut rig = Rig::with(snapshot(), 1100.0, 720.0, 1);
    rig.harness.key_down(Key::Space);
    rig.step();
    rig.harness.key_up(Key::Space);
    rig.step();
    let mut sent = rig.sent();
    rig.step();
    sent.extend(rig.sent());
    assert!(
        matches!(
            sent[..],
            [Command::HoldToTalk(true), Command::HoldToTalk(false)]
        ),
        "{sent:?}"
    );
}

#[test]
fn closing_the_window_quits_once() {
    let mut rig = Rig::new(snapshot());
    let close = egui::ViewportEvent::Close;
    let root = rig
        .harness
        .input_mut()
        .viewports
        .entry(ViewportId::ROOT)
        .or_default();
    root.events.push(close);
    rig.step();
    rig.step();
    let sent = rig.sent();
    assert!(matches!(sent[..], [Command::Quit]), "{sent:?}");
}

#[test]
fn closing_hides_only_where_the_user_wants_it_and_the_tray_has_a_way_back() {
    let key = sovereign::settings::config::keys().find(|key| key.name == "window.close_to_tray");
    let key = key.expect("this key");
    for (wanted, tray) in [(true, true), (true, false), (false, true)] {
        let not_shown = TrayState::NotShown { why: String::new() };
        let mut shown = snapshot();
        shown.desktop.tray = if tray { TrayState::Shown } else { not_shown };
        Arc::make_mut(&mut shown.settings).config = vec![SettingView {
            key,
            value: Value::Flag(wanted),
            usual: Value::Flag(false),
            origin: SettingOrigin::Chosen,
        }];
        let mut rig = Rig::new(shown);
        let viewports = &mut rig.harness.input_mut().viewports;
        let root = viewports.entry(ViewportId::ROOT).or_default();
        root.events.push(egui::ViewportEvent::Close);
        rig.step();
        let quits = matches!(rig.sent()[..], [Command::Quit]);
        assert_eq!(quits, !(wanted && tray), "{wanted} {tray}");
    }
}

#[test]
fn the_report_is_copied_without_words_or_key() {
    let mut rig = Rig::new(snapshot());
    rig.click_once("Copy report");
    let commands = &rig.harness.output().platform_output.commands;
    let copied = commands.iter().find_map(|command| {
        if let egui::OutputCommand::CopyText(text) = command {
            Some(text.clone())
        } else {
            None
        }
    });
    let report = copied.expect("the report is in the clipboard");
    assert!(
        report.contains("profile: balanced, target 300 ms")
            && report.contains("response p95: 412 ms"),
        "{report}"
    );
    assert!(!report.contains("tree") && !report.contains("x4Q2"));
}

#[test]
fn what_auto_chose_and_why_stands_at_the_profiles() {
    let mut automatic = snapshot();
    assert!(!Rig::new(automatic.clone()).says("Auto uses"));
    let why = "Balanced: responses take about 277 ms, with High quality 319 (wanted: 300).";
    automatic.auto = Some(AutoView {
        uses: "Balanced".into(),
        why: why.into(),
        changes: 2,
        power_saving: true,
    });
    for (width, height) in [(1100.0, 720.0), (640.0, 480.0), (400.0, 600.0)] {
        let rig = Rig::sized(automatic.clone(), width, height);
        let rect = |label: &str| rig.harness.get_by_label(label).rect();
        let profiles = if height < 500.0 {
            "Profile: Balanced"
        } else {
            "Balanced"
        };
        let (profiles, reason) = (rect(profiles), rect(&format!("Auto uses {why}")));
        let below = reason.top() - profiles.bottom();
        assert!((-8.0..60.0).contains(&below), "{below} at {width}x{height}");
    }
    let mut rig = Rig::new(automatic);
    assert!(rig.says(&format!("Auto uses {why}")));
    assert!(rig.says("saving power"));
    rig.harness.get_by_label("42 replies").hover();
    rig.pass(Duration::from_secs(1));
    rig.step();
    let whose = "with the profiles that Balanced chooses among since the start";
    assert!(rig.says_part(whose), "{:?}", rig.texts());
}

#[test]
fn an_answer_in_writing_is_marked_and_a_searched_one_shows_where_it_comes_from() {
    let source = |title: &str, uri: &str| Source {
        title: title.into(),
        uri: uri.into(),
    };
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        let mut answer = caption(Speaker::Assistant, "It is noon.");
        answer.unspoken = true;
        answer.found = Some(Arc::new(Grounding {
            sources: vec![
                source("A clock", "https://clock.example/now"),
                source(&"long ".repeat(100), "https://long.example/"),
            ],
            queries: vec!["time now".into()],
        }));
        s.captions = Arc::from([Arc::new(answer)]);
    });
    assert!(rig.says_part("not spoken"), "{:?}", rig.texts());
    assert!(!rig.says("Say it"), "another turn has begun since");
    rig.show(|s| s.written = Some(s.captions[0].turn));
    rig.click("Say it");
    assert!(matches!(rig.sent()[..], [Command::SayIt]));
    for (chip, address) in [
        ("A clock", "https://clock.example/now"),
        ("time now", "https://www.google.com/search?q=time+now"),
    ] {
        rig.click_once(chip);
        let commands = &rig.harness.output().platform_output.commands;
        let opened = commands.iter().any(
            |command| matches!(command, egui::OutputCommand::OpenUrl(url) if url.url == address),
        );
        assert!(opened, "{chip}: {commands:?}");
    }
    assert!(rig.sent().is_empty(), "nothing is asked of the session");
}

#[test]
fn what_was_not_answered_can_be_asked_again_while_it_is_kept() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        s.ask_again = true;
        s.notices = Arc::from([Notice {
            id: 3,
            severity: Severity::Warning,
            text: "No spoken answer: the service broke its answer off. Ask again.".into(),
            remedy: Some(Remedy::AskAgain),
            lasts: true,
        }]);
    });
    rig.click("Ask again");
    assert!(matches!(rig.sent()[..], [Command::Apply(Remedy::AskAgain)]));
    rig.show(|s| s.ask_again = false);
    rig.click("Ask again");
    assert!(rig.sent().is_empty(), "it is not kept any more");
}
