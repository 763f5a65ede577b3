//! The early close: whether a turn is closed before patience is over, and after how much silence.
//!
//! ```text
//! silences: how long, after how much speech, the user went on or not ─▶ habits ─┐ the shortest silence that
//! tokens of each turn, and of the replies dropped in it ──────────────▶ budget ─┴▶ is likely enough to be the end
//! ```
//!
//! Two independent rules:
//!
//! * **Likely.** A silence after which the user continues costs a dropped reply; any other is followed by an answer. The
//!   share of dropped replies in all tokens stays below the limit if at each close the probability of a continuation is
//!   below it. That probability is estimated from the user's own silences (`habits`). It falls while the silence lasts,
//!   which determines the wait.
//! * **Affordable.** Whatever the habits say, a turn is closed early only if the share stays within the limit even if this
//!   close turns out to be a false endpoint (`budget`).
//!
//! Silences are recorded whether or not turns are closed in them, so the rate of false endpoints is known without paying for
//! them, and the early close can return without a trial. Pure.

mod budget;
mod habits;

use std::time::Duration;

pub use budget::TurnTokens;
use budget::{TokenBudget, TokenShare};
use habits::Habits;

/// State of the early close.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EarlyClose {
    /// Switched off, or not possible.
    #[default]
    Off,
    /// Off: the service answers too fast for a gain.
    Needless,
    /// After this much silence.
    After(Duration),
    /// Off: the user often pauses this long.
    Pauses,
    /// Off: not even one reply may be dropped.
    Never,
    /// Paused: another dropped reply would exceed the limit.
    Spent,
}

impl EarlyClose {
    /// The silence, if any.
    pub fn after(self) -> Option<Duration> {
        match self {
            Self::After(silence) => Some(silence),
            Self::Off | Self::Needless | Self::Pauses | Self::Never | Self::Spent => None,
        }
    }
}

/// Decides on early closes; see the [module](self).
#[derive(Clone, Debug, Default)]
pub(super) struct Early {
    habits: Habits,
    budget: TokenBudget,
}

impl Early {
    /// A silence after `spoken` of a turn lasted for `pause`, and the user went on.
    pub(super) fn went_on(&mut self, spoken: Duration, pause: Duration) {
        self.habits.went_on(spoken, pause);
    }

    /// A turn ended after `spoken`.
    pub(super) fn ended(&mut self, spoken: Duration) {
        self.habits.ended(spoken);
    }

    /// A turn had been closed early, and the user went on in it.
    pub(super) fn false_endpoint(&mut self) {
        self.budget.false_endpoint();
    }

    /// Forgets the cost of turns and keeps the user's habits.
    pub(super) fn forget_bills(&mut self) {
        self.budget = TokenBudget::default();
    }

    /// Records the tokens of a closed turn.
    pub(super) fn billed(&mut self, tokens: TurnTokens) {
        self.budget.billed(tokens);
    }

    /// The silence that a turn is closed after: from `first` on, at `last` at the latest. `spoken` is what was said of it
    /// before; `None` takes the last turn's length. Not more than `percent` of the tokens may be wasted.
    pub(super) fn close(
        &self,
        spoken: Option<Duration>,
        first: Duration,
        last: Duration,
        percent: u32,
    ) -> EarlyClose {
        let limit = TokenShare::percent(percent);
        if !TokenBudget::affords_any(limit) {
            return EarlyClose::Never;
        }
        if !self.budget.affords_another(limit) {
            return EarlyClose::Spent;
        }
        let cost = self.budget.relative_cost();
        let good = |chance: f64| limit.allows(chance * cost, 1.0 - chance);
        let after = self.habits.shortest(spoken, first, last, good);
        after.map_or(EarlyClose::Pauses, EarlyClose::After)
    }
}

#[cfg(test)]
mod tests;
