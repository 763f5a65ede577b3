//! What keys, their values and the shipped profiles are called and mean. English is in the tables themselves, from which files
//! and documents are made too; the catalogue of another language has it under ids that are made from the names.

use std::borrow::Cow;

use crate::base::keys::{Key, Kind};
use crate::base::languages;
use crate::base::text::{plain_if_known, t};
use crate::profile;
use crate::settings::config;

/// What people call a key.
pub(super) fn title(key: &Key) -> Cow<'static, str> {
    plain_if_known(&id(key, "")).map_or_else(|| key.title().into(), Cow::from)
}

/// What it does.
pub(super) fn about(key: &Key) -> &'static str {
    plain_if_known(&id(key, "-about")).unwrap_or(key.about)
}

/// Why it has its value in this shipped profile; `None` where there is no reason besides what the key does.
pub(super) fn why(key: &Key, shipped: &str) -> Option<&'static str> {
    let why = profile::reason(key, shipped)?;
    let nth = key.why.iter().position(|text| *text == why)?;
    Some(plain_if_known(&id(key, &format!("-why-{nth}"))).unwrap_or(why))
}

/// A word of a file as it is read: a value of the key, or one that replaces its values.
pub(super) fn word(key: &Key, word: &str) -> String {
    let own = format!("word-{}-{word}", key.name.replace('.', "-"));
    if let Some(word) = plain_if_known(&own).or_else(|| plain_if_known(&format!("word-{word}"))) {
        return word.to_owned();
    }
    if word == "webrtc" {
        return t!("webrtc").to_owned();
    }
    // A language is called as those who speak it call it.
    if key.name == "window.language"
        && let Some(language) = languages::of(word)
    {
        return language.own_name.to_owned();
    }
    let mut letters = word.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// A text for people: what stands in backquotes is shown by its name where it is a key, or a value of one. `near` is the key
/// that the text is about: its neighbours are named without their group.
pub(super) fn readable(words: &str, near: Option<&Key>) -> String {
    let parts = words.split('`').enumerate();
    parts
        .map(|(nth, part)| {
            if nth % 2 == 0 {
                part.to_owned()
            } else {
                quoted(part, near)
            }
        })
        .collect()
}

fn quoted(part: &str, near: Option<&Key>) -> String {
    if let Some(near) = near
        && is_word_of(near, part)
    {
        return format!("\"{}\"", word(near, part));
    }
    let (name, value) = part.split_once(": ").unwrap_or((part, ""));
    let group = near.map_or("", |near| near.parts().0);
    let mut keys = profile::fields().chain(config::keys());
    let is_meant = |key: &&Key| key.name == name || key.parts() == (group, name);
    match keys.find(is_meant) {
        Some(key) if value.is_empty() => format!("\"{}\"", title(key)),
        Some(key) => format!("\"{}: {}\"", title(key), word(key, value)),
        None => format!("\"{part}\""),
    }
}

fn is_word_of(key: &Key, part: &str) -> bool {
    let of_kind = match key.kind {
        Kind::Words(words) => words.contains(&part),
        Kind::Flag | Kind::OnOff => matches!(part, "on" | "off"),
        Kind::Whole { .. }
        | Kind::Number { .. }
        | Kind::Text(..)
        | Kind::Shaped(_)
        | Kind::List(_) => false,
    };
    of_kind || key.none == Some(part)
}

/// `turn.patience_ms` becomes `key-turn-patience_ms`.
fn id(key: &Key, end: &str) -> String {
    format!("key-{}{end}", key.name.replace('.', "-"))
}

#[cfg(test)]
mod tests {
    use super::super::settings_state::SettingsSection;
    use super::*;
    use crate::base::text::{Locale, within};

    #[test]
    fn keys_and_values_in_a_text_are_shown_by_their_names() {
        let key = |name: &str| {
            let found = profile::fields()
                .chain(config::keys())
                .find(|key| key.name == name);
            found.expect("a key")
        };
        for (near, words, shown) in [
            (
                None,
                "Lower `turn.patience_ms` in the profile.",
                "Lower \"Pause that ends your turn\" in the profile.",
            ),
            (
                None,
                "set `turn.detection: manual`",
                "set \"Who notices the end of your turn: Manual\"",
            ),
            (
                Some("live.compress_to_tokens"),
                "fewer than `compress_at_tokens`",
                "fewer than \"Forget the oldest turns from\"",
            ),
            (Some("talk_key"), "`hold` opens it", "\"Hold\" opens it"),
            (None, "run `sovereign devices`", "run \"sovereign devices\""),
        ] {
            assert_eq!(readable(words, near.map(key)), shown);
        }
        for key in profile::fields().chain(config::keys()) {
            let shown = readable(key.about, Some(key));
            let raw = |other: &Key| other.name.contains(['_', '.']) && shown.contains(other.name);
            let raw = profile::fields()
                .chain(config::keys())
                .find(|other| raw(other));
            assert_eq!(raw.map(|key| key.name), None, "{shown}");
        }
    }

    #[test]
    fn no_two_settings_are_called_the_same() {
        for locale in [Locale::English, Locale::German] {
            within(locale, || {
                let of_profile = profile::fields().filter(|key| key.name != "name");
                let of_config = config::keys().filter(|key| SettingsSection::of(key).is_some());
                let mut titles: Vec<_> = of_profile.chain(of_config).map(title).collect();
                let all = titles.len();
                titles.sort_unstable();
                let same = titles.windows(2).find(|two| two[0] == two[1]);
                assert_eq!(same, None, "{locale:?}");
                assert!(all > 60);
            });
        }
    }

    #[test]
    fn every_language_has_all_texts_of_all_keys() {
        let keys = || profile::keys().chain(config::keys());
        for locale in Locale::ALL
            .iter()
            .filter(|locale| !matches!(locale, Locale::System | Locale::English))
        {
            let mut missing = Vec::new();
            for key in keys() {
                let whys = (0..key.why.len()).filter(|nth| {
                    key.why.iter().position(|text| text == &key.why[*nth]) == Some(*nth)
                });
                let texts = [
                    (String::new(), key.title()),
                    ("-about".to_owned(), key.about.to_owned()),
                ]
                .into_iter()
                .chain(whys.map(|nth| (format!("-why-{nth}"), key.why[nth].to_owned())));
                missing.extend(
                    texts
                        .map(|(end, english)| (id(key, &end), english))
                        .filter(|(id, _)| within(*locale, || plain_if_known(id).is_none())),
                );
            }
            let lines: Vec<String> = missing
                .iter()
                .map(|(id, english)| format!("{id} = {english}"))
                .collect();
            assert!(lines.is_empty(), "{locale:?} lacks\n{}", lines.join("\n"));
        }
    }
}
