//! What may be spent, as the configuration says.

use serde_json::Value;

use super::reading::Wrong;

/// The highest limit in US dollars: more is a mistake in the unit.
const HIGHEST: f64 = 100_000.0;
/// The word for no limit.
const OFF: &str = "off";

/// What may be spent until the microphone closes, in US dollars. `None`: as much as there is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SpendLimit {
    /// From the start of the program to its end.
    pub conversation: Option<f64>,
    /// On a calendar day, of all programs of this user.
    pub day: Option<f64>,
}

/// A limit, or `off`.
pub(super) fn limit(written: Value) -> Result<Option<f64>, Wrong> {
    let amount = match &written {
        Value::String(word) if word == OFF => return Ok(None),
        Value::Number(number) => number.as_f64(),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    };
    match amount.filter(|usd| *usd > 0.0 && *usd <= HIGHEST) {
        Some(usd) => Ok(Some(usd)),
        None => Err(Wrong(
            format!("is {written}"),
            format!("allowed is an amount of US dollars above 0 and up to {HIGHEST}, or `off`"),
        )),
    }
}
