//! The connection on the page of figures: marked beyond its limits, over a span, compared with yesterday, with past alerts.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::Key;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::rig::{Rig, snapshot};
use sovereign::base::localized_text::LocalizedText;
use sovereign::conversation::snapshot::Snapshot;
use sovereign::telemetry::alert::{Alert, AlertKind, AlertSeverity};
use sovereign::telemetry::history::comparison::{Comparison, Share};
use sovereign::telemetry::history::{History, PastAlert, Reading, Slice};
use sovereign::telemetry::link_quality::LinkTime;
use sovereign::telemetry::record::TurnRecord;
use sovereign::telemetry::view::{HistoryView, Meters, SPANS};
use sovereign::turn::machine::Outcome;

const NOW: u64 = 1_700_000_000;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Four hours: a turn, 60 kB and a connection in each minute; the connection was lost twice, and three turns failed.
fn four_hours() -> History {
    let mut history = History::default();
    for minute in (0..240).rev() {
        let at = NOW - minute * 60;
        let mut turn = TurnRecord::default();
        if minute % 100 == 5 {
            turn.outcome = Outcome::Failed(LocalizedText::new(|| "the service went away"));
        } else {
            turn.latencies.response = Some(ms(250 + minute));
        }
        history.turn(at, &turn, Some(ms(300)));
        let is_lost = minute % 120 == 30;
        let outage = Duration::from_secs(if is_lost { 6 } else { 0 });
        let reading = Reading {
            round_trip: Some(ms(140)),
            variation: Some(ms(4)),
            bytes_sent: 20_000,
            bytes_received: 40_000,
            segments: [100, u64::from(is_lost)],
            connect: is_lost.then_some(ms(412)),
            link: LinkTime {
                observed: Duration::from_secs(60),
                connected: Duration::from_secs(60) - outage,
                outages: u64::from(is_lost),
                outage,
            },
            ..Reading::default()
        };
        history.reading(at, &reading);
    }
    history
}

fn past(at: u64, lasted: Option<u64>, severity: AlertSeverity, kind: AlertKind) -> PastAlert {
    PastAlert {
        at,
        until: lasted.map(|lasted| at + lasted),
        kind: kind.word().into(),
        severity,
        what: format!("Alert of {at}"),
    }
}

/// A conversation with a history.
pub(super) fn lived() -> Snapshot {
    let mut lived = snapshot();
    let history = four_hours();
    lived.history = Arc::new(HistoryView {
        today: Slice::default(),
        spans: SPANS.map(|(_, span, columns)| history.columns(NOW, span, columns)),
        compared: Some(Comparison {
            longer_percent: 15.2,
            cause: Share::Service,
        }),
        alerts: vec![
            past(NOW - 60, None, AlertSeverity::Warning, AlertKind::Response),
            past(NOW - 900, None, AlertSeverity::Warning, AlertKind::Memory),
            past(
                NOW - 9_000,
                Some(720),
                AlertSeverity::Critical,
                AlertKind::Response,
            ),
        ],
    });
    lived.alerts = Arc::from([Alert {
        kind: AlertKind::Response,
        value: 6_100.0,
        limit: 5_000.0,
        n: 5,
        trend: None,
    }]);
    lived
}

fn open(snapshot: Snapshot) -> Rig {
    let mut rig = Rig::sized(snapshot, 1100.0, 3000.0);
    rig.ctrl(Key::D);
    rig
}

#[test]
fn figures_of_the_connection_are_marked_beyond_their_limits_and_name_a_cause() {
    let mut rig = open(snapshot());
    assert!(rig.says("38 ms") && !rig.says_part("Over 100 ms"));
    assert!(rig.says("none yet"), "{:?}", rig.texts());
    rig.show(|s| {
        s.figures.meters = Meters {
            round_trip: Some(ms(140)),
            variation: Some(ms(26)),
            loss_percent: Some(3.4),
            connect: Some(ms(412)),
            connections: 4,
            rolls: 3,
            bytes_per_minute: Some(96_400),
            ..Meters::default()
        };
    });
    for words in [
        "140 ms",
        "26 ms",
        "3.4 %",
        "412 ms",
        "4 · 3 planned",
        "96 kB",
    ] {
        assert!(rig.says(words), "{words}: {:?}", rig.texts());
    }
    for cause in ["Over 100 ms: ", "Over 20 ms: ", "Over 2 %: "] {
        assert!(rig.says_part(cause), "{cause}: {:?}", rig.texts());
    }
    for (at, tooltip) in [
        ("connections", "before the service ends it"),
        ("lost on the way", "had to be sent again"),
        ("data a minute", "to and from the service"),
    ] {
        let found = rig.harness.query_all_by_label(at).next();
        found.expect(at).hover();
        rig.pass(Duration::from_secs(1));
        rig.step();
        assert!(rig.says_part(tooltip), "{at}: {:?}", rig.texts());
    }
    // The panel has the round trip always, and the rest where it is not as it should be.
    rig.ctrl(Key::D);
    assert!(rig.says_part("Over 20 ms: ") && rig.says("26 ms"));
    rig.show(|s| s.figures.meters.variation = Some(ms(19)));
    assert!(!rig.says("variation"));
    assert!(rig.says("round trip") && rig.says("140 ms"));
}

#[test]
fn a_span_tells_how_well_the_connection_held() {
    let mut rig = open(lived());
    assert!(rig.says("Today 15 % slower than yesterday: the service."));
    rig.click("6 h");
    // 60 - 6 s of two minutes are without a connection: 14 388 of 14 400 s.
    for words in [
        "99.9 %",
        "6.0 s",
        "119 min",
        "21.0 % · 50 of 237",
        "140 ms",
        "4.0 ms",
        "0.0 %",
        "412 ms",
        "60 kB",
    ] {
        assert!(rig.says(words), "{words}: {:?}", rig.texts());
    }
    assert!(rig.says_part("Over 100 ms: "), "the mean round trip");
    for words in [
        "Data of the last 6 h: 4.8 MB sent, 9.6 MB received",
        "Errors of the last 6 h: 3 turns without an answer, 2 connections were lost",
        "Responses of the last 6 h: 237 turns, half within",
    ] {
        assert!(rig.says_part(words), "{words}: {:?}", rig.texts());
    }
    rig.click("1 h");
    let words = "Errors of the last 1 h: 1 turn without an answer, a connection was lost";
    assert!(rig.says_part(words), "{:?}", rig.texts());
    for (at, tooltip) in [
        ("within the target", "that you used then"),
        ("available", "The share of the time with a connection"),
        ("back after", "mean time to recovery"),
        ("lost every", "mean time between failures"),
        (
            "Today 15 % slower than yesterday: the service.",
            "from ten turns a day on",
        ),
    ] {
        rig.harness.get_by_label(at).hover();
        rig.pass(Duration::from_secs(1));
        rig.step();
        assert!(rig.says_part(tooltip), "{at}: {:?}", rig.texts());
    }
}

#[test]
fn past_alerts_have_a_severity_a_time_and_a_duration() {
    let mut rig = open(lived());
    assert!(rig.says("Alerts of the last 7 days"), "{:?}", rig.texts());
    let when = |rig: &Rig, begin: &str, end: &str| {
        let texts = rig.texts();
        let has = |text: &String| text.starts_with(begin) && text.ends_with(end);
        assert!(texts.iter().any(has), "{begin} … {end}: {texts:?}");
    };
    when(&rig, "critical · ", " · for 12 min");
    when(&rig, "warning · ", " · not over yet");
    when(&rig, "warning · ", " · its end is not known");
    assert!(rig.says(&format!("Alert of {}.", NOW - 9_000)));
    rig.show(|s| {
        let old = (0..12).map(|n| {
            past(
                NOW - 20_000 - n * 60,
                Some(30),
                AlertSeverity::Warning,
                AlertKind::Stutters,
            )
        });
        Arc::make_mut(&mut s.history).alerts.extend(old);
    });
    let oldest = format!("Alert of {}.", NOW - 20_000 - 11 * 60);
    assert!(!rig.says(&oldest));
    rig.click("Show all 15 alerts");
    assert!(rig.says(&oldest));
    rig.click("Show the newest only");
    assert!(!rig.says(&oldest));
    rig.show(|s| s.history = Arc::default());
    assert!(rig.says("There was none."));
}

#[test]
fn the_page_is_no_wider_than_a_small_window() {
    let mut crowded = lived();
    crowded.figures.meters.round_trip = Some(ms(1_400));
    for width in [640.0, 400.0] {
        let mut rig = Rig::sized(crowded.clone(), width, 480.0);
        rig.ctrl(Key::D);
        for label in [
            "Today 15 % slower than yesterday: the service.",
            "lost every",
            "Export CSV",
        ] {
            rig.harness.get_by_label(label).scroll_to_me();
            rig.step();
            rig.step();
            let there = rig.harness.get_by_label(label).rect();
            assert!(
                (0.0..=480.0).contains(&there.top()),
                "{width}, {label}: {there:?}"
            );
            for node in rig.harness.query_all_by(|node| node.label().is_some()) {
                let node = node.accesskit_node();
                let right = node.bounding_box().map_or(0.0, |place| place.x1);
                assert!(
                    right <= f64::from(width) + 0.5,
                    "{width}: {:?} {right}",
                    node.label()
                );
            }
        }
    }
}
