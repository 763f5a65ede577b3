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

mod backends;
mod outbox;
mod port;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

pub(super) use self::backends::Backends;
use self::outbox::Outbox;
use self::port::Port;
use super::backend::{Fault, Faults, OpenError, Opened, Wish};
use super::capture::capture;
use super::playback::playback;
use super::status::Status;
use super::worker::ToWorker;
use super::{Command, DeviceChoice, DeviceInfo, Devices, Direction, Event, Gate};
use crate::metrics::counters::Counters;

/// Devices that never change are looked at no more often than this.
const UNCHANGING: Duration = Duration::from_secs(2);
/// Pace of looking after streams: the watchdog's limit, so that idling costs two wake-ups a second.
const PACE: Duration = Duration::from_millis(500);
const PACE_RETIRING: Duration = Duration::from_millis(20);
/// What the owner is told.
pub(super) enum ToOwner {
    Command(Command),
    Stop,
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
            outbox: Outbox::new(events),
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
            let (period, counters) = (self.period, self.counters.clone());
            if let Some(fault) = self.port(direction).look(period, &counters, now) {
                self.rebuild(direction, fault, now);
            }
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
        let retiring = ports.iter().any(|p| p.is_retiring());
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
            | Command::CheckSound { .. }
            | Command::CancelCheck
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
            port.retire_behind(old, now);
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
        port.begin(opened, status, faults, now);
        tracing::info!(?direction, device = %info.device.name, rate = info.rate.hz(), channels = info.channels,
            period = info.period_frames, "a sound device was opened");
        self.outbox.push(Event::Opened(direction, info));
    }

    fn refused(&mut self, direction: Direction, error: &OpenError, now: Instant) {
        let port = self.port(direction);
        port.back_off(now);
        let what = error.what.clone();
        self.tell_lost(direction, what);
    }

    /// Drops a stream that is of no more use; it is opened again at once, then with growing pauses.
    fn rebuild(&mut self, direction: Direction, fault: Fault, now: Instant) {
        tracing::warn!(?direction, ?fault, "a sound device is opened again");
        self.close(direction);
        let port = self.port(direction);
        if port.back_off_after_loss(now) {
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
            self.next_look = now + UNCHANGING;
            return;
        }
        let devices = self.backends.devices();
        self.next_look = now + every.unwrap_or(UNCHANGING);
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

fn noun(direction: Direction) -> &'static str {
    match direction {
        Direction::Input => "microphone",
        Direction::Output => "speaker",
    }
}
