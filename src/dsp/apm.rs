//! The only user of sonora, a port of WebRTC's audio processing module (but for its gain control, see `agc`). Each job has its own instance, so that one can
//! come or go while the others keep their state: changing one part of an instance resets all of them.

use sonora::config::{EchoCanceller, NoiseSuppression, NoiseSuppressionLevel};
use sonora::{AudioProcessing, Config};

use super::chain_stage::Samples;
use crate::base::frame::FRAME_SAMPLES;

/// The job of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Cancel the echo of the loudspeaker.
    Echo,
    /// Lower steady noise by about 6 dB.
    LightNoise,
    /// Lower steady noise by about 12 dB.
    Noise,
}

/// An instance at 16 kHz mono. It allocates in every frame.
#[derive(Debug)]
pub(super) struct Apm {
    job: Job,
    inner: AudioProcessing,
}

/// Statistics that the canceller reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct EchoStatistics {
    /// Delay from far end to near end, in milliseconds.
    pub(super) delay_ms: i32,
    /// Echo return loss in decibels.
    pub(super) loss_db: f64,
    /// Echo return loss enhancement of the linear filter, in decibels.
    pub(super) enhancement_db: f64,
}

const SIZED: &str = "built for one channel and frames of 10 ms, and given these";

impl Apm {
    pub(super) fn new(job: Job) -> Self {
        Self {
            job,
            inner: AudioProcessing::builder().config(config(job)).build(),
        }
    }

    /// Takes a frame of what the loudspeaker plays; only the canceller uses it.
    pub(super) fn process_render(&mut self, far: &Samples) {
        let mut unused = [0.0; FRAME_SAMPLES];
        self.inner
            .process_render_f32(&[far], &mut [&mut unused])
            .expect(SIZED);
    }

    /// Processes a frame of the microphone.
    pub(super) fn process(&mut self, near: &mut Samples) {
        let input = *near;
        self.inner
            .process_capture_f32(&[&input], &mut [near])
            .expect(SIZED);
    }

    /// Statistics of the canceller; `None` for other jobs.
    pub(super) fn echo_statistics(&self) -> Option<EchoStatistics> {
        let seen = self.inner.statistics();
        Some(EchoStatistics {
            delay_ms: seen.delay_ms?,
            loss_db: seen.echo_return_loss?,
            enhancement_db: seen.echo_return_loss_enhancement?,
        })
    }

    pub(super) fn reset(&mut self) {
        *self = Self::new(self.job);
    }
}

fn config(job: Job) -> Config {
    let mut config = Config::default();
    match job {
        Job::Echo => {
            config.echo_canceller = Some(EchoCanceller {
                // The chain has its own high-pass filter, see `filter`.
                enforce_high_pass_filtering: false,
                ..EchoCanceller::default()
            });
        }
        Job::LightNoise => config.noise_suppression = Some(noise(NoiseSuppressionLevel::Low)),
        Job::Noise => config.noise_suppression = Some(noise(NoiseSuppressionLevel::Moderate)),
    }
    config
}

fn noise(level: NoiseSuppressionLevel) -> NoiseSuppression {
    NoiseSuppression {
        level,
        ..NoiseSuppression::default()
    }
}
