//! What is heard besides speech, made of arithmetic: 16 kHz, the same for the same seed, at no particular level (see
//! [`at_level`](super::voices::at_level)).

use std::f32::consts::TAU;

use super::voices::{Noise, VOICES, voice};

const RATE: f32 = 16_000.0;

/// The kinds of noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Falling by 3 dB in an octave: a room, a street far away.
    Pink,
    /// The hum of a motor and the rush of its air.
    Fan,
    /// Someone types: six keys in a second, down and up.
    Keyboard,
    /// A chord in a second, broken, over a bass.
    Music,
    /// Six people who talk at once.
    Babble,
    /// One or two coughs every two seconds.
    Cough,
    /// Someone says "uh-huh" every two seconds.
    UhHuh,
}

impl Kind {
    /// So many samples of it.
    pub(crate) fn make(self, length: usize, seed: u64) -> Vec<f32> {
        let mut noise = Noise::new(seed);
        match self {
            Self::Pink => pink(length, &mut noise),
            Self::Fan => fan(length, &mut noise),
            Self::Keyboard => keyboard(length, &mut noise),
            Self::Music => music(length, &mut noise),
            Self::Babble => babble(length, &mut noise),
            Self::Cough => every_two_seconds(length, &mut noise, cough),
            Self::UhHuh => every_two_seconds(length, &mut noise, uh_huh),
        }
    }
}

/// White noise through Kellet's filter.
fn pink(length: usize, noise: &mut Noise) -> Vec<f32> {
    let mut b = [0.0_f32; 3];
    let sample = |_| {
        let white = noise.next();
        b[0] = 0.997_65 * b[0] + white * 0.099_046;
        b[1] = 0.963 * b[1] + white * 0.296_516_4;
        b[2] = 0.57 * b[2] + white * 1.052_691_3;
        b[0] + b[1] + b[2] + white * 0.1848
    };
    (0..length).map(sample).collect()
}

/// Six harmonics of 117 Hz that swell a little, under air below some 800 Hz.
fn fan(length: usize, noise: &mut Noise) -> Vec<f32> {
    let mut air = 0.0;
    let sample = |i: usize| {
        let time = i as f32 / RATE;
        air += 0.27 * (noise.next() - air);
        let swell = 1.0 + 0.15 * (TAU * 0.7 * time).sin();
        let hum: f32 = (1..=6_u8)
            .map(f32::from)
            .map(|n| (TAU * 117.0 * n * time).sin() / n)
            .sum();
        air + 0.12 * swell * hum
    };
    (0..length).map(sample).collect()
}

/// Each key: a hit of 25 ms and, 60 to 120 ms later, a softer release; both ring at 1 to 4 kHz.
fn keyboard(length: usize, noise: &mut Noise) -> Vec<f32> {
    let mut samples = vec![0.0; length];
    let mut at = 0.0_f32;
    while (at as usize) < length {
        let loud = 0.7 + 0.3 * noise.next();
        let release = at + RATE * (0.09 + 0.03 * noise.next());
        click(&mut samples, at as usize, loud, noise);
        click(&mut samples, release as usize, 0.4 * loud, noise);
        at += RATE * (0.17 + 0.1 * noise.next());
    }
    samples
}

fn click(samples: &mut [f32], at: usize, loud: f32, noise: &mut Noise) {
    let hz = 2_500.0 + 1_500.0 * noise.next();
    for (i, sample) in samples.iter_mut().skip(at).take(400).enumerate() {
        let time = i as f32 / RATE;
        let ring = (TAU * hz * time).sin() + 0.8 * noise.next();
        *sample += loud * ring * (-time / 0.004).exp();
    }
}

/// Four chords that come round, broken into quavers of eight harmonics each, and a bass.
fn music(length: usize, noise: &mut Noise) -> Vec<f32> {
    const CHORDS: [[f32; 4]; 4] = [
        [220.0, 261.6, 329.6, 440.0],
        [174.6, 220.0, 261.6, 349.2],
        [261.6, 329.6, 392.0, 523.3],
        [196.0, 246.9, 293.7, 392.0],
    ];
    let quaver = (RATE / 8.0) as usize;
    let mut samples = vec![0.0; length];
    for (note, begin) in (0..length).step_by(quaver).enumerate() {
        let chord = CHORDS[note / 8 % 4];
        let loud = 0.8 + 0.2 * noise.next();
        tone(
            &mut samples[begin..],
            chord[[0, 1, 2, 3, 2, 1, 2, 1][note % 8]],
            loud,
            0.25,
        );
        if note % 4 == 0 {
            tone(&mut samples[begin..], chord[0] / 2.0, 1.0, 0.5);
        }
    }
    samples
}

/// A struck string that dies away over `decay` seconds.
fn tone(samples: &mut [f32], hz: f32, loud: f32, decay: f32) {
    let length = (3.0 * decay * RATE) as usize;
    for (i, sample) in samples.iter_mut().take(length).enumerate() {
        let time = i as f32 / RATE;
        let attack = (time / 0.005).min(1.0);
        let string: f32 = (1..=8_u8)
            .map(f32::from)
            .map(|n| (TAU * hz * n * time).sin() * (-time * n / (3.0 * decay)).exp() / n)
            .sum();
        *sample += loud * attack * string * (-time / decay).exp();
    }
}

/// Each of the voices over and over, from a place of its own.
fn babble(length: usize, noise: &mut Noise) -> Vec<f32> {
    let mut samples = vec![0.0; length];
    for name in VOICES {
        let words = voice(name, -26.0);
        let from = ((0.5 + 0.5 * noise.next()) * words.len() as f32) as usize;
        for (sample, word) in samples.iter_mut().zip(words.iter().cycle().skip(from)) {
            *sample += word;
        }
    }
    samples
}

fn every_two_seconds(
    length: usize,
    noise: &mut Noise,
    sound: fn(&mut Noise) -> Vec<f32>,
) -> Vec<f32> {
    let mut samples = vec![0.0; length];
    let mut at = RATE * 1.5;
    while (at as usize) < length {
        for (sample, sound) in samples[at as usize..].iter_mut().zip(sound(noise)) {
            *sample += sound;
        }
        at += RATE * (2.0 + 0.3 * noise.next());
    }
    samples
}

/// One burst or two of 180 ms: a bang, then breath through an open throat (600, 1 300 and 2 600 Hz).
fn cough(noise: &mut Noise) -> Vec<f32> {
    let bursts = if noise.next() > 0.0 { 2 } else { 1 };
    let mut samples = Vec::new();
    for _ in 0..bursts {
        let mut throat = [600.0, 1_300.0, 2_600.0].map(|hz| Resonance::new(hz, 250.0));
        let burst = (0..(0.18 * RATE) as usize).map(|i| {
            let time = i as f32 / RATE;
            let breath = noise.next() * (time / 0.004).min(1.0) * (-time / 0.05).exp();
            throat.iter_mut().map(|r| r.push(breath)).sum::<f32>()
        });
        samples.extend(burst);
        samples.resize(samples.len() + (0.12 * RATE) as usize, 0.0);
    }
    samples
}

/// Two short vowels through the nose, the second higher, with breath between them: 360 ms in all.
fn uh_huh(noise: &mut Noise) -> Vec<f32> {
    let pitch = 150.0 + 60.0 * noise.next();
    let mut throat = [(350.0, 1.0), (1_100.0, 0.4), (2_500.0, 0.15)]
        .map(|(hz, part)| (Resonance::new(hz, 110.0), part));
    let mut phase = 0.0_f32;
    let sample = |i: usize| {
        let time = i as f32 / RATE;
        let (begin, lift) = if time < 0.18 { (0.0, 0.0) } else { (0.2, 0.25) };
        let place = ((time - begin) / 0.16).clamp(0.0, 1.0);
        let swell = (std::f32::consts::PI * place).sin();
        phase = (phase + pitch * (1.0 + lift + 0.1 * place) / RATE).fract();
        // The pulse of the glottis, and the "h" between.
        let glottis = swell * (0.5 - phase) + 0.06 * noise.next();
        throat
            .iter_mut()
            .map(|(r, part)| *part * r.push(glottis))
            .sum::<f32>()
    };
    (0..(0.36 * RATE) as usize).map(sample).collect()
}

/// A resonance of the throat.
struct Resonance {
    a1: f32,
    a2: f32,
    gain: f32,
    out: [f32; 2],
}

impl Resonance {
    fn new(hz: f32, width: f32) -> Self {
        let r = (-std::f32::consts::PI * width / RATE).exp();
        Self {
            a1: 2.0 * r * (TAU * hz / RATE).cos(),
            a2: -r * r,
            gain: 1.0 - r,
            out: [0.0; 2],
        }
    }

    fn push(&mut self, sample: f32) -> f32 {
        let out = self.gain * sample + self.a1 * self.out[0] + self.a2 * self.out[1];
        self.out = [out, self.out[0]];
        out
    }
}
