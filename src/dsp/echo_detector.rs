//! Detects whether the microphone picks up the loudspeaker. Decides for `echo_cancellation: auto`: with a closed
//! headset the canceller must be off (it suppresses first words: `tests/lab/echo.rs`); with open speakers, or a headset
//! that leaks, it must be on.
//!
//! ```text
//! near ─▶ 4 kHz ─▶ even out ─┐
//!                            ├─▶ correlation at 1 600 delays (0..400 ms), over the last seconds of playing
//! far ──▶ 4 kHz ─▶ even out ─┘        │
//!                                     ▼
//!              highest peak against the mean of all: one delay that stands out is an echo
//!
//! Unknown ──3 s of playing, no peak──▶ None ──a high peak──▶ Echo { delay, loss }
//!    └───────────── a high peak ──────────────────────────────▲ │
//!                          None ◀──5 s of playing without peak──┘
//! ```
//!
//! A user who talks over the reply raises all delays alike, and so the mean with the peaks. Time without playback does
//! not count.

use std::time::Duration;

use fearless_simd::{Simd, SimdBase as _, SimdFloat as _, dispatch, f32x8};

use super::chain_stage::{Samples, dot};
use super::downmix::sanitise;
use super::simd::{level, widest};
use crate::base::frame::FRAME_SAMPLES;
use crate::base::units::Dbfs;

/// Decimation factor: voices have their power below 2 kHz, and the work falls by a factor of 16.
const STEP: usize = 4;
/// Samples of a frame at 4 kHz.
const FEW: usize = FRAME_SAMPLES / STEP;
/// Number of delays: 400 ms, more than a Bluetooth speaker adds to the latency it reports.
const LAGS: usize = 1_600;
/// Frames of zeros after which neither the history nor the filter holds played sound.
const SILENT: u32 = (LAGS / FEW + 2) as u32;
/// Frames after which the history is moved to the front of its buffer.
const SLIDE: usize = 25;
/// Delays in a vector, and delays computed together; both divide [`LAGS`].
const WIDTH: usize = 8;
const SIDE_BY_SIDE: usize = 8 * WIDTH;
const _: () = assert!(LAGS.is_multiple_of(SIDE_BY_SIDE));
/// Taps of the low-pass filter before decimation.
const TAPS: usize = 32;
/// Level from which a far-end frame counts as sound.
const FAR_SOUNDS: Dbfs = Dbfs(-50.0);
/// Time constant of the correlation in frames of playback (2 s): long enough that a chance match does not look like an
/// echo.
const MEMORY_FRAMES: f32 = 200.0;
/// Frames of playback between two searches for the peak.
const SEARCH_EVERY: u32 = 10;
/// Peak-to-mean ratio from which there is an echo, and above which it stays one: see `tests/lab/leak.rs`, table
/// `echo-leak`, for the values of headsets and rooms.
const IS_ECHO: f32 = 9.0;
const STAYS_ECHO: f32 = 6.5;
/// Echo return loss above which an echo is inaudible to a detector.
const MOST_LOSS_DB: f32 = 50.0;
/// Consecutive searches that must find the same delay.
const HITS_NEEDED: u32 = 3;
/// Tolerance for the same delay: 3 ms.
const SAME: usize = 12;
/// Frames of playback without a peak until the verdict is "no echo": at first, and after an echo.
const NONE_AFTER: u32 = 300;
const GONE_AFTER: u32 = 500;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum EchoVerdict {
    /// Too little was played.
    #[default]
    Unknown,
    /// No echo: a headset, or a muted speaker.
    None,
    Echo {
        /// Delay from far end to near end, to about 1 ms.
        delay: Duration,
        /// Echo return loss in decibels, to about 3 dB.
        loss_db: f32,
    },
}

pub struct EchoDetector {
    near: Decimator,
    far: Decimator,
    /// Normalised far end at 4 kHz from `begin` on, oldest first: the longest delay and the current frame. Older
    /// samples are dropped when the buffer is full.
    past: Vec<f32>,
    begin: usize,
    /// Levels of the far-end frames, newest first, for all delays.
    far_levels: [f32; LAGS / FEW],
    /// The correlation, longest delay first, so that it is computed in the order of the far end.
    products: Vec<f32>,
    /// Consecutive all-zero frames of the microphone.
    mute: u32,
    /// Consecutive all-zero frames of the far end.
    silent: u32,
    /// Frames of playback since the last reset.
    playing: u32,
    /// The delay found by the last search, and how often in a row.
    candidate: usize,
    hits: u32,
    /// Frames of playback since the last peak.
    without: u32,
    prominence: f32,
    loss: Loss,
    verdict: EchoVerdict,
}

impl Default for EchoDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl EchoDetector {
    /// Creates a detector without history.
    pub fn new() -> Self {
        Self {
            near: Decimator::new(),
            far: Decimator::new(),
            past: vec![0.0; LAGS + FEW * SLIDE],
            begin: 0,
            far_levels: [Dbfs::SILENCE.0; LAGS / FEW],
            products: vec![0.0; LAGS],
            mute: 0,
            silent: 0,
            playing: 0,
            candidate: 0,
            hits: 0,
            without: 0,
            prominence: 0.0,
            loss: Loss::default(),
            verdict: EchoVerdict::Unknown,
        }
    }

    /// Processes 10 ms of the microphone, before any stage, and what was played meanwhile. Returns the verdict when it
    /// changes.
    pub fn push(
        &mut self,
        near: &[f32; FRAME_SAMPLES],
        far: &[f32; FRAME_SAMPLES],
    ) -> Option<EchoVerdict> {
        // Fast path: most of the time nothing is played.
        self.silent = if *far == [0.0; FRAME_SAMPLES] {
            self.silent.saturating_add(1)
        } else {
            0
        };
        if self.silent > SILENT {
            return None;
        }
        let (mut near, mut far) = (*near, *far);
        sanitise(&mut near);
        sanitise(&mut far);
        let level = Dbfs::rms(&far).0;
        self.far_levels.rotate_right(1);
        self.far_levels[0] = level;
        let heard = evened(self.far.push(&far), 0.25);
        self.remember(&heard);
        let near_level = Dbfs::rms(&near).0;
        let near = evened(self.near.push(&near), 0.5);
        self.mute = if near == [0.0; FEW] {
            self.mute.saturating_add(1)
        } else {
            0
        };
        if self.far_levels.iter().all(|l| *l < FAR_SOUNDS.0) {
            return None;
        }
        self.playing = self.playing.saturating_add(1);
        self.correlate(&near);
        self.measure_loss(near_level);
        if self.playing.is_multiple_of(SEARCH_EVERY) {
            return self.search();
        }
        None
    }

    pub fn verdict(&self) -> EchoVerdict {
        self.verdict
    }

    /// Peak-to-mean ratio at the last search, on which the verdict is based.
    pub fn prominence(&self) -> f32 {
        self.prominence
    }

    /// Resets the state for another device.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// Appends a far-end frame to the history.
    fn remember(&mut self, heard: &[f32; FEW]) {
        self.begin += FEW;
        if self.begin + LAGS + FEW > self.past.len() {
            self.past.copy_within(self.begin.., 0);
            self.begin = 0;
        }
        self.past[self.begin + LAGS..][..FEW].copy_from_slice(heard);
    }

    fn correlate(&mut self, near: &[f32; FEW]) {
        let keep = 1.0 - (self.playing as f32).min(MEMORY_FRAMES).recip();
        let (products, past) = (&mut self.products, &self.past[self.begin..]);
        dispatch!(level(), simd => correlate(simd, products, past, near, keep));
    }

    /// Updates the echo return loss while the delay is known.
    fn measure_loss(&mut self, near_level: f32) {
        let frames = self.candidate / FEW;
        // An echo is spread over at least two frames: compare with the louder one.
        let before = self.far_levels[(frames + 1).min(self.far_levels.len() - 1)];
        let far_level = self.far_levels[frames].max(before);
        if self.hits > 0 && far_level > FAR_SOUNDS.0 + 10.0 {
            self.loss.push(far_level - near_level);
        }
    }

    fn search(&mut self) -> Option<EchoVerdict> {
        let (place, peak) =
            self.products
                .iter()
                .map(|p| p.abs())
                .enumerate()
                .fold(
                    (0, 0.0),
                    |best, this| if this.1 > best.1 { this } else { best },
                );
        let power: f32 = self.products.iter().map(|p| p * p).sum();
        let mean = (power / LAGS as f32).sqrt();
        self.prominence = if mean > f32::MIN_POSITIVE && self.mute < SEARCH_EVERY {
            peak / mean
        } else {
            0.0
        };
        let is_echo = matches!(self.verdict, EchoVerdict::Echo { .. });
        let needed = if is_echo { STAYS_ECHO } else { IS_ECHO };
        let faint = self.hits >= HITS_NEEDED && self.loss.db > MOST_LOSS_DB;
        if self.prominence >= needed {
            self.seen(LAGS - 1 - place);
        }
        if self.prominence < needed || faint {
            self.without = self.without.saturating_add(SEARCH_EVERY);
            // A faint echo may become louder: its delay stays known.
            if !is_echo && !faint {
                self.hits = 0;
            }
        } else {
            self.without = 0;
        }
        self.judge(is_echo)
    }

    fn seen(&mut self, place: usize) {
        if place.abs_diff(self.candidate) <= SAME {
            self.hits = self.hits.saturating_add(1);
        } else {
            self.hits = 1;
            self.loss = Loss::default();
        }
        self.candidate = place;
    }

    fn judge(&mut self, was_echo: bool) -> Option<EchoVerdict> {
        let patience = if was_echo { GONE_AFTER } else { NONE_AFTER };
        let verdict = if self.without >= patience {
            EchoVerdict::None
        } else if self.hits >= HITS_NEEDED && self.without == 0 && self.loss.db <= MOST_LOSS_DB {
            let micros = self.candidate as u64 * 1_000_000 * STEP as u64 / 16_000;
            EchoVerdict::Echo {
                delay: Duration::from_micros(micros),
                loss_db: self.loss.db,
            }
        } else {
            return None;
        };
        let news = differs(self.verdict, verdict);
        self.verdict = verdict;
        news.then_some(verdict)
    }
}

/// Whether the verdicts differ in kind or in echo path.
fn differs(before: EchoVerdict, now: EchoVerdict) -> bool {
    match (before, now) {
        (EchoVerdict::Echo { delay: a, .. }, EchoVerdict::Echo { delay: b, .. }) => {
            a.abs_diff(b) > Duration::from_millis(5)
        }
        _ => before != now,
    }
}

/// Adds a frame to the correlation, of which the share `keep` remains: many delays in parallel, sample by sample.
#[inline(always)]
fn correlate<S: Simd>(simd: S, products: &mut [f32], past: &[f32], near: &[f32; FEW], keep: f32) {
    for (nth, products) in products
        .as_chunks_mut::<SIDE_BY_SIDE>()
        .0
        .iter_mut()
        .enumerate()
    {
        let mut sums = [f32x8::splat(simd, 0.0); SIDE_BY_SIDE / WIDTH];
        for (sum, product) in sums.iter_mut().zip(products.as_chunks::<WIDTH>().0) {
            *sum = f32x8::from_slice(simd, product) * keep;
        }
        let far = &past[nth * SIDE_BY_SIDE + 1..][..SIDE_BY_SIDE + FEW - 1];
        for (far, &near) in far.array_windows::<SIDE_BY_SIDE>().zip(near) {
            for (sum, far) in sums.iter_mut().zip(far.as_chunks::<WIDTH>().0) {
                *sum = f32x8::from_slice(simd, far).mul_add(near, *sum);
            }
        }
        for (sum, product) in sums.iter().zip(products.as_chunks_mut::<WIDTH>().0) {
            sum.store_slice(product);
        }
    }
}

/// Normalises the level of a frame, fully (0.5) or in part: a single loud word, of user or reply, must not outweigh all
/// others, and what was heard before a headset was plugged in is soon outweighed by silence.
fn evened(mut samples: [f32; FEW], exponent: f32) -> [f32; FEW] {
    let power = samples.iter().map(|s| s * s).sum::<f32>() / FEW as f32;
    if power > 1e-12 {
        let gain = power.powf(-exponent);
        samples.iter_mut().for_each(|s| *s *= gain);
    } else {
        samples.fill(0.0);
    }
    samples
}

/// Tracks the 67th percentile of the losses: the user's voice and reverberation make the microphone louder than the
/// echo, nothing makes it quieter.
#[derive(Clone, Copy, Debug, Default)]
struct Loss {
    db: f32,
    seen: u32,
}

impl Loss {
    fn push(&mut self, db: f32) {
        self.seen = self.seen.saturating_add(1);
        if self.seen == 1 {
            self.db = db;
        }
        // Stochastic quantile estimate with steps that start large: in equilibrium one step up meets two down.
        let step = (12.0 / self.seen as f32).max(0.2);
        self.db += if db > self.db {
            step * 0.67
        } else {
            step * -0.33
        };
    }
}

/// Decimator from 16 to 4 kHz with pre-emphasis: it whitens voices, so that their correlation is narrow.
struct Decimator {
    taps: [f32; TAPS],
    past: [f32; TAPS + FRAME_SAMPLES],
    last: f32,
}

impl Decimator {
    fn new() -> Self {
        // A sinc with its edge at 1.8 kHz in a Hann window.
        let taps: [f32; TAPS] = std::array::from_fn(|i| {
            let place = i as f32 + 0.5 - TAPS as f32 / 2.0;
            let edge = 1_800.0 / 8_000.0;
            let angle = std::f32::consts::PI * place;
            let window = 0.5 + 0.5 * (angle / (TAPS as f32 / 2.0)).cos();
            (angle * edge).sin() / angle * window
        });
        Self {
            taps,
            past: [0.0; TAPS + FRAME_SAMPLES],
            last: 0.0,
        }
    }

    fn push(&mut self, samples: &Samples) -> [f32; FEW] {
        self.past.copy_within(FRAME_SAMPLES.., 0);
        self.past[TAPS..].copy_from_slice(samples);
        let mut low = [0.0; FEW];
        widest(
            #[inline(always)]
            || {
                for (nth, low) in low.iter_mut().enumerate() {
                    *low = dot(&self.past[(nth + 1) * STEP..][..TAPS], &self.taps);
                }
            },
        );
        low.map(|low| low - 0.9 * std::mem::replace(&mut self.last, low))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUIET: Samples = [0.0; FRAME_SAMPLES];

    #[test]
    fn without_playback_there_is_no_verdict() {
        let mut leak = EchoDetector::new();
        let mut dice = Dice(1);
        for _ in 0..1_000 {
            assert_eq!(leak.push(&dice.frame(0.1), &QUIET), None);
        }
        assert_eq!(leak.verdict(), EchoVerdict::Unknown);
    }

    #[test]
    fn an_echo_is_found_once_and_a_muted_microphone_loses_it() {
        let mut leak = EchoDetector::new();
        let mut dice = Dice(2);
        let mut line = [QUIET; 13];
        let mut told = Vec::new();
        for frame in 0..1_500 {
            line.rotate_right(1);
            line[0] = dice.frame(0.2);
            let near = if frame < 700 {
                line[12].map(|s| s * 0.1)
            } else {
                QUIET
            };
            told.extend(leak.push(&near, &line[0]).map(|verdict| (frame, verdict)));
        }
        let [
            (found, EchoVerdict::Echo { delay, loss_db }),
            (lost, EchoVerdict::None),
        ] = told[..]
        else {
            panic!("an echo, then none: {told:?}");
        };
        assert!(found < 100, "after {found} frames");
        assert!((700..1_300).contains(&lost), "after {lost} frames");
        assert!(
            delay.abs_diff(Duration::from_millis(120)) <= Duration::from_millis(1),
            "{delay:?}"
        );
        assert!((loss_db - 20.0).abs() < 1.0, "{loss_db} dB");
        leak.reset();
        assert_eq!(leak.verdict(), EchoVerdict::Unknown);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn whatever_comes_the_figures_are_finite(values in prop::collection::vec(any::<f32>(), 1..60)) {
            let mut leak = EchoDetector::new();
            for frame in 0..60 {
                let value = |i: usize| values[(frame * 31 + i) % values.len()];
                leak.push(&std::array::from_fn(value), &std::array::from_fn(|i| value(i / 2)));
                prop_assert!(leak.prominence().is_finite());
                if let EchoVerdict::Echo { loss_db, .. } = leak.verdict() {
                    prop_assert!(loss_db.is_finite());
                }
            }
        }
    }

    struct Dice(u64);

    impl Dice {
        fn frame(&mut self, size: f32) -> Samples {
            std::array::from_fn(|_| {
                self.0 = self
                    .0
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                size * ((self.0 >> 40) as f32 / 8_388_608.0 - 1.0)
            })
        }
    }
}
