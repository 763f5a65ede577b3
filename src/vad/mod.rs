//! Voice activity: detectors that judge frames, and the segmenter that makes utterances of their judgements.

pub mod barge_in;
mod detector;
pub mod earshot;
mod leveller;
mod loudness;
pub mod segment;
mod watchdog;
pub mod webrtc;

pub(crate) use detector::LISTENING_FRAMES;
pub use detector::{Detector, Kind};

use std::time::{Duration, Instant};

use crate::base::frame::Frame;

/// What the segmenter tells of an utterance, in this order: one `Started`, any number of `Frame`s, one `Ended`. Between
/// frames, a `Lull` and perhaps its `Resumed`, any number of times.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every event is a frame: a box would allocate for each"
)]
pub enum SpeechEvent {
    /// Speech began: an onset was found, or the user holds the talk key.
    Started {
        /// First voiced sample at the microphone (when held: first sample after the key went down).
        first_voiced: Instant,
        /// The pre-roll and the frames of the onset itself, oldest first, without a gap to the first `Frame`.
        lead: Vec<Frame>,
    },
    /// The next 10 ms of an open utterance, silence inside it included.
    Frame(Frame),
    /// The voice has been silent for [`LULL`]; the utterance is still open and its frames go on.
    Lull {
        /// Last voiced sample so far, found by level within the detector's tail.
        last_voiced: Instant,
    },
    /// The voice goes on after a `Lull`, before patience ran out.
    Resumed {
        /// First voiced sample after the pause.
        first_voiced: Instant,
        /// Silence between the two, by level.
        pause: Duration,
    },
    /// The utterance is over: patience has run out, or the key was released. No frame follows.
    Ended {
        /// Last voiced sample at the microphone, found by level within the detector's tail.
        last_voiced: Instant,
    },
}

/// Silence within an utterance that is told as a [`SpeechEvent::Lull`]: longer than the stops inside words, and the
/// least after which a turn may be closed early.
pub const LULL: Duration = Duration::from_millis(120);

/// How many frames a verdict looks at; the onset is looked for in all of those behind the first yes.
pub const DETECTOR_WINDOW_FRAMES: usize = 2;

/// A detector of speech, asked once for each frame, in order.
pub trait Detect {
    /// Whether the [`DETECTOR_WINDOW_FRAMES`] that end with this frame are speech. Detectors go on saying yes for some 100 ms after the
    /// end of speech; [`segment::Segmenter`] finds the true end by level.
    fn voiced(&mut self, frame: &Frame) -> bool;

    /// How much it takes to be speech: 0 lets much through, 3 little. What it has learnt stays.
    fn set_aggressiveness(&mut self, aggressiveness: u8);

    /// Forgets what it has learnt: a new stream begins.
    fn reset(&mut self);
}

/// Full scale 1.0 to 16 bit; louder is limited, NaN becomes 0. Cut off, not rounded: that is cheaper, and no
/// detector hears the last bit.
fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0) as i16
}
