//! The keys of the configuration that keep something from happening, and what is probably meant as one of them: while such a
//! line cannot be read, nothing is dialled (see [`ConfigFile::held`](super::config_file::ConfigFile::held)).

use serde_json::Value as Json;

use super::table::KEYS;
use crate::base::did_you_mean::nearest;
use crate::base::keys;

/// Keys that keep something from happening: speech and key going elsewhere, records being kept or kept elsewhere, tools
/// being run, money being spent. The last two mean something to other versions of this program only: who writes one of
/// them relies on it all the same.
pub(super) const PROTECTIVE: [&str; 7] = [
    "endpoint",
    "state",
    "spend_limit_usd",
    "keep",
    "keep_audio",
    "tools",
    "permissions",
];
/// Keys that protect too, but have a value that is safe whatever was meant (see [`cautious`](super::reading::cautious)). They
/// may not be left empty.
pub(super) const WITH_A_SAFE_VALUE: [&str; 2] = ["detection", "voice_activation"];

/// Whether a key, or the group that it is in, keeps something from happening.
pub(super) fn protects(key: &str) -> bool {
    let head = key.split('.').next().unwrap_or_default();
    PROTECTIVE.contains(&head)
}

/// Whether an unknown key was probably meant to protect: a slip of such a key, one with its name in it, or `<<`, which would
/// merge keys from elsewhere.
pub(super) fn is_near_protection(key: &str) -> bool {
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
    let mut known = keys::known(&KEYS, "");
    known.extend(PROTECTIVE);
    let is_near = |word: &str| {
        let near = nearest(word, known.iter().copied());
        // Two letters of four or five make another word.
        let is_close = |near: &str| near.len() > 5 || strsim::levenshtein(word, near) < 2;
        near.is_some_and(|near| PROTECTIVE.contains(&near) && is_close(near))
    };
    key == "<<" || named.iter().any(|name| bare.contains(name)) || is_near(key) || is_near(&bare)
}

/// Whether a value holds a key that protects, or an address: somewhere that something could be sent.
pub(super) fn mentions_protection(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
        Json::String(text) => text.contains("://"),
        Json::Array(values) => values.iter().any(mentions_protection),
        Json::Object(entries) => entries
            .iter()
            .any(|(key, value)| is_near_protection(key) || mentions_protection(value)),
    }
}
