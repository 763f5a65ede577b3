//! Sources and sinks of sound, as chosen at the start.

use std::path::PathBuf;

use super::device::DeviceChoice;

/// Where sound comes from and goes to. Every combination is legal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// In place of the microphone.
    pub input: InputKind,
    /// In place of the speaker.
    pub output: OutputKind,
}

/// Where sound comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A microphone.
    Device(DeviceChoice),
    /// WAV files, one utterance each, spoken when [`VoiceCommand::SpeakNext`] asks for them.
    Files(Vec<PathBuf>),
    /// Silence.
    None,
}

/// Where replies go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// A speaker.
    Device(DeviceChoice),
    /// A WAV file: the reply audio alone, 24 kHz mono 16 bit.
    File(PathBuf),
    /// Nowhere, at real-time pace.
    None,
}

impl Default for InputKind {
    fn default() -> Self {
        Self::Device(DeviceChoice::Default)
    }
}

impl Default for OutputKind {
    fn default() -> Self {
        Self::Device(DeviceChoice::Default)
    }
}
