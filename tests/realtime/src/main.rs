//! The bodies of the audio callbacks under RealtimeSanitizer: it ends the process at the first call, between entering
//! and leaving a callback, that may wait (allocation, lock that is held, system call).
//!
//! ```text
//! realtime clean      every body, block, sample format and state: nothing may be reported
//! realtime wake       a worker that sleeps is woken: the one system call there is, so it must be reported
//! realtime allocate   a planted fault: must be reported, or the check is blind
//! realtime wait       a planted lock that is held elsewhere: must be reported
//! ```
//!
//! `scripts/realtime-check` builds and runs all four and looks at how each ended.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread::Thread;
use std::time::{Duration, Instant};

use rtsan_standalone::{ScopedSanitizeRealtime, ensure_initialized};
use sovereign::audio::StreamFormat;
use sovereign::audio::capture::capture;
use sovereign::audio::playback::playback;
use sovereign::base::units::SampleRate;

/// Rounds of `clean` for each number of channels; each makes three callbacks of both bodies.
const ROUNDS: u64 = 40_000;
/// Devices have 1 to 8 channels.
const CHANNELS: std::ops::RangeInclusive<u16> = 1..=8;
/// Longest block tried, in frames.
const LONGEST: usize = 600;

fn main() -> ExitCode {
    ensure_initialized();
    match std::env::args().nth(1).as_deref() {
        Some("clean") => clean(),
        Some("wake") => wake(),
        Some("allocate") => in_callback(|| drop(black_box(vec![0_u8; black_box(100)]))),
        Some("wait") => wait(),
        _ => {
            eprintln!("usage: realtime clean | wake | allocate | wait");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// What the sanitizer takes for a callback.
fn in_callback<T>(body: impl FnOnce() -> T) -> T {
    let _realtime = ScopedSanitizeRealtime::default();
    body()
}

fn clean() {
    // A worker that is awake: unparking it leaves a word for it, without a call.
    let worker = std::thread::current();
    let mut callbacks = 0;
    for channels in CHANNELS {
        callbacks += captures(channels, &worker);
        callbacks += playbacks(channels, &worker);
    }
    println!("{callbacks} callbacks, nothing reported");
}

fn captures(channels: u16, worker: &Thread) -> u64 {
    let (mut body, mut end) = capture(format(channels), Instant::now(), Some(worker.clone()));
    let most = LONGEST * usize::from(channels) + 7;
    let (floats, shorts, bytes) = (vec![0.5_f32; most], vec![7_i16; most], vec![200_u8; most]);
    let mut out = vec![0.0; most];
    let mut random = Random(u64::from(channels));
    for round in 0..ROUNDS {
        // Not always whole frames, sometimes none.
        let n = random.below(most + 1);
        in_callback(|| {
            let now = Instant::now();
            body.run(&floats[..n], |s| s, now, None);
            body.run(&shorts[..n], |s| f32::from(s) / 32_768.0, now, Some(Duration::from_millis(3)));
            body.run(&bytes[..n], |s| (f32::from(s) - 128.0) / 128.0, now, None);
        });
        // For a third of the time the worker is too slow, and the ring overruns.
        while round % 3_000 < 2_000 && end.ring.pop(&mut out) > 0 {}
    }
    3 * ROUNDS
}

fn playbacks(channels: u16, worker: &Thread) -> u64 {
    let (mut body, mut end) = playback(format(channels), Instant::now(), Some(worker.clone()));
    end.wake_below(1_000);
    let most = LONGEST * usize::from(channels) + 7;
    let sound = vec![0.7_f32; 3_000];
    let (mut floats, mut shorts, mut bytes) = (vec![0.0_f32; most], vec![0_i16; most], vec![0_u8; most]);
    let mut random = Random(u64::from(channels));
    for _ in 0..ROUNDS {
        let n = random.below(most + 1);
        // Runs dry, starts again, is flushed in every state.
        end.ring.push(&sound[..random.below(1_500)]);
        if random.below(20) == 0 {
            end.flush();
        }
        in_callback(|| {
            let now = Instant::now();
            body.run(&mut floats[..n], |s| s, now, Some(Duration::from_millis(3)));
            body.run(&mut shorts[..n], |s| (s * 32_767.0) as i16, now, None);
            body.run(&mut bytes[..n], |s| (s * 127.0 + 128.0) as u8, now, None);
        });
        while end.notes.pop_one().is_some() {}
    }
    3 * ROUNDS
}

/// Wakes a worker that sleeps.
fn wake() {
    let worker = std::thread::spawn(std::thread::park);
    let (mut body, _end) = capture(format(1), Instant::now(), Some(worker.thread().clone()));
    std::thread::sleep(Duration::from_millis(300));
    in_callback(|| body.run(&[0.0_f32; 480], |s| s, Instant::now(), None));
    worker.join().expect("woken");
}

/// Takes a lock that another thread holds.
fn wait() {
    let lock = Mutex::new(());
    let held = lock.lock().expect("free");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| in_callback(|| drop(black_box(lock.lock()))));
        std::thread::sleep(Duration::from_millis(300));
        drop(held);
        waiting.join().expect("had the lock");
    });
}

fn format(channels: u16) -> StreamFormat {
    StreamFormat {
        rate: SampleRate::new(48_000).expect("not zero"),
        channels,
        period: Some(512),
        held_blocks: 0,
    }
}

/// The same numbers in every run: xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("below a usize")
    }
}
