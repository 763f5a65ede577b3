//! The work of a pool thread, with the time as argument: rounds over its members.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, Sender};

use super::super::event::VoiceEvent;
use super::super::handle::{AudioHandle, EVENTS, MANAGER_COMMANDS};
use super::super::stream_manager::{Backends, StreamManager, Threads, ToStreamManager};
use super::super::worker::{ToWorker, Worker};
use super::device::{MicrophoneProgress, VirtualMicrophone};
use super::device::{SpeechSource, Streams, VirtualBackend};
use super::lateness::{Lateness, STEP};
use crate::base::counters::Counters;
use crate::profile::Profile;

/// Slots of a step, each with its share of the members.
const SLOTS: usize = 10;
/// Queue length for commands: five seconds of a service four times as fast as real time, in chunks of 40 ms. The memory
/// is reserved in advance, per member.
const COMMANDS: usize = 512;
/// Queue length for utterances.
const CUES: usize = 8;
/// Longest tick interval of the stream manager, which has hardly anything to do.
const MANAGER_PACE: Duration = Duration::from_millis(100);
/// Interval of checks for new members while there are none.
const EMPTY_PACE: Duration = Duration::from_millis(100);
/// Stride of assigning new members to slots, so that few members are evenly spread.
const STRIDE: usize = 7;

/// When members are ticked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolSchedule {
    /// Every 10 ms: many conversations. Sound is up to 10 ms later than with devices.
    Steps,
    /// As with devices: when a block is due, and at once on a command. For few conversations.
    Prompt,
}

/// The members of a thread.
pub(super) struct PoolWorker {
    schedule: PoolSchedule,
    epoch: Instant,
    /// Next slot, counted since the epoch.
    slot: u64,
    slots: [Vec<VirtualAudio>; SLOTS],
    taken_in: usize,
    /// When the next round is due.
    due: Option<Instant>,
    lateness: Arc<Lateness>,
}

impl PoolWorker {
    pub(super) fn new(schedule: PoolSchedule, epoch: Instant, lateness: Arc<Lateness>) -> Self {
        Self {
            schedule,
            epoch,
            slot: 0,
            slots: Default::default(),
            taken_in: 0,
            due: None,
            lateness,
        }
    }

    pub(super) fn take_in(&mut self, member: VirtualAudio) {
        let slot = (self.taken_in * STRIDE) % SLOTS;
        self.taken_in += 1;
        self.slots[slot].push(member);
    }

    /// Ticks the members that are due; returns the time of the next round.
    pub(super) fn round(&mut self, now: Instant) -> Instant {
        if let Some(due) = self.due.take() {
            let each_step = match self.schedule {
                PoolSchedule::Steps => self.slots.iter().filter(|slot| !slot.is_empty()).count(),
                PoolSchedule::Prompt => 1,
            };
            let late = now.saturating_duration_since(due);
            self.lateness.record(late, each_step.max(1) as u64);
        }
        let wake = match self.schedule {
            PoolSchedule::Steps => self.steps(now),
            PoolSchedule::Prompt => self.prompt(now),
        };
        let empty = self.slots.iter().all(Vec::is_empty);
        if empty {
            return now + EMPTY_PACE;
        }
        self.due = Some(wake);
        wake
    }

    fn steps(&mut self, now: Instant) -> Instant {
        let reached = self.slot_at(now);
        // A thread that is late by more than a step visits each slot once: the members catch up themselves.
        self.slot = self.slot.max((reached + 1).saturating_sub(SLOTS as u64));
        while self.slot <= reached {
            let nth = usize::try_from(self.slot % SLOTS as u64).unwrap_or(0);
            tick_all(&mut self.slots[nth], now);
            self.slot += 1;
        }
        // Skips empty slots.
        let ahead = (0..SLOTS as u64).find(|ahead| {
            let nth = usize::try_from((self.slot + ahead) % SLOTS as u64).unwrap_or(0);
            !self.slots[nth].is_empty()
        });
        self.slot += ahead.unwrap_or(0);
        self.instant_of(self.slot)
    }

    fn prompt(&mut self, now: Instant) -> Instant {
        let mut wake = now + EMPTY_PACE;
        for members in &mut self.slots {
            tick_all(members, now);
            wake = members
                .iter()
                .map(VirtualAudio::due)
                .fold(wake, Instant::min);
        }
        wake
    }

    fn slot_at(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.epoch);
        let slots = passed.as_nanos() / (STEP.as_nanos() / SLOTS as u128);
        u64::try_from(slots).unwrap_or(u64::MAX)
    }

    fn instant_of(&self, slot: u64) -> Instant {
        let whole = u32::try_from(slot / SLOTS as u64).unwrap_or(u32::MAX);
        let part = u32::try_from(slot % SLOTS as u64).unwrap_or(0);
        self.epoch + STEP * whole + STEP / SLOTS as u32 * part
    }
}

fn tick_all(members: &mut Vec<VirtualAudio>, now: Instant) {
    members.retain_mut(|member| {
        let stays = !member.stop.load(Relaxed);
        if stays {
            member.tick(now);
        }
        stays
    });
}

/// The parts of a member, on the way to its thread.
pub(super) struct VirtualAudioParts {
    pub(super) profile: Arc<Profile>,
    pub(super) counters: Arc<Counters>,
    pub(super) worker_inbox: mpsc::Receiver<ToWorker>,
    pub(super) manager_inbox: Receiver<ToStreamManager>,
    pub(super) to_worker: Sender<ToWorker>,
    pub(super) events: Sender<VoiceEvent>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) speech: SpeechSource,
}

/// The audio side of a member. It stays on the thread that created it, because of the detector.
pub(super) struct VirtualAudio {
    manager: StreamManager,
    worker: Worker,
    streams: Streams,
    clock: Arc<Mutex<Instant>>,
    manager_due: Instant,
    /// Latest time of the worker's next tick.
    worker_due: Option<Instant>,
    stop: Arc<AtomicBool>,
}

impl VirtualAudio {
    pub(super) fn new(parts: VirtualAudioParts, now: Instant) -> Self {
        let streams = Streams::default();
        let clock = Arc::new(Mutex::new(now));
        let backend = VirtualBackend::new(parts.speech, streams.clone(), clock.clone());
        let backends = Backends {
            input: Box::new(backend),
            output: None,
            watch_zeros: false,
        };
        let manager = StreamManager::new(
            backends,
            Default::default(),
            parts.profile.audio.period_frames,
            parts.manager_inbox,
            parts.to_worker,
            Threads::default(),
            parts.events.clone(),
            parts.counters.clone(),
            now,
        );
        let worker = Worker::new(
            &parts.profile,
            parts.counters,
            parts.worker_inbox,
            parts.events,
        );
        Self {
            manager,
            worker,
            streams,
            clock,
            manager_due: now,
            worker_due: None,
            stop: parts.stop,
        }
    }

    /// Runs what is due. The speaker comes first: a block takes what was in the ring when it was due, not what is added
    /// later.
    fn tick(&mut self, now: Instant) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = now;
        if now >= self.manager_due {
            self.manager_due = self.manager.tick(now).min(now + MANAGER_PACE);
        }
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        for microphones in [false, true] {
            for (_, stream) in streams.iter_mut() {
                if stream.is_input() == microphones {
                    stream.run_due(now);
                }
            }
        }
        drop(streams);
        self.worker_due = self.worker.tick(now);
    }

    fn due(&self) -> Instant {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let streams = streams.iter().map(|(_, stream)| stream.due());
        let first = streams.chain(self.worker_due).min();
        first.map_or(self.manager_due, |first| first.min(self.manager_due))
    }
}

/// Creates the parts of a member: for its worker, its conversation, and its microphone.
pub(super) fn member(
    counters: Arc<Counters>,
    profile: &Arc<Profile>,
    room: &Arc<[f32]>,
    nth: usize,
    woken: Option<Thread>,
) -> (VirtualAudioParts, AudioHandle, VirtualMicrophone) {
    let (events_in, events) = mpsc::channel(EVENTS);
    let (to_worker, worker_inbox) = mpsc::channel(COMMANDS);
    let (to_manager, manager_inbox) = sync_channel(MANAGER_COMMANDS);
    let (cues, cues_out) = sync_channel(CUES);
    let stop = Arc::new(AtomicBool::new(false));
    let progress = Arc::new(MicrophoneProgress::default());
    let parts = VirtualAudioParts {
        profile: profile.clone(),
        counters,
        worker_inbox,
        manager_inbox,
        to_worker: to_worker.clone(),
        events: events_in,
        stop: stop.clone(),
        speech: SpeechSource::new(cues_out, progress.clone(), room.clone(), nth),
    };
    let handle = AudioHandle {
        events,
        to_worker,
        to_manager,
        threads: Threads {
            worker: woken.clone(),
            manager: woken,
        },
        cue: None,
        stop,
        running: Vec::new(),
    };
    (parts, handle, VirtualMicrophone { cues, progress })
}
