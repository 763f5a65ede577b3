use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use super::*;
use crate::audio::DeviceInfo;
use crate::audio::VoiceSettings;
use crate::audio::backend::{Backend, DeviceStream, MakeCapture, MakePlayback};
use crate::audio::capture::CaptureBody;
use crate::audio::format::StreamFormat;
use crate::audio::stream_fault::Policy;
use crate::base::units::SampleRate;
use crate::profile::{DEFAULT, builtin};

#[test]
fn a_speaker_rests_and_is_not_taken_for_stalled() {
    let mut desk = Desk::new();
    desk.run(Duration::from_secs(1));
    let rest = desk.speaker_switch.take().expect("opened");
    let rests = desk.system.speaker_rests.clone();
    rest.set(true);
    desk.run(Duration::from_secs(1));
    assert!(rests.load(Relaxed));
    // No callbacks for long, and a while longer until the device is back.
    let speaker = lock(&desk.system.speaker).take();
    desk.run(Duration::from_secs(60));
    assert_eq!(desk.speakers(), 1, "while it rests");
    rest.set(false);
    desk.run(Duration::from_secs(2));
    assert!(!rests.load(Relaxed));
    *lock(&desk.system.speaker) = speaker;
    desk.run(Duration::from_secs(5));
    assert_eq!(desk.speakers(), 1);
    // One that does not come back is opened again.
    rest.set(true);
    desk.run(Duration::from_secs(1));
    lock(&desk.system.speaker).take();
    rest.set(false);
    desk.run(Duration::from_secs(5));
    assert!(desk.speakers() > 1);
}

#[test]
fn every_fault_of_a_running_stream_is_met_by_its_policy() {
    for fault in StreamFault::ALL {
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
            Policy::SpendMore => (1, 1),
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
        desk.report(StreamFault::BackendError, 50_000);
        desk.run(Duration::from_millis(100));
    }
    // 0, 0.25, 0.5, 1, 2, 4, 4, … seconds apart over a minute.
    assert!((10..=22).contains(&desk.opened()), "{}", desk.opened());
    assert!(desk.reported_lost());
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
    assert!(desk.reported_lost());
    desk.hold_callbacks = false;
    desk.run(Duration::from_secs(10));
    let opened = desk.opened();
    desk.run(Duration::from_secs(20));
    assert_eq!(desk.opened(), opened, "it runs");
}

#[test]
fn a_microphone_that_goes_is_reported_and_one_that_comes_is_used() {
    let mut desk = Desk::new();
    desk.run(Duration::from_secs(2));
    desk.plug(&[]);
    desk.run(Duration::from_millis(1_500));
    assert!(desk.reported_lost());
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
    assert!(!desk.reported_lost());
}

#[test]
fn a_muted_microphone_is_let_go_at_once() {
    let mut desk = Desk::new();
    desk.run(Duration::from_secs(2));
    desk.change(|wanted| wanted.gate = Gate::Muted);
    desk.run(Duration::from_millis(10));
    assert!(!desk.is_open());
    desk.run(Duration::from_secs(5));
    assert!(!desk.is_open() && !desk.reported_lost());
    desk.change(|wanted| wanted.gate = Gate::Voice);
    desk.run(Duration::from_millis(10));
    assert!(desk.is_open());
}

#[test]
fn a_chosen_microphone_that_goes_is_stood_in_for_and_returned_to() {
    let mut desk = Desk::new();
    desk.plug(&["built-in", "usb"]);
    desk.choose("usb");
    desk.run(ms(2_000));
    assert_eq!(desk.used(), "usb");
    desk.plug(&["built-in"]);
    desk.run(ms(1_100));
    assert_eq!(desk.used(), "built-in", "within one poll");
    let gone = "usb was unplugged: using built-in until it is back.";
    assert_eq!(desk.moved, [(gone.to_owned(), None, false)]);
    assert!(!desk.reported_lost(), "sound goes on");
    desk.run(ms(5_000));
    assert_eq!(desk.moved.len(), 1, "reported once");

    desk.plug(&["built-in", "usb"]);
    desk.run(ms(1_000 + 300 + 100));
    assert_eq!(desk.used(), "usb", "within a poll and the time to settle");
    let back = "usb is back: it is used again.";
    let reported = (back.to_owned(), Some(gone.to_owned()), true);
    assert_eq!(desk.moved[1..], [reported]);
    assert_eq!(desk.opened(), 3, "usb, built-in, usb");
}

#[test]
fn a_device_that_was_never_seen_is_named_by_its_id() {
    let mut desk = Desk::new();
    desk.choose("pulseaudio:away");
    desk.run(ms(1_000));
    assert_eq!(desk.used(), "mic");
    let what = "The microphone that was chosen (pulseaudio:away) is not there: using mic until it is back.";
    assert_eq!(desk.moved, [(what.to_owned(), None, false)]);
}

#[test]
fn a_bluetooth_microphone_stands_in_only_if_there_is_no_other() {
    let mut desk = Desk::new();
    desk.plug(&["bluez_input.AA", "usb", "desk"]);
    desk.choose("desk");
    desk.run(ms(2_000));
    desk.plug(&["bluez_input.AA", "usb"]);
    desk.run(ms(2_000));
    assert_eq!(desk.used(), "usb");
    desk.plug(&["bluez_input.AA"]);
    desk.run(ms(2_000));
    assert_eq!(desk.used(), "bluez_input.AA");
    let (what, before, settled) = desk.moved.last().expect("reported").clone();
    assert_eq!(
        what,
        "desk was unplugged: using bluez_input.AA until it is back."
    );
    assert_eq!(
        before.as_deref(),
        Some("desk was unplugged: using usb until it is back."),
        "what holds no more is taken back"
    );
    assert!(!settled);
}

#[test]
fn the_last_chosen_microphone_that_goes_is_lost_by_its_name() {
    let mut desk = Desk::new();
    desk.choose("mic");
    desk.run(ms(2_000));
    desk.plug(&[]);
    desk.run(ms(1_100));
    assert!(!desk.is_open());
    let what = "mic was unplugged, and there is no other microphone. Plug one in; it is used as soon as it appears.";
    assert_eq!(desk.lost, [what]);
    desk.run(ms(30_000));
    assert_eq!(
        desk.lost.len(),
        1,
        "reported once, however often it is tried"
    );
    desk.plug(&["mic"]);
    desk.run(ms(1_100));
    assert!(desk.is_open());
    let reported = ("mic is used now.".to_owned(), None, true);
    assert_eq!(desk.moved, [reported]);
}

#[test]
fn an_unplugged_default_is_named_and_its_return_too() {
    let mut desk = Desk::new();
    desk.plug(&["mic", "spare"]);
    desk.run(ms(2_000));
    desk.plug(&["spare"]);
    desk.run(ms(1_100));
    assert_eq!(desk.used(), "spare");
    desk.plug(&["mic", "spare"]);
    desk.run(ms(1_100));
    assert_eq!(desk.used(), "mic");
    let gone = "mic was unplugged: using spare.".to_owned();
    let back = "mic is back: it is used again.".to_owned();
    assert_eq!(
        desk.moved,
        [(gone.clone(), None, false), (back, Some(gone), true)]
    );
    assert!(!desk.reported_lost());
}

#[test]
fn a_stream_that_reports_its_device_gone_is_replaced_at_once() {
    let mut desk = Desk::new();
    desk.plug(&["spare", "usb"]);
    desk.choose("usb");
    desk.run(ms(2_300));
    // Between two polls.
    desk.plug(&["spare"]);
    desk.report(StreamFault::DeviceNotAvailable, 1);
    desk.run(ms(20));
    assert_eq!(desk.used(), "spare");
    assert_eq!(desk.moved.len(), 1);
}

#[test]
fn the_loss_of_the_last_device_is_reported_at_once() {
    let mut desk = Desk::new();
    // Just opened: the next try is a second away.
    desk.run(ms(50));
    desk.plug(&[]);
    desk.report(StreamFault::DeviceNotAvailable, 1);
    desk.run(ms(20));
    assert_eq!(
        desk.lost,
        [StreamFault::DeviceNotAvailable.words("microphone")]
    );
    desk.run(ms(5_000));
    assert_eq!(desk.lost.len(), 1);
}

#[test]
fn what_was_said_of_a_stand_in_is_taken_back_when_that_goes_too() {
    let mut desk = Desk::new();
    desk.plug(&["mic", "spare"]);
    desk.run(ms(2_000));
    desk.plug(&["spare"]);
    desk.run(ms(2_000));
    let reported = "mic was unplugged: using spare.".to_owned();
    assert_eq!(desk.moved, [(reported.clone(), None, false)]);
    desk.plug(&[]);
    desk.run(ms(1_100));
    assert_eq!(desk.taken_back, [reported]);
    assert_eq!(desk.lost.len(), 1);
    desk.plug(&["mic"]);
    desk.run(ms(1_100));
    assert_eq!(
        desk.moved[1..],
        [("mic is used now.".to_owned(), None, true)]
    );
}

#[test]
fn a_flapping_device_costs_a_stream_a_second_and_nothing_piles_up() {
    for choice in [None, Some("usb")] {
        // Three flaps a second to one in two seconds; the default goes with the device.
        for half_ms in [150, 350, 700, 1_000] {
            let mut desk = Desk::new();
            desk.plug(&["usb", "spare"]);
            choice.into_iter().for_each(|id| desk.choose(id));
            desk.run(ms(5_000));
            let (start, before) = (desk.now, desk.opened());
            let mut retiring = 0;
            while desk.now < start + ms(60_000) {
                desk.plug(&["spare"]);
                desk.run(ms(half_ms));
                desk.plug(&["usb", "spare"]);
                desk.run(ms(half_ms));
                retiring = retiring.max(desk.manager.input.retiring());
            }
            let opened = desk.opened() - before;
            assert!(opened <= 62, "{opened} streams in a minute");
            assert!(retiring <= 3, "{retiring} old streams");
            assert!(desk.manager.unsent.is_empty());
            desk.run(ms(3_000));
            assert_eq!(desk.used(), "usb");
        }
    }
}

#[test]
fn after_a_sleep_both_devices_are_reopened_at_once() {
    let mut desk = Desk::new();
    desk.plug(&["built-in", "usb"]);
    desk.choose("usb");
    desk.run(ms(10_000));
    let (before, speakers) = (desk.opened(), desk.speakers());
    // An hour in which nothing ran.
    desk.now += Duration::from_secs(3_600);
    desk.manager.resume(desk.now);
    desk.due = desk.now;
    desk.run(ms(50));
    assert_eq!((desk.opened(), desk.speakers()), (before + 1, speakers + 1));
    assert_eq!(desk.used(), "usb");
    assert!(
        !desk.reported_lost() && desk.moved.is_empty(),
        "nothing to say"
    );
    // What was taken away meanwhile is stood in for.
    desk.run(ms(5_000));
    desk.plug(&["built-in"]);
    desk.now += Duration::from_secs(60);
    desk.manager.resume(desk.now);
    desk.due = desk.now;
    desk.run(ms(50));
    assert_eq!(desk.used(), "built-in");
    // It is named, also where no certain one was chosen.
    let mut desk = Desk::new();
    desk.plug(&["mic", "spare"]);
    desk.run(ms(5_000));
    desk.plug(&["spare"]);
    desk.manager.resume(desk.now);
    desk.due = desk.now;
    desk.run(ms(50));
    let gone = "mic was unplugged: using spare.";
    assert_eq!(desk.moved, [(gone.to_owned(), None, false)]);
}

#[test]
fn a_storm_of_xruns_lengthens_the_period_and_calm_shortens_it_at_the_next_opening() {
    let mut desk = Desk::new();
    desk.run(ms(5_000));
    for expected in [960, 1_920, 1_920] {
        desk.report(StreamFault::Xrun, 100);
        desk.run(ms(10_000));
        assert_eq!(desk.asked(), expected);
    }
    let opened = desk.opened();
    desk.run(ms(120_000));
    assert_eq!(desk.opened(), opened, "never opened for that alone");
    for expected in [960, 960] {
        desk.report(StreamFault::StreamInvalidated, 1);
        desk.run(ms(10_000));
        assert_eq!(desk.asked(), expected);
    }
    desk.run(ms(60_000));
    desk.report(StreamFault::StreamInvalidated, 1);
    desk.run(ms(2_000));
    assert_eq!(desk.asked(), 480);
}

#[test]
fn a_period_is_too_long_by_its_time_not_by_its_frames() {
    let stream = |hz, frames| StreamInfo {
        rate: SampleRate::new(hz).expect("not zero"),
        period_frames: frames,
        ..stream_of(info("speaker", true))
    };
    for (hz, frames, longer) in [
        (48_000, Some(512), false),
        (48_000, Some(1_024), false),
        (48_000, Some(1_025), true),
        (192_000, Some(4_096), false),
        (8_000, Some(512), true),
        (48_000, None, false),
    ] {
        assert_eq!(
            is_longer(&stream(hz, frames), 512),
            longer,
            "{hz} {frames:?}"
        );
    }
    assert!(stream(16_000, None).narrowband() && stream(8_000, None).narrowband());
    assert!(!stream(44_100, None).narrowband());
}

#[test]
fn a_busy_or_forbidden_device_is_retried_with_back_off_and_reported_once() {
    for (kind, word) in [
        (StreamFault::DeviceBusy, "another program"),
        (StreamFault::PermissionDenied, "privacy settings"),
    ] {
        let mut desk = Desk::new();
        *lock(&desk.system.refuse) = Some(kind);
        desk.run(ms(60_000));
        // 0, 0.25, 0.75, 1.75, 3.75, 7.75, then every 4 s.
        assert_eq!(desk.system.tried.load(Relaxed), 19, "{kind:?}");
        assert_eq!(desk.lost.len(), 1, "{:?}", desk.lost);
        assert!(desk.lost[0].contains(word), "{:?}", desk.lost);
        *lock(&desk.system.refuse) = None;
        desk.run(ms(4_010));
        assert!(desk.is_open());
    }
}

#[test]
fn no_storm_floods_the_log() {
    let lines = Arc::new(AtomicU32::new(0));
    let counting = Counting(lines.clone());
    tracing::subscriber::with_default(counting, || {
        for fault in StreamFault::ALL {
            let mut desk = Desk::new();
            desk.run(ms(5_000));
            lines.store(0, Relaxed);
            for _ in 0..600 {
                desk.report(fault, 10_000);
                desk.run(ms(100));
            }
            let lines = lines.load(Relaxed);
            // The fault, the rebuilding, the opening: each at most once a second.
            let most = if fault.policy() == Policy::SpendMore {
                1
            } else {
                180
            };
            assert!(lines <= most, "{lines} lines in a minute of {fault:?}");
            assert!(lines > 0, "{fault:?} is not reported");
        }
    });
}

/// Counts what is logged at INFO and above.
struct Counting(Arc<AtomicU32>);

impl tracing::Subscriber for Counting {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::INFO
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Relaxed);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// A stream manager, a simulated sound system, and time. Checks the microphone only; the speaker runs all the time.
struct Desk {
    manager: StreamManager,
    system: Arc<System>,
    wanted: VoiceSettings,
    commands: SyncSender<ToStreamManager>,
    worker: mpsc::Receiver<ToWorker>,
    events: mpsc::Receiver<VoiceEvent>,
    now: Instant,
    due: Instant,
    /// That of the newest speaker.
    speaker_switch: Option<Arc<RestSwitch>>,
    hold_callbacks: bool,
    lost: Vec<String>,
    /// What was said, what it takes back, whether all is as it was meant.
    moved: Vec<(String, Option<String>, bool)>,
    /// What was taken back without a word.
    taken_back: Vec<String>,
}

#[derive(Default)]
struct System {
    inputs: Mutex<Vec<DeviceInfo>>,
    streams: Mutex<Vec<CaptureBody>>,
    faults: Mutex<Option<Arc<FaultCounts>>>,
    speaker: Mutex<Option<crate::audio::playback::PlaybackBody>>,
    opened: AtomicU32,
    speakers: AtomicU32,
    tried: AtomicU32,
    refuse: Mutex<Option<StreamFault>>,
    used: Mutex<String>,
    asked: AtomicU32,
    alive: Arc<()>,
    speaker_rests: Arc<AtomicBool>,
}

struct TestStream {
    _alive: Option<Arc<()>>,
    rests: Arc<AtomicBool>,
}

impl DeviceStream for TestStream {
    fn rest(&mut self, rests: bool) {
        self.rests.store(rests, Relaxed);
    }
}

impl Desk {
    fn new() -> Self {
        let now = Instant::now();
        let system = Arc::new(System::default());
        let (commands, inbox) = sync_channel(16);
        let (to_worker, worker) = mpsc::channel(64);
        let (events_in, events) = mpsc::channel(64);
        let backends = Backends {
            input: Box::new(system.clone()),
            output: None,
            watch_zeros: true,
        };
        let manager = StreamManager::new(
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
            manager,
            system,
            wanted: VoiceSettings {
                period_frames: 480,
                ..VoiceSettings::new(builtin(DEFAULT).expect("built in"))
            },
            commands,
            worker,
            events,
            now,
            due: now,
            speaker_switch: None,
            hold_callbacks: false,
            lost: Vec::new(),
            moved: Vec::new(),
            taken_back: Vec::new(),
        };
        desk.plug(&["mic"]);
        desk
    }

    fn run(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            if self.now >= self.due {
                self.due = self.manager.tick(self.now);
            }
            self.call();
            while let Ok(message) = self.worker.try_recv() {
                if let ToWorker::Output { rest, .. } = message {
                    self.speaker_switch = Some(rest);
                }
            }
            while let Ok(event) = self.events.try_recv() {
                match event {
                    VoiceEvent::Lost(Direction::Input, what) => self.lost.push(what),
                    VoiceEvent::Moved {
                        direction: Direction::Input,
                        what: Some(what),
                        before,
                        settled,
                    } => self.moved.push((what, before, settled)),
                    VoiceEvent::Moved {
                        what: None, before, ..
                    } => self.taken_back.extend(before),
                    _ => {}
                }
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

    fn report(&mut self, fault: StreamFault, times: u32) {
        if let Some(faults) = lock(&self.system.faults).as_ref() {
            (0..times).for_each(|_| faults.report(fault));
        }
        // As the callback does by unparking.
        self.due = self.now;
    }

    fn change(&mut self, change: impl FnOnce(&mut VoiceSettings)) {
        change(&mut self.wanted);
        self.send(VoiceCommand::Settings(Arc::new(self.wanted.clone())));
    }

    fn send(&mut self, command: VoiceCommand) {
        self.commands
            .try_send(ToStreamManager::Command(command))
            .expect("room for it");
        self.due = self.now;
    }

    fn opened(&self) -> u32 {
        self.system.opened.load(Relaxed)
    }

    fn is_open(&self) -> bool {
        Arc::strong_count(&self.system.alive) > 1
    }

    fn reported_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    fn choose(&mut self, id: &str) {
        self.change(|wanted| wanted.input = DeviceChoice::Id(id.to_owned()));
        self.run(ms(10));
    }

    /// The microphone that was opened last.
    fn used(&self) -> String {
        assert!(self.is_open());
        lock(&self.system.used).clone()
    }

    /// The period that was asked for last.
    fn asked(&self) -> u32 {
        self.system.asked.load(Relaxed)
    }

    fn speakers(&self) -> u32 {
        self.system.speakers.load(Relaxed)
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
        request: &OpenRequest,
        make: MakeCapture<'_>,
        faults: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError> {
        self.tried.fetch_add(1, Relaxed);
        let refused = |kind: StreamFault| OpenError {
            kind,
            what: kind.words("microphone"),
        };
        if let Some(kind) = *lock(&self.refuse) {
            return Err(refused(kind));
        }
        let list = lock(&self.inputs).clone();
        let found = match &request.choice {
            DeviceChoice::Default => list.iter().find(|d| d.is_default),
            DeviceChoice::Id(id) => list.iter().find(|d| d.id == *id),
        };
        let device = found
            .ok_or_else(|| refused(StreamFault::DeviceNotAvailable))?
            .clone();
        self.opened.fetch_add(1, Relaxed);
        lock(&self.used).clone_from(&device.id);
        self.asked.store(request.period, Relaxed);
        lock(&self.streams).push(make(format()));
        *lock(&self.faults) = Some(faults.clone());
        Ok(OpenedStream {
            info: stream_of(device),
            stream: Box::new(TestStream {
                _alive: Some(self.alive.clone()),
                rests: Arc::default(),
            }),
        })
    }

    fn open_output(
        &mut self,
        _: &OpenRequest,
        make: MakePlayback<'_>,
        _: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError> {
        self.speakers.fetch_add(1, Relaxed);
        *lock(&self.speaker) = Some(make(format()));
        Ok(OpenedStream {
            info: stream_of(info("speaker", true)),
            stream: Box::new(TestStream {
                _alive: None,
                rests: self.speaker_rests.clone(),
            }),
        })
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
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

fn format() -> StreamFormat {
    StreamFormat {
        rate: SampleRate::new(48_000).expect("not zero"),
        channels: 1,
        period: Some(480),
        held_blocks: 0,
    }
}
