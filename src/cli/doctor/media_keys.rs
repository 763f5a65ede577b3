//! Whether this desktop can give media keys.

use super::ask_desktop::ask_desktop;
use super::check::Check;
use crate::desktop::{MediaKeysState, look_for_media_keys};

const NAME: &str = "media keys";

/// Nothing where this system has none.
pub(super) fn check() -> Option<Check> {
    let why = match ask_desktop(look_for_media_keys()) {
        Err(error) => error.to_string(),
        Ok(Some(MediaKeysState::Off)) => return None,
        Ok(Some(MediaKeysState::Works)) => {
            return Some(Check::ok(NAME, "the desktop can give them to Sovereign"));
        }
        Ok(Some(MediaKeysState::NotPossible { why })) => why,
        Ok(None) => "The desktop does not answer.".to_owned(),
    };
    let hint = "Start it within the session of a desktop, or set `media_keys: off`.";
    Some(Check::warn(
        NAME,
        format!("they do not arrive. {why}"),
        hint,
    ))
}
