//! The choice of voice and language: by label, by keyboard, in every window.

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Rect, pos2, vec2};
use egui_kittest::Node;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use sovereign::conversation::snapshot::SpeechView;
use sovereign::profile::Languages;

use super::rig::{Rig, sets, snapshot};

fn these(codes: &[&str]) -> Languages {
    Languages::These(codes.iter().map(|&code| code.to_owned()).collect())
}

fn open(speech: SpeechView, (width, height): (f32, f32)) -> Rig {
    let mut shown = snapshot();
    shown.speech = speech;
    let mut rig = Rig::sized(shown, width, height);
    rig.click("Sound");
    rig.step();
    rig
}

fn list<'a>(rig: &'a Rig, name: &'a str) -> Node<'a> {
    rig.harness.get_by_role_and_label(Role::ComboBox, name)
}

/// What a closed list shows, as a screen reader says it.
fn shown(rig: &Rig, name: &str) -> String {
    let node = list(rig, name);
    node.accesskit_node().value().expect("a value")
}

fn unfold(rig: &mut Rig, name: &str) {
    list(rig, name).scroll_to_me();
    rig.step();
    list(rig, name).click();
    rig.step();
}

/// Takes an entry of the open list, once the list has come to rest on it.
fn choose(rig: &mut Rig, entry: &str) {
    rig.harness
        .get_by_role_and_label(Role::ListBoxOption, entry)
        .scroll_to_me();
    rig.harness.run_steps(60);
    rig.harness
        .get_by_role_and_label(Role::ListBoxOption, entry)
        .click();
    rig.step();
}

fn of_profile() -> SpeechView {
    SpeechView {
        profile_voice: Some("Kore".into()),
        system_languages: vec!["de-DE".into(), "en".into()],
        ..SpeechView::default()
    }
}

#[test]
fn a_voice_is_chosen_and_given_back_to_the_profile() {
    let mut rig = open(of_profile(), (1100.0, 720.0));
    assert_eq!(shown(&rig, "Voice"), "As the profile says (Kore)");
    unfold(&mut rig, "Voice");
    choose(&mut rig, "Puck");
    let sent = rig.sent();
    assert!(sets(&sent, "voice", &"Puck".to_owned()), "{sent:?}");
    rig.show(|s| s.speech.voice = Some("Puck".into()));
    unfold(&mut rig, "Voice");
    choose(&mut rig, "As the profile says (Kore)");
    assert!(sets(&rig.sent(), "voice", &None::<String>));
}

#[test]
fn a_language_is_chosen_by_its_own_name() {
    for (entry, languages) in [
        ("Deutsch", Some(these(&["de"]))),
        ("Japanese", Some(these(&["ja"]))),
        ("As the system (Deutsch, English)", Some(Languages::System)),
        ("Whatever I speak", Some(these(&[]))),
    ] {
        let mut rig = open(of_profile(), (1100.0, 720.0));
        unfold(&mut rig, "You speak");
        choose(&mut rig, entry);
        let sent = rig.sent();
        assert!(sets(&sent, "languages", &languages), "{entry}: {sent:?}");
    }
}

#[test]
fn what_was_written_by_hand_is_shown_as_it_is() {
    let speech = SpeechView {
        voice: Some("en-us-tavi".into()),
        languages: Some(these(&["fr", "gsw"])),
        ..of_profile()
    };
    let rig = open(speech, (1100.0, 720.0));
    assert_eq!(shown(&rig, "Voice"), "en-us-tavi");
    assert_eq!(shown(&rig, "You speak"), "Français, gsw");
}

#[test]
fn voice_and_language_are_within_reach_in_every_window_and_by_keyboard() {
    for (width, height) in [
        (1100.0, 720.0),
        (640.0, 480.0),
        (400.0, 600.0),
        (360.0, 300.0),
    ] {
        let mut rig = open(of_profile(), (width, height));
        let window = Rect::from_min_size(pos2(0.0, 0.0), vec2(width, height)).expand(0.5);
        for name in ["Voice", "You speak"] {
            list(&rig, name).scroll_to_me();
            rig.step();
            let rect = list(&rig, name).rect();
            assert!(
                window.contains_rect(rect),
                "{name}: {rect:?} in {width}x{height}"
            );
        }
        list(&rig, "You speak").focus();
        rig.step();
        rig.harness.key_press(Key::Enter);
        rig.step();
        rig.harness.get_by_label("Français").focus();
        rig.step();
        rig.harness.key_press(Key::Enter);
        rig.step();
        let sent = rig.sent();
        assert!(sets(&sent, "languages", &these(&["fr"])), "{sent:?}");
    }
}

#[test]
fn tab_stays_within_the_open_sound_menu_and_its_lists_lie_over_it() {
    let mut rig = open(of_profile(), (1100.0, 720.0));
    let focused = |rig: &Rig| {
        let all = rig.harness.query_all_by(|_| true);
        let focused = all.filter(|node| node.accesskit_node().is_focused());
        let labels: Vec<_> = focused
            .filter_map(|node| node.accesskit_node().label())
            .collect();
        labels
    };
    let mut seen = Vec::new();
    for _ in 0..60 {
        rig.harness.key_press(Key::Tab);
        rig.step();
        seen.extend(focused(&rig));
    }
    for outside in [
        "Message",
        "Send",
        "Mute",
        "Stop the reply",
        "Settings (Ctrl ,)",
        "Sound",
        "Balanced",
    ] {
        assert!(
            !seen.iter().any(|label| label == outside),
            "{outside}: {seen:?}"
        );
    }
    for inside in ["Check the sound", "Headset microphone", "Talk key: tap"] {
        let times = seen.iter().filter(|label| *label == inside).count();
        assert!(times > 1, "{inside} {times} times: {seen:?}");
    }
    unfold(&mut rig, "Voice");
    rig.step();
    let drawn: Vec<String> = super::room::texts(&rig)
        .into_iter()
        .map(|drawn| drawn.text)
        .collect();
    let at = |words: &str| drawn.iter().position(|text| text == words);
    assert!(at("Puck") > at("VOLUME"), "{drawn:?}");
    choose(&mut rig, "Puck");
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(!rig.says("VOLUME"));
    rig.step();
    assert_eq!(focused(&rig), ["Sound"], "back where it was opened");
}
