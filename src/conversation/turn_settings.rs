//! Patience and the early close: what the machine must know for them.

use std::time::{Duration, Instant};

use super::actor::Conversation;
use crate::base::frame::FRAME_DURATION;
use crate::profile::BargeIn;
use crate::turn::machine::{Input, Phase};
use crate::turn::patience::EndpointingSettings;
use crate::vad::SILENCE_STARTED_AFTER;

/// What a service at the other end of a network is taken to think before it was measured: the quickest answers of hosted
/// services that were seen.
const REMOTE_THINKS: Duration = Duration::from_millis(300);

impl Conversation {
    /// Tells the machine what profile and endpoint say.
    pub(super) fn apply_turn_settings(&mut self) {
        let turn = &self.profiles.profile.turn;
        let local = self.settings.is_local();
        self.turns.machine.set_endpointing(EndpointingSettings {
            patience: turn.patience,
            adaptive: turn.adaptive_patience,
            // A service that must not be interrupted would answer both halves of a sentence, one after the other.
            eager: turn.eager_endpoint && turn.barge_in != BargeIn::Off,
            earliest: SILENCE_STARTED_AFTER,
            eager_waste_percent: turn.eager_waste_percent,
            assumed_think: if local { Duration::ZERO } else { REMOTE_THINKS },
        });
    }

    /// The voice goes on before patience was over.
    pub(super) fn resume(&mut self, now: Instant, first_voiced: Instant, pause: Duration) {
        self.feed(
            now,
            Input::Resumed {
                first_voiced,
                pause,
            },
        );
        let preroll = self.profiles.profile.audio.preroll.as_nanos() / FRAME_DURATION.as_nanos();
        self.join_pause(usize::try_from(preroll).unwrap_or(usize::MAX));
    }

    /// The pause in which the turn was closed is part of it after all; of another turn its newest frames are the pre-roll.
    pub(super) fn join_pause(&mut self, preroll: usize) {
        if self.turns.machine.phase() == Phase::Speaking
            && let Some(turn) = self.turns.machine.asked_turn()
        {
            let frames = self.turns.resend.take_aside(turn, preroll);
            self.store_speech(&frames);
        }
    }
}
