//! What the conversation wants of microphone and speaker, as one value.

use std::sync::Arc;
use std::time::Duration;

use super::{DeviceChoice, EchoPolicy, Gate};
use crate::profile::Profile;

/// Everything that the conversation wants of microphone and speaker. The newest value wins, and all that differs from the
/// one before is applied together, at one frame edge; devices are reopened only for another device or period.
#[derive(Clone, Debug, PartialEq)]
pub struct VoiceSettings {
    /// Processing, detector, endpointing and buffers.
    pub profile: Arc<Profile>,
    /// Frames of a device period. The profile's, unless that waits for a pause: reopening a device loses 10 to 60 ms of
    /// sound (measured).
    pub period_frames: u32,
    /// Silence, counted from the last voiced sample, after which an utterance is over.
    pub patience: Duration,
    /// What of the microphone reaches the conversation.
    pub gate: Gate,
    /// Whether speech may interrupt a reply. If not, nothing is heard while a reply sounds and 300 ms after.
    pub barge_in: bool,
    /// Whether the reply is taken out of what the microphone hears.
    pub echo: EchoPolicy,
    /// Volume of replies, 0.0 to 1.0 as an amplitude.
    pub volume: f32,
    /// The microphone.
    pub input: DeviceChoice,
    /// The speaker.
    pub output: DeviceChoice,
}

impl VoiceSettings {
    /// A profile with an open gate, default devices and full volume.
    #[must_use]
    pub fn new(profile: Arc<Profile>) -> Self {
        Self {
            period_frames: profile.audio.period_frames,
            patience: profile.turn.patience,
            profile,
            gate: Gate::Voice,
            barge_in: true,
            echo: EchoPolicy::Off,
            volume: 1.0,
            input: DeviceChoice::Default,
            output: DeviceChoice::Default,
        }
    }
}
