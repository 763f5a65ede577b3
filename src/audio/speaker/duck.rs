//! Ducking of a reply for a user who starts to speak.

use std::time::Instant;

use super::super::playback::DuckLevel;

/// The requested level, and when it took effect.
#[derive(Debug, Default)]
pub(super) struct Duck {
    level: DuckLevel,
    /// When the reply reached the ducked level, for the first time since full level.
    ducked: Option<Instant>,
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

    /// The ducked level was reached.
    pub(super) fn reached(&mut self, at: Instant) {
        self.ducked.get_or_insert(at);
    }

    /// Playback paused.
    pub(super) fn paused(&mut self, at: Instant) {
        self.reached(at);
        self.paused = Some(at);
    }

    /// Playback resumed.
    pub(super) fn goes_on(&mut self) {
        self.paused = None;
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Resets after a flush; returns when the reply had been ducked, and when it fell silent if that was before the
    /// flush.
    pub(super) fn flushed(&mut self) -> (Option<Instant>, Option<Instant>) {
        (self.ducked.take(), self.paused.take())
    }
}
