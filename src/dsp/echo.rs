//! Echo cancellation, and a measure of its effect.
//!
//! ```text
//! far ──▶ canceller learns the way through the room
//! near ─▶ canceller ─▶ near without echo
//!   └── level ──────────── level ──▶ how much is removed while the reply plays
//! ```
//!
//! Two seconds after the last sound of the far end there is nothing to cancel: sound passes with the same delay, and the
//! canceller keeps what it has learned. That is nine tenths of the work of a frame while nobody replies.
//!
//! sonora's own statistics describe its linear filter alone and start from defaults. How much of the reply a detector
//! behind the canceller is spared is measured here, from input and output levels.

use std::time::Duration;

use super::apm::{Apm, Job};
use super::chain_stage::{ChainStage, Samples};
use crate::base::frame::FRAME_SAMPLES;
use crate::base::units::Dbfs;

/// Delay of the canceller: it works on blocks of 64 samples, which do not divide a frame (measured, see the tests of
/// `chain`).
const DELAY: Duration = Duration::from_millis(8);
/// The same in samples at 16 kHz.
const DELAY_SAMPLES: usize = 128;
/// Frames without a sample of far-end sound after which the canceller rests.
const RESTS_AFTER: u32 = 200;
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
    /// Frames since the last far-end sound.
    silent: u32,
    /// Whether the canceller's delay still holds sound from before it rested.
    stale: bool,
    /// The last [`DELAY`] of the near end.
    passing: [f32; DELAY_SAMPLES],
}

impl EchoCanceller {
    pub(super) fn new() -> Self {
        Self {
            apm: Apm::new(Job::Echo),
            watch: Watch::default(),
            silent: 0,
            stale: false,
            passing: [0.0; DELAY_SAMPLES],
        }
    }

    /// The near end as it was [`DELAY`] ago.
    fn delayed(&mut self, near: &Samples) -> Samples {
        const KEPT: usize = FRAME_SAMPLES - DELAY_SAMPLES;
        let mut out = [0.0; FRAME_SAMPLES];
        out[..DELAY_SAMPLES].copy_from_slice(&self.passing);
        out[DELAY_SAMPLES..].copy_from_slice(&near[..KEPT]);
        self.passing.copy_from_slice(&near[KEPT..]);
        out
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
        let sounds = far.iter().any(|&sample| sample != 0.0);
        self.silent = if sounds { 0 } else { self.silent + 1 }.min(RESTS_AFTER);
        let delayed = self.delayed(near);
        if self.silent == RESTS_AFTER {
            self.stale = true;
            *near = delayed;
            return;
        }
        let before = Dbfs::rms(near).amplitude().powi(2);
        self.apm.process_render(far);
        self.apm.process(near);
        if std::mem::take(&mut self.stale) {
            *near = delayed;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// White noise, the same in every run.
    struct Noise(u64);

    impl Noise {
        fn frame(&mut self, loud: f32) -> Samples {
            std::array::from_fn(|_| {
                self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005) + 1;
                loud * ((self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0)
            })
        }
    }

    /// A loudspeaker's echo: 10 ms later, at 0.3.
    struct Room([f32; FRAME_SAMPLES]);

    impl Room {
        fn echo(&mut self, far: &Samples) -> Samples {
            std::mem::replace(&mut self.0, *far).map(|sample| 0.3 * sample)
        }
    }

    #[test]
    fn without_far_end_sound_the_near_end_passes_as_it_was_8_ms_ago() {
        let mut canceller = EchoCanceller::new();
        let (mut voice, silence) = (Noise(1), [0.0; FRAME_SAMPLES]);
        let (mut near, mut out) = (Vec::new(), Vec::new());
        for _ in 0..RESTS_AFTER + 50 {
            let mut frame = voice.frame(0.1);
            near.extend(frame);
            canceller.process(&mut frame, &silence);
            out.extend(frame);
        }
        let rests = RESTS_AFTER as usize * FRAME_SAMPLES;
        assert_eq!(
            out[rests..],
            near[rests - DELAY_SAMPLES..near.len() - DELAY_SAMPLES]
        );
    }

    #[test]
    fn what_was_learned_holds_after_a_rest() {
        let mut canceller = EchoCanceller::new();
        let (mut reply, mut hiss) = (Noise(1), Noise(2));
        let mut room = Room([0.0; FRAME_SAMPLES]);
        let mut run = |frames: u32, loud: f32| {
            let (mut before, mut behind) = (0.0, 0.0);
            for _ in 0..frames {
                let far = reply.frame(loud);
                let (echo, quiet) = (room.echo(&far), hiss.frame(0.000_3));
                let mut near: Samples = std::array::from_fn(|i| echo[i] + quiet[i]);
                before += near.iter().map(|s| s * s).sum::<f32>();
                canceller.process(&mut near, &far);
                behind += near.iter().map(|s| s * s).sum::<f32>();
            }
            10.0 * (before / behind).log10()
        };
        run(500, 0.3);
        let learned = run(50, 0.3);
        assert!(learned > CONVERGED_DB, "{learned} dB");
        // Ten seconds without a reply, then its first half second.
        run(1_000, 0.0);
        let again = run(50, 0.3);
        assert!(
            again > CONVERGED_DB,
            "{again} dB after a rest, {learned} dB before"
        );
    }
}
