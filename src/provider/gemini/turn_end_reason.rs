//! `turnCompleteReason`: why the service ended a turn, as far as it says. The names are those of `TurnCompleteReason` in
//! google-genai 3.4.0.

use crate::provider::EndKind;

/// The kind of a reason; `None` where the service names none.
pub(super) fn kind(reason: &str) -> Option<EndKind> {
    let reason = reason.to_ascii_uppercase();
    Some(match reason.as_str() {
        // Of enums that come as numbers, 0 is the unspecified one.
        "" | "0" | "TURN_COMPLETE_REASON_UNSPECIFIED" => return None,
        "RESPONSE_REJECTED" | "MAX_REGENERATION_REACHED" => EndKind::Rejected,
        "MALFORMED_FUNCTION_CALL" => EndKind::MalformedCall,
        "NEED_MORE_INPUT" => EndKind::NeedsMore,
        "BLOCKLIST" | "PROHIBITED_INPUT_CONTENT" | "IMAGE_PROHIBITED_INPUT_CONTENT" => {
            EndKind::InputRefused
        }
        name if name.starts_with("INPUT_") || name.starts_with("UNSAFE_PROMPT_") => {
            EndKind::InputRefused
        }
        name if name.starts_with("GENERATED_") || name.starts_with("OUTPUT_") => {
            EndKind::OutputRefused
        }
        _ => EndKind::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_the_sdk_has_a_kind() {
        for (reason, expected) in [
            ("TURN_COMPLETE_REASON_UNSPECIFIED", None),
            ("MALFORMED_FUNCTION_CALL", Some(EndKind::MalformedCall)),
            ("RESPONSE_REJECTED", Some(EndKind::Rejected)),
            ("response_rejected", Some(EndKind::Rejected)),
            ("NEED_MORE_INPUT", Some(EndKind::NeedsMore)),
            ("PROHIBITED_INPUT_CONTENT", Some(EndKind::InputRefused)),
            (
                "IMAGE_PROHIBITED_INPUT_CONTENT",
                Some(EndKind::InputRefused),
            ),
            (
                "INPUT_TEXT_CONTAIN_PROMINENT_PERSON_PROHIBITED",
                Some(EndKind::InputRefused),
            ),
            ("INPUT_IMAGE_CELEBRITY", Some(EndKind::InputRefused)),
            ("INPUT_OTHER", Some(EndKind::InputRefused)),
            ("INPUT_IP_PROHIBITED", Some(EndKind::InputRefused)),
            ("BLOCKLIST", Some(EndKind::InputRefused)),
            (
                "UNSAFE_PROMPT_FOR_IMAGE_GENERATION",
                Some(EndKind::InputRefused),
            ),
            ("GENERATED_CONTENT_SAFETY", Some(EndKind::OutputRefused)),
            ("GENERATED_AUDIO_SAFETY", Some(EndKind::OutputRefused)),
            ("GENERATED_CONTENT_BLOCKLIST", Some(EndKind::OutputRefused)),
            ("GENERATED_OTHER", Some(EndKind::OutputRefused)),
            ("OUTPUT_IMAGE_IP_PROHIBITED", Some(EndKind::OutputRefused)),
            ("MAX_REGENERATION_REACHED", Some(EndKind::Rejected)),
            ("SOMETHING_NEW", Some(EndKind::Other)),
            ("0", None),
            ("7", Some(EndKind::Other)),
        ] {
            assert_eq!(kind(reason), expected, "{reason}");
        }
    }
}
