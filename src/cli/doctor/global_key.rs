//! Whether the talk key that is chosen for any window can be had.

use std::time::Duration;

use super::check::Check;
use crate::base::chord::Chord;
use crate::global_key::{GlobalKeyState, look};

const NAME: &str = "global key";
/// A desktop answers within milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

pub(super) fn check(chord: &Chord) -> Check {
    let what = |why: &str| format!("the talk key does not work in other windows: {why}");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let looked = runtime.map(|runtime| {
        let looked = runtime.block_on(async { tokio::time::timeout(LIMIT, look(chord)).await });
        runtime.shutdown_background();
        looked
    });
    match looked {
        Ok(Ok(GlobalKeyState::NotPossible { why, hint })) => {
            let hint = format!("{hint} It may be Sovereign itself that has the key: end it first.");
            Check::warn(NAME, what(&why), hint)
        }
        Ok(Ok(GlobalKeyState::Works { .. } | GlobalKeyState::Asking | GlobalKeyState::Off)) => {
            Check::ok(NAME, format!("{chord} can be had for any window"))
        }
        Ok(Err(_)) => Check::warn(NAME, what("the desktop does not answer."), "Try it again."),
        Err(error) => Check::warn(NAME, what(&error.to_string()), "Close other programs."),
    }
}
