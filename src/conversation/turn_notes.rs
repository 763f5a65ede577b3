//! What the conversation notes of a turn besides the machine's marks.

use super::unheard_answer::Answer;
use crate::base::localized_text::LocalizedText;
use crate::base::tokens::TokenCounts;
use crate::telemetry::stages::StageTimings;

#[derive(Debug, Default)]
pub(super) struct TurnNotes {
    pub(super) number: u64,
    /// What was typed, where it was not spoken; kept until the turn is closed, to be sent again.
    pub(super) typed: Option<String>,
    pub(super) input: Option<String>,
    pub(super) underruns: u64,
    pub(super) capture_dropped: u64,
    pub(super) tokens: Option<TokenCounts>,
    /// The largest prompt among them.
    pub(super) context_tokens: Option<u64>,
    /// Tokens of its generations that were dropped because it went on.
    pub(super) wasted_tokens: TokenCounts,
    /// The service searched the web for the answer that is awaited.
    pub(super) searched: bool,
    /// Searches for its answers that were dropped.
    pub(super) searches_in_vain: u64,
    /// What came of its answer.
    pub(super) answer: Answer,
    /// How often the user asked it again.
    pub(super) asked_again: u32,
    /// Its utterance is among those that were answered, or lost, since an earlier attempt.
    pub(super) counted: bool,
    /// The user knows that its answer is late.
    pub(super) late_shown: bool,
    /// Microphone samples that belong to it, at the working rate.
    pub(super) samples: u64,
    /// The user knows that a part of it is lost.
    pub(super) missing_shown: bool,
    /// How its last connection was lost.
    pub(super) fault: Option<LocalizedText>,
    /// Functions that the service asked for.
    pub(super) tool_calls: u32,
    /// What its stages are made of.
    pub(super) timings: StageTimings,
}

impl TurnNotes {
    /// How often the service searched the web for it; where it does not say what for, once.
    pub(super) fn searches(&self) -> u64 {
        let queries = self.answer.grounding.queries.len() as u64;
        self.searches_in_vain + queries.max(u64::from(self.searched))
    }
}
