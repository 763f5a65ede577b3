//! The sound side on simulated time: the same worker, owner, bodies and handle, devices of arithmetic, and a driver
//! on tokio's clock. Under `#[tokio::test(start_paused = true)]` an hour passes in seconds, and every figure is exact.
//!
//! ```text
//! tokio task, every ms ── now ──▶ thread: owner.tick ▶ streams that are due ▶ worker.tick ── done ──▶ task
//! ```
//!
//! Worker and owner live on a thread of their own, because the detector may not change threads; the task waits for
//! it at each step, so nothing ever runs at the same time.

mod air;
mod room;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use self::air::{Ear, Mouth};
use self::room::Played;
pub use self::room::Room;
use super::backend::{
    Backend, Fault, Faults, Format, MakeCapture, MakePlayback, OpenError, Opened, Wish,
};
use super::handle::{COMMANDS, EVENTS, run};
use super::null::info;
use super::owner::{Backends, Owner, Threads};
use super::paced::{Paced, Source};
use super::wav::{FileReader, Utterance};
use super::worker::Worker;
use super::{AudioError, DeviceInfo, Devices, Event, Handle};
use crate::base::counters::Counters;
use crate::base::units::SampleRate;
use crate::profile::Profile;

/// One step of the driver.
const STEP: Duration = Duration::from_millis(1);

/// What stands on the simulated desk.
#[derive(Clone, Debug)]
pub struct SimulatedDesk {
    /// Rate of the microphone. What is spoken is given at this rate.
    pub microphone_rate: SampleRate,
    /// How long the microphone holds a sample before it hands it over; told to the callback, as good hosts do.
    pub microphone_latency: Duration,
    /// Rate of the speaker.
    pub speaker_rate: SampleRate,
    /// How long the speaker holds a sample before it sounds; told to the callback, as good hosts do.
    pub speaker_latency: Duration,
    /// The speaker is a headset.
    pub headset: bool,
    /// The speaker reaches the microphone.
    pub room: Option<Room>,
    /// How much faster the crystals of microphone and speaker run than they should, in parts per million.
    pub drift_ppm: (f64, f64),
    /// All that the speaker gave is kept, for [`Desk::heard`]: 11 MB a minute.
    pub keep_heard: bool,
    /// In place of a microphone: files, mono at [`SampleRate::WORKING`], spoken by `Command::SpeakNext`.
    pub files: Vec<Vec<f32>>,
}

impl Default for SimulatedDesk {
    fn default() -> Self {
        let rate = SampleRate::new(48_000).expect("not zero");
        Self {
            microphone_rate: rate,
            microphone_latency: Duration::ZERO,
            speaker_rate: rate,
            speaker_latency: Duration::from_millis(5),
            headset: true,
            room: None,
            drift_ppm: (0.0, 0.0),
            keep_heard: true,
            files: Vec::new(),
        }
    }
}

/// The air round the desk: what is spoken into the microphone, what came out of the speaker.
#[derive(Clone)]
pub struct Desk {
    air: Arc<Mutex<Air>>,
    speaker_rate: SampleRate,
}

#[derive(Default)]
struct Air {
    spoken: Vec<f32>,
    /// When the first of `spoken` reached the microphone.
    spoken_from: Option<Instant>,
    /// When the newest sample that was spoken reached the microphone.
    spoken_until: Option<Instant>,
    heard: Vec<Heard>,
    played: Played,
    plugged: Plugged,
}

/// A block that the speaker gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// When its first sample sounded.
    pub start: Instant,
    /// Mono, at the speaker's rate.
    pub samples: Vec<f32>,
    /// Whether it is sound of a reply; else it is silence for want of one.
    pub sounding: bool,
}

struct Plugged {
    microphone: bool,
    speaker: bool,
}

impl Default for Plugged {
    fn default() -> Self {
        Self {
            microphone: true,
            speaker: true,
        }
    }
}

impl Desk {
    /// Speaks samples (mono, at the microphone's rate) behind what is being spoken; silence follows. Speech that
    /// begins while nobody listens waits for a listener; what is said while the microphone is released is lost.
    pub fn speak(&self, samples: &[f32]) {
        let mut air = self.air();
        air.spoken.extend(samples);
        air.spoken_until = None;
    }

    /// When the last sample that was spoken reached the microphone; `None` while it has not.
    #[must_use]
    pub fn spoken_until(&self) -> Option<Instant> {
        self.air().spoken_until
    }

    /// All that the speaker gave, oldest first.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        self.air().heard.clone()
    }

    /// The sound of replies alone, without the silence between.
    #[must_use]
    pub fn heard_replies(&self) -> Vec<f32> {
        let air = self.air();
        let sounding = air.heard.iter().filter(|block| block.sounding);
        sounding
            .flat_map(|block| block.samples.iter().copied())
            .collect()
    }

    /// When the first sample louder than `amplitude` sounded at or after `from`.
    #[must_use]
    pub fn first_sound(&self, from: Instant, amplitude: f32) -> Option<Instant> {
        let air = self.air();
        let blocks = air.heard.iter().flat_map(|block| {
            let samples = block.samples.iter().enumerate();
            samples.map(move |(i, s)| (block.start + self.speaker_rate.duration_of(i as u64), *s))
        });
        let mut loud = blocks.filter(|(at, s)| *at >= from && s.abs() > amplitude);
        loud.next().map(|(at, _)| at)
    }

    /// Plugs the microphone in or pulls it out; streams from it fall silent without a word.
    pub fn plug_microphone(&self, plugged: bool) {
        self.air().plugged.microphone = plugged;
    }

    /// The same for the speaker.
    pub fn plug_speaker(&self, plugged: bool) {
        self.air().plugged.speaker = plugged;
    }

    fn air(&self) -> MutexGuard<'_, Air> {
        self.air.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the sound side on tokio's clock, with what stands on the desk. Must be called within a tokio runtime.
///
/// # Errors
/// A refused thread.
pub fn simulate(
    desk: SimulatedDesk,
    counters: Arc<Counters>,
    profile: &Arc<Profile>,
) -> Result<(Handle, Desk), AudioError> {
    let start = tokio::time::Instant::now();
    let (events_in, events) = mpsc::channel(EVENTS);
    let (to_worker, worker_inbox) = sync_channel(COMMANDS);
    let (to_owner, owner_inbox) = sync_channel(COMMANDS);
    let (go, steps) = sync_channel::<Instant>(1);
    let (done, finished) = sync_channel::<()>(1);
    let air = Desk {
        air: Arc::default(),
        speaker_rate: desk.speaker_rate,
    };
    let (source, cue) = sound_source(&desk, &air, &events_in);
    let streams: Streams = Arc::default();
    let (their_air, profile, owner_to_worker) = (air.clone(), profile.clone(), to_worker.clone());
    let running = run("sound-simulated", move || {
        let now = start.into_std();
        let backend = Simulated {
            has_files: !desk.files.is_empty(),
            desk,
            air: their_air.clone(),
            source,
            streams: streams.clone(),
            next_id: 0,
            clock: Arc::new(Mutex::new(now)),
        };
        let clock = backend.clock.clone();
        let watch_zeros = !backend.has_files;
        let backends = Backends {
            input: Box::new(backend),
            output: None,
            watch_zeros,
        };
        let period = profile.audio.period_frames;
        let mut owner = Owner::new(
            backends,
            Default::default(),
            period,
            owner_inbox,
            owner_to_worker,
            Threads::default(),
            events_in.clone(),
            counters.clone(),
            now,
        );
        let mut worker = Worker::new(&profile, counters, worker_inbox, events_in);
        while let Ok(now) = steps.recv() {
            *clock.lock().unwrap_or_else(PoisonError::into_inner) = now;
            owner.tick(now);
            step_streams(&streams, &their_air, now);
            worker.tick(now);
            if done.send(()).is_err() {
                break;
            }
        }
    })?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    tokio::spawn(drive(start, stopped, go, finished));
    let handle = Handle {
        events,
        to_worker,
        to_owner,
        threads: Threads::default(),
        cue,
        stop,
        // It ends with its driver; waiting for it here would stop the driver.
        running: Vec::new(),
    };
    drop(running);
    Ok((handle, air))
}

/// Lets the sound side do a step whenever tokio's clock has come to it.
async fn drive(
    start: tokio::time::Instant,
    stopped: Arc<AtomicBool>,
    go: SyncSender<Instant>,
    finished: Receiver<()>,
) {
    let mut next = start;
    while !stopped.load(Relaxed) {
        if go.send(next.into_std()).is_err() || finished.recv().is_err() {
            break;
        }
        next += STEP;
        tokio::time::sleep_until(next).await;
    }
}

type Streams = Arc<Mutex<Vec<(u64, Paced)>>>;
type SharedSource = Arc<Mutex<Box<dyn Source>>>;

struct Simulated {
    desk: SimulatedDesk,
    has_files: bool,
    air: Desk,
    source: SharedSource,
    streams: Streams,
    next_id: u64,
    clock: Arc<Mutex<Instant>>,
}

fn sound_source(
    desk: &SimulatedDesk,
    air: &Desk,
    events: &mpsc::Sender<Event>,
) -> (SharedSource, Option<super::wav::Cue>) {
    if desk.files.is_empty() {
        let mouth = Mouth {
            desk: air.clone(),
            rate: desk.microphone_rate,
            room: desk.room,
        };
        return (Arc::new(Mutex::new(Box::new(mouth))), None);
    }
    let files = desk.files.iter().cloned();
    let files = files.map(|samples| Utterance { samples }).collect();
    let (reader, cue) = FileReader::new(files, events.clone());
    (Arc::new(Mutex::new(Box::new(reader))), Some(cue))
}

fn step_streams(streams: &Streams, air: &Desk, now: Instant) {
    let (microphone, speaker) = {
        let air = air.air();
        (air.plugged.microphone, air.plugged.speaker)
    };
    let mut streams = streams.lock().unwrap_or_else(PoisonError::into_inner);
    for (_, stream) in streams.iter_mut() {
        let plugged = if stream.is_input() {
            microphone
        } else {
            speaker
        };
        if plugged {
            stream.run_due(now);
        }
    }
}

/// A running stream; dropping it takes it off the desk.
struct Token {
    id: u64,
    streams: Streams,
}

impl Drop for Token {
    fn drop(&mut self) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|(id, _)| *id != self.id);
    }
}

impl Simulated {
    fn now(&self) -> Instant {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The period that was asked for, as long as it is at 48 kHz.
    fn format(&self, rate: SampleRate, wish: &Wish) -> Format {
        let period = u64::from(wish.period) * u64::from(rate.hz()) / 48_000;
        Format {
            rate,
            channels: 1,
            period: u32::try_from(period).ok(),
            held_blocks: 0,
        }
    }

    fn place(&mut self, stream: Paced, device: DeviceInfo, format: Format) -> Opened {
        self.next_id += 1;
        let id = self.next_id;
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.push((id, stream));
        let token = Token {
            id,
            streams: self.streams.clone(),
        };
        Opened {
            info: info(device, format),
            stream: Box::new(token),
        }
    }

    fn device(&self, id: &str, name: &str) -> DeviceInfo {
        DeviceInfo {
            id: id.to_owned(),
            name: name.to_owned(),
            is_default: true,
            headset: self.desk.headset,
        }
    }
}

impl Backend for Simulated {
    fn devices(&mut self) -> Devices {
        let air = self.air.air();
        let microphone = self.device("simulated:microphone", "Simulated microphone");
        let speaker = self.device("simulated:speaker", "Simulated speaker");
        Devices {
            host: "simulation".to_owned(),
            inputs: Vec::from_iter(air.plugged.microphone.then_some(microphone)),
            outputs: Vec::from_iter(air.plugged.speaker.then_some(speaker)),
        }
    }

    fn poll_every(&self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }

    fn open_input(
        &mut self,
        wish: &Wish,
        make: MakeCapture<'_>,
        _: &Arc<Faults>,
    ) -> Result<Opened, OpenError> {
        if !self.air.air().plugged.microphone {
            return Err(missing("microphone"));
        }
        let rate = if self.has_files {
            SampleRate::WORKING
        } else {
            self.desk.microphone_rate
        };
        let format = self.format(rate, wish);
        let source = Box::new(self.source.clone());
        let stream = Paced::input(format, make(format), source, self.now());
        let stream = stream
            .with_drift(self.desk.drift_ppm.0)
            .holding(self.desk.microphone_latency);
        let device = self.device("simulated:microphone", "Simulated microphone");
        Ok(self.place(stream, device, format))
    }

    fn open_output(
        &mut self,
        wish: &Wish,
        make: MakePlayback<'_>,
        _: &Arc<Faults>,
    ) -> Result<Opened, OpenError> {
        if !self.air.air().plugged.speaker {
            return Err(missing("speaker"));
        }
        let format = self.format(self.desk.speaker_rate, wish);
        let ear = Box::new(Ear {
            desk: self.air.clone(),
            keeps: self.desk.keep_heard,
            echoes: self.desk.room.is_some(),
        });
        let latency = self.desk.speaker_latency;
        let stream = Paced::output(format, make(format), ear, latency, self.now());
        let stream = stream.with_drift(self.desk.drift_ppm.1);
        let device = self.device("simulated:speaker", "Simulated speaker");
        Ok(self.place(stream, device, format))
    }
}

fn missing(device: &str) -> OpenError {
    OpenError {
        kind: Fault::DeviceNotAvailable,
        what: Fault::DeviceNotAvailable.words(device),
    }
}

impl Source for SharedSource {
    fn fill(&mut self, out: &mut [f32], start: Instant) {
        self.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill(out, start);
    }
}
