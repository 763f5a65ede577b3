//! Devices and their streams.

use crate::base::units::SampleRate;

/// Which device: the system's default, which is followed when it changes, or a certain one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The system's default.
    #[default]
    Default,
    /// The device with this stable id.
    Id(String),
}

/// A device that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Stable id, for the configuration file and `--input-device`.
    pub id: String,
    /// The name that people know it by.
    pub name: String,
    /// Whether it is the system's default.
    pub is_default: bool,
    /// Whether what it plays cannot reach a microphone.
    pub headset: bool,
}

/// The devices that there are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// The sound system: "PipeWire", "PulseAudio", "ALSA", "files", "none" …
    pub host: String,
    /// Microphones; monitors of speakers are not among them.
    pub inputs: Vec<DeviceInfo>,
    /// Speakers and headphones.
    pub outputs: Vec<DeviceInfo>,
}

/// A stream that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamInfo {
    /// The device that it is attached to.
    pub device: DeviceInfo,
    /// Rate that the device runs at.
    pub rate: SampleRate,
    /// Channels of the device.
    pub channels: u16,
    /// Period that was granted, in frames, where the host tells.
    pub period_frames: Option<u32>,
}

impl StreamInfo {
    /// Whether the device carries a telephone's band only, as a Bluetooth headset does whose microphone is in use:
    /// 8 or 16 kHz.
    #[must_use]
    pub fn narrowband(&self) -> bool {
        self.rate <= SampleRate::WORKING
    }
}

/// One of the two directions.
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
