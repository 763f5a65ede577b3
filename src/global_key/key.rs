//! A key that is listened to.

use std::time::Duration;

use tokio::sync::mpsc;

use super::event::{GlobalKeyEvent, GlobalKeyState};

/// Time for a released key to become free for other programs; a thread that hangs is left behind.
const FREE_WITHIN: Duration = Duration::from_secs(2);

/// A key that is listened to, until it is dropped.
pub struct GlobalKey {
    events: mpsc::Receiver<GlobalKeyEvent>,
    /// What ends the listening by being dropped.
    stop: Option<Box<dyn Send>>,
    is_down: bool,
}

impl GlobalKey {
    /// A key that tells these events, until `stop` is dropped.
    pub(super) fn new(events: mpsc::Receiver<GlobalKeyEvent>, stop: impl Send + 'static) -> Self {
        Self {
            events,
            stop: Some(Box::new(stop)),
            is_down: false,
        }
    }

    /// A key that cannot be had, for a reason that is its only event.
    pub(super) fn nothing(why: GlobalKeyState) -> Self {
        let (events, receiver) = mpsc::channel(1);
        events.try_send(GlobalKeyEvent::State(why)).ok();
        Self::new(receiver, ())
    }

    /// What happens next; `None` when it has ended. May be dropped and called again.
    pub async fn next(&mut self) -> Option<GlobalKeyEvent> {
        let event = self.events.recv().await;
        match &event {
            Some(GlobalKeyEvent::Down) => self.is_down = true,
            Some(GlobalKeyEvent::Up) => self.is_down = false,
            Some(GlobalKeyEvent::State(_)) => {}
            // The sender ended while the key was down: that is its release.
            None if std::mem::take(&mut self.is_down) => return Some(GlobalKeyEvent::Up),
            None => {}
        }
        event
    }

    /// Gives the key up, and returns when another can be had; says whether it was down.
    pub async fn stop(mut self) -> bool {
        let is_down = self.is_down;
        self.stop = None;
        let ended = async { while self.events.recv().await.is_some() {} };
        tokio::time::timeout(FREE_WITHIN, ended).await.ok();
        is_down
    }
}
