//! Whether this desktop shows an icon in its tray, and what is missing without.

use std::time::Duration;

use super::check::Check;
use crate::desktop::{TrayState, look_for_tray};
use crate::settings::config::Window;

const NAME: &str = "tray";
/// A desktop answers within milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

/// Nothing where no icon is wanted, or this system has none.
pub(super) fn check(window: &Window) -> Option<Check> {
    if !window.tray {
        return None;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let why = match runtime {
        Err(error) => error.to_string(),
        Ok(runtime) => {
            let look = async { tokio::time::timeout(LIMIT, look_for_tray()).await };
            match runtime.block_on(look) {
                Ok(TrayState::Off | TrayState::Asking) => return None,
                Ok(TrayState::Shown) => {
                    return Some(Check::ok(NAME, "this desktop shows an icon in its tray"));
                }
                Ok(TrayState::NotShown { why }) => why,
                Err(_) => "The desktop does not answer.".to_owned(),
            }
        }
    };
    let what = format!("there is no icon. {why}");
    Some(if window.close_to_tray {
        let hint = "Until it does, closing the window ends Sovereign; `sovereign` shows a window that started hidden.";
        Check::warn(NAME, what, hint)
    } else {
        Check::ok(NAME, what)
    })
}
