//! The sound check: while it runs nobody else is heard, and nothing of it goes to the service.

use super::actor::Conversation;
use super::shown_check::{OVER_AFTER, ShownCheck};
use super::snapshot::{CheckLine, CheckStep, CheckView};
use super::sound_check_text::{self, CheckContext};
use crate::audio::{self, CheckEvent};
use crate::base::text::t;
use crate::dsp::sound_check::SoundCheckPhase;
use crate::turn::machine::Input;
use std::sync::Arc;
use std::time::Instant;

impl Conversation {
    /// Begins a check, or says why there cannot be one.
    pub(super) fn check_sound(&mut self, now: Instant, with_voice: bool) {
        self.check = Some(ShownCheck {
            view: CheckView {
                with_voice,
                step: CheckStep::Quiet,
                progress: 0.0,
                lines: Arc::default(),
            },
            until: now + OVER_AFTER,
        });
        let hindrance = if self.microphone.muted {
            Some((t!("the-microphone-is-muted"), t!("unmute-it-with-ctrl-m")))
        } else if self.playlist.is_some() {
            Some((
                t!("sound-files-are-used-instead"),
                t!("start-without-files-and-check"),
            ))
        } else if self.voice.input.stream.is_none() {
            Some((t!("there-is-none"), t!("plug-one-in-or-choose-one")))
        } else {
            None
        };
        if let Some((what, hint)) = hindrance {
            return self.end_check(sound_check_text::failed(what, hint));
        }
        self.microphone.key.close();
        self.command_voice(audio::VoiceCommand::CheckSound { with_voice });
        self.stop_turns_for_check(now);
    }

    /// Ends a check, or takes its results away.
    pub(super) fn cancel_check(&mut self) {
        if self.check.take().is_some_and(|check| check.is_running()) {
            self.command_voice(audio::VoiceCommand::CancelCheck);
        }
    }

    pub(super) fn is_checking(&self) -> bool {
        self.check.as_ref().is_some_and(ShownCheck::is_running)
    }

    pub(super) fn on_check(&mut self, event: CheckEvent) {
        let Some(check) = self.check.as_mut().filter(|check| check.is_running()) else {
            return;
        };
        match event {
            CheckEvent::Step { phase, progress } => {
                check.view.step = match phase {
                    SoundCheckPhase::Quiet => CheckStep::Quiet,
                    SoundCheckPhase::Speak => CheckStep::Speak,
                    SoundCheckPhase::Chirp => CheckStep::Chirp,
                };
                check.view.progress = progress;
            }
            CheckEvent::Done(report) => {
                let speaker = self.voice.output.stream.as_ref();
                let around = CheckContext {
                    with_voice: check.view.with_voice,
                    headset: speaker.is_some_and(|stream| stream.device.headset),
                };
                self.end_check(sound_check_text::lines(&report, around));
            }
        }
    }

    /// Nothing that is said or awaited meanwhile is heard: it would be taken for the room's noise, or for the chirp.
    pub(super) fn stop_turns_for_check(&mut self, now: Instant) {
        if self.is_checking() && !self.turns.machine.is_quiet() {
            self.feed(now, Input::StopPressed);
        }
    }

    /// Gives up a check that the microphone gives nothing to.
    pub(super) fn end_late_check(&mut self, now: Instant) {
        let late = |check: &ShownCheck| check.is_running() && now >= check.until;
        let lost = self.is_checking() && self.voice.input.stream.is_none();
        if lost || self.check.as_ref().is_some_and(late) {
            self.command_voice(audio::VoiceCommand::CancelCheck);
            self.end_check(sound_check_text::failed(
                t!("no-sound-came-from-it"),
                t!("plug-it-in-again-or"),
            ));
        }
    }

    fn end_check(&mut self, lines: Vec<CheckLine>) {
        if let Some(check) = &mut self.check {
            check.view.step = CheckStep::Over;
            check.view.progress = 1.0;
            check.view.lines = lines.into();
        }
    }
}
