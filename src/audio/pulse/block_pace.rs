//! When to look for the next block of a microphone.
//!
//! A server sends one block as several messages, and each as two writes. A thread that waits for them wakes up for every
//! write: 1 070 times a second on the rig, where a block comes 94 times. So the thread sleeps until just after the block
//! is expected, and then reads all of it at once:
//!
//! ```text
//!  block is here      look ──▶ complete: next look one block later, less a nudge
//!  block is late      look ──▶ wait for its first write, then GRACE for the rest: looks come later from now on
//! ```
//!
//! The nudge moves the looks towards the arrival until one is too early, so a block waits 0.1 ms on average.

use std::time::{Duration, Instant};

use super::frame_shape::FrameShape;
use crate::base::frame::FRAME_DURATION;

/// Time for which the parts of a block arrive after the first (measured: below 0.1 ms).
const GRACE: Duration = Duration::from_micros(200);
/// Step by which a look comes earlier than a block after the one before.
const NUDGE: Duration = Duration::from_micros(50);

/// Blocks read at once while nothing is said or expected.
pub(super) const AT_REST: u32 = 4;

/// The times at which a capture thread looks for blocks.
pub(super) struct BlockPace {
    /// Frames of a block: the smallest number of periods with 10 ms, since the worker needs no less.
    block: u64,
    duration: Duration,
    look: Instant,
    /// Whether several blocks are read at once.
    resting: bool,
    /// Number of frames received when the current block is complete.
    complete_at: u64,
}

impl BlockPace {
    /// The pace of a stream with this period in frames.
    pub(super) fn new(shape: FrameShape, period: u32, now: Instant) -> Self {
        let frame = FRAME_DURATION.as_secs_f64() * shape.rate();
        let period = f64::from(period.max(1));
        let block = (frame / period).ceil().max(1.0) * period;
        Self {
            block: block as u64,
            duration: Duration::from_secs_f64(block / shape.rate()),
            look: now,
            resting: false,
            complete_at: block as u64,
        }
    }

    /// Reads [`AT_REST`] blocks at once, or each again. A look that is further away is brought forward.
    pub(super) fn set_resting(&mut self, resting: bool, now: Instant) {
        if self.resting != resting {
            self.resting = resting;
            self.look = now;
        }
    }

    /// The next look, when this many frames were received and nothing more is here.
    pub(super) fn next_look(&mut self, received: u64, now: Instant) -> Instant {
        if received >= self.complete_at {
            let blocks = if self.resting { AT_REST } else { 1 };
            let (block, duration) = (self.block * u64::from(blocks), self.duration * blocks);
            let late = received - self.complete_at >= block;
            self.complete_at = block + if late { received } else { self.complete_at };
            // A backlog must not move the looks into the future.
            self.look = (self.look + duration).min(now + duration) - NUDGE;
        }
        self.look
    }

    /// The first write of a block arrived after the thread had waited for it.
    pub(super) fn arrived(&mut self, now: Instant) {
        self.look = now + GRACE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::format::StreamFormat;
    use crate::base::units::SampleRate;

    const MS: f64 = 1e-3;

    /// Time between the first write of a piece and its last.
    const WRITES: f64 = 0.1 * MS;

    /// Wake-ups per second, and the longest and mean wait in milliseconds of a piece, over ten seconds with pieces of
    /// this many frames whose first write comes up to `jitter` seconds late. `stall`: pieces that all come together in
    /// the middle.
    fn run(period: u32, piece: u64, jitter: f64, stall: usize) -> (f64, f64, f64) {
        const SECONDS: f64 = 10.0;
        let rate = SampleRate::new(48_000).expect("not zero");
        let format = StreamFormat {
            rate,
            channels: 1,
            period: Some(period),
            held_blocks: 0,
        };
        let start = Instant::now();
        let mut random = 1_u64;
        let count = (SECONDS * 48_000.0) as usize / piece as usize;
        let mut arrivals: Vec<f64> = (1..=count)
            .map(|n| {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                n as f64 * piece as f64 / 48_000.0
                    + jitter * (random >> 40) as f64 / (1 << 24) as f64
            })
            .collect();
        let stalled = count / 2..count / 2 + stall;
        let together = arrivals[stalled.end];
        arrivals[stalled].fill(together);
        let mut pace = BlockPace::new(FrameShape::of(format), period, start);
        let at = |second: f64| start + Duration::from_secs_f64(second);
        let (mut now, mut taken, mut wakes, mut waits) = (0.0, 0, 0.0, Vec::new());
        while taken < count {
            while taken < count && arrivals[taken] + WRITES <= now {
                waits.push(now - arrivals[taken] - WRITES);
                taken += 1;
            }
            let Some(&next) = arrivals.get(taken) else {
                break;
            };
            let look = pace.next_look(taken as u64 * piece, at(now));
            let look = (look - start).as_secs_f64();
            wakes += 1.0;
            if look > now {
                now = look;
            } else {
                now = now.max(next);
                pace.arrived(at(now));
            }
        }
        let late = waits[waits.len() / 2 + stall..].iter();
        let longest = late.clone().fold(0.0, |a: f64, &b| a.max(b));
        (
            wakes / SECONDS,
            longest / MS,
            late.sum::<f64>() / (waits.len() / 2 - stall) as f64 / MS,
        )
    }

    #[test]
    fn a_block_takes_one_wake_up_and_waits_little() {
        // Period asked, piece delivered, lateness; most wake-ups a second. A piece that ends no block waits for it.
        let cases = [
            (512, 512, 0.0, 150.0, 0.2),
            (512, 256, 0.0, 150.0, 5.6),
            (512, 512, 0.3, 200.0, 0.6),
            (256, 128, 0.0, 150.0, 8.3),
            (2_048, 2_048, 0.0, 40.0, 0.2),
            // A device that cannot be as quick as it was asked.
            (512, 2_048, 0.0, 150.0, 0.2),
        ];
        for (period, piece, jitter, most, longest) in cases {
            let (wakes, waited, _) = run(period, piece, jitter * MS, 0);
            assert!(wakes < most, "{period} {piece} {jitter}: {wakes} wake-ups");
            assert!(
                waited <= longest + jitter,
                "{period} {piece} {jitter}: {waited} ms"
            );
        }
    }

    #[test]
    fn a_stream_at_rest_takes_a_quarter_of_the_wake_ups_and_is_awake_at_once() {
        let start = Instant::now();
        let rate = SampleRate::new(48_000).expect("not zero");
        let format = StreamFormat {
            rate,
            channels: 1,
            period: Some(480),
            held_blocks: 0,
        };
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut pace = BlockPace::new(FrameShape::of(format), 480, start);
        pace.arrived(at(10));
        assert_eq!(pace.next_look(480, at(10) + GRACE), at(20) + GRACE - NUDGE);
        pace.set_resting(true, at(20));
        // The block that was awaited, then four at once.
        let look = pace.next_look(960, at(20));
        assert_eq!(look, at(60) - NUDGE);
        assert_eq!(pace.next_look(960 + 4 * 480, look), at(100) - 2 * NUDGE);
        pace.set_resting(false, at(70));
        assert_eq!(pace.next_look(960 + 4 * 480, at(70)), at(70));
    }

    #[test]
    fn a_backlog_leaves_no_delay() {
        let (_, _, mean) = run(512, 512, 0.0, 40);
        assert!(mean < 0.3, "{mean} ms");
    }
}
