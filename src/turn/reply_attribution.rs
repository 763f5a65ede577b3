//! Attributes the content and the signs of the service to our turns.
//!
//! The service names no turns. It sends content, `interrupted`, `generationComplete` and `turnComplete`; each of the three
//! signs may be missing, late, or duplicated. Only the order is reliable: the service takes up our turns one after another,
//! and finishes an older one before it answers the next. The rules follow from that:
//!
//! 1. A turn that was ended towards the service is the *current* one. A turn that was cut, that was given up by a timer,
//!    or whose reply was stopped is an *older* one, and owes its `turnComplete`.
//! 2. Content belongs to the current turn, whatever older ones owe: a missing end sign mutes no reply. The exception is the
//!    rest of a reply that was flowing when it was cut: as long as its pieces follow each other within [`FLOW`], they are
//!    the older turn's. No answer to a new question comes that soon after the last piece of another.
//! 3. Without a current turn, content belongs to an older turn that may still send some. If there is none, the service
//!    speaks unasked.
//! 4. A `turnComplete` belongs to the oldest turn that owes one, as long as the current one has no content. Once it has,
//!    what the older ones owe will not come any more, and the `turnComplete` is its own. Nor is the end of a turn that a
//!    timer gave up expected; if it comes all the same, the current turn is closed without content, which the machine
//!    doubts for a while where another turn came before.
//! 5. An `interrupted` belongs to the oldest turn that was not stopped yet. If the current turn had content by then, that
//!    content was the older turn's, unless the older one was generated to its end before.
//! 6. `generationComplete` belongs to the current turn if it has content, else to the oldest one that is being generated.
//! 7. A sign that matches no reply is ignored. If it announces another end, that end is expected and ignored too.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::base::ids::TurnId;

/// Pieces of one reply that was cut follow each other within this time. Between the last of them and the first piece of
/// the next answer lie an utterance, a round trip and the model's thought: 300 ms and more.
const FLOW: Duration = Duration::from_millis(200);
/// Most ends that are waited for; a service that owes more will not send them.
const MOST_OWED: usize = 16;

/// A turn that came before the current one and whose `turnComplete` is still to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Older {
    /// The same turn went on: the tokens of this generation were wasted.
    dropped: bool,
    /// A timer gave it up, not the user: a late answer is still welcome.
    lapsed: bool,
    /// All of its reply was sent.
    generated: bool,
    /// The service said that it stopped the reply.
    interrupted: bool,
    /// It said so after content that had been attributed to the current turn.
    late: bool,
}

/// The turn that was ended towards the service last.
#[derive(Clone, Copy, Debug)]
struct Current {
    turn: TurnId,
    /// When the last piece of its reply came.
    content: Option<Instant>,
    generated: bool,
}

/// The turns that the service has still to answer or to end, on one connection.
#[derive(Debug, Default)]
pub(super) struct ReplyAttribution {
    /// Oldest first.
    older: VecDeque<Older>,
    current: Option<Current>,
    /// When the last piece came that was an older turn's.
    flowed: Option<Instant>,
    /// How many turns were ended on this connection.
    turns: u32,
}

/// The owner of content or of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The current turn's.
    Turn(TurnId),
    /// An older turn's.
    Older,
    /// An older turn's, and so is all content attributed to the current turn so far.
    OlderAfterAll,
    /// No turn is waiting.
    Nobody,
}

/// Why a turn needs no answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The user cut it.
    Cut,
    /// The same turn goes on.
    GoesOn,
    /// A timer gave it up.
    Lapsed,
}

/// The owner of counted tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenOwner {
    /// The turn's that is open.
    Open,
    /// Those of a generation that was dropped because its turn went on.
    Dropped,
    /// Those of an earlier turn.
    Earlier,
}

impl ReplyAttribution {
    /// A turn was ended, or the service began to speak unasked.
    pub(super) fn expect(&mut self, turn: TurnId) {
        if self.current.is_some_and(|current| current.turn != turn) {
            self.drop_current(Why::Lapsed);
        }
        self.turns += 1;
        self.current = Some(Current {
            turn,
            content: None,
            generated: false,
        });
    }

    /// The service speaks although no turn is waiting, and this is the turn that it is heard in.
    pub(super) fn adopt(&mut self, turn: TurnId, now: Instant) {
        self.expect(turn);
        if let Some(current) = &mut self.current {
            current.content = Some(now);
        }
    }

    /// The current turn needs no answer any more; the service still owes its end.
    pub(super) fn drop_current(&mut self, why: Why) {
        let Some(current) = self.current.take() else {
            return;
        };
        self.flowed = self.flowed.max(current.content);
        self.owe(Older {
            dropped: why == Why::GoesOn,
            lapsed: why == Why::Lapsed,
            generated: current.generated,
            ..Older::default()
        });
    }

    /// The service speaks unasked and is not played: an end will come that belongs to none of our turns.
    pub(super) fn refuse(&mut self, now: Instant) {
        self.flowed = Some(now);
        self.owe(Older::default());
    }

    /// The connection is gone, and what it owed with it.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether an end that is taken for the current turn's cannot be an older one's that came twice or far too late: it
    /// has content, or no turn came before it.
    pub(super) fn is_end_certain(&self) -> bool {
        self.turns < 2 || self.is_answered()
    }

    /// Whether content of the current turn has come.
    fn is_answered(&self) -> bool {
        self.current
            .is_some_and(|current| current.content.is_some())
    }

    /// The owner of a piece of content that arrives now.
    pub(super) fn owner_of_content(&self, now: Instant) -> Owner {
        let flows = self.flows(now);
        match self.current {
            Some(current) if current.content.is_some() || !flows => Owner::Turn(current.turn),
            Some(_) => Owner::Older,
            None => {
                // A reply that was stopped may have a last piece on its way, and no more than that.
                let may_send = |older: &Older| {
                    !older.generated && !older.lapsed && (!older.interrupted || flows)
                };
                if self.older.iter().any(may_send) {
                    Owner::Older
                } else {
                    Owner::Nobody
                }
            }
        }
    }

    pub(super) fn content(&mut self, now: Instant) -> Owner {
        let owner = self.owner_of_content(now);
        match (owner, &mut self.current) {
            (Owner::Turn(_), Some(current)) => {
                if current.content.replace(now).is_none() {
                    // These were stopped before, so their ends would have come by now.
                    self.older.retain(|older| !older.interrupted);
                }
            }
            (Owner::Older, _) => self.flowed = Some(now),
            (Owner::Turn(_) | Owner::OlderAfterAll | Owner::Nobody, _) => {}
        }
        owner
    }

    /// The owner of the token counts that arrive now. The service sends them with `turnComplete` or shortly before.
    pub(super) fn owner_of_usage(&self) -> TokenOwner {
        match self.next_end().map(|place| self.older[place]) {
            Some(older) if older.dropped => TokenOwner::Dropped,
            Some(_) => TokenOwner::Earlier,
            None => TokenOwner::Open,
        }
    }

    pub(super) fn interrupted(&mut self, now: Instant) -> Owner {
        let answered = self.is_answered();
        // Once the current turn has content, one that a timer gave up owes nothing any more.
        let stops = |older: &&mut Older| !(older.interrupted || answered && older.lapsed);
        if let Some(older) = self.older.iter_mut().find(stops) {
            older.interrupted = true;
            older.late = answered;
            self.flowed = Some(now);
            if let (true, false, Some(current)) = (answered, older.generated, &mut self.current) {
                current.content = None;
                return Owner::OlderAfterAll;
            }
            return Owner::Older;
        }
        match self.current {
            Some(current) if self.is_end_certain() => {
                self.drop_current(Why::Cut);
                if let Some(stopped) = self.older.back_mut() {
                    stopped.interrupted = true;
                }
                self.flowed = Some(now);
                Owner::Turn(current.turn)
            }
            // There is nothing to stop: it may concern a turn whose end was assumed.
            Some(_) if self.older.is_empty() => {
                self.owe(Older {
                    interrupted: true,
                    ..Older::default()
                });
                Owner::Older
            }
            Some(_) => Owner::Older,
            None => Owner::Nobody,
        }
    }

    /// `generationComplete` arrived.
    pub(super) fn generated(&mut self) -> Owner {
        let current = self.current.as_mut();
        if let Some(current) = current.filter(|current| current.content.is_some()) {
            current.generated = true;
            return Owner::Turn(current.turn);
        }
        let mut older = self.older.iter_mut();
        if let Some(older) = older.find(|older| !older.generated && !older.interrupted) {
            older.generated = true;
            self.flowed = None;
            return Owner::Older;
        }
        self.current
            .map_or(Owner::Nobody, |current| Owner::Turn(current.turn))
    }

    /// `turnComplete` arrived.
    pub(super) fn complete(&mut self) -> Owner {
        if let Some(place) = self.next_end() {
            self.older.remove(place);
            self.flowed = None;
            return Owner::Older;
        }
        self.older.clear();
        self.flowed = None;
        self.current
            .take()
            .map_or(Owner::Nobody, |current| Owner::Turn(current.turn))
    }

    /// The place of the older turn that the next `turnComplete` belongs to.
    fn next_end(&self) -> Option<usize> {
        let answered = self.is_answered();
        let owes = |older: &Older| older.late || !(answered || older.lapsed);
        self.older.iter().position(owes)
    }

    /// Whether the rest of an older reply is still arriving.
    fn flows(&self, now: Instant) -> bool {
        self.flowed
            .is_some_and(|last| now.saturating_duration_since(last) < FLOW)
    }

    fn owe(&mut self, older: Older) {
        if self.older.len() == MOST_OWED {
            self.older.pop_front();
        }
        self.older.push_back(older);
    }
}

#[cfg(test)]
mod tests;
