use super::*;

const FIRST: TurnId = TurnId(1);
const SECOND: TurnId = TurnId(2);

/// The line, and a clock that every step moves beyond the time in which pieces of one reply follow each other.
#[derive(Default)]
struct Line {
    replies: ReplyAttribution,
    now: Option<Instant>,
}

impl Line {
    fn later(&mut self) -> Instant {
        let now = self.now.map_or_else(Instant::now, |now| now + FLOW);
        *self.now.insert(now)
    }

    fn content(&mut self) -> Owner {
        let now = self.later();
        self.replies.content(now)
    }

    fn interrupted(&mut self) -> Owner {
        let now = self.later();
        self.replies.interrupted(now)
    }

    /// The first turn was answered in part and cut, and the second one was ended.
    fn cut_and_asked_again(generated: bool) -> Self {
        let mut line = Self::default();
        line.replies.expect(FIRST);
        assert_eq!(line.content(), Owner::Turn(FIRST));
        if generated {
            assert_eq!(line.replies.generated(), Owner::Turn(FIRST));
        }
        line.replies.drop_current(Why::Cut);
        line.replies.expect(SECOND);
        line
    }
}

#[test]
fn an_end_before_any_content_is_the_older_turns() {
    let mut line = Line::cut_and_asked_again(false);
    assert_eq!(line.replies.complete(), Owner::Older, "it came alone");
    assert_eq!(line.content(), Owner::Turn(SECOND));
    assert_eq!(line.replies.complete(), Owner::Turn(SECOND));
    assert_eq!(line.replies.complete(), Owner::Nobody);
}

#[test]
fn ends_that_never_come_mute_nobody() {
    for (stopped, generated) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut line = Line::cut_and_asked_again(generated);
        if stopped {
            assert_eq!(line.interrupted(), Owner::Older);
        }
        assert_eq!(line.content(), Owner::Turn(SECOND));
        assert_eq!(line.replies.complete(), Owner::Turn(SECOND));
    }
}

#[test]
fn the_rest_of_a_reply_that_still_flows_is_the_older_turns() {
    let mut line = Line::default();
    line.replies.expect(FIRST);
    let mut now = line.later();
    line.replies.content(now);
    line.replies.drop_current(Why::Cut);
    for ended in [false, true] {
        if ended {
            line.replies.expect(SECOND);
        }
        for _ in 0..20 {
            now += FLOW / 2;
            assert_eq!(line.replies.content(now), Owner::Older, "{ended}");
        }
    }
    now += FLOW;
    assert_eq!(line.replies.content(now), Owner::Turn(SECOND));
    now += FLOW / 2;
    assert_eq!(line.replies.content(now), Owner::Turn(SECOND));
}

#[test]
fn a_stop_that_comes_late_takes_back_what_was_taken_for_the_answer() {
    let mut line = Line::cut_and_asked_again(false);
    assert_eq!(line.content(), Owner::Turn(SECOND));
    assert_eq!(line.interrupted(), Owner::OlderAfterAll);
    assert_eq!(line.replies.complete(), Owner::Older);
    assert_eq!(line.content(), Owner::Turn(SECOND));
    assert_eq!(line.replies.complete(), Owner::Turn(SECOND));
    // What was generated before has no more content: what came is the answer.
    let mut line = Line::cut_and_asked_again(true);
    assert_eq!(line.content(), Owner::Turn(SECOND));
    assert_eq!(line.interrupted(), Owner::Older);
    assert_eq!(line.replies.complete(), Owner::Older);
    assert_eq!(line.replies.complete(), Owner::Turn(SECOND));
}

#[test]
fn two_turns_cut_in_a_row_take_two_ends() {
    let mut line = Line::default();
    for turn in [FIRST, SECOND] {
        line.replies.expect(turn);
        line.replies.drop_current(Why::Cut);
    }
    line.replies.expect(TurnId(3));
    assert_eq!(line.replies.complete(), Owner::Older);
    assert_eq!(line.interrupted(), Owner::Older);
    assert_eq!(line.replies.complete(), Owner::Older);
    assert_eq!(line.content(), Owner::Turn(TurnId(3)));
    assert_eq!(line.replies.complete(), Owner::Turn(TurnId(3)));
}

#[test]
fn pairs_of_a_turn_closed_twice_in_vain_are_told_from_its_answer_whenever_they_come() {
    // Both at once, between the ends, both after the last end.
    for late in [[0, 0], [0, 1], [1, 1]] {
        let mut line = Line::default();
        let pair = |line: &mut Line| {
            assert_eq!(line.interrupted(), Owner::Older);
            assert_eq!(
                line.replies.owner_of_usage(),
                TokenOwner::Dropped,
                "{late:?}"
            );
            assert_eq!(line.replies.complete(), Owner::Older, "{late:?}");
        };
        for is_late in late {
            line.replies.expect(FIRST);
            line.replies.drop_current(Why::GoesOn);
            if is_late == 0 {
                pair(&mut line);
            }
        }
        line.replies.expect(FIRST);
        for _ in late.iter().filter(|is_late| **is_late == 1) {
            pair(&mut line);
        }
        assert_eq!(line.content(), Owner::Turn(FIRST), "{late:?}");
        assert_eq!(line.replies.owner_of_usage(), TokenOwner::Open, "{late:?}");
        assert_eq!(line.replies.complete(), Owner::Turn(FIRST), "{late:?}");
        assert_eq!(line.replies.complete(), Owner::Nobody, "{late:?}");
    }
}

#[test]
fn a_stop_of_nothing_announces_an_end_of_nothing() {
    let mut line = Line::default();
    line.replies.expect(FIRST);
    assert_eq!(line.replies.complete(), Owner::Turn(FIRST));
    line.replies.expect(SECOND);
    assert_eq!(line.interrupted(), Owner::Older);
    assert_eq!(line.interrupted(), Owner::Older, "twice");
    assert_eq!(line.replies.complete(), Owner::Older);
    assert_eq!(line.content(), Owner::Turn(SECOND));
    assert_eq!(line.replies.complete(), Owner::Turn(SECOND));
    // No other turn can be meant.
    let mut line = Line::default();
    line.replies.expect(FIRST);
    assert_eq!(line.interrupted(), Owner::Turn(FIRST));
    assert_eq!(line.replies.complete(), Owner::Older);
}

#[test]
fn what_the_user_cut_stays_unheard_and_what_a_timer_gave_up_is_welcome() {
    for (why, owner) in [(Why::Cut, Owner::Older), (Why::Lapsed, Owner::Nobody)] {
        let mut line = Line::default();
        line.replies.expect(FIRST);
        line.replies.drop_current(why);
        assert_eq!(line.content(), owner, "{why:?}");
    }
}

#[test]
fn the_end_of_a_turn_that_a_timer_gave_up_is_not_waited_for() {
    let mut line = Line::default();
    line.replies.expect(FIRST);
    line.replies.drop_current(Why::Lapsed);
    line.replies.expect(SECOND);
    assert!(!line.replies.is_end_certain());
    assert_eq!(line.replies.complete(), Owner::Turn(SECOND));
}

#[test]
fn what_nobody_asked_for_is_nobodys() {
    let mut line = Line::default();
    assert_eq!(line.content(), Owner::Nobody);
    assert_eq!(line.interrupted(), Owner::Nobody);
    assert_eq!(line.replies.generated(), Owner::Nobody);
    assert_eq!(line.replies.complete(), Owner::Nobody);
    // Refused because the user speaks: its end is not the next turn's.
    let now = line.later();
    line.replies.refuse(now);
    line.replies.expect(FIRST);
    assert_eq!(line.replies.complete(), Owner::Older);
    assert_eq!(line.content(), Owner::Turn(FIRST));
}

#[test]
fn debts_do_not_pile_up() {
    let mut line = Line::default();
    for turn in 0..1_000 {
        line.replies.expect(TurnId(turn));
        line.replies.drop_current(Why::Cut);
    }
    assert_eq!(line.replies.older.len(), MOST_OWED);
}
