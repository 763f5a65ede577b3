//! Maps a profile to the settings of the microphone's parts.

use crate::dsp::chain::{ChainSettings, NoiseSuppressor};
use crate::profile::{DetectorKind, NoiseSuppression, Profile};
use crate::vad::VadKind;
use crate::vad::segment::SegmentSettings;

pub(super) fn chain_settings(profile: &Profile) -> ChainSettings {
    ChainSettings {
        echo: false,
        noise: match profile.audio.noise_suppression {
            NoiseSuppression::Off => NoiseSuppressor::Off,
            NoiseSuppression::Light => NoiseSuppressor::Light,
            NoiseSuppression::On => NoiseSuppressor::On,
            NoiseSuppression::Keyboard => NoiseSuppressor::Keyboard,
        },
        gain: profile.audio.gain_control.is_on(),
    }
}

pub(super) fn detector_kind(profile: &Profile) -> VadKind {
    match profile.detector.kind {
        DetectorKind::Webrtc => VadKind::Webrtc,
        DetectorKind::Earshot => VadKind::Earshot,
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
