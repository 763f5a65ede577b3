//! The reason why no answer was heard in a turn, and the remedy.

use crate::base::text::t;
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
            Self::BrokenOff => t!("unheard-broken-off"),
            Self::NearSilent => t!("unheard-near-silent"),
            Self::Unplayable(mime) => {
                return t!("unheard-unplayable", mime);
            }
            Self::TextOnly => t!("unheard-text-only"),
            Self::Ended(kind) => kind.what(),
            Self::Tool => t!("unheard-tool"),
            Self::Nothing => t!("unheard-nothing"),
        };
        what.to_owned()
    }

    pub fn help(&self) -> &'static str {
        match self {
            Self::BrokenOff | Self::NearSilent => t!("ask-again-sentence"),
            Self::Unplayable(_) => {
                t!("ask-again-or-take-another-model")
            }
            Self::TextOnly => t!("read-it-in-the-conversation"),
            Self::Ended(kind) => kind.help(),
            Self::Tool | Self::Nothing => t!("ask-again-or-in-other-words"),
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
