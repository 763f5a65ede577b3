//! Timestamps of a device callback: position, time, and the latency of the device.
//!
//! One writer (the callback) and any reader share the newest stamp through a sequence lock of atomics: the writer never
//! waits; a reader that overlaps with a write retries.

use std::sync::atomic::{
    AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, fence,
};
use std::time::{Duration, Instant};

/// Largest plausible latency; hosts have reported hours (a clock of another origin).
const SANE_LATENCY: Duration = Duration::from_millis(500);
/// Marks an unknown latency.
const UNKNOWN: u64 = u64::MAX;

/// A callback of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Frames since the start of the stream, at the first frame of the block.
    pub position: u64,
    pub frames: u64,
    pub at: Instant,
    /// Time from capture of the first frame to the callback, or from the callback to playback of the first frame.
    pub latency: Option<Duration>,
}

/// The newest [`Stamp`] of a stream, and the number of callbacks.
pub struct StreamTimestamps {
    epoch: Instant,
    version: AtomicU64,
    position: AtomicU64,
    frames: AtomicU64,
    nanos: AtomicU64,
    latency: AtomicU64,
}

impl StreamTimestamps {
    /// Creates timestamps without a callback; `epoch` is any instant before the first one.
    pub fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            version: AtomicU64::new(0),
            position: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            nanos: AtomicU64::new(0),
            latency: AtomicU64::new(UNKNOWN),
        }
    }

    /// Publishes a stamp; for the callback alone. Ignores a latency of zero or above half a second.
    pub fn publish(&self, stamp: Stamp) {
        let latency = stamp
            .latency
            .filter(|l| !l.is_zero() && *l <= SANE_LATENCY)
            .map_or(UNKNOWN, nanos);
        let version = self.version.load(Relaxed);
        self.version.store(version + 1, Relaxed);
        fence(Release);
        self.position.store(stamp.position, Relaxed);
        self.frames.store(stamp.frames, Relaxed);
        let since = stamp.at.saturating_duration_since(self.epoch);
        self.nanos.store(nanos(since), Relaxed);
        self.latency.store(latency, Relaxed);
        self.version.store(version + 2, Release);
    }

    /// Returns the newest stamp; `None` before the first callback.
    pub fn newest(&self) -> Option<Stamp> {
        loop {
            let before = self.version.load(Acquire);
            if before == 0 {
                return None;
            }
            let position = self.position.load(Relaxed);
            let frames = self.frames.load(Relaxed);
            let at = self.nanos.load(Relaxed);
            let latency = self.latency.load(Relaxed);
            fence(Acquire);
            if before.is_multiple_of(2) && self.version.load(Relaxed) == before {
                return Some(Stamp {
                    position,
                    frames,
                    at: self.epoch + Duration::from_nanos(at),
                    latency: (latency != UNKNOWN).then(|| Duration::from_nanos(latency)),
                });
            }
            std::hint::spin_loop();
        }
    }

    pub fn callbacks(&self) -> u64 {
        self.version.load(Relaxed) / 2
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stamp_is_read_whole() {
        let epoch = Instant::now();
        let timestamps = StreamTimestamps::new(epoch);
        assert_eq!((timestamps.newest(), timestamps.callbacks()), (None, 0));
        let stamp = Stamp {
            position: 7,
            frames: 3,
            at: epoch + Duration::from_micros(5),
            latency: Some(Duration::from_millis(4)),
        };
        timestamps.publish(stamp);
        assert_eq!(
            (timestamps.newest(), timestamps.callbacks()),
            (Some(stamp), 1)
        );
    }

    #[test]
    fn an_absurd_latency_is_none() {
        let epoch = Instant::now();
        let timestamps = StreamTimestamps::new(epoch);
        for latency in [Duration::ZERO, Duration::from_secs(3_600)] {
            timestamps.publish(Stamp {
                position: 0,
                frames: 1,
                at: epoch,
                latency: Some(latency),
            });
            assert_eq!(timestamps.newest().expect("published").latency, None);
        }
    }

    #[test]
    fn a_reader_never_sees_halves_of_two_stamps() {
        let epoch = Instant::now();
        let timestamps = StreamTimestamps::new(epoch);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..=20_000_u64 {
                    timestamps.publish(Stamp {
                        position: n,
                        frames: n,
                        at: epoch + Duration::from_nanos(n),
                        latency: Some(Duration::from_nanos(n)),
                    });
                }
            });
            while timestamps.callbacks() < 20_000 {
                if let Some(stamp) = timestamps.newest() {
                    assert_eq!(stamp.position, stamp.frames);
                    assert_eq!(stamp.latency, Some(Duration::from_nanos(stamp.position)));
                }
            }
        });
    }
}
