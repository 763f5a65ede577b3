//! An alert of the last seven days, without words of the conversation.

use serde::{Deserialize, Serialize};

use crate::telemetry::alert::{AlertKind, AlertSeverity};

/// Characters of a sentence that a file may hold.
const LONGEST: usize = 500;

/// An alert that was raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastAlert {
    /// When it was raised, in seconds since 1970.
    pub at: u64,
    /// When it was over; `None` while it stands, and where the program ended unexpectedly.
    #[serde(default)]
    pub until: Option<u64>,
    /// The [`AlertKind`] by its word.
    pub kind: String,
    /// The highest that it had.
    pub severity: AlertSeverity,
    /// What happened, in a sentence.
    pub what: String,
}

impl PastAlert {
    /// Whether it is valid, which one from a file need not be.
    pub(super) fn is_sound(&self) -> bool {
        self.what.chars().count() <= LONGEST
            && AlertKind::ALL.iter().any(|kind| kind.word() == self.kind)
            && self.until.is_none_or(|until| until >= self.at)
    }
}
