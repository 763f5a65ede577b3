//! Voice activity detection: detectors that classify frames, the segmenter that forms utterances, and the barge-in
//! decision.

pub mod barge_in;
mod detect;
mod detector;
pub mod earshot;
mod event;
mod input_normalizer;
mod loudness;
pub mod segment;
mod stuck_detector;
pub mod webrtc;

pub use detect::{DETECTOR_WINDOW_FRAMES, Detect};
pub(crate) use detector::LISTENING_FRAMES;
pub use detector::{Detector, VadKind};
pub use event::{SILENCE_STARTED_AFTER, SpeechEvent};
