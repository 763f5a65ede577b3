//! The control of a setting: what it is, the choices that it offers, and how a value is written and read. Nothing is drawn
//! here.

use eframe::egui::Ui;

use super::settings_state::RowId;
use super::{format, key_texts, speech};
use crate::audio::DeviceInfo;
use crate::base::keys::{Key, Kind, Scalar as _, Value};
use crate::base::languages::LANGUAGES;
use crate::base::retention::Retention;
use crate::base::text::{Locale, t};
use crate::base::voices::VOICES;
use crate::conversation::snapshot::{SettingView, Snapshot};
use crate::profile::Languages;

/// How a value is chosen.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SettingControl {
    Switch(bool),
    /// One of these, each with its name.
    List(Vec<(Value, String)>),
    /// 0 to 100 %.
    Percent(f32),
    /// A text of one line; `wide` needs the whole width.
    Line {
        wide: bool,
    },
    Paragraph,
}

/// Zooms that are offered, in percent.
const ZOOMS: [u32; 9] = [75, 90, 100, 110, 125, 150, 175, 200, 300];
/// Times that conversations may be kept.
const TIMES: [&str; 7] = ["off", "1d", "7d", "30d", "90d", "365d", "forever"];

impl SettingControl {
    pub(super) fn of(ui: &Ui, id: RowId, setting: &SettingView, snapshot: &Snapshot) -> Self {
        let key = setting.key;
        let value = &setting.value;
        match (id.key, key.kind) {
            ("volume", _) => Self::Percent(f32::from_value(value.clone()).unwrap_or(1.0)),
            (_, Kind::Flag | Kind::OnOff) => Self::Switch(*value == Value::Flag(true)),
            (_, Kind::Text(_, to)) if to > 100 => Self::Paragraph,
            (_, Kind::Shaped(_) | Kind::List(_)) | ("window.panel" | "window.zoom_percent", _) => {
                let choices = choices(ui, id, setting, snapshot);
                choices.map_or(Self::Line { wide: true }, |list| with_own(list, key, value))
            }
            (_, Kind::Words(words)) => {
                let optional = setting.usual == Value::None && key.none.is_none();
                let first = match key.none {
                    Some(word) => Some((Value::None, key_texts::word(key, word))),
                    None if optional => Some((Value::None, as_profile(id, snapshot))),
                    None => None,
                };
                let words = words
                    .iter()
                    .map(|word| (Value::Text((*word).to_owned()), key_texts::word(key, word)));
                Self::List(first.into_iter().chain(words).collect())
            }
            (_, Kind::Text(..)) => Self::Line { wide: true },
            (_, Kind::Whole { .. } | Kind::Number { .. }) => Self::Line { wide: false },
        }
    }
}

/// The choices of a key whose kind does not name them.
fn choices(
    ui: &Ui,
    id: RowId,
    setting: &SettingView,
    snapshot: &Snapshot,
) -> Option<Vec<(Value, String)>> {
    let text = |text: &str| Value::Text(text.to_owned());
    Some(match id.key {
        "profile" => {
            let profiles = snapshot.profiles.iter();
            profiles
                .map(|profile| (text(&profile.name), format::name(profile.shown_label())))
                .collect()
        }
        "input_device" => devices(&snapshot.devices.inputs),
        "output_device" => devices(&snapshot.devices.outputs),
        "voice" | "live.voice" => {
            let none = if id.of_profile {
                t!("the-services-choice").to_owned()
            } else {
                speech::voice_name(None, &snapshot.speech)
            };
            let voices = VOICES
                .iter()
                .map(|voice| (text(voice), (*voice).to_owned()));
            std::iter::once((Value::None, none)).chain(voices).collect()
        }
        "languages" | "live.languages" => {
            let mut list = vec![Some(Languages::System), Some(Languages::These(Vec::new()))];
            list.extend(
                LANGUAGES.map(|language| Some(Languages::These(vec![language.code.to_owned()]))),
            );
            list.extend(Languages::from_value(setting.value.clone()).map(Some));
            if !id.of_profile {
                list.insert(0, None);
            }
            let named = list.iter().map(|languages| {
                let name = speech::languages_name(ui, languages.as_ref(), &snapshot.speech);
                (languages.to_value(), name)
            });
            named.collect()
        }
        "keep" => TIMES.map(|time| (text(time), kept(time))).into(),
        "window.panel" => {
            let levels = [
                t!("hidden"),
                t!("reply-time"),
                t!("reply-time-processor-memory"),
                t!("everything"),
            ];
            let levels = (0..).zip(levels);
            levels
                .map(|(level, name)| (Value::Whole(level), name.to_owned()))
                .collect()
        }
        "window.language" => Locale::ALL
            .iter()
            .map(|language| {
                let name = match language.own_name() {
                    "" => key_texts::word(setting.key, language.word()),
                    name => name.to_owned(),
                };
                (language.to_value(), name)
            })
            .collect(),
        "window.zoom_percent" => ZOOMS
            .map(|zoom| (Value::Number(f64::from(zoom)), format!("{zoom} %")))
            .into(),
        _ => return None,
    })
}

/// The list, with the value that holds where it is not among its choices, each choice once.
fn with_own(mut list: Vec<(Value, String)>, key: &Key, value: &Value) -> SettingControl {
    if list.iter().all(|(choice, _)| choice != value) {
        let name = match (key.name, value) {
            ("keep", Value::Text(time)) => kept(time),
            ("window.zoom_percent", _) => format!("{} %", shown(key, value)),
            _ => shown(key, value),
        };
        list.push((value.clone(), name));
    }
    let mut seen: Vec<Value> = Vec::new();
    list.retain(|(choice, _)| {
        let is_new = !seen.contains(choice);
        seen.push(choice.clone());
        is_new
    });
    SettingControl::List(list)
}

fn devices(devices: &[DeviceInfo]) -> Vec<(Value, String)> {
    let default = devices.iter().find(|device| device.is_default);
    let default = default.map_or_else(
        || t!("the-systems-choice-plain").to_owned(),
        |device| t!("the-systems-choice", device = format::name(&device.name)),
    );
    let named = devices
        .iter()
        .map(|device| (Value::Text(device.id.clone()), format::name(&device.name)));
    std::iter::once((Value::None, default))
        .chain(named)
        .collect()
}

fn kept(time: &str) -> String {
    match Retention::parse(time) {
        Some(Retention::Off) => t!("keep-nothing").to_owned(),
        Some(Retention::Forever) => t!("until-i-delete-them").to_owned(),
        Some(Retention::For(time)) => {
            let days = time.as_secs() / (24 * 60 * 60);
            t!("n-days", n = days)
        }
        None => time.to_owned(),
    }
}

/// What a choice that the profile makes is called while the user makes none.
fn as_profile(id: RowId, snapshot: &Snapshot) -> String {
    let own = match id.key {
        "echo_cancellation" => "audio.echo_cancellation",
        "detection" => "turn.detection",
        key => key,
    };
    let mut keys = snapshot.settings.profile.keys.iter();
    let holds = keys.find(|setting| setting.key.name == own);
    holds.map_or_else(
        || t!("as-the-profile-says-plain").to_owned(),
        |setting| {
            t!(
                "as-the-profile-says",
                value = shown(setting.key, &setting.value)
            )
        },
    )
}

/// A value as it is read.
pub(super) fn shown(key: &Key, value: &Value) -> String {
    match (key.kind, value) {
        (_, Value::None) => key
            .none
            .map(|none| key_texts::word(key, none))
            .unwrap_or_default(),
        (Kind::Words(_), Value::Text(word)) => key_texts::word(key, word),
        (_, Value::Flag(on)) => if *on { t!("on") } else { t!("off") }.to_owned(),
        (_, Value::Whole(number)) => format::grouped(*number),
        _ => written(key, value),
    }
}

/// A value as it is typed.
pub(super) fn written(key: &Key, value: &Value) -> String {
    match value {
        Value::None => shown(key, value),
        Value::Whole(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Flag(on) => key.kind.flag(*on).to_owned(),
        Value::Text(text) => text.clone(),
        Value::List(items) => items.join(", "),
    }
}

/// What was typed, as a value; or a sentence that says why it is none. Nothing is as usual.
pub(super) fn read(key: &Key, text: &str) -> Result<Option<Value>, String> {
    let text = text.trim();
    let is_none = |none: &str| {
        none.eq_ignore_ascii_case(text)
            || key_texts::word(key, none).to_lowercase() == text.to_lowercase()
    };
    if key.none.is_some_and(is_none) {
        return Ok(Some(Value::None));
    }
    let wrong = |what: &str| Err(t!("this-is-no-value", what, allowed = key.allowed()));
    let value = match key.kind {
        Kind::List(items) if items.word == Some(text) => Value::Text(text.to_owned()),
        Kind::List(_) => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Value::List(items.map(str::to_owned).collect())
        }
        _ if text.is_empty() => return Ok(None),
        Kind::Whole { .. } => match digits(text).parse() {
            Ok(number) => Value::Whole(number),
            Err(_) => return wrong(t!("whole-number")),
        },
        Kind::Number { .. } => match digits(text).replace(',', ".").parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Number(number),
            Ok(_) | Err(_) => return wrong(t!("number")),
        },
        Kind::Flag | Kind::OnOff | Kind::Words(_) | Kind::Text(..) | Kind::Shaped(_) => {
            Value::Text(text.to_owned())
        }
    };
    key.accept(value).map(Some)
}

/// A number without the blanks that group its digits.
fn digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The range of a number, with its unit; empty where it has none.
pub(super) fn range(key: &Key) -> String {
    let (from, to) = match key.kind {
        Kind::Whole { from, to, .. } => (format::grouped(from), format::grouped(to)),
        Kind::Number { from, to, .. } if from.is_finite() => {
            (from.to_string(), format::grouped(to as u64))
        }
        Kind::Number { .. }
        | Kind::Flag
        | Kind::OnOff
        | Kind::Words(_)
        | Kind::Text(..)
        | Kind::Shaped(_)
        | Kind::List(_) => return String::new(),
    };
    let none = key.none.map_or_else(String::new, |none| {
        t!("or-none", none = key_texts::word(key, none).to_lowercase())
    });
    let unit = key.unit();
    let blank = if unit.is_empty() { "" } else { "\u{a0}" };
    t!("range-from-to", from, to, blank, unit, none)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::text::within;

    fn key(name: &str) -> &'static Key {
        let mut keys = crate::profile::fields().chain(crate::settings::config::keys());
        keys.find(|key| key.name == name).expect("a key")
    }

    #[test]
    fn what_is_typed_becomes_a_value_or_a_sentence() {
        let texts =
            |items: &[&str]| Value::List(items.iter().map(|&item| item.to_owned()).collect());
        for (name, text, wanted) in [
            ("turn.patience_ms", " 400 ", Ok(Some(Value::Whole(400)))),
            ("turn.patience_ms", "1 500", Ok(Some(Value::Whole(1_500)))),
            ("turn.patience_ms", "", Ok(None)),
            (
                "turn.patience_ms",
                "9000",
                Err("This is 9000: allowed is a whole number from 100 to 5000."),
            ),
            (
                "turn.patience_ms",
                "soon",
                Err("This is no whole number: allowed is a whole number from 100 to 5000."),
            ),
            ("live.temperature", "0,7", Ok(Some(Value::Number(0.7)))),
            ("live.temperature", "Default", Ok(Some(Value::None))),
            (
                "live.temperature",
                "nan",
                Err("This is no number: allowed is a number from 0 to 2, or default."),
            ),
            (
                "live.vocabulary",
                "Ada, Kubernetes,",
                Ok(Some(texts(&["Ada", "Kubernetes"]))),
            ),
            ("live.vocabulary", "", Ok(Some(texts(&[])))),
            ("alerts.cpu_percent", "off", Ok(Some(Value::None))),
            ("endpoint", "http://x", Err("This ")),
        ] {
            match (read(key(name), text), wanted) {
                (Err(said), Err(begins)) => assert!(said.starts_with(begins), "{said}"),
                (read, wanted) => assert_eq!(read, wanted.map_err(str::to_owned), "{name}: {text}"),
            }
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let profile = crate::profile::builtin("balanced").expect("built in");
        for (key, value) in crate::profile::fields().zip(profile.values()) {
            let of_auto = key.parts().0 == "auto";
            if let (
                Kind::Whole { .. } | Kind::Number { .. } | Kind::Text(..) | Kind::Shaped(_),
                false,
            ) = (key.kind, of_auto)
            {
                let text = written(key, &value);
                assert_eq!(read(key, &text), Ok(Some(value)), "{}", key.name);
            }
        }
    }

    #[test]
    fn a_word_for_no_value_is_shown_and_read_in_every_language() {
        for (locale, shown) in [(Locale::English, "Off"), (Locale::German, "Aus")] {
            within(locale, || {
                for name in ["spend_limit_usd.day", "alerts.cpu_percent"] {
                    let key = key(name);
                    assert_eq!(written(key, &Value::None), shown);
                    for typed in [shown, "aus", "off"] {
                        let is_known = typed != "aus" || locale == Locale::German;
                        assert_eq!(read(key, typed) == Ok(Some(Value::None)), is_known);
                    }
                }
            });
        }
    }

    #[test]
    fn every_key_has_a_name_for_people() {
        for key in crate::profile::fields().chain(crate::settings::config::keys()) {
            let title = key.title();
            let first = title.chars().next();
            assert!(
                first.is_some_and(char::is_uppercase),
                "{}: {title}",
                key.name
            );
            assert!(
                !title.contains('_') && title.len() < 48,
                "{}: {title}",
                key.name
            );
        }
        assert_eq!(range(key("turn.patience_ms")), "100 to 5\u{a0}000\u{a0}ms");
        assert_eq!(key("turn.patience_ms").title(), "Pause that ends your turn");
        assert_eq!(key("live.answer_length").title(), "Answer length");
    }
}
