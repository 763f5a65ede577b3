//! What turns cost. The one place that knows prices.
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
    /// Of the prompt.
    pub prompt: f64,
    /// Of the answer.
    pub response: f64,
}

/// US dollars for a million tokens, by kind. `None`: no rate is published for this kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    text_in: Option<f64>,
    audio_in: Option<f64>,
    image_in: Option<f64>,
    text_out: Option<f64>,
    audio_out: Option<f64>,
}

/// US dollars for a search of the web: Google's price list for grounding with Google Search, $14 for a thousand.
const SEARCH: f64 = 0.014;

/// Of 3.8, with and without extended thinking.
const LIVE_3_8: Rates = Rates {
    text_in: Some(0.75),
    audio_in: Some(3.0),
    image_in: Some(1.0),
    text_out: Some(4.5),
    audio_out: Some(12.0),
};
/// Of translation and transcription, which take audio alone.
const LIVE_3_5: Rates = Rates {
    text_in: None,
    audio_in: Some(3.5),
    image_in: None,
    text_out: Some(21.0),
    audio_out: Some(21.0),
};

/// Rates by the beginning of the model's name. Source: the price tables of litellm 1.110.2 and genai-prices 0.2.3, which
/// agree, November 2026. Other families have no published price: theirs stays unknown.
const RATES: [(&str, Rates); 3] = [
    ("gemini-3.8-live", LIVE_3_8),
    ("gemini-3.5-live-translate", LIVE_3_5),
    ("gemini-3.5-transcribe-live", LIVE_3_5),
];

/// The rates of a model, where they are published.
#[must_use]
pub fn rates(model: &str) -> Option<Rates> {
    let name = model.rsplit('/').next().unwrap_or(model);
    RATES
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix))
        .map(|(_, rates)| *rates)
}

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
    #[must_use]
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
    /// The user set it.
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

/// Who bills the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Biller {
    /// Nobody.
    Nobody,
    /// Google.
    Google,
    /// Somebody else.
    Other,
}

impl Pricing {
    /// What holds: the user's own price, else the published one where it is Google that bills.
    #[must_use]
    pub fn new(biller: Biller, configured: Option<Price>, model: &str) -> Self {
        match (biller, configured) {
            (Biller::Nobody, _) => Self::Free,
            (_, Some(own)) => Self::Configured(own),
            (Biller::Google, None) => rates(model).map_or(Self::Unpublished, Self::Published),
            (Biller::Other, None) => Self::Elsewhere,
        }
    }

    /// What was counted, in US dollars, where the price is known.
    #[must_use]
    pub fn cost(self, counts: &TokenCounts) -> Option<Cost> {
        match self {
            Self::Configured(price) => Some(Rates::from(price).cost(counts)),
            Self::Published(rates) => Some(rates.cost(counts)),
            Self::Free | Self::Unpublished | Self::Elsewhere => None,
        }
    }

    /// Whether something is billed whose price is not known.
    #[must_use]
    pub const fn is_unknown(self) -> bool {
        matches!(self, Self::Unpublished | Self::Elsewhere)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn kinds(text: u64, audio: u64, image: u64, unassigned: u64) -> Kinds {
        Kinds {
            text,
            audio,
            image,
            unassigned,
        }
    }

    /// A receipt of `gemini-3.8-live` for the one word "Hello." (discuss.ai.google.dev, thread 188765).
    const RECEIPT: TokenCounts = TokenCounts {
        prompt: kinds(332, 165, 0, 25),
        response: kinds(0, 42, 0, 0),
        thoughts: 136,
        cached: 0,
        searches: 0,
    };

    fn cost(model: &str, counts: &TokenCounts) -> String {
        rates(model).expect("published").cost(counts).to_string()
    }

    #[test]
    fn a_receipt_with_thoughts_is_an_upper_bound_and_one_with_all_details_is_plain() {
        for model in [
            "gemini-3.8-live",
            "models/gemini-3.8-live-extended-thinking",
        ] {
            assert_eq!(cost(model, &RECEIPT), "at most $0.0030");
        }
        let model = "gemini-3.8-live";
        let exact = TokenCounts {
            prompt: kinds(332, 165, 0, 0),
            thoughts: 0,
            ..RECEIPT
        };
        assert_eq!(
            cost(model, &exact),
            "$0.0012",
            "332 × 0.75 + 165 × 3 + 42 × 12"
        );
        let unassigned = TokenCounts {
            thoughts: 0,
            ..RECEIPT
        };
        assert!(cost(model, &unassigned).starts_with("at most"));
        let cached = TokenCounts { cached: 1, ..exact };
        assert!(cost(model, &cached).starts_with("at most"));
    }

    #[test]
    fn each_kind_has_its_rate() {
        let of = |prompt, response| TokenCounts {
            prompt,
            response,
            ..TokenCounts::default()
        };
        let none = Kinds::default();
        let million = 1_000_000;
        let table = [
            ("3.8-live", of(kinds(million, 0, 0, 0), none), "$0.75"),
            ("3.8-live", of(kinds(0, million, 0, 0), none), "$3.00"),
            ("3.8-live", of(kinds(0, 0, million, 0), none), "$1.00"),
            (
                "3.8-live",
                of(kinds(0, 0, 0, million), none),
                "at most $3.00",
            ),
            ("3.8-live", of(none, kinds(million, 0, 0, 0)), "$4.50"),
            ("3.8-live", of(none, kinds(0, million, 0, 0)), "$12.00"),
            (
                "3.8-live",
                of(none, kinds(0, 0, 0, million)),
                "at most $12.00",
            ),
            // Its price is not published.
            (
                "3.5-live-translate-preview",
                of(kinds(million, 0, 0, 0), none),
                "at most $3.50",
            ),
            // One rate for this side: it matters not of which kind a token is.
            (
                "3.5-live-translate-preview",
                of(none, kinds(0, 0, 0, million)),
                "$21.00",
            ),
            (
                "3.5-transcribe-live",
                of(none, kinds(million, 0, 0, 0)),
                "$21.00",
            ),
        ];
        for (model, counts, shown) in table {
            assert_eq!(
                cost(&format!("gemini-{model}"), &counts),
                shown,
                "{counts:?}"
            );
        }
        assert_eq!(rates("gemini-3.1-flash-live-preview"), None);
        assert_eq!(rates("gemini-9-live"), None);
    }

    #[test]
    fn a_search_is_charged_whoever_sets_the_price_of_tokens() {
        let searched = TokenCounts {
            searches: 2,
            ..TokenCounts::default()
        };
        assert_eq!(cost("gemini-3.8-live", &searched), "$0.0280");
        let own = Price {
            prompt: 3.0,
            response: 12.0,
        };
        let cost = Pricing::Configured(own).cost(&searched).expect("known");
        assert_eq!(cost.to_string(), "$0.0280");
    }

    #[test]
    fn the_users_price_goes_before_the_published_one_is_plain_and_the_demo_costs_nothing() {
        let (known, unknown) = ("models/gemini-3.8-live", "gemini-9-live");
        let published = Pricing::Published(rates(known).expect("published"));
        let own = Price {
            prompt: 3.0,
            response: 12.0,
        };
        let table = [
            (Biller::Google, None, known, published),
            (Biller::Google, None, unknown, Pricing::Unpublished),
            (Biller::Google, Some(own), known, Pricing::Configured(own)),
            (Biller::Google, Some(own), unknown, Pricing::Configured(own)),
            (Biller::Other, None, known, Pricing::Elsewhere),
            (Biller::Other, Some(own), known, Pricing::Configured(own)),
            (Biller::Nobody, Some(own), known, Pricing::Free),
            (Biller::Nobody, None, known, Pricing::Free),
        ];
        for (biller, configured, model, wanted) in table {
            let pricing = Pricing::new(biller, configured, model);
            assert_eq!(pricing, wanted, "{biller:?} {configured:?} {model}");
            let priced = matches!(wanted, Pricing::Configured(_) | Pricing::Published(_));
            assert_eq!(pricing.cost(&RECEIPT).is_some(), priced);
            assert_eq!(pricing.is_unknown(), !priced && wanted != Pricing::Free);
        }
        let cost = Pricing::Configured(own).cost(&RECEIPT).expect("known");
        // 522 × 3 + 178 × 12.
        assert!((cost.usd - 0.003_702).abs() < 1e-9 && !cost.at_most);
    }
}
