//! The table of keys of `config.yaml`: what each may hold, its usual value, what it does, and when a change applies.
//!
//! A new key is a row, and a field of [`Config`] or of a struct within it.

use std::sync::LazyLock;

use serde_json::json;

use super::frame::GEOMETRY;
use super::outlets::{self, MonitorSettings};
use super::values::{
    Config, MOST_RELEASE_DELAY, Renderer, SpendLimit, TalkKey, Theme, WelcomeStep, Window,
};
use crate::base::chord::Chord;
use crate::base::keys::Effect::{NextConnection, Restart};
use crate::base::keys::{
    Key, Keyed, Kind, Row, Scalar, TextShape, Value, Wrong, any_text, bind, number, plain, whole,
};
use crate::base::retention::Retention;
use crate::base::text::Locale;
use crate::base::text::t;
use crate::base::yaml::{Text, quoted};
use crate::profile::{Detection, EchoCancellation, LANGUAGES, VOICE};
use crate::provider::turn_cost::Price;
use crate::settings::{endpoint, paths};

// Higher amounts are a mistake in the unit.
const PRICE: Kind = Kind::Number {
    from: 0.0,
    to: 10_000.0,
    above: false,
    of: || t!("the-us-dollars-for-a"),
};
const LIMIT: Kind = Kind::Number {
    from: 0.0,
    to: 100_000.0,
    above: true,
    of: || t!("in-us-dollars"),
};
const OFF: &str = "off";

/// A key with those that are held down for it.
const CHORD: Kind = Kind::Shaped(TextShape {
    allowed: || t!("allowed-is-a-chord"),
    check: |text| Ok(Chord::parse(text)?.to_string()),
    schema: any_text,
});

/// A name: of a profile, a device.
const TEXT: Kind = Kind::Shaped(TextShape {
    allowed: || t!("allowed-is-a-text-on"),
    check: |text| plain(text).map(|()| text.to_owned()),
    schema: any_text,
});

bind!(TOP: Config {
    profile: Key::new("profile", TEXT, &[], "The profile to begin with.", &[]).called("Profile in use"),
    input_device: Key::new("input_device", TEXT, &[],
        "The microphone, by its id in `sovereign devices`. Without it the system's default is followed.", &[]).called("Microphone"),
    output_device: Key::new("output_device", TEXT, &[],
        "The speaker, by its id in `sovereign devices`. Without it the system's default is followed.", &[]).called("Speaker"),
    endpoint: Key::new("endpoint", Kind::Shaped(TextShape {
            allowed: || t!("allowed-is-an-address-wss"),
            check: |text| match endpoint::parse(text) {
                Ok(_) => Ok(text.to_owned()),
                Err(error) => Err(Wrong::new(error.to_string(), "")),
            },
            schema: any_text,
        }), &[], "The address of another server that speaks the Live API.", &[]).called("Address of the service"),
    detection: Key::new("detection", Kind::Words(Detection::WORDS), &[],
        "Who detects activity, in place of `turn.detection` of the profile.", &[]).called("Who notices the end of turns in all profiles").applies(NextConnection),
    echo_cancellation: Key::new("echo_cancellation", Kind::Words(EchoCancellation::WORDS), &[],
        "Whether the reply is removed from the microphone signal, in place of `audio.echo_cancellation` of the profile.", &[])
        .called("Echo cancellation in all profiles"),
    voice: Key::new("voice", VOICE, &[], "The voice, whatever the profile says (`live.voice`).", &[]).called("Voice in all profiles")
        .applies(NextConnection),
    languages: Key::new("languages", LANGUAGES, &[],
        "The languages that you speak, whatever the profile says (`live.languages`).", &[]).called("Languages you speak, in all profiles").applies(NextConnection),
    talk_key: Key::new("talk_key", Kind::Words(TalkKey::WORDS), &["hold"],
        "What the talk key does: `hold` opens the microphone while it is down, `tap` with one press until the next.", &[]),
    global_key: Key::new("global_key", CHORD, &[],
        "A talk key that works whatever window has the focus, such as `F9`, `Ctrl+Alt+Space` or `Mouse8`.", &[]).called("Talk key in any window").or(OFF),
    media_keys: Key::new("media_keys", Kind::OnOff, &["off"],
        "Whether Play/Pause on the keyboard and the button of a headset open the microphone until the next press, and stop an answer. Linux; the desktop gives these keys to one player at a time, so they may no longer reach your music.",
        &[]).called("Media keys and headset button"),
    release_delay: Key::new("release_delay_ms", whole(0, MOST_RELEASE_DELAY.as_millis() as u64), &["0"],
        "How long the microphone stays open after the talk key is let go, in milliseconds.", &[]).called("Microphone stays open after the talk key"),
    voice_activation: Key::new("voice_activation", Kind::OnOff, &["on"],
        "Whether speech opens the microphone; otherwise the talk key alone does.", &[]).called("Speech opens the microphone"),
    mute_when_locked: Key::new("mute_when_locked", Kind::OnOff, &["on"],
        "Whether the microphone is muted while the screen is locked. Afterwards it listens again, unless you had muted it yourself.", &[])
        .called("Mute while the screen is locked"),
    volume: Key::new("volume", number(0.0, 1.0), &["1"], "The volume of replies.", &[]).called("Volume of replies"),
    lower_other_sound: Key::new("lower_other_sound", Kind::OnOff, &["off"],
        "Whether music and other programs become quieter while you talk with the assistant, and as loud as before after it. Works with PulseAudio and PipeWire; calls and sounds of the desktop stay as they are.",
        &[]).called("Make other programs quieter while you talk"),
    keep: Key::new("keep", Kind::Shaped(TextShape {
            allowed: || t!("allowed-is-a-number-of"),
            check: |text| Retention::parse(text).map(|_| text.to_owned()).ok_or_else(|| Wrong::text(text)),
            schema: || json!({"type": "string", "pattern": "^([1-9][0-9]{0,4}d|off|forever)$"}),
        }), &["30d"], "How long a conversation is kept after its last turn; `off` keeps nothing.", &[]).called("Keep conversations"),
    keep_audio: Key::new("keep_audio", Kind::OnOff, &["off"],
        "Whether the sound of conversations is kept as well, for as long as their words.", &[]).called("Keep their sound too"),
    state: Key::new("state", Kind::Shaped(TextShape {
            allowed: || t!("allowed-is-the-path-of"),
            check: paths::configured,
            schema: any_text,
        }), &[], "The folder for conversations, logs and recordings; a relative path starts from the folder of this file.", &[]).called("Folder for conversations and logs")
        .applies(Restart),
    newer_versions: Key::new("newer_versions", Kind::OnOff, &["on"],
        "Whether the program looks once a day whether a newer version was published, and tells you; it never installs one. Only \
         published packages do it: others are updated as they came.", &[]).called("Look for newer versions").applies(Restart),
    alert_webhook: Key::new("alert_webhook", Kind::Shaped(outlets::WEBHOOK), &[], "The address that alerts are posted to.", &[]).called("Send alerts to").secret();
    window, monitor, price_usd_per_million, spend_limit
});

bind!(WINDOW: Window {
    panel: Key::new("window.panel", whole(0, 3), &["1"],
        "How much of the figures is shown: 0 nothing, 1 reply time, CPU and memory, 2 a panel with the trend, 3 everything.", &[])
        .called("Figures beside the conversation"),
    keep_muted: Key::new("window.keep_muted", Kind::OnOff, &["off"],
        "Whether a muted microphone is still muted when the window is opened again.", &[]).called("Stay muted"),
    muted: Key::new("window.muted", Kind::OnOff, &["off"],
        "Whether it was muted last, written by the window while `keep_muted` is on.", &[]),
    theme: Key::new("window.theme", Kind::Words(Theme::WORDS), &["system"], "The colours of the window.", &[]).called("Colours"),
    language: Key::new("window.language", Kind::Words(Locale::WORDS), &["system"],
        "The language of the window; `system`: that of the system, where there is one for it. The terminal stays English.", &[])
        .called("Language of the window"),
    high_contrast: Key::new("window.high_contrast", Kind::OnOff, &["off"],
        "Black or white grounds, stronger colours and lines.", &[]).called("High contrast"),
    reduced_motion: Key::new("window.reduced_motion", Kind::OnOff, &["off"],
        "The talk button stands still while voices sound.", &[]).called("Reduced motion"),
    renderer: Key::new("window.renderer", Kind::Words(Renderer::WORDS), &["auto"],
        "What draws the window; `auto`: OpenGL where there is a graphics processor. A window that stays empty or flickers may need `software`.",
        &[]).called("Drawing").applies(Restart),
    tray: Key::new("window.tray", Kind::OnOff, &["on"],
        "Whether an icon in the tray of the desktop shows what the assistant is doing.", &[]).called("Icon in the tray"),
    close_to_tray: Key::new("window.close_to_tray", Kind::OnOff, &["off"],
        "Whether the conversation goes on when you close the window. The icon in the tray shows the window again, and ends the program; without such an icon, closing ends it.",
        &[]).called("Go on in the tray when the window is closed"),
    welcome: Key::new("window.welcome", Kind::Words(WelcomeStep::WORDS), &["new"],
        "The step of the set-up that the next start of the window goes on with, written by the window; `done`: it is over.", &[])
        .called("Set-up");
    frame
});

/// Bound to [`WindowFrame`](super::frame::WindowFrame), which brings them into measure.
pub(super) const FRAME: &[Key] = &[
    Key::new(
        "window.geometry",
        Kind::Shaped(GEOMETRY),
        &[],
        "Size and place of the window, written by the window.",
        &[],
    )
    .called("Size and place of the window")
    .lenient(),
    Key::new(
        "window.maximized",
        Kind::OnOff,
        &["off"],
        "Whether the window fills the screen.",
        &[],
    )
    .called("Fill the screen")
    .lenient(),
    Key::new(
        "window.zoom_percent",
        number(f64::NEG_INFINITY, f64::INFINITY),
        &["100"],
        "The size of everything in the window, in percent.",
        &[],
    )
    .called("Zoom")
    .lenient(),
];

bind!(MONITOR: MonitorSettings {
    listen: Key::new("monitor.listen", Kind::Shaped(outlets::LISTEN), &[],
        "Where the endpoint for other programs listens. Without it there is none.", &[]).called("Address for other programs").applies(Restart),
    token: Key::new("monitor.token", Kind::Shaped(outlets::TOKEN), &[],
        "What a request must bring along. Without it a token is made and kept in the state folder.", &[]).called("Password for other programs").secret().applies(Restart),
});

/// Bound to an optional [`Price`]: both are needed, or none.
pub(super) const PRICES: [Key; 2] = [
    Key::new(
        "price_usd_per_million.in",
        PRICE,
        &[],
        "The price of tokens that are sent, in place of the published one.",
        &[],
    )
    .called("Price of a million tokens sent"),
    Key::new(
        "price_usd_per_million.out",
        PRICE,
        &[],
        "The price of tokens that are answered.",
        &[],
    )
    .called("Price of a million tokens answered"),
];

bind!(LIMITS: SpendLimit {
    conversation: Key::new("spend_limit_usd.conversation", LIMIT, &[],
        "What may be spent from the start of the program to its end, until the microphone closes.", &[]).called("Spend limit for a conversation").or(OFF),
    day: Key::new("spend_limit_usd.day", LIMIT, &[],
        "What may be spent on a calendar day, by all programs of this user.", &[]).called("Spend limit for a day").or(OFF),
});

/// All keys, in the order of the values of a [`Config`].
pub(super) static KEYS: LazyLock<Vec<&'static Key>> = LazyLock::new(|| {
    let groups: [&'static [Key]; 6] = [TOP, WINDOW, FRAME, MONITOR, &PRICES, LIMITS];
    groups.into_iter().flatten().collect()
});

/// The rows of the table of keys.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().copied()
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

impl Config {
    /// Keys and values as YAML; `None` where nothing was chosen and there is no usual value.
    pub(super) fn values(&self) -> impl Iterator<Item = (&'static Key, Option<String>)> {
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
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.values().find(|(key, _)| key.name == name)?.1
    }

    /// The keys that differ from another configuration.
    pub(super) fn changes(&self, before: &Self) -> impl Iterator<Item = &'static str> {
        let values = self.values().zip(before.values());
        values
            .filter(|((_, now), (_, before))| now != before)
            .map(|((key, _), _)| key.name)
    }

    /// Takes a key over from another configuration, with those that belong to it.
    pub(super) fn adopt(&mut self, name: &str, from: &Self) {
        let mut others = Vec::new();
        from.give(&mut others);
        let others = KEYS.iter().zip(others);
        let adopted = others.filter(|(key, _)| with_partners(name).contains(&key.name));
        let adopted = self.with(adopted.map(|(key, value)| (key.name, value)));
        *self = adopted.expect("a row and its field hold the same kind");
    }

    /// Sets a key to a value; `None`: as usual.
    ///
    /// # Errors
    ///
    /// A sentence that says why the value is not allowed.
    pub fn set(&mut self, name: &str, value: Option<Value>) -> Result<(), String> {
        let key = KEYS.iter().find(|key| key.name == name);
        let key = key.ok_or_else(|| t!("there-is-no-setting", name))?;
        let value = match value {
            Some(value) => key.accept(value)?,
            None => Self::default().value_of(name),
        };
        // Of two that belong together one is worth nothing alone: the other is the same until it is chosen too.
        let alone = |other: &&str| value == Value::None || self.value_of(other) == Value::None;
        let partners = with_partners(key.name).into_iter();
        let changed = partners.filter(|other| *other == name || alone(other));
        let changed: Vec<_> = changed.map(|name| (name, value.clone())).collect();
        let set = self.with(changed.into_iter());
        *self = set.ok_or_else(|| t!("this-cannot-be-left-out", allowed = key.allowed()))?;
        Ok(())
    }

    /// The same with other values; `None` where one is of another kind than its key.
    fn with(&self, changed: impl Iterator<Item = (&'static str, Value)>) -> Option<Self> {
        let mut values = Vec::new();
        self.give(&mut values);
        for (name, value) in changed {
            let place = KEYS.iter().position(|key| key.name == name)?;
            values[place] = value;
        }
        Self::take(&mut values.into_iter())
    }

    /// The value of one key.
    pub fn value_of(&self, name: &str) -> Value {
        let mut values = Vec::new();
        self.give(&mut values);
        let place = KEYS.iter().position(|key| key.name == name);
        place.map_or(Value::None, |place| values.swap_remove(place))
    }
}

/// A key, and those that are written with it or not at all.
pub(super) fn with_partners(name: &str) -> Vec<&'static str> {
    let prices = PRICES.map(|key| key.name);
    if prices.contains(&name) {
        return prices.to_vec();
    }
    let mut rows = KEYS.iter();
    rows.find(|key| key.name == name)
        .map(|key| key.name)
        .into_iter()
        .collect()
}

impl Keyed for Option<Price> {
    fn take(values: &mut dyn Iterator<Item = Value>) -> Option<Self> {
        let mut next = || Scalar::from_value(values.next()?);
        let (prompt, response): (Option<f64>, Option<f64>) = (next()?, next()?);
        Some(
            prompt
                .zip(response)
                .map(|(prompt, response)| Price { prompt, response }),
        )
    }

    fn give(&self, to: &mut Vec<Value>) {
        to.extend(
            [
                self.map(|price| price.prompt),
                self.map(|price| price.response),
            ]
            .map(|price| price.to_value()),
        );
    }
}
