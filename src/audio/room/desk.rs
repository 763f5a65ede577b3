//! The simulated desk: what is spoken into its microphone, what its speaker played.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::echo_path::{EchoPath, Played};
use crate::base::units::SampleRate;

/// Configuration of the simulated desk.
#[derive(Clone, Debug)]
pub struct SimulatedDesk {
    /// Sample rate of the microphone, and of what is spoken.
    pub microphone_rate: SampleRate,
    /// Latency of the microphone, which it reports to the callback.
    pub microphone_latency: Duration,
    /// Sample rate of the speaker.
    pub speaker_rate: SampleRate,
    /// Latency of the speaker, which it reports to the callback.
    pub speaker_latency: Duration,
    /// Whether the speaker is a headset.
    pub headset: bool,
    /// The echo path from speaker to microphone, if any.
    pub room: Option<EchoPath>,
    /// Clock drift of microphone and speaker in parts per million.
    pub drift_ppm: (f64, f64),
    /// Whether to record the output for [`Desk::heard`]: 11 MB per minute.
    pub keep_heard: bool,
    /// How often the audio side is driven; every ms is as exact as it gets, longer steps take less of this computer.
    pub step: Duration,
    /// Files in place of a microphone, mono at [`SampleRate::WORKING`], spoken on `VoiceCommand::SpeakNext`.
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
            step: Duration::from_millis(1),
            files: Vec::new(),
        }
    }
}

/// The simulated desk: input of the microphone, output of the speaker.
#[derive(Clone)]
pub struct Desk {
    air: Arc<Mutex<Air>>,
    pub(super) speaker_rate: SampleRate,
}

#[derive(Default)]
pub(super) struct Air {
    pub(super) spoken: Vec<f32>,
    /// When the first sample of `spoken` reached the microphone.
    pub(super) spoken_from: Option<Instant>,
    /// When the newest spoken sample reached the microphone.
    pub(super) spoken_until: Option<Instant>,
    pub(super) heard: Vec<PlayedBlock>,
    pub(super) played: Played,
    pub(super) plugged: Plugged,
}

/// A block that the speaker played.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayedBlock {
    /// When its first sample sounded.
    pub start: Instant,
    /// Mono samples at the speaker's rate.
    pub samples: Vec<f32>,
    /// Whether it is sound of a reply, and not silence because nothing plays.
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

    /// Queues samples to be spoken (mono, at the microphone's rate); silence follows. Speech that starts while the
    /// microphone is closed waits for it; speech during a later release is lost.
    pub fn speak(&self, samples: &[f32]) {
        let mut air = self.air();
        air.spoken.extend(samples);
        air.spoken_until = None;
    }

    /// When the last spoken sample reached the microphone; `None` until then.
    pub fn spoken_until(&self) -> Option<Instant> {
        self.air().spoken_until
    }

    /// All output of the speaker, oldest first.
    pub fn heard(&self) -> Vec<PlayedBlock> {
        self.air().heard.clone()
    }

    /// The same, and forgets it.
    pub fn take_heard(&self) -> Vec<PlayedBlock> {
        std::mem::take(&mut self.air().heard)
    }

    /// The sound of replies alone, without the silence between them.
    pub fn heard_replies(&self) -> Vec<f32> {
        let air = self.air();
        let sounding = air.heard.iter().filter(|block| block.sounding);
        sounding
            .flat_map(|block| block.samples.iter().copied())
            .collect()
    }

    /// Time of the first sample above `amplitude` at or after `from`.
    pub fn first_sound(&self, from: Instant, amplitude: f32) -> Option<Instant> {
        let air = self.air();
        let blocks = air.heard.iter().flat_map(|block| {
            let samples = block.samples.iter().enumerate();
            samples.map(move |(i, s)| (block.start + self.speaker_rate.duration_of(i as u64), *s))
        });
        let mut loud = blocks.filter(|(at, s)| *at >= from && s.abs() > amplitude);
        loud.next().map(|(at, _)| at)
    }

    /// Plugs the microphone in or out; its streams stop silently.
    pub fn plug_microphone(&self, plugged: bool) {
        self.air().plugged.microphone = plugged;
    }

    /// Plugs the speaker in or out.
    pub fn plug_speaker(&self, plugged: bool) {
        self.air().plugged.speaker = plugged;
    }

    pub(super) fn air(&self) -> MutexGuard<'_, Air> {
        self.air.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
