//! A checked profile.

use std::time::Duration;

use crate::base::keys::words;
pub use crate::dsp::chain::NoiseSuppressor;
use crate::provider::config::{
    self, AnswerLength, AutomaticSettings, ContextLimits, Languages, SessionConfig, Thinking,
};
pub use crate::vad::VadKind;

/// The profile that is used where none is named.
pub const DEFAULT: &str = "balanced";

/// The profiles in this program that have settings of their own. `profiles/NAME.yaml` is a checked copy of what the table of
/// keys says about each.
pub const BUILTINS: [&str; 4] = ["ultra-fast", "balanced", "high-quality", "low-data"];

/// The profile that chooses among others: the first three of the [`BUILTINS`], unless a file says otherwise. What a line costs
/// it cannot know.
pub const AUTO: &str = "auto";

/// All profiles in this program, in the order of the switch.
pub const SWITCH: [&str; 5] = ["ultra-fast", "balanced", "high-quality", AUTO, "low-data"];

/// A checked profile. There is one way to make one: from YAML, through the checks.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// What it is called on the command line: lower case, digits and hyphens.
    pub name: String,
    pub label: String,
    pub description: String,
    /// The `response` that a turn is judged by.
    pub target: Duration,
    pub audio: AudioSettings,
    /// When a sound is speech.
    pub detector: DetectorSettings,
    pub turn: TurnSettings,
    pub live: LiveSettings,
    /// When the user is told that something is not as it should be.
    pub alerts: AlertSettings,
    /// It chooses among other profiles by these; the settings above are then what it begins with.
    pub auto: Option<AutoSettings>,
}

impl Profile {
    /// What a connection is asked for with this profile, if activity is detected so.
    pub fn session_config(&self, detection: Detection) -> SessionConfig {
        let live = &self.live;
        SessionConfig {
            model: live.model.trim_start_matches("models/").to_owned(),
            voice: live.voice.clone(),
            languages: live.languages.clone(),
            vocabulary: live.vocabulary.clone(),
            instruction: live.instruction.trim().to_owned(),
            answer_length: live.answer_length,
            temperature: live.temperature,
            thinking: live.thinking,
            unwritten_replies: !live.reply_transcript,
            web_search: live.google_search,
            compression: Some(ContextLimits {
                at_tokens: live.compress_at_tokens,
                to_tokens: live.compress_to_tokens,
            }),
            detection: match detection {
                Detection::Manual => config::DetectionConfig::Client,
                Detection::Automatic => config::DetectionConfig::Service {
                    settings: self.turn.automatic.clone(),
                    interrupts: self.turn.barge_in != BargeIn::Off,
                },
            },
            ..SessionConfig::default()
        }
    }
}

/// How a profile chooses among others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoSettings {
    /// Names of the profiles, from the fastest to the best.
    pub among: Vec<String>,
    /// What a step of quality is worth.
    pub prefer: Preference,
    /// Changes in an hour, at most.
    pub changes_per_hour: u32,
    /// Whether power is saved on battery.
    pub power_saving: bool,
}

/// What a step of quality is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    /// Little: the sooner the better.
    Speed,
    Balance,
    Quality,
}

words!(Preference { Speed = "speed", Balance = "balance", Quality = "quality" });

/// Limits beyond which the user is told; `None` switches one off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertSettings {
    /// From the end of the turn to the first reply audio that arrives, typically.
    pub first_audio: Option<Duration>,
    /// The response, typically.
    pub response: Option<Duration>,
    /// Least share of turns that get their answer, in percent.
    pub success_percent: Option<u32>,
    /// Memory of the program in MB.
    pub memory_mb: Option<u32>,
    /// Growth of it since the start in MB, if it goes on.
    pub memory_growth_mb: Option<u32>,
    /// Load of the computer in percent.
    pub cpu_percent: Option<u32>,
    /// Share of replies that are interrupted, in percent.
    pub interruptions_percent: Option<u32>,
    /// Share of turns that were not finished, in percent.
    pub cut_offs_percent: Option<u32>,
    /// Stutters within ten seconds.
    pub stutters: Option<u32>,
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
    /// Whether the reply is taken out of what the microphone hears.
    pub echo_cancellation: EchoCancellation,
    /// How much noise is taken out of it.
    pub noise_suppression: NoiseSuppressor,
    /// Whether quiet voices are raised and loud ones lowered.
    pub gain_control: bool,
}

/// Whether the reply is taken out of what the microphone hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoCancellation {
    /// As the speaker and what the microphone hears of it demand.
    Auto,
    On,
    Off,
}

words!(EchoCancellation { Auto = "auto", On = "on", Off = "off" });

words!(NoiseSuppressor { Off = "off", Light = "light", On = "on", Keyboard = "keyboard" });

/// When a sound counts as speech.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorSettings {
    pub kind: VadKind,
    /// webrtc-vad's mode, 0 (lets much through) to 3 (lets little through).
    pub aggressiveness: u8,
    /// Voiced sound needed for an onset while nothing is played.
    pub onset_idle: Duration,
    /// The same while a reply sounds.
    pub onset_playing: Duration,
}

words!(VadKind { Webrtc = "webrtc", Earshot = "earshot" });

/// Who decides when a turn is over, and what speech does to a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnSettings {
    pub detection: Detection,
    /// Silence, counted from the last voiced sample, after which a turn is over.
    pub patience: Duration,
    /// Whether a turn is closed early and its reply held until patience has run out.
    pub eager_endpoint: bool,
    /// Tokens of replies that are dropped because the user goes on after an early close, in percent of all tokens of the
    /// last 20 turns, at most.
    pub eager_waste_percent: u32,
    /// Whether patience follows the pauses that the user makes.
    pub adaptive_patience: bool,
    /// Whether silence within a turn is sent only when the user goes on.
    pub hold_pauses: bool,
    /// Whether speech interrupts a reply.
    pub barge_in: BargeIn,
    /// Speech over a reply that is over within this time (an "uh-huh", a cough) does not interrupt it.
    pub backchannel: Duration,
    /// The service's own detector; used with [`Detection::Automatic`] only.
    pub automatic: AutomaticSettings,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detection {
    /// Our detector; `activityStart` and `activityEnd` are sent.
    Manual,
    /// The service's; everything that is heard is sent.
    Automatic,
}

words!(Detection { Manual = "manual", Automatic = "automatic" });

/// Whether speech interrupts a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BargeIn {
    /// On where the reply does not reach the microphone (a headset, files) or is taken out of it.
    Auto,
    On,
    /// Never; the uplink is closed while the reply sounds.
    Off,
}

words!(BargeIn { Auto = "auto", On = "on", Off = "off" });

/// What the service is asked for when a connection is set up.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveSettings {
    /// Model name without `models/`.
    pub model: String,
    /// One of the prebuilt voices; `None` is the service's choice.
    pub voice: Option<String>,
    /// What the user speaks, and is answered in.
    pub languages: Languages,
    /// Names and jargon that the user says: at most 100, of at most 100 characters each.
    pub vocabulary: Vec<String>,
    /// 0.0 to 2.0; `None` is the service's default.
    pub temperature: Option<f32>,
    /// How much the model may think before it answers.
    pub thinking: Option<Thinking>,
    /// The system instruction; date, time zone and locale are added to it.
    pub instruction: String,
    /// Whether the answer should be short.
    pub answer_length: AnswerLength,
    /// Whether answers are written down as well as spoken.
    pub reply_transcript: bool,
    /// Whether the model may search the web.
    pub google_search: bool,
    /// The user is told that an answer is late when nothing of it was heard for so long; it is waited for all the same.
    pub reply_deadline: Duration,
    /// Tokens of context at which the service begins to drop the oldest turns.
    pub compress_at_tokens: u32,
    /// Tokens that are kept then.
    pub compress_to_tokens: u32,
}
