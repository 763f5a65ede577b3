//! Devices and their streams.

use crate::base::units::SampleRate;

/// Choice of a device: the system default, followed when it changes, or a specific one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The system's default.
    #[default]
    Default,
    /// The device with this stable id.
    Id(String),
}

/// A selectable device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Stable id, for configuration file and `--input-device`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Whether it is the system's default.
    pub is_default: bool,
    /// Whether its sound cannot reach a microphone.
    pub headset: bool,
}

/// Currently available devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// The sound system: "PipeWire", "PulseAudio", "ALSA", "files", "none" …
    pub host: String,
    /// Microphones, without monitors of speakers.
    pub inputs: Vec<DeviceInfo>,
    /// Speakers and headphones.
    pub outputs: Vec<DeviceInfo>,
}

/// A running stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamInfo {
    /// Its device.
    pub device: DeviceInfo,
    /// Sample rate of the device.
    pub rate: SampleRate,
    /// Channels of the device.
    pub channels: u16,
    /// Granted period in frames, if the host reports it.
    pub period_frames: Option<u32>,
}

impl StreamInfo {
    /// Whether the device is limited to telephone bandwidth (8 or 16 kHz), as a Bluetooth headset with active
    /// microphone.
    #[must_use]
    pub fn narrowband(&self) -> bool {
        self.rate <= SampleRate::WORKING
    }
}

/// Direction of a stream.
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
