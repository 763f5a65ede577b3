//! Events of the owner on their way to the session, in order.

use std::collections::VecDeque;

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::super::event::VoiceEvent;

/// Events that wait when the session does not take them.
const WAITING: usize = 64;

/// See the [module](self).
pub(super) struct Outbox {
    sender: Sender<VoiceEvent>,
    waiting: VecDeque<VoiceEvent>,
}

impl Outbox {
    pub(super) fn new(sender: Sender<VoiceEvent>) -> Self {
        Self {
            sender,
            waiting: VecDeque::new(),
        }
    }

    pub(super) fn push(&mut self, event: VoiceEvent) {
        self.waiting.push_back(event);
        self.send();
    }

    pub(super) fn send(&mut self) {
        while let Some(event) = self.waiting.pop_front() {
            match self.sender.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.waiting.push_front(event);
                    break;
                }
                Err(TrySendError::Closed(_)) => self.waiting.clear(),
            }
        }
        // Devices come and go slowly; if nobody listens for that long, the newest news count.
        while self.waiting.len() > WAITING {
            self.waiting.pop_front();
        }
    }
}
