//! When a sample of a stream was captured, or will sound: counted from the answers of the server.
//!
//! ```text
//! microphone   captured(position) = answer − device's latency + (position − received − queued) / rate
//! speaker      sounds(position)   = answer + device's latency + queued / rate + (position − written) / rate
//! ```
//!
//! `received` and `written` are the frames that we had when the server answered: messages keep their order, so that they
//! are those at the reply for a microphone, and at the question for a speaker. `queued` are frames that the server holds
//! for us, beyond the device. Between two answers only crystals run apart (a tenth of a thousandth).
//!
//! A real microphone's latency grows until it is read, so that all its answers say the same. Where a server makes up the
//! device (a monitor of what a virtual speaker plays) it knows none, and hands over each block when it begins: just after
//! that an answer tells a block's length too early, just before the next one nothing. So the **latest** of two seconds
//! holds, and questions are asked at a pace of their own, not when a block comes.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use super::frame_shape::FrameShape;

/// Between two questions: twenty in a second, and no multiple of a usual block.
const PACE: Duration = Duration::from_micros(47_300);
/// The first ones come sooner, until there are so many.
const SOON: Duration = Duration::from_micros(11_300);
const FEW: usize = 24;
/// So long an answer of a microphone counts.
const WINDOW: Duration = Duration::from_secs(2);
/// An answer that has not come after this does not come.
const LOST: Duration = Duration::from_secs(2);
/// The least age that is told: zero stands for "not known".
const LEAST: Duration = Duration::from_micros(1);

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
    shape: FrameShape,
    /// Seconds are counted from here.
    epoch: Instant,
    /// Second of an answer, and that of the stream's first frame by it; oldest first.
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

    /// When the server is to be asked.
    pub(super) fn due(&self) -> Instant {
        self.asked
            .as_ref()
            .map_or(self.due, |asked| asked.at + LOST)
    }

    /// The server was asked, when the stream was at this position.
    pub(super) fn asked(&mut self, sequence: u32, at: Instant, position: u64) {
        self.asked = Some(Asked {
            sequence,
            at,
            position,
        });
    }

    /// What was known may be wrong: ask at once, and do not heed what was asked before.
    pub(super) fn disturbed(&mut self, now: Instant) {
        self.due = now;
        self.asked = None;
        self.answers.clear();
    }

    /// A microphone's answer, when so many frames had been received.
    pub(super) fn heard(&mut self, sequence: u32, latency: Latency, received: u64, now: Instant) {
        if let Some((_, at)) = self.answered(sequence, latency, now) {
            let position = received as f64 + self.shape.frames_in(latency.queued);
            let captured = self.second_of(at) - latency.device.as_secs_f64();
            self.learn(captured - position / self.shape.rate(), now);
            let latest = self.answers.iter().map(|&(_, origin)| origin);
            self.origin = latest.reduce(f64::max);
        }
    }

    /// A speaker's answer.
    pub(super) fn sounded(&mut self, sequence: u32, latency: Latency, now: Instant) {
        if let Some((written, at)) = self.answered(sequence, latency, now) {
            let position = written as f64 - self.shape.frames_in(latency.queued.max(0));
            let sounds = self.second_of(at) + latency.device.as_secs_f64();
            self.learn(sounds - position / self.shape.rate(), now);
            self.origin = self.answers.back().map(|&(_, origin)| origin);
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
        let few = self.answers.len() < FEW;
        self.due = asked.at + if few { SOON } else { PACE };
        let took = now.saturating_duration_since(asked.at);
        // A clock that was set meanwhile says what cannot be: then it was in the middle.
        let ago = SystemTime::now().duration_since(latency.told).ok();
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

    /// The instant of a callback with the frame at this position of a microphone, and how long before it the frame was
    /// captured. What was handed over before its time has its callback then.
    pub(super) fn age(&self, position: u64, now: Instant) -> (Instant, Option<Duration>) {
        let Some(captured) = self.instant_of(position) else {
            return (now, None);
        };
        let age = now.saturating_duration_since(captured).max(LEAST);
        (captured + age, Some(age))
    }

    /// How long after `now` the frame at this position will sound.
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
