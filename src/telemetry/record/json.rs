//! JSON values that turns and summaries share: times, tokens by kind, cost.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::base::cost::Cost;
use crate::base::tokens::{Kinds, TokenCounts};

/// Tokens of a turn; the response includes thoughts.
pub(crate) fn tokens(counts: &TokenCounts) -> Value {
    let mut line = Map::new();
    line.insert("prompt".into(), json!(counts.prompt.sum()));
    line.insert("response".into(), json!(counts.written()));
    if counts.thoughts > 0 {
        line.insert("thoughts".into(), json!(counts.thoughts));
    }
    if counts.cached > 0 {
        line.insert("cached".into(), json!(counts.cached));
    }
    for (name, kinds) in [
        ("prompt_kinds", counts.prompt),
        ("response_kinds", counts.response),
    ] {
        insert_some(&mut line, name, by_kind(&kinds));
    }
    line.into()
}

/// Tokens by kind; `None` if the service named none.
fn by_kind(kinds: &Kinds) -> Option<Value> {
    let named = [
        ("text", kinds.text),
        ("audio", kinds.audio),
        ("image", kinds.image),
        ("unassigned", kinds.unassigned),
    ];
    let there = named.into_iter().filter(|(_, count)| *count > 0);
    let there: Map<String, Value> = there
        .map(|(name, count)| (name.to_owned(), json!(count)))
        .collect();
    kinds.is_known().then(|| there.into())
}

/// Inserts a cost and whether it is an upper bound, if known.
pub(crate) fn insert_cost(line: &mut Map<String, Value>, cost: Option<Cost>) {
    if let Some(cost) = cost {
        line.insert("cost_usd".into(), json!(cost.rounded(6)));
        if cost.at_most {
            line.insert("cost_is_upper_bound".into(), json!(true));
        }
    }
}

pub(crate) fn insert_some<T: Into<Value>>(
    map: &mut Map<String, Value>,
    key: &str,
    value: Option<T>,
) {
    if let Some(value) = value {
        map.insert(key.into(), value.into());
    }
}

pub(crate) fn ms(duration: Duration) -> Value {
    json!(round(duration.as_secs_f64() * 1e3, 1))
}

pub(crate) fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
