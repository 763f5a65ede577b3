//! The status of the key and its sentence. Pure: nothing is drawn here.

use eframe::egui::Color32;

use super::format;
use super::icons::Sign;
use super::theme::Tokens;
use crate::base::text::t;
use crate::conversation::snapshot::{KeyInfo, Link, Snapshot};
use crate::settings::api_key::KeySource;
use crate::settings::endpoint::GOOGLE_HOST;

/// The status of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyStatus {
    None,
    /// There is one, not checked yet: the demo answers, it is not sent, or there is no connection yet.
    Unchecked,
    Taken,
    /// The service does not take it, or wants one.
    Refused,
}

/// The sign of a state and its colour.
pub(super) const fn mark(status: KeyStatus, t: &Tokens) -> (Sign, Color32) {
    match status {
        KeyStatus::Taken => (Sign::Dot, t.ok),
        KeyStatus::Refused => (Sign::Cross, t.bad),
        KeyStatus::None | KeyStatus::Unchecked => (Sign::Ring, t.muted),
    }
}

/// The state and its sentence.
pub(super) fn of(snapshot: &Snapshot) -> (KeyStatus, String) {
    let service = &snapshot.service;
    let host = host(&service.host);
    let refusal = match &snapshot.link {
        Link::Down {
            what,
            hint,
            key_refused: true,
            ..
        } => Some(format!("{} {}", format::clean(what), format::clean(hint))),
        Link::Down { .. } | Link::Connecting { .. } | Link::Connected { .. } => None,
    };
    let Some(key) = &snapshot.key else {
        return match refusal {
            Some(why) => (
                KeyStatus::Refused,
                t!("wants-a-key-and-there", host, why = why.trim()),
            ),
            None if snapshot.demo => (KeyStatus::None, t!("there-is-no-key-yet").into()),
            None => (KeyStatus::None, t!("there-is-no-key-is", host)),
        };
    };
    let named = named(key);
    if snapshot.demo {
        let words = t!("is-not-used-now-the", named);
        return (KeyStatus::Unchecked, words);
    }
    if !service.gets_key {
        let words = t!("is-not-sent-to-a", named, host);
        return (KeyStatus::Unchecked, words);
    }
    match (refusal, &snapshot.link) {
        (Some(why), _) => (
            KeyStatus::Refused,
            t!("was-not-taken-by", named, host, why = why.trim()),
        ),
        (None, Link::Connected { .. }) => {
            (KeyStatus::Taken, t!("key-in-use-with-host", named, host))
        }
        (None, Link::Connecting { .. } | Link::Down { .. }) => (
            KeyStatus::Unchecked,
            t!("was-not-checked-yet-there", named, host),
        ),
    }
}

/// Whether the service takes this key, which was typed.
pub(super) fn is_taken(snapshot: &Snapshot, typed: &str) -> bool {
    is_that(snapshot, typed) && of(snapshot).0 == KeyStatus::Taken
}

/// Whether the service refuses this key, which was typed.
pub(super) fn is_refused(snapshot: &Snapshot, typed: &str) -> bool {
    is_that(snapshot, typed) && of(snapshot).0 == KeyStatus::Refused
}

/// Whether the key in use is this one, as far as its last characters tell.
fn is_that(snapshot: &Snapshot, typed: &str) -> bool {
    let key = snapshot.key.as_ref();
    key.is_some_and(|key| typed.trim().ends_with(&key.ending))
}

/// Where an entered key is stored and sent.
pub(super) fn storage(snapshot: &Snapshot, file: &str) -> String {
    let to = match snapshot.service.key_host.as_deref() {
        Some(GOOGLE_HOST) => t!("sent-to-google-alone").to_owned(),
        Some(host) => t!("key-sent-to-host-alone", host = format::clean(host)),
        None => t!("not-sent-to-name-that", host = host(&snapshot.service.host)),
    };
    let then = match &snapshot.key {
        Some(key) if is_from_environment(key) => {
            t!("at-the-next-start-goes", source = key.source.words())
        }
        Some(_) | None => String::new(),
    };
    t!("a-key-that-you-enter", file, to, then)
}

/// Whether the key is one that the window can remove.
pub(super) fn is_ours(key: &KeyInfo) -> bool {
    key.source == KeySource::File
}

fn is_from_environment(key: &KeyInfo) -> bool {
    matches!(key.source, KeySource::Environment(_))
}

/// The description of the key, with its source and its last characters; none of a key too short for that.
fn named(key: &KeyInfo) -> String {
    let source = key.source.words();
    let place = if is_from_environment(key) {
        t!("from-the-environment-variable", source)
    } else {
        t!("key-from", source)
    };
    let ending = format::clean(&key.ending);
    if ending.is_empty() {
        t!("key-in-place", place)
    } else {
        t!("the-key-which-ends-in", place, ending)
    }
}

/// Who answers, for people.
fn host(host: &str) -> String {
    match host {
        "" | GOOGLE_HOST => t!("google").into(),
        host => format::clean(host),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::conversation::snapshot::ServiceView;

    fn snapshot(source: Option<(KeySource, &str)>, link: Link) -> Snapshot {
        Snapshot {
            key: source.map(|(source, ending)| KeyInfo {
                source,
                ending: ending.into(),
            }),
            link,
            ..Snapshot::default()
        }
    }

    fn up() -> Link {
        Link::Connected {
            since: Instant::now(),
            host: GOOGLE_HOST.into(),
        }
    }

    fn down(key_refused: bool) -> Link {
        Link::Down {
            what: "The service refuses the API key.".into(),
            hint: "Enter another one.".into(),
            retry_at: None,
            key_refused,
        }
    }

    const CONNECTING: Link = Link::Connecting { attempt: 1 };

    #[test]
    fn every_state_has_one_sentence_that_contradicts_no_other() {
        let file = Some((KeySource::File, "x4Q2"));
        for (key, link, standing, part) in [
            (
                None,
                CONNECTING,
                KeyStatus::None,
                "There is no key: Google is asked without one.",
            ),
            (
                None,
                down(true),
                KeyStatus::Refused,
                "Google wants a key, and there is none",
            ),
            (
                file,
                up(),
                KeyStatus::Taken,
                "The key from the key file, which ends in x4Q2, is in use with Google.",
            ),
            (
                file,
                down(true),
                KeyStatus::Refused,
                "was not taken by Google: The service refuses the API key. Enter another one.",
            ),
            (
                file,
                down(false),
                KeyStatus::Unchecked,
                "was not checked yet",
            ),
            (
                file,
                CONNECTING,
                KeyStatus::Unchecked,
                "was not checked yet",
            ),
            (
                Some((KeySource::Environment("GEMINI_API_KEY"), "x4Q2")),
                up(),
                KeyStatus::Taken,
                "from the environment variable GEMINI_API_KEY, which",
            ),
            (
                Some((KeySource::Keyring, "")),
                up(),
                KeyStatus::Taken,
                "The key from the system's keyring is in use",
            ),
        ] {
            let (got, words) = of(&snapshot(key, link));
            assert_eq!(got, standing, "{words}");
            assert!(words.contains(part), "{words}");
            assert!(
                got == KeyStatus::Taken || !words.contains("in use"),
                "{words}"
            );
        }
        let mut demo = snapshot(file, up());
        demo.demo = true;
        assert_eq!(of(&demo).0, KeyStatus::Unchecked);
        demo.key = None;
        assert_eq!(of(&demo).1, "There is no key yet: the demo answers.");
    }

    #[test]
    fn an_own_endpoint_is_named_and_google_is_not() {
        let mut own = snapshot(Some((KeySource::File, "x4Q2")), up());
        own.service = ServiceView {
            host: "gate.example".into(),
            is_own: true,
            gets_key: false,
            key_host: None,
        };
        let (standing, words) = of(&own);
        assert_eq!(standing, KeyStatus::Unchecked);
        assert!(words.contains("is not sent to gate.example"), "{words}");
        assert!(storage(&own, "/k").contains("and not sent to gate.example"));
        own.service.gets_key = true;
        own.service.key_host = Some("gate.example".into());
        assert!(of(&own).1.contains("in use with gate.example"));
        let words = storage(&own, "/k");
        assert!(words.contains("sent to gate.example alone") && !words.contains("Google"));
        assert!(
            storage(&snapshot(None, up()), "/k")
                .contains("/k, which only you can read, and sent to Google alone.")
        );
        let environment = snapshot(Some((KeySource::Environment("GEMINI_API_KEY"), "")), up());
        assert!(
            storage(&environment, "/k")
                .ends_with("At the next start GEMINI_API_KEY goes first again.")
        );
    }
}
