//! Profiles: every choice that trades speed for quality, checked.
//!
//! ```text
//! YAML text ─▶ raw (what was written) ─▶ check (ranges, names, pairs; gaps filled from a built-in) ─▶ Profile
//! built-ins and the user's files ─▶ store ─▶ Arc<Profile> by name
//! ```
//!
//! A user's file may leave out everything. It starts from the built-in that `extends:` names, else from the built-in of its
//! own name, else from `balanced`. Its name is `name:`, else the name of the file.

mod check;
mod keys;
mod languages;
mod raw;
mod shape;
mod show;
pub mod store;
mod warnings;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use crate::provider::config::{
    AnswerLength, AutomaticSettings, Languages, Sensitivity, Thinking,
};
pub use languages::ALLOWED as ALLOWED_LANGUAGES;

use crate::base::yaml::{Text, YamlError};
use crate::provider::config::{self, Compression, SessionConfig};

/// The profile that is used where none is named.
pub const DEFAULT: &str = "balanced";

/// Name and text of the profiles in this program, in the order of the switch.
pub const BUILTINS: [(&str, &str); 3] = [
    ("ultra-fast", include_str!("../../profiles/ultra-fast.yaml")),
    ("balanced", include_str!("../../profiles/balanced.yaml")),
    (
        "high-quality",
        include_str!("../../profiles/high-quality.yaml"),
    ),
];

/// Name and text of the profile that chooses among the [`BUILTINS`].
pub const AUTO: (&str, &str) = ("auto", include_str!("../../profiles/auto.yaml"));

/// The profile of this name that is in the program: `ultra-fast`, `balanced`, `high-quality` or `auto`.
#[must_use]
pub fn builtin(name: &str) -> Option<Arc<Profile>> {
    if name == AUTO.0 {
        return Some(auto());
    }
    static CHECKED: LazyLock<Vec<Arc<Profile>>> = LazyLock::new(|| {
        let checked = BUILTINS.iter().map(|(name, text)| {
            let text = Text::new(name, text.as_bytes()).map_err(|error| vec![error])?;
            check::complete(&text).map(Arc::new)
        });
        let checked: Result<_, Vec<YamlError>> = checked.collect();
        checked.expect("the built-in profiles are checked by a test")
    });
    CHECKED.iter().find(|profile| profile.name == name).cloned()
}

/// The profile that chooses by itself.
fn auto() -> Arc<Profile> {
    static CHECKED: LazyLock<Arc<Profile>> = LazyLock::new(|| {
        let (name, text) = AUTO;
        let text = Text::new(name, text.as_bytes()).map_err(|error| vec![error]);
        let checked = text.and_then(|text| check::complete_auto(&text));
        Arc::new(checked.expect("the built-in profiles are checked by a test"))
    });
    Arc::clone(&CHECKED)
}

/// What is wrong with a profile's file: every fault that could be found at once, at least one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Faults(pub Vec<YamlError>);

impl Profile {
    /// Reads and checks a user's profile; `file` is what errors call it, and its name is the profile's unless it has `name:`.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, Faults> {
        let text = Text::new(file, text).map_err(|error| Faults(vec![error]))?;
        check::user(file, &text).map_err(Faults)
    }

    /// Warnings with their positions in `text`, from which the profile was read: the model has ended or is not known to this
    /// version, or a setting has no effect on it.
    #[must_use]
    pub fn warnings(&self, file: &str, text: &[u8]) -> Vec<YamlError> {
        let text = Text::new(file, text);
        text.map_or_else(|_| Vec::new(), |text| warnings::warnings(&text, self))
    }

    /// What a connection is asked for with this profile, if activity is detected so.
    #[must_use]
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
            web_search: live.google_search,
            compression: Some(Compression {
                at_tokens: live.compress_at_tokens,
                to_tokens: live.compress_to_tokens,
            }),
            detection: match detection {
                Detection::Manual => config::Detection::Client,
                Detection::Automatic => config::Detection::Service {
                    settings: self.turn.automatic.clone(),
                    interrupts: self.turn.barge_in != BargeIn::Off,
                },
            },
            ..SessionConfig::default()
        }
    }

    /// The whole profile as YAML that [`Profile::parse`] accepts, without comments.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        show::yaml(self)
    }
}

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
    /// When the user is told that something is not as it should be.
    pub alerts: AlertSettings,
    /// It chooses among other profiles by these; the settings above are then what it begins with.
    pub auto: Option<AutoSettings>,
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
    pub power_saving: Switch,
}

/// What a step of quality is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preference {
    /// Little: the sooner the better.
    Speed,
    /// Something.
    Balance,
    /// Much.
    Quality,
}

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
    pub noise_suppression: NoiseSuppression,
    /// Whether quiet voices are raised and loud ones lowered.
    pub gain_control: Switch,
}

/// Whether the reply is taken out of what the microphone hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EchoCancellation {
    /// As the speaker and what the microphone hears of it demand.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// How much noise is taken out of what the microphone hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoiseSuppression {
    /// None.
    Off,
    /// Some of steady noise.
    Light,
    /// Most of steady noise.
    On,
    /// Keyboards and other noise that comes and goes, by a neural network.
    Keyboard,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

impl Switch {
    /// Whether it is on.
    #[must_use]
    pub fn is_on(self) -> bool {
        self == Self::On
    }
}

/// When a sound counts as speech.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorSettings {
    /// Which detector.
    pub kind: DetectorKind,
    /// webrtc-vad's mode, 0 (lets much through) to 3 (lets little through).
    pub aggressiveness: u8,
    /// Voiced sound needed for an onset while nothing is played.
    pub onset_idle: Duration,
    /// The same while a reply sounds.
    pub onset_playing: Duration,
}

/// A detector of speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DetectorKind {
    /// webrtc-vad: the soonest, for quiet rooms.
    Webrtc,
    /// earshot, a small neural network: holds against fans, keyboards, music.
    Earshot,
}

/// Who decides when a turn is over, and what speech does to a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnSettings {
    /// Who detects activity.
    pub detection: Detection,
    /// Silence, counted from the last voiced sample, after which a turn is over.
    pub patience: Duration,
    /// Whether a turn is closed early and its reply held until patience has run out.
    pub eager_endpoint: Switch,
    /// Tokens of replies that are dropped because the user goes on after an early close, in percent of all tokens of the
    /// last 20 turns, at most.
    pub eager_waste_percent: u32,
    /// Whether patience follows the pauses that the user makes.
    pub adaptive_patience: Switch,
    /// Whether speech interrupts a reply.
    pub barge_in: BargeIn,
    /// Speech over a reply that is over within this time (an "uh-huh", a cough) does not interrupt it.
    pub backchannel: Duration,
    /// The service's own detector; used with [`Detection::Automatic`] only.
    pub automatic: AutomaticSettings,
}

/// Who detects activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Detection {
    /// Our detector; `activityStart` and `activityEnd` are sent.
    Manual,
    /// The service's; everything that is heard is sent.
    Automatic,
}

/// Whether speech interrupts a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BargeIn {
    /// On where the reply does not reach the microphone (a headset, files) or is taken out of it.
    Auto,
    /// Always.
    On,
    /// Never; the uplink is closed while the reply sounds.
    Off,
}

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
    /// Whether the model may search the web.
    pub google_search: bool,
    /// The user is told that an answer is late when nothing of it was heard for so long; it is waited for all the same.
    pub reply_deadline: Duration,
    /// Tokens of context at which the service begins to drop the oldest turns.
    pub compress_at_tokens: u32,
    /// Tokens that are kept then.
    pub compress_to_tokens: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::gemini::message::{
        ActivityDetection, ActivityHandling, ClientMessage, StartSensitivity,
    };
    use crate::provider::gemini::models;
    use crate::provider::gemini::setup::setup;

    #[test]
    fn the_built_ins_are_complete_and_hold_the_values_of_the_design_or_better_measured_ones() {
        for (name, text) in BUILTINS {
            let text = Text::new(name, text.as_bytes()).expect("sound YAML");
            let checked =
                check::complete(&text).unwrap_or_else(|faults| panic!("{}", Faults(faults)));
            assert_eq!(checked.name, name);
            let usual = AlertSettings {
                first_audio: Some(Duration::from_secs(2)),
                response: Some(Duration::from_secs(5)),
                success_percent: Some(90),
                memory_mb: Some(1_000),
                memory_growth_mb: Some(100),
                cpu_percent: Some(80),
                interruptions_percent: Some(15),
                cut_offs_percent: Some(10),
                stutters: Some(3),
            };
            assert_eq!(checked.alerts, usual, "{name}");
            for (key, _) in keys::KEYS {
                let is_there =
                    key != "extends" && !key.starts_with("auto.") && !keys::HIDDEN.contains(&key);
                assert_eq!(text.place(key).is_some(), is_there, "{name}: {key}");
            }
        }
        let table = |read: fn(&Profile) -> u128| {
            BUILTINS.map(|(name, _)| read(&builtin(name).expect("built in")))
        };
        assert_eq!(table(|p| p.target.as_millis()), [200, 300, 400]);
        assert_eq!(table(|p| p.audio.period_frames.into()), [256, 512, 1024]);
        assert_eq!(table(|p| p.audio.resampler_taps.into()), [64, 64, 128]);
        assert_eq!(table(|p| p.audio.prebuffer.as_millis()), [0, 20, 40]);
        assert_eq!(table(|p| p.audio.preroll.as_millis()), [200, 300, 400]);
        assert_eq!(table(|p| p.detector.onset_idle.as_millis()), [60, 40, 50]);
        assert_eq!(
            table(|p| p.detector.onset_playing.as_millis()),
            [100, 60, 70]
        );
        assert_eq!(table(|p| p.turn.patience.as_millis()), [300, 500, 700]);
        assert_eq!(
            table(|p| p.live.compress_at_tokens.into()),
            [16_000, 24_000, 32_000]
        );
    }

    #[test]
    fn a_profile_that_chooses_holds_nothing_but_how() {
        let auto = builtin("auto").expect("built in");
        let how = auto.auto.as_ref().expect("it chooses");
        assert_eq!(how.among, BUILTINS.map(|(name, _)| name));
        assert_eq!(auto.audio, builtin(DEFAULT).expect("built in").audio);
        // A file of its own takes over what it leaves out.
        let mine = Profile::parse("mine.yaml", b"auto: {prefer: speed, among: [balanced, x]}");
        let mine = mine.expect("good");
        assert_eq!((mine.name.as_str(), mine.target), ("mine", auto.target));
        let how = mine.auto.as_ref().expect("it chooses");
        assert_eq!((how.prefer, how.among.len()), (Preference::Speed, 2));
        let text = "target_ms: 250\n";
        let own = Profile::parse("auto.yaml", text.as_bytes()).expect("good");
        assert!(own.auto.is_some() && own.label == "Auto");
        for (text, fault) in [
            (
                "auto: {among: [balanced]}",
                "1:15: auto.among: has 1 name, allowed are 2 to 8",
            ),
            (
                "auto: {among: [a, B c]}",
                "1:15: auto.among: holds `B c`, allowed are",
            ),
            ("auto: {among: [a, a]}", "1:15: auto.among: holds `a` twice"),
            ("auto: {prefer: best}", "auto.prefer: "),
            (
                "auto: {changes_per_hour: 61}",
                "auto.changes_per_hour: is 61",
            ),
            ("auto: {power: on}", "did you mean `power_saving`"),
            ("auto: {}\nturn: {patience_ms: 300}", "turn: is written, "),
            ("extends: balanced\nauto: {}", "extends: is written, "),
        ] {
            let wrong = Profile::parse("a.yaml", text.as_bytes())
                .expect_err(text)
                .to_string();
            assert!(wrong.contains(fault), "{text}: {wrong}");
        }
    }

    #[test]
    fn a_profile_written_out_is_read_back_the_same() {
        for (name, _) in BUILTINS.into_iter().chain([AUTO]) {
            let profile = builtin(name).expect("built in");
            let again = Profile::parse("any.yaml", profile.to_yaml().as_bytes())
                .expect("complete and good");
            assert_eq!(again, *profile);
        }
        let text = "label: 'a \"b\" \\ ü'\nlive: {instruction: \"line\\nnext\\tx\", temperature: 0.3, voice: puck, thinking: low}\n\
                    alerts: {response_ms: off, cpu_percent: 95}\n\
                    turn: {automatic: {silence_ms: 250, start_sensitivity: high, prefix_padding_ms: default}}";
        let profile = Profile::parse("odd-one.yaml", text.as_bytes()).expect("good");
        assert_eq!(
            profile.live.voice.as_deref(),
            Some("Puck"),
            "as the service spells it"
        );
        assert_eq!(
            Profile::parse("other.yaml", profile.to_yaml().as_bytes()),
            Ok(profile)
        );
    }

    #[test]
    fn no_model_refuses_the_setup_of_any_profile() {
        let talks = |model: &&models::Model| model.purpose != models::Purpose::Transcription;
        let names: Vec<_> = (models::MODELS.iter().filter(talks))
            .map(|model| model.name)
            .collect();
        for (profile, _) in BUILTINS {
            for model in names.iter().copied().chain(["something-else"]) {
                for thinking in [None, Some(Thinking::Minimal), Some(Thinking::High)] {
                    let mut profile = Profile::clone(&builtin(profile).expect("it is built in"));
                    profile.live.model = model.to_owned();
                    profile.live.thinking = thinking;
                    profile.live.google_search = true;
                    let setup = setup(&profile.session_config(Detection::Automatic), Some("h"));
                    assert_eq!(models::refusals(&setup), [], "{model} {thinking:?}");
                    let json = ClientMessage::Setup(Box::new(setup.clone())).to_json();
                    let read = ClientMessage::read(json.as_bytes());
                    assert_eq!(read, Ok(ClientMessage::Setup(Box::new(setup))), "{json}");
                }
            }
        }
    }

    #[test]
    fn the_service_detects_with_the_settings_of_the_profile() {
        let mut profile = Profile::clone(&builtin("balanced").expect("it is built in"));
        profile.turn.barge_in = BargeIn::Off;
        profile.turn.automatic.silence = Some(Duration::from_millis(700));
        profile.turn.automatic.start_sensitivity = Some(Sensitivity::Low);
        let detected = |detection| {
            let config = setup(&profile.session_config(detection), None)
                .realtime_input_config
                .expect("always there");
            (
                config.automatic_activity_detection.expect("always there"),
                config.activity_handling,
            )
        };
        let (manual, handling) = detected(Detection::Manual);
        assert_eq!(
            manual,
            ActivityDetection {
                disabled: Some(true),
                ..Default::default()
            }
        );
        assert_eq!(handling, Some(ActivityHandling::StartOfActivityInterrupts));
        let (automatic, handling) = detected(Detection::Automatic);
        assert_eq!(
            (automatic.disabled, automatic.silence_duration_ms),
            (Some(false), Some(700))
        );
        assert_eq!(
            automatic.start_of_speech_sensitivity,
            Some(StartSensitivity::Low)
        );
        assert_eq!(handling, Some(ActivityHandling::NoInterruption));
    }
}
