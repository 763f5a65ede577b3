//! A talk key that works whatever window has the focus.
//!
//! ```text
//! start(chord) ──▶ X11: a grab, on a thread ────────────┐
//!              └─▶ Wayland: the GlobalShortcuts portal ─┴──▶ GlobalKeyEvent: State, Down, Up
//! ```
//!
//! Each `Down` is followed by an `Up`: also when the display, the portal or the bus is gone, the desktop ends the key, the
//! system has slept, or the key is given up while it is down.

#[cfg(all(unix, not(target_os = "macos")))]
mod desktop;
mod event;
mod key;
#[cfg(all(unix, not(target_os = "macos")))]
mod portal;
#[cfg(all(unix, not(target_os = "macos")))]
mod x11;

#[cfg(all(unix, not(target_os = "macos")))]
pub use desktop::{look, start, start_by_portal};
#[cfg(all(unix, not(target_os = "macos")))]
pub use portal::ANSWER_WITHIN;

pub use event::{GlobalKeyEvent, GlobalKeyState};
pub use key::GlobalKey;
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub use nowhere::{look, start};

/// Systems on which no key can be had yet.
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod nowhere {
    use super::event::GlobalKeyState;
    use super::key::GlobalKey;
    use crate::base::chord::Chord;
    use crate::base::text::t;

    /// Says that no key can be had on this system.
    #[must_use]
    pub fn start(_: &Chord) -> GlobalKey {
        GlobalKey::nothing(state())
    }

    /// The same, at once.
    pub async fn look(_: &Chord) -> GlobalKeyState {
        state()
    }

    fn state() -> GlobalKeyState {
        GlobalKeyState::NotPossible {
            why: t!("global-key-not-on-this-system").to_owned(),
            hint: t!("global-key-use-the-window").to_owned(),
        }
    }
}
