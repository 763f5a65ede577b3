//! A profile's choices, for the parts of the microphone.

use crate::dsp::chain::{ChainSettings, Noise};
use crate::profile::{DetectorKind, NoiseSuppression, Profile};
use crate::vad::Kind;
use crate::vad::segment::SegmentSettings;

pub(super) fn chain_settings(profile: &Profile) -> ChainSettings {
    ChainSettings {
        echo: false,
        noise: match profile.audio.noise_suppression {
            NoiseSuppression::Off => Noise::Off,
            NoiseSuppression::Light => Noise::Light,
            NoiseSuppression::On => Noise::On,
            NoiseSuppression::Keyboard => Noise::Keyboard,
        },
        gain: profile.audio.gain_control.is_on(),
    }
}

pub(super) fn detector_kind(profile: &Profile) -> Kind {
    match profile.detector.kind {
        DetectorKind::Webrtc => Kind::Webrtc,
        DetectorKind::Earshot => Kind::Earshot,
    }
}

pub(super) fn segment_settings(profile: &Profile) -> SegmentSettings {
    SegmentSettings {
        onset_idle: profile.detector.onset_idle,
        onset_playing: profile.detector.onset_playing,
        patience: profile.turn.patience,
        preroll: profile.audio.preroll,
    }
}
