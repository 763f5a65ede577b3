//! Devices and their streams.

use crate::base::units::SampleRate;

/// Choice of a device: the system default, followed when it changes, or a specific one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    #[default]
    Default,
    /// The device with this stable id.
    Id(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Stable id, for configuration file and `--input-device`.
    pub id: String,
    pub name: String,
    /// Whether it is the system's default.
    pub is_default: bool,
    /// Whether its sound cannot reach a microphone.
    pub headset: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// The sound system: "PipeWire", "PulseAudio", "ALSA", "files", "none" …
    pub host: String,
    /// Microphones, without monitors of speakers.
    pub inputs: Vec<DeviceInfo>,
    /// Speakers and headphones.
    pub outputs: Vec<DeviceInfo>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StreamInfo {
    pub device: DeviceInfo,
    /// Sample rate of the device.
    pub rate: SampleRate,
    pub channels: u16,
    /// Granted period in frames, if the host reports it.
    pub period_frames: Option<u32>,
}

impl StreamInfo {
    /// Whether the device is limited to telephone bandwidth (8 or 16 kHz), as a Bluetooth headset with active
    /// microphone.
    pub fn narrowband(&self) -> bool {
        self.rate <= SampleRate::WORKING
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Microphone.
    Input,
    /// Speaker.
    Output,
}

impl Direction {
    /// The device, as messages to the user name it.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Input => "microphone",
            Self::Output => "speaker",
        }
    }
}
