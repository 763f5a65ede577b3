//! Tables for the eager endpoint: 500 ms of patience, and a service that thinks for 630 ms.

use super::super::tests::{Bench, T1, T2, closed};
use super::*;
use crate::turn::machine::{Action, Input, Outcome, TokenOwner};

/// A machine that has measured the service, and a question from 0 to 1000 ms that was closed after 120 ms.
fn closed_early() -> Bench {
    let mut bench = eager(630);
    assert_eq!(bench.speak(0), vec![Action::Begin(T1)]);
    assert_eq!(lull(&mut bench, 1_000), END);
    bench.flushed(1_131);
    bench
}

const END: [Action; 1] = [Action::End(T1)];

fn after(ms: u64) -> EarlyClose {
    EarlyClose::After(Duration::from_millis(ms))
}

/// Without a limit on waste: what becomes of a turn that is closed early, however often that is in vain.
fn eager(think_ms: u64) -> Bench {
    let mut bench = Bench::new(true);
    bench.machine.set_endpointing(EndpointingSettings {
        eager: true,
        eager_waste_percent: 100,
        assumed_think: Duration::from_millis(think_ms),
        ..EndpointingSettings::default()
    });
    bench
}

/// The voice fell silent at `ms`, which is noticed 130 ms later.
fn lull(bench: &mut Bench, ms: u64) -> Vec<Action> {
    let last_voiced = bench.ms(ms);
    bench.at(ms + 130, Input::SilenceStarted { last_voiced })
}

/// It goes on at `ms`, which is noticed 20 ms later.
fn resume(bench: &mut Bench, ms: u64) -> Vec<Action> {
    let input = Input::Resumed {
        first_voiced: bench.ms(ms),
        pause: Duration::from_millis(400),
    };
    bench.at(ms + 20, input)
}

#[test]
fn a_reply_is_held_until_patience_is_over_and_no_longer() {
    let mut bench = closed_early();
    assert_eq!(bench.machine.early_close(), after(120));
    assert!(bench.machine.is_closed_early());
    assert_eq!(bench.audio(1_400), vec![Action::Play(T1)]);
    assert_eq!(bench.fall_silent(1_000), vec![]);
    assert!(!bench.machine.is_closed_early());
    assert!(!bench.machine.is_closed_early());
    bench.audible(1_520, T1);
    bench.at(1_600, Input::TurnComplete);
    let actions = bench.played(2_500, T1);
    let turn = closed(&actions);
    assert_eq!(turn.outcome, Outcome::Completed);
    assert_eq!(
        (turn.reopened, turn.false_endpoints, turn.cut_offs),
        (0, 0, 0)
    );
    let l = turn.timeline.latencies();
    let ms = |d: Option<Duration>| d.expect("present").as_millis();
    assert_eq!(
        [ms(l.endpointing), ms(l.server), ms(l.downlink)],
        [130, 269, 120]
    );
    assert_eq!(
        (l.held.as_millis(), l.negative),
        (100, 0),
        "inside the downlink"
    );
}

#[test]
fn a_reply_that_comes_after_patience_is_not_held() {
    let mut bench = closed_early();
    assert_eq!(bench.fall_silent(1_000), vec![]);
    assert!(!bench.machine.is_closed_early());
    assert_eq!(bench.audio(1_760), vec![Action::Play(T1)]);
    bench.audible(1_780, T1);
    bench.at(1_800, Input::TurnComplete);
    assert_eq!(
        closed(&bench.played(2_500, T1)).timeline.held,
        Duration::ZERO
    );
}

#[test]
fn what_goes_on_before_patience_is_over_is_the_same_turn() {
    for ready in [false, true] {
        let mut bench = closed_early();
        let mut expected = vec![Action::Continue(T1)];
        if ready {
            bench.audio(1_350);
            expected.splice(0..0, [Action::StopReply, Action::EndReply(T1)]);
        }
        assert_eq!(resume(&mut bench, 1_400), expected);
        assert!(!bench.machine.is_closed_early());
        assert_eq!(
            bench.audio(1_430),
            vec![],
            "late audio of the dropped reply"
        );
        bench.at(1_440, Input::Interrupted);
        assert_eq!(bench.machine.bill(), TokenOwner::Dropped);
        bench.at(1_441, Input::TurnComplete);
        assert_eq!(bench.machine.phase(), Phase::Speaking);
        bench.machine.forget_thinking();
        assert_eq!(lull(&mut bench, 2_000), END);
        bench.flushed(2_131);
        assert_eq!(bench.machine.bill(), TokenOwner::Open);
        bench.fall_silent(2_000);
        assert_eq!(bench.audio(2_760), vec![Action::Play(T1)]);
        bench.audible(2_780, T1);
        bench.at(2_800, Input::TurnComplete);
        let actions = bench.played(3_500, T1);
        let turn = closed(&actions);
        assert_eq!(
            (turn.reopened, turn.false_endpoints, turn.cut_offs),
            (1, 1, 0)
        );
        assert_eq!(turn.timeline.get(Mark::SpeechStart), Some(bench.ms(0)));
        assert_eq!(turn.timeline.get(Mark::SpeechEnd), Some(bench.ms(2_000)));
    }
}

#[test]
fn a_late_pair_and_late_audio_of_a_turn_closed_too_early_do_not_touch_its_answer() {
    let mut bench = closed_early();
    resume(&mut bench, 1_400);
    lull(&mut bench, 1_600);
    // The service had begun to answer the first half when it heard of the second.
    assert_eq!(bench.audio(1_750), vec![Action::Play(T1)]);
    let dropped = vec![Action::StopReply, Action::EndReply(T1)];
    assert_eq!(bench.at(1_760, Input::Interrupted), dropped);
    assert_eq!(bench.machine.bill(), TokenOwner::Dropped);
    assert_eq!(bench.at(1_761, Input::TurnComplete), vec![]);
    assert_eq!(bench.machine.asked_turn(), Some(T1));
    bench.fall_silent(1_600);
    assert_eq!(bench.audio(2_370), vec![Action::Play(T1)]);
}

#[test]
fn what_goes_on_before_the_reply_is_heard_continues_the_turn_also_beyond_patience() {
    let mut bench = closed_early();
    bench.fall_silent(1_000);
    assert_eq!(
        bench.speak(4_000),
        vec![Action::Continue(T1)],
        "a slow answer"
    );
    assert_eq!(bench.at(4_100, Input::Quit).len(), 1);
    let mut bench = closed_early();
    bench.fall_silent(1_000);
    bench.audio(1_760);
    bench.audible(1_780, T1);
    assert_eq!(
        bench.speak(1_900),
        vec![Action::StopReply, Action::Begin(T2)]
    );
    let actions = bench.silenced(2_000);
    let turn = closed(&actions);
    assert_eq!((&turn.outcome, turn.cut_offs), (&Outcome::Interrupted, 1));
    assert_eq!(turn.false_endpoints, 0);
}

#[test]
fn the_timer_waits_as_long_as_thinking_does_not_hide_and_a_voice_stops_it() {
    let mut bench = eager(200);
    bench.speak(0);
    assert_eq!(lull(&mut bench, 1_000), vec![], "T_e is 300 ms");
    assert_eq!(bench.machine.poll_timeout(), Some(bench.ms(1_300)));
    assert_eq!(resume(&mut bench, 1_250), vec![]);
    assert_eq!(bench.machine.poll_timeout(), None);
    lull(&mut bench, 2_000);
    assert_eq!(bench.time_out(), (2_300, END.into()));
}

#[test]
fn a_service_that_answers_at_once_is_asked_when_patience_is_over() {
    for think_ms in [0, 39] {
        let mut bench = eager(think_ms);
        bench.speak(0);
        assert_eq!(lull(&mut bench, 1_000), vec![]);
        assert_eq!(bench.machine.poll_timeout(), None);
        assert_eq!(bench.fall_silent(1_000), vec![Action::End(T1)]);
    }
    let mut automatic = Bench::new(false);
    automatic.machine.set_endpointing(EndpointingSettings {
        eager: true,
        assumed_think: Duration::from_millis(630),
        ..EndpointingSettings::default()
    });
    automatic.speak(0);
    assert_eq!(lull(&mut automatic, 1_000), vec![]);
    assert_eq!(automatic.machine.early_close(), EarlyClose::Off);
}

#[test]
fn think_times_are_measured_turn_by_turn() {
    let mut bench = eager(0);
    bench.ask_and_hear();
    assert_eq!(bench.machine.early_close(), after(271));
    bench.machine.forget_thinking();
    assert_eq!(bench.machine.early_close(), EarlyClose::Needless);
}

#[test]
fn escape_while_a_reply_is_held_ends_the_turn_and_what_is_said_next_is_another() {
    for ready in [false, true] {
        let mut bench = closed_early();
        if ready {
            bench.audio(1_300);
        }
        let mut actions = bench.at(1_350, Input::StopPressed);
        assert!(!bench.machine.is_closed_early());
        if ready {
            actions = bench.silenced(1_360);
        }
        assert_eq!(closed(&actions).outcome, Outcome::Cancelled);
        assert_eq!(resume(&mut bench, 1_400), vec![Action::Begin(T2)]);
        assert_eq!(bench.fall_silent(1_900), vec![Action::End(T2)]);
    }
    let mut bench = closed_early();
    bench.at(1_350, Input::StopPressed);
    assert_eq!(bench.fall_silent(1_000), vec![], "nothing is open");
}

#[test]
fn a_turn_that_the_service_closes_without_a_word_waits_for_patience() {
    let mut bench = closed_early();
    assert_eq!(bench.at(1_200, Input::TurnComplete), vec![]);
    let actions = bench.fall_silent(1_000);
    assert_eq!(closed(&actions).outcome, Outcome::Empty);
    let mut bench = closed_early();
    bench.at(1_200, Input::TurnComplete);
    let goes_on = vec![Action::Continue(T1)];
    assert_eq!(resume(&mut bench, 1_400), goes_on);
}

#[test]
fn a_link_lost_while_a_reply_is_held_loses_neither_half() {
    let mut bench = closed_early();
    bench.audio(1_300);
    let dropped = vec![Action::StopReply, Action::EndReply(T1)];
    assert_eq!(bench.at(1_310, Input::LinkDown), dropped);
    assert_eq!(resume(&mut bench, 1_400), vec![]);
    assert!(!bench.machine.is_closed_early());
    bench.machine.forget_thinking();
    lull(&mut bench, 2_000);
    assert_eq!(
        bench.at(2_200, Input::LinkUp),
        vec![Action::Begin(T1)],
        "all of it, to a connection that knows nothing"
    );
    assert_eq!(bench.time_out(), (2_120, END.into()));
    // And where the link comes back before the voice does.
    let mut bench = closed_early();
    bench.at(1_200, Input::LinkDown);
    let asked = vec![Action::Begin(T1), Action::End(T1)];
    assert_eq!(bench.at(1_300, Input::LinkUp), asked);
    let goes_on = vec![Action::Continue(T1)];
    assert_eq!(resume(&mut bench, 1_400), goes_on);
}

#[test]
fn a_held_reply_that_was_generated_outlives_its_connection() {
    let mut bench = closed_early();
    bench.audio(1_200);
    let ended = vec![Action::EndReply(T1)];
    assert_eq!(bench.at(1_210, Input::GenerationComplete), ended);
    assert_eq!(bench.at(1_300, Input::LinkDown), vec![]);
    assert_eq!(bench.fall_silent(1_000), vec![]);
    assert!(!bench.machine.is_closed_early());
    bench.audible(1_520, T1);
    assert_eq!(closed(&bench.played(2_500, T1)).outcome, Outcome::Completed);
}

#[test]
fn the_end_of_a_word_that_is_found_late_is_believed_up_to_the_endpoint() {
    for (found, expected) in [(1_010, 1_010), (1_200, 1_000), (900, 1_000)] {
        let mut bench = closed_early();
        bench.fall_silent(found);
        bench.audio(1_760);
        bench.audible(1_780, T1);
        bench.at(1_800, Input::TurnComplete);
        let actions = bench.played(2_500, T1);
        let turn = closed(&actions);
        assert_eq!(turn.timeline.get(Mark::SpeechEnd), Some(bench.ms(expected)));
        assert_eq!(turn.timeline.latencies().negative, 0);
    }
}

#[test]
fn patience_follows_pauses_and_grows_at_once_after_a_cut_off() {
    let mut bench = Bench::new(true);
    let adaptive = EndpointingSettings {
        adaptive: true,
        ..EndpointingSettings::default()
    };
    bench.machine.set_endpointing(adaptive);
    assert_eq!(bench.machine.patience().as_millis(), 500);
    bench.ask();
    bench.speak(1_800);
    assert_eq!(
        bench.machine.patience().as_millis(),
        800,
        "the pause it was too short for"
    );
    for i in 0..30 {
        let ms = 3_000 + i * 1_000;
        lull(&mut bench, ms);
        let input = Input::Resumed {
            first_voiced: bench.ms(ms + 150),
            pause: Duration::from_millis(150),
        };
        bench.at(ms + 170, input);
    }
    let patience = bench.machine.patience().as_millis();
    assert_eq!(patience, 800, "a cut-off fades by turns, not by pauses");
    bench
        .machine
        .set_endpointing(EndpointingSettings::default());
    assert_eq!(bench.machine.patience().as_millis(), 500);
}

/// A sentence with a pause of 400 ms after 1 s, and its end after 2.4 s. Says how often it was closed in the pause.
fn halting(bench: &mut Bench, from: u64) -> u32 {
    let turn = match bench.speak(from)[..] {
        [Action::Begin(turn)] => turn,
        ref other => panic!("{other:?}"),
    };
    let mut false_endpoint = 0;
    if lull(bench, from + 1_000).contains(&Action::End(turn)) {
        false_endpoint += 1;
        bench.flushed(from + 1_131);
    }
    resume(bench, from + 1_400);
    bench.at(from + 1_430, Input::Interrupted);
    if false_endpoint > 0 {
        bench.at(from + 1_431, Input::TurnComplete);
    }
    lull(bench, from + 2_400);
    bench.fall_silent(from + 2_400);
    bench.flushed(from + 3_100);
    bench.audio(from + 3_500);
    bench.audible(from + 3_520, turn);
    bench.at(from + 3_540, Input::TurnComplete);
    let actions = bench.played(from + 4_500, turn);
    let closed = closed(&actions);
    assert_eq!(closed.false_endpoints, false_endpoint);
    bench.machine.billed(TurnTokens {
        own: Some(1_000),
        dropped: u64::from(false_endpoint) * 800,
        reopened: closed.reopened,
        false_endpoints: false_endpoint,
    });
    false_endpoint
}

#[test]
fn a_pause_that_recurs_is_paid_for_once_and_then_waited_out() {
    let mut bench = Bench::new(true);
    bench.machine.set_endpointing(EndpointingSettings {
        eager: true,
        assumed_think: Duration::from_millis(630),
        ..EndpointingSettings::default()
    });
    assert_eq!(bench.machine.early_close(), after(120));
    let closes: Vec<u32> = (0..40).map(|n| halting(&mut bench, n * 10_000)).collect();
    assert_eq!(
        (closes[0], closes.iter().sum::<u32>()),
        (1, 1),
        "{closes:?}"
    );
    assert_eq!(
        bench.machine.early_close(),
        after(120),
        "where the sentence usually ends it does not wait"
    );
}
