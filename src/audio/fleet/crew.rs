//! What a thread of the fleet does, with the time given: rounds, and the members that each has.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use super::super::Event;
use super::super::owner::{Backends, Owner, Threads, ToOwner};
use super::super::worker::{ToWorker, Worker};
use super::devices::{MadeUp, Streams, Throat};
use super::{Beat, Lateness, SLOTS, STEP};
use crate::base::counters::Counters;
use crate::profile::Profile;

/// The owner is looked after this often: it has hardly anything to do.
const OWNER_PACE: Duration = Duration::from_millis(100);
/// Nobody is there: look whether somebody wants to join.
const EMPTY_PACE: Duration = Duration::from_millis(100);
/// Order in which new members are given to the slots, so that few of them are far apart.
const STRIDE: usize = 7;

/// The members of one thread.
pub(super) struct Crew {
    beat: Beat,
    epoch: Instant,
    /// Counts slots since the epoch; the next one to be done.
    slot: u64,
    slots: [Vec<Member>; SLOTS],
    taken_in: usize,
    /// When the round should begin.
    due: Option<Instant>,
    lateness: Arc<Lateness>,
}

impl Crew {
    pub(super) fn new(beat: Beat, epoch: Instant, lateness: Arc<Lateness>) -> Self {
        Self {
            beat,
            epoch,
            slot: 0,
            slots: Default::default(),
            taken_in: 0,
            due: None,
            lateness,
        }
    }

    pub(super) fn take_in(&mut self, member: Member) {
        let slot = (self.taken_in * STRIDE) % SLOTS;
        self.taken_in += 1;
        self.slots[slot].push(member);
    }

    /// Looks after those whose turn it is; says when to be called again.
    pub(super) fn round(&mut self, now: Instant) -> Instant {
        if let Some(due) = self.due.take() {
            let each_step = match self.beat {
                Beat::Steps => self.slots.iter().filter(|slot| !slot.is_empty()).count(),
                Beat::Prompt => 1,
            };
            let late = now.saturating_duration_since(due);
            self.lateness.record(late, each_step.max(1) as u64);
        }
        let wake = match self.beat {
            Beat::Steps => self.steps(now),
            Beat::Prompt => self.prompt(now),
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
        // A thread that is late by more than a step does each slot once: the members make up for the time themselves.
        self.slot = self.slot.max((reached + 1).saturating_sub(SLOTS as u64));
        while self.slot <= reached {
            let nth = usize::try_from(self.slot % SLOTS as u64).unwrap_or(0);
            look_after(&mut self.slots[nth], now);
            self.slot += 1;
        }
        // Empty slots are slept through.
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
            look_after(members, now);
            wake = members.iter().map(Member::due).fold(wake, Instant::min);
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

fn look_after(members: &mut Vec<Member>, now: Instant) {
    members.retain_mut(|member| {
        let stays = !member.stop.load(Relaxed);
        if stays {
            member.tick(now);
        }
        stays
    });
}

/// What a member is made of, on its way to its thread.
pub(super) struct Joining {
    pub(super) profile: Arc<Profile>,
    pub(super) counters: Arc<Counters>,
    pub(super) worker_inbox: Receiver<ToWorker>,
    pub(super) owner_inbox: Receiver<ToOwner>,
    pub(super) to_worker: SyncSender<ToWorker>,
    pub(super) events: Sender<Event>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) throat: Throat,
}

/// One sound side. It stays on the thread that made it, because of the detector.
pub(super) struct Member {
    owner: Owner,
    worker: Worker,
    streams: Streams,
    clock: Arc<Mutex<Instant>>,
    owner_due: Instant,
    /// When the worker wants to be called at the latest.
    worker_due: Option<Instant>,
    stop: Arc<AtomicBool>,
}

impl Member {
    pub(super) fn new(joining: Joining, now: Instant) -> Self {
        let streams = Streams::default();
        let clock = Arc::new(Mutex::new(now));
        let backend = MadeUp::new(joining.throat, streams.clone(), clock.clone());
        let backends = Backends {
            input: Box::new(backend),
            output: None,
            watch_zeros: false,
        };
        let owner = Owner::new(
            backends,
            Default::default(),
            joining.profile.audio.period_frames,
            joining.owner_inbox,
            joining.to_worker,
            Threads::default(),
            joining.events.clone(),
            joining.counters.clone(),
            now,
        );
        let worker = Worker::new(
            &joining.profile,
            joining.counters,
            joining.worker_inbox,
            joining.events,
        );
        Self {
            owner,
            worker,
            streams,
            clock,
            owner_due: now,
            worker_due: None,
            stop: joining.stop,
        }
    }

    /// What is due. The speaker comes first: a block takes what was in the ring when it was due, not what is put there
    /// after that.
    fn tick(&mut self, now: Instant) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = now;
        if now >= self.owner_due {
            self.owner_due = self.owner.tick(now).min(now + OWNER_PACE);
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
        first.map_or(self.owner_due, |first| first.min(self.owner_due))
    }
}
