//! The budget of a run: its cost, and the limit. Pure.

use crate::base::cost::Cost;
use crate::base::tokens::{Kinds, TokenCounts};
use crate::provider::turn_cost::{Price, Pricing};
use crate::report::results::TurnRow;

/// Tokens per second of audio, in and out, by Google's documentation of the Live API.
const TOKENS_PER_SECOND: f64 = 25.0;

/// Parses a price: US dollars per million tokens, for input and output.
pub(super) fn price(text: &str) -> Result<Price, String> {
    let number = |text: &str| {
        text.trim()
            .parse::<f64>()
            .ok()
            .filter(|n| n.is_finite() && (0.0..=10_000.0).contains(n))
    };
    let parsed = text.split_once('/').and_then(|(input, output)| {
        Some(Price {
            prompt: number(input)?,
            response: number(output)?,
        })
    });
    parsed.ok_or_else(|| "expected are two amounts of US dollars for a million tokens, of input and output, as 3/12".to_owned())
}

/// The amount spent so far, and its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Budget {
    pricing: Pricing,
    limit: f64,
    spent: Cost,
}

impl Budget {
    pub(crate) fn new(price: Price, limit: f64) -> Self {
        Self {
            pricing: Pricing::Configured(price),
            limit,
            spent: Cost::default(),
        }
    }

    /// Pays for a turn: by the token counts of the service, else by the length of the audio in both directions; and for late
    /// tokens. The cost of the turn uses the same price.
    pub(crate) fn pay(&mut self, turn: &mut TurnRow, sent_s: f64, heard_s: f64) {
        let by_sound = || TokenCounts {
            prompt: sound(sent_s),
            response: sound(heard_s),
            ..TokenCounts::default()
        };
        let counted = turn.tokens.filter(|counts| counts.sum() > 0);
        let mut counts = counted.unwrap_or_else(by_sound);
        counts += turn.other_tokens;
        counts.searches += turn.searches;
        let cost = self.pricing.cost(&counts);
        turn.cost = cost.filter(|_| counted.is_some());
        self.spent += cost.unwrap_or_default();
    }

    pub(crate) fn spent(&self) -> Cost {
        self.spent
    }

    /// Whether nothing more may be spent.
    pub(crate) fn is_empty(&self) -> bool {
        self.spent.usd >= self.limit
    }
}

fn sound(seconds: f64) -> Kinds {
    Kinds {
        audio: (seconds * TOKENS_PER_SECOND).ceil() as u64,
        ..Kinds::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Price = Price {
        prompt: 3.0,
        response: 12.0,
    };

    #[test]
    fn a_price_is_two_amounts() {
        assert_eq!(price("3/12"), Ok(PRICE));
        for wrong in ["", "3", "3/", "a/b", "-1/2", "inf/1", "3/12/4", "1e9/1"] {
            assert!(price(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tokens_are_paid_as_counted_and_else_by_the_second() {
        let mut budget = Budget::new(PRICE, 0.01);
        let counts = TokenCounts {
            prompt: sound(40.0),
            response: sound(2.0),
            thoughts: 50,
            ..TokenCounts::default()
        };
        let mut counted = TurnRow {
            tokens: Some(counts),
            ..TurnRow::default()
        };
        budget.pay(&mut counted, 60.0, 60.0);
        let spent = |budget: &Budget| budget.spent().usd;
        assert!((spent(&budget) - 0.0042).abs() < 1e-9);
        assert_eq!(counted.cost, Some(budget.spent()));
        assert!(!budget.is_empty() && !budget.spent().at_most);
        let mut dropped = TurnRow {
            other_tokens: counts,
            ..TurnRow::default()
        };
        let mut other = budget;
        other.pay(&mut dropped, 0.0, 0.0);
        assert!((spent(&other) - 0.0084).abs() < 1e-9);
        // 60 s in and 20 s out: 1500 and 500 tokens.
        let mut silent = TurnRow::default();
        budget.pay(&mut silent, 60.0, 20.0);
        assert!((spent(&budget) - 0.0147).abs() < 1e-9);
        assert_eq!(silent.cost, None, "an estimate of the run, not of the turn");
        assert!(budget.is_empty());
    }
}
