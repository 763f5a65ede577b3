//! A resampler with exact positions: output sample `m` belongs to input instant `m / to`, whatever the delay of the
//! filter, also across a change of the filter in mid-stream.
//!
//! A new filter is first fed with the newest input of the old one, and its output is discarded up to the position where
//! the old one stopped. So a change neither loses nor repeats samples.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::units::SampleRate;
use crate::dsp::resample::{ResampleError, Resampler};

/// Input kept for a new filter: longer than any filter and its delay (512 taps, stretched fourfold).
const HISTORY: usize = 4_096;

/// A resampler whose numbering has no delay.
pub(super) struct PositionedResampler {
    inner: Resampler,
    history: VecDeque<f32>,
    /// Samples fed to `inner` since `began`.
    taken: u64,
    /// Input samples before the first one fed to `inner`.
    began: u64,
    /// Samples returned by `inner`.
    produced: u64,
    /// Samples returned since the start.
    given: u64,
    /// Output of a filter change, to be returned with the next input.
    owed: Vec<f32>,
}

impl PositionedResampler {
    pub(super) fn new(from: SampleRate, to: SampleRate, taps: u32) -> Result<Self, ResampleError> {
        Ok(Self {
            inner: Resampler::new(from, to, taps)?,
            history: VecDeque::with_capacity(HISTORY),
            taken: 0,
            began: 0,
            produced: 0,
            given: 0,
            owed: Vec::new(),
        })
    }

    pub(super) fn from(&self) -> SampleRate {
        self.inner.from()
    }

    pub(super) fn to(&self) -> SampleRate {
        self.inner.to()
    }

    /// Delay from input to output.
    pub(super) fn delay(&self) -> Duration {
        self.inner.delay()
    }

    /// Samples returned so far: the number of the next one.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// Smallest whole-number ratio of input to output samples.
    pub(super) fn step(&self) -> (u64, u64) {
        let (from, to) = (self.from().hz(), self.to().hz());
        let (mut divisor, mut rest) = (from, to);
        while rest > 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        (u64::from(from / divisor), u64::from(to / divisor))
    }

    /// Output position of an input sample.
    pub(super) fn place_of(&self, input: u64) -> u64 {
        let scaled = u128::from(input) * u128::from(self.to().hz());
        u64::try_from(scaled / u128::from(self.from().hz())).unwrap_or(u64::MAX)
    }

    /// Processes samples and appends the output that is due.
    pub(super) fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        self.remember(input);
        self.feed(input, output);
    }

    /// Appends what is still inside; then `place_of(all input)` samples were returned, and the next input starts a new
    /// sound with continued numbering.
    pub(super) fn finish(&mut self, output: &mut Vec<f32>) {
        let input = self.began + self.taken;
        let due = self.place_of(input).saturating_sub(self.given);
        let silence = [0.0; 64];
        output.append(&mut self.owed);
        let start = output.len();
        while ((output.len() - start) as u64) < due {
            self.feed(&silence, output);
        }
        let due = usize::try_from(due).unwrap_or(usize::MAX);
        let surplus = (output.len() - start) - due;
        output.truncate(start + due);
        self.given -= surplus as u64;
        self.inner.reset();
        self.history.clear();
        self.began = input;
        self.taken = 0;
        self.produced = 0;
    }

    /// Changes the filter length from the next sample on.
    pub(super) fn set_taps(&mut self, taps: u32) -> Result<(), ResampleError> {
        if self.from() == self.to() {
            return Ok(());
        }
        self.inner = Resampler::new(self.from(), self.to(), taps)?;
        let history: Vec<f32> = self.history.iter().copied().collect();
        let input = self.began + self.taken;
        self.began = input - history.len() as u64;
        self.taken = 0;
        self.produced = 0;
        // The output of the history was returned already, or is due now if the old filter was slower.
        let mut late = Vec::new();
        self.feed(&history, &mut late);
        self.owed = late;
        Ok(())
    }

    fn remember(&mut self, input: &[f32]) {
        let newest = &input[input.len().saturating_sub(HISTORY)..];
        let surplus = (self.history.len() + newest.len()).saturating_sub(HISTORY);
        self.history.drain(..surplus);
        self.history.extend(newest);
    }

    fn feed(&mut self, input: &[f32], output: &mut Vec<f32>) {
        output.append(&mut self.owed);
        let start = output.len();
        self.inner.push(input, output);
        self.taken += input.len() as u64;
        let fresh = (output.len() - start) as u64;
        // Number of the first new output sample.
        let ratio = f64::from(self.to().hz()) / f64::from(self.from().hz());
        let delay = self.inner.delay().as_secs_f64() * f64::from(self.to().hz());
        let first = self.produced as f64 - delay + self.began as f64 * ratio;
        let surplus = (self.given as f64 - first).round().max(0.0) as u64;
        let surplus = surplus.min(fresh);
        output.drain(start..start + usize::try_from(surplus).unwrap_or(usize::MAX));
        self.produced += fresh;
        self.given += fresh - surplus;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn a_sound_keeps_its_place_and_length(
            from in prop::sample::select(vec![8_000_u32, 16_000, 24_000, 44_100, 48_000]),
            to in prop::sample::select(vec![16_000_u32, 24_000, 44_100, 48_000]),
            blocks in prop::collection::vec(1_usize..700, 8..24),
        ) {
            let mut resampler = new_resampler(from, to, 64);
            let mut output = Vec::new();
            let mut input = 0_u64;
            for (i, n) in blocks.into_iter().enumerate() {
                // The filter changes now and then.
                if i % 5 == 4 {
                    resampler.set_taps(if i % 2 == 0 { 64 } else { 128 }).expect("valid");
                }
                let block: Vec<f32> = (input..input + n as u64).map(|i| tone(i, from)).collect();
                resampler.push(&block, &mut output);
                input += n as u64;
            }
            resampler.finish(&mut output);
            prop_assert_eq!(output.len() as u64, input * u64::from(to) / u64::from(from));
            prop_assert_eq!(output.len() as u64, resampler.given());
            let inner = 200..output.len().saturating_sub(200).max(200);
            for place in inner {
                let error = (output[place] - tone(place as u64, to)).abs();
                prop_assert!(error < 0.05, "off by {} at {}", error, place);
            }
        }
    }

    #[test]
    fn equal_rates_pass_untouched() {
        let mut resampler = new_resampler(24_000, 24_000, 64);
        let mut output = Vec::new();
        resampler.push(&[0.1, 0.2], &mut output);
        resampler.set_taps(128).expect("valid");
        resampler.push(&[0.3], &mut output);
        resampler.finish(&mut output);
        assert_eq!(output, [0.1, 0.2, 0.3]);
    }

    fn new_resampler(from: u32, to: u32, taps: u32) -> PositionedResampler {
        let rate = |hz| SampleRate::new(hz).expect("not zero");
        PositionedResampler::new(rate(from), rate(to), taps).expect("valid")
    }

    /// 300 Hz: half a sample of shift at 16 kHz is 0.06.
    fn tone(i: u64, rate: u32) -> f32 {
        (i as f32 / rate as f32 * 300.0 * std::f32::consts::TAU).sin() * 0.5
    }
}
