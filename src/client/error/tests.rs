//! Ends of connections as sentences, with a policy each.

use super::*;

#[test]
fn close_frames_become_sentences_with_a_policy() {
    let table = [
        (
            1000,
            "",
            "the service closed the connection (code 1000, no reason given)",
            End::Closed,
        ),
        (
            1011,
            "Internal error",
            "the service closed the connection (code 1011: Internal error)",
            End::Closed,
        ),
        (
            1007,
            "Unknown name",
            "the service refused what was sent (code 1007: Unknown name)",
            End::Refused,
        ),
        (
            1007,
            "API key not valid. Pass one.",
            "the service refuses the API key (code 1007: API key not valid. Pass one.)",
            End::NeedsUser,
        ),
        (
            1008,
            "models/x is not found",
            "the model is not available (code 1008: models/x is not found)",
            End::NeedsUser,
        ),
        (
            1008,
            "models/x is not found for API version v1, or is not supported for bidiGenerateContent",
            "the model is not available (code 1008: models/x is not found for API version v1, or is not supported for bidiGenerateContent)",
            End::NeedsUser,
        ),
        (
            1008,
            "models/x is not supported for bidiGenerateContent",
            "the model is not made for live talk (code 1008: models/x is not supported for bidiGenerateContent)",
            End::NeedsUser,
        ),
        (
            1007,
            "no matching speaker voice",
            "the model does not know this voice (code 1007: no matching speaker voice)",
            End::NeedsUser,
        ),
        (
            1008,
            "",
            "the service closed the connection (code 1008, no reason given)",
            End::Policy,
        ),
        (
            1011,
            "You exceeded your current quota",
            "the quota of this API key is used up (code 1011: You exceeded your current quota)",
            End::Quota,
        ),
    ];
    for (code, reason, sentence, end) in table {
        let fault = Fault::closed(code, reason, Some(&SecretString::from("canary-0815")));
        assert_eq!(fault.to_string(), sentence);
        assert_eq!(fault.retry(), end, "{sentence}");
        assert!(fault.hint().ends_with('.'), "{sentence}");
        assert_eq!(
            is_of_key(&fault),
            sentence.contains("API key ("),
            "{sentence}"
        );
    }
    let fault = Fault::closed(
        1008,
        "Method doesn't allow unregistered callers: API key",
        None,
    );
    assert!(is_of_key(&fault), "{fault}");
    assert!(
        fault
            .to_string()
            .starts_with("the service wants an API key, and none was sent (code 1008"),
        "{fault}"
    );
}

#[test]
fn text_of_the_other_side_is_shown_without_keys_and_control_characters() {
    let key = SecretString::from("canary-0815");
    let shown = presentable("bad\u{1b}[31m\nkey=canary-0815 x-AIzaSyD_9-abc", Some(&key));
    assert_eq!(shown, "bad [31m key=[key] x-[key]");
    assert_eq!(presentable(&"ä".repeat(400), None).chars().count(), 300);
}

fn is_of_key(fault: &Fault) -> bool {
    provider::Fault::from(fault.clone()).kind == FaultKind::Key
}
