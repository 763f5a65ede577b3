//! The stream manager: opens, watches and reopens the streams, follows the default device, reports problems as text.
//! Like the worker it is driven by [`StreamManager::tick`] with the time as argument.
//!
//! ```text
//!             wanted, retry due            fault, silence, device gone
//!  ┌──────┐ ────────────────────▶ ┌─────┐ ─────────────────────────────┐
//!  │closed│                       │ runs│ ◀─┐ period or device changed: │
//!  └──────┘ ◀──────────────────── └─────┘ ──┘ new one first, old one    │
//!     ▲           not wanted                  retires behind it         │
//!     └──────────────── back-off 0.25 to 4 s ◀──────────────────────────┘
//! ```

mod backend_of_direction;
mod device_notices;
mod devices;
mod outbox;
mod stream_slot;
#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks the events that it is about"
)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::Thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

pub(super) use self::backend_of_direction::Backends;
use self::outbox::Outbox;
use self::stream_slot::{RunningStream, StreamSlot};
use super::backend::{OpenRequest, OpenedStream};
use super::capture::capture;
use super::command::VoiceCommand;
use super::device::{DeviceChoice, Devices, Direction, StreamInfo};
use super::event::{AudioThread, VoiceEvent};
use super::playback::playback;
use super::rest_switch::RestSwitch;
use super::settings::Gate;
use super::stream_fault::{FaultCounts, OpenError, StreamFault};
use super::stream_timestamps::StreamTimestamps;
use super::worker::ToWorker;
use crate::base::counters::Counters;

/// Tick interval while a stream runs: the limit of the stall detection.
const PACE: Duration = Duration::from_millis(500);
/// The same while none does.
const PACE_IDLE: Duration = Duration::from_secs(10);
/// Least time between two lists of the devices, however many changes are reported.
const LISTS_APART: Duration = Duration::from_millis(100);
const PACE_RETIRING: Duration = Duration::from_millis(20);
const BOTH: [Direction; 2] = [Direction::Input, Direction::Output];

/// Messages to the stream manager.
pub(super) enum ToStreamManager {
    Command(VoiceCommand),
    /// The worker was restarted and has no streams.
    Reopen,
}

/// The stream manager.
pub(super) struct StreamManager {
    inbox: Receiver<ToStreamManager>,
    worker: Sender<ToWorker>,
    unsent: VecDeque<ToWorker>,
    threads: Threads,
    outbox: Outbox,
    backends: Backends,
    input: StreamSlot,
    output: StreamSlot,
    period: u32,
    epoch: Instant,
    devices: Option<Devices>,
    next_poll: Instant,
    last_poll: Instant,
    counters: Arc<Counters>,
}

/// Threads that callbacks wake; none in a simulation.
#[derive(Clone, Default)]
pub(super) struct Threads {
    pub(super) worker: Option<Thread>,
    pub(super) manager: Option<Thread>,
}

impl StreamManager {
    #[expect(
        clippy::too_many_arguments,
        reason = "made in one place, from parts that have no other tie"
    )]
    pub(super) fn new(
        backends: Backends,
        choices: (DeviceChoice, DeviceChoice),
        period: u32,
        inbox: Receiver<ToStreamManager>,
        worker: Sender<ToWorker>,
        threads: Threads,
        events: Sender<VoiceEvent>,
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
            input: StreamSlot::new(Direction::Input, choices.0, now),
            output: StreamSlot::new(Direction::Output, choices.1, now),
            period,
            epoch: now,
            devices: None,
            next_poll: now,
            last_poll: now,
            counters,
        }
    }

    /// Does all that is due; returns the latest time of the next call.
    pub(super) fn tick(&mut self, now: Instant) -> Instant {
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                ToStreamManager::Command(command) => self.handle_command(command, now),
                ToStreamManager::Reopen => self.reopen(now),
            }
        }
        for direction in BOTH {
            self.slot(direction).rest(now);
        }
        for direction in BOTH {
            let (period, counters) = (self.period, self.counters.clone());
            if let Some(fault) = self.slot(direction).poll(period, &counters, now) {
                self.rebuild(direction, fault, now);
            }
        }
        let changed = BOTH.map(|direction| self.backends.of(direction).take_changed());
        if changed.contains(&true) {
            self.next_poll = self.next_poll.min(self.last_poll + LISTS_APART).max(now);
        }
        if self.devices.is_some() {
            self.poll_devices(now);
        }
        for direction in BOTH {
            let slot = self.slot(direction);
            if slot.wanted && slot.running.is_none() && now >= slot.retry_at {
                self.open(direction, now);
            }
        }
        // Only the first time: streams need not wait for the list.
        self.poll_devices(now);
        if !self.unsent.is_empty() {
            self.send_unsent();
        }
        self.outbox.send();
        self.deadline(now)
    }

    fn deadline(&self, now: Instant) -> Instant {
        let slots = [&self.input, &self.output];
        let retiring = slots.iter().any(|p| p.retiring() > 0);
        let pace = if retiring {
            PACE_RETIRING
        } else if slots.iter().any(|slot| slot.is_active()) {
            PACE
        } else {
            PACE_IDLE
        };
        let retries = slots
            .iter()
            .filter(|p| p.wanted && p.running.is_none())
            .map(|p| p.retry_at);
        retries.fold(self.next_poll.min(now + pace), Instant::min)
    }

    /// Reopens both devices, looked up by id, after the system slept or the program was stopped: their state is stale.
    pub(super) fn resume(&mut self, now: Instant) {
        tracing::info!("system resumed from sleep: reopening the audio devices");
        self.reopen(now);
    }

    fn reopen(&mut self, now: Instant) {
        self.next_poll = now;
        for direction in BOTH {
            self.end(direction);
            self.slot(direction).reset_back_off(now);
        }
    }

    /// Restarts after a panic with the current devices and period.
    pub(super) fn restart(&mut self, now: Instant) {
        for direction in BOTH {
            let slot = self.slot(direction);
            let mut fresh = StreamSlot::new(direction, slot.choice.clone(), now);
            fresh.wanted = slot.wanted;
            *slot = fresh;
            self.send_worker_lost(direction);
        }
        (self.devices, self.next_poll) = (None, now);
        self.outbox
            .push(VoiceEvent::Restarted(AudioThread::Streams));
        self.outbox.send();
    }

    fn handle_command(&mut self, command: VoiceCommand, now: Instant) {
        match command {
            VoiceCommand::PollDevices => self.next_poll = now,
            VoiceCommand::Settings(settings) => {
                // Devices first: a newly chosen one is opened once, with the new period.
                self.use_device(Direction::Input, &settings.input, now);
                self.use_device(Direction::Output, &settings.output, now);
                self.use_period(settings.period_frames, now);
                self.set_wanted(settings.gate != Gate::Muted, now);
            }
            #[cfg(test)]
            VoiceCommand::Panic(_) => panic!("asked to"),
            // For the worker, or the files.
            VoiceCommand::Play(_)
            | VoiceCommand::EndReply(_)
            | VoiceCommand::StopReply
            | VoiceCommand::CheckSound { .. }
            | VoiceCommand::CancelCheck
            | VoiceCommand::SpeakNext { .. } => {}
        }
    }

    fn set_wanted(&mut self, wanted: bool, now: Instant) {
        if self.input.wanted == wanted {
            return;
        }
        self.input.wanted = wanted;
        if !wanted {
            // Not reported: the user asked for it.
            self.close(Direction::Input);
            self.input.reported = None;
        } else if self.input.running.is_none() {
            self.input.retry_at = now;
        }
    }

    fn use_period(&mut self, period: u32, now: Instant) {
        if period == self.period {
            return;
        }
        self.period = period;
        for direction in BOTH {
            self.slot(direction).stretch = 1;
            self.replace(direction, now);
        }
    }

    fn use_device(&mut self, direction: Direction, choice: &DeviceChoice, now: Instant) {
        let takes_choice = self.backends.of(direction).takes_choice();
        let slot = self.slot(direction);
        if takes_choice && slot.choice != *choice {
            slot.choose(choice.clone());
            slot.reset_back_off(now);
            slot.retry_at = now;
            self.replace(direction, now);
        }
    }

    /// Opens a new stream in place of the running one, which continues until the worker has switched.
    fn replace(&mut self, direction: Direction, now: Instant) {
        let Some(old) = self.slot(direction).running.take() else {
            return;
        };
        if self.try_open(direction, now).is_ok() {
            self.slot(direction).retire_behind(old, now);
        } else {
            // Some hosts allow one stream per device: close the old one first. Nothing is reported yet.
            drop(old);
            self.send_worker_lost(direction);
            self.slot(direction).retry_at = now;
        }
    }

    fn open(&mut self, direction: Direction, now: Instant) {
        if let Err(error) = self.try_open(direction, now) {
            self.refused(direction, &error, now);
        }
    }

    fn try_open(&mut self, direction: Direction, now: Instant) -> Result<(), OpenError> {
        let choice = self.effective_choice(direction, now);
        let request = OpenRequest {
            choice,
            period: self.period * self.slot(direction).current_stretch(now),
        };
        let faults = Arc::new(FaultCounts::new(self.threads.manager.clone()));
        let rest = Arc::new(RestSwitch::new(self.threads.manager.clone()));
        let (opened, timestamps) = self.build(direction, &request, &faults, &rest)?;
        let started = RunningStream::new(opened, timestamps, faults, rest, now);
        self.opened(direction, started, request.period, now);
        Ok(())
    }

    fn build(
        &mut self,
        direction: Direction,
        request: &OpenRequest,
        faults: &Arc<FaultCounts>,
        rest: &Arc<RestSwitch>,
    ) -> Result<(OpenedStream, Arc<StreamTimestamps>), OpenError> {
        let (epoch, worker) = (self.epoch, self.threads.worker.clone());
        let watch_zeros = self.backends.watch_zeros;
        let backend = self.backends.of(direction);
        let nothing = || OpenError {
            kind: StreamFault::Other,
            what: StreamFault::Other.words(direction.noun()),
        };
        let (opened, message, timestamps) = match direction {
            Direction::Input => {
                let mut built = None;
                let mut make = |format| {
                    let (body, end) = capture(format, epoch, worker.clone());
                    built = Some(end);
                    body
                };
                let opened = backend.open_input(request, &mut make, faults)?;
                let end = built.ok_or_else(nothing)?;
                let timestamps = end.timestamps.clone();
                let message = ToWorker::Input {
                    end,
                    rest: Arc::clone(rest),
                    watch_zeros,
                };
                (opened, message, timestamps)
            }
            Direction::Output => {
                let mut built = None;
                let mut make = |format| {
                    let (body, end) = playback(format, epoch, worker.clone());
                    built = Some(end);
                    body
                };
                let opened = backend.open_output(request, &mut make, faults)?;
                let end = built.ok_or_else(nothing)?;
                let timestamps = end.timestamps.clone();
                let rest = Arc::clone(rest);
                (opened, ToWorker::Output { end, rest }, timestamps)
            }
        };
        self.send_to_worker(message);
        Ok((opened, timestamps))
    }

    fn opened(&mut self, direction: Direction, started: RunningStream, asked: u32, now: Instant) {
        let info = started.info.clone();
        self.slot(direction).begin(started, now);
        tracing::info!(?direction, device = %info.device.name, rate = info.rate.hz(), channels = info.channels,
            period = info.period_frames, asked, narrowband = info.narrowband(), "audio device opened");
        if is_longer(&info, asked) {
            tracing::warn!(
                ?direction,
                period = info.period_frames,
                asked,
                "device period is longer than requested: replies are delayed"
            );
        }
        let device = info.device.clone();
        self.outbox.push(VoiceEvent::Opened(direction, info));
        self.report_moved(direction, &device);
        let slot = self.slot(direction);
        (slot.reported, slot.gone) = (None, None);
    }

    fn refused(&mut self, direction: Direction, error: &OpenError, now: Instant) {
        let slot = self.slot(direction);
        slot.back_off(now);
        let what = if error.kind == StreamFault::DeviceNotAvailable {
            slot.absence_notice(direction.noun())
        } else {
            error.what.clone()
        };
        self.report_lost(direction, what);
    }

    /// Drops a broken stream; it is reopened at once, then with growing delays.
    fn rebuild(&mut self, direction: Direction, fault: StreamFault, now: Instant) {
        tracing::warn!(?direction, ?fault, "reopening an audio device");
        // The device may be gone: the device list is polled before the next try.
        self.next_poll = now;
        self.end(direction);
        let slot = self.slot(direction);
        if slot.back_off_after_loss(now) {
            self.report_lost(direction, fault.words(direction.noun()));
        }
    }

    /// Drops a stream that ended by itself; its device may be gone.
    fn end(&mut self, direction: Direction) {
        let slot = self.slot(direction);
        if let Some(running) = &slot.running {
            slot.gone = Some(running.info.device.clone());
            self.close(direction);
        }
    }

    fn close(&mut self, direction: Direction) {
        if self.slot(direction).running.take().is_some() {
            self.send_worker_lost(direction);
        }
    }

    fn report_lost(&mut self, direction: Direction, what: String) {
        let slot = self.slot(direction);
        if slot.reported.as_ref() != Some(&what) {
            slot.reported = Some(what.clone());
            tracing::warn!(?direction, what, "audio device unavailable");
            let before = slot.moved.take().map(|moved| moved.what);
            self.outbox.push(VoiceEvent::Lost(direction, what));
            if before.is_some() {
                self.outbox.push(VoiceEvent::Moved {
                    direction,
                    what: None,
                    before,
                    settled: true,
                });
            }
        }
    }

    fn send_worker_lost(&mut self, direction: Direction) {
        self.send_to_worker(match direction {
            Direction::Input => ToWorker::NoInput,
            Direction::Output => ToWorker::NoOutput,
        });
    }

    fn send_to_worker(&mut self, message: ToWorker) {
        self.unsent.push_back(message);
        self.send_unsent();
    }

    /// The worker empties this channel every few milliseconds; a message without room waits for the next tick.
    fn send_unsent(&mut self) {
        while let Some(message) = self.unsent.pop_front() {
            if let Err(TrySendError::Full(message)) = self.worker.try_send(message) {
                self.unsent.push_front(message);
                return;
            }
        }
        if let Some(worker) = &self.threads.worker {
            worker.unpark();
        }
    }

    fn slot(&mut self, direction: Direction) -> &mut StreamSlot {
        match direction {
            Direction::Input => &mut self.input,
            Direction::Output => &mut self.output,
        }
    }
}

/// Whether the device was granted much longer blocks than requested; `asked` counts at 48 kHz.
fn is_longer(info: &StreamInfo, asked: u32) -> bool {
    // The next power of two may be twice as long.
    let most = Duration::from_secs_f64(2.0 * f64::from(asked) / 48_000.0);
    info.period_frames
        .is_some_and(|frames| info.rate.duration_of(frames.into()) > most)
}
