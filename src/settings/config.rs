//! `config.yaml`: what the user chose, in the window or by hand.
//!
//! ```text
//! bytes ─ reading ─▶ Config and faults, key by key ─┐
//! *.choices.yaml ─ choices ─────────────────────────┴─▶ file::ConfigFile ─▶ what holds, what is wrong, what is held back
//! ```
//!
//! A choice made in the window is written back at once. Only its own value changes: comments, order and all that is not
//! understood stay. Where that is not possible the choice is kept in a file beside it, and the user's file is not touched.

use crate::base::keys::{Key, Kind, Row, Settings as _, Value, words};
use crate::base::yaml::{Text, YamlError, quoted};
use crate::profile::{Detection, EchoCancellation, Languages};
use crate::provider::price::Price;
pub use file::{ConfigFile, Reread, SaveError};
pub use frame::Frame;
pub use outlets::{Hidden, MonitorSettings};
use reading::Occasion;
pub(super) use reading::plain;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;
use table::KEYS;

mod choices;
mod file;
mod frame;
mod outlets;
mod reading;
mod table;
#[cfg(test)]
mod tests;
pub mod writer;

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
        static USUAL: LazyLock<Config> = LazyLock::new(|| {
            let usual = |key: &'static Key| {
                let line = format!("usual: {}", key.shipped.first()?);
                let text = Text::new("", line.as_bytes()).ok()?;
                text.get_or_null("usual", Row(key)).ok()?.flatten()
            };
            let mut values = KEYS.iter().map(|key| usual(key).unwrap_or(Value::None));
            let config = Config::take(&mut values);
            config.expect("a row and its field hold the same kind")
        });
        USUAL.clone()
    }
}

/// What the talk key does.
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

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system is.
    #[default]
    System,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

words!(Theme { System = "system", Dark = "dark", Light = "light" });

/// The rows of the table of keys.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().copied()
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
    fn values(&self) -> impl Iterator<Item = (&'static Key, Option<String>)> {
        let mut values = Vec::new();
        self.give(&mut values);
        let written = |key: &Key, value: Value| match (key.kind, value) {
            (_, Value::None) => None,
            // A name may be a word that other readers of YAML take for something else.
            (Kind::Shaped(_), Value::Text(text)) => Some(quoted(&text)),
            (_, Value::List(items)) => {
                let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
                Some(format!("[{}]", items.join(", ")))
            }
            (_, value) => Some(key.yaml(&value)),
        };
        let rows = KEYS.iter().copied().zip(values);
        rows.map(move |(key, value)| (key, written(key, value)))
    }

    /// The value of one key as YAML.
    fn value(&self, name: &str) -> Option<String> {
        self.values().find(|(key, _)| key.name == name)?.1
    }

    /// The keys that the window offers and that differ from another configuration.
    fn offered_changes(&self, before: &Self) -> impl Iterator<Item = &'static str> {
        let values = self.values().zip(before.values());
        values
            .filter(|((key, now), (_, before))| key.offered && now != before)
            .map(|((key, _), _)| key.name)
    }

    /// Takes one of the choices that the window offers over from another configuration.
    fn adopt(&mut self, name: &str, from: &Self) {
        let (mut values, mut others) = (Vec::new(), Vec::new());
        self.give(&mut values);
        from.give(&mut others);
        for ((key, value), other) in KEYS.iter().zip(&mut values).zip(others) {
            if key.name == name && key.offered {
                *value = other;
            }
        }
        let adopted = Self::take(&mut values.into_iter());
        *self = adopted.expect("a row and its field hold the same kind");
    }
}
