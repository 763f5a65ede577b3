//! Voice activity: detectors that judge frames, and the segmenter that makes utterances of their judgements.

use std::time::Instant;

use crate::base::frame::Frame;

/// What the segmenter tells of an utterance, in this order: one `Started`, any number of `Frame`s, one `Ended`.
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
    /// The utterance is over: patience has run out, or the key was released. No frame follows.
    Ended {
        /// Last voiced sample at the microphone, found by level within the detector's tail.
        last_voiced: Instant,
    },
}
