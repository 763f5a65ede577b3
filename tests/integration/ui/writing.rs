//! Typing instead of talking: the field, its keys, what is corrected, and who may not be disturbed by it.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Modifiers, Rect, Shape, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Activity, Caption, Speaker};

use super::rig::{Rig, caption, down, key_event, snapshot};

impl Rig {
    /// Goes into the field with its key.
    fn go_to_field(&mut self) {
        self.harness.event(key_event(Key::Slash, true, false));
        self.harness.event(Event::Text("/".into()));
        self.harness.event(key_event(Key::Slash, false, false));
        self.step();
    }

    fn type_text(&mut self, text: &str) {
        self.harness.event(Event::Text(text.into()));
        self.step();
    }

    fn press(&mut self, key: Key) {
        self.harness.key_press(key);
        self.step();
    }

    fn message(&self) -> String {
        let field = self.harness.get_by_label("Message");
        field.accesskit_node().value().unwrap_or_default()
    }

    fn may_send(&self) -> bool {
        !self
            .harness
            .get_by_label("Send")
            .accesskit_node()
            .is_disabled()
    }

    /// What was sent as text; nothing else may have been.
    fn sent_texts(&mut self) -> Vec<String> {
        let text = |command| {
            let Command::SendText(text) = command else {
                panic!("{command:?}");
            };
            text
        };
        self.sent().into_iter().map(text).collect()
    }
}

#[test]
fn what_is_typed_is_sent_by_enter_and_by_the_button() {
    let mut rig = Rig::new(snapshot());
    assert!(!rig.may_send(), "there is nothing to send");
    rig.go_to_field();
    assert_eq!(rig.message(), "", "its key is no part of it");
    rig.type_text("What time is it?");
    rig.press(Key::Enter);
    assert_eq!(rig.sent_texts(), ["What time is it?"]);
    assert_eq!(rig.message(), "");
    rig.type_text("And in Tokyo?");
    assert!(rig.may_send(), "the focus stays in the field");
    rig.click("Send");
    rig.type_text("Thanks.");
    rig.press(Key::Enter);
    assert_eq!(rig.sent_texts(), ["And in Tokyo?", "Thanks."]);
    rig.press(Key::Enter);
    rig.type_text("  ");
    rig.press(Key::Enter);
    assert!(rig.sent_texts().is_empty(), "blanks are nothing");
}

#[test]
fn lines_are_pasted_and_made_with_shift() {
    let mut rig = Rig::new(snapshot());
    rig.go_to_field();
    rig.harness.event(Event::Paste("one\ntwo".into()));
    rig.step();
    rig.harness
        .key_press_modifiers(Modifiers::SHIFT, Key::Enter);
    rig.step();
    assert!(rig.sent().is_empty());
    rig.type_text("three");
    rig.press(Key::Enter);
    assert_eq!(rig.sent_texts(), ["one\ntwo\nthree"]);
}

#[test]
fn keys_of_the_window_are_characters_in_the_field_and_esc_leaves_it() {
    let mut rig = Rig::new(snapshot());
    rig.go_to_field();
    rig.harness.event(key_event(Key::Space, true, false));
    rig.type_text(" /");
    rig.harness.event(key_event(Key::Space, false, false));
    rig.step();
    rig.type_text("m");
    assert!(rig.sent().is_empty(), "nobody talks by typing");
    assert_eq!(rig.message(), " /m");
    rig.press(Key::Escape);
    assert!(rig.sent().is_empty(), "it leaves the field");
    rig.press(Key::Escape);
    assert!(matches!(rig.sent()[..], [Command::StopReply]));
    assert_eq!(rig.message(), " /m", "what was written stays");
    rig.harness.key_down(Key::Space);
    rig.step();
    assert!(matches!(rig.sent()[..], [Command::HoldToTalk(true)]));
}

#[test]
fn in_the_field_esc_stops_a_reply_and_space_is_no_talk_key() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| (s.activity, s.talk.voice_activation) = (Activity::Listening, false));
    assert!(rig.says("Hold Space and speak"));
    rig.go_to_field();
    assert!(rig.says("Press Enter to send, or Esc and then Space to speak"));
    rig.type_text("What time is it?");
    rig.press(Key::Enter);
    assert_eq!(rig.sent_texts().len(), 1);
    for activity in [Activity::Thinking, Activity::Answering, Activity::Repeating] {
        rig.show(|s| s.activity = activity);
        rig.go_to_field();
        rig.harness.get_by_label("Hold to talk").hover();
        rig.pass(Duration::from_secs(1));
        rig.step();
        assert!(rig.says_part("press Esc first"), "{:?}", rig.texts());
        rig.press(Key::Escape);
        assert!(
            matches!(rig.sent()[..], [Command::StopReply]),
            "{activity:?}"
        );
        rig.pass(Duration::from_secs(1));
        assert!(!rig.says_part("press Esc first"));
    }
}

#[test]
fn with_another_page_or_list_open_its_key_means_nothing() {
    let mut rig = Rig::new(snapshot());
    rig.open_key();
    rig.harness.event(Event::Text("/".into()));
    rig.step();
    rig.click("Back");
    rig.click("Sound");
    rig.go_to_field();
    rig.press(Key::Escape);
    rig.type_text("x");
    assert_eq!(rig.message(), "");
}

#[test]
fn too_much_is_told_and_not_sent() {
    let mut rig = Rig::new(snapshot());
    rig.go_to_field();
    rig.harness.event(Event::Paste("é".repeat(8_123)));
    rig.step();
    assert!(
        rig.says_part("123 characters too many: at most 8000 can be sent at once"),
        "{:?}",
        rig.texts()
    );
    assert!(!rig.may_send());
    rig.press(Key::Enter);
    assert!(rig.sent().is_empty());
    assert_eq!(rig.message().chars().count(), 8_123, "nothing is cut");
}

#[test]
fn a_misheard_sentence_is_corrected_and_sent_again() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        s.captions = [
            caption(Speaker::User, "What is the tallest tea?"),
            caption(Speaker::Assistant, "Tea is not measured by height."),
        ]
        .into_iter()
        .map(Arc::new)
        .collect();
    });
    rig.click("Change what I said");
    assert_eq!(rig.message(), "What is the tallest tea?");
    rig.press(Key::Backspace);
    rig.press(Key::Backspace);
    rig.press(Key::Backspace);
    rig.type_text("ree?");
    rig.press(Key::Enter);
    assert_eq!(rig.sent_texts(), ["What is the tallest tree?"]);
}

#[test]
fn what_is_still_being_said_cannot_be_corrected() {
    let mut rig = Rig::new(snapshot());
    let there = |rig: &Rig| rig.harness.query_by_label("Change what I said").is_some();
    assert!(there(&rig), "it is over, though its answer is not");
    rig.show(|s| s.activity = Activity::UserSpeaks);
    assert!(!there(&rig));
    rig.show(|s| s.captions = Arc::from([Arc::new(caption(Speaker::Assistant, "Hello."))]));
    assert!(!there(&rig), "nobody misheard the assistant");
}

#[test]
fn without_a_connection_it_is_said_that_what_was_typed_waits() {
    let mut rig = Rig::new(snapshot());
    let typed = Caption {
        typed: true,
        open: true,
        ..caption(Speaker::User, "Are you there?")
    };
    rig.show(|s| {
        s.link = down(None, false);
        s.captions = Arc::from([Arc::new(typed)]);
    });
    assert!(rig.says("Are you there? — sent as soon as there is a connection"));
    let unsent = Caption {
        typed: true,
        unsent: true,
        ..caption(Speaker::User, "And here?")
    };
    rig.show(|s| s.captions = Arc::from([Arc::new(unsent)]));
    assert!(rig.says("And here? — not sent"));
    rig.go_to_field();
    rig.type_text("And now?");
    rig.press(Key::Enter);
    assert_eq!(rig.sent_texts(), ["And now?"]);
}

#[test]
fn with_a_banner_and_a_full_field_a_line_of_the_conversation_stays_in_view() {
    for presses in [0, 1] {
        let mut rig = Rig::sized(snapshot(), 640.0, 480.0);
        for _ in 0..presses {
            rig.press(Key::F12);
        }
        rig.show(|s| {
            let told = "The spend limit is reached: $1.02 is spent of this conversation's limit of $1.00. ";
            s.spending.reached = Some(told.repeat(2));
            s.captions = Arc::from([Arc::new(caption(Speaker::Assistant, "It is noon."))]);
        });
        rig.go_to_field();
        rig.harness.event(Event::Paste("line\n".repeat(20)));
        rig.step();
        rig.step();
        let shapes = &rig.harness.output().shapes;
        let seen = shapes.iter().find_map(|drawn| {
            let Shape::Text(text) = &drawn.shape else {
                return None;
            };
            let rect = text.visual_bounding_rect().intersect(drawn.clip_rect);
            (text.galley.text() == "It is noon.").then_some(rect)
        });
        let height = seen.expect("the caption is drawn").height();
        assert!(height > 12.0, "{height} with {presses} presses of F12");
    }
}

#[test]
fn the_field_has_room_and_a_name_at_every_size_and_leaves_room_to_the_words() {
    for (width, height) in [(1100.0, 720.0), (640.0, 480.0), (400.0, 600.0)] {
        for panel in [0, 3] {
            let mut rig = Rig::sized(snapshot(), width, height);
            for _ in panel..3 {
                rig.press(Key::F12);
            }
            if panel == 0 {
                rig.press(Key::F12);
            }
            rig.go_to_field();
            let [field, send] = ["Message", "Send"].map(|name| {
                let node = rig.harness.get_by_label(name);
                (node.rect(), node.accesskit_node().role())
            });
            assert_eq!(send.1, Role::Button);
            assert_eq!(field.1, Role::MultilineTextInput);
            let window = Rect::from_min_size(eframe::egui::Pos2::ZERO, vec2(width, height));
            for rect in [field.0, send.0] {
                assert!(window.contains_rect(rect), "{rect:?} of {width}x{height}");
            }
            assert!(field.0.width() > 180.0, "{field:?} of {width}x{height}");
            // Ten lines are no reason to push the words out.
            rig.harness.event(Event::Paste("line\n".repeat(10)));
            rig.step();
            rig.step();
            let send = rig.harness.get_by_label("Send").rect();
            assert!(window.contains_rect(send), "{send:?} of {width}x{height}");
        }
    }
}
