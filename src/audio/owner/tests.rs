use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use super::*;
use crate::audio::StreamInfo;
use crate::audio::backend::{Backend, Format, MakeCapture, MakePlayback, Policy};
use crate::audio::capture::CaptureBody;
use crate::base::units::SampleRate;

#[test]
fn every_fault_of_a_running_stream_is_met_by_its_policy() {
    for fault in Fault::ALL {
        let mut desk = Desk::new();
        desk.run(Duration::from_secs(5));
        assert_eq!(desk.opened(), 1);
        desk.report(fault, 1);
        desk.run(Duration::from_secs(1));
        let once = desk.opened();
        desk.report(fault, 1_000);
        desk.run(Duration::from_secs(1));
        let storm = desk.opened();
        let expected = match fault.policy() {
            Policy::GoOn => (1, 1),
            Policy::RebuildIfMany => (1, 2),
            Policy::Rebuild => (2, 3),
        };
        assert_eq!((once, storm), expected, "{fault:?}");
    }
}

#[test]
fn a_storm_costs_as_many_streams_as_the_back_off_allows() {
    let mut desk = Desk::new();
    for _ in 0..600 {
        desk.report(Fault::BackendError, 50_000);
        desk.run(Duration::from_millis(100));
    }
    // 0, 0.25, 0.5, 1, 2, 4, 4, … seconds apart over a minute.
    assert!((10..=22).contains(&desk.opened()), "{}", desk.opened());
    assert!(desk.told_lost());
}

#[test]
fn a_silent_stream_is_opened_again_later_and_later() {
    let mut desk = Desk::new();
    desk.run(Duration::from_secs(5));
    desk.hold_callbacks = true;
    desk.run(Duration::from_millis(1_200));
    assert_eq!(desk.opened(), 2, "half a second without a callback");
    // From now on none calls at all: three seconds each, and the pauses.
    desk.run(Duration::from_secs(30));
    assert!((4..=8).contains(&desk.opened()), "{}", desk.opened());
    assert!(desk.told_lost());
    desk.hold_callbacks = false;
    desk.run(Duration::from_secs(10));
    let opened = desk.opened();
    desk.run(Duration::from_secs(20));
    assert_eq!(desk.opened(), opened, "it runs");
}

#[test]
fn a_microphone_that_goes_is_told_and_one_that_comes_is_used() {
    let mut desk = Desk::new();
    desk.run(Duration::from_secs(2));
    desk.plug(&[]);
    desk.run(Duration::from_millis(1_500));
    assert!(desk.told_lost());
    assert!(
        !desk.is_open(),
        "the host may have moved it to the speaker's monitor"
    );
    desk.plug(&["other"]);
    desk.run(Duration::from_millis(1_500));
    assert!(desk.is_open());
    assert_eq!(desk.opened(), 2);
}

#[test]
fn a_new_default_is_followed_without_a_word_of_loss() {
    let mut desk = Desk::new();
    desk.run(Duration::from_secs(2));
    desk.plug(&["better", "mic"]);
    desk.run(Duration::from_millis(1_500));
    assert_eq!(desk.opened(), 2);
    assert!(!desk.told_lost());
}

#[test]
fn a_muted_microphone_is_let_go_at_once() {
    let mut desk = Desk::new();
    desk.run(Duration::from_secs(2));
    desk.send(Command::SetGate(Gate::Muted));
    desk.run(Duration::from_millis(10));
    assert!(!desk.is_open());
    desk.run(Duration::from_secs(5));
    assert!(!desk.is_open() && !desk.told_lost());
    desk.send(Command::SetGate(Gate::Voice));
    desk.run(Duration::from_millis(10));
    assert!(desk.is_open());
}

/// An owner, a made-up sound system, and time. Looks at the microphone only; the speaker runs all the time.
struct Desk {
    owner: Owner,
    system: Arc<System>,
    commands: SyncSender<ToOwner>,
    worker: Receiver<ToWorker>,
    events: mpsc::Receiver<Event>,
    now: Instant,
    due: Instant,
    hold_callbacks: bool,
    lost: bool,
}

#[derive(Default)]
struct System {
    inputs: Mutex<Vec<DeviceInfo>>,
    streams: Mutex<Vec<CaptureBody>>,
    faults: Mutex<Option<Arc<Faults>>>,
    speaker: Mutex<Option<crate::audio::playback::PlaybackBody>>,
    opened: AtomicU32,
    alive: Arc<()>,
}

impl Desk {
    fn new() -> Self {
        let now = Instant::now();
        let system = Arc::new(System::default());
        let (commands, inbox) = sync_channel(16);
        let (to_worker, worker) = sync_channel(64);
        let (events_in, events) = mpsc::channel(64);
        let backends = Backends {
            input: Box::new(system.clone()),
            output: None,
            watch_zeros: true,
        };
        let owner = Owner::new(
            backends,
            Default::default(),
            480,
            inbox,
            to_worker,
            Threads::default(),
            events_in,
            Arc::new(Counters::default()),
            now,
        );
        let desk = Self {
            owner,
            system,
            commands,
            worker,
            events,
            now,
            due: now,
            hold_callbacks: false,
            lost: false,
        };
        desk.plug(&["mic"]);
        desk
    }

    fn run(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            if self.now >= self.due {
                self.due = self.owner.tick(self.now);
            }
            self.call();
            while self.worker.try_recv().is_ok() {}
            while let Ok(event) = self.events.try_recv() {
                self.lost |= matches!(event, Event::Lost(Direction::Input, _));
            }
            self.now += Duration::from_millis(10);
        }
    }

    /// The callbacks of all streams.
    fn call(&self) {
        if let Some(speaker) = lock(&self.system.speaker).as_mut() {
            speaker.run(&mut [0.0_f32; 480], |s| s, self.now, None);
        }
        if !self.hold_callbacks
            && let Some(newest) = lock(&self.system.streams).last_mut()
        {
            newest.run(&[0.1_f32; 480], |s| s, self.now, None);
        }
    }

    fn plug(&self, names: &[&str]) {
        *lock(&self.system.inputs) = names
            .iter()
            .map(|name| info(name, *name == names[0]))
            .collect();
    }

    fn report(&mut self, fault: Fault, times: u32) {
        if let Some(faults) = lock(&self.system.faults).as_ref() {
            (0..times).for_each(|_| faults.report(fault));
        }
        // As the callback does by unparking.
        self.due = self.now;
    }

    fn send(&mut self, command: Command) {
        self.commands
            .try_send(ToOwner::Command(command))
            .expect("room for it");
        self.due = self.now;
    }

    fn opened(&self) -> u32 {
        self.system.opened.load(Relaxed)
    }

    fn is_open(&self) -> bool {
        Arc::strong_count(&self.system.alive) > 1
    }

    fn told_lost(&self) -> bool {
        self.lost
    }
}

impl Backend for Arc<System> {
    fn devices(&mut self) -> Devices {
        Devices {
            host: "made up".to_owned(),
            inputs: lock(&self.inputs).clone(),
            outputs: vec![info("speaker", true)],
        }
    }

    fn poll_every(&self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }

    fn open_input(
        &mut self,
        _: &Wish,
        make: MakeCapture<'_>,
        faults: &Arc<Faults>,
    ) -> Result<Opened, OpenError> {
        let Some(device) = lock(&self.inputs).first().cloned() else {
            return Err(OpenError {
                kind: Fault::DeviceNotAvailable,
                what: Fault::DeviceNotAvailable.words("microphone"),
            });
        };
        self.opened.fetch_add(1, Relaxed);
        lock(&self.streams).push(make(format()));
        *lock(&self.faults) = Some(faults.clone());
        Ok(Opened {
            info: stream_of(device),
            stream: Box::new(self.alive.clone()),
        })
    }

    fn open_output(
        &mut self,
        _: &Wish,
        make: MakePlayback<'_>,
        _: &Arc<Faults>,
    ) -> Result<Opened, OpenError> {
        *lock(&self.speaker) = Some(make(format()));
        Ok(Opened {
            info: stream_of(info("speaker", true)),
            stream: Box::new(()),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn info(name: &str, is_default: bool) -> DeviceInfo {
    DeviceInfo {
        id: name.to_owned(),
        name: name.to_owned(),
        is_default,
        headset: false,
    }
}

fn stream_of(device: DeviceInfo) -> StreamInfo {
    StreamInfo {
        device,
        rate: format().rate,
        channels: 1,
        period_frames: Some(480),
    }
}

fn format() -> Format {
    Format {
        rate: SampleRate::new(48_000).expect("not zero"),
        channels: 1,
        period: Some(480),
        held_blocks: 0,
    }
}
