//! Media keys and the button of a headset: one key for all, so what it does follows from what is going on.
//!
//! | now | Play/Pause | Play | Pause, Stop | Next |
//! | --- | --- | --- | --- | --- |
//! | the talk key is down, or was tapped | the microphone closes | | the microphone closes | |
//! | an answer is awaited or heard | it stops | | it stops | |
//! | otherwise | the microphone opens until the next press | the same | | the last answer again |

use std::time::Instant;

use super::actor::Conversation;
use crate::desktop::{MediaKey, MediaKeysState};
use crate::turn::machine::{Input, Phase};

impl Conversation {
    pub(super) fn press_media_key(&mut self, now: Instant, key: MediaKey) {
        let is_pressed = self.microphone.key.is_pressed();
        let answers = matches!(self.shown_phase(), Phase::Awaiting | Phase::Replying);
        match key {
            MediaKey::Next => self.hear_again(now),
            MediaKey::Play if is_pressed || answers => {}
            MediaKey::PlayPause if answers && !is_pressed => self.feed(now, Input::StopPressed),
            MediaKey::Stop if !is_pressed => self.stop_pressed(now),
            MediaKey::PlayPause | MediaKey::Play | MediaKey::Stop => self.tap(now),
        }
    }

    fn tap(&mut self, now: Instant) {
        self.microphone.held_in_vain = self.microphone.muted && !self.microphone.held_in_vain;
        if self.is_talk_closed() {
            return;
        }
        let delay = self.settings.config().release_delay;
        if self.microphone.key.press_media_key(now, delay) {
            self.key_opened(now);
        }
    }

    /// Whether media keys arrive. Where none does any more, none can close the microphone that one opened.
    pub(super) fn show_media_keys(&mut self, now: Instant, state: MediaKeysState) {
        let key = self.microphone.key;
        if state != MediaKeysState::Works && key.is_pressed() && key.is_by_media_key() {
            self.tap(now);
        }
        self.shown_settings.desktop.media_keys = state;
    }
}
