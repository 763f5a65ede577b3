//! The body of a playback callback: reads mono samples from the ring, writes them to all channels, fades, counts.
//!
//! ```text
//!            ring has samples            ring is empty
//!  Silent ───────────────────▶ Playing ────────────────▶ Tail ─┐
//!    ▲                         │ ▲   │ flush                   │ 5 ms
//!    │◀── flush ── Paused ◀────┘ │   ▼                         │
//!    │               └───────────┘ Fading ◀────────────────────┤
//!    └─────────────────────────────────────────────────────────┘
//! ```
//!
//! The worker sets a level: full, ducked, or zero. At zero playback pauses: no sample is read, and it resumes from the
//! same position. All output is also written to a second ring, the tap, as reference for the echo canceller.
//!
//! Nothing is cut off: sound that starts is faded in, a flush fades out the next samples and discards the rest, and
//! where samples run out the last one is held and faded. As in the capture body there is no allocation, no lock and no
//! system call but one unpark of the worker, when the ring falls below the worker's mark or there are notes.

mod duck_level;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{
    AtomicU64, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use std::thread::Thread;
use std::time::{Duration, Instant};

pub use self::duck_level::{DuckLevel, FADE};
use self::duck_level::{GainRamp, Reached};
use super::format::StreamFormat;
use super::stream_timestamps::{Stamp, StreamTimestamps};
use crate::base::ring::{Reader, Writer, ring};

/// Capacity of the ring. The worker keeps far less in it.
const ROOM: Duration = Duration::from_millis(500);
/// Capacity of the tap: the time the worker may be late before the canceller loses samples.
const TAP_ROOM: Duration = Duration::from_secs(1);
/// Frames rendered at once.
const BLOCK: usize = 256;
/// Capacity for notes. Each follows from an action of the worker, so few are ever pending.
const NOTES: usize = 64;
/// Amplitude below which a tail is inaudible (-80 dBFS): the sound ended by itself.
const INAUDIBLE: f32 = 1e-4;

/// Notes to the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// Playback started after silence: this sample at this position.
    Started {
        /// Index in the flow through the ring.
        index: u64,
        /// Frame counter of the stream.
        position: u64,
    },
    /// The ring ran dry: the next sample would have been this one, at this position.
    Dry {
        /// Index in the flow through the ring.
        index: u64,
        /// Frame counter of the stream.
        position: u64,
    },
    /// The ducked level was reached at this position.
    Ducked {
        /// Frame counter of the stream.
        position: u64,
    },
    /// Playback paused: this sample is the next one, and silence began at this position.
    Paused {
        /// Index in the flow through the ring.
        index: u64,
        /// Frame counter of the stream.
        position: u64,
    },
    /// A flush took effect: samples below `index` were played, those up to the flush mark discarded.
    Flushed {
        /// Index in the flow through the ring.
        index: u64,
        /// Frame counter at which silence began.
        position: u64,
    },
}

/// Requests of the worker to the body.
#[derive(Default)]
struct Control {
    /// Number of flushes requested.
    flushes: AtomicU64,
    /// Samples below this index are discarded.
    flush_below: AtomicU64,
    /// Fill level below which the worker is woken.
    wake_below: AtomicUsize,
    /// Target level.
    level: duck_level::SharedLevel,
}

/// The callback side of an output stream.
pub struct PlaybackBody {
    ring: Reader<f32>,
    notes: Writer<Note>,
    tap: Writer<f32>,
    /// The tap was full: nothing is written until the worker has emptied it, so that a gap has one position.
    tap_overrun: bool,
    gain: GainRamp,
    timestamps: Arc<StreamTimestamps>,
    control: Arc<Control>,
    worker: Option<Thread>,
    channels: usize,
    /// Raised cosine from 0 to 1.
    fade: Box<[f32]>,
    state: State,
    /// Position on `fade`; its end is full volume.
    step: usize,
    /// The last sample taken from the ring.
    last: f32,
    position: u64,
    flushes: u64,
    news: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Silent,
    Playing,
    /// The level is zero: samples stay in the ring.
    Paused,
    /// Dry: the last sample is held and faded.
    Tail,
    /// Flushing: the next samples are faded.
    Fading,
}

/// The worker side of an output stream.
pub struct PlaybackEnd {
    /// Mono samples at the stream's rate.
    pub ring: Writer<f32>,
    /// Notes of the callbacks.
    pub notes: Reader<Note>,
    /// All samples written to the stream, silence included: sample `n` is at position `n` while none was dropped. Lost
    /// samples lie between those in the full ring and later ones.
    pub tap: Reader<f32>,
    /// Timestamps of the callbacks.
    pub timestamps: Arc<StreamTimestamps>,
    /// Format of the stream.
    pub format: StreamFormat,
    control: Arc<Control>,
}

/// Creates both sides of an output stream. `worker` is unparked if given (not in a simulation).
pub fn playback(
    format: StreamFormat,
    epoch: Instant,
    worker: Option<Thread>,
) -> (PlaybackBody, PlaybackEnd) {
    // The worker keeps less than a tenth of a second plus a period, which may be long.
    let period = format.period.unwrap_or(0) as usize;
    let (writer, reader) = ring(format.rate.samples_in(ROOM) + 2 * period);
    let (notes_in, notes_out) = ring(NOTES);
    let (tap_in, tap_out) = ring(format.rate.samples_in(TAP_ROOM));
    let timestamps = Arc::new(StreamTimestamps::new(epoch));
    let control = Arc::new(Control::default());
    let body = PlaybackBody {
        ring: reader,
        notes: notes_in,
        tap: tap_in,
        tap_overrun: false,
        gain: GainRamp::new(format.rate),
        timestamps: timestamps.clone(),
        control: control.clone(),
        worker,
        channels: usize::from(format.channels.max(1)),
        fade: raised_cosine(format.rate.samples_in(FADE)),
        state: State::Silent,
        step: 0,
        last: 0.0,
        position: 0,
        flushes: 0,
        news: false,
    };
    let end = PlaybackEnd {
        ring: writer,
        notes: notes_out,
        tap: tap_out,
        timestamps,
        format,
        control,
    };
    (body, end)
}

impl PlaybackEnd {
    /// Requests a fade-out and drops all that is in the ring now; answered by [`Note::Flushed`].
    pub fn flush(&self) {
        self.control.flush_below.store(self.ring.written(), Relaxed);
        self.control.flushes.fetch_add(1, Release);
    }

    /// Sets the level, with a glide of [`FADE`].
    pub fn set_level(&self, level: DuckLevel) {
        self.control.level.set(level);
    }

    /// Sets the fill level below which the worker is woken during playback.
    pub fn wake_below(&self, samples: usize) {
        self.control.wake_below.store(samples, Relaxed);
    }
}

impl PlaybackBody {
    /// Fills a block of interleaved samples; an incomplete last frame gets silence. `delay` is the time from `now`
    /// until the first frame sounds, if the host reports it.
    pub fn run<T: Copy>(
        &mut self,
        block: &mut [T],
        from_f32: impl Fn(f32) -> T,
        now: Instant,
        delay: Option<Duration>,
    ) {
        let frames = block.len() / self.channels;
        self.begin(frames, now, delay);
        let mut mono = [0.0; BLOCK];
        let whole = frames * self.channels;
        for part in block[..whole].chunks_mut(BLOCK * self.channels) {
            let mono = &mut mono[..part.len() / self.channels];
            let mut done = 0;
            while done < mono.len() {
                done += self.render(&mut mono[done..]).0;
            }
            self.tap(mono);
            for (frame, &sample) in part.chunks_exact_mut(self.channels).zip(mono.iter()) {
                frame.fill(from_f32(sample));
            }
        }
        block[whole..].fill(from_f32(0.0));
        self.end();
    }

    /// As [`PlaybackBody::run`] for one channel, but reports which parts of the block are sound and which are silence
    /// because nothing plays: a file takes the former only.
    pub fn run_parts(
        &mut self,
        block: &mut [f32],
        now: Instant,
        delay: Option<Duration>,
        mut part: impl FnMut(&[f32], bool),
    ) {
        self.begin(block.len(), now, delay);
        let mut done = 0;
        while done < block.len() {
            let (n, sounding) = self.render(&mut block[done..]);
            part(&block[done..done + n], sounding);
            done += n;
        }
        self.tap(block);
        self.end();
    }

    fn begin(&mut self, frames: usize, now: Instant, delay: Option<Duration>) {
        self.timestamps.publish(Stamp {
            position: self.position,
            frames: frames as u64,
            at: now,
            latency: delay,
        });
    }

    fn end(&mut self) {
        let low =
            self.state == State::Playing && self.ring.len() < self.control.wake_below.load(Relaxed);
        if (low || self.news)
            && let Some(worker) = &self.worker
        {
            worker.unpark();
        }
        self.news = false;
    }

    /// Writes the start of `out`; returns its length, and whether it is sound.
    fn render(&mut self, out: &mut [f32]) -> (usize, bool) {
        self.notice_flush();
        let (n, sounding) = match self.state {
            State::Silent => self.silent(out),
            State::Playing => (self.playing(out), true),
            State::Paused => self.paused(out),
            State::Tail => (self.falling(out, false), true),
            State::Fading => (self.falling(out, true), true),
        };
        self.position += n as u64;
        (n, sounding)
    }

    fn notice_flush(&mut self) {
        let flushes = self.control.flushes.load(Acquire);
        if flushes != self.flushes {
            match self.state {
                State::Silent | State::Paused => {
                    self.state = State::Silent;
                    self.discard();
                }
                State::Playing | State::Tail => self.state = State::Fading,
                State::Fading => {}
            }
        }
    }

    fn silent(&mut self, out: &mut [f32]) -> (usize, bool) {
        self.gain.jump(self.control.level.get());
        if self.ring.is_empty() || self.gain.is_zero() {
            out.fill(0.0);
            return (out.len(), false);
        }
        self.send_note(Note::Started {
            index: self.ring.read(),
            position: self.position,
        });
        self.state = State::Playing;
        self.step = 0;
        (0, true)
    }

    /// Silence until the level is raised.
    fn paused(&mut self, out: &mut [f32]) -> (usize, bool) {
        self.gain.aim(self.control.level.get());
        if self.gain.is_zero() {
            out.fill(0.0);
            return (out.len(), false);
        }
        self.send_note(Note::Started {
            index: self.ring.read(),
            position: self.position,
        });
        // The gain serves as fade-in.
        self.step = self.fade.len() - 1;
        self.state = State::Playing;
        (0, true)
    }

    fn playing(&mut self, out: &mut [f32]) -> usize {
        self.gain.aim(self.control.level.get());
        if self.gain.is_zero() {
            self.send_note(Note::Paused {
                index: self.ring.read(),
                position: self.position,
            });
            self.state = State::Paused;
            return 0;
        }
        let most = out.len().min(self.gain.steps_to_zero());
        let n = self.ring.pop(&mut out[..most]);
        if n == 0 {
            self.send_note(Note::Dry {
                index: self.ring.read(),
                position: self.position,
            });
            self.state = if self.last.abs() < INAUDIBLE {
                State::Silent
            } else {
                State::Tail
            };
            return 0;
        }
        self.last = out[n - 1];
        let full = self.fade.len() - 1;
        for sample in &mut out[..n.min(full - self.step)] {
            self.step += 1;
            *sample *= self.fade[self.step];
        }
        if let Some(Reached { after }) = self.gain.apply(&mut out[..n]) {
            self.send_note(Note::Ducked {
                position: self.position + after as u64,
            });
        }
        n
    }

    /// Fades out, with samples of the ring if `from_ring`, otherwise or afterwards with the last sample held.
    fn falling(&mut self, out: &mut [f32], from_ring: bool) -> usize {
        let n = out.len().min(self.step);
        let out = &mut out[..n];
        let taken = if from_ring {
            // Samples after the flush request are not part of it.
            let below = self.control.flush_below.load(Relaxed);
            let old = below.saturating_sub(self.ring.read());
            let old = usize::try_from(old).unwrap_or(usize::MAX).min(n);
            self.ring.pop(&mut out[..old])
        } else {
            0
        };
        if taken > 0 {
            self.last = out[taken - 1];
        }
        out[taken..].fill(self.last);
        for sample in out.iter_mut() {
            self.step -= 1;
            *sample *= self.fade[self.step];
        }
        self.gain.apply(out);
        if self.step == 0 {
            self.state = State::Silent;
        }
        n
    }

    fn discard(&mut self) {
        // Acquire above: the mark belongs to this flush or to a later one.
        self.flushes = self.control.flushes.load(Acquire);
        let index = self.ring.read();
        let below = self.control.flush_below.load(Relaxed);
        let surplus = below.saturating_sub(index);
        self.ring
            .skip(usize::try_from(surplus).unwrap_or(usize::MAX));
        self.send_note(Note::Flushed {
            index,
            position: self.position,
        });
    }

    /// Writes the output to the tap.
    fn tap(&mut self, written: &[f32]) {
        self.tap_overrun &= !self.tap.is_empty();
        let pushed = if self.tap_overrun {
            0
        } else {
            self.tap.push(written)
        };
        if pushed < written.len() {
            self.tap_overrun = true;
            self.tap.count_dropped((written.len() - pushed) as u64);
        }
    }

    fn send_note(&mut self, note: Note) {
        if self.notes.push(&[note]) == 0 {
            self.notes.count_dropped(1);
        }
        self.news = true;
    }
}

fn raised_cosine(steps: usize) -> Box<[f32]> {
    let steps = steps.max(1);
    (0..=steps)
        .map(|i| 0.5 - 0.5 * (std::f32::consts::PI * i as f32 / steps as f32).cos())
        .collect()
}
