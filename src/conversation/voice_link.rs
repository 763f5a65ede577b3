//! The conversation's end of microphone and speaker.

use std::sync::Arc;

use super::snapshot::Port;
use crate::audio::{self, Devices};

/// The audio threads, and what they were told and reported.
pub(super) struct VoiceLink {
    pub(super) audio: audio::AudioHandle,
    /// The settings that they have.
    pub(super) settings: Option<Arc<audio::VoiceSettings>>,
    pub(super) volume: f32,
    pub(super) input: Port,
    pub(super) output: Port,
    pub(super) devices: Arc<Devices>,
    pub(super) echo: audio::EchoReport,
    /// The reply is lowered for somebody who seems to speak.
    pub(super) ducked: bool,
    /// The window is on its way: looks until the sound is let go without it.
    pub(super) window_wait: Option<u32>,
}

impl VoiceLink {
    /// Running audio threads, with the devices that were chosen: microphone, speaker.
    pub(super) fn new(
        audio: audio::AudioHandle,
        volume: f32,
        choices: [audio::DeviceChoice; 2],
    ) -> Self {
        let [input, output] = choices.map(|choice| Port {
            choice,
            ..Port::default()
        });
        Self {
            audio,
            settings: None,
            volume,
            input,
            output,
            devices: Arc::default(),
            echo: audio::EchoReport {
                on: false,
                why: audio::EchoWhy::Asked,
            },
            ducked: false,
            window_wait: None,
        }
    }
}
