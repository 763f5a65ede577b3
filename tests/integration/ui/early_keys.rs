//! What is typed in the same frame as the key that leads to a field is in that field.

use eframe::egui::{Event, Key, Modifiers};

use sovereign::conversation::command::Command;

use super::rig::{Rig, snapshot};
use super::settings::shown;

/// Ctrl F and a word, all in one frame.
fn find(rig: &mut Rig, word: &str) {
    rig.harness.key_press_modifiers(Modifiers::COMMAND, Key::F);
    for letter in word.chars() {
        rig.harness.event(Event::Text(letter.into()));
    }
    rig.step();
}

fn field(rig: &Rig, name: &str) -> Option<String> {
    use eframe::egui::accesskit::Role;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};
    rig.harness
        .get_by_role_and_label(Role::TextInput, name)
        .accesskit_node()
        .value()
}

#[test]
fn the_search_in_the_conversation_loses_no_letter() {
    let mut rig = Rig::new(snapshot());
    find(&mut rig, "the tallest");
    assert_eq!(
        field(&rig, "Find in this conversation").as_deref(),
        Some("the tallest")
    );
    assert!(rig.says("1 of 1"), "{:?}", rig.texts());
}

#[test]
fn letters_for_the_search_are_not_written_into_the_message() {
    let mut rig = Rig::new(snapshot());
    rig.harness.event(Event::Text("/".into()));
    rig.harness.event(Event::Text("a b".into()));
    rig.step();
    assert!(rig.whole_tree().contains("\"a b\""), "{}", rig.whole_tree());
    find(&mut rig, "tree");
    assert_eq!(
        field(&rig, "Find in this conversation").as_deref(),
        Some("tree")
    );
    assert!(rig.whole_tree().contains("\"a b\""), "{}", rig.whole_tree());
}

#[test]
fn the_searches_of_settings_and_conversations_lose_no_letter() {
    let mut rig = Rig::new(shown());
    rig.ctrl(Key::Comma);
    find(&mut rig, "text size");
    assert_eq!(field(&rig, "Search settings").as_deref(), Some("text size"));
    rig.ctrl(Key::H);
    find(&mut rig, "a tree");
    assert_eq!(
        field(&rig, "Search conversations").as_deref(),
        Some("a tree")
    );
    let sent = rig.sent();
    let talked = |command: &Command| matches!(command, Command::HoldToTalk(_));
    assert!(!sent.iter().any(talked), "{sent:?}");
}

#[test]
fn a_button_opens_the_search_too() {
    let mut rig = Rig::new(snapshot());
    rig.click("Find words in this conversation");
    rig.harness.event(Event::Text("tree".into()));
    rig.step();
    assert_eq!(
        field(&rig, "Find in this conversation").as_deref(),
        Some("tree")
    );
}
