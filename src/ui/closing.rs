//! What becomes of the program when its window is closed.

use tokio::sync::watch;

use super::look;
use crate::control::WindowWish;
use crate::conversation::snapshot::Snapshot;
use crate::desktop::TrayState;

/// Whether the window is about to close, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum WindowClosing {
    /// It is open, or something else than its user and the conversation ends it.
    #[default]
    No,
    /// The conversation goes on without it.
    Hides,
    /// The program ends.
    Quits,
}

/// Decides when the window is asked to close.
pub(super) struct ClosingWindow {
    wish: watch::Sender<WindowWish>,
    pub(super) is: WindowClosing,
}

impl ClosingWindow {
    pub(super) fn new(wish: watch::Sender<WindowWish>) -> Self {
        Self {
            wish,
            is: WindowClosing::No,
        }
    }

    /// Whether it hides: that is what was asked for, or what closing means to the user and the tray has a way back.
    pub(super) fn hides(&mut self, snapshot: &Snapshot) -> bool {
        if self.is == WindowClosing::Quits {
            return false;
        }
        let to_tray = || look::value(&snapshot.settings, "window.close_to_tray") == Some(true);
        let is_asked = !self.wish.borrow().is_open;
        let hides = is_asked || snapshot.desktop.tray == TrayState::Shown && to_tray();
        if hides {
            self.is = WindowClosing::Hides;
        }
        if hides && !is_asked {
            WindowWish::ask(&self.wish, false);
        }
        hides
    }
}
