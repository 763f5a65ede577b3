//! The far-end reference of the echo canceller: what the speaker played while a frame was captured.
//!
//! ```text
//! tap of the output stream ─▶ PositionedResampler ─▶ 16 kHz, numbered ─▶ read at a fractional cursor ─▶ 160 samples
//!                                                                            ▲
//! instant of the frame ─▶ clock of the output stream ─▶ target of the cursor ┘
//! ```
//!
//! Microphone and speaker count samples by their own crystals. The clock of each stream is tied to the monotonic clock,
//! so the position that belongs to a frame's instant is known; the cursor follows it by reading slightly faster or
//! slower. So drift is compensated by measurement, and the delay that the canceller sees stays constant. A canceller
//! alone loses 10 dB at 100 ppm (`audio.md` §1.3).
//!
//! While the reference is off, the newest output stays in the tap and the rest is counted: it can be switched on in the
//! middle of a reply with sample accuracy. Silence is counted and not filtered.
//!
//! Fractional reads are implemented here and not by rubato, because the exact position must be known. Echo detection
//! alone gets the nearest samples.

use std::collections::VecDeque;
use std::f32::consts::PI;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::clock::SampleClock;
use super::positioned_resampler::PositionedResampler;
use crate::base::frame::FRAME_SAMPLES;
use crate::base::ring::Reader;
use crate::base::units::SampleRate;
use crate::dsp::simd::widest;

/// Lead of the reference over the frame, so that an echo never precedes its cause when a host reports a wrong latency.
/// These samples have been written already: a frame is 10 ms old when it is complete.
const LEAD: Duration = Duration::from_millis(8);
/// Lead above which a persistent cursor error causes a jump, 20 ms: a stream has starved or was reopened …
const AHEAD: f64 = 320.0;
/// … and lag, 4 ms: an echo would precede its cause.
const BEHIND: f64 = 64.0;
/// Error that no wrong latency explains, 50 ms: sound was lost.
const LOST: f64 = 800.0;
/// Frames for which the error must persist: hosts sometimes report a latency that is wrong by a block.
const STAYS: u32 = 10;
/// Samples over which the cursor corrects its error, 4 s: the jitter of the clocks (0.1 ms) then causes less than 30
/// ppm.
const CATCH_UP: f64 = 64_000.0;
/// Maximum correction, 400 ppm: crystals are within ±300, and a canceller tolerates no more
/// (`tests/measured/echo-loss.md`).
const GLIDE: f64 = 0.000_4;
/// Taps and phases of the interpolation filter: errors are 70 dB below the signal up to 6 kHz.
const TAPS: usize = 16;
const PHASES: usize = 256;
/// The interpolation filter, shared by all conversations.
static KERNEL: LazyLock<Vec<[f32; TAPS]>> = LazyLock::new(kernel);
/// Maximum number of samples ahead of the cursor; more means that there is no reader.
const MOST: usize = 32_000;
/// Samples taken from the tap at once.
const PIECE: usize = 1_024;
/// Duration kept in the tap while the reference is off: frames are younger than this when they are complete.
const KEPT: Duration = Duration::from_millis(100);
/// Samples of silence after which a filter holds nothing else: more than any filter and its delay (512 taps, stretched
/// fourfold).
const SETTLES: u64 = 4_096;

/// Output of a stream, for the reference.
pub(super) struct Tap<'a> {
    pub(super) samples: &'a mut Reader<f32>,
    pub(super) rate: SampleRate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReferenceMode {
    Off,
    /// For echo detection: nearest samples, at almost no cost.
    Nearest,
    /// For the canceller: interpolated samples.
    Exact,
}

pub(super) struct AecReference {
    resampler: Option<PositionedResampler>,
    /// Stream position of the resampler's first sample.
    base: u64,
    /// Frames taken from the tap or lost.
    position: u64,
    dropped: u64,
    taps: u32,
    mode: ReferenceMode,
    /// Consecutive silent samples from the tap, and how many of them were not resampled.
    silence: u64,
    owed: u64,
    /// Samples at the working rate, from position `first` on.
    samples: VecDeque<f32>,
    /// Silent samples behind `samples`.
    silent: u64,
    first: u64,
    /// Position behind the last sample that is not silent.
    sounds_until: u64,
    /// Position of the next frame's first sample; `None` until the clock is known.
    cursor: Option<f64>,
    /// Consecutive frames with a large cursor error.
    astray: u32,
    raw: Vec<f32>,
    converted: Vec<f32>,
}

impl AecReference {
    pub(super) fn new(taps: u32) -> Self {
        // Computed now, not in the middle of a reply.
        LazyLock::force(&KERNEL);
        Self {
            resampler: None,
            base: 0,
            position: 0,
            dropped: 0,
            taps,
            mode: ReferenceMode::Off,
            silence: 0,
            owed: 0,
            samples: VecDeque::new(),
            silent: 0,
            first: 0,
            sounds_until: 0,
            cursor: None,
            astray: 0,
            raw: vec![0.0; PIECE],
            converted: Vec::new(),
        }
    }

    /// Starts over for another stream.
    pub(super) fn begin(&mut self) {
        (self.position, self.dropped) = (0, 0);
        self.restart();
    }

    pub(super) fn set_mode(&mut self, mode: ReferenceMode) {
        if mode == ReferenceMode::Off && self.mode != ReferenceMode::Off {
            self.restart();
        }
        self.mode = mode;
    }

    /// Takes the output of the stream.
    pub(super) fn take(&mut self, tap: &mut Tap<'_>) {
        if self.mode != ReferenceMode::Off {
            self.take_in(tap);
        } else {
            // After a loss the stream continues once the tap is empty.
            let lost = tap.samples.dropped() != self.dropped;
            let kept = if lost { 0 } else { tap.rate.samples_in(KEPT) };
            let surplus = tap.samples.len().saturating_sub(kept);
            if surplus > 0 {
                self.position += tap.samples.skip(surplus) as u64;
            }
        }
        self.account_for_losses(tap.samples.dropped());
    }

    /// Not inlined, so that the common path without a reader has a small stack frame.
    #[inline(never)]
    fn take_in(&mut self, tap: &mut Tap<'_>) {
        loop {
            let n = tap.samples.pop(&mut self.raw);
            if n == 0 {
                break;
            }
            self.position += n as u64;
            self.convert(n, tap.rate);
        }
        let most = MOST as u64;
        let surplus = (self.samples.len() as u64 + self.silent).saturating_sub(most);
        self.discard(surplus);
    }

    /// Lost samples lie behind those taken.
    fn account_for_losses(&mut self, dropped: u64) {
        if dropped != self.dropped {
            self.position += dropped - self.dropped;
            self.dropped = dropped;
            self.restart();
        }
    }

    /// Returns what was played while a frame was captured whose first sample reached the microphone at `captured`,
    /// [`LEAD`] ahead; silence where it is unknown.
    pub(super) fn render_frame(
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
            self.samples.make_contiguous();
            match self.mode {
                ReferenceMode::Exact => self.between(from, step, &mut out),
                ReferenceMode::Nearest | ReferenceMode::Off => self.nearest(from, &mut out),
            }
        }
        let next = from + step * FRAME_SAMPLES as f64;
        self.cursor = Some(next);
        self.forget(next);
        out
    }

    /// Starts over at the present position: later samples sound at other instants than the clock said before.
    pub(super) fn restart(&mut self) {
        self.resampler = None;
        self.base = self.position;
        (self.silence, self.owed) = (0, 0);
        self.samples.clear();
        (self.silent, self.first, self.sounds_until) = (0, 0, 0);
        self.cursor = None;
    }

    fn convert(&mut self, n: usize, rate: SampleRate) {
        if self.resampler.is_none() {
            self.base = self.position - n as u64;
            self.resampler = PositionedResampler::new(rate, SampleRate::WORKING, self.taps)
                .inspect_err(|error| tracing::error!(%error, "cannot create the reference of the echo canceller"))
                .ok();
        }
        if self.raw[..n].iter().all(|&s| s == 0.0) {
            self.silence += n as u64;
            if self.silence > SETTLES + n as u64 && self.pass_over(n as u64) {
                return;
            }
        } else {
            self.silence = 0;
        }
        let Some(resampler) = &mut self.resampler else {
            return;
        };
        self.converted.clear();
        while self.owed > 0 {
            let silence = [0.0; 64];
            let owed = usize::try_from(self.owed).map_or(silence.len(), |n| n.min(silence.len()));
            resampler.push(&silence[..owed], &mut self.converted);
            self.owed -= owed as u64;
        }
        resampler.push(&self.raw[..n], &mut self.converted);
        let silent = usize::try_from(std::mem::take(&mut self.silent)).unwrap_or(usize::MAX);
        self.samples.extend(std::iter::repeat_n(0.0, silent));
        self.samples.extend(&self.converted);
        if self.converted.iter().any(|&s| s != 0.0) {
            self.sounds_until = self.first + self.samples.len() as u64;
        }
    }

    /// Counts silence instead of filtering it, in steps that leave the phase of the filter unchanged; returns false
    /// where steps are too long.
    fn pass_over(&mut self, n: u64) -> bool {
        let Some((taken, given)) = self.resampler.as_ref().map(PositionedResampler::step) else {
            return false;
        };
        if taken > SETTLES {
            return false;
        }
        self.owed += n;
        let steps = self.owed / taken;
        self.owed -= steps * taken;
        self.silent += steps * given;
        true
    }

    /// Whether the next frame overlaps anything but silence; otherwise nothing is computed.
    fn is_sounding(&self, from: f64) -> bool {
        from < (self.sounds_until + TAPS as u64) as f64
    }

    /// Copies the samples nearest to this position on. At frame edges a sample is skipped or repeated where the clocks
    /// drift.
    fn nearest(&self, from: f64, out: &mut [f32; FRAME_SAMPLES]) {
        let begin = from.round() as i64 - self.first as i64;
        let samples = self.samples.as_slices().0;
        for (place, sample) in (begin..).zip(out) {
            let at = usize::try_from(place).ok();
            *sample = at.and_then(|at| samples.get(at)).copied().unwrap_or(0.0);
        }
    }

    /// Interpolates at positions that are `step` apart.
    fn between(&self, from: f64, step: f64, out: &mut [f32; FRAME_SAMPLES]) {
        let kernel = &KERNEL[..];
        widest(
            #[inline(always)]
            || {
                for (i, sample) in out.iter_mut().enumerate() {
                    *sample = self.at(kernel, from + step * i as f64);
                }
            },
        );
    }

    #[inline(always)]
    fn at(&self, kernel: &[[f32; TAPS]], place: f64) -> f32 {
        let whole = place.floor();
        let phase = (place - whole) as f32 * PHASES as f32;
        // Rounding may reach the next whole position.
        let row = (phase as usize).min(PHASES - 1);
        let between = phase - row as f32;
        let (low, high) = (&kernel[row], &kernel[row + 1]);
        let begin = whole as i64 - self.first as i64 - (TAPS as i64 / 2 - 1);
        let piece = self.piece(begin);
        let weights = std::array::from_fn(|tap| low[tap] + between * (high[tap] - low[tap]));
        dot(&piece, &weights)
    }

    /// The samples from an index on; silence where there are none.
    #[inline(always)]
    fn piece(&self, begin: i64) -> [f32; TAPS] {
        let (front, back) = self.samples.as_slices();
        let whole = usize::try_from(begin)
            .ok()
            .and_then(|at| front.get(at..)?.first_chunk::<TAPS>());
        if let Some(piece) = whole {
            return *piece;
        }
        std::array::from_fn(|tap| {
            let at = usize::try_from(begin + tap as i64).ok();
            let sample = at.and_then(|at| front.get(at).or_else(|| back.get(at - front.len())));
            sample.copied().unwrap_or(0.0)
        })
    }

    fn forget(&mut self, cursor: f64) {
        let keep_from = (cursor as u64).saturating_sub(2 * TAPS as u64);
        self.discard(keep_from.saturating_sub(self.first));
    }

    /// Drops up to this many of the oldest samples.
    fn discard(&mut self, surplus: u64) {
        if surplus == 0 {
            return;
        }
        let held = self.samples.len();
        let samples = usize::try_from(surplus).map_or(held, |n| n.min(held));
        self.samples.drain(..samples);
        let silent = (surplus - samples as u64).min(self.silent);
        self.silent -= silent;
        self.first += samples as u64 + silent;
    }
}

/// Dot product in eight partial sums, to vectorise.
#[inline(always)]
fn dot(samples: &[f32; TAPS], weights: &[f32; TAPS]) -> f32 {
    let mut sums = [0.0; 8];
    for (samples, weights) in (samples.as_chunks::<8>().0.iter()).zip(weights.as_chunks::<8>().0) {
        for lane in 0..8 {
            sums[lane] += samples[lane] * weights[lane];
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (b + f)) + ((c + g) + (d + h))
}

/// Windowed sinc (Blackman) for each of [`PHASES`] positions between two samples, and the next whole one.
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
        let mut reference = AecReference::new(64);
        reference.samples.extend((0..64).map(|i| i as f32 / 64.0));
        let place = 32.0 - 1e-12;
        assert!((reference.at(&KERNEL, place) - 0.5).abs() < 1e-3);
    }

    /// A tone is played by a crystal that is `ppm` fast, and read by frames of the true clock: worst error and drift of
    /// its phase over the last half, in samples at 16 kHz.
    fn follow(ppm: f64, seconds: u64) -> (f64, f64) {
        let epoch = Instant::now();
        let (mut writer, mut reader) = ring(48_000);
        let mut clock = SampleClock::new(RATE);
        let mut reference = AecReference::new(64);
        reference.set_mode(ReferenceMode::Exact);
        let speed = 48_000.0 * (1.0 + ppm * 1e-6);
        let hz = 400.0;
        let mut written = 0_u64;
        let mut offsets = Vec::new();
        for ms in (0..seconds * 1_000).step_by(10) {
            let until = ((ms + 30) as f64 / 1_000.0 * speed) as u64;
            while written < until {
                let at = epoch + Duration::from_secs_f64(written as f64 / speed);
                clock.observe(written, at, Basis::Reported);
                let tone = |n: u64| (n as f64 / speed * hz * std::f64::consts::TAU).sin() as f32;
                writer.push(&(written..written + 480).map(tone).collect::<Vec<_>>());
                written += 480;
            }
            reference.take(&mut Tap {
                samples: &mut reader,
                rate: RATE,
            });
            let frame = reference.render_frame(epoch + Duration::from_millis(ms), &clock, RATE);
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
    fn a_gap_restarts_at_the_right_position() {
        let epoch = Instant::now();
        let (mut writer, mut reader) = ring(4_800);
        let mut clock = SampleClock::new(RATE);
        let mut reference = AecReference::new(64);
        reference.set_mode(ReferenceMode::Exact);
        clock.observe(0, epoch, Basis::Reported);
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
        let before = reference.render_frame(epoch + Duration::from_millis(50), &clock, RATE);
        assert!(before.iter().all(|s| *s == 0.0), "lost");
        let after = reference.render_frame(epoch + Duration::from_millis(220), &clock, RATE);
        assert!((after[80] - 0.25).abs() < 0.01, "{}", after[80]);
    }

    /// Plays, by a true crystal, a tone with pauses between; gives the reference of the frames in which it is wanted.
    fn read(
        rate: SampleRate,
        sounds: impl Fn(u64) -> bool,
        wanted: impl Fn(u64) -> ReferenceMode,
        frames: u64,
    ) -> Vec<[f32; FRAME_SAMPLES]> {
        let epoch = Instant::now();
        let block = rate.samples_in(Duration::from_millis(10)) as u64;
        let (mut writer, mut reader) = ring(4 * block as usize * 10);
        let mut clock = SampleClock::new(rate);
        let mut reference = AecReference::new(64);
        let mut heard = Vec::new();
        for n in 0..frames {
            let written = n * block;
            let at = epoch + Duration::from_millis(10 * n);
            clock.observe(written, at, Basis::Reported);
            let angle = |i: u64| i as f64 / f64::from(rate.hz()) * 400.0 * std::f64::consts::TAU;
            let tone = |i| {
                if sounds(n) {
                    angle(i).sin() as f32
                } else {
                    0.0
                }
            };
            writer.push(&(written..written + block).map(tone).collect::<Vec<_>>());
            let wanted = wanted(n);
            reference.set_mode(wanted);
            reference.take(&mut Tap {
                samples: &mut reader,
                rate,
            });
            if let Some(captured) = n.checked_sub(4).filter(|_| wanted != ReferenceMode::Off) {
                let captured = epoch + Duration::from_millis(10 * captured);
                heard.push(reference.render_frame(captured, &clock, rate));
            }
        }
        heard
    }

    #[test]
    fn the_nearest_sample_is_never_more_than_half_a_sample_off() {
        let mut reference = AecReference::new(64);
        reference.samples.extend((0..400).map(|i| i as f32));
        for from in [32.0, 32.4, 32.6, 100.49, 201.0 - 1e-12] {
            let mut out = [0.0; FRAME_SAMPLES];
            reference.nearest(from, &mut out);
            for (i, sample) in (0_u16..).zip(out) {
                let off = f64::from(sample) - from - f64::from(i);
                assert!(off.abs() <= 0.5, "{from}: {off}");
            }
        }
        // Before what there is, and behind it, is silence.
        let mut out = [1.0; FRAME_SAMPLES];
        reference.nearest(-2.0, &mut out);
        assert_eq!(out[..5], [0.0, 0.0, 0.0, 1.0, 2.0]);
        reference.nearest(398.0, &mut out);
        assert_eq!(out[..4], [398.0, 399.0, 0.0, 0.0]);
    }

    #[test]
    fn wanted_in_the_middle_of_a_reply_it_is_there_to_the_sample() {
        for hz in [48_000, 44_100, 16_000] {
            let rate = SampleRate::new(hz).expect("not zero");
            let always = read(rate, |_| true, |_| ReferenceMode::Exact, 400);
            let from_300 = |n| match n {
                0..300 => ReferenceMode::Off,
                _ => ReferenceMode::Exact,
            };
            let late = read(rate, |_| true, from_300, 400);
            assert!(late[0].iter().any(|s| s.abs() > 0.9), "nothing is missing");
            for (late, always) in late.iter().zip(&always[296..]) {
                for (a, b) in late.iter().zip(always) {
                    assert!((a - b).abs() < 0.002, "{hz} Hz: {a} for {b}");
                }
            }
        }
    }

    #[test]
    fn nearly_and_exactly_are_the_same_place() {
        for hz in [48_000, 44_100, 16_000] {
            let rate = SampleRate::new(hz).expect("not zero");
            let always = read(rate, |_| true, |_| ReferenceMode::Exact, 400);
            let between = |n| match n {
                100..300 => ReferenceMode::Nearest,
                _ => ReferenceMode::Exact,
            };
            let changing = read(rate, |_| true, between, 400);
            let frames = changing.iter().zip(&always).zip(4..);
            for ((changing, always), n) in frames {
                let off = changing.iter().zip(always).map(|(a, b)| (a - b).abs());
                // Half a sample of a tone of 400 Hz is 0.08 at most.
                let most = match between(n) {
                    ReferenceMode::Nearest => 0.08,
                    ReferenceMode::Exact | ReferenceMode::Off => 0.002,
                };
                assert!(off.fold(0.0, f32::max) < most, "{hz} Hz, frame {n}");
            }
        }
    }

    #[test]
    fn a_pause_that_was_counted_ends_at_the_right_sample() {
        for hz in [48_000, 44_100, 16_000, 44_056] {
            let rate = SampleRate::new(hz).expect("not zero");
            let tone = read(rate, |_| true, |_| ReferenceMode::Exact, 400);
            let paused = read(
                rate,
                |n| !(50..301).contains(&n),
                |_| ReferenceMode::Exact,
                400,
            );
            assert!(paused[100].iter().all(|s| *s == 0.0));
            // The tone is back in full one frame after its first sample.
            for (paused, tone) in paused[301..].iter().zip(&tone[301..]) {
                for (a, b) in paused.iter().zip(tone) {
                    assert!((a - b).abs() < 0.002, "{hz} Hz: {a} for {b}");
                }
            }
        }
    }
}
