//! The detectors alone, frame by frame: where their settings come from.

use std::time::Instant;

use sovereign::base::frame::{FRAME_SAMPLES, Frame};
use sovereign::vad::{Detect, earshot, webrtc};

use super::listen::{SPEECH, Scene, Talk};
use super::noises::Kind;
use super::table::{Table, full};

/// Frames after a sentence that are neither speech nor silence: the tails of the detectors.
const TAIL_FRAMES: usize = 30;
const SCORES: [f32; 7] = [0.3, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8];

#[test]
fn what_each_setting_denies_and_admits() {
    let scenes: [Scene; 11] = [
        ("clean", SPEECH, None),
        ("quiet", SPEECH - 20.0, None),
        ("pink 20", SPEECH, Some((Kind::Pink, 20.0))),
        ("pink 10", SPEECH, Some((Kind::Pink, 10.0))),
        ("pink 10, −40 dBFS", -40.0, Some((Kind::Pink, 10.0))),
        ("pink 0", SPEECH, Some((Kind::Pink, 0.0))),
        ("fan 5", SPEECH, Some((Kind::Fan, 5.0))),
        ("fan 5, −12 dBFS", -12.0, Some((Kind::Fan, 5.0))),
        ("keys 10", SPEECH, Some((Kind::Keyboard, 10.0))),
        ("music 10", SPEECH, Some((Kind::Music, 10.0))),
        ("babble 10", SPEECH, Some((Kind::Babble, 10.0))),
    ];
    let mut columns = vec!["detector"];
    columns.extend(scenes.map(|scene| scene.0));
    let mut table = Table::new(
        "detection-detectors",
        "Frames of speech denied / frames without speech admitted, in percent (300 ms after each sentence count as neither). The \
         same sentences and noises as in `detection`; a number is the threshold of earshot's score.",
        &columns,
    );
    let rounds = if full() { 8 } else { 1 };
    let talks = scenes.map(|(_, level, noise)| {
        let talk = Talk::new(level, rounds, 11);
        match noise {
            Some((kind, snr)) => talk.with(kind, snr, 23),
            None => talk,
        }
    });
    let mut rows: Vec<Vec<Rates>> = vec![Vec::new(); 4 + SCORES.len()];
    for talk in &talks {
        for mode in 0..4 {
            let verdicts = each(talk, &mut webrtc::WebrtcVad::new(mode), |_, voiced| voiced);
            rows[usize::from(mode)].push(rates(talk, &verdicts));
        }
        let scores = each(talk, &mut earshot::EarshotVad::new(2), |e, _| e.score());
        for (n, score) in SCORES.iter().enumerate() {
            let verdicts: Vec<bool> = scores.iter().map(|s| s >= score).collect();
            rows[4 + n].push(rates(talk, &verdicts));
        }
    }
    for rates in &rows[7..8] {
        // Earshot at 0.5: no level makes it deaf, or holds it on in steady noise.
        for (rates, (scene, ..)) in rates.iter().zip(scenes) {
            let steady = !scene.starts_with("music") && !scene.starts_with("babble");
            assert!(rates.denied <= 25.0, "{scene}: {rates:?}");
            assert!(!steady || rates.admitted <= 5.0, "{scene}: {rates:?}");
        }
    }
    let names = (0..4).map(|mode| format!("webrtc {mode}"));
    let names = names.chain(SCORES.map(|score| format!("earshot {score}")));
    for (name, rates) in names.zip(&rows) {
        let cells = rates
            .iter()
            .map(|r| format!("{:.1} / {:.1}", r.denied, r.admitted));
        let cells: Vec<String> = std::iter::once(name).chain(cells).collect();
        table.row(&cells);
    }
    table.finish();
}

#[derive(Clone, Copy, Debug)]
struct Rates {
    denied: f64,
    admitted: f64,
}

fn rates(talk: &Talk, verdicts: &[bool]) -> Rates {
    let (mut speech, mut denied) = (0, 0);
    let mut silent = vec![true; verdicts.len()];
    for &(begin, end) in &talk.spoken {
        let (first, last) = (begin / FRAME_SAMPLES, end / FRAME_SAMPLES);
        speech += last - first;
        denied += verdicts[first..last].iter().filter(|v| !**v).count();
        silent[first..(last + TAIL_FRAMES).min(verdicts.len())].fill(false);
    }
    let silent: Vec<bool> = verdicts
        .iter()
        .zip(silent)
        .filter(|(_, s)| *s)
        .map(|(v, _)| *v)
        .collect();
    let admitted = silent.iter().filter(|voiced| **voiced).count();
    Rates {
        denied: 100.0 * denied as f64 / speech as f64,
        admitted: 100.0 * admitted as f64 / silent.len() as f64,
    }
}

/// What a detector says of each frame.
fn each<D: Detect, T>(talk: &Talk, detector: &mut D, mut say: impl FnMut(&D, bool) -> T) -> Vec<T> {
    let captured = Instant::now();
    let frames = (0_u64..).zip(talk.samples.chunks_exact(FRAME_SAMPLES));
    let one = |(sequence, samples): (u64, &[f32])| {
        let frame = Frame {
            samples: samples.try_into().expect("chunks are exact"),
            sequence,
            captured,
        };
        let voiced = detector.voiced(&frame);
        say(detector, voiced)
    };
    frames.map(one).collect()
}
