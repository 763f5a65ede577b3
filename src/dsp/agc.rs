//! Automatic gain control: WebRTC's AGC2 (the crate sonora-agc2), without its own detector of speech.
//!
//! Brings quiet and loud voices to an even level. It runs behind echo cancellation and noise suppression: a varying gain
//! in front of the canceller would be an echo path that changes all the time.
//!
//! ```text
//! frame ─▶ noise level ─▶ gain ─▶ limiter ─▶ out ─▶ detector ─┐
//!   └─ level, peak ───────────────────────────────────────────┴▶ speech level, headroom ─▶ gain of later frames
//! ```
//!
//! The controller's own neural detector takes nine tenths of its instructions (`tests/measured/instructions.md`), and
//! ours judges the same frames anyway, behind this stage. So a frame is counted as speech once it was judged, and
//! the gain follows one frame later than in the original.

use std::time::Duration;

use sonora_agc2::adaptive_digital_gain_controller::{AdaptiveDigitalGainController, FrameInfo};
use sonora_agc2::common::{
    ADJACENT_SPEECH_FRAMES_THRESHOLD, MAX_ABS_FLOAT_S16_VALUE,
    SATURATION_PROTECTOR_INITIAL_HEADROOM_DB, float_s16_to_dbfs,
};
use sonora_agc2::limiter::Limiter;
use sonora_agc2::noise_level_estimator::NoiseLevelEstimator;
use sonora_agc2::saturation_protector::SaturationProtector;
use sonora_agc2::speech_level_estimator::{AdaptiveDigitalConfig, SpeechLevelEstimator};

use super::chain_stage::{ChainStage, Samples};
use crate::base::frame::FRAME_SAMPLES;

/// Follows the level of the voice by up to 6 dB per second and adds at most 30 dB.
#[derive(Debug)]
pub(super) struct Agc {
    noise: NoiseLevelEstimator,
    speech: SpeechLevelEstimator,
    headroom: SaturationProtector,
    gain: AdaptiveDigitalGainController,
    limiter: Limiter,
    /// RMS level and peak of the newest frame in dBFS, until it is judged.
    unjudged: Option<(f32, f32)>,
    /// Whether the newest judged frame was speech.
    voiced: bool,
}

impl Agc {
    pub(super) fn new() -> Self {
        let config = AdaptiveDigitalConfig {
            // The library starts at 15 dB; switched on in the middle of a word that would be a jump.
            initial_gain_db: 0.0,
            // A voice 30 dB too low comes from a muted or wrong microphone; more gain would only raise its hiss.
            max_gain_db: 30.0,
            // 2.8 dB more than the default: our detector takes the soft ends of words for speech too, so that the level
            // of speech comes out lower (table `gain-control`).
            headroom_db: 7.8,
            ..AdaptiveDigitalConfig::default()
        };
        let adjacent = ADJACENT_SPEECH_FRAMES_THRESHOLD;
        Self {
            noise: NoiseLevelEstimator::default(),
            speech: SpeechLevelEstimator::new(&config, adjacent),
            headroom: SaturationProtector::new(SATURATION_PROTECTOR_INITIAL_HEADROOM_DB, adjacent),
            gain: AdaptiveDigitalGainController::new(config, adjacent),
            limiter: Limiter::new(FRAME_SAMPLES),
            unjudged: None,
            voiced: false,
        }
    }

    /// Tells whether the newest frame is speech of the user.
    pub(super) fn judge(&mut self, voiced: bool) {
        self.voiced = voiced;
        if let Some((rms, peak)) = self.unjudged.take() {
            let probability = self.probability();
            self.speech.update(rms, probability);
            let level = self.speech.level_dbfs();
            self.headroom.analyze(probability, peak, level);
        }
    }

    fn probability(&self) -> f32 {
        if self.voiced { 1.0 } else { 0.0 }
    }
}

impl ChainStage for Agc {
    fn process(&mut self, near: &mut Samples, _far: &Samples) {
        for sample in near.iter_mut() {
            *sample *= MAX_ABS_FLOAT_S16_VALUE;
        }
        let power: f32 = near.iter().map(|s| s * s).sum();
        let peak = near.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        let rms = (power / FRAME_SAMPLES as f32).sqrt();
        // A frame that nobody judged, as while muted, was not speech.
        self.voiced &= self.unjudged.is_none();
        self.unjudged = Some((float_s16_to_dbfs(rms), float_s16_to_dbfs(peak)));
        let info = FrameInfo {
            speech_probability: self.probability(),
            speech_level_dbfs: self.speech.level_dbfs(),
            speech_level_reliable: self.speech.is_confident(),
            noise_rms_dbfs: self.noise.analyze(&[near]),
            headroom_db: self.headroom.headroom_db(),
            limiter_envelope_dbfs: float_s16_to_dbfs(self.limiter.last_audio_level()),
        };
        self.gain.process(&info, &mut [near]);
        self.limiter.process(&mut [near]);
        for sample in near.iter_mut() {
            *sample /= MAX_ABS_FLOAT_S16_VALUE;
        }
    }

    fn delay(&self) -> Duration {
        // The limiter uses the current frame only.
        Duration::ZERO
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}
