//! Patience, and how much of it the thinking time of the service hides (endpointing).
//!
//! ```text
//! last word       closed early                       patience over
//!     ├── T_e ─────────┤                                  │
//!     │                ├───── S, the service thinks ──────┤▶ reply
//!     ├────────────────── T_c, patience ──────────────────┤
//! ```
//!
//! A reply is heard `max(T_e + S, T_c)` after the last word. Closing before `T_c − S` gains nothing and wastes generations,
//! so `T_e ≥ T_c − S`, with S one of the shorter recent think times: a reply is rarely ready before patience is over. The
//! close is later, or omitted, where the user's pauses make it too expensive ([`early`](super::early)). With a service that
//! answers at once nothing is closed early. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use super::adaptive_patience::AdaptivePatience;
use super::early::{Early, EarlyClose, TurnTokens};

/// Window of think times: services change their speed within minutes.
const REMEMBERED: usize = 8;
/// The quantile in use: three of four answers take at least as long.
const LOW: f64 = 0.25;
/// Least lead of an early close: the end of patience is noticed a period and two frames late (20 to 35 ms), which an early
/// close saves.
const LEAST_GAIN: Duration = Duration::from_millis(40);

/// Settings from profile and endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointingSettings {
    /// Silence after which a turn is over.
    pub patience: Duration,
    /// Whether it follows the user's pauses.
    pub adaptive: bool,
    /// Whether turns are closed early.
    pub eager: bool,
    /// Silence after which they are at the earliest.
    pub earliest: Duration,
    /// Tokens of replies that are dropped because the user goes on, in percent of all tokens of the last 20 turns, at most.
    pub eager_waste_percent: u32,
    /// The service's think time before one was measured.
    pub assumed_think: Duration,
}

impl Default for EndpointingSettings {
    /// The plain timer of the default profile.
    fn default() -> Self {
        Self {
            patience: Duration::from_millis(500),
            adaptive: false,
            eager: false,
            earliest: Duration::from_millis(120),
            eager_waste_percent: 10,
            assumed_think: Duration::ZERO,
        }
    }
}

/// Patience and early close; see the [module](self).
#[derive(Clone, Debug, Default)]
pub(super) struct Endpointing {
    settings: EndpointingSettings,
    pauses: AdaptivePatience,
    early: Early,
    /// Think times, oldest first.
    thoughts: VecDeque<Duration>,
    /// State of the early close in a turn like the last one.
    usual: EarlyClose,
}

impl Endpointing {
    pub(super) fn set(&mut self, settings: EndpointingSettings) {
        self.settings = settings;
        self.update_usual();
    }

    pub(super) fn settings(&self) -> &EndpointingSettings {
        &self.settings
    }

    /// Records the time from the end of a turn to the first audio.
    pub(super) fn thought(&mut self, time: Duration) {
        if self.thoughts.len() == REMEMBERED {
            self.thoughts.pop_front();
        }
        self.thoughts.push_back(time);
        self.update_usual();
    }

    /// Another service or model will answer: forgets the think times.
    pub(super) fn forget_thoughts(&mut self) {
        self.thoughts.clear();
        self.update_usual();
    }

    /// Another endpoint will answer: forgets the token counts.
    pub(super) fn forget_bills(&mut self) {
        self.early.forget_bills();
        self.update_usual();
    }

    /// The user paused within a turn; before patience was over, if it was long `enough`. `spoken` is what was said of it
    /// before, where it may have been closed early.
    pub(super) fn paused(&mut self, spoken: Option<Duration>, pause: Duration, enough: bool) {
        if enough {
            self.pauses.paused(pause);
        } else {
            self.pauses.cut_off(pause);
        }
        if let Some(spoken) = spoken {
            self.early.went_on(spoken, pause);
        }
        self.update_usual();
    }

    /// A turn ended after `spoken`, where it may have been closed early; `cut_off`: patience was too short in it.
    pub(super) fn ended(&mut self, spoken: Option<Duration>, cut_off: bool) {
        if !cut_off {
            self.pauses.ended_well();
        }
        if let Some(spoken) = spoken {
            self.early.ended(spoken);
        }
        self.update_usual();
    }

    /// Records that the user went on in a turn that was closed early.
    pub(super) fn false_endpoint(&mut self) {
        self.early.false_endpoint();
        self.update_usual();
    }

    /// Records the tokens of a turn.
    pub(super) fn billed(&mut self, tokens: TurnTokens) {
        self.early.billed(tokens);
        self.update_usual();
    }

    /// Silence after which a turn is over; `close` is what was decided about its early close, once that is.
    pub(super) fn patience(&self, close: Option<EarlyClose>) -> Duration {
        let learnt = self.learnt();
        match close.unwrap_or(self.usual).after() {
            // Thinking time hidden behind an early close is free.
            Some(after) if self.settings.adaptive => {
                let hidden = after + self.low_think();
                learnt.max(hidden.min(2 * self.settings.patience))
            }
            _ => learnt,
        }
    }

    /// State of the early close in a turn like the last one.
    pub(super) fn usual(&self) -> EarlyClose {
        self.usual
    }

    /// State of the early close after `spoken`; `None`: as long as in the last turn.
    pub(super) fn close(&self, spoken: Option<Duration>) -> EarlyClose {
        if !self.settings.eager {
            return EarlyClose::Off;
        }
        let (think, learnt) = (self.low_think(), self.learnt());
        let first = self.settings.earliest.max(learnt.saturating_sub(think));
        let most = self.patience(Some(EarlyClose::After(first)));
        if think < LEAST_GAIN || first + LEAST_GAIN > most {
            return EarlyClose::Needless;
        }
        let last = learnt.saturating_sub(LEAST_GAIN);
        let percent = self.settings.eager_waste_percent;
        self.early.close(spoken, first, last, percent)
    }

    /// The patience in use for this user.
    fn learnt(&self) -> Duration {
        let wanted = self.settings.patience;
        if self.settings.adaptive {
            self.pauses.now(wanted)
        } else {
            wanted
        }
    }

    /// Recomputes the usual close after a change; it is read too often to be computed each time.
    fn update_usual(&mut self) {
        self.usual = self.close(None);
    }

    /// A think time that most answers take at least.
    fn low_think(&self) -> Duration {
        // Without allocation: called for every frame.
        let mut sorted = [Duration::ZERO; REMEMBERED];
        for (place, time) in sorted.iter_mut().zip(&self.thoughts) {
            *place = *time;
        }
        let sorted = &mut sorted[..self.thoughts.len().min(REMEMBERED)];
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        let place = (last as f64 * LOW).round() as usize;
        sorted
            .get(place)
            .copied()
            .unwrap_or(self.settings.assumed_think)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn pace(patience: u64, adaptive: bool, assumed: u64, thoughts: &[u64]) -> Endpointing {
        let mut pace = Endpointing::default();
        pace.set(EndpointingSettings {
            patience: ms(patience),
            adaptive,
            eager: true,
            assumed_think: ms(assumed),
            ..EndpointingSettings::default()
        });
        thoughts.iter().for_each(|&t| pace.thought(ms(t)));
        pace
    }

    #[test]
    fn a_turn_is_closed_as_early_as_thinking_hides_and_no_earlier() {
        for (patience, thoughts, early) in [
            (500, &[0_u64][..], None),
            (500, &[39], None),
            (500, &[150], Some(350)),
            (500, &[380], Some(120)),
            (500, &[5_000], Some(120)),
            (150, &[600], None),
            (750, &[630; 8], Some(120)),
            // The quicker ones count, the quickest is an exception.
            (700, &[100, 400, 420, 430, 450, 500, 900, 2_000], Some(280)),
            (700, &[100, 200, 420, 430, 450, 500, 900, 2_000], Some(280)),
        ] {
            let got = pace(patience, false, 0, thoughts).usual().after();
            assert_eq!(got, early.map(ms), "{patience} {thoughts:?}");
        }
    }

    #[test]
    fn before_a_measurement_the_assumption_counts_and_old_ones_are_forgotten() {
        let early = |pace: &Endpointing| pace.usual().after();
        assert_eq!(early(&pace(500, false, 300, &[])), Some(ms(200)));
        let mut changed = pace(500, false, 0, &[900; 8]);
        (0..8).for_each(|_| changed.thought(ms(150)));
        assert_eq!(early(&changed), Some(ms(350)));
        changed.forget_thoughts();
        assert_eq!(changed.usual(), EarlyClose::Needless);
    }

    #[test]
    fn patience_that_thinking_hides_is_given_and_no_more_than_twice_the_profiles() {
        let patience = |pace: &Endpointing| pace.patience(None);
        assert_eq!(patience(&pace(500, true, 0, &[630])), ms(750));
        assert_eq!(patience(&pace(300, true, 0, &[630])), ms(600));
        assert_eq!(patience(&pace(500, true, 0, &[2])), ms(500));
        assert_eq!(patience(&pace(500, false, 0, &[630])), ms(500));
        let mut plain = pace(500, true, 0, &[630]);
        plain.settings.eager = false;
        plain.update_usual();
        assert_eq!(
            (patience(&plain), plain.usual()),
            (ms(500), EarlyClose::Off)
        );
    }

    #[test]
    fn what_is_not_closed_early_is_waited_for_no_longer_than_the_user_needs() {
        let pace = pace(500, true, 0, &[630]);
        for close in [EarlyClose::Pauses, EarlyClose::Spent] {
            assert_eq!(pace.patience(Some(close)), ms(500));
        }
        let later = EarlyClose::After(ms(300));
        assert_eq!(
            pace.patience(Some(later)),
            ms(930),
            "as its reply comes no sooner"
        );
        let late = EarlyClose::After(ms(450));
        assert_eq!(pace.patience(Some(late)), ms(1_000), "twice the profile's");
    }
}
