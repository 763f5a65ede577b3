//! `turnCompleteReason`: why the service ended a turn, as far as it says. The names are those of `TurnCompleteReason` in
//! google-genai 3.4.0; others are shown as they came.

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
            Self::Rejected => "rejected its own answer",
            Self::InputRefused => "does not answer what was said, by its rules for content",
            Self::OutputRefused => "kept its answer back, by its rules for content",
            Self::MalformedCall => "tried to use a tool in a way that does not work",
            Self::NeedsMore => "waits for you to say more",
            Self::Other => "ended the turn without an answer",
        }
    }

    pub fn help(self) -> &'static str {
        match self {
            Self::Rejected | Self::MalformedCall | Self::Other => {
                "Ask again, or say it in other words."
            }
            Self::InputRefused | Self::OutputRefused => "Say it in other words.",
            Self::NeedsMore => "Go on speaking.",
        }
    }
}
