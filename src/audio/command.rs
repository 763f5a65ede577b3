//! Commands to the audio threads.

use std::sync::Arc;
use std::time::Duration;

#[cfg(test)]
use super::event::AudioThread;
use super::settings::VoiceSettings;
use crate::base::frame::Pcm;
use crate::base::ids::TurnId;

/// Commands from the conversation to the audio side.
#[derive(Clone, Debug)]
pub enum VoiceCommand {
    /// Apply these settings.
    Settings(Arc<VoiceSettings>),
    /// Queue reply audio. Chunks of one turn come in order; those of a new turn follow the old one's.
    Play(Pcm),
    /// The reply of this turn is complete: play the rest, then report
    /// [`VoiceEvent::Played`](super::event::VoiceEvent::Played).
    EndReply(TurnId),
    /// Fade out and drop all that is queued; reports [`VoiceEvent::ReplyStopped`](super::event::VoiceEvent::ReplyStopped).
    StopReply,
    /// Check microphone, speaker and echo; reports [`VoiceEvent::Check`](super::event::VoiceEvent::Check). Until it is
    /// over, no other microphone events are reported. Needs an open microphone.
    CheckSound {
        /// Whether the user is asked to say a sentence.
        with_voice: bool,
    },
    /// Cancel the sound check without a report.
    CancelCheck,
    /// Panic in a thread, to test its restart.
    #[cfg(test)]
    Panic(AudioThread),
    /// Poll devices now: the input may be the monitor of the speaker.
    PollDevices,
    /// Speak the next file after `lead` of silence; silence follows. Files only.
    SpeakNext {
        /// Silence ahead of the file.
        lead: Duration,
    },
}
