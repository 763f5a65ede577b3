//! How much of a reply is gathered before it is played, and before it goes on where it ran dry.
//!
//! Both are learnt, from different things:
//!
//! - At the start: how late chunks come, counted from the first one, also where nothing ran dry. What is later than can
//!   be hidden (a stall) teaches nothing: to begin later would not spare its gap.
//! - After a gap: the gaps. Each gathers twice as much as the one before, so that a service that falls behind the sound
//!   makes few long gaps and not many short ones. It is halved with each reply, and adds nothing to the next start.
//!
//! ```text
//! late by │     ●          ● needed: this and a chunk        │   ┌▶ ● ●     a stall: nothing is learnt from here on
//!         │  ●     ●  ●  ●                                   │ ● │
//!         └●─────────────────▶ chunks                        └●──●────────▶
//! ```

use std::time::{Duration, Instant};

use crate::base::ids::TurnId;

/// Gathered where a reply runs dry for the first time: one or two chunks as services send them.
const REFILL: Duration = Duration::from_millis(40);
/// The most that is gathered: to wait for more is worse than the gap that it spares.
const MOST: Duration = Duration::from_millis(200);
/// The most that one reply adds to what is learnt: a single late chunk may be chance.
const RISE: Duration = Duration::from_millis(40);
/// A reply that needed less takes away this part of the difference.
const FALL: u32 = 4;
/// Less sound than this does not show that little is needed.
const TELLING: Duration = Duration::from_secs(1);
/// A callback takes a period at once, so that its sound is needed by so much sooner: that of `balanced`.
const PERIOD: Duration = Duration::from_millis(11);

/// How much to gather: the profile's wish, or what replies have needed of late.
pub(super) struct JitterTarget {
    pub(super) base: Duration,
    learnt: Duration,
    /// To gather where a reply runs dry next.
    refill: Duration,
    arriving: Option<Arriving>,
}

/// The reply that arrives.
struct Arriving {
    turn: TurnId,
    began: Instant,
    /// Length of the first chunk.
    first: Duration,
    /// Sound that has come.
    sound: Duration,
    /// What should have been gathered at the start, as far as it is known.
    needed: Duration,
    /// A chunk came later than could be hidden.
    stalled: bool,
    /// Gathered where it ran dry.
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

    /// A chunk has come with so much sound, leading silence not counted.
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

    /// No more of the reply will come.
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

    /// The reply that plays ran dry.
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
