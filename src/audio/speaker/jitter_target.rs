//! The jitter target: how much of a reply is buffered before it starts, and before it continues after an underrun.
//!
//! Both are adaptive:
//!
//! - Start: from the lateness of chunks relative to the first one, also without underruns. Chunks later than can be
//!   hidden (a stall) are ignored: starting later would not avoid the gap.
//! - After an underrun: from the underruns. Each doubles the target, so that a service slower than real time causes few
//!   long gaps instead of many short ones. It is halved with each reply, and does not affect the next start.
//!
//! ```text
//! late by │     ●          ● needed: this and a chunk        │   ┌▶ ● ●     a stall: nothing is learnt from here on
//!         │  ●     ●  ●  ●                                   │ ● │
//!         └●─────────────────▶ chunks                        └●──●────────▶
//! ```

use std::time::{Duration, Instant};

use crate::base::ids::TurnId;

/// First target after an underrun: one or two chunks as services send them.
const REFILL: Duration = Duration::from_millis(40);
/// Maximum target: a longer wait is worse than the gap that it avoids.
const MOST: Duration = Duration::from_millis(200);
/// Maximum rise per reply: a single late chunk may be chance.
const RISE: Duration = Duration::from_millis(40);
/// Divisor of the fall per reply that needed less.
const FALL: u32 = 4;
/// Length from which a reply shows that less is needed.
const TELLING: Duration = Duration::from_secs(1);
/// A callback takes a whole period, so its sound is needed earlier by a period: that of `balanced`.
const PERIOD: Duration = Duration::from_millis(11);

/// The target: the profile's value, or what recent replies needed.
pub(super) struct JitterTarget {
    pub(super) base: Duration,
    learnt: Duration,
    /// Target after the next underrun.
    refill: Duration,
    arriving: Option<Arriving>,
}

/// The reply that is arriving.
struct Arriving {
    turn: TurnId,
    began: Instant,
    /// Length of the first chunk.
    first: Duration,
    /// Sound received.
    sound: Duration,
    /// Target that the start would have needed so far.
    needed: Duration,
    /// Whether a chunk was later than can be hidden.
    stalled: bool,
    /// Target after an underrun in this reply.
    refill: Duration,
}

impl JitterTarget {
    pub(super) fn new(base: Duration) -> Self {
        Self {
            base,
            learnt: Duration::ZERO,
            refill: REFILL,
            arriving: None,
        }
    }

    pub(super) fn now(&self) -> Duration {
        let refill = self.arriving.as_ref().map(|reply| reply.refill);
        self.base
            .max(self.learnt)
            .max(refill.unwrap_or(Duration::ZERO))
    }

    /// Processes a chunk with this much sound, without leading silence.
    pub(super) fn arrived(&mut self, turn: TurnId, sound: Duration, now: Instant) {
        if sound.is_zero() {
            return;
        }
        match self.arriving.as_mut().filter(|reply| reply.turn == turn) {
            Some(reply) => reply.push(sound, now),
            None => {
                self.ended();
                self.arriving = Some(Arriving::new(turn, sound, now));
            }
        }
    }

    /// Marks the reply as complete and adapts.
    pub(super) fn ended(&mut self) {
        let Some(reply) = self.arriving.take() else {
            return;
        };
        if reply.needed > self.learnt {
            self.learnt = reply.needed.min(self.learnt + RISE);
        } else if reply.sound >= TELLING {
            self.learnt -= (self.learnt - reply.needed) / FALL;
        }
        self.refill = REFILL.max(self.refill / 2);
    }

    pub(super) fn underrun(&mut self) {
        if let Some(reply) = &mut self.arriving {
            reply.refill = self.refill;
            self.refill = MOST.min(self.refill * 2);
        }
    }
}

impl Arriving {
    fn new(turn: TurnId, sound: Duration, now: Instant) -> Self {
        Self {
            turn,
            began: now,
            first: sound,
            sound,
            needed: Duration::ZERO,
            stalled: false,
            refill: Duration::ZERO,
        }
    }

    fn push(&mut self, sound: Duration, now: Instant) {
        let since = now.saturating_duration_since(self.began);
        let late = since.saturating_sub(self.sound);
        self.sound += sound;
        self.stalled |= late > MOST;
        if !self.stalled && !late.is_zero() {
            let needed = late + self.first + PERIOD;
            self.needed = self.needed.max(needed.min(MOST));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: Duration = Duration::from_millis(20);

    #[test]
    fn bursts_teach_nothing() {
        let mut prebuffer = JitterTarget::new(CHUNK);
        arrive(&mut prebuffer, 1, &[0; 50], 4);
        assert_eq!(prebuffer.now(), CHUNK);
    }

    #[test]
    fn late_chunks_are_learnt_without_running_dry_and_forgotten_with_replies() {
        let mut prebuffer = JitterTarget::new(Duration::ZERO);
        let late: Vec<u64> = (0..100).map(|n| if n % 7 == 3 { 25 } else { 0 }).collect();
        arrive(&mut prebuffer, 1, &late, 20);
        assert_eq!(prebuffer.now(), RISE, "one reply adds no more");
        arrive(&mut prebuffer, 2, &late, 20);
        let learnt = Duration::from_millis(25) + CHUNK + PERIOD;
        assert_eq!(prebuffer.now(), learnt);
        arrive(&mut prebuffer, 3, &[0; 10], 20);
        assert_eq!(prebuffer.now(), learnt, "200 ms prove nothing");
        arrive(&mut prebuffer, 4, &[0; 100], 20);
        assert_eq!(prebuffer.now(), learnt - learnt / FALL);
        prebuffer.base = Duration::from_millis(300);
        assert_eq!(prebuffer.now(), prebuffer.base, "what the profile wishes");
    }

    #[test]
    fn a_stall_teaches_nothing() {
        let mut prebuffer = JitterTarget::new(CHUNK);
        let mut late = vec![0, 0, 0, 0, 500];
        late.extend((0..30).map(|n| 480_u64.saturating_sub(n * 20)));
        arrive(&mut prebuffer, 1, &late, 20);
        assert_eq!(prebuffer.now(), CHUNK);
    }

    #[test]
    fn each_gap_gathers_more_and_the_next_reply_begins_as_before() {
        let mut prebuffer = JitterTarget::new(CHUNK);
        let mut gaps = |turn| {
            let wanted = [(); 4].map(|()| {
                prebuffer.arrived(TurnId(turn), CHUNK, Instant::now());
                prebuffer.underrun();
                prebuffer.now().as_millis()
            });
            prebuffer.ended();
            assert_eq!(prebuffer.now(), CHUNK);
            wanted
        };
        assert_eq!(gaps(1), [40, 80, 160, 200]);
        assert_eq!(gaps(2), [100, 200, 200, 200]);
    }

    /// A reply in chunks that come every `pace` milliseconds, and so much later each.
    fn arrive(prebuffer: &mut JitterTarget, turn: u64, late: &[u64], pace: u64) {
        let began = Instant::now();
        for (n, late) in late.iter().enumerate() {
            let at = Duration::from_millis(n as u64 * pace + late);
            prebuffer.arrived(TurnId(turn), CHUNK, began + at);
        }
        prebuffer.ended();
    }
}
