//! Which of our turns the service is answering, counted and not guessed.
//!
//! The service names no turns: it sends content, `interrupted`, `generationComplete`, `turnComplete`, in the order in
//! which turns were ended. So every ended turn waits here in line; what arrives belongs to the first of the line, and
//! `turnComplete` takes that one away. A turn that the user cut stays in line until the service has closed it:
//! nothing of it is played, and nothing of it mutes the turn behind it.

use std::collections::VecDeque;

use crate::base::ids::TurnId;

/// A turn whose answer is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owed {
    turn: TurnId,
    /// The user has no use for it any more.
    cut: bool,
    /// Because the same turn went on: its tokens were paid for in vain.
    vain: bool,
    /// The service confirmed that it stopped: what still comes before `turnComplete` is late.
    interrupted: bool,
}

/// The line of turns that the service still owes an end.
#[derive(Debug, Default)]
pub(super) struct Replies {
    line: VecDeque<Owed>,
    /// Cut turns that were given up when the next one was ended, oldest first. If the service stops one of them after
    /// all, it says `interrupted` first.
    given_up: VecDeque<Owed>,
    /// Of those, the ones that it did stop: so many `turnComplete`s belong to them.
    stopped_late: VecDeque<Owed>,
}

/// Whose an `interrupted` or a `turnComplete` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// A turn that is still of use.
    Turn(TurnId),
    /// A turn that was cut.
    Old,
    /// A turn that was given up: what came since the next one was ended was its.
    GivenUp,
    /// No turn is waiting.
    Nobody,
}

/// Whose tokens are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bill {
    /// The turn's that is open.
    Open,
    /// Those of a generation that was dropped because its turn went on.
    Vain,
    /// Those of an earlier turn.
    Earlier,
}

impl Replies {
    /// A turn was ended, or the service began to speak unasked.
    ///
    /// A cut turn that the service has not stopped until now is given up. It was told of the next one's beginning an
    /// utterance ago, so nothing more will come of it; and if it kept its place, it would take the next one's answer.
    pub(super) fn expect(&mut self, turn: TurnId) {
        let kept = |owed: &Owed| !owed.cut || owed.interrupted;
        self.given_up
            .extend(self.line.iter().filter(|owed| !kept(owed)).copied());
        self.line.retain(kept);
        self.line.push_back(Owed {
            turn,
            cut: false,
            vain: false,
            interrupted: false,
        });
    }

    /// The user has no use for what is in line. `vain`: because the same turn goes on.
    pub(super) fn cut_all(&mut self, vain: bool) {
        for owed in self.line.iter_mut().filter(|owed| !owed.cut) {
            (owed.cut, owed.vain) = (true, vain);
        }
    }

    /// The connection is gone, and what it owed with it.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whose content arrives now.
    pub(super) fn owner_of_content(&self) -> Owner {
        match self.line.front() {
            None => Owner::Nobody,
            Some(owed) if owed.cut => Owner::Old,
            Some(owed) => Owner::Turn(owed.turn),
        }
    }

    /// Whose the token counts are that arrive now. The service sends them with `turnComplete` or shortly before.
    pub(super) fn owner_of_usage(&self) -> Bill {
        match self.stopped_late.front().or(self.line.front()) {
            Some(owed) if owed.vain => Bill::Vain,
            Some(owed) if owed.cut => Bill::Earlier,
            Some(_) | None => Bill::Open,
        }
    }

    /// `interrupted` arrived; the turn it stops stays in line for its `turnComplete`.
    pub(super) fn interrupted(&mut self) -> Owner {
        if let Some(late) = self.given_up.pop_front() {
            self.stopped_late.push_back(late);
            return Owner::GivenUp;
        }
        let owner = self.owner_of_content();
        if let Some(first) = self.line.front_mut() {
            (first.cut, first.interrupted) = (true, true);
        }
        owner
    }

    /// `turnComplete` arrived.
    pub(super) fn complete(&mut self) -> Owner {
        if self.stopped_late.pop_front().is_some() {
            return Owner::Old;
        }
        self.given_up.clear();
        let owner = self.owner_of_content();
        self.line.pop_front();
        owner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: TurnId = TurnId(1);
    const SECOND: TurnId = TurnId(2);

    #[test]
    fn an_interruption_of_an_old_turn_does_not_mute_the_next() {
        let mut line = Replies::default();
        line.expect(FIRST);
        assert_eq!(line.owner_of_content(), Owner::Turn(FIRST));
        line.cut_all(false);
        assert_eq!(line.interrupted(), Owner::Old);
        assert_eq!(line.owner_of_content(), Owner::Old, "late audio");
        line.expect(SECOND);
        assert_eq!(
            line.owner_of_content(),
            Owner::Old,
            "still before its turnComplete"
        );
        assert_eq!(line.complete(), Owner::Old);
        assert_eq!(line.owner_of_content(), Owner::Turn(SECOND));
        assert_eq!(line.complete(), Owner::Turn(SECOND));
        assert_eq!(line.owner_of_content(), Owner::Nobody);
    }

    #[test]
    fn a_cut_turn_that_the_service_never_mentions_again_is_given_up() {
        let mut line = Replies::default();
        line.expect(FIRST);
        line.cut_all(false);
        line.expect(SECOND);
        assert_eq!(line.owner_of_content(), Owner::Turn(SECOND));
        assert_eq!(line.complete(), Owner::Turn(SECOND));
    }

    #[test]
    fn a_late_end_of_a_turn_given_up_does_not_end_the_next() {
        let mut line = Replies::default();
        line.expect(FIRST);
        line.cut_all(false);
        line.expect(SECOND);
        assert_eq!(line.owner_of_content(), Owner::Turn(SECOND));
        assert_eq!(line.interrupted(), Owner::GivenUp);
        assert_eq!(line.complete(), Owner::Old);
        assert_eq!(line.complete(), Owner::Turn(SECOND));
    }

    #[test]
    fn pairs_of_a_turn_closed_twice_in_vain_are_told_from_its_answer_whenever_they_come() {
        // Both at once, between the ends, both after the last end.
        for late in [[0, 0], [0, 1], [1, 1]] {
            let mut line = Replies::default();
            let pair = |line: &mut Replies| {
                assert!(matches!(line.interrupted(), Owner::Old | Owner::GivenUp));
                assert_eq!(line.owner_of_usage(), Bill::Vain, "{late:?}");
                assert_eq!(line.complete(), Owner::Old, "{late:?}");
            };
            for is_late in late {
                line.expect(FIRST);
                line.cut_all(true);
                if is_late == 0 {
                    pair(&mut line);
                }
            }
            line.expect(FIRST);
            late.iter()
                .filter(|l| **l == 1)
                .for_each(|_| pair(&mut line));
            assert_eq!(line.owner_of_content(), Owner::Turn(FIRST), "{late:?}");
            assert_eq!(line.owner_of_usage(), Bill::Open, "{late:?}");
            assert_eq!(line.complete(), Owner::Turn(FIRST), "{late:?}");
            assert_eq!(line.complete(), Owner::Nobody, "{late:?}");
        }
    }

    #[test]
    fn an_empty_turn_behind_one_given_up_is_ended_by_its_own_end() {
        let mut line = Replies::default();
        line.expect(FIRST);
        line.cut_all(false);
        line.expect(SECOND);
        assert_eq!(line.complete(), Owner::Turn(SECOND));
        assert_eq!(line.owner_of_content(), Owner::Nobody);
    }

    #[test]
    fn what_nobody_asked_for_is_nobodys() {
        let mut line = Replies::default();
        assert_eq!(line.owner_of_content(), Owner::Nobody);
        assert_eq!(line.interrupted(), Owner::Nobody);
        assert_eq!(line.complete(), Owner::Nobody);
    }
}
