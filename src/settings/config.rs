//! `config.yaml`: what the user chose, in the window or by hand.
//!
//! A choice made in the window is written back at once. Only its own line changes: comments and order stay. Where that is
//! not possible (values written in braces) the file is written anew, without comments.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::endpoint;
use super::file::{self, ReadError};
use crate::base::words::sentence;
use crate::base::yaml::{MAX_BYTES, Text, YamlError, quoted};
use crate::live::price::Price;
use crate::profile::{Detection, EchoCancellation, Switch};

mod outlets;
#[cfg(test)]
mod tests;

pub use outlets::{Hidden, MonitorSettings};

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
    /// Address of a Live endpoint; one that [`endpoint::parse`] takes.
    pub endpoint: Option<String>,
    /// Who detects activity, whatever the profile says.
    pub detection: Option<Detection>,
    /// Whether replies are taken out of what the microphone hears, whatever the profile says.
    pub echo_cancellation: Option<EchoCancellation>,
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
            talk_key: TalkKey::Hold,
            release_delay: Duration::ZERO,
            voice_activation: true,
            volume: 1.0,
            window: Window::default(),
            state: None,
            monitor: MonitorSettings::default(),
            alert_webhook: None,
            price_usd_per_million: None,
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
}

impl Default for Window {
    fn default() -> Self {
        Self {
            panel: 3,
            theme: Theme::System,
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
    /// Reads and checks a configuration; `file` is what errors call it.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, YamlError> {
        let text = Text::new(file, text)?;
        let raw: Raw = text.read()?;
        let volume = raw.volume.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&volume) {
            return Err(text.fault(
                "volume",
                format!("is {volume}"),
                "allowed is a number from 0 to 1",
            ));
        }
        let panel = raw.window.panel.unwrap_or(3);
        if panel > 3 {
            return Err(text.fault(
                "window.panel",
                format!("is {panel}"),
                "allowed is a whole number from 0 to 3",
            ));
        }
        let most = MOST_RELEASE_DELAY.as_millis();
        let release_delay = raw.release_delay_ms.unwrap_or(0);
        if u128::from(release_delay) > most {
            return Err(text.fault(
                "release_delay_ms",
                format!("is {release_delay}"),
                format!("allowed is a whole number from 0 to {most}"),
            ));
        }
        if let Some(Err(error)) = raw.endpoint.as_deref().map(endpoint::parse) {
            return Err(text.fault("endpoint", error.to_string(), ""));
        }
        let texts = [
            ("profile", &raw.profile),
            ("input_device", &raw.input_device),
            ("output_device", &raw.output_device),
            ("state", &raw.state),
        ];
        if let Some((key, _)) = texts
            .iter()
            .find(|(_, text)| text.as_deref().is_some_and(|text| text.trim().is_empty()))
        {
            return Err(text.fault(key, "is empty", "write a value, or remove the line"));
        }
        let monitor = raw.monitor.check(&text)?;
        let webhook = raw.alert_webhook.map(|to| outlets::webhook(to, &text));
        Ok(Self {
            monitor,
            alert_webhook: webhook.transpose()?,
            price_usd_per_million: raw.price_usd_per_million.check(&text)?,
            profile: raw.profile,
            input_device: raw.input_device,
            output_device: raw.output_device,
            endpoint: raw.endpoint,
            detection: raw.detection,
            echo_cancellation: raw.echo_cancellation,
            talk_key: raw.talk_key.unwrap_or_default(),
            release_delay: Duration::from_millis(release_delay),
            voice_activation: raw.voice_activation.is_none_or(Switch::is_on),
            volume,
            window: Window {
                panel: u8::try_from(panel).unwrap_or(3),
                theme: raw.window.theme.unwrap_or_default(),
            },
            state: raw.state.map(PathBuf::from),
        })
    }

    /// Keys and values as YAML; `None` where nothing was chosen, which is not written.
    fn lines(&self) -> [(&'static str, Option<String>); 18] {
        let text = |text: &Option<String>| text.as_deref().map(quoted);
        let usual = Self::default();
        let volume = (self.volume != usual.volume).then(|| self.volume.to_string());
        let panel =
            (self.window.panel != usual.window.panel).then(|| self.window.panel.to_string());
        let talk_key = (self.talk_key != usual.talk_key).then(|| word(self.talk_key));
        let release_delay = (self.release_delay != usual.release_delay)
            .then(|| self.release_delay.as_millis().to_string());
        // Voice activation is on where nothing is chosen.
        let voice_activation = (!self.voice_activation).then(|| word(Switch::Off));
        let hidden = |text: Option<&Hidden>| text.map(|text| quoted(text.expose()));
        let price = |amount: fn(Price) -> f64| {
            let price = self.price_usd_per_million?;
            Some(amount(price).to_string())
        };
        let theme = (self.window.theme != usual.window.theme).then(|| word(self.window.theme));
        [
            ("profile", text(&self.profile)),
            ("input_device", text(&self.input_device)),
            ("output_device", text(&self.output_device)),
            ("endpoint", text(&self.endpoint)),
            ("detection", self.detection.map(word)),
            ("echo_cancellation", self.echo_cancellation.map(word)),
            ("talk_key", talk_key),
            ("release_delay_ms", release_delay),
            ("voice_activation", voice_activation),
            ("volume", volume),
            ("window.panel", panel),
            ("window.theme", theme),
            (
                "monitor.listen",
                self.monitor
                    .listen
                    .map(|listen| quoted(&listen.to_string())),
            ),
            ("monitor.token", hidden(self.monitor.token.as_ref())),
            ("alert_webhook", hidden(self.alert_webhook.as_ref())),
            ("price_usd_per_million.in", price(|price| price.prompt)),
            ("price_usd_per_million.out", price(|price| price.response)),
            (
                "state",
                self.state
                    .as_deref()
                    .map(|state| quoted(&state.to_string_lossy())),
            ),
        ]
    }
}

/// What was written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Raw {
    profile: Option<String>,
    input_device: Option<String>,
    output_device: Option<String>,
    endpoint: Option<String>,
    detection: Option<Detection>,
    echo_cancellation: Option<EchoCancellation>,
    talk_key: Option<TalkKey>,
    release_delay_ms: Option<u64>,
    voice_activation: Option<Switch>,
    volume: Option<f32>,
    window: RawWindow,
    state: Option<String>,
    monitor: outlets::RawMonitor,
    alert_webhook: Option<String>,
    price_usd_per_million: outlets::RawPrice,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawWindow {
    panel: Option<u64>,
    theme: Option<Theme>,
}

/// The configuration and the file that it is kept in.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: Option<PathBuf>,
    config: Config,
    /// What was read last was faulty.
    faulty: bool,
}

/// What came of reading the file again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reread {
    /// It says something else than what held.
    pub changed: bool,
    /// It was faulty when it was read before.
    pub mended: bool,
}

/// Why a choice was not kept.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// There is no home folder to keep it in.
    #[error("there is no folder for the configuration: name a file with --config")]
    Homeless,
    /// What stands in the file is faulty; it is left for the user to mend.
    #[error("{} The file is left as it is: mend it first", sentence(.0))]
    Faulty(String),
    /// The system refused.
    #[error("{path} cannot be written: {error}")]
    Refused {
        /// The configuration file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

impl ConfigFile {
    /// Reads the file. A missing one is no fault; with a faulty one the defaults hold, and the second value says why.
    #[must_use]
    pub fn load(path: Option<PathBuf>) -> (Self, Option<String>) {
        let mut this = Self {
            path,
            config: Config::default(),
            faulty: false,
        };
        let fault = this.reload().err();
        (this, fault)
    }

    /// Reads the file again. A faulty one changes nothing, and the error says what is wrong.
    pub fn reload(&mut self) -> Result<Reread, String> {
        let was_faulty = std::mem::replace(&mut self.faulty, true);
        let config = match &self.path {
            Some(path) => on_disk(path)?.1,
            None => self.config.clone(),
        };
        self.faulty = false;
        let changed = config != self.config;
        self.config = config;
        Ok(Reread {
            changed,
            mended: was_faulty,
        })
    }

    /// The configuration.
    #[must_use]
    pub fn get(&self) -> &Config {
        &self.config
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Changes the configuration, and the file with it. The change holds also where it could not be kept.
    pub fn save(&mut self, change: impl FnOnce(&mut Config)) -> Result<(), SaveError> {
        let Some(path) = self.path.clone() else {
            change(&mut self.config);
            return Err(SaveError::Homeless);
        };
        // What was edited by hand in the meantime is kept.
        let (text, mut config) = match on_disk(&path) {
            Ok(read) => read,
            Err(fault) => {
                change(&mut self.config);
                return Err(SaveError::Faulty(fault));
            }
        };
        let before = config.clone();
        change(&mut config);
        self.config = config;
        if self.config == before {
            return Ok(());
        }
        let text = rewritten(&text, &before, &self.config);
        file::write_private(&path, text.as_bytes())
            .map_err(|error| SaveError::Refused { path, error })
    }
}

/// Text and meaning of the file; nothing and the defaults where there is none, or nothing but comments in it.
fn on_disk(path: &Path) -> Result<(String, Config), String> {
    let bytes = match file::read(path) {
        Ok(bytes) => bytes,
        Err(ReadError::Missing) => Vec::new(),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let all_comments = text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    // Of a longer file only the beginning was read: writing that back would lose the rest.
    let silent = all_comments && bytes.len() <= MAX_BYTES;
    if silent {
        return Ok((text, Config::default()));
    }
    let config =
        Config::parse(&path.display().to_string(), &bytes).map_err(|error| error.to_string())?;
    Ok((text, config))
}

/// `text`, which means `before`, changed to mean `after`.
fn rewritten(text: &str, before: &Config, after: &Config) -> String {
    let mut edited = text.to_owned();
    for ((key, old), (_, new)) in before.lines().into_iter().zip(after.lines()) {
        if old != new {
            edited = with_line(&edited, key, new.as_deref());
        }
    }
    if Config::parse("", edited.as_bytes()).as_ref() == Ok(after) {
        return edited;
    }
    let whole = after
        .lines()
        .into_iter()
        .fold(String::new(), |text, (key, value)| {
            with_line(&text, key, value.as_deref())
        });
    if whole.is_empty() {
        "# Nothing is chosen.\n".to_owned()
    } else {
        whole
    }
}

/// `text` with one key set to `value`, or without it. May fail to mean that; the caller reads it again.
fn with_line(text: &str, key: &str, value: Option<&str>) -> String {
    let read = Text::new("", text.as_bytes()).ok();
    let place = |key: &str| read.as_ref().and_then(|text| text.place(key));
    match (place(key), value) {
        (Some((line, _)), None) => without_line(text, line),
        (Some(_), Some(value)) => read
            .as_ref()
            .and_then(|text| text.with_value(key, value))
            .unwrap_or_default(),
        (None, None) => text.to_owned(),
        (None, Some(value)) => match key.split_once('.') {
            None => appended(text, &format!("{key}: {value}\n")),
            Some((group, key)) => match place(group) {
                Some((line, column)) => inserted(
                    text,
                    line,
                    &format!("{:width$}{key}: {value}\n", "", width = column - 1),
                ),
                None => appended(text, &format!("{group}:\n  {key}: {value}\n")),
            },
        },
    }
}

fn appended(text: &str, line: &str) -> String {
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{text}{end}{line}")
}

/// `text` with a line put before line number `at`, from 1.
fn inserted(text: &str, at: usize, line: &str) -> String {
    let start: usize = text.split_inclusive('\n').take(at - 1).map(str::len).sum();
    format!("{}{line}{}", &text[..start], &text[start..])
}

fn without_line(text: &str, at: usize) -> String {
    text.split_inclusive('\n')
        .enumerate()
        .filter(|(index, _)| index + 1 != at)
        .map(|(_, line)| line)
        .collect()
}

/// The word that YAML has for a choice.
fn word<T: Serialize>(choice: T) -> String {
    let word = serde_json::to_value(choice).ok();
    word.and_then(|word| word.as_str().map(str::to_owned))
        .expect("every choice is written as one word")
}
