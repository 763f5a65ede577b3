//! Noise suppression: two statistical suppressors for steady noise, and a neural one for keyboards.
//!
//! ```text
//! Light, On:  sonora, 16 kHz, in place
//! Keyboard:   16 kHz ─▶ Resampler ─▶ 48 kHz, 10 ms ─▶ nnnoiseless ─▶ Resampler ─▶ 16 kHz
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use nnnoiseless::DenoiseState;

use super::apm::{Apm, Job};
use super::chain_stage::{ChainStage, Samples};
use super::resample::Resampler;
use crate::base::frame::FRAME_SAMPLES;
use crate::base::units::SampleRate;

/// Delay of sonora's suppressor: its window overlaps by 96 samples (measured, see the tests of `chain`).
const STATISTICAL_DELAY: Duration = Duration::from_millis(6);
/// Warm-up of the statistical suppressor, which takes its first input for noise: started in the middle of a word, it
/// would lower that word by 11 dB for about 150 ms.
const LEARNING_FRAMES: u32 = 50;
/// nnnoiseless returns each frame when it has the next one (its window covers two).
const LEARNT_DELAY: Duration = Duration::from_millis(10);
/// Taps of the filters to 48 kHz and back: the model uses nothing above 7 kHz, and each tap is delay.
const TAPS: u32 = 64;
/// nnnoiseless expects samples in the range of 16-bit integers.
const SCALE: f32 = 32_768.0;

/// Noise suppressors that can be chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NoiseSuppressor {
    #[default]
    Off,
    /// Steady noise, by about 6 dB; hardly affects the voice.
    Light,
    /// Steady noise, by about 12 dB.
    On,
    /// A small neural network; also removes key presses and clicks, with more delay.
    Keyboard,
}

pub(super) enum Denoise {
    Statistical(Box<Apm>),
    Learnt(Box<Learnt>),
}

impl Denoise {
    pub(super) fn new(noise: NoiseSuppressor) -> Option<Self> {
        match noise {
            NoiseSuppressor::Off => None,
            NoiseSuppressor::Light => Some(Self::Statistical(Box::new(Apm::new(Job::LightNoise)))),
            NoiseSuppressor::On => Some(Self::Statistical(Box::new(Apm::new(Job::Noise)))),
            NoiseSuppressor::Keyboard => Some(Self::Learnt(Box::new(Learnt::new()))),
        }
    }
}

impl ChainStage for Denoise {
    fn process(&mut self, near: &mut Samples, _far: &Samples) {
        match self {
            Self::Statistical(apm) => apm.process(near),
            Self::Learnt(learnt) => learnt.process(near),
        }
    }

    fn delay(&self) -> Duration {
        match self {
            Self::Statistical(_) => STATISTICAL_DELAY,
            Self::Learnt(learnt) => learnt.up.delay() + LEARNT_DELAY + learnt.down.delay(),
        }
    }

    fn warm_up(&self) -> u32 {
        match self {
            Self::Statistical(_) => LEARNING_FRAMES,
            Self::Learnt(_) => 2,
        }
    }

    fn reset(&mut self) {
        match self {
            Self::Statistical(apm) => apm.reset(),
            Self::Learnt(learnt) => **learnt = Learnt::new(),
        }
    }
}

/// nnnoiseless between two resamplers.
pub(super) struct Learnt {
    up: Resampler,
    model: Box<DenoiseState<'static>>,
    down: Resampler,
    /// Samples at 48 kHz that do not fill a frame yet: the one extra sample of the first frame.
    waiting: Vec<f32>,
    given: Vec<f32>,
    /// Samples at 16 kHz, ready to return.
    ready: VecDeque<f32>,
    back: Vec<f32>,
}

impl Learnt {
    fn new() -> Self {
        const MADE: &str = "the rates and taps are among those that can be made";
        let fast = SampleRate::new(48_000).expect("not zero");
        Self {
            up: Resampler::new(SampleRate::WORKING, fast, TAPS).expect(MADE),
            model: DenoiseState::new(),
            down: Resampler::new(fast, SampleRate::WORKING, TAPS).expect(MADE),
            waiting: Vec::new(),
            given: vec![0.0; DenoiseState::FRAME_SIZE],
            ready: VecDeque::new(),
            back: Vec::new(),
        }
    }

    fn process(&mut self, near: &mut Samples) {
        self.up.push(near, &mut self.waiting);
        let whole = self.waiting.len() / DenoiseState::FRAME_SIZE * DenoiseState::FRAME_SIZE;
        for frame in self.waiting[..whole].chunks_exact_mut(DenoiseState::FRAME_SIZE) {
            frame.iter_mut().for_each(|s| *s *= SCALE);
            self.model.process_frame(&mut self.given, frame);
            self.given.iter_mut().for_each(|s| *s /= SCALE);
            self.back.clear();
            self.down.push(&self.given, &mut self.back);
            self.ready.extend(&self.back);
        }
        self.waiting.drain(..whole);
        debug_assert!(
            self.ready.len() >= FRAME_SAMPLES,
            "10 ms in give 10 ms out from the first frame on"
        );
        near.fill(0.0);
        for (sample, ready) in near
            .iter_mut()
            .zip(self.ready.drain(..FRAME_SAMPLES.min(self.ready.len())))
        {
            *sample = ready;
        }
    }
}
