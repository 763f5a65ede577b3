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
#[cfg(all(unix, not(target_os = "macos")))]
mod portal;
#[cfg(all(unix, not(target_os = "macos")))]
mod x11;

#[cfg(all(unix, not(target_os = "macos")))]
pub use desktop::{GlobalKey, look, start, start_by_portal};
#[cfg(all(unix, not(target_os = "macos")))]
pub use portal::ANSWER_WITHIN;

pub use event::{GlobalKeyEvent, GlobalKeyState};
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub use nowhere::{GlobalKey, look, start};

/// Systems on which no key can be had yet.
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod nowhere {
    use tokio::sync::mpsc;

    use super::event::{GlobalKeyEvent, GlobalKeyState};
    use crate::base::chord::Chord;
    use crate::base::text::t;

    /// A key that cannot be had.
    pub struct GlobalKey(mpsc::Receiver<GlobalKeyEvent>);

    /// Says that no key can be had on this system.
    #[must_use]
    pub fn start(_: &Chord) -> GlobalKey {
        let (events, receiver) = mpsc::channel(1);
        let state = GlobalKeyState::NotPossible {
            why: t!("global-key-not-on-this-system").to_owned(),
            hint: t!("global-key-use-the-window").to_owned(),
        };
        events.try_send(GlobalKeyEvent::State(state)).ok();
        GlobalKey(receiver)
    }

    /// The same, at once.
    pub async fn look(chord: &Chord) -> GlobalKeyState {
        match start(chord).next().await {
            Some(GlobalKeyEvent::State(state)) => state,
            Some(GlobalKeyEvent::Down | GlobalKeyEvent::Up) | None => GlobalKeyState::Off,
        }
    }

    impl GlobalKey {
        /// What happens next; `None` when it has ended.
        pub async fn next(&mut self) -> Option<GlobalKeyEvent> {
            self.0.recv().await
        }

        /// Gives the key up; it was never down.
        pub async fn stop(self) -> bool {
            false
        }
    }
}
