//! Ordered queue of events of the stream manager to the conversation.

use std::collections::VecDeque;

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::super::event::VoiceEvent;

/// Maximum number of waiting events.
const WAITING: usize = 64;

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
        // Devices change slowly; if nobody reads for that long, the newest events count.
        while self.waiting.len() > WAITING {
            self.waiting.pop_front();
        }
    }
}
