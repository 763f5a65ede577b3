//! Every rate, every number of channels, every sample format that a device may have, both ways: 11 × 4 × 9 cells.
//!
//! ```text
//! capture    tone, as the device's samples ─▶ CaptureBody ─▶ ring ─▶ Downmixer ─▶ PositionedResampler ─▶ 16 kHz ──┐
//! playback   tone at 24 kHz ─▶ PositionedResampler ─▶ ring ─▶ PlaybackBody ─▶ the device's samples, each channel ─┴▶ judged
//! ```
//!
//! A sine is fitted to what came out; what is not the sine is distortion and noise. The limit is that of the format:
//! samples are cut off towards zero, which errs by less than one step `q`, `q²/3` in the mean of squares at worst;
//! and the resampler adds what is 90 dB below the tone. A lost, repeated or displaced sample would show far above
//! both.

use std::time::Instant;

use cpal::{FromSample, I24, SizedSample};

use super::streams::{capture_block, play_block};
use crate::audio::capture::capture;
use crate::audio::format::StreamFormat;
use crate::audio::playback::{Note, playback};
use crate::audio::positioned_resampler::PositionedResampler;
use crate::base::units::SampleRate;
use crate::dsp::downmix::{Downmixer, sanitise};

const RATES: [u32; 11] = [
    8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000,
];
const CHANNELS: [u16; 4] = [1, 2, 6, 8];
const CELLS: usize = 396;
const SECONDS: u32 = 1;
/// Below the edge of the lowest rate, in no simple ratio to any.
const TONE_HZ: f64 = 997.0;
const AMPLITUDE: f64 = 0.5;
/// Power of what the resampler adds, against the tone.
const RESAMPLER: f64 = 1e-9;
const TAPS: u32 = 64;
/// Blocks of callbacks: odd, even, short, long, one that is longer than any period.
const BLOCKS: [usize; 5] = [441, 64, 1_000, 1, 480];

#[test]
fn every_cell_captures_cleanly_and_in_full() {
    let mut cells = Cells::new();
    for hz in RATES {
        let tone = tone(hz);
        for channels in CHANNELS {
            cells.capture::<i8>(hz, channels, &tone, 8);
            cells.capture::<u8>(hz, channels, &tone, 8);
            cells.capture::<i16>(hz, channels, &tone, 16);
            cells.capture::<u16>(hz, channels, &tone, 16);
            cells.capture::<I24>(hz, channels, &tone, 24);
            cells.capture::<i32>(hz, channels, &tone, 32);
            cells.capture::<u32>(hz, channels, &tone, 32);
            cells.capture::<f32>(hz, channels, &tone, 32);
            cells.capture::<f64>(hz, channels, &tone, 32);
        }
    }
    cells.finish("capture");
}

#[test]
fn every_cell_plays_cleanly_and_in_full() {
    let mut cells = Cells::new();
    let reply = tone(SampleRate::REPLY.hz());
    for hz in RATES {
        let sound = converted(SampleRate::REPLY, rate(hz), &reply);
        let expected = u64::from(hz * SECONDS);
        assert!(
            expected.abs_diff(sound.len() as u64) <= 1,
            "{hz} Hz: {}",
            sound.len()
        );
        cells.judge = Judge::new(hz);
        for channels in CHANNELS {
            cells.play::<i8>(hz, channels, &sound, 8);
            cells.play::<u8>(hz, channels, &sound, 8);
            cells.play::<i16>(hz, channels, &sound, 16);
            cells.play::<u16>(hz, channels, &sound, 16);
            cells.play::<I24>(hz, channels, &sound, 24);
            cells.play::<i32>(hz, channels, &sound, 32);
            cells.play::<u32>(hz, channels, &sound, 32);
            cells.play::<f32>(hz, channels, &sound, 32);
            cells.play::<f64>(hz, channels, &sound, 32);
        }
    }
    cells.finish("playback");
}

#[test]
fn the_judge_sees_a_lost_sample_and_a_coarse_format() {
    let judge = Judge::new(16_000);
    let mut tone = tone(16_000);
    assert!(judge.distortion_db(&tone) < -120.0);
    let coarse: Vec<f32> = tone.iter().map(|s| (s * 64.0).trunc() / 64.0).collect();
    assert!(
        judge.distortion_db(&coarse) > limit_db(8),
        "seven bits are not eight"
    );
    tone.remove(8_000);
    assert!(judge.distortion_db(&tone) > limit_db(8));
}

/// What was judged, and the worst of each format's size.
struct Cells {
    judge: Judge,
    judged: usize,
    /// Bits, how far below its limit the worst cell was, in dB.
    margins: std::collections::BTreeMap<u32, f64>,
}

impl Cells {
    fn new() -> Self {
        Self {
            judge: Judge::new(SampleRate::WORKING.hz()),
            judged: 0,
            margins: std::collections::BTreeMap::new(),
        }
    }

    fn capture<T: SizedSample + FromSample<f32>>(
        &mut self,
        hz: u32,
        channels: u16,
        tone: &[f32],
        bits: u32,
    ) where
        f32: FromSample<T>,
    {
        let now = Instant::now();
        let (mut body, mut end) = capture(format(hz, channels), now, None);
        let mut mixer = Downmixer::new(channels, rate(hz));
        let mut resampler =
            PositionedResampler::new(rate(hz), SampleRate::WORKING, TAPS).expect("allowed");
        let device: Vec<T> = tone
            .iter()
            .flat_map(|&s| std::iter::repeat_n(T::from_sample_(s), channels.into()))
            .collect();
        let (mut mono, mut out) = (Vec::new(), Vec::new());
        let mut interleaved = vec![0.0; usize::from(channels) * 480];
        let mut blocks = BLOCKS.iter().cycle();
        let mut rest = &device[..];
        while !rest.is_empty() {
            let frames = blocks.next().expect("endless");
            let (block, after) = rest.split_at(rest.len().min(frames * usize::from(channels)));
            capture_block(&mut body, block, now, None);
            rest = after;
            loop {
                let n = end.ring.pop(&mut interleaved);
                if n == 0 {
                    break;
                }
                sanitise(&mut interleaved[..n]);
                mono.clear();
                mixer.mix(&interleaved[..n], &mut mono);
                resampler.push(&mono, &mut out);
            }
        }
        resampler.finish(&mut out);
        let expected = SampleRate::WORKING.hz() * SECONDS;
        assert!(
            (out.len() as u64).abs_diff(u64::from(expected)) <= 1,
            "{hz} Hz × {channels}, {bits} bits: {} samples",
            out.len()
        );
        self.judge(&out, (hz, channels, bits));
    }

    fn play<T: SizedSample + FromSample<f32>>(
        &mut self,
        hz: u32,
        channels: u16,
        sound: &[f32],
        bits: u32,
    ) where
        f32: FromSample<T>,
    {
        let now = Instant::now();
        let (mut body, mut end) = playback(format(hz, channels), now, None);
        let n = usize::from(channels);
        let mut device: Vec<T> = Vec::with_capacity(sound.len() * n + 5_000);
        let mut block = vec![T::from_sample_(0.0); 1_000 * n];
        let mut blocks = BLOCKS.iter().cycle();
        let mut rest = sound;
        while !rest.is_empty() || !end.ring.is_empty() {
            rest = &rest[end.ring.push(rest)..];
            let frames = blocks.next().expect("endless");
            play_block(&mut body, &mut block[..frames * n], now, None);
            device.extend_from_slice(&block[..frames * n]);
        }
        play_block(&mut body, &mut block, now, None);
        let notes: Vec<Note> = std::iter::from_fn(|| end.notes.pop_one()).collect();
        let length = sound.len() as u64;
        assert_eq!(
            notes,
            [
                Note::Started {
                    index: 0,
                    position: 0
                },
                Note::Dry {
                    index: length,
                    position: length
                },
            ],
            "{hz} Hz × {channels}, {bits} bits"
        );
        let channel = |c: usize| {
            let samples = device.iter().skip(c).step_by(n);
            samples
                .map(|&s| f32::from_sample_(s))
                .take(sound.len())
                .collect::<Vec<f32>>()
        };
        let first = channel(0);
        assert_eq!(first, channel(n - 1), "all channels alike");
        self.judge(&first, (hz, channels, bits));
    }

    fn judge(&mut self, samples: &[f32], cell: (u32, u16, u32)) {
        let bits = cell.2;
        let found = self.judge.distortion_db(samples);
        let limit = limit_db(bits);
        assert!(
            found <= limit,
            "{cell:?}: {found:.1} dB, at most {limit:.1}"
        );
        let margin = self.margins.entry(bits).or_insert(f64::INFINITY);
        *margin = margin.min(limit - found);
        self.judged += 1;
    }

    #[expect(clippy::print_stdout, reason = "figures, for who asks for them")]
    fn finish(self, what: &str) {
        assert_eq!(self.judged, CELLS);
        for (bits, margin) in self.margins {
            let limit = limit_db(bits);
            println!(
                "{what}, {bits:2} bits: worst {:6.1} dB, limit {limit:6.1}",
                limit - margin
            );
            // A limit that nothing comes near says nothing.
            assert!(
                margin < 60.0,
                "{what}, {bits} bits: {margin:.0} dB to spare"
            );
        }
    }
}

/// The most distortion and noise, against the tone, that a format of so many bits explains.
fn limit_db(bits: u32) -> f64 {
    let step = 2_f64.powi(1 - i32::try_from(bits).expect("few"));
    let tone = AMPLITUDE * AMPLITUDE / 2.0;
    10.0 * ((step * step / 3.0) / tone + RESAMPLER).log10()
}

/// Holds samples of one rate against the tone.
struct Judge {
    /// Left out at both ends, where filters and fades begin and end.
    edge: usize,
    /// Sine and cosine of the tone.
    basis: Vec<[f64; 2]>,
}

impl Judge {
    fn new(hz: u32) -> Self {
        let angle = |i: u32| f64::from(i) / f64::from(hz) * TONE_HZ * std::f64::consts::TAU;
        Self {
            edge: hz as usize / 20,
            basis: (0..hz * SECONDS + 1)
                .map(|i| [angle(i).sin(), angle(i).cos()])
                .collect(),
        }
    }

    /// Power of all that is not the tone, against that of the tone, in dB.
    fn distortion_db(&self, samples: &[f32]) -> f64 {
        let inner = self.edge..samples.len() - self.edge;
        let basis = &self.basis[inner.clone()];
        let mut rest: Vec<f64> = samples[inner].iter().map(|&s| f64::from(s)).collect();
        let n = rest.len() as f64;
        let mut fit = [0.0; 2];
        // Least squares: over so many periods sine, cosine and mean are orthogonal to 1 in 10^3, so each pass leaves
        // that much of what it ought to have taken.
        for _ in 0..4 {
            let (mut sine, mut cosine, mut mean) = (0.0, 0.0, 0.0);
            for (s, b) in rest.iter().zip(basis) {
                sine += s * b[0];
                cosine += s * b[1];
                mean += s;
            }
            let (sine, cosine, mean) = (2.0 * sine / n, 2.0 * cosine / n, mean / n);
            for (s, b) in rest.iter_mut().zip(basis) {
                *s -= sine * b[0] + cosine * b[1] + mean;
            }
            fit = [fit[0] + sine, fit[1] + cosine];
        }
        let noise = rest.iter().map(|s| s * s).sum::<f64>() / n;
        let tone = (fit[0] * fit[0] + fit[1] * fit[1]) / 2.0;
        // Cutting off 8 bits takes a hundredth of the level, a sample lost in the middle two.
        assert!(
            (tone.sqrt() / (AMPLITUDE / 2_f64.sqrt()) - 1.0).abs() < 0.05,
            "the level is off"
        );
        10.0 * (noise / tone).log10()
    }
}

fn converted(from: SampleRate, to: SampleRate, samples: &[f32]) -> Vec<f32> {
    let mut resampler = PositionedResampler::new(from, to, TAPS).expect("allowed");
    let mut out = Vec::new();
    resampler.push(samples, &mut out);
    resampler.finish(&mut out);
    out
}

fn tone(hz: u32) -> Vec<f32> {
    (0..hz * SECONDS)
        .map(|i| {
            let angle = f64::from(i) / f64::from(hz) * TONE_HZ * std::f64::consts::TAU;
            (angle.sin() * AMPLITUDE) as f32
        })
        .collect()
}

fn rate(hz: u32) -> SampleRate {
    SampleRate::new(hz).expect("not zero")
}

fn format(hz: u32, channels: u16) -> StreamFormat {
    StreamFormat {
        rate: rate(hz),
        channels,
        period: None,
        held_blocks: 0,
    }
}
