//! Events of the segmenter.

use std::time::{Duration, Instant};

use crate::base::frame::Frame;

/// Events of an utterance, in this order: one `Started`, any number of `Frame`s, one `Ended`; among the frames, pairs
/// of `SilenceStarted` and `Resumed`, the last perhaps without `Resumed`.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every event is a frame: a box would allocate for each"
)]
pub enum SpeechEvent {
    /// Speech began: an onset was found, or the user holds the talk key.
    Started {
        /// First voiced sample at the microphone (when held: the first sample after the key went down).
        first_voiced: Instant,
        /// Pre-roll and frames of the onset, oldest first, without a gap to the first `Frame`.
        lead: Vec<Frame>,
    },
    /// The next 10 ms of an open utterance, pauses included.
    Frame(Frame),
    /// The voice has been silent for [`SILENCE_STARTED_AFTER`]; the utterance is still open and its frames continue.
    SilenceStarted {
        /// Last voiced sample so far, found by level within the detector's tail.
        last_voiced: Instant,
    },
    /// The voice continues after `SilenceStarted`, before the patience ran out.
    Resumed {
        /// First voiced sample after the pause.
        first_voiced: Instant,
        /// Silence in between, by level.
        pause: Duration,
    },
    /// The utterance is over: the patience ran out, or the key was released. No frame follows.
    Ended {
        /// Last voiced sample at the microphone, found by level within the detector's tail.
        last_voiced: Instant,
    },
}

/// Silence within an utterance that is reported as [`SpeechEvent::SilenceStarted`]: longer than the stops inside words,
/// and the least after which a turn may be closed early.
pub const SILENCE_STARTED_AFTER: Duration = Duration::from_millis(120);
