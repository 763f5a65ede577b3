//! One direction of the owner: its stream, the watch over it, and the patience between two tries.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::backend::OpenedStream;
use super::super::device::{DeviceChoice, DeviceInfo, Direction, StreamInfo};
use super::super::fault::{Fault, Faults, Policy};
use super::super::stream_timestamps::StreamTimestamps;
use crate::base::counters::Counters;

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
/// A device that has run without a storm for so long gets half of that back when it is opened the next time. It is
/// never opened again for that alone: a gap now is worse than a few milliseconds less later.
const CALM: Duration = Duration::from_secs(60);
/// No stream is built anew sooner than this after the last time, however often a device comes and goes.
const REBUILD_PACE: Duration = Duration::from_secs(1);
/// How long the device plays on after the last sample was taken from the ring.
const DEVICE_TAIL: Duration = Duration::from_millis(300);
/// A retired stream is dropped after this, whoever still holds its other end.
const RETIREMENT: Duration = Duration::from_secs(2);

/// One direction: what is wanted of it, what runs, and how often it failed.
pub(super) struct StreamSlot {
    direction: Direction,
    pub(super) choice: DeviceChoice,
    pub(super) wanted: bool,
    pub(super) running: Option<RunningStream>,
    retired: Vec<Retired>,
    pub(super) retry_at: Instant,
    retry_after: Duration,
    /// Trouble that was told and not taken back yet.
    pub(super) reported: Option<String>,
    /// Times the period asked for, after storms of xruns.
    pub(super) stretch: u32,
    /// The last storm of xruns.
    stormed: Option<Instant>,
    /// The chosen device, as it was last seen: so that it can be named when it is away.
    seen: Option<DeviceInfo>,
    /// The device of the last stream, if that ended by itself.
    pub(super) gone: Option<DeviceInfo>,
    /// What was told about another device being used, and not taken back yet.
    pub(super) moved: Option<Moved>,
    /// Since when a better device than the one that runs is there.
    pub(super) better_since: Option<Instant>,
    opened: Option<Instant>,
    /// When a fault of each kind was logged last.
    logged: [Option<Instant>; Fault::ALL.len()],
}

/// What was told about another device being used.
pub(super) struct Moved {
    pub(super) what: String,
    /// The device that went away, where no certain one was chosen.
    pub(super) from: Option<String>,
}

/// A stream that runs.
pub(super) struct RunningStream {
    stream: Box<dyn Any + Send>,
    pub(super) info: StreamInfo,
    timestamps: Arc<StreamTimestamps>,
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
    timestamps: Arc<StreamTimestamps>,
    until: Instant,
    /// The worker has let go of its end.
    released: bool,
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
            logged: [None; Fault::ALL.len()],
        }
    }

    pub(super) fn reset_back_off(&mut self, now: Instant) {
        self.retry_at = now;
        self.retry_after = RETRY_FIRST;
    }

    /// The user chose another device.
    pub(super) fn choose(&mut self, choice: DeviceChoice) {
        self.choice = choice;
        self.stretch = 1;
        (self.seen, self.gone, self.better_since) = (None, None, None);
    }

    /// Keeps what is known of the chosen device.
    pub(super) fn remember(&mut self, list: &[DeviceInfo]) {
        if let DeviceChoice::Id(id) = &self.choice
            && let Some(device) = list.iter().find(|d| d.id == *id)
        {
            self.seen = Some(device.clone());
        }
    }

    /// The first instant, `wish` or later, at which the next stream may be built.
    pub(super) fn not_before(&self, wish: Instant) -> Instant {
        self.opened
            .map_or(wish, |opened| wish.max(opened + REBUILD_PACE))
    }

    /// Times the period to ask for; less than before after a calm time.
    pub(super) fn current_stretch(&mut self, now: Instant) -> u32 {
        let calm = |at: Instant| now.saturating_duration_since(at) >= CALM;
        if self.stretch > 1 && self.stormed.is_none_or(calm) {
            self.stretch /= 2;
            self.stormed = Some(now);
        }
        self.stretch
    }

    /// There is no device at all, in words.
    pub(super) fn absence_notice(&self, noun: &str) -> String {
        match (&self.choice, &self.seen) {
            (DeviceChoice::Default, _) => Fault::DeviceNotAvailable.words(noun),
            (DeviceChoice::Id(_), Some(device)) => format!(
                "{} was unplugged, and there is no other {noun}. Plug one in; it is used as soon as it appears.",
                device.name
            ),
            (DeviceChoice::Id(id), None) => format!(
                "The {noun} that was chosen ({id}) is not there, and there is no other. Plug one in, or choose another one."
            ),
        }
    }

    /// A stream of `used` was opened while the devices were those of the list: what there is to say about it, and
    /// whether everything is as it was meant.
    pub(super) fn arrival_notice(
        &self,
        noun: &str,
        used: &DeviceInfo,
        list: &[DeviceInfo],
    ) -> Option<(String, bool)> {
        let name = &used.name;
        let is_listed = |id: &str| list.iter().any(|d| d.id == id);
        match &self.choice {
            DeviceChoice::Id(id) if *id != used.id => {
                let what = self.seen.as_ref().map_or_else(
                    || format!("The {noun} that was chosen ({id}) is not there"),
                    |chosen| format!("{} was unplugged", chosen.name),
                );
                let what = format!("{what}: using {name} until it is back.");
                let reported = self.moved.as_ref().is_some_and(|moved| moved.what == what);
                return (!reported).then_some((what, false));
            }
            DeviceChoice::Default => {
                // What was told to be lost is past: the new one is news enough.
                if self.reported.is_none()
                    && let Some(gone) = &self.gone
                    && gone.id != used.id
                    && !is_listed(&gone.id)
                {
                    return Some((format!("{} was unplugged: using {name}.", gone.name), false));
                }
            }
            DeviceChoice::Id(_) => {}
        }
        let from = self.moved.as_ref().and_then(|moved| moved.from.as_deref());
        let is_back = from == Some(&used.id) || self.choice == DeviceChoice::Id(used.id.clone());
        let what = match (&self.moved, &self.reported) {
            (Some(_), _) if is_back => format!("{name} is back: it is used again."),
            (None, None) => return None,
            _ => format!("{name} is used now."),
        };
        Some((what, true))
    }

    /// Drops the streams that nobody listens to any more.
    fn retire(&mut self, now: Instant) {
        let tail = match self.direction {
            Direction::Input => Duration::ZERO,
            Direction::Output => DEVICE_TAIL,
        };
        self.retired.retain_mut(|old| {
            // One count is ours, one the callback's.
            if !old.released && Arc::strong_count(&old.timestamps) <= 2 {
                old.released = true;
                old.until = old.until.min(now + tail);
            }
            now < old.until
        });
    }

    /// A stream was opened.
    pub(super) fn begin(
        &mut self,
        opened: OpenedStream,
        timestamps: Arc<StreamTimestamps>,
        faults: Arc<Faults>,
        now: Instant,
    ) {
        self.opened = Some(now);
        self.better_since = None;
        self.running = Some(RunningStream {
            stream: opened.stream,
            info: opened.info,
            timestamps,
            faults,
            callbacks: 0,
            moved: now,
            opened: now,
            window: now,
            storm: [0; Fault::ALL.len()],
        });
    }

    /// Another stream has taken the place of this one, which goes on until the worker has let go of it.
    pub(super) fn retire_behind(&mut self, old: RunningStream, now: Instant) {
        self.retired.push(Retired {
            _stream: old.stream,
            timestamps: old.timestamps,
            until: now + RETIREMENT,
            released: false,
        });
    }

    /// How many streams are on their way out.
    pub(super) fn retiring(&self) -> usize {
        self.retired.len()
    }

    /// Sets when it is tried again: later and later.
    pub(super) fn back_off(&mut self, now: Instant) {
        self.retry_at = now + self.retry_after;
        self.retry_after = (self.retry_after * 2).min(RETRY_LAST);
    }

    /// As [`StreamSlot::back_off`] for a stream that ran: the first time it is tried again at once. Says whether that was
    /// not the first time.
    pub(super) fn back_off_after_loss(&mut self, now: Instant) -> bool {
        let again = self.retry_after != RETRY_FIRST;
        self.back_off(now);
        if !again {
            self.retry_at = now;
        }
        self.retry_at = self.not_before(self.retry_at);
        again
    }

    /// Looks at what the stream reported and whether it still runs; says why it has to be built anew. `period` is
    /// what was asked for.
    pub(super) fn poll(&mut self, period: u32, counters: &Counters, now: Instant) -> Option<Fault> {
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
            self.stormed = Some(now);
        }
        trouble
    }

    /// Counts what the stream reported; says what of it cannot be passed over.
    fn count_faults(&mut self, counters: &Counters, now: Instant) -> Option<Fault> {
        let running = self.running.as_mut()?;
        let mut trouble = None;
        if now.saturating_duration_since(running.window) > STORM_WINDOW {
            running.window = now;
            running.storm = [0; Fault::ALL.len()];
        }
        for (fault, count) in running.faults.take() {
            counters.stream_errors.add(u64::from(count));
            let seen = &mut running.storm[fault as usize];
            *seen = seen.saturating_add(count);
            let last = &mut self.logged[fault as usize];
            let first = last.is_none();
            // What changes nothing is told once.
            if fault.policy() == Policy::GoOn {
                if first {
                    *last = Some(now);
                    tracing::info!(direction = ?self.direction, "the system gives this stream no priority: it may stutter when the machine is busy");
                }
            } else if last.is_none_or(|at| now.saturating_duration_since(at) >= STORM_WINDOW) {
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
        let Some(running) = &mut self.running else {
            return false;
        };
        let callbacks = running.timestamps.callbacks();
        if callbacks != running.callbacks {
            running.callbacks = callbacks;
            running.moved = now;
            // It has proved itself: the next trouble is a new one.
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
