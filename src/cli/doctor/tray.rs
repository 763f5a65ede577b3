//! Whether this desktop shows an icon in its tray, and what is missing without.

use super::ask_desktop::ask_desktop;
use super::check::Check;
use crate::desktop::{TrayState, look_for_tray};
use crate::settings::config::Window;

const NAME: &str = "tray";

/// Nothing where no icon is wanted, or this system has none.
pub(super) fn check(window: &Window) -> Option<Check> {
    if !window.tray {
        return None;
    }
    let why = match ask_desktop(look_for_tray()) {
        Err(error) => error.to_string(),
        Ok(Some(TrayState::Off | TrayState::Asking)) => return None,
        Ok(Some(TrayState::Shown)) => {
            return Some(Check::ok(NAME, "this desktop shows an icon in its tray"));
        }
        Ok(Some(TrayState::NotShown { why })) => why,
        Ok(None) => "The desktop does not answer.".to_owned(),
    };
    let what = format!("there is no icon. {why}");
    Some(if window.close_to_tray {
        let hint = "Until it does, closing the window ends Sovereign; `sovereign` shows a window that started hidden.";
        Check::warn(NAME, what, hint)
    } else {
        Check::ok(NAME, what)
    })
}
