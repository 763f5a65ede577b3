//! `turnCompleteReason`: why the service ended a turn, as far as it says. The names are those of `TurnCompleteReason` in
//! google-genai 3.4.0; others are shown as they came.

use crate::base::text::t;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndKind {
    /// The model's answer was withdrawn, by itself or after several attempts.
    Rejected,
    /// What the user said is not answered.
    InputRefused,
    /// What the model said may not be told.
    OutputRefused,
    /// The model called a function in a form that is none.
    MalformedCall,
    /// The model waits for the user to say more.
    NeedsMore,
    /// A reason that is not known here.
    Other,
}

impl EndKind {
    /// Whether the answer was kept back: a conversation in which that happens again and again is in a state of its own, which
    /// its handle restores faithfully (up to 27 times in a row were seen with `RESPONSE_REJECTED`).
    pub fn is_rejection(self) -> bool {
        match self {
            Self::Rejected | Self::InputRefused | Self::OutputRefused => true,
            Self::MalformedCall | Self::NeedsMore | Self::Other => false,
        }
    }

    /// What happened, in words that follow "the service".
    pub fn what(self) -> &'static str {
        match self {
            Self::Rejected => t!("ended-rejected"),
            Self::InputRefused => t!("ended-input-refused"),
            Self::OutputRefused => t!("ended-output-refused"),
            Self::MalformedCall => t!("ended-malformed-call"),
            Self::NeedsMore => t!("ended-needs-more"),
            Self::Other => t!("unheard-nothing"),
        }
    }

    pub fn help(self) -> &'static str {
        match self {
            Self::Rejected | Self::MalformedCall | Self::Other => {
                t!("ask-again-or-in-other-words")
            }
            Self::InputRefused | Self::OutputRefused => t!("say-it-in-other-words"),
            Self::NeedsMore => t!("go-on-speaking"),
        }
    }
}
