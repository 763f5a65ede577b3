//! The reason why no answer was heard in a turn, and the remedy.

use crate::provider::EndKind;

/// Why no answer was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnheardReason {
    /// The service stopped its answer by itself.
    BrokenOff,
    /// The audio was too quiet to be heard.
    NearSilent,
    /// The audio was of this type, which cannot be played.
    Unplayable(String),
    /// The answer was written, not spoken.
    TextOnly,
    /// The service named this kind of reason.
    Ended(EndKind),
    /// The service wanted functions that there are not.
    Tool,
    /// No content came.
    Nothing,
}

impl UnheardReason {
    /// Its name in the JSON of a turn.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BrokenOff => "broken_off",
            Self::NearSilent => "near_silent",
            Self::Unplayable(_) => "unplayable",
            Self::TextOnly => "text_only",
            Self::Ended(EndKind::Rejected) => "rejected",
            Self::Ended(EndKind::InputRefused) => "input_refused",
            Self::Ended(EndKind::OutputRefused) => "output_refused",
            Self::Ended(EndKind::MalformedCall) => "malformed_call",
            Self::Ended(EndKind::NeedsMore) => "needs_more",
            Self::Ended(EndKind::Other) => "other",
            Self::Tool => "tool",
            Self::Nothing => "nothing",
        }
    }

    pub fn what(&self) -> String {
        let what = match self {
            Self::BrokenOff => "broke its answer off before anything was heard",
            Self::NearSilent => "sent a sound that is too faint to be heard",
            Self::Unplayable(mime) => {
                return format!(
                    "the service sent sound of the type {mime}, which cannot be played"
                );
            }
            Self::TextOnly => "wrote its answer and did not speak it",
            Self::Ended(kind) => kind.what(),
            Self::Tool => "wanted a tool that this program does not have, and said nothing",
            Self::Nothing => "ended the turn without an answer",
        };
        format!("the service {what}")
    }

    pub fn help(&self) -> &'static str {
        match self {
            Self::BrokenOff | Self::NearSilent => "Ask again.",
            Self::Unplayable(_) => {
                "Ask again; if it happens again, take another model (`live.model` in the profile)."
            }
            Self::TextOnly => "Read it in the conversation.",
            Self::Ended(kind) => kind.help(),
            Self::Tool | Self::Nothing => "Ask again, or say it in other words.",
        }
    }

    /// Whether asking the same again may help.
    pub fn may_be_asked_again(&self) -> bool {
        match self {
            Self::BrokenOff
            | Self::NearSilent
            | Self::Unplayable(_)
            | Self::Tool
            | Self::Nothing
            | Self::Ended(EndKind::Rejected | EndKind::MalformedCall | EndKind::Other) => true,
            Self::TextOnly
            | Self::Ended(EndKind::InputRefused | EndKind::OutputRefused | EndKind::NeedsMore) => {
                false
            }
        }
    }
}
