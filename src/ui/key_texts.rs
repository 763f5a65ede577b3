//! What keys, their values and the shipped profiles are called and mean. English is in the tables themselves, from which files
//! and documents are made too; the catalogue of another language has it under ids that are made from the names.

use std::borrow::Cow;

use crate::base::keys::Key;
use crate::base::text::{plain_if_known, t};
use crate::profile;

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
    let mut letters = word.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// `turn.patience_ms` becomes `key-turn-patience_ms`.
fn id(key: &Key, end: &str) -> String {
    format!("key-{}{end}", key.name.replace('.', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::text::{Locale, within};
    use crate::settings::config;

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
