//! Typed turns: what they end, what they wait for, and what becomes of them without a connection.

use std::time::Duration;

use super::super::tests::{Bench, T1, T2, closed};
use super::super::{Action, Input, Outcome, Phase};
use crate::base::ids::{Mark, TurnId};

const T3: TurnId = TurnId(3);

impl Bench {
    fn type_at(&mut self, ms: u64) -> (TurnId, Vec<Action>) {
        let turn = self.machine.ask_typed(self.ms(ms));
        (turn, self.drain())
    }
}

fn whole(turn: TurnId) -> Vec<Action> {
    vec![Action::Begin(turn), Action::End(turn)]
}

#[test]
fn it_is_sent_as_a_whole_and_timed_from_there() {
    for manual in [true, false] {
        let mut bench = Bench::new(manual);
        assert_eq!(bench.type_at(0), (T1, whole(T1)));
        assert_eq!(bench.machine.phase(), Phase::Awaiting);
        bench.flushed(2);
        assert_eq!(bench.audio(300), vec![Action::Play(T1)]);
        bench.audible(320, T1);
        bench.at(400, Input::GenerationComplete);
        bench.at(500, Input::TurnComplete);
        let actions = bench.played(1_000, T1);
        let turn = closed(&actions);
        assert!(turn.typed && turn.asked && turn.received, "{turn:?}");
        assert_eq!((&turn.outcome, turn.cut_offs), (&Outcome::Completed, 0));
        for mark in [Mark::SpeechStart, Mark::SpeechEnd, Mark::Endpoint] {
            assert_eq!(turn.timeline.get(mark), None);
        }
        let latencies = turn.timeline.latencies();
        assert_eq!(latencies.response, Some(Duration::from_millis(318)));
        assert_eq!((latencies.endpointing, latencies.uplink), (None, None));
    }
}

#[test]
fn what_waits_is_not_asked_while_it_is_held() {
    let mut bench = Bench::new(true);
    bench.machine.hold_waiting(true);
    assert_eq!(bench.type_at(0), (T1, vec![]));
    assert_eq!(bench.at(5_000, Input::LinkUp), vec![]);
    bench.machine.hold_waiting(false);
    bench.machine.handle_timeout(bench.ms(6_000));
    assert_eq!(bench.drain(), whole(T1));
}

#[test]
fn it_interrupts_a_reply_that_sounds_or_is_awaited() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    let begun: Vec<_> = [vec![Action::StopReply], whole(T2)].concat();
    assert_eq!(bench.type_at(2_000), (T2, begun));
    assert_eq!(closed(&bench.silenced(2_010)).outcome, Outcome::Interrupted);

    let mut bench = Bench::new(true);
    bench.ask();
    assert_eq!(bench.type_at(1_600), (T2, whole(T2)));
    bench.flushed(1_601);
    // What comes now shows that both have arrived.
    let actions = bench.audio(2_500);
    assert_eq!(closed(&actions).outcome, Outcome::Cancelled);
    assert_eq!(closed(&actions).cut_offs, 0, "typing is no cut-off");
    assert_eq!(actions.last(), Some(&Action::Play(T2)));
}

#[test]
fn the_rest_of_an_interrupted_reply_does_not_show_that_it_arrived() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    bench.audio(1_900);
    bench.type_at(2_000);
    bench.silenced(2_010);
    bench.flushed(2_011);
    assert_eq!(bench.audio(2_020), vec![], "of the old reply");
    let (_, actions) = bench.time_out();
    assert!(matches!(actions[..], [Action::Replace(_)]), "{actions:?}");
}

#[test]
fn while_the_user_speaks_it_waits_for_the_answer_to_that() {
    let mut bench = Bench::new(true);
    bench.speak(0);
    assert_eq!(bench.type_at(500), (T2, vec![]));
    assert_eq!(bench.fall_silent(1_000), vec![Action::End(T1)]);
    bench.flushed(1_501);
    // The utterance can still go on as the same turn.
    assert_eq!(bench.speak(1_600), vec![Action::Continue(T1)]);
    assert_eq!(bench.fall_silent(2_000), vec![Action::End(T1)]);
    bench.flushed(2_501);
    bench.audio(2_730);
    bench.audible(2_750, T1);
    bench.at(2_800, Input::TurnComplete);
    let actions = bench.played(3_500, T1);
    assert_eq!(closed(&actions).turn, T1);
    assert_eq!(actions[1..], whole(T2)[..]);
}

#[test]
fn speech_after_it_is_another_turn() {
    for manual in [true, false] {
        let mut bench = Bench::new(manual);
        bench.type_at(0);
        bench.flushed(2);
        assert_eq!(bench.speak(100), vec![Action::Begin(T2)]);
        assert_eq!(bench.fall_silent(1_000), vec![Action::End(T2)]);
        let actions = bench.audio(2_000);
        let first = closed(&actions);
        assert_eq!((first.turn, &first.outcome), (T1, &Outcome::Cancelled));
        assert_eq!(actions.last(), Some(&Action::Play(T2)));
    }
}

#[test]
fn without_a_connection_all_are_kept_and_asked_in_order() {
    let mut bench = Bench::new(true);
    bench.at(0, Input::LinkDown);
    assert_eq!(bench.type_at(10), (T1, vec![]));
    assert_eq!(bench.type_at(20), (T2, vec![]));
    assert_eq!(bench.speak(30), vec![], "nor does speech take it over");
    assert_eq!(bench.fall_silent(1_000), vec![]);
    assert_eq!(bench.at(2_000, Input::LinkUp), whole(T1));
    for (turn, next, ms) in [(T1, T2, 2_000), (T2, T3, 3_000)] {
        bench.flushed(ms + 1);
        bench.audio(ms + 300);
        bench.at(ms + 400, Input::TurnComplete);
        let actions = bench.played(ms + 900, turn);
        assert_eq!(actions[1..], whole(next)[..], "{actions:?}");
    }
}

#[test]
fn a_lost_connection_is_asked_again_by_the_next() {
    for manual in [true, false] {
        let mut bench = Bench::new(manual);
        bench.type_at(0);
        bench.flushed(2);
        assert_eq!(bench.at(100, Input::LinkDown), vec![]);
        assert_eq!(bench.at(900, Input::LinkUp), whole(T1));
        bench.flushed(902);
        assert_eq!(bench.audio(1_200), vec![Action::Play(T1)]);
    }
}

#[test]
fn where_the_service_decides_what_was_said_before_is_over_with_it() {
    let mut bench = Bench::new(false);
    bench.speak(0);
    bench.fall_silent(1_000);
    assert_eq!(bench.type_at(1_600), (T2, whole(T2)));
    bench.flushed(1_601);
    let actions = bench.audio(2_500);
    assert_eq!(closed(&actions).turn, T1);
    assert_eq!(actions.last(), Some(&Action::Play(T2)));
}
