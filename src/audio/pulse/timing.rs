//! Capture and playback times of samples, computed from the latency answers of the server.
//!
//! ```text
//! microphone   captured(position) = answer − device's latency + (position − received − queued) / rate
//! speaker      sounds(position)   = answer + device's latency + queued / rate + (position − written) / rate
//! ```
//!
//! `received` and `written` are the frame counts when the server answered: messages keep their order, so they are those
//! at the reply for a microphone, and at the query for a speaker. `queued` are frames that the server holds for the
//! stream, beyond the device. Between two answers only crystals drift (1e-4).
//!
//! The latency of a real microphone grows until it is read, so that all its answers agree. Where a server emulates the
//! device (a monitor of a virtual speaker) it has no latency to report, and hands over each block at its start: just
//! after that an answer is a block's length too early, just before the next one it is right. So the **latest** within
//! two seconds is used, and queries have a pace of their own, independent of blocks.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use super::frame_shape::FrameShape;

/// Interval of queries: about twenty per second, and no multiple of a usual block.
const PACE: Duration = Duration::from_micros(47_300);
/// Interval of the first queries, until there are this many.
const SOON: Duration = Duration::from_micros(11_300);
const FEW: usize = 24;
/// Time for which an answer of a microphone counts.
const WINDOW: Duration = Duration::from_secs(2);
/// Time after which an answer counts as lost.
const LOST: Duration = Duration::from_secs(2);
/// Smallest reported age: zero means "unknown".
const LEAST: Duration = Duration::from_micros(1);

/// A latency answer of the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LatencyAnswer {
    pub(super) device: Duration,
    /// Bytes in the server's queue of this stream; negative when a speaker has starved.
    pub(super) queued: i64,
    /// Time of the answer, by the server's clock, which is that of this machine.
    pub(super) taken_at: SystemTime,
}

struct Asked {
    sequence: u32,
    at: Instant,
    /// Frames written or received so far.
    position: u64,
}

/// The timing of a stream.
pub(super) struct Timing {
    shape: FrameShape,
    /// Origin of all seconds.
    epoch: Instant,
    /// Second of an answer, and the second of the stream's first frame computed from it; oldest first.
    answers: VecDeque<(f64, f64)>,
    /// Second of the stream's first frame.
    origin: Option<f64>,
    asked: Option<Asked>,
    due: Instant,
}

impl Timing {
    pub(super) fn new(shape: FrameShape, now: Instant) -> Self {
        Self {
            shape,
            epoch: now,
            answers: VecDeque::new(),
            origin: None,
            asked: None,
            due: now,
        }
    }

    /// When to send the next query.
    pub(super) fn due(&self) -> Instant {
        self.asked
            .as_ref()
            .map_or(self.due, |asked| asked.at + LOST)
    }

    /// A query was sent when the stream was at this position.
    pub(super) fn asked(&mut self, sequence: u32, at: Instant, position: u64) {
        self.asked = Some(Asked {
            sequence,
            at,
            position,
        });
    }

    /// The timing changed: query at once, and ignore the pending answer.
    pub(super) fn disturbed(&mut self, now: Instant) {
        self.due = now;
        self.asked = None;
        self.answers.clear();
    }

    /// Processes a microphone's answer, when this many frames had been received.
    pub(super) fn heard(
        &mut self,
        sequence: u32,
        latency: LatencyAnswer,
        received: u64,
        now: Instant,
    ) {
        if let Some((_, at)) = self.answered(sequence, latency, now) {
            let position = received as f64 + self.shape.frames_in(latency.queued);
            let captured = self.second_of(at) - latency.device.as_secs_f64();
            self.learn(captured - position / self.shape.rate(), now);
            let latest = self.answers.iter().map(|&(_, origin)| origin);
            self.origin = latest.reduce(f64::max);
        }
    }

    pub(super) fn sounded(&mut self, sequence: u32, latency: LatencyAnswer, now: Instant) {
        if let Some((written, at)) = self.answered(sequence, latency, now) {
            let position = written as f64 - self.shape.frames_in(latency.queued.max(0));
            let sounds = self.second_of(at) + latency.device.as_secs_f64();
            self.learn(sounds - position / self.shape.rate(), now);
            self.origin = self.answers.back().map(|&(_, origin)| origin);
        }
    }

    /// Position at the query and instant of the answer, if it is the expected one.
    fn answered(
        &mut self,
        sequence: u32,
        latency: LatencyAnswer,
        now: Instant,
    ) -> Option<(u64, Instant)> {
        let asked = self.asked.take_if(|asked| asked.sequence == sequence)?;
        let few = self.answers.len() < FEW;
        self.due = asked.at + if few { SOON } else { PACE };
        let took = now.saturating_duration_since(asked.at);
        // If the clock was set meanwhile, the answer is taken for the middle of the interval.
        let ago = SystemTime::now().duration_since(latency.taken_at).ok();
        let ago = ago.filter(|ago| *ago <= took).unwrap_or(took / 2);
        Some((asked.position, now.checked_sub(ago)?))
    }

    fn learn(&mut self, origin: f64, now: Instant) {
        let second = self.second_of(now);
        self.answers.push_back((second, origin));
        let oldest = second - WINDOW.as_secs_f64();
        while self.answers.front().is_some_and(|&(then, _)| then < oldest) {
            self.answers.pop_front();
        }
    }

    /// Callback instant for the frame at this position of a microphone, and the age of the frame. A block that arrives
    /// ahead of its time is assigned a later callback.
    pub(super) fn age(&self, position: u64, now: Instant) -> (Instant, Option<Duration>) {
        let Some(captured) = self.instant_of(position) else {
            return (now, None);
        };
        let age = now.saturating_duration_since(captured).max(LEAST);
        (captured + age, Some(age))
    }

    /// Time from `now` until the frame at this position sounds.
    pub(super) fn delay(&self, position: u64, now: Instant) -> Option<Duration> {
        self.instant_of(position)?.checked_duration_since(now)
    }

    fn instant_of(&self, position: u64) -> Option<Instant> {
        let second = self.origin? + position as f64 / self.shape.rate();
        let offset = Duration::try_from_secs_f64(second.abs()).ok()?;
        if second < 0.0 {
            self.epoch.checked_sub(offset)
        } else {
            self.epoch.checked_add(offset)
        }
    }

    fn second_of(&self, at: Instant) -> f64 {
        match at.checked_duration_since(self.epoch) {
            Some(after) => after.as_secs_f64(),
            None => -self.epoch.duration_since(at).as_secs_f64(),
        }
    }
}
