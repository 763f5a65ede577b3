//! Automatic gain: brings quiet and loud voices to an even level, behind echo and noise, never before them (a gain that
//! moves in front of the canceller is an echo path that changes all the time).

use std::time::Duration;

use super::apm::{Apm, Job};
use super::stage::{Samples, Stage};

/// Follows the voice's level by up to 6 dB per second, adds at most 30 dB.
#[derive(Debug)]
pub(super) struct Agc(Apm);

impl Agc {
    pub(super) fn new() -> Self {
        Self(Apm::new(Job::Gain))
    }
}

impl Stage for Agc {
    fn process(&mut self, near: &mut Samples, _far: &Samples) {
        self.0.process(near);
    }

    fn delay(&self) -> Duration {
        // Its limiter looks at the frame it is in.
        Duration::ZERO
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}
