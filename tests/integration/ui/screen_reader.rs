//! What a screen reader is told: headings, lists, and words once.

use std::sync::Arc;

use eframe::egui::Key;
use eframe::egui::accesskit::{Live, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use sovereign::base::severity::Severity;

use super::rig::{Rig, notice, snapshot};
use super::settings::{click, shown};

fn headings(rig: &Rig) -> Vec<String> {
    let found = rig.harness.query_all_by_role(Role::Heading);
    found
        .filter_map(|node| node.accesskit_node().label())
        .collect()
}

/// Whether these words are announced in this frame.
fn is_announced(rig: &Rig, words: &str) -> bool {
    let node = rig.harness.get_by_label(words);
    node.accesskit_node().live() == Live::Polite
}

#[test]
fn a_bar_is_announced_when_it_comes_and_not_when_its_page_is_shown_again() {
    let mut rig = Rig::new(snapshot());
    let words = "The disk is full.";
    let raise = |rig: &mut Rig, id| {
        rig.show(|s| s.notices = Arc::from([notice(id, Severity::Error, words, true)]));
    };
    raise(&mut rig, 1);
    assert!(is_announced(&rig, words));
    rig.step();
    assert!(is_announced(&rig, words), "as long as it stands");
    rig.ctrl(Key::Comma);
    rig.step();
    rig.ctrl(Key::Comma);
    assert!(!is_announced(&rig, words), "it was there before");
    rig.show(|s| s.notices = Arc::from([]));
    rig.step();
    raise(&mut rig, 2);
    assert!(is_announced(&rig, words), "it happened again");
}

#[test]
fn the_titles_of_cards_and_groups_are_headings() {
    let mut rig = Rig::new(shown());
    rig.ctrl(Key::Comma);
    click(&mut rig, Role::RadioButton, "Privacy");
    let privacy = headings(&rig);
    for title in [
        "Settings",
        "What leaves this computer",
        "Delete what is kept",
        "Files and folders",
    ] {
        assert!(
            privacy.iter().any(|heading| heading == title),
            "{privacy:?}"
        );
    }
    click(&mut rig, Role::RadioButton, "Profile settings");
    let profile = headings(&rig);
    assert!(
        profile.iter().any(|heading| heading == "Taking turns"),
        "{profile:?}"
    );
}

#[test]
fn the_entries_of_a_list_are_options_of_which_one_is_selected() {
    let mut rig = Rig::new(shown());
    rig.ctrl(Key::Comma);
    click(&mut rig, Role::RadioButton, "Talking");
    click(&mut rig, Role::ComboBox, "Talk key");
    let entries = rig.harness.query_all_by_role(Role::ListBoxOption);
    let entries = entries.map(|entry| {
        let node = entry.accesskit_node();
        (
            node.label().unwrap_or_default(),
            node.is_selected(),
            node.toggled(),
        )
    });
    let entries: Vec<_> = entries.collect();
    assert_eq!(
        entries,
        [
            ("Hold".to_owned(), Some(true), None),
            ("Tap".to_owned(), Some(false), None)
        ]
    );
}
