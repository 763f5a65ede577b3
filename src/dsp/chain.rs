//! The processing chain of the microphone, between resampler and detector.
//!
//! ```text
//! near ─▶ sanitise ─▶ high-pass ─▶ echo ─▶ noise ─▶ gain ─▶ limiter ─▶ out
//! far ──▶ sanitise ────────────────┘
//! ```
//!
//! The order is fixed. Nothing time-varying comes before the canceller, which can only learn an echo path that stays.
//! The gain comes behind the suppressor, whose noise estimate it would shift. High-pass and limiter are active as soon
//! as one of the three others is. With all stages off, samples pass unchanged and without delay.
//!
//! Settings can change at every frame. Each stage changes in its own slot, and the others keep their state. A stage
//! that is switched off is gone in the next frame. A stage that is switched on is audible 20 ms later (a suppressor of
//! steady noise 500 ms later: it must learn the noise first), cross-faded within 10 ms.

use std::time::Duration;

use super::agc::Agc;
use super::chain_stage::Samples;
use super::crossfade_slot::CrossfadeSlot;
use super::denoise::Denoise;
pub use super::denoise::NoiseSuppressor;
use super::downmix::sanitise;
use super::echo::{EchoCanceller, EchoState};
use super::filter::HighPass;
use super::limiter::Limiter;
use crate::base::frame::FRAME_SAMPLES;

/// The stages of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChainSettings {
    pub echo: bool,
    pub noise: NoiseSuppressor,
    pub gain: bool,
}

impl ChainSettings {
    /// Whether any stage is on.
    pub fn any(self) -> bool {
        self != Self::default()
    }
}

/// The chain. It allocates, so it must not run in an audio callback.
pub struct Chain {
    settings: ChainSettings,
    high_pass: CrossfadeSlot<bool, HighPass>,
    echo: CrossfadeSlot<bool, EchoCanceller>,
    noise: CrossfadeSlot<NoiseSuppressor, Denoise>,
    gain: CrossfadeSlot<bool, Agc>,
    limiter: CrossfadeSlot<bool, Limiter>,
}

impl Chain {
    /// A chain of these stages.
    pub fn new(settings: ChainSettings) -> Self {
        let any = settings.any();
        Self {
            settings,
            high_pass: CrossfadeSlot::new(any, |on| on.then(HighPass::new)),
            echo: CrossfadeSlot::new(settings.echo, |on| on.then(EchoCanceller::new)),
            noise: CrossfadeSlot::new(settings.noise, Denoise::new),
            gain: CrossfadeSlot::new(settings.gain, |on| on.then(Agc::new)),
            limiter: CrossfadeSlot::new(any, |on| on.then_some(Limiter)),
        }
    }

    /// Applies settings from the next frame on (see the [module](self)). Stages that stay keep their state.
    pub fn set(&mut self, settings: ChainSettings) {
        self.settings = settings;
        self.high_pass.select(settings.any());
        self.echo.select(settings.echo);
        self.noise.select(settings.noise);
        self.gain.select(settings.gain);
        self.limiter.select(settings.any());
    }

    /// The settings that were set last.
    pub fn settings(&self) -> ChainSettings {
        self.settings
    }

    /// Processes the next 10 ms. `far` is what the loudspeaker played in the same 10 ms, before the room: the echo must
    /// not be in `near` before it is in `far`. The output is finite, whatever the input.
    pub fn process(&mut self, near: &mut [f32; FRAME_SAMPLES], far: &[f32; FRAME_SAMPLES]) {
        sanitise(near);
        if self.idle() {
            return;
        }
        let mut heard: Samples = *far;
        sanitise(&mut heard);
        self.high_pass.process(near, &heard);
        self.echo.process(near, &heard);
        self.noise.process(near, &heard);
        self.gain.process(near, &heard);
        self.limiter.process(near, &heard);
        // Defence against a stage that diverges (none is known to): the conversation goes on.
        if sanitise(near) > 0 {
            self.reset();
        }
    }

    /// Tells whether the frame that was processed last is speech of the user: the gain follows the level of speech.
    pub fn judge(&mut self, voiced: bool) {
        if let Some(gain) = self.gain.stage_mut() {
            gain.judge(voiced);
        }
    }

    /// Delay from input to output. Once a change of settings is audible, it is that of the new settings.
    pub fn delay(&self) -> Duration {
        self.high_pass.delay()
            + self.echo.delay()
            + self.noise.delay()
            + self.gain.delay()
            + self.limiter.delay()
    }

    /// Resets all stages for a new stream or device. Settings stay.
    pub fn reset(&mut self) {
        self.high_pass.reset();
        self.echo.reset();
        self.noise.reset();
        self.gain.reset();
        self.limiter.reset();
    }

    /// Whether the far end is needed: a canceller is active, or is being switched on or off.
    pub fn needs_far(&self) -> bool {
        !self.echo.idle()
    }

    /// State of the echo cancellation; all values are unknown while it is off.
    pub fn echo_state(&self) -> EchoState {
        self.echo
            .stage()
            .map(EchoCanceller::state)
            .unwrap_or_default()
    }

    fn idle(&self) -> bool {
        self.high_pass.idle()
            && self.echo.idle()
            && self.noise.idle()
            && self.gain.idle()
            && self.limiter.idle()
    }
}

#[cfg(test)]
mod tests;
