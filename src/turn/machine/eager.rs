//! The eager endpoint: closes a turn before patience is over, as far as the thinking time of the service hides the rest.
//!
//! ```text
//!                  T_e of silence                      patience over
//!  Speaking ───────────────────────▶ closed early ──────────────────────▶ closed for good
//!     ▲             End              reply is held                        reply may be heard
//!     └──── the voice goes on ───────────┘                                    │
//!     └──── the voice goes on, nothing of the reply was heard ────────────────┘
//! ```
//!
//! If the user goes on, the turn stays the same: the generation is cancelled (a false endpoint), and the uplink continues.

use std::time::{Duration, Instant};

use super::open_turn::{Ending, Pause};
use super::{EndpointingSettings, Machine, OpenTurn, Phase};
use crate::base::ids::Mark;
use crate::turn::early::{EarlyClose, TurnTokens};

impl Machine {
    /// Sets patience and early closing from profile and endpoint.
    pub fn set_endpointing(&mut self, settings: EndpointingSettings) {
        self.pace.set(settings);
    }

    /// Another service or model will answer: forgets the think times.
    pub fn forget_thinking(&mut self) {
        self.pace.forget_thoughts();
    }

    /// Another endpoint will answer: forgets the token counts, which it may count differently.
    pub fn forget_bills(&mut self) {
        self.pace.forget_bills();
    }

    /// Records the tokens of a closed turn; called once for each, in order.
    pub fn billed(&mut self, tokens: TurnTokens) {
        self.pace.billed(tokens);
    }

    /// Pause after which an utterance is over, for the segmenter.
    pub fn patience(&self) -> Duration {
        if !self.manual {
            return self.pace.settings().patience;
        }
        let silence = self.open.as_ref().and_then(|turn| turn.silence);
        self.pace.patience(silence.map(|silence| silence.close))
    }

    /// State of the early close in a turn like the last one.
    pub fn early_close(&self) -> EarlyClose {
        if self.manual {
            self.pace.usual()
        } else {
            EarlyClose::Off
        }
    }

    /// Whether the open turn is closed while patience runs: for the user it is still open, and its reply is held back.
    pub fn is_closed_early(&self) -> bool {
        self.open.as_ref().is_some_and(OpenTurn::is_early)
    }

    pub(super) fn lull(&mut self, now: Instant, last_voiced: Instant) {
        let its = |turn: &&mut OpenTurn| turn.phase == Phase::Speaking;
        let Some(turn) = self.open.as_mut().filter(its).filter(|_| self.manual) else {
            return;
        };
        let begun = turn.timeline.get(Mark::SpeechStart);
        let spoken = last_voiced.saturating_duration_since(begun.unwrap_or(last_voiced));
        turn.silence = Some(Pause {
            since: last_voiced,
            spoken,
            close: self.pace.close(Some(spoken)),
        });
        self.close_early_if_due(now);
    }

    /// When the present pause is long enough. Without a connection the service does not think.
    pub(super) fn early_deadline(&self) -> Option<Instant> {
        let turn = self.open.as_ref()?;
        let its = turn.phase == Phase::Speaking && turn.offered && self.connected && self.manual;
        let silence = turn.silence.filter(|_| its && self.pace.settings().eager)?;
        Some(silence.since + silence.close.after()?)
    }

    pub(super) fn close_early_if_due(&mut self, now: Instant) {
        if self.early_deadline().is_none_or(|at| now < at) {
            return;
        }
        let Some(turn) = &mut self.open else { return };
        if let Some(silence) = turn.silence {
            turn.timeline.set(Mark::SpeechEnd, silence.since);
        }
        turn.timeline.set(Mark::Endpoint, now);
        (turn.phase, turn.ending) = (Phase::Awaiting, Ending::Early);
        turn.last_sign = now;
        let id = turn.id;
        self.end(now, id);
    }

    /// Patience is over for a turn that was closed early.
    pub(super) fn confirm(&mut self, now: Instant, last_voiced: Instant) {
        if let Some(turn) = self.open.as_mut().filter(|turn| turn.is_early()) {
            turn.ending = Ending::Confirmed(now);
            let (end, endpoint) = (
                turn.timeline.get(Mark::SpeechEnd),
                turn.timeline.get(Mark::Endpoint),
            );
            // The end of a word may be found late; after the endpoint it would not belong to this utterance.
            if Some(last_voiced) > end && Some(last_voiced) <= endpoint {
                turn.timeline.set(Mark::SpeechEnd, last_voiced);
            }
            if let Some(ready) = turn.timeline.get(Mark::FirstAudio) {
                turn.timeline.held = now.saturating_duration_since(ready);
            }
        }
        // The service had closed it without content before patience was over.
        if self.open.as_ref().is_some_and(|turn| turn.completed) {
            self.close_if_empty();
        }
    }

    pub(super) fn resumed(&mut self, now: Instant, first_voiced: Instant, pause: Duration) {
        if !self.manual {
            return;
        }
        match &mut self.open {
            Some(turn) if turn.phase == Phase::Speaking => {
                let spoken = turn.silence.take().map(|silence| silence.spoken);
                self.pace.paused(spoken, pause, true);
            }
            Some(turn) if turn.is_early() => self.reopen(first_voiced),
            // The turn of this utterance is gone (Esc, a failure): further speech is a new turn.
            Some(_) | None => {
                self.pace.paused(None, pause, true);
                self.speech_started(now, first_voiced);
            }
        }
    }

    /// Counts that the user went on in this turn, and learns from it.
    pub(super) fn count_reopened(&mut self, turn: &mut OpenTurn, first_voiced: Instant) {
        turn.reopened += 1;
        if turn.ending == Ending::Plain {
            return self.count_cut_off(turn, first_voiced);
        }
        turn.false_endpoints += 1;
        self.pace.false_endpoint();
        if let Some(pause) = turn.pause_until(first_voiced) {
            self.pace.paused(turn.spoken(), pause, true);
        }
    }
}

#[cfg(test)]
mod tests;
