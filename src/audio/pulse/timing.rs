//! When a sample of a stream was captured, or will sound: counted from the last answer of the server.
//!
//! ```text
//! microphone   captured(position) = answer − device's latency + (position − received − queued) / rate
//! speaker      sounds(position)   = answer + device's latency + queued / rate + (position − written) / rate
//! ```
//!
//! `received` and `written` are the frames that we had when the server answered: messages keep their order, so that they
//! are those at the reply for a microphone, and at the question for a speaker. `queued` are frames that the server holds
//! for us, beyond the device. Between two answers only crystals run apart (a tenth of a thousandth).

use std::time::{Duration, Instant, SystemTime};

use super::streams::Shape;

/// A question each: a server takes 0.1 ms for one, and what it tells is right to about a period.
const PACE: Duration = Duration::from_millis(50);
/// An answer that has not come after this does not come.
const LOST: Duration = Duration::from_secs(2);

/// An answer of the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Latency {
    /// How long the device holds a sample.
    pub(super) device: Duration,
    /// Bytes in the server's queue of this stream; below zero when a speaker has starved.
    pub(super) queued: i64,
    /// When that was so, by the server's clock, which is ours: it runs on this machine.
    pub(super) told: SystemTime,
}

/// A question that waits for its answer.
struct Asked {
    sequence: u32,
    at: Instant,
    /// Frames that were written or received.
    position: u64,
}

/// What is known of the time of a stream's samples.
pub(super) struct Timing {
    shape: Shape,
    /// A position, which may lie between samples, and the instant that belongs to it.
    known: Option<(f64, Instant)>,
    asked: Option<Asked>,
    due: Option<Instant>,
}

impl Timing {
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            shape,
            known: None,
            asked: None,
            due: None,
        }
    }

    /// Whether the server is to be asked now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        match &self.asked {
            Some(asked) => now.saturating_duration_since(asked.at) >= LOST,
            None => self.due.is_none_or(|due| now >= due),
        }
    }

    /// The server was asked, when the stream was at this position.
    pub(super) fn asked(&mut self, sequence: u32, at: Instant, position: u64) {
        self.asked = Some(Asked {
            sequence,
            at,
            position,
        });
    }

    /// What was known may be wrong: ask at once.
    pub(super) fn disturbed(&mut self) {
        self.due = None;
        // What was asked before is answered too soon.
        self.asked = None;
    }

    /// A microphone's answer, when so many frames had been received.
    pub(super) fn heard(&mut self, sequence: u32, latency: Latency, received: u64, now: Instant) {
        if let Some((_, at)) = self.answered(sequence, latency, now) {
            let position = received as f64 + self.shape.frames_in(latency.queued);
            self.known = at.checked_sub(latency.device).map(|at| (position, at));
        }
    }

    /// A speaker's answer.
    pub(super) fn sounded(&mut self, sequence: u32, latency: Latency, now: Instant) {
        if let Some((written, at)) = self.answered(sequence, latency, now) {
            let queued = self.shape.frames_in(latency.queued.max(0));
            self.known = Some((written as f64 - queued, at + latency.device));
        }
    }

    /// The position at the question and the instant of the answer, if it is the one that is waited for.
    fn answered(
        &mut self,
        sequence: u32,
        latency: Latency,
        now: Instant,
    ) -> Option<(u64, Instant)> {
        let asked = self.asked.take_if(|asked| asked.sequence == sequence)?;
        self.due = Some(now + PACE);
        let took = now.saturating_duration_since(asked.at);
        // A clock that was set meanwhile says what cannot be: then it was in the middle.
        let ago = SystemTime::now().duration_since(latency.told).ok();
        let ago = ago.filter(|ago| *ago <= took).unwrap_or(took / 2);
        Some((asked.position, now.checked_sub(ago)?))
    }

    /// How long before `now` the frame at this position was captured.
    pub(super) fn age(&self, position: u64, now: Instant) -> Option<Duration> {
        now.checked_duration_since(self.instant_of(position)?)
    }

    /// How long after `now` the frame at this position will sound.
    pub(super) fn delay(&self, position: u64, now: Instant) -> Option<Duration> {
        self.instant_of(position)?.checked_duration_since(now)
    }

    fn instant_of(&self, position: u64) -> Option<Instant> {
        let (known, at) = self.known?;
        let seconds = (position as f64 - known) / self.shape.rate();
        let offset = Duration::try_from_secs_f64(seconds.abs()).ok()?;
        if seconds < 0.0 {
            at.checked_sub(offset)
        } else {
            at.checked_add(offset)
        }
    }
}
