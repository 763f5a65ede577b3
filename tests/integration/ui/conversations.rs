//! The page of kept conversations: found, read, gone on with and deleted, by pointer and by keyboard.

use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Shape};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use jiff::{Timestamp, ToSpan as _, Zoned};

use sovereign::base::retention::Retention;
use sovereign::base::severity::Severity;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{KeptConversation, KeptView};
use sovereign::store::export::ExportFormat;
use sovereign::store::{ConversationId, ConversationSummary, Filter, StoredTurn};
use sovereign::telemetry::record::{Answerer, TurnRecord};

use super::rig::{Rig, ms, notice, snapshot};

fn days_ago(days: i64) -> Timestamp {
    (&Zoned::now() - days.days()).timestamp()
}

fn summary(id: i64, days: i64, title: &str) -> ConversationSummary {
    ConversationSummary {
        id: ConversationId(id),
        begun: days_ago(days),
        ended: days_ago(days),
        title: title.into(),
        turns: 3,
        profile: "ultra-fast".into(),
        response: Some(ms(251.0)),
        passage: None,
    }
}

fn kept(list: Vec<ConversationSummary>) -> KeptView {
    KeptView {
        retention: Retention::days(30),
        list: list.into(),
        ..KeptView::default()
    }
}

pub(super) fn some() -> KeptView {
    kept(vec![
        summary(7, 0, "tallest tree in Europe"),
        summary(5, 1, "a recipe for bread"),
        summary(2, 400, "good\u{202e} morning\u{7}"),
    ])
}

/// The page, open, as the store has answered what it asked.
fn page(of: KeptView) -> Rig {
    let mut rig = Rig::new(snapshot());
    rig.ctrl(Key::H);
    answer(&mut rig, of);
    rig.sent();
    rig
}

/// Has the store answer what was asked last.
pub(super) fn answer(rig: &mut Rig, of: KeptView) {
    let asked = rig.sent().into_iter().rev().find_map(|command| {
        if let Command::ListKept(filter) = command {
            filter
        } else {
            None
        }
    });
    rig.show(|s| {
        let filter = asked.unwrap_or_else(|| s.kept.filter.clone());
        s.kept = Arc::new(KeptView { filter, ..of });
    });
}

pub(super) fn read(rig: &mut Rig, id: i64, turns: Vec<StoredTurn>) {
    rig.show(|s| {
        let id = ConversationId(id);
        let opened = Some(Arc::new(KeptConversation { id, turns }));
        s.kept = Arc::new(KeptView {
            opened,
            ..(*s.kept).clone()
        });
    });
}

pub(super) fn turn(number: u64, outcome: &str, user: &str, assistant: &str) -> StoredTurn {
    StoredTurn {
        number,
        at: days_ago(0),
        outcome: outcome.into(),
        user: user.into(),
        assistant: assistant.into(),
        response: Some(ms(268.0)),
        ..StoredTurn::default()
    }
}

/// The row of a conversation; its button is named by everything that it shows.
pub(super) fn row(rig: &mut Rig, title: &str) {
    rig.harness.get_by_label_contains(title).click();
    rig.step();
}

fn filters(rig: &mut Rig) -> Vec<Filter> {
    let filter = |command| {
        let Command::ListKept(filter) = command else {
            panic!("{command:?}");
        };
        filter
    };
    rig.sent().into_iter().filter_map(filter).collect()
}

#[test]
fn the_page_is_opened_and_left_by_key_and_by_button() {
    let mut rig = Rig::new(snapshot());
    rig.ctrl(Key::H);
    assert_eq!(filters(&mut rig), [Filter::default()]);
    assert!(rig.says("Conversations") && rig.says_part("Kept for 30 days"));
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(matches!(rig.sent()[..], [Command::ListKept(None)]));
    rig.click("Conversations (Ctrl H)");
    assert_eq!(filters(&mut rig).len(), 1);
    rig.ctrl(Key::H);
    assert!(matches!(rig.sent()[..], [Command::ListKept(None)]));
    rig.ctrl(Key::H);
    rig.click("Back");
    assert!(!rig.says("Conversations"));
    rig.ctrl(Key::H);
    rig.sent();
    // Every way to another page leaves this one.
    rig.click("Settings (Ctrl ,)");
    assert!(matches!(rig.sent()[..], [Command::ListKept(None)]));
}

#[test]
fn conversations_are_listed_by_day_with_what_matters() {
    let mut rig = page(some());
    for heading in ["TODAY", "YESTERDAY"] {
        assert!(rig.says(heading), "{heading}: {:?}", rig.texts());
    }
    let row = "tallest tree in Europe, 3 turns, typical reply after 251 ms, Ultra-fast";
    assert!(rig.says_part(row), "{:?}", rig.texts());
    assert!(rig.says("3 conversations"));
    assert!(
        rig.says_part("good morning, 3"),
        "hidden characters are left out"
    );
    rig.show(|s| Arc::make_mut(&mut s.kept).current = Some(ConversationId(7)));
    assert!(rig.says_part("now, tallest tree in Europe"));
    rig.show(|s| Arc::make_mut(&mut s.kept).trouble = Some("The disk is full.".into()));
    assert!(rig.says("The disk is full.") && !rig.says_part("Kept for"));
    rig.show(|s| Arc::make_mut(&mut s.kept).trouble = None);
    for (retention, words) in [
        (
            Retention::Forever,
            "Kept until you delete it, on this computer only.",
        ),
        (Retention::days(1), "Kept for 1 day, on this computer only."),
    ] {
        rig.show(|s| Arc::make_mut(&mut s.kept).retention = retention);
        assert!(rig.says(words), "{words}");
    }
}

#[test]
fn of_many_that_fit_the_newest_are_shown_and_the_page_says_so() {
    let many = |n: i64| kept((1..=n).map(|id| summary(id, id, "bread")).collect());
    let says = "The newest 100 are shown. Type more to find others.";
    let mut rig = page(many(100));
    assert!(!rig.says(says), "all of them, without a search");
    rig.harness.event(Event::Text("br".into()));
    rig.step();
    answer(&mut rig, many(100));
    assert!(rig.says(says), "{:?}", rig.texts());
    rig.harness.event(Event::Text("e".into()));
    rig.step();
    answer(&mut rig, many(99));
    assert!(!rig.says(says));
}

#[test]
fn what_was_found_stands_beside_the_title() {
    let found = ConversationSummary {
        passage: Some("…decided that the roof waits.".into()),
        ..summary(7, 0, "What about the house?")
    };
    let same = ConversationSummary {
        passage: Some("Is the roof dry?".into()),
        ..summary(8, 0, "Is the roof dry?")
    };
    let rig = page(kept(vec![found, same]));
    assert!(rig.says_part("What about the house?, …decided that the roof waits., 3 turns"));
    assert!(rig.says_part("Is the roof dry?, 3 turns"), "once is enough");
}

#[test]
fn typing_searches_and_choices_narrow_it_down() {
    let mut rig = page(some());
    for letters in ["b", "re"] {
        rig.harness.event(Event::Text(letters.into()));
        rig.step();
    }
    let asked: Vec<String> = filters(&mut rig).into_iter().map(|f| f.text).collect();
    assert_eq!(asked, ["b", "bre"], "the field has the focus at once");
    rig.click("Today");
    rig.click("The last 7 days");
    let asked = filters(&mut rig);
    let midnight = |days: i64| {
        let day = Zoned::now().date() - days.days();
        day.to_zoned(jiff::tz::TimeZone::system())
            .map(|day| day.timestamp())
            .ok()
    };
    assert_eq!([asked[0].since, asked[1].since], [midnight(0), midnight(6)]);
    rig.click("With problems");
    let outcomes = filters(&mut rig).pop().map(|filter| filter.outcomes);
    let problems = ["failed", "empty", "open"].map(str::to_owned).to_vec();
    assert_eq!(outcomes, Some(problems));
    rig.harness.get_by_role(Role::ComboBox).click();
    rig.step();
    rig.harness
        .get_by_role_and_label(Role::ListBoxOption, "Ultra-fast")
        .click();
    rig.step();
    let profile = filters(&mut rig).pop().and_then(|filter| filter.profile);
    assert_eq!(profile.as_deref(), Some("ultra-fast"), "{:?}", rig.texts());
    rig.harness.get_by_label("Search conversations").focus();
    rig.step();
    rig.harness.event(Event::Text("x".into()));
    rig.step();
    answer(&mut rig, kept(Vec::new()));
    assert!(rig.says("Nothing found") && !rig.says("Delete all"));
    rig.click("Show all");
    assert_eq!(filters(&mut rig).pop(), Some(Filter::default()));
}

#[test]
fn a_conversation_is_read_copied_and_gone_on_with() {
    let mut rig = page(some());
    row(&mut rig, "tallest tree");
    assert!(matches!(
        rig.sent()[..],
        [Command::OpenKept(ConversationId(7))]
    ));
    // Another one that was read before is not taken for it.
    read(&mut rig, 5, vec![turn(1, "completed", "Bread?", "Flour.")]);
    assert!(!rig.says_part("Flour."));
    let turns = vec![
        turn(1, "completed", "Which tree?", "A karri.\u{202e}\u{1b}[31m"),
        turn(2, "interrupted", "How old?", "It was planted"),
        turn(3, "failed", "And where?", ""),
    ];
    read(&mut rig, 7, turns);
    let said = [
        "Which tree?",
        "A karri.",
        "It was planted — stopped by you",
        "And where? — not answered",
        "268 ms",
    ];
    for words in said {
        assert!(rig.says(words), "{words}: {:?}", rig.texts());
    }
    rig.harness.get_by_label("Copy").click();
    rig.harness.step();
    let commands = &rig.harness.output().platform_output.commands;
    let copied = format!("{commands:?}");
    assert!(
        copied.contains("A karri.") && copied.contains("You, "),
        "{copied}"
    );
    rig.step();
    assert!(rig.says("Copied"));
    rig.click("Continue this conversation");
    let sent = rig.sent();
    assert!(
        matches!(
            sent[..],
            [
                Command::ContinueKept(ConversationId(7)),
                Command::ListKept(None)
            ]
        ),
        "{sent:?}"
    );
    assert!(
        rig.says("What is the tallest tree in Europe?"),
        "the conversation is in view"
    );
}

#[test]
fn a_conversation_is_exported_and_the_page_says_where_to() {
    let mut rig = page(some());
    row(&mut rig, "tallest tree");
    read(
        &mut rig,
        7,
        vec![turn(1, "completed", "Question", "Answer")],
    );
    rig.sent();
    for (words, expected) in [
        ("Text (Markdown)", ExportFormat::Md),
        ("Data (JSON)", ExportFormat::Json),
        ("Sound (WAV)", ExportFormat::Wav),
    ] {
        rig.click("Export…");
        rig.click(words);
        match &rig.sent()[..] {
            [Command::ExportKept { id, format, folder }] => {
                assert_eq!((id.0, *format), (7, expected));
                assert!(folder.is_absolute(), "{}", folder.display());
            }
            other => panic!("{other:?}"),
        }
        assert!(!rig.says(words), "the menu is closed");
    }
    // Esc closes the menu, and nothing else.
    rig.click("Export…");
    rig.harness.key_press(Key::Escape);
    rig.step();
    rig.step();
    assert!(
        rig.says("Export…") && !rig.says("Data (JSON)"),
        "{:?}",
        rig.texts()
    );
    rig.show(|s| {
        s.notices = Arc::from([notice(
            99,
            Severity::Info,
            "Written: conversation.md",
            false,
        )]);
    });
    assert!(rig.says("Written: conversation.md"), "{:?}", rig.texts());
}

#[test]
fn the_assistant_is_called_as_it_was_in_the_conversation() {
    let mut rig = page(some());
    row(&mut rig, "a recipe");
    let answered = |number, answerer| {
        let record = TurnRecord {
            answerer,
            ..TurnRecord::default()
        };
        StoredTurn {
            record: record.to_json(),
            ..turn(number, "completed", "Hello", "Good morning.")
        }
    };
    let names = [Some(Answerer::Demo), Some(Answerer::Gemini), None];
    let turns = (1..).zip(names).map(|(nth, name)| answered(nth, name));
    read(&mut rig, 5, turns.collect());
    for name in ["Demo", "Gemini", "Assistant"] {
        assert!(rig.says(name), "{name}: {:?}", rig.texts());
    }
}

#[test]
fn a_hit_of_the_search_is_in_view_and_marked() {
    let mut rig = page(some());
    rig.harness.event(Event::Text("roof spring".into()));
    rig.step();
    answer(&mut rig, some());
    row(&mut rig, "a recipe");
    let turns = (1..60).map(|nth| {
        let said = match nth {
            20 => "the roof",
            25 => "In spring we mend the roof, and in spring only.",
            _ => "Something else was said here.",
        };
        turn(nth, "completed", said, "Very well.")
    });
    read(&mut rig, 5, turns.collect());
    for _ in 0..4 {
        rig.step();
    }
    let field = |rig: &Rig| {
        let mut fields = rig.harness.query_all_by_role(Role::TextInput);
        fields.find_map(|field| field.accesskit_node().value())
    };
    assert_eq!(field(&rig).as_deref(), Some("roof spring"));
    assert!(rig.says("2 of 4"), "{:?}", rig.texts());
    let hit = rig
        .harness
        .get_by_label_contains("In spring we mend")
        .rect();
    assert!(hit.top() > 200.0 && hit.bottom() < 700.0, "{hit:?}");
    let accent = rig.picture();
    let is_accent = |pixel: &image::Rgb<u8>| pixel.0 == [0xe5, 0xb4, 0x54];
    let (left, right) = (hit.left() as u32, hit.right() as u32);
    let lines = hit.top() as u32..hit.bottom() as u32;
    let marked = lines.flat_map(|y| (left..right).map(move |x| (x, y)));
    let marked = marked.filter(|(x, y)| is_accent(accent.get_pixel(*x, *y)));
    assert!(
        marked.count() > 100,
        "the word has the accent as its ground"
    );
    // Esc goes one step back each.
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(!rig.says("2 of 4") && rig.says("Continue this conversation"));
    rig.ctrl(Key::F);
    rig.harness.event(Event::Text("else".into()));
    rig.step();
    rig.step();
    assert!(rig.says("57 of 57"), "{:?}", rig.texts());
    rig.harness.key_press(Key::Escape);
    rig.step();
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(rig.says("Conversations"));
    // Without words that were searched there is no bar.
    let mut rig = page(some());
    row(&mut rig, "a recipe");
    read(&mut rig, 5, vec![turn(1, "completed", "Hello", "Hello.")]);
    assert!(rig.harness.query_by_role(Role::TextInput).is_none());
}

#[test]
fn the_conversation_that_runs_is_not_gone_on_with() {
    let mut rig = page(KeptView {
        current: Some(ConversationId(7)),
        ..some()
    });
    row(&mut rig, "tallest tree");
    assert!(!rig.says("Continue this conversation"));
    rig.sent();
    rig.click("Back to this conversation");
    assert!(matches!(rig.sent()[..], [Command::ListKept(None)]));
}

#[test]
fn deleting_asks_once_and_traps_nobody() {
    let mut rig = page(some());
    row(&mut rig, "a recipe");
    rig.sent();
    rig.click("Delete");
    assert!(rig.says("Delete this conversation for good?") && rig.sent().is_empty());
    // Enter does no harm, Esc neither.
    rig.harness.key_press(Key::Enter);
    rig.step();
    assert!(rig.sent().is_empty() && rig.says("Continue this conversation"));
    rig.click("Delete");
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(rig.sent().is_empty() && rig.says("Continue this conversation"));
    rig.click("Delete");
    rig.click("Delete");
    assert!(matches!(
        rig.sent()[..],
        [Command::DeleteKept(Some(ConversationId(5)))]
    ));
    assert!(rig.says("Conversations"), "the list is back");
    rig.click("Delete all");
    rig.click("Keep them");
    assert!(rig.sent().is_empty());
    rig.click("Delete all");
    assert!(rig.says_part("Alerts, logs, settings and the key stay."));
    rig.click("Delete all");
    assert!(matches!(rig.sent()[..], [Command::DeleteKept(None)]));
    let words = "3 conversations deleted";
    assert!(!rig.says(words));
    rig.show(|s| {
        s.kept = Arc::new(kept(Vec::new()));
        s.notices = Arc::from([notice(7, Severity::Info, words, false)]);
    });
    assert!(rig.says(words), "{:?}", rig.texts());
}

#[test]
fn an_empty_list_says_why() {
    let mut rig = Rig::new(snapshot());
    rig.ctrl(Key::H);
    assert!(
        !rig.says("No conversation yet"),
        "the store has not answered"
    );
    answer(&mut rig, kept(Vec::new()));
    assert!(rig.says("No conversation yet") && !rig.says("Delete all"));
    rig.show(|s| Arc::make_mut(&mut s.kept).retention = Retention::Off);
    assert!(rig.says("Nothing is kept"), "{:?}", rig.texts());
    assert!(rig.says("Nothing new is kept (Settings, Privacy)."));
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(rig.says("nothing is kept"), "beside the conversation");
    rig.show(|s| Arc::make_mut(&mut s.kept).retention = Retention::Forever);
    assert!(!rig.says("nothing is kept"));
}

#[test]
fn a_new_conversation_asks_only_where_words_would_be_gone() {
    let mut rig = Rig::new(snapshot());
    rig.ctrl(Key::N);
    rig.click("New conversation");
    assert!(matches!(
        rig.sent()[..],
        [Command::BeginConversation, Command::BeginConversation]
    ));
    rig.ctrl(Key::H);
    rig.sent();
    rig.ctrl(Key::N);
    assert!(matches!(
        rig.sent()[..],
        [Command::ListKept(None), Command::BeginConversation]
    ));
    rig.show(|s| Arc::make_mut(&mut s.kept).retention = Retention::Off);
    rig.ctrl(Key::N);
    assert!(rig.says("Begin a new conversation?") && rig.sent().is_empty());
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(!rig.says("Begin a new conversation?") && rig.sent().is_empty());
    rig.ctrl(Key::N);
    rig.click("Go on with this");
    assert!(rig.sent().is_empty() && !rig.says("Begin a new conversation?"));
    rig.ctrl(Key::N);
    rig.click("Begin");
    assert!(matches!(rig.sent()[..], [Command::BeginConversation]));
    rig.show(|s| s.captions = Arc::from([]));
    rig.ctrl(Key::N);
    assert!(matches!(rig.sent()[..], [Command::BeginConversation]));
}

#[test]
fn ten_thousand_conversations_cost_no_more_than_those_in_view() {
    let list = (0..10_000).map(|nth| summary(20_000 - nth, nth / 40, "something was said"));
    let mut rig = page(kept(list.collect()));
    assert!(rig.says("10\u{a0}000 conversations"));
    let rows = |rig: &Rig| {
        rig.harness
            .query_all_by_label_contains("something was said")
            .count()
    };
    assert!((5..30).contains(&rows(&rig)), "{}", rows(&rig));
    let texts = |rig: &Rig| {
        let shapes = rig.harness.output().shapes.iter();
        shapes
            .filter(|shape| matches!(shape.shape, Shape::Text(_)))
            .count()
    };
    assert!(texts(&rig) < 300, "{}", texts(&rig));
    // The last one can be reached by key, and opened.
    rig.harness.key_press(Key::ArrowDown);
    rig.step();
    rig.harness.key_press(Key::End);
    rig.step();
    assert!((5..30).contains(&rows(&rig)), "{}", rows(&rig));
    rig.harness.key_press(Key::Enter);
    rig.step();
    assert!(matches!(
        rig.sent()[..],
        [Command::OpenKept(ConversationId(10_001))]
    ));
}

#[test]
fn everything_is_reached_by_keyboard() {
    let mut rig = page(some());
    let press = |rig: &mut Rig, key| {
        rig.harness.key_press(key);
        rig.step();
    };
    let focused = |rig: &Rig| {
        let node = rig.harness.get_by(|node| node.is_focused());
        node.accesskit_node().label().unwrap_or_default()
    };
    assert_eq!(focused(&rig), "Search conversations");
    press(&mut rig, Key::ArrowDown);
    assert!(focused(&rig).contains("tallest tree"), "{}", focused(&rig));
    press(&mut rig, Key::ArrowDown);
    assert!(focused(&rig).contains("a recipe"), "{}", focused(&rig));
    press(&mut rig, Key::End);
    assert!(focused(&rig).contains("good morning"));
    press(&mut rig, Key::Home);
    assert!(focused(&rig).contains("tallest tree"));
    press(&mut rig, Key::ArrowUp);
    assert_eq!(focused(&rig), "Search conversations");
    press(&mut rig, Key::Enter);
    press(&mut rig, Key::ArrowDown);
    press(&mut rig, Key::Enter);
    assert!(matches!(
        rig.sent()[..],
        [Command::OpenKept(ConversationId(5))]
    ));
    assert_eq!(focused(&rig), "Back");
    press(&mut rig, Key::Tab);
    assert_eq!(focused(&rig), "Continue this conversation");
    // Back to the list, to where one was.
    press(&mut rig, Key::Escape);
    assert!(focused(&rig).contains("a recipe"), "{}", focused(&rig));
    rig.ctrl(Key::F);
    assert_eq!(focused(&rig), "Search conversations");
    press(&mut rig, Key::Escape);
    assert!(matches!(rig.sent()[..], [Command::ListKept(None)]));
}

#[test]
fn a_long_conversation_is_scrolled_by_key() {
    let mut rig = page(some());
    row(&mut rig, "tallest tree");
    let say = |n| turn(n, "completed", &format!("question {n}."), "Yes.");
    read(&mut rig, 7, (1..200).map(say).collect());
    let top = |rig: &Rig, words: &str| rig.harness.get_by_label_contains(words).rect().top();
    assert!((0.0..720.0).contains(&top(&rig, "question 1.")));
    for (key, in_view) in [(Key::End, "question 199."), (Key::Home, "question 1.")] {
        rig.harness.key_press(key);
        rig.step();
        rig.step();
        let at = top(&rig, in_view);
        assert!((0.0..720.0).contains(&at), "{key:?}: {at}");
    }
    rig.harness.key_press(Key::PageDown);
    rig.step();
    assert!(top(&rig, "question 1.") < 0.0);
}

#[test]
fn nothing_is_cut_off_in_any_size() {
    for (width, height) in [
        (1100.0, 720.0),
        (720.0, 500.0),
        (400.0, 560.0),
        (360.0, 300.0),
    ] {
        let mut rig = Rig::sized(snapshot(), width, height);
        rig.ctrl(Key::H);
        answer(&mut rig, some());
        let wide = |rig: &Rig, label: &str| {
            let rect = rig.harness.get_by_label_contains(label).rect();
            assert!(
                rect.left() >= 0.0 && rect.right() <= width,
                "{width}: {label} {rect:?}"
            );
        };
        for label in ["tallest tree", "Back", "With problems", "Delete all"] {
            wide(&rig, label);
        }
        rig.sent();
        // In the smallest one the row is below what is shown.
        let row = rig.harness.get_by_label_contains("tallest tree");
        row.click_accesskit();
        rig.step();
        read(
            &mut rig,
            7,
            vec![turn(1, "completed", "Which?", "A karri.")],
        );
        for label in ["Continue this", "Back", "Delete", "A karri."] {
            wide(&rig, label);
        }
    }
}
