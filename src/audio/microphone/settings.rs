//! Maps a profile to the settings of the microphone's parts.

use crate::dsp::chain::ChainSettings;
use crate::profile::Profile;
use crate::vad::segment::SegmentSettings;

pub(super) fn chain_settings(profile: &Profile) -> ChainSettings {
    ChainSettings {
        echo: false,
        noise: profile.audio.noise_suppression,
        gain: profile.audio.gain_control,
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
