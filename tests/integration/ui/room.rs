//! What is drawn where: how much of a small window the conversation has, and that no text is cut off or lies over another.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::{Event, Key, Modifiers, Rect, Shape, ViewportCommand, ViewportId, WindowLevel};
use egui_kittest::kittest::Queryable as _;

use sovereign::base::severity::Severity;
use sovereign::base::text::{Locale, within};
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Activity, AutoView, Snapshot};
use sovereign::settings::config::{Config, WelcomeStep, Window, WindowFrame};

use super::kept::many;
use super::rig::{Rig, down, notice, snapshot};

/// A text of the last frame.
pub(crate) struct DrawnText {
    pub(crate) text: String,
    /// Its letters, and the part of the window that they may be drawn in.
    pub(crate) rect: Rect,
    pub(crate) clip: Rect,
}

/// All that can be seen a part of.
pub(crate) fn texts(rig: &Rig) -> Vec<DrawnText> {
    fn collect(shape: &Shape, clip: Rect, out: &mut Vec<DrawnText>) {
        if let Shape::Vec(shapes) = shape {
            shapes.iter().for_each(|shape| collect(shape, clip, out));
        } else if let Shape::Text(text) = shape
            && text.opacity_factor > 0.0
        {
            out.push(DrawnText {
                text: text.galley.text().to_owned(),
                // Of the letters: a text that goes on in a row has that row's start in its rectangle.
                rect: (text.galley.mesh_bounds.intersect(text.galley.rect))
                    .translate(text.pos.to_vec2()),
                clip,
            });
        } else if let Shape::Rect(over) = shape
            && over.fill.a() == 255
        {
            // What lies over texts hides them: they are not over each other.
            let over = over.rect.intersect(clip);
            out.retain(|drawn| !over.intersects(drawn.rect.intersect(drawn.clip)));
        }
    }
    let mut out = Vec::new();
    for clipped in &rig.harness.output().shapes {
        collect(&clipped.shape, clipped.clip_rect, &mut out);
    }
    out.retain(|drawn| drawn.rect.intersect(drawn.clip).is_positive());
    out
}

/// What is wrong with the room that texts have: cut at a side, or over another.
pub(crate) fn faults(rig: &Rig) -> Vec<String> {
    let texts = texts(rig);
    let mut faults = Vec::new();
    for (nth, one) in texts.iter().enumerate() {
        // What scrolls is cut above and below, but not at its sides.
        if one.rect.left() < one.clip.left() - 1.0 || one.rect.right() > one.clip.right() + 1.0 {
            faults.push(format!(
                "{:?} is cut: {:?} of {:?}",
                one.text, one.rect, one.clip
            ));
        }
        let seen = one.rect.intersect(one.clip);
        for other in &texts[nth + 1..] {
            let both = seen.intersect(other.rect.intersect(other.clip));
            if both.width() > 1.5 && both.height() > 3.0 {
                faults.push(format!(
                    "{:?} and {:?} overlap: {both:?}",
                    one.text, other.text
                ));
            }
        }
    }
    faults
}

/// The window of so many pixels at a zoom, with the overlay, in a long conversation.
fn small(size: (f32, f32), zoom_percent: u32) -> Rig {
    let window = Window {
        panel: 1,
        welcome: WelcomeStep::Done,
        frame: WindowFrame {
            zoom_percent,
            ..WindowFrame::default()
        },
        ..Config::default().window
    };
    let mut shown = snapshot();
    shown.captions = many(40);
    let mut rig = Rig::looking(window, shown, size.0, size.1, 64);
    rig.step();
    rig
}

/// The share of the window's height in which words of the conversation are seen.
fn share(rig: &Rig) -> f32 {
    let texts = texts(rig);
    let window = rig.harness.ctx.content_rect();
    let words = texts
        .iter()
        .find(|drawn| drawn.text.starts_with("sentence"));
    let clip = words.expect("the conversation is seen").clip;
    clip.intersect(window).height() / window.height()
}

const SMALL: [((f32, f32), u32); 5] = [
    ((640.0, 480.0), 100),
    ((1_100.0, 720.0), 150),
    ((1_100.0, 720.0), 200),
    ((640.0, 480.0), 150),
    ((640.0, 480.0), 200),
];

const LANGUAGES: [Locale; 2] = [Locale::English, Locale::German];

#[test]
fn the_conversation_has_nearly_half_of_a_small_window() {
    let mut found = String::new();
    for language in LANGUAGES {
        // In the last one all of the page scrolls.
        for (size, zoom) in &SMALL[..4] {
            let (size, zoom) = (*size, *zoom);
            within(language, || {
                let mut rig = small(size, zoom);
                // In the smallest, all of it scrolls.
                rig.harness.get_by_label("sentence 39.").scroll_to_me();
                rig.step();
                rig.step();
                let share = share(&rig);
                if share < 0.45 {
                    found += &format!("{share:.2} at {size:?}, {zoom} %, {language:?}\n");
                }
            });
        }
    }
    assert!(found.is_empty(), "{found}");
}

/// What may stand beside the conversation: name, and what makes it so.
type State = (&'static str, fn(&mut Snapshot));

const STATES: [State; 6] = [
    ("no connection", |s| {
        s.activity = Activity::Reconnecting;
        s.was_connected = true;
        s.place = "generativelanguage.googleapis.com".into();
        s.link = down(None, false);
    }),
    ("a refused key", |s| {
        s.activity = Activity::Offline;
        s.link = down(None, true);
    }),
    ("the demo", |s| (s.demo, s.key) = (true, None)),
    ("a long note", |s| {
        let long = "The conversation is not kept: the disk is full, or the folder cannot be written to by you.";
        s.notices = Arc::from([notice(1, Severity::Error, long, true)]);
    }),
    ("notes that go", |s| {
        s.notices = Arc::from([
            notice(
                1,
                Severity::Info,
                "The sound goes to Built-in speakers now.",
                false,
            ),
            notice(
                2,
                Severity::Warning,
                &"Something was late. ".repeat(8),
                false,
            ),
        ]);
    }),
    ("a choice of its own", |s| {
        s.auto = Some(AutoView {
            uses: "Balanced".into(),
            why: "Balanced: responses take about 277 ms, with High quality 319 (wanted: 300)."
                .into(),
            changes: 2,
            power_saving: true,
        });
    }),
];

#[test]
fn what_stands_beside_the_conversation_leaves_it_its_room() {
    let mut found = Vec::new();
    for language in LANGUAGES {
        for (size, zoom) in SMALL {
            for (name, change) in STATES {
                within(language, || {
                    let mut rig = small(size, zoom);
                    rig.show(change);
                    rig.pass(Duration::from_millis(100));
                    let place = format!("{name} at {size:?}, {zoom} %, {language:?}");
                    if size.0 / zoom as f32 >= 6.4 && share(&rig) < 0.45 {
                        found.push(format!("{place}: {:.2}", share(&rig)));
                    }
                    found.extend(faults(&rig).iter().map(|fault| format!("{place}: {fault}")));
                });
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn what_finds_no_room_in_a_low_window_is_a_press_away() {
    let mut rig = small((640.0, 480.0), 100);
    assert!(!rig.says("Ultra-fast") && !rig.says_part("Esc or Space interrupts"));
    rig.click("Profile: Balanced");
    rig.click("Ultra-fast");
    assert!(matches!(&rig.sent()[..], [Command::UseProfile(name)] if name == "ultra-fast"));
    rig.click("More about the conversation");
    assert!(
        rig.says_part("Esc or Space interrupts"),
        "{:?}",
        rig.texts()
    );
    rig.harness.key_press(Key::Escape);
    rig.step();
    rig.show(|s| {
        s.notices = Arc::from([
            notice(1, Severity::Error, &"It is not kept. ".repeat(9), true),
            notice(2, Severity::Error, "The newest.", true),
            notice(3, Severity::Info, "Switched.", false),
            notice(4, Severity::Info, "Something was late.", false),
        ]);
    });
    rig.step();
    assert!(rig.says_part("The newest.") && !rig.says_part("It is not kept."));
    assert!(!rig.says("Switched."));
    let more: Vec<_> = rig.harness.query_all_by_label("1 more").collect();
    assert_eq!(more.len(), 2, "of what stands, and of what goes");
    more[0].click();
    more[1].click();
    rig.step();
    rig.step();
    assert!(rig.says("Switched.") && rig.says_part("It is not kept."));
    rig.click("Show one only");
    assert!(!rig.says_part("It is not kept."));
    // A long one alone ends before its sentence.
    rig.show(|s| s.notices = Arc::from([s.notices[0].clone()]));
    rig.step();
    rig.click("More");
    let texts = texts(&rig);
    let told = texts
        .iter()
        .find(|drawn| drawn.text.starts_with("It is not kept."));
    let told = told.expect("it is told").rect;
    assert!(told.height() > 24.0, "more than a line: {told:?}");
    rig.click("Show less");
}

/// What the last frame asks of the window that concerns its place before others and its size.
fn asked(rig: &Rig) -> Vec<ViewportCommand> {
    let output = &rig.harness.output().viewport_output[&ViewportId::ROOT];
    let asked = output.commands.iter().filter(|command| {
        matches!(
            command,
            ViewportCommand::WindowLevel(_) | ViewportCommand::InnerSize(_)
        )
    });
    asked.cloned().collect()
}

/// One frame with the press of a key.
fn press_with_ctrl(rig: &mut Rig, key: Key) {
    rig.harness.event(Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::COMMAND,
    });
    rig.harness.step();
}

#[test]
fn the_small_window_is_in_front_and_a_page_brings_the_whole_one_back() {
    let mut found = Vec::new();
    for language in LANGUAGES {
        within(language, || {
            let mut rig = small((1_100.0, 720.0), 100);
            let before = rig.harness.ctx.content_rect().size();
            press_with_ctrl(&mut rig, Key::T);
            let [size @ ViewportCommand::InnerSize(small), front] = &asked(&rig)[..] else {
                panic!("{:?}", asked(&rig));
            };
            assert_eq!(
                *front,
                ViewportCommand::WindowLevel(WindowLevel::AlwaysOnTop)
            );
            assert!(small.x < 400.0 && small.y < 300.0, "{size:?}");
            let small = *small;
            rig.harness.set_size(small);
            rig.step();
            assert!(rig.says("sentence 39."), "{:?}", rig.texts());
            found.extend(faults(&rig));
            for (_, change) in STATES {
                rig.show(change);
                found.extend(faults(&rig));
            }
            press_with_ctrl(&mut rig, Key::Comma);
            let back = [
                ViewportCommand::WindowLevel(WindowLevel::Normal),
                ViewportCommand::InnerSize(before),
            ];
            assert_eq!(asked(&rig), back);
        });
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
