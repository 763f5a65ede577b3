//! Turns, latency, tokens and cost of one model with one profile.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::telemetry::distribution::Distribution;
use crate::telemetry::record::TurnRecord;
use crate::telemetry::record::json_values::{known, ms, usd};
use crate::telemetry::turn_counts::TurnCounts;

/// By profile and model.
pub type ModelsUsage = BTreeMap<(String, String), ModelUsage>;

/// Usage and cost of one model with one profile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelUsage {
    pub turns: TurnCounts,
    /// Responses; shared with the views, and copied when the next one comes.
    pub response: Arc<Distribution>,
}

impl ModelUsage {
    pub(super) fn add(&mut self, record: &TurnRecord) {
        self.turns += record.into();
        if let Some(response) = record.latencies.response {
            Arc::make_mut(&mut self.response).record(response);
        }
    }

    pub(super) fn to_json(&self, (profile, model): &(String, String)) -> Value {
        let quantile = |q| self.response.quantile(q).map(ms);
        let response = quantile(0.5)
            .map(|p50| json!({ "n": self.response.n(), "p50": p50, "p95": quantile(0.95) }));
        let (cost, is_bound) = usd(self.turns.cost);
        known(json!({
            "profile": profile, "model": model, "turns": self.turns.all(), "response_ms": response,
            "tokens": self.turns.tokens, "cost_usd": cost, "cost_is_upper_bound": is_bound,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::cost::Cost;
    use crate::base::tokens::{Kinds, TokenCounts};
    use crate::telemetry::record::tests::record;
    use crate::telemetry::summary::Summary;

    /// A receipt of `gemini-3.8-live`; its price is tested with the prices of that service.
    fn receipt() -> TokenCounts {
        TokenCounts {
            prompt: Kinds {
                text: 332,
                audio: 165,
                unassigned: 25,
                ..Kinds::default()
            },
            response: Kinds {
                audio: 42,
                ..Kinds::default()
            },
            thoughts: 136,
            ..TokenCounts::default()
        }
    }

    #[test]
    fn the_tokens_of_a_turn_are_told_by_kind_and_an_upper_bound_is_called_one() {
        let mut turn = record();
        turn.tokens = Some(receipt());
        let (usd, at_most) = (0.002_955, true);
        turn.cost = Some(Cost { usd, at_most });
        let line: Value = serde_json::from_str(&turn.to_json()).expect("JSON");
        let wanted = json!({
            "prompt": 522, "response": 178, "thoughts": 136,
            "prompt_kinds": {"text": 332, "audio": 165, "unassigned": 25},
            "response_kinds": {"audio": 42},
        });
        assert_eq!(line["tokens"], wanted);
        assert_eq!(
            (&line["cost_usd"], &line["cost_is_upper_bound"]),
            (&json!(0.002955), &json!(true))
        );
    }

    #[test]
    fn a_summary_tells_each_model_of_a_profile_apart() {
        let mut summary = Summary::default();
        for (model, usd) in [("one", 0.5), ("one", 0.25), ("other", 2.0)] {
            let mut turn = record();
            turn.model = model.into();
            turn.cost = Some(Cost {
                usd,
                at_most: model == "other",
            });
            summary.add(&turn);
        }
        let line: Value = serde_json::from_str(&summary.to_json()).expect("JSON");
        assert_eq!(
            (&line["cost_usd"], &line["cost_is_upper_bound"]),
            (&json!(2.75), &json!(true))
        );
        let [one, other] = &line["models"].as_array().expect("a list")[..] else {
            panic!("two: {line}");
        };
        assert_eq!((&one["model"], &one["turns"]), (&json!("one"), &json!(2)));
        assert_eq!(one["response_ms"]["n"], 2);
        assert!(one["cost_usd"] == 0.75 && one.get("cost_is_upper_bound").is_none());
        assert!(other["cost_usd"] == 2.0 && other["cost_is_upper_bound"] == true);
    }
}
