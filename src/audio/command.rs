//! Commands to the audio threads.

use std::sync::Arc;
use std::time::Duration;

#[cfg(test)]
use super::event::AudioThread;
use super::settings::VoiceSettings;
use crate::base::frame::Pcm;
use crate::base::ids::TurnId;

/// What the session asks of the sound side.
#[derive(Clone, Debug)]
pub enum VoiceCommand {
    /// From now on these settings hold.
    Settings(Arc<VoiceSettings>),
    /// Queue reply audio. Chunks of one turn come in order; a new turn's follow the old one's.
    Play(Pcm),
    /// No more audio of this turn will come: play what there is, then report [`VoiceEvent::Played`].
    EndReply(TurnId),
    /// Fade what is sounding and drop all that is queued; reports [`VoiceEvent::Flushed`].
    Flush,
    /// Begin no reply until [`VoiceCommand::Release`]: what is played is gathered, what sounds goes on.
    Hold,
    /// Begin replies again, with what was gathered.
    Release,
    /// Check microphone, speaker and echo; reports [`VoiceEvent::Check`]. Until it is over nothing else of the microphone is
    /// told. It needs an open microphone.
    CheckSound {
        /// Whether the user is asked to say a sentence.
        with_voice: bool,
    },
    /// End the sound check at once, without a report.
    CancelCheck,
    /// Makes a thread panic, to test its restart.
    #[cfg(test)]
    Panic(AudioThread),
    /// Look for devices now: what is heard may be the monitor of the speaker.
    PollDevices,
    /// Files only: speak the next file after `lead` of silence. Silence goes on after it.
    SpeakNext {
        /// Silence ahead of the file.
        lead: Duration,
    },
}
