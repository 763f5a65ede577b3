//! Tables for the turn machine: what happens, and what must be done about it.

use super::*;
use crate::base::ids::Mark;

pub(super) const T1: TurnId = TurnId(1);
pub(super) const T2: TurnId = TurnId(2);

/// A machine with a clock that the test moves.
pub(super) struct Bench {
    pub(super) machine: Machine,
    origin: Instant,
}

impl Bench {
    pub(super) fn new(manual: bool) -> Self {
        let mut bench = Self {
            machine: Machine::new(manual),
            origin: Instant::now(),
        };
        assert_eq!(bench.at(0, Input::LinkUp), vec![]);
        bench
    }

    pub(super) fn ms(&self, ms: u64) -> Instant {
        self.origin + Duration::from_millis(ms)
    }

    pub(super) fn at(&mut self, ms: u64, input: Input) -> Vec<Action> {
        let now = self.ms(ms);
        self.machine.handle(now, input);
        self.drain()
    }

    pub(super) fn time_out(&mut self) -> (u64, Vec<Action>) {
        let at = self.machine.poll_timeout().expect("a deadline");
        self.machine.handle_timeout(at);
        (
            u64::try_from((at - self.origin).as_millis()).expect("small"),
            self.drain(),
        )
    }

    pub(super) fn drain(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.machine.poll_action()).collect()
    }

    pub(super) fn speak(&mut self, ms: u64) -> Vec<Action> {
        let first_voiced = self.ms(ms);
        self.at(ms + 60, Input::SpeechStarted { first_voiced })
    }

    pub(super) fn fall_silent(&mut self, ms: u64) -> Vec<Action> {
        let last_voiced = self.ms(ms);
        self.at(ms + 500, Input::SpeechEnded { last_voiced })
    }

    pub(super) fn flushed(&mut self, ms: u64) {
        let at = self.ms(ms);
        assert_eq!(self.at(ms, Input::EndSent { at }), vec![]);
    }

    pub(super) fn audio(&mut self, ms: u64) -> Vec<Action> {
        let at = self.ms(ms);
        self.at(ms, Input::ReplyAudio { at })
    }

    pub(super) fn audible(&mut self, ms: u64, turn: TurnId) {
        let at = self.ms(ms);
        let input = Input::FirstAudible {
            turn,
            at,
            skipped_silence: Duration::ZERO,
        };
        assert_eq!(self.at(ms, input), vec![]);
    }

    pub(super) fn played(&mut self, ms: u64, turn: TurnId) -> Vec<Action> {
        self.at(
            ms,
            Input::Played {
                turn,
                heard: Duration::from_millis(700),
            },
        )
    }

    pub(super) fn silenced(&mut self, ms: u64) -> Vec<Action> {
        let at = self.ms(ms);
        self.at(
            ms,
            Input::Silenced {
                at,
                ducked: None,
                heard: Duration::from_millis(300),
            },
        )
    }

    /// A question from 0 to 1000 ms that is awaited from 1501 ms on.
    pub(super) fn ask(&mut self) {
        assert_eq!(self.speak(0), vec![Action::Begin(T1)]);
        assert_eq!(self.fall_silent(1_000), vec![Action::End(T1)]);
        self.flushed(1_501);
    }

    /// The same, with a reply that is heard from 1750 ms on.
    pub(super) fn ask_and_hear(&mut self) {
        self.ask();
        assert_eq!(self.audio(1_730), vec![Action::Play(T1)]);
        self.audible(1_750, T1);
    }
}

pub(super) fn closed(actions: &[Action]) -> &Closed {
    let found: Vec<_> = actions
        .iter()
        .filter_map(|a| {
            if let Action::Close(c) = a {
                Some(c)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(found.len(), 1, "one turn closes: {actions:?}");
    found[0]
}

#[test]
fn a_turn_is_asked_answered_and_closed() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    assert_eq!(
        bench.at(1_800, Input::GenerationComplete),
        vec![Action::EndReply(T1)]
    );
    assert_eq!(
        bench.played(2_500, T1),
        vec![],
        "the token counts are still to come"
    );
    let actions = bench.at(2_510, Input::TurnComplete);
    let turn = closed(&actions);
    assert_eq!(
        (turn.turn, turn.asked, &turn.outcome),
        (T1, true, &Outcome::Completed)
    );
    let latencies = turn.timeline.latencies();
    let ms = |d: Option<Duration>| d.expect("present").as_millis();
    assert_eq!(
        [
            ms(latencies.endpointing),
            ms(latencies.uplink),
            ms(latencies.server)
        ],
        [500, 1, 229]
    );
    assert_eq!([ms(latencies.downlink), ms(latencies.total)], [20, 750]);
    assert!(bench.machine.is_quiet());
}

#[test]
fn speech_cuts_an_audible_reply_and_begins_a_turn() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    assert_eq!(
        bench.speak(3_000),
        vec![Action::StopReply, Action::Begin(T2)]
    );
    let actions = bench.silenced(3_075);
    let turn = closed(&actions);
    assert_eq!(
        (turn.turn, &turn.outcome, turn.cut_offs),
        (T1, &Outcome::Interrupted, 0)
    );
    assert_eq!(turn.silenced_after, Some(Duration::from_millis(75)));
    assert_eq!(turn.heard, Duration::from_millis(300));
    assert_eq!(bench.audio(3_080), vec![], "late audio of the cut turn");
    bench.at(3_090, Input::Interrupted);
    bench.at(3_091, Input::TurnComplete);
    assert_eq!(bench.machine.phase(), Phase::Speaking);
    bench.fall_silent(4_000);
    assert_eq!(bench.audio(4_700), vec![Action::Play(T2)]);
}

#[test]
fn an_end_between_generation_and_turn_complete_does_not_mute_the_next_answer() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    bench.at(1_800, Input::GenerationComplete);
    bench.speak(2_000);
    bench.silenced(2_070);
    bench.fall_silent(2_900);
    // The pair of the old turn arrives after the new turn was ended.
    bench.at(3_410, Input::Interrupted);
    assert_eq!(bench.at(3_411, Input::TurnComplete), vec![]);
    assert_eq!(bench.audio(3_500), vec![Action::Play(T2)]);
}

#[test]
fn going_on_within_a_second_reopens_the_turn_and_counts_a_cut_off() {
    let mut bench = Bench::new(true);
    bench.ask();
    assert_eq!(bench.speak(2_000), vec![Action::Continue(T1)]);
    bench.fall_silent(3_000);
    bench.flushed(3_501);
    assert_eq!(bench.audio(3_700), vec![Action::Play(T1)]);
    bench.audible(3_720, T1);
    bench.at(3_800, Input::TurnComplete);
    let actions = bench.played(4_500, T1);
    let turn = closed(&actions);
    assert_eq!((turn.reopened, turn.cut_offs), (1, 1));
    assert_eq!(
        turn.timeline.latencies().endpointing,
        Some(Duration::from_millis(500))
    );
    assert_eq!(turn.timeline.get(Mark::SpeechStart), Some(bench.ms(0)));
}

#[test]
fn going_on_drops_a_reply_that_nobody_heard() {
    let mut bench = Bench::new(true);
    bench.ask();
    bench.audio(1_900);
    let dropped = vec![
        Action::StopReply,
        Action::EndReply(T1),
        Action::Continue(T1),
    ];
    assert_eq!(bench.speak(2_000), dropped);
    assert_eq!(
        bench.silenced(2_070),
        vec![],
        "the flush belongs to no closed turn"
    );
}

#[test]
fn speech_long_after_the_endpoint_cancels_a_turn_without_an_answer() {
    let mut bench = Bench::new(true);
    bench.ask();
    assert_eq!(bench.at(3_000, Input::ReplySign), vec![], "it was heard");
    let actions = bench.speak(5_000);
    let turn = closed(&actions);
    assert_eq!((&turn.outcome, turn.cut_offs), (&Outcome::Cancelled, 0));
    assert_eq!(actions.last(), Some(&Action::Begin(T2)));
}

#[test]
fn escape_stops_what_sounds_or_is_awaited_and_nothing_else() {
    let mut bench = Bench::new(true);
    bench.speak(0);
    assert_eq!(
        bench.at(500, Input::StopPressed),
        vec![],
        "the user's own speech is not stopped"
    );
    bench.fall_silent(1_000);
    let actions = bench.at(2_000, Input::StopPressed);
    assert_eq!(closed(&actions).outcome, Outcome::Cancelled);
    assert_eq!(bench.audio(2_100), vec![], "its late answer stays unheard");

    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    assert_eq!(bench.at(2_000, Input::StopPressed), vec![Action::StopReply]);
    let actions = bench.silenced(2_010);
    let turn = closed(&actions);
    assert_eq!(
        (&turn.outcome, turn.silenced_after),
        (&Outcome::Interrupted, None)
    );
}

#[test]
fn a_turn_without_audio_is_empty_and_a_stalled_one_has_a_way_out() {
    let mut bench = Bench::new(true);
    bench.ask();
    let actions = bench.at(1_600, Input::TurnComplete);
    assert_eq!(closed(&actions).outcome, Outcome::Empty);

    let mut bench = Bench::new(true);
    bench.ask();
    for silence in [21_501, 41_501] {
        let (at, actions) = bench.time_out();
        let replaced = Action::Replace(FIRST_SIGN_WITHIN);
        assert_eq!((at, actions), (silence, vec![replaced]));
        bench.at(at, Input::LinkDown);
        let again = vec![Action::Begin(T1), Action::End(T1)];
        assert_eq!(bench.at(at, Input::LinkUp), again);
        assert_eq!(bench.machine.poll_timeout(), None, "not before it was sent");
        bench.flushed(at);
    }
    let (at, actions) = bench.time_out();
    assert_eq!(at, 61_501);
    let turn = closed(&actions);
    assert!(
        matches!(&turn.outcome, Outcome::Failed(why) if why.english().contains("no answer within 20 s, 3 times"))
    );
    assert!(!turn.received);
    assert_eq!(actions.last(), Some(&Action::Replace(FIRST_SIGN_WITHIN)));
    bench.speak(70_000);
    bench.fall_silent(71_000);
    assert_eq!(
        bench.audio(71_900),
        vec![Action::Play(T2)],
        "the stalled turn does not mute the next"
    );
}

#[test]
fn a_service_that_has_the_question_and_stays_silent_is_asked_on_another_connection() {
    let mut bench = Bench::new(true);
    bench.ask();
    assert_eq!(bench.at(2_000, Input::ReplySign), vec![]);
    let (at, actions) = bench.time_out();
    assert_eq!(at, 22_000);
    let turn = closed(&actions);
    assert!(turn.received && matches!(turn.outcome, Outcome::Failed(_)));
    // What the last connection heard is not restored with the next one.
    assert_eq!(turn.retry, Retry::ByItself);
    assert_eq!(actions[1..], [Action::Replace(Duration::from_secs(20))]);
}

#[test]
fn a_reply_that_breaks_off_is_played_and_then_failed() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    let (at, actions) = bench.time_out();
    let another = Action::Replace(Duration::from_secs(10));
    assert_eq!((at, actions), (11_730, vec![Action::EndReply(T1), another]));
    let actions = bench.played(11_800, T1);
    let turn = closed(&actions);
    assert!(matches!(turn.outcome, Outcome::Failed(_)));
    assert_eq!(turn.retry, Retry::ByItself);
}

#[test]
fn a_missing_turn_complete_does_not_hold_a_played_reply() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    bench.at(1_800, Input::GenerationComplete);
    bench.played(2_500, T1);
    let (at, actions) = bench.time_out();
    assert_eq!(
        (at, &closed(&actions).outcome),
        (3_500, &Outcome::Completed)
    );
    bench.speak(4_000);
    bench.fall_silent(5_000);
    assert_eq!(bench.audio(5_700), vec![Action::Play(T2)]);
}

#[test]
fn a_flush_that_is_never_confirmed_still_closes_the_turn() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    bench.at(2_000, Input::StopPressed);
    let (at, actions) = bench.time_out();
    assert_eq!(
        (at, &closed(&actions).outcome),
        (3_000, &Outcome::Interrupted)
    );
}

#[test]
fn a_lost_link_loses_no_question() {
    let mut bench = Bench::new(true);
    bench.at(10, Input::LinkDown);
    assert_eq!(bench.speak(100), vec![]);
    assert_eq!(bench.fall_silent(1_000), vec![]);
    assert_eq!(
        bench.speak(5_000),
        vec![],
        "what is said meanwhile belongs to it"
    );
    assert_eq!(bench.fall_silent(6_000), vec![]);
    assert_eq!(bench.machine.poll_timeout(), None, "nobody can answer yet");
    assert_eq!(
        bench.at(9_000, Input::LinkUp),
        vec![Action::Begin(T1), Action::End(T1)]
    );
    bench.flushed(9_002);
    assert_eq!(bench.audio(9_300), vec![Action::Play(T1)]);
}

#[test]
fn a_link_lost_while_speaking_begins_again_and_ends_as_usual() {
    let mut bench = Bench::new(true);
    bench.speak(0);
    bench.at(500, Input::LinkDown);
    assert_eq!(bench.at(900, Input::LinkUp), vec![Action::Begin(T1)]);
    assert_eq!(bench.fall_silent(1_500), vec![Action::End(T1)]);
}

#[test]
fn a_link_lost_in_the_reply_asks_again_only_if_nothing_was_heard() {
    let mut bench = Bench::new(true);
    bench.ask();
    bench.audio(1_700);
    assert_eq!(
        bench.at(1_710, Input::LinkDown),
        vec![Action::StopReply, Action::EndReply(T1)]
    );
    assert_eq!(
        bench.at(2_000, Input::LinkUp),
        vec![Action::Begin(T1), Action::End(T1)]
    );

    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    assert_eq!(bench.at(1_800, Input::LinkDown), vec![Action::EndReply(T1)]);
    assert_eq!(bench.at(2_000, Input::LinkUp), vec![]);
    assert!(matches!(
        closed(&bench.played(2_400, T1)).outcome,
        Outcome::Failed(_)
    ));

    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    bench.at(1_790, Input::GenerationComplete);
    assert_eq!(bench.at(1_800, Input::LinkDown), vec![]);
    assert_eq!(
        closed(&bench.played(2_400, T1)).outcome,
        Outcome::Completed,
        "all of it had come"
    );
}

#[test]
fn what_the_line_held_back_is_not_the_services_share() {
    let mut bench = Bench::new(true);
    bench.ask();
    let at = bench.ms(2_301);
    assert_eq!(bench.at(2_350, Input::EndDelivered { at }), vec![]);
    bench.audio(2_601);
    // It is too late to say so of a reply that has begun.
    let at = bench.ms(2_700);
    bench.at(2_700, Input::EndDelivered { at });
    bench.audible(2_720, T1);
    bench.at(2_800, Input::GenerationComplete);
    bench.at(2_801, Input::TurnComplete);
    let latencies = closed(&bench.played(3_000, T1)).timeline.latencies();
    let ms = |d: Option<Duration>| d.expect("present").as_millis();
    assert_eq!([ms(latencies.uplink), ms(latencies.server)], [801, 300]);
}

#[test]
fn what_is_told_late_of_a_dropped_reply_is_not_the_next_ones() {
    let mut bench = Bench::new(true);
    bench.ask();
    bench.audio(1_700);
    bench.at(1_710, Input::LinkDown);
    bench.audible(1_711, T1);
    bench.at(2_000, Input::LinkUp);
    bench.flushed(2_001);
    bench.audio(2_300);
    bench.audible(2_320, T1);
    bench.at(2_400, Input::GenerationComplete);
    bench.at(2_401, Input::TurnComplete);
    let latencies = closed(&bench.played(3_000, T1)).timeline.latencies();
    assert_eq!(latencies.downlink, Some(Duration::from_millis(20)));
    assert_eq!(latencies.negative, 0);
}

#[test]
fn a_question_that_ends_every_connection_is_given_up() {
    let mut bench = Bench::new(true);
    bench.ask();
    for ms in [2_000, 3_000, 4_000] {
        bench.at(ms, Input::LinkDown);
        bench.at(ms + 1, Input::LinkDown); // an attempt that failed is no connection
        assert_eq!(
            bench.at(ms + 500, Input::LinkUp),
            vec![Action::Begin(T1), Action::End(T1)]
        );
        bench.flushed(ms + 501);
    }
    bench.at(5_000, Input::LinkDown);
    assert!(matches!(
        closed(&bench.at(5_500, Input::LinkUp)).outcome,
        Outcome::Failed(_)
    ));
}

#[test]
fn what_the_service_says_unasked_is_played_without_being_a_turn_of_the_user() {
    let mut bench = Bench::new(true);
    assert_eq!(bench.audio(100), vec![Action::Play(T1)]);
    assert_eq!(
        (bench.machine.open_turn(), bench.machine.asked_turn()),
        (Some(T1), None)
    );
    bench.audible(120, T1);
    assert_eq!(
        bench.at(300, Input::GenerationComplete),
        vec![Action::EndReply(T1)]
    );
    bench.at(310, Input::TurnComplete);
    assert!(!closed(&bench.played(900, T1)).asked);
    bench.speak(2_000);
    assert_eq!(bench.audio(2_100), vec![], "it does not talk over the user");
}

#[test]
fn automatic_detection_sends_no_edges_and_follows_the_service() {
    let mut bench = Bench::new(false);
    assert_eq!(bench.speak(0), vec![Action::Begin(T1)]);
    assert_eq!(bench.fall_silent(1_000), vec![Action::End(T1)]);
    assert_eq!(bench.audio(2_200), vec![Action::Play(T1)]);
    bench.audible(2_220, T1);
    assert_eq!(
        bench.speak(3_000),
        vec![],
        "the service decides whether this interrupts"
    );
    assert_eq!(
        bench.at(3_300, Input::Interrupted),
        vec![Action::StopReply, Action::Begin(T2)]
    );
    let actions = bench.silenced(3_310);
    let turn = closed(&actions);
    assert_eq!(
        (&turn.outcome, turn.silenced_after),
        (&Outcome::Interrupted, Some(Duration::from_millis(310)))
    );
    let latencies = turn.timeline.latencies();
    assert_eq!(
        (latencies.endpointing, latencies.server),
        (None, Some(Duration::from_millis(1_200)))
    );
    assert_eq!(bench.audio(3_320), vec![], "late audio");
    bench.at(3_330, Input::TurnComplete);
    bench.fall_silent(4_000);
    assert_eq!(bench.audio(5_000), vec![Action::Play(T2)]);
}

#[test]
fn automatic_detection_takes_a_pause_for_one_utterance() {
    let mut bench = Bench::new(false);
    bench.speak(0);
    bench.fall_silent(1_000);
    assert_eq!(bench.speak(3_000), vec![]);
    assert_eq!(bench.machine.asked_turn(), Some(T1));
    bench.fall_silent(4_000);
    assert_eq!(bench.audio(4_700), vec![Action::Play(T1)]);
    bench.at(4_800, Input::TurnComplete);
    assert_eq!(closed(&bench.played(5_000, T1)).outcome, Outcome::Completed);
}

#[test]
fn an_interruption_without_speech_stops_the_reply_and_ends_the_turn() {
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    assert_eq!(bench.at(2_000, Input::Interrupted), vec![Action::StopReply]);
    assert_eq!(closed(&bench.silenced(2_010)).outcome, Outcome::Interrupted);
    assert_eq!(bench.at(2_020, Input::TurnComplete), vec![]);
    assert!(bench.machine.is_quiet());
}

#[test]
fn at_the_end_every_turn_is_closed_as_it_stands() {
    let mut bench = Bench::new(true);
    bench.speak(0);
    assert_eq!(
        closed(&bench.at(500, Input::Quit)).outcome,
        Outcome::Cancelled
    );
    let mut bench = Bench::new(true);
    bench.ask_and_hear();
    assert_eq!(
        closed(&bench.at(2_000, Input::Quit)).outcome,
        Outcome::Interrupted
    );
}
