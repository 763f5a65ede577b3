//! Whether an echo is noticed at all, and a headset's silence told from it.

use std::time::Duration;

use sovereign::dsp::echo_detector::{EchoDetector, EchoVerdict};

use crate::room::{Room, RoomSettings, frames, talk};
use crate::table::Table;

#[test]
fn echo_leak() {
    let mut table = Table::new(
        "echo-leak",
        "Does the microphone hear the speaker? 20 s of reply at -26 dBFS; with `user`, somebody else speaks over all of \
         it at -26 dBFS. `prominence` is the peak of the correlation over its mean, least and most over the seconds \
         from the second on; delay and loss as told at the end, and the truth. Echoes of -65 dBFS under a voice are not \
         found, and not missed.",
        &[
            "scene",
            "told",
            "after, s",
            "prominence",
            "delay, ms",
            "loss, dB",
        ],
    );
    for row in leaks() {
        let heard = listen(&row);
        let (told, delay, loss) = match heard.verdict {
            EchoVerdict::Echo { delay, loss_db } => ("echo", Some(delay), Some(loss_db)),
            EchoVerdict::None => ("none", None, None),
            EchoVerdict::Unknown => ("unknown", None, None),
        };
        let ms = delay.map(|d| d.as_secs_f32() * 1e3);
        table.row(&[
            row.name.to_owned(),
            told.to_owned(),
            format!("{:.1}", heard.after.as_secs_f32()),
            format!("{:.1}-{:.1}", heard.least, heard.most),
            ms.map_or("-".into(), |ms| format!("{ms:.1} of {:.1}", row.delay_ms)),
            loss.map_or("-".into(), |db| format!("{db:.0} of {:.0}", row.loss_db)),
        ]);
        assert_eq!(
            told == "echo",
            row.echo,
            "{}: {:?}",
            row.name,
            heard.verdict
        );
        assert!(
            !row.echo || heard.after <= Duration::from_millis(1_200),
            "{}",
            row.name
        );
        assert!(
            heard.news <= 1 + usize::from(row.drift_ppm > 0.0) * 4,
            "{}: {} verdicts",
            row.name,
            heard.news
        );
        if let (Some(ms), Some(db), 0.0) = (ms, loss, row.drift_ppm) {
            assert!((ms - row.delay_ms).abs() < 2.0, "{}: {ms} ms", row.name);
            assert!((db - row.loss_db).abs() < 6.0, "{}: {db} dB", row.name);
        }
    }
    table.finish();
}

#[test]
fn a_headset_that_is_unplugged_is_noticed_and_plugged_in_again_too() {
    let mut leak = EchoDetector::new();
    let mut speakers = Room::new(RoomSettings::default());
    let mut headset = Room::new(RoomSettings {
        loss_db: 200.0,
        ..RoomSettings::default()
    });
    let mut told = Vec::new();
    for (i, far) in frames(&talk(30.0, -26.0, 0)).enumerate() {
        // A headset for 8 s, speakers for 8 s, a headset again.
        let (worn, open) = (headset.push(far), speakers.push(far));
        let near = if (800..1_600).contains(&i) {
            open
        } else {
            worn
        };
        if let Some(verdict) = leak.push(&near, far) {
            told.push((i, verdict));
        }
    }
    let kinds: Vec<_> = told
        .iter()
        .map(|(at, v)| (*at / 100, matches!(v, EchoVerdict::Echo { .. })))
        .collect();
    assert_eq!(
        kinds.iter().map(|k| k.1).collect::<Vec<_>>(),
        [false, true, false]
    );
    assert!(
        kinds[0].0 <= 4 && (8..=10).contains(&kinds[1].0) && (20..=27).contains(&kinds[2].0),
        "{kinds:?}"
    );
}

struct LeakRow {
    name: &'static str,
    loss_db: f32,
    noise_dbfs: f32,
    delay_ms: f32,
    drift_ppm: f32,
    user: bool,
    echo: bool,
}

fn leaks() -> Vec<LeakRow> {
    let base = LeakRow {
        name: "headset",
        loss_db: 200.0,
        noise_dbfs: -65.0,
        delay_ms: 80.0,
        drift_ppm: 0.0,
        user: false,
        echo: false,
    };
    let speaker = LeakRow {
        name: "speakers",
        loss_db: 6.0,
        echo: true,
        ..base
    };
    vec![
        LeakRow {
            name: "headset, noise -40 dBFS",
            noise_dbfs: -40.0,
            ..base
        },
        LeakRow {
            name: "headset, user",
            user: true,
            ..base
        },
        LeakRow {
            name: "headset that leaks -40 dB",
            loss_db: 40.0,
            echo: true,
            ..base
        },
        LeakRow {
            name: "speakers, user",
            user: true,
            ..speaker
        },
        LeakRow {
            name: "speakers, -20 dB, user",
            loss_db: 20.0,
            user: true,
            ..speaker
        },
        LeakRow {
            name: "speakers, 5 ms",
            delay_ms: 5.0,
            ..speaker
        },
        LeakRow {
            name: "speakers, 350 ms",
            delay_ms: 350.0,
            ..speaker
        },
        LeakRow {
            name: "speakers, noise -40 dBFS",
            noise_dbfs: -40.0,
            ..speaker
        },
        LeakRow {
            name: "speakers, drift 300 ppm",
            drift_ppm: 300.0,
            ..speaker
        },
        LeakRow {
            name: "speakers",
            ..speaker
        },
        base,
    ]
}

struct Listened {
    verdict: EchoVerdict,
    after: Duration,
    news: usize,
    least: f32,
    most: f32,
}

fn listen(row: &LeakRow) -> Listened {
    let mut room = Room::new(RoomSettings {
        loss_db: row.loss_db,
        noise_dbfs: row.noise_dbfs,
        delay_ms: row.delay_ms,
        drift_ppm: row.drift_ppm,
        ..RoomSettings::default()
    });
    let far = talk(20.0, -26.0, 0);
    let user = talk(20.0, -26.0, 1);
    let mut leak = EchoDetector::new();
    let mut heard = Listened {
        verdict: EchoVerdict::Unknown,
        after: Duration::ZERO,
        news: 0,
        least: f32::INFINITY,
        most: 0.0,
    };
    for (i, (far, words)) in frames(&far).zip(frames(&user)).enumerate() {
        let mut near = room.push(far);
        if row.user {
            near.iter_mut().zip(words).for_each(|(n, w)| *n += w);
        }
        if let Some(verdict) = leak.push(&near, far) {
            heard.news += 1;
            // An echo whose delay moves is told anew, and known all the time.
            if std::mem::discriminant(&verdict) != std::mem::discriminant(&heard.verdict) {
                heard.after = Duration::from_millis(i as u64 * 10);
            }
            heard.verdict = verdict;
        }
        if i >= 200 && i % 100 == 0 {
            heard.least = heard.least.min(leak.prominence());
            heard.most = heard.most.max(leak.prominence());
        }
    }
    heard.verdict = leak.verdict();
    heard
}
