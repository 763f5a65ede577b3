//! What is kept in the window, whole and in its place: long answers, other scripts, names, the words under the pointer.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::{self, Event, PointerButton, Rect, Shape, vec2};
use egui_kittest::kittest::Queryable as _;

use sovereign::audio::{DeviceChoice, Devices};
use sovereign::base::severity::Severity;
use sovereign::conversation::snapshot::{
    Activity, Caption, CaptionEnd, KeyInfo, Notice, Port, ServiceView, Speaker,
};
use sovereign::settings::api_key::KeySource;

use super::rig::{Rig, caption, device, down, latencies, notice, snapshot};

pub(crate) fn only(text: &str) -> Arc<[Arc<Caption>]> {
    Arc::from([Arc::new(caption(Speaker::Assistant, text))])
}

/// Fonts of this machine do not matter.
pub(crate) fn without_fonts(rig: &Rig) {
    let policy = egui::epaint::text::MissingGlyphPolicy::Tofu;
    rig.harness.ctx.set_missing_glyph_policy(policy);
}

pub(crate) fn many(n: usize) -> Arc<[Arc<Caption>]> {
    let one = |i| caption(Speaker::User, &format!("sentence {i}."));
    (0..n).map(|i| Arc::new(one(i))).collect()
}

/// Characters that were drawn in the last frame, and the longest text among them.
pub(crate) fn drawn(rig: &Rig) -> (usize, usize) {
    fn galleys<'a>(shape: &'a Shape, out: &mut Vec<&'a egui::Galley>) {
        if let Shape::Text(text) = shape {
            out.push(&text.galley);
        } else if let Shape::Vec(shapes) = shape {
            shapes.iter().for_each(|shape| galleys(shape, out));
        }
    }
    let mut out = Vec::new();
    for clipped in &rig.harness.output().shapes {
        galleys(&clipped.shape, &mut out);
    }
    let lengths = out.iter().map(|galley| galley.text().len());
    (lengths.clone().sum(), lengths.max().unwrap_or(0))
}

pub(crate) fn copied(rig: &Rig) -> Option<String> {
    let commands = &rig.harness.output().platform_output.commands;
    commands.iter().find_map(|command| {
        if let egui::OutputCommand::CopyText(text) = command {
            Some(text.clone())
        } else {
            None
        }
    })
}

/// Clicks with the other button on what has this label, and takes "Copy".
fn copy_by_menu(rig: &mut Rig, at: egui::Pos2) -> String {
    rig.harness.hover_at(at);
    for pressed in [true, false] {
        rig.harness.event(Event::PointerButton {
            pos: at,
            button: PointerButton::Secondary,
            pressed,
            modifiers: egui::Modifiers::NONE,
        });
        rig.harness.step();
    }
    rig.step();
    rig.harness.get_by_label("Copy").click();
    for _ in 0..3 {
        rig.harness.step();
        if let Some(text) = copied(rig) {
            return text;
        }
    }
    panic!("nothing was copied");
}

#[test]
fn an_answer_of_many_pages_can_be_read_and_copied_to_its_end() {
    let paragraph = "A sentence of a long story that goes on and on. ".repeat(20) + "\n";
    let text = paragraph.repeat(120) + "This is its very end.";
    let mut rig = Rig::new(snapshot());
    rig.show(|s| s.captions = only(&text));
    rig.step();
    assert!(!rig.says_part("more characters"));
    let all: usize = rig
        .texts()
        .iter()
        .filter(|words| words.contains("long story"))
        .map(String::len)
        .sum();
    assert!(all + 120 >= text.len(), "{all} of {}", text.len());
    // The end is in view, and a frame lays out what is in view alone.
    assert!(rig.says_part("This is its very end."));
    let (sum, longest) = drawn(&rig);
    assert!(sum < 40_000 && longest < 10_000, "{sum}, {longest}");
    let end = rig.harness.get_by_label_contains("This is its very end.");
    let rect = end.rect();
    assert!(rect.bottom() < 620.0, "{rect:?}");
    assert_eq!(
        copy_by_menu(&mut rig, rect.left_bottom() + vec2(20.0, -11.0)),
        text
    );
}

#[test]
fn a_long_conversation_costs_no_more_than_what_is_in_view() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| s.captions = many(3_000));
    rig.step();
    let (sum, _) = drawn(&rig);
    assert!(sum < 8_000, "{sum} characters were laid out");
    // Who has it read aloud finds all of it.
    assert!(rig.says_part("sentence 0.") && rig.says("sentence 2999."));
    rig.show(|s| s.captions_dropped = 12);
    assert!(rig.says_part("12 captions were dropped"));
}

#[test]
fn arabic_and_hebrew_are_drawn_from_the_right_and_copied_as_they_were_said() {
    for (text, first, last) in [
        ("صباح الخير يا صديقي", 'ص', 'ي'),
        ("שלום עולם יפה", 'ש', 'ה'),
        ("المدينة Gemini لديها 25 شارعا", 'ا', 'ا'),
    ] {
        let mut rig = Rig::new(snapshot());
        without_fonts(&rig);
        rig.show(|s| s.captions = only(text));
        rig.step();
        assert!(rig.says(text), "read aloud in the order of speech");
        let mut places = Vec::new();
        for clipped in &rig.harness.output().shapes {
            let Shape::Text(shape) = &clipped.shape else {
                continue;
            };
            if shape.galley.text() != text {
                continue;
            }
            let row = &shape.galley.rows[0];
            let right = row.rect().right();
            assert!(
                (shape.galley.size().x - right).abs() < 2.0,
                "{text}: it begins at the right"
            );
            places = row
                .glyphs
                .iter()
                .map(|g| (g.chr, row.pos.x + g.pos.x))
                .collect();
        }
        let place = |wanted: char| {
            let its = places.iter().filter(|(c, _)| *c == wanted).map(|(_, x)| *x);
            its.clone().fold(f32::MIN, f32::max)
        };
        let leftmost = places.iter().map(|(_, x)| *x).fold(f32::MAX, f32::min);
        assert!(place(first) > leftmost + 20.0, "{text}: {places:?}");
        if first != last {
            let lowest = places.iter().filter(|(c, _)| *c == last).map(|(_, x)| *x);
            let lowest = lowest.fold(f32::MAX, f32::min);
            assert!(
                lowest < place(first),
                "{text}: the last letter is left of the first"
            );
        }
        // A Latin name and a number within it read from the left.
        for pair in [('G', 'i'), ('2', '5')] {
            let [a, b] = [pair.0, pair.1].map(|c| places.iter().find(|(chr, _)| *chr == c));
            if let (Some((_, a)), Some((_, b))) = (a, b) {
                assert!(a < b, "{text}: {pair:?} {places:?}");
            }
        }
        let at = rig.harness.get_by_label(text).rect().right_center() - vec2(10.0, 0.0);
        assert_eq!(copy_by_menu(&mut rig, at), text);
    }
}

#[test]
fn what_the_demo_said_stays_the_demos() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        let said = Caption {
            name: "Demo",
            ..caption(Speaker::Assistant, "Your own voice.")
        };
        s.captions = Arc::from([Arc::new(said)]);
    });
    // Gemini answers now.
    assert!(rig.says("Demo") && !rig.says("Gemini"));
    rig.show(|s| s.captions = only("Hello."));
    rig.show(|s| s.demo = true);
    assert!(rig.says("Gemini") && !rig.says("Demo"));
}

#[test]
fn an_answer_is_judged_by_the_target_of_its_time() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        let answer = Caption {
            latencies: Some(latencies(1.0, 150.0, 240.0, 504.0)),
            target: Some(Duration::from_millis(300)),
            ..caption(Speaker::Assistant, "It was planted around 1890.")
        };
        s.captions = Arc::from([Arc::new(answer)]);
    });
    assert!(rig.says("this computer took 241"), "over 300 ms");
    rig.show(|s| s.chosen = 2);
    assert!(
        rig.says("this computer took 241"),
        "with another profile it still was"
    );
}

fn note(id: u64, text: &str) -> Notice {
    notice(id, Severity::Warning, text, true)
}

#[test]
fn a_banner_that_comes_does_not_move_the_words_that_are_read() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| s.captions = many(60));
    rig.step();
    let place = |rig: &Rig, label: &str| rig.harness.get_by_label(label).rect();
    let newest = place(&rig, "sentence 59.");
    rig.show(|s| s.notices = Arc::from([note(1, "this computer is busy.")]));
    rig.step();
    assert!(rig.says("This computer is busy."), "as a sentence begins");
    assert!((place(&rig, "sentence 59.").top() - newest.top()).abs() < 1.0);
    rig.show(|s| s.notices = Arc::from([]));
    // The same for who has scrolled up.
    rig.harness.hover_at(newest.center());
    for _ in 0..12 {
        rig.harness.event(Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta: vec2(0.0, 60.0),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
            modifiers: egui::Modifiers::NONE,
        });
        rig.step();
    }
    for _ in 0..20 {
        rig.step();
    }
    let seen = (0..60)
        .map(|i| format!("sentence {i}."))
        .find(|label| {
            let top = rig
                .harness
                .query_by_label(label)
                .map(|node| node.rect().top());
            top.is_some_and(|top| (250.0..350.0).contains(&top))
        })
        .expect("something is in the middle");
    assert_ne!(seen, "sentence 59.");
    let before = place(&rig, &seen);
    rig.show(|s| s.notices = Arc::from([note(2, "Another one."), note(3, "And one more.")]));
    rig.step();
    assert!((place(&rig, &seen).top() - before.top()).abs() < 1.0);
}

#[test]
fn while_words_are_marked_no_banner_comes() {
    let mut rig = Rig::new(snapshot());
    let rect = rig
        .harness
        .get_by_label("What is the tallest tree in Europe?")
        .rect();
    rig.harness.hover_at(rect.center());
    rig.harness.drag_at(rect.center());
    rig.step();
    rig.show(|s| s.notices = Arc::from([note(1, "This computer is busy.")]));
    assert!(!rig.says("This computer is busy."));
    assert_eq!(
        rig.harness
            .get_by_label("What is the tallest tree in Europe?")
            .rect(),
        rect
    );
    rig.harness.drop_at(rect.center());
    rig.step();
    rig.step();
    assert!(rig.says("This computer is busy."));
}

#[test]
fn nothing_lies_under_a_scroll_bar_and_more_is_in_sight_of() {
    let mut crowded = snapshot();
    crowded.devices = Arc::new(Devices {
        host: "PulseAudio".into(),
        inputs: (0..9)
            .map(|i| device(&format!("m{i}"), &format!("Microphone {i}"), i == 0))
            .collect(),
        outputs: vec![device("out-1", "Built-in speakers", true)],
    });
    crowded.echo.why = "the microphone does not hear the reply at all today: not needed".into();
    for (width, height) in [(1_100.0, 720.0), (640.0, 480.0), (400.0, 600.0)] {
        let mut rig = Rig::sized(crowded.clone(), width, height);
        rig.click("Sound");
        rig.step();
        rig.step();
        let rect = |rig: &Rig, label: &str| rig.harness.get_by_label(label).rect();
        let row = rect(&rig, "Microphone 3");
        for label in ["Speech opens the microphone", "VOLUME", "0 ms", "80 %"] {
            let rect = rect(&rig, label);
            assert!(
                rect.right() <= row.right() + 0.5,
                "{label} at {rect:?}, {row:?}"
            );
        }
        assert!(row.width() <= 310.5, "the bar has room of its own: {row:?}");
        let why = rect(
            &rig,
            "the microphone does not hear the reply at all today: not needed",
        );
        assert!(
            why.right() <= row.right() + 0.5 && why.height() > 20.0,
            "{why:?}"
        );
    }
}

#[test]
fn a_page_begins_at_its_top_and_ends_before_the_edge() {
    for (size, zoom) in [((400.0, 600.0), 1.0), ((1_100.0, 720.0), 2.0)] {
        let mut rig = Rig::sized(snapshot(), size.0, size.1);
        rig.harness.ctx.set_zoom_factor(zoom);
        rig.step();
        rig.harness.get_by_label("Details").scroll_to_me();
        rig.step();
        rig.step();
        rig.ctrl(egui::Key::D);
        assert!(rig.says("Problems and fixes"), "{:?}", rig.texts());
        let head = rig.harness.get_by_label("Problems and fixes").rect();
        assert!(
            head.top() >= 0.0 && head.bottom() < size.1 / zoom,
            "{head:?}"
        );
        let edge = size.0 / zoom;
        for label in ["History", "Now"] {
            let rect = rig.harness.get_by_label(label).rect();
            assert!(rect.right() < edge - 12.0, "{label} {rect:?}");
        }
        rig.harness.get_by_label("Back").hover();
        rig.pass(Duration::from_secs(1));
        rig.step();
        let tip = rig
            .harness
            .get_by_label("To the conversation (Esc, Ctrl D)")
            .rect();
        let window = Rect::from_min_size(egui::Pos2::ZERO, vec2(size.0, size.1) / zoom);
        assert!(
            window.expand(0.5).contains_rect(tip),
            "{tip:?} in {window:?}"
        );
    }
}

#[test]
fn without_a_microphone_nobody_is_told_to_speak() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        s.activity = Activity::NoMicrophone;
        s.input = Port::default();
        s.barge_in = (false, "no microphone: Esc stops a reply".into());
    });
    assert!(rig.says("No microphone") && rig.says("no microphone: no audio leaves this computer"));
    for words in [
        "Speak whenever you like",
        "Listening",
        "narrowband",
        "WAV files",
    ] {
        assert!(!rig.says_part(words), "{words}");
    }
    rig.show(|s| s.activity = Activity::Answering);
    assert!(rig.says("Press Esc to stop the reply") && !rig.says_part("Speak to interrupt"));
    rig.show(|s| {
        s.link = down(None, false);
        s.activity = Activity::Offline;
    });
    assert!(rig.says("no audio leaves this computer"));
}

#[test]
fn an_open_caption_without_words_says_what_it_waits_for() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        let empty = Caption {
            open: true,
            ..caption(Speaker::User, "")
        };
        s.captions = Arc::from([Arc::new(empty)]);
        s.link = down(None, false);
    });
    assert!(rig.says_part("sent as soon as there is a connection"));
}

#[test]
fn a_question_whose_connection_broke_says_that_it_is_sent_again_and_a_broken_answer_that_it_is_asked_for_again()
 {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        let asked = Caption {
            open: true,
            ..caption(Speaker::User, "How tall is it?")
        };
        s.captions = Arc::from([Arc::new(asked)]);
        s.link = down(None, false);
        s.activity = Activity::Thinking;
    });
    assert!(rig.says("How tall is it? — sent again as soon as there is a connection"));
    rig.show(|s| {
        let broken = Caption {
            end: CaptionEnd::CutOff,
            ..caption(Speaker::Assistant, "It is seventy-two")
        };
        s.captions = Arc::from([Arc::new(broken)]);
    });
    assert!(rig.says("It is seventy-two — cut off, asked for again"));
}

#[test]
fn the_key_page_has_one_state() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        s.key = Some(KeyInfo {
            source: KeySource::Environment("GEMINI_API_KEY"),
            ending: String::new(),
        });
        s.link = down(None, true);
        s.service = ServiceView {
            host: "gate.example".into(),
            is_own: true,
            gets_key: true,
            key_host: None,
        };
    });
    rig.open_key();
    assert!(rig.says("The key was refused"));
    assert!(
        rig.says_part("GEMINI_API_KEY was not taken by gate.example"),
        "{:?}",
        rig.texts()
    );
    for words in ["in use", "Google alone", "ends in", "Remove key"] {
        assert!(!rig.says_part(words), "{words}");
    }
}

#[test]
fn every_size_and_scale_is_drawn() {
    for (width, height) in [
        (1.0, 1.0),
        (20.0, 900.0),
        (900.0, 20.0),
        (360.0, 300.0),
        (7_680.0, 4_320.0),
    ] {
        for zoom in [0.5, 1.0, 2.0, 4.0] {
            let mut rig = Rig::sized(snapshot(), width, height);
            without_fonts(&rig);
            rig.harness.ctx.set_zoom_factor(zoom);
            for page in ["talk", "key", "figures"] {
                match page {
                    "key" => rig.ctrl(egui::Key::D),
                    _ => rig.step(),
                }
                rig.show(|s| s.captions = only(&"words שלום ".repeat(200)));
            }
        }
    }
}

#[test]
fn many_devices_with_strange_names_are_listed() {
    let long = "x".repeat(10 << 10);
    let names = [
        "same name".to_owned(),
        "same name".into(),
        long.clone(),
        String::from_utf8_lossy(b"\xff\xfe mic").into_owned(),
        "מיקרופון כחול".into(),
        "\u{1b}[31mred\u{202e}".into(),
        String::new(),
    ];
    let devices = |kind: &str| -> Vec<_> {
        let name = |i: usize| names[i % names.len()].clone();
        (0..100)
            .map(|i| device(&format!("{kind}-{i}"), &name(i), i == 2))
            .collect()
    };
    for (width, height) in [(1_100.0, 720.0), (400.0, 300.0)] {
        let mut crowded = snapshot();
        crowded.devices = Arc::new(Devices {
            host: long.clone(),
            inputs: devices("in"),
            outputs: devices("out"),
        });
        crowded.input = Port {
            choice: DeviceChoice::Id("in-99".into()),
            stream: None,
            trouble: Some(long.clone()),
        };
        let mut rig = Rig::sized(snapshot(), width, height);
        without_fonts(&rig);
        rig.show(|s| *s = crowded);
        rig.click("Sound");
        rig.step();
        assert!(rig.says_part("מיקרופון כחול"), "named as it is called");
        assert!(!rig.whole_tree().contains('\u{202e}'));
    }
}
