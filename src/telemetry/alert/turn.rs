//! What the alert rules take from the record of a turn.

use std::time::Duration;

use crate::telemetry::record::TurnRecord;
use crate::turn::machine::Outcome;

/// A turn as the rules see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertTurn {
    /// From the end of the turn to the first reply audio that arrived.
    pub first_audio: Option<Duration>,
    /// Its response.
    pub response: Option<Duration>,
    /// It got no answer, and the user had not ended it.
    pub failed: bool,
    /// The user ended it before anything was heard: neither a success nor a failure.
    pub cancelled: bool,
    /// The user interrupted its reply.
    pub interrupted: bool,
    /// The user went on within a second of its end.
    pub cut_off: bool,
    /// It was typed, so it cannot be cut off.
    pub typed: bool,
}

impl From<&TurnRecord> for AlertTurn {
    fn from(record: &TurnRecord) -> Self {
        let latencies = &record.latencies;
        // With automatic detection there is no uplink, and the value includes the silence that the service waits for.
        let first_audio = latencies
            .server
            .map(|server| server + latencies.uplink.unwrap_or_default());
        Self {
            first_audio,
            response: latencies.response,
            failed: matches!(record.outcome, Outcome::Failed(_) | Outcome::Empty),
            cancelled: record.outcome == Outcome::Cancelled,
            interrupted: record.outcome == Outcome::Interrupted,
            cut_off: record.cut_offs > 0,
            typed: record.typed,
        }
    }
}
