//! One direction of the owner: its stream, the watch over it, and the patience between two tries.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::backend::{Fault, Faults, Opened, Policy};
use super::super::status::Status;
use super::super::{DeviceChoice, Direction, StreamInfo};
use crate::metrics::counters::Counters;

const RETRY_FIRST: Duration = Duration::from_millis(250);
const RETRY_LAST: Duration = Duration::from_secs(4);
/// A stream that was quiet for so long, and for five periods, has died without a word (seen with every host).
const STALLED: Duration = Duration::from_millis(500);
/// Hosts take longer to the first callback than between two.
const FIRST_CALLBACK: Duration = Duration::from_secs(3);
/// Faults of one kind within a second that make a storm.
const STORM: u32 = 10;
const STORM_WINDOW: Duration = Duration::from_secs(1);
/// A device that stutters gets up to this many times the period asked for.
const MOST_STRETCH: u32 = 4;
/// How long the device plays on after the last sample was taken from the ring.
const DEVICE_TAIL: Duration = Duration::from_millis(300);
/// A retired stream is dropped after this, whoever still holds its other end.
const RETIREMENT: Duration = Duration::from_secs(2);

/// One direction: what is wanted of it, what runs, and how often it failed.
pub(super) struct Port {
    direction: Direction,
    pub(super) choice: DeviceChoice,
    pub(super) wanted: bool,
    pub(super) live: Option<Live>,
    retired: Vec<Retired>,
    pub(super) retry_at: Instant,
    retry_after: Duration,
    /// Trouble that was told and not taken back yet.
    pub(super) told: Option<String>,
    /// Times the period asked for, after storms of xruns.
    pub(super) stretch: u32,
    /// When a fault of each kind was logged last.
    logged: [Option<Instant>; Fault::ALL.len()],
}

/// A stream that runs.
pub(super) struct Live {
    stream: Box<dyn Any + Send>,
    pub(super) info: StreamInfo,
    status: Arc<Status>,
    faults: Arc<Faults>,
    callbacks: u64,
    moved: Instant,
    opened: Instant,
    window: Instant,
    storm: [u32; Fault::ALL.len()],
}

/// A stream that was replaced and still plays or hands over what it has.
struct Retired {
    _stream: Box<dyn Any + Send>,
    status: Arc<Status>,
    until: Instant,
    /// The worker has let go of its end.
    released: bool,
}

impl Port {
    pub(super) fn new(direction: Direction, choice: DeviceChoice, now: Instant) -> Self {
        Self {
            direction,
            choice,
            wanted: true,
            live: None,
            retired: Vec::new(),
            retry_at: now,
            retry_after: RETRY_FIRST,
            told: None,
            stretch: 1,
            logged: [None; Fault::ALL.len()],
        }
    }

    pub(super) fn forget_trouble(&mut self, now: Instant) {
        self.retry_at = now;
        self.retry_after = RETRY_FIRST;
    }

    /// Drops the streams that nobody listens to any more.
    fn retire(&mut self, now: Instant) {
        let tail = match self.direction {
            Direction::Input => Duration::ZERO,
            Direction::Output => DEVICE_TAIL,
        };
        self.retired.retain_mut(|old| {
            // One count is ours, one the callback's.
            if !old.released && Arc::strong_count(&old.status) <= 2 {
                old.released = true;
                old.until = old.until.min(now + tail);
            }
            now < old.until
        });
    }

    /// A stream was opened.
    pub(super) fn begin(
        &mut self,
        opened: Opened,
        status: Arc<Status>,
        faults: Arc<Faults>,
        now: Instant,
    ) {
        self.told = None;
        self.live = Some(Live {
            stream: opened.stream,
            info: opened.info,
            status,
            faults,
            callbacks: 0,
            moved: now,
            opened: now,
            window: now,
            storm: [0; Fault::ALL.len()],
        });
    }

    /// Another stream has taken the place of this one, which goes on until the worker has let go of it.
    pub(super) fn retire_behind(&mut self, old: Live, now: Instant) {
        self.retired.push(Retired {
            _stream: old.stream,
            status: old.status,
            until: now + RETIREMENT,
            released: false,
        });
    }

    /// Whether there are streams on their way out.
    pub(super) fn is_retiring(&self) -> bool {
        !self.retired.is_empty()
    }

    /// Sets when it is tried again: later and later.
    pub(super) fn back_off(&mut self, now: Instant) {
        self.retry_at = now + self.retry_after;
        self.retry_after = (self.retry_after * 2).min(RETRY_LAST);
    }

    /// As [`Port::back_off`] for a stream that ran: the first time it is tried again at once. Says whether that was
    /// not the first time.
    pub(super) fn back_off_after_loss(&mut self, now: Instant) -> bool {
        let again = self.retry_after != RETRY_FIRST;
        self.back_off(now);
        if !again {
            self.retry_at = now;
        }
        again
    }

    /// Looks at what the stream reported and whether it still runs; says why it has to be built anew. `period` is
    /// what was asked for.
    pub(super) fn look(&mut self, period: u32, counters: &Counters, now: Instant) -> Option<Fault> {
        self.retire(now);
        let silent = self.is_silent(period, now);
        let trouble = self.count_faults(counters, now);
        let trouble = if silent {
            Some(Fault::StreamInvalidated)
        } else {
            trouble
        };
        if trouble == Some(Fault::Xrun) {
            self.stretch = (self.stretch * 2).min(MOST_STRETCH);
        }
        trouble
    }

    /// Counts what the stream reported; says what of it cannot be passed over.
    fn count_faults(&mut self, counters: &Counters, now: Instant) -> Option<Fault> {
        let live = self.live.as_mut()?;
        let mut trouble = None;
        if now.saturating_duration_since(live.window) > STORM_WINDOW {
            live.window = now;
            live.storm = [0; Fault::ALL.len()];
        }
        for (fault, count) in live.faults.take() {
            counters.stream_errors.add(u64::from(count));
            let seen = &mut live.storm[fault as usize];
            *seen = seen.saturating_add(count);
            let last = &mut self.logged[fault as usize];
            if last.is_none_or(|at| now.saturating_duration_since(at) >= STORM_WINDOW) {
                *last = Some(now);
                tracing::warn!(direction = ?self.direction, ?fault, count, "a sound device reports a fault");
            }
            match fault.policy() {
                Policy::GoOn => {}
                Policy::RebuildIfMany if *seen <= STORM => {}
                Policy::RebuildIfMany | Policy::Rebuild => trouble = Some(fault),
            }
        }
        trouble
    }

    /// Whether the stream's callbacks have stopped.
    fn is_silent(&mut self, period: u32, now: Instant) -> bool {
        let Some(live) = &mut self.live else {
            return false;
        };
        let callbacks = live.status.callbacks();
        if callbacks != live.callbacks {
            live.callbacks = callbacks;
            live.moved = now;
            // It has proved itself: the next trouble is a new one.
            if now.saturating_duration_since(live.opened) > RETRY_LAST {
                self.retry_after = RETRY_FIRST;
            }
        }
        let limit = if callbacks == 0 {
            FIRST_CALLBACK
        } else {
            let frames = live.info.period_frames.unwrap_or(period);
            STALLED.max(live.info.rate.duration_of(u64::from(frames) * 5))
        };
        now.saturating_duration_since(live.moved) > limit
    }
}
