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
    /// The service confirmed that it stopped: what still comes before `turnComplete` is late.
    interrupted: bool,
}

/// The line of turns that the service still owes an end.
#[derive(Debug, Default)]
pub(super) struct Replies {
    line: VecDeque<Owed>,
    /// Cut turns that were given up when the next one was ended. If the service stops one of them after all, it says
    /// `interrupted` first.
    given_up: u32,
    /// Of those, how many it did stop: so many `turnComplete`s belong to them.
    stopped_late: u32,
}

/// Whose an `interrupted` or a `turnComplete` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// A turn that is still of use.
    Turn(TurnId),
    /// A turn that was cut or given up.
    Old,
    /// No turn is waiting.
    Nobody,
}

impl Replies {
    /// A turn was ended, or the service began to speak unasked.
    ///
    /// A cut turn that the service has not stopped until now is given up. It was told of the next one's beginning an
    /// utterance ago, so nothing more will come of it; and if it kept its place, it would take the next one's answer.
    pub(super) fn expect(&mut self, turn: TurnId) {
        let before = self.line.len();
        self.line.retain(|owed| !owed.cut || owed.interrupted);
        self.given_up += u32::try_from(before - self.line.len()).unwrap_or(u32::MAX);
        self.line.push_back(Owed {
            turn,
            cut: false,
            interrupted: false,
        });
    }

    /// The user has no use for what is in line.
    pub(super) fn cut_all(&mut self) {
        self.line.iter_mut().for_each(|owed| owed.cut = true);
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

    /// `interrupted` arrived; the turn it stops stays in line for its `turnComplete`.
    pub(super) fn interrupted(&mut self) -> Owner {
        if self.given_up > 0 {
            self.given_up -= 1;
            self.stopped_late += 1;
            return Owner::Old;
        }
        let owner = self.owner_of_content();
        if let Some(first) = self.line.front_mut() {
            (first.cut, first.interrupted) = (true, true);
        }
        owner
    }

    /// `turnComplete` arrived.
    pub(super) fn complete(&mut self) -> Owner {
        if self.stopped_late > 0 {
            self.stopped_late -= 1;
            return Owner::Old;
        }
        self.given_up = 0;
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
        line.cut_all();
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
        line.cut_all();
        line.expect(SECOND);
        assert_eq!(line.owner_of_content(), Owner::Turn(SECOND));
        assert_eq!(line.complete(), Owner::Turn(SECOND));
    }

    #[test]
    fn a_late_end_of_a_turn_given_up_does_not_end_the_next() {
        let mut line = Replies::default();
        line.expect(FIRST);
        line.cut_all();
        line.expect(SECOND);
        assert_eq!(line.owner_of_content(), Owner::Turn(SECOND));
        assert_eq!(line.interrupted(), Owner::Old);
        assert_eq!(line.complete(), Owner::Old);
        assert_eq!(line.complete(), Owner::Turn(SECOND));
    }

    #[test]
    fn an_empty_turn_behind_one_given_up_is_ended_by_its_own_end() {
        let mut line = Replies::default();
        line.expect(FIRST);
        line.cut_all();
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
