//! Sources and sinks of sound, as chosen at the start.

use std::path::PathBuf;

use super::device::DeviceChoice;

/// Source and sink of sound. Every combination is valid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioSetup {
    /// Source in place of the microphone.
    pub input: InputKind,
    /// Sink in place of the speaker.
    pub output: OutputKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputKind {
    Device(DeviceChoice),
    /// WAV files, one utterance each, spoken on [`VoiceCommand::SpeakNext`](super::command::VoiceCommand::SpeakNext).
    Files(Vec<PathBuf>),
    None,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputKind {
    Device(DeviceChoice),
    /// A WAV file: the reply audio alone, 24 kHz mono 16 bit.
    File(PathBuf),
    /// None, at real-time pace.
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
