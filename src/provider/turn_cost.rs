//! What turns cost.
//!
//! ```text
//! counts by kind ─▶ Rates::cost ─▶ Cost { usd, at_most }
//! ```
//!
//! What the service counted without telling its kind, and thoughts, for which no rate is published, are charged at the
//! dearest rate of their side. Unless all rates of that side are the same, the sum is an upper bound, and says so.

use std::iter;

use crate::base::cost::Cost;
use crate::base::tokens::{Kinds, TokenCounts};

/// What a user says that tokens cost: US dollars for a million tokens, of whatever kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    pub prompt: f64,
    pub response: f64,
}

/// US dollars for a million tokens, by kind. `None`: no rate is published for this kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    pub text_in: Option<f64>,
    pub audio_in: Option<f64>,
    pub image_in: Option<f64>,
    pub text_out: Option<f64>,
    pub audio_out: Option<f64>,
}

/// US dollars for a search of the web: Google's price list for grounding with Google Search, $14 for a thousand.
const SEARCH: f64 = 0.014;

impl From<Price> for Rates {
    fn from(Price { prompt, response }: Price) -> Self {
        Self {
            text_in: Some(prompt),
            audio_in: Some(prompt),
            image_in: Some(prompt),
            text_out: Some(response),
            audio_out: Some(response),
        }
    }
}

impl Rates {
    /// What was counted, in US dollars; searches are charged besides.
    pub fn cost(&self, counts: &TokenCounts) -> Cost {
        let rates_in = [self.text_in, self.audio_in, self.image_in];
        let rates_out = [self.text_out, self.audio_out];
        let mut written = counts.response;
        written += Kinds {
            unassigned: counts.thoughts,
            ..Kinds::default()
        };
        let mut cost = side(&counts.prompt, &rates_in);
        cost += side(&written, &rates_out);
        // What the service still knew is billed at less, by an amount that is not published.
        cost.at_most |= counts.cached > 0 && differ(&rates_in);
        cost.usd += counts.searches as f64 * SEARCH;
        cost
    }
}

/// What one side costs; `rates` are those of text, audio and images, as far as the side has these kinds.
fn side(kinds: &Kinds, rates: &[Option<f64>]) -> Cost {
    let dearest = rates.iter().flatten().copied().fold(0.0, f64::max);
    let counts = [kinds.text, kinds.audio, kinds.image, kinds.unassigned];
    let rate_of = rates.iter().copied().chain(iter::repeat(None));
    let mut cost = Cost::default();
    for (count, rate) in counts.into_iter().zip(rate_of) {
        cost.usd += count as f64 * rate.unwrap_or(dearest) / 1e6;
        cost.at_most |= count > 0 && rate.is_none() && differ(rates);
    }
    cost
}

/// Whether it matters of which kind a token is.
fn differ(rates: &[Option<f64>]) -> bool {
    rates.windows(2).any(|pair| pair[0] != pair[1])
}

/// What is known of the price of a conversation's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pricing {
    Configured(Price),
    /// The service publishes it for the model.
    Published(Rates),
    /// The program answers itself: nothing is billed.
    Free,
    /// None is published for the model.
    #[default]
    Unpublished,
    /// Another service bills than the one whose prices are known here.
    Elsewhere,
}

impl Pricing {
    /// What holds: nothing for the demo, else the user's own price, else what the service publishes.
    pub fn new(is_demo: bool, configured: Option<Price>, published: Self) -> Self {
        match (is_demo, configured) {
            (true, _) => Self::Free,
            (false, Some(own)) => Self::Configured(own),
            (false, None) => published,
        }
    }

    /// What was counted, in US dollars, where the price is known.
    pub fn cost(self, counts: &TokenCounts) -> Option<Cost> {
        match self {
            Self::Configured(price) => Some(Rates::from(price).cost(counts)),
            Self::Published(rates) => Some(rates.cost(counts)),
            Self::Free | Self::Unpublished | Self::Elsewhere => None,
        }
    }

    /// Whether something is billed whose price is not known.
    pub const fn is_unknown(self) -> bool {
        matches!(self, Self::Unpublished | Self::Elsewhere)
    }
}
