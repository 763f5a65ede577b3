//! Prices that Google publishes. The one place that knows them.

use super::models::GOOGLE_HOST;
use crate::provider::turn_cost::{Pricing, Rates};

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

/// What is published of the price of a model that answers at this host.
pub fn published(host: &str, model: &str) -> Pricing {
    if host != GOOGLE_HOST {
        return Pricing::Elsewhere;
    }
    rates(model).map_or(Pricing::Unpublished, Pricing::Published)
}

/// The rates of a model, where they are published.
pub fn rates(model: &str) -> Option<Rates> {
    let name = model.rsplit('/').next().unwrap_or(model);
    RATES
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix))
        .map(|(_, rates)| *rates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::tokens::{Kinds, TokenCounts};
    use crate::provider::turn_cost::Price;

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
        let rates = Pricing::Published(rates(known).expect("published"));
        let own = Price {
            prompt: 3.0,
            response: 12.0,
        };
        const DEMO: &str = "demo";
        let table = [
            (GOOGLE_HOST, None, known, rates),
            (GOOGLE_HOST, None, unknown, Pricing::Unpublished),
            (GOOGLE_HOST, Some(own), known, Pricing::Configured(own)),
            (GOOGLE_HOST, Some(own), unknown, Pricing::Configured(own)),
            ("live.example", None, known, Pricing::Elsewhere),
            ("live.example", Some(own), known, Pricing::Configured(own)),
            (DEMO, Some(own), known, Pricing::Free),
            (DEMO, None, known, Pricing::Free),
        ];
        for (host, configured, model, wanted) in table {
            let pricing = Pricing::new(host == DEMO, configured, published(host, model));
            assert_eq!(pricing, wanted, "{host} {configured:?} {model}");
            let priced = matches!(wanted, Pricing::Configured(_) | Pricing::Published(_));
            assert_eq!(pricing.cost(&RECEIPT).is_some(), priced);
            assert_eq!(pricing.is_unknown(), !priced && wanted != Pricing::Free);
        }
        let cost = Pricing::Configured(own).cost(&RECEIPT).expect("known");
        // 522 × 3 + 178 × 12.
        assert!((cost.usd - 0.003_702).abs() < 1e-9 && !cost.at_most);
    }
}
