//! Gain control: how loud voices of different levels become, and how that compares with the original of the controller,
//! which finds speech with a neural detector of its own.

use std::time::{Duration, Instant};

use sonora::config::{AdaptiveDigital, GainController2};
use sonora::{AudioProcessing, Config};
use sovereign::base::frame::Frame;
use sovereign::base::units::Dbfs;
use sovereign::dsp::chain::{Chain, ChainSettings};
use sovereign::vad::Detect as _;
use sovereign::vad::earshot::EarshotVad;

use crate::noise::{high_passed, pink};
use crate::room::frames;
use crate::table::{Table, full};
use crate::voices::{VOICES, at_level, voice};

/// Words for three seconds, then a pause of one.
const PERIOD: usize = 4 * 16_000;
const WORDS: usize = 3 * 16_000;
/// Time after which the level has settled: 30 dB at 6 dB a second.
const SETTLED: usize = 8 * 16_000;
/// Level to which the gain raises noise at most, in dBFS: the library holds its quietest frames below -50.
const LOUDEST_NOISE: f32 = -47.0;
/// Difference to the original in decibels: its own detector misses some words of two voices.
const ALIKE: f32 = 2.2;

#[test]
fn gain_control() {
    let mut table = Table::new(
        "gain-control",
        "Each voice says its words again and again with pauses of a second, at this level and in pink noise so far below it. Level of the words in dBFS once the gain has settled (after 8 s), behind our \
         gain control and behind the original with its own detector of speech; and how much each raises the noise of the pauses, in decibels.",
        &[
            "voice",
            "level",
            "noise below it",
            "ours",
            "original",
            "noise, ours",
            "noise, original",
        ],
    );
    let (voices, levels): (&[&str], &[f32]) = if full() {
        (&VOICES, &[-50.0, -40.0, -30.0, -25.0, -20.0])
    } else {
        (&VOICES[..2], &[-40.0, -20.0])
    };
    let mut faults = Vec::new();
    for name in voices {
        for &level in levels {
            for below in [40.0, 15.0] {
                let sound = spoken(name, level, below);
                let [ours, original] = [gained(&sound), with_own_detector(&sound)];
                let [ours_noise, original_noise] =
                    [&ours, &original].map(|out| raised(&sound, out));
                let [ours, original] = [ours, original].map(|out| words(&out).0);
                table.row(&[
                    (*name).to_owned(),
                    format!("{level:.0}"),
                    format!("{below:.0}"),
                    format!("{ours:.1}"),
                    format!("{original:.1}"),
                    format!("{ours_noise:.1}"),
                    format!("{original_noise:.1}"),
                ]);
                // In noise the original misses words of a quiet voice, and leaves it quiet.
                let alike = (ours - original).abs() <= ALIKE || (below < 20.0 && ours > original);
                let hiss = words(&sound).1 + ours_noise;
                if !alike || (hiss > LOUDEST_NOISE && ours_noise > 0.0) {
                    faults.push(format!("{name} at {level}, noise {below} below: {ours} and {original}, noise {ours_noise} and {original_noise}"));
                }
            }
        }
    }
    table.finish();
    assert!(faults.is_empty(), "{faults:#?}");
}

fn gained(sound: &[f32]) -> Vec<f32> {
    let mut chain = Chain::new(ChainSettings {
        gain: true,
        ..ChainSettings::default()
    });
    let mut detector = EarshotVad::new(2);
    let start = Instant::now();
    let mut out = Vec::with_capacity(sound.len());
    for (n, frame) in (0_u32..).zip(frames(sound)) {
        let mut samples = *frame;
        chain.process(&mut samples, &[0.0; 160]);
        chain.judge(detector.voiced(&Frame {
            samples,
            sequence: n.into(),
            captured: start + n * Duration::from_millis(10),
        }));
        out.extend(samples);
    }
    out
}

/// The original, behind the same high-pass.
fn with_own_detector(sound: &[f32]) -> Vec<f32> {
    let mut original = AudioProcessing::builder()
        .config(Config {
            gain_controller2: Some(GainController2 {
                adaptive_digital: Some(AdaptiveDigital {
                    initial_gain_db: 0.0,
                    max_gain_db: 30.0,
                    ..AdaptiveDigital::default()
                }),
                ..GainController2::default()
            }),
            ..Config::default()
        })
        .build();
    let mut out = Vec::with_capacity(sound.len());
    for frame in frames(&high_passed(sound)) {
        let mut samples = *frame;
        original
            .process_capture_f32(&[frame], &mut [&mut samples])
            .expect("a frame of 10 ms");
        out.extend(samples);
    }
    out
}

fn spoken(name: &str, dbfs: f32, below: f32) -> Vec<f32> {
    let seconds = if full() { 32 } else { 16 };
    let mut sound = at_level(pink(seconds * 16_000), dbfs - below);
    let words = voice(name, dbfs);
    for period in sound.chunks_exact_mut(PERIOD) {
        for (sample, word) in period.iter_mut().zip(words.iter().cycle().take(WORDS)) {
            *sample += word;
        }
    }
    sound
}

/// RMS levels of the words and of the pauses, settled.
fn words(sound: &[f32]) -> (f32, f32) {
    let (mut words, mut pauses) = (Vec::new(), Vec::new());
    for period in sound[SETTLED..].chunks_exact(PERIOD) {
        words.extend_from_slice(&period[..WORDS]);
        pauses.extend_from_slice(&period[WORDS + 8_000..]);
    }
    (Dbfs::rms(&words).0, Dbfs::rms(&pauses).0)
}

fn raised(sound: &[f32], out: &[f32]) -> f32 {
    words(out).1 - words(sound).1
}
