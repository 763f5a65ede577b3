//! What the user may choose.

use std::path::PathBuf;
use std::time::Duration;

use super::frame::WindowFrame;
use super::outlets::{Hidden, MonitorSettings};
use crate::base::chord::Chord;
use crate::base::keys::words;
use crate::base::retention::Retention;
use crate::base::text::Locale;
use crate::profile::{Detection, EchoCancellation, Languages};
use crate::provider::turn_cost::Price;

/// The longest time that the microphone may stay open after the talk key is let go: that of other voice programs.
pub const MOST_RELEASE_DELAY: Duration = Duration::from_secs(2);

/// The configuration. What is `None` was not chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Name of the profile to begin with.
    pub profile: Option<String>,
    /// Stable id of the microphone; `None` follows the system's default.
    pub input_device: Option<String>,
    /// Stable id of the speaker; `None` follows the system's default.
    pub output_device: Option<String>,
    /// Address of a Live endpoint; one that [`endpoint::parse`](crate::settings::endpoint::parse) takes.
    pub endpoint: Option<String>,
    /// Who detects activity, whatever the profile says.
    pub detection: Option<Detection>,
    /// Whether replies are taken out of what the microphone hears, whatever the profile says.
    pub echo_cancellation: Option<EchoCancellation>,
    /// The voice of the assistant, whatever the profile says.
    pub voice: Option<String>,
    /// The languages that the user speaks, whatever the profile says.
    pub languages: Option<Languages>,
    pub talk_key: TalkKey,
    /// A talk key that works whatever window has the focus.
    pub global_key: Option<Chord>,
    /// Whether media keys and the button of a headset are talk keys too.
    pub media_keys: bool,
    /// How long the microphone stays open after the talk key is let go, at most [`MOST_RELEASE_DELAY`].
    pub release_delay: Duration,
    /// Whether speech opens the microphone; otherwise the talk key alone does.
    pub voice_activation: bool,
    /// Whether the microphone is muted while the screen is locked.
    pub mute_when_locked: bool,
    /// Volume of replies, 0.0 to 1.0.
    pub volume: f32,
    /// Whether other programs become quieter while the assistant is talked with.
    pub lower_other_sound: bool,
    pub window: Window,
    /// How long conversations are kept.
    pub keep: Retention,
    /// Whether their sound is kept too.
    pub keep_audio: bool,
    /// Folder for logs and recordings, instead of the usual one.
    pub state: Option<PathBuf>,
    /// Whether a published package looks for newer versions.
    pub newer_versions: bool,
    /// The endpoint for other programs, from the next start on.
    pub monitor: MonitorSettings,
    /// Where alerts are sent: an `https://` address, or `http://` on this computer.
    pub alert_webhook: Option<Hidden>,
    /// What the service takes for tokens, instead of the published price.
    pub price_usd_per_million: Option<Price>,
    /// What may be spent until the microphone closes.
    pub spend_limit: SpendLimit,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TalkKey {
    /// The microphone is open while it is down.
    #[default]
    Hold,
    /// One press opens the microphone, the next one closes it.
    Tap,
}

words!(TalkKey { Hold = "hold", Tap = "tap" });

/// What may be spent until the microphone closes, in US dollars. `None`: as much as there is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SpendLimit {
    /// From the start of the program to its end.
    pub conversation: Option<f64>,
    /// On a calendar day, of all programs of this user.
    pub day: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// How much of the figures is shown: 0 nothing, 1 the overlay, 2 and 3 the panel.
    pub panel: u8,
    pub theme: Theme,
    /// What it is written in.
    pub language: Locale,
    pub high_contrast: bool,
    /// Nothing moves with voices.
    pub reduced_motion: bool,
    pub renderer: Renderer,
    /// Whether the microphone stays muted over a restart.
    pub keep_muted: bool,
    /// It was muted last; kept while `keep_muted` is on.
    pub muted: bool,
    /// Whether there is an icon in the tray.
    pub tray: bool,
    /// Whether closing the window hides it, where the tray has a way back.
    pub close_to_tray: bool,
    /// How far the set-up at the first start has come.
    pub welcome: WelcomeStep,
    /// Where it was and how large.
    pub frame: WindowFrame,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    #[default]
    System,
    Dark,
    Light,
}

/// What draws the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Renderer {
    /// OpenGL where there is a graphics processor.
    #[default]
    Auto,
    Opengl,
    /// This program itself.
    Software,
}

words!(Renderer { Auto = "auto", Opengl = "opengl", Software = "software" });

/// A step of the set-up at the first start of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WelcomeStep {
    /// It was never shown.
    New,
    Welcome,
    Microphone,
    Speaker,
    Connect,
    Try,
    /// It was gone through, or left for good.
    Done,
}

words!(WelcomeStep {
    New = "new",
    Welcome = "welcome",
    Microphone = "microphone",
    Speaker = "speaker",
    Connect = "connect",
    Try = "try",
    Done = "done",
});

words!(Theme { System = "system", Dark = "dark", Light = "light" });

words!(Locale { System = "system", English = "en", German = "de" });
