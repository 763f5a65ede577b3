//! What a conversation asks of a service when a connection is set up.

use std::time::Duration;

use crate::base::keys::words;

/// The wishes of profile, user and system for one connection. A provider turns them into its own setup, and leaves out what
/// its model does not accept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionConfig {
    /// Model name, without a prefix such as `models/`.
    pub model: String,
    /// Voice of the answers; `None` is the service's choice.
    pub voice: Option<String>,
    /// What the user speaks, and is answered in.
    pub languages: Languages,
    /// Names and jargon of the user.
    pub vocabulary: Vec<String>,
    /// The system instruction of the profile; the provider adds to it what the service has no field for.
    pub instruction: String,
    /// Whether the answer should be short.
    pub answer_length: AnswerLength,
    /// 0.0 to 2.0; `None` is the service's default.
    pub temperature: Option<f32>,
    /// How much the model may think before it answers; `None` is the model's default.
    pub thinking: Option<Thinking>,
    /// Whether answers are spoken only: their words are not asked for.
    pub unwritten_replies: bool,
    /// Whether the model may search the web.
    pub web_search: bool,
    /// When the service drops the oldest turns of a long conversation; `None` is the service's default.
    pub compression: Option<ContextLimits>,
    /// Who decides when a turn begins and ends.
    pub detection: DetectionConfig,
    /// When and where the user is.
    pub user: UserContext,
}

/// When and where the user is; empty text is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserContext {
    /// Date and time in words, as `Saturday, 21 November 2026, 14:05`.
    pub date_time: String,
    /// IANA name of the zone, as `Europe/Berlin`.
    pub zone: String,
    /// BCP 47, as `de-DE`.
    pub locale: String,
    /// BCP 47 codes of the languages of the system, the usual one first.
    pub system_languages: Vec<String>,
}

impl SessionConfig {
    /// Codes of the languages that the user speaks, the usual one first; empty where that is not known.
    pub fn spoken(&self) -> &[String] {
        match &self.languages {
            Languages::System => &self.user.system_languages,
            Languages::These(codes) => codes,
        }
    }
}

/// Who decides when a turn begins and ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum DetectionConfig {
    /// This program, which sends the start and the end of each utterance.
    #[default]
    Client,
    /// The service, which is sent everything that the microphone hears.
    Service {
        settings: AutomaticSettings,
        /// Whether speech interrupts a reply.
        interrupts: bool,
    },
}

/// Limits of the context, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextLimits {
    /// The oldest turns are dropped at this size,
    pub at_tokens: u32,
    /// until so much is left.
    pub to_tokens: u32,
}

/// The languages that the user speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Languages {
    /// Those of the system.
    #[default]
    System,
    /// BCP 47 codes of these, the usual one first. None: whatever is spoken.
    These(Vec<String>),
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
    High,
    Low,
}

words!(Sensitivity { High = "high", Low = "low" });

/// How much the model may think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// As little as the model can.
    Minimal,
    Low,
    Medium,
    High,
}

words!(Thinking { Minimal = "minimal", Low = "low", Medium = "medium", High = "high" });

/// How long answers should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerLength {
    /// One or two sentences.
    Short,
    /// As the question needs.
    #[default]
    Free,
}

words!(AnswerLength { Short = "short", Free = "free" });
