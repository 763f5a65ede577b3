//! `config.yaml`: what the user chose, in the window or by hand.
//!
//! ```text
//! bytes ─ reading ─▶ Config and faults, key by key ─┐
//! *.choices.yaml ─ choices ─────────────────────────┴─▶ file::ConfigFile ─▶ what holds, what is wrong, what is held back
//! ```
//!
//! A choice made in the window is written back at once. Only its own value changes: comments, order and all that is not
//! understood stay. Where that is not possible the choice is kept in a file beside it, and the user's file is not touched.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::yaml::{YamlError, quoted};
use crate::profile::{Detection, EchoCancellation, Languages, Switch};
use crate::provider::price::Price;

mod choices;
mod file;
mod frame;
mod outlets;
mod reading;
mod spend;
#[cfg(test)]
mod tests;
pub mod writer;

pub use file::{ConfigFile, Reread, SaveError};
pub use frame::Frame;
pub use outlets::{Hidden, MonitorSettings};
use reading::Occasion;
pub(super) use reading::{Wrong, plain};
pub use spend::SpendLimit;

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
    /// Address of a Live endpoint; one that [`endpoint::parse`](super::endpoint::parse) takes.
    pub endpoint: Option<String>,
    /// Who detects activity, whatever the profile says.
    pub detection: Option<Detection>,
    /// Whether replies are taken out of what the microphone hears, whatever the profile says.
    pub echo_cancellation: Option<EchoCancellation>,
    /// The voice of the assistant, whatever the profile says.
    pub voice: Option<String>,
    /// The languages that the user speaks, whatever the profile says.
    pub languages: Option<Languages>,
    /// What the talk key does.
    pub talk_key: TalkKey,
    /// How long the microphone stays open after the talk key is let go, at most [`MOST_RELEASE_DELAY`].
    pub release_delay: Duration,
    /// Whether speech opens the microphone; otherwise the talk key alone does.
    pub voice_activation: bool,
    /// Volume of replies, 0.0 to 1.0.
    pub volume: f32,
    /// The window.
    pub window: Window,
    /// Folder for logs and recordings, instead of the usual one.
    pub state: Option<PathBuf>,
    /// The endpoint for other programs, from the next start on.
    pub monitor: MonitorSettings,
    /// Where alerts are sent: an `https://` address, or `http://` on this computer.
    pub alert_webhook: Option<Hidden>,
    /// What the service takes for tokens, instead of the published price.
    pub price_usd_per_million: Option<Price>,
    /// What may be spent until the microphone closes.
    pub spend_limit: SpendLimit,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            profile: None,
            input_device: None,
            output_device: None,
            endpoint: None,
            detection: None,
            echo_cancellation: None,
            voice: None,
            languages: None,
            talk_key: TalkKey::Hold,
            release_delay: Duration::ZERO,
            voice_activation: true,
            volume: 1.0,
            window: Window::default(),
            state: None,
            monitor: MonitorSettings::default(),
            alert_webhook: None,
            price_usd_per_million: None,
            spend_limit: SpendLimit::default(),
        }
    }
}

/// What the talk key does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TalkKey {
    /// The microphone is open while it is down.
    #[default]
    Hold,
    /// One press opens the microphone, the next one closes it.
    Tap,
}

/// How the window looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// How much of the latency panel is shown, 0 (nothing) to 3 (everything).
    pub panel: u8,
    /// Light or dark.
    pub theme: Theme,
    /// Where it was and how large.
    pub frame: Frame,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            panel: 3,
            theme: Theme::System,
            frame: Frame::default(),
        }
    }
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the system is.
    #[default]
    System,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

impl Config {
    /// Reads and checks a configuration that must be good as a whole; `file` is what errors call it.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, YamlError> {
        let read = reading::read(file, text, &Self::default(), Occasion::First);
        match read.faults.into_iter().next() {
            None => Ok(read.config),
            Some(fault) => Err(fault.error),
        }
    }

    /// Keys and values as YAML; `None` where nothing was chosen and there is no usual value.
    fn values(&self) -> [(&'static str, Option<String>); 25] {
        let text = |text: &Option<String>| text.as_deref().map(quoted);
        let voice_activation = if self.voice_activation {
            Switch::On
        } else {
            Switch::Off
        };
        let hidden = |text: Option<&Hidden>| text.map(|text| quoted(text.expose()));
        let price = |amount: fn(Price) -> f64| {
            let price = self.price_usd_per_million?;
            Some(amount(price).to_string())
        };
        let limit = |usd: Option<f64>| usd.map(|usd| usd.to_string());
        let state = self.state.as_deref();
        let listen = self.monitor.listen;
        let [geometry, maximized, zoom] = self.window.frame.values();
        [
            ("profile", text(&self.profile)),
            ("input_device", text(&self.input_device)),
            ("output_device", text(&self.output_device)),
            ("endpoint", text(&self.endpoint)),
            ("detection", self.detection.map(word)),
            ("echo_cancellation", self.echo_cancellation.map(word)),
            ("voice", text(&self.voice)),
            ("languages", self.languages.as_ref().map(Languages::to_yaml)),
            ("talk_key", Some(word(self.talk_key))),
            (
                "release_delay_ms",
                Some(self.release_delay.as_millis().to_string()),
            ),
            ("voice_activation", Some(word(voice_activation))),
            ("volume", Some(self.volume.to_string())),
            ("window.panel", Some(self.window.panel.to_string())),
            ("window.theme", Some(word(self.window.theme))),
            geometry,
            maximized,
            zoom,
            ("monitor.listen", listen.map(|at| quoted(&at.to_string()))),
            ("monitor.token", hidden(self.monitor.token.as_ref())),
            ("alert_webhook", hidden(self.alert_webhook.as_ref())),
            ("price_usd_per_million.in", price(|price| price.prompt)),
            ("price_usd_per_million.out", price(|price| price.response)),
            (
                "spend_limit_usd.conversation",
                limit(self.spend_limit.conversation),
            ),
            ("spend_limit_usd.day", limit(self.spend_limit.day)),
            ("state", state.map(|state| quoted(&state.to_string_lossy()))),
        ]
    }

    /// Keys of choices that the window offers.
    const OFFERED: [&'static str; 15] = [
        "profile",
        "input_device",
        "output_device",
        "echo_cancellation",
        "voice",
        "languages",
        "talk_key",
        "release_delay_ms",
        "voice_activation",
        "volume",
        "window.panel",
        "window.theme",
        "window.geometry",
        "window.maximized",
        "window.zoom_percent",
    ];

    /// The value of one key as YAML.
    fn value(&self, key: &str) -> Option<String> {
        let found = self.values().into_iter().find(|(known, _)| *known == key);
        found.and_then(|(_, value)| value)
    }

    /// Takes one of the offered choices over from another configuration.
    fn adopt(&mut self, key: &str, from: &Self) {
        match key {
            "profile" => self.profile.clone_from(&from.profile),
            "input_device" => self.input_device.clone_from(&from.input_device),
            "output_device" => self.output_device.clone_from(&from.output_device),
            "echo_cancellation" => self.echo_cancellation = from.echo_cancellation,
            "voice" => self.voice.clone_from(&from.voice),
            "languages" => self.languages.clone_from(&from.languages),
            "talk_key" => self.talk_key = from.talk_key,
            "release_delay_ms" => self.release_delay = from.release_delay,
            "voice_activation" => self.voice_activation = from.voice_activation,
            "volume" => self.volume = from.volume,
            "window.panel" => self.window.panel = from.window.panel,
            "window.theme" => self.window.theme = from.window.theme,
            "window.geometry" => {
                let (to, from) = (&mut self.window.frame, from.window.frame);
                (to.size, to.position) = (from.size, from.position);
            }
            "window.maximized" => self.window.frame.maximized = from.window.frame.maximized,
            "window.zoom_percent" => {
                self.window.frame.zoom_percent = from.window.frame.zoom_percent;
            }
            _ => {}
        }
    }
}

/// The word that YAML has for a choice.
fn word<T: Serialize>(choice: T) -> String {
    let word = serde_json::to_value(choice).ok();
    word.and_then(|word| word.as_str().map(str::to_owned))
        .expect("every choice is written as one word")
}
