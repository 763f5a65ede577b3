//! The simulated desk: what is spoken into its microphone, what its speaker played.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::echo_path::{Played, Room};
use crate::base::units::SampleRate;

/// What stands on the simulated desk.
#[derive(Clone, Debug)]
pub struct SimulatedDesk {
    /// Rate of the microphone. What is spoken is given at this rate.
    pub microphone_rate: SampleRate,
    /// How long the microphone holds a sample before it hands it over; told to the callback, as good hosts do.
    pub microphone_latency: Duration,
    /// Rate of the speaker.
    pub speaker_rate: SampleRate,
    /// How long the speaker holds a sample before it sounds; told to the callback, as good hosts do.
    pub speaker_latency: Duration,
    /// The speaker is a headset.
    pub headset: bool,
    /// The speaker reaches the microphone.
    pub room: Option<Room>,
    /// How much faster the crystals of microphone and speaker run than they should, in parts per million.
    pub drift_ppm: (f64, f64),
    /// All that the speaker gave is kept, for [`Desk::heard`]: 11 MB a minute.
    pub keep_heard: bool,
    /// In place of a microphone: files, mono at [`SampleRate::WORKING`], spoken by `VoiceCommand::SpeakNext`.
    pub files: Vec<Vec<f32>>,
}

impl Default for SimulatedDesk {
    fn default() -> Self {
        let rate = SampleRate::new(48_000).expect("not zero");
        Self {
            microphone_rate: rate,
            microphone_latency: Duration::ZERO,
            speaker_rate: rate,
            speaker_latency: Duration::from_millis(5),
            headset: true,
            room: None,
            drift_ppm: (0.0, 0.0),
            keep_heard: true,
            files: Vec::new(),
        }
    }
}

/// The air round the desk: what is spoken into the microphone, what came out of the speaker.
#[derive(Clone)]
pub struct Desk {
    air: Arc<Mutex<Air>>,
    pub(super) speaker_rate: SampleRate,
}

#[derive(Default)]
pub(super) struct Air {
    pub(super) spoken: Vec<f32>,
    /// When the first of `spoken` reached the microphone.
    pub(super) spoken_from: Option<Instant>,
    /// When the newest sample that was spoken reached the microphone.
    pub(super) spoken_until: Option<Instant>,
    pub(super) heard: Vec<PlayedBlock>,
    pub(super) played: Played,
    pub(super) plugged: Plugged,
}

/// A block that the speaker gave.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayedBlock {
    /// When its first sample sounded.
    pub start: Instant,
    /// Mono, at the speaker's rate.
    pub samples: Vec<f32>,
    /// Whether it is sound of a reply; else it is silence for want of one.
    pub sounding: bool,
}

pub(super) struct Plugged {
    pub(super) microphone: bool,
    pub(super) speaker: bool,
}

impl Default for Plugged {
    fn default() -> Self {
        Self {
            microphone: true,
            speaker: true,
        }
    }
}

impl Desk {
    pub(super) fn new(speaker_rate: SampleRate) -> Self {
        Self {
            air: Arc::default(),
            speaker_rate,
        }
    }

    /// Speaks samples (mono, at the microphone's rate) behind what is being spoken; silence follows. Speech that
    /// begins while nobody listens waits for a listener; what is said while the microphone is released is lost.
    pub fn speak(&self, samples: &[f32]) {
        let mut air = self.air();
        air.spoken.extend(samples);
        air.spoken_until = None;
    }

    /// When the last sample that was spoken reached the microphone; `None` while it has not.
    #[must_use]
    pub fn spoken_until(&self) -> Option<Instant> {
        self.air().spoken_until
    }

    /// All that the speaker gave, oldest first.
    #[must_use]
    pub fn heard(&self) -> Vec<PlayedBlock> {
        self.air().heard.clone()
    }

    /// The sound of replies alone, without the silence between.
    #[must_use]
    pub fn heard_replies(&self) -> Vec<f32> {
        let air = self.air();
        let sounding = air.heard.iter().filter(|block| block.sounding);
        sounding
            .flat_map(|block| block.samples.iter().copied())
            .collect()
    }

    /// When the first sample louder than `amplitude` sounded at or after `from`.
    #[must_use]
    pub fn first_sound(&self, from: Instant, amplitude: f32) -> Option<Instant> {
        let air = self.air();
        let blocks = air.heard.iter().flat_map(|block| {
            let samples = block.samples.iter().enumerate();
            samples.map(move |(i, s)| (block.start + self.speaker_rate.duration_of(i as u64), *s))
        });
        let mut loud = blocks.filter(|(at, s)| *at >= from && s.abs() > amplitude);
        loud.next().map(|(at, _)| at)
    }

    /// Plugs the microphone in or pulls it out; streams from it fall silent without a word.
    pub fn plug_microphone(&self, plugged: bool) {
        self.air().plugged.microphone = plugged;
    }

    /// The same for the speaker.
    pub fn plug_speaker(&self, plugged: bool) {
        self.air().plugged.speaker = plugged;
    }

    pub(super) fn air(&self) -> MutexGuard<'_, Air> {
        self.air.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
