//! Events of the audio threads.

use std::time::{Duration, Instant};

use super::device::{Devices, Direction, StreamInfo};
use super::echo::EchoReport;
use crate::base::frame::Frame;
use crate::base::ids::TurnId;
use crate::dsp::sound_check::{SoundCheckPhase, SoundCheckReport};
use crate::vad::SpeechEvent;

/// What a sound check reports.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckEvent {
    /// It is in this phase.
    Step {
        /// Which.
        phase: SoundCheckPhase,
        /// How much of it is over, 0.0 to 1.0.
        progress: f32,
    },
    /// It is over.
    Done(Box<SoundCheckReport>),
}

/// One of the two audio threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioThread {
    /// Processes what was captured and what is played.
    Worker,
    /// Opens and watches the streams.
    Streams,
}

/// What the sound side reports.
#[derive(Clone, Debug)]
pub enum VoiceEvent {
    /// An utterance begins, goes on, ends.
    Speech(SpeechEvent),
    /// A frame, with [`Gate::Everything`] only.
    Heard(Frame),
    /// The first non-silent sample of a reply left the speaker.
    FirstAudible {
        /// The reply's turn.
        turn: TurnId,
        /// When it left the speaker.
        at: Instant,
        /// When its first sample was handed to the device's ring.
        begun: Instant,
        /// Leading silence of the reply that was not played.
        skipped_silence: Duration,
    },
    /// A reply was played to its end.
    Played {
        /// Its turn.
        turn: TurnId,
        /// When its last sample left the speaker.
        at: Instant,
        /// How much of it was heard.
        heard: Duration,
    },
    /// A flush took effect.
    Flushed {
        /// The turn that was sounding, if one was.
        turn: Option<TurnId>,
        /// When the speaker fell silent.
        at: Instant,
        /// When the reply had been lowered, if it was.
        ducked: Option<Instant>,
        /// How much of it had been heard.
        heard: Duration,
    },
    /// A device was opened, or opened again.
    Opened(Direction, StreamInfo),
    /// A device is not there or was lost; `what` says so in words for the user.
    Lost(Direction, String),
    /// Another device is used than the one that was meant, or the one that was meant again.
    Moved {
        /// Of which direction.
        direction: Direction,
        /// What happened and what comes next, in words for the user; `None` if there is nothing more to say.
        what: Option<String>,
        /// What was told before of this direction, and holds no more.
        before: Option<String>,
        /// Everything is as it was meant: `what` need not stay.
        settled: bool,
    },
    /// The list of devices changed.
    Devices(Devices),
    /// The echo canceller was switched on or off, or has another reason to be.
    Echo(EchoReport),
    /// A reply was lowered, or paused, because somebody seems to speak (`true`); it sounds as before, or was dropped.
    Lowered(bool),
    /// The detector stayed on over unvarying sound and was re-armed.
    DetectorRearmed,
    /// The microphone gives nothing but zeros (muted by the system or by a switch), or does so no more.
    AllZero(bool),
    /// How far the sound check is, or what it found.
    Check(CheckEvent),
    /// The file that gets the replies cannot be written any more; why, in words.
    NotWritten(String),
    /// A thread failed and was restarted with its settings. What was being heard or played then is lost.
    Restarted(AudioThread),
    /// A thread failed again and again, and is given up.
    Gone(AudioThread),
    /// An input file has been spoken to its end (files only); the index counts files from 0.
    FileSpoken(usize),
}
