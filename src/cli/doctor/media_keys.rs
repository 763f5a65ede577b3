//! Whether this desktop can give media keys.

use std::time::Duration;

use super::check::Check;
use crate::desktop::{MediaKeysState, look_for_media_keys};

const NAME: &str = "media keys";
/// A desktop answers within milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

/// Nothing where this system has none.
pub(super) fn check() -> Option<Check> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let why = match runtime {
        Err(error) => error.to_string(),
        Ok(runtime) => {
            let look = async { tokio::time::timeout(LIMIT, look_for_media_keys()).await };
            match runtime.block_on(look) {
                Ok(MediaKeysState::Off) => return None,
                Ok(MediaKeysState::Works) => {
                    return Some(Check::ok(NAME, "the desktop can give them to Sovereign"));
                }
                Ok(MediaKeysState::NotPossible { why }) => why,
                Err(_) => "The desktop does not answer.".to_owned(),
            }
        }
    };
    let hint = "Start it within the session of a desktop, or set `media_keys: off`.";
    Some(Check::warn(
        NAME,
        format!("they do not arrive. {why}"),
        hint,
    ))
}
