//! What turns cost. The one place that knows prices.

/// US dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// Of the prompt.
    pub prompt: f64,
    /// Of the answer.
    pub response: f64,
}

/// Prices by the beginning of the model's name. Source: Google's price list for the Live API of 3.1, November 2026: about
/// $0.005 for a minute in and $0.018 for a minute out, at 25 tokens a second. Prices of other families are not published:
/// theirs stay unknown.
const PRICES: [(&str, Price); 1] = [(
    "gemini-3.1-flash-live",
    Price {
        prompt: 0.005 / 1_500.0 * 1e6,
        response: 0.018 / 1_500.0 * 1e6,
    },
)];

/// The price of a model, where it is published.
#[must_use]
pub fn price(model: &str) -> Option<Price> {
    let name = model.strip_prefix("models/").unwrap_or(model);
    PRICES
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix))
        .map(|(_, price)| *price)
}

impl Price {
    /// US dollars of so many tokens. All are taken for audio, which is the dearest kind: never less than the bill.
    #[must_use]
    pub fn of(self, prompt: u64, response: u64) -> f64 {
        (prompt as f64 * self.prompt + response as f64 * self.response) / 1e6
    }
}

/// What is known of the price of a conversation's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pricing {
    /// The user set it.
    Configured(Price),
    /// The service publishes it for the model.
    Published(Price),
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
            (Biller::Google, None) => price(model).map_or(Self::Unpublished, Self::Published),
            (Biller::Other, None) => Self::Elsewhere,
        }
    }

    /// US dollars of so many tokens, where the price is known.
    #[must_use]
    pub fn of(self, prompt: u64, response: u64) -> Option<f64> {
        match self {
            Self::Configured(price) | Self::Published(price) => Some(price.of(prompt, response)),
            Self::Free | Self::Unpublished | Self::Elsewhere => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_price_goes_before_the_published_one_and_the_demo_costs_nothing() {
        let (known, unknown) = ("models/gemini-3.1-flash-live-preview", "gemini-3.8-live");
        let published = price(known).expect("published");
        let own = Price {
            prompt: 3.0,
            response: 12.0,
        };
        let table = [
            (Biller::Google, None, known, Pricing::Published(published)),
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
            assert_eq!(pricing.of(1_000, 100).is_some(), priced);
        }
        let cost = Pricing::Configured(own).of(1_000_000, 500_000);
        assert!((cost.expect("known") - 9.0).abs() < 1e-9);
    }

    #[test]
    fn a_minute_each_way_costs_what_is_published_and_unknown_models_have_no_price() {
        let price = price("models/gemini-3.1-flash-live-preview").expect("published");
        assert!((price.of(1_500, 0) - 0.005).abs() < 1e-9);
        assert!((price.of(0, 1_500) - 0.018).abs() < 1e-9);
        assert_eq!(super::price("gemini-3.8-live"), None);
    }
}
