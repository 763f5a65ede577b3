//! What happens to the microphone's sound between the resampler and the detector.
//!
//! ```text
//! near ─▶ sanitise ─▶ high-pass ─▶ echo ─▶ noise ─▶ gain ─▶ limiter ─▶ out
//! far ──▶ sanitise ────────────────┘
//! ```
//!
//! The order is fixed: nothing that moves comes before the canceller, which can only learn a way through the room that
//! stays; the gain comes behind the suppressor, which must not see its floor lifted. High-pass and limiter are in as
//! soon as one of the three others is. With all off the sound passes bit by bit, without delay.
//!
//! Settings can change at every frame: each stage is changed in its own slot, the others keep what
//! they have learnt. What goes is gone in the next frame; what comes is heard 20 ms after it was asked for (a suppressor
//! of steady noise half a second: it must first learn what noise is), and then within 10 ms.

use std::time::Duration;

use super::agc::Agc;
use super::crossfade_slot::CrossfadeSlot;
use super::denoise::Denoise;
pub use super::denoise::NoiseSuppressor;
use super::downmix::sanitise;
use super::echo::{EchoCanceller, EchoState};
use super::filter::HighPass;
use super::limiter::Limiter;
use super::stage::Samples;
use crate::base::frame::FRAME_SAMPLES;

/// Which stages are in the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChainSettings {
    /// Take out what the loudspeaker plays.
    pub echo: bool,
    /// Take out noise.
    pub noise: NoiseSuppressor,
    /// Bring the voice to an even level.
    pub gain: bool,
}

impl ChainSettings {
    /// Whether there is anything to do.
    #[must_use]
    pub fn any(self) -> bool {
        self != Self::default()
    }
}

/// See the [module](self). Allocates as it works: never for an audio callback.
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
    #[must_use]
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

    /// Takes other settings from the next frame on (see the [module](self)). What stays keeps its state.
    pub fn set(&mut self, settings: ChainSettings) {
        self.settings = settings;
        self.high_pass.want(settings.any());
        self.echo.want(settings.echo);
        self.noise.want(settings.noise);
        self.gain.want(settings.gain);
        self.limiter.want(settings.any());
    }

    /// What was asked for last.
    #[must_use]
    pub fn settings(&self) -> ChainSettings {
        self.settings
    }

    /// Works on the next 10 ms. `far` is what the loudspeaker played in the same 10 ms, before the room: the echo must
    /// not be in `near` before it is in `far`. Whatever comes in, finite numbers come out.
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
        // A stage that fell over (none is known to) must not take the rest of the conversation with it.
        if sanitise(near) > 0 {
            self.reset();
        }
    }

    /// How much later a sample comes out than it went in. Once a change of settings is heard, it is that of the new ones.
    #[must_use]
    pub fn delay(&self) -> Duration {
        self.high_pass.delay()
            + self.echo.delay()
            + self.noise.delay()
            + self.gain.delay()
            + self.limiter.delay()
    }

    /// Forgets everything heard: a new stream or another device begins. Settings stay.
    pub fn reset(&mut self) {
        self.high_pass.reset();
        self.echo.reset();
        self.noise.reset();
        self.gain.reset();
        self.limiter.reset();
    }

    /// Whether it matters what the loudspeaker plays: a canceller works, or is on its way in or out.
    #[must_use]
    pub fn hears_far(&self) -> bool {
        !self.echo.idle()
    }

    /// How the echo cancellation goes; all unknown while it is off.
    #[must_use]
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
