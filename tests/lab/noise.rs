//! Noise suppression: what each setting does to noise, and to the voice in it.

use std::f32::consts::TAU;

use sovereign::dsp::chain::{Chain, ChainSettings, NoiseSuppressor as Setting};

use crate::room::{frames, talk};
use crate::table::{Table, full};
use crate::voices::{Noise, VOICES, at_level, voice};

/// Of noise and of its pauses, in seconds: words for three, then one of noise alone.
const PERIOD: usize = 4 * 16_000;
const WORDS: usize = 3 * 16_000;
const VOICE_DBFS: f32 = -26.0;

#[test]
fn noise_suppression() {
    let mut table = Table::new(
        "noise-suppression",
        "Six voices in turn, each saying some words at -26 dBFS in every four seconds, in noise (SNR while they speak). SI-SDR before and behind the chain in decibels (against the clean voice behind \
         the same high-passes), how much the noise falls while nobody speaks, and how much the level of the voice changes.",
        &[
            "noise",
            "SNR, dB",
            "setting",
            "SI-SDR in",
            "SI-SDR out",
            "noise falls, dB",
            "voice, dB",
        ],
    );
    let seconds = if full() { 96 } else { 12 };
    let clean = spoken(seconds);
    let mut faults = Vec::new();
    let ratios: &[f32] = if full() { &[0.0, 5.0, 10.0] } else { &[5.0] };
    for (name, make) in NOISES {
        for snr in ratios {
            let noise = at_level(make(clean.len()), VOICE_DBFS - snr);
            for setting in [Setting::Light, Setting::On, Setting::Keyboard] {
                let seen = suppress(&clean, &noise, setting);
                table.row(&[
                    name.to_owned(),
                    format!("{snr:.0}"),
                    format!("{setting:?}").to_lowercase(),
                    format!("{:.1}", seen.before),
                    format!("{:.1}", seen.behind),
                    format!("{:.0}", seen.falls),
                    format!("{:.1}", seen.voice),
                ]);
                faults.extend(fault(name, setting, &seen));
            }
        }
    }
    table.finish();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// What is worse than measured by more than a few decibels.
fn fault(noise: &str, setting: Setting, seen: &Figures) -> Option<String> {
    let (gain, falls) = match (noise, setting) {
        ("pink" | "fan", Setting::Light) => (1.5, 4.0),
        ("pink" | "fan", Setting::On) => (2.0, 7.0),
        ("pink" | "fan", _) => (0.0, 20.0),
        ("keyboard", Setting::Keyboard) => (1.5, 3.0),
        // Steady noise is all that the two know of.
        _ => (-1.5, 0.0),
    };
    let gained = seen.behind - seen.before;
    let good = gained > gain && seen.falls > falls && seen.voice > -6.0;
    (!good).then(|| format!("{noise}, {setting:?}: {seen:?}"))
}

#[derive(Debug)]
struct Figures {
    before: f32,
    behind: f32,
    falls: f32,
    voice: f32,
}

fn suppress(clean: &[f32], noise: &[f32], setting: Setting) -> Figures {
    let mut chain = Chain::new(ChainSettings {
        noise: setting,
        ..ChainSettings::default()
    });
    let dirty: Vec<f32> = clean.iter().zip(noise).map(|(c, n)| c + n).collect();
    let mut out = Vec::with_capacity(dirty.len());
    for frame in frames(&dirty) {
        let mut frame = *frame;
        chain.process(&mut frame, &[0.0; 160]);
        out.extend(frame);
    }
    let (mut reference, mut before) = (high_passed(clean), high_passed(&dirty));
    if setting != Setting::Keyboard {
        // These two bring a high-pass of their own, that turns phases: what is scored is what they do to noise.
        reference = high_passed_again(reference);
        before = high_passed_again(before);
    }
    let late = chain.delay().as_secs_f32() * 16_000.0;
    let reference_late = shifted(&reference, late);
    // The first period is learning.
    let from = PERIOD;
    let (mut noise_in, mut noise_out) = (0.0, 0.0);
    for gap in (from..dirty.len()).step_by(PERIOD) {
        // The last half of the pause: the voice's tail and the delay are over.
        let pause = gap + WORDS + 8_000..(gap + PERIOD).min(out.len());
        noise_in += energy(&before[pause.clone()]);
        noise_out += energy(&out[pause]);
    }
    Figures {
        before: si_sdr(&reference[from..], &before[from..]),
        behind: si_sdr(&reference_late[from..], &out[from..]),
        falls: 10.0 * (noise_in / noise_out.max(1e-9)).log10(),
        voice: projection(&reference_late[from..], &out[from..])
            .max(1e-6)
            .log10()
            * 20.0,
    }
}

// -- sounds --

type Make = fn(usize) -> Vec<f32>;
const NOISES: [(&str, Make); 4] = [
    ("pink", pink),
    ("fan", fan),
    ("keyboard", keyboard),
    ("babble", babble),
];

/// Words for three seconds, then one without.
fn spoken(seconds: usize) -> Vec<f32> {
    let mut samples = vec![0.0; seconds * 16_000];
    for (turn, period) in samples.chunks_exact_mut(PERIOD).enumerate() {
        let words = voice(VOICES[turn % VOICES.len()], VOICE_DBFS);
        let fits = words.len().min(WORDS);
        period[..fits].copy_from_slice(&words[..fits]);
    }
    samples
}

/// Equal power in each octave: white noise through Kellet's three first-order filters.
pub(crate) fn pink(count: usize) -> Vec<f32> {
    let mut noise = Noise::new(11);
    let mut state = [0.0_f32; 3];
    (0..count)
        .map(|_| {
            let white = noise.next();
            state[0] = 0.99765 * state[0] + white * 0.0990460;
            state[1] = 0.96300 * state[1] + white * 0.2965164;
            state[2] = 0.57000 * state[2] + white * 1.0526913;
            state.iter().sum::<f32>() + white * 0.1848
        })
        .collect()
}

/// Air, mostly below 500 Hz, and the hum of blades at 120 Hz and twice that.
pub(crate) fn fan(count: usize) -> Vec<f32> {
    let mut noise = Noise::new(12);
    let mut air = 0.0;
    (0..count)
        .map(|i| {
            air = 0.85 * air + 0.15 * noise.next();
            let turn = i as f32 / 16_000.0 * TAU;
            air + 0.05 * (120.0 * turn).sin() + 0.03 * (240.0 * turn).sin()
        })
        .collect()
}

/// Seven keys a second at irregular times: a click of some milliseconds going down, a weaker one 80 ms later coming up,
/// most of it above 1 kHz, and a little of the board's thud.
pub(crate) fn keyboard(count: usize) -> Vec<f32> {
    let mut noise = Noise::new(13);
    let mut samples = vec![0.0; count];
    let mut at = 0;
    while at + 3_200 < count {
        let loud = 0.6 + 0.4 * noise.next();
        let thud = 250.0 + 100.0 * noise.next();
        let mut last = 0.0;
        for i in 0..1_200 {
            let time = i as f32 / 16_000.0;
            let white = noise.next();
            let click = (white - 0.7 * last) * (-time / 0.003).exp();
            last = white;
            let board = 0.15 * (thud * time * TAU).sin() * (-time / 0.012).exp();
            samples[at + i] += loud * (click + board);
            samples[at + i + 1_280] += 0.4 * loud * click;
        }
        at += (2_300.0 + 1_200.0 * noise.next()) as usize;
    }
    samples
}

/// Twelve others at once.
pub(crate) fn babble(count: usize) -> Vec<f32> {
    let seconds = count as f32 / 16_000.0;
    let mut sum = vec![0.0; count];
    for talker in 0..12 {
        let words = talk(seconds, VOICE_DBFS, talker);
        let offset = talker * 7_919 % count;
        for (i, sample) in sum.iter_mut().enumerate() {
            *sample += words[(i + offset) % words.len()];
        }
    }
    sum
}

// -- measures --

/// The chain's high-pass, after the cookbook's formula: second order, 80 Hz.
pub(crate) fn high_passed(samples: &[f32]) -> Vec<f32> {
    let angle = std::f64::consts::TAU * 80.0 / 16_000.0;
    let alpha = angle.sin() * std::f64::consts::FRAC_1_SQRT_2;
    let (cos, scale) = (angle.cos(), (1.0 + alpha).recip());
    let (edge, a1, a2) = (
        (1.0 + cos) / 2.0 * scale,
        -2.0 * cos * scale,
        (1.0 - alpha) * scale,
    );
    let (mut x, mut y) = ([0.0_f64; 2], [0.0_f64; 2]);
    samples
        .iter()
        .map(|s| {
            let input = f64::from(*s);
            let output = edge * (input - 2.0 * x[0] + x[1]) - a1 * y[0] - a2 * y[1];
            x = [input, x[0]];
            y = [output, y[0]];
            output as f32
        })
        .collect()
}

/// The suppressor's own high-pass.
fn high_passed_again(samples: Vec<f32>) -> Vec<f32> {
    let mut channels = [samples];
    sonora::high_pass_filter::HighPassFilter::new(16_000, 1).process_channels(&mut channels);
    let [samples] = channels;
    samples
}

/// The same sound so many samples later, fractions too.
fn shifted(samples: &[f32], late: f32) -> Vec<f32> {
    const SIDE: i64 = 16;
    let (whole, rest) = (late.floor() as i64, late.fract());
    let taps: Vec<f32> = (-SIDE..=SIDE)
        .map(|k| {
            let x = std::f32::consts::PI * (k as f32 - rest);
            let window = 0.5 + 0.5 * (x / (SIDE + 1) as f32).cos();
            if x.abs() < 1e-4 {
                1.0
            } else {
                x.sin() / x * window
            }
        })
        .collect();
    let at = |i: i64| {
        usize::try_from(i)
            .ok()
            .and_then(|i| samples.get(i))
            .copied()
            .unwrap_or(0.0)
    };
    (0..samples.len() as i64)
        .map(|i| {
            (-SIDE..=SIDE)
                .zip(&taps)
                .map(|(k, t)| t * at(i - whole - k))
                .sum()
        })
        .collect()
}

fn si_sdr(reference: &[f32], heard: &[f32]) -> f32 {
    let gain = projection(reference, heard);
    let wanted = energy(reference) * gain * gain;
    let rest: f32 = reference
        .iter()
        .zip(heard)
        .map(|(r, h)| (h - gain * r).powi(2))
        .sum();
    10.0 * (wanted / rest.max(1e-9)).log10()
}

/// The gain with which the reference is in what is heard.
fn projection(reference: &[f32], heard: &[f32]) -> f32 {
    let common: f32 = reference.iter().zip(heard).map(|(r, h)| r * h).sum();
    common / energy(reference).max(1e-9)
}

fn energy(samples: &[f32]) -> f32 {
    samples.iter().map(|s| s * s).sum()
}
