//! The body of a capture callback: writes samples to the ring, publishes timestamps, counts, wakes the worker.
//!
//! It does not allocate or lock, and makes one system call only: it unparks the worker after 10 ms or more of new
//! samples (no call at all if the worker is not parked). Reading `Instant::now()` is left to the caller; on supported
//! systems it reads a page shared by the kernel.
//!
//! The same holds for the playback callback, and neither can wait for another thread: ring, timestamps and counters are
//! atomics with one writer each, and a writer never retries. Evidence:
//!
//! ```text
//! tests/no_alloc           no allocation in 10 million callbacks of each body, and in blocks of all shapes
//! tests/integration/no_locks.rs
//!                          no type that can wait is named in what a callback runs through, so there is no lock that
//!                          could be held against it
//! scripts/realtime-check   RealtimeSanitizer sees no call that may wait; it does see the one that wakes a worker
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::format::StreamFormat;
use super::stream_timestamps::{Stamp, StreamTimestamps};
use crate::base::frame::FRAME_DURATION;
use crate::base::ring::{Reader, Writer, ring};

/// Minimum ring capacity in interleaved samples, for devices with very long blocks.
const LEAST_ROOM: usize = 1 << 17;
/// Blocks that must fit into [`ROOM`] for it to suffice, if the device reports its period.
const MANY_BLOCKS: usize = 16;
/// Samples converted at once.
const BLOCK: usize = 512;
/// Time the worker may be late before samples are lost.
const ROOM: Duration = Duration::from_secs(1);

/// The callback side of an input stream.
pub struct CaptureBody {
    ring: Writer<f32>,
    timestamps: Arc<StreamTimestamps>,
    worker: Option<Thread>,
    channels: usize,
    /// Frames of 10 ms, and how many of them must be new before the worker is woken.
    frame: usize,
    wake_after: Arc<AtomicU32>,
    since_wake: usize,
    position: u64,
    /// The ring was full: nothing is written until the worker has emptied it, so that a gap has one position.
    overrun: bool,
}

/// The worker side of an input stream.
pub struct CaptureEnd {
    /// Interleaved samples. Lost samples lie between those in the full ring and later ones.
    pub ring: Reader<f32>,
    pub timestamps: Arc<StreamTimestamps>,
    pub format: StreamFormat,
    wake_after: Arc<AtomicU32>,
}

impl CaptureEnd {
    /// Sets how many frames of 10 ms must be new before the worker is woken.
    pub fn wake_after(&self, frames: u32) {
        self.wake_after.store(frames, Relaxed);
    }
}

/// Creates both sides of an input stream. `worker` is unparked if given (not in a simulation).
pub fn capture(
    format: StreamFormat,
    epoch: Instant,
    worker: Option<Thread>,
) -> (CaptureBody, CaptureEnd) {
    let channels = usize::from(format.channels.max(1));
    let room = format.rate.samples_in(ROOM) * channels;
    // A ring is written from end to end: half a megabyte per conversation.
    let is_short = |period: u32| period as usize * channels * MANY_BLOCKS <= room;
    let room = if format.period.is_some_and(is_short) {
        room
    } else {
        room.max(LEAST_ROOM)
    };
    let (writer, reader) = ring(room);
    let timestamps = Arc::new(StreamTimestamps::new(epoch));
    let wake_after = Arc::new(AtomicU32::new(1));
    let body = CaptureBody {
        ring: writer,
        timestamps: timestamps.clone(),
        worker,
        channels,
        frame: format.rate.samples_in(FRAME_DURATION),
        wake_after: Arc::clone(&wake_after),
        since_wake: 0,
        position: 0,
        overrun: false,
    };
    let end = CaptureEnd {
        ring: reader,
        timestamps,
        format,
        wake_after,
    };
    (body, end)
}

impl CaptureBody {
    /// Processes a block of interleaved samples; ignores an incomplete last frame. `age` is the time from capture of
    /// the first frame to `now`, if the host reports it.
    pub fn run<T: Copy>(
        &mut self,
        block: &[T],
        to_f32: impl Fn(T) -> f32,
        now: Instant,
        age: Option<Duration>,
    ) {
        let frames = block.len() / self.channels;
        let whole = frames * self.channels;
        self.timestamps.publish(Stamp {
            position: self.position,
            frames: frames as u64,
            at: now,
            latency: age,
        });
        self.position += frames as u64;
        self.overrun &= !self.ring.is_empty();
        // Whole frames only: channels must not swap after an overrun.
        let room = if self.overrun {
            0
        } else {
            self.ring.free() / self.channels * self.channels
        };
        let taken = whole.min(room);
        // In blocks: pushing single values would check the ring's ends for each.
        let mut converted = [0.0; BLOCK];
        for part in block[..taken].chunks(BLOCK) {
            let converted = &mut converted[..part.len()];
            for (to, from) in converted.iter_mut().zip(part) {
                *to = to_f32(*from);
            }
            self.ring.push(converted);
        }
        if taken < whole {
            self.overrun = true;
            self.ring.count_dropped((whole - taken) as u64);
        }
        self.wake(frames);
    }

    fn wake(&mut self, frames: usize) {
        self.since_wake += frames;
        if self.since_wake >= self.frame * self.wake_after.load(Relaxed) as usize {
            self.since_wake = 0;
            if let Some(worker) = &self.worker {
                worker.unpark();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::SampleRate;

    #[test]
    fn samples_pass_in_order_and_stamps_count_frames() {
        let now = Instant::now();
        let (mut body, mut end) = capture(format(2), now, None);
        body.run(&[1_i16, 2, 3, 4, 5], f32::from, now, None);
        body.run(&[] as &[i16], f32::from, now, None);
        body.run(&[6_i16, 7], f32::from, now, None);
        let mut out = [0.0; 8];
        assert_eq!(end.ring.pop(&mut out), 6);
        assert_eq!(out[..6], [1.0, 2.0, 3.0, 4.0, 6.0, 7.0]);
        let stamp = end.timestamps.newest().expect("three callbacks");
        assert_eq!((stamp.position, stamp.frames), (2, 1));
    }

    #[test]
    fn an_overrun_leaves_one_gap_of_whole_frames() {
        let now = Instant::now();
        let (mut body, mut end) = capture(format(3), now, None);
        let block = vec![1.0_f32; 3 * 10_000];
        for _ in 0..5 {
            body.run(&block, |s| s, now, None);
        }
        let kept = end.ring.len();
        assert_eq!(kept % 3, 0);
        assert_eq!(kept as u64 + end.ring.dropped(), 150_000);
        // Room alone does not end the gap; an empty ring does.
        end.ring.skip(30_000);
        body.run(&[2.0_f32; 3], |s| s, now, None);
        assert_eq!(end.ring.len(), kept - 30_000);
        end.ring.skip(kept);
        body.run(&[3.0_f32; 3], |s| s, now, None);
        assert_eq!(end.ring.pop_one(), Some(3.0));
    }

    fn format(channels: u16) -> StreamFormat {
        StreamFormat {
            rate: SampleRate::new(8_000).expect("not zero"),
            channels,
            period: None,
            held_blocks: 0,
        }
    }
}
