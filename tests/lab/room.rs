//! Rooms of arithmetic: what a microphone hears of a loudspeaker.
//!
//! ```text
//! far ─▶ speaker (bends) ─▶ room (direct sound, decaying echoes) ─▶ delay, clock drift, jump ─▶ + noise ─▶ microphone
//! ```

use sovereign::base::frame::FRAME_SAMPLES;
use sovereign::base::units::Dbfs;

use crate::voices::{Noise, VOICES, voice};

const RATE: f32 = 16_000.0;

/// How the loudspeaker bends loud sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Speaker {
    /// Not at all.
    Linear,
    /// A decent one: a gentle tanh.
    Soft,
    /// A small one, too loud: a steep tanh and a second harmonic.
    Hard,
}

/// A room, its devices and their clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoomSettings {
    /// From the far end's samples to the direct sound at the microphone.
    pub(crate) delay_ms: f32,
    /// Far end to echo, both as power.
    pub(crate) loss_db: f32,
    /// Until the reverberation is 60 dB lower.
    pub(crate) decay_s: f32,
    /// Power of the direct sound over that of the reverberation.
    pub(crate) direct_db: f32,
    pub(crate) speaker: Speaker,
    /// Noise of the microphone.
    pub(crate) noise_dbfs: f32,
    /// The delay grows by so many microseconds per second.
    pub(crate) drift_ppm: f32,
    /// At this second, the delay becomes another.
    pub(crate) jump: Option<(f32, f32)>,
    pub(crate) seed: u64,
}

impl Default for RoomSettings {
    /// A laptop in a living room: RT60 0.25 s, 120 ms of it, echo 6 dB below the far end.
    fn default() -> Self {
        Self {
            delay_ms: 40.0,
            loss_db: 6.0,
            decay_s: 0.25,
            direct_db: 5.0,
            speaker: Speaker::Soft,
            noise_dbfs: -70.0,
            drift_ppm: 0.0,
            jump: None,
            seed: 1,
        }
    }
}

/// See the [module](self). Fed frame by frame, so that what is played may depend on what was heard.
pub(crate) struct Room {
    settings: RoomSettings,
    /// (samples behind the direct sound, gain).
    echoes: Vec<(usize, f32)>,
    /// Behind the speaker, oldest first.
    played: Vec<f32>,
    /// In the room, oldest first.
    sounding: Vec<f32>,
    /// Samples since the beginning.
    at: u64,
    noise: Noise,
    sinc: Vec<[f32; SINC]>,
}

/// Length of the impulse response, in samples.
const RESPONSE: usize = 1_920;
/// Reflections per second: so many single ones sound as dense as noise.
const REFLECTIONS: usize = 2_000;
/// Longest delay, in samples: a second.
const LONGEST: usize = 16_000;
/// Taps and phases of the interpolation between samples.
const SINC: usize = 16;
const PHASES: usize = 1_024;

impl Room {
    pub(crate) fn new(settings: RoomSettings) -> Self {
        Self {
            settings,
            echoes: echoes(&settings),
            played: vec![0.0; RESPONSE + FRAME_SAMPLES],
            sounding: vec![0.0; LONGEST + FRAME_SAMPLES],
            at: 0,
            noise: Noise::new(settings.seed ^ 0xFACE),
            sinc: interpolation(),
        }
    }

    /// Plays 10 ms, and gives what the microphone picks up in them.
    pub(crate) fn push(&mut self, far: &[f32; FRAME_SAMPLES]) -> [f32; FRAME_SAMPLES] {
        self.played.copy_within(FRAME_SAMPLES.., 0);
        self.sounding.copy_within(FRAME_SAMPLES.., 0);
        for (i, sample) in far.iter().enumerate() {
            self.played[RESPONSE + i] = bent(self.settings.speaker, *sample);
            let at = RESPONSE + i;
            let sum = self
                .echoes
                .iter()
                .map(|(lag, gain)| gain * self.played[at - lag]);
            self.sounding[LONGEST + i] = sum.sum();
        }
        let floor = Dbfs(self.settings.noise_dbfs).amplitude() * 3.0_f32.sqrt();
        std::array::from_fn(|i| {
            let echo = self.heard(i);
            self.at += 1;
            echo + floor * self.noise.next()
        })
    }

    /// The room's sound as it was `delay` before the `i`th sample of the frame.
    fn heard(&self, i: usize) -> f32 {
        let seconds = self.at as f64 / f64::from(RATE);
        let delay_ms = match self.settings.jump {
            Some((when, then)) if seconds >= f64::from(when) => then,
            _ => self.settings.delay_ms,
        };
        let late = f64::from(delay_ms) / 1e3 + seconds * f64::from(self.settings.drift_ppm) * 1e-6;
        let place = (LONGEST + i) as f64 - late * f64::from(RATE);
        let whole = place.floor();
        let phase = ((place - whole) * PHASES as f64) as usize;
        let first = (whole as usize).saturating_sub(SINC / 2 - 1);
        let last = (LONGEST + FRAME_SAMPLES).min(first + SINC);
        let around = &self.sounding[first..last];
        around
            .iter()
            .zip(&self.sinc[phase])
            .map(|(s, t)| s * t)
            .sum()
    }
}

/// The direct sound, and reflections at random, each later one weaker, scaled to the loss asked for.
fn echoes(settings: &RoomSettings) -> Vec<(usize, f32)> {
    let mut noise = Noise::new(settings.seed);
    let mut reflections = Vec::new();
    let spacing = RATE as usize / REFLECTIONS;
    for slot in 1..RESPONSE / spacing {
        let lag = slot * spacing + ((noise.next() + 1.0) * 0.5 * (spacing - 1) as f32) as usize;
        let decay = 10.0_f32.powf(-3.0 * lag as f32 / RATE / settings.decay_s);
        reflections.push((lag, noise.next().signum() * decay));
    }
    let power: f32 = reflections.iter().map(|(_, g)| g * g).sum();
    let direct = Dbfs(settings.direct_db).amplitude();
    let gain = Dbfs(-settings.loss_db).amplitude() / (1.0 + direct * direct).sqrt();
    reflections
        .iter_mut()
        .for_each(|(_, g)| *g *= gain / power.sqrt());
    reflections.insert(0, (0, direct * gain));
    reflections
}

fn bent(speaker: Speaker, sample: f32) -> f32 {
    match speaker {
        Speaker::Linear => sample,
        Speaker::Soft => sample.tanh(),
        Speaker::Hard => (4.0 * sample).tanh() / 4.0 + 0.15 * sample * sample,
    }
}

/// Windowed sincs for places between samples.
fn interpolation() -> Vec<[f32; SINC]> {
    (0..PHASES)
        .map(|phase| {
            let offset = phase as f32 / PHASES as f32;
            std::array::from_fn(|k| {
                let x = k as f32 - (SINC / 2 - 1) as f32 - offset;
                let angle = std::f32::consts::PI * x;
                let window = 0.5 + 0.5 * (angle / (SINC / 2) as f32).cos();
                if x.abs() < 1e-6 {
                    1.0
                } else {
                    angle.sin() / angle * window.max(0.0)
                }
            })
        })
        .collect()
}

/// A reply of some length: the voices in turn, from the `first` on, with pauses of 250 ms, at an RMS level that counts
/// the voices and not the pauses.
pub(crate) fn talk(seconds: f32, dbfs: f32, first: usize) -> Vec<f32> {
    let wanted = (seconds * RATE) as usize;
    let mut talk = Vec::with_capacity(wanted);
    for turn in first.. {
        talk.extend(voice(VOICES[turn % VOICES.len()], dbfs));
        talk.extend([0.0; 4_000]);
        if talk.len() >= wanted {
            break;
        }
    }
    talk.truncate(wanted);
    talk
}

/// Whole frames of a signal.
pub(crate) fn frames(samples: &[f32]) -> impl Iterator<Item = &[f32; FRAME_SAMPLES]> {
    samples.as_chunks().0.iter()
}
