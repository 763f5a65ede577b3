//! The talk key, Esc and the choices of how the microphone opens.

use super::actor::Conversation;
use crate::base::severity::Severity;
use crate::base::text::t;
use crate::global_key::GlobalKeyState;
use crate::settings::config::TalkKey;
use crate::turn::machine::{Input, Phase};
use std::time::{Duration, Instant};

/// Why there is no key that works in any window, and what to do.
fn problem(state: &GlobalKeyState) -> Option<String> {
    match state {
        GlobalKeyState::NotPossible { why, hint } => Some(t!("global-key-problem", why, hint)),
        GlobalKeyState::Off | GlobalKeyState::Asking | GlobalKeyState::Works { .. } => None,
    }
}

impl Conversation {
    /// The talk key: interrupts a reply at once, also over a loudspeaker, and opens the microphone.
    pub(super) fn hold(&mut self, now: Instant, down: bool) {
        self.microphone.held_in_vain = down && self.microphone.muted;
        if self.is_talk_closed() {
            return;
        }
        let config = self.settings.config();
        let (mode, delay) = (config.talk_key, config.release_delay);
        if self.microphone.key.turn(now, down, mode, delay) {
            self.key_opened(now);
        }
    }

    /// Whether no key opens the microphone now.
    pub(super) fn is_talk_closed(&self) -> bool {
        self.microphone.muted || self.is_checking() || self.spending.is_closed()
    }

    /// A key opened the microphone.
    pub(super) fn key_opened(&mut self, now: Instant) {
        if self.turns.machine.is_closed_early() {
            // The key says that the user goes on.
            self.resume(now, now, Duration::ZERO);
        } else if self.turns.machine.phase() == Phase::Replying {
            self.feed(now, Input::StopPressed);
        }
    }

    /// Esc: a microphone that is open after the key, or until the next tap, closes; else the reply stops.
    pub(super) fn stop_pressed(&mut self, now: Instant) {
        let key = self.microphone.key;
        let tapped = self.settings.config().talk_key == TalkKey::Tap || key.is_by_media_key();
        if key.is_open() && (tapped || key.is_closing()) {
            self.microphone.key.close();
        } else {
            self.feed(now, Input::StopPressed);
        }
    }

    /// What has become of the key that works in any window; that there is none although it is wanted is a warning.
    pub(super) fn show_global_key(&mut self, state: GlobalKeyState) {
        if let Some(problem) = problem(&self.microphone.global_key.state) {
            self.withdraw(|| problem.as_str());
        }
        if let Some(problem) = problem(&state) {
            self.notice(Severity::Warning, problem);
        }
        self.microphone.global_key.state = state;
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
