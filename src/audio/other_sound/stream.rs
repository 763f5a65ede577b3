//! Playback streams of other programs, and the service that tells of them.

use std::time::Duration;

/// Roles of streams that stay as loud as they are: calls, sounds of the desktop, screen readers, and what only passes on the
/// sound of others (and so would lower the assistant too). The words of PulseAudio and of PipeWire.
const LEFT_ALONE: [&str; 9] = [
    "phone",
    "communication",
    "event",
    "notification",
    "a11y",
    "accessibility",
    "assistant",
    "filter",
    "dsp",
];
/// Programs that speak for screen readers, whatever their role.
const SPEECH_FOR_SCREEN_READERS: &str = "speech-dispatcher";
/// What our own streams are called, also those of a second assistant.
const OURS: &str = "sovereign";

/// A playback stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::audio) struct OtherStream {
    pub(in crate::audio) index: u32,
    /// Name by which the server remembers the volume of this program.
    pub(in crate::audio) identity: Option<String>,
    /// Of each channel, on the server's scale: 65 536 is 100 %, loudness goes with the cube.
    pub(in crate::audio) volume: Vec<u32>,
    /// Places of the channels, as the server numbers them.
    pub(in crate::audio) places: Vec<u8>,
    pub(in crate::audio) muted: bool,
    /// Whether it belongs to a program, and its volume can be set.
    pub(in crate::audio) adjustable: bool,
    pub(in crate::audio) process: Option<u32>,
    pub(in crate::audio) role: String,
    /// Names of the program.
    pub(in crate::audio) programs: Vec<String>,
    /// Name of the stream.
    pub(in crate::audio) title: String,
}

impl OtherStream {
    /// Whether it is lowered while the assistant, the process `own`, is talked with.
    pub(super) fn gives_way_to(&self, own: u32) -> bool {
        let role = self.role.to_lowercase();
        // A stream of PipeWire's own protocol tells its process in its name only.
        let is_own = self.process == Some(own) || self.title.ends_with(&format!("-{own}"));
        let mut programs = self.programs.iter().map(|name| name.to_lowercase());
        let is_excepted =
            programs.any(|name| name == OURS || name.starts_with(SPEECH_FOR_SCREEN_READERS));
        // One that has just begun has no volume yet on PipeWire.
        let is_heard = self.volume.iter().any(|volume| *volume > 0);
        self.adjustable && is_heard && !is_own && !is_excepted && !LEFT_ALONE.contains(&&*role)
    }
}

/// What a sound server is asked. An error means that the connection is lost; a stream that is gone is none.
pub(in crate::audio) trait StreamVolumes {
    /// All playback streams.
    fn streams(&mut self) -> Result<Vec<OtherStream>, String>;
    fn set(&mut self, index: u32, volume: Vec<u32>) -> Result<(), String>;
    /// Corrects the volume that the server remembers of a program for its next stream.
    fn remember(&mut self, stream: &OtherStream) -> Result<(), String>;
    /// Waits for a stream to come, go or change; returns whether one did.
    fn wait(&mut self, at_most: Duration) -> Result<bool, String>;
}
