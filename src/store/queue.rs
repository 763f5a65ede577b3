//! What waits for the store thread, within bounds.

use std::collections::VecDeque;
use std::time::Instant;

use super::entry::ConversationId;
use super::message::{ConversationKey, Query, Write};
use crate::base::retention::Retention;

/// What may wait while nothing can be written, in bytes: a quarter of an hour of speech, or a day of words.
const MOST: usize = 32 << 20;

#[derive(Debug, Default)]
pub(super) struct Queue {
    writes: VecDeque<Write>,
    bytes: usize,
    queries: VecDeque<Query>,
    continued: Vec<(ConversationKey, ConversationId)>,
    /// Whether a write is not to wait for others, and since when the oldest one waits.
    pub(super) urgent: bool,
    pub(super) since: Option<Instant>,
    /// Nothing is kept.
    pub(super) off: bool,
    /// The program ends.
    pub(super) closed: bool,
    /// Writes that were given up because too many wait.
    pub(super) lost: u64,
}

impl Queue {
    pub(super) fn new(off: bool) -> Self {
        Self {
            off,
            ..Self::default()
        }
    }

    pub(super) fn write(&mut self, write: Write) {
        // What is not needed any more goes also where nothing is kept from now on.
        if self.off && !matches!(write, Write::Answered { .. }) {
            return;
        }
        self.urgent |= matches!(&write, Write::Turn { turn, .. } if !turn.is_open());
        self.since.get_or_insert_with(Instant::now);
        self.bytes += size(&write);
        match &write {
            Write::Turn { conversation, turn } => {
                let same = |other: &Write| {
                    matches!(other, Write::Turn { conversation: its, turn: other }
                        if its == conversation && other.number == turn.number)
                };
                if let Some(earlier) = self.writes.iter_mut().find(|other| same(other)) {
                    self.bytes -= size(earlier);
                    *earlier = write;
                    return;
                }
            }
            Write::Answered {
                conversation,
                number,
            } => self.writes.retain(|other| {
                let over = matches!(other, Write::Speech { conversation: its, piece }
                    if its == conversation && piece.number == *number);
                self.bytes -= if over { size(other) } else { 0 };
                !over
            }),
            Write::Figures(_) => self.writes.retain(|other| {
                let over = matches!(other, Write::Figures(_));
                self.bytes -= if over { size(other) } else { 0 };
                !over
            }),
            Write::Speech { .. } | Write::Audio { .. } => {}
        }
        self.writes.push_back(write);
        self.shorten();
    }

    pub(super) fn ask(&mut self, query: Query) {
        match &query {
            Query::List(_) => self
                .queries
                .retain(|other| !matches!(other, Query::List(_))),
            Query::SetRetention(retention) => {
                self.off = *retention == Retention::Off;
                if self.off {
                    self.take_writes();
                }
            }
            Query::Open(_)
            | Query::Figures
            | Query::Export { .. }
            | Query::Delete(_)
            | Query::Left => {}
        }
        self.queries.push_back(query);
    }

    pub(super) fn take_writes(&mut self) -> Vec<Write> {
        (self.bytes, self.urgent, self.since) = (0, false, None);
        std::mem::take(&mut self.writes).into()
    }

    pub(super) fn take_queries(&mut self) -> Vec<Query> {
        std::mem::take(&mut self.queries).into()
    }

    /// Writes under this key belong to a conversation that is kept already.
    pub(super) fn go_on(&mut self, key: ConversationKey, id: ConversationId) {
        self.continued.push((key, id));
    }

    pub(super) fn take_continued(&mut self) -> Vec<(ConversationKey, ConversationId)> {
        std::mem::take(&mut self.continued)
    }

    /// Takes writes back that could not be done, before those that came since.
    pub(super) fn restore(&mut self, writes: Vec<Write>) {
        let since = self.take_writes();
        for write in writes.into_iter().chain(since) {
            self.write(write);
        }
    }

    pub(super) fn has_writes(&self) -> bool {
        !self.writes.is_empty()
    }

    pub(super) fn has_queries(&self) -> bool {
        !self.queries.is_empty()
    }

    /// Gives the least important up: sound and figures, then speech, then turns, the oldest first.
    fn shorten(&mut self) {
        while self.bytes > MOST && self.writes.len() > 1 {
            let rank = |write: &Write| match write {
                Write::Audio { .. } | Write::Figures(_) => 0,
                Write::Speech { .. } => 1,
                Write::Turn { .. } | Write::Answered { .. } => 2,
            };
            let ranks = self.writes.iter().map(rank).enumerate();
            let least = ranks.min_by_key(|(place, rank)| (*rank, *place));
            let Some(write) = least.and_then(|(place, _)| self.writes.remove(place)) else {
                return;
            };
            self.bytes -= size(&write);
            self.lost += 1;
        }
    }
}

/// Bytes in memory, about.
fn size(write: &Write) -> usize {
    let bytes = match write {
        Write::Figures(text) => text.len(),
        Write::Turn { turn, .. } => turn.user.len() + turn.assistant.len() + turn.record.len(),
        Write::Speech { piece, .. } => 2 * piece.samples.len(),
        Write::Audio { audio, .. } => 2 * audio.samples.len(),
        Write::Answered { .. } => 0,
    };
    bytes + size_of::<Write>()
}
