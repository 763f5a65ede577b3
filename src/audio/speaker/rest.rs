//! Lets the output stream rest while nothing plays: no callbacks, no silence rendered.
//!
//! ```text
//!            nothing played, said or expected for AFTER
//!  plays ───────────────────────────────────────────────▶ rests
//!    ▲   speech begins, a message is sent, sound arrives    │
//!    └──────────────────────────────────────────────────────┘
//! ```
//!
//! Speech wakes the stream, so that it runs again before the reply comes.

use std::time::{Duration, Instant};

use super::SpeakerPipeline;

/// Time without any use of the speaker after which it rests.
const AFTER: Duration = Duration::from_secs(2);

impl SpeakerPipeline {
    /// Rests or wakes the stream; returns which. `expected` says that somebody speaks, or that a reply is to come.
    pub(in crate::audio) fn rest(&mut self, expected: bool, now: Instant) -> bool {
        let in_use = expected
            || self.deadline(now).is_some()
            || !self.queue.is_empty()
            || self.is_in_the_room(now);
        if in_use {
            self.unused_since = None;
        }
        let since = *self.unused_since.get_or_insert(now);
        let rests = !in_use && now.saturating_duration_since(since) >= AFTER;
        if let Some(out) = &mut self.out
            && out.rest(rests)
            && !rests
        {
            // Its positions go on from where they stopped, at other instants.
            self.reference.restart();
        }
        rests
    }
}
