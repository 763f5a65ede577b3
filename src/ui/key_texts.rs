//! What keys, their values and the shipped profiles are called and mean. English is in the tables themselves, from which files
//! and documents are made too; the catalogue of another language has it under ids that are made from the names.

use std::borrow::Cow;

use crate::base::keys::Key;
use crate::base::text::plain_if_known;
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

/// `turn.patience_ms` becomes `key-turn-patience_ms`.
fn id(key: &Key, end: &str) -> String {
    format!("key-{}{end}", key.name.replace('.', "-"))
}
