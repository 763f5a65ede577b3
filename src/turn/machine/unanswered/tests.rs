//! Turns that nothing shows to have arrived are asked again, first things first, or fail with words.

use super::super::tests::{Bench, T1, T2, closed};
use super::super::{FIRST_SIGN_WITHIN, Input};
use super::*;

const T3: TurnId = TurnId(3);

fn asked(turn: TurnId) -> Vec<Action> {
    vec![Action::Begin(turn), Action::End(turn)]
}

/// One was asked, and spoken over although nothing had come; the second is asked too.
fn two_without_a_sign() -> Bench {
    let mut bench = Bench::new(true);
    bench.ask();
    assert_eq!(bench.speak(5_000), vec![Action::Begin(T2)]);
    assert_eq!(bench.fall_silent(6_000), vec![Action::End(T2)]);
    bench.flushed(6_501);
    assert!(!bench.machine.is_quiet());
    bench
}

/// Answers the open turn from `ms` on; what the last input brings is left to the caller.
fn answer(bench: &mut Bench, ms: u64, turn: TurnId) -> Vec<Action> {
    assert_eq!(bench.audio(ms), vec![Action::Play(turn)]);
    bench.audible(ms + 20, turn);
    bench.at(ms + 30, Input::GenerationComplete);
    bench.at(ms + 40, Input::TurnComplete);
    let actions = bench.played(ms + 700, turn);
    let over = closed(&actions);
    assert_eq!((over.turn, &over.outcome), (turn, &Outcome::Completed));
    assert!(over.received);
    actions
}

#[test]
fn a_sign_of_the_service_shows_that_it_goes_on_from_what_was_spoken_over() {
    let mut bench = two_without_a_sign();
    let actions = bench.audio(7_000);
    let first = closed(&actions);
    assert_eq!((first.turn, &first.outcome), (T1, &Outcome::Cancelled));
    assert_eq!(actions.last(), Some(&Action::Play(T2)));
}

#[test]
fn both_are_answered_after_a_dead_link_the_first_one_first() {
    let mut bench = two_without_a_sign();
    assert_eq!(bench.at(20_000, Input::LinkDown), vec![]);
    assert_eq!(bench.at(21_000, Input::LinkUp), asked(T1));
    bench.flushed(21_001);
    let actions = answer(&mut bench, 22_000, T1);
    assert_eq!(actions[1..], asked(T2));
    bench.flushed(23_000);
    answer(&mut bench, 24_000, T2);
    assert!(bench.machine.is_quiet());
}

#[test]
fn the_silence_of_the_service_replaces_the_link_and_then_fails_both() {
    let mut bench = two_without_a_sign();
    for _ in 0..2 {
        let (at, actions) = bench.time_out();
        assert_eq!(actions, vec![Action::Replace(FIRST_SIGN_WITHIN)]);
        bench.at(at, Input::LinkDown);
        let first = bench.at(at, Input::LinkUp);
        assert_eq!(first, asked(T1));
        bench.flushed(at);
    }
    // The first one is given up after three silences, counted since it was asked alone; then the second has its own.
    let mut failed = Vec::new();
    while !bench.machine.is_quiet() {
        let (at, actions) = bench.time_out();
        let found = actions.iter().filter_map(|action| match action {
            Action::Close(turn) => Some((turn.turn, turn.outcome.clone(), turn.received)),
            Action::Begin(_)
            | Action::Continue(_)
            | Action::End(_)
            | Action::Play(_)
            | Action::Replay(_)
            | Action::EndReply(_)
            | Action::StopReply
            | Action::Replace(_) => None,
        });
        failed.extend(found);
        bench.at(at, Input::LinkDown);
        bench.at(at, Input::LinkUp);
        bench.flushed(at);
    }
    assert_eq!(failed.iter().map(|f| f.0).collect::<Vec<_>>(), [T1, T2]);
    for (_, outcome, received) in failed {
        assert!(matches!(outcome, Outcome::Failed(_)) && !received);
    }
}

#[test]
fn who_speaks_while_the_link_returns_is_asked_after_what_was_said_before() {
    let mut bench = Bench::new(true);
    bench.ask();
    assert_eq!(bench.speak(5_000), vec![Action::Begin(T2)]);
    assert_eq!(bench.at(5_500, Input::LinkDown), vec![]);
    assert_eq!(bench.at(6_000, Input::LinkUp), vec![], "they speak");
    assert!(!bench.machine.is_offered());
    assert_eq!(bench.fall_silent(7_000), asked(T1));
    bench.flushed(7_501);
    let actions = answer(&mut bench, 8_000, T1);
    assert_eq!(actions[1..], asked(T2));
    bench.flushed(8_800);
    answer(&mut bench, 9_000, T2);
}

#[test]
fn speaking_over_the_answer_to_the_first_loses_neither_the_second_nor_the_third() {
    let mut bench = two_without_a_sign();
    bench.at(20_000, Input::LinkDown);
    bench.at(21_000, Input::LinkUp);
    bench.flushed(21_001);
    bench.audio(22_000);
    bench.audible(22_020, T1);
    assert_eq!(
        bench.speak(23_000),
        vec![Action::StopReply],
        "the third waits"
    );
    bench.silenced(23_070);
    bench.at(23_100, Input::Interrupted);
    bench.at(23_101, Input::TurnComplete);
    assert_eq!(bench.fall_silent(24_000), asked(T2));
    bench.flushed(24_501);
    let actions = answer(&mut bench, 25_000, T2);
    assert_eq!(actions[1..], asked(T3));
    bench.flushed(25_800);
    answer(&mut bench, 26_000, T3);
    assert!(bench.machine.is_quiet());
}

#[test]
fn escape_cancels_what_this_connection_has_and_leaving_without_one_says_what_is_lost() {
    let mut bench = two_without_a_sign();
    let actions = bench.at(7_000, Input::StopPressed);
    let outcomes: Vec<_> = actions
        .iter()
        .filter(|a| matches!(a, Action::Close(c) if c.outcome == Outcome::Cancelled))
        .collect();
    assert_eq!(outcomes.len(), 2);
    assert!(bench.machine.is_quiet());

    let mut bench = two_without_a_sign();
    bench.at(20_000, Input::LinkDown);
    let actions = bench.at(21_000, Input::Quit);
    let failed = |a: &&Action| matches!(a, Action::Close(c) if matches!(c.outcome, Outcome::Failed(_)) && !c.received);
    assert_eq!(actions.iter().filter(failed).count(), 2);
}

#[test]
fn cuts_while_the_user_speaks_or_while_it_is_sent_again_do_not_count_as_failures() {
    let mut bench = Bench::new(true);
    bench.speak(0);
    for ms in (1..30).map(|n| n * 1_000) {
        bench.at(ms, Input::LinkDown);
        assert_eq!(bench.at(ms + 500, Input::LinkUp), vec![Action::Begin(T1)]);
    }
    bench.fall_silent(30_000);
    for ms in (40..51).map(|n| n * 1_000) {
        bench.at(ms, Input::LinkDown);
        assert_eq!(bench.at(ms + 500, Input::LinkUp), asked(T1));
    }
    bench.flushed(51_000);
    answer(&mut bench, 52_000, T1);
}

#[test]
fn a_slow_link_is_given_the_time_again_that_the_end_took_to_get_away() {
    let mut bench = Bench::new(true);
    bench.speak(0);
    bench.fall_silent(1_000);
    assert_eq!(bench.machine.poll_timeout(), None, "it is being sent");
    bench.flushed(31_500);
    assert_eq!(bench.time_out().0, 31_500 + 20_000 + 30_000);
}

#[test]
fn a_link_that_breaks_off_every_time_is_given_up_with_words() {
    let mut bench = Bench::new(true);
    bench.speak(0);
    bench.fall_silent(1_000);
    let mut ms = 2_000;
    loop {
        bench.at(ms, Input::LinkDown);
        let actions = bench.at(ms + 500, Input::LinkUp);
        if actions != asked(T1) {
            let turn = closed(&actions);
            assert!(
                matches!(&turn.outcome, Outcome::Failed(why) if why.english().contains("12 connections"))
            );
            return;
        }
        ms += 1_000;
    }
}
