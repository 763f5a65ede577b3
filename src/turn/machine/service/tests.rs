//! Ends that come late, twice or never, in every order: each reply is heard under its own turn.

use std::time::Duration;

use proptest::prelude::*;

use super::super::tests::{Bench, T1, T2, closed};
use super::super::{Closed, Input};
use super::*;

#[test]
fn an_end_alone_behind_the_next_question_is_the_cut_turns() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    bench.speak(2_000);
    bench.silenced(2_070);
    bench.fall_silent(2_900);
    assert_eq!(bench.at(3_550, Input::TurnComplete), vec![]);
    assert_eq!(bench.audio(4_200), vec![Action::Play(T2)]);
    bench.audible(4_220, T2);
    assert_eq!(
        bench.at(4_300, Input::TurnComplete),
        vec![Action::EndReply(T2)]
    );
    assert_eq!(closed(&bench.played(5_000, T2)).outcome, Outcome::Completed);
}

#[test]
fn what_is_said_behind_the_end_is_heard_in_the_same_turn_behind_the_first_part() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    let ended = vec![Action::EndReply(T1)];
    assert_eq!(bench.at(1_800, Input::TurnComplete), ended);
    assert_eq!(bench.audio(1_900), vec![Action::Play(T1)], "the answer");
    assert_eq!(bench.played(2_500, T1), vec![], "the filler, 700 ms");
    assert_eq!(bench.at(2_600, Input::TurnComplete), ended);
    let actions = bench.played(4_000, T1);
    let turn = closed(&actions);
    assert_eq!(turn.outcome, Outcome::Completed);
    assert_eq!(turn.heard, Duration::from_millis(1_400));
    assert_eq!(turn.timeline.get(Mark::FirstAudible), Some(bench.ms(1_750)));
    assert!(bench.machine.is_quiet());
}

#[test]
fn a_part_that_will_go_on_is_played_out_and_the_rest_is_waited_for() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    let ended = vec![Action::EndReply(T1)];
    assert_eq!(bench.at(1_800, Input::TurnGoesOn), ended);
    assert_eq!(bench.played(2_500, T1), vec![]);
    let mut silent = Bench::new(true);
    silent.ask_and_hear();
    silent.at(1_800, Input::TurnGoesOn);
    silent.played(2_500, T1);
    let (at, actions) = silent.time_out();
    assert_eq!(at, 22_500);
    assert!(matches!(closed(&actions).outcome, Outcome::Failed(_)));
    assert_eq!(bench.audio(9_000), vec![Action::Play(T1)]);
    assert_eq!(bench.at(9_100, Input::TurnComplete), ended);
    let actions = bench.played(9_700, T1);
    assert_eq!(closed(&actions).heard, Duration::from_millis(1_400));
}

#[test]
fn a_reply_without_its_end_signs_does_not_cost_the_next() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    let (at, actions) = bench.time_out();
    assert_eq!((at, &actions[0]), (11_730, &Action::EndReply(T1)));
    let actions = bench.played(11_800, T1);
    assert!(matches!(closed(&actions).outcome, Outcome::Failed(_)));
    bench.speak(12_000);
    bench.fall_silent(13_000);
    assert_eq!(bench.audio(14_000), vec![Action::Play(T2)]);
    bench.audible(14_020, T2);
    bench.at(14_100, Input::TurnComplete);
    let actions = bench.played(14_800, T2);
    assert_eq!(closed(&actions).outcome, Outcome::Completed);
}

#[test]
fn an_end_that_comes_twice_is_not_the_next_turns_and_an_empty_turn_is_still_empty() {
    for answered in [true, false] {
        let mut bench = Bench::new(true);
        bench.ask_and_hear();
        bench.at(1_800, Input::TurnComplete);
        bench.played(2_500, T1);
        bench.speak(4_000);
        bench.fall_silent(5_000);
        assert_eq!(bench.at(5_600, Input::TurnComplete), vec![], "once more");
        if answered {
            assert_eq!(bench.audio(6_400), vec![Action::Play(T2)]);
            bench.audible(6_420, T2);
            bench.at(6_500, Input::TurnComplete);
            let actions = bench.played(7_100, T2);
            assert_eq!(closed(&actions).outcome, Outcome::Completed);
        } else {
            let (at, actions) = bench.time_out();
            assert_eq!((at, &closed(&actions).outcome), (7_600, &Outcome::Empty));
        }
    }
}

#[test]
fn a_text_is_content_and_its_end_is_its_own() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    bench.speak(2_000);
    bench.silenced(2_070);
    bench.fall_silent(2_900);
    assert_eq!(bench.at(4_000, Input::ReplyContent), vec![]);
    let actions = bench.at(4_010, Input::TurnComplete);
    assert_eq!(closed(&actions).outcome, Outcome::Empty);
}

#[test]
fn an_answer_that_comes_after_it_was_given_up_is_heard_all_the_same() {
    let mut bench = Bench::new(true);
    bench.ask();
    // It has the question: the connection is no reason for its silence.
    bench.at(1_600, Input::ReplySign);
    let (at, actions) = bench.time_out();
    assert!(matches!(closed(&actions).outcome, Outcome::Failed(_)));
    assert_eq!(bench.audio(at + 1_000), vec![Action::Play(T2)]);
    assert_eq!(
        (bench.machine.open_turn(), bench.machine.asked_turn()),
        (Some(T2), None)
    );
}

#[test]
fn automatic_detection_survives_a_stopped_reply_without_its_end() {
    for end in [false, true] {
        let mut bench = Bench::new(false);
        bench.speak(0);
        bench.fall_silent(1_000);
        bench.audio(2_200);
        bench.audible(2_220, T1);
        bench.speak(3_000);
        bench.at(3_300, Input::Interrupted);
        bench.silenced(3_310);
        bench.fall_silent(4_000);
        if end {
            assert_eq!(bench.at(4_600, Input::TurnComplete), vec![]);
        }
        assert_eq!(bench.audio(5_000), vec![Action::Play(T2)]);
        bench.audible(5_020, T2);
        bench.at(5_100, Input::TurnComplete);
        let actions = bench.played(5_800, T2);
        assert_eq!(closed(&actions).outcome, Outcome::Completed);
    }
}

#[test]
fn what_another_connection_says_does_not_mend_a_reply_that_was_lost() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    assert_eq!(bench.at(1_800, Input::LinkDown), vec![Action::EndReply(T1)]);
    bench.at(2_000, Input::LinkUp);
    assert_eq!(bench.audio(2_100), vec![], "a greeting");
    let actions = bench.played(2_400, T1);
    assert!(matches!(closed(&actions).outcome, Outcome::Failed(_)));
    bench.speak(4_000);
    bench.fall_silent(5_000);
    assert_eq!(bench.at(5_600, Input::TurnComplete), vec![], "its end");
    assert_eq!(bench.audio(6_000), vec![Action::Play(T2)]);
}

/// What the user and the service do in one turn.
#[derive(Clone, Copy, Debug)]
struct Course {
    /// Pieces of the reply.
    pieces: u8,
    /// The user speaks into the reply, or while it is awaited.
    cut: bool,
    interrupted: Sent,
    generated: Sent,
    complete: Sent,
}

/// How an end sign is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Never,
    Once,
    Twice,
    /// After the next question, before its answer.
    Late,
}

fn sent() -> impl Strategy<Value = Sent> {
    prop::sample::select(vec![Sent::Never, Sent::Once, Sent::Twice, Sent::Late])
}

fn course() -> impl Strategy<Value = Course> {
    (0_u8..4, any::<bool>(), sent(), sent(), sent()).prop_map(
        |(pieces, cut, interrupted, generated, complete)| Course {
            pieces,
            cut,
            interrupted,
            generated,
            complete,
        },
    )
}

/// A whole conversation: the machine, a service that keeps its order, and a speaker that plays what it is given.
struct Talk {
    bench: Bench,
    ms: u64,
    /// Pieces that the speaker has and whose end was given.
    ended: Vec<TurnId>,
    closed: Vec<Closed>,
    last: TurnId,
}

impl Talk {
    fn new() -> Self {
        Self {
            bench: Bench::new(true),
            ms: 0,
            ended: Vec::new(),
            closed: Vec::new(),
            last: TurnId(0),
        }
    }

    fn take(&mut self, actions: Vec<Action>) -> Vec<Action> {
        let (mut silenced, mut ended) = (0, false);
        for action in &actions {
            match action {
                Action::EndReply(turn) => self.ended.push(*turn),
                Action::StopReply => {
                    self.ended.clear();
                    silenced += 1;
                }
                Action::Begin(turn) => self.last = *turn,
                Action::End(_) => ended = true,
                Action::Close(closed) => self.closed.push(Closed::clone(closed)),
                Action::Continue(_) | Action::Play(_) | Action::Replay(_) | Action::Replace(_) => {}
            }
        }
        if ended {
            self.bench.flushed(self.ms);
        }
        for _ in 0..silenced {
            let actions = self.bench.silenced(self.ms);
            self.take(actions);
        }
        actions
    }

    fn say(&mut self, input: Input) {
        self.ms += 10;
        let actions = self.bench.at(self.ms, input);
        self.take(actions);
    }

    /// The user asks: begins to speak 1.5 s later, for a second.
    fn ask(&mut self) -> TurnId {
        self.ms += 1_500;
        let actions = self.bench.speak(self.ms);
        self.take(actions);
        self.ms += 1_000;
        let actions = self.bench.fall_silent(self.ms);
        self.take(actions);
        self.ms += 510;
        self.last
    }

    /// The service answers after 600 ms of thought; every piece must be heard as this turn's.
    fn answer(&mut self, turn: TurnId, pieces: u8) {
        self.ms += 600;
        for piece in 0..pieces {
            self.ms += 20;
            let actions = self.bench.audio(self.ms);
            let actions = self.take(actions);
            // The first sign of the service also closes what was spoken over.
            let closes = |a: &Action| matches!(a, Action::Close(closed) if closed.turn != turn);
            let rest: Vec<_> = actions.into_iter().filter(|a| !closes(a)).collect();
            assert_eq!(rest, vec![Action::Play(turn)], "piece {piece}");
            if piece == 0 {
                self.bench.audible(self.ms, turn);
            }
        }
    }

    /// The speaker plays what it was given, and the timers run: three times 20 s where nothing comes at all.
    fn settle(&mut self) {
        for _ in 0..80 {
            self.ms += 1_000;
            for turn in std::mem::take(&mut self.ended) {
                let actions = self.bench.played(self.ms, turn);
                self.take(actions);
            }
            let now = self.bench.ms(self.ms);
            self.bench.machine.handle_timeout(now);
            let actions = self.bench.drain();
            self.take(actions);
        }
        assert!(self.bench.machine.is_quiet(), "it hangs");
    }

    fn outcome(&self, turn: TurnId) -> &Outcome {
        let found: Vec<_> = self.closed.iter().filter(|c| c.turn == turn).collect();
        assert_eq!(found.len(), 1, "{turn:?} of {:?}", self.closed);
        &found[0].outcome
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// After any course of earlier turns a healthy reply is heard as its own turn's, whole, and completes it.
    #[test]
    fn no_healthy_reply_is_dropped_and_no_turn_is_closed_by_anothers(
        courses in prop::collection::vec(course(), 1..6),
    ) {
        let mut talk = Talk::new();
        let mut late: Vec<Input> = Vec::new();
        for course in &courses {
            let turn = talk.ask();
            for input in late.drain(..) {
                talk.say(input);
            }
            prop_assert!(
                talk.bench.machine.asked_turn() == Some(turn),
                "closed by another's end"
            );
            talk.answer(turn, course.pieces);
            let signs = [
                (Input::Interrupted, course.interrupted, course.cut && course.pieces > 0),
                (Input::GenerationComplete, course.generated, !course.cut && course.pieces > 0),
                (Input::TurnComplete, course.complete, true),
            ];
            let mut after = Vec::new();
            for (input, sent, possible) in signs {
                match sent {
                    _ if !possible => {}
                    Sent::Never => {}
                    Sent::Once => after.push(input),
                    Sent::Twice => after.extend([input.clone(), input]),
                    Sent::Late => late.push(input),
                }
            }
            if course.cut {
                // The service hears of the cut with the next question's beginning; what it says to that comes meanwhile.
                late.splice(0..0, after);
            } else {
                for input in after {
                    talk.say(input);
                }
                talk.settle();
                let ended = course.complete != Sent::Never && course.complete != Sent::Late;
                if course.pieces > 0 && ended {
                    prop_assert_eq!(talk.outcome(turn), &Outcome::Completed);
                }
            }
        }
        let turn = talk.ask();
        for input in late.drain(..) {
            talk.say(input);
        }
        talk.answer(turn, 3);
        talk.say(Input::GenerationComplete);
        talk.say(Input::TurnComplete);
        talk.settle();
        prop_assert_eq!(talk.outcome(turn), &Outcome::Completed);
    }
}

#[test]
fn an_answer_that_the_service_stops_by_itself_is_empty_and_one_that_was_heard_is_interrupted() {
    let mut bench = Bench::new(true);
    bench.ask();
    let actions = bench.at(2_000, Input::Interrupted);
    let turn = closed(&actions);
    assert_eq!((&turn.outcome, turn.broken_off), (&Outcome::Empty, true));

    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    assert_eq!(bench.at(2_000, Input::Interrupted), vec![Action::StopReply]);
    let actions = bench.silenced(2_050);
    let turn = closed(&actions);
    let heard = (&turn.outcome, turn.broken_off);
    assert_eq!(heard, (&Outcome::Interrupted, true));

    let mut bench = Bench::new(true);
    bench.ask();
    bench.audio(1_730);
    bench.at(1_740, Input::Interrupted);
    let actions = bench.silenced(1_800);
    assert_eq!(closed(&actions).outcome, Outcome::Empty);

    // Who stops a reply by speaking or by Esc knows why it ends.
    let mut bench = Bench::new(true);
    bench.ask();
    let actions = bench.at(2_000, Input::StopPressed);
    let turn = closed(&actions);
    assert_eq!(
        (&turn.outcome, turn.broken_off),
        (&Outcome::Cancelled, false)
    );
}

#[test]
fn a_service_that_decides_about_turns_may_have_heard_the_user() {
    let mut bench = Bench::new(false);
    bench.speak(0);
    bench.fall_silent(1_000);
    let actions = bench.at(2_000, Input::Interrupted);
    assert!(!closed(&actions).broken_off, "{actions:?}");
}

#[test]
fn a_call_that_cannot_be_answered_is_not_waited_for_as_long_as_an_answer() {
    let mut bench = Bench::new(true);
    bench.ask();
    assert_eq!(bench.at(2_000, Input::Unanswerable), vec![]);
    let (at, actions) = bench.time_out();
    assert_eq!(at, 7_000);
    let Outcome::Failed(why) = &closed(&actions).outcome else {
        panic!("{actions:?}");
    };
    assert!(why.english().contains("without an id"), "{why}");
    // A model that goes on without its tool is heard.
    for goes_on in [Input::ReplyContent, Input::TurnComplete] {
        let mut bench = Bench::new(true);
        bench.ask();
        bench.at(2_000, Input::Unanswerable);
        bench.at(3_000, goes_on.clone());
        if goes_on == Input::ReplyContent {
            assert_eq!(bench.audio(9_000), vec![Action::Play(T1)]);
        } else {
            assert!(bench.machine.is_quiet(), "closed as empty at once");
        }
    }
}
