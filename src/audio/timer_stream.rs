//! Streams without a device: callback bodies that are run by a timer at the pace of a device.
//!
//! The schedule is absolute, so that it does not drift: block `n` is due `n` blocks after the start, however late the
//! previous one was. Normally each stream has a thread; in a simulation a driver calls them in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::backend::DeviceStream;
use super::capture::CaptureBody;
use super::format::StreamFormat;
use super::playback::PlaybackBody;
use super::stream_fault::{OpenError, StreamFault};
use crate::base::text::t;
use crate::base::units::SampleRate;

/// Lateness after which a schedule restarts.
const LONGEST_CATCH_UP: Duration = Duration::from_secs(2);

/// Source of samples of a virtual microphone.
pub(super) trait SampleSource: Send {
    /// Fills the next mono samples; the first was captured at `start`.
    fn fill(&mut self, out: &mut [f32], start: Instant);
}

/// Sink of samples of a virtual speaker.
pub(super) trait SampleSink: Send {
    /// Takes the next mono samples; the first sounds at `start`. `sounding` is false for silence because nothing plays.
    fn take(&mut self, block: &[f32], sounding: bool, start: Instant);
    /// Called after each block.
    fn tick(&mut self, now: Instant);
}

/// A stream and its schedule.
pub(super) struct TimerStream {
    body: Body,
    rate: SampleRate,
    block: Vec<f32>,
    start: Instant,
    done: u64,
    /// Real seconds per second of the virtual device.
    slowness: f64,
    /// Latency of the virtual device.
    latency: Duration,
    resting: bool,
}

enum Body {
    Input(CaptureBody, Box<dyn SampleSource>),
    Output(PlaybackBody, Box<dyn SampleSink>),
}

impl TimerStream {
    pub(super) fn input(
        format: StreamFormat,
        body: CaptureBody,
        source: Box<dyn SampleSource>,
        now: Instant,
    ) -> Self {
        Self::new(format, Body::Input(body, source), now)
    }

    pub(super) fn output(
        format: StreamFormat,
        body: PlaybackBody,
        sink: Box<dyn SampleSink>,
        latency: Duration,
        now: Instant,
    ) -> Self {
        let mut stream = Self::new(format, Body::Output(body, sink), now);
        stream.latency = latency;
        stream
    }

    fn new(format: StreamFormat, body: Body, now: Instant) -> Self {
        let frames = format.period.unwrap_or(1).max(1);
        Self {
            body,
            rate: format.rate,
            block: vec![0.0; frames as usize],
            start: now,
            done: 0,
            slowness: 1.0,
            latency: Duration::ZERO,
            resting: false,
        }
    }

    /// Sets the clock drift of the virtual device in parts per million.
    pub(super) fn with_drift(mut self, ppm: f64) -> Self {
        self.slowness = 1.0 / (1.0 + ppm * 1e-6);
        self
    }

    /// Sets the reported latency of the virtual device.
    pub(super) fn holding(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Whether it is a microphone.
    pub(super) fn is_input(&self) -> bool {
        matches!(self.body, Body::Input(..))
    }

    /// When the next block is due: at its end for a microphone, at its start for a speaker.
    pub(super) fn due(&self) -> Instant {
        let ahead = match self.body {
            Body::Input(..) => self.block.len() as u64,
            Body::Output(..) => 0,
        };
        let nominal = self.rate.duration_of(self.done + ahead);
        if self.slowness == 1.0 {
            return self.start + nominal;
        }
        self.start + nominal.mul_f64(self.slowness)
    }

    /// Stops the blocks, or lets them go on from where they stopped.
    pub(super) fn rest(&mut self, rests: bool) {
        self.resting = rests;
    }

    /// Runs the body for every block that is due at `now`.
    pub(super) fn run_due(&mut self, now: Instant) {
        if self.resting {
            self.start += now.saturating_duration_since(self.due());
            return;
        }
        // Time during a system sleep is not made up for.
        let late = now.saturating_duration_since(self.due());
        if late > LONGEST_CATCH_UP {
            self.start += late;
        }
        while self.due() <= now {
            self.run(now);
        }
    }

    fn run(&mut self, now: Instant) {
        let due = self.due();
        let length = self.rate.duration_of(self.block.len() as u64);
        // A late thread must not make the samples late: they belong to the instants of the schedule.
        let late = now.saturating_duration_since(due);
        match &mut self.body {
            Body::Input(body, source) => {
                let age = length + self.latency;
                source.fill(&mut self.block, due - age);
                body.run(&self.block, |s| s, now, Some(age + late));
            }
            Body::Output(body, sink) => {
                let sounds = due + self.latency;
                let delay = sounds.saturating_duration_since(now);
                let (rate, mut at) = (self.rate, 0);
                body.run_parts(&mut self.block, now, Some(delay), |part, sounding| {
                    sink.take(part, sounding, sounds + rate.duration_of(at));
                    at += part.len() as u64;
                });
                sink.tick(now);
            }
        }
        self.done += self.block.len() as u64;
    }

    /// Runs the stream on a thread of its own.
    pub(super) fn spawn(mut self, name: &str) -> Result<TimerThread, OpenError> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                while !stopped.load(Relaxed) {
                    let now = Instant::now();
                    self.run_due(now);
                    std::thread::park_timeout(self.due().saturating_duration_since(Instant::now()));
                }
            });
        match thread {
            Ok(thread) => Ok(TimerThread {
                stop,
                thread: Some(thread),
            }),
            Err(error) => Err(OpenError {
                kind: StreamFault::ResourceExhausted,
                what: t!("the-system-refused-a-thread-close", error),
            }),
        }
    }
}

/// The thread of a stream; dropping it ends the stream.
pub(super) struct TimerThread {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl DeviceStream for TimerThread {
    /// Files and nothing cost little, and their schedule tells the time of a recording.
    fn rest(&mut self, _: bool) {}
}

impl Drop for TimerThread {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It ends within one block; a panic in it was reported by the panic hook.
            thread.join().ok();
        }
    }
}
