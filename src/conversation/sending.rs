//! What goes to the service: the speech of turns, in order, and as fast as the connection takes them.
//!
//! ```text
//!  resend buffer ◄── frames     outbox: start · speech of 1 · end · start · speech of 2 …
//!    └── a piece at a time ────────────────▶ provider, while it has room
//! ```
//!
//! A link that is slower than speech, or a long utterance that is said again, fills nothing but the resend buffer.

use std::time::Duration;

use super::actor::Conversation;
use super::provider_link::Outgoing;
use crate::base::ids::TurnId;
use crate::base::localized_text::LocalizedText;
use crate::base::severity::Severity;
use crate::base::text::t;
use crate::base::units::SampleRate;
use crate::provider::{Control, ProviderCommand};

/// Words in one command: what 64 KiB of JSON hold several times, so that the connection is never idle for want of more.
const PIECE: Duration = Duration::from_millis(200);
/// Streamed frames that wait, a minute of them, from which the oldest go: only a link that is too slow for speech and a
/// service that decides about turns bring it to this.
const LONGEST_STREAM: usize = 6_000;

impl Conversation {
    /// Gives the provider as much as it has room for.
    pub(super) fn send_waiting(&mut self) {
        while self.provider.handle.commands.capacity() > 0
            && let Some(command) = self.next_outgoing()
        {
            // A provider that has ended says so with its events.
            self.provider.handle.commands.try_send(command).ok();
        }
    }

    /// The next thing to send.
    fn next_outgoing(&mut self) -> Option<ProviderCommand> {
        loop {
            match self.provider.outbox.pop_front()? {
                Outgoing::Command(command) => return Some(command),
                Outgoing::Speech { turn, until } => {
                    let most = SampleRate::WORKING.samples_in(PIECE);
                    let piece = self.turns.resend.take(turn, until, most);
                    if !piece.is_empty() {
                        self.provider
                            .outbox
                            .push_front(Outgoing::Speech { turn, until });
                        return Some(ProviderCommand::Audio(piece));
                    }
                }
            }
        }
    }

    pub(super) fn send(&mut self, command: ProviderCommand) {
        self.provider.outbox.push_back(Outgoing::Command(command));
    }

    pub(super) fn control(&mut self, control: Control) {
        if let Err(problem) = self.provider.handle.controls.try_send(control) {
            tracing::warn!(%problem, "the connection does not listen");
        }
    }

    pub(super) fn begin_turn(&mut self, turn: TurnId) {
        if self.begin_typed(turn) {
            return;
        }
        self.turns.resend.rewind(turn);
        self.warn_of_missing_speech(turn);
        // What an earlier connection wrote down is written down again.
        self.turns.captions.begin_again(turn);
        self.forget_answer(turn);
        if self.is_manual() {
            self.send(ProviderCommand::StartUtterance);
            self.send_speech(turn);
        } else {
            // Automatic detection streams anyway; only what an earlier connection took with it is said again, and at once,
            // as the next frame counts as streamed.
            let most = SampleRate::WORKING.samples_in(PIECE);
            loop {
                let piece = self.turns.resend.take(turn, u64::MAX, most);
                if piece.is_empty() {
                    break;
                }
                self.send(ProviderCommand::Audio(piece));
            }
        }
    }

    /// The connection has what was said before: only what follows is sent, and written down.
    pub(super) fn continue_turn(&mut self, turn: TurnId) {
        self.turns.captions.go_on(turn);
        self.forget_answer(turn);
        self.send(ProviderCommand::ContinueUtterance);
        self.send_speech(turn);
    }

    /// Another answer is awaited than the one that has come so far; what was searched for that is billed all the same.
    pub(super) fn forget_answer(&mut self, turn: TurnId) {
        self.withdraw_late(turn);
        if let Some(notes) = self.turns.notes.get_mut(&turn) {
            notes.searches_in_vain = notes.searches();
            (notes.searched, notes.answer) = Default::default();
        }
    }

    pub(super) fn end_turn(&mut self, turn: TurnId) {
        if let Some(notes) = self.turns.notes.get_mut(&turn) {
            // What comes now is the reply to all of it; what was noted of an earlier one is void.
            (notes.timings.decoded, notes.timings.begun) = (None, None);
            notes.timings.lag = self.turns.lag;
            notes.timings.dsp = self.counters.chain_delay.get();
        }
        if !self.holds_pause() {
            self.send_speech(turn);
        }
        if self.is_manual() {
            self.send(ProviderCommand::EndUtterance);
        } else if !self.is_typed(turn)
            && (self.microphone.muted || self.provider.streaming.is_none())
        {
            self.send(ProviderCommand::StopStream);
        }
    }

    /// Whether what is captured now is silence that is sent only if the user goes on.
    pub(super) fn holds_pause(&self) -> bool {
        let wanted = self.profiles.profile.turn.hold_pauses && self.is_manual();
        wanted && self.microphone.is_silent
    }

    /// All that is known of this turn by now is to be sent.
    pub(super) fn send_speech(&mut self, turn: TurnId) {
        let captured = self.turns.resend.captured(turn);
        match self.provider.outbox.back_mut() {
            Some(Outgoing::Speech { turn: last, until }) if *last == turn => *until = captured,
            _ if captured > 0 => self.provider.outbox.push_back(Outgoing::Speech {
                turn,
                until: captured,
            }),
            _ => {}
        }
    }

    /// Automatic detection: a frame of the stream.
    pub(super) fn stream(&mut self, samples: Vec<i16>) {
        if self.provider.outbox.len() >= LONGEST_STREAM {
            let is_sound =
                |next: &Outgoing| matches!(next, Outgoing::Command(ProviderCommand::Audio(_)));
            if let Some(oldest) = self.provider.outbox.iter().position(is_sound)
                && let Some(Outgoing::Command(ProviderCommand::Audio(samples))) =
                    self.provider.outbox.remove(oldest)
            {
                self.counters.uplink_dropped.add(samples.len() as u64);
            }
            let what = t!("the-connection-is-too-slow");
            self.notice(Severity::Warning, what);
        }
        self.send(ProviderCommand::Audio(samples));
    }

    /// Says once that a turn has become too long to be kept as a whole, if a connection did not get all of it.
    pub(super) fn warn_of_missing_speech(&mut self, turn: TurnId) {
        let said = match self.turns.notes.get_mut(&turn) {
            Some(notes) if self.turns.resend.missing(turn) > 0 => {
                std::mem::replace(&mut notes.missing_shown, true)
            }
            Some(_) | None => true,
        };
        if said {
            return;
        }
        let kept = self.turns.resend.longest().as_secs() / 60;
        let what = LocalizedText::new(move || t!("what-you-said-is-longer", kept));
        self.notice(Severity::Error, what);
    }

    /// An answer is owed, and the service gives no sign: the connection may be dead without anybody having said so.
    pub(super) fn replace_link(&mut self, silence: Duration) {
        if self.turns.machine.asked_turn().is_some() {
            let seconds = silence.as_secs();
            let what = t!(
                "for-s-a-new-connection",
                unresponsive = t!("the-service-has-been-silent"),
                seconds
            );
            self.notice(Severity::Warning, what);
        }
        self.control(Control::Replace);
    }

    /// The answer came, or will not come.
    pub(super) fn withdraw_unresponsive(&mut self) {
        self.withdraw(|| t!("the-service-has-been-silent"));
    }
}
