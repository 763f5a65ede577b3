//! Turns and what they took, added up: for the conversation, for a profile, or for a model.

use std::ops::AddAssign;

use super::record::{LateTokens, TurnRecord, place};
use crate::base::cost::Cost;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TurnCounts {
    /// Turns by outcome, in the order completed, interrupted, cancelled, empty, failed.
    pub outcomes: [u64; 5],
    /// Turns that were typed; none of them is an utterance.
    pub typed: u64,
    /// Turns that the user went on in within a second of their end.
    pub cut_off: u64,
    /// How often the user did.
    pub cut_offs: u64,
    /// False endpoints: early closes of turns that went on.
    pub false_endpoints: u64,
    /// Tokens of the generations dropped with them, as far as the service counted them.
    pub wasted_tokens: u64,
    /// Times that replies stuttered, in closed turns.
    pub underruns: u64,
    /// Captured samples that were lost in closed turns.
    pub capture_dropped: u64,
    /// Functions that the service asked for.
    pub tool_calls: u64,
    /// Tokens that the service counted, prompt and response, those of dropped generations among them.
    pub tokens: u64,
    /// Of all tokens, those of thoughts.
    pub thoughts: u64,
    /// Cost of all tokens with a known price.
    pub cost: Option<Cost>,
}

impl TurnCounts {
    /// Turns of any outcome.
    pub fn all(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    pub const fn interrupted(&self) -> u64 {
        self.outcomes[1]
    }

    /// Turns that got their answer.
    pub const fn answered(&self) -> u64 {
        self.outcomes[0] + self.outcomes[1]
    }

    /// Turns without an answer that the user had not ended.
    pub const fn failed(&self) -> u64 {
        self.outcomes[3] + self.outcomes[4]
    }
}

impl From<&TurnRecord> for TurnCounts {
    fn from(record: &TurnRecord) -> Self {
        let mut outcomes = [0; 5];
        outcomes[place(&record.outcome)] = 1;
        Self {
            outcomes,
            typed: record.typed.into(),
            cut_off: (record.cut_offs > 0).into(),
            cut_offs: record.cut_offs.into(),
            false_endpoints: record.false_endpoints.into(),
            wasted_tokens: record.wasted_tokens.sum(),
            underruns: record.underruns,
            capture_dropped: record.capture_dropped,
            tool_calls: record.tool_calls.into(),
            tokens: record.all_tokens(),
            thoughts: record.thoughts(),
            cost: record.cost,
        }
    }
}

impl From<&LateTokens> for TurnCounts {
    fn from(late: &LateTokens) -> Self {
        let tokens = late.tokens.sum();
        Self {
            tokens,
            thoughts: late.tokens.thoughts,
            wasted_tokens: if late.wasted { tokens } else { 0 },
            cost: late.cost,
            ..Self::default()
        }
    }
}

impl AddAssign for TurnCounts {
    fn add_assign(&mut self, more: Self) {
        for (to, more) in self.outcomes.iter_mut().zip(more.outcomes) {
            *to += more;
        }
        self.typed += more.typed;
        self.cut_off += more.cut_off;
        self.cut_offs += more.cut_offs;
        self.false_endpoints += more.false_endpoints;
        self.wasted_tokens += more.wasted_tokens;
        self.underruns += more.underruns;
        self.capture_dropped += more.capture_dropped;
        self.tool_calls += more.tool_calls;
        self.tokens += more.tokens;
        self.thoughts += more.thoughts;
        Cost::add(&mut self.cost, more.cost);
    }
}
