//! What a close frame means. Of the text that comes with it only known beginnings are read, and in what is said of the model a
//! few known phrases.

use secrecy::SecretString;

use crate::base::text::t;
use crate::provider::connection::fault::{Fault, presentable};
use crate::provider::connection::reconnect::End;

/// What a close frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// The key is not valid.
    Key,
    /// The service is not offered where the user is.
    Region,
    Model,
    /// No such model under this version of the API: either of them may be at fault.
    Version,
    /// The model is there, but cannot be talked to.
    NotForTalk,
    /// The model does not know the voice.
    Voice,
    /// Quota, billing, too many conversations at once.
    Quota,
    /// The conversation that was to be resumed is not known, or is over.
    Handle,
    /// 1007 for another reason.
    Refused,
    /// 1008 for another reason.
    Policy,
    /// 1000, 1001: an end without trouble.
    Done,
    /// Any other.
    Trouble,
}

impl Close {
    /// Sorts a close frame by its code and the known beginnings of its reason, as seen from the service.
    pub fn of(code: u16, reason: &str) -> Self {
        let begins = |beginnings: &[&str]| beginnings.iter().any(|b| reason.starts_with(b));
        match code {
            1007 | 1008
                if begins(&[
                    "API key not valid",
                    "API Key not found",
                    "API key expired",
                    // No key was sent.
                    "Method doesn't allow unregistered callers",
                ]) =>
            {
                Self::Key
            }
            1007 | 1008 if begins(&["User location is not supported"]) => Self::Region,
            // Before the other phrase, which may follow: "... v1beta, or is not supported for bidiGenerateContent".
            1007 | 1008 if reason.contains("not found for API version") => Self::Version,
            1007 | 1008 if reason.contains("is not supported for bidiGenerateContent") => {
                Self::NotForTalk
            }
            1007 | 1008 if begins(&["models/"]) => Self::Model,
            1007 | 1008
                if reason
                    .to_ascii_lowercase()
                    .contains("no matching speaker voice") =>
            {
                Self::Voice
            }
            1008 | 1011
                if begins(&[
                    "You exceeded your current quota",
                    "Quota exceeded",
                    "Resource has been exhausted",
                ]) =>
            {
                Self::Quota
            }
            1007 | 1008 | 1011 if begins(&["BidiGenerateContent session"]) => Self::Handle,
            1007 => Self::Refused,
            1008 => Self::Policy,
            1000 | 1001 => Self::Done,
            _ => Self::Trouble,
        }
    }

    /// What it means for the next connection.
    pub fn end(self) -> End {
        match self {
            Self::Key
            | Self::Region
            | Self::Model
            | Self::Version
            | Self::NotForTalk
            | Self::Voice => End::NeedsUser,
            Self::Quota => End::Quota,
            Self::Handle => End::Handle,
            Self::Refused => End::Refused,
            Self::Policy => End::Policy,
            Self::Done | Self::Trouble => End::Closed,
        }
    }
}

/// What a close frame of the service means. `key` is taken out of its text.
pub(super) fn fault(code: u16, reason: &str, key: Option<&SecretString>) -> Fault {
    let shown = presentable(reason, key);
    let detail = if shown.is_empty() {
        t!("code-no-reason-given", code)
    } else {
        format!("code {code}: {shown}")
    };
    match Close::of(code, reason) {
        Close::Key if key.is_none() => Fault::KeyMissing {
            who: t!("the-service").to_owned(),
            detail: Some(detail),
        },
        Close::Key => Fault::KeyRefused { detail },
        Close::Region => Fault::Region { detail },
        close @ (Close::Model | Close::Version) => Fault::Model {
            detail,
            other_version: close == Close::Version,
        },
        Close::NotForTalk => Fault::NotForTalk { detail },
        Close::Voice => Fault::Voice { detail },
        Close::Quota => Fault::Quota { detail },
        Close::Refused => Fault::Refused { detail },
        close @ (Close::Handle | Close::Policy | Close::Done | Close::Trouble) => Fault::Closed {
            detail,
            end: close.end(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{self, FaultKind};

    #[test]
    fn close_frames_are_sorted_by_code_and_known_beginnings() {
        let table = [
            (1000, "", Close::Done),
            (1001, "API key not valid", Close::Done),
            (1006, "", Close::Trouble),
            (
                1007,
                "API key not valid. Please pass a valid API key.",
                Close::Key,
            ),
            (
                1007,
                "Request contains an invalid argument. API key not valid",
                Close::Refused,
            ),
            (
                1007,
                "User location is not supported for the API use.",
                Close::Region,
            ),
            (1007, "", Close::Refused),
            (1008, "models/gemini-0 is not found", Close::Model),
            (
                1008,
                "models/gemini-0 is not found for API version v1beta",
                Close::Version,
            ),
            (
                1008,
                "models/gemini-0 is not found for API version v1beta, or is not supported for bidiGenerateContent. Call Lis",
                Close::Version,
            ),
            (
                1007,
                "models/gemini-0 is not supported for bidiGenerateContent.",
                Close::NotForTalk,
            ),
            (
                1007,
                "No matching speaker voice for en-us-tavi",
                Close::Voice,
            ),
            (1011, "no matching speaker voice", Close::Trouble),
            (1008, "Operation is not implemented", Close::Policy),
            (1008, "BidiGenerateContent session not found", Close::Handle),
            (1011, "BidiGenerateContent session expired", Close::Handle),
            (
                1011,
                "You exceeded your current quota, please check your plan",
                Close::Quota,
            ),
            (1011, "Internal error encountered.", Close::Trouble),
            (1013, "", Close::Trouble),
            (4999, "models/x", Close::Trouble),
        ];
        for (code, reason, close) in table {
            assert_eq!(Close::of(code, reason), close, "{code} {reason}");
        }
    }

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
            let fault = fault(code, reason, Some(&SecretString::from("canary-0815")));
            assert_eq!(fault.to_string(), sentence);
            assert_eq!(fault.retry(), end, "{sentence}");
            assert!(fault.hint().ends_with('.'), "{sentence}");
            assert_eq!(
                is_of_key(&fault),
                sentence.contains("API key ("),
                "{sentence}"
            );
        }
        let fault = fault(
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

    fn is_of_key(fault: &Fault) -> bool {
        provider::ProviderFault::from(fault.clone()).kind == FaultKind::Key
    }
}
