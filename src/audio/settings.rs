//! What the conversation wants of microphone and speaker, as one value.

use std::sync::Arc;
use std::time::Duration;

use super::device::DeviceChoice;
use super::echo::EchoPolicy;
use crate::profile::Profile;

/// What of the microphone reaches the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Nothing: muted. The device is released.
    Muted,
    /// Nothing until the talk key opens it. The device runs on, so that the first syllable is not lost.
    Closed,
    /// Utterances that the detector finds.
    Voice,
    /// Everything, as one utterance, while the talk key is held. Leaving it ends the utterance at once.
    Held,
    /// Every frame, as [`VoiceEvent::Heard`], besides the utterances found (the service detects activity).
    Everything,
}

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
