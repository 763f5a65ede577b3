//! The handle of the conversation, and the two threads behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc;

use super::backend::Backend;
use super::command::VoiceCommand;
use super::cpal::Cpal;
use super::device::{DeviceChoice, Devices};
use super::error::AudioError;
#[cfg(test)]
use super::event::AudioThread;
use super::event::VoiceEvent;
use super::null::Null;
use super::priority;
use super::source_and_sink::{AudioSetup, InputKind, OutputKind};
use super::stream_manager::{Backends, StreamManager, Threads, ToStreamManager};
use super::wav::{Cue, WavInput, WavOutput, WavUtterance, read_all};
use super::worker::{ToWorker, Worker};
use crate::base::counters::Counters;
use crate::base::sleep::SleepWatch;
use crate::base::supervise::{RunOutcome, Supervisor};
use crate::profile::Profile;

/// Queue length for commands: a burst of a whole answer in chunks of 20 ms, several times over. The queue takes memory for what
/// waits in it; one of the standard library would reserve all of it.
pub(super) const COMMANDS: usize = 8_192;
/// Queue length for commands to the stream manager, which are rare. The memory of a queue is reserved in advance.
pub(super) const MANAGER_COMMANDS: usize = 64;
/// Queue length for events, beyond which the worker keeps them itself.
pub(super) const EVENTS: usize = 256;
/// Longest time between two ticks of the worker; its streams and commands wake it when there is something to do.
const IDLE: Duration = Duration::from_secs(10);
/// Time limit for ending, whatever hangs in the sound system.
const GRACE: Duration = Duration::from_millis(300);

/// The handle of the audio side. Dropping it ends all threads and streams.
pub struct AudioHandle {
    /// Events of the audio side.
    pub events: mpsc::Receiver<VoiceEvent>,
    pub(super) to_worker: mpsc::Sender<ToWorker>,
    pub(super) to_manager: SyncSender<ToStreamManager>,
    pub(super) threads: Threads,
    pub(super) cue: Option<Cue>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) running: Vec<RunningThread>,
}

/// A thread, and a channel that closes when it ends.
pub(super) struct RunningThread {
    pub(super) thread: JoinHandle<()>,
    pub(super) ended: Receiver<()>,
}

impl AudioHandle {
    /// Sends a command. Never waits.
    ///
    /// # Errors
    /// [`AudioError::Gone`] if the audio side has ended, or its queue is full because it hangs.
    pub fn send(&self, command: VoiceCommand) -> Result<(), AudioError> {
        match &command {
            VoiceCommand::SpeakNext { lead } => {
                let taken = self.cue.as_ref().is_none_or(|cue| cue.speak_next(*lead));
                return taken.then_some(()).ok_or(AudioError::Gone);
            }
            VoiceCommand::Settings(_) => {
                // The worker first: it closes the microphone, and must not wait for a device that hangs.
                let worker = self.send_to_worker(command.clone());
                self.send_to_manager(command)?;
                worker?;
            }
            #[cfg(test)]
            VoiceCommand::Panic(thread) => match thread {
                AudioThread::Worker => self.send_to_worker(command)?,
                AudioThread::Streams => self.send_to_manager(command)?,
            },
            VoiceCommand::PollDevices => {
                self.send_to_manager(command)?;
            }
            VoiceCommand::Play(_)
            | VoiceCommand::EndReply(_)
            | VoiceCommand::StopReply
            | VoiceCommand::CheckSound { .. }
            | VoiceCommand::CancelCheck => self.send_to_worker(command)?,
        }
        Ok(())
    }

    /// Ends all threads and streams; returns after 300 ms at the latest.
    pub fn shut_down(self) {
        drop(self);
    }

    fn send_to_worker(&self, command: VoiceCommand) -> Result<(), AudioError> {
        let sent = self.to_worker.try_send(ToWorker::Command(command));
        if let Some(worker) = &self.threads.worker {
            worker.unpark();
        }
        sent.map_err(|_| AudioError::Gone)
    }

    fn send_to_manager(&self, command: VoiceCommand) -> Result<(), AudioError> {
        let sent = self.to_manager.try_send(ToStreamManager::Command(command));
        if let Some(manager) = &self.threads.manager {
            manager.unpark();
        }
        sent.map_err(|_| AudioError::Gone)
    }
}

impl Drop for AudioHandle {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        let threads = [&self.threads.manager, &self.threads.worker];
        for thread in threads.into_iter().flatten() {
            thread.unpark();
        }
        let deadline = Instant::now() + GRACE;
        for running in self.running.drain(..) {
            let left = deadline.saturating_duration_since(Instant::now());
            // The sender is dropped when the thread ends, also by a panic.
            let ended =
                running.ended.recv_timeout(left) != Err(std::sync::mpsc::RecvTimeoutError::Timeout);
            if ended {
                running.thread.join().ok();
            } else {
                tracing::warn!("an audio thread hangs in the sound system: abandoning it");
            }
        }
    }
}

/// Starts the audio side.
///
/// # Errors
/// A file that cannot be read or written, or a refused thread. A missing device is no error: it is reported by
/// [`VoiceEvent::Lost`] and used as soon as it appears.
pub fn spawn(
    setup: AudioSetup,
    counters: Arc<Counters>,
    profile: &Arc<Profile>,
) -> Result<AudioHandle, AudioError> {
    let (events_in, events) = mpsc::channel(EVENTS);
    let (to_worker, worker_inbox) = mpsc::channel(COMMANDS);
    let (to_manager, manager_inbox) = sync_channel(MANAGER_COMMANDS);
    let parts = BackendParts::prepare(setup, &events_in)?;
    let cue = parts.cue.clone();
    let stop = Arc::new(AtomicBool::new(false));

    let (ends_worker, ends_manager) = (Ends(stop.clone()), Ends(stop.clone()));
    let (profile_, counters_) = (profile.clone(), counters.clone());
    let (worker_events, reopen) = (events_in.clone(), to_manager.clone());
    let worker = run("sound-worker", move || {
        match priority::raise() {
            Ok(granted) => tracing::info!(granted, "priority of the audio worker"),
            Err(refused) => tracing::info!(%refused, "priority of the audio worker"),
        }
        // Created here: the detector must stay on one thread.
        let mut worker = Worker::new(&profile_, counters_, worker_inbox, worker_events);
        run_worker(&mut worker, &ends_worker.0, &reopen);
    })?;

    let period = profile.audio.period_frames;
    let worker_thread = worker.thread.thread().clone();
    let (manager_to_worker, threads_worker) = (to_worker.clone(), worker_thread.clone());
    let manager = run("sound-manager", move || {
        let threads = Threads {
            worker: Some(threads_worker),
            manager: Some(std::thread::current()),
        };
        let choices = parts.choices.clone();
        let mut manager = StreamManager::new(
            parts.open(),
            choices,
            period,
            manager_inbox,
            manager_to_worker,
            threads,
            events_in,
            counters,
            Instant::now(),
        );
        run_manager(&mut manager, &ends_manager.0);
    })?;
    Ok(AudioHandle {
        events,
        to_worker,
        to_manager,
        threads: Threads {
            worker: Some(worker_thread),
            manager: Some(manager.thread.thread().clone()),
        },
        cue,
        stop,
        running: vec![manager, worker],
    })
}

/// Ends the other audio thread with this one: the channel of events closes when both have ended, which is how the
/// conversation hears that one was given up.
struct Ends(Arc<AtomicBool>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Runs the worker until `stopped` or given up.
fn run_worker(worker: &mut Worker, stopped: &AtomicBool, to_manager: &SyncSender<ToStreamManager>) {
    let mut supervisor = Supervisor::default();
    let mut reopen = false;
    while !stopped.load(Relaxed) {
        let now = Instant::now();
        let wake = match supervisor.step(worker, |worker| worker.tick(now), Worker::restart) {
            RunOutcome::Done(wake) => wake.unwrap_or(now + IDLE),
            RunOutcome::Restart => {
                reopen = true;
                now
            }
            RunOutcome::GiveUp => return,
        };
        // Again until there is room: without streams nobody is heard.
        reopen = reopen && to_manager.try_send(ToStreamManager::Reopen).is_err();
        std::thread::park_timeout(wake.saturating_duration_since(Instant::now()));
    }
}

/// Runs the stream manager until `stopped` or given up.
fn run_manager(manager: &mut StreamManager, stopped: &AtomicBool) {
    let mut supervisor = Supervisor::default();
    let mut resumed = false;
    while !stopped.load(Relaxed) {
        let now = Instant::now();
        let work = |manager: &mut StreamManager| {
            if resumed {
                manager.resume(now);
            }
            manager.tick(now)
        };
        let wake = match supervisor.step(manager, work, |manager| manager.restart(now)) {
            RunOutcome::Done(wake) => wake,
            RunOutcome::Restart => now,
            RunOutcome::GiveUp => return,
        };
        let watch = SleepWatch::begin(Instant::now(), SystemTime::now(), wake);
        std::thread::park_timeout(wake.saturating_duration_since(Instant::now()));
        resumed = watch.slept(Instant::now(), SystemTime::now());
    }
}

/// Lists the devices for the terminal. May take some hundred milliseconds.
pub fn devices() -> Devices {
    Cpal::new().devices()
}

/// Starts a named thread with a channel that reports its end.
pub(super) fn run(
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> Result<RunningThread, AudioError> {
    let (ending, ended) = sync_channel(1);
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let _ending: SyncSender<()> = ending;
            body();
        })
        .map_err(AudioError::Thread)?;
    Ok(RunningThread { thread, ended })
}

/// Backends, as far as they can be checked before threads start.
struct BackendParts {
    files: Option<WavInput>,
    cue: Option<Cue>,
    recording: Option<WavOutput>,
    microphone: bool,
    speaker: bool,
    choices: (DeviceChoice, DeviceChoice),
}

impl BackendParts {
    fn prepare(setup: AudioSetup, events: &mpsc::Sender<VoiceEvent>) -> Result<Self, AudioError> {
        let mut parts = Self {
            files: None,
            cue: None,
            recording: None,
            microphone: false,
            speaker: false,
            choices: Default::default(),
        };
        match setup.input {
            InputKind::Device(choice) => {
                parts.microphone = true;
                parts.choices.0 = choice;
            }
            InputKind::Files(paths) => {
                let files: Vec<WavUtterance> = read_all(&paths)?;
                let (input, cue) = WavInput::new(files, events.clone());
                parts.files = Some(input);
                parts.cue = Some(cue);
            }
            InputKind::None => {}
        }
        match setup.output {
            OutputKind::Device(choice) => {
                parts.speaker = true;
                parts.choices.1 = choice;
            }
            OutputKind::File(path) => {
                parts.recording = Some(WavOutput::create(&path, events.clone())?);
            }
            OutputKind::None => {}
        }
        Ok(parts)
    }

    /// Creates the backends, on the thread that owns them.
    fn open(self) -> Backends {
        let input: Box<dyn Backend> = match self.files {
            Some(files) => Box::new(files),
            None if self.microphone => Box::new(Cpal::new()),
            None => Box::new(Null),
        };
        let output: Option<Box<dyn Backend>> = match self.recording {
            Some(recording) => Some(Box::new(recording)),
            None if self.speaker && self.microphone => None,
            None if self.speaker => Some(Box::new(Cpal::new())),
            None => Some(Box::new(Null)),
        };
        Backends {
            input,
            output,
            watch_zeros: self.microphone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{AudioThread, Direction, Gate, VoiceSettings};
    use crate::base::frame::Pcm;
    use crate::base::ids::TurnId;
    use crate::base::units::SampleRate;
    use crate::profile::{DEFAULT, builtin};

    /// Waits for an event that `wanted` takes something from; the others are passed over.
    fn wait<T>(handle: &mut AudioHandle, mut wanted: impl FnMut(&VoiceEvent) -> Option<T>) -> T {
        loop {
            let event = handle.events.blocking_recv().expect("the threads live");
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    }

    #[test]
    fn a_thread_that_panics_is_restarted_with_its_settings() {
        let profile = builtin(DEFAULT).expect("built in");
        let silent = AudioSetup {
            input: InputKind::None,
            output: OutputKind::None,
        };
        let counters = Arc::new(Counters::default());
        let mut handle = spawn(silent, counters, &profile).expect("threads");
        let settings = VoiceSettings {
            gate: Gate::Everything,
            ..VoiceSettings::new(Arc::clone(&profile))
        };
        handle
            .send(VoiceCommand::Settings(Arc::new(settings)))
            .expect("taken");
        let heard = |event: &VoiceEvent| matches!(event, VoiceEvent::Heard(_)).then_some(());
        wait(&mut handle, heard);
        for thread in [AudioThread::Worker, AudioThread::Streams] {
            handle.send(VoiceCommand::Panic(thread)).expect("taken");
            wait(&mut handle, |event| {
                matches!(event, VoiceEvent::Restarted(of) if *of == thread).then_some(())
            });
            for direction in [Direction::Input, Direction::Output] {
                wait(&mut handle, |event| {
                    matches!(event, VoiceEvent::Opened(of, _) if *of == direction).then_some(())
                });
            }
            // The gate is as it was, and a reply sounds.
            wait(&mut handle, heard);
            let turn = TurnId(7);
            let samples = vec![8_000; 2_400];
            let rate = SampleRate::REPLY;
            handle
                .send(VoiceCommand::Play(Pcm {
                    turn,
                    rate,
                    samples,
                }))
                .expect("taken");
            handle.send(VoiceCommand::EndReply(turn)).expect("taken");
            wait(&mut handle, |event| {
                matches!(event, VoiceEvent::Played { turn: of, .. } if *of == turn).then_some(())
            });
        }
    }

    #[test]
    fn a_thread_that_panics_for_ever_is_given_up() {
        let profile = builtin(DEFAULT).expect("built in");
        let silent = AudioSetup {
            input: InputKind::None,
            output: OutputKind::None,
        };
        let mut handle = spawn(silent, Arc::default(), &profile).expect("threads");
        for _ in 0..4 {
            handle
                .send(VoiceCommand::Panic(AudioThread::Worker))
                .expect("taken");
            std::thread::sleep(Duration::from_millis(20));
        }
        // Both threads end, and with them the channel.
        while handle.events.blocking_recv().is_some() {}
    }
}
