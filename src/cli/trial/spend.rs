//! What a run costs, and when it has cost enough. Pure.

use std::str::FromStr;

use crate::report::figures::Turn;

/// Tokens in a second of sound, in and out: Google's documentation of the Live API, as far as it counts them itself.
const TOKENS_PER_SECOND: f64 = 25.0;

/// US dollars for a million tokens: what is sent, what is answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    input: f64,
    output: f64,
}

impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.trim()
                .parse::<f64>()
                .ok()
                .filter(|n| n.is_finite() && (0.0..=10_000.0).contains(n))
        };
        let parsed = text.split_once('/').and_then(|(input, output)| {
            Some(Self {
                input: number(input)?,
                output: number(output)?,
            })
        });
        parsed.ok_or_else(|| "expected are two amounts of US dollars for a million tokens, of input and output, as 3/12".to_owned())
    }
}

/// What was spent so far, and how much may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::cli) struct Purse {
    price: Price,
    limit: f64,
    spent: f64,
}

impl Purse {
    pub(in crate::cli) fn new(price: Price, limit: f64) -> Self {
        Self {
            price,
            limit,
            spent: 0.0,
        }
    }

    /// Pays for a turn: by the service's own count of tokens, else by the sound that went both ways; and for what it
    /// counted beside.
    pub(in crate::cli) fn pay(&mut self, turn: &Turn, sent_s: f64, heard_s: f64) {
        let by_sound = (sent_s * TOKENS_PER_SECOND, heard_s * TOKENS_PER_SECOND);
        let counted = turn
            .tokens
            .filter(|(prompt, response)| prompt + response > 0);
        let (input, output) = counted.map_or(by_sound, |(prompt, response)| {
            (prompt as f64, response as f64)
        });
        let other = turn.other_tokens;
        let (input, output) = (input + other.0 as f64, output + other.1 as f64);
        self.spent += (input * self.price.input + output * self.price.output) / 1e6;
    }

    /// US dollars so far.
    pub(in crate::cli) fn spent(&self) -> f64 {
        self.spent
    }

    /// Whether nothing more may be spent.
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.spent >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_two_amounts() {
        assert_eq!(
            "3/12".parse(),
            Ok(Price {
                input: 3.0,
                output: 12.0
            })
        );
        for wrong in ["", "3", "3/", "a/b", "-1/2", "inf/1", "3/12/4", "1e9/1"] {
            assert!(wrong.parse::<Price>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn tokens_are_paid_as_counted_and_else_by_the_second() {
        let mut purse = Purse::new(
            Price {
                input: 3.0,
                output: 12.0,
            },
            0.01,
        );
        let counted = Turn {
            tokens: Some((1_000, 100)),
            ..Turn::default()
        };
        purse.pay(&counted, 60.0, 60.0);
        assert!((purse.spent() - 0.0042).abs() < 1e-9);
        assert!(!purse.is_empty());
        let dropped = Turn {
            other_tokens: (1_000, 100),
            ..Turn::default()
        };
        let mut other = purse;
        other.pay(&dropped, 0.0, 0.0);
        assert!((other.spent() - 0.0084).abs() < 1e-9);
        // 60 s in and 20 s out: 1500 and 500 tokens.
        purse.pay(&Turn::default(), 60.0, 20.0);
        assert!((purse.spent() - 0.0147).abs() < 1e-9);
        assert!(purse.is_empty());
    }
}
