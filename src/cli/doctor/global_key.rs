//! Whether the talk key that is chosen for any window can be had.

use super::ask_desktop::ask_desktop;
use super::check::Check;
use crate::base::chord::Chord;
use crate::global_key::{GlobalKeyState, look};

const NAME: &str = "global key";

pub(super) fn check(chord: &Chord) -> Check {
    let what = |why: &str| format!("the talk key does not work in other windows: {why}");
    match ask_desktop(look(chord)) {
        Ok(Some(GlobalKeyState::NotPossible { why, hint })) => {
            let hint = format!("{hint} It may be Sovereign itself that has the key: end it first.");
            Check::warn(NAME, what(&why), hint)
        }
        Ok(Some(GlobalKeyState::Works { .. } | GlobalKeyState::Asking | GlobalKeyState::Off)) => {
            Check::ok(NAME, format!("{chord} can be had for any window"))
        }
        Ok(None) => Check::warn(NAME, what("the desktop does not answer."), "Try it again."),
        Err(error) => Check::warn(NAME, what(&error.to_string()), "Close other programs."),
    }
}
