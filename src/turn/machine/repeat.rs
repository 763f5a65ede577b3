//! Replays the last reply: a turn without a question, whose audio is complete.
//!
//! ```text
//! (idle) ── Repeat ──▶ Replying: generated and complete ── Played ──▶ closed: completed
//!                        │ speech, Esc, the service speaks
//!                        └──▶ StopReply ──▶ closed: interrupted
//! ```
//!
//! The service does not know of it and never interrupts it: our detector does, with automatic detection too.

use std::time::Instant;

use super::{Action, Machine, OpenTurn, Phase};
use crate::base::ids::TurnId;

impl Machine {
    /// Opens the turn, if nothing else is going on.
    pub(super) fn repeat(&mut self, now: Instant) {
        if !self.is_quiet() {
            return;
        }
        self.last_id += 1;
        let id = TurnId(self.last_id);
        let turn = OpenTurn {
            generated: true,
            completed: true,
            repeats: true,
            ..OpenTurn::new(id, false, Phase::Replying, now)
        };
        self.open = Some(turn);
        self.actions.push_back(Action::Replay(id));
    }

    /// Whether an earlier reply sounds once more.
    pub fn is_repeating(&self) -> bool {
        self.open.as_ref().is_some_and(|turn| turn.repeats)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Closed, Input, Outcome};
    use super::*;
    use crate::base::ids::Mark;

    const T1: TurnId = TurnId(1);
    const T2: TurnId = TurnId(2);

    /// A connected machine that repeats since its first instant.
    fn repeating(manual: bool) -> (Machine, Instant) {
        let (mut machine, start) = (Machine::new(manual), Instant::now());
        machine.handle(start, Input::LinkUp);
        machine.handle(start, Input::Repeat);
        assert_eq!(actions(&mut machine), [Action::Replay(T1)]);
        assert!(machine.is_repeating() && machine.phase() == Phase::Replying);
        assert_eq!(
            (machine.open_turn(), machine.asked_turn()),
            (Some(T1), None)
        );
        assert_eq!(machine.poll_timeout(), None, "it plays as long as it takes");
        (machine, start)
    }

    fn actions(machine: &mut Machine) -> Vec<Action> {
        std::iter::from_fn(|| machine.poll_action()).collect()
    }

    fn audible(machine: &mut Machine, at: Instant) {
        let skipped_silence = Duration::ZERO;
        let turn = T1;
        machine.handle(
            at,
            Input::FirstAudible {
                turn,
                at,
                skipped_silence,
            },
        );
        assert_eq!(actions(machine), []);
    }

    /// The outcome of the unasked turn that these actions close.
    fn closed(actions: &[Action]) -> Vec<(TurnId, bool, Outcome)> {
        let found = actions.iter().filter_map(|action| match action {
            Action::Close(closed) => {
                let Closed {
                    turn,
                    asked,
                    outcome,
                    ..
                } = &**closed;
                Some((*turn, *asked, outcome.clone()))
            }
            Action::Continue(_)
            | Action::Begin(_)
            | Action::End(_)
            | Action::Play(_)
            | Action::Replay(_)
            | Action::EndReply(_)
            | Action::Replace(_)
            | Action::StopReply => None,
        });
        found.collect()
    }

    #[test]
    fn it_closes_when_it_was_played_and_tells_the_service_nothing() {
        for manual in [true, false] {
            let (mut machine, start) = repeating(manual);
            audible(&mut machine, start);
            let heard = Duration::from_secs(2);
            machine.handle(start + heard, Input::Played { turn: T1, heard });
            let done = actions(&mut machine);
            assert_eq!(done.len(), 1, "{done:?}");
            assert_eq!(closed(&done), [(T1, false, Outcome::Completed)]);
            assert!(machine.is_quiet());
        }
    }

    #[test]
    fn speech_ends_it_and_is_a_turn_of_its_own_whoever_detects() {
        for manual in [true, false] {
            let (mut machine, start) = repeating(manual);
            audible(&mut machine, start);
            let onset = start + Duration::from_millis(500);
            let first_voiced = onset;
            machine.handle(
                onset + Duration::from_millis(96),
                Input::SpeechStarted { first_voiced },
            );
            assert_eq!(
                actions(&mut machine),
                [Action::StopReply, Action::Begin(T2)]
            );
            assert_eq!(machine.phase(), Phase::Speaking);
            let at = onset + Duration::from_millis(110);
            let heard = Duration::from_millis(610);
            machine.handle(
                at,
                Input::Silenced {
                    at,
                    ducked: None,
                    heard,
                },
            );
            let done = actions(&mut machine);
            assert_eq!(closed(&done), [(T1, false, Outcome::Interrupted)]);
        }
    }

    #[test]
    fn esc_ends_it() {
        let (mut machine, start) = repeating(true);
        machine.handle(start, Input::StopPressed);
        assert_eq!(actions(&mut machine), [Action::StopReply]);
        let (at, heard) = (start, Duration::ZERO);
        machine.handle(
            at,
            Input::Silenced {
                at,
                ducked: None,
                heard,
            },
        );
        let done = actions(&mut machine);
        assert_eq!(closed(&done), [(T1, false, Outcome::Cancelled)]);
    }

    #[test]
    fn what_the_service_says_meanwhile_is_heard_instead() {
        for manual in [true, false] {
            let (mut machine, start) = repeating(manual);
            machine.handle(start, Input::ReplyAudio { at: start });
            assert_eq!(actions(&mut machine), [Action::StopReply, Action::Play(T2)]);
            assert!(!machine.is_repeating());
        }
    }

    #[test]
    fn words_that_come_meanwhile_are_not_its_own() {
        let (machine, _) = repeating(true);
        assert_eq!(machine.heard_turn(Instant::now()), None);
    }

    #[test]
    fn it_outlives_the_connection() {
        let (mut machine, start) = repeating(true);
        machine.handle(start, Input::LinkDown);
        machine.handle(start, Input::LinkUp);
        assert_eq!(actions(&mut machine), []);
        assert!(machine.is_repeating());
    }

    #[test]
    fn it_is_refused_while_something_goes_on() {
        let (mut machine, start) = repeating(true);
        machine.handle(start, Input::Repeat);
        assert_eq!(actions(&mut machine), [], "it repeats already");
        machine.handle(start, Input::StopPressed);
        assert_eq!(actions(&mut machine), [Action::StopReply]);
        machine.handle(start, Input::Repeat);
        assert_eq!(actions(&mut machine), [], "until the speaker is silent");
        let mut machine = Machine::new(true);
        let first_voiced = start;
        machine.handle(start, Input::SpeechStarted { first_voiced });
        machine.handle(start, Input::Repeat);
        assert_eq!(machine.asked_turn(), Some(T1), "the user speaks");
        let last_voiced = start;
        machine.handle(start, Input::SpeechEnded { last_voiced });
        machine.handle(start, Input::Repeat);
        assert!(!machine.is_repeating(), "an answer is awaited");
    }

    #[test]
    fn it_has_no_marks_of_a_response() {
        let (mut machine, start) = repeating(true);
        audible(&mut machine, start);
        let heard = Duration::from_secs(1);
        machine.handle(start + heard, Input::Played { turn: T1, heard });
        let done = actions(&mut machine);
        let Some(Action::Close(closed)) = done.first() else {
            panic!("{done:?}");
        };
        assert_eq!(closed.timeline.get(Mark::Sent), None);
        assert_eq!(closed.timeline.latencies().response, None);
    }
}
