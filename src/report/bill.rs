//! Models, tokens and cost of the turns of a run, for both reports.

use serde::{Deserialize, Serialize};

use super::document::Section;
use super::results::TurnRow;
use crate::base::cost::Cost;

/// Models, thoughts and cost of turns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bill {
    /// The models that were asked for; more than one if a profile was changed meanwhile.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// Tokens of thoughts, which are among those of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thought_tokens: Option<u64>,
    /// What the turns cost in US dollars, where the price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// The cost is an upper bound.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cost_is_upper_bound: bool,
}

impl Bill {
    pub fn add(&mut self, turn: &TurnRow) {
        if !turn.model.is_empty() && !self.models.contains(&turn.model) {
            self.models.push(turn.model.clone());
        }
        let thoughts = turn.tokens.map_or(0, |counts| counts.thoughts);
        if thoughts > 0 {
            *self.thought_tokens.get_or_insert_default() += thoughts;
        }
        if let Some(cost) = turn.cost {
            *self.cost_usd.get_or_insert_default() += cost.usd;
            self.cost_is_upper_bound |= cost.at_most;
        }
    }

    /// What the turns cost, where the price is known.
    pub fn cost(&self) -> Option<Cost> {
        let cost = |usd| Cost {
            usd,
            at_most: self.cost_is_upper_bound,
        };
        self.cost_usd.map(cost)
    }

    /// Model and cost for people at the terminal; nothing where the cost is unknown.
    pub fn sentence(&self) -> Option<String> {
        let cost = self.cost()?;
        Some(format!("{}: {cost}", self.models.join(", ")))
    }
}

/// The part of a report about it: a row for each profile, with its tokens of prompt and response where they were counted.
pub(super) fn section<'a>(
    rows: impl Iterator<Item = (&'a str, Option<(u64, u64)>, &'a Bill)>,
) -> Section {
    let unknown = || "–".to_owned();
    let number = |n: Option<u64>| n.map_or_else(unknown, |n| n.to_string());
    let rows = rows.map(|(profile, tokens, bill)| {
        vec![
            profile.to_owned(),
            bill.models.join(", "),
            number(tokens.map(|(prompt, _)| prompt)),
            number(tokens.map(|(_, response)| response)),
            number(bill.thought_tokens),
            bill.cost().map_or_else(unknown, |cost| cost.to_string()),
        ]
    });
    let head = [
        "profile",
        "model asked for",
        "tokens in",
        "tokens out",
        "of these thought",
        "cost",
    ];
    Section::new("Models and cost").table(&head, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::tokens::TokenCounts;

    #[test]
    fn a_sum_with_an_upper_bound_in_it_is_called_one_and_an_unknown_cost_is_absent() {
        let mut bill = Bill::default();
        assert_eq!(serde_json::to_string(&bill).expect("JSON"), "{}");
        let mut turn = TurnRow {
            model: "gemini-3.8-live".into(),
            ..TurnRow::default()
        };
        bill.add(&turn);
        assert_eq!(bill.cost(), None);
        turn.tokens = Some(TokenCounts {
            thoughts: 136,
            ..TokenCounts::default()
        });
        for at_most in [true, false] {
            turn.cost = Some(Cost { usd: 0.25, at_most });
            bill.add(&turn);
        }
        let shown = bill.cost().map(|cost| cost.to_string());
        assert_eq!(shown.as_deref(), Some("at most $0.50"));
        let json = serde_json::to_value(&bill).expect("JSON");
        let wanted = serde_json::json!({
            "models": ["gemini-3.8-live"], "thought_tokens": 272, "cost_usd": 0.5, "cost_is_upper_bound": true,
        });
        assert_eq!(json, wanted);
    }
}
