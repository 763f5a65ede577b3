//! What turns cost. The one place that knows prices.

/// US dollars for a million tokens of audio.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_each_way_costs_what_is_published_and_unknown_models_have_no_price() {
        let price = price("models/gemini-3.1-flash-live-preview").expect("published");
        assert!((price.of(1_500, 0) - 0.005).abs() < 1e-9);
        assert!((price.of(0, 1_500) - 0.018).abs() < 1e-9);
        assert_eq!(super::price("gemini-3.8-live"), None);
    }
}
