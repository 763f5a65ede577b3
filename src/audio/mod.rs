//! Sound in and out: the handle that the session holds, and what is said through it.
//!
//! ```text
//! session ── Command ──▶ owner thread (opens, watches, reopens streams)
//!            Command ──▶ worker thread (resample, detect, feed the speaker)
//! session ◀── Event ──── both
//! ```
//!
//! The streams come from a backend: real devices, WAV files, or nothing ([`Setup`]). Worker and owner know no clock;
//! [`simulate()`] drives the very same two on simulated time.

mod backend;
pub mod capture;
mod check;
mod choice;
mod clock;
mod convert;
mod cpal;
mod echo;
pub mod fleet;
mod handle;
mod microphone;
mod names;
mod null;
mod owner;
mod paced;
pub mod playback;
pub mod priority;
#[cfg(all(target_os = "linux", feature = "pulseaudio"))]
mod pulse;
mod queue;
mod reference;
mod settings;
mod simulate;
mod speaker;
pub mod status;
mod supervise;
#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks the events that it is about"
)]
mod tests;
mod wav;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use backend::Format;
pub use echo::{EchoPolicy, EchoReport, EchoWhy};
pub use handle::{Handle, devices, spawn};
pub use queue::INAUDIBLE;
pub use settings::VoiceSettings;
pub use simulate::{Desk, Heard, Room, SimulatedDesk, simulate};

use crate::base::frame::Pcm;
use crate::base::ids::TurnId;
use crate::base::units::SampleRate;
use crate::dsp::sound_check::{SoundCheckPhase, SoundCheckReport};
use crate::vad::SpeechEvent;

/// Where sound comes from and goes to. Every combination is legal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// In place of the microphone.
    pub input: InputKind,
    /// In place of the speaker.
    pub output: OutputKind,
}

/// Where sound comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A microphone.
    Device(DeviceChoice),
    /// WAV files, one utterance each, spoken when [`Command::SpeakNext`] asks for them.
    Files(Vec<PathBuf>),
    /// Silence.
    None,
}

/// Where replies go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// A speaker.
    Device(DeviceChoice),
    /// A WAV file: the reply audio alone, 24 kHz mono 16 bit.
    File(PathBuf),
    /// Nowhere, at real-time pace.
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

/// Why the sound side cannot be started or told something.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// A file cannot be used.
    #[error("{}: {what}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it, and what is expected.
        what: String,
    },
    /// A file that gets sound cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    NotWritten {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The system refused a thread.
    #[error("the system refused a thread for the sound: {0}; close other programs")]
    Thread(#[source] std::io::Error),
    /// The sound threads do not take commands: they have ended, or hang in the sound system.
    #[error("the sound side does not answer; start the program again")]
    Gone,
}

/// What the session asks of the sound side.
#[derive(Clone, Debug)]
pub enum Command {
    /// From now on these settings hold.
    Settings(Arc<VoiceSettings>),
    /// Queue reply audio. Chunks of one turn come in order; a new turn's follow the old one's.
    Play(Pcm),
    /// No more audio of this turn will come: play what there is, then report [`Event::Played`].
    EndReply(TurnId),
    /// Fade what is sounding and drop all that is queued; reports [`Event::Flushed`].
    Flush,
    /// Begin no reply until [`Command::Release`]: what is played is gathered, what sounds goes on.
    Hold,
    /// Begin replies again, with what was gathered.
    Release,
    /// Check microphone, speaker and echo; reports [`Event::Check`]. Until it is over nothing else of the microphone is
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
    LookForDevices,
    /// Files only: speak the next file after `lead` of silence. Silence goes on after it.
    SpeakNext {
        /// Silence ahead of the file.
        lead: Duration,
    },
}

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
    /// Every frame, as [`Event::Heard`], besides the utterances found (the service detects activity).
    Everything,
}

/// Which device: the system's default, which is followed when it changes, or a certain one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The system's default.
    #[default]
    Default,
    /// The device with this stable id.
    Id(String),
}

/// A device that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Stable id, for the configuration file and `--input-device`.
    pub id: String,
    /// The name that people know it by.
    pub name: String,
    /// Whether it is the system's default.
    pub is_default: bool,
    /// Whether what it plays cannot reach a microphone.
    pub headset: bool,
}

/// The devices that there are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// The sound system: "PipeWire", "PulseAudio", "ALSA", "files", "none" …
    pub host: String,
    /// Microphones; monitors of speakers are not among them.
    pub inputs: Vec<DeviceInfo>,
    /// Speakers and headphones.
    pub outputs: Vec<DeviceInfo>,
}

/// A stream that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamInfo {
    /// The device that it is attached to.
    pub device: DeviceInfo,
    /// Rate that the device runs at.
    pub rate: SampleRate,
    /// Channels of the device.
    pub channels: u16,
    /// Period that was granted, in frames, where the host tells.
    pub period_frames: Option<u32>,
}

impl StreamInfo {
    /// Whether the device carries a telephone's band only, as a Bluetooth headset does whose microphone is in use:
    /// 8 or 16 kHz.
    #[must_use]
    pub fn narrowband(&self) -> bool {
        self.rate <= SampleRate::WORKING
    }
}

/// One of the two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Microphone.
    Input,
    /// Speaker.
    Output,
}

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
pub enum Event {
    /// An utterance begins, goes on, ends.
    Speech(SpeechEvent),
    /// A frame, with [`Gate::Everything`] only.
    Heard(crate::base::frame::Frame),
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
