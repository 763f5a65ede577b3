//! One direction of the stream manager: its stream, fault detection and back-off.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::backend::{DeviceStream, OpenedStream};
use super::super::device::{DeviceChoice, DeviceInfo, Direction, StreamInfo};
use super::super::rest_switch::RestSwitch;
use super::super::stream_fault::{FaultCounts, Policy, StreamFault};
use super::super::stream_timestamps::StreamTimestamps;
use crate::base::counters::Counters;

const RETRY_FIRST: Duration = Duration::from_millis(250);
const RETRY_LAST: Duration = Duration::from_secs(4);
/// Time without callbacks, and at least five periods, after which a stream has stalled silently (seen with every host).
const STALLED: Duration = Duration::from_millis(500);
/// Time limit for the first callback.
const FIRST_CALLBACK: Duration = Duration::from_secs(3);
/// Faults of one kind per window that make a storm.
const STORM: u32 = 10;
const STORM_WINDOW: Duration = Duration::from_secs(1);
/// Maximum multiple of the requested period for a device that stutters.
const MOST_STRETCH: u32 = 4;
/// Time without a storm after which half of that is given back at the next opening. A device is never reopened for that
/// alone: a gap now is worse than a few milliseconds less later.
const CALM: Duration = Duration::from_secs(60);
/// Least time between two rebuilds, however often a device comes and goes.
const REBUILD_PACE: Duration = Duration::from_secs(1);
/// Time for which the device plays on after the last sample was taken from the ring.
const DEVICE_TAIL: Duration = Duration::from_millis(300);
/// Time after which a retired stream is dropped in any case.
const RETIREMENT: Duration = Duration::from_secs(2);

/// The slot: target, running stream, failures.
pub(super) struct StreamSlot {
    direction: Direction,
    pub(super) choice: DeviceChoice,
    pub(super) wanted: bool,
    pub(super) running: Option<RunningStream>,
    retired: Vec<Retired>,
    pub(super) retry_at: Instant,
    retry_after: Duration,
    /// Reported problem that was not resolved yet.
    pub(super) reported: Option<String>,
    /// Multiple of the requested period, after storms of xruns.
    pub(super) stretch: u32,
    /// Time of the last storm of xruns.
    stormed: Option<Instant>,
    /// Last known description of the selected device, to name it while it is away.
    pub(super) seen: Option<DeviceInfo>,
    /// Device of the last stream, if that ended by itself.
    pub(super) gone: Option<DeviceInfo>,
    /// Reported use of another device that was not resolved yet.
    pub(super) moved: Option<Moved>,
    /// Since when a better device than the current one is present.
    pub(super) better_since: Option<Instant>,
    opened: Option<Instant>,
    /// Time of the last log entry for each kind of fault.
    logged: [Option<Instant>; StreamFault::ALL.len()],
}

/// A reported use of another device.
pub(super) struct Moved {
    pub(super) what: String,
    /// The device that went away, if the default was selected.
    pub(super) from: Option<String>,
}

pub(super) struct RunningStream {
    stream: Box<dyn DeviceStream>,
    /// What the worker wants, and what the stream does.
    rest: Arc<RestSwitch>,
    rests: bool,
    pub(super) info: StreamInfo,
    timestamps: Arc<StreamTimestamps>,
    faults: Arc<FaultCounts>,
    callbacks: u64,
    moved: Instant,
    opened: Instant,
    window: Instant,
    storm: [u32; StreamFault::ALL.len()],
}

/// A replaced stream that still plays or delivers what it has.
struct Retired {
    _stream: Box<dyn DeviceStream>,
    timestamps: Arc<StreamTimestamps>,
    until: Instant,
    /// Whether the worker has released its side.
    released: bool,
}

impl RunningStream {
    pub(super) fn new(
        opened: OpenedStream,
        timestamps: Arc<StreamTimestamps>,
        faults: Arc<FaultCounts>,
        rest: Arc<RestSwitch>,
        now: Instant,
    ) -> Self {
        Self {
            stream: opened.stream,
            rest,
            rests: false,
            info: opened.info,
            timestamps,
            faults,
            callbacks: 0,
            moved: now,
            opened: now,
            window: now,
            storm: [0; StreamFault::ALL.len()],
        }
    }
}

impl StreamSlot {
    pub(super) fn new(direction: Direction, choice: DeviceChoice, now: Instant) -> Self {
        Self {
            direction,
            choice,
            wanted: true,
            running: None,
            retired: Vec::new(),
            retry_at: now,
            retry_after: RETRY_FIRST,
            reported: None,
            stretch: 1,
            stormed: None,
            seen: None,
            gone: None,
            moved: None,
            better_since: None,
            opened: None,
            logged: [None; StreamFault::ALL.len()],
        }
    }

    pub(super) fn reset_back_off(&mut self, now: Instant) {
        self.retry_at = now;
        self.retry_after = RETRY_FIRST;
    }

    pub(super) fn choose(&mut self, choice: DeviceChoice) {
        self.choice = choice;
        self.stretch = 1;
        (self.seen, self.gone, self.better_since) = (None, None, None);
    }

    /// Remembers the description of the selected device.
    pub(super) fn remember(&mut self, list: &[DeviceInfo]) {
        if let DeviceChoice::Id(id) = &self.choice
            && let Some(device) = list.iter().find(|d| d.id == *id)
        {
            self.seen = Some(device.clone());
        }
    }

    /// First instant, `request` or later, at which the next stream may be built.
    pub(super) fn not_before(&self, earliest: Instant) -> Instant {
        self.opened
            .map_or(earliest, |opened| earliest.max(opened + REBUILD_PACE))
    }

    /// Multiple of the period to request; halved after a calm time.
    pub(super) fn current_stretch(&mut self, now: Instant) -> u32 {
        let calm = |at: Instant| now.saturating_duration_since(at) >= CALM;
        if self.stretch > 1 && self.stormed.is_none_or(calm) {
            self.stretch /= 2;
            self.stormed = Some(now);
        }
        self.stretch
    }

    /// Drops retired streams that are no longer needed.
    fn retire(&mut self, now: Instant) {
        let tail = match self.direction {
            Direction::Input => Duration::ZERO,
            Direction::Output => DEVICE_TAIL,
        };
        self.retired.retain_mut(|old| {
            // One reference is ours, one the callback's.
            if !old.released && Arc::strong_count(&old.timestamps) <= 2 {
                old.released = true;
                old.until = old.until.min(now + tail);
            }
            now < old.until
        });
    }

    pub(super) fn begin(&mut self, started: RunningStream, now: Instant) {
        self.opened = Some(now);
        self.better_since = None;
        self.running = Some(started);
    }

    /// Lets the stream rest, or wakes it, as the worker wants.
    pub(super) fn rest(&mut self, now: Instant) {
        if let Some(running) = &mut self.running
            && running.rest.rests() != running.rests
        {
            running.rests = !running.rests;
            running.stream.rest(running.rests);
            running.callbacks = running.timestamps.callbacks();
            // A device that was switched off meanwhile takes its time.
            running.moved = now + FIRST_CALLBACK;
        }
    }

    /// Retires a replaced stream, which continues until the worker has released it.
    pub(super) fn retire_behind(&mut self, old: RunningStream, now: Instant) {
        self.retired.push(Retired {
            _stream: old.stream,
            timestamps: old.timestamps,
            until: now + RETIREMENT,
            released: false,
        });
    }

    pub(super) fn retiring(&self) -> usize {
        self.retired.len()
    }

    /// Whether a stream runs whose callbacks must come.
    pub(super) fn is_active(&self) -> bool {
        let stops = self.direction == Direction::Output;
        self.running
            .as_ref()
            .is_some_and(|running| !(running.rests && stops))
    }

    /// Schedules the next try with exponential back-off.
    pub(super) fn back_off(&mut self, now: Instant) {
        self.retry_at = now + self.retry_after;
        self.retry_after = (self.retry_after * 2).min(RETRY_LAST);
    }

    /// As [`StreamSlot::back_off`] for a stream that ran: the first retry is immediate. Returns whether this is not the
    /// first.
    pub(super) fn back_off_after_loss(&mut self, now: Instant) -> bool {
        let again = self.retry_after != RETRY_FIRST;
        self.back_off(now);
        if !again {
            self.retry_at = now;
        }
        self.retry_at = self.not_before(self.retry_at);
        again
    }

    /// Checks faults and stalls of the stream; returns the reason to rebuild it. `period` is the requested one.
    pub(super) fn poll(
        &mut self,
        period: u32,
        counters: &Counters,
        now: Instant,
    ) -> Option<StreamFault> {
        self.retire(now);
        let silent = self.is_silent(period, now);
        let trouble = self.count_faults(counters, now);
        let trouble = if silent {
            Some(StreamFault::StreamInvalidated)
        } else {
            trouble
        };
        if trouble == Some(StreamFault::Xrun) {
            self.stretch = (self.stretch * 2).min(MOST_STRETCH);
            self.stormed = Some(now);
        }
        trouble
    }

    /// Counts the reported faults; returns one that requires a rebuild.
    fn count_faults(&mut self, counters: &Counters, now: Instant) -> Option<StreamFault> {
        let running = self.running.as_mut()?;
        let mut trouble = None;
        if now.saturating_duration_since(running.window) > STORM_WINDOW {
            running.window = now;
            running.storm = [0; StreamFault::ALL.len()];
        }
        for (fault, count) in running.faults.take() {
            counters.stream_errors.add(u64::from(count));
            let seen = &mut running.storm[fault as usize];
            *seen = seen.saturating_add(count);
            let last = &mut self.logged[fault as usize];
            let first = last.is_none();
            // A fault without consequence is logged once.
            if fault.policy() == Policy::SpendMore {
                if first {
                    *last = Some(now);
                    tracing::info!(direction = ?self.direction, "no real-time priority for the stream: it may stutter under load");
                }
            } else if last.is_none_or(|at| now.saturating_duration_since(at) >= STORM_WINDOW) {
                *last = Some(now);
                tracing::warn!(direction = ?self.direction, ?fault, count, "audio device fault");
            }
            match fault.policy() {
                Policy::SpendMore => {}
                Policy::RebuildIfMany if *seen <= STORM => {}
                Policy::RebuildIfMany | Policy::Rebuild => trouble = Some(fault),
            }
        }
        trouble
    }

    /// Whether the callbacks have stopped.
    fn is_silent(&mut self, period: u32, now: Instant) -> bool {
        if !self.is_active() {
            return false;
        }
        let Some(running) = &mut self.running else {
            return false;
        };
        let callbacks = running.timestamps.callbacks();
        if callbacks != running.callbacks {
            running.callbacks = callbacks;
            running.moved = now;
            // It has run long enough: the next failure is a new one.
            if now.saturating_duration_since(running.opened) > RETRY_LAST {
                self.retry_after = RETRY_FIRST;
            }
        }
        let limit = if callbacks == 0 {
            FIRST_CALLBACK
        } else {
            let frames = running.info.period_frames.unwrap_or(period);
            STALLED.max(running.info.rate.duration_of(u64::from(frames) * 5))
        };
        now.saturating_duration_since(running.moved) > limit
    }
}
