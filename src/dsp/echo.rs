//! Echo cancellation, and a measure of its effect.
//!
//! ```text
//! far ──▶ canceller learns the way through the room
//! near ─▶ canceller ─▶ near without echo
//!   └── level ──────────── level ──▶ how much is removed while the reply plays
//! ```
//!
//! sonora's own statistics describe its linear filter alone and start from defaults. How much of the reply a detector
//! behind the canceller is spared is measured here, from input and output levels.

use std::time::Duration;

use super::apm::{Apm, Job};
use super::chain_stage::{ChainStage, Samples};
use crate::base::units::Dbfs;

/// Delay of the canceller: it works on blocks of 64 samples, which do not divide a frame (measured, see the tests of
/// `chain`).
const DELAY: Duration = Duration::from_millis(8);
/// Level from which a far-end frame counts as sound; the echo of quieter ones is inaudible.
const FAR_SOUNDS: Dbfs = Dbfs(-50.0);
/// Frames for which the echo goes on after the far end: devices and room.
const ECHO_LASTS: u32 = 25;
/// Time constant of the averages, in frames with far-end sound.
const MEMORY_FRAMES: f32 = 50.0;
/// Frames with far-end sound before the measure is meaningful.
const ENOUGH_FRAMES: u32 = 30;
/// Removal from which the canceller counts as converged: the echo of a loud speaker, at -32 dBFS, is then at most as
/// loud as the noise of a quiet room at the detector's input (`tests/lab/echo.rs`, table `echo-loss`, shows the
/// effect).
const CONVERGED_DB: f32 = 20.0;
/// Residual level from which it counts as converged in any case: too quiet to matter.
const INAUDIBLE: Dbfs = Dbfs(-60.0);

/// State of the cancellation. All values are unknown while it is off or nothing was played.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EchoState {
    /// Delay from far end to near end.
    pub delay: Option<Duration>,
    /// Echo return loss in decibels, as the canceller estimates it.
    pub loss_db: Option<f32>,
    /// Enhancement by the linear filter in decibels, by the canceller's own (cautious) estimate.
    pub enhancement_db: Option<f32>,
    /// Level before the canceller over level behind it while the far end sounds, in decibels, over half a second: what
    /// a detector behind it is spared. The user's voice lowers it.
    pub removed_db: Option<f32>,
    /// Whether it has removed enough once since it started, so that the reply will not trigger the detector.
    pub converged: bool,
}

#[derive(Debug)]
pub(super) struct EchoCanceller {
    apm: Apm,
    watch: Watch,
}

impl EchoCanceller {
    pub(super) fn new() -> Self {
        Self {
            apm: Apm::new(Job::Echo),
            watch: Watch::default(),
        }
    }

    pub(super) fn state(&self) -> EchoState {
        if self.watch.frames < ENOUGH_FRAMES {
            return EchoState::default();
        }
        let statistics = self.apm.echo_statistics();
        EchoState {
            delay: statistics
                .map(|f| Duration::from_millis(u64::try_from(f.delay_ms).unwrap_or(0))),
            loss_db: statistics.map(|f| f.loss_db as f32),
            enhancement_db: statistics.map(|f| f.enhancement_db as f32),
            removed_db: Some(self.watch.removed_db()),
            converged: self.watch.converged,
        }
    }
}

impl ChainStage for EchoCanceller {
    fn process(&mut self, near: &mut Samples, far: &Samples) {
        let before = Dbfs::rms(near).amplitude().powi(2);
        self.apm.process_render(far);
        self.apm.process(near);
        let behind = Dbfs::rms(near).amplitude().powi(2);
        self.watch.push(before, behind, Dbfs::rms(far) > FAR_SOUNDS);
    }

    fn delay(&self) -> Duration {
        DELAY
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}

/// Compares the powers before and behind the canceller while there may be echo.
#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    /// Frames until the echo of what was played has decayed.
    lasting: u32,
    /// Frames with echo so far.
    frames: u32,
    before: f32,
    behind: f32,
    converged: bool,
}

impl Watch {
    fn push(&mut self, before: f32, behind: f32, far_sounds: bool) {
        if far_sounds {
            self.lasting = ECHO_LASTS;
        }
        if self.lasting == 0 {
            return;
        }
        self.lasting -= 1;
        self.frames = self.frames.saturating_add(1);
        let weight = (self.frames as f32).min(MEMORY_FRAMES).recip();
        self.before += (before - self.before) * weight;
        self.behind += (behind - self.behind) * weight;
        let little =
            self.removed_db() >= CONVERGED_DB || self.behind <= INAUDIBLE.amplitude().powi(2);
        self.converged |= little && self.frames >= ENOUGH_FRAMES;
    }

    fn removed_db(&self) -> f32 {
        10.0 * (self.before.max(1e-12) / self.behind.max(1e-12)).log10()
    }
}
