//! Events of the audio threads.

use std::time::{Duration, Instant};

use super::device::{Devices, Direction, StreamInfo};
use super::echo::EchoReport;
use crate::base::frame::Frame;
use crate::base::ids::TurnId;
use crate::dsp::sound_check::{SoundCheckPhase, SoundCheckReport};
use crate::vad::SpeechEvent;

/// Events of a sound check.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckEvent {
    Step {
        phase: SoundCheckPhase,
        /// Progress, 0.0 to 1.0.
        progress: f32,
    },
    Done(Box<SoundCheckReport>),
}

/// One of the two audio threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioThread {
    /// Processes captured and played sound.
    Worker,
    /// Opens and watches the streams.
    Streams,
}

/// Events of the audio side.
#[derive(Clone, Debug)]
pub enum VoiceEvent {
    /// An utterance starts, continues, ends.
    Speech(SpeechEvent),
    /// A frame, with [`Gate::Everything`](super::settings::Gate::Everything) only.
    Heard(Frame),
    /// The first non-silent sample of a reply left the speaker.
    FirstAudible {
        turn: TurnId,
        /// When it was audible.
        at: Instant,
        /// When its first sample was written to the device ring.
        begun: Instant,
        /// Leading silence that was skipped.
        skipped_silence: Duration,
    },
    /// A reply was played to its end.
    Played {
        turn: TurnId,
        /// When its last sample left the speaker.
        at: Instant,
        /// Duration that was audible.
        heard: Duration,
    },
    ReplyStopped {
        /// The turn that was audible, if any.
        turn: Option<TurnId>,
        /// When the speaker became silent.
        at: Instant,
        /// When the reply had been ducked, if it was.
        ducked: Option<Instant>,
        heard: Duration,
    },
    /// A device was opened or reopened.
    Opened(Direction, StreamInfo),
    /// A device is missing or was lost; the text is for the user.
    Lost(Direction, String),
    /// The device in use changed, away from the selected one or back to it.
    Moved {
        direction: Direction,
        /// Notice for the user; `None` if there is nothing more to say.
        what: Option<String>,
        /// Previous notice for this direction, now obsolete.
        before: Option<String>,
        /// The selected device is in use: `what` need not stay.
        settled: bool,
    },
    /// The list of devices changed.
    Devices(Devices),
    /// State or reason of the echo canceller changed.
    Echo(EchoReport),
    /// A reply was ducked or paused because somebody seems to speak (`true`), or was restored or dropped.
    Ducked(bool),
    /// The detector was stuck on unvarying sound and was re-armed.
    DetectorRearmed,
    /// Somebody speaks or may speak, and the microphone delivers only zeros (muted by the system or a switch); or sound again.
    AllZero(bool),
    /// Progress or result of the sound check.
    Check(CheckEvent),
    /// The output file cannot be written any more; the reason as text.
    NotWritten(String),
    /// A thread panicked and was restarted with its settings. Sound in progress is lost. After repeated panics both threads
    /// end, and the channel closes.
    Restarted(AudioThread),
    /// An input file was spoken to its end (files only); index from 0.
    FileSpoken(usize),
}
