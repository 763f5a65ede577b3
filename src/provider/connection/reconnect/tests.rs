//! What a link does after each kind of end, and when.

use super::*;

use End::{Closed, Cut, Handle, NeedsUser, Policy, Quota, Refused, Silent, Unanswered, Unreached};

/// What happens to a link, and the handle of the attempt that follows; `None`: there is none.
struct Case {
    name: &'static str,
    events: &'static [Event],
    next: Option<Option<&'static str>>,
}

enum Event {
    /// Dial, be ready, live for so many milliseconds with this handle, end so.
    Lived(u64, Option<&'static str>, End),
    /// Dial, fail before `setupComplete`.
    Failed(End),
}
use Event::{Failed, Lived};

const MINUTE: u64 = 60_000;

#[test]
fn each_end_has_its_policy() {
    let table = [
        Case {
            name: "a cut resumes",
            events: &[Lived(MINUTE, Some("h"), Cut)],
            next: Some(Some("h")),
        },
        Case {
            name: "no handle, no resumption",
            events: &[Lived(MINUTE, None, Cut)],
            next: Some(None),
        },
        Case {
            name: "a close resumes",
            events: &[Lived(MINUTE, Some("h"), Closed)],
            next: Some(Some("h")),
        },
        Case {
            name: "trouble again and again ends in a fresh start",
            events: &[
                Lived(MINUTE, Some("h"), Closed),
                Failed(Closed),
                Failed(Closed),
            ],
            next: Some(None),
        },
        Case {
            name: "trouble twice still resumes",
            events: &[Lived(MINUTE, Some("h"), Closed), Failed(Closed)],
            next: Some(Some("h")),
        },
        Case {
            name: "a refused handle is left out once",
            events: &[Lived(MINUTE, Some("h"), Closed), Failed(Refused)],
            next: Some(None),
        },
        Case {
            name: "a refused setup is not repeated",
            events: &[
                Lived(MINUTE, Some("h"), Closed),
                Failed(Refused),
                Failed(Refused),
            ],
            next: None,
        },
        Case {
            name: "a refused first setup is not repeated",
            events: &[Failed(Refused)],
            next: None,
        },
        Case {
            name: "a refusal in mid-conversation starts afresh",
            events: &[Lived(MINUTE, Some("h"), Refused)],
            next: Some(None),
        },
        Case {
            name: "a broken rule resumes once",
            events: &[Lived(MINUTE, Some("h"), Policy)],
            next: Some(Some("h")),
        },
        Case {
            name: "a rule broken twice starts afresh",
            events: &[Lived(MINUTE, Some("h"), Policy), Failed(Policy)],
            next: Some(None),
        },
        Case {
            name: "a rule broken three times, the refusal of the handle aside, needs the user",
            events: &[
                Lived(MINUTE, Some("h"), Policy),
                Failed(Policy),
                Failed(Policy),
                Failed(Policy),
            ],
            next: None,
        },
        Case {
            name: "a conversation that dies right after it was restored is given up",
            events: &[
                Lived(MINUTE, Some("h"), Closed),
                Lived(3_000, Some("i"), Closed),
            ],
            next: Some(None),
        },
        Case {
            name: "one that proved itself is restored again",
            events: &[
                Lived(MINUTE, Some("h"), Closed),
                Lived(6_000, Some("i"), Closed),
            ],
            next: Some(Some("i")),
        },
        Case {
            name: "a bad network does not cost the conversation",
            events: &[
                Lived(MINUTE, Some("h"), Cut),
                Lived(3_000, None, Cut),
                Failed(Cut),
                Failed(Cut),
            ],
            next: Some(Some("h")),
        },
        Case {
            name: "cut off twice right after it was restored, it is given up",
            events: &[
                Lived(MINUTE, Some("h"), Cut),
                Lived(3_000, None, Cut),
                Lived(3_000, None, Cut),
            ],
            next: Some(None),
        },
        Case {
            name: "silence with a handle blames the handle",
            events: &[Lived(MINUTE, Some("h"), Cut), Failed(Silent)],
            next: Some(None),
        },
        Case {
            name: "silence without one is tried again",
            events: &[Failed(Silent)],
            next: Some(None),
        },
        Case {
            name: "a conversation that is not known is given up at once",
            events: &[Lived(MINUTE, Some("h"), Cut), Failed(Handle)],
            next: Some(None),
        },
        Case {
            name: "who stops answering is asked again in the same conversation",
            events: &[Lived(MINUTE, Some("h"), Unanswered)],
            next: Some(Some("h")),
        },
        Case {
            name: "and then in a new one",
            events: &[
                Lived(MINUTE, Some("h"), Unanswered),
                Lived(MINUTE, None, Unanswered),
            ],
            next: Some(None),
        },
        Case {
            name: "what only the user can mend waits for the user",
            events: &[Failed(NeedsUser)],
            next: None,
        },
        Case {
            name: "a quota keeps the conversation",
            events: &[Lived(MINUTE, Some("h"), Quota)],
            next: Some(Some("h")),
        },
    ];
    for case in table {
        let mut now = Instant::now();
        let mut link = ReconnectPolicy::new(now);
        let mut wait = Some(Duration::ZERO);
        for event in case.events {
            now += wait.expect(case.name);
            assert_eq!(link.due(now), Some(Due::Dial), "{}", case.name);
            link.dial(now);
            wait = match event {
                Failed(end) => link.lost(now, *end, 0.5),
                Lived(ms, handle, end) => {
                    link.ready(now);
                    now += Duration::from_millis(*ms);
                    offer(&mut link, *handle);
                    link.lost(now, *end, 0.5)
                }
            };
        }
        let next = wait.map(|wait| link.dial(now + wait).handle);
        let expected = case.next.map(|handle| handle.map(str::to_owned));
        assert_eq!(next, expected, "{}", case.name);
    }
}

#[test]
fn waits_grow_and_start_anew_after_a_proof() {
    let mut now = Instant::now();
    let mut link = ReconnectPolicy::new(now);
    for ms in [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000] {
        link.dial(now);
        assert_eq!(link.lost(now, Cut, 1.0), Some(Duration::from_millis(ms)));
        now += Duration::from_millis(ms);
    }
    assert_eq!(link.dial(now).number, 8);
    link.ready(now);
    assert_eq!(link.poll_timeout(), Some(now + PROOF));
    assert_eq!(
        link.lost(now + Duration::from_secs(1), Cut, 0.0),
        Some(Duration::ZERO)
    );
    assert_eq!(link.dial(now).number, 9, "it did not prove itself");
    link.ready(now);
    link.served();
    assert_eq!(link.lost(now, Cut, 1.0), Some(Duration::ZERO));
    assert_eq!(link.dial(now).number, 1);
}

#[test]
fn the_first_refusal_of_a_handle_is_followed_by_a_new_conversation_without_a_wait() {
    for end in [Handle, Policy, Refused] {
        let mut now = Instant::now();
        let mut link = ReconnectPolicy::new(now);
        link.dial(now);
        link.ready(now);
        offer(&mut link, Some("h"));
        link.lost(now, Cut, 1.0);
        // The server is away for a while: waits have grown.
        for _ in 0..8 {
            link.dial(now);
            now += link.lost(now, Cut, 1.0).expect("it is tried again");
        }
        link.retry_now(now);
        assert_eq!(link.dial(now).handle.as_deref(), Some("h"));
        assert_eq!(link.lost(now, end, 1.0), Some(Duration::ZERO), "{end:?}");
        assert_eq!(link.dial(now).handle, None, "{end:?}");
        assert_ne!(link.lost(now, end, 1.0), Some(Duration::ZERO), "{end:?}");
    }
}

#[test]
fn a_storm_opens_the_breaker_and_a_user_passes_it() {
    let mut now = Instant::now();
    let mut link = ReconnectPolicy::new(now);
    for _ in 1..20 {
        link.dial(now);
        link.ready(now);
        assert!(link.lost(now, Closed, 0.01) < Some(Duration::from_secs(1)));
        now += Duration::from_secs(1);
    }
    link.dial(now);
    assert_eq!(link.lost(now, Closed, 0.5), Some(BREAKER));
    assert_eq!(link.due(now), None);
    link.retry_now(now);
    assert_eq!(link.due(now), Some(Due::Dial));
}

#[test]
fn a_network_that_leads_nowhere_is_tried_again_soon_and_counts_for_nothing() {
    let start = Instant::now();
    let (mut now, mut attempts) = (start, 0);
    let mut link = ReconnectPolicy::new(now);
    link.dial(now);
    link.ready(now);
    link.served();
    link.lost(now, Cut, 1.0);
    while now < start + Duration::from_secs(3_600) {
        link.dial(now);
        attempts += 1;
        let wait = link.lost(now, Unreached, 1.0).expect("it is tried again");
        let hundredth = (now - start) / 100;
        let expected = hundredth.clamp(Duration::from_millis(250), Duration::from_secs(8));
        assert_eq!(wait, expected, "{:?}", now - start);
        now += wait;
    }
    assert!((500..1_000).contains(&attempts), "{attempts} in an hour");
    // What was reached then is spared as if nothing had been.
    link.dial(now);
    let wait = link.lost(now, Cut, 1.0);
    assert_eq!(wait, Some(Duration::from_millis(BACKOFF_MS[1])));
}

#[test]
fn a_quota_waits_half_a_minute() {
    let now = Instant::now();
    let mut link = ReconnectPolicy::new(now);
    link.dial(now);
    assert!(link.lost(now, Quota, 0.0) >= Some(QUOTA_WAIT));
}

#[test]
fn a_retry_is_always_possible_and_disturbs_nothing() {
    let now = Instant::now();
    let mut link = ReconnectPolicy::new(now);
    link.dial(now);
    link.lost(now, NeedsUser, 0.5);
    assert_eq!((link.poll_timeout(), link.due(now)), (None, None));
    link.retry_now(now);
    assert_eq!(link.due(now), Some(Due::Dial));
    link.dial(now);
    link.retry_now(now);
    assert_eq!(link.due(now), None, "it is being tried");
}

#[test]
fn a_connection_that_goes_away_is_left_before_it_ends() {
    let start = Instant::now();
    let second = Duration::from_secs(1);
    let table = [
        (Some(60), 58),
        (Some(1), 0),
        (Some(0), 0),
        (None, 8),
        (Some(u64::MAX), 86_398),
    ];
    for (time_left, roll) in table {
        let mut link = ReconnectPolicy::new(start);
        link.dial(start);
        link.ready(start);
        link.served();
        link.go_away(start, time_left.map(Duration::from_secs));
        let due = start + second * roll;
        assert_eq!(link.poll_timeout(), Some(due));
        assert_eq!(link.due(due), Some(Due::Roll));
        link.go_away(start + second, Some(second * 200_000));
        assert_eq!(
            link.poll_timeout(),
            Some(due),
            "a second notice does not put it off"
        );
    }
}

#[test]
fn a_roll_keeps_the_handle_and_another_endpoint_does_not() {
    let now = Instant::now();
    let mut link = ReconnectPolicy::new(now);
    link.dial(now);
    assert_eq!(
        link.ready(now),
        Connection {
            number: 1,
            resumed: false
        }
    );
    offer(&mut link, Some("h"));
    link.resumption(Some("i"), false);
    link.resumption(None, true);
    link.roll(now);
    assert_eq!(
        link.dial(now).handle.as_deref(),
        Some("h"),
        "the newest that can be resumed"
    );
    assert_eq!(
        link.ready(now),
        Connection {
            number: 2,
            resumed: true
        }
    );
    link.redial(now);
    assert_eq!(link.dial(now).handle, None);
}

fn offer(link: &mut ReconnectPolicy, handle: Option<&str>) {
    link.resumption(handle, true);
}
