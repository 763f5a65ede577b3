//! Automatic gain control. Brings quiet and loud voices to an even level. It runs behind echo cancellation and noise
//! suppression: a varying gain in front of the canceller would be an echo path that changes all the time.

use std::time::Duration;

use super::apm::{Apm, Job};
use super::chain_stage::{ChainStage, Samples};

/// Follows the level of the voice by up to 6 dB per second and adds at most 30 dB.
#[derive(Debug)]
pub(super) struct Agc(Apm);

impl Agc {
    pub(super) fn new() -> Self {
        Self(Apm::new(Job::Gain))
    }
}

impl ChainStage for Agc {
    fn process(&mut self, near: &mut Samples, _far: &Samples) {
        self.0.process(near);
    }

    fn delay(&self) -> Duration {
        // The limiter uses the current frame only.
        Duration::ZERO
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}
