//! The audio side on simulated time: real worker, stream manager, callback bodies and handle, with simulated devices
//! and a driver on tokio's clock. Under `#[tokio::test(start_paused = true)]` an hour passes in seconds, and every
//! measurement is exact.
//!
//! ```text
//! tokio task, every ms ── now ──▶ thread: manager.tick ▶ streams that are due ▶ worker.tick ── done ──▶ task
//! ```
//!
//! Worker and stream manager run on a thread of their own, because the detector may not change threads; the task waits
//! for it at each step, so nothing runs concurrently.

mod desk;
mod echo_path;
mod loopback;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

pub use self::desk::{Desk, PlayedBlock, SimulatedDesk};
pub use self::echo_path::EchoPath;
use self::loopback::{RoomMicrophone, RoomSpeaker};
use super::backend::{Backend, DeviceStream, MakeCapture, MakePlayback, OpenRequest, OpenedStream};
use super::device::{DeviceInfo, Devices};
use super::error::AudioError;
use super::event::VoiceEvent;
use super::format::StreamFormat;
use super::handle::AudioHandle;
use super::handle::{COMMANDS, EVENTS, MANAGER_COMMANDS, run};
use super::null::info;
use super::stream_fault::{FaultCounts, OpenError, StreamFault};
use super::stream_manager::{Backends, StreamManager, Threads, ToStreamManager};
use super::timer_stream::{SampleSource, TimerStream};
use super::wav::{FileReader, WavUtterance};
use super::worker::Worker;
use crate::base::counters::Counters;
use crate::base::supervise::{RunOutcome, Supervisor};
use crate::base::units::SampleRate;
use crate::profile::Profile;

/// Starts the audio side on tokio's clock with a simulated desk. Must be called within a tokio runtime.
pub fn simulate(
    desk: SimulatedDesk,
    counters: Arc<Counters>,
    profile: &Arc<Profile>,
) -> Result<(AudioHandle, Desk), AudioError> {
    let (start, step) = (tokio::time::Instant::now(), desk.step);
    let (events_in, events) = mpsc::channel(EVENTS);
    let (to_worker, worker_inbox) = mpsc::channel(COMMANDS);
    let (to_manager, manager_inbox) = sync_channel(MANAGER_COMMANDS);
    let (go, steps) = sync_channel::<Instant>(1);
    let (done, finished) = sync_channel::<()>(1);
    let air = Desk::new(desk.speaker_rate);
    let (source, cue) = sound_source(&desk, &air, &events_in);
    let streams: Streams = Arc::default();
    let (their_air, profile, manager_to_worker) = (air.clone(), profile.clone(), to_worker.clone());
    let reopen = to_manager.clone();
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
        let mut manager = StreamManager::new(
            backends,
            Default::default(),
            period,
            manager_inbox,
            manager_to_worker,
            Threads::default(),
            events_in.clone(),
            counters.clone(),
            now,
        );
        let mut worker = Worker::new(&profile, counters, worker_inbox, events_in);
        let [mut of_manager, mut of_worker] = [(); 2].map(|()| Supervisor::default());
        while let Ok(now) = steps.recv() {
            *clock.lock().unwrap_or_else(PoisonError::into_inner) = now;
            let restart = |manager: &mut StreamManager| manager.restart(now);
            let managed = of_manager.step(&mut manager, |manager| manager.tick(now), restart);
            step_streams(&streams, &their_air, now);
            let worked = of_worker.step(&mut worker, |worker| worker.tick(now), Worker::restart);
            if worked == RunOutcome::Restart {
                reopen.try_send(ToStreamManager::Reopen).ok();
            }
            let given_up = managed == RunOutcome::GiveUp || worked == RunOutcome::GiveUp;
            if given_up || done.send(()).is_err() {
                break;
            }
        }
    })?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    tokio::spawn(drive(start, step, stopped, go, finished));
    let handle = AudioHandle {
        events,
        to_worker,
        to_manager,
        threads: Threads::default(),
        cue,
        stop,
        // It ends with its driver; waiting here would block the driver.
        running: Vec::new(),
    };
    drop(running);
    Ok((handle, air))
}

/// Drives the audio side, one step whenever tokio's clock has reached it.
async fn drive(
    start: tokio::time::Instant,
    step: Duration,
    stopped: Arc<AtomicBool>,
    go: SyncSender<Instant>,
    finished: Receiver<()>,
) {
    let mut next = start;
    while !stopped.load(Relaxed) {
        if go.send(next.into_std()).is_err() || finished.recv().is_err() {
            break;
        }
        next += step;
        tokio::time::sleep_until(next).await;
    }
}

type Streams = Arc<Mutex<Vec<(u64, TimerStream)>>>;
type SharedSource = Arc<Mutex<Box<dyn SampleSource>>>;

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
    events: &mpsc::Sender<VoiceEvent>,
) -> (SharedSource, Option<super::wav::Cue>) {
    if desk.files.is_empty() {
        let microphone = RoomMicrophone {
            desk: air.clone(),
            rate: desk.microphone_rate,
            room: desk.room,
        };
        return (Arc::new(Mutex::new(Box::new(microphone))), None);
    }
    let files = desk.files.iter().cloned();
    let files = files.map(|samples| WavUtterance { samples }).collect();
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

/// A running stream; dropping the token ends it.
struct Token {
    id: u64,
    streams: Streams,
}

impl DeviceStream for Token {
    fn rest(&mut self, rests: bool) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let own = streams.iter_mut().find(|(id, _)| *id == self.id);
        if let Some((_, stream)) = own.filter(|(_, stream)| !stream.is_input()) {
            stream.rest(rests);
        }
    }
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

    /// The requested period, scaled from 48 kHz.
    fn format(&self, rate: SampleRate, request: &OpenRequest) -> StreamFormat {
        let period = u64::from(request.period) * u64::from(rate.hz()) / 48_000;
        StreamFormat {
            rate,
            channels: 1,
            period: u32::try_from(period).ok(),
            held_blocks: 0,
        }
    }

    fn place(
        &mut self,
        stream: TimerStream,
        device: DeviceInfo,
        format: StreamFormat,
    ) -> OpenedStream {
        self.next_id += 1;
        let id = self.next_id;
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.push((id, stream));
        let token = Token {
            id,
            streams: self.streams.clone(),
        };
        OpenedStream {
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
        request: &OpenRequest,
        make: MakeCapture<'_>,
        _: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError> {
        if !self.air.air().plugged.microphone {
            return Err(missing("microphone"));
        }
        let rate = if self.has_files {
            SampleRate::WORKING
        } else {
            self.desk.microphone_rate
        };
        let format = self.format(rate, request);
        let source = Box::new(self.source.clone());
        let stream = TimerStream::input(format, make(format), source, self.now());
        let stream = stream
            .with_drift(self.desk.drift_ppm.0)
            .holding(self.desk.microphone_latency);
        let device = self.device("simulated:microphone", "Simulated microphone");
        Ok(self.place(stream, device, format))
    }

    fn open_output(
        &mut self,
        request: &OpenRequest,
        make: MakePlayback<'_>,
        _: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError> {
        if !self.air.air().plugged.speaker {
            return Err(missing("speaker"));
        }
        let format = self.format(self.desk.speaker_rate, request);
        let speaker = Box::new(RoomSpeaker {
            desk: self.air.clone(),
            keeps: self.desk.keep_heard,
            echoes: self.desk.room.is_some(),
        });
        let latency = self.desk.speaker_latency;
        let stream = TimerStream::output(format, make(format), speaker, latency, self.now());
        let stream = stream.with_drift(self.desk.drift_ppm.1);
        let device = self.device("simulated:speaker", "Simulated speaker");
        Ok(self.place(stream, device, format))
    }
}

fn missing(device: &str) -> OpenError {
    OpenError {
        kind: StreamFault::DeviceNotAvailable,
        what: StreamFault::DeviceNotAvailable.words(device),
    }
}

impl SampleSource for SharedSource {
    fn fill(&mut self, out: &mut [f32], start: Instant) {
        self.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill(out, start);
    }
}
