//! Echo: how much of it is taken out, and what that costs the voice that is said over it.

use sovereign::base::frame::FRAME_SAMPLES;
use sovereign::base::units::Dbfs;
use sovereign::dsp::chain::{Chain, ChainSettings};

use crate::room::{Room, RoomSettings, Speaker, frames, talk};
use crate::table::{Table, full};
use crate::voices::{VOICES, voice};

const ECHO: ChainSettings = ChainSettings {
    echo: true,
    noise: sovereign::dsp::chain::NoiseSuppressor::Off,
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
        let alone = speak_over(near_dbfs, None, 0, utterances);
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

fn power(samples: &[f32]) -> f32 {
    Dbfs::rms(samples).amplitude().powi(2)
}
