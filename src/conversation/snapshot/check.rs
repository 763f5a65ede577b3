//! How far the guided sound check is, and what it found.

use std::sync::Arc;

/// A sound check that runs or is over.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckView {
    /// Whether the user is asked to say a sentence.
    pub with_voice: bool,
    /// What is done now.
    pub step: CheckStep,
    /// How much of the step is done, 0.0 to 1.0.
    pub progress: f32,
    /// What was found, when it is over.
    pub lines: Arc<[CheckLine]>,
}

/// What a sound check does, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckStep {
    /// The room is listened to while nobody speaks.
    Quiet,
    /// The user says a sentence.
    Speak,
    /// The speaker plays a sound, and the microphone listens for it.
    Chirp,
    /// It is over.
    Over,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckLine {
    /// What was looked at: "Microphone", "Voice" …
    pub name: &'static str,
    /// How it is.
    pub status: CheckStatus,
    /// What was found.
    pub what: String,
    /// The one thing to do, where it is not well.
    pub hint: Option<String>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// Well.
    Ok,
    /// It works, but not as it could.
    Warn,
    /// It does not work.
    Bad,
}
