//! The only place that names sonora, a port of WebRTC's audio processing: one instance for each of its jobs, so that
//! one of them can come or go and the others keep what they have learnt (an instance that is told to change one of its
//! parts starts them all anew).

use sonora::config::{
    AdaptiveDigital, EchoCanceller, GainController2, NoiseSuppression, NoiseSuppressionLevel,
};
use sonora::{AudioProcessing, Config};

use super::stage::Samples;
use crate::base::frame::FRAME_SAMPLES;

/// What an instance is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// To take out what the loudspeaker played.
    Echo,
    /// To lower steady noise by about 6 dB.
    LightNoise,
    /// To lower steady noise by about 12 dB.
    Noise,
    /// To bring the voice to an even level.
    Gain,
}

/// An instance, at 16 kHz mono. It allocates in every frame.
#[derive(Debug)]
pub(super) struct Apm {
    job: Job,
    inner: AudioProcessing,
}

/// What the canceller says of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct EchoStatistics {
    /// How much later than in the far end the echo is in the near end, in milliseconds.
    pub(super) delay_ms: i32,
    /// Far end to echo, in decibels.
    pub(super) loss_db: f64,
    /// What its linear filter takes out, in decibels.
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

    /// Takes in what the loudspeaker plays; only the canceller wants to know.
    pub(super) fn process_render(&mut self, far: &Samples) {
        let mut unused = [0.0; FRAME_SAMPLES];
        self.inner
            .process_render_f32(&[far], &mut [&mut unused])
            .expect(SIZED);
    }

    /// Works on a frame of the microphone.
    pub(super) fn process(&mut self, near: &mut Samples) {
        let input = *near;
        self.inner
            .process_capture_f32(&[&input], &mut [near])
            .expect(SIZED);
    }

    /// What the canceller found out; none for other jobs.
    pub(super) fn echo_statistics(&self) -> Option<EchoStatistics> {
        let seen = self.inner.statistics();
        Some(EchoStatistics {
            delay_ms: seen.delay_ms?,
            loss_db: seen.echo_return_loss?,
            enhancement_db: seen.echo_return_loss_enhancement?,
        })
    }

    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.job);
    }
}

fn config(job: Job) -> Config {
    let mut config = Config::default();
    match job {
        Job::Echo => {
            config.echo_canceller = Some(EchoCanceller {
                // The chain has its own, see `filter`.
                enforce_high_pass_filtering: false,
                ..EchoCanceller::default()
            });
        }
        Job::LightNoise => config.noise_suppression = Some(noise(NoiseSuppressionLevel::Low)),
        Job::Noise => config.noise_suppression = Some(noise(NoiseSuppressionLevel::Moderate)),
        Job::Gain => config.gain_controller2 = Some(gain()),
    }
    config
}

fn noise(level: NoiseSuppressionLevel) -> NoiseSuppression {
    NoiseSuppression {
        level,
        ..NoiseSuppression::default()
    }
}

fn gain() -> GainController2 {
    GainController2 {
        adaptive_digital: Some(AdaptiveDigital {
            // Not the 15 dB of the library: switched on in the middle of a word, it must not leap.
            initial_gain_db: 0.0,
            // A voice 30 dB too low is a muted or wrong microphone; more gain would only lift its hiss.
            max_gain_db: 30.0,
            ..AdaptiveDigital::default()
        }),
        ..GainController2::default()
    }
}
