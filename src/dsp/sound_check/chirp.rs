//! The chirp of the sound check and its matched filter: the autocorrelation of a sweep is one narrow peak, so its
//! arrival is known to a fraction of a millisecond, even far below the noise.

use std::f64::consts::TAU;

use super::super::chain_stage::dot;
use crate::base::frame::FRAME_SAMPLES;
use crate::base::units::SampleRate;

/// Length in seconds: audible in noise, short enough not to annoy.
const SECONDS: f64 = 0.25;
/// Range of the sweep: from what small speakers can play to just below what 16 kHz can carry.
const FROM_HZ: f64 = 200.0;
const TO_HZ: f64 = 7_600.0;
/// Peak amplitude, -12 dBFS: clearly audible, not startling.
const AMPLITUDE: f64 = 0.25;
/// Length of the fades at both ends, in seconds.
const FADE: f64 = 0.01;

/// Samples of the chirp at this rate, full scale 1.0.
pub(super) fn chirp(rate: SampleRate) -> Vec<f32> {
    let hz = f64::from(rate.hz());
    let count = (SECONDS * hz) as usize;
    (0..count).map(|i| at(i as f64 / hz) as f32).collect()
}

fn at(seconds: f64) -> f64 {
    let turns = FROM_HZ * seconds + (TO_HZ - FROM_HZ) / SECONDS * seconds * seconds / 2.0;
    let edge = seconds.min(SECONDS - seconds) / FADE;
    let fade = 0.5 - 0.5 * (edge.clamp(0.0, 1.0) * TAU / 2.0).cos();
    AMPLITUDE * fade * (turns * TAU).sin()
}

/// Matched filter: correlates a stream with the chirp, sample by sample.
pub(super) struct Finder {
    template: Vec<f32>,
    energy: f32,
    /// All samples so far, after as much silence as the template is long.
    heard: Vec<f32>,
    /// For each sample, the correlation of the chirp with the window that ends there.
    matches: Vec<f32>,
}

impl Finder {
    pub(super) fn new() -> Self {
        let template = chirp(SampleRate::WORKING);
        Self {
            energy: template.iter().map(|t| t * t).sum(),
            heard: vec![0.0; template.len()],
            matches: Vec::new(),
            template,
        }
    }

    /// Processes samples; without `matching` (there can be no chirp in them) they count as no match.
    pub(super) fn push(&mut self, samples: &[f32; FRAME_SAMPLES], matching: bool) {
        let first = self.heard.len();
        self.heard.extend(samples);
        for i in 0..FRAME_SAMPLES {
            let window = &self.heard[first + i + 1 - self.template.len()..=first + i];
            let found = if matching {
                dot(window, &self.template) / self.energy
            } else {
                0.0
            };
            self.matches.push(found);
        }
    }

    /// Number of samples so far.
    pub(super) fn len(&self) -> usize {
        self.matches.len()
    }

    /// Strongest match in a range of samples.
    pub(super) fn strongest(&self, range: std::ops::Range<usize>) -> Option<Match> {
        let range = range.start.min(self.len())..range.end.min(self.len());
        let first = range.start;
        let found = &self.matches[range];
        let best = (0..found.len()).max_by(|a, b| found[*a].abs().total_cmp(&found[*b].abs()))?;
        let power: f32 = found.iter().map(|m| m * m).sum();
        let mean = (power / found.len() as f32).sqrt();
        Some(Match {
            ends: (first + best) as f32 + between(found, best),
            prominence: if mean > 1e-9 {
                found[best].abs() / mean
            } else {
                0.0
            },
        })
    }

    /// Share of the energy of the window that ends at `end` that is the chirp, 0 to 1.
    pub(super) fn purity(&self, end: usize) -> f32 {
        let Some(found) = self.matches.get(end) else {
            return 0.0;
        };
        let window = self.energy_of(end + 1 - self.template.len().min(end + 1)..end + 1);
        if window > 1e-9 {
            found * found * self.energy / window
        } else {
            0.0
        }
    }

    /// Energy of a range of samples.
    pub(super) fn energy_of(&self, range: std::ops::Range<usize>) -> f32 {
        let lead = self.template.len();
        let end = (range.end + lead).min(self.heard.len());
        let start = (range.start + lead).min(end);
        self.heard[start..end].iter().map(|s| s * s).sum()
    }

    /// Length of the chirp in samples.
    pub(super) fn chirp_len(&self) -> usize {
        self.template.len()
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    /// Last sample of the chirp, with fraction.
    pub(super) ends: f32,
    /// Peak-to-mean ratio in the range.
    pub(super) prominence: f32,
}

/// Offset of the peak between samples: the vertex of the parabola through it and its neighbours.
fn between(values: &[f32], at: usize) -> f32 {
    if at == 0 || at + 1 >= values.len() {
        return 0.0;
    }
    let sign = values[at].signum();
    let [left, top, right] = [at - 1, at, at + 1].map(|i| values[i] * sign);
    let bend = left - 2.0 * top + right;
    if bend.abs() < f32::MIN_POSITIVE {
        0.0
    } else {
        (0.5 * (left - right) / bend).clamp(-0.5, 0.5)
    }
}
