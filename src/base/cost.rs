//! Costs: exact, or an upper bound.

use std::fmt;
use std::ops::AddAssign;

use super::text::{decimal, t};

/// US dollars. Shown as an upper bound where it is one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// The amount, in US dollars.
    pub usd: f64,
    /// An upper bound: a part was counted at the highest possible rate.
    pub at_most: bool,
}

impl Cost {
    /// The amount with this many decimals; an upper bound is rounded up.
    pub fn rounded(self, digits: i32) -> f64 {
        // What the sum of binary fractions is above the amount that was meant.
        const NOISE: f64 = 1e-6;
        let scale = 10_f64.powi(digits);
        let scaled = self.usd * scale;
        let rounded = if self.at_most {
            (scaled - NOISE).ceil()
        } else {
            scaled.round()
        };
        rounded / scale
    }

    /// Adds known amounts; two unknown amounts stay unknown.
    pub fn add(to: &mut Option<Self>, more: Option<Self>) {
        if let Some(more) = more {
            *to.get_or_insert_default() += more;
        }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, more: Self) {
        self.usd += more.usd;
        self.at_most |= more.at_most;
    }
}

impl fmt::Display for Cost {
    /// For people: hundredths of cents below ten cents, cents above.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = if self.usd < 0.1 { 4 } else { 2 };
        let amount = decimal(self.rounded(places), places as usize);
        let cost = t!("cost-in-dollars", amount);
        f.write_str(&if self.at_most {
            t!("cost-at-most", cost)
        } else {
            cost
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn cost(usd: f64, at_most: bool) -> Cost {
        Cost { usd, at_most }
    }

    #[test]
    fn an_upper_bound_is_never_shown_as_a_plain_number_nor_below_itself() {
        for (cost, shown) in [
            (cost(0.002_955, true), "at most $0.0030"),
            (cost(0.002_901, true), "at most $0.0030"),
            (cost(0.003, true), "at most $0.0030"),
            (cost(0.002_901, false), "$0.0029"),
            (cost(1.5, false), "$1.50"),
            (cost(1.501, true), "at most $1.51"),
            (cost(0.0, false), "$0.0000"),
        ] {
            assert_eq!(cost.to_string(), shown);
        }
        assert!((cost(0.002_901, true).rounded(6) - 0.002_901).abs() < 1e-12);
    }

    #[test]
    fn a_sum_with_an_upper_bound_in_it_is_one() {
        let mut sum = None;
        Cost::add(&mut sum, None);
        assert_eq!(sum, None);
        Cost::add(&mut sum, Some(cost(0.25, false)));
        assert_eq!(sum, Some(cost(0.25, false)));
        Cost::add(&mut sum, Some(cost(0.5, true)));
        Cost::add(&mut sum, Some(cost(0.25, false)));
        assert_eq!(sum, Some(cost(1.0, true)));
    }
}
