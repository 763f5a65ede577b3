//! Many sound sides without devices on few threads: for `load` and `bench`.
//!
//! ```text
//! thread "sound-fleet" (one for each core)
//! ┌───────────────────────────────────────────────────────────────┐
//! │ every ms, a tenth of the members: speaker's blocks that are    │     Handle ─▶ session
//! │ due ▶ microphone's blocks that are due ▶ worker ▶ (owner)      │     Mouth  ─▶ who lets it speak
//! └───────────────────────────────────────────────────────────────┘
//! ```
//!
//! Worker, owner and callback bodies are those of a conversation with devices; the microphone gives 48 kHz, so that it
//! is resampled, and a room's faint noise, so that the detector has work. What a member costs is what a conversation
//! costs, but for the threads. A thread that comes too late is not excused, and it shows in three places: [`Lateness`]
//! counts the rounds that it took, the speaker's blocks take what was there when they were due (a reply that runs dry is an underrun),
//! and a microphone that is more than two seconds late has lost what was said in that time, which is missing from its
//! [`Reading`]. Below two seconds it makes up for the time: the reading alone forgives such a stall, the other two do not.

mod crew;
mod devices;
mod hearing;
#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks the events that it is about"
)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use self::crew::{Crew, Joining, Member};
use self::devices::Throat;
pub use self::hearing::is_heard;
use super::convert::Converter;
use super::handle::{EVENTS, OWNER_COMMANDS, run};
use super::owner::Threads;
use super::wav;
use super::{AudioError, Handle, priority};
use crate::base::counters::Counters;
use crate::base::units::{Dbfs, SampleRate};
use crate::profile::Profile;

/// Rate of the made-up devices: that of nearly all real ones.
pub const RATE: SampleRate = SampleRate::new(48_000).expect("not zero");
/// How often a member is looked after in steps: as often as it has a frame.
const STEP: Duration = Duration::from_millis(10);
/// Parts of a step, each with its share of the members.
const SLOTS: usize = 10;
/// A round that is so late or later counts as late: the worker keeps 40 ms of a reply in the ring and looks at it every step, so
/// that a gap may be heard from here on. What is less late shows in the responses.
pub const LATE: Duration = Duration::from_millis(30);
/// Lateness that nobody hears: the worker keeps 40 ms of a reply in the ring, and looks at it every step.
const UNHEARD: Duration = Duration::from_millis(60);
/// Members that may wait to be taken in by each thread: who lets no more than this be set up at the same time finds room
/// for all of them. A place takes 24 bytes.
pub const JOINING: usize = 10_000;
/// Commands that can wait: five seconds of a service that answers four times as fast as it is played, in chunks of 40 ms.
/// The queue's memory is reserved in advance, for each member.
const COMMANDS: usize = 512;
/// Things to say that may wait.
const CUES: usize = 8;
/// A quiet room, as a headset hears it.
const ROOM_NOISE: Dbfs = Dbfs(-66.0);
/// Filter for utterances: they are converted once, ahead of time.
const TAPS: u32 = 128;

/// When the members are looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Each every 10 ms: many conversations. Sound is up to 10 ms later than with devices.
    Steps,
    /// As with devices: when a block is due, and at once when something is asked. For few conversations.
    Prompt,
}

/// The threads and their members. Dropping it ends them all.
pub struct Fleet {
    berths: Vec<Berth>,
    joined: AtomicUsize,
    stop: Arc<AtomicBool>,
    lateness: Arc<Lateness>,
    room: Arc<[f32]>,
    beat: Beat,
}

struct Berth {
    thread: Option<JoinHandle<()>>,
    joining: SyncSender<Make>,
}

/// Makes a member, on the thread that it stays on.
type Make = Box<dyn FnOnce(Instant) -> Member + Send>;

/// How late the threads of a fleet were.
#[derive(Debug, Default)]
pub struct Lateness {
    ticks: AtomicU64,
    late: AtomicU64,
    worst_us: AtomicU64,
}

impl Lateness {
    /// A round begins so late; `each_step` rounds are done in [`STEP`]. Those that were due in a stall are counted too,
    /// so that one long stall weighs as much as many short ones.
    fn record(&self, late: Duration, each_step: u64) {
        let steps =
            |time: Duration| u64::try_from(time.as_nanos() / STEP.as_nanos()).unwrap_or(u64::MAX);
        let missed = late.checked_sub(LATE).map_or(0, |beyond| steps(beyond) + 1);
        self.ticks.fetch_add(1 + steps(late) * each_step, Relaxed);
        self.late.fetch_add(missed * each_step, Relaxed);
        let us = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.worst_us.fetch_max(us, Relaxed);
    }

    /// Rounds of work so far.
    #[must_use]
    pub fn rounds(&self) -> u64 {
        self.ticks.load(Relaxed)
    }

    /// How many of them were at least [`LATE`].
    #[must_use]
    pub fn late(&self) -> u64 {
        self.late.load(Relaxed)
    }

    /// The latest of all.
    #[must_use]
    pub fn worst(&self) -> Duration {
        Duration::from_micros(self.worst_us.load(Relaxed))
    }
}

/// A made-up microphone's mouthpiece.
#[derive(Clone, Debug)]
pub struct Mouth {
    cues: SyncSender<Cue>,
    pulse: Arc<Pulse>,
}

/// Something to say.
struct Cue {
    lead: Duration,
    utterance: Arc<[f32]>,
}

impl Mouth {
    /// Says this (mono, at [`RATE`]) after `lead` of silence, behind what is being said. False if too much waits
    /// already or the conversation has ended.
    #[must_use]
    pub fn speak(&self, utterance: Arc<[f32]>, lead: Duration) -> bool {
        self.cues.try_send(Cue { lead, utterance }).is_ok()
    }

    /// How the microphone's time has passed.
    #[must_use]
    pub fn reading(&self) -> Reading {
        Reading {
            began: self.pulse.began.get().copied(),
            audio: RATE.duration_of(self.pulse.captured.load(Relaxed)),
            spoken: self.pulse.spoken.load(Relaxed),
        }
    }
}

/// What a made-up microphone has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// When its first sample was captured; `None` before.
    pub began: Option<Instant>,
    /// How much it has given.
    pub audio: Duration,
    /// Utterances that it has spoken to their end.
    pub spoken: u64,
}

impl Reading {
    /// Seconds of sound for each second of time since the beginning: 1.0 if every sample was given in time. What is late
    /// by less than 60 ms at this moment is not missed: nobody would hear it.
    #[must_use]
    pub fn real_time_ratio(&self, now: Instant) -> Option<f64> {
        let wall = now.saturating_duration_since(self.began?);
        let owed = wall.checked_sub(UNHEARD).filter(|owed| !owed.is_zero())?;
        Some((self.audio.as_secs_f64() / owed.as_secs_f64()).min(1.0))
    }
}

/// What microphone and reader of the microphone share.
#[derive(Debug, Default)]
struct Pulse {
    began: OnceLock<Instant>,
    captured: AtomicU64,
    spoken: AtomicU64,
}

impl Fleet {
    /// Starts so many threads (at least one).
    ///
    /// # Errors
    /// A refused thread.
    pub fn start(threads: usize, beat: Beat) -> Result<Self, AudioError> {
        let stop = Arc::new(AtomicBool::new(false));
        let lateness = Arc::new(Lateness::default());
        let mut fleet = Self {
            berths: Vec::new(),
            joined: AtomicUsize::new(0),
            stop: stop.clone(),
            lateness: lateness.clone(),
            room: room_noise(),
            beat,
        };
        for _ in 0..threads.max(1) {
            let (joining, waiting) = sync_channel::<Make>(JOINING);
            let (stop, lateness) = (stop.clone(), lateness.clone());
            let running = run("sound-fleet", move || {
                if beat == Beat::Prompt
                    && let Err(refused) = priority::raise()
                {
                    // As with devices; many conversations would keep everything else from running.
                    tracing::info!(%refused, "priority of the sound fleet");
                }
                let mut crew = Crew::new(beat, Instant::now(), lateness);
                while !stop.load(Relaxed) {
                    // One at a time: making a detector takes longer than a round.
                    match waiting.try_recv() {
                        Ok(make) => crew.take_in(make(Instant::now())),
                        Err(TryRecvError::Empty) => {}
                        Err(TryRecvError::Disconnected) => break,
                    }
                    let wake = crew.round(Instant::now());
                    std::thread::park_timeout(wake.saturating_duration_since(Instant::now()));
                }
            })?;
            fleet.berths.push(Berth {
                thread: Some(running.thread),
                joining,
            });
        }
        Ok(fleet)
    }

    /// A sound side of its own: the handle for a session, and the mouthpiece of its microphone.
    ///
    /// # Errors
    /// [`AudioError::Gone`] if the threads do not take it: they have ended, or are overloaded.
    pub fn join(
        &self,
        counters: Arc<Counters>,
        profile: &Arc<Profile>,
    ) -> Result<(Handle, Mouth), AudioError> {
        let nth = self.joined.fetch_add(1, Relaxed);
        let berth = &self.berths[nth % self.berths.len()];
        let thread = berth.thread.as_ref().map(|thread| thread.thread().clone());
        // In steps nobody is woken: what is asked waits for the next one.
        let woken = thread.clone().filter(|_| self.beat == Beat::Prompt);
        let (joining, handle, mouth) = member(counters, profile, &self.room, nth, woken);
        let make = Box::new(move |now| Member::new(joining, now));
        let taken = berth.joining.try_send(make);
        if let Some(thread) = &thread {
            thread.unpark();
        }
        taken.map_err(|_| AudioError::Gone)?;
        Ok((handle, mouth))
    }

    /// How late the threads were so far.
    #[must_use]
    pub fn lateness(&self) -> &Lateness {
        &self.lateness
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for berth in &mut self.berths {
            if let Some(thread) = berth.thread.take() {
                thread.thread().unpark();
                // It ends with its round; a panic in it was reported by the panic hook.
                thread.join().ok();
            }
        }
    }
}

/// The parts of a member: for the crew, for the session, for who lets it speak.
fn member(
    counters: Arc<Counters>,
    profile: &Arc<Profile>,
    room: &Arc<[f32]>,
    nth: usize,
    woken: Option<Thread>,
) -> (Joining, Handle, Mouth) {
    let (events_in, events) = mpsc::channel(EVENTS);
    let (to_worker, worker_inbox) = sync_channel(COMMANDS);
    let (to_owner, owner_inbox) = sync_channel(OWNER_COMMANDS);
    let (cues, cues_out) = sync_channel(CUES);
    let stop = Arc::new(AtomicBool::new(false));
    let pulse = Arc::new(Pulse::default());
    let joining = Joining {
        profile: profile.clone(),
        counters,
        worker_inbox,
        owner_inbox,
        to_worker: to_worker.clone(),
        events: events_in,
        stop: stop.clone(),
        throat: Throat::new(cues_out, pulse.clone(), room.clone(), nth),
    };
    let handle = Handle {
        events,
        to_worker,
        to_owner,
        threads: Threads {
            worker: woken.clone(),
            owner: woken,
        },
        cue: None,
        stop,
        running: Vec::new(),
    };
    (joining, handle, Mouth { cues, pulse })
}

/// Reads a WAV file as something to say.
///
/// # Errors
/// A file that cannot be used, in words.
pub fn utterance(file: &Path) -> Result<Arc<[f32]>, AudioError> {
    at_rate(&wav::read(file)?.samples, file)
}

/// The same for the bytes of a WAV file.
///
/// # Errors
/// Bytes that are none.
pub fn utterance_of(bytes: &[u8]) -> Result<Arc<[f32]>, AudioError> {
    let name = Path::new("(bundled)");
    at_rate(&wav::decode(bytes, name)?.samples, name)
}

fn at_rate(samples: &[f32], file: &Path) -> Result<Arc<[f32]>, AudioError> {
    let fail = |what: String| AudioError::File {
        path: file.to_owned(),
        what,
    };
    let mut converter =
        Converter::new(SampleRate::WORKING, RATE, TAPS).map_err(|e| fail(e.to_string()))?;
    let mut converted = Vec::new();
    converter.push(samples, &mut converted);
    converter.finish(&mut converted);
    Ok(converted.into())
}

/// A second of noise, which every microphone begins at another place.
fn room_noise() -> Arc<[f32]> {
    let amplitude = 10_f32.powf(ROOM_NOISE.0 / 20.0) * 3_f32.sqrt();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut noise = || {
        // xorshift64: any noise that does not repeat within a second will do.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    (0..RATE.hz()).map(|_| amplitude * noise()).collect()
}
