//! What holds on every page: the state of the microphone is in sight, and what can be pressed has a name of its own.

use std::collections::BTreeSet;

use eframe::egui::Key;
use eframe::egui::accesskit::Role;
use egui_kittest::kittest::NodeT as _;
use egui_kittest::kittest::Queryable as _;

use sovereign::conversation::snapshot::Activity;

use super::rig::{Rig, snapshot};
use super::settings::shown;

/// A page, and how it is come to.
type Page = (&'static str, fn(&mut Rig));

/// All pages.
fn pages() -> Vec<Page> {
    let mut pages: Vec<Page> = vec![
        ("conversation", |_| {}),
        ("details", |rig| rig.ctrl(Key::D)),
        ("conversations", |rig| rig.ctrl(Key::H)),
        ("sound check", |rig| {
            rig.click("Sound");
            rig.click("Check the sound");
        }),
    ];
    pages.extend(SECTIONS);
    pages
}

const SECTIONS: [Page; 9] = [
    ("General", |rig| section(rig, "General")),
    ("Sound settings", |rig| section(rig, "Sound")),
    ("Talking", |rig| section(rig, "Talking")),
    ("Profile", |rig| section(rig, "Profile settings")),
    ("Key and account", |rig| section(rig, "Key and account")),
    ("Appearance", |rig| section(rig, "Appearance")),
    ("Privacy", |rig| section(rig, "Privacy")),
    ("Diagnostics", |rig| section(rig, "Diagnostics")),
    ("About", |rig| section(rig, "About")),
];

fn section(rig: &mut Rig, name: &str) {
    rig.ctrl(Key::Comma);
    rig.harness
        .get_by_role_and_label(Role::RadioButton, name)
        .click();
    rig.step();
}

#[test]
fn every_page_shows_the_state_of_the_microphone() {
    for (page, open) in pages() {
        let mut rig = Rig::new(shown());
        open(&mut rig);
        assert!(rig.says("Listening"), "{page}: {:?}", rig.texts());
        rig.show(|s| (s.muted, s.activity) = (true, Activity::Muted));
        assert!(rig.says("Muted"), "{page}");
        assert!(rig.says("muted: no audio leaves this computer"), "{page}");
    }
}

#[test]
fn every_page_names_what_can_be_pressed() {
    for (page, open) in pages() {
        let mut rig = Rig::at_level(3, shown(), 1100.0, 720.0);
        open(&mut rig);
        let mut names = BTreeSet::new();
        for node in rig.harness.query_all_by(|_| true) {
            let node = node.accesskit_node();
            let (role, name) = (node.role(), node.label().or_else(|| node.value()));
            let controls = matches!(
                role,
                Role::Button
                    | Role::CheckBox
                    | Role::ComboBox
                    | Role::RadioButton
                    | Role::Slider
                    | Role::SpinButton
                    | Role::TextInput
                    | Role::Link
            );
            if !controls {
                continue;
            }
            let name = name.unwrap_or_default();
            assert!(!name.trim().is_empty(), "{page}: a {role:?} without a name");
            if role == Role::Button {
                assert!(
                    names.insert(name.clone()) || name.starts_with("Copy what"),
                    "{page}: two buttons are called {name:?}"
                );
            }
        }
        assert!(names.len() >= 4, "{page}: {names:?}");
    }
}

#[test]
fn every_page_is_left_by_escape() {
    for (page, open) in pages() {
        let mut rig = Rig::new(snapshot());
        open(&mut rig);
        rig.harness.key_press(Key::Escape);
        rig.step();
        assert!(
            rig.says("Speak whenever you like"),
            "{page}: {:?}",
            rig.texts()
        );
    }
}
