//! Identifiers of turns and of the marks of a turn.

use std::fmt;

/// A turn of the conversation, or what the service says unasked (as the demo's greeting). Counts from 1 in the order
/// in which they begin; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TurnId(pub u64);

impl fmt::Display for TurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An instant of a turn that latencies are made of, in the order in which they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// First voiced sample at the microphone.
    SpeechStart,
    /// Last voiced sample at the microphone, found afterwards.
    SpeechEnd,
    /// The turn machine decided that the utterance is over (the last time, if it was reopened).
    Endpoint,
    /// Last audio and `activityEnd` were handed to the socket and flushed.
    Sent,
    /// First reply audio was read from the socket.
    FirstAudio,
    /// First non-silent reply sample left the speaker.
    FirstAudible,
}

impl Mark {
    /// Every mark, in order.
    pub const ALL: [Self; 6] = [
        Self::SpeechStart,
        Self::SpeechEnd,
        Self::Endpoint,
        Self::Sent,
        Self::FirstAudio,
        Self::FirstAudible,
    ];

    /// Its name in the JSON of a turn.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SpeechStart => "speech_start",
            Self::SpeechEnd => "speech_end",
            Self::Endpoint => "endpoint",
            Self::Sent => "sent",
            Self::FirstAudio => "first_audio",
            Self::FirstAudible => "first_audible",
        }
    }
}
