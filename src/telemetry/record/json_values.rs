//! JSON values that turns and summaries share: times, tokens by kind, cost.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::base::cost::Cost;
use crate::base::tokens::{Kinds, TokenCounts};

/// Tokens of a turn; the response includes thoughts.
pub(crate) fn tokens(counts: &TokenCounts) -> Value {
    known(json!({
        "prompt": counts.prompt.sum(), "response": counts.written(),
        "thoughts": some(counts.thoughts), "cached": some(counts.cached),
        "prompt_kinds": by_kind(&counts.prompt), "response_kinds": by_kind(&counts.response),
    }))
}

/// Tokens by kind; `None` if the service named none.
fn by_kind(kinds: &Kinds) -> Option<Value> {
    let all = json!({
        "text": some(kinds.text), "audio": some(kinds.audio), "image": some(kinds.image),
        "unassigned": some(kinds.unassigned),
    });
    kinds.is_known().then(|| known(all))
}

/// The fields of an object that are not null.
pub(crate) fn known(mut object: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.retain(|_, value| !value.is_null());
    }
    object
}

/// `None` for zero and for `false`.
pub(crate) fn some<T: Default + PartialEq>(value: T) -> Option<T> {
    Some(value).filter(|value| *value != T::default())
}

/// The known ones of these durations in milliseconds, by name.
pub(crate) fn durations<const N: usize>(
    names: [&str; N],
    values: [Option<Duration>; N],
) -> Map<String, Value> {
    let all = names.into_iter().zip(values);
    all.filter_map(|(name, value)| Some((name.to_owned(), ms(value?))))
        .collect()
}

/// A cost in dollars, and whether it is an upper bound.
pub(crate) fn usd(cost: Option<Cost>) -> (Option<f64>, Option<bool>) {
    let is_bound = cost.is_some_and(|cost| cost.at_most);
    (cost.map(|cost| cost.rounded(6)), some(is_bound))
}

pub(crate) fn ms(duration: Duration) -> Value {
    json!(round(duration.as_secs_f64() * 1e3, 1))
}

pub(crate) fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
