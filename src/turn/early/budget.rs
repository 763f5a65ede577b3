//! The token budget of early closes: tokens of dropped replies against all tokens, in every window of [`TURNS`] turns.
//!
//! A close is affordable if every window with this turn stays within the limit even if the close is a false endpoint:
//!
//! ```text
//! turns made, with their tokens       this one   turns to come, taken to cost half as much
//! ├──┴──┴──┴──┴──┴──┴──┴──┴──┴──┴──┴──┤ close? ├ ─ ┴ ─ ┴ ─ ┴ ─ ┴ ─ ┴ ─ ┤
//! └── a window ────────────────────────────────┘
//!          └── another window ────────────────────────────────┘   and all between
//! ```
//!
//! This is a forecast: if later turns are even cheaper (a fresh conversation without context), a window may exceed the limit.

use std::collections::VecDeque;

/// Turns of a window.
pub(super) const TURNS: usize = 20;
/// Coming turns are assumed to cost at least this share of the newest ones: the rest after a compression of the context (the
/// shipped profiles halve it).
const CHEAPER: f64 = 0.5;
/// The most expensive of this many newest turns is the estimate for the next: a turn without an answer is too cheap.
const NEWEST: usize = 3;
/// Growth of the cost per turn, because the context grows. More than a tenth per turn is a new conversation, whose later
/// turns are far more expensive.
const GROWS: f64 = 1.1;
/// Least cost of a dropped reply as a share of a turn: beside one long answer all others look cheap.
const LEAST_COST: f64 = 0.5;

/// The largest share of tokens that may be wasted.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenShare(f64);

impl TokenShare {
    pub(super) fn percent(percent: u32) -> Self {
        Self(f64::from(percent) / 100.0)
    }

    /// Whether this waste, beside this use, is within it.
    pub(super) fn allows(self, wasted: f64, used: f64) -> bool {
        wasted * (1.0 - self.0) <= used * self.0
    }
}

/// Tokens of a turn that is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnTokens {
    /// Its own, and what was counted late since the turn before; `None`: the service counted nothing.
    pub own: Option<u64>,
    /// Of replies that were dropped because the user went on; 0 may mean that nothing was counted.
    pub dropped: u64,
    /// How often the user went on after its end.
    pub reopened: u32,
    /// How often of these it had been closed early.
    pub false_endpoints: u32,
}

/// The budget; see the [module](self).
#[derive(Clone, Debug, Default)]
pub(super) struct TokenBudget {
    /// The newest last; as many as can share a window with the next one.
    turns: VecDeque<Turn>,
    /// False endpoints of turns that are not billed yet.
    open: u32,
    /// The service counts tokens. Until it has, each turn, and each reply, is one.
    counts: bool,
}

#[derive(Clone, Copy, Debug)]
struct Turn {
    used: f64,
    wasted: f64,
    /// Cost of a reply dropped in it, relative to the turn, if both were counted.
    relative: Option<f64>,
}

impl TokenBudget {
    pub(super) fn false_endpoint(&mut self) {
        self.open += 1;
    }

    pub(super) fn billed(&mut self, tokens: TurnTokens) {
        self.counts |= tokens.own.is_some();
        self.open = self.open.saturating_sub(tokens.false_endpoints);
        let uncounted = if self.counts { 0.0 } else { 1.0 };
        let own = tokens.own.map_or(uncounted, |own| own as f64);
        let closes = f64::from(tokens.false_endpoints);
        // Replies dropped after full patience do not count.
        let ours = tokens.dropped as f64 * closes / f64::from(tokens.reopened.max(1));
        let turn = if tokens.dropped > 0 {
            Turn {
                used: own + tokens.dropped as f64 - ours,
                wasted: ours,
                relative: (closes > 0.0 && own > 0.0).then(|| ours / closes / own),
            }
        } else {
            Turn {
                used: own,
                wasted: closes * own,
                relative: None,
            }
        };
        if self.turns.len() == TURNS - 1 {
            self.turns.pop_front();
        }
        self.turns.push_back(turn);
    }

    /// Estimated cost of a dropped reply relative to a turn: the recent maximum, or 1 if unknown.
    pub(super) fn relative_cost(&self) -> f64 {
        let seen = self.turns.iter().filter_map(|turn| turn.relative);
        seen.reduce(f64::max)
            .map_or(1.0, |most| most.max(LEAST_COST))
    }

    /// Whether any false endpoint is affordable: the first check of [`Self::affords_another`] without earlier waste.
    pub(super) fn affords_any(limit: TokenShare) -> bool {
        limit.allows(1.0, 1.0 + (TURNS - 1) as f64 * CHEAPER)
    }

    /// Whether another false endpoint is affordable.
    pub(super) fn affords_another(&self, limit: TokenShare) -> bool {
        let newest = self.turns.iter().rev().take(NEWEST);
        let dearest = newest.map(|turn| turn.used).reduce(f64::max);
        let next = GROWS * dearest.filter(|used| *used > 0.0).unwrap_or(1.0);
        // It may cost more than those before, and cannot be undone.
        let dropped = next * self.relative_cost().max(1.0);
        let (mut used, mut wasted) = (next, f64::from(self.open + 1) * dropped);
        // Window by window, from the one that begins with this turn to the one that ends with it.
        let mut past = self.turns.iter().rev();
        for to_come in (0..TURNS).rev() {
            if !limit.allows(wasted, used + to_come as f64 * CHEAPER * next) {
                return false;
            }
            // No full window yet.
            let Some(turn) = past.next() else { break };
            used += turn.used;
            wasted += turn.wasted;
        }
        true
    }
}
