//! The threads of the pool, and how conversations join them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use super::super::error::AudioError;
use super::super::handle::{AudioHandle, run};
use super::super::priority;
use super::device::{VirtualMicrophone, room_noise};
use super::lateness::Lateness;
use super::worker::{PoolSchedule, PoolWorker, VirtualAudio, member};
use crate::base::counters::Counters;
use crate::profile::Profile;

/// Queue length for members joining a thread: a caller that sets up no more than this at the same time always finds
/// room. An entry takes 24 bytes.
pub const JOINING: usize = 10_000;

/// The pool. Dropping it ends all threads and members.
pub struct VirtualDevicePool {
    slots: Vec<WorkerSlot>,
    joined: AtomicUsize,
    stop: Arc<AtomicBool>,
    lateness: Arc<Lateness>,
    room: Arc<[f32]>,
    schedule: PoolSchedule,
}

struct WorkerSlot {
    thread: Option<JoinHandle<()>>,
    joining: SyncSender<Make>,
}

/// Creates a member, on the thread that it stays on.
type Make = Box<dyn FnOnce(Instant) -> VirtualAudio + Send>;

impl VirtualDevicePool {
    /// Starts this many threads (at least one).
    pub fn start(threads: usize, schedule: PoolSchedule) -> Result<Self, AudioError> {
        let stop = Arc::new(AtomicBool::new(false));
        let lateness = Arc::new(Lateness::default());
        let mut pool = Self {
            slots: Vec::new(),
            joined: AtomicUsize::new(0),
            stop: stop.clone(),
            lateness: lateness.clone(),
            room: room_noise(),
            schedule,
        };
        for _ in 0..threads.max(1) {
            let (joining, waiting) = sync_channel::<Make>(JOINING);
            let (stop, lateness) = (stop.clone(), lateness.clone());
            let running = run("sound-pool", move || {
                if schedule == PoolSchedule::Prompt
                    && let Err(refused) = priority::raise()
                {
                    // As with devices; with many conversations it would starve everything else.
                    tracing::info!(%refused, "priority of the pool thread");
                }
                let mut pool_worker = PoolWorker::new(schedule, Instant::now(), lateness);
                while !stop.load(Relaxed) {
                    // One at a time: creating a detector takes longer than a round.
                    match waiting.try_recv() {
                        Ok(make) => pool_worker.take_in(make(Instant::now())),
                        Err(TryRecvError::Empty) => {}
                        Err(TryRecvError::Disconnected) => break,
                    }
                    let wake = pool_worker.round(Instant::now());
                    std::thread::park_timeout(wake.saturating_duration_since(Instant::now()));
                }
            })?;
            pool.slots.push(WorkerSlot {
                thread: Some(running.thread),
                joining,
            });
        }
        Ok(pool)
    }

    /// Adds a member; returns the handle for its conversation, and its microphone.
    ///
    /// # Errors
    /// [`AudioError::Gone`] if the threads do not take it: they have ended, or are overloaded.
    pub fn join(
        &self,
        counters: Arc<Counters>,
        profile: &Arc<Profile>,
    ) -> Result<(AudioHandle, VirtualMicrophone), AudioError> {
        let nth = self.joined.fetch_add(1, Relaxed);
        let slot = &self.slots[nth % self.slots.len()];
        let thread = slot.thread.as_ref().map(|thread| thread.thread().clone());
        // In steps no thread is woken: commands wait for the next step.
        let woken = thread
            .clone()
            .filter(|_| self.schedule == PoolSchedule::Prompt);
        let (parts, handle, microphone) = member(counters, profile, &self.room, nth, woken);
        let make = Box::new(move |now| VirtualAudio::new(parts, now));
        let taken = slot.joining.try_send(make);
        if let Some(thread) = &thread {
            thread.unpark();
        }
        taken.map_err(|_| AudioError::Gone)?;
        Ok((handle, microphone))
    }

    /// Lateness of the threads so far.
    pub fn lateness(&self) -> &Lateness {
        &self.lateness
    }
}

impl Drop for VirtualDevicePool {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for slot in &mut self.slots {
            if let Some(thread) = slot.thread.take() {
                thread.thread().unpark();
                // It ends with its round; the panic hook has reported a panic.
                thread.join().ok();
            }
        }
    }
}
