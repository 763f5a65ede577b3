//! Profiles: every choice that trades speed for quality, checked.

use std::time::Duration;

/// A checked profile. There is one way to make one: from YAML, through the checks.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// What it is called on the command line: lower case, digits and hyphens.
    pub name: String,
    /// What the window calls it.
    pub label: String,
    /// What it is for, in a sentence.
    pub description: String,
    /// The `response` that a turn is judged by.
    pub target: Duration,
    /// Microphone and speaker.
    pub audio: AudioSettings,
    /// When a sound is speech.
    pub detector: DetectorSettings,
    /// Whose turn it is.
    pub turn: TurnSettings,
    /// What the service is asked for.
    pub live: LiveSettings,
}

/// How sound is captured and played.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioSettings {
    /// Period asked of both devices, in frames at the device's rate.
    pub period_frames: u32,
    /// Taps of the resampler's filter: more is cleaner and later.
    pub resampler_taps: u32,
    /// Reply audio to gather before it is played; grows when the reply stutters.
    pub prebuffer: Duration,
    /// Sound from before the onset that is sent with the utterance.
    pub preroll: Duration,
}

/// When a sound counts as speech.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorSettings {
    /// webrtc-vad's mode, 0 (lets much through) to 3 (lets little through).
    pub aggressiveness: u8,
    /// Voiced sound needed for an onset while nothing is played.
    pub onset_idle: Duration,
    /// The same while a reply sounds.
    pub onset_playing: Duration,
}

/// Who decides when a turn is over, and what speech does to a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnSettings {
    /// Who detects activity.
    pub detection: Detection,
    /// Silence, counted from the last voiced sample, after which a turn is over.
    pub patience: Duration,
    /// Whether speech interrupts a reply.
    pub barge_in: BargeIn,
    /// The service's own detector; used with [`Detection::Automatic`] only.
    pub automatic: AutomaticSettings,
}

/// Who detects activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detection {
    /// Our detector; `activityStart` and `activityEnd` are sent.
    Manual,
    /// The service's; everything that is heard is sent.
    Automatic,
}

/// Whether speech interrupts a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BargeIn {
    /// On where the reply cannot reach the microphone: a headset, or files.
    Auto,
    /// Always.
    On,
    /// Never; the uplink is closed while the reply sounds.
    Off,
}

/// Settings of the service's own detector. `None` leaves the choice to the service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AutomaticSettings {
    /// How readily a start is taken for one.
    pub start_sensitivity: Option<Sensitivity>,
    /// How readily an end is taken for one.
    pub end_sensitivity: Option<Sensitivity>,
    /// Speech needed before a start is committed.
    pub prefix_padding: Option<Duration>,
    /// Silence needed before an end is committed.
    pub silence: Option<Duration>,
}

/// How readily the service's detector decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensitivity {
    /// Readily.
    High,
    /// Reluctantly.
    Low,
}

/// What the service is asked for when a connection is set up.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveSettings {
    /// Model name without `models/`.
    pub model: String,
    /// One of the prebuilt voices; `None` is the service's choice.
    pub voice: Option<String>,
    /// BCP 47 code of the language to speak; `None` follows the user.
    pub language: Option<String>,
    /// 0.0 to 2.0; `None` is the service's default.
    pub temperature: Option<f32>,
    /// How much the model may think before it answers.
    pub thinking: Option<Thinking>,
    /// The system instruction; date, time zone and locale are added to it.
    pub instruction: String,
    /// Whether the answer should be short.
    pub answer_length: AnswerLength,
    /// How finely images are read.
    pub media_resolution: MediaResolution,
    /// Whether the model may search the web.
    pub google_search: bool,
    /// Tokens of context at which the service begins to drop the oldest turns.
    pub compress_at_tokens: u32,
    /// Tokens that are kept then.
    pub compress_to_tokens: u32,
}

/// How much the model may think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// As little as the model can.
    Minimal,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
}

/// How long answers should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerLength {
    /// One or two sentences.
    Short,
    /// As the question needs.
    Free,
}

/// How finely images are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaResolution {
    /// Coarse, few tokens.
    Low,
    /// Middling.
    Medium,
    /// Fine, many tokens.
    High,
}
