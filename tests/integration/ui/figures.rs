//! The page of figures: causes with their buttons, turns stage by stage, the history, the machine.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::Key;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::rig::{Rig, down, latencies, notice, snapshot};
use sovereign::base::severity::Severity;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Notice, Snapshot};
use sovereign::telemetry::alert::{Alert, AlertKind};
use sovereign::telemetry::diagnosis::{Cause, Finding, Remedy, TurnPart};
use sovereign::telemetry::history::History;
use sovereign::telemetry::record::TurnRecord;
use sovereign::telemetry::stages::Stages;
use sovereign::telemetry::view::{HistoryView, SPANS};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn turn(number: u64) -> TurnRecord {
    TurnRecord {
        number,
        profile: "balanced".into(),
        target: ms(300),
        latencies: latencies(2.0, 398.0, 41.0, 500.0),
        stages: Stages {
            capture: Some(ms(13)),
            dsp: Some(ms(4)),
            endpoint: Some(ms(483)),
            encode_queue: Some(ms(2)),
            network: Some(ms(40)),
            service: Some(ms(358)),
            decode: Some(ms(1)),
            held: Some(ms(0)),
            buffer: Some(ms(28)),
            device: Some(ms(12)),
        },
        ..TurnRecord::default()
    }
}

pub(crate) fn slow() -> Snapshot {
    let mut slow = snapshot();
    slow.alerts = Arc::from([Alert {
        kind: AlertKind::Response,
        value: 6_100.0,
        limit: 5_000.0,
        n: 5,
        trend: None,
    }]);
    slow.findings = Arc::from([
        Finding {
            part: TurnPart::Service,
            cause: Cause::Thinking,
            costs: Some(ms(900)),
            what: "The service needs 1600 ms: the model may think before it answers.".into(),
            remedy: "Set `live.thinking: minimal` in the profile, or take a faster one.".into(),
            action: Some(Remedy::UseProfile("ultra-fast".into())),
        },
        Finding {
            part: TurnPart::Conversation,
            cause: Cause::LongAnswers,
            costs: None,
            what: "You interrupt 40 % of the answers.".into(),
            remedy: "Check microphone and echo.".into(),
            action: Some(Remedy::CheckSound),
        },
    ]);
    slow.turns = (1..=5).rev().map(turn).map(Arc::new).collect();
    let now = 1_700_000_000;
    let mut in_order = History::default();
    for minute in (0..240).rev() {
        let mut turn = TurnRecord::default();
        turn.latencies.response = Some(ms(200 + minute));
        in_order.turn(now - minute * 60, &turn, None);
    }
    let spans = SPANS.map(|(_, span, columns)| in_order.columns(now, span, columns));
    slow.history = Arc::new(HistoryView {
        spans,
        ..HistoryView::default()
    });
    slow
}

#[test]
fn causes_have_a_remedy_and_a_button_that_applies_it() {
    let mut rig = Rig::new(slow());
    rig.click("Details · 1 alert");
    for words in [
        "Answers are slow: 6.1 s until they are heard, 5.0 s is the limit (5 turns).",
        "service · about 900 ms",
        "The service needs 1600 ms: the model may think before it answers.",
        "You interrupt 40 % of the answers.",
    ] {
        assert!(rig.says(words), "{words}: {:?}", rig.texts());
    }
    rig.click("Use Ultra-fast");
    let sent = rig.sent();
    assert!(
        matches!(&sent[..], [Command::Apply(Remedy::UseProfile(name))] if name == "ultra-fast"),
        "{sent:?}"
    );
    rig.click("Check the sound");
    assert!(rig.says("Start without speaking"), "the page of the check");
}

#[test]
fn a_good_conversation_says_so() {
    let mut rig = Rig::new(snapshot());
    rig.click("Details");
    assert!(rig.says("No problems found."));
    assert!(rig.says_part("No turn was closed yet"));
    rig.click("Back");
    assert!(rig.says("Reply time"));
}

#[test]
fn a_slow_conversation_without_a_cause_is_not_called_well() {
    let mut slow = snapshot();
    (slow.figures.n, slow.figures.p50) = (2, Some(ms(640)));
    let mut rig = Rig::new(slow);
    rig.click("Details");
    assert!(!rig.says("No problems found."));
    assert!(
        rig.says_part("The typical response is 640 ms, over 300"),
        "{:?}",
        rig.texts()
    );
}

#[test]
fn turns_are_shown_stage_by_stage_the_newest_first() {
    // All of it in view: a page that scrolls moves under a click.
    let mut rig = Rig::sized(slow(), 1100.0, 2400.0);
    rig.click("Details · 1 alert");
    for stage in [
        "capture: 13 ms",
        "end of your speech: 483 ms",
        "packing and sending: 2.0 ms",
        "network: 40 ms",
        "service: 358 ms",
        "waiting for more: 28 ms",
        "device: 12 ms",
    ] {
        assert!(rig.says(stage), "{stage}: {:?}", rig.texts());
    }
    let newest = "Turn 5, completed, balanced, response 441 ms";
    let older = "Turn 2, completed, balanced, response 441 ms";
    let y = |rig: &Rig, name: &str| rig.harness.get_by_label(name).rect().top();
    assert!(y(&rig, newest) < y(&rig, older));
    assert!(y(&rig, newest) < y(&rig, "capture: 13 ms"));
    rig.click(older);
    assert!(
        y(&rig, older) < y(&rig, "capture: 13 ms"),
        "the chosen one is open"
    );
    rig.show(|s| {
        let mut turns = s.turns.to_vec();
        Arc::make_mut(&mut turns[3]).stages = Stages::default();
        s.turns = turns.into();
    });
    assert!(
        rig.says("network: –") && !rig.says("network: 0.0 ms"),
        "unknown is a dash: {:?}",
        rig.texts()
    );
}

#[test]
fn the_whole_felt_wait_is_told_wherever_the_reply_time_is() {
    // 504 ms of silence, then 268.
    let mut rig = Rig::new(snapshot());
    let words = "your whole wait 772 ms";
    assert!(rig.says(words), "{:?}", rig.texts());
    rig.harness.get_by_label(words).hover();
    rig.pass(Duration::from_secs(1));
    rig.step();
    assert!(rig.says_part("What you felt: from your last word"));
    let mut rig = Rig::at_level(1, snapshot(), 1400.0, 720.0);
    rig.harness
        .get_by_label_contains("Reply time 268 ms")
        .hover();
    rig.pass(Duration::from_secs(1));
    rig.step();
    let words = "The silence after your last word, by which the program knows that you have finished, is not in it. With it you waited 772 ms.";
    assert!(rig.says_part(words), "{:?}", rig.texts());
    // A typed turn has no such silence.
    rig.show(|s| {
        let last = s.figures.last.as_mut().expect("a turn");
        (last.endpointing, last.total) = (None, last.response);
    });
    rig.pass(Duration::from_secs(1));
    rig.step();
    assert!(!rig.says_part("With it you waited"));
    let mut rig = Rig::sized(slow(), 1100.0, 2400.0);
    rig.ctrl(Key::D);
    assert!(rig.says_part("your whole wait: "), "{:?}", rig.texts());
}

#[test]
fn a_turn_keeps_the_target_that_it_had() {
    let mut slow = slow();
    let mut turns = slow.turns.to_vec();
    Arc::make_mut(&mut turns[4]).target = ms(250);
    slow.turns = turns.into();
    let mut rig = Rig::sized(slow, 1100.0, 2400.0);
    rig.click("Details · 1 alert");
    let legend = |target: &str| format!("the line is the target that the turn had, {target} ms");
    assert!(rig.says_part(&legend("300")), "{:?}", rig.texts());
    // Another profile is active now: that is nothing to the turns before.
    rig.show(|s| s.chosen = 2);
    assert!(rig.says_part(&legend("300")) && !rig.says_part(&legend("400")));
    rig.click("Turn 1, completed, balanced, response 441 ms");
    assert!(rig.says_part(&legend("250")), "{:?}", rig.texts());
}

#[test]
fn figures_of_alerts_causes_and_buttons_say_what_they_mean() {
    let mut rig = Rig::sized(slow(), 1100.0, 2400.0);
    rig.click("Details · 1 alert");
    for (at, tooltip) in [
        (
            "Answers are slow: 6.1 s until they are heard, 5.0 s is the limit (5 turns).",
            "The limit is `response_ms`",
        ),
        (
            "service · about 900 ms",
            "how much later you hear an answer",
        ),
        ("conversation", "cannot be told in milliseconds"),
        ("Use Ultra-fast", "sound follows at once"),
        ("Check the sound", "It begins when you say so there"),
    ] {
        rig.harness.get_by_label(at).hover();
        rig.pass(Duration::from_secs(1));
        rig.step();
        assert!(rig.says_part(tooltip), "{at}: {:?}", rig.texts());
    }
}

#[test]
fn what_was_not_counted_is_left_out() {
    let mut none = slow();
    none.figures.turns.tokens = 0;
    let mut rig = Rig::sized(none, 1100.0, 2400.0);
    rig.click("Details · 1 alert");
    let texts = rig.texts();
    assert!(!texts.iter().any(|text| text.contains('–')), "{texts:?}");
    assert!(!rig.says("tokens · cost") && !rig.says_part("scale 0"));
    assert!(rig.says("More figures come with more replies."));
    assert!(!rig.says_part("`"), "{texts:?}");
}

#[test]
fn the_history_has_four_spans() {
    let mut rig = Rig::sized(slow(), 1100.0, 2400.0);
    rig.click("Details · 1 alert");
    for (span, turns) in [
        ("1 h", "60"),
        ("6 h", "240"),
        ("24 h", "240"),
        ("7 d", "240"),
    ] {
        rig.click(span);
        let words = format!("Responses of the last {span}: {turns} turns, half within");
        assert!(rig.says_part(&words), "{words}: {:?}", rig.texts());
    }
    assert!(rig.says_part("How long 240 replies took"));
    assert!(rig.says_part("240 of 240 · 100 %"));
}

#[test]
fn figures_are_handed_over() {
    let mut rig = Rig::sized(slow(), 1100.0, 2400.0);
    rig.click("Details · 1 alert");
    rig.click("Export CSV");
    assert!(matches!(rig.sent()[..], [Command::ExportCsv]));
    let text = "Written: turns.csv and history.csv.";
    let written = |id| notice(id, Severity::Info, text, false);
    let known = rig.snapshots.borrow().notices.last().map_or(0, |n| n.id);
    rig.show(|s| s.notices = Arc::from([written(known)]));
    assert!(!rig.says_part("Written"), "an older notice");
    rig.show(|s| s.notices = Arc::from([written(known + 1)]));
    assert!(rig.says_part("Written: turns.csv"));
    rig.click("Copy report");
    assert!(rig.says("Copied"));
}

#[test]
fn a_notice_of_an_alert_offers_what_helps() {
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        s.notices = Arc::from([Notice {
            id: 3,
            severity: Severity::Warning,
            text: "Answers are slow. Take a faster profile.".into(),
            remedy: Some(Remedy::Reconnect),
            lasts: true,
        }]);
    });
    rig.click("Connect anew");
    assert!(matches!(
        rig.sent()[..],
        [Command::Apply(Remedy::Reconnect)]
    ));
    rig.show(|s| s.renewing = true);
    rig.click("Connects at the next pause");
    let button = rig.harness.get_by_label("Connects at the next pause");
    assert!(button.accesskit_node().is_disabled());
    button.hover();
    rig.pass(Duration::from_secs(1));
    rig.step();
    let why = "Not now: another connection is opened as soon as nobody speaks";
    assert!(rig.says_part(why), "{:?}", rig.texts());
    rig.show(|s| s.link = down(None, false));
    rig.click("1 more");
    rig.click("Connects at the next pause");
    assert!(rig.sent().is_empty(), "neither twice nor without one");
}

#[test]
fn a_model_that_ended_is_changed_by_a_button() {
    let mut rig = Rig::new(snapshot());
    let remedy = Remedy::UseModel {
        profile: "mine".into(),
        model: "gemini-3.8-live".into(),
    };
    let offered = remedy.clone();
    rig.show(|s| {
        s.notices = Arc::from([Notice {
            id: 3,
            severity: Severity::Warning,
            text: "mine.yaml:3:10: live.model: is `x`, which ended on 2026-11-17, use gemini-3.8-live.".into(),
            remedy: Some(offered),
            lasts: true,
        }]);
    });
    let button = rig.harness.get_by_label("Use gemini-3.8-live");
    button.hover();
    rig.pass(Duration::from_secs(1));
    rig.step();
    assert!(
        rig.says_part("Writes this model into the file of the profile"),
        "{:?}",
        rig.texts()
    );
    rig.click("Use gemini-3.8-live");
    assert!(
        matches!(&rig.sent()[..], [Command::Apply(sent)] if *sent == remedy),
        "what lasts is the session's affair"
    );
}

#[test]
fn the_profile_tells_how_its_model_thinks() {
    let mut rig = Rig::new(snapshot());
    rig.harness.get_by_label("Balanced").hover();
    rig.pass(Duration::from_secs(1));
    rig.step();
    let told = "Model: gemini-3.8-live, which thinks by itself.";
    assert!(rig.says_part(told), "{:?}", rig.texts());
}

#[test]
fn the_page_fits_small_windows_and_is_left_by_key() {
    for (width, height) in [(640.0, 480.0), (400.0, 320.0)] {
        let mut rig = Rig::sized(slow(), width, height);
        rig.harness.get_by_label("Details · 1 alert").scroll_to_me();
        rig.step();
        rig.step();
        rig.click("Details · 1 alert");
        assert!(rig.says("History"), "{width}: {:?}", rig.texts());
        rig.harness.key_press(eframe::egui::Key::Escape);
        rig.step();
        assert!(!rig.says("History"));
        for there in [true, false] {
            rig.ctrl(eframe::egui::Key::D);
            assert_eq!(rig.says("History"), there);
        }
    }
}
