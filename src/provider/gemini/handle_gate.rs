//! Which handles may be used to go on: none that was given while a question was open.
//!
//! A handle restores what the service had when it gave it. One that was given after the end of a question restores the
//! question: said again on the next connection, it would be twice in the model's context. So such a handle waits until the
//! question's turn is over, and is dropped where the user goes on with it.

/// Holds handles back.
#[derive(Debug, Default)]
pub(super) struct HandleGate {
    /// A question has ended, and its turn is not over.
    owed: bool,
    /// The user goes on with a question that had ended.
    continued: bool,
    waiting: Option<String>,
}

impl HandleGate {
    /// A question has ended.
    pub(super) fn ended(&mut self) {
        (self.owed, self.continued) = (true, false);
    }

    /// The user goes on with it.
    pub(super) fn continued(&mut self) {
        (self.owed, self.continued, self.waiting) = (false, true, None);
    }

    /// The service gave a handle that can be resumed; gives it back if it may be used now.
    pub(super) fn given(&mut self, handle: &str) -> Option<String> {
        if self.continued {
            return None;
        }
        if self.owed {
            self.waiting = Some(handle.to_owned());
            return None;
        }
        Some(handle.to_owned())
    }

    /// A turn is over; gives the handle that waited for that.
    pub(super) fn turn_over(&mut self) -> Option<String> {
        if self.continued {
            // That of what was said before the user went on.
            return None;
        }
        self.owed = false;
        self.waiting.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_that_holds_an_open_question_waits_for_the_end_of_its_turn() {
        let mut gate = HandleGate::default();
        assert_eq!(gate.given("a").as_deref(), Some("a"), "nothing is open");
        gate.ended();
        assert_eq!(gate.given("b"), None);
        assert_eq!(gate.given("c"), None);
        assert_eq!(gate.turn_over().as_deref(), Some("c"), "the newest");
        assert_eq!(gate.given("d").as_deref(), Some("d"));
    }

    #[test]
    fn a_handle_that_holds_half_a_question_is_dropped() {
        let mut gate = HandleGate::default();
        gate.ended();
        assert_eq!(gate.given("half"), None);
        gate.continued();
        // The generation that was interrupted is over.
        assert_eq!(gate.turn_over(), None);
        assert_eq!(gate.given("half"), None);
        gate.ended();
        assert_eq!(gate.given("whole"), None);
        assert_eq!(gate.turn_over().as_deref(), Some("whole"));
    }
}
