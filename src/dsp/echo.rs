//! Echo cancellation: takes out of the microphone what the loudspeaker played, and says how well that goes.
//!
//! ```text
//! far ──▶ canceller learns the way through the room
//! near ─▶ canceller ─▶ near without echo
//!   └── level ──────────── level ──▶ how much of what is heard while the reply sounds is taken out
//! ```
//!
//! The canceller's own figures tell of its linear filter alone, and start from defaults; what a listener wants to know
//! (does the reply come through?) is measured here, from its input and its output.

use std::time::Duration;

use super::apm::{Apm, Job};
use super::stage::{Samples, Stage};
use crate::base::units::Dbfs;

/// Of the canceller: it works on blocks of 64 samples that do not fit into frames (measured, see the tests of `chain`).
const DELAY: Duration = Duration::from_millis(8);
/// A frame of the far end above it is sound; quieter ones have echoes that nobody hears.
const FAR_SOUNDS: Dbfs = Dbfs(-50.0);
/// The echo goes on for so many frames after the far end: its way through devices and room.
const ECHO_LASTS: u32 = 25;
/// Forgets with a time constant of so many frames in which the far end sounds.
const MEMORY_FRAMES: f32 = 50.0;
/// Frames of sounding far end before the measure means anything.
const ENOUGH_FRAMES: u32 = 30;
/// Taken for converged from here on: the echo of a loud speaker, at -32 dBFS, is then quieter than a quiet room's noise
/// at most detectors' input (`tests/lab/echo.rs`, table `echo-loss`, shows what comes after).
const CONVERGED_DB: f32 = 20.0;
/// Or from here on, whatever was taken out: what is left is too quiet to matter.
const INAUDIBLE: Dbfs = Dbfs(-60.0);

/// How the cancellation goes. All unknown while it is off or nothing was played.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EchoState {
    /// How much later than in the far end the echo is in the near end.
    pub delay: Option<Duration>,
    /// Far end to echo, in decibels, as the canceller estimates it.
    pub loss_db: Option<f32>,
    /// What the canceller's linear filter takes out, in decibels, by its own (careful) estimate.
    pub enhancement_db: Option<f32>,
    /// Near end before to near end behind the canceller while the far end sounds, in decibels, over half a second:
    /// what a detector behind it is spared. The user's voice lowers it.
    pub removed_db: Option<f32>,
    /// It has once taken out enough since it began, so the reply will not start the detector.
    pub converged: bool,
}

/// The stage.
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

impl Stage for EchoCanceller {
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

/// Compares powers before and behind while there may be echo.
#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    /// Frames until the echo of what was played has died away.
    lasting: u32,
    /// Seen with echo in them, up to enough.
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
