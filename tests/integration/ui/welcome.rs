//! The set-up at the first start: its steps, the ways on and out, and that it goes on where it was left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::{self, Key};
use egui_kittest::kittest::Queryable as _;

use sovereign::audio::DeviceChoice;
use sovereign::base::ids::TurnId;
use sovereign::base::keys::Value;
use sovereign::base::severity::Severity;
use sovereign::base::units::Dbfs;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Activity, Link, RepeatView, Snapshot, Speaker};
use sovereign::settings::config::WelcomeStep;

use super::rig::{Rig, caption, down, notice, snapshot};

const STEPS: [WelcomeStep; 5] = [
    WelcomeStep::Welcome,
    WelcomeStep::Microphone,
    WelcomeStep::Speaker,
    WelcomeStep::Connect,
    WelcomeStep::Try,
];

/// The demo, as it is when it has greeted.
pub(crate) fn demo() -> Snapshot {
    let greeting = "Hello, I am the demo.";
    Snapshot {
        demo: true,
        key: None,
        captions: Arc::from([Arc::new(caption(Speaker::Assistant, greeting))]),
        repeat: RepeatView {
            turn: Some(TurnId(1)),
            hindrance: None,
        },
        ..snapshot()
    }
}

fn at(step: WelcomeStep) -> Rig {
    let mut rig = Rig::at_step(step, demo(), 1100.0, 720.0);
    assert_eq!(kept(&mut rig), [step.max(WelcomeStep::Welcome)]);
    rig
}

/// The steps that were written into the configuration since the last look.
fn kept(rig: &mut Rig) -> Vec<WelcomeStep> {
    let sent = rig.sent().into_iter();
    sent.map(|command| {
        let Command::SetConfig("window.welcome", Some(Value::Text(word))) = command else {
            panic!("{command:?}");
        };
        let step = WelcomeStep::ALL.iter().find(|step| step.word() == word);
        *step.expect("the window writes what it can read")
    })
    .collect()
}

fn press_enter(rig: &mut Rig) {
    rig.harness.key_press(Key::Enter);
    rig.step();
    rig.step();
}

#[test]
fn enter_alone_leads_through_all_steps() {
    let mut rig = at(WelcomeStep::New);
    assert!(rig.says("Step 1 of 5: Welcome") && rig.says("Talk with Gemini"));
    assert!(rig.says_part("Nothing leaves this computer until you enter a key."));
    assert!(rig.says("Gemini: Hello, I am the demo."));
    assert!(
        !rig.says("Balanced") && !rig.says_part("Your conversation will appear here"),
        "{:?}",
        rig.texts()
    );
    press_enter(&mut rig);
    assert!(rig.says("Step 2 of 5: Microphone") && rig.says("Say something"));
    press_enter(&mut rig);
    assert!(rig.says("Step 3 of 5: Speaker") && rig.says("Can you hear it?"));
    press_enter(&mut rig);
    assert!(rig.says("Step 4 of 5: Connect to Gemini") && rig.says("Your key for Gemini"));
    assert_eq!(
        kept(&mut rig),
        [
            WelcomeStep::Microphone,
            WelcomeStep::Speaker,
            WelcomeStep::Connect
        ]
    );
    // Here the field for the key has the focus, and an empty key is none.
    press_enter(&mut rig);
    assert!(rig.sent().is_empty());
    rig.click("Skip");
    assert!(rig.says("Step 5 of 5: Try it") && rig.says("Hold to talk"));
    press_enter(&mut rig);
    assert_eq!(kept(&mut rig), [WelcomeStep::Try, WelcomeStep::Done]);
    assert!(rig.says("Balanced") && rig.says("This is the demo"));
}

#[test]
fn every_step_can_be_skipped_gone_back_from_and_left_for_good() {
    let steps = [
        WelcomeStep::Welcome,
        WelcomeStep::Microphone,
        WelcomeStep::Speaker,
        WelcomeStep::Connect,
        WelcomeStep::Try,
    ];
    for pair in steps.windows(2) {
        let mut rig = at(pair[0]);
        rig.click("Skip");
        assert_eq!(kept(&mut rig), [pair[1]]);
        rig.click("Back");
        assert_eq!(kept(&mut rig), [pair[0]]);
        rig.click("Skip all, use without a key");
        assert_eq!(kept(&mut rig), [WelcomeStep::Done]);
        assert!(rig.says("This is the demo"), "{:?}", rig.texts());
    }
    let mut rig = at(WelcomeStep::Try);
    for before in [3, 2, 1, 0] {
        rig.harness.key_press(Key::Escape);
        rig.step();
        assert_eq!(kept(&mut rig), [steps[before]]);
    }
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(rig.sent().is_empty() && rig.says("Talk with Gemini"));
    rig.show(|s| s.activity = Activity::Answering);
    rig.harness.key_press(Key::Escape);
    rig.step();
    assert!(matches!(rig.sent()[..], [Command::StopReply]));
}

#[test]
fn a_skipped_step_is_not_marked_as_done() {
    let mut rig = at(WelcomeStep::Welcome);
    rig.click("Set up");
    rig.click("Skip");
    assert!(rig.says("Welcome: done"), "{:?}", rig.texts());
    assert!(rig.says("Microphone: skipped") && !rig.says("Microphone: done"));
    let mark = |rig: &Rig, name: &str| {
        let rect = rig.harness.get_by_label(name).rect();
        let picture = rig.picture();
        let (left, top) = (rect.left() as u32, rect.top() as u32);
        let place = (left..left + 22).flat_map(|x| (top..top + 22).map(move |y| (x, y)));
        place
            .map(|(x, y)| picture.get_pixel(x, y).0)
            .collect::<Vec<_>>()
    };
    assert_ne!(
        mark(&rig, "Welcome: done"),
        mark(&rig, "Microphone: skipped")
    );
    // Done after all.
    rig.click("Back");
    assert!(!rig.says("Microphone: skipped"), "it is being done");
    rig.click("Next");
    assert!(rig.says("Microphone: done") && !rig.says("Microphone: skipped"));
    // What an earlier run did is not known.
    let rig = at(WelcomeStep::Speaker);
    assert!(!rig.says("Welcome: done") && !rig.says("Welcome: skipped"));
}

#[test]
fn a_step_that_was_reached_is_gone_on_with_and_done_is_done() {
    let rig = at(WelcomeStep::Speaker);
    assert!(rig.says("Step 3 of 5: Speaker"));
    let mut rig = Rig::at_step(WelcomeStep::Done, demo(), 1100.0, 720.0);
    assert!(rig.sent().is_empty() && rig.says("This is the demo"));
}

#[test]
fn the_microphone_is_chosen_and_heard() {
    let mut rig = at(WelcomeStep::Microphone);
    assert!(
        rig.says_part("you hear it back as the microphone heard it. Nothing leaves this computer.")
    );
    assert!(rig.says("Speak whenever you like") && rig.says_part("mute switch"));
    for level in [-70.0, -20.0] {
        assert!(!rig.says("We hear you"), "{level}");
        rig.counters.input_level.set(Dbfs(level));
        for _ in 0..8 {
            rig.pass(Duration::from_millis(100));
        }
    }
    assert!(rig.says("We hear you") && !rig.says_part("mute switch"));
    rig.click("Headset microphone");
    assert!(matches!(&rig.sent()[..], [Command::UseInput(DeviceChoice::Id(id))] if id == "mic-2"));
    rig.counters.input_level.set(Dbfs(-70.0));
    rig.show(|s| s.input.choice = DeviceChoice::Id("mic-2".into()));
    assert!(!rig.says("We hear you"), "another one is heard anew");
    rig.show(|s| s.muted = true);
    assert!(rig.says("You are muted: nothing is heard."));
    rig.click("Unmute");
    assert!(matches!(rig.sent()[..], [Command::SetMuted(false)]));
}

#[test]
fn the_speaker_is_tried_and_silence_gets_advice() {
    let mut rig = at(WelcomeStep::Speaker);
    rig.click("Play a sound");
    assert!(matches!(rig.sent()[..], [Command::Repeat]));
    rig.show(|s| s.repeat.hindrance = Some("an answer is playing"));
    rig.click("Play a sound");
    assert!(rig.sent().is_empty(), "not now");
    rig.click("I heard nothing");
    assert!(rig.says_part("Turn up the volume"));
    rig.click("Check the sound");
    assert!(rig.says("Start without speaking"));
    rig.click("Back");
    assert!(rig.says("Step 3 of 5: Speaker"), "{:?}", rig.texts());
    assert!(matches!(rig.sent()[..], [Command::CancelCheck]));
    rig.click("I heard it");
    assert_eq!(kept(&mut rig), [WelcomeStep::Connect]);
}

#[test]
fn the_key_is_checked_where_it_is_entered() {
    let mut rig = at(WelcomeStep::Connect);
    assert!(rig.says_part("Google may charge the account of your key") && rig.says("Prices"));
    assert!(!rig.says("This is the demo"), "it is the way to this page");
    rig.harness.event(egui::Event::Paste("AIzaOne".into()));
    rig.step();
    press_enter(&mut rig);
    assert!(matches!(rig.sent()[..], [Command::SetKey(_)]));
    rig.show(|s| {
        s.demo = false;
        s.key = snapshot().key;
        s.link = down(None, true);
    });
    assert!(rig.says("The key was refused") && !rig.says("Next"));
    rig.show(|s| s.link = down(None, false));
    assert!(rig.says_part("The network cannot be reached. Check the cable."));
    let problem = "The key cannot be kept: the disk is full.";
    rig.show(|s| s.notices = Arc::from([notice(1, Severity::Error, problem, true)]));
    rig.click("1 more");
    assert!(rig.says(problem), "{:?}", rig.texts());
    rig.show(|s| {
        s.notices = Arc::from([]);
        s.link = Link::Connected {
            since: Instant::now(),
            host: "generativelanguage.googleapis.com".into(),
        };
    });
    assert!(rig.says_part("is in use with Google"));
    assert!(
        rig.harness
            .query_by_role_and_label(Role::ComboBox, "Voice")
            .is_some()
    );
    rig.click("Next");
    assert_eq!(kept(&mut rig), [WelcomeStep::Try]);
}

#[test]
fn pages_beside_it_lead_back_to_it_and_the_settings_begin_it_again() {
    let mut rig = at(WelcomeStep::Speaker);
    for key in [Key::H, Key::Comma, Key::D] {
        rig.ctrl(key);
        assert!(!rig.says("Step 3 of 5: Speaker"), "{key:?}");
        rig.ctrl(key);
        assert!(rig.says("Step 3 of 5: Speaker"), "{key:?}");
    }
    let mut rig = Rig::new(snapshot());
    rig.ctrl(Key::Comma);
    rig.click("Set up again");
    assert_eq!(kept(&mut rig), [WelcomeStep::Welcome]);
    assert!(
        rig.says("Step 1 of 5: Welcome") && rig.says_part("Your conversations and settings stay.")
    );
    rig.click("Skip all");
    assert_eq!(kept(&mut rig), [WelcomeStep::Done]);
}

#[test]
fn the_ways_on_and_the_field_for_the_key_are_in_view_at_once() {
    // The last three have one column.
    for (width, height) in [
        (1100.0, 720.0),
        (640.0, 480.0),
        (640.0, 400.0),
        (400.0, 600.0),
        (360.0, 300.0),
    ] {
        for step in STEPS {
            let rig = Rig::at_step(step, demo(), width, height);
            let is_in_view = |name: &str| {
                let rect = rig.harness.get_by_label(name).rect();
                assert!(
                    rect.top() >= 0.0 && rect.bottom() <= height,
                    "{step:?} {name}: {rect:?} in {width}x{height}"
                );
            };
            let on = match step {
                WelcomeStep::Try => "Start",
                WelcomeStep::New
                | WelcomeStep::Welcome
                | WelcomeStep::Microphone
                | WelcomeStep::Speaker
                | WelcomeStep::Connect
                | WelcomeStep::Done => "Skip",
            };
            is_in_view(on);
            if step == WelcomeStep::Connect && height > 700.0 {
                is_in_view("Save and connect");
                let field = rig.harness.get_by_role(Role::PasswordInput).rect();
                assert!(field.bottom() < height / 2.0, "{field:?}");
            }
        }
    }
}

#[test]
fn every_button_is_within_reach_in_small_and_enlarged_windows() {
    for (width, height) in [(640.0, 480.0), (320.0, 240.0)] {
        for step in STEPS {
            let mut rig = Rig::at_step(step, demo(), width, height);
            let names = match step {
                WelcomeStep::Speaker => ["Play a sound", "I heard nothing"],
                WelcomeStep::Try => ["Hold to talk", "Start"],
                WelcomeStep::Connect => ["Save and connect", "Skip"],
                WelcomeStep::New
                | WelcomeStep::Welcome
                | WelcomeStep::Microphone
                | WelcomeStep::Done => ["Skip", "Skip all, use without a key"],
            };
            for name in names {
                rig.harness.get_by_label(name).scroll_to_me();
                rig.step();
                rig.step();
                let rect = rig.harness.get_by_label(name).rect();
                let inside = rect.left() >= 0.0 && rect.right() <= width && rect.bottom() <= height;
                assert!(inside, "{step:?} {name}: {rect:?} in {width}x{height}");
            }
        }
    }
}
