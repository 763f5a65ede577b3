//! The window without OpenGL: what changed is painted over the last frame, and nothing is left of that frame.

use std::time::Duration;

use eframe::egui::{
    Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, PointerButton, Pos2, TouchPhase, vec2,
};

use egui_kittest::kittest::Queryable as _;
use sovereign::base::severity::Severity;
use sovereign::base::units::Dbfs;
use sovereign::conversation::snapshot::{Activity, Speaker};
use sovereign::settings::config::{Config, Theme, WelcomeStep, Window, WindowFrame};

use super::rig::{Rig, caption, conversation, notice};
use super::settings::shown;

/// A window with both sides of a conversation.
fn talking(zoom_percent: u32, theme: Theme) -> Rig {
    let window = Window {
        theme,
        welcome: WelcomeStep::Done,
        frame: WindowFrame {
            zoom_percent,
            ..WindowFrame::default()
        },
        ..Config::default().window
    };
    let mut rig = Rig::looking(window, shown(), 900.0, 640.0, 64);
    rig.show(|s| s.captions = conversation());
    rig
}

fn point_at(rig: &mut Rig, place: Pos2) {
    rig.harness.event(Event::PointerMoved(place));
    rig.step();
}

/// Where the words of the conversation are.
fn among_words(rig: &Rig) -> Pos2 {
    rig.harness.ctx.content_rect().center() - vec2(0.0, 60.0)
}

/// What happens, and how.
type Step = (&'static str, fn(&mut Rig));

/// What a user and a conversation do to a window, one after the other.
const STEPS: [Step; 16] = [
    ("a level", |rig| {
        rig.counters.input_level.set(Dbfs(-20.0));
        rig.pass(Duration::from_millis(100));
    }),
    ("the user speaks", |rig| {
        rig.show(|s| s.activity = Activity::UserSpeaks);
    }),
    ("a longer answer", |rig| {
        rig.show(|s| {
            let more = caption(Speaker::Assistant, &"More words come. ".repeat(40));
            s.captions = s.captions.iter().cloned().chain([more.into()]).collect();
        });
    }),
    ("a notice", |rig| {
        let text = "The connection was lost.";
        rig.show(|s| s.notices = [notice(1, Severity::Error, text, true)].into());
    }),
    ("the notice is gone", |rig| {
        rig.show(|s| s.notices = [].into());
    }),
    ("the pointer on a button", |rig| {
        let button = rig.harness.get_by_label("Sound").rect();
        point_at(rig, button.center());
    }),
    ("its tooltip", |rig| rig.harness.run_steps(60)),
    ("the pointer elsewhere", |rig| {
        let place = among_words(rig);
        point_at(rig, place);
    }),
    ("scrolled up", |rig| {
        let delta = vec2(0.0, 60.0);
        rig.harness.event(Event::MouseWheel {
            unit: MouseWheelUnit::Point,
            delta,
            modifiers: Modifiers::NONE,
            phase: TouchPhase::Move,
            source: MouseWheelSource::Unknown,
        });
        rig.step();
    }),
    ("a page", |rig| rig.ctrl(Key::Comma)),
    ("words in a field", |rig| {
        rig.ctrl(Key::F);
        rig.harness.event(Event::Text("mute".into()));
        rig.step();
    }),
    ("back", |rig| {
        rig.harness.key_press(Key::Escape);
        rig.step();
        rig.harness.key_press(Key::Escape);
        rig.step();
    }),
    ("a menu", |rig| rig.click("Sound")),
    ("the menu is gone", |rig| {
        rig.harness.key_press(Key::Escape);
        rig.step();
    }),
    ("words marked", |rig| {
        let place = among_words(rig);
        let press = |pressed| Event::PointerButton {
            pos: place,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        rig.harness.event(press(true));
        point_at(rig, place + vec2(120.0, 40.0));
        rig.harness.event(press(false));
        rig.step();
    }),
    ("no connection", |rig| {
        rig.show(|s| s.link = super::rig::down(None, false));
    }),
];

#[test]
fn what_changed_is_painted_over_as_if_all_were_painted_anew() {
    for (zoom, theme) in [(100, Theme::Dark), (150, Theme::Light), (90, Theme::Dark)] {
        let mut rig = talking(zoom, theme);
        let mut before = rig.picture();
        let mut changes = 0;
        for (what, step) in STEPS {
            step(&mut rig);
            let now = rig.picture();
            let whole = rig.whole_picture();
            assert!(
                now == whole,
                "{what} at {zoom} %: something of an earlier frame is left, or something is missing"
            );
            changes += usize::from(now != before);
            before = now;
        }
        assert!(
            changes >= STEPS.len() - 3,
            "{changes} steps changed what is seen"
        );
    }
}

#[test]
fn a_frame_paints_what_has_changed_and_no_more() {
    let mut rig = talking(100, Theme::Dark);
    rig.harness.remove_cursor();
    rig.step();
    rig.picture();
    assert_eq!(rig.repainted(), 0.0, "nothing has changed");
    rig.show(|s| s.activity = Activity::UserSpeaks);
    let state = rig.repainted();
    assert!(
        state > 0.0 && state < 0.4,
        "{state} of the window for a state"
    );
    // The mark of the highest level appears with the first.
    for level in [-25.0, -20.0] {
        rig.counters.input_level.set(Dbfs(level));
        rig.pass(Duration::from_millis(100));
        rig.repainted();
    }
    rig.counters.input_level.set(Dbfs(-15.0));
    rig.pass(Duration::from_millis(100));
    let level = rig.repainted();
    assert!(
        level > 0.0 && level < 0.03,
        "{level} of the window for a level"
    );
    rig.ctrl(Key::Comma);
    assert!(rig.repainted() > 0.5, "another page");
}
