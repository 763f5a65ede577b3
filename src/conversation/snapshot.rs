//! Everything that a user can see: plain data, made by the conversation, read by window and terminal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::audio::{DeviceChoice, Devices, StreamInfo};
use crate::base::chord::Chord;
use crate::base::ids::TurnId;
use crate::base::localized_text::LocalizedText;
use crate::base::severity::Severity;
use crate::desktop::{AutostartState, MediaKeysState, TrayState};
use crate::global_key::GlobalKeyState;
use crate::profile::{EchoCancellation, Profile};
use crate::provider::turn_cost::Pricing;
use crate::settings::config::TalkKey;
use crate::telemetry::alert::Alert;
use crate::telemetry::diagnosis::{Finding, Remedy};
use crate::telemetry::record::TurnRecord;
use crate::telemetry::summary::ModelsUsage;
use crate::telemetry::view::{HistoryView, ProcessUsage, TurnStatistics};

mod caption;
mod check;
mod kept;
mod key;
mod money;
mod settings_view;
mod speech;

pub use crate::provider::Speaker;
pub use caption::{Caption, CaptionEnd};
pub use check::{CheckLine, CheckStatus, CheckStep, CheckView};
pub use kept::{KeptConversation, KeptView};
pub use key::{KeyInfo, ServiceView};
pub use money::{LimitView, SpendScope, SpendView};
pub use settings_view::{ProfileView, SettingOrigin, SettingView, SettingsView};
pub use speech::SpeechView;

/// What the user can see at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// What the assistant is doing.
    pub activity: Activity,
    /// The link to the service.
    pub link: Link,
    /// Where it leads.
    pub place: String,
    /// Whether there has been a connection to that place.
    pub was_connected: bool,
    /// Whether the embedded server answers instead of the service.
    pub demo: bool,
    /// Whether what answers runs on this computer: the embedded server, or one that is reached over loopback.
    pub local: bool,
    /// The user muted the microphone.
    pub muted: bool,
    /// Microphone and its choice.
    pub input: Port,
    /// Speaker and its choice.
    pub output: Port,
    /// All devices, for the pickers.
    pub devices: Arc<Devices>,
    /// Volume of replies, 0.0 to 1.0.
    pub volume: f32,
    /// The voice of the assistant, and the languages of the user.
    pub speech: SpeechView,
    /// The reply is lowered, because it may be that the user begins to speak.
    pub ducked: bool,
    /// How the microphone is opened.
    pub talk: TalkView,
    /// The talk key that works in any window.
    pub global_key: GlobalKeyView,
    /// Whether the last reply can be heard again.
    pub repeat: RepeatView,
    /// The turn whose answer came in writing alone and can be spoken yet.
    pub written: Option<TurnId>,
    /// Whether what was said last can be sent once more: its answer is late, or nothing of one was heard.
    pub ask_again: bool,
    /// Whether replies are taken out of what the microphone hears.
    pub echo: EchoView,
    /// The sound check, while it runs and until its results were read.
    pub check: Option<CheckView>,
    /// Whether speech interrupts a reply now, and why or why not, in words.
    pub barge_in: (bool, String),
    /// The profiles to choose from, in the order of the switch.
    pub profiles: Arc<[Arc<Profile>]>,
    /// Index of the active one in `profiles`.
    pub chosen: usize,
    /// What the active one chose, where it chooses among others.
    pub auto: Option<AutoView>,
    /// Both sides of the conversation, oldest first.
    pub captions: Arc<[Arc<Caption>]>,
    /// Captions that were dropped because the conversation became too long to be kept in memory, the oldest first.
    pub captions_dropped: u64,
    /// What is known of the price of tokens.
    pub pricing: Pricing,
    /// What each model did and cost with each profile, since the start.
    pub models: Arc<ModelsUsage>,
    /// What was spent, and how much may be.
    pub spending: SpendView,
    /// Another connection is opened at the next pause.
    pub renewing: bool,
    /// The figures of the active profile; where it chooses among others, of all of those.
    pub figures: TurnStatistics,
    /// This process, once a second.
    pub process: ProcessUsage,
    /// What stands among the alerts.
    pub alerts: Arc<[Alert]>,
    /// Likely causes of slow or troubled turns, the dearest first.
    pub findings: Arc<[Finding]>,
    /// The newest turns, newest first.
    pub turns: Arc<[Arc<TurnRecord>]>,
    /// The last hours and days.
    pub history: Arc<HistoryView>,
    /// Kept conversations.
    pub kept: Arc<KeptView>,
    /// What the user should know or do, newest last.
    pub notices: Arc<[Notice]>,
    /// Where the key comes from, if there is one, and its last four characters.
    pub key: Option<KeyInfo>,
    /// Who answers, and whether it is given the key.
    pub service: ServiceView,
    /// Every setting with its value and where that comes from.
    pub settings: Arc<SettingsView>,
    /// What the desktop does with the program.
    pub desktop: DesktopView,
}

impl Default for Snapshot {
    /// What there is to see before anything is known.
    fn default() -> Self {
        Self {
            activity: Activity::Connecting,
            link: Link::Connecting { attempt: 1 },
            place: String::new(),
            was_connected: false,
            demo: false,
            local: false,
            muted: false,
            input: Port::default(),
            output: Port::default(),
            devices: Arc::default(),
            volume: 1.0,
            speech: SpeechView::default(),
            ducked: false,
            talk: TalkView::default(),
            global_key: GlobalKeyView::default(),
            repeat: RepeatView::default(),
            written: None,
            ask_again: false,
            echo: EchoView::default(),
            check: None,
            barge_in: (false, String::new()),
            profiles: Arc::default(),
            chosen: 0,
            auto: None,
            captions: Arc::default(),
            captions_dropped: 0,
            pricing: Pricing::default(),
            models: Arc::default(),
            spending: SpendView::default(),
            renewing: false,
            figures: TurnStatistics::default(),
            process: ProcessUsage::default(),
            alerts: Arc::default(),
            findings: Arc::default(),
            turns: Arc::default(),
            history: Arc::default(),
            kept: Arc::default(),
            notices: Arc::default(),
            key: None,
            service: ServiceView::default(),
            settings: Arc::default(),
            desktop: DesktopView::default(),
        }
    }
}

/// What the desktop does with the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DesktopView {
    /// Whether it starts it at login.
    pub autostart: AutostartState,
    /// Whether the tray shows its icon.
    pub tray: TrayState,
    /// Whether its media keys arrive.
    pub media_keys: MediaKeysState,
}

/// What the assistant is doing, in the order in which a turn passes through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// No connection yet: the first one is being made, or tried again.
    Connecting,
    /// Waiting for the user to speak.
    Listening,
    /// The user speaks.
    UserSpeaks,
    /// The user holds the talk key.
    Held,
    /// The turn is over, the reply is awaited.
    Thinking,
    /// The reply sounds.
    Answering,
    /// An earlier reply sounds once more.
    Repeating,
    /// The user muted the microphone.
    Muted,
    /// The connection was lost and is being made again.
    Reconnecting,
    /// No connection, and none will be tried by itself.
    Offline,
    /// There is no microphone.
    NoMicrophone,
    /// The spend limit is reached: the microphone is closed until the user says "go on".
    LimitReached,
}

/// The link to the service.
#[derive(Clone, Debug, PartialEq)]
pub enum Link {
    /// Being made.
    Connecting {
        /// Which attempt.
        attempt: u32,
    },
    /// Up.
    Connected {
        /// Since when.
        since: Instant,
        /// Host that was dialled.
        host: String,
    },
    /// Down.
    Down {
        /// What happened, in a sentence.
        what: String,
        /// The one thing to do, in a sentence.
        hint: String,
        /// When it is tried again.
        retry_at: Option<Instant>,
        /// Whether another key would help.
        key_refused: bool,
    },
}

/// One direction of sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Port {
    /// What the user chose.
    pub choice: DeviceChoice,
    /// The stream, while it runs.
    pub stream: Option<StreamInfo>,
    /// What is wrong, in words, while it does not.
    pub trouble: Option<String>,
}

/// How the microphone is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TalkView {
    /// What the talk key does.
    pub key: TalkKey,
    /// How long the microphone stays open after the key is let go.
    pub release_delay: Duration,
    /// Whether speech opens the microphone; otherwise the key alone does.
    pub voice_activation: bool,
    /// The key was let go, and the microphone is open until the delay is over.
    pub closing: bool,
    /// A media key opened it: it is open until the next press.
    pub by_media_key: bool,
    /// The key is held down although the microphone is muted.
    pub held_in_vain: bool,
}

/// The talk key that works in any window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GlobalKeyView {
    /// Which is wanted.
    pub chord: Option<Chord>,
    /// How often the user wanted it to be asked for once more.
    pub tries: u64,
    pub state: GlobalKeyState,
}

impl Default for TalkView {
    fn default() -> Self {
        Self {
            key: TalkKey::Hold,
            release_delay: Duration::ZERO,
            voice_activation: true,
            closing: false,
            by_media_key: false,
            held_in_vain: false,
        }
    }
}

/// The last reply that was heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepeatView {
    /// Its turn, while it is kept.
    pub turn: Option<TurnId>,
    /// Why it cannot be heard again now, if it cannot.
    pub hindrance: Option<&'static str>,
}

/// Whether replies are taken out of what the microphone hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EchoView {
    /// What holds: the user's choice, else the profile's.
    pub choice: EchoCancellation,
    /// Whether it is done now.
    pub on: bool,
    /// Why, in words.
    pub why: String,
}

impl Default for EchoView {
    fn default() -> Self {
        Self {
            choice: EchoCancellation::Auto,
            on: false,
            why: String::new(),
        }
    }
}

/// What a profile that chooses among others chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoView {
    /// Name for people of the profile in force.
    pub uses: String,
    /// Why, in words.
    pub why: String,
    /// Changes of profile since it was chosen.
    pub changes: u64,
    /// Whether power is saved.
    pub power_saving: bool,
}

/// Something that the user should know or do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// For [`Command::Dismiss`](super::command::Command::Dismiss).
    pub id: u64,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, and what to do.
    pub text: LocalizedText,
    /// What a button can do about it.
    pub remedy: Option<Remedy>,
    /// It stands while it is true, or until something was done about it: it does not go by itself.
    pub lasts: bool,
}
