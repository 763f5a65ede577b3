//! How the microphone is opened, what is done about echo, hearing it again, and the sound check: by label and by key.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::accesskit::{Live, Role};
use eframe::egui::{Key, Rect, pos2, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use sovereign::base::ids::TurnId;
use sovereign::base::units::SampleRate;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{
    Activity, CheckLine, CheckStatus, CheckStep, CheckView, EchoView, RepeatView, Snapshot,
};
use sovereign::profile::EchoCancellation;
use sovereign::settings::config::TalkKey;
use sovereign::turn::early::EarlyClose;

use super::rig::{Rig, ms, sets, snapshot};

/// Every size that a window may have here, and whether it is light.
const LOOKS: [((f32, f32), bool); 4] = [
    ((1100.0, 720.0), false),
    ((1100.0, 720.0), true),
    ((640.0, 480.0), false),
    ((360.0, 300.0), true),
];

fn open_sound(change: impl FnOnce(&mut Snapshot)) -> Rig {
    let mut shown = snapshot();
    change(&mut shown);
    let mut rig = Rig::new(shown);
    rig.click("Sound");
    rig.step();
    rig
}

#[test]
fn what_the_talk_key_does_is_chosen_and_said() {
    let mut rig = open_sound(|_| {});
    rig.click("Talk key: tap");
    assert!(sets(&rig.sent(), "talk_key", &TalkKey::Tap));
    rig.harness.key_press(Key::Escape);
    rig.show(|s| s.talk.key = TalkKey::Tap);
    rig.harness.get_by_label("Tap to talk");
    rig.show(|s| s.activity = Activity::Held);
    rig.harness.get_by_label("Tap to end");
    assert!(rig.says("Recording…"));
    assert!(rig.says("Speak, and press Space when you are done"));
    rig.show(|s| s.talk.closing = true);
    assert!(rig.says("Finishing…"));
    rig.show(|s| s.talk.key = TalkKey::Hold);
    rig.harness.get_by_label("Hold to talk");
}

#[test]
fn the_delay_after_the_key_is_set_by_keyboard() {
    let mut rig = open_sound(|s| s.talk.release_delay = ms(300.0));
    assert!(rig.says("300 ms"), "{:?}", rig.texts());
    rig.harness
        .get_by_role_and_label(Role::Slider, "It closes after")
        .focus();
    rig.step();
    rig.harness.key_press(Key::ArrowRight);
    rig.step();
    let sent = rig.sent();
    assert!(
        sets(&sent, "release_delay_ms", &Duration::from_millis(350)),
        "{sent:?}"
    );
    rig.harness
        .get_by_role_and_label(Role::Slider, "It closes after")
        .set_value_accesskit(9_999.0);
    rig.step();
    let sent = rig.sent();
    assert!(
        sets(&sent, "release_delay_ms", &Duration::from_secs(2)),
        "{sent:?}"
    );
}

#[test]
fn speech_can_be_kept_from_opening_the_microphone() {
    let mut rig = open_sound(|_| {});
    rig.click("Speech opens the microphone");
    assert!(sets(&rig.sent(), "voice_activation", &false));
    rig.show(|s| s.talk.voice_activation = false);
    rig.harness
        .get_by_label("Speech opens the microphone")
        .focus();
    rig.step();
    rig.harness.key_press(Key::Enter);
    rig.step();
    assert!(sets(&rig.sent(), "voice_activation", &true));
    assert!(rig.says("Press Space to talk") && rig.says("Hold Space and speak"));
    assert!(rig.says("audio leaves this computer only for the talk key"));
    rig.show(|s| s.talk.key = TalkKey::Tap);
    assert!(rig.says("Press Space, then speak"));
}

#[test]
fn with_tapping_enter_and_screen_readers_can_talk_too() {
    let mut shown = snapshot();
    shown.talk.key = TalkKey::Tap;
    let mut rig = Rig::new(shown);
    rig.harness.get_by_label("Tap to talk").focus();
    rig.step();
    rig.harness.key_press(Key::Enter);
    rig.step();
    assert!(matches!(
        rig.sent()[..],
        [Command::HoldToTalk(true), Command::HoldToTalk(false)]
    ));
    let mut rig = Rig::new(snapshot());
    rig.harness.get_by_label("Hold to talk").focus();
    rig.step();
    rig.harness.key_press(Key::Enter);
    rig.step();
    assert!(rig.sent().is_empty(), "who holds, holds Space");
}

#[test]
fn echo_is_overruled_by_hand_and_says_what_is_in_force() {
    let mut rig = open_sound(|s| {
        s.echo = EchoView {
            choice: EchoCancellation::Auto,
            on: false,
            why: "headset: not needed".into(),
        };
    });
    assert!(rig.says("headset: not needed"));
    for (name, choice) in [
        ("Echo cancellation: on", EchoCancellation::On),
        ("Echo cancellation: off", EchoCancellation::Off),
    ] {
        rig.click(name);
        let sent = rig.sent();
        assert!(sets(&sent, "echo_cancellation", &choice), "{sent:?}");
    }
    rig.show(|s| s.echo.choice = EchoCancellation::Off);
    rig.click("Echo cancellation: auto");
    let auto = EchoCancellation::Auto;
    assert!(sets(&rig.sent(), "echo_cancellation", &auto));
}

#[test]
fn the_last_answer_is_heard_again_by_key_and_by_button() {
    let mut shown = snapshot();
    shown.repeat.turn = Some(TurnId(1));
    let mut rig = Rig::new(shown);
    rig.ctrl(Key::L);
    rig.click("Hear the last answer again");
    assert!(matches!(rig.sent()[..], [Command::Repeat, Command::Repeat]));
    rig.show(|s| s.repeat.hindrance = Some("an answer is playing"));
    rig.ctrl(Key::L);
    rig.click("Hear the last answer again");
    assert!(rig.sent().is_empty(), "not now");
    let button = rig.harness.get_by_label("Hear the last answer again");
    assert!(button.accesskit_node().is_disabled());
    button.hover();
    rig.pass(Duration::from_secs(1));
    rig.step();
    assert!(
        rig.says_part("Not now: an answer is playing."),
        "{:?}",
        rig.texts()
    );
    rig.show(|s| s.repeat = RepeatView::default());
    rig.click("Hear the last answer again");
    assert!(rig.sent().is_empty(), "nothing is kept");
    rig.show(|s| s.activity = Activity::Repeating);
    assert!(rig.says("Repeating") && rig.says("The last answer again. Press Esc to stop it"));
}

#[test]
fn a_lowered_reply_and_a_narrow_band_are_said() {
    let mut rig = Rig::new(snapshot());
    assert!(!rig.says("narrowband"));
    rig.show(|s| {
        s.activity = Activity::Answering;
        s.ducked = true;
        if let Some(stream) = &mut s.input.stream {
            stream.rate = SampleRate::new(16_000).expect("not zero");
        }
    });
    assert!(rig.says("Listening: go on to interrupt") && rig.says("narrowband"));
    assert!(rig.says("Go on to interrupt"));
}

#[test]
fn what_early_closing_costs_is_one_line() {
    let mut rig = Rig::new(snapshot());
    let line = "patience –, not closed early";
    assert!(rig.says(line), "{:?}", rig.texts());
    rig.show(|s| {
        s.figures.patience = Some(ms(500.0));
        s.figures.early = EarlyClose::After(ms(120.0));
    });
    assert!(rig.says("patience 500 ms, closed at 120 ms · 0 closed too early"));
    rig.show(|s| {
        s.figures.turns.false_endpoints = 3;
        s.figures.turns.wasted_tokens = 1_234;
    });
    let line = "patience 500 ms, closed at 120 ms · 3 closed too early (1.2 k tokens)";
    assert!(rig.says(line), "{:?}", rig.texts());
    rig.harness.get_by_label(line).hover();
    rig.pass(Duration::from_secs(1));
    rig.step();
    assert!(rig.says_part("`eager_endpoint: off`"));
}

#[test]
fn patience_that_has_followed_the_users_pauses_says_so_beside_what_was_set() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        let mut profile = (*s.profiles[s.chosen]).clone();
        profile.turn.patience = ms(1_500.0);
        let mut profiles = s.profiles.to_vec();
        profiles[s.chosen] = Arc::new(profile);
        s.profiles = profiles.into();
        s.figures.patience = Some(ms(1_243.0));
    });
    let line =
        "patience 1\u{a0}243 ms (set: 1\u{a0}500 ms; it follows your pauses), not closed early";
    assert!(rig.says(line), "{:?}", rig.texts());
    rig.harness.get_by_label(line).hover();
    rig.pass(Duration::from_secs(1));
    rig.step();
    assert!(rig.says_part("\"Follow my pauses\" in the profile settings switches that off."));
    rig.show(|s| s.figures.patience = Some(ms(1_500.0)));
    assert!(rig.says("patience 1\u{a0}500 ms, not closed early"));
}

#[test]
fn why_turns_are_not_closed_early_is_said() {
    for (early, line, more) in [
        (
            EarlyClose::Spent,
            "patience 500 ms, early close off: it did not pay in the last 20 turns · 2 closed too early",
            "dropped answers have used all the tokens that the profile allows",
        ),
        (
            EarlyClose::Never,
            "patience 500 ms, early close off: eager_waste_percent is below 9 · 2 closed too early",
            "does not pay for one dropped answer",
        ),
        (
            EarlyClose::Pauses,
            "patience 500 ms, early close off: your pauses last as long · 2 closed too early",
            "you often go on",
        ),
        (
            EarlyClose::Needless,
            "patience 500 ms, early close off: nothing to gain · 2 closed too early",
            "answers so soon",
        ),
    ] {
        let mut rig = Rig::new(snapshot());
        rig.show(|s| {
            s.figures.patience = Some(ms(500.0));
            s.figures.early = early;
            s.figures.turns.false_endpoints = 2;
        });
        assert!(rig.says(line), "{:?}", rig.texts());
        rig.harness.get_by_label(line).hover();
        rig.pass(Duration::from_secs(1));
        rig.step();
        assert!(rig.says_part(more), "{:?}", rig.texts());
        assert!(rig.says_part("`eager_waste_percent`"));
    }
}

fn check(step: CheckStep) -> CheckView {
    let line = |name, status, what: &str, hint: Option<&str>| CheckLine {
        name,
        status,
        what: what.into(),
        hint: hint.map(Into::into),
    };
    let lines = [
        line("Room", CheckStatus::Ok, "−62 dB of noise", None),
        line(
            "Voice",
            CheckStatus::Warn,
            "−44 dB, which is low",
            Some("Go nearer to the microphone."),
        ),
        line(
            "Echo",
            CheckStatus::Bad,
            "the sound was not heard",
            Some("Turn the speaker up."),
        ),
    ];
    CheckView {
        with_voice: true,
        step,
        progress: 0.4,
        lines: if step == CheckStep::Over {
            Arc::from(lines)
        } else {
            Arc::from([])
        },
    }
}

#[test]
fn the_sound_check_is_begun_followed_and_read() {
    let mut rig = open_sound(|_| {});
    rig.click("Check the sound");
    rig.step();
    assert!(!rig.says("SPEAKER"), "the popup is closed");
    rig.click("Start");
    rig.click("Start without speaking");
    assert!(matches!(
        rig.sent()[..],
        [
            Command::CheckSound { with_voice: true },
            Command::CheckSound { with_voice: false }
        ]
    ));
    for (step, title) in [
        (CheckStep::Quiet, "1 Be quiet"),
        (CheckStep::Speak, "2 Say a sentence"),
        (CheckStep::Chirp, "3 A sound from the speaker"),
    ] {
        rig.show(|s| s.check = Some(check(step)));
        let announced = rig.harness.query_all_by(|_| true).any(|node| {
            let node = node.accesskit_node();
            let words = node.label().or_else(|| node.value());
            node.live() == Live::Polite && words.as_deref() == Some(title)
        });
        assert!(announced, "{title}");
        assert!(rig.says("Checking the sound"), "the state says so too");
    }
    rig.show(|s| s.check.as_mut().expect("shown").with_voice = false);
    assert!(rig.says("2 A sound from the speaker") && !rig.says_part("Say a sentence"));
    rig.show(|s| s.check = Some(check(CheckStep::Over)));
    for words in [
        "Something does not work",
        "Room",
        "could be better",
        "Go nearer to the microphone.",
        "the sound was not heard",
        "Turn the speaker up.",
    ] {
        assert!(rig.says(words), "{words}: {:?}", rig.texts());
    }
    rig.click("Again");
    rig.click("Done");
    assert!(matches!(
        rig.sent()[..],
        [
            Command::CheckSound { with_voice: true },
            Command::CancelCheck
        ]
    ));
    assert!(rig.says("Reply time"), "back at the conversation");
}

#[test]
fn a_sound_check_is_left_by_button_and_by_escape() {
    for by_key in [false, true] {
        let mut rig = open_sound(|_| {});
        rig.click("Check the sound");
        rig.show(|s| s.check = Some(check(CheckStep::Quiet)));
        if by_key {
            rig.harness.key_press(Key::Escape);
            rig.step();
        } else {
            rig.click("Cancel");
        }
        assert!(matches!(rig.sent()[..], [Command::CancelCheck]));
        rig.show(|s| s.check = None);
        assert!(rig.says("Reply time"));
    }
}

#[test]
fn every_new_control_is_within_reach_in_every_window() {
    let popup = [
        "Echo cancellation: auto",
        "Echo cancellation: off",
        "Talk key: hold",
        "Talk key: tap",
        "Speech opens the microphone",
        "Check the sound",
    ];
    for ((width, height), light) in LOOKS {
        let mut shown = snapshot();
        shown.repeat.turn = Some(TurnId(1));
        let mut rig = Rig::sized(shown, width, height);
        rig.harness.ctx.set_theme(if light {
            eframe::egui::Theme::Light
        } else {
            eframe::egui::Theme::Dark
        });
        let window = Rect::from_min_size(pos2(0.0, 0.0), vec2(width, height)).expand(0.5);
        within(&mut rig, window, &["Hear the last answer again"]);
        rig.click("Sound");
        rig.step();
        within(&mut rig, window, &popup);
        rig.click("Check the sound");
        within(
            &mut rig,
            window,
            &["Start", "Start without speaking", "Back"],
        );
        rig.show(|s| s.check = Some(check(CheckStep::Speak)));
        within(&mut rig, window, &["2 Say a sentence", "Cancel"]);
        rig.show(|s| s.check = Some(check(CheckStep::Over)));
        within(&mut rig, window, &["Turn the speaker up.", "Done", "Again"]);
    }
}

/// Scrolls to each of these, and looks whether all of it is to be seen.
fn within(rig: &mut Rig, window: Rect, names: &[&str]) {
    for name in names {
        rig.harness.get_by_label(name).scroll_to_me();
        rig.step();
        rig.step();
        let rect = rig.harness.get_by_label(name).rect();
        assert!(
            window.contains_rect(rect),
            "{name} at {rect:?} in {window:?}"
        );
    }
}
