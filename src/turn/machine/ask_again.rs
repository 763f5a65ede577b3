//! Asks the same question again, because its answer does not come or could not be heard.
//!
//! ```text
//! Awaiting ── AskAgain ──▶ the same turn is begun and ended once more; what the service still owes is an older turn's
//! (idle)   ── AskAgain ──▶ a new turn with the words of the last one, asked as soon as there is a connection
//! ```
//!
//! A turn without speech has no marks of speech: its response is counted from when it was sent.

use std::time::Instant;

use super::open_turn::Ending;
use super::{Machine, OpenTurn, Phase};
use crate::base::ids::{Mark, TurnId};
use crate::turn::reply_attribution::Why;

impl Machine {
    /// Since when the open turn waits for its answer; `None` if it does not, or the answer has begun.
    pub fn awaited_since(&self) -> Option<Instant> {
        let waits = |turn: &&OpenTurn| {
            turn.asked && turn.offered && turn.phase == Phase::Awaiting && !turn.is_early()
        };
        let turn = self
            .open
            .as_ref()
            .filter(waits)
            .filter(|_| self.connected)?;
        let sent = turn.timeline.get(Mark::Sent);
        // With automatic detection no end of a turn is sent.
        sent.or((!self.manual).then_some(turn.ended))
    }

    pub(super) fn ask_again(&mut self, now: Instant) {
        if self.awaited_since().is_some() {
            return self.repeat_question(now);
        }
        if !self.is_quiet() {
            return;
        }
        self.last_id += 1;
        let mut turn = OpenTurn::new(TurnId(self.last_id), true, Phase::Awaiting, now);
        let id = turn.id;
        self.offer(&mut turn);
        let offered = turn.offered;
        self.open = Some(turn);
        if offered {
            self.end(now, id);
        }
    }

    fn repeat_question(&mut self, now: Instant) {
        let Some(mut turn) = self.open.take() else {
            return;
        };
        // A new activity stops the answer to the last one.
        self.replies.drop_current(Why::Cut);
        // The wait for the first answer does not belong to the second.
        for mark in [Mark::SpeechEnd, Mark::Endpoint, Mark::Sent] {
            turn.timeline.clear(mark);
        }
        (turn.received, turn.ending) = (false, Ending::Plain);
        (turn.completed, turn.doubtful, turn.stuck) = (false, false, false);
        turn.last_sign = now;
        self.offer(&mut turn);
        let id = turn.id;
        self.open = Some(turn);
        self.end(now, id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::{Bench, T1, T2, closed};
    use super::super::{Action, Input, Outcome};

    #[test]
    fn an_answer_that_is_awaited_is_asked_for_once_more_in_the_same_turn() {
        let mut bench = Bench::new(true);
        bench.ask();
        assert_eq!(bench.machine.awaited_since(), Some(bench.ms(1_501)));
        let again = vec![Action::Begin(T1), Action::End(T1)];
        assert_eq!(bench.at(9_600, Input::AskAgain), again);
        assert_eq!(bench.machine.awaited_since(), None, "not sent yet");
        bench.flushed(9_610);
        assert_eq!(bench.machine.awaited_since(), Some(bench.ms(9_610)));
        // The service stops what it made of the first, and answers the second.
        assert_eq!(bench.at(9_700, Input::Interrupted), vec![]);
        assert_eq!(bench.at(9_701, Input::TurnComplete), vec![]);
        assert_eq!(bench.audio(10_400), vec![Action::Play(T1)]);
        assert_eq!(bench.machine.awaited_since(), None);
        bench.audible(10_420, T1);
        bench.at(10_500, Input::TurnComplete);
        let actions = bench.played(11_100, T1);
        assert_eq!(closed(&actions).outcome, Outcome::Completed);
    }

    #[test]
    fn what_was_said_last_is_asked_again_as_a_new_turn() {
        let mut bench = Bench::new(true);
        bench.ask();
        let actions = bench.at(2_000, Input::TurnComplete);
        assert_eq!(closed(&actions).outcome, Outcome::Empty);
        let again = vec![Action::Begin(T2), Action::End(T2)];
        assert_eq!(bench.at(3_000, Input::AskAgain), again);
        bench.flushed(3_001);
        assert_eq!(bench.audio(3_300), vec![Action::Play(T2)]);
        bench.audible(3_320, T2);
        bench.at(3_400, Input::TurnComplete);
        let actions = bench.played(4_000, T2);
        let turn = closed(&actions);
        assert_eq!(
            (turn.outcome.clone(), turn.asked),
            (Outcome::Completed, true)
        );
        let response = turn.timeline.latencies().response;
        assert_eq!(response, Some(Duration::from_millis(319)));
    }

    #[test]
    fn without_a_connection_it_waits_for_one() {
        let mut bench = Bench::new(true);
        bench.at(0, Input::LinkDown);
        assert_eq!(bench.at(100, Input::AskAgain), vec![]);
        assert_eq!(bench.machine.awaited_since(), None);
        let again = vec![Action::Begin(T1), Action::End(T1)];
        assert_eq!(bench.at(2_000, Input::LinkUp), again);
    }

    #[test]
    fn nothing_is_asked_again_over_what_goes_on() {
        let mut bench = Bench::new(true);
        bench.ask_and_hear();
        assert_eq!(bench.at(2_000, Input::AskAgain), vec![], "it sounds");
        let mut bench = Bench::new(true);
        bench.speak(0);
        assert_eq!(bench.at(500, Input::AskAgain), vec![], "the user speaks");
    }
}
