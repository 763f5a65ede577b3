//! A configuration file read key by key.
//!
//! A fault in one line costs that line alone. Lines that are there so that something does *not* happen are another matter:
//! where one of them cannot be read, nobody knows what it forbids. Such a fault is marked, and nothing is dialled until it
//! is mended (see [`ConfigFile::held`](super::ConfigFile::held)). The same goes for a text that cannot be read at all.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::frame::{self, Frame};
use super::outlets::{self, MonitorSettings};
use super::spend::{self, SpendLimit};
use super::{Config, MOST_RELEASE_DELAY, Window};
use crate::base::did_you_mean::nearest;
use crate::base::voices;
use crate::base::yaml::{MOST_FAULTS, Text, YamlError};
use crate::profile::{ALLOWED_LANGUAGES, Detection, Languages, Switch};
use crate::provider::price::Price;
use crate::settings::endpoint;
use crate::settings::paths;

/// The keys of the file.
const KEYS: [&str; 18] = [
    "profile",
    "input_device",
    "output_device",
    "endpoint",
    "detection",
    "echo_cancellation",
    "voice",
    "languages",
    "talk_key",
    "release_delay_ms",
    "voice_activation",
    "volume",
    "window",
    "state",
    "monitor",
    "alert_webhook",
    "price_usd_per_million",
    "spend_limit_usd",
];
/// Keys within a key.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "window",
        &["panel", "theme", "geometry", "maximized", "zoom_percent"],
    ),
    ("monitor", &["listen", "token"]),
    ("price_usd_per_million", &["in", "out"]),
    ("spend_limit_usd", &["conversation", "day"]),
];
/// Keys that keep something from happening: speech and key going elsewhere, records being kept or kept elsewhere, tools
/// being run, money being spent. The last four mean something to other versions of this program only: who writes one of
/// them relies on it all the same.
const PROTECTIVE: [&str; 7] = [
    "endpoint",
    "state",
    "spend_limit_usd",
    "keep",
    "keep_audio",
    "tools",
    "permissions",
];
/// Keys that protect too, but have a value that is safe whatever was meant (see [`cautious`]). They may not be left empty.
const WITH_A_SAFE_VALUE: [&str; 2] = ["detection", "voice_activation"];

/// What holds where a line cannot be read and nothing held before: the defaults, with the microphone opened by the talk key
/// alone, and nothing sent but utterances.
pub(super) fn cautious() -> Config {
    Config {
        voice_activation: false,
        detection: Some(Detection::Manual),
        ..Config::default()
    }
}

/// What a text says.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The keys that can be read, and what held before for the others. For those that are not written the usual value, or
    /// what held before where the text is faulty (see [`Occasion`]).
    pub(super) config: Config,
    /// Sorted by their places; at most [`MOST_FAULTS`] and those that protect.
    pub(super) faults: Vec<Fault>,
    /// Nothing is written, but comments.
    pub(super) silent: bool,
}

/// A fault in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) error: YamlError,
    /// What this line forbids is not known.
    pub(super) protects: bool,
}

/// What is wrong with a value, and what is allowed.
pub(in crate::settings) struct Wrong(
    pub(in crate::settings) String,
    pub(in crate::settings) String,
);

/// Whether a text was read before: then a line that is missing in a faulty one may be there, and spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// It was not.
    First,
    /// It was, without a fault in a line that protects.
    Again,
}

/// Reads `bytes`; `file` is what errors call them, and `held` what holds where they cannot be read.
pub(super) fn read(file: &str, bytes: &[u8], held: &Config, occasion: Occasion) -> Reading {
    let unreadable = |error| Reading {
        config: held.clone(),
        faults: vec![Fault {
            error,
            protects: true,
        }],
        silent: false,
    };
    let (text, flaws) = match Text::by_keys(file, bytes) {
        Ok((Some(text), flaws)) => (text, flaws),
        Ok((None, _)) => {
            return Reading {
                config: Config::default(),
                faults: Vec::new(),
                silent: true,
            };
        }
        Err(error) => return unreadable(error),
    };
    let usual = Config::default();
    let mut reader = Reader {
        text: &text,
        faults: Vec::new(),
        held,
        usual: &usual,
        unwritten: &usual,
    };
    for flaw in flaws {
        reader.fault(flaw);
    }
    let mut config = reader.config();
    reader.unknown_keys();
    if occasion == Occasion::Again && !reader.faults.is_empty() {
        reader.unwritten = held;
        config = reader.config();
    }
    let mut faults = reader.faults;
    faults.sort_by_key(|fault| (fault.error.line, fault.error.column));
    let mut seen = 0;
    faults.retain(|fault| {
        seen += 1;
        seen <= MOST_FAULTS || fault.protects
    });
    Reading {
        config,
        faults,
        silent: false,
    }
}

struct Reader<'a> {
    text: &'a Text<'a>,
    faults: Vec<Fault>,
    /// What holds for a key that cannot be read, for one that is empty, and for one that is not written.
    held: &'a Config,
    usual: &'a Config,
    unwritten: &'a Config,
}

impl Reader<'_> {
    fn config(&mut self) -> Config {
        let text = |text: String| plain(&text).map(|()| Some(text));
        Config {
            profile: self.value("profile", |c| c.profile.clone(), text),
            input_device: self.value("input_device", |c| c.input_device.clone(), text),
            output_device: self.value("output_device", |c| c.output_device.clone(), text),
            endpoint: self.value("endpoint", |c| c.endpoint.clone(), address),
            detection: self.value("detection", |c| c.detection, |word| Ok(Some(word))),
            echo_cancellation: self.value(
                "echo_cancellation",
                |c| c.echo_cancellation,
                |word| Ok(Some(word)),
            ),
            voice: self.value("voice", |c| c.voice.clone(), voice),
            languages: self.value("languages", |c| c.languages.clone(), languages),
            talk_key: self.value("talk_key", |c| c.talk_key, Ok),
            release_delay: self.value("release_delay_ms", |c| c.release_delay, release_delay),
            voice_activation: self.value(
                "voice_activation",
                |c| c.voice_activation,
                |switch: Switch| Ok(switch.is_on()),
            ),
            volume: self.value("volume", |c| c.volume, volume),
            window: Window {
                panel: self.value("window.panel", |c| c.window.panel, panel),
                theme: self.value("window.theme", |c| c.window.theme, Ok),
                frame: self.frame(),
            },
            state: self.value(
                "state",
                |c| c.state.clone(),
                |text: String| paths::configured(&text).map(Some),
            ),
            monitor: MonitorSettings {
                listen: self.value("monitor.listen", |c| c.monitor.listen, outlets::listen),
                token: self.value("monitor.token", |c| c.monitor.token.clone(), outlets::token),
            },
            alert_webhook: self.value(
                "alert_webhook",
                |c| c.alert_webhook.clone(),
                outlets::webhook,
            ),
            price_usd_per_million: self.price(),
            spend_limit: self.spend_limit(),
        }
    }

    fn frame(&mut self) -> Frame {
        let (size, position) = self.value(
            "window.geometry",
            |c| (c.window.frame.size, c.window.frame.position),
            |written| Ok(frame::geometry(&written)),
        );
        let frame = Frame {
            size,
            position,
            maximized: self.value(
                "window.maximized",
                |c| c.window.frame.maximized,
                |written| Ok(frame::maximized(&written)),
            ),
            zoom_percent: self.value(
                "window.zoom_percent",
                |c| c.window.frame.zoom_percent,
                |written| Ok(frame::zoom_percent(&written)),
            ),
        };
        frame.sane()
    }

    /// The value of a key: `field` of what was held where it cannot be read.
    fn value<R: DeserializeOwned, T>(
        &mut self,
        key: &str,
        field: impl Fn(&Config) -> T,
        check: impl FnOnce(R) -> Result<T, Wrong>,
    ) -> T {
        if self.is_faulty(key) {
            return field(self.held);
        }
        let guarded = protects(key) || WITH_A_SAFE_VALUE.contains(&key);
        let checked = match self.text.get::<Option<R>>(key) {
            Err(error) => {
                self.fault(error);
                return field(self.held);
            }
            Ok(Some(None)) if guarded => Err(empty()),
            Ok(Some(None)) => return field(self.usual),
            Ok(None) => return field(self.unwritten),
            Ok(Some(Some(value))) => check(value),
        };
        checked.unwrap_or_else(|Wrong(what, allowed)| {
            self.fault(self.text.fault(key, what, allowed));
            field(self.held)
        })
    }

    /// Both parts of the price of tokens, or none.
    fn price(&mut self) -> Option<Price> {
        let group = "price_usd_per_million";
        let keys = ["in", "out"].map(|part| format!("{group}.{part}"));
        let [prompt, response] =
            [&keys[0], &keys[1]].map(|key| self.value(key, |_| None, outlets::amount));
        if keys.iter().any(|key| self.is_faulty(key)) {
            return self.held.price_usd_per_million;
        }
        let written = self.text.keys(group);
        match outlets::price(prompt, response) {
            Ok(None) => self.unwritten.price_usd_per_million,
            Ok(price) => price,
            // The missing part is probably the one that nobody knows.
            Err(_) if written.iter().any(|key| key != "in" && key != "out") => {
                self.held.price_usd_per_million
            }
            Err(Wrong(what, allowed)) => {
                self.fault(self.text.fault(group, what, allowed));
                self.held.price_usd_per_million
            }
        }
    }

    fn spend_limit(&mut self) -> SpendLimit {
        let group = "spend_limit_usd";
        let is_empty = matches!(self.text.get::<Value>(group), Ok(Some(Value::Null)));
        if is_empty && !self.is_faulty(group) {
            let Wrong(what, allowed) = empty();
            self.fault(self.text.fault(group, what, allowed));
        }
        SpendLimit {
            conversation: self.value(
                "spend_limit_usd.conversation",
                |c| c.spend_limit.conversation,
                spend::limit,
            ),
            day: self.value("spend_limit_usd.day", |c| c.spend_limit.day, spend::limit),
        }
    }

    fn unknown_keys(&mut self) {
        let top: (&str, &[&str]) = ("", &KEYS);
        for (group, known) in std::iter::once(top).chain(GROUPS) {
            let keys = self.text.keys(group);
            let strange = keys.iter().filter(|key| !known.contains(&key.as_str()));
            for (nth, key) in strange.enumerate() {
                let protects = protects(group) || is_near_protection(key);
                if nth < MOST_FAULTS || protects {
                    let mut error = self.text.unknown(group, key, known);
                    // A key that stands in the wrong group.
                    if error.suggestion.is_none() {
                        error.suggestion = nearest(key, KEYS).map(Into::into);
                    }
                    let protects = protects || self.hides_protection(&error.key);
                    self.faults.push(Fault { error, protects });
                }
                // A file with so many is something else than was meant.
                if nth == MOST_FAULTS {
                    self.faults
                        .iter_mut()
                        .for_each(|fault| fault.protects = true);
                    return;
                }
            }
        }
    }

    /// Whether something that protects may be meant within a key that nobody knows, or merged in with it.
    fn hides_protection(&self, key: &str) -> bool {
        match self.text.get::<Value>(key) {
            Ok(value) => value.is_some_and(|value| mentions_protection(&value)),
            Err(_) => true,
        }
    }

    fn fault(&mut self, error: YamlError) {
        let protects = error.key.is_empty() || protects(&error.key);
        let fault = Fault { error, protects };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Whether something is wrong already with a key, with the group that it is in, or with the text as a whole.
    fn is_faulty(&self, key: &str) -> bool {
        self.faults.iter().any(|fault| concerns(&fault.error, key))
    }
}

/// Whether a key, or the group that it is in, keeps something from happening.
fn protects(key: &str) -> bool {
    let head = key.split('.').next().unwrap_or_default();
    PROTECTIVE.contains(&head)
}

/// Whether a fault leaves open what `key` should be.
pub(super) fn concerns(error: &YamlError, key: &str) -> bool {
    let within = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
    error.key.is_empty()
        || key == error.key
        || key.strip_prefix(&error.key).is_some_and(within)
        || error.key.strip_prefix(key).is_some_and(within)
}

/// Whether an unknown key was probably meant to protect: a slip of such a key, one with its name in it, or `<<`, which would
/// merge keys from elsewhere.
fn is_near_protection(key: &str) -> bool {
    let bare = key.to_lowercase().replace(['-', '_', ' '], "");
    let named = [
        "endp",
        "url",
        "host",
        "server",
        "gate",
        "address",
        "socket",
        "remote",
        "state",
        "keep",
        "histor",
        "record",
        "retention",
        "offline",
        "tools",
        "permission",
        "spend",
        "budget",
    ];
    let is_near = |word: &str| {
        let near = nearest(word, KEYS.iter().chain(&PROTECTIVE).copied());
        // Two letters of four or five make another word.
        let is_close = |near: &str| near.len() > 5 || strsim::levenshtein(word, near) < 2;
        near.is_some_and(|near| PROTECTIVE.contains(&near) && is_close(near))
    };
    key == "<<" || named.iter().any(|name| bare.contains(name)) || is_near(key) || is_near(&bare)
}

/// Whether a value holds a key that protects, or an address: somewhere that something could be sent.
fn mentions_protection(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.contains("://"),
        Value::Array(values) => values.iter().any(mentions_protection),
        Value::Object(entries) => entries
            .iter()
            .any(|(key, value)| is_near_protection(key) || mentions_protection(value)),
    }
}

/// A text that names something: a profile, a device, a folder.
pub(in crate::settings) fn plain(text: &str) -> Result<(), Wrong> {
    if text.trim().is_empty() {
        return Err(empty());
    }
    if text.contains(char::is_control) {
        // `"C:\new"` holds a line break.
        let allowed =
            "a backslash in double quotes means something else than itself: use single quotes";
        let what = "holds a line break or another control character".to_owned();
        return Err(Wrong(what, allowed.to_owned()));
    }
    Ok(())
}

fn empty() -> Wrong {
    Wrong(
        "is empty".to_owned(),
        "write a value, or remove the line".to_owned(),
    )
}

fn address(address: String) -> Result<Option<String>, Wrong> {
    match endpoint::parse(&address) {
        Ok(_) => Ok(Some(address)),
        Err(error) => Err(Wrong(error.to_string(), String::new())),
    }
}

fn voice(name: String) -> Result<Option<String>, Wrong> {
    match voices::spelled(&name) {
        Some(voice) => Ok(Some(voice)),
        None => {
            let meant =
                nearest(&name, voices::VOICES).map(|near| format!("; did you mean `{near}`?"));
            let allowed = "allowed are the 30 voices of the Live API, from Achernar to Zubenelgenubi, and ids of its catalogue such as en-us-tavi";
            Err(Wrong(
                format!("is `{name}`"),
                format!("{allowed}{}", meant.unwrap_or_default()),
            ))
        }
    }
}

fn languages(languages: Languages) -> Result<Option<Languages>, Wrong> {
    match languages.fault() {
        Some(what) => Err(Wrong(what, ALLOWED_LANGUAGES.to_owned())),
        None => Ok(Some(languages)),
    }
}

fn volume(volume: f32) -> Result<f32, Wrong> {
    if (0.0..=1.0).contains(&volume) {
        return Ok(volume);
    }
    let allowed = "allowed is a number from 0 to 1";
    Err(Wrong(format!("is {volume}"), allowed.to_owned()))
}

fn panel(panel: u64) -> Result<u8, Wrong> {
    let known = u8::try_from(panel).ok().filter(|panel| *panel <= 3);
    known.ok_or_else(|| {
        let allowed = "allowed is a whole number from 0 to 3";
        Wrong(format!("is {panel}"), allowed.to_owned())
    })
}

fn release_delay(ms: u64) -> Result<Duration, Wrong> {
    let most = MOST_RELEASE_DELAY.as_millis();
    if u128::from(ms) <= most {
        return Ok(Duration::from_millis(ms));
    }
    Err(Wrong(
        format!("is {ms}"),
        format!("allowed is a whole number from 0 to {most}"),
    ))
}
