//! Echo: how much of it is taken out, what that costs the voice that is said over it, and whether it is noticed at all.

use std::time::Duration;

use sovereign::base::frame::FRAME_SAMPLES;
use sovereign::base::units::Dbfs;
use sovereign::dsp::chain::{Chain, ChainSettings};
use sovereign::dsp::leak::{Leak, LeakVerdict};

use crate::room::{Room, RoomSettings, Speaker, frames, talk};
use crate::table::{Table, full};
use crate::voices::{VOICES, voice};

const ECHO: ChainSettings = ChainSettings {
    echo: true,
    noise: sovereign::dsp::chain::Noise::Off,
    gain: false,
};

// -- echo loss --

/// How the canceller's far end differs from what was played.
#[derive(Clone, Copy)]
enum Reference {
    Exact,
    /// By so many frames.
    Late(usize),
    /// Late by a frame, and in time again, every two seconds.
    Restless,
}

struct Scene {
    name: &'static str,
    room: RoomSettings,
    far_dbfs: f32,
    reference: Reference,
    /// The least that must be taken out in seconds 0-5 and 5-15, in decibels; a few below what was measured.
    least: [f32; 2],
}

/// Power of an echo that might start a detector, -50 dBFS.
const LOUD: f32 = 1e-5;

const WINDOWS: [(usize, usize); 4] = [(0, 5), (5, 15), (15, 30), (40, 60)];

#[test]
fn echo_loss() {
    let mut table = Table::new(
        "echo-loss",
        "Echo with nobody speaking: power of the microphone over power behind the canceller, in decibels, by seconds \
         since the start. Far end: six voices at -26 dBFS, pauses of 250 ms; room: RT60 0.25 s, direct sound 5 dB over \
         the reverberation, echo 6 dB below the far end, gentle speaker, noise -70 dBFS, unless the row says otherwise. \
         `converged` is when the chain says so, `worst after` the least over half a second from then on, where the echo is over -50 \
         dBFS. Figures above \
         40 dB mean: inaudible.",
        &[
            "scene",
            "0-5 s",
            "5-15 s",
            "15-30 s",
            "40-60 s",
            "converged, s",
            "worst after",
        ],
    );
    let seconds = if full() { 60 } else { 15 };
    for scene in scenes() {
        let seen = cancel(&scene, seconds);
        table.row(&seen.cells(scene.name));
        for (window, least) in scene.least.iter().enumerate() {
            let got = seen.loss_db(WINDOWS[window]);
            assert!(
                got >= *least,
                "{}: {got:.1} dB in {:?}",
                scene.name,
                WINDOWS[window]
            );
        }
        let steady = scene.room.jump.is_none() && !matches!(scene.reference, Reference::Restless);
        if let (true, Some(worst)) = (steady, seen.worst_after()) {
            assert!(
                worst > 11.0,
                "{}: converged, and then {worst:.1} dB",
                scene.name
            );
        }
    }
    table.finish();
}

fn scenes() -> Vec<Scene> {
    let room = RoomSettings::default();
    let scene = |name, room, least| Scene {
        name,
        room,
        far_dbfs: -26.0,
        reference: Reference::Exact,
        least,
    };
    let delayed = |delay_ms| RoomSettings { delay_ms, ..room };
    let echoing = RoomSettings {
        direct_db: -10.0,
        decay_s: 0.5,
        ..room
    };
    let bending = RoomSettings {
        delay_ms: 80.0,
        loss_db: 0.0,
        speaker: Speaker::Hard,
        ..room
    };
    let drifting = |drift_ppm| RoomSettings {
        delay_ms: 80.0,
        drift_ppm,
        ..room
    };
    let jumping = RoomSettings {
        delay_ms: 80.0,
        jump: Some((8.0, 140.0)),
        ..room
    };
    let referred = |name, reference, least| Scene {
        reference,
        ..scene(name, delayed(80.0), least)
    };
    vec![
        scene("20 ms", delayed(20.0), [24.0, 34.0]),
        scene("40 ms", delayed(40.0), [24.0, 34.0]),
        scene("80 ms", delayed(80.0), [24.0, 34.0]),
        scene("120 ms", delayed(120.0), [24.0, 34.0]),
        scene("200 ms", delayed(200.0), [24.0, 34.0]),
        scene(
            "quiet echo, -30 dB",
            RoomSettings {
                loss_db: 30.0,
                ..room
            },
            [10.0, 11.0],
        ),
        scene("echoing room, RT60 0.5 s", echoing, [17.0, 30.0]),
        Scene {
            far_dbfs: -16.0,
            ..scene("80 ms, small speaker, 10 dB louder", bending, [26.0, 27.0])
        },
        scene("80 ms, +60 ms at 8 s", jumping, [24.0, 11.0]),
        scene("80 ms, drift 100 ppm", drifting(100.0), [24.0, 30.0]),
        scene("80 ms, drift 300 ppm", drifting(300.0), [23.0, 21.0]),
        referred(
            "80 ms, reference 30 ms late",
            Reference::Late(3),
            [24.0, 34.0],
        ),
        referred(
            "80 ms, reference 100 ms late (behind the echo)",
            Reference::Late(10),
            [-1.0, -1.0],
        ),
        referred(
            "80 ms, reference moves by 10 ms each 2 s",
            Reference::Restless,
            [22.0, 10.0],
        ),
    ]
}

/// Powers before and behind the canceller, by frames.
struct Seen {
    powers: Vec<(f32, f32)>,
    converged: Option<usize>,
}

fn cancel(scene: &Scene, seconds: usize) -> Seen {
    let mut room = Room::new(scene.room);
    let mut chain = Chain::new(ECHO);
    let far = talk(seconds as f32, scene.far_dbfs, 0);
    let mut seen = Seen {
        powers: Vec::new(),
        converged: None,
    };
    let blocks: Vec<_> = frames(&far).collect();
    for (i, block) in blocks.iter().enumerate() {
        let mut near = room.push(block);
        let before = power(&near);
        let late = match scene.reference {
            Reference::Exact => 0,
            Reference::Late(frames) => frames,
            Reference::Restless => i / 200 % 2,
        };
        let silence = [0.0; FRAME_SAMPLES];
        let reference = i.checked_sub(late).map_or(&silence, |at| blocks[at]);
        chain.process(&mut near, reference);
        seen.powers.push((before, power(&near)));
        if seen.converged.is_none() && chain.echo_state().converged {
            seen.converged = Some(i);
        }
    }
    seen
}

impl Seen {
    fn cells(&self, name: &str) -> Vec<String> {
        let mut cells = vec![name.to_owned()];
        for window in WINDOWS {
            let there = window.1 * 100 <= self.powers.len();
            cells.push(if there {
                format!("{:.0}", self.loss_db(window))
            } else {
                "-".into()
            });
        }
        cells.push(
            self.converged
                .map_or("never".into(), |at| format!("{:.1}", at as f32 / 100.0)),
        );
        let worst = self.worst_after();
        cells.push(worst.map_or("-".into(), |db| format!("{db:.0}")));
        cells
    }

    /// The least over half a second since it is said that it has converged. Pauses are left out: there it is noise
    /// against noise.
    fn worst_after(&self) -> Option<f32> {
        let halves = self.powers[self.converged?..].chunks_exact(50);
        halves
            .filter(|half| half.iter().map(|p| p.0).sum::<f32>() > 50.0 * LOUD)
            .map(ratio_db)
            .min_by(f32::total_cmp)
    }

    fn loss_db(&self, window: (usize, usize)) -> f32 {
        ratio_db(&self.powers[window.0 * 100..window.1 * 100])
    }
}

fn ratio_db(powers: &[(f32, f32)]) -> f32 {
    let before: f32 = powers.iter().map(|p| p.0).sum();
    let behind: f32 = powers.iter().map(|p| p.1).sum();
    10.0 * (before.max(1e-12) / behind.max(1e-12)).log10()
}

// -- double talk --

#[test]
fn echo_double_talk() {
    let mut table = Table::new(
        "echo-double-talk",
        "What is left of the user's voice said over a reply, 15 s after the start: change of its level through the \
         canceller (projection of the output on the voice), in decibels, all utterances and the first 150 ms of each \
         (median); `alone` is the same voice through the same chain while nothing is played. The last row is a headset \
         with the canceller on: nothing to cancel, and the first words suffer.",
        &[
            "near / echo",
            "alone",
            "over the reply",
            "first 150 ms",
            "first utterance",
        ],
    );
    let utterances = if full() { 12 } else { 4 };
    for (name, near_dbfs, loss_db, lead, least) in [
        ("+10 dB", -22.0, 6.0, 15, -5.5),
        ("0 dB", -32.0, 6.0, 15, -9.0),
        ("-10 dB", -42.0, 6.0, 15, -14.0),
        ("0 dB, from the start", -32.0, 6.0, 0, -12.0),
        ("headset, from the start", -32.0, 200.0, 0, -12.0),
    ] {
        let alone = speak_over(near_dbfs, None, lead, utterances);
        let over = speak_over(near_dbfs, Some(loss_db), lead, utterances);
        table.row(&[
            name.to_owned(),
            format!("{:.1}", alone.whole),
            format!("{:.1}", over.whole),
            format!("{:.1}", over.begin),
            format!("{:.1}", over.first),
        ]);
        assert!(alone.whole > -1.5, "{name}: alone {:.1} dB", alone.whole);
        assert!(over.whole > least, "{name}: {:.1} dB", over.whole);
    }
    table.finish();
}

/// Changes of level, in decibels.
struct Kept {
    whole: f32,
    begin: f32,
    first: f32,
}

fn speak_over(near_dbfs: f32, loss_db: Option<f32>, lead: usize, utterances: usize) -> Kept {
    const EACH: usize = 4 * 16_000;
    let length = lead * 16_000 + utterances * EACH;
    let mut user = vec![0.0; length];
    let mut begins = Vec::new();
    for turn in 0..utterances {
        let at = lead * 16_000 + turn * EACH + 8_000;
        let words = voice(VOICES[(turn + 3) % VOICES.len()], near_dbfs);
        let first = words.iter().position(|s| s.abs() > 1e-3).unwrap_or(0);
        begins.push((at + first, at + words.len()));
        user[at..at + words.len()].copy_from_slice(&words);
    }
    let far = match loss_db {
        Some(_) => talk(length as f32 / 16_000.0, -26.0, 0),
        None => vec![0.0; length],
    };
    let mut room = Room::new(RoomSettings {
        loss_db: loss_db.unwrap_or(200.0),
        delay_ms: 80.0,
        ..RoomSettings::default()
    });
    let mut chain = Chain::new(ECHO);
    let mut out = Vec::with_capacity(length);
    for (far, words) in frames(&far).zip(frames(&user)) {
        let mut near = room.push(far);
        near.iter_mut().zip(words).for_each(|(n, w)| *n += w);
        chain.process(&mut near, far);
        out.extend(near);
    }
    let late = (chain.delay().as_secs_f32() * 16_000.0) as usize;
    let kept = |from: usize, to: usize| {
        let to = to.min(length - late);
        projection_db(&user[from..to], &out[from + late..to + late])
    };
    let mut starts: Vec<f32> = begins.iter().map(|b| kept(b.0, b.0 + 2_400)).collect();
    starts.sort_by(f32::total_cmp);
    Kept {
        whole: kept(lead * 16_000, length),
        begin: starts[starts.len() / 2],
        first: kept(begins[0].0, begins[0].1),
    }
}

/// How much of `voice` is in `out`, as a change of level.
fn projection_db(voice: &[f32], out: &[f32]) -> f32 {
    let common: f64 = voice.iter().zip(out).map(|(v, o)| f64::from(v * o)).sum();
    let own: f64 = voice.iter().map(|v| f64::from(v * v)).sum();
    (20.0 * (common / own.max(1e-12)).max(1e-6).log10()) as f32
}

// -- noticing it --

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
            LeakVerdict::Echo { delay, loss_db } => ("echo", Some(delay), Some(loss_db)),
            LeakVerdict::None => ("none", None, None),
            LeakVerdict::Unknown => ("unknown", None, None),
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
    let mut leak = Leak::new();
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
        .map(|(at, v)| (*at / 100, matches!(v, LeakVerdict::Echo { .. })))
        .collect();
    println!("{told:?}");
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
    verdict: LeakVerdict,
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
    let mut leak = Leak::new();
    let mut heard = Listened {
        verdict: LeakVerdict::Unknown,
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

fn power(samples: &[f32]) -> f32 {
    Dbfs::rms(samples).amplitude().powi(2)
}
