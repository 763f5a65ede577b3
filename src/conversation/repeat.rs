//! The last reply, heard once more.

use super::actor::Conversation;
use super::snapshot::RepeatView;
use crate::audio;
use crate::base::frame::Pcm;
use crate::base::ids::TurnId;
use crate::base::text::t;
use crate::turn::machine::{Input, Phase};
use std::time::Instant;

impl Conversation {
    /// The user wants to hear the last reply again.
    pub(super) fn hear_again(&mut self, now: Instant) {
        if self.repeat().hindrance.is_none() {
            self.feed(now, Input::Repeat);
        }
    }

    /// The machine opened a turn for the kept reply: all of it goes to the speaker.
    pub(super) fn play_again(&mut self, turn: TurnId) {
        let pieces: Vec<Pcm> = self.turns.replay.pieces(turn).collect();
        for piece in pieces {
            self.command_voice(audio::VoiceCommand::Play(piece));
        }
        self.command_voice(audio::VoiceCommand::EndReply(turn));
    }

    /// Whether the last reply can be heard again, and why not.
    pub(super) fn repeat(&self) -> RepeatView {
        let turn = self.turns.replay.turn();
        let hindrance = match (self.turns.machine.phase(), turn) {
            (Phase::Speaking, _) => Some(t!("not-while-you-speak")),
            (Phase::Awaiting, _) => Some(t!("an-answer-is-on-its")),
            (Phase::Replying, _) => Some(t!("an-answer-is-playing")),
            _ if self.is_checking() => Some(t!("the-sound-is-being-checked")),
            (Phase::Idle, None) => Some(t!("no-answer-was-heard-in")),
            (Phase::Idle, _) if !self.turns.machine.is_quiet() => {
                Some(t!("an-answer-is-being-stopped"))
            }
            (Phase::Idle, _) if self.voice.output.trouble.is_some() => {
                Some(t!("there-is-no-speaker"))
            }
            (Phase::Idle, Some(_)) => None,
        };
        RepeatView { turn, hindrance }
    }
}
