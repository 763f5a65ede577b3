//! Settings of microphone and speaker, as one value.

use std::sync::Arc;
use std::time::Duration;

use super::device::DeviceChoice;
use super::echo::EchoPolicy;
use crate::profile::Profile;

/// What part of the microphone signal reaches the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Muted; the device is released.
    Muted,
    /// Nothing until the talk key opens it. The device stays open, so that the first syllable is not lost.
    Closed,
    /// Detected utterances.
    Voice,
    /// Everything, as one utterance, while the talk key is held. Leaving it ends the utterance at once.
    Held,
    /// Every frame, as [`VoiceEvent::Heard`](super::event::VoiceEvent::Heard), besides detected utterances (the service
    /// detects activity).
    Everything,
}

/// All settings of microphone and speaker. The newest value wins, and all differences to the one before are applied
/// together, at one frame edge; devices are reopened only for another device or period.
#[derive(Clone, Debug, PartialEq)]
pub struct VoiceSettings {
    /// Processing, detector, endpointing and buffers.
    pub profile: Arc<Profile>,
    /// Device period in frames. That of the profile, unless the change waits for a pause: reopening a device loses 10
    /// to 60 ms of sound (measured).
    pub period_frames: u32,
    /// Silence after the last voiced sample that ends an utterance.
    pub patience: Duration,
    pub gate: Gate,
    /// Whether speech may interrupt a reply. If not, input is ignored while a reply plays and 300 ms after.
    pub barge_in: bool,
    pub echo: EchoPolicy,
    /// Volume of replies as an amplitude, 0.0 to 1.0.
    pub volume: f32,
    /// Start no reply: its audio queues up, and plays from its beginning when this ends. A reply that plays continues.
    pub hold_replies: bool,
    /// A turn is open: the speaker must be ready for its reply. Otherwise it rests while nothing is said or played.
    pub awaits_reply: bool,
    pub input: DeviceChoice,
    pub output: DeviceChoice,
}

impl VoiceSettings {
    /// Settings of a profile with open gate, default devices and full volume.
    pub fn new(profile: Arc<Profile>) -> Self {
        Self {
            period_frames: profile.audio.period_frames,
            patience: profile.turn.patience,
            profile,
            gate: Gate::Voice,
            barge_in: true,
            echo: EchoPolicy::Off,
            volume: 1.0,
            hold_replies: false,
            awaits_reply: false,
            input: DeviceChoice::Default,
            output: DeviceChoice::Default,
        }
    }
}
