//! The talk key, Esc and the choices of how the microphone opens.

use super::actor::Conversation;
use crate::settings::config::TalkKey;
use crate::turn::machine::{Input, Phase};
use std::time::{Duration, Instant};

impl Conversation {
    /// The talk key: interrupts a reply at once, also over a loudspeaker, and opens the microphone.
    pub(super) fn hold(&mut self, now: Instant, down: bool) {
        if self.microphone.muted || self.is_checking() || self.spending.is_closed() {
            return;
        }
        let config = self.settings.config();
        let (mode, delay) = (config.talk_key, config.release_delay);
        let opened = self.microphone.key.turn(now, down, mode, delay);
        if opened && self.turns.machine.is_closed_early() {
            // The key says that the user goes on.
            self.resume(now, now, Duration::ZERO);
        } else if opened && self.turns.machine.phase() == Phase::Replying {
            self.feed(now, Input::StopPressed);
        }
    }

    /// Esc: a microphone that is open after the key, or until the next tap, closes; else the reply stops.
    pub(super) fn stop_pressed(&mut self, now: Instant) {
        let tapped = self.settings.config().talk_key == TalkKey::Tap;
        if self.microphone.key.is_open() && (tapped || self.microphone.key.is_closing()) {
            self.microphone.key.close();
        } else {
            self.feed(now, Input::StopPressed);
        }
    }

    /// The time after the key may be over.
    pub(super) fn close_in_time(&mut self, now: Instant) {
        self.microphone.key.handle_timeout(now);
    }

    /// Another way to open the microphone begins with a closed one.
    pub(super) fn follow_talk_choice(&mut self) {
        self.microphone.key.close();
    }
}
