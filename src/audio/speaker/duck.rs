//! How far a reply is lowered for somebody who begins to speak, and since when.

use std::time::Instant;

use super::super::playback::DuckLevel;

/// The level that was asked for, and what became of it.
#[derive(Debug, Default)]
pub(super) struct Duck {
    level: DuckLevel,
    /// When the reply had come down, for the first time since it was at its full level.
    ducked: Option<Instant>,
    /// Since when it pauses.
    paused: Option<Instant>,
}

impl Duck {
    pub(super) fn level(&self) -> DuckLevel {
        self.level
    }

    pub(super) fn set(&mut self, level: DuckLevel) {
        self.level = level;
        if level == DuckLevel::Full {
            self.ducked = None;
        }
    }

    /// The reply has come down to the ducked level.
    pub(super) fn reached(&mut self, at: Instant) {
        self.ducked.get_or_insert(at);
    }

    /// The reply pauses.
    pub(super) fn paused(&mut self, at: Instant) {
        self.reached(at);
        self.paused = Some(at);
    }

    /// The reply sounds again.
    pub(super) fn goes_on(&mut self) {
        self.paused = None;
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// The reply was dropped: when it had been lowered, and when it fell silent, if that was before the flush.
    pub(super) fn flushed(&mut self) -> (Option<Instant>, Option<Instant>) {
        (self.ducked.take(), self.paused.take())
    }
}
