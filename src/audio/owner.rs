//! The owner of the streams: opens, watches and reopens them, follows the default device, tells what happens in
//! words. Like the worker it is driven by [`Owner::tick`], with the time given.
//!
//! ```text
//!             wanted, retry due            fault, silence, device gone
//!  ┌──────┐ ────────────────────▶ ┌─────┐ ─────────────────────────────┐
//!  │closed│                       │ live│ ◀─┐ period or device changed: │
//!  └──────┘ ◀──────────────────── └─────┘ ──┘ new one first, old one    │
//!     ▲           not wanted                  retires behind it         │
//!     └──────────────── back-off 0.25 to 4 s ◀──────────────────────────┘
//! ```

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::backend::{Backend, Fault, Faults, OpenError, Opened, Policy, Wish};
use super::capture::capture;
use super::playback::playback;
use super::status::Status;
use super::worker::ToWorker;
use super::{Command, DeviceChoice, DeviceInfo, Devices, Direction, Event, Gate, StreamInfo};
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
/// Pace of looking after streams: the watchdog's limit, so that idling costs two wake-ups a second.
const PACE: Duration = Duration::from_millis(500);
const PACE_RETIRING: Duration = Duration::from_millis(20);
/// Events that wait when the session does not take them.
const WAITING: usize = 64;

/// What the owner is told.
pub(super) enum ToOwner {
    Command(Command),
    Stop,
}

/// Where the streams come from.
pub(super) struct Backends {
    pub(super) input: Box<dyn Backend>,
    /// `None`: the same as `input`.
    pub(super) output: Option<Box<dyn Backend>>,
    /// Whether a microphone that gives nothing but zeros is at fault: not so for files.
    pub(super) watch_zeros: bool,
}

impl Backends {
    fn of(&mut self, direction: Direction) -> &mut dyn Backend {
        match (direction, &mut self.output) {
            (Direction::Output, Some(output)) => output.as_mut(),
            _ => self.input.as_mut(),
        }
    }

    pub(super) fn devices(&mut self) -> Devices {
        let mut devices = self.input.devices();
        if let Some(output) = &mut self.output {
            let other = output.devices();
            devices.outputs = other.outputs;
            if devices.host != other.host {
                devices.host = format!("{}, {}", devices.host, other.host);
            }
        }
        devices
    }
}

/// See the [module](self).
pub(super) struct Owner {
    inbox: Receiver<ToOwner>,
    worker: SyncSender<ToWorker>,
    unsent: VecDeque<ToWorker>,
    threads: Threads,
    outbox: Outbox,
    backends: Backends,
    input: Port,
    output: Port,
    period: u32,
    epoch: Instant,
    devices: Option<Devices>,
    next_look: Instant,
    counters: Arc<Counters>,
    stopped: bool,
}

/// Whom the callbacks wake; nobody in a simulation.
#[derive(Clone, Default)]
pub(super) struct Threads {
    pub(super) worker: Option<Thread>,
    pub(super) owner: Option<Thread>,
}

struct Outbox {
    sender: Sender<Event>,
    waiting: VecDeque<Event>,
}

struct Port {
    direction: Direction,
    choice: DeviceChoice,
    wanted: bool,
    live: Option<Live>,
    retired: Vec<Retired>,
    retry_at: Instant,
    retry_after: Duration,
    /// Trouble that was told and not taken back yet.
    told: Option<String>,
    /// Times the period asked for, after storms of xruns.
    stretch: u32,
    /// When a fault of each kind was logged last.
    logged: [Option<Instant>; Fault::ALL.len()],
}

struct Live {
    stream: Box<dyn Any + Send>,
    info: StreamInfo,
    status: Arc<Status>,
    faults: Arc<Faults>,
    callbacks: u64,
    moved: Instant,
    opened: Instant,
    window: Instant,
    storm: [u32; Fault::ALL.len()],
}

struct Retired {
    _stream: Box<dyn Any + Send>,
    status: Arc<Status>,
    until: Instant,
    /// The worker has let go of its end.
    released: bool,
}

impl Owner {
    #[expect(
        clippy::too_many_arguments,
        reason = "made in one place, from parts that have no other tie"
    )]
    pub(super) fn new(
        backends: Backends,
        choices: (DeviceChoice, DeviceChoice),
        period: u32,
        inbox: Receiver<ToOwner>,
        worker: SyncSender<ToWorker>,
        threads: Threads,
        events: Sender<Event>,
        counters: Arc<Counters>,
        now: Instant,
    ) -> Self {
        Self {
            inbox,
            worker,
            unsent: VecDeque::new(),
            threads,
            outbox: Outbox {
                sender: events,
                waiting: VecDeque::new(),
            },
            backends,
            input: Port::new(Direction::Input, choices.0, now),
            output: Port::new(Direction::Output, choices.1, now),
            period,
            epoch: now,
            devices: None,
            next_look: now,
            counters,
            stopped: false,
        }
    }

    /// Whether the end was asked for.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Does all that is due; says when to be called again at the latest.
    pub(super) fn tick(&mut self, now: Instant) -> Instant {
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                ToOwner::Command(command) => self.obey(command, now),
                ToOwner::Stop => self.stopped = true,
            }
        }
        for direction in [Direction::Input, Direction::Output] {
            self.watch(direction, now);
            let port = self.port(direction);
            if port.wanted && port.live.is_none() && now >= port.retry_at {
                self.open(direction, now);
            }
        }
        self.look_for_devices(now);
        if !self.unsent.is_empty() {
            self.send_unsent();
        }
        self.outbox.send();
        self.deadline(now)
    }

    fn deadline(&self, now: Instant) -> Instant {
        let ports = [&self.input, &self.output];
        let retiring = ports.iter().any(|p| !p.retired.is_empty());
        let pace = if retiring { PACE_RETIRING } else { PACE };
        let retries = ports
            .iter()
            .filter(|p| p.wanted && p.live.is_none())
            .map(|p| p.retry_at);
        retries.fold(now + pace, Instant::min)
    }

    fn obey(&mut self, command: Command, now: Instant) {
        match command {
            Command::UseProfile(profile) => self.use_period(profile.audio.period_frames, now),
            Command::UseInput(choice) => self.use_device(Direction::Input, choice, now),
            Command::UseOutput(choice) => self.use_device(Direction::Output, choice, now),
            Command::SetGate(gate) => self.set_wanted(gate != Gate::Muted, now),
            // The worker's, and the files'.
            Command::SetBargeIn(_)
            | Command::Play(_)
            | Command::EndReply(_)
            | Command::Flush
            | Command::SetVolume(_)
            | Command::SpeakNext { .. } => {}
        }
    }

    fn set_wanted(&mut self, wanted: bool, now: Instant) {
        self.input.wanted = wanted;
        if !wanted {
            // Told by nobody: the user knows.
            self.close(Direction::Input);
            self.input.told = None;
        } else if self.input.live.is_none() {
            self.input.retry_at = now;
        }
    }

    fn use_period(&mut self, period: u32, now: Instant) {
        if period == self.period {
            return;
        }
        self.period = period;
        for direction in [Direction::Input, Direction::Output] {
            self.port(direction).stretch = 1;
            self.replace(direction, now);
        }
    }

    fn use_device(&mut self, direction: Direction, choice: DeviceChoice, now: Instant) {
        let port = self.port(direction);
        if port.choice != choice {
            port.choice = choice;
            port.stretch = 1;
            port.forget_trouble(now);
            self.replace(direction, now);
        }
    }

    /// Opens a new stream in place of the one that runs; that one goes on until the worker has changed over.
    fn replace(&mut self, direction: Direction, now: Instant) {
        let Some(old) = self.port(direction).live.take() else {
            return;
        };
        self.open(direction, now);
        let port = self.port(direction);
        if port.live.is_some() {
            port.retired.push(Retired {
                _stream: old.stream,
                status: old.status,
                until: now + RETIREMENT,
                released: false,
            });
        } else {
            // Some hosts give a device to one stream only: the old one goes first.
            drop(old);
            self.tell_worker_lost(direction);
            self.port(direction).retry_at = now;
        }
    }

    fn open(&mut self, direction: Direction, now: Instant) {
        let port = self.port(direction);
        let stretch = port.stretch;
        let wish = Wish {
            choice: port.choice.clone(),
            period: self.period * stretch,
        };
        let faults = Arc::new(Faults::new(self.threads.owner.clone()));
        match self.build(direction, &wish, &faults) {
            Ok((opened, status)) => self.opened(direction, opened, status, faults, now),
            Err(error) => self.refused(direction, &error, now),
        }
    }

    fn build(
        &mut self,
        direction: Direction,
        wish: &Wish,
        faults: &Arc<Faults>,
    ) -> Result<(Opened, Arc<Status>), OpenError> {
        let (epoch, worker) = (self.epoch, self.threads.worker.clone());
        let watch_zeros = self.backends.watch_zeros;
        let backend = self.backends.of(direction);
        let nothing = || OpenError {
            kind: Fault::Other,
            what: Fault::Other.words(noun(direction)),
        };
        let (opened, message, status) = match direction {
            Direction::Input => {
                let mut made = None;
                let mut make = |format| {
                    let (body, end) = capture(format, epoch, worker.clone());
                    made = Some(end);
                    body
                };
                let opened = backend.open_input(wish, &mut make, faults)?;
                let end = made.ok_or_else(nothing)?;
                let status = end.status.clone();
                (opened, ToWorker::Input { end, watch_zeros }, status)
            }
            Direction::Output => {
                let mut made = None;
                let mut make = |format| {
                    let (body, end) = playback(format, epoch, worker.clone());
                    made = Some(end);
                    body
                };
                let opened = backend.open_output(wish, &mut make, faults)?;
                let end = made.ok_or_else(nothing)?;
                let status = end.status.clone();
                (opened, ToWorker::Output(end), status)
            }
        };
        self.tell_worker(message);
        Ok((opened, status))
    }

    fn opened(
        &mut self,
        direction: Direction,
        opened: Opened,
        status: Arc<Status>,
        faults: Arc<Faults>,
        now: Instant,
    ) {
        let info = opened.info.clone();
        let port = self.port(direction);
        port.told = None;
        port.live = Some(Live {
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
        tracing::info!(?direction, device = %info.device.name, rate = info.rate.hz(), channels = info.channels,
            period = info.period_frames, "a sound device was opened");
        self.outbox.push(Event::Opened(direction, info));
    }

    fn refused(&mut self, direction: Direction, error: &OpenError, now: Instant) {
        let port = self.port(direction);
        port.retry_at = now + port.retry_after;
        port.retry_after = (port.retry_after * 2).min(RETRY_LAST);
        let what = error.what.clone();
        self.tell_lost(direction, what);
    }

    /// Looks at what the stream reported and whether it still runs.
    fn watch(&mut self, direction: Direction, now: Instant) {
        let counters = self.counters.clone();
        let period = self.period;
        let port = self.port(direction);
        port.retire(now);
        let Some(live) = &mut port.live else { return };
        if now.saturating_duration_since(live.window) > STORM_WINDOW {
            live.window = now;
            live.storm = [0; Fault::ALL.len()];
        }
        let mut trouble = None;
        for (fault, count) in live.faults.take() {
            counters.stream_errors.add(u64::from(count));
            let seen = &mut live.storm[fault as usize];
            *seen = seen.saturating_add(count);
            let last = &mut port.logged[fault as usize];
            if last.is_none_or(|at| now.saturating_duration_since(at) >= STORM_WINDOW) {
                *last = Some(now);
                tracing::warn!(?direction, ?fault, count, "a sound device reports a fault");
            }
            match fault.policy() {
                Policy::GoOn => {}
                Policy::RebuildIfMany if *seen <= STORM => {}
                Policy::RebuildIfMany | Policy::Rebuild => trouble = Some(fault),
            }
        }
        let callbacks = live.status.callbacks();
        if callbacks != live.callbacks {
            live.callbacks = callbacks;
            live.moved = now;
            // It has proved itself: the next trouble is a new one.
            if now.saturating_duration_since(live.opened) > RETRY_LAST {
                port.retry_after = RETRY_FIRST;
            }
        }
        let limit = if callbacks == 0 {
            FIRST_CALLBACK
        } else {
            let frames = live.info.period_frames.unwrap_or(period);
            STALLED.max(live.info.rate.duration_of(u64::from(frames) * 5))
        };
        if now.saturating_duration_since(live.moved) > limit {
            trouble = Some(Fault::StreamInvalidated);
        }
        if let Some(fault) = trouble {
            if fault == Fault::Xrun {
                port.stretch = (port.stretch * 2).min(MOST_STRETCH);
            }
            self.rebuild(direction, fault, now);
        }
    }

    /// Drops a stream that is of no more use; it is opened again at once, then with growing pauses.
    fn rebuild(&mut self, direction: Direction, fault: Fault, now: Instant) {
        tracing::warn!(?direction, ?fault, "a sound device is opened again");
        self.close(direction);
        let port = self.port(direction);
        let first = port.retry_after == RETRY_FIRST;
        port.retry_at = if first { now } else { now + port.retry_after };
        port.retry_after = (port.retry_after * 2).min(RETRY_LAST);
        if !first {
            self.tell_lost(direction, fault.words(noun(direction)));
        }
    }

    fn close(&mut self, direction: Direction) {
        if self.port(direction).live.take().is_some() {
            self.tell_worker_lost(direction);
        }
    }

    fn look_for_devices(&mut self, now: Instant) {
        if now < self.next_look {
            return;
        }
        let every = [Direction::Input, Direction::Output]
            .into_iter()
            .filter_map(|d| self.backends.of(d).poll_every())
            .min();
        let first = self.devices.is_none();
        if every.is_none() && !first {
            self.next_look = now + RETIREMENT;
            return;
        }
        let devices = self.backends.devices();
        self.next_look = now + every.unwrap_or(RETIREMENT);
        let changed = self.devices.as_ref() != Some(&devices);
        if changed {
            for (direction, list) in [
                (Direction::Input, &devices.inputs),
                (Direction::Output, &devices.outputs),
            ] {
                if !first {
                    self.follow(direction, list, now);
                }
            }
            self.outbox.push(Event::Devices(devices.clone()));
            self.devices = Some(devices);
        }
    }

    /// The list changed: follows the default, lets go of what is no more, tries again what was missing.
    fn follow(&mut self, direction: Direction, list: &[DeviceInfo], now: Instant) {
        let port = self.port(direction);
        let Some(live) = &port.live else {
            port.forget_trouble(now);
            return;
        };
        let here = &live.info.device.id;
        let gone = !list.is_empty() && !list.iter().any(|d| d.id == *here);
        let moved = port.choice == DeviceChoice::Default
            && list.iter().any(|d| d.is_default && d.id != *here);
        if list.is_empty() || (gone && !moved) {
            // A host may have moved the stream to another device, even to the monitor of the speaker.
            let what = Fault::DeviceNotAvailable.words(noun(direction));
            self.close(direction);
            self.tell_lost(direction, what);
            self.port(direction).retry_at = now;
        } else if gone {
            self.close(direction);
            self.port(direction).retry_at = now;
        } else if moved {
            self.replace(direction, now);
        }
    }

    fn tell_lost(&mut self, direction: Direction, what: String) {
        let port = self.port(direction);
        if port.told.as_ref() != Some(&what) {
            port.told = Some(what.clone());
            tracing::warn!(?direction, what, "a sound device is not there");
            self.outbox.push(Event::Lost(direction, what));
        }
    }

    fn tell_worker_lost(&mut self, direction: Direction) {
        self.tell_worker(match direction {
            Direction::Input => ToWorker::NoInput,
            Direction::Output => ToWorker::NoOutput,
        });
    }

    fn tell_worker(&mut self, message: ToWorker) {
        self.unsent.push_back(message);
        self.send_unsent();
    }

    /// The worker empties this channel every few milliseconds; what finds no room waits for the next tick.
    fn send_unsent(&mut self) {
        while let Some(message) = self.unsent.pop_front() {
            if let Err(std::sync::mpsc::TrySendError::Full(message)) = self.worker.try_send(message)
            {
                self.unsent.push_front(message);
                return;
            }
        }
        if let Some(worker) = &self.threads.worker {
            worker.unpark();
        }
    }

    fn port(&mut self, direction: Direction) -> &mut Port {
        match direction {
            Direction::Input => &mut self.input,
            Direction::Output => &mut self.output,
        }
    }
}

impl Port {
    fn new(direction: Direction, choice: DeviceChoice, now: Instant) -> Self {
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

    fn forget_trouble(&mut self, now: Instant) {
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
}

impl Outbox {
    fn push(&mut self, event: Event) {
        self.waiting.push_back(event);
        self.send();
    }

    fn send(&mut self) {
        while let Some(event) = self.waiting.pop_front() {
            match self.sender.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.waiting.push_front(event);
                    break;
                }
                Err(TrySendError::Closed(_)) => self.waiting.clear(),
            }
        }
        // Devices come and go slowly; if nobody listens for that long, the newest news count.
        while self.waiting.len() > WAITING {
            self.waiting.pop_front();
        }
    }
}

fn noun(direction: Direction) -> &'static str {
    match direction {
        Direction::Input => "microphone",
        Direction::Output => "speaker",
    }
}
