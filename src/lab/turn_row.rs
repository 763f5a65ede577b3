//! From the record of a turn to its row in the report.

use std::time::Duration;

use crate::report::results::TurnRow;
use crate::telemetry::record::{TurnRecord, values};
use crate::turn::machine::Outcome;

/// A closed turn of this conversation as a row of the report; `at` counts from the begin of the trial.
pub(super) fn turn_row(record: &TurnRecord, conversation: u64, at: Duration) -> TurnRow {
    let latency_ms =
        values(&record.latencies).map(|value| value.map(|value| value.as_secs_f64() * 1e3));
    let error = if let Outcome::Failed(why) = &record.outcome {
        Some(why.english())
    } else {
        None
    };
    TurnRow {
        profile: record.profile.clone(),
        model: record.model.clone(),
        conversation,
        number: record.number,
        at_s: at.as_secs_f64(),
        outcome: record.outcome.name().to_owned(),
        error,
        latency_ms,
        underruns: record.underruns,
        cut_offs: u64::from(record.cut_offs),
        capture_dropped: record.capture_dropped,
        tokens: record.tokens,
        other_tokens: record.other_tokens(),
        searches: record.searches,
        cost: record.cost,
    }
}

#[cfg(test)]
mod tests {
    use crate::report::results::LATENCIES;
    use crate::telemetry::record::latency_names;

    #[test]
    fn reports_name_the_latencies_as_sessions_do() {
        assert_eq!(LATENCIES, latency_names());
    }
}
