//! Voice activity detection: detectors that classify frames, the segmenter that forms utterances, and the barge-in
//! decision.

pub mod barge_in;
mod detector;
mod detector_trait;
pub mod earshot;
mod event;
mod input_normalizer;
mod loudness;
pub mod segment;
mod stuck_detector;
pub mod webrtc;

pub(crate) use detector::LISTENING_FRAMES;
pub use detector::{Detector, VadKind};
pub use detector_trait::{DETECTOR_WINDOW_FRAMES, Detect};
pub use event::{SILENCE_STARTED_AFTER, SpeechEvent};
