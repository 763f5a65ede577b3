//! `turnCompleteReason`: why the service ended a turn, as far as it says. The names are those of `TurnCompleteReason` in
//! google-genai 3.4.0; others are shown as they came.

/// What the reasons have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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

impl Kind {
    /// The kind of a reason; `None` where the service names none.
    #[must_use]
    pub fn of(reason: &str) -> Option<Self> {
        let reason = reason.to_ascii_uppercase();
        Some(match reason.as_str() {
            // Of enums that come as numbers, 0 is the unspecified one.
            "" | "0" | "TURN_COMPLETE_REASON_UNSPECIFIED" => return None,
            "RESPONSE_REJECTED" | "MAX_REGENERATION_REACHED" => Self::Rejected,
            "MALFORMED_FUNCTION_CALL" => Self::MalformedCall,
            "NEED_MORE_INPUT" => Self::NeedsMore,
            "BLOCKLIST" | "PROHIBITED_INPUT_CONTENT" | "IMAGE_PROHIBITED_INPUT_CONTENT" => {
                Self::InputRefused
            }
            name if name.starts_with("INPUT_") || name.starts_with("UNSAFE_PROMPT_") => {
                Self::InputRefused
            }
            name if name.starts_with("GENERATED_") || name.starts_with("OUTPUT_") => {
                Self::OutputRefused
            }
            _ => Self::Other,
        })
    }

    /// Whether the answer was kept back: a conversation in which that happens again and again is in a state of its own, which
    /// its handle restores faithfully (up to 27 times in a row were seen with `RESPONSE_REJECTED`).
    #[must_use]
    pub fn is_rejection(self) -> bool {
        match self {
            Self::Rejected | Self::InputRefused | Self::OutputRefused => true,
            Self::MalformedCall | Self::NeedsMore | Self::Other => false,
        }
    }

    /// What happened, in words that follow "the service".
    #[must_use]
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

    /// The one thing to do.
    #[must_use]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_the_sdk_has_a_kind() {
        for (reason, kind) in [
            ("TURN_COMPLETE_REASON_UNSPECIFIED", None),
            ("MALFORMED_FUNCTION_CALL", Some(Kind::MalformedCall)),
            ("RESPONSE_REJECTED", Some(Kind::Rejected)),
            ("response_rejected", Some(Kind::Rejected)),
            ("NEED_MORE_INPUT", Some(Kind::NeedsMore)),
            ("PROHIBITED_INPUT_CONTENT", Some(Kind::InputRefused)),
            ("IMAGE_PROHIBITED_INPUT_CONTENT", Some(Kind::InputRefused)),
            (
                "INPUT_TEXT_CONTAIN_PROMINENT_PERSON_PROHIBITED",
                Some(Kind::InputRefused),
            ),
            ("INPUT_IMAGE_CELEBRITY", Some(Kind::InputRefused)),
            ("INPUT_OTHER", Some(Kind::InputRefused)),
            ("INPUT_IP_PROHIBITED", Some(Kind::InputRefused)),
            ("BLOCKLIST", Some(Kind::InputRefused)),
            (
                "UNSAFE_PROMPT_FOR_IMAGE_GENERATION",
                Some(Kind::InputRefused),
            ),
            ("GENERATED_CONTENT_SAFETY", Some(Kind::OutputRefused)),
            ("GENERATED_AUDIO_SAFETY", Some(Kind::OutputRefused)),
            ("GENERATED_CONTENT_BLOCKLIST", Some(Kind::OutputRefused)),
            ("GENERATED_OTHER", Some(Kind::OutputRefused)),
            ("OUTPUT_IMAGE_IP_PROHIBITED", Some(Kind::OutputRefused)),
            ("MAX_REGENERATION_REACHED", Some(Kind::Rejected)),
            ("SOMETHING_NEW", Some(Kind::Other)),
            ("0", None),
            ("7", Some(Kind::Other)),
        ] {
            assert_eq!(Kind::of(reason), kind, "{reason}");
        }
    }
}
