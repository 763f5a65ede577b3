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
mod devices;
mod outbox;
mod port;
mod sleep;
#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks the events that it is about"
)]
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
pub(super) use self::sleep::SleepWatch;
use super::backend::{Fault, Faults, OpenError, Opened, Wish};
use super::capture::capture;
use super::playback::playback;
use super::status::Status;
use super::worker::ToWorker;
use super::{AudioThread, Command, DeviceChoice, Devices, Direction, Event, Gate, StreamInfo};
use crate::base::counters::Counters;

/// Pace of looking after streams: the watchdog's limit, so that idling costs two wake-ups a second.
const PACE: Duration = Duration::from_millis(500);
const PACE_RETIRING: Duration = Duration::from_millis(20);
const BOTH: [Direction; 2] = [Direction::Input, Direction::Output];

/// What the owner is told.
pub(super) enum ToOwner {
    Command(Command),
    /// The worker was restarted, and has no streams.
    Reopen,
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
                ToOwner::Reopen => self.reopen(now),
                ToOwner::Stop => self.stopped = true,
            }
        }
        for direction in BOTH {
            let (period, counters) = (self.period, self.counters.clone());
            if let Some(fault) = self.port(direction).look(period, &counters, now) {
                self.rebuild(direction, fault, now);
            }
        }
        if self.devices.is_some() {
            self.look_for_devices(now);
        }
        for direction in BOTH {
            let port = self.port(direction);
            if port.wanted && port.live.is_none() && now >= port.retry_at {
                self.open(direction, now);
            }
        }
        // The first time only: streams need not wait for the list.
        self.look_for_devices(now);
        if !self.unsent.is_empty() {
            self.send_unsent();
        }
        self.outbox.send();
        self.deadline(now)
    }

    fn deadline(&self, now: Instant) -> Instant {
        let ports = [&self.input, &self.output];
        let retiring = ports.iter().any(|p| p.retiring() > 0);
        let pace = if retiring { PACE_RETIRING } else { PACE };
        let retries = ports
            .iter()
            .filter(|p| p.wanted && p.live.is_none())
            .map(|p| p.retry_at);
        retries.fold(self.next_look.min(now + pace), Instant::min)
    }

    /// The system slept, or this program was stopped: what is held of devices is stale. Both are opened again at
    /// once, looked for by their ids.
    pub(super) fn resume(&mut self, now: Instant) {
        tracing::info!("the system slept: the sound devices are opened again");
        self.reopen(now);
    }

    fn reopen(&mut self, now: Instant) {
        self.next_look = now;
        for direction in BOTH {
            self.end(direction);
            self.port(direction).forget_trouble(now);
        }
    }

    /// Begins again after a panic, with the devices and the period that are wanted.
    pub(super) fn restart(&mut self, now: Instant) {
        for direction in BOTH {
            let port = self.port(direction);
            let mut fresh = Port::new(direction, port.choice.clone(), now);
            fresh.wanted = port.wanted;
            *port = fresh;
            self.tell_worker_lost(direction);
        }
        (self.devices, self.next_look) = (None, now);
        self.outbox.push(Event::Restarted(AudioThread::Streams));
        self.outbox.send();
    }

    /// Reports the end of the thread.
    pub(super) fn give_up(&mut self) {
        self.outbox.push(Event::Gone(AudioThread::Streams));
        self.outbox.send();
    }

    fn obey(&mut self, command: Command, now: Instant) {
        match command {
            Command::LookForDevices => self.next_look = now,
            Command::Settings(settings) => {
                // The devices first: what is chosen is opened with the new period, and once.
                self.use_device(Direction::Input, &settings.input, now);
                self.use_device(Direction::Output, &settings.output, now);
                self.use_period(settings.period_frames, now);
                self.set_wanted(settings.gate != Gate::Muted, now);
            }
            #[cfg(test)]
            Command::Panic(_) => panic!("asked to"),
            // The worker's, and the files'.
            Command::Play(_)
            | Command::EndReply(_)
            | Command::Flush
            | Command::Hold
            | Command::Release
            | Command::CheckSound { .. }
            | Command::CancelCheck
            | Command::SpeakNext { .. } => {}
        }
    }

    fn set_wanted(&mut self, wanted: bool, now: Instant) {
        if self.input.wanted == wanted {
            return;
        }
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
        for direction in BOTH {
            self.port(direction).stretch = 1;
            self.replace(direction, now);
        }
    }

    fn use_device(&mut self, direction: Direction, choice: &DeviceChoice, now: Instant) {
        let takes_choice = self.backends.of(direction).takes_choice();
        let port = self.port(direction);
        if takes_choice && port.choice != *choice {
            port.choose(choice.clone());
            port.forget_trouble(now);
            port.retry_at = now;
            self.replace(direction, now);
        }
    }

    /// Opens a new stream in place of the one that runs; that one goes on until the worker has changed over.
    fn replace(&mut self, direction: Direction, now: Instant) {
        let Some(old) = self.port(direction).live.take() else {
            return;
        };
        if self.try_open(direction, now).is_ok() {
            self.port(direction).retire_behind(old, now);
        } else {
            // Some hosts give a device to one stream only: the old one goes first. Nothing is told yet.
            drop(old);
            self.tell_worker_lost(direction);
            self.port(direction).retry_at = now;
        }
    }

    fn open(&mut self, direction: Direction, now: Instant) {
        if let Err(error) = self.try_open(direction, now) {
            self.refused(direction, &error, now);
        }
    }

    fn try_open(&mut self, direction: Direction, now: Instant) -> Result<(), OpenError> {
        let choice = self.choice_now(direction, now);
        let wish = Wish {
            choice,
            period: self.period * self.port(direction).stretch_now(now),
        };
        let faults = Arc::new(Faults::new(self.threads.owner.clone()));
        let (opened, status) = self.build(direction, &wish, &faults)?;
        self.opened(direction, opened, status, faults, wish.period, now);
        Ok(())
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
        asked: u32,
        now: Instant,
    ) {
        let info = opened.info.clone();
        let port = self.port(direction);
        port.begin(opened, status, faults, now);
        tracing::info!(?direction, device = %info.device.name, rate = info.rate.hz(), channels = info.channels,
            period = info.period_frames, asked, narrowband = info.narrowband(), "a sound device was opened");
        if is_longer(&info, asked) {
            tracing::warn!(
                ?direction,
                period = info.period_frames,
                asked,
                "the device takes longer blocks than asked for: replies come later"
            );
        }
        let device = info.device.clone();
        self.outbox.push(Event::Opened(direction, info));
        self.tell_moved(direction, &device);
        let port = self.port(direction);
        (port.told, port.gone) = (None, None);
    }

    fn refused(&mut self, direction: Direction, error: &OpenError, now: Instant) {
        let port = self.port(direction);
        port.back_off(now);
        let what = if error.kind == Fault::DeviceNotAvailable {
            port.absence(noun(direction))
        } else {
            error.what.clone()
        };
        self.tell_lost(direction, what);
    }

    /// Drops a stream that is of no more use; it is opened again at once, then with growing pauses.
    fn rebuild(&mut self, direction: Direction, fault: Fault, now: Instant) {
        tracing::warn!(?direction, ?fault, "a sound device is opened again");
        // Perhaps it is no more: the list of devices is asked before the next try.
        self.next_look = now;
        self.end(direction);
        let port = self.port(direction);
        if port.back_off_after_loss(now) {
            self.tell_lost(direction, fault.words(noun(direction)));
        }
    }

    /// Drops a stream that nobody asked to end; its device may be gone.
    fn end(&mut self, direction: Direction) {
        let port = self.port(direction);
        if let Some(live) = &port.live {
            port.gone = Some(live.info.device.clone());
            self.close(direction);
        }
    }

    fn close(&mut self, direction: Direction) {
        if self.port(direction).live.take().is_some() {
            self.tell_worker_lost(direction);
        }
    }

    fn tell_lost(&mut self, direction: Direction, what: String) {
        let port = self.port(direction);
        if port.told.as_ref() != Some(&what) {
            port.told = Some(what.clone());
            tracing::warn!(?direction, what, "a sound device is not there");
            let before = port.moved.take().map(|moved| moved.what);
            self.outbox.push(Event::Lost(direction, what));
            if before.is_some() {
                self.outbox.push(Event::Moved {
                    direction,
                    what: None,
                    before,
                    settled: true,
                });
            }
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

/// Whether the device was granted much longer blocks than were asked for, in time; `asked` counts at 48 kHz.
fn is_longer(info: &StreamInfo, asked: u32) -> bool {
    // The next power of two may be twice as long.
    let most = Duration::from_secs_f64(2.0 * f64::from(asked) / 48_000.0);
    info.period_frames
        .is_some_and(|frames| info.rate.duration_of(frames.into()) > most)
}

fn noun(direction: Direction) -> &'static str {
    match direction {
        Direction::Input => "microphone",
        Direction::Output => "speaker",
    }
}
