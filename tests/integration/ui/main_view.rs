//! The conversation as the main view: its column, what is shown when, the overlay, mute, notes, search, Markdown.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::accesskit::{Live, Role, Toggled};
use eframe::egui::{self, Event, Key, Modifiers, Rect, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use sovereign::base::severity::Severity;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Activity, Caption, Snapshot, Speaker};
use sovereign::telemetry::record::TurnRecord;

use super::figures::turn;
use super::kept::{copied, drawn, many, only, without_fonts};
use super::rig::{Rig, caption, latencies, ms, notice, snapshot};

fn rect(rig: &Rig, label: &str) -> Rect {
    rig.harness.get_by_label(label).rect()
}

fn said(captions: impl IntoIterator<Item = Caption>) -> Arc<[Arc<Caption>]> {
    captions.into_iter().map(Arc::new).collect()
}

#[test]
fn the_conversation_is_a_column_in_the_middle_at_every_width() {
    let long = "words that fill more than one line of any column ".repeat(12);
    for (width, wanted) in [(1_600.0, 720.0), (1_100.0, 720.0), (640.0, 600.0)] {
        let mut rig = Rig::at_level(1, snapshot(), width, 720.0);
        rig.show(|s| s.captions = only(&long));
        let words = rect(&rig, long.trim());
        assert!(
            words.width() <= 720.5 && words.width() >= wanted * 0.9,
            "{words:?} of {width}"
        );
        let (left, right) = (
            words.left(),
            width - words.left() - wanted.min(width - 32.0),
        );
        assert!((left - right).abs() < 14.0, "{left} and {right} of {width}");
    }
}

#[test]
fn a_window_that_was_narrow_is_laid_out_as_one_that_never_was() {
    let field = |rig: &Rig| rect(rig, "Message");
    let wide = field(&Rig::at_level(1, snapshot(), 1_100.0, 720.0));
    let mut rig = Rig::at_level(1, snapshot(), 640.0, 480.0);
    rig.harness.set_size(vec2(1_100.0, 720.0));
    rig.step();
    rig.step();
    assert_eq!(field(&rig), wide, "the footer had two rows");
}

#[test]
fn a_banner_moves_no_word_of_a_short_conversation_and_there_is_one() {
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    rig.step();
    let words = "What is the tallest tree in Europe?";
    let before = rect(&rig, words);
    // Within what rounding to whole points makes.
    let stays = |rig: &Rig| (rect(rig, words).top() - before.top()).abs() < 1.5;
    rig.show(|s| {
        s.notices = Arc::from([
            notice(1, Severity::Warning, "The first lasts.", true),
            notice(2, Severity::Error, "An error is urgent.", false),
            notice(3, Severity::Warning, "The newest lasts.", true),
        ]);
    });
    rig.step();
    assert!(rig.says("An error is urgent.") && !rig.says("The newest lasts."));
    let places = ["An error is urgent.", "2 more", "sorry, I meant", "Message"]
        .map(|label| rect(&rig, label));
    assert!(stays(&rig), "{places:?}");
    rig.click("2 more");
    rig.step();
    assert!(rig.says("The newest lasts.") && rig.says("The first lasts."));
    assert!(stays(&rig), "{:?}", rect(&rig, words));
    rig.click("Show one only");
    rig.show(|s| s.notices = Arc::from([]));
    rig.step();
    assert!(stays(&rig), "{:?}", rect(&rig, words));
    assert!(!rig.says("2 more"));
}

#[test]
fn a_time_is_shown_once_a_minute_and_for_the_pointer() {
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    let at = |speaker, text: &str, time: &str| Caption {
        time: time.into(),
        ..caption(speaker, text)
    };
    rig.show(|s| {
        s.captions = said([
            at(Speaker::User, "One.", "14:02:11"),
            at(Speaker::Assistant, "Two.", "14:02:40"),
            at(Speaker::User, "Three.", "14:03:12"),
        ]);
    });
    assert!(rig.says("14:02:11") && rig.says("14:03:12"));
    assert!(!rig.says("14:02:40"), "a minute has not passed");
    rig.harness.get_by_label("Two.").hover();
    rig.step();
    assert!(rig.says("14:02:40"));
}

#[test]
fn the_reply_time_is_shown_to_the_pointer_and_where_this_computer_was_slow() {
    let answer = |text: &str, server, ours| Caption {
        latencies: Some(latencies(1.0, server, ours, 504.0)),
        target: Some(ms(300.0)),
        ..caption(Speaker::Assistant, text)
    };
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    rig.show(|s| {
        s.captions = said([
            answer("The service was slow.", 371.0, 40.0),
            answer("This computer was.", 150.0, 240.0),
        ]);
    });
    assert!(rig.says("391 ms") && rig.says("this computer took 241"));
    assert!(!rig.says("412 ms"));
    rig.harness.get_by_label("The service was slow.").hover();
    rig.step();
    assert!(rig.says("412 ms") && !rig.says_part("service 371"));
}

#[test]
fn the_overlay_covers_no_words_keeps_its_size_and_opens_the_figures() {
    const NAME: &str = "Reply time 268 ms, on target. CPU 1.3 %, memory 61 MB";
    let long = "words that fill more than one line of any column ".repeat(60);
    for (width, height) in [
        (1_600.0, 900.0),
        (1_100.0, 720.0),
        (900.0, 600.0),
        (640.0, 480.0),
        (400.0, 600.0),
    ] {
        let mut rig = Rig::at_level(1, snapshot(), width, height);
        rig.show(|s| s.captions = only(&long));
        rig.step();
        let overlay = rect(&rig, NAME);
        let words = rect(&rig, long.trim());
        let seen = words.intersect(Rect::everything_below(overlay.top()));
        assert!(
            overlay.left() >= words.right() - 0.5
                || overlay.bottom() <= rect(&rig, "Hold to talk").top(),
            "{overlay:?} at {width}"
        );
        let beside = overlay.left() >= seen.right() - 0.5;
        let window = Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(width, height));
        assert!(window.contains_rect(overlay), "{overlay:?} in {width}");
        assert_eq!(beside, width >= 1_100.0, "{overlay:?} {words:?}");
        rig.show(|s| {
            s.figures.last = Some(latencies(12.0, 9_601.0, 27.0, 504.0));
            s.process.cpu_percent = Some(142.0);
        });
        assert_eq!(
            rect(
                &rig,
                "Reply time 9\u{a0}640 ms, Gemini took 9\u{a0}601. CPU 142 %, memory 61 MB"
            ),
            overlay
        );
        rig.click("Reply time 9\u{a0}640 ms, Gemini took 9\u{a0}601. CPU 142 %, memory 61 MB");
        assert_eq!(rig.harness.state().panel(), 2, "{width}");
        rig.click("More");
        assert_eq!(rig.harness.state().panel(), 3, "{width}");
        rig.click("Close the panel");
        assert_eq!(rig.harness.state().panel(), 1);
    }
}

#[test]
fn without_the_overlay_a_pill_in_the_header_shows_it() {
    let mut rig = Rig::at_level(0, snapshot(), 1_100.0, 720.0);
    let pill = rect(&rig, "Reply time 268 ms, on target: show it");
    assert!(pill.bottom() < 60.0);
    rig.click("Reply time 268 ms, on target: show it");
    assert_eq!(rig.harness.state().panel(), 1);
    assert!(!rig.says_part("show it"));
}

#[test]
fn a_service_that_takes_its_usual_time_is_no_fault() {
    let told = |server: f64| -> Arc<TurnRecord> {
        Arc::new(TurnRecord {
            latencies: latencies(1.0, server, 13.0, 504.0),
            ..turn(1)
        })
    };
    let shown = |n: usize, last: f64| {
        let mut s: Snapshot = snapshot();
        s.figures.last = Some(latencies(1.0, last, 13.0, 504.0));
        s.turns = std::iter::once(told(last))
            .chain((0..n).map(|_| told(640.0)))
            .collect();
        Rig::new(s)
    };
    assert!(shown(9, 650.0).says("Gemini took 650"), "too few to know");
    let mut rig = shown(10, 650.0);
    assert!(rig.says("usual for Gemini"), "{:?}", rig.texts());
    rig.harness.get_by_label("usual for Gemini").hover();
    rig.pass(Duration::from_secs(1));
    rig.step();
    let why = "Usual for Gemini today: 640 ms, yours adds 14.";
    assert!(rig.says_part(why), "{:?}", rig.texts());
    assert!(shown(10, 1_200.0).says("unusually slow: usual is 654"));
}

#[test]
fn who_wants_to_be_heard_while_muted_is_told() {
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    rig.show(|s| (s.muted, s.activity) = (true, Activity::Muted));
    assert!(rig.says("You are muted") && rig.says("Muted"));
    let mute = rig.harness.get_by_label("Mute");
    assert_eq!(mute.accesskit_node().toggled(), Some(Toggled::True));
    rig.harness.key_down(Key::Space);
    rig.step();
    let told = "You are muted. Press the microphone.";
    let node = rig.harness.get_by_label(told);
    assert_eq!(node.accesskit_node().live(), Live::Assertive);
    rig.harness.key_up(Key::Space);
    rig.step();
    assert!(!rig.says(told));
    rig.sent();
    rig.click("Mute");
    assert!(matches!(rig.sent()[..], [Command::SetMuted(false)]));
    assert_eq!(rig.next_frame(), Duration::MAX);
}

#[test]
fn notes_lie_at_the_bottom_and_go_by_themselves() {
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    rig.show(|s| (s.muted, s.activity) = (true, Activity::Muted));
    rig.step();
    let words = rect(&rig, "sorry, I meant");
    rig.change(|s| {
        s.notices = Arc::from([
            notice(1, Severity::Info, "switched to Ultra-fast.", false),
            notice(2, Severity::Warning, "Something was late.", false),
        ]);
    });
    rig.step();
    rig.step();
    let note = rig.harness.get_by_label("Switched to Ultra-fast.");
    assert_eq!(note.accesskit_node().live(), Live::Polite);
    let lower = rect(&rig, "Something was late.");
    assert!(lower.top() > words.bottom() && lower.bottom() < rect(&rig, "Message").top());
    assert_eq!(rect(&rig, "sorry, I meant"), words);
    assert!(rig.next_frame() <= Duration::from_secs(6), "it goes");
    rig.pass(Duration::from_secs(6));
    assert!(!rig.says("Switched to Ultra-fast.") && rig.says("Something was late."));
    assert!(matches!(rig.sent()[..], [Command::Dismiss(1)]));
    // The pointer holds what is read.
    rig.harness
        .hover_at(rect(&rig, "Something was late.").center());
    rig.step();
    rig.pass(Duration::from_secs(60));
    assert!(rig.says("Something was late."));
    rig.harness.hover_at(egui::pos2(300.0, 20.0));
    rig.step();
    rig.pass(Duration::from_secs(6));
    assert!(!rig.says("Something was late."));
    assert!(matches!(rig.sent()[..], [Command::Dismiss(2)]));
    assert_eq!(rig.next_frame(), Duration::MAX, "then nothing is drawn");
}

#[test]
fn keys_scroll_the_conversation_and_a_button_leads_to_what_came() {
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    rig.show(|s| s.captions = many(200));
    rig.step();
    // The first one that is in sight.
    let first = |rig: &Rig| {
        let in_sight = |i: &usize| {
            let label = format!("sentence {i}.");
            let node = rig.harness.query_by_label(&label);
            node.is_some_and(|node| (60.0..640.0).contains(&node.rect().top()))
        };
        (0..300).find(in_sight).expect("something is in sight")
    };
    let press = |rig: &mut Rig, key| {
        rig.harness.key_press(key);
        rig.step();
        rig.step();
    };
    let end = first(&rig);
    press(&mut rig, Key::PageUp);
    let one_up = first(&rig);
    assert!((3..9).contains(&(end - one_up)), "{end} {one_up}");
    press(&mut rig, Key::PageUp);
    let two_up = first(&rig);
    assert!((3..9).contains(&(one_up - two_up)), "{one_up} {two_up}");
    press(&mut rig, Key::PageDown);
    assert_eq!(first(&rig), one_up);
    press(&mut rig, Key::Home);
    assert_eq!(first(&rig), 0);
    assert!(!rig.says("Jump to the latest"), "nothing came");
    rig.show(|s| s.captions = many(201));
    rig.step();
    assert_eq!(first(&rig), 0, "it stays where it is read");
    rig.click("Jump to the latest");
    rig.step();
    let newest = rect(&rig, "sentence 200.");
    assert!(newest.bottom() < 640.0, "{newest:?}");
    assert!(!rig.says("Jump to the latest"));
    press(&mut rig, Key::Home);
    press(&mut rig, Key::End);
    assert_eq!(rect(&rig, "sentence 200."), newest);
    // New words stay in view again.
    rig.show(|s| s.captions = many(202));
    rig.step();
    assert!(rect(&rig, "sentence 201.").bottom() < 640.0);
}

#[test]
fn scrolling_a_thousand_turns_lays_out_what_is_in_view() {
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    let captions = (0..2_000).map(|i| {
        let speaker = if i % 2 == 0 {
            Speaker::User
        } else {
            Speaker::Assistant
        };
        caption(
            speaker,
            &format!("**Number {i}** of a long conversation, with a few words more."),
        )
    });
    rig.show(|s| s.captions = said(captions));
    rig.step();
    for key in [Key::PageUp, Key::PageUp, Key::Home, Key::PageDown, Key::End] {
        rig.harness.key_press(key);
        rig.step();
        let (sum, _) = drawn(&rig);
        assert!(sum < 6_000, "{sum} characters after {key:?}");
    }
}

#[test]
fn words_are_found_counted_and_gone_to() {
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    rig.show(|s| s.captions = many(200));
    rig.step();
    rig.ctrl(Key::F);
    rig.step();
    rig.harness.event(Event::Text("Sentence 1".into()));
    rig.step();
    // 1, 10 to 19, 100 to 199; the newest first.
    assert!(rig.says("111 of 111"), "{:?}", rig.texts());
    rig.click("Next (Shift Enter)");
    rig.step();
    assert!(rig.says("1 of 111"));
    let first = rect(&rig, "sentence 1.");
    assert!((60.0..640.0).contains(&first.center().y), "{first:?}");
    rig.click("Previous (Enter)");
    rig.step();
    let last = rect(&rig, "sentence 199.");
    assert!((60.0..640.0).contains(&last.center().y), "{last:?}");
    rig.harness
        .get_by_label("Find in this conversation")
        .focus();
    rig.step();
    rig.harness.event(Event::Text("x".into()));
    rig.step();
    assert!(rig.says("Not found"));
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(!rig.says("Not found"));
    assert!(
        rig.sent().is_empty(),
        "Esc closed the search and stopped nothing"
    );
}

#[test]
fn what_was_said_is_copied_with_names() {
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    rig.show(|s| {
        s.captions = said([
            caption(Speaker::User, "How old is it?"),
            caption(Speaker::Assistant, "About **130** years."),
        ]);
    });
    rig.click_once("Copy what Gemini said");
    assert_eq!(
        copied(&rig).as_deref(),
        Some("Gemini: About **130** years.")
    );
    rig.click_once("Copy what you said");
    assert_eq!(copied(&rig).as_deref(), Some("You: How old is it?"));
}

#[test]
fn markdown_is_drawn_and_read_aloud_without_its_marks() {
    const ANSWER: &str = "## A plan\n\nTake the **early** train, see *there* and `now`.\n\n1. First\n2. Second\n   - deep\n\n> said\n\n```\nlet a = 1;\n```\n\n| Tree | Height |\n| --- | --- |\n| Karri | 72 m |\n\n---\n\nThe map is [here](https://maps.example/x), or at https://b.example/y.";
    for (width, height) in [(1_100.0, 720.0), (640.0, 480.0), (400.0, 600.0)] {
        let mut rig = Rig::at_level(1, snapshot(), width, height);
        rig.show(|s| s.captions = only(ANSWER));
        rig.step();
        for words in [
            "A plan",
            "Take the early train, see there and now.",
            "First",
            "deep",
            "said",
            "let a = 1;",
            "Karri",
            "72 m",
            "The map is here, or at https://b.example/y.",
        ] {
            assert!(rig.says(words), "{words}: {:?}", rig.texts());
        }
        assert!(!rig.says_part("**") && !rig.says_part("```"));
        rig.harness.get_by_role_and_label(Role::Heading, "A plan");
        let indented = rect(&rig, "deep").left() - rect(&rig, "First").left();
        assert!(indented > 10.0, "{indented}");
    }
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    rig.show(|s| s.captions = only(ANSWER));
    rig.step();
    for (link, address) in [
        ("here", "https://maps.example/x"),
        ("https://b.example/y", "https://b.example/y"),
    ] {
        rig.harness.get_by_role_and_label(Role::Link, link).click();
        rig.harness.step();
        let commands = &rig.harness.output().platform_output.commands;
        let opened = commands.iter().any(
            |command| matches!(command, egui::OutputCommand::OpenUrl(url) if url.url == address),
        );
        assert!(opened, "{link}: {commands:?}");
    }
}

#[test]
fn what_the_user_says_is_no_markdown_and_other_scripts_stay_in_their_place() {
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    without_fonts(&rig);
    rig.show(|s| {
        s.captions = said([
            caption(Speaker::User, "# not a *heading* 2*3*4"),
            caption(Speaker::Assistant, "**שלום** עולם\n\n- צִפּוֹר"),
        ]);
    });
    rig.step();
    assert!(rig.says("# not a *heading* 2*3*4"));
    assert!(
        rig.says("שלום עולם") && rig.says("צִפּוֹר"),
        "{:?}",
        rig.texts()
    );
    // Looking for it marks it and breaks nothing.
    rig.harness.key_press_modifiers(Modifiers::COMMAND, Key::F);
    rig.step();
    rig.harness.event(Event::Text("עולם".into()));
    rig.step();
    assert!(rig.says("1 of 1"), "{:?}", rig.texts());
}

#[test]
fn links_of_words_from_the_right_lie_where_these_are_drawn() {
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    without_fonts(&rig);
    rig.show(|s| {
        let words = "אחת **שתיים** [שלוש ארבע](https://example.com/) חמש";
        s.captions = said([caption(Speaker::Assistant, words)]);
    });
    rig.step();
    let link = rig
        .harness
        .get_by_role_and_label(Role::Link, "שלוש ארבע")
        .rect();
    let line = rect(&rig, "אחת שתיים שלוש ארבע חמש");
    assert!(link.width() > 10.0 && line.contains_rect(link), "{link:?}");
    // Two words are to its right, one is to its left, and that is at the right edge too.
    let (left, right) = (link.left() - line.left(), line.right() - link.right());
    assert!(right > 10.0 && left > right, "{link:?} in {line:?}");
    rig.harness.event(Event::PointerMoved(link.center()));
    rig.step();
    rig.pass(Duration::from_secs(1));
    assert!(rig.says("https://example.com/"), "{:?}", rig.texts());
}

#[test]
fn without_a_connection_nothing_is_on_target_and_one_place_tells_why() {
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    assert!(rig.says_part("268 ms, on target"));
    rig.show(|s| {
        s.activity = Activity::Offline;
        s.was_connected = true;
        s.place = "live.example".into();
        s.link = super::rig::down(None, false);
    });
    assert!(rig.says_part("268 ms, not connected") && !rig.says_part("on target"));
    let told = rig.texts();
    let told = told.iter().filter(|text| text.contains("live.example"));
    assert_eq!(told.count(), 1, "{:?}", rig.texts());
}

#[test]
fn the_cells_of_a_table_are_on_the_side_that_it_asks_for() {
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    let table = "| left | middle | right |\n| --- | :-: | --: |\n| a long cell | another long cell | a third long cell |\n| aa | bb | cc |";
    rig.show(|s| s.captions = only(table));
    rig.step();
    let at = |words: &str| {
        let texts = super::room::texts(&rig);
        texts
            .iter()
            .find(|drawn| drawn.text == words)
            .expect(words)
            .rect
    };
    let close = |a: f32, b: f32| (a - b).abs() < 1.5;
    assert!(close(at("aa").left(), at("a long cell").left()));
    assert!(close(
        at("bb").center().x,
        at("another long cell").center().x
    ));
    assert!(close(at("cc").right(), at("a third long cell").right()));
}

#[test]
fn the_button_below_the_users_words_ends_with_the_column() {
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    rig.show(|s| s.captions = said([caption(Speaker::User, "What is tea?")]));
    rig.step();
    let (button, field) = (rect(&rig, "Change what I said"), rect(&rig, "Send"));
    assert!(
        (button.right() - field.right()).abs() < 8.0,
        "{button:?} {field:?}"
    );
}

/// A system without any font.
struct NoFonts;

impl egui::epaint::text::FontProvider for NoFonts {
    fn font_for(
        &self,
        _: &egui::epaint::text::FallbackRequest<'_>,
    ) -> Option<egui::epaint::text::FontInsert> {
        None
    }
}

#[test]
fn a_script_without_a_font_is_named_once_with_what_to_install() {
    let mut rig = Rig::at_level(1, snapshot(), 1_100.0, 720.0);
    without_fonts(&rig);
    let ctx = rig.harness.ctx.clone();
    let fonts = sovereign::ui::SystemFonts::of(NoFonts);
    rig.harness.state_mut().use_fonts(&ctx, fonts);
    rig.show(|s| s.captions = only("Good morning, höchste, лес, \u{2602}"));
    rig.step();
    assert!(!rig.says_part("needs a font"), "{:?}", rig.texts());
    rig.show(|s| s.captions = only("早上好"));
    rig.step();
    let hint =
        "This text needs a font that is not installed (Chinese). Install one such as Noto Sans CJK";
    assert!(rig.says_part(hint), "{:?}", rig.texts());
    rig.click("Dismiss");
    assert!(!rig.says_part("needs a font") && rig.sent().is_empty());
    rig.show(|s| s.captions = only("早上好. صباح الخير"));
    rig.step();
    assert!(!rig.says_part("needs a font"), "once a run");
}
