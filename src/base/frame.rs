//! The two units of audio: captured frames upwards, reply chunks downwards.

use std::time::{Duration, Instant};

use super::ids::TurnId;
use super::units::SampleRate;

/// Samples in a frame: 10 ms of mono at [`SampleRate::WORKING`].
pub const FRAME_SAMPLES: usize = 160;
/// How long a frame lasts.
pub const FRAME_DURATION: Duration = Duration::from_millis(10);

/// 10 ms of captured sound: mono, [`SampleRate::WORKING`], full scale 1.0.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub samples: [f32; FRAME_SAMPLES],
    /// Counts frames of the capture side from 0; a gap in it is lost sound.
    pub sequence: u64,
    /// When the first sample reached the microphone, on the monotonic clock.
    pub captured: Instant,
}

impl Frame {
    /// When the last sample of the frame had been captured.
    pub fn end(&self) -> Instant {
        self.captured + FRAME_DURATION
    }
}

/// A chunk of a reply: mono, 16 bit, of any length, at the rate that the service named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pcm {
    /// The turn that it answers; chunks of a flushed turn are dropped by this.
    pub turn: TurnId,
    /// Rate of `samples`.
    pub rate: SampleRate,
    pub samples: Vec<i16>,
}
