//! Events of the segmenter.

use std::time::{Duration, Instant};

use crate::base::frame::Frame;

/// What the segmenter tells of an utterance, in this order: one `Started`, any number of `Frame`s, one `Ended`. Between
/// frames, a `SilenceStarted` and perhaps its `Resumed`, any number of times.
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
    /// The voice has been silent for [`SILENCE_STARTED_AFTER`]; the utterance is still open and its frames go on.
    SilenceStarted {
        /// Last voiced sample so far, found by level within the detector's tail.
        last_voiced: Instant,
    },
    /// The voice goes on after a `SilenceStarted`, before patience ran out.
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

/// Silence within an utterance that is told as a [`SpeechEvent::SilenceStarted`]: longer than the stops inside words, and the
/// least after which a turn may be closed early.
pub const SILENCE_STARTED_AFTER: Duration = Duration::from_millis(120);
