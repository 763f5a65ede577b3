//! The far-end reference: what the speaker sounded while a frame was captured, for the echo canceller.
//!
//! ```text
//! tap of the output stream ─▶ Converter ─▶ 16 kHz, numbered by place ─▶ read at a fractional cursor ─▶ 160 samples
//!                                                     ▲
//!             instant of the frame ─▶ clock of the output stream ─▶ place where the cursor should be
//! ```
//!
//! Microphone and speaker count samples by crystals of their own. Each stream's clock is tied to the monotonic clock, so
//! the place that belongs to a frame's instant is known; the cursor follows it by reading a little faster or slower. So
//! drift is compensated by measurement, and the delay that the canceller sees stays the same. A canceller alone takes 10
//! dB of harm from 100 ppm (`audio.md` §1.3).
//!
//! Reading at any place between samples is done here and not by rubato, because the place itself must be known exactly.

use std::collections::VecDeque;
use std::f32::consts::PI;
use std::time::{Duration, Instant};

use super::clock::SampleClock;
use super::convert::Converter;
use super::speaker::Tap;
use crate::base::frame::FRAME_SAMPLES;
use crate::base::units::SampleRate;

/// The reference runs ahead of the frame by this much, so that an echo never comes before its cause when a host tells
/// the speaker's latency wrong. What sounds so soon has been written already: a frame is 10 ms old when it is complete.
const LEAD: Duration = Duration::from_millis(8);
/// A cursor that stays further ahead than this jumps, 20 ms: a stream has starved or was opened anew …
const AHEAD: f64 = 320.0;
/// … and one that stays further behind than this, 4 ms: an echo would come before its cause.
const BEHIND: f64 = 64.0;
/// This far off, 50 ms, is no wrong word of a host: sound was lost.
const LOST: f64 = 800.0;
/// Frames that it must stay there: hosts now and then tell a latency that is wrong by a block.
const STAYS: u32 = 10;
/// The cursor makes up for its distance within so many samples, 4 s: slow enough that the jitter of the clocks (0.1 ms)
/// makes less than 30 ppm of it.
const CATCH_UP: f64 = 64_000.0;
/// Fastest glide, 400 ppm: crystals are within ±300, and a canceller bears no more (`tests/measured/echo-loss.md`).
const GLIDE: f64 = 0.000_4;
/// Taps of the interpolating filter, and points of it between two samples: 70 dB below the signal up to 6 kHz.
const TAPS: usize = 16;
const PHASES: usize = 256;
/// Kept ahead of the cursor at most; more means that nobody reads.
const MOST: usize = 32_000;
/// Taken from the tap at once.
const PIECE: usize = 1_024;

/// See the [module](self).
pub(super) struct Reference {
    converter: Option<Converter>,
    /// Position in the stream of the converter's first sample.
    base: u64,
    /// Frames that came out of the tap or were lost.
    position: u64,
    dropped: u64,
    taps: u32,
    /// At the working rate, from place `first` on.
    samples: VecDeque<f32>,
    first: u64,
    /// Place of the next frame's first sample; `None` until the clock is known.
    cursor: Option<f64>,
    /// Frames in a row in which the cursor was far off.
    astray: u32,
    kernel: Vec<[f32; TAPS]>,
    raw: Vec<f32>,
    converted: Vec<f32>,
}

impl Reference {
    pub(super) fn new(taps: u32) -> Self {
        Self {
            converter: None,
            base: 0,
            position: 0,
            dropped: 0,
            taps,
            samples: VecDeque::new(),
            first: 0,
            cursor: None,
            astray: 0,
            kernel: kernel(),
            raw: vec![0.0; PIECE],
            converted: Vec::new(),
        }
    }

    /// Another stream plays from now on.
    pub(super) fn begin(&mut self) {
        (self.position, self.dropped) = (0, 0);
        self.restart();
    }

    /// Takes in what the stream has written.
    pub(super) fn take(&mut self, tap: &mut Tap<'_>) {
        loop {
            let n = tap.samples.pop(&mut self.raw);
            if n == 0 {
                break;
            }
            self.position += n as u64;
            self.convert(n, tap.rate);
        }
        let dropped = tap.samples.dropped();
        if dropped != self.dropped {
            self.position += dropped - self.dropped;
            self.dropped = dropped;
            self.restart();
        }
        let surplus = self.samples.len().saturating_sub(MOST);
        self.samples.drain(..surplus);
        self.first += surplus as u64;
    }

    /// What sounded while a frame was captured whose first sample reached the microphone at `captured`, [`LEAD`] ahead.
    /// Silence where nothing is known.
    pub(super) fn frame(
        &mut self,
        captured: Instant,
        clock: &SampleClock,
        rate: SampleRate,
    ) -> [f32; FRAME_SAMPLES] {
        let mut out = [0.0; FRAME_SAMPLES];
        let Some(position) = clock.position_of(captured + LEAD) else {
            return out;
        };
        let scale = f64::from(SampleRate::WORKING.hz()) / f64::from(rate.hz());
        let wanted = (position - self.base as f64) * scale;
        let from = self.cursor.map_or(wanted, |cursor| {
            let off = wanted - cursor;
            self.astray = if !(-AHEAD..=BEHIND).contains(&off) {
                self.astray + 1
            } else {
                0
            };
            if self.astray < STAYS && off.abs() < LOST {
                cursor
            } else {
                wanted
            }
        });
        let step = 1.0 + ((wanted - from) / CATCH_UP).clamp(-GLIDE, GLIDE);
        if self.is_sounding(from) {
            for (i, sample) in out.iter_mut().enumerate() {
                *sample = self.at(from + step * i as f64);
            }
        }
        let next = from + step * FRAME_SAMPLES as f64;
        self.cursor = Some(next);
        self.forget(next);
        out
    }

    fn restart(&mut self) {
        self.converter = None;
        self.base = self.position;
        self.samples.clear();
        self.first = 0;
        self.cursor = None;
    }

    fn convert(&mut self, n: usize, rate: SampleRate) {
        if self.converter.is_none() {
            self.base = self.position - n as u64;
            self.converter = Converter::new(rate, SampleRate::WORKING, self.taps)
                .inspect_err(|error| tracing::error!(%error, "no reference for the echo canceller"))
                .ok();
        }
        if let Some(converter) = &mut self.converter {
            self.converted.clear();
            converter.push(&self.raw[..n], &mut self.converted);
            self.samples.extend(&self.converted);
        }
    }

    /// Whether anything but silence lies under the next frame: while nothing plays, nothing is computed.
    fn is_sounding(&self, from: f64) -> bool {
        let begin = from as i64 - TAPS as i64 - self.first as i64;
        let end = begin + (FRAME_SAMPLES + 2 * TAPS + 2) as i64;
        let clamp = |at: i64| usize::try_from(at).unwrap_or(0).min(self.samples.len());
        self.samples
            .range(clamp(begin)..clamp(end))
            .any(|&sample| sample != 0.0)
    }

    /// The sound at a place between samples.
    fn at(&self, place: f64) -> f32 {
        let whole = place.floor();
        let phase = (place - whole) as f32 * PHASES as f32;
        // A place just below a whole one is rounded up to it.
        let row = (phase as usize).min(PHASES - 1);
        let between = phase - row as f32;
        let (low, high) = (&self.kernel[row], &self.kernel[row + 1]);
        let begin = whole as i64 - self.first as i64 - (TAPS as i64 / 2 - 1);
        let mut sum = 0.0;
        for tap in 0..TAPS {
            let sample = usize::try_from(begin + tap as i64)
                .ok()
                .and_then(|at| self.samples.get(at));
            let weight = low[tap] + between * (high[tap] - low[tap]);
            sum += sample.copied().unwrap_or(0.0) * weight;
        }
        sum
    }

    fn forget(&mut self, cursor: f64) {
        let needed = cursor as u64;
        let keep_from = needed.saturating_sub(2 * TAPS as u64);
        let surplus = keep_from.saturating_sub(self.first);
        let surplus = usize::try_from(surplus)
            .unwrap_or(usize::MAX)
            .min(self.samples.len());
        self.samples.drain(..surplus);
        self.first += surplus as u64;
    }
}

/// Windowed sinc (Blackman) for each of [`PHASES`] places between two samples, and the next whole one.
fn kernel() -> Vec<[f32; TAPS]> {
    let half = TAPS as f32 / 2.0;
    let rows = (0..=PHASES).map(|phase| {
        let offset = phase as f32 / PHASES as f32;
        std::array::from_fn(|tap| {
            let x = tap as f32 - (half - 1.0) - offset;
            let window = 0.42 + 0.5 * (PI * x / half).cos() + 0.08 * (2.0 * PI * x / half).cos();
            let sinc = if x.abs() < 1e-6 {
                1.0
            } else {
                (PI * x).sin() / (PI * x)
            };
            if x.abs() >= half { 0.0 } else { sinc * window }
        })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::super::clock::Basis;
    use super::*;
    use crate::base::ring::ring;

    const RATE: SampleRate = SampleRate::new(48_000).expect("not zero");

    #[test]
    fn a_place_a_hair_below_a_sample_is_read_as_that_sample() {
        let mut reference = Reference::new(64);
        reference.samples.extend((0..64).map(|i| i as f32 / 64.0));
        let place = 32.0 - 1e-12;
        assert!((reference.at(place) - 0.5).abs() < 1e-3);
    }

    /// A tone is played by a crystal that is `ppm` fast, and read by frames of the true clock: worst error and drift of
    /// its phase over the last half, in samples at 16 kHz.
    fn follow(ppm: f64, seconds: u64) -> (f64, f64) {
        let epoch = Instant::now();
        let (mut writer, mut reader) = ring(48_000);
        let mut clock = SampleClock::new(RATE);
        let mut reference = Reference::new(64);
        let speed = 48_000.0 * (1.0 + ppm * 1e-6);
        let hz = 400.0;
        let mut written = 0_u64;
        let mut offsets = Vec::new();
        for ms in (0..seconds * 1_000).step_by(10) {
            let until = ((ms + 30) as f64 / 1_000.0 * speed) as u64;
            while written < until {
                let at = epoch + Duration::from_secs_f64(written as f64 / speed);
                clock.observe(written, at, Basis::Told);
                let tone = |n: u64| (n as f64 / speed * hz * std::f64::consts::TAU).sin() as f32;
                writer.push_iter((written..written + 480).map(tone));
                written += 480;
            }
            reference.take(&mut Tap {
                samples: &mut reader,
                rate: RATE,
            });
            let frame = reference.frame(epoch + Duration::from_millis(ms), &clock, RATE);
            if ms > seconds * 500 {
                offsets.push(phase(&frame, hz, ms as f64 / 1_000.0 + LEAD.as_secs_f64()));
            }
        }
        let worst = offsets.iter().fold(0.0, |worst: f64, o| worst.max(o.abs()));
        let drift = offsets.last().expect("some") - offsets[0];
        (worst, drift)
    }

    /// By how many samples at 16 kHz a frame is off a tone that is at `start`.
    fn phase(frame: &[f32], hz: f64, start: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &s) in frame.iter().enumerate() {
            let angle = (start + n as f64 / 16_000.0) * hz * std::f64::consts::TAU;
            re += f64::from(s) * angle.sin();
            im += f64::from(s) * angle.cos();
        }
        im.atan2(re) / std::f64::consts::TAU * 16_000.0 / hz
    }

    #[test]
    fn the_reference_keeps_its_distance_whatever_the_crystals_do() {
        for ppm in [-300.0, -100.0, 0.0, 100.0, 300.0] {
            let (worst, drift) = follow(ppm, 40);
            // 300 ppm make 1.5 ms of standing distance, which the canceller takes for a longer room.
            assert!(
                worst < 0.5 + ppm.abs() * 0.09,
                "{ppm} ppm: {worst} samples off"
            );
            assert!(
                drift.abs() < 1.0,
                "{ppm} ppm: {drift} samples of drift in 20 s"
            );
        }
    }

    #[test]
    fn a_gap_begins_anew_at_the_right_place() {
        let epoch = Instant::now();
        let (mut writer, mut reader) = ring(4_800);
        let mut clock = SampleClock::new(RATE);
        let mut reference = Reference::new(64);
        clock.observe(0, epoch, Basis::Told);
        writer.push(&[0.5; 4_800]);
        writer.count_dropped(4_800);
        let mut tap = Tap {
            samples: &mut reader,
            rate: RATE,
        };
        reference.take(&mut tap);
        writer.push(&[0.25; 4_800]);
        let mut tap = Tap {
            samples: &mut reader,
            rate: RATE,
        };
        reference.take(&mut tap);
        let before = reference.frame(epoch + Duration::from_millis(50), &clock, RATE);
        assert!(before.iter().all(|s| *s == 0.0), "lost");
        let after = reference.frame(epoch + Duration::from_millis(220), &clock, RATE);
        assert!((after[80] - 0.25).abs() < 0.01, "{}", after[80]);
    }
}
